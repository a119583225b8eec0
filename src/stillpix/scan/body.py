"""One body's share of a scan: its photos, their results, and the workers.

Never reads anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ReadError
from ..evidence.evidence import Evidence
from ..evidence.repeats import KnownPictures
from ..evidence.sightings import Sightings
from ..evidence.spots import Spotted
from ..frame import Sensor
from ..images import Header
from ..images.gather import Skipped, in_order
from ..maps.lens_laws import LensLaw
from ..maps.records import DefectMap
from ..watch import Watch
from .in_flight import InFlight, in_flight
from .known import Known, head_of

LAWS_NAME = "laws.json"  # in the folder of a body's evidence
OF_ANY_LENS = (
    "does not say which of the phone's lenses took it, as other photos of {} do; if all such "
    "photos are of one lens, name it with --camera NAME; or give them with all their EXIF data"
)


@dataclass(slots=True)
class BodyOutcome:
    """What came of one body's photos."""

    sensor: Sensor
    map: DefectMap | None = None  # None: none of its photos could be used
    path: Path | None = None  # where the map is kept; None: it is not
    read: int = 0  # photos added now
    known: int = 0  # of earlier scans
    duplicates: int = 0  # copies of photos that were added
    repeats: int = 0  # the same picture once more
    left: int = 0  # not read because the scan was stopped
    looked: int = 0  # read a second time, to tell when defects began
    unlooked: int = 0  # that should have been, but the scan was stopped
    spared: int = 0  # not read because those that were read are enough
    missed: float | None = None  # then: share of the pixels that show which may be missing
    skipped: list[Skipped] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)  # what failed but a photo, and the remedy
    # What the map stands on, where it is asked for; gone once the next body is.
    evidence: Evidence | None = None
    log: Sightings | None = None
    photos: dict[str, Header] = field(default_factory=dict)  # by digest


@dataclass(slots=True)
class Body:
    """One body's photos, and all that the parts of its scan share."""

    headers: Sequence[Header]
    outcome: BodyOutcome
    watch: Watch
    pool: Executor
    threads: int  # that the workers are
    evidence: Evidence = field(init=False)
    log: Sightings = field(init=False)
    known: KnownPictures = field(init=False)  # pictures that were counted
    earlier: frozenset[str] = frozenset()  # digests of the photos that earlier scans read
    names: dict[tuple[Path, int], str] = field(default_factory=dict)  # of unchanged pictures
    spotted: Spotted = field(default_factory=Spotted)
    laws: tuple[LensLaw, ...] = ()  # by which photos are laid back; none: as they are
    tried: int = 0  # photos at hand when last it was asked if places move with the focal length
    unread: Known | None = None  # what knows photos beside those of the headers

    @property
    def in_flight(self) -> InFlight:
        """Return how many photos are in memory at once."""
        return in_flight(self.sensor, self.threads)

    @property
    def sensor(self) -> Sensor:
        """Return the sensor that took the photos."""
        return self.outcome.sensor

    @property
    def form(self) -> str:
        """Return the format of the first file."""
        if self.unread is not None and not self.headers:
            return self.unread.forms[self.sensor]
        return self.headers[0].format

    def was_counted(self, digest: str) -> bool:
        """Return whether a photo was added to the evidence: repeats are not."""
        record = self.evidence.photos.get(digest)
        return record is not None and record.counted

    def read_heads(self) -> None:
        """Take in the headers of known photos, too, where they were not read."""
        if self.unread is None:
            return
        read = {header.path for header in self.headers}
        paths = [path for path in self.unread.paths(self.sensor) if path not in read]
        headers = [*self.headers]
        for path, header in zip(paths, self.pool.map(self._head_of, paths), strict=True):
            if isinstance(header, Header):
                headers.append(header)
            else:
                self.outcome.skipped.append(Skipped(str(path), header.reason))
        self.headers, self.unread = in_order(headers), None

    def _head_of(self, path: Path) -> Header | ReadError:
        try:
            return head_of(path, self.sensor)
        except ReadError as error:
            return error

    def photos_by_digest(self) -> dict[str, Header]:
        """Return the photos at hand whose digest is known; of copies the first."""
        found: dict[str, Header] = {}
        for header in self.headers:
            if digest := self.log.files.get(self.names[header.key]):
                found.setdefault(digest, header)
        return found

"""From photos to maps: adds up the evidence of each body, and keeps what comes of it.

Never prints: a Watch is told what happens. One photo that cannot be read stops nothing, and one
body that fails costs the others nothing.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from .atomic import replacing_folder, set_aside, settled_folder
from .defects import DefectMap
from .detection import DetectionSettings, detect
from .errors import (
    LibraryBusyError,
    MapFormatError,
    NothingUsableError,
    ReadError,
    SensorMismatchError,
    StateFormatError,
    StillpixError,
    WriteError,
)
from .evidence import TOGETHER, Evidence
from .frame import Frame, Sensor
from .gather import Gathering, Skipped, gather
from .images import Header, read_frame
from .library import Library
from .reading import read_ahead, threads
from .scenes import Signature, is_repeat, signature_of
from .watch import Watch

LOCK_POLL_S = 0.5  # how often, while another find has the body, a Ctrl-C is looked for

Photo: TypeAlias = tuple[Frame, Signature]


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
    left: int = 0  # not looked at because the scan was stopped
    skipped: list[Skipped] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)  # what failed but a photo, and the remedy


def find(
    paths: Iterable[str | os.PathLike[str]], *, fdr: float = 0.01, jobs: int | None = None
) -> list[DefectMap]:
    """Return a map for each camera body whose photos are under the paths.

    Nothing is read from or kept in the user's library. A file that cannot be used becomes a
    Python warning that names it. Raises NothingUsableError when no photo can be used.

    >>> from tempfile import TemporaryDirectory
    >>> from stillpix.simulate import CameraSettings, SimulatedCamera, write_series
    >>> camera = SimulatedCamera(CameraSettings(width=160, height=120, defects=0), seed=1)
    >>> with TemporaryDirectory() as folder:
    ...     _ = write_series(folder, camera, photos=4)
    ...     [(found.sensor.width, found.evidence.photos) for found in find([folder])]
    [(160, 4)]
    """
    found = gather(paths, jobs=jobs)
    outcomes = list(scan(found, settings=DetectionSettings(fdr=fdr), jobs=jobs))
    skipped = [*found.skipped, *(each for body in outcomes for each in body.skipped)]
    maps = [body.map for body in outcomes if body.map is not None]
    troubles = [line for body in outcomes for line in body.troubles]
    if not maps:
        raise NothingUsableError(troubles[0] if troubles else why_nothing(skipped))
    for line in [*(f"{each.path}: {each.reason}" for each in skipped), *troubles]:
        warnings.warn(line, stacklevel=2)
    return maps


def scan(
    found: Gathering,
    *,
    settings: DetectionSettings | None = None,
    jobs: int | None = None,
    library: Library | None = None,
    watch: Watch | None = None,
) -> Iterator[BodyOutcome]:
    """Read the photos that were gathered and yield what comes of each body, as it is done.

    With a library, evidence of earlier scans is taken up, photos that are in it already are not
    read again, and evidence and map are kept there.
    """
    settings, watch = settings or DetectionSettings(), watch or Watch()
    # Each photo read ahead holds memory; more of them than threads would only wait.
    ahead = min(TOGETHER, jobs or os.cpu_count() or 1)
    with threads(jobs) as pool:
        for sensor, headers in found.bodies.items():
            body = _Body(headers, BodyOutcome(sensor), settings, watch, pool, ahead)
            body.scan_or_explain(library)
            yield body.outcome


class _Body:
    """One body's share of a scan."""

    def __init__(
        self, headers: Sequence[Header], outcome: BodyOutcome, settings: DetectionSettings,
        watch: Watch, pool: Executor, ahead: int,
    ) -> None:  # fmt: skip
        self.headers, self.outcome, self.settings = headers, outcome, settings
        self.watch, self.pool, self.ahead = watch, pool, ahead
        self.sensor = outcome.sensor

    def scan_or_explain(self, library: Library | None) -> None:
        """Fill in the outcome, if only with what went wrong."""
        try:
            self._scan(library)
        except StillpixError as error:
            self._give_up(str(error))
        except MemoryError:
            self._give_up(
                f"{self.sensor.name}: there is not enough memory for so large a picture; "
                "close other programs and run again"
            )

    def _give_up(self, reason: str) -> None:
        self.outcome.troubles.append(reason)
        self.outcome.left = 0  # they were not left because somebody stopped the scan

    def _scan(self, library: Library | None) -> None:
        with ExitStack() as stack:
            if self.watch.stop() or (library and not self._locked(library, stack)):
                self.outcome.left = len(self.headers)
                return
            evidence = self._taken_up(library) if library else Evidence(self.sensor)
            if self._read(evidence) and library:
                self._keep_evidence(evidence, library)
            if evidence.photos:
                self.outcome.map = detect(evidence, self.settings, self.pool)
                if library:
                    self._keep_map(self.outcome.map, library)

    def _locked(self, library: Library, stack: ExitStack) -> bool:
        """Take the body's lock; False where the scan was stopped while another find had it."""
        wait_s = 0.0
        while not self.watch.stop():
            try:
                stack.enter_context(library.lock(self.sensor, wait_s=wait_s))
            except LibraryBusyError:
                if not wait_s:
                    self.watch.message(
                        f"{self.sensor.name}: another stillpix is adding photos of this camera; "
                        "waiting for it to end"
                    )
                wait_s = LOCK_POLL_S
            else:
                return True
        return False

    def _taken_up(self, library: Library) -> Evidence:
        """Return the evidence of earlier scans, or a new one where there is none that can be used.

        What cannot be used is put aside, not lost: a newer stillpix may have written it.
        """
        folder = settled_folder(library.evidence_path(self.sensor))
        if folder.exists():
            try:
                return Evidence.load(folder, self.sensor)
            except StateFormatError as error:
                aside = set_aside(folder)
                self.outcome.troubles.append(
                    f"{error}, from these photos alone; the old one is now {aside}"
                )
        return Evidence(self.sensor)

    def _read(self, evidence: Evidence) -> bool:
        """Add the photos not known yet, until they end or the scan is stopped; say if any were."""
        before = len(evidence.files), len(evidence.photos)
        names = {header.path: _name_on_disk(header.path) for header in self.headers}
        fresh = [header for header in self.headers if names[header.path] not in evidence.files]
        earlier = frozenset(evidence.photos)
        self.outcome.known, self.outcome.left = len(self.headers) - len(fresh), len(fresh)
        self.watch.body(self.sensor, len(fresh))
        batches = read_ahead(fresh, _photo, self.pool, together=TOGETHER, ahead=self.ahead)
        with closing(batches):
            for batch in batches:
                photos: list[Photo] = []
                for header, photo in batch:
                    if isinstance(photo, ReadError):
                        self.outcome.skipped.append(Skipped(photo.path, photo.reason))
                        continue
                    photos.append(photo)
                    if names[header.path]:
                        evidence.files.add(names[header.path])
                self._add(photos, evidence, earlier)
                self.outcome.left -= len(batch)
                self.watch.photos(len(fresh) - self.outcome.left)
                if self.watch.stop():
                    break
        return before != (len(evidence.files), len(evidence.photos))

    def _add(self, photos: list[Photo], evidence: Evidence, earlier: frozenset[str]) -> None:
        """Add what is new of some photos, and count what is not."""
        fresh: dict[str, Frame] = {}
        for frame, signature in photos:
            if frame.digest in earlier:
                self.outcome.known += 1
            elif evidence.knows(frame.digest) or frame.digest in fresh:
                self.outcome.duplicates += 1
            elif is_repeat(signature, evidence.signatures.values()):
                evidence.note_repeat(frame)
                self.outcome.repeats += 1
            else:
                evidence.signatures[frame.digest] = signature
                fresh[frame.digest] = frame
                self.outcome.read += 1
        evidence.update_all(list(fresh.values()), self.pool)

    def _keep_evidence(self, evidence: Evidence, library: Library) -> None:
        try:
            with replacing_folder(library.evidence_path(self.sensor)) as beside:
                evidence.save(beside)
        except WriteError as error:
            self.outcome.troubles.append(
                f"{error} (the evidence of {self.sensor.name} was not kept: the next find reads "
                "these photos again)"
            )

    def _keep_map(self, found: DefectMap, library: Library) -> None:
        path = library.map_path(self.sensor)
        try:
            self.outcome.map = library.save(found)
            self.outcome.path = path
        except WriteError as error:
            self.outcome.troubles.append(f"{error} (the map of {self.sensor.name} was not kept)")
        except (MapFormatError, SensorMismatchError) as error:
            self.outcome.troubles.append(
                f"the new map of {self.sensor.name} was not kept, so as not to lose what is in "
                f"the old one ({error}); or move {path.name} away and run again: no photo is "
                "read twice"
            )


def _photo(header: Header, buffer: bytearray) -> Photo:
    frame = read_frame(header, buffer=buffer)
    return frame, signature_of(frame.pixels)


def _name_on_disk(path: Path) -> str:
    """Return what tells an unchanged file without reading it, wherever its folder has moved.

    Nothing tells a file that is gone since; reading it will say so.
    """
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{path.name}|{status.st_size}|{status.st_mtime_ns}"


def why_nothing(skipped: Sequence[Skipped]) -> str:
    """Return one line that says why there was no photo to work with.

    >>> why_nothing([Skipped("a.jpg", "is empty; delete it"), Skipped("b.jpg", "is empty")])
    'no photo there can be used: a.jpg: is empty; delete it (and 1 more)'
    """
    if not skipped:
        return "no photo there; give photos, or a folder of them (JPEG, PNG or TIFF)"
    first = skipped[0]
    more = f" (and {len(skipped) - 1} more)" if len(skipped) > 1 else ""
    return f"no photo there can be used: {first.path}: {first.reason}{more}"

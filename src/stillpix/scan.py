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
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeAlias, get_args

from .atomic import replacing_folder, set_aside, settled_folder
from .detection.dates import dated
from .detection.decide import DetectionSettings, detect
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
from .evidence.evidence import TOGETHER, Evidence
from .evidence.measures import Measures, Place, measured
from .evidence.repeats import Signature, is_repeat, signature_of
from .evidence.sightings import LOG_NAME, Sightings
from .frame import Exposure, Frame, Sensor
from .images import Buffer, Header, read_frame
from .images.gather import Gathering, Skipped, gather
from .images.read_ahead import read_ahead, threads
from .maps.library import Library
from .maps.merging import with_marks_of
from .maps.records import DefectMap, State
from .watch import Watch

LOCK_POLL_S = 0.5  # how often, while another find has the body, a Ctrl-C is looked for
# Photos that one scan looks at a second time at most, evenly over their dates. The others have
# their turn in later scans; until then the dates are as close as these tell.
MOST_LOOKS = 2000
# Pixels of a map that have dates at most, the surest first: a set of exports may show any number.
MOST_PLACES = 2000
SURE: tuple[State, ...] = ("confirmed", "accepted")

Photo: TypeAlias = tuple[Frame, Signature, Measures]
Look: TypeAlias = tuple[str, Exposure, Measures]  # a photo's digest first


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
    skipped: list[Skipped] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)  # what failed but a photo, and the remedy
    # What the map stands on, where it is asked for; gone once the next body is.
    evidence: Evidence | None = None
    log: Sightings | None = None
    photos: dict[str, Header] = field(default_factory=dict)  # by digest


def find(
    paths: Iterable[str | os.PathLike[str]],
    *,
    fdr: float = 0.01,
    jobs: int | None = None,
    fast: bool = False,
    dark: bool = False,
) -> list[DefectMap]:
    """Return a map for each camera body whose photos are under the paths.

    Photos are read twice where anything is found: the second time to tell since when. `fast`
    leaves that out. With `dark` all RAW and FITS files are dark frames: two are enough.

    Nothing is read from or kept in the user's library. A file that cannot be used becomes a Python
    warning that names it. Raises NothingUsableError when no photo can be used.

    >>> from tempfile import TemporaryDirectory
    >>> from stillpix.simulate import CameraSettings, SimulatedCamera, write_series
    >>> camera = SimulatedCamera(CameraSettings(width=160, height=120, defects=0), seed=1)
    >>> with TemporaryDirectory() as folder:
    ...     _ = write_series(folder, camera, photos=4)
    ...     [(found.sensor.width, found.evidence.photos) for found in find([folder])]
    [(160, 4)]
    """
    found = gather(paths, jobs=jobs, dark=dark)
    outcomes = list(scan(found, settings=DetectionSettings(fdr=fdr), jobs=jobs, fast=fast))
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
    fast: bool = False,
    with_evidence: bool = False,
) -> Iterator[BodyOutcome]:
    """Read the photos that were gathered and yield what comes of each body, as it is done.

    With a library, evidence of earlier scans is taken up, photos that are in it already are not
    read again (but for a defect that is new), and evidence and map are kept there. `fast` reads
    no photo a second time: defects that are new have no dates then. `with_evidence` hands each
    body's evidence, log and photos on with it, until the next body is asked for.
    """
    settings, watch = settings or DetectionSettings(), watch or Watch()
    # Each photo read ahead holds memory; more of them than threads would only wait.
    ahead = min(TOGETHER, jobs or os.cpu_count() or 1)
    with threads(jobs) as pool:
        for sensor, headers in found.bodies.items():
            body = _Body(headers, BodyOutcome(sensor), settings, watch, pool, ahead, fast=fast)
            body.with_evidence = with_evidence
            body.scan_or_explain(library)
            yield body.outcome
            body.outcome.evidence = body.outcome.log = None  # 16 bytes a pixel and more


class _Body:
    """One body's share of a scan."""

    def __init__(
        self, headers: Sequence[Header], outcome: BodyOutcome, settings: DetectionSettings,
        watch: Watch, pool: Executor, ahead: int, *, fast: bool,
    ) -> None:  # fmt: skip
        self.headers, self.outcome, self.settings = headers, outcome, settings
        self.watch, self.pool, self.ahead, self.fast = watch, pool, ahead, fast
        self.sensor = outcome.sensor
        self.names: dict[Path, str] = {}
        self.with_evidence = False

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
            log = self._log_of(library) if library else Sightings(self.sensor)
            previous = self._previous(library) if library else None
            log.list_places(_places(previous))
            if len(log.places) > 2 * MOST_PLACES:  # candidates that came and went
                log.keep_places(_places(previous))
            earlier = frozenset(evidence.photos)
            if self._read(evidence, log, earlier) and library:
                self._keep_evidence(evidence, log, library)
            if not evidence.photos:
                return
            found = detect(evidence, self.settings, self.pool)
            if previous is not None:  # a person's marks have dates, too
                found = with_marks_of(previous, found)
            self.outcome.map = self._dated(found, evidence, log, earlier, library)
            if self.with_evidence:
                self.outcome.evidence, self.outcome.log = evidence, log
                self.outcome.photos = self._by_digest(log)
            if library:
                self._keep_map(self.outcome.map, library)

    def _by_digest(self, log: Sightings) -> dict[str, Header]:
        """Return the photos at hand whose digest is known; of copies the first."""
        found: dict[str, Header] = {}
        for header in self.headers:
            if digest := log.files.get(self.names[header.path]):
                found.setdefault(digest, header)
        return found

    def _dated(
        self, found: DefectMap, evidence: Evidence, log: Sightings, earlier: frozenset[str],
        library: Library | None,
    ) -> DefectMap:  # fmt: skip
        """Return the map with dates; without, rather than not at all, where memory ends."""
        try:
            if not self.fast and self._look_again(found, evidence, log, earlier) and library:
                self._keep_log(log, library)
            return dated(found, log)
        except MemoryError:
            self.outcome.troubles.append(
                f"{self.sensor.name}: there is not enough memory to tell when defects began; "
                "close other programs and run again, or run with --fast"
            )
            return found

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

    def _log_of(self, library: Library) -> Sightings:
        """Return what photos of earlier scans said at the places of the map."""
        try:
            return Sightings.load(library.evidence_path(self.sensor) / LOG_NAME, self.sensor)
        except StateFormatError as error:
            self.outcome.troubles.append(f"{error}, from the photos that are at hand")
            return Sightings(self.sensor)

    def _previous(self, library: Library) -> DefectMap | None:
        """Return the body's map before this scan; one that cannot be read is told of later."""
        try:
            return library.find(self.sensor)
        except (MapFormatError, SensorMismatchError):
            return None

    def _read(self, evidence: Evidence, log: Sightings, earlier: frozenset[str]) -> bool:
        """Add the photos not known yet, until they end or the scan is stopped; say if any were."""
        before = len(evidence.files), len(evidence.photos)
        self.names = {header.path: _name_on_disk(header.path) for header in self.headers}
        fresh = [header for header in self.headers if self.names[header.path] not in evidence.files]
        self.outcome.known, self.outcome.left = len(self.headers) - len(fresh), len(fresh)
        self.watch.body(self.sensor, len(fresh))
        read = partial(_photo, places=tuple(log.places))
        batches = read_ahead(fresh, read, self.pool, together=TOGETHER, ahead=self.ahead)
        with closing(batches):
            for batch in batches:
                photos: list[Photo] = []
                for header, photo in batch:
                    if isinstance(photo, ReadError):
                        self.outcome.skipped.append(Skipped(photo.path, photo.reason))
                        self.watch.skipped(photo.path, photo.reason)
                        self.names[header.path] = ""  # it is not looked at again
                        continue
                    photos.append(photo)
                    if name := self.names[header.path]:
                        evidence.files.add(name)
                        log.files[name] = photo[0].digest
                self._add(photos, evidence, log, earlier)
                self.outcome.left -= len(batch)
                self.watch.photos(len(fresh) - self.outcome.left)
                if self.watch.stop():
                    break
        return before != (len(evidence.files), len(evidence.photos))

    def _add(
        self, photos: list[Photo], evidence: Evidence, log: Sightings, earlier: frozenset[str]
    ) -> None:
        """Add what is new of some photos, and count what is not."""
        fresh: dict[str, Frame] = {}
        for frame, signature, said in photos:
            if frame.digest in earlier:
                self.outcome.known += 1
            elif evidence.knows(frame.digest) or frame.digest in fresh:
                self.outcome.duplicates += 1
            elif not frame.dark and is_repeat(
                signature, evidence.signatures.values(), self.sensor.layout
            ):
                evidence.note_repeat(frame, self.pool)
                self.outcome.repeats += 1
            else:
                evidence.signatures[frame.digest] = signature
                fresh[frame.digest] = frame
                log.note(frame.digest, frame.exposure, said)
                self.outcome.read += 1
        evidence.update_all(list(fresh.values()), self.pool)

    def _look_again(
        self, found: DefectMap, evidence: Evidence, log: Sightings, earlier: frozenset[str]
    ) -> bool:
        """Look at the map's places in the photos that said nothing of them yet; say if any did."""
        log.list_places(_places(found))
        chosen = self._to_look_at(found, evidence, log, earlier)
        if not chosen or self.watch.stop():
            self.outcome.unlooked = len(chosen)
            return False
        self.watch.again(self.sensor, len(chosen))
        look = partial(_look, places=tuple(log.places))
        batches = read_ahead(chosen, look, self.pool, together=self.ahead, ahead=self.ahead)
        done, failed = 0, []
        with closing(batches):
            for batch in batches:
                failed += [seen for _, seen in batch if isinstance(seen, ReadError)]
                for header, seen in batch:
                    if not isinstance(seen, ReadError):
                        self._note(header, seen, evidence, log)
                done += len(batch)
                self.watch.photos(done)
                if self.watch.stop():
                    break
        self.outcome.unlooked = len(chosen) - done
        if failed:
            self.outcome.troubles.append(
                f"{failed[0]} (photos that could be read only once: {len(failed)}; the dates of "
                "defects stand on the others)"
            )
        return True

    def _note(self, header: Header, look: Look, evidence: Evidence, log: Sightings) -> None:
        """Keep what a photo says, unless it is another by now, or shows what one before showed."""
        digest, exposure, said = look
        log.files[self.names[header.path]] = digest
        if _counted(evidence, digest):
            log.note(digest, exposure, said)
            self.outcome.looked += 1

    def _to_look_at(
        self, found: DefectMap, evidence: Evidence, log: Sightings, earlier: frozenset[str]
    ) -> list[Header]:
        """Return the photos to look at again, MOST_LOOKS at most, evenly over their dates.

        Those that are new in all places of the map; those of earlier scans only where they said
        nothing yet of one that is surely broken, since candidates come and go with every scan.
        """
        sure = _places(found, SURE)
        chosen: dict[str, tuple[datetime, Header]] = {}
        for header in self.headers:
            taken, name = header.exposure.taken, self.names[header.path]
            if taken is None or not name:
                continue
            digest = log.files.get(name, name)
            places = sure if digest in earlier or digest == name else log.places
            known_repeat = digest != name and not _counted(evidence, digest)
            if places and not known_repeat and not log.has_looked(digest, places):
                chosen.setdefault(digest, (taken, header))
        by_date = sorted(chosen.values(), key=lambda each: each[0])
        steps = max(len(by_date) / MOST_LOOKS, 1.0)
        return [by_date[int(n * steps)][1] for n in range(int(len(by_date) / steps))]

    def _keep_evidence(self, evidence: Evidence, log: Sightings, library: Library) -> None:
        try:
            with replacing_folder(library.evidence_path(self.sensor)) as beside:
                evidence.save(beside)
                log.save(beside / LOG_NAME)
        except WriteError as error:
            self.outcome.troubles.append(
                f"{error} (the evidence of {self.sensor.name} was not kept: the next find reads "
                "these photos again)"
            )

    def _keep_log(self, log: Sightings, library: Library) -> None:
        folder = library.evidence_path(self.sensor)
        if not folder.is_dir():  # the evidence could not be kept, and that was told
            return
        try:
            log.save(folder / LOG_NAME)
        except WriteError as error:
            self.outcome.troubles.append(
                f"{error} (what the photos say at the places of the map of {self.sensor.name} was "
                "not kept: the next find looks at these photos again)"
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
                f"the new map of {self.sensor.name} was not kept, because the old one must not "
                f"be lost ({error}); or move {path.name} away and run again: no photo is "
                "read twice"
            )


def _photo(header: Header, buffer: Buffer, *, places: Sequence[Place]) -> Photo:
    frame = read_frame(header, buffer=buffer)
    signature = signature_of(frame.pixels, frame.sensor.layout)
    return frame, signature, measured(frame, places)


def _look(header: Header, buffer: Buffer, *, places: Sequence[Place]) -> Look:
    frame = read_frame(header, buffer=buffer)
    return frame.digest, frame.exposure, measured(frame, places)


def _counted(evidence: Evidence, digest: str) -> bool:
    return digest in evidence.photos and evidence.photos[digest].counted


def _places(found: DefectMap | None, states: tuple[State, ...] = get_args(State)) -> list[Place]:
    """Return where the map's single pixels are, MOST_PLACES at most: the surest, the loudest."""
    defects = () if found is None else found.in_state(*states)
    surest_first = sorted(defects, key=lambda one: one.state not in SURE)
    return [(one.x, one.y) for one in surest_first if one.run is None][:MOST_PLACES]


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
        return "no photo there; give photos, or a folder of them (JPEG, PNG, TIFF, RAW or FITS)"
    first = skipped[0]
    more = f" (and {len(skipped) - 1} more)" if len(skipped) > 1 else ""
    return f"no photo there can be used: {first.path}: {first.reason}{more}"

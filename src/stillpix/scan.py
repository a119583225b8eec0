"""From photos to maps: reads ahead in threads, adds up evidence body by body, keeps the outcome.

Never prints: a Watch is told what happens. One photo that cannot be read stops nothing.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from .atomic import replacing_folder, settled_folder
from .defects import DefectMap
from .detection import DetectionSettings, detect
from .errors import (
    LibraryBusyError,
    NothingUsableError,
    ReadError,
    StateFormatError,
    StillpixError,
    WriteError,
)
from .evidence import TOGETHER, Evidence
from .frame import Frame, Sensor
from .gather import Gathering, Skipped, gather
from .images import Header, read_frame
from .library import Library
from .scenes import Signature, is_repeat, signature_of
from .watch import Watch

Outcome: TypeAlias = tuple[Header, Frame, Signature] | Skipped

LOCK_WAIT_S = 6 * 3600.0  # another find on the same body is waited for, and its photos are not lost


@dataclass(frozen=True, slots=True)
class BodyOutcome:
    """What came of one body's photos."""

    map: DefectMap
    read: int = 0  # photos added now
    known: int = 0  # of earlier scans
    duplicates: int = 0  # copies of photos that were added
    repeats: int = 0  # the same picture once more


@dataclass(slots=True)
class ScanOutcome:
    """What came of a scan."""

    bodies: list[BodyOutcome] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    left: int = 0  # photos not looked at because the scan was stopped


@dataclass(slots=True)
class _Tally:
    read: int = 0
    known: int = 0
    duplicates: int = 0
    repeats: int = 0
    done: int = 0


def find(
    paths: Iterable[str | os.PathLike[str]], *, fdr: float = 0.01, jobs: int | None = None
) -> list[DefectMap]:
    """Return a map for each camera body whose photos are under the paths.

    Nothing is read from or kept in the user's library. Raises NothingUsableError when there is
    no photo that can be read.

    >>> from tempfile import TemporaryDirectory
    >>> from stillpix.simulate import CameraSettings, SimulatedCamera, write_series
    >>> camera = SimulatedCamera(CameraSettings(width=160, height=120, defects=0), seed=1)
    >>> with TemporaryDirectory() as folder:
    ...     _ = write_series(folder, camera, photos=4)
    ...     [(found.sensor.width, found.evidence.photos) for found in find([folder])]
    [(160, 4)]
    """
    outcome = scan(gather(paths, jobs=jobs), settings=DetectionSettings(fdr=fdr), jobs=jobs)
    if not outcome.bodies:
        raise NothingUsableError(why_nothing(outcome.skipped))
    return [body.map for body in outcome.bodies]


def scan(
    found: Gathering,
    *,
    settings: DetectionSettings | None = None,
    jobs: int | None = None,
    library: Library | None = None,
    watch: Watch | None = None,
) -> ScanOutcome:
    """Read the photos that were gathered and make each body's map.

    With a library, evidence of earlier scans is taken up, photos that are in it already are not
    read again, and evidence and map are kept there.
    """
    settings, watch = settings or DetectionSettings(), watch or Watch()
    outcome = ScanOutcome(skipped=list(found.skipped))
    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        for sensor, headers in found.bodies.items():
            if watch.stop():
                outcome.left += len(headers)
                continue
            one = _Body(sensor, headers, settings, library, watch, pool)
            try:
                made = one.kept() if library else one.outcome(Evidence(sensor))
            except StillpixError as error:
                outcome.skipped.append(Skipped(sensor.name, str(error)))
                continue
            outcome.skipped += one.skipped
            outcome.left += len(headers) - one.tally.done
            if made:
                outcome.bodies.append(made)
    return outcome


class _Body:
    """One body's share of a scan."""

    def __init__(
        self, sensor: Sensor, headers: Sequence[Header], settings: DetectionSettings,
        library: Library | None, watch: Watch, pool: Executor,
    ) -> None:  # fmt: skip
        self.sensor, self.headers, self.settings = sensor, headers, settings
        self.library, self.watch, self.pool = library, watch, pool
        self.tally = _Tally()
        self.skipped: list[Skipped] = []

    def kept(self) -> BodyOutcome | None:
        """Go on from the library's evidence, and keep evidence and map there."""
        assert self.library is not None
        with _held(self.library, self.sensor, self.watch):
            folder = self.library.evidence_path(self.sensor)
            evidence = _taken_up(folder, self.sensor, self.watch)
            made = self.outcome(evidence)
            if made is None:
                return None
            if self.tally.read or self.tally.repeats:
                self._keep_evidence(evidence, folder)
            saved = self.library.save(made.map)
        return BodyOutcome(saved, made.read, made.known, made.duplicates, made.repeats)

    def outcome(self, evidence: Evidence) -> BodyOutcome | None:
        """Add the photos to the evidence and make the map; None where there is no photo at all."""
        self.watch.body(self.sensor, len(self.headers))
        names = {header.path: _name_on_disk(header.path) for header in self.headers}
        fresh = [header for header in self.headers if names[header.path] not in evidence.files]
        self.tally.known = self.tally.done = len(self.headers) - len(fresh)
        for batch in _read_ahead(fresh, self.pool, 2 * TOGETHER):
            self._add(batch, evidence, names)
            self.watch.photos(self.tally.done)
            if self.watch.stop():
                break
        if not evidence.photos:
            return None
        found = detect(evidence, self.settings, self.pool)
        tally = self.tally
        return BodyOutcome(found, tally.read, tally.known, tally.duplicates, tally.repeats)

    def _add(self, batch: list[Outcome], evidence: Evidence, names: dict[Path, str]) -> None:
        """Sort a batch into what is new, what is known and what cannot be used; add the new."""
        fresh: dict[str, Frame] = {}
        for outcome in batch:
            self.tally.done += 1
            if isinstance(outcome, Skipped):
                self.skipped.append(outcome)
                self.watch.message(f"{outcome.path}: {outcome.reason}")
                continue
            header, frame, signature = outcome
            evidence.files.add(names[header.path])
            if evidence.knows(frame.digest) or frame.digest in fresh:
                self.tally.duplicates += 1
            elif is_repeat(signature, evidence.signatures.values()):
                evidence.note_repeat(frame)
                self.tally.repeats += 1
            else:
                evidence.signatures[frame.digest] = signature
                fresh[frame.digest] = frame
                self.tally.read += 1
        evidence.update_all(list(fresh.values()), self.pool)

    def _keep_evidence(self, evidence: Evidence, folder: Path) -> None:
        try:
            with replacing_folder(folder) as beside:
                evidence.save(beside)
        except WriteError as error:
            self.watch.message(
                f"{error}; the evidence of {self.sensor.name} was not kept, the next find will "
                "read all its photos again"
            )


def _read_ahead(headers: Sequence[Header], pool: Executor, most: int) -> Iterator[list[Outcome]]:
    """Yield batches of read photos while the next ones are being read, into reused memory."""
    waiting: deque[tuple[bytearray, Future[Outcome]]] = deque()
    free = [bytearray() for _ in range(most)]
    rest = iter(headers)

    def submit() -> None:
        while free and (header := next(rest, None)) is not None:
            buffer = free.pop()
            waiting.append((buffer, pool.submit(_read, header, buffer)))

    submit()
    while waiting:
        taken = [waiting.popleft() for _ in range(min(TOGETHER, len(waiting)))]
        try:
            yield [future.result() for _, future in taken]
        except GeneratorExit:
            for _, future in waiting:
                future.cancel()
            raise
        free += [buffer for buffer, _ in taken]
        submit()


def _read(header: Header, buffer: bytearray) -> Outcome:
    try:
        frame = read_frame(header, buffer=buffer)
    except ReadError as error:
        return Skipped(error.path, error.reason)
    return header, frame, signature_of(frame.pixels)


@contextmanager
def _held(library: Library, sensor: Sensor, watch: Watch) -> Iterator[None]:
    """Hold a body's lock; wait for another find that holds it, and say so."""
    with ExitStack() as stack:
        try:
            stack.enter_context(library.lock(sensor, wait_s=0))
        except LibraryBusyError:
            watch.message(f"waiting for another stillpix that reads photos of {sensor.name}")
            stack.enter_context(library.lock(sensor, wait_s=LOCK_WAIT_S))
        yield


def _taken_up(folder: Path, sensor: Sensor, watch: Watch) -> Evidence:
    """Return the evidence of earlier scans, or a new one where there is none that can be used."""
    if settled_folder(folder).exists():
        try:
            return Evidence.load(folder, sensor)
        except StateFormatError as error:
            watch.message(str(error))
    return Evidence(sensor)


def _name_on_disk(path: Path) -> str:
    """Return what tells an unchanged file without reading it, wherever its folder has moved."""
    try:
        status = path.stat()
    except OSError:  # gone since; reading it will say so
        return f"{path.name}|gone"
    return f"{path.name}|{status.st_size}|{status.st_mtime_ns}"


def why_nothing(skipped: Sequence[Skipped]) -> str:
    """Return one line that says why there was no photo to work with."""
    if not skipped:
        return "no photo there; give a folder of JPEG, PNG or TIFF files"
    first = skipped[0]
    more = f" (and {len(skipped) - 1} more)" if len(skipped) > 1 else ""
    return f"no photo there can be used: {first.path}: {first.reason}{more}"

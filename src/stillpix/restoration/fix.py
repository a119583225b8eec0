"""From photos and the defects of their camera to repaired files.

Never prints: it reports to a Watch. Never holds more photos than threads. If one photo cannot be
repaired, the others go on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from ..arguments import instance, text
from ..arguments import path as path_of
from ..compiling import told_of_compiling
from ..errors import ReadError, SensorMismatchError, StillpixError, WriteError
from ..frame import Sensor
from ..images import (
    Header,
    format_named,
    read_headers,
    reader_required,
    repair_of,
    require_decodable,
)
from ..images.content import opened
from ..images.cores import usable_cores
from ..images.gather import Skipped, named
from ..images.layouts import with_layout
from ..images.read_ahead import threads
from ..images.remote import is_remote
from ..maps import read_map
from ..maps.records import DefectMap
from ..watch import StoppedError, Watch
from .destinations import DNG, PNG_SUFFIX, Placement, Route, Routes, require_one_sensor
from .files import repaired_pictures
from .log import FixLog
from .placer import Placer, is_out_of_room
from .repaired import RepairedPhoto, Result, log_entry_of, record_of, result_of
from .sidecars import Sidecars
from .targets import Lister, Listing, listed_in
from .verdicts import RawWay, Verdict
from .verification import require_companions, verified, verified_copy

NOT_IN_PLACE = (
    "is of a format ({}) that cannot be changed without loss; give --out, and the repaired picture"
    " is written there as a lossless PNG"
)
NO_PNG = (
    "is of a format ({}) whose repair is a lossless PNG; give the copy a name that ends in .png"
)
CLIP_ELSEWHERE = "is a video, which is only repaired from disk to disk; copy it to a disk first"
CLIP = "clip"  # the repair of moving pictures, in a format's row
T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True)
class RepairedBody:
    """The results of one body's photos."""

    sensor: Sensor
    listing: Listing | None = None  # None: no map and no places
    photos: list[RepairedPhoto] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    left: int = 0  # not looked at: it was stopped, or the disk is full
    out_of_room: bool = False


def fix(
    photo: str | os.PathLike[str],
    defect_map: DefectMap | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    always: bool = False,
    force: bool = False,
    mosaic: bool = False,
    camera: str | None = None,
) -> tuple[Verdict, ...]:
    """Write a repaired copy of one photo and return what was done at each listed place.

    The confirmed and accepted defects of the map, or of a map file, are repaired where they show;
    with `always`, all of them are. The copy has the same format, time of change and permissions. It
    differs from the photo only in the repaired places; if nothing shows, it is the same to the
    byte. If `out` exists and differs, it is overwritten only with `force`.

    A DNG keeps its pixels, and its own list names the defects for the program that develops it;
    with `mosaic` their values are replaced instead. Another RAW file becomes a new DNG if `out`
    ends in .dng, and is refused if not. `camera` is the name that `find` was given for a photo that
    does not name its camera, or for a phone's that does not name its lens.

    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from PIL import Image
    >>> from stillpix.images import read_header
    >>> from stillpix.maps.records import Defect
    >>> pixels = np.random.default_rng(1).normal(90, 2, (48, 64)).astype(np.uint8)
    >>> pixels[10, 20] = 250
    >>> with TemporaryDirectory() as folder:
    ...     photo, out = Path(folder, "a.png"), Path(folder, "fixed.png")
    ...     Image.fromarray(pixels).save(photo)
    ...     hot = Defect(x=20, y=10, kind="hot", state="confirmed")
    ...     verdicts = fix(photo, DefectMap(read_header(photo).sensor, (hot,)), out)
    ...     [(verdict.x, verdict.y, verdict.outcome) for verdict in verdicts]
    ...     bool(np.asarray(Image.open(out))[10, 20] < 100)
    [(20, 10, 'repaired')]
    True

    Raises:
        ReadError: the photo cannot be read, or is of a kind that cannot be repaired.
        SensorMismatchError: the map is of another body, or of another size.
        WriteError: the copy cannot be written, or would overwrite something.
        MapFormatError: the map file cannot be read.
    """
    photo, out = path_of("photo", photo), path_of("out", out)
    if isinstance(defect_map, str | os.PathLike):
        defect_map = read_map(defect_map)
    instance("defect_map", defect_map, DefectMap, "a DefectMap, or the path of a map file")
    name = None if camera is None else text("camera", camera)
    pictures = [
        replace(each, sensor=named(each.sensor, each.path.parent, name))
        for each in read_headers(photo)
    ]
    require_one_sensor(pictures)
    header = pictures[0]
    if os.path.realpath(out) == os.path.realpath(photo):
        raise WriteError(out, "is the photo itself; name another file")
    try:
        listing = listed_in(defect_map)(header.sensor, pictures)
    except SensorMismatchError as error:
        raise SensorMismatchError(f"{header.path}: {error}") from error
    suffix = Path(out).suffix.lower()
    way = RawWay(mosaic=mosaic, to_dng=suffix == DNG, to_png=suffix == PNG_SUFFIX)
    placement = Placement(out=Path(out).parent, force=force, raw=way)
    run = _Run(placement, always=always, changed_only=False, log=None)
    copy = Path(out) if way.to_png else None
    return run.repair(Route(header, Path(out), tuple(pictures), copy), listing).verdicts


def repair_bodies(
    ways: Routes,
    lister: Lister,
    placement: Placement,
    *,
    always: bool = False,
    changed_only: bool = False,
    jobs: int | None = None,
    watch: Watch | None = None,
    log: FixLog | None = None,
    workers: Workers | None = None,
) -> Iterator[RepairedBody]:
    """Repair all photos of these routes, and yield each body's results as soon as it is done.

    With `workers`, they repair the photos, and this process only notes what they did.
    `always` repairs every listed place, even where it is not visible. A photo in which nothing
    shows is copied as it is, unless `changed_only`; in place it is left alone. The log gets an
    entry for each photo.
    """
    watch, jobs = watch or Watch(), jobs or usable_cores()
    run = _Run(placement, always=always, changed_only=changed_only, log=log)
    run.workers = workers
    with ExitStack() as stack:
        if log is not None:
            stack.enter_context(closing(log))  # after the last photo, however the run ends
        pool = stack.enter_context(threads(jobs))
        stack.enter_context(told_of_compiling(lambda begins: watch.preparing(begins=begins)))
        full = False
        for sensor, headers in ways.bodies.items():
            body = RepairedBody(sensor, left=len(headers), out_of_room=full)
            if not (full or watch.stop()):
                _repair_body(body, headers, lister, run, pool, jobs, watch)
            full = body.out_of_room
            yield body


def _repair_body(
    body: RepairedBody, ways: Sequence[Route], lister: Lister, run: _Run, pool: Executor,
    jobs: int, watch: Watch,
) -> None:  # fmt: skip
    try:
        body.listing = lister(body.sensor, [way.header for way in ways])
    except StillpixError as error:
        body.skipped = [run.left_as_it_is(way, str(error)) for way in ways]
        for each in body.skipped:
            watch.skipped(each.path, each.reason)
        body.left = 0
        return
    if body.listing.note:
        watch.message(f"{body.sensor.name}: {body.listing.note}")
    if format_named(ways[0].header.format).repair == CLIP:
        _repair_clips(body, body.listing, ways, lister, run, watch)
        return
    watch.body(body.sensor, len(ways))
    if run.workers is not None:
        _repair_elsewhere(body, ways, body.listing, run, run.workers, watch)
    else:
        _repair_here(body, ways, body.listing, run, pool, jobs, watch)


def _repair_here(
    body: RepairedBody, ways: Sequence[Route], listing: Listing, run: _Run, pool: Executor,
    jobs: int, watch: Watch,
) -> None:  # fmt: skip
    """Repair the photos in threads."""
    done: dict[int, RepairedPhoto | Skipped] = {}
    under_way: dict[Future[RepairedPhoto | Skipped], int] = {}
    waiting = iter(enumerate(ways))
    while True:  # no more than one per thread: each holds a photo and its coefficients
        while len(under_way) < jobs and not (body.out_of_room or watch.stop()):
            number, way = next(waiting, (len(ways), None))
            if way is None:
                break
            under_way[pool.submit(run.repair_or_explain, way, listing)] = number
        if not under_way:
            break
        for future in wait(under_way, return_when=FIRST_COMPLETED).done:
            done[under_way.pop(future)] = outcome = future.result()
            if isinstance(outcome, Skipped):
                watch.skipped(outcome.path, outcome.reason)
            body.out_of_room |= run.out_of_room
            body.left -= 1
            watch.photos(len(ways) - body.left)
    in_order = [done[number] for number in sorted(done)]
    body.photos = [each for each in in_order if isinstance(each, RepairedPhoto)]
    body.skipped = [each for each in in_order if isinstance(each, Skipped)]


def _repair_elsewhere(
    body: RepairedBody, ways: Sequence[Route], listing: Listing, run: _Run, workers: Workers,
    watch: Watch,
) -> None:  # fmt: skip
    """Let workers repair the photos; they write them, and the log is written here."""
    options = {"always": run.always, "changed_only": run.changed_only}
    work = partial(_repair_one, run.placement, listing, options)
    done: dict[Path, RepairedPhoto | Skipped] = {}
    results = workers.each(work, ways, watch)
    for way, (outcome, out_of_room) in results:
        done[way.header.path] = outcome
        if isinstance(outcome, Skipped):
            watch.skipped(outcome.path, outcome.reason)
        else:
            run.note_in_log(outcome, listing)
        body.left -= 1
        watch.photos(len(ways) - body.left)
        if out_of_room:
            body.out_of_room = True
            break
    in_order = [done[way.header.path] for way in ways if way.header.path in done]
    body.photos = [each for each in in_order if isinstance(each, RepairedPhoto)]
    body.skipped = [each for each in in_order if isinstance(each, Skipped)]


def _repair_one(
    placement: Placement, listing: Listing, options: dict[str, bool], way: Route
) -> tuple[RepairedPhoto | Skipped, bool]:
    """Repair one photo on a worker; say, too, if nothing more can be written there."""
    run = _Run(placement, log=None, **options)
    return run.repair_or_explain(way, listing), run.out_of_room


def _repair_clips(
    body: RepairedBody, listing: Listing, ways: Sequence[Route], lister: Lister, run: _Run,
    watch: Watch,
) -> None:  # fmt: skip
    """Repair one clip after the other: decoders and encoders use all cores by themselves."""
    run.lister, run.watch = lister, watch
    for way in ways:
        if watch.stop() or run.out_of_room:
            break
        try:
            outcome = run.repair_or_explain(way, listing)
        except StoppedError:
            break
        if isinstance(outcome, Skipped):
            watch.skipped(outcome.path, outcome.reason)
            body.skipped.append(outcome)
        else:
            body.photos.append(outcome)
        body.left -= 1
    body.out_of_room |= run.out_of_room


class Workers(Protocol):
    """What calls a function on other machines, as often as a photo takes it."""

    def each(
        self, work: Callable[[T], R], items: Sequence[T], watch: Watch
    ) -> Iterator[tuple[T, R]]:
        """Yield each item with what comes of it, as it is done, until the watch stops it."""


class _Run:
    """One run's way with a photo; called from several threads at once."""

    def __init__(
        self, placement: Placement, *, always: bool, changed_only: bool, log: FixLog | None
    ) -> None:
        self.placement, self.always, self.changed_only = placement, always, changed_only
        self.log = log
        self.placer = Placer(placement)
        self.sidecars = Sidecars()
        self.out_of_room = False
        self.lister: Lister | None = None  # of the other fields of a clip
        self.watch = Watch()
        self.workers: Workers | None = None

    def repair_or_explain(self, way: Route, listing: Listing) -> RepairedPhoto | Skipped:
        """Repair one photo, or say why it cannot be."""
        source = str(way.header.path)
        try:
            repaired = self.repair(way, listing)
        except ReadError as error:
            return self.left_as_it_is(way, error.reason)
        except WriteError as error:
            self.out_of_room |= is_out_of_room(error)
            itself = error.path in {source, os.path.realpath(source)}
            return Skipped(source, error.reason if itself else str(error))
        except MemoryError:
            reason = "needs more memory than there is; close other programs, or use --jobs 1"
            return Skipped(source, reason)
        self.note_in_log(repaired, listing)
        return repaired

    def left_as_it_is(self, way: Route, reason: str) -> Skipped:
        """Return why a photo is not repaired; copy it first, if the copy is to be complete."""
        source = way.header.path
        if (
            self.placement.complete
            and way.target is not None
            and way.target.suffix == source.suffix
        ):
            try:
                self.placer.copy_as_it_is(source, way.target)
            except (ReadError, WriteError) as error:
                return Skipped(str(source), f"{reason} (nor copied: {error})")
            reason = f"{reason} (copied as it is)"
        return Skipped(str(source), reason)

    def repair(self, way: Route, listing: Listing) -> RepairedPhoto:
        """Repair one photo and write it where it goes."""
        if format_named(way.header.format).repair == CLIP:
            return self._repair_clip(way, listing)
        pictures = way.pictures or (way.header,)
        if listing.map is not None:
            layout = listing.map.sensor.layout
            pictures = tuple(with_layout(header, layout) for header in pictures)
        content, status = _read_file(way.header)
        defects, raw = listing.defects_in(way.header), self.placement.raw
        fixed = repaired_pictures(content, pictures, defects, always=self.always, raw=raw)
        if fixed.format:
            way = _to_its_copy(way, self.placement)
        changed = fixed.content != content
        repaired = record_of(way, result_of(fixed) if changed else "left", content, fixed)

        def check(read: bytes) -> None:
            if fixed.format:
                verified_copy(content, read, way.header, fixed)
                return
            for header in pictures if changed else ():
                self._check(content, read, header, fixed.verdicts)

        if self.placement.dry_run:
            check(fixed.content)
        if not changed and (self.placement.out is None or self.changed_only):
            return replace(repaired, target=None)
        placed = self.placer.place(way, status, fixed.content, check)
        return replace(
            repaired,
            notes=(*repaired.notes, *self._copy_sidecars(way)),
            result=repaired.result if changed else "copied",
            there=placed.there,
            original=placed.original,
            earlier=placed.earlier,
        )

    def _repair_clip(self, way: Route, listing: Listing) -> RepairedPhoto:
        from .clip_runs import repair_clip

        if is_remote(way.header.path) or (way.target is not None and is_remote(way.target)):
            raise ReadError(way.header.path, CLIP_ELSEWHERE)
        with reader_required(format_named(way.header.format), way.header.path):
            done = repair_clip(
                way, listing, self.lister, self.placer, self.watch, always=self.always,
                changed_only=self.changed_only,
            )  # fmt: skip
        result: Result = "left" if (done.result, done.target) == ("copied", None) else done.result
        return RepairedPhoto(
            way.header.path, done.target, result, done.verdicts, done.before, done.after, done.notes
        )

    def _check(
        self, content: bytes, read: bytes, header: Header, verdicts: Sequence[Verdict]
    ) -> None:
        """Make sure that one picture of a repaired file is as it is to be."""
        if self.placement.out is None:  # for a copy, the original stays to compare with
            mine = [each for each in verdicts if each.picture in {None, header.key[1]}]
            verified(content, read, header, mine)
        elif header.format == "jpeg":
            require_companions(content, read, header)
        if repair_of(header) != "samples":  # by another decoder than the one that wrote it
            require_decodable(header, read)

    def _copy_sidecars(self, way: Route) -> Iterator[str]:
        """Copy the files that other programs keep beside a photo; yield a note on each failure."""
        if self.placement.out is None or way.target is None:
            return
        for sidecar, target in self.sidecars.of(way.header.path, way.target):
            try:
                self.placer.copy_as_it_is(sidecar, target)
            except (ReadError, WriteError) as error:
                yield f"its {sidecar.name} was not copied: {error}"

    def note_in_log(self, repaired: RepairedPhoto, listing: Listing) -> None:
        """Note one photo, where there is a log and something was written."""
        if self.log is None or repaired.target is None:
            return
        folder = repaired.target.parent if self.placement.out is None else self.placement.out
        options = {
            "all": self.always,
            "in_place": self.placement.in_place,
            "backup": self.placement.in_place and self.placement.backup,
            "keep_times": self.placement.in_place and self.placement.keep_times,
            "complete": self.placement.complete,
            "changed_only": self.changed_only,
            "force": self.placement.force,
            "mosaic": self.placement.raw.mosaic,
            "to_dng": self.placement.raw.to_dng,
            "mask": self.placement.raw.mask,
            "lossless": self.placement.lossless,
        }
        self.log.add(folder, log_entry_of(repaired, listing, folder, options))


def _to_its_copy(way: Route, placement: Placement) -> Route:
    """Return the way to a new file of another format; raise ReadError where there is none."""
    if placement.in_place:
        raise ReadError(way.header.path, NOT_IN_PLACE.format(way.header.format.upper()))
    if way.copy is None and way.target is not None:
        raise ReadError(way.header.path, NO_PNG.format(way.header.format.upper()))
    return replace(way, target=way.copy)


def _read_file(header: Header) -> tuple[bytes, os.stat_result | None]:
    """Return a photo's bytes, and the facts of its file if it is one of this computer."""
    if is_remote(header.path):
        with opened(header.path) as remote:
            return remote.read(), None
    try:
        with header.path.open("rb") as file:
            status = os.fstat(file.fileno())
            return file.read(), status
    except FileNotFoundError as error:
        raise ReadError(header.path, "is gone; leave it out, or copy it again") from error
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error}); check the disk, copy it again"
        raise ReadError(header.path, reason) from error

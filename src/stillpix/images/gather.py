"""Finds the photos that a person points at, and groups them by the sensor that took them.

Reads the headers of files, and the pixels of a few whose headers do not name the sensor's colours.
Files that cannot be used are named with the reason, and the others go on.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from ..errors import ReadError, spelled
from ..frame import UNKNOWN, UNTOLD, Layout, Sensor
from . import Header, format_named, read_headers
from .clip_frames import share_of
from .exports import is_converter
from .headless import Shape
from .layouts import Bodies, settled
from .other_files import left_out
from .phones import is_lens
from .read_ahead import threads
from .remote import is_remote
from .searching import Recalling, Search, Skipped

__all__ = [
    "Gathering", "Skipped", "gather", "in_order", "is_export", "lenses_beside", "named",
    "without_odd_sizes",
]  # fmt: skip

FEWEST_OF_A_SIZE = 4  # photos: a size with as many has a map, and smaller ones beside it none
REPORT_EVERY = 50

Family: TypeAlias = tuple[str, str, str, str, bool]


@dataclass(slots=True)
class Gathering:
    """The photos that were found, by sensor, and the notes on them."""

    bodies: dict[Sensor, list[Header]] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    named: set[Path] = field(default_factory=set)  # photos that were given one by one
    others: list[Path] = field(default_factory=list)  # files of known kinds that are not read
    known: dict[Sensor, int] = field(default_factory=dict)  # photos not opened: they are known

    @property
    def photos(self) -> int:
        """Return how many photos can be tried, or are known already."""
        return sum(self.numbers.values())

    @property
    def numbers(self) -> dict[Sensor, int]:
        """Return how many photos there are of each body, those that are known among them."""
        return {
            sensor: len(headers) + self.known.get(sensor, 0)
            for sensor, headers in self.bodies.items()
        }


def gather(
    paths: Iterable[str | os.PathLike[str]],
    *,
    jobs: int | None = None,
    report: Callable[[int], None] | None = None,
    dark: bool = False,
    layout: Layout | None = None,
    shape: Shape | None = None,
    camera: str | None = None,
    clips: bool = True,
    wanted: Callable[[Path], bool] | None = None,
    known: Recalling | None = None,
) -> Gathering:
    """Find the photos under some paths and group them by sensor, largest group first.

    A path is a photo, a folder (with its subfolders) or a glob pattern. `report` is called now and
    then with the number of headers read. With `dark`, all mosaics count as dark frames; a FITS
    file names itself one. `layout` is that of photos whose files do not name it; without it, some
    of them are looked at. `shape` is that of .raw files without a header. `camera` is the name of
    the camera in photos that do not name it, and of the lens in those of a phone that do not name
    that; without it, photos without a camera below one path count as one camera's, and a photo
    that is given by itself as one of its folder's. Without `clips`, those are left out that were
    not given one by one. `wanted` says which files are looked at; all are, without it. Of those
    in folders that are `known`, none is opened: they are only counted, and their bodies may have
    no other photos.
    """
    result = Gathering()
    search = Search(result.skipped, clips=clips, wanted=wanted, known=known)
    files = list(search.files(paths))
    groups: dict[Sensor, list[Header]] = {}
    with threads(jobs) as pool:
        read = partial(_headers_or_reason, shape=shape)
        for number, outcome in enumerate(pool.map(read, files), start=1):
            if isinstance(outcome, Skipped):
                result.skipped.append(outcome)
            else:
                folder = search.folder_of[files[number - 1]]
                for header in outcome:
                    sensor = named(header.sensor, folder, camera)
                    is_dark = header.dark or (dark and sensor.is_mosaic)
                    own = groups.setdefault(sensor, [])
                    own.append(replace(header, sensor=sensor, dark=is_dark))
            if report and number % REPORT_EVERY == 0:
                report(number)
        _recall(known, groups, result)
        groups, notes = settled(_told_apart(groups, camera), layout, pool)
    result.bodies = {sensor: in_order(_shared(headers)) for sensor, headers in groups.items()}
    result.named, result.others = search.named, search.others
    _rank(result)
    result.warnings = [*_notes_on(result, notes, dark=dark)]
    result.warnings += left_out(search.others, search.copies, clips=clips)
    return result


def _rank(result: Gathering) -> None:
    """Put the bodies with most photos first."""
    numbers = result.numbers
    ranked = sorted(result.bodies, key=lambda sensor: (-numbers[sensor], sensor.name))
    result.bodies = {sensor: result.bodies[sensor] for sensor in ranked}


def _recall(known: Recalling | None, groups: Bodies, result: Gathering) -> None:
    """Take in the bodies of known photos; read the heads of those that new photos tell apart."""
    if known is None:
        return
    phones = {_body_of(sensor) for sensor in (*groups, *known.numbers) if is_lens(sensor.which)}
    for sensor, number in known.numbers.items():
        own = groups.setdefault(sensor, [])
        if sensor.which or _body_of(sensor) not in phones:
            result.known[sensor] = number
            continue
        for path in known.paths(sensor):
            outcome = _headers_or_reason(path, shape=None)
            if isinstance(outcome, Skipped):
                result.skipped.append(outcome)
            else:
                own += outcome


def _notes_on(found: Gathering, notes: Iterable[str], *, dark: bool) -> Iterator[str]:
    """Yield what a person should know of the photos that were found, and the notes."""
    bodies = found.bodies
    yield from _size_warnings(found.numbers)
    yield from _origin_warnings(bodies)
    yield from notes
    yield from _views_warnings(bodies)
    if dark:
        yield from _dark_warnings(bodies)


def named(sensor: Sensor, folder: Path, camera: str | None = None) -> Sensor:
    """Return a sensor with a name: its own, else the person's, else that of the photo's folder.

    The person's also names the lens of a phone whose photos do not.

    >>> named(Sensor(UNKNOWN, UNKNOWN, UNKNOWN, 30, 20), Path("/photos"), "Attic").name
    'Attic, 30x20'
    >>> named(Sensor("Apple", "iPhone 8", UNKNOWN, 30, 20, which=UNTOLD), Path(), "Front").name
    'iPhone 8, Front, 30x20'
    """
    if sensor.is_untold and camera is not None:
        return replace(sensor, which=camera)
    if sensor.is_nameless and camera is not None:
        return replace(sensor, model=camera)
    return sensor.in_folder(spelled(folder) if is_remote(folder) else os.path.realpath(folder))


def _told_apart(bodies: Bodies, camera: str | None) -> Bodies:
    """Return the photos by sensor, those of a phone that only its other photos show to be one."""
    phones = {_body_of(sensor) for sensor in bodies if is_lens(sensor.which)}
    result: Bodies = {}
    for sensor, headers in bodies.items():
        known = sensor
        if not sensor.which and _body_of(sensor) in phones:
            known = named(replace(sensor, which=UNTOLD), Path(), camera)
        alike = [replace(each, sensor=known) for each in headers] if known != sensor else headers
        result.setdefault(known, []).extend(alike)
    return result


def lenses_beside(sensor: Sensor, sensors: Iterable[Sensor]) -> bool:
    """Return whether other photos of a phone say which of its sensors took them."""
    return any(is_lens(each.which) and _body_of(each) == _body_of(sensor) for each in sensors)


def _body_of(sensor: Sensor) -> tuple[str, str, str]:
    return sensor.make, sensor.model, sensor.serial


def _headers_or_reason(path: Path, shape: Shape | None) -> list[Header] | Skipped:
    try:
        return read_headers(path, shape=shape)
    except ReadError as error:
        return Skipped(error.path, error.reason)


def is_export(header: Header) -> bool:
    """Return whether a photo was written by a raw converter or editor, by its EXIF Software."""
    return is_converter(header.software)


def _size_warnings(numbers: Mapping[Sensor, int]) -> Iterator[str]:
    """Warn of sizes that are not a body's own: its largest common one; given photos of each."""
    families: dict[Family, list[Sensor]] = {}
    for sensor in numbers:
        families.setdefault(_family(sensor), []).append(sensor)
    for (_, model, *_), sizes in families.items():
        if len(sizes) == 1 or model == UNKNOWN:
            continue
        most = max(numbers[sensor] for sensor in sizes)
        common = [sensor for sensor in sizes if numbers[sensor] >= most / 5]
        own = max(common, key=lambda sensor: sensor.width * sensor.height)
        for sensor in sizes:
            if sensor == own:
                continue
            turned = (sensor.width, sensor.height) == (own.height, own.width)
            why = "rotated on export" if turned else "resized, cropped or of a smaller picture size"
            number = numbers[sensor]
            look, they = ("looks", "it gets") if number == 1 else ("look", "they get")
            yield (
                f"{own.name}: {_photos(number, sensor)} of {sensor.width}x{sensor.height} {look} "
                f"{why}; {they} a map of {'its' if number == 1 else 'their'} own"
            )


def without_odd_sizes(found: Gathering) -> Gathering:
    """Leave out sizes of a camera with few photos, if another size of it has enough.

    They are crops and exports, and their map would hold only candidates. Photos that were given
    one by one stay.
    """
    numbers = found.numbers
    own = {_family(sensor) for sensor, number in numbers.items() if _are_enough(number)}
    bodies, odd, known = dict[Sensor, list[Header]](), Counter[str](), dict(found.known)
    for sensor, photos in found.bodies.items():
        kept = photos
        if sensor.model != UNKNOWN and _family(sensor) in own and not _are_enough(numbers[sensor]):
            kept = [header for header in photos if header.path in found.named]
            odd[sensor.model] += numbers[sensor] - len(kept)
            known.pop(sensor, None)
        if kept or sensor in known:
            bodies[sensor] = kept
    without = replace(found, bodies=bodies, known=known)
    notes = [*_size_warnings(without.numbers), *_origin_warnings(bodies)]
    told = {*_size_warnings(numbers), *_origin_warnings(found.bodies)}
    notes += [warning for warning in found.warnings if warning not in told]
    notes += [
        f"{model}: {_in_all(number, 'photo')} of other sizes left out: too few of each for a map"
        for model, number in odd.items()
        if number
    ]
    return replace(without, warnings=notes)


def _are_enough(photos: int) -> bool:
    return photos >= FEWEST_OF_A_SIZE


def _family(sensor: Sensor) -> Family:
    """Return what sizes of one sensor share; a RAW file is larger than its camera's JPEG."""
    return sensor.make, sensor.model, sensor.serial, sensor.which, sensor.is_mosaic


def _origin_warnings(bodies: dict[Sensor, list[Header]]) -> Iterator[str]:
    """Warn of photos that are not straight from a camera, and of bodies nobody named."""
    for sensor, headers in bodies.items():
        exports = [header for header in headers if is_export(header)]
        if exports:
            yield (
                f"{sensor.name}: {_photos(len(exports), sensor)} written by "
                f"{exports[0].software}, such as {exports[0].path.name}; exports may be resized "
                "or repaired already; the camera's own files tell more"
            )
        if sensor.model == UNKNOWN and len(headers) > 1:
            yield (
                f"{sensor.name}: {_photos(len(headers), sensor)} do not name the camera that took "
                f"them; stillpix takes them for one camera's (--camera NAME names it)"
            )
        if sensor.is_untold and not lenses_beside(sensor, bodies):
            number = _photos(len(headers), sensor)
            do, them = ("does", "it") if len(headers) == 1 else ("do", "them")
            yield (
                f"{sensor.name}: {number} of a phone {do} not say which of its lenses took {them}; "
                "such a map may hold the broken pixels of several, and fix never takes it by "
                "itself; if all are of one lens, say so with --camera NAME"
            )


def _views_warnings(bodies: dict[Sensor, list[Header]]) -> Iterator[str]:
    """Warn of files that hold photos of other lenses, too."""
    for sensor, headers in bodies.items():
        several = [header for header in headers if header.views]
        if several:
            hold, of_each = ("holds", "of it") if len(several) == 1 else ("hold", "of each")
            yield (
                f"{sensor.name}: {_photos(len(several), sensor)}, such as "
                f"{several[0].path.name}, {hold} pictures of other lenses, too (a stereo pair "
                f"or other views); only the first {of_each} is used"
            )


def _dark_warnings(bodies: dict[Sensor, list[Header]]) -> Iterator[str]:
    """Warn of pictures that cannot count as dark frames."""
    for sensor, headers in bodies.items():
        if not sensor.is_mosaic:
            yield (
                f"{sensor.name}: {_photos(len(headers), sensor)} hold no mosaic and count as "
                f"ordinary photos; only RAW and FITS files can be dark frames"
            )


def _photos(number: int, sensor: Sensor) -> str:
    return _in_all(number, sensor.picture)


def _in_all(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _shared(headers: Sequence[Header]) -> Sequence[Header]:
    """Return photos with fewer frames of each clip, the first ones, where there are many clips."""
    clips = {header.path for header in headers if format_named(header.format).is_clip}
    if len(clips) < 2:
        return headers
    taken, most = Counter[Path](), share_of(len(clips))
    kept = []
    for header in headers:
        taken[header.path] += 1
        if header.path not in clips or taken[header.path] <= most:
            kept.append(header)
    return kept


def in_order(headers: Sequence[Header]) -> list[Header]:
    """Return photos by folder and name: the order in which series were taken."""
    return sorted(
        headers, key=lambda header: (str(header.path.parent), header.path.name, header.key[1])
    )

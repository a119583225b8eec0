"""Finds the photos that a person points at, and groups them by the sensor that took them.

Reads the headers of files, and the pixels of a few whose headers do not name the sensor's colours.
Files that cannot be used are named with the reason, and the others go on.
"""

from __future__ import annotations

import errno
import glob
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from ..errors import ReadError, spelled
from ..frame import UNKNOWN, UNTOLD, Layout, Sensor
from . import Header, format_named, is_clip, is_photo, read_headers
from .clip_frames import share_of
from .exports import is_converter
from .headless import Shape
from .layouts import Bodies, settled
from .other_files import COPIES, KINDS, left_out, photos_not_read
from .phones import is_lens
from .read_ahead import threads
from .remote import URL, files_below, is_remote
from .remote import path_of as path_of_url

FEWEST_OF_A_SIZE = 4  # photos: a size with as many has a map, and smaller ones beside it none
REPORT_EVERY = 50
CLIP_READER = "av"  # the package without which clips in folders are left out

Family: TypeAlias = tuple[str, str, str, str, bool]
FileId: TypeAlias = tuple[int, int] | str  # a file's device and number there, or its real path


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was not used, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class Gathering:
    """The photos that were found, by sensor, and the notes on them."""

    bodies: dict[Sensor, list[Header]] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    named: set[Path] = field(default_factory=set)  # photos that were given one by one
    others: list[Path] = field(default_factory=list)  # files of known kinds that are not read

    @property
    def photos(self) -> int:
        """Return how many photos can be tried."""
        return sum(map(len, self.bodies.values()))


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
) -> Gathering:
    """Find the photos under some paths and group them by sensor, largest group first.

    A path is a photo, a folder (with its subfolders) or a glob pattern. `report` is called now and
    then with the number of headers read. With `dark`, all mosaics count as dark frames; a FITS
    file names itself one. `layout` is that of photos whose files do not name it; without it, some
    of them are looked at. `shape` is that of .raw files without a header. `camera` is the name of
    the camera in photos that do not name it, and of the lens in those of a phone that do not name
    that; without it, photos without a camera below one path count as one camera's, and a photo
    that is given by itself as one of its folder's. Without `clips`, those are left out that were
    not given one by one. `wanted` says which files are looked at; all are, without it.
    """
    result = Gathering()
    search = _Search(result.skipped, clips=clips)
    files = list(filter(wanted, search.files(paths)) if wanted else search.files(paths))
    result.named = search.named
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
                    taken = replace(header, sensor=sensor, dark=is_dark)
                    groups.setdefault(sensor, []).append(taken)
            if report and number % REPORT_EVERY == 0:
                report(number)
        groups, notes = settled(_told_apart(groups, camera), layout, pool)
    ranked = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0].name))
    result.bodies = {sensor: _in_order(_shared(headers)) for sensor, headers in ranked}
    result.others = search.others
    result.warnings = [*_notes_on(result.bodies, notes, dark=dark)]
    result.warnings += left_out(search.others, search.copies, clips=clips)
    return result


def _notes_on(bodies: Bodies, notes: Iterable[str], *, dark: bool) -> Iterator[str]:
    """Yield what a person should know of the photos that were found, and the notes."""
    yield from _size_warnings(bodies)
    yield from _origin_warnings(bodies)
    yield from notes
    yield from _views_warnings(bodies)
    if dark:
        yield from _dark_warnings(bodies)


def photos_below(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
    """Yield the files that `gather` would look at; what cannot be looked into has none."""
    yield from _Search([], clips=True).files(paths)


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


class _Search:
    """One walk through files and folders that yields each file once, even if it is named twice."""

    def __init__(self, skipped: list[Skipped], *, clips: bool) -> None:
        self.skipped = skipped
        self.seen: set[FileId] = set()  # files and folders
        self.named: set[Path] = set()
        self.folder_of: dict[Path, Path] = {}  # of each photo: the one given, or the photo's own
        self.others: list[Path] = []  # files of known kinds that are not read
        self.copies = 0  # folders of thumbnails
        self.reads_clips = clips and find_spec(CLIP_READER) is not None

    def files(self, paths: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
        """Yield the photo files in a stable order, and note what cannot be used."""
        for given in paths:
            if URL.match(os.fspath(given)) or is_remote(given):
                yield from self._remote_files(os.fspath(given))
                continue
            for path in self._expand(os.fspath(given)):
                if os.path.isdir(path):  # noqa: PTH112  # Path.is_dir raises where this is False
                    for photo in self._photos_below(path):
                        self.folder_of[photo] = path
                        yield photo
                elif self._is_new(path):
                    self.named.add(path)
                    self.folder_of[path] = path.parent
                    yield path
        self.skipped += [Skipped(*each) for each in photos_not_read(self.others)]

    def _remote_files(self, given: str) -> Iterator[Path]:
        """Yield the photos below a URL."""
        try:
            root = path_of_url(given) if URL.match(given) else Path(given)
            for path in files_below(root, is_photo, _is_left_out):
                self.folder_of[path] = path.parent if path == root else root
                if path == root:
                    self.named.add(path)
                if (path == root or is_photo(path)) and self._is_new_url(str(path)):
                    yield path
                elif path.suffix.lower() in KINDS:
                    self.others.append(path)
        except ReadError as error:
            self.skipped.append(Skipped(error.path, error.reason))

    def _is_new_url(self, url: str) -> bool:
        new = url not in self.seen
        self.seen.add(url)
        return new

    def _expand(self, given: str) -> Iterator[Path]:
        """Yield a path that exists; a name that does not exist counts as a glob pattern."""
        if os.path.lexists(given):
            yield Path(given)
            return
        name = os.path.expanduser(given)  # noqa: PTH111  # Path.expanduser raises on ~nobody
        pattern = "" if "\0" in name else name
        matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207  # a Path: below itself
        if not matches and _is_behind_a_closed_folder(name):
            self._skip(Path(given), PermissionError())
        elif not matches:
            reason = "no file matches this pattern" if glob.has_magic(name) else "does not exist"
            self.skipped.append(Skipped(given, f"{reason}; check the spelling"))
        yield from map(Path, matches)

    def _photos_below(self, folder: Path) -> Iterator[Path]:
        """Yield the photos below a folder; links are followed, but no folder is entered twice."""
        pending = [folder]
        while pending:
            here = pending.pop()
            if not self._is_new(here):
                continue
            try:
                with os.scandir(here) as found:
                    entries = sorted(found, key=lambda entry: entry.name)
            except OSError as error:
                self._skip(here, error)
                continue
            below = []
            for entry in entries:
                path = Path(entry.path)
                if entry.name.startswith("."):
                    continue  # .Trash, ._IMG_0001.JPG of macOS, .thumbnails
                if os.path.isdir(path):  # noqa: PTH112  # as above
                    if entry.name.lower() in COPIES:
                        self.copies += 1
                    else:
                        below.append(path)
                elif is_photo(path) and (self.reads_clips or not is_clip(path)):
                    if self._is_new(path):
                        yield path
                elif is_clip(path) or path.suffix.lower() in KINDS:
                    self.others.append(path)
            pending.extend(reversed(below))

    def _is_new(self, path: Path) -> bool:
        """Return whether a file or folder can be looked at and was not met before."""
        try:
            place = _file_id_of(path)
        except OSError as error:
            self._skip(path, error)
            return False
        if place in self.seen:
            return False
        self.seen.add(place)
        return True

    def _skip(self, path: Path, error: OSError) -> None:
        self.skipped.append(Skipped(str(path), _os_reason(error)))


def _is_left_out(name: str) -> bool:
    return name.startswith(".") or name.lower() in COPIES


def _is_behind_a_closed_folder(name: str) -> bool:
    """Return whether a closed folder hides if the file exists."""
    try:
        os.lstat(name)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return False


def _file_id_of(path: Path) -> FileId:
    """Return what identifies a file, whatever names and links lead to it."""
    status = path.stat()
    if status.st_ino == 0:  # some network and memory-card file systems number nothing
        return str(path.resolve())
    return status.st_dev, status.st_ino


def _os_reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "cannot be read: permission denied; give yourself permission to read it"
    if isinstance(error, FileNotFoundError):
        return "is gone, or is a link that leads nowhere; leave it out"
    if error.errno == errno.ELOOP:
        return "is a link that leads back to itself; remove the link"
    return f"cannot be read ({error.strerror or error}); check the disk"


def is_export(header: Header) -> bool:
    """Return whether a photo was written by a raw converter or editor, by its EXIF Software."""
    return is_converter(header.software)


def _size_warnings(bodies: dict[Sensor, list[Header]]) -> Iterator[str]:
    """Warn of sizes that are not a body's own: its largest common one."""
    families: dict[Family, list[Sensor]] = {}
    for sensor in bodies:
        families.setdefault(_family(sensor), []).append(sensor)
    for (_, model, *_), sizes in families.items():
        if len(sizes) == 1 or model == UNKNOWN:
            continue
        most = max(len(bodies[sensor]) for sensor in sizes)
        common = [sensor for sensor in sizes if len(bodies[sensor]) >= most / 5]
        own = max(common, key=lambda sensor: sensor.width * sensor.height)
        for sensor in sizes:
            if sensor == own:
                continue
            turned = (sensor.width, sensor.height) == (own.height, own.width)
            why = "rotated on export" if turned else "resized, cropped or of a smaller picture size"
            number = len(bodies[sensor])
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
    own = {_family(sensor) for sensor, photos in found.bodies.items() if _are_enough(photos)}
    bodies, odd = dict[Sensor, list[Header]](), Counter[str]()
    for sensor, photos in found.bodies.items():
        kept = photos
        if sensor.model != UNKNOWN and _family(sensor) in own and not _are_enough(photos):
            kept = [header for header in photos if header.path in found.named]
            odd[sensor.model] += len(photos) - len(kept)
        if kept:
            bodies[sensor] = kept
    notes = [*_size_warnings(bodies), *_origin_warnings(bodies)]
    told = {*_size_warnings(found.bodies), *_origin_warnings(found.bodies)}
    notes += [warning for warning in found.warnings if warning not in told]
    notes += [
        f"{model}: {_in_all(number, 'photo')} of other sizes left out: too few of each for a map"
        for model, number in odd.items()
        if number
    ]
    return replace(found, bodies=bodies, warnings=notes)


def _are_enough(photos: Sequence[Header]) -> bool:
    return len(photos) >= FEWEST_OF_A_SIZE


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


def _in_order(headers: Sequence[Header]) -> list[Header]:
    """Return photos by folder and name: the order in which series were taken."""
    return sorted(
        headers, key=lambda header: (str(header.path.parent), header.path.name, header.key[1])
    )

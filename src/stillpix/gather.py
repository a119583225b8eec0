"""From what a person points at to photos, grouped by the sensor that took them.

Reads the heads of files only. Whatever cannot be used is named with the reason, and the rest go on.
"""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from .errors import ReadError
from .frame import UNKNOWN, Sensor
from .images import Header, is_photo, read_header

# What raw converters, editors and sharing programs write into EXIF Software: their exports have
# been resized, sharpened, lens-corrected or already repaired.
CONVERTERS = (
    "lightroom", "photoshop", "camera raw", "capture one", "darktable", "rawtherapee", "gimp",
    "dxo", "affinity", "luminar", "on1", "aperture", "photos", "picasa", "snapseed", "digikam",
    "acdsee", "irfanview", "xnview", "imagemagick", "graphicsmagick", "silkypix", "photomatix",
    "capture nx", "viewnx", "nx studio", "digital photo professional", "paint", "pixelmator",
    "iphoto", "instagram", "whatsapp", "google", "exposure x", "polarr", "skylum", "shotwell",
)  # fmt: skip
RAW_SUFFIXES = frozenset(
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef "
    ".raf .raw .rw2 .rwl .sr2 .srf .srw .x3f .fit .fits .fts .heic .heif".split()
)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was not used, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class Gathering:
    """The photos that were found, by sensor, and what is to be said about them."""

    bodies: dict[Sensor, list[Header]] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def photos(self) -> int:
        """Return how many photos can be tried."""
        return sum(map(len, self.bodies.values()))


def gather(
    paths: Iterable[str | os.PathLike[str]],
    *,
    jobs: int | None = None,
    report: Callable[[int], None] | None = None,
) -> Gathering:
    """Find the photos under some paths and group them by sensor, largest group first.

    A path is a photo, a folder (searched in depth) or a glob pattern. `report` is called now and
    then with how many heads have been read.
    """
    result = Gathering()
    files = list(_files(paths, result.skipped))
    groups: dict[Sensor, list[Header]] = {}
    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        for number, outcome in enumerate(pool.map(_header_or_reason, files), start=1):
            if isinstance(outcome, Skipped):
                result.skipped.append(outcome)
            else:
                groups.setdefault(outcome.sensor, []).append(outcome)
            if report and number % 50 == 0:
                report(number)
    ranked = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    result.bodies = {sensor: _in_order(headers) for sensor, headers in ranked}
    result.warnings = [*_size_warnings(result.bodies), *_origin_warnings(result.bodies)]
    return result


def _header_or_reason(path: Path) -> Header | Skipped:
    try:
        return read_header(path)
    except ReadError as error:
        return Skipped(error.path, error.reason)


def _files(paths: Iterable[str | os.PathLike[str]], skipped: list[Skipped]) -> Iterator[Path]:
    """Yield every photo file once, in a stable order, however often it is pointed at."""
    seen: set[tuple[int, int]] = set()
    unread: Counter[str] = Counter()
    for path in _expanded(paths, skipped):
        found = _walk(path, skipped, unread) if path.is_dir() else [path]
        for file in found:
            try:
                status = file.stat()
            except OSError as error:
                skipped.append(Skipped(str(file), _os_reason(error)))
                continue
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                yield file
    for suffix, number in sorted(unread.items()):
        files = "file is" if number == 1 else "files are"
        reason = f"{number} {files} of a format this version does not read; export JPEG or TIFF"
        skipped.append(Skipped(f"*{suffix}", reason))


def _expanded(paths: Iterable[str | os.PathLike[str]], skipped: list[Skipped]) -> Iterator[Path]:
    """Yield paths that exist; a name that does not is taken for a glob pattern."""
    for given in paths:
        path = Path(given).expanduser()
        if os.path.lexists(path):
            yield path
            continue
        matches = sorted(glob.glob(str(path), recursive=True))
        if not matches:
            pattern = glob.has_magic(str(path))
            reason = "no file matches this pattern" if pattern else "does not exist"
            skipped.append(Skipped(str(given), f"{reason}; check the spelling"))
        yield from map(Path, matches)


def _walk(folder: Path, skipped: list[Skipped], unread: Counter[str]) -> Iterator[Path]:
    """Yield the photos below a folder; links are followed, but no folder is entered twice."""
    entered: set[tuple[int, int]] = set()
    pending = [folder]
    while pending:
        here = pending.pop()
        try:
            status = here.stat()
            if (status.st_dev, status.st_ino) in entered:
                continue
            entered.add((status.st_dev, status.st_ino))
            entries = sorted(here.iterdir(), key=lambda entry: entry.name)
        except OSError as error:
            skipped.append(Skipped(str(here), _os_reason(error)))
            continue
        below = []
        for entry in entries:
            if entry.name.startswith("."):
                continue  # .Trash, ._IMG_0001.JPG of macOS, .thumbnails
            if entry.is_dir():
                below.append(entry)
            elif is_photo(entry):
                yield entry
            elif entry.suffix.lower() in RAW_SUFFIXES:
                unread[entry.suffix.lower()] += 1
        pending.extend(reversed(below))


def _os_reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "may not be read; change its permissions"
    if isinstance(error, FileNotFoundError):
        return "is gone, or is a link to nothing; leave it out"
    return f"cannot be read ({error.strerror or error}); check the disk"


def is_export(header: Header) -> bool:
    """Return whether a photo was written by a raw converter or editor, by its EXIF Software."""
    software = (header.software or "").lower()
    return any(name in software for name in CONVERTERS)


def _size_warnings(bodies: dict[Sensor, list[Header]]) -> Iterator[str]:
    """Warn of sizes that are not a body's own: its largest common one."""
    families: dict[tuple[str, str, str], list[Sensor]] = {}
    for sensor in bodies:
        families.setdefault((sensor.make, sensor.model, sensor.serial), []).append(sensor)
    for (_, model, _), sizes in families.items():
        if len(sizes) == 1 or model == UNKNOWN:
            continue
        most = max(len(bodies[sensor]) for sensor in sizes)
        common = [sensor for sensor in sizes if len(bodies[sensor]) >= most / 5]
        own = max(common, key=lambda sensor: sensor.width * sensor.height)
        for sensor in sizes:
            if sensor == own:
                continue
            photos = _photos(len(bodies[sensor]))
            size = f"{sensor.width}x{sensor.height}"
            turned = (sensor.width, sensor.height) == (own.height, own.width)
            why = (
                "turned when they were exported"
                if turned
                else "resized, cropped or of a smaller mode"
            )
            yield (
                f"{own.name}: {photos} of {size} look {why}; "
                "they get a map of their own, which fits no other size"
            )


def _origin_warnings(bodies: dict[Sensor, list[Header]]) -> Iterator[str]:
    """Warn of photos that are not straight from a camera, and of bodies nobody named."""
    for sensor, headers in bodies.items():
        exports = [header for header in headers if is_export(header)]
        if exports:
            yield (
                f"{sensor.name}: {_photos(len(exports))} written by {exports[0].software}, such as "
                f"{exports[0].path.name}; exports may be resized or repaired already, the camera's "
                "own files tell more"
            )
        if sensor.model == UNKNOWN and len(headers) > 1:
            yield (
                f"{sensor.name}: {_photos(len(headers))} do not say which camera took them; "
                "they are taken for one camera's"
            )


def _photos(number: int) -> str:
    return "1 photo" if number == 1 else f"{number} photos"


def _in_order(headers: Sequence[Header]) -> list[Header]:
    """Return photos by folder and name: the order in which series were taken."""
    return sorted(headers, key=lambda header: (str(header.path.parent), header.path.name))

"""Decides which file each repaired photo becomes, before any photo is opened.

Never writes, and never lets two photos become one file.
"""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path

from ..errors import ReadError, WriteError
from ..frame import Sensor
from ..images import Header, format_named
from ..images.gather import Gathering, Skipped
from ..images.remote import URL, path_of
from .log import LOG_NAME
from .verdicts import LISTED_IN_DNG, RawWay

DNG, PNG_SUFFIX = ".dng", ".png"
ORIGINAL = ".orig"  # what the name of a kept original ends in
OF_SEVERAL_SENSORS = (
    "holds the pictures of {} sensors or amplifiers, each with a map of its own, and such a file is"
    " not repaired; save each extension as a file of its own"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where repaired photos are written, and what is kept; neither place: nothing is written."""

    out: Path | None = None  # the folder for copies
    in_place: bool = False
    backup: bool = True  # in place: keep the original beside it
    keep_times: bool = False  # in place: the new file gets the old one's time of change
    complete: bool = False  # copies: copy what cannot be repaired, too
    force: bool = False  # copies: overwrite what is there
    dry_run: bool = False
    lossless: bool = False  # clips: a master of FFV1 instead of their own codec
    raw: RawWay = LISTED_IN_DNG  # what becomes of RAW photos


@dataclass(frozen=True, slots=True)
class Route:
    """The way of one photo, from where it is read to where it is written."""

    header: Header  # of its file's first picture
    target: Path | None = None  # None: nothing is written
    pictures: tuple[Header, ...] = ()  # all that the file holds, if there are several
    copy: Path | None = None  # where it becomes a file of another format: that one's path


@dataclass(slots=True)
class Routes:
    """The ways of the photos, by sensor, and those that have none."""

    bodies: dict[Sensor, list[Route]] = field(default_factory=dict)
    refused: list[Skipped] = field(default_factory=list)
    others: list[tuple[Path, Path]] = field(default_factory=list)  # copied as they are, to where
    left_out: int = 0  # photos in the folder for copies: they are copies themselves

    @property
    def photos(self) -> int:
        """Return how many photos have a way."""
        return sum(map(len, self.bodies.values()))


def routes(found: Gathering, paths: Sequence[str], placement: Placement) -> Routes:
    """Return where each photo goes that was gathered from `paths`.

    A folder's structure is kept below the folder for copies; a photo that is named itself goes
    straight into it. Photos that lie in the folder for copies are left out, and two that would
    get one name are refused, both.

    Raises:
        WriteError: the folder for copies is the photos' own.
    """
    found, pictures = _each_file_once(_without_what_fix_left(found))
    if placement.out is None:
        target = _in_place if placement.in_place else _nowhere
        ways = {
            sensor: [Route(header, target(header)) for header in headers]
            for sensor, headers in found.bodies.items()
        }
        result = Routes(ways, found.skipped)
    else:
        copies = _Copies(found, paths, placement.out, to_dng=placement.raw.to_dng)
        result = copies.routes()
        if placement.complete:
            result.others = copies.others(result)
    result.bodies = {
        sensor: [replace(way, pictures=pictures.get(way.header.path, ())) for way in ways]
        for sensor, ways in result.bodies.items()
    }
    return result


def png_beside(header: Header, target: Path) -> Path | None:
    """Return the path of a repaired copy as a PNG, for a format that is repaired as one.

    Its name is that of the photo and the suffix: IMG_1.png may be there, and be another photo.
    """
    is_copied = format_named(header.format).repair == "copy"
    return target.with_name(target.name + PNG_SUFFIX) if is_copied else None


def require_one_sensor(pictures: Sequence[Header]) -> None:
    """Refuse a file whose pictures are of several sensors: each would need a map of its own.

    The fields of a clip are none: their rows are repaired by two maps.
    """
    if format_named(pictures[0].format).is_clip:
        return
    number = len({header.sensor for header in pictures})
    if number > 1:
        raise ReadError(pictures[0].path, OF_SEVERAL_SENSORS.format(number))


def _each_file_once(found: Gathering) -> tuple[Gathering, dict[Path, tuple[Header, ...]]]:
    """Return the first picture of each file, and all of those that hold several."""
    pictures: dict[Path, list[Header]] = {}
    for headers in found.bodies.values():
        for header in headers:
            pictures.setdefault(header.path, []).append(header)
    refused = dict[Path, str]()
    for path, headers in pictures.items():
        try:
            require_one_sensor(headers)
        except ReadError as error:
            refused[path] = error.reason
    bodies = {
        sensor: [
            header
            for header in headers
            if header is pictures[header.path][0] and header.path not in refused
        ]
        for sensor, headers in found.bodies.items()
    }
    skipped = [*found.skipped, *(Skipped(str(path), why) for path, why in refused.items())]
    bodies = {sensor: left for sensor, left in bodies.items() if left}
    several = {path: tuple(each) for path, each in pictures.items() if len(each) > 1}
    return replace(found, bodies=bodies, skipped=skipped), several


def _without_what_fix_left(found: Gathering) -> Gathering:
    """Leave out what the pattern * finds beside photos that were fixed: originals and logs.

    An original that is given without its photo is one to be fixed anew.
    """
    photos = {header.path for headers in found.bodies.values() for header in headers}
    bodies = {
        sensor: [
            header
            for header in headers
            if not header.path.name.endswith(ORIGINAL)
            or header.path.with_name(header.path.name.removesuffix(ORIGINAL)) not in photos
        ]
        for sensor, headers in found.bodies.items()
    }
    skipped = [each for each in found.skipped if Path(each.path).name != LOG_NAME]
    bodies = {sensor: left for sensor, left in bodies.items() if left}
    return replace(found, bodies=bodies, skipped=skipped)


def _in_place(header: Header) -> Path:
    return Path(os.path.realpath(header.path))  # a link stays one


def _nowhere(_: Header) -> None:
    return None


class _Copies:
    """The routes into one folder."""

    def __init__(self, found: Gathering, paths: Sequence[str], out: Path, *, to_dng: bool) -> None:
        self.found, self.out, self.to_dng = found, out, to_dng
        self._real_folders: dict[Path, Path] = {}
        self.real_out = self._real_folder(out)
        bases = [_base_of(given, found.named) for given in paths]
        self.photos = {photo: base for base, photo in bases if photo is not None}
        self.folders = [base for base, photo in bases if photo is None]

    def routes(self) -> Routes:
        result = Routes()
        for skipped in self.found.skipped:
            path = Path(skipped.path)
            if not (os.path.lexists(path) and self._is_copy(path)):
                result.refused.append(skipped)
        ways: list[tuple[Header, Path, Path | None]] = []
        for header in (header for headers in self.found.bodies.values() for header in headers):
            if self._is_copy(header.path):
                result.left_out += 1
            else:
                target = self.out / self._name_of(header)
                ways.append((header, target, png_beside(header, target)))
        takers: dict[str, list[Path]] = {}
        for header, target, copy in ways:
            self._require_another_place(header.path, target)
            for each in (target, copy):
                if each is not None:
                    takers.setdefault(self._name_on_disk(each), []).append(header.path)
        sources = {_fold_case(self._real(header.path)) for header, _, _ in ways}
        for header, target, copy in ways:
            reasons = [
                self._collision(each, self._others(takers, each, header), sources)
                for each in (target, copy)
                if each is not None
            ]
            if any(reasons):
                result.refused.append(Skipped(str(header.path), max(reasons)))
            else:
                way = Route(header, target, copy=copy)
                result.bodies.setdefault(header.sensor, []).append(way)
        return result

    def _others(self, takers: dict[str, list[Path]], target: Path, header: Header) -> list[Path]:
        """Return the other photos that would become the same file."""
        return [path for path in takers[self._name_on_disk(target)] if path != header.path]

    def others(self, ways: Routes) -> list[tuple[Path, Path]]:
        """Return the files that are no photos or that nothing could read, and their copies."""
        taken = {way.target for body in ways.bodies.values() for way in body}
        paths = [*self.found.others, *(Path(each.path) for each in ways.refused)]
        pairs = [
            (path, self.out / self._below_base(path))
            for path in dict.fromkeys(paths)
            if path.is_file() and not self._is_copy(path)
        ]
        return [(path, target) for path, target in pairs if target not in taken]

    def _is_copy(self, path: Path) -> bool:
        """Return whether a photo lies in the folder for copies, and was not asked for there."""
        base = self._base(path)
        meant = base is not None and _is_within(self._real_folder(base), self.real_out)
        return _is_within(Path(self._real(path)), self.real_out) and not meant

    def _base(self, path: Path) -> Path | None:
        """Return the folder, of those that were given, from which a photo's structure counts."""
        if path in self.photos:
            return self.photos[path]
        return next(
            (
                base
                for base in self.folders
                if path.is_relative_to(base) and ".." not in path.relative_to(base).parts
            ),
            None,
        )

    def _below_base(self, path: Path) -> Path:
        base = self._base(path)
        return Path(path.name) if base is None else path.relative_to(base)

    def _name_of(self, header: Header) -> Path:
        """Return a copy's path below the folder; a new DNG is called one."""
        name = self._below_base(header.path)
        becomes_dng = (
            self.to_dng
            and format_named(header.format).repair == "raw"
            and name.suffix.lower() != DNG
        )
        return name.with_suffix(DNG) if becomes_dng else name

    def _require_another_place(self, photo: Path, target: Path) -> None:
        if self._name_on_disk(target) == self._name_on_disk(photo):
            raise WriteError(
                self.out,
                f"is the folder of {photo.name} itself; name another folder, or use --in-place, "
                "which keeps the originals",
            )

    def _collision(self, target: Path, others: Sequence[Path], sources: set[str]) -> str:
        """Return what a photo would overwrite at its target, or "" where that is nothing."""
        if others:
            return (
                f"would become {target}, and so would {others[0]}; give the folder above both, or "
                f"fix them in two runs with two --out"
            )
        if _fold_case(self._real(target)) in sources:
            return (
                f"would overwrite {target}, which is one of the photos itself; name another --out"
            )
        return ""

    def _real(self, path: Path) -> str:
        """Return os.path.realpath(path), without asking for the same folder again and again."""
        return os.path.realpath(path) if path.is_symlink() else self._path_in_real_folder(path)

    def _name_on_disk(self, path: Path) -> str:
        """Return what the names of one file share, whatever links lead to its folder."""
        return _fold_case(self._path_in_real_folder(path))

    def _path_in_real_folder(self, path: Path) -> str:
        return str(self._real_folder(path.parent) / path.name)

    def _real_folder(self, folder: Path) -> Path:
        if folder not in self._real_folders:
            self._real_folders[folder] = Path(os.path.realpath(folder))
        return self._real_folders[folder]


def _base_of(given: str, named: Collection[Path]) -> tuple[Path, Path | None]:
    """Return the folder from which the structure below a path counts, and the one photo it is.

    `named` are the photos that were given by themselves, of which a URL may be one.
    """
    if URL.match(given):
        url = path_of(given)
        if url in named:
            return url.parent, url
        return Path(*takewhile(lambda part: not glob.has_magic(part), url.parts)), None
    there = os.path.lexists(given)
    name = given if there else os.path.expanduser(given)  # noqa: PTH111  # Path's raises on ~nobody
    path = Path(name)
    if os.path.isdir(path):  # noqa: PTH112  # Path.is_dir raises where this is False
        return path, None
    if os.path.lexists(path):
        return path.parent, path
    return Path(*takewhile(lambda part: not glob.has_magic(part), path.parts)), None


def _fold_case(name: str) -> str:
    """Return a name as the system compares it: "A.JPG" may be "a.jpg" there."""
    return name.casefold() if sys.platform in {"win32", "darwin"} else name


def _is_within(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents

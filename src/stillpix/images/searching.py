"""Walks through files, folders, patterns and URLs, and yields each photo's file once.

Opens no file. What cannot be looked into is named with the reason, and the others go on.
"""

from __future__ import annotations

import errno
import glob
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import compress, islice
from operator import attrgetter
from pathlib import Path
from typing import Protocol, TypeAlias

from ..errors import ReadError
from ..frame import Sensor
from . import is_clip, is_photo
from .other_files import COPIES, KINDS, photos_not_read
from .remote import URL, files_below, is_remote, status_of
from .remote import path_of as path_of_url

CLIP_READER = "av"  # the package without which clips in folders are left out
AT_ONCE = 1000  # files looked up together
LOOKED_AT = attrgetter("st_size", "st_mtime_ns", "st_dev", "st_ino")

FileId: TypeAlias = int | str  # a file's device and number there, or its real path


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was not used, and why."""

    path: str
    reason: str


class Recalling(Protocol):
    """What knows photos of earlier runs by name, size and time, so that nobody opens them."""

    numbers: dict[Sensor, int]  # of known photos that were met

    def among(self, files: Mapping[str, str], folder: str = "") -> AbstractSet[str]:
        """Return those keys of `files` that are known, and count them.

        `files` are AT_ONCE names of files in a folder at most, or so many paths, each by what
        `name_of` tells of it.
        """

    def paths(self, sensor: Sensor) -> Iterator[Path]:
        """Yield the known photos of a sensor that were met."""


def photos_below(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
    """Yield the files that `gather` would look at; what cannot be looked into has none."""
    yield from Search([], clips=True).files(paths)


class Search:
    """One walk through files and folders that yields each file once, even if it is named twice."""

    def __init__(
        self, skipped: list[Skipped], *, clips: bool,
        wanted: Callable[[Path], bool] | None = None, known: Recalling | None = None,
    ) -> None:  # fmt: skip
        self.skipped, self.wanted, self.known = skipped, wanted, known
        self.seen: set[FileId] = set()  # files and folders
        self.named: set[Path] = set()
        self.folder_of: dict[Path, Path] = {}  # of each photo: the one given, or the photo's own
        self.others: list[Path] = []  # files of known kinds that are not read
        self.copies = 0  # folders of thumbnails
        self.reads_clips = clips and find_spec(CLIP_READER) is not None

    def files(self, paths: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
        """Yield the photo files in a stable order, and note what cannot be used."""
        for path in self._all_files(paths):
            if self.wanted is None or self.wanted(path):
                yield path
            else:
                del self.folder_of[path]

    def _all_files(self, paths: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
        for given in paths:
            if URL.match(os.fspath(given)) or is_remote(given):
                yield from self._remote_files(os.fspath(given))
                continue
            for path in self._expand(os.fspath(given)):
                if os.path.isdir(path):  # noqa: PTH112  # Path.is_dir raises where this is False
                    for photo in self._photos_below(path):
                        self.folder_of[photo] = path
                        yield photo
                elif self._is_new(path):  # a photo that is given by itself is opened
                    self.named.add(path)
                    self.folder_of[path] = path.parent
                    yield path
        self.skipped += [Skipped(*each) for each in photos_not_read(self.others)]

    def _remote_files(self, given: str) -> Iterator[Path]:
        """Yield the photos below a URL."""
        try:
            root = path_of_url(given) if URL.match(given) else Path(given)
            for path in self._unknown_urls(files_below(root, is_photo, _is_left_out)):
                self.folder_of[path] = path.parent if path == root else root
                if path == root:
                    self.named.add(path)
                if (path == root or is_photo(path)) and self._is_new_url(str(path)):
                    yield path
                elif path.suffix.lower() in KINDS:
                    self.others.append(path)
        except ReadError as error:
            self.skipped.append(Skipped(error.path, error.reason))

    def _unknown_urls(self, urls: Iterable[Path]) -> Iterator[Path]:
        """Yield the remote files that are not known, or all if nobody asks which ones are."""
        if self.known is None:
            yield from urls
            return
        rest = iter(urls)
        while some := list(islice(rest, AT_ONCE)):
            files = dict(self._named_urls(some))
            known = {files[name] for name in self.known.among(files)}
            self.seen |= known
            yield from (path for path in some if str(path) not in known)

    def _named_urls(self, urls: Iterable[Path]) -> Iterator[tuple[str, str]]:
        """Yield those of some remote files that may be known: their `name_of`, and their paths."""
        for path in urls:
            if not is_photo(path) or str(path) in self.seen:
                continue
            if self.wanted is None or self.wanted(path):
                with suppress(ReadError):  # it is named when its turn comes
                    if (status := status_of(path)).modified_ns:
                        yield name_of(path.name, *status), str(path)

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
                with _listed(here) as found:
                    entries = sorted(
                        (entry.name, _is_folder(entry))
                        for entry in self._unknown_in(found, here)
                        if entry.name[0] != "."  # .Trash, ._IMG_0001.JPG of macOS, .thumbnails
                    )
            except OSError as error:
                self._skip(here, error)
                continue
            below = []
            for name, is_folder in entries:
                path = here / name
                if is_folder:
                    if name.lower() in COPIES:
                        self.copies += 1
                    else:
                        below.append(path)
                elif is_photo(path) and (self.reads_clips or not is_clip(path)):
                    if self._is_new(path):
                        yield path
                elif is_clip(path) or path.suffix.lower() in KINDS:
                    self.others.append(path)
            pending.extend(reversed(below))

    def _unknown_in(
        self, entries: Iterable[os.DirEntry[str]], folder: Path
    ) -> Iterator[os.DirEntry[str]]:
        """Yield what is in a folder, without those files that are known and not met before."""
        rest = iter(entries)
        while some := list(islice(rest, AT_ONCE)):
            yield from some if self.known is None else self._unknown_of(some, folder, self.known)

    def _unknown_of(
        self, entries: Sequence[os.DirEntry[str]], folder: Path, known: Recalling
    ) -> Iterable[os.DirEntry[str]]:
        """Return some of what is in a folder, without those files."""
        # A million times in a large archive: written for speed, and without an object for each file
        # that the garbage collector would look at again and again.
        files, places, seen, wanted = dict[str, str](), list[FileId](), self.seen, self.wanted
        for entry in entries:
            try:
                name = entry.name
                if name[0] == "." or entry.is_dir():
                    continue
                size, modified_ns, device, number = LOOKED_AT(entry.stat())
            except OSError:  # it is named when its turn comes
                continue
            place = device << 64 | number if number else os.path.realpath(folder / name)
            if modified_ns and place not in seen and (wanted is None or wanted(folder / name)):
                told = f"{name}|{size}|{modified_ns}"
                if not name.isascii():
                    told = name_of(name, size, modified_ns)
                files[told] = name
                places.append(place)
        if len(files) < len(places):  # two names are written alike, one of them as no text
            return entries
        met = known.among(files, str(folder))
        if len(met) == len(entries):
            seen.update(places)
            return ()
        seen.update(compress(places, map(met.__contains__, files)))
        left = {files[name] for name in met}
        return [entry for entry in entries if entry.name not in left]

    def _is_new(self, path: Path) -> bool:
        """Return whether a file or folder can be looked at and was not met before."""
        try:
            place = _file_id_of(path, path.stat())
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


@contextmanager
def _listed(folder: Path) -> Iterator[Iterator[os.DirEntry[str]]]:
    """List a folder, while the block runs.

    Where the system can, each file is looked at from the opened folder, and not by a path that it
    walks anew: a fifth of the time of a look.
    """
    if os.scandir not in os.supports_fd:
        with os.scandir(folder) as found:
            yield found
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with os.scandir(opened) as found:
            yield found
    finally:
        os.close(opened)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _file_id_of(path: str | Path, status: os.stat_result) -> FileId:
    """Return what identifies a file, whatever names and links lead to it."""
    if status.st_ino == 0:  # some network and memory-card file systems number nothing
        return os.path.realpath(path)
    return status.st_dev << 64 | status.st_ino


def name_of(file: str, size: int, modified_ns: int, part: int = 0) -> str:
    r"""Return what tells an unchanged picture, wherever its folder has moved.

    `file` is the name of its file, and `part` its number in there, or 0. Bytes that are no text
    are written as what they are: a database holds text only.

    >>> name_of("a.tif", 7, 1, 2), name_of("sch\udcf6n.jpg", 7, 1)
    ('a.tif|7|1|2', 'sch\\udcf6n.jpg|7|1')
    """
    if not file.isascii():
        file = file.encode("utf-8", "backslashreplace").decode("utf-8")
    name = f"{file}|{size}|{modified_ns}"
    return f"{name}|{part}" if part else name


def _os_reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "cannot be read: permission denied; give yourself permission to read it"
    if isinstance(error, FileNotFoundError):
        return "is gone, or is a link that leads nowhere; leave it out"
    if error.errno == errno.ELOOP:
        return "is a link that leads back to itself; remove the link"
    return f"cannot be read ({error.strerror or error}); check the disk"

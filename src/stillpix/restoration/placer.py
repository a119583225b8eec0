"""Writes repaired photos: as copies into a folder, or in place.

Never leaves part of a file, never overwrites a file unless that was asked for, and never loses an
original.
"""

from __future__ import annotations

import errno
import filecmp
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..atomic import remove_leftovers, standing_in, write_atomically, write_error
from ..errors import ReadError, ServerLostError, WriteError, spelled
from ..images import Header, explained, read_header
from ..images.content import opened
from ..images.remote import is_remote
from ..images.remote_writing import content_of, write_whole
from .attributes import copy_attributes
from .destinations import ORIGINAL, Placement, Route

NO_MORE_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
SAME_FILE = ("st_ino", "st_size", "st_mtime_ns")
COPIED_AT_ONCE = 1 << 24  # bytes, of a file that is not looked into
DIFFERS = "exists already and differs; --force overwrites it, or name another --out"
MAY_WRITE = 0o222  # anyone's permission bits for it


@dataclass(frozen=True, slots=True)
class Placed:
    """What came of writing one photo."""

    there: bool = False  # exactly these bytes were there already
    original: Path | None = None  # where the original is kept
    earlier: bool = False  # it is an earlier run's original, and stays


class Placer:
    """Writes repaired photos where they go; may be called from several threads at once."""

    def __init__(self, placement: Placement) -> None:
        self.placement = placement
        self._swept: set[Path] = set()  # folders without an earlier run's leftovers

    def place(
        self, route: Route, before: os.stat_result | None, content: bytes,
        check: Callable[[bytes], None],
    ) -> Placed:  # fmt: skip
        """Write a photo's new content to its target; `before` is the photo's file when read.

        It is None of a photo that is not of this computer: its copy has times of its own.

        `check` is called with what the disk gives back, before anything takes its place. On a dry
        run all is looked at and nothing is written.

        Raises:
            WriteError: the target may not or cannot be written; what was there is untouched.
            ReadError: from `check`, and where the photo was changed in the meantime.
        """
        if route.target is None:
            return Placed()
        if is_remote(route.target):
            return self._put(route.target, content, check)
        if self.placement.in_place and before is not None:
            return self._replace(route.header, route.target, before, content, check)
        return self._copy(route.header, route.target, before, content, check)

    def _put(self, target: Path, content: bytes, check: Callable[[bytes], None]) -> Placed:
        """Write a copy to a bucket or a server."""
        there = content_of(target)
        if there == content:
            return Placed(there=True)
        if there is not None and not self.placement.force:
            raise WriteError(spelled(target), DIFFERS)
        if not self.placement.dry_run:
            write_whole(target, content, check)
        return Placed()

    def _copy(
        self, header: Header, target: Path, before: os.stat_result | None, content: bytes,
        check: Callable[[bytes], None],
    ) -> Placed:  # fmt: skip
        if self._is_there(target, lambda: holds(target, content)):
            return Placed(there=True)
        if not self.placement.dry_run:
            _make_folder(target.parent)
            with self._new_file(target, content, check) as new:
                _take_on(new, header.path, before)
        return Placed()

    def copy_as_it_is(self, source: Path, target: Path) -> Placed:
        """Copy a file that is not repaired; on a dry run, only see whether it could be.

        Raises:
            WriteError: the target may not or cannot be written.
            ReadError: the file cannot be read.
        """
        if is_remote(source) or is_remote(target):
            with explained(source), opened(source) as file:
                content = file.read()
            if is_remote(target):
                return self._put(target, content, lambda _: None)
            if not self._is_there(target, lambda: holds(target, content)):
                _make_folder(target.parent)
                write_atomically(target, content)
            return Placed()
        with explained(source), source.open("rb") as file:
            if self._is_there(target, lambda: filecmp.cmp(source, target, shallow=False)):
                return Placed(there=True)
            if not self.placement.dry_run:
                _make_folder(target.parent)
                with standing_in(target) as new:
                    with new.open("xb") as copy:
                        shutil.copyfileobj(file, copy, COPIED_AT_ONCE)
                        copy.flush()
                        os.fsync(copy.fileno())
                    _take_on(new, source, os.fstat(file.fileno()))
        return Placed()

    @contextmanager
    def making(self, source: Path, target: Path) -> Iterator[Path]:
        """Give a hidden name, whose file becomes the copy `target` when the block ends well.

        Raises WriteError where the target exists, unless it may be overwritten.
        """
        self._is_there(target, lambda: False)
        _make_folder(target.parent)
        if target.parent not in self._swept:
            self._swept.add(target.parent)
            remove_leftovers(target.parent)
        with standing_in(target) as new:
            yield new
            with new.open("rb+") as file:
                os.fsync(file.fileno())
            _take_on(new, source, source.stat())

    def _is_there(self, target: Path, same: Callable[[], bool]) -> bool:
        """Return whether a target holds the copy; raise WriteError where it must not be written."""
        if not os.path.lexists(target):
            return False
        if target.is_symlink() or not target.is_file():
            kind = "link" if target.is_symlink() else "folder"
            raise WriteError(target, f"is a {kind}; remove it, or name another --out")
        if same():
            return True
        if not self.placement.force:
            raise WriteError(target, DIFFERS)
        return False

    def _replace(
        self, header: Header, target: Path, before: os.stat_result, content: bytes,
        check: Callable[[bytes], None],
    ) -> Placed:  # fmt: skip
        original = target.with_name(target.name + ORIGINAL)
        _require_replaceable(target, before)
        earlier = self.placement.backup and os.path.lexists(original)
        if earlier:
            _require_same_photo(original, header)
        if not self.placement.dry_run:
            with self._new_file(target, content, check) as new:
                _take_on(new, target, before, owner=True, times=self.placement.keep_times)
                _require_unchanged(target, before)
                if self.placement.backup and not earlier:
                    _keep(target, original, before)
        return Placed(original=original if self.placement.backup else None, earlier=earlier)

    @contextmanager
    def _new_file(
        self, target: Path, content: bytes, check: Callable[[bytes], None]
    ) -> Iterator[Path]:
        """Give the new file, whole and looked at, that takes the target's place after the block."""
        if target.parent not in self._swept:
            self._swept.add(target.parent)
            remove_leftovers(target.parent)
        with standing_in(target) as new:
            _fill(new, content)
            read = new.read_bytes()
            if read != content:
                reason = "read-back check failed: the disk returned other bytes; check the disk"
                raise WriteError(target, reason)
            check(read)
            yield new


def holds(path: Path, content: bytes) -> bool:
    """Return whether a file holds exactly these bytes."""
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:  # whatever it is, it is not known to be the same
        return False


def is_out_of_room(error: WriteError) -> bool:
    """Return whether nothing more can be written there, and not this one file alone."""
    return isinstance(error, ServerLostError) or (
        isinstance(error.__cause__, OSError) and error.__cause__.errno in NO_MORE_ROOM
    )


def _fill(new: Path, content: bytes) -> None:
    with new.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        if sys.platform == "linux":  # so that it is the disk, not memory, that is read back
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _take_on(
    new: Path, old: Path, before: os.stat_result | None, *, owner: bool = False, times: bool = True
) -> None:
    """Give the new file the times and permissions of the old one, as far as the disk has them.

    Without `times` it keeps its own: programs for backups go by size and time. Of a photo from
    another computer it takes on nothing.
    """
    if before is None:
        return
    if owner and sys.platform != "win32" and before.st_uid != new.stat().st_uid:
        with suppress(OSError):
            os.chown(new, before.st_uid, before.st_gid)
    copy_attributes(old, new)
    with suppress(OSError):
        new.chmod(before.st_mode & 0o777)
    if times:
        with suppress(OSError):
            os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))


def _keep(target: Path, original: Path, before: os.stat_result) -> None:
    """Give the original its second name; a copy where the disk knows no second names."""
    try:
        os.link(target, original)
    except FileExistsError:  # another stillpix was quicker
        return
    except OSError:
        with standing_in(original) as copy:
            _fill(copy, target.read_bytes())
            _take_on(copy, target, before, owner=True)


def _require_replaceable(target: Path, before: os.stat_result) -> None:
    if target.name.endswith(ORIGINAL):
        raise WriteError(
            target,
            "is the kept original of a repaired photo; give it its own name back first, "
            "or use --out",
        )
    if not before.st_mode & MAY_WRITE:
        raise WriteError(target, "is write-protected; allow writing to it, or use --out")


def _require_same_photo(original: Path, header: Header) -> None:
    """Refuse to take for the kept original what is none: then this photo would have none."""
    try:
        kept = read_header(original)
        told = kept.sensor.called_as(header.sensor)
        same = (told, kept.exposure) == (header.sensor, header.exposure)
    except ReadError:
        same = False
    if not same:
        raise WriteError(
            header.path,
            f"cannot keep its original: {original.name} exists already and belongs to another "
            f"photo; move it away, or use --out",
        )


def _require_unchanged(target: Path, before: os.stat_result) -> None:
    now = target.stat()
    if any(getattr(now, fact) != getattr(before, fact) for fact in SAME_FILE):
        raise ReadError(target, "changed while it was being repaired; run again")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise WriteError(folder, "is a file, not a folder; name another --out") from error
    except OSError as error:
        raise write_error(folder, error) from error

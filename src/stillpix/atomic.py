"""Writes a file whole, and by one program at a time: afterwards the new or the old file is there.

Never leaves a half-written file, and never changes a file in place.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from .errors import LibraryBusyError, WriteError

if TYPE_CHECKING:
    from filelock import BaseFileLock

REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space and run again",
    errno.EDQUOT: "your disk quota is used up; free some space and run again",
    errno.EROFS: "the disk is read-only; choose another place",
    errno.EACCES: "you may not write there; choose another place or change the permissions",
    errno.EPERM: "you may not write there; choose another place or change the permissions",
    errno.ENOENT: "its folder does not exist; make the folder first",
    errno.ENOTDIR: "its folder is a file; choose another place",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}
FULL_BELOW_BYTES = 1 << 16
LEFTOVER = re.compile(r"\.stillpix-[0-9a-f]{12}\.tmp")
LEFTOVER_AGE_S = 3600.0  # no file takes that long to write
LOCK_POLL_S = 0.1


def write_error(path: str | os.PathLike[str], error: OSError) -> WriteError:
    """Return the operating system's refusal as one line with its remedy.

    >>> import errno
    >>> str(write_error("a.json", OSError(errno.ENOSPC, "No space left on device")))
    'a.json: the disk is full; free some space and run again'
    """
    said = error.strerror or str(error) or type(error).__name__
    remedy = f"could not be written ({said}); choose another place"
    full = said.startswith("Not enough free space") or _is_full(Path(path).parent)  # as numpy says
    code = error.errno or (errno.ENOSPC if full else 0)
    return WriteError(path, REMEDIES.get(code, remedy))


def takes_files(folder: str | os.PathLike[str]) -> bool:
    """Return whether a file can be made in a folder that is there, by trying it.

    Asking for permissions is not enough: a share, a locked folder or a full disk refuses later.

    >>> takes_files("no/such/folder")
    False
    """
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _is_full(folder: Path) -> bool:
    """Return whether the disk is full: numpy says that it wrote less than it should, not why."""
    try:
        return shutil.disk_usage(folder).free < FULL_BELOW_BYTES
    except OSError:
        return False


@contextmanager
def standing_in(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a hidden name beside `path`, whose file takes the place of `path` when the block ends.

    The block makes that file and flushes it to the disk. It is removed when anything goes wrong,
    Ctrl-C included; only of a program that is killed it stays (see `remove_leftovers`). A
    symbolic link stays a link: the file it points to is replaced.

    Raises:
        WriteError: the disk is full, the folder is missing, ...; the old file is untouched.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():  # a rename would swallow a folder or a device
        raise WriteError(path, "is not a plain file; choose another name")
    beside = target.with_name(f".stillpix-{secrets.token_hex(6)}.tmp")
    try:
        yield beside
        beside.replace(target)
    except OSError as error:
        refusal = write_error(path, error)  # while the disk is still as full as it was
        _remove(beside)
        raise refusal from error
    except BaseException:
        _remove(beside)
        raise
    _sync_folder(target.parent)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a new file beside `path` that takes its place when the block ends well.

    The new file is flushed to the disk before it is renamed, keeps the permissions of the old
    one, and is removed when anything goes wrong, Ctrl-C included. A symbolic link stays a link:
    the file it points to is replaced.

    Raises:
        WriteError: the disk is full, the folder is missing, ...; the old file is untouched.
    """
    with standing_in(path) as beside:
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            beside.chmod(Path(path).stat().st_mode & 0o7777)


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write `content` to `path`: all of it, or nothing at all.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder, "a.txt"), b"whole")
    ...     [(file.name, file.read_bytes()) for file in Path(folder).iterdir()]
    [('a.txt', b'whole')]

    Raises:
        WriteError: the disk is full, the folder is missing, ...; the old file is untouched.
    """
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Make a new folder beside `path` that takes its place when the block ends well.

    Killed between the two renames, the old folder is left under its name with `.old` behind;
    `settled_folder` puts it back.

    Raises:
        WriteError: the disk is full, ...; the old folder is untouched.
    """
    target = Path(path)
    beside = target.with_name(f".stillpix-{secrets.token_hex(6)}.tmp")
    old = target.with_name(target.name + ".old")
    try:
        beside.mkdir(parents=True)
        yield beside
        settled_folder(target)
        if target.exists():
            target.rename(old)
        beside.rename(target)
    except OSError as error:
        refusal = write_error(path, error)  # while the disk is still as full as it was
        shutil.rmtree(beside, ignore_errors=True)
        raise refusal from error
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


def remove_leftovers(folder: str | os.PathLike[str]) -> None:
    """Remove the hidden files that a stillpix left in a folder when it was killed.

    What is younger than an hour stays: another stillpix may be writing it. A folder that cannot
    be looked into is left as it is.
    """
    with suppress(OSError):
        for path in Path(folder).iterdir():
            # When it was made, whatever the time that it was given: the file may be a photo's copy.
            if LEFTOVER.fullmatch(path.name) and path.is_file():
                age_s = time.time() - path.stat().st_ctime
                if age_s > LEFTOVER_AGE_S:
                    _remove(path)


def settled_folder(path: str | os.PathLike[str]) -> Path:
    """Return the folder, after undoing a replacement that was killed half-way.

    Raises:
        WriteError: the system does not let it be undone.
    """
    target = Path(path)
    old = target.with_name(target.name + ".old")
    try:
        if old.exists() and target.exists():
            shutil.rmtree(old)
        elif old.exists():
            old.rename(target)
    except OSError as error:
        raise write_error(old, error) from error
    return target


def set_aside(path: str | os.PathLike[str]) -> Path:
    """Give a file or folder that cannot be used another name, and return that.

    Raises:
        WriteError: the system does not let it be renamed.
    """
    target = Path(path)
    names = (target.with_name(f"{target.name}.unusable{number}") for number in count(1))
    aside = next(name for name in names if not name.exists())
    try:
        return target.rename(aside)
    except OSError as error:
        raise write_error(target, error) from error


def _remove(beside: Path) -> None:
    # On Windows an open file cannot be removed; by now the `with` block has closed it.
    with suppress(OSError):
        beside.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last through a power cut, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def hold(lock: BaseFileLock, subject: str, *, wait_s: float) -> Iterator[None]:
    """Hold a lock between programs and threads while the block runs.

    The thread that holds it may take it again. It ends with its process, however that ends.

    Raises:
        LibraryBusyError: another program or thread still held it after `wait_s` seconds.
        WriteError: the lock's file cannot be made.
    """
    from filelock import Timeout

    try:
        lock.acquire(timeout=wait_s, poll_interval=LOCK_POLL_S)
    except Timeout as error:
        raise LibraryBusyError(
            f"{subject}: another stillpix is working on this camera, and did not end "
            f"within {wait_s:g} s; wait until it is done and run again"
        ) from error
    except OSError as error:
        raise write_error(lock.lock_file, error) from error
    try:
        yield
    finally:
        lock.release()

"""Files written to buckets and servers: whole or not at all.

An object of a bucket is put at once, and is there only when all of it is. On a server, a file of a
hidden name is written, read back, and renamed. Nothing is written to other places.
"""

from __future__ import annotations

import posixpath
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import ReadError, ServerLostError, WriteError, spelled
from .remote import asked, kind_of, system_of

PUT = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"})  # all of it, or nothing
RENAMED = frozenset({"sftp", "ssh"})  # a rename takes the place of the old file at once
NOT_THERE = (
    "cannot take a file in one piece; give a folder, or a URL with s3://, gs://, az:// or sftp://"
)
LOST = "could not be written"
NOT_WRITTEN = LOST + " ({}); check the network and the address, and run again"
OTHER_BYTES = "read-back check failed: the server returned other bytes; run again"


def require_writable_place(path: Path) -> None:
    """Refuse a URL to which nothing can be written whole or not at all; raises WriteError."""
    if kind_of(path) not in PUT | RENAMED:
        raise WriteError(spelled(path), NOT_THERE)


def content_of(path: Path) -> bytes | None:
    """Return the bytes of a remote file, None where there is none; raises ReadError."""
    fs, name = system_of(path)
    asked(path, lambda: fs.invalidate_cache(posixpath.dirname(name)))
    if not asked(path, lambda: fs.exists(name)):
        return None
    content: bytes = asked(path, lambda: fs.cat_file(name))
    return content


def names_in(folder: Path) -> list[str]:
    """Return the names in a remote folder; none where it cannot be listed."""
    try:
        fs, name = system_of(folder)
        found = asked(folder, lambda: fs.ls(name, detail=False))
    except ReadError:
        return []
    return [posixpath.basename(str(each).rstrip("/")) for each in found]


def write_whole(
    path: Path, content: bytes, check: Callable[[bytes], None] = lambda _: None
) -> None:
    """Write a remote file, in the place of the one that is there; whole, or not at all.

    `check` is called with the bytes as they came back, on a server before they take their place.
    Raises WriteError, and what `check` raises.
    """
    require_writable_place(path)
    with _explained(path):
        fs, name = system_of(path)
        if kind_of(path) in PUT:
            check(content)
            asked(path, lambda: fs.pipe_file(name, content), NOT_WRITTEN)
            if asked(path, lambda: fs.cat_file(name), NOT_WRITTEN) != content:
                raise WriteError(spelled(path), OTHER_BYTES)
            return
        folder = posixpath.dirname(name)
        beside = posixpath.join(folder, f".stillpix-{secrets.token_hex(6)}.tmp")
        try:
            asked(path, lambda: fs.makedirs(folder, exist_ok=True), NOT_WRITTEN)
            asked(path, lambda: fs.pipe_file(beside, content), NOT_WRITTEN)
            read: bytes = asked(path, lambda: fs.cat_file(beside), NOT_WRITTEN)
            if read != content:
                raise WriteError(spelled(path), OTHER_BYTES)
            check(read)
            asked(path, lambda: fs.mv(beside, name), NOT_WRITTEN)
        except BaseException:
            with suppress(Exception):  # a server that is gone keeps it; it is hidden
                fs.rm_file(beside)
            raise


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except ReadError as error:
        if error.path != spelled(path):  # of the check
            raise
        kind = ServerLostError if error.reason.startswith(LOST) else WriteError
        raise kind(error.path, error.reason) from error

"""Photos that lie elsewhere: in a bucket, on a server, in an archive; whatever fsspec reads.

A photo's URL is kept as a path, whose name and folder are those of the URL. Never writes there, as
`remote_writing` does. No message holds more of an error than its kind: others may hold credentials.
"""

from __future__ import annotations

import io
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar, cast

from stillpix.errors import MissingReaderError, ReadError, spelled

URL = re.compile(r"([a-z][a-z0-9+.-]+)://")
REMOTE = re.compile(r"[a-z][a-z0-9+.-]+:/")
MAGIC = re.compile(r"[*?\[]")
# One with @ or / in it is hidden whole; what follows a colon may be a port or the next URL.
PASSWORD = re.compile(r"://[^/@:]*:(?!:|\d+(?:/|$)).*@")
KEY = re.compile(
    r"(?<=[?&])([^=&#:]*(?:sig|token|key|secret|passw|credential)[^=&#:]*)=[^&#:]*", re.IGNORECASE
)
LOCAL = "file:"  # before the path of an archive on this computer
INNER = "!/"  # between an archive and what is in it, in a path
EXTRAS = {
    "s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure",
    "abfss": "azure", "sftp": "sftp", "ssh": "sftp", "http": "http", "https": "http",
}  # fmt: skip
TRIES, WAIT_S = 4, 0.5  # of each request; before each one twice as long
HEAD_BYTES = 1 << 18  # read at once while only a part is asked for
LOST = "could not be fetched ({}); check the network and the address, and run again"
CLOSED = "may not be used; check the credentials that fsspec finds for {}"
GONE = "is not there; check the address"
SECRET = (
    "has a password in it, or a key, which would end in logs; let fsspec's own settings or "
    "~/.ssh/config hold it"
)
NO_FSSPEC = "is read through a package that is not installed; pip install 'stillpix[{}]'"

T = TypeVar("T")


class Status(NamedTuple):
    """What changes when a file is written to."""

    size: int  # bytes
    modified_ns: int  # since 1970, or what else changes with the content; 0: not told


def is_remote(path: str | os.PathLike[str]) -> bool:
    """Return whether a path stands for a URL.

    >>> is_remote("s3://bucket/a.jpg"), is_remote(Path("s3://bucket")), is_remote("/a/b.jpg")
    (True, True, False)
    """
    return REMOTE.match(os.fspath(path)) is not None


def path_of(url: str) -> Path:
    """Return the path that stands for a URL; raise ReadError for one that holds a secret.

    >>> path_of("zip://night/a.jpg::s3://bucket/x.zip").name
    'a.jpg'
    """
    masked = KEY.sub(r"\1=***", PASSWORD.sub("://***@", url))
    if masked != url:
        raise ReadError(masked, SECRET)
    inner, chained, container = url.partition("::")
    if not chained:
        return Path(url)
    kind, _, name = inner.partition("://")
    there = path_of(container) if URL.match(container) else LOCAL + absolute(Path(container))
    return Path(f"{kind}:/{there}{INNER}{name}")


def url_of(path: str | os.PathLike[str]) -> str:
    """Return the URL that a path stands for.

    >>> url_of(path_of("zip://night/a.jpg::s3://bucket/x.zip"))
    'zip://night/a.jpg::s3://bucket/x.zip'
    >>> url_of(path_of("zip://a.jpg::/photos/x.zip"))
    'zip://a.jpg::/photos/x.zip'
    """
    name = os.fspath(path)
    if name.startswith(LOCAL):
        return name.removeprefix(LOCAL)
    container, is_inner, inner = name.rpartition(INNER)
    if not is_inner:
        return spelled(name)
    kind, _, rest = container.partition(":/")
    return f"{kind}://{inner}::{url_of(rest)}"


def status_of(path: Path) -> Status:
    """Return what tells whether a file has changed; raise OSError, or ReadError of a URL's."""
    if not is_remote(path):
        status = path.stat()
        return Status(status.st_size, status.st_mtime_ns)
    info = _info(path)
    return Status(int(info.get("size") or 0), _moment(info))


def kind_of(path: str | os.PathLike[str]) -> str:
    """Return what a URL begins with.

    >>> kind_of("s3:/bucket/a.jpg")
    's3'
    """
    return url_of(path).partition("://")[0]


def absolute(path: Path) -> str:
    """Return a path that holds in every folder; links stay what they are."""
    if is_remote(path):
        return os.fspath(path)
    return os.path.abspath(path)  # noqa: PTH100  # Path.resolve follows links


def files_below(
    path: Path, is_photo: Callable[[Path], bool], is_left_out: Callable[[str], bool]
) -> Iterator[Path]:
    """Yield the files of a remote folder, or the file itself, or those of a pattern.

    `is_photo` says so of a name, and `is_left_out` of the name of a folder or file below this one.
    Raises ReadError.
    """
    fs, root = system_of(path)
    asked(path, fs.invalidate_cache)
    if magic := MAGIC.search(root):
        fixed = root[: magic.start()].rpartition("/")[0]
        above = os.fspath(path).removesuffix(root.removeprefix(fixed))
        for found in sorted(asked(path, lambda: fs.glob(root))):
            yield Path(above + str(found).removeprefix(fixed))
        return
    # A web server answers for a folder as it does for a file.
    if is_photo(path) and asked(path, lambda: fs.isfile(root)):
        yield path
        return
    names = sorted(asked(path, lambda: fs.find(root)))
    if not names and not asked(path, lambda: fs.exists(root)):
        raise ReadError(path, GONE)
    if names in ([], [root]):
        yield path
        return
    for name in names:
        below = str(name).removeprefix(root.rstrip("/")).lstrip("/")
        if not any(map(is_left_out, below.split("/"))):
            yield path / below


def open_remote(path: Path) -> BinaryIO:
    """Open a remote file: parts of it are fetched as they are asked for. Raises ReadError."""
    size = int(_info(path).get("size") or 0)
    return cast("BinaryIO", io.BufferedReader(_Remote(path, size), HEAD_BYTES))


class _Remote(io.RawIOBase):
    """The bytes of a remote file."""

    def __init__(self, path: Path, size: int) -> None:
        self.path, self.size, self.at = path, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = (0, self.at, self.size)[whence]
        self.at = max(start + offset, 0)
        return self.at

    def readinto(self, into: Any) -> int:
        content = self._fetched(min(self.at + len(into), self.size))
        into[: len(content)] = content
        return len(content)

    def readall(self) -> bytes:
        return self._fetched(self.size)

    def _fetched(self, end: int) -> bytes:
        start = self.at
        if end <= start:
            return b""
        fs, name = system_of(self.path)
        whole = (None, None) if (start, end) == (0, self.size) else (start, end)
        content: bytes = asked(self.path, lambda: fs.cat_file(name, *whole))
        if len(content) != end - start:
            raise ReadError(self.path, "has changed while it was read; run again")
        self.at = end
        return content


def system_of(path: Path) -> tuple[Any, str]:
    """Return the file system of fsspec that a path is in, and its name there."""
    url, kind = url_of(path), kind_of(path)
    try:
        from fsspec.core import url_to_fs

        fs, name = asked(path, lambda: url_to_fs(url))
    except ImportError as error:
        raise MissingReaderError(path, NO_FSSPEC.format(EXTRAS.get(kind, "http"))) from error
    except ValueError as error:
        raise ReadError(path, f"'{kind}' is no place that fsspec knows; check the URL") from error
    return fs, str(name)


def _info(path: Path) -> dict[str, Any]:
    fs, name = system_of(path)
    return dict(asked(path, lambda: fs.info(name)))


def asked(path: Path, ask: Callable[[], T], lost: str = LOST) -> T:
    """Return the answer to a request, asked again where the network may have failed.

    `lost` says that it failed, and names {} as the kind of the error. Raises ReadError.
    """
    wait_s = WAIT_S
    for left in reversed(range(TRIES)):
        try:
            return ask()
        except (ImportError, ValueError, ReadError):
            raise
        # Each file system has errors of its own, of packages that may not be installed.
        except Exception as error:
            reason, may_help = _why_not(path, error, lost)
            if not (left and may_help):
                raise ReadError(path, reason) from error
        time.sleep(wait_s)
        wait_s *= 2
    raise ReadError(path, GONE)


def _why_not(path: Path, error: Exception, lost: str) -> tuple[str, bool]:
    """Return why a request failed, without what its message says, and if another may succeed."""
    kind = type(error).__name__
    if isinstance(error, PermissionError) or "Credentials" in kind or "Authent" in kind:
        return CLOSED.format(kind_of(path)), False
    if isinstance(error, FileNotFoundError):
        cause = error.__cause__  # so do web servers that do not answer, in fsspec's words
        if not isinstance(cause, OSError) or isinstance(cause, FileNotFoundError):
            return GONE, False
        kind = type(cause).__name__
    return lost.format(kind), True


def _moment(info: dict[str, Any]) -> int:
    """Return when a file was written, as far as its place tells, or what else changes with it."""
    for key in ("mtime", "LastModified", "last_modified", "updated", "date_time"):
        told = info.get(key)
        if isinstance(told, datetime):
            return int(told.timestamp() * 1e9)
        if isinstance(told, (int, float)):
            return int(told * 1e9)
    told = info.get("ETag") or info.get("etag") or info.get("md5") or info.get("CRC")
    if told is None:
        return 0
    return int.from_bytes(blake2b(str(told).encode(), digest_size=6).digest(), "big")

"""What can go wrong, as one tree.

StillpixError
├── ArgumentError           an argument is not what the function takes (a ValueError, too)
├── ReadError               one photo could not be read; a scan goes on
│   └── MissingReaderError  its format needs a package that is not installed
├── SensorMismatchError     frames, evidence or maps of two sensors were mixed
├── MapFormatError          a map file or a defect list is damaged or unknown
│   └── MissingPackageError a list or a table of it needs a package that is not installed
├── StateFormatError        saved evidence is damaged or of another version
├── WriteError              a file could not be written; the old one is untouched
│   └── ServerLostError     a server takes nothing more: no other file either
├── LibraryBusyError        another stillpix has been using the same body's map for too long
├── ClusterError            the machines of a cluster cannot do the work
└── NothingUsableError      there was no photo to work with
"""

from __future__ import annotations

import re
from os import PathLike, fspath

URL_AS_PATH = re.compile(r"([a-z][a-z0-9+.-]+):/(?=[^/])")


def spelled(path: str | PathLike[str]) -> str:
    """Return a path as a person would type it: a URL with the two slashes that paths lose.

    >>> spelled("s3:/bucket/a.jpg"), spelled("photos/a.jpg")
    ('s3://bucket/a.jpg', 'photos/a.jpg')
    """
    name = fspath(path)
    found = URL_AS_PATH.match(name)
    return f"{found[1]}://{name[found.end() :]}" if found else name


class StillpixError(Exception):
    """Any failure that stillpix explains in one line."""


class ArgumentError(StillpixError, ValueError):
    """An argument is not what the function takes; the message says what it must be."""


class ReadError(StillpixError):
    """One photo could not be read; its path and the remedy are in the message.

    >>> str(ReadError("a.jpg", "is empty; delete it or copy it again"))
    'a.jpg: is empty; delete it or copy it again'
    """

    def __init__(self, path: str | PathLike[str], reason: str) -> None:
        self.path = spelled(path)
        self.reason = reason
        super().__init__(f"{self.path}: {reason}")


class MissingReaderError(ReadError):
    """A photo's format needs a package that is not installed."""


class SensorMismatchError(StillpixError):
    """Frames, evidence or maps of two sensors were mixed."""


class MapFormatError(StillpixError):
    """A map file is damaged or of an unknown format or version."""


class MissingPackageError(MapFormatError):
    """A map cannot become a list or a table, because a package is not installed."""


class StateFormatError(StillpixError):
    """Saved evidence is damaged or of another version; it can be made again from the photos."""


class WriteError(StillpixError):
    """A file could not be written; what was there before is untouched.

    >>> str(WriteError("map.json", "the disk is full; free some space and run again"))
    'map.json: the disk is full; free some space and run again'
    """

    def __init__(self, path: str | PathLike[str], reason: str) -> None:
        self.path = fspath(path)
        self.reason = reason
        super().__init__(f"{self.path}: {reason}")


class ServerLostError(WriteError):
    """A server takes nothing more: neither this file nor any other one."""


class LibraryBusyError(StillpixError):
    """Another stillpix has been using the same body's map and evidence for too long."""


class ClusterError(StillpixError):
    """The machines of a cluster cannot do the work."""


class NothingUsableError(StillpixError):
    """There was no photo to work with."""

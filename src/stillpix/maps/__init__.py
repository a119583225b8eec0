"""Defect maps as files: one module a defect-list format, and the table of them.

Never decides what is broken, and is the only place that knows another program's coordinates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path

from ..defects import DefectMap
from . import native

__all__ = ["FORMATS", "Format", "format_of", "read_map", "write_map"]


@dataclass(frozen=True, slots=True)
class Format:
    """One way to keep a defect map in a file."""

    name: str
    suffixes: tuple[str, ...]  # lower case, how such a file's name ends
    read: Callable[[Path], DefectMap]
    write: Callable[[DefectMap, Path], None]


FORMATS = (Format("stillpix", (".stillpix.json", ".json"), native.read, native.write),)


def format_of(path: str | PathLike[str]) -> Format:
    """Return the format that claims a file's name; stillpix's own where none does.

    >>> format_of("D3200.stillpix.json").name
    'stillpix'
    """
    name = fspath(path).lower()
    return next((form for form in FORMATS if name.endswith(form.suffixes)), FORMATS[0])


def read_map(path: str | PathLike[str]) -> DefectMap:
    """Read a defect map; everything in it is checked here and nowhere else.

    Raises:
        MapFormatError: the file is missing, damaged, or written by a newer stillpix; the message
            names the file, what is wrong, and what to do.
    """
    return format_of(path).read(Path(path))


def write_map(defect_map: DefectMap, path: str | PathLike[str]) -> None:
    """Write a defect map: the whole file, or, on any failure, nothing at all.

    >>> import tempfile
    >>> from stillpix.defects import Defect, DefectMap
    >>> from stillpix.frame import Sensor
    >>> one = DefectMap(Sensor("Canon", "EOS R", "7", 30, 20), (Defect(x=3, y=4),))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_map(one, Path(folder, "one.stillpix.json"))
    ...     read_map(Path(folder, "one.stillpix.json")) == one
    True

    Raises:
        WriteError: the disk is full, the folder is missing, ...; an old map is untouched.
        MapFormatError: the map breaks its own rules (a defect outside its sensor, a duplicate).
    """
    format_of(path).write(defect_map, Path(path))

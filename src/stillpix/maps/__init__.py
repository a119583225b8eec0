"""Defect maps: their records, their file, the library of them, and every change to one.

Never decides what is broken, and knows no other program's format.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from ..arguments import instance
from ..arguments import path as path_of
from . import map_file
from .records import DefectMap

__all__ = ["read_map", "write_map"]


def read_map(path: str | PathLike[str]) -> DefectMap:
    """Read a defect map of ours; everything in it is checked here and nowhere else.

    Raises:
        MapFormatError: the file is missing, damaged, or written by a newer stillpix; the message
            names the file, what is wrong, and what to do.
    """
    return map_file.read(Path(path_of("path", path)))


def write_map(defect_map: DefectMap, path: str | PathLike[str]) -> None:
    """Write a defect map of ours: the whole file, or, on any failure, nothing at all.

    >>> import tempfile
    >>> from stillpix.maps.records import Defect, DefectMap
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
    instance("defect_map", defect_map, DefectMap, "a DefectMap")
    map_file.write(defect_map, Path(path_of("path", path)))

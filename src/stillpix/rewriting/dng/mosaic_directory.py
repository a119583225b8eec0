"""Finds the directory of the sensor's mosaic in a DNG, and the pointer to it.

Adobe's DNG specification 1.7 on TIFF 6.0 and BigTIFF. Never follows a pointer past the end of
the file or in a circle, and never takes a preview for the sensor's pixels.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from ...errors import ReadError
from ...images.directories import (
    CODES,
    MAX_DIRECTORIES,
    RATIONALS,
    BrokenStructureError,
    Directory,
    Entry,
    Structure,
)
from ...images.outline import MAX_PIXELS

NEW_SUBFILE_TYPE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
SAMPLES, SUB_DIRECTORIES, DNG_VERSION = 277, 330, 50706
OFFSETS = frozenset({4, 13, 16, 18})  # field types that point at directories
CFA, LINEAR_RAW = 32803, 34892  # photometric interpretations
MAX_SUB_DIRECTORIES = 16

NO_DNG = "is no DNG; only the lists and values of DNG files are changed"
LINEAR = (
    "is a linear DNG: its colours are computed already, and there are no sensor's pixels to list;"
    " have its values replaced"
)
NO_MOSAIC = "is a DNG without a sensor's mosaic; repair the RAW file that it was made from"
SEVERAL = "is a DNG with several mosaics, which is not supported; develop it and repair the picture"
DAMAGED = (
    "is a DNG that cannot be changed, because its structure is damaged: it {}; copy it again, or"
    " develop it and repair the picture"
)


@dataclass(frozen=True, slots=True)
class PlacedDirectory:
    """A directory, where it begins, and where the pointer to it is, in bytes of the file."""

    order: str  # "<" or ">"
    big: bool  # BigTIFF
    pointer: int
    offset: int
    entries: Directory
    end: int  # after the pointer to the next one

    @property
    def counter(self) -> struct.Struct:
        """Return the form of the number of entries."""
        return struct.Struct(self.order + ("Q" if self.big else "H"))

    @property
    def entry(self) -> struct.Struct:
        """Return the form of one entry: tag, type, count, and the value or where it is."""
        return struct.Struct(self.order + ("HHQ8s" if self.big else "HHI4s"))

    @property
    def address(self) -> struct.Struct:
        """Return the form of an offset."""
        return struct.Struct(self.order + ("Q" if self.big else "I"))


def is_dng(content: bytes) -> bool:
    """Return whether a file says that it is a DNG, in the first directories of its structure.

    >>> is_dng(b"whatever")
    False
    """
    try:
        return any(DNG_VERSION in placed.entries for placed in directories_in(content))
    except (BrokenStructureError, struct.error):
        return False


def length_of(entry: Entry) -> int:
    """Return the bytes of a field's values."""
    width = 8 if entry.kind in RATIONALS else struct.calcsize("=" + CODES.get(entry.kind, "B"))
    return entry.count * width


def directories_in(content: bytes) -> Iterator[PlacedDirectory]:
    """Yield the directories of the main chain, each before those in its SubIFDs tag.

    Raises:
        BrokenStructureError: a pointer leads nowhere, or to a directory that was there before.
    """
    structure, pointer, order, big = _open_structure(content)
    address = struct.Struct(order + ("Q" if big else "I"))
    seen = set[int]()
    while len(seen) < MAX_DIRECTORIES:
        (offset,) = address.unpack_from(content, pointer)
        if not offset:
            return
        placed = _place_directory(structure, order, pointer, offset, seen, big=big)
        yield placed
        subs = placed.entries.get(SUB_DIRECTORIES)
        if subs is not None and subs.kind in OFFSETS:
            below = structure.numbers(subs, MAX_SUB_DIRECTORIES)
            width = length_of(subs) // subs.count if subs.count else 0
            for number, inner in enumerate(below):
                where = subs.where + number * width
                if width == address.size and inner:
                    yield _place_directory(structure, order, where, int(inner), seen, big=big)
        pointer = placed.end - address.size


def _open_structure(content: bytes) -> tuple[Structure, int, str, bool]:
    """Return the structure, where its first pointer is, its byte order, and if it is BigTIFF."""
    structure = Structure.of(BytesIO(content))
    order = "<" if content[:2] == b"II" else ">"
    (version,) = struct.unpack_from(order + "H", content, 2)
    if version not in {42, 43}:
        raise BrokenStructureError("has no TIFF header")
    return structure, 8 if version == 43 else 4, order, version == 43


def _place_directory(
    structure: Structure, order: str, pointer: int, offset: int, seen: set[int], *, big: bool
) -> PlacedDirectory:
    if offset in seen:
        raise BrokenStructureError("has directories that point in a circle")
    seen.add(offset)
    placed = PlacedDirectory(order, big, pointer, offset, structure.directory(offset), 0)
    counter = Entry(16 if big else 3, 1, offset)
    (count,) = structure.numbers(counter, 1)
    size = placed.counter.size + int(count) * placed.entry.size + placed.address.size
    if offset + size > structure.size:
        raise BrokenStructureError("ends within a directory")
    return replace(placed, end=offset + size)


def picture_directory(content: bytes, path: Path) -> PlacedDirectory:
    """Return the directory of a DNG's mosaic, or of its colours where it is linear.

    Raises ReadError where there is neither, or several.
    """
    with explained(path):
        structure = Structure.of(BytesIO(content))
        linear = [
            each
            for each in directories_in(content)
            if number_in(structure, each, PHOTOMETRIC, 0) == LINEAR_RAW
            and not number_in(structure, each, NEW_SUBFILE_TYPE, 0)
            and not _is_mosaic(structure, each)
        ]
        if len(linear) == 1:
            _require_size(structure, linear[0])
            return linear[0]
    return mosaic_directory(content, path)


def mosaic_directory(content: bytes, path: Path) -> PlacedDirectory:
    """Return the directory of a DNG's full-size mosaic; raise ReadError where there is none.

    A mosaic has NewSubfileType 0 and is a colour filter array, or, of a sensor without colours,
    linear with one sample a pixel.
    """
    with explained(path):
        structure = Structure.of(BytesIO(content))
        placed = list(directories_in(content))
        if not any(DNG_VERSION in each.entries for each in placed):
            raise ReadError(path, NO_DNG)
        full = [each for each in placed if not number_in(structure, each, NEW_SUBFILE_TYPE, 0)]
        mosaics = [each for each in full if _is_mosaic(structure, each)]
        if len(mosaics) == 1:
            _require_size(structure, mosaics[0])
            return mosaics[0]
        linear = any(number_in(structure, each, PHOTOMETRIC, 0) == LINEAR_RAW for each in full)
    raise ReadError(path, SEVERAL if mosaics else LINEAR if linear else NO_MOSAIC)


def _is_mosaic(structure: Structure, placed: PlacedDirectory) -> bool:
    photometric = number_in(structure, placed, PHOTOMETRIC, 0)
    samples = number_in(structure, placed, SAMPLES, 1)
    return photometric == CFA or (photometric == LINEAR_RAW and samples == 1)


def _require_size(structure: Structure, placed: PlacedDirectory) -> None:
    width, height = size_of(structure, placed)
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        raise BrokenStructureError(f"claims to be {width}x{height} pixels")


def size_of(structure: Structure, placed: PlacedDirectory) -> tuple[int, int]:
    """Return the stored width and height in px."""
    width, height = (number_in(structure, placed, tag, 0) for tag in (WIDTH, HEIGHT))
    return width, height


def number_in(structure: Structure, placed: PlacedDirectory, tag: int, default: int) -> int:
    """Return a tag's first number, or the default where the directory has no such tag."""
    if tag not in placed.entries:
        return default
    values = structure.numbers(placed.entries[tag], 1)
    if not values or not isinstance(values[0], int):
        raise BrokenStructureError(f"has no number in its tag {tag}")
    return values[0]


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what is wrong with a structure into a ReadError with a remedy."""
    try:
        yield
    except (BrokenStructureError, struct.error) as error:
        reason = error if isinstance(error, BrokenStructureError) else "points past its own end"
        raise ReadError(path, DAMAGED.format(reason)) from error

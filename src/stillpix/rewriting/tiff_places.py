"""The places in use in a TIFF file: directories, their tags' values, strips and tiles.

With these, a repair never overwrites bytes of another page, preview or tag. Never changes a byte.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Literal, NamedTuple, Self

import numpy as np

from stillpix.errors import ReadError
from stillpix.images import tiff
from stillpix.images.directories import (
    CODES,
    MAX_PAGES,
    RATIONALS,
    BrokenStructureError,
    Directory,
    Entry,
    Structure,
)
from stillpix.images.raw_tags import SUB_DIRECTORIES

JPEG_OFFSET, JPEG_BYTES = 513, 514
EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965
SUB_POINTERS = (SUB_DIRECTORIES, EXIF, GPS, INTEROPERABILITY)
STRIPS, TILES = (tiff.STRIP_OFFSETS, tiff.STRIP_BYTES), (tiff.TILE_OFFSETS, tiff.TILE_BYTES)
SEGMENTS = (STRIPS, TILES, (JPEG_OFFSET, JPEG_BYTES))
WHOLE_NUMBERS = frozenset({3, 4, 13, 16, 18})  # field types an offset or a byte count may have
MOST_DIRECTORIES = MAX_PAGES  # of all chains together
NO_ROOM = "has no room for its changed pixels ({}); save it as an uncompressed TIFF"


def order_of(content: bytes) -> Literal["<", ">"]:
    """Return the byte order of a TIFF file."""
    return "<" if content[:1] == b"I" else ">"


def is_big(content: bytes) -> bool:
    """Return whether a file is a BigTIFF."""
    return 43 in content[2:4]  # BigTIFF; a classic file says 42


def whole_numbers(structure: Structure, entry: Entry) -> tuple[int, ...]:
    """Return the offsets or byte counts that a tag holds."""
    if entry.kind not in WHOLE_NUMBERS:
        raise BrokenStructureError("names impossible places for its pixels")
    return tuple(int(value) for value in structure.numbers(entry, tiff.MAX_SEGMENTS))


class _Spans:
    """Stretches of a file, to ask how many of them reach into a place."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        ends = np.array(spans, np.int64).reshape(-1, 2)
        ends = ends[ends[:, 0] < ends[:, 1]]
        self._starts, self._ends = np.sort(ends[:, 0]), np.sort(ends[:, 1])

    def reaching(self, start: int, end: int) -> int:
        begun = np.searchsorted(self._starts, end, "left")
        return int(begun - np.searchsorted(self._ends, start, "right"))


class Use(NamedTuple):
    """What lies where in a TIFF file."""

    directories: _Spans  # and the file's head
    values: _Spans  # of all tags of all directories
    segments: _Spans  # of all pages and previews

    @classmethod
    def of(cls, content: bytes, path: Path) -> Self:
        """Follow all directories that a reader may follow, or refuse."""
        watched, size = _WatchedFile(content), len(content)
        structure = Structure.of(BytesIO(content))
        values, segments, numbers = list[tuple[int, int]](), list[tuple[int, int]](), 0
        for directory in all_directories(watched, structure, path):
            for entry in directory.values():
                values.append((min(entry.where, size), min(entry.where + _length(entry), size)))
            mine = [tags for tags in SEGMENTS if tags[0] in directory]
            numbers += sum(
                directory[tag].count for tags in mine for tag in tags if tag in directory
            )
            if numbers > tiff.MAX_SEGMENTS:  # more would not be read
                raise BrokenStructureError("has more strips and tiles than any photo")
            for tags in mine:
                segments += segments_of(structure, directory, tags, size)
        return cls(_Spans(sorted(watched.spans)), _Spans(values), _Spans(segments))

    def only_segment(self, start: int, length: int) -> bool:
        """Say whether one segment lies at a place, and nothing else."""
        place = start, start + length
        others = self.values.reaching(*place) + self.directories.reaching(*place)
        return self.segments.reaching(*place) == 1 and not others

    def require_own(self, entry: Entry, path: Path) -> None:
        """Refuse to change a tag's values where another directory reads them, too."""
        place = entry.where, entry.where + _length(entry)
        shared = self.values.reaching(*place) != 1 or self.segments.reaching(*place)
        # Values that fit into their directory's entry lie in that directory.
        if shared or self.directories.reaching(*place) > 1:
            raise ReadError(path, NO_ROOM.format("several pages share one list of offsets"))


class _WatchedFile(BytesIO):
    """A file that knows where it was read: through it a Structure shows where directories are."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.spans = set[tuple[int, int]]()

    def read(self, size: int | None = -1, /) -> bytes:
        start = self.tell()
        result = super().read(size)
        self.spans.add((start, self.tell()))
        return result


def all_directories(file: _WatchedFile, structure: Structure, path: Path) -> Iterator[Directory]:
    """Yield the directories of all chains: of the pages, previews, EXIF, and what they point at."""
    head = file.getvalue()[:4]
    chains, seen = [Structure.of(file)], 0
    file.spans = {(0, 16 if is_big(head) else 8)}  # pixels may follow at once
    while chains:
        with suppress(BrokenStructureError):  # readers, too, leave out a damaged preview or EXIF
            for directory in chains.pop().chain(MAX_PAGES):
                seen += 1
                if seen == MOST_DIRECTORIES:
                    kind = "is a TIFF of more pages than are looked through"
                    raise ReadError(path, f"{kind}, which is not rewritten; save the picture alone")
                chains += [
                    Structure(file, order_of(head), offset, big=is_big(head))
                    for offset in _pointers(structure, directory)
                ]
                yield directory


def _pointers(structure: Structure, directory: Directory) -> Iterator[int]:
    """Yield the offsets of the directories that one points at, besides the next of its chain."""
    for tag in SUB_POINTERS:
        if tag in directory:
            with suppress(BrokenStructureError):
                yield from whole_numbers(structure, directory[tag])[: MOST_DIRECTORIES + 1]


def segments_of(
    structure: Structure, directory: Directory, tags: tuple[int, int], size: int
) -> list[tuple[int, int]]:
    """Return where the segments of a directory start and end."""
    if tags[1] not in directory:
        raise BrokenStructureError("does not say how long its pixels are")
    starts, lengths = (whole_numbers(structure, directory[tag]) for tag in tags)
    pairs = zip(starts, lengths, strict=False)
    return [(min(start, size), min(start + length, size)) for start, length in pairs]


def _length(entry: Entry) -> int:
    width = 8 if entry.kind in RATIONALS else struct.calcsize("=" + CODES.get(entry.kind, "B"))
    return entry.count * width

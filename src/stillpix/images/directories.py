"""The directories (IFDs) of a TIFF structure, as TIFF files and EXIF blocks hold them.

Never reads more than it is asked for and never follows a claim past the end of the file, so a
hostile structure costs no more time or memory than an honest one. Knows no tag's meaning.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Self, TypeAlias

MAX_ENTRIES = 2048  # of a directory; real ones have some hundred at most
MAX_DIRECTORIES = 64  # of a chain; the rest of a longer one is not looked at
MAX_PAGES = 1 << 16  # of a TIFF that is read page by page

# TIFF 6.0 and BigTIFF field types: the struct code of one value.
CODES = {
    1: "B", 2: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i",
    11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q", 129: "B",
}  # fmt: skip
RATIONALS = {5: "I", 10: "i"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag's field: its type, how many values, and where they are in the file."""

    kind: int
    count: int
    where: int


Directory: TypeAlias = dict[int, Entry]


class BrokenStructureError(ValueError):
    """The structure contradicts itself or the length of the file."""


class Structure:
    r"""A TIFF structure in an open file; offsets count from the file's start.

    >>> from io import BytesIO
    >>> entry = struct.pack("<HHII", 274, 3, 1, 6)
    >>> block = b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    >>> structure = Structure.of(BytesIO(block))
    >>> [structure.numbers(each[274], 1) for each in structure.chain()]
    [(6,)]
    """

    def __init__(self, file: BinaryIO, order: str, first: int, *, big: bool = False) -> None:
        """Take the byte order, "<" or ">", and the offset of the first directory as given."""
        self._file = file
        self._order = order
        self._first = first
        self._big = big
        self._size = file.seek(0, 2)

    @classmethod
    def of(cls, file: BinaryIO) -> Self:
        """Return the structure whose 8-byte (or 16-byte BigTIFF) head opens the file."""
        file.seek(0)
        head = file.read(16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        if order is None or len(head) < 8:
            raise BrokenStructureError("has no TIFF header")
        big = struct.unpack(order + "H", head[2:4])[0] == 43
        if big and len(head) < 16:
            raise BrokenStructureError("has no BigTIFF header")
        (first,) = (
            struct.unpack(order + "Q", head[8:]) if big else struct.unpack(order + "I", head[4:8])
        )
        return cls(file, order, first, big=big)

    @property
    def order(self) -> str:
        """Return the byte order, "<" or ">"."""
        return self._order

    @property
    def size(self) -> int:
        """Return the file's length in bytes."""
        return self._size

    def chain(self, most: int = MAX_DIRECTORIES) -> Iterator[Directory]:
        """Yield the directories from the first on; a loop ends them.

        Raises BrokenStructureError at a link that leads nowhere.
        """
        return (directory for _, directory in self.placed_chain(most))

    def placed_chain(self, most: int) -> Iterator[tuple[int, Directory]]:
        """Yield the directories as chain does, and before each its offset."""
        offset, seen = self._first, set[int]()
        while offset and offset not in seen and len(seen) < most:
            seen.add(offset)
            directory, follows = self._directory(offset)
            yield offset, directory
            offset = follows

    def directory(self, offset: int) -> Directory:
        """Return the directory at an offset, without the entries that lie past the end."""
        return self._directory(offset)[0]

    def _directory(self, offset: int) -> tuple[Directory, int]:
        entry_form, counter, inline = ("HHQ8s", "Q", 8) if self._big else ("HHI4s", "H", 4)
        head = struct.calcsize("=" + counter)
        (count,) = struct.unpack(self._order + counter, self._read_at(offset, head))
        if count > MAX_ENTRIES:
            raise BrokenStructureError("has a directory of impossible length")
        form = struct.Struct(self._order + entry_form)
        start, end = offset + head, offset + head + count * form.size
        raw = self._read_at(start, min(end, self._size) - start)
        directory: Directory = {}
        for at in range(0, len(raw) - form.size + 1, form.size):
            tag, kind, values, _ = form.unpack_from(raw, at)
            slot = start + at + form.size - inline
            if values * self._width(kind) > inline:
                slot = self._pointer(slot)
            directory.setdefault(tag, Entry(kind, values, slot))
        follows = self._pointer(end) if end + inline <= self._size else 0
        return directory, follows

    @staticmethod
    def _width(kind: int) -> int:
        """Return the bytes of one value; those of an unknown type count as one."""
        if kind in RATIONALS:
            return 8
        return struct.calcsize("=" + CODES.get(kind, "B"))

    def _pointer(self, where: int) -> int:
        code, width = ("Q", 8) if self._big else ("I", 4)
        (offset,) = struct.unpack(self._order + code, self._read_at(where, width))
        return int(offset)

    def _read_at(self, offset: int, length: int) -> bytes:
        if length < 0 or offset + length > self._size:
            raise BrokenStructureError("points past its own end")
        self._file.seek(offset)
        content = self._file.read(length)
        if len(content) != length:
            raise BrokenStructureError("became shorter while it was read")
        return content

    def content(self, entry: Entry, most: int) -> bytes:
        """Return the field's bytes, `most` of them at most."""
        return self._read_at(entry.where, min(entry.count * self._width(entry.kind), most))

    def at(self, offset: int, most: int) -> bytes:
        """Return the bytes from an offset on, `most` of them at most; none past the end."""
        return self._read_at(offset, min(most, self._size - offset)) if offset < self._size else b""

    def numbers(self, entry: Entry, most: int) -> tuple[float, ...]:
        """Return the field's values, `most` of them at most; x/0 is given as NaN.

        Whole numbers stay int. A field of text or of an unknown type gives its bytes.
        """
        count = min(entry.count, most)
        raw = self._read_at(entry.where, count * self._width(entry.kind))
        if entry.kind in RATIONALS:
            parts = struct.unpack(f"{self._order}{2 * count}{RATIONALS[entry.kind]}", raw)
            pairs = zip(parts[::2], parts[1::2], strict=True)
            return tuple(over / under if under else math.nan for over, under in pairs)
        return struct.unpack(f"{self._order}{count}{CODES.get(entry.kind, 'B')}", raw)

"""The camera that took a CRW file: make, model and serial number from Canon's CIFF structure.

Never reads more than some kilobytes, and never raises: what the file does not say is None. The
layout is that of Canon's CIFF specification 1.0 (1997).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

CIFF_HEAD = b"HEAPCCDR"  # at byte 6
MAKE_AND_MODEL, SERIAL = 0x080A, 0x580B
KIND, INLINE = 0x3800, 0x4000  # bits of a tag: what its value is, and that it stands in the entry
DIRECTORIES = (0x2800, 0x3000)
ENTRY = struct.Struct("<HII")  # tag, bytes, offset from the start of its heap
MOST_ENTRIES, MOST_DEPTH, MOST_TEXT = 256, 4, 64


def camera_of_ciff(file: BinaryIO) -> tuple[bytes, bytes, int | None]:
    r"""Return make, model and serial number, empty or None where the file does not say them.

    >>> from io import BytesIO
    >>> text = b"Canon\0Canon EOS D30\0"
    >>> entry = ENTRY.pack(0x080A, len(text), 0)
    >>> heap = text + struct.pack("<H", 1) + entry + struct.pack("<I", len(text))
    >>> camera_of_ciff(BytesIO(b"II" + struct.pack("<I", 14) + b"HEAPCCDR" + heap))
    (b'Canon', b'Canon EOS D30', None)
    """
    make = model = b""
    serial = None
    try:
        file.seek(2)
        (start,) = struct.unpack("<I", file.read(4))
        for tag, value in _values(file, start, file.seek(0, 2), MOST_DEPTH):
            if tag == MAKE_AND_MODEL:
                make, model, *_ = [*value.split(b"\0"), b"", b""]
            elif tag == SERIAL:
                serial = int.from_bytes(value[:4], "little")
    except struct.error:  # the rest is not there
        pass
    return make, model, serial


def _values(file: BinaryIO, start: int, end: int, depth: int) -> Iterator[tuple[int, bytes]]:
    """Yield the tags and values that are wanted of a heap and of those in it."""
    file.seek(max(end - 4, 0))
    (table,) = struct.unpack("<I", file.read(4))
    file.seek(start + table)
    (number,) = struct.unpack("<H", file.read(2))
    entries = file.read(min(number, MOST_ENTRIES) * ENTRY.size)
    for at in range(0, len(entries) - ENTRY.size + 1, ENTRY.size):
        tag, size, offset = ENTRY.unpack_from(entries, at)
        if tag & INLINE:
            yield tag, entries[at + 2 : at + ENTRY.size]
        elif tag == MAKE_AND_MODEL:
            file.seek(start + offset)
            yield tag, file.read(min(size, MOST_TEXT))
        elif tag & KIND in DIRECTORIES and depth and start + offset + size <= end:
            yield from _values(file, start + offset, start + offset + size, depth - 1)

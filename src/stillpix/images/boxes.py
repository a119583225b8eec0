"""The boxes of ISO base media files (ISO/IEC 14496-12): CR3, HEIF and AVIF are made of them.

Never reads more than their heads, and never goes beyond the box they lie in.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

MOST_BOXES = 1024  # in one box; real files have some hundred items
GENERAL_BRANDS = frozenset({b"mif1", b"msf1", b"miaf"})  # any HEIF; the others say which


def boxes_in(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of the contents of each box between two offsets."""
    for _ in range(MOST_BOXES):
        if start + 8 > end:
            return
        file.seek(start)
        size, name = struct.unpack(">I4s", file.read(8))
        begins = start + 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            begins += 8
        until = end if size == 0 else start + size
        if until < begins or until > end:
            return
        yield name, begins, until
        start = until


def brands_of(head: bytes) -> frozenset[bytes]:
    r"""Return what a file says it is made for; if its own word is a general one, others, too.

    >>> sorted(brands_of(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic"))
    [b'heic', b'mif1']
    """
    if head[4:8] != b"ftyp":
        return frozenset()
    main, end = head[8:12], min(int.from_bytes(head[:4], "big"), len(head))
    others = {head[at : at + 4] for at in range(16, end, 4)}
    return frozenset({main, *others} if main in GENERAL_BRANDS else {main})

"""The head of a JPEG: its segments before the first scan, and the TIFF directories in them.

Reads all offsets, even those that lead out of their segment, because those are the ones that
matter. Never follows one out of the file, never raises on a broken structure, and never changes
anything.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

EOI, SOS = 0xD9, 0xDA
ALONE = frozenset({0x01, 0xD8})  # TEM and SOI: no segment follows
MOST_SEGMENTS = 4096
MOST_FIELDS = 2048
# All but what a scan may hold; looking ahead is much faster than a set of the others.
MARKER = re.compile(rb"\xff(?![\x00\xff\xd0-\xd7]).", re.DOTALL)
WIDTHS = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1,
}  # fmt: skip
INLINE = 4  # bytes of a value that stands in its field
ORDERS = {b"II": "<", b"MM": ">"}


class Segment(NamedTuple):
    """One marker segment."""

    marker: int
    first: int  # offset of what it holds
    last: int  # offset behind it


class LocatedField(NamedTuple):
    """One entry of a directory."""

    tag: int
    kind: int
    values: int  # how many
    at: int  # offset of its four bytes for a value or an offset

    @property
    def length(self) -> int:
        """Return how many bytes its values take."""
        return WIDTHS.get(self.kind, 1) * self.values


def segments_of(content: bytes, start: int = 0) -> Iterator[Segment]:
    """Yield the segments of the picture that begins at `start`, up to its EOI marker, if any."""
    at = start + 2
    for _ in range(MOST_SEGMENTS):
        found = MARKER.search(content, at)
        if found is None:
            return
        marker, at = found[0][-1], found.end()
        if marker == EOI:
            yield Segment(EOI, at, at)
            return
        if marker in ALONE:
            continue
        last = at + int.from_bytes(content[at : at + 2], "big")
        if not at + 2 <= last <= len(content):
            return
        yield Segment(marker, at + 2, last)
        at = last


def head_of(content: bytes) -> list[Segment]:
    """Return the segments before the first scan, and that scan's SOS; none if there is no scan."""
    head: list[Segment] = []
    for segment in segments_of(content):
        head.append(segment)
        if segment.marker == SOS:
            return head
    return []


def end_of_picture(content: bytes, start: int) -> int | None:
    """Return the offset behind the picture that begins at `start`; None if it has no end."""
    return next((each.last for each in segments_of(content, start) if each.marker == EOI), None)


def number_at(content: bytes, at: int, code: str) -> int | None:
    """Return the unsigned number at an offset, read as struct's `code`; None past the end."""
    width = struct.calcsize(code)
    if not 0 <= at <= len(content) - width:
        return None
    (value,) = struct.unpack_from(code, content, at)
    return int(value)


def fields_of(content: bytes, order: str, first: int) -> list[LocatedField]:
    """Return the fields of the directory at an offset of the file; none if it can be no such.

    >>> fields_of(struct.pack("<HHHIII", 1, 274, 3, 1, 6, 0), "<", 0)
    [LocatedField(tag=274, kind=3, values=1, at=10)]
    """
    count = number_at(content, first, order + "H")
    form = struct.Struct(order + "HHI4x")
    if not count or count > MOST_FIELDS or first + 2 + form.size * count > len(content):
        return []
    rows = content[first + 2 : first + 2 + form.size * count]
    fields = [
        LocatedField(tag, kind, values, first + 2 + form.size * n + 8)
        for n, (tag, kind, values) in enumerate(form.iter_unpack(rows))
    ]
    return fields if all(field.kind in WIDTHS for field in fields) else []

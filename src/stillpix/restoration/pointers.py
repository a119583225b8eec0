"""Offsets in the EXIF block, maker notes included, that lead beyond the picture's first scan.

Some makers put a preview after the end of the image, and its offset into their notes. If a field's
value is stored elsewhere, the field holds an offset for certain. A whole number in a field is an
offset if a JPEG begins where it leads; if not, it may still be one. Never raises on a broken block.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .heads import INLINE, ORDERS, LocatedField, fields_of, number_at

EXIF_HEAD = b"Exif\0\0"
PICTURE = b"\xff\xd8\xff"
EXIF_DIRECTORY, MAKER_NOTE = 34665, 37500
LONG, DIRECTORY = 4, 13  # field types
LONGEST_LIST = 64  # numbers of one field that are looked at
FEWEST_FIELDS = 2  # of what is taken as a directory without having been named as one
# Maker notes with a head before their directory: how they begin, where the directory lies, where
# a byte order of its own stands (-1: the EXIF block's), whether offsets count from the note.
NOTES = (
    (b"OLYMPUS\0", 12, 8, True), (b"OM SYSTEM\0", 16, 12, True), (b"OLYMP\0", 8, -1, False),
    (b"PENTAX \0", 10, 8, True), (b"AOC\0", 6, 4, False), (b"Apple iOS\0", 14, 12, True),
    (b"Panasonic\0", 12, -1, False), (b"LEICA\0", 8, -1, False), (b"SIGMA\0", 10, -1, False),
    (b"SONY ", 12, -1, False), (b"QVC\0", 6, -1, False), (b"Ricoh\0", 8, -1, False),
    (b"RICOH\0", 8, -1, False), (b"EPSON\0", 8, -1, False),
)  # fmt: skip
INNER_HEADS = (8, 10, 12)  # where in a maker note a TIFF structure of its own begins: Nikon's at 10


class Number(NamedTuple):
    """A number in the head of a JPEG that something behind the first scan is found by."""

    at: int  # offset
    code: str  # as struct has it; "": decimal digits
    value: int
    base: int | None  # offset that it counts from; None: it is the first picture's own length

    @property
    def target(self) -> int:
        """Return the offset it leads to."""
        return (self.base or 0) + self.value


class Lead(NamedTuple):
    """Where a number leads."""

    number: Number
    length: int | None  # of what is there; 0: a picture, which has an end; None: perhaps nothing


class _Place(NamedTuple):
    """A directory to look at."""

    order: str
    base: int  # what its offsets count from
    first: int


def pointers_of(content: bytes, exif: int, scan: int) -> Iterator[Lead]:
    """Yield the offsets that lead behind `scan`, and the numbers that could be such.

    Args:
        content: the file.
        exif: offset of the EXIF block's TIFF head.
        scan: offset of the first scan.
    """
    order = ORDERS.get(content[exif : exif + 2])
    first = number_at(content, exif + 4, f"{order}I") if order else None
    if order is None or first is None:
        return
    places, seen = [_Place(order, exif, exif + first)], set[int]()
    while places:
        place = places.pop()
        if place.first in seen or place.first >= scan:
            continue
        seen.add(place.first)
        fields = fields_of(content, place.order, place.first)
        for field in fields:
            places += _directories(content, place, field, exif, scan)
            yield from _leading(content, place, field, exif, scan)
        behind = place.first + 2 + 12 * len(fields)  # IFD1, of the thumbnail
        follows = number_at(content, behind, f"{order}I") if place.base == exif else None
        if fields and follows:
            places.append(_Place(order, exif, exif + follows))


def _value_at(content: bytes, place: _Place, field: LocatedField) -> int:
    """Return the offset of a field's first value."""
    if field.length <= INLINE:
        return field.at
    return place.base + (number_at(content, field.at, f"{place.order}I") or 0)


def _directories(
    content: bytes, place: _Place, field: LocatedField, exif: int, scan: int
) -> Iterator[_Place]:
    """Yield the directories that a field holds or leads to."""
    at = _value_at(content, place, field)
    if field.tag == MAKER_NOTE and place.base == exif:
        yield _note(content, place, at)
        return
    if field.kind in {LONG, DIRECTORY} and field.values == 1:
        at = place.base + (number_at(content, field.at, f"{place.order}I") or 0)
    elif field.length <= INLINE:
        return
    named = field.tag == EXIF_DIRECTORY
    if at < scan and (named or len(fields_of(content, place.order, at)) >= FEWEST_FIELDS):
        yield _Place(place.order, place.base, at)


def _note(content: bytes, place: _Place, at: int) -> _Place:
    """Return the directory of a maker note."""
    for inner in INNER_HEADS:
        order = ORDERS.get(content[at + inner : at + inner + 2])
        if order and number_at(content, at + inner + 2, f"{order}H") == 42:
            first = number_at(content, at + inner + 4, f"{order}I") or 0
            return _Place(order, at + inner, at + inner + first)
    if content.startswith(b"FUJIFILM", at):
        return _Place("<", at, at + (number_at(content, at + 8, "<I") or 0))
    for head, first, order_at, own_base in NOTES:
        if content.startswith(head, at):
            own = content[at + order_at : at + order_at + 2] if order_at >= 0 else b""
            order = ">" if head.startswith(b"QVC") else ORDERS.get(own, place.order)
            return _Place(order, at if own_base else place.base, at + first)
    return _Place(place.order, place.base, at)


def _leading(
    content: bytes, place: _Place, field: LocatedField, exif: int, scan: int
) -> Iterator[Lead]:
    """Yield where a field leads behind the scan: by its own offset, or by its values."""
    code = f"{place.order}I"
    if field.length > INLINE:
        number = Number(field.at, code, number_at(content, field.at, code) or 0, place.base)
        if scan <= number.target <= len(content) - field.length:
            yield Lead(number, field.length)
            return
    if field.kind not in {LONG, DIRECTORY} or field.values > LONGEST_LIST:
        return
    first = _value_at(content, place, field)
    for at in range(first, first + INLINE * field.values, INLINE):
        value = number_at(content, at, code) or 0
        bases = tuple(dict.fromkeys((place.base, exif, 0)))
        leads = [Number(at, code, value, base) for base in bases]
        leads = [number for number in leads if scan <= number.target < len(content)]
        to_picture = [each for each in leads if content.startswith(PICTURE, each.target)]
        yield from (Lead(number, 0) for number in to_picture[:1])
        if not to_picture:
            yield from (Lead(number, None) for number in leads)

"""The list of operations in a DNG's OpcodeList1 tag: bytes in and out, nothing else.

Adobe's DNG specification 1.3, chapter 7. Knows two operations, FixBadPixelsConstant and
FixBadPixelsList; never changes one that is there. Never opens a file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

FIX_BAD_PIXELS_CONSTANT, FIX_BAD_PIXELS_LIST = 4, 5
DNG_1_3 = bytes((1, 3, 0, 0))  # the version that brought opcodes
OPTIONAL = 1  # flag: who does not know the opcode may still show the photo
# Where green is in the 2x2 cell at the frame's (0, 0), as dng_bad_pixels.cpp counts.
BAYER_PHASES = {"bayer-GRBG": 0, "bayer-RGGB": 1, "bayer-BGGR": 2, "bayer-GBRG": 3}

_COUNT, _HEAD, _LIST = struct.Struct(">I"), struct.Struct(">I4sII"), struct.Struct(">III")
_POINT, _RECT = struct.Struct(">II"), struct.Struct(">IIII")


class Opcode(NamedTuple):
    """One operation, whatever it does."""

    number: int
    version: bytes  # of the DNG specification that has it, four bytes
    flags: int
    content: bytes

    @property
    def packed(self) -> bytes:
        """Return the bytes of the operation."""
        return _HEAD.pack(self.number, self.version, self.flags, len(self.content)) + self.content


@dataclass(frozen=True, slots=True)
class BadPixels:
    """What FixBadPixelsList lists: single photosites and rectangles of the full stored frame."""

    points: tuple[tuple[int, int], ...] = ()  # x, y in px
    rects: tuple[tuple[int, int, int, int], ...] = ()  # left, top, right, bottom; the ends excluded
    phase: int = 0  # 0 GRBG, 1 RGGB, 2 BGGR, 3 GBRG at the frame's (0, 0); 0 of other mosaics

    def holds(self, x: int, y: int) -> bool:
        """Return whether a photosite is listed, alone or in a rectangle.

        >>> BadPixels(rects=((2, 3, 4, 5),)).holds(3, 4), BadPixels(((7, 8),)).holds(8, 7)
        (True, False)
        """
        within = (
            left <= x < right and top <= y < bottom for left, top, right, bottom in self.rects
        )
        return (x, y) in self.points or any(within)


def opcodes_in(content: bytes) -> tuple[Opcode, ...]:
    """Return the operations of an opcode list, in order.

    >>> constant = "00000004 01030000 00000001 00000008 00000000 00000001"
    >>> [opcode.number for opcode in opcodes_in(bytes.fromhex("00000001" + constant))]
    [4]

    Raises:
        ValueError: the list ends too early, or something follows it.
    """
    try:
        (count,), at = _COUNT.unpack_from(content), _COUNT.size
        found = list[Opcode]()
        while len(found) < count:
            number, version, flags, length = _HEAD.unpack_from(content, at)
            at += _HEAD.size
            if length > len(content) - at:
                raise ValueError("an opcode list is cut short")
            found.append(Opcode(number, version, flags, content[at : at + length]))
            at += length
    except struct.error as error:
        raise ValueError("an opcode list is cut short") from error
    if content[at:].strip(b"\0"):  # some writers fill up with zeros
        raise ValueError("an opcode list is longer than its opcodes")
    return tuple(found)


def opcode_list(opcodes: Iterable[Opcode]) -> bytes:
    """Return the bytes of an opcode list.

    >>> opcode_list([]).hex()
    '00000000'
    """
    packed = [opcode.packed for opcode in opcodes]
    return _COUNT.pack(len(packed)) + b"".join(packed)


def fix_bad_pixels(bad: BadPixels) -> Opcode:
    """Return the operation that has a program repair the listed photosites.

    >>> fix_bad_pixels(BadPixels(points=((7, 2),), phase=1)).content.hex(" ", 4)
    '00000001 00000001 00000000 00000002 00000007'

    Raises:
        ValueError: a number is below 0 or above what 32 bits hold.
    """
    try:
        parts = [_LIST.pack(bad.phase, len(bad.points), len(bad.rects))]
        parts += [_POINT.pack(y, x) for x, y in bad.points]
        parts += [_RECT.pack(top, left, bottom, right) for left, top, right, bottom in bad.rects]
    except struct.error as error:
        raise ValueError("a bad pixel's place is no whole number of 32 bits") from error
    return Opcode(FIX_BAD_PIXELS_LIST, DNG_1_3, OPTIONAL, b"".join(parts))


def bad_pixels_of(opcode: Opcode) -> BadPixels:
    """Return what one FixBadPixelsList lists.

    >>> bad = BadPixels(((7, 2), (0, 0)), ((1, 2, 3, 4),), phase=3)
    >>> bad_pixels_of(fix_bad_pixels(bad)) == bad
    True

    Raises:
        ValueError: the opcode is another, or says more or less than it holds.
    """
    if opcode.number != FIX_BAD_PIXELS_LIST:
        raise ValueError(f"opcode {opcode.number} lists no bad pixels")
    if len(opcode.content) < _LIST.size:
        raise ValueError("a list of bad pixels is cut short")
    phase, points, rects = _LIST.unpack_from(opcode.content)
    between = _LIST.size + points * _POINT.size
    if len(opcode.content) != between + rects * _RECT.size:
        raise ValueError("a list of bad pixels says more or less than it holds")
    places = _POINT.iter_unpack(opcode.content[_LIST.size : between])
    areas = _RECT.iter_unpack(opcode.content[between:])
    return BadPixels(
        tuple((x, y) for y, x in places),
        tuple((left, top, right, bottom) for top, left, bottom, right in areas),
        phase,
    )


def bad_pixels_in(content: bytes) -> BadPixels:
    """Return what all FixBadPixelsList opcodes of a list list together; the first says the phase.

    >>> bad_pixels_in(bytes(4))
    BadPixels(points=(), rects=(), phase=0)

    Raises:
        ValueError: the list, or one of those opcodes, is damaged.
    """
    found = [
        bad_pixels_of(opcode)
        for opcode in opcodes_in(content)
        if opcode.number == FIX_BAD_PIXELS_LIST
    ]
    return BadPixels(
        tuple(point for bad in found for point in bad.points),
        tuple(rect for bad in found for rect in bad.rects),
        found[0].phase if found else 0,
    )


def extended(content: bytes | None, bad: BadPixels, width: int, height: int) -> bytes:
    """Return an opcode list with more bad pixels, in an opcode of their own.

    The opcodes that are there stay byte for byte and in their order; the new one goes before the
    first FixBadPixelsConstant, which would spoil it in darktable, else to the end. What is listed
    already is not listed again: where nothing is new, `content` itself is returned. `None` is a
    file without a list; `width` and `height` are those of the stored frame in px.

    >>> once = extended(None, BadPixels(((7, 2),)), 40, 30)
    >>> twice = extended(once, BadPixels(((7, 2), (8, 2))), 40, 30)
    >>> bad_pixels_in(twice).points, extended(twice, BadPixels(((8, 2),)), 40, 30) is twice
    (((7, 2), (8, 2)), True)

    Raises:
        ValueError: a place lies outside the frame, which voids the whole list in darktable, or
            the list that is there is damaged.
    """
    _require_inside(bad, width, height)
    before = () if content is None else opcodes_in(content)
    listed = [bad_pixels_of(opcode) for opcode in before if opcode.number == FIX_BAD_PIXELS_LIST]
    there = {point for each in listed for point in each.points}
    rects = BadPixels(rects=tuple(dict.fromkeys(rect for each in listed for rect in each.rects)))
    points = tuple(
        point
        for point in dict.fromkeys(bad.points)
        if point not in there and not rects.holds(*point)
    )
    new = BadPixels(
        points, tuple(rect for rect in dict.fromkeys(bad.rects) if rect not in rects.rects),
        bad.phase,
    )  # fmt: skip
    if not (new.points or new.rects):
        return opcode_list(()) if content is None else content
    numbers = [opcode.number for opcode in before]
    at = (
        numbers.index(FIX_BAD_PIXELS_CONSTANT)
        if FIX_BAD_PIXELS_CONSTANT in numbers
        else len(numbers)
    )
    return opcode_list((*before[:at], fix_bad_pixels(new), *before[at:]))


def _require_inside(bad: BadPixels, width: int, height: int) -> None:
    frame = f"outside the frame of {width}x{height}"
    for x, y in bad.points:
        if not (0 <= x < width and 0 <= y < height):
            raise ValueError(f"the bad pixel {x},{y} lies {frame}")
    for left, top, right, bottom in bad.rects:
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            raise ValueError(f"the bad rectangle {left},{top} to {right},{bottom} lies {frame}")

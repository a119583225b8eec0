"""Keeps everything else in a repaired JPEG's file findable, as it was before the repair.

A picture that became shorter gets fill bytes before its EOI marker, which are allowed before any
marker (ITU-T T.81, B.1.1.2). So nothing after it moves. If a picture became longer, everything
after it moves by as much, and the numbers that lead there are corrected in place. Never moves
anything that an unknown number may lead to, and never changes the length of the head.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

from ..rewriting.jpeg import JpegImage
from .companions import Companions, Span, companions_of
from .pointers import Number

EOI_BYTES = 2
AFCP = re.compile(rb"AXS[!*].{8}\Z", re.DOTALL)  # the end of a trailer of FotoStation's and others
AFCP_BYTES = 12
PADDING = b"\0\xff"  # bytes that mean nothing where nothing leads to them
MOST = (1 << 32) - 1  # that a number of the index can hold


def kept_in_place(before: bytes, image: JpegImage, after: bytes) -> bytes | None:
    """Return a rewritten JPEG in which all beside the picture is found as it was before.

    Args:
        before: the file as it was.
        image: its coefficients.
        after: the file with blocks changed, and no byte behind the picture.

    None: the picture became longer, and what leads to what follows it cannot be corrected.
    """
    companions = companions_of(before, image.end)
    longer = len(after) - len(before)
    if longer == 0 or (len(before) == image.end and not companions.numbers):
        return after
    end = image.end + longer - EOI_BYTES
    if longer < 0:
        return after[:end] + b"\xff" * -longer + after[end:]
    spare = min(longer, image.end - EOI_BYTES - image.fill)
    after = after[: end - spare] + after[end:]
    if longer == spare:
        return after
    if not _can_move(before, image.end, companions):
        return None
    return _move_numbers(after, companions.numbers, image.end, longer - spare)


def _can_move(content: bytes, end: int, companions: Companions) -> bool:
    """Return whether nothing leads behind the picture but the numbers that can be corrected."""
    if AFCP.search(content, max(end, len(content) - AFCP_BYTES)):
        return False  # its offsets count from the start of the file, and stand in it
    known = {number.at for number in companions.numbers}
    places = [span.first for span in companions.pictures]
    for first, last in _gaps(companions, end, len(content)):
        unknown = content[first:last].lstrip(PADDING)
        if unknown:
            places += [first, last - len(unknown)]
        if unknown and any(first <= each < last for each in companions.doubtful):
            return False
    return not any(
        at not in known for place in places for at in _places_of_number(content, place, companions)
    )


def _gaps(companions: Companions, end: int, size: int) -> list[Span]:
    """Return what lies behind the picture and in none of its companions."""
    gaps, at = [], end
    for first, last in sorted([*companions.pictures, *companions.told_from_end]):
        if first > at:
            gaps.append(Span(at, first))
        at = max(at, last)
    return [*gaps, Span(at, size)] if at < size else gaps


def _places_of_number(content: bytes, offset: int, companions: Companions) -> list[int]:
    """Return where the head holds an offset, counted from anything that offsets count from."""
    found: list[int] = []
    for base in companions.bases:
        for code in ("<I", ">I"):
            needle = struct.pack(code, offset - base)
            at = content.find(needle, 0, companions.head)
            while at >= 0:
                found.append(at)
                at = content.find(needle, at + 1, companions.head)
    return found


def _move_numbers(after: bytes, numbers: Sequence[Number], end: int, longer: int) -> bytes | None:
    """Return the file with the numbers that count over the end of the picture made larger."""
    content = bytearray(after)
    for number in numbers:
        if number.target < end:
            continue
        value = number.value + longer
        if number.code and value <= MOST:
            struct.pack_into(number.code, content, number.at, value)
        elif not number.code and len(str(value)) == len(str(number.value)):
            text = str(value).encode()
            content[number.at : number.at + len(text)] = text
        else:
            return None
    return bytes(content)

"""Proof by reading back: a repaired file differs from the original only at the repaired places.

Knows only the two files and the list of places, and reads both files again.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import ReadError, WriteError
from ..images import Header, decode_colour, decode_stored, repair_of
from ..images.jpeg import require_decodable
from ..images.tidy_jpeg import tidied
from ..rewriting.jpeg import read_coefficients
from .canvas import Lattice
from .companions import companions_of
from .heads import end_of_picture
from .jpeg import JpegCanvas
from .pixels import lattices_of
from .pointers import Number
from .storing import SIDE
from .verdicts import RepairedFile, Verdict

Reached: TypeAlias = tuple[slice, slice]

BEYOND = (
    "would have been changed beyond the repaired places, so nothing was written; please report it"
    " with this photo"
)
FULL = 65535
EOI_MARKER = b"\xff\xd9"
_EOI, _SOS, _TABLES = 0xD9, 0xDA, 0xC4
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a segment: TEM, RSTn, SOI


def verified(before: bytes, after: bytes, header: Header, verdicts: Sequence[Verdict]) -> None:
    """Make sure that a repaired file differs from the original only at the repaired places.

    Raises:
        WriteError: anything else differs; the file must not be kept.
        ReadError: the repaired file cannot be read.
    """
    if after == before:
        return
    places = _repaired(verdicts)
    if repair_of(header) == "coefficients":
        sound = _is_sound_jpeg(tidied(before), after, header, places)
    else:
        sound = _is_sound_picture(before, after, header, places)
    if not sound:
        raise WriteError(header.path, BEYOND)


def _repaired(verdicts: Sequence[Verdict]) -> list[tuple[int, int]]:
    """Return the x and y of all pixels that were repaired."""
    some = [each for each in verdicts if each.outcome == "repaired"]
    return [pixel for verdict in some for pixel in verdict.pixels()]


def verified_copy(before: bytes, after: bytes, header: Header, fixed: RepairedFile) -> None:
    """Make sure that a copy of another format differs from its photo at the repaired places only.

    Raises WriteError if not, and ReadError where the copy cannot be read.
    """
    white = FULL if header.white > 255 else 255
    copy = replace(header, format=fixed.format, white=white)
    old, new = decode_colour(header, before), decode_colour(copy, after)
    places = _repaired(fixed.verdicts)
    differ = np.rint(old * (white / header.white)) != new
    differ = differ.reshape(*old.shape[:2], -1).any(axis=2)
    lattices = lattices_of(header.sensor.layout, colours=old.ndim == 3)
    if old.shape != new.shape or not _differ_only_in(
        differ, [_reach_of(lattice, x, y, 1) for lattice in lattices for x, y in places]
    ):
        raise WriteError(header.path, BEYOND)


def _is_sound_jpeg(
    before: bytes, after: bytes, header: Header, places: Sequence[tuple[int, int]]
) -> bool:
    old, new = (read_coefficients(file, header.path) for file in (before, after))
    numbers = companions_of(before, old.end).numbers if len(before) != len(after) else ()
    rest = zip_longest(
        *(
            _pieces_outside_scans(_blot_out(numbers, file), tables=not old.progressive)
            for file in (before, after)
        )
    )
    if any(one != other for one, other in rest):
        return False
    if not _lead_to_the_same(before, after, (old.end, new.end), header.path):
        return False
    lattices = JpegCanvas(old, header.path).lattices
    return all(
        _differ_only_in(
            (old.components[number].blocks != new.components[number].blocks).any(axis=2),
            [_reach_of(lattice, x, y, SIDE) for x, y in places],
        )
        for number, lattice in enumerate(lattices)
    )


def _is_sound_picture(
    before: bytes, after: bytes, header: Header, places: Sequence[tuple[int, int]]
) -> bool:
    old, new = (decode_stored(header, file) for file in (before, after))
    if (old.shape, old.dtype) != (new.shape, new.dtype):
        return False
    height, width = old.shape[:2]
    one, other = (
        np.ascontiguousarray(each).view(f"u{each.itemsize}").reshape(height, width, -1)
        for each in (old, new)
    )  # by their bits: NaN is NaN
    lattices = lattices_of(header.sensor.layout, colours=one.shape[2] > 1)
    differ = (one != other).any(axis=2)
    return _differ_only_in(
        differ, [_reach_of(lattice, x, y, 1) for lattice in lattices for x, y in places]
    )


def _differ_only_in(differ: NDArray[np.bool_], areas: Sequence[Reached]) -> bool:
    for area in areas:
        differ[area] = False
    return not differ.any()


def _reach_of(lattice: Lattice, x: int, y: int, side: int) -> Reached:
    """Return the rows and columns of blocks that a place's repair may reach in a plane."""
    middles = (int(np.floor(position + 0.5)) for position in lattice.position(x, y))
    rows, columns = (
        slice(max(middle - reach, 0) // side, (middle + reach) // side + 1)
        for middle, reach in zip(middles, lattice.reaches, strict=True)
    )
    return rows, columns


def require_companions(before: bytes, after: bytes, header: Header) -> None:
    """Make sure that everything beside a JPEG's picture can still be found in its repaired copy.

    Raises WriteError if not; the copy must not be kept.
    """
    if before.endswith(EOI_MARKER) and not companions_of(before, len(before)).numbers:
        return
    ends = end_of_picture(before, 0), end_of_picture(after, 0)
    if ends[0] is None or ends[1] is None:
        return  # the decoder that reads it next says what is wrong
    if not _lead_to_the_same(before, after, (ends[0], ends[1]), header.path):
        raise WriteError(
            header.path, "would have lost another picture that its file holds, so nothing was "
            "written; please report it with this photo",
        )  # fmt: skip


def _lead_to_the_same(before: bytes, after: bytes, ends: tuple[int, int], path: Path) -> bool:
    """Return whether each index entry leads to the same picture, which another decoder reads."""
    old, new = companions_of(before, ends[0]), companions_of(after, ends[1])
    longer, values = ends[1] - ends[0], {number.at: number.value for number in new.numbers}
    for number in old.numbers:
        if values.get(number.at) != number.value + (longer if number.target >= ends[0] else 0):
            return False
    if before[ends[0] :] != after[ends[1] :] or len(old.pictures) != len(new.pictures):
        return False
    pairs = zip(old.pictures, new.pictures, strict=True)
    return all(_is_same(before[slice(*one)], after[slice(*other)], path) for one, other in pairs)


def _is_same(old: bytes, new: bytes, path: Path) -> bool:
    return old == new and (_can_be_decoded(new, path) or not _can_be_decoded(old, path))


def _can_be_decoded(picture: bytes, path: Path) -> bool:
    try:
        require_decodable(picture, path)
    except ReadError:
        return False
    return True


def _blot_out(numbers: Sequence[Number], content: bytes) -> bytes:
    """Return a file with the numbers that may be corrected blotted out."""
    if not numbers:
        return content
    blotted = bytearray(content)
    for number in numbers:
        width = struct.calcsize(number.code) or len(str(number.value))
        blotted[number.at : number.at + width] = bytes(width)
    return bytes(blotted)


def _pieces_outside_scans(content: bytes, *, tables: bool) -> Iterator[bytes]:
    """Yield all of a JPEG but its entropy-coded bytes, piece by piece; Huffman tables if asked."""
    at = 0
    while (start := content.find(b"\xff", at)) >= 0:
        code = content[start + 1] if start + 1 < len(content) else 0
        if code in {0x00, 0xFF} or 0xD0 <= code <= 0xD7:  # stuffed, fill or restart: still a scan
            at = start + 1 + (code != 0xFF)
            continue
        if code == _EOI:
            yield content[start:]
            return
        end = start + 2
        if code not in _ALONE:
            end += int.from_bytes(content[end : end + 2], "big")
        if tables or code != _TABLES:
            yield content[start:end]
        at = end

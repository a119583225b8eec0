"""Proof by reading back: a repaired file differs from the original at the repaired places alone.

Takes the files and the places, and nothing else, at their word: both files are read anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import WriteError
from ..images import Header, decode_colour, repair_of
from ..rewriting.jpeg import read_coefficients
from .canvas import Lattice
from .jpeg import JpegCanvas
from .pixels import lattices_of
from .storing import SIDE
from .verdicts import Verdict

Reached: TypeAlias = tuple[slice, slice]

_EOI, _SOS, _TABLES = 0xD9, 0xDA, 0xC4
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a segment: TEM, RSTn, SOI


def verified(before: bytes, after: bytes, header: Header, verdicts: Sequence[Verdict]) -> None:
    """Make sure that a repaired file differs from the original at the repaired places alone.

    Raises:
        WriteError: anything else differs; the file must not be kept.
        ReadError: the repaired file cannot be read.
    """
    if after == before:
        return
    places = [(each.x, each.y) for each in verdicts if each.outcome == "repaired"]
    if repair_of(header) == "coefficients":
        sound = _is_sound_jpeg(before, after, header, places)
    else:
        sound = _is_sound_picture(before, after, header, places)
    if not sound:
        raise WriteError(
            header.path, "would have been changed beyond the repaired places, so nothing was "
            "written; please report it with this photo",
        )  # fmt: skip


def _is_sound_jpeg(
    before: bytes, after: bytes, header: Header, places: Sequence[tuple[int, int]]
) -> bool:
    old = read_coefficients(before, header.path)
    rest = zip_longest(
        *(_outside_scans(file, tables=not old.progressive) for file in (before, after))
    )
    if any(one != other for one, other in rest):
        return False
    new, lattices = read_coefficients(after, header.path), JpegCanvas(old, header.path).lattices
    return all(
        _differ_only_in(
            (old.components[number].blocks != new.components[number].blocks).any(axis=2),
            [_reached(lattice, x, y, SIDE) for x, y in places],
        )
        for number, lattice in enumerate(lattices)
    )


def _is_sound_picture(
    before: bytes, after: bytes, header: Header, places: Sequence[tuple[int, int]]
) -> bool:
    old, new = decode_colour(header, before), decode_colour(header, after)
    differ = (old != new).reshape(*old.shape[:2], -1).any(axis=2)
    lattices = lattices_of(header.sensor.layout, colours=old.ndim == 3)
    return _differ_only_in(
        differ, [_reached(lattice, x, y, 1) for lattice in lattices for x, y in places]
    )


def _differ_only_in(differ: NDArray[np.bool_], areas: Sequence[Reached]) -> bool:
    for area in areas:
        differ[area] = False
    return not differ.any()


def _reached(lattice: Lattice, x: int, y: int, side: int) -> Reached:
    """Return the rows and columns of blocks that a place's repair may reach in a plane."""
    middles = (int(np.floor(position + 0.5)) for position in lattice.position(x, y))
    rows, columns = (
        slice(max(middle - reach, 0) // side, (middle + reach) // side + 1)
        for middle, reach in zip(middles, lattice.reaches, strict=True)
    )
    return rows, columns


def _outside_scans(content: bytes, *, tables: bool) -> Iterator[bytes]:
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

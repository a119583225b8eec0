"""Frame and scan headers: how a JPEG's blocks are laid out, and in which order a scan codes them.

Checks every claim. Never allocates by one, and never looks beyond the two headers.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .huffman import HuffmanTable
from .picture import BLOCK, Colours, Scan
from .refusal import Refusal

MAX_PIXELS = 500_000_000  # no sensor has more
MAX_BLOCKS_AN_MCU = 10  # ITU-T T.81, B.2.3
MAX_LOW = 13  # bits that a progressive scan leaves out (T.81, B.2.3)
AC_CLASS = 0x10


@dataclass(frozen=True, slots=True)
class FrameComponent:
    """What the frame header says of one component, and its place among all blocks."""

    name: int
    across: int
    down: int
    table: int  # number of its quantisation table
    width: int
    height: int
    rows: int  # of blocks, padded to whole MCUs
    columns: int
    first: int  # index of its first block among those of all components


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What the frame header says."""

    width: int
    height: int
    progressive: bool
    mcus_across: int
    mcus_down: int
    components: tuple[FrameComponent, ...]

    @property
    def blocks(self) -> int:
        """Return the number of blocks of all components."""
        last = self.components[-1]
        return last.first + last.rows * last.columns


def frame_header(body: bytes, refusal: Refusal, *, progressive: bool) -> FrameHeader:
    """Return what a start-of-frame segment says (T.81, B.2.2); raise ReadError."""
    if len(body) < 6 or len(body) != 6 + 3 * body[5]:
        refusal.damaged("its frame header is garbled")
    precision, height, width, number = struct.unpack(">BHHB", body[:6])
    if precision != 8:
        refusal.not_written(f"a JPEG of {precision} bits")
    if height == 0:
        refusal.not_written("a JPEG that tells its height after the picture (DNL)")
    if width == 0 or not 1 <= number <= 4:
        refusal.damaged(f"it claims {width} columns of {number} components")
    if width * height > MAX_PIXELS:
        refusal.damaged(f"it claims to be {width}x{height} pixels")
    rows = [tuple(body[at : at + 3]) for at in range(6, len(body), 3)]
    if not all(1 <= factor <= 4 for _, both, _ in rows for factor in divmod(both, 16)):
        refusal.damaged("sampling factors beyond 1 to 4")
    if len({name for name, _, _ in rows}) < number:
        refusal.damaged("two components of one name")
    return _laid_out(width, height, rows, progressive=progressive)


def _laid_out(
    width: int, height: int, rows: list[tuple[int, ...]], *, progressive: bool
) -> FrameHeader:
    most_across = max(both >> 4 for _, both, _ in rows)
    most_down = max(both & 15 for _, both, _ in rows)
    mcus_across, mcus_down = -(-width // (BLOCK * most_across)), -(-height // (BLOCK * most_down))
    components: list[FrameComponent] = []
    first = 0
    for name, both, table in rows:
        across, down = divmod(both, 16)
        component = FrameComponent(
            name, across, down, table,
            -(-width * across // most_across), -(-height * down // most_down),
            mcus_down * down, mcus_across * across, first,
        )  # fmt: skip
        components.append(component)
        first += component.rows * component.columns
    return FrameHeader(width, height, progressive, mcus_across, mcus_down, tuple(components))


def colours_of(names: bytes, *, jfif: bool, transform: int | None) -> Colours:
    """Return what the components stand for, by the rules of libjpeg.

    `names` are the components' numbers, `transform` that of Adobe's APP14 segment if there is one.

    >>> colours_of(b"RGB", jfif=False, transform=None)
    'rgb'
    """
    if len(names) == 1:
        return "grey"
    if len(names) == 4:
        return "cmyk" if transform in {None, 0} else "ycck"
    if len(names) != 3:
        return "other"
    if jfif:
        return "ycbcr"
    if transform is not None:
        return "rgb" if transform == 0 else "ycbcr"
    return "rgb" if names == b"RGB" else "ycbcr"


@dataclass(frozen=True, slots=True)
class ScanHeader:
    """One SOS segment, read against the frame header and the tables in force."""

    frame: FrameHeader
    refusal: Refusal
    huffman: Mapping[int, HuffmanTable]  # by class * 16 + number
    fresh: frozenset[int]  # of them, those defined since the scan before
    restart: int  # MCUs in a restart interval; 0: one interval for all

    def scan(self, body: bytes, header: int, start: int) -> Scan:
        """Return the scan of a segment at `header` whose picture begins at `start`."""
        if not body or not 1 <= body[0] <= 4 or len(body) != 4 + 2 * body[0]:
            self.refusal.damaged("a scan header is garbled")
        members = self._members(body[1:-3:2])
        band, high, low = self._progression(body[-3:], len(members))
        slots = tuple(divmod(both, 16) for both in body[2:-3:2])
        uses_dc = band[0] == 0 and high == 0
        dc_tables = tuple(self._table(dc) if uses_dc else None for dc, _ in slots)
        ac_tables = tuple(self._table(AC_CLASS + ac) if band[1] else None for _, ac in slots)
        order, across, down = self._order(members)
        return Scan(
            members, order, across, down, self.restart or across * down,
            dc_tables, ac_tables, slots, self.fresh, band, high, low, header, start,
        )  # fmt: skip

    def _members(self, names: bytes) -> tuple[int, ...]:
        known = [each.name for each in self.frame.components]
        if len(set(names)) < len(names) or not set(names) <= set(known):
            self.refusal.damaged("a scan names a component that is not there")
        return tuple(known.index(name) for name in names)

    def _progression(self, body: bytes, members: int) -> tuple[tuple[int, int], int, int]:
        """Return band, high and low bit; sequential scans hold everything, whatever they say."""
        if not self.frame.progressive:
            return (0, 63), 0, 0
        first, last, (high, low) = body[0], body[1], divmod(body[2], 16)
        in_order = first <= last <= 63 and (last == 0 if first == 0 else members == 1)
        if not in_order or low > MAX_LOW or (high and high != low + 1):
            self.refusal.damaged("a progressive scan has impossible parameters")
        return (first, last), high, low

    def _table(self, slot: int) -> HuffmanTable:
        table = self.huffman.get(slot)
        if table is None:
            self.refusal.damaged("a Huffman table is missing")
        return table

    def _order(self, members: tuple[int, ...]) -> tuple[NDArray[np.int64], int, int]:
        """Return the blocks of an MCU (T.81, A.2), and the MCUs across and down."""
        if len(members) == 1:
            only = self.frame.components[members[0]]
            row = [0, only.first, only.columns, 1, 1, 0, 0]
            across, down = -(-only.width // BLOCK), -(-only.height // BLOCK)
            return np.array([row], np.int64), across, down
        rows = [
            [slot, each.first, each.columns, each.across, each.down, x, y]
            for slot, each in enumerate(self.frame.components[member] for member in members)
            for y in range(each.down)
            for x in range(each.across)
        ]
        if len(rows) > MAX_BLOCKS_AN_MCU:
            self.refusal.damaged(f"an MCU of {len(rows)} blocks")
        return np.array(rows, np.int64), self.frame.mcus_across, self.frame.mcus_down

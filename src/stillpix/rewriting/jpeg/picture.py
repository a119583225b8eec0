"""A JPEG as records: its components with their coefficients, and how its scans code them.

Knows nothing of bytes or Huffman codes beyond where they lie in the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .huffman import HuffmanTable

Colours: TypeAlias = Literal["grey", "ycbcr", "rgb", "cmyk", "ycck", "other"]
BLOCK = 8  # samples, side of a block
# Columns of Scan.order: where one block of an MCU lies, and which tables code it.
MEMBER, FIRST, STRIDE, ACROSS, DOWN, X, Y = range(7)


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """One plane of samples, cut into blocks of 8x8 that are padded to whole MCUs.

    Coefficient v * 8 + u of a block has the horizontal frequency u and the vertical one v.
    """

    across: int  # sampling factors
    down: int
    width: int  # samples that count
    height: int
    steps: NDArray[np.uint16]  # (64,), of quantisation
    blocks: NDArray[np.int16]  # (block rows, block columns, 64), quantised; not to be written to

    @property
    def coded_columns(self) -> int:
        """Return how many blocks of a row hold samples that count."""
        return -(-self.width // BLOCK)

    @property
    def coded_rows(self) -> int:
        """Return how many rows of blocks hold samples that count."""
        return -(-self.height // BLOCK)


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """How one scan codes some of the components, and where it lies in the file."""

    members: tuple[int, ...]  # indices of components
    order: NDArray[np.int64]  # (blocks an MCU, 7), see MEMBER and following
    mcus_across: int
    mcus_down: int
    restart: int  # MCUs in a restart interval
    dc_tables: tuple[HuffmanTable | None, ...]  # one per member
    ac_tables: tuple[HuffmanTable | None, ...]
    slots: tuple[tuple[int, int], ...]  # numbers of the two tables in the file, one per member
    fresh: frozenset[int]  # tables (class * 16 + number) defined since the scan before
    band: tuple[int, int]  # first and last coefficient in zigzag order
    high: int  # bits below which the scans before have left out; 0: nothing was sent before
    low: int  # bits below which this one leaves out
    header: int  # offset of its SOS segment
    start: int  # offset of its entropy-coded bytes
    end: int = 0  # offset of the marker after them

    @property
    def mcus(self) -> int:
        """Return the number of MCUs."""
        return self.mcus_across * self.mcus_down

    @property
    def intervals(self) -> int:
        """Return the number of restart intervals."""
        return -(-self.mcus // self.restart)


@dataclass(frozen=True, slots=True, eq=False)
class BitOffsets:
    """Where MCUs begin and intervals end in a scan, as bits of its unstuffed bytes."""

    mcus: NDArray[np.uint64]  # (MCUs,); empty for progressive scans
    last: NDArray[np.uint64]  # (restart intervals,) after their last MCU's last bit


@dataclass(frozen=True, slots=True, eq=False)
class JpegImage:
    """The quantised coefficients of one JPEG, and what it takes to write it back."""

    width: int
    height: int
    colours: Colours
    components: tuple[Component, ...]
    progressive: bool
    fill: int  # offset in the file of the fill bytes before the end-of-image marker, if any
    end: int  # offset after that marker: what follows is not this picture's
    _scans: tuple[Scan, ...]
    _offsets: tuple[BitOffsets, ...]  # one per scan
    _all_blocks: NDArray[np.int16]  # (blocks, 64): those of all components, one after the other
    _check: int  # CRC-32 of the file

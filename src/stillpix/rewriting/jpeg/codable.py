"""The nearest block that a file's own Huffman tables can code.

Never changes a table, and never moves a coefficient that could stay.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillpix.compiling import compiled

from .order import Indices, MemberOrder
from .segments import NATURAL
from .sequential import DECODED, MOST_AC_BITS, MOST_DC_BITS, bits_of

SIXTEEN_ZEROS, END_OF_BLOCK = 0xF0, 0x00  # symbols (T.81, F.1.2.2)
RANGE = np.iinfo(np.int16)


def nearest_block(
    wanted: NDArray[np.int16], steps: NDArray[np.uint16], lengths: NDArray[np.uint8]
) -> NDArray[np.int16]:
    """Return the block that an AC table can code and whose samples differ least from those wanted.

    wanted and steps are (64,) in natural order, lengths (256,) those of the table's codes. The
    squared error of the samples is that of the coefficients times their steps, for the transform
    is orthonormal. A shortest path finds the least: its nodes are the positions of the last
    coefficient that is not 0, its edges a symbol and the value nearest to the wanted one that the
    symbol's size allows. The DC coefficient stays. A block is found if the table can code any.
    """
    target = wanted[NATURAL].astype(np.float64)
    weights = steps[NATURAL].astype(np.float64) ** 2
    values = _values_of_sizes(target)
    errors = weights[:, None] * (target[:, None] - values) ** 2
    zeros = np.concatenate([[0.0], np.cumsum(weights[1:] * target[1:] ** 2)])
    exists = lengths.reshape(16, 16)[:, 1 : MOST_AC_BITS + 1] > 0
    best = np.full(64, np.inf)
    best[0] = 0
    came = np.zeros((64, 2), np.int64)  # from which position, with which size - 1
    for k in range(1, 64):
        runs = k - 1 - np.arange(k)
        before = best[:k] + zeros[k - 1] - zeros[:k]
        if lengths[SIXTEEN_ZEROS] == 0:
            before = np.where(runs > 15, np.inf, before)
        paths = before[:, None] + np.where(exists[runs % 16], errors[k], np.inf)
        came[k] = np.unravel_index(paths.argmin(), paths.shape)
        best[k] = paths[tuple(came[k])]
    ends = best + zeros[63] - zeros
    if lengths[END_OF_BLOCK] == 0:
        ends[:63] = np.inf
    return _along(came, int(ends.argmin()), values, wanted)


def _values_of_sizes(target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the value of each size category nearest to each target, (64, sizes from 1)."""
    sizes = np.arange(1, MOST_AC_BITS + 1)
    least, most = 2.0 ** (sizes - 1), 2.0**sizes - 1
    signs = np.where(target < 0, -1.0, 1.0)
    values: NDArray[np.float64] = np.clip(np.abs(target)[:, None], least, most)
    return signs[:, None] * values


def _along(
    came: Indices, last: int, values: NDArray[np.float64], wanted: NDArray[np.int16]
) -> NDArray[np.int16]:
    block = np.zeros(64, np.int16)
    block[0] = wanted[0]
    while last > 0:
        before, size = came[last]
        block[NATURAL[last]] = values[last, size]
        last = int(before)
    return block


def have_codes(blocks: NDArray[np.int16], lengths: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which of the blocks, (n, 64), an AC table can code."""
    able = np.zeros(len(blocks), np.bool_)
    _have_codes(blocks, lengths, NATURAL, able)
    return able


@compiled
def _have_codes(blocks: Any, lengths: Any, natural: Any, able: Any) -> None:
    for n in range(blocks.shape[0]):
        run, status = 0, DECODED
        for k in range(1, 64):
            value = np.int64(blocks[n, natural[k]])
            if value == 0:
                run += 1
                continue
            size = bits_of(value)
            if size > MOST_AC_BITS or lengths[run % 16 * 16 + size] == 0:
                status = 1
                break
            if run > 15 and lengths[SIXTEEN_ZEROS] == 0:
                status = 1
            run = 0
        if run > 0 and lengths[END_OF_BLOCK] == 0:
            status = 1
        able[n] = status == DECODED


def codable_dc(
    order: MemberOrder, changed: Indices, wanted: NDArray[np.int16], blocks: NDArray[np.int16],
    sizes: NDArray[np.bool_], low: int = 0,
) -> NDArray[np.int16]:  # fmt: skip
    """Return, for changed blocks of one member of a scan, the nearest DC that can be coded.

    A DC coefficient is coded as the difference from the one before, so it must leave a difference
    of a size that has a code for its own block and for the one that follows. changed holds
    indices among all blocks, which hold what the file has; wanted (changed,) the new DC; sizes
    (12,) says which size categories have a code, for values without their `low` lowest bits.
    """
    positions = order.positions_of(changed)
    sequence = np.argsort(positions)
    chain = _Chain(
        order, positions[sequence], wanted[sequence].astype(np.int64), blocks, sizes, low
    )
    chosen = wanted.copy()
    chosen[sequence] = chain.chosen()
    return chosen


class _Chain:
    """Changed DC coefficients in the order of the file, and their neighbours that stay."""

    def __init__(
        self, order: MemberOrder, positions: Indices, wanted: Indices, blocks: NDArray[np.int16],
        sizes: NDArray[np.bool_], low: int,
    ) -> None:  # fmt: skip
        self.wanted, self.sizes, self.low = wanted, sizes, low
        self.starts = positions % order.restart == 0
        self.ends = ((positions + 1) % order.restart == 0) | (positions + 1 == order.blocks)
        self.before = self._list_stored(order, blocks, positions - 1, self.starts)
        self.after = self._list_stored(order, blocks, positions + 1, self.ends)
        self.stored = blocks[order.indices_at(positions), 0].astype(np.int64)
        self.follows = np.concatenate([[False], np.diff(positions) == 1]) & ~self.starts

    @staticmethod
    def _list_stored(
        order: MemberOrder, blocks: NDArray[np.int16], positions: Indices, none: NDArray[np.bool_]
    ) -> Indices:
        """Return the file's DC at these positions, 0 if there is none."""
        within = np.where(none, 0, positions)
        return np.where(none, 0, blocks[order.indices_at(within), 0].astype(np.int64))

    def chosen(self) -> NDArray[np.int16]:
        before = np.where(self.follows, np.roll(self.wanted, 1), self.before)
        followed = np.concatenate([self.follows[1:], [False]])
        after = np.where(followed, np.roll(self.wanted, -1), self.after)
        fine = self._fits(self.wanted, before) & (self.ends | self._fits(after, self.wanted))
        fine &= (self.wanted >= RANGE.min) & (self.wanted <= RANGE.max)
        values = self.wanted.copy()
        runs = np.cumsum(~self.follows)
        for run in np.unique(runs[~fine]):
            self._choose(np.flatnonzero(runs == run), values)
        return values.astype(np.int16)

    def _choose(self, run: Indices, values: Indices) -> None:
        """Choose along a run of neighbours so that each that follows could still stay."""
        for n in run:
            before = values[n - 1] if self.follows[n] else self.before[n]
            reach = abs(self.stored[n] - self.wanted[n])
            near = self.wanted[n] + np.arange(-reach, reach + 1)
            fine = self._fits(near, before) & (self.ends[n] | self._fits(self.after[n], near))
            near = near[fine & (near >= RANGE.min) & (near <= RANGE.max)]
            values[n] = near[np.abs(near - self.wanted[n]).argmin()]

    def _fits(self, value: Any, before: Any) -> NDArray[np.bool_]:
        """Return whether there is a code for the difference of two DC coefficients."""
        difference = np.abs((value >> self.low) - (before >> self.low))
        size = np.minimum(np.frexp(difference.astype(np.float64))[1], MOST_DC_BITS + 1)
        fits: NDArray[np.bool_] = np.append(self.sizes, False)[size]
        return fits

"""Blocks of a JPEG's coefficients to samples, as they are now, compiled.

Never changes a block.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiling import compiled, compiled_inside
from ..rewriting.jpeg import basis_of_waves

SIDE = 8  # samples, of a block
SIZE = SIDE * SIDE
MIDDLE = 128.0  # DN that samples are lowered by before their transform (T.81, A.3.1)
BASIS = basis_of_waves()


class Blocks(NamedTuple):
    """The blocks of a plane as they are now: the file's, and those that were changed."""

    stored: NDArray[np.int16]  # (rows, columns, 64), quantised, as in the file
    slots: NDArray[np.int32]  # (rows, columns): 0, or one more than the row of the changed one
    changed: NDArray[np.int16]  # (some, 64)
    steps: NDArray[np.float64]  # (64,) of quantisation
    height: int  # samples that count
    width: int


@compiled_inside
def block_at(blocks: Any, row: int, column: int) -> Any:
    """Return the coefficients of one block, (64,)."""
    slot = blocks.slots[row, column]
    return blocks.changed[slot - 1] if slot else blocks.stored[row, column]


@compiled_inside
def fill_samples(coefficients: Any, steps: Any, samples: Any) -> None:
    """Fill in the 64 samples of a block, in DN, neither rounded nor clamped (T.81, A.3.3)."""
    half = np.empty(SIDE)
    for s in range(SIZE):
        samples[s] = MIDDLE
    for v in range(SIDE):
        lowest = v * SIDE
        filled = False
        for u in range(SIDE):
            if coefficients[lowest + u]:
                value = coefficients[lowest + u] * steps[lowest + u]
                for x in range(SIDE):
                    half[x] = value * BASIS[u, x] + (half[x] if filled else 0.0)
                filled = True
        if filled:
            for s in range(SIZE):
                samples[s] += BASIS[v, s // SIDE] * half[s % SIDE]


@compiled
def fill_windows(blocks: Any, corners: Any, windows: Any) -> None:
    """Fill in squares of samples (places, side, side), the plane's edge repeated outside.

    `corners` (places, 2) are row and column of their first samples, which may lie outside.
    """
    samples, side = np.empty(SIZE), windows.shape[1]
    for n in range(corners.shape[0]):
        top, left, window = corners[n, 0], corners[n, 1], windows[n]
        bottom, right = min(top + side, blocks.height), min(left + side, blocks.width)
        for row in range(max(top, 0) // SIDE, (bottom - 1) // SIDE + 1):
            for column in range(max(left, 0) // SIDE, (right - 1) // SIDE + 1):
                fill_samples(block_at(blocks, row, column), blocks.steps, samples)
                for y in range(max(top, row * SIDE), min(bottom, (row + 1) * SIDE)):
                    for x in range(max(left, column * SIDE), min(right, (column + 1) * SIDE)):
                        window[y - top, x - left] = samples[y % SIDE * SIDE + x % SIDE]
        for y in range(side):
            inner_y = min(max(top + y, 0), blocks.height - 1) - top
            for x in range(side):
                inner_x = min(max(left + x, 0), blocks.width - 1) - left
                window[y, x] = window[inner_y, inner_x]

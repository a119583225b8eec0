"""The coefficients of one block of a JPEG that come nearest to wanted values of its samples.

Never looks at another block, and never chooses what the samples should be.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiling import compiled, compiled_inside
from .block_kernels import BASIS, MIDDLE, SIDE, SIZE, block_at, fill_samples

ELSEWHERE = 0.4  # weight of a sample that is to stay, where one that is to change has 1
FOREMOST = 16.0  # weight of the sample that the defect is in
LEANING = 0.3  # steps of quantisation that a wave must be worth: decision 0010
SHORTER = (LEANING, 0.6, 1.2, 2.4)  # the same if a longer file would do harm: decision 0019
WORTH = 0.85  # share of the present error: a change that leaves more of it is not made
LARGEST = 1023  # of a quantised coefficient of 8-bit samples (ITU-T T.81, F.1.2)
MOST_STEPS = 64  # of one coefficient by one
LEAST_GAIN = 1e-6  # of a step's own square: less is the rounding of this machine's numbers


@compiled_inside
def _error(coefficients: Any, moves: Any, target: Any, weight: Any, price: Any, off: Any) -> Any:
    """Return the error of some coefficients, and fill in by how much each sample is off."""
    total = 0.0
    for s in range(SIZE):
        off[s] = -target[s]
    for k in range(SIZE):
        if coefficients[k] != 0:
            total += price[k] * abs(coefficients[k])
            for s in range(SIZE):
                off[s] += coefficients[k] * moves[k, s]
    for s in range(SIZE):
        total += weight[s] * off[s] * off[s]
    return total


@compiled_inside
def _descend(chosen: Any, moves: Any, weight: Any, price: Any, curvature: Any, off: Any) -> None:
    """Move whole numbers until none moved by one lessens the error; `off` is of their samples."""
    slope = np.empty(SIZE)
    for _ in range(MOST_STEPS):
        best, sign, least = 0, 1, 0.0
        for k in range(SIZE):
            slope[k] = 0.0
            for s in range(SIZE):
                slope[k] += 2.0 * moves[k, s] * weight[s] * off[s]
        for direction in (1, -1):
            for k in range(SIZE):
                dearer = price[k] * (abs(chosen[k] + direction) - abs(chosen[k]))
                change = direction * slope[k] + curvature[k] + dearer
                if change < least:
                    best, sign, least = k, direction, change
        if least >= -LEAST_GAIN * curvature[best]:
            break
        chosen[best] += sign
        for s in range(SIZE):
            off[s] += sign * moves[best, s]


@compiled_inside
def _transform(
    wanted: Any, weights: Any, steps: Any, leaning: float, moves: Any, rows: Any
) -> None:
    """Fill in each coefficient's step in samples, its price, its curvature, and where to begin."""
    target, price, curvature, chosen = rows[0], rows[1], rows[2], rows[3]
    for s in range(SIZE):
        target[s] = wanted[s] - MIDDLE
    for k in range(SIZE):
        projected, curved = 0.0, 0.0
        for s in range(SIZE):
            wave = BASIS[k // SIDE, s // SIDE] * BASIS[k % SIDE, s % SIDE]
            moves[k, s] = wave * steps[k]
            projected += wave * target[s]
            curved += moves[k, s] * moves[k, s] * weights[s]
        curvature[k], price[k] = curved, 2.0 * leaning * curved if k else 0.0  # the mean is free
        chosen[k] = np.rint(projected / steps[k])


@compiled
def store_block(
    wanted: Any, weights: Any, before: Any, steps: Any, leaning: float, after: Any
) -> bool:
    """Fill in the coefficients to store in a block; say whether any differs.

    Args:
        wanted: (64,) levels, those of samples that are to stay being what they are now.
        weights: (64,), how much the error of each counts.
        before: (64,) quantised coefficients, row by row.
        steps: (64,) of quantisation, in the same order.
        leaning: how many steps of its quantisation a wave must be worth.
        after: (64,), filled in: as before if no others are worth a change.

    The error is that of the samples, squared and weighed. A defect leaves waves all over its
    block, so samples that are to stay count as well. Waves cost `leaning` of a step each. The
    search begins at the rounded transform, and moves one coefficient after the other by one step,
    as long as that lessens the error.

    >>> flat, dot, after = np.full(64, 128.0), np.zeros(64, np.int16), np.empty(64, np.int16)
    >>> dot[9] = 3
    >>> store_block(flat, np.ones(64), dot, np.full(64, 16.0), LEANING, after), bool(after.any())
    (True, False)
    """
    moves, rows = np.empty((SIZE, SIZE)), np.empty((6, SIZE))
    target, price, chosen, off, old = rows[0], rows[1], rows[3], rows[4], rows[5]
    _transform(wanted, weights, steps, leaning, moves, rows)
    _error(chosen, moves, target, weights, price, off)
    _descend(chosen, moves, weights, price, rows[2], off)
    for k in range(SIZE):
        chosen[k] = min(max(chosen[k], -LARGEST), LARGEST)
        old[k] = before[k]
    left = _error(chosen, moves, target, weights, price, off)
    worth = left <= WORTH * _error(old, moves, target, weights, price, off)
    differs = False
    for k in range(SIZE):
        after[k] = chosen[k] if worth else old[k]
        differs |= after[k] != before[k]
    return differs


@compiled
def store_levels(
    blocks: Any, first: Any, row: int, column: int, levels: Any, where: Any, middle: Any,
    leaning: float, after: Any, differs: Any,
) -> int:  # fmt: skip
    """Fill in what some blocks become when a rectangle of their plane gets new levels.

    Arrays and numbers:
        blocks: those of the plane, as they are now.
        first: row and column of the first of the blocks that the rectangle reaches into.
        row, column: of the rectangle's first sample, in samples of the plane.
        levels, where: (rows, columns) of the rectangle, and which of them are meant.
        middle: row and column of the sample that the defect is in.
        leaning: how many steps of its quantisation a wave must be worth.
        after: (block rows, block columns, 64), filled in where something is meant.
        differs: (block rows, block columns), filled in; their number is returned.
    """
    wanted, weights, count = np.empty(SIZE), np.empty(SIZE), 0
    for i in range(after.shape[0]):
        for j in range(after.shape[1]):
            top, left = (first[0] + i) * SIDE, (first[1] + j) * SIDE
            before, touched = block_at(blocks, first[0] + i, first[1] + j), False
            fill_samples(before, blocks.steps, wanted)
            for s in range(SIZE):
                y, x = top + s // SIDE, left + s % SIDE
                weights[s] = ELSEWHERE
                within = row <= y < row + where.shape[0] and column <= x < column + where.shape[1]
                if within and where[y - row, x - column]:
                    wanted[s] = levels[y - row, x - column]
                    weights[s] = FOREMOST if y == middle[0] and x == middle[1] else 1.0
                    touched = True
            differs[i, j] = touched and store_block(
                wanted, weights, before, blocks.steps, leaning, after[i, j]
            )
            count += differs[i, j]
    return count

"""The coefficients of one block of a JPEG that come nearest to wanted values of its samples.

Never looks at another block, and never chooses what the samples should be.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..rewriting.jpeg import waves
from .prediction import Floats

SIDE = 8  # samples, of a block
ELSEWHERE = 0.4  # weight of a sample that is to stay; one that is to change has 1
FOREMOST = 16.0  # weight of the sample that the defect is in
LEANING = 0.3  # steps of quantisation that a wave must be worth: decision 0010
SHORTER = (LEANING, 0.6, 1.2, 2.4)  # the same if a longer file would do harm: decision 0019
WORTH = 0.85  # share of the present error: a change that leaves more of it is not made
LARGEST = 1023  # of a quantised coefficient of 8-bit samples (ITU-T T.81, F.1.2)
MOST_STEPS = 64  # of one coefficient by one
LEAST_GAIN = 1e-6  # of a step's own square: less is the rounding of this machine's numbers
MIDDLE = 128.0  # DN that samples are lowered by before their transform (T.81, A.3.1)


def weighed(meant: NDArray[np.bool_], middle: tuple[int, int]) -> Floats:
    """Return how much each sample's error counts; `meant` marks those that are to change.

    `middle` is the row and column of the sample with the defect; it may lie outside.

    >>> weighed(np.array([[False, True, True]]), (0, 2)).tolist()
    [[0.4, 1.0, 16.0]]
    """
    weights, (row, column) = np.where(meant, 1.0, ELSEWHERE), middle
    inside = 0 <= row < meant.shape[0] and 0 <= column < meant.shape[1]
    if inside and meant[row, column]:
        weights[row, column] = FOREMOST
    return weights


def stored(
    wanted: Floats, weights: Floats, before: NDArray[np.int16], steps: Floats,
    leaning: float = LEANING,
) -> NDArray[np.int16]:  # fmt: skip
    """Return the coefficients to store in a block, (64,): those before if none are worth a change.

    Args:
        wanted: (8, 8) levels, those of samples that are to stay being what they are now.
        weights: (8, 8), how much the error of each counts.
        before: (64,) quantised coefficients, row by row.
        steps: (64,) of quantisation, in the same order.
        leaning: how many steps of its quantisation a wave must be worth.

    The error is that of the samples, squared and weighed. A defect leaves waves all over its
    block, so samples that are to stay count as well. Waves cost `leaning` of a step each. The
    search begins at the rounded transform, and moves one coefficient after the other by one step,
    as long as that lessens the error.

    >>> flat, dot = np.full((8, 8), 128.0), np.zeros(64, np.int16)
    >>> dot[9] = 3
    >>> stored(flat, np.ones((8, 8)), dot, np.full(64, 16.0)).any()
    np.False_
    """
    weight, target = weights.ravel(), wanted.ravel() - MIDDLE
    moves = _waves() * steps[:, None]  # (64, 64): of each sample, a step of each coefficient
    price = 2 * leaning * (np.square(moves) @ weight)
    price[0] = 0.0  # the mean
    rounded = np.round((_waves() @ target) / steps)
    chosen = _descend(rounded, (moves * weight) @ moves.T, (moves * weight) @ target, price)
    chosen = np.clip(chosen, -LARGEST, LARGEST)

    def error(coefficients: Floats) -> float:
        off = coefficients @ moves - target
        return float(weight @ (off * off) + price @ np.abs(coefficients))

    worth = error(chosen) <= WORTH * error(before.astype(np.float64))
    return chosen.astype(np.int16) if worth else before


def _descend(chosen: Floats, moments: Floats, pull: Floats, price: Floats) -> Floats:
    """Return whole numbers c of which none moved by one lessens c'Mc - 2 c'p + |c| price."""
    chosen, signs = chosen.copy(), np.array([[1.0], [-1.0]])
    curvature = np.diagonal(moments)
    for _ in range(MOST_STEPS):
        slope = 2 * (moments @ chosen - pull)
        dearer = price * (np.abs(chosen + signs) - np.abs(chosen))
        change = signs * slope + curvature + dearer  # (2, 64)
        sign, number = np.unravel_index(int(change.argmin()), change.shape)
        if change[sign, number] >= -LEAST_GAIN * curvature[number]:
            break
        chosen[number] += signs[sign, 0]
    return chosen


@cache
def _waves() -> Floats:
    return waves()

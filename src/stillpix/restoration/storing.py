"""The coefficients of one block of a JPEG that come nearest to wanted values of its samples.

Never looks at another block, and never chooses what the samples should be.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..rewriting.jpeg import waves
from .kernels import descend
from .prediction import Floats

SIDE = 8  # samples, of a block
ELSEWHERE = 0.4  # weight of a sample that is to stay; one that is to change has 1
FOREMOST = 16.0  # weight of the sample that the defect is in
LEANING = 0.3  # steps of quantisation that a wave must be worth: decision 0010
SHORTER = (LEANING, 0.6, 1.2, 2.4)  # the same if a longer file would do harm: decision 0019
WORTH = 0.85  # share of the present error: a change that leaves more of it is not made
LARGEST = 1023  # of a quantised coefficient of 8-bit samples (ITU-T T.81, F.1.2)
LEAST_MOVE = 0.25  # steps by which a line must move a coefficient
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
    """Return the coefficients to store in some blocks, (blocks, 64), each found for itself.

    A block is as before if no others are worth a change.

    Args:
        wanted: (blocks, 64) levels, those of samples that are to stay being what they are now.
        weights: (blocks, 64), how much the error of each counts.
        before: (blocks, 64) quantised coefficients, row by row.
        steps: (blocks, 64) of quantisation, in the same order.
        leaning: how many steps of its quantisation a wave must be worth.

    The error is that of the samples, squared and weighed. A defect leaves waves all over its
    block, so samples that are to stay count as well. Waves cost `leaning` of a step each. The
    search begins at the rounded transform, and moves one coefficient after the other by one step,
    as long as that lessens the error.

    >>> flat, dot = np.full((1, 64), 128.0), np.zeros((1, 64), np.int16)
    >>> dot[0, 9] = 3
    >>> stored(flat, np.ones((1, 64)), dot, np.full((1, 64), 16.0)).any()
    np.False_
    """
    target, back = wanted - MIDDLE, _waves().T
    curvature = np.square(steps) * _times(np.square(_waves()), weights)
    price = 2 * leaning * curvature
    price[:, 0] = 0.0  # the mean
    chosen = np.round(_times(_waves(), target) / steps)
    off, room = _times(back, steps * chosen) - target, np.empty((2, SIDE**2))
    descend(
        chosen, _waves(), steps, weights, price, curvature, off, room, MOST_STEPS, LEAST_GAIN
    )  # fmt: skip
    chosen = np.clip(chosen, -LARGEST, LARGEST)

    error, old = (
        (weights * np.square(_times(back, steps * each) - target) + price * np.abs(each)).sum(
            axis=1
        )
        for each in (chosen, before.astype(np.float64))
    )
    return np.where((error <= WORTH * old)[:, None], chosen.astype(np.int16), before)


def shifted(
    wanted: Floats, before: NDArray[np.int16], steps: Floats, leaning: float = LEANING
) -> NDArray[np.int16]:
    """Return the coefficients of some blocks, (blocks, 64), less what a line adds to them.

    Each is moved for itself, by what is wanted of the samples: (blocks, 64) levels. One that the
    line does not move by a good part of its step stays; what is left over leans to none.
    """
    target = _times(_waves(), wanted - MIDDLE) / steps
    moved = np.abs(target - before) >= LEAST_MOVE
    lean = np.full(steps.shape, leaning)
    lean[:, 0] = 0.0  # the mean
    nearest = np.sign(target) * np.floor(np.abs(target) + 0.5 - lean * (np.abs(target) < 1))
    chosen = np.clip(nearest, -LARGEST, LARGEST).astype(np.int16)
    return np.where(moved, chosen, before)


def _times(matrix: Floats, vectors: Floats) -> Floats:
    """Return the products of a matrix (n, m) and vectors (places, m), each made for itself."""
    return np.asarray((matrix @ vectors[..., None])[..., 0])


@cache
def _waves() -> Floats:
    return waves()

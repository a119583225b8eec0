"""The value in the middle of a hole, from the samples around it, once those are repaired.

Never looks at the middle's own value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .prediction import Floats, Stencil, hole_in, predict_all

AROUND = Stencil((0, 0), ring=2, search=8)  # 24 samples about one, and where it is learned


def middle_of(window: Floats, sound: NDArray[np.bool_]) -> float | None:
    """Return the level of a window's middle sample, or None where nothing sound is about it.

    Args:
        window: (side, side) levels, at least AROUND.side each way; the hole holds the scene as
            far as it is known.
        sound: (side, side); False where a sample is another place's or lies outside the frame.

    It is the mean of a regression on the 24 samples about it and of their median: the first errs
    where a line is taken for an edge, the other where an edge is taken for a plane, and their
    mean less than either (stacking: L. Breiman, Stacked regressions, Machine Learning 24, 1996).

    >>> ramp = np.add.outer(np.arange(39.0), 2 * np.arange(39.0))
    >>> ramp[19, 19] = 255.0
    >>> round(middle_of(ramp, np.ones((39, 39), bool)), 1)
    57.0
    """
    found, levels = middles_of(
        window[None], sound[None], np.zeros((1, 1), bool), np.zeros((1, 1)), (0, 0)
    )
    return float(levels[0]) if found[0] else None


def middles_of(
    windows: Floats, sounds: NDArray[np.bool_], owns: NDArray[np.bool_], scenes: Floats,
    reaches: tuple[int, int],
) -> tuple[NDArray[np.bool_], Floats]:  # fmt: skip
    """Return whether anything sound is about the middle of each hole, and its level.

    Arrays:
        windows, sounds: (places, side, side) levels, and which samples outside the hole count.
        owns, scenes: (places, n) which samples of the hole are the place's own, and the scene
            there.
        reaches: rows and columns of the hole on each side of its middle.
    """
    margin, middle = AROUND.margin, windows.shape[1] // 2
    square = slice(middle - margin, middle + margin + 1)
    levels, usable = windows[:, square, square].copy(), sounds[:, square, square].copy()
    hole = hole_in(margin, reaches)
    own = owns.reshape(usable[hole].shape)
    levels[hole] = np.where(own, scenes.reshape(own.shape), levels[hole])
    usable[hole] = own
    found, medians = _medians_about(levels, usable)
    return found, (predict_all(levels, usable, AROUND, np.float32).means[:, 0] + medians) / 2


def _medians_about(levels: Floats, usable: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], Floats]:
    """Return whether anything sound is about the middle of each square, and its median."""
    about = hole_in(AROUND.margin, (AROUND.ring, AROUND.ring))
    near = usable[about].reshape(len(levels), -1)
    near[:, near.shape[1] // 2] = False
    values = np.sort(np.where(near, levels[about].reshape(near.shape), np.inf), axis=1)
    count, each = near.sum(axis=1), np.arange(len(levels))
    found = count > 0
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    medians = 0.5 * (values[each, low] + values[each, high])
    return found, np.where(found, medians, 0.0)

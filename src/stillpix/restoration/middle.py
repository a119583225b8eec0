"""The value in the middle of a hole, from the samples around it, once those are repaired.

Never looks at the middle's own value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .middle_kernels import view_middles
from .prediction import Floats, Stencil, predict_all, space_of
from .regression_kernels import Space

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
    nothing, none = np.zeros((1, 1)), np.zeros((1, 1), bool)
    found, levels = middles_of(
        window[None], np.ones(1), sound[None], none, nothing, (0, 0), room_for_middles()
    )
    return float(levels[0]) if found[0] else None


def room_for_middles() -> Space:
    """Return what `middles_of` works in, one call at a time."""
    return space_of(AROUND, np.float32)


def middles_of(
    windows: Floats, units: Floats, sounds: NDArray[np.bool_], owns: NDArray[np.bool_],
    scenes: Floats, reaches: tuple[int, int], space: Space,
) -> tuple[NDArray[np.bool_], Floats]:  # fmt: skip
    """Return whether anything sound is about the middle of each hole, and its level in units.

    Arrays:
        windows, sounds: (places, side, side) levels, and which samples outside the hole count.
        units: (places,) levels that are taken as one.
        owns, scenes: (places, n) which samples of the hole are the place's own, and the scene
            there in units.
        reaches: rows and columns of the hole on each side of its middle.
        space: room to work in.
    """
    count, samples = units.size, AROUND.side**2
    flats, usables = np.empty((count, samples)), np.empty((count, samples), np.uint8)
    found, medians = np.empty(count, bool), np.empty(count)
    view_middles(
        windows, units, sounds, owns, scenes, reaches, AROUND.margin, AROUND.ring,
        np.empty((2 * AROUND.ring + 1) ** 2), flats, usables, found, medians,
    )  # fmt: skip
    means, _, _ = predict_all(flats, usables, AROUND, space)
    return found, (means[:, 0] + medians) / 2

"""The value in the middle of a hole, from the samples around it, once those are repaired.

Never looks at the middle's own value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .prediction import Floats, Stencil, predict

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
    middle, margin = window.shape[0] // 2, AROUND.margin
    area = slice(middle - margin, middle + margin + 1)
    near = slice(middle - AROUND.ring, middle + AROUND.ring + 1)
    about = sound[near, near].copy()
    about[AROUND.ring, AROUND.ring] = False
    if not about.any():
        return None
    regressed = float(predict(window[area, area], sound[area, area], AROUND).mean[0])
    return (regressed + float(np.median(window[near, near][about]))) / 2

"""What one photo says at single places of a sensor, in five numbers a place.

By the rules of the kernels, but without their limits. Never adds anything up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..frame import Frame
from .by_layout import rules_of

MEASURES = 5  # residual, slope, response, level, excess: see `measured`
RESIDUAL, SLOPE, RESPONSE, LEVEL, EXCESS = range(MEASURES)
MOST_SIGMAS = 1000.0  # a residual beyond says no more, and would not fit its 16 bits
Place = tuple[int, int]  # x, y
Measures = NDArray[np.float16]  # (places, MEASURES); NaN: not looked at


def measured(frame: Frame, places: Sequence[Place]) -> Measures:
    """Return what one photo says at some places: (places, MEASURES).

    By the predictor, the noise and the tone slope of the kernels (docs/statistics.md, sections 1
    and 2), but unclipped: the residual in sigmas, the tone slope over sigma, eight times the level
    over sigma, the predicted level (0..1), and the unfiltered pixel's excess over it in grey
    levels of 0..255. Slope and response are 0 where the photo can say nothing: a place near
    white. All are NaN at a place so near the frame's edge that the kernels say nothing there. Of
    a mosaic they are the linear light's, by the predictor of the kernels for mosaics.

    >>> from stillpix.frame import Exposure, Frame, Sensor
    >>> pixels = np.full((20, 20), 100, np.uint8)
    >>> pixels[9, 8] = 120
    >>> frame = Frame(pixels, Sensor("a", "b", "c", 20, 20), Exposure(), "a.jpg", "5")
    >>> [round(float(said), 1) for said in measured(frame, [(8, 9)])[0]]
    [5.0, 0.7, 1.6, 0.4, 20.0]
    """
    at = np.array(places, np.intp).reshape(-1, 2)
    said = rules_of(frame.sensor.layout).measure(frame, at)
    said[:, RESIDUAL] = np.clip(said[:, RESIDUAL], -MOST_SIGMAS, MOST_SIGMAS)
    return said.astype(np.float16)

"""What one photo says at single places of a sensor, in five numbers a place.

By the rules of the kernels, but without their limits. Never adds anything up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..frame import Frame
from .mosaic import said_of
from .rendered_kernels import LEAST_NOISE
from .sum_kernels import BORDER, REACH, last_judged

MEASURES = 5  # residual, slope, response, level, excess: see `measured`
RESIDUAL, SLOPE, RESPONSE, LEVEL, EXCESS = range(MEASURES)
NEARLY_WHITE = 0.95  # of white: above it nothing is said, as in the kernels
LEAST_LEVEL = 0.03  # below it the tone curve's slope is taken for what it is there
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
    said = np.full((len(places), MEASURES), np.nan, np.float16)
    height, width = frame.pixels.shape
    at = np.array(places, np.intp).reshape(-1, 2)
    if frame.sensor.layout != "rendered":
        of_mosaic = said_of(frame, at)
        of_mosaic[:, RESIDUAL] = np.clip(of_mosaic[:, RESIDUAL], -MOST_SIGMAS, MOST_SIGMAS)
        return of_mosaic.astype(np.float16)
    inside = (at >= BORDER).all(1) & (at <= (width - BORDER - 1, last_judged(height))).all(1)
    if inside.any():
        steps = np.arange(-BORDER, BORDER + 1)
        rows, columns = (
            at[inside, 1, None, None] + steps[:, None],
            at[inside, 0, None, None] + steps,
        )
        around = frame.pixels[rows, columns].astype(np.float32) * np.float32(255 / frame.white)
        said[inside] = _judged(around).T
    return said


def _judged(around: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the measures, (MEASURES, places), of windows of BORDER px around each place."""
    beside = around[:, 1:-1, :-2] + around[:, 1:-1, 2:] + around[:, :-2, 1:-1] + around[:, 2:, 1:-1]
    level: NDArray[np.float32] = (4 * around[:, 1:-1, 1:-1] + beside) * np.float32(0.125)
    side = level.shape[1] - 2 * REACH

    def moved(dx: int, dy: int) -> NDArray[np.float32]:
        return level[:, REACH + dy : REACH + dy + side, REACH + dx : REACH + dx + side]

    pairs, weights = np.zeros_like(moved(0, 0)), np.zeros_like(moved(0, 0))
    for dx, dy in ((REACH, 0), (0, REACH), (REACH, REACH), (REACH, -REACH)):
        one, other = moved(dx, dy), moved(-dx, -dy)
        weight = 1 / (abs(one - other) + 1)
        pairs += weight * (one + other) / 2
        weights += weight
    residual = moved(0, 0) - pairs / weights
    middle = residual[:, REACH, REACH]
    neighbours = abs(residual[:, ::REACH, ::REACH]).sum((1, 2)) - abs(middle)
    sigma = np.sqrt((1.25 / 8 * neighbours) ** 2 + LEAST_NOISE**2)
    predicted = level[:, 2 * REACH, 2 * REACH] - middle
    share = predicted / 255
    usable = share <= NEARLY_WHITE
    slope = usable * 0.4545 * np.maximum(share, LEAST_LEVEL) ** -1.2 / sigma
    response = usable * 8 * np.maximum(share, 0) / sigma
    sigmas = np.clip(middle / sigma, -MOST_SIGMAS, MOST_SIGMAS)
    excess = around[:, BORDER, BORDER] - predicted
    return np.stack([sigmas, slope, response, share, excess]).astype(np.float32)

"""Whether exposures tell what grows with time from what does not: hot from offset.

A photo's word is clipped, and so is what a template expects of it. So an offset may fit the
template of hot pixels better, wherever times hardly differ or go along with the gain. What the
templates' scores can be of either kind follows from the exposures alone. Never sees a photo.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..evidence.mosaic_kernels import LIMIT
from ..evidence.sum_kernels import CLIP
from ..evidence.templates import (
    TEMPLATES,
    USUAL_EXPOSURE_S,
    USUAL_GAIN,
    template_factors,
)
from ..frame import Exposure

TIMES_APART = 1.0  # octaves: the deviation of the exposure times from which they are heeded
ODDS = 3.0  # the logarithm of the odds from which one kind is named rather than the other
BEYOND = 1.03  # times what the other kind's scores can be: no two photos are alike in their noise
# Sigmas a photo that one unit of a template is; the photos' tone and noise decide. A mosaic's noise
# is a small part of a grey level.
UNITS, UNITS_IN_MOSAIC = (0.5, 1.0, 2.0), (0.5, 1.0, 2.0, 8.0, 32.0)
STRENGTHS = tuple(2.0 ** (step / 2) for step in range(-12, 9))  # of a defect, in a template's units


@dataclass(frozen=True, slots=True)
class Limits:
    """By how much a hot template's score may exceed the offset template's, as a ratio."""

    of_offset: float = 1.0  # at most, of an offset
    of_hot: float = 1.0  # at least, of a hot pixel

    def told(self, hot: float, offset: float) -> Literal["hot", "offset", "bright"]:
        """Return which of two kinds the scores of their templates tell, in null sigmas.

        The squares of two scores differ by twice the logarithm of the odds between them.

        >>> Limits().told(12.0, 9.0), Limits().told(9.0, 9.2), Limits(of_offset=1.4).told(12.0, 9.0)
        ('hot', 'bright', 'bright')
        """
        is_hot = (hot / self.of_offset) ** 2 - offset**2 >= 2 * ODDS
        is_offset = offset**2 - (hot / self.of_hot) ** 2 >= 2 * ODDS
        if is_hot == is_offset:
            return "bright"
        return "hot" if is_hot else "offset"


def limits_of(exposures: Iterable[Exposure], *, rendered: bool) -> Limits | None:
    """Return what the scores can be of either kind; None where exposure times hardly differ.

    >>> limits_of([Exposure(1 / 50), Exposure(1 / 50), Exposure(1 / 60)], rendered=True)
    >>> wide = [Exposure(2.0**time, 2.0**gain) for time in range(-9, 2) for gain in range(6)]
    >>> limits = limits_of(wide, rendered=True)
    >>> round(limits.of_offset, 2), round(limits.of_hot, 2)
    (1.05, 0.95)
    """
    each = ((one.exposure_s or USUAL_EXPOSURE_S, one.gain or USUAL_GAIN) for one in exposures)
    counted = sorted(Counter(each).items())  # in any order of the photos the same bits
    photos = np.array([number for _, number in counted], np.float64)
    times = np.log2([time for (time, _), _ in counted])
    if not photos.size:
        return None
    mean = np.average(times, weights=photos)
    if np.average((times - mean) ** 2, weights=photos) < TIMES_APART**2:
        return None
    templates = TEMPLATES[:3]  # offset, hot tempered, hot
    scale = np.array([1.0 if rendered else template.in_mosaic for template in templates])
    factors = scale * [template_factors(Exposure(*each), templates) for each, _ in counted]
    units = UNITS if rendered else UNITS_IN_MOSAIC
    most = CLIP if rendered else LIMIT
    by_unit = [_ratios(unit * factors, photos, most) for unit in units]
    return Limits(
        of_offset=BEYOND * max(float(offset.max()) for offset, _ in by_unit),
        of_hot=min(float(hot.min()) for _, hot in by_unit) / BEYOND,
    )


def _ratios(
    expected: NDArray[np.float64], photos: NDArray[np.float64], most: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the larger hot score over the offset's, of offsets and of hot pixels, by strength.

    `most` is what a photo can say at most, in sigmas.
    """
    weights = np.minimum(expected, CLIP)
    lengths = np.sqrt(photos @ weights**2)

    def of(kind: int) -> NDArray[np.float64]:
        said = np.minimum(np.outer(STRENGTHS, expected[:, kind]), most)
        scores = (said * photos) @ weights / lengths
        return np.asarray(scores[:, 1:].max(1) / scores[:, 0])

    return of(0), of(2)

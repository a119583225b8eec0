"""How strongly a listed defect should show in one photo, before a look at it.

Never looks at a pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..defects import Defect
from ..frame import Exposure
from .prediction import Floats

SHOWS = 0.5  # prior chance that a defect shows, where the map does not say how often it does
RARELY, MOSTLY = 0.1, 0.9  # no map is surer than that: the sensor may be warmer today
SCATTER = 1.0  # natural logarithm: amplitudes lie within a factor of e of what is expected
GROWS_WITH_TIME = frozenset({"hot", "blinking"})
GROWS_WITH_GAIN = GROWS_WITH_TIME | {"offset", "unknown"}


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a map and an exposure lead one to expect of a place."""

    shows: float = SHOWS  # chance
    strength: float | None = None  # levels of 0..255; None: it could be anything

    def prior(self, amplitudes: Floats) -> Floats:
        """Return the chance of each amplitude in levels, the first of which is 0.

        >>> weak = Expectation(strength=0.1).prior(np.array([0.0, 1.0, 2.0, 4.0]))
        >>> bool(weak[0] > 0.95), float(weak.sum().round(6))
        (True, 1.0)
        """
        steps = np.log(amplitudes[1:])
        if self.strength is None:
            chances = np.full(steps.size, self.shows / steps.size)
        else:
            off = (steps - math.log(max(self.strength, 1e-3))) / SCATTER
            width = float(steps[1] - steps[0]) / SCATTER / math.sqrt(2 * math.pi)
            chances = self.shows * width * np.exp(-0.5 * off**2)
        return np.concatenate([[1.0 - chances.sum()], chances])


def expect(defect: Defect, exposure: Exposure, white: int) -> Expectation:
    """Return what is expected of a listed defect in a photo of some exposure.

    The excess of a hot pixel grows with gain times exposure time, that of a partly stuck one
    with gain alone, and so is taken to do one of unknown kind; a stuck or dead one keeps its
    level, and one of low or high sensitivity goes with the scene's. A map that does not say
    leaves it open.

    >>> hot = Defect(x=1, y=1, kind="hot", strength=20.0, exposure_s=0.5, gain=4.0)
    >>> expect(hot, Exposure(0.125, 4.0), white=255).strength
    5.0
    """
    shows = SHOWS if defect.seen is None else min(max(defect.seen[0], RARELY), MOSTLY)
    if defect.strength is None:
        return Expectation(shows)
    strength = abs(defect.strength) * 255 / white
    if defect.kind in GROWS_WITH_GAIN:
        strength *= _ratio(exposure.gain, defect.gain)
    if defect.kind in GROWS_WITH_TIME:
        strength *= _ratio(exposure.exposure_s, defect.exposure_s)
    return Expectation(shows, min(strength, 255.0))


def _ratio(here: float | None, there: float | None) -> float:
    return here / there if here and there else 1.0

"""How strongly a listed defect should show in one photo, before a look at it.

Never looks at a pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from ..frame import Exposure, Layout
from ..maps.records import Defect
from .prediction import Floats

SHOWS = 0.5  # prior chance that a defect shows, where the map does not say how often it does
RARELY, MOSTLY = 0.1, 0.9  # no map is surer than that: the sensor may be warmer today
SCATTER = (
    0.8  # natural logarithm: measured, amplitudes lie within a factor of 2 of what is expected
)
MIDTONE = 64.0  # levels, at which a map's strength is taken to have been seen: decision 0010
GROWS_WITH_TIME = frozenset({"hot"})
GROWS_WITH_GAIN = GROWS_WITH_TIME | {"offset", "bright", "unknown"}
SHARE_OF_THE_LIGHT = frozenset({"low", "high"})
# there in every photo
STEADY = frozenset({"hot", "offset", "bright", "stuck", "high", "dead", "low", "dark"})
ONE_SIDED = STEADY - {"stuck"}  # that one is dark or bright by what is around it

Follows: TypeAlias = Literal["nothing", "tone", "level"]  # of the scene, a strength goes with


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a map and an exposure lead one to expect of a place."""

    shows: float = SHOWS  # chance
    strength: float | None = None  # levels of 0..255 as the map has it; None: could be anything
    growth: float = 1.0  # times as much signal as where the map saw it
    follows: Follows = "nothing"
    sign: int = 0  # 1 where it can only be brighter than it should, -1 darker, 0 where not known

    def amplitude(self, level: float) -> float | None:
        """Return how strongly it should show, in levels, where the scene has some level.

        What is added to the sensor's signal passes through the photo's tone curve, of which that
        of sRGB (IEC 61966-2-1) stands for all: steep in shadows, flat in highlights, full at
        white. A photosite of low or high sensitivity takes its share of the level.

        >>> hot = Expectation(strength=20.0, follows="tone")
        >>> [round(hot.amplitude(level)) for level in (20.0, 64.0, 180.0, 255.0)]
        [39, 20, 6, 0]
        """
        if self.strength is None or self.follows == "nothing":
            return self.strength and self.strength * self.growth
        if self.follows == "level":
            return self.strength * max(level, 1.0) / MIDTONE
        added = _linear(MIDTONE + self.strength) - _linear(MIDTONE)
        return max(_encode_light(_linear(level) + self.growth * added) - level, 0.0)


def priors(expectations: Sequence[Expectation], amplitudes: Floats, levels: Floats) -> Floats:
    """Return the chance of each amplitude at some places, the first of which is none.

    Args:
        expectations: one a place.
        amplitudes: (places, amplitudes) in levels, the first 0, and each other twice the last.
        levels: (places,) of the scene.

    >>> weak = Expectation(strength=0.1)
    >>> (chances,) = priors([weak], np.array([[0.0, 1.0, 2.0, 4.0]]), np.array([64.0]))
    >>> bool(chances[0] > 0.95), float(chances.sum().round(6))
    (True, 1.0)
    """
    pairs = zip(expectations, levels.tolist(), strict=True)
    strengths = [each.amplitude(level) for each, level in pairs]
    shows = np.array([each.shows for each in expectations])
    steps = np.log(amplitudes[:, 1:])
    logs = np.array([math.log(max(each or 0.0, 1e-3)) for each in strengths])
    width = (steps[:, 1] - steps[:, 0]) / SCATTER / math.sqrt(2 * math.pi)
    told = width[:, None] * np.exp(-0.5 * np.square((steps - logs[:, None]) / SCATTER))
    untold = np.array([each is None for each in strengths])
    chances = shows[:, None] * np.where(untold[:, None], 1 / steps.shape[1], told)
    return np.concatenate([1.0 - chances.sum(axis=1, keepdims=True), chances], axis=1)


def expect(
    defect: Defect, exposure: Exposure, white: int, layout: Layout = "rendered"
) -> Expectation:
    """Return what is expected of a listed defect in a photo of some exposure.

    The excess of a hot pixel grows with gain times exposure time, that of a partly stuck one
    with gain alone, and so is taken to do one that may be either, or is of unknown kind; a stuck,
    dead or dark one keeps its level, and one of low or high sensitivity goes with the scene's.
    Where the strength is known, the exposure says whether such a defect shows: then `seen` matters
    for those of unknown kind alone. In a rendered photo the tone curve comes on top, in a mosaic
    there is none. A map that does not say leaves it open.

    >>> hot = Defect(x=1, y=1, kind="hot", strength=20.0, exposure_s=0.5, gain=4.0)
    >>> round(expect(hot, Exposure(0.125, 4.0), white=255).amplitude(64.0), 1)
    5.6
    >>> expect(hot, Exposure(0.125, 4.0), white=255, layout="mono").amplitude(64.0)
    5.0
    """
    shows = SHOWS if defect.seen is None else min(max(defect.seen[0], RARELY), MOSTLY)
    if defect.strength is None:
        return Expectation(shows)
    if defect.kind in STEADY:
        shows = MOSTLY
    strength, growth = abs(defect.strength) * 255 / white, 1.0
    if defect.kind in GROWS_WITH_GAIN:
        growth *= _ratio(exposure.gain, defect.gain)
    if defect.kind in GROWS_WITH_TIME:
        growth *= _ratio(exposure.exposure_s, defect.exposure_s)
    follows: Follows = "nothing"
    if layout == "rendered":  # where a mosaic's midtones lie is not known
        if defect.kind in GROWS_WITH_GAIN:
            follows = "tone"
        elif defect.kind in SHARE_OF_THE_LIGHT:
            follows = "level"
    sign = int(math.copysign(1, defect.strength)) if defect.kind in ONE_SIDED else 0
    return Expectation(shows, min(strength, 255.0), growth, follows, sign)


def _linear(level: float) -> float:
    """Return the light of a level of 0..255, as a share of the full (IEC 61966-2-1)."""
    share = min(max(level / 255, 0.0), 1.0)
    return float(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)


def _encode_light(light: float) -> float:
    """Return the level of a share of the full light."""
    light = min(max(light, 0.0), 1.0)
    return 255 * float(12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)


def _ratio(here: float | None, there: float | None) -> float:
    return here / there if here and there else 1.0

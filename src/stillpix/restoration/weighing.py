"""Whether places show, and how strongly: what all planes tell, by Bayes' rule.

Never looks at a sample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiling import compiled
from .prediction import Floats

LEAST = 1e-9  # chance of a defect that is of the other sign
UNCOLOURED = 0.25  # prior chance that a plane of colour shows nothing of a defect that shows
UNLIT = 0.1  # the same of luma, to which all photosites add
_NEXT_TO_NOTHING = 1e-300  # chance that stands for none
_FAR_BELOW = -1e300  # any logarithm


class Told(NamedTuple):
    """What one plane tells of some places, (places, amplitudes) each."""

    likelihood: Floats  # natural logarithms
    rise: Floats  # of the defect over its own uncertainty


def weigh(
    told: Sequence[Told], prior: Floats, signs: NDArray[np.int64]
) -> tuple[Floats, list[Floats]]:
    """Return the chance that each place shows, and for each plane that of each amplitude if so.

    The first plane's amplitude has the prior (places, amplitudes); another's may be anything up
    to the highest, or nothing: which colours a defect shows in depends on its photosite. Where
    the defect can only brighten, or darken, the first plane's chances count that half alone.

    >>> told = Told(np.array([[0.0, 3.0, 1.0]]), np.zeros((1, 3)))
    >>> chance, (weights,) = weigh([told], np.array([[0.5, 0.25, 0.25]]), np.array([0]))
    >>> float(chance[0].round(2)), weights[0].round(2).tolist()
    (0.92, [0.0, 0.88, 0.12])
    """
    odds, weights = np.empty(signs.size), [np.empty(prior.shape) for _ in told]
    _weigh_first(*told[0], prior, signs, UNLIT if len(told) > 1 else 0.0, weights[0], odds)
    for plane, chances in zip(told[1:], weights[1:], strict=True):
        _weigh_another(plane.likelihood, chances, odds)
    return 1 / (1 + np.exp(np.clip(-odds, -700, 700))), weights


@compiled
def _normalise(chances: Any, top: float) -> float:
    """Turn the logarithms of some chances into what adds up to 1; return that of their sum."""
    total = 0.0
    for k in range(chances.size):
        chances[k] = np.exp(chances[k] - top)
        total += chances[k]
    for k in range(chances.size):
        chances[k] /= total
    return float(top + np.log(total))


@compiled
def _weigh_first(
    likelihood: Any, rise: Any, prior: Any, signs: Any, unlit: float, weights: Any, odds: Any
) -> None:
    """Fill in the chances of a first plane's amplitudes, and the logarithm of the odds so far."""
    for n in range(signs.size):
        there = max(1.0 - prior[n, 0], 1e-12)
        odds[n], whole, top = np.log(there) - np.log(max(prior[n, 0], 1e-12)), unlit, _FAR_BELOW
        for k in range(1, prior.shape[1]):
            whole += prior[n, k] / there
        for k in range(prior.shape[1]):
            chance = max((prior[n, k] / there if k else unlit) / whole, _NEXT_TO_NOTHING)
            if signs[n]:
                chance *= max(math.erfc(-signs[n] * rise[n, k] / math.sqrt(2.0)), LEAST)
            weights[n, k] = likelihood[n, k] - likelihood[n, 0] + np.log(chance)
            top = max(top, weights[n, k])
        odds[n] += _normalise(weights[n], top)


@compiled
def _weigh_another(likelihood: Any, weights: Any, odds: Any) -> None:
    """Fill in the chances of another plane's amplitudes, and add what it says to the odds."""
    loud = likelihood.shape[1] - 1
    for n in range(odds.size):
        top = _FAR_BELOW
        for k in range(loud + 1):
            chance = (1.0 - UNCOLOURED) / loud if k else UNCOLOURED
            weights[n, k] = likelihood[n, k] - likelihood[n, 0] + np.log(chance)
            top = max(top, weights[n, k])
        odds[n] += _normalise(weights[n], top)

"""Whether places show, and how strongly: what all planes tell, by Bayes' rule.

Never looks at a sample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .prediction import Floats

LEAST = 1e-9  # chance of a defect that is of the other sign
UNCOLOURED = 0.25  # prior chance that a plane of colour shows nothing of a defect that shows
UNLIT = 0.1  # the same of luma, to which all photosites add
_NEXT_TO_NOTHING = 1e-300  # chance that stands for none


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
    there = np.maximum(1 - prior[:, :1], 1e-12)
    shown = prior / there
    shown[:, 0] = UNLIT if len(told) > 1 else 0.0
    shown /= shown.sum(axis=1, keepdims=True)
    shown = np.maximum(shown, _NEXT_TO_NOTHING)
    one_sided = np.flatnonzero(signs)
    shown[one_sided] *= _one_sided(signs[one_sided, None] * told[0].rise[one_sided])
    open_prior = np.full(prior.shape, (1 - UNCOLOURED) / (prior.shape[1] - 1))
    open_prior[:, 0] = UNCOLOURED
    odds = (np.log(there) - np.log(np.maximum(prior[:, :1], 1e-12)))[:, 0]
    weights = []
    for number, plane in enumerate(told):
        joint = plane.likelihood - plane.likelihood[:, :1]
        joint += np.log(open_prior if number else shown)
        top = joint.max(axis=1, keepdims=True)
        chances = np.exp(joint - top)
        total = chances.sum(axis=1, keepdims=True)
        odds += (top + np.log(total))[:, 0]
        weights.append(chances / total)
    return 1 / (1 + np.exp(np.clip(-odds, -700, 700))), weights


def _one_sided(rise: Floats) -> Floats:
    """Return by how much likelier a sign makes defects that are so many deviations above 0."""
    halves = [math.erfc(-each / math.sqrt(2)) for each in rise.ravel().tolist()]
    return np.asarray(np.maximum(np.reshape(halves, rise.shape), LEAST))

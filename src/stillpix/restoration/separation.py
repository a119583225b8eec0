"""Separates the defect's share in a few pixels from the scene that was predicted there.

Both are Gaussian. The scene is near the prediction from the surroundings. The defect's response
has unknown amplitude and width, and falls off with distance. Never touches a photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .prediction import Floats, Prediction
from .separation_kernels import lanes_for, weigh_amplitudes

AMPLITUDES = np.concatenate([[0.0], 2.0 ** np.arange(13)])  # levels; 0: nothing shows
NOISE = 1.0  # levels squared: rounding, and what quantisation leaves
MUTE = 1e8  # levels squared, of a sample that says nothing
VARIANCES = (NOISE, MUTE)  # of noise, and of a sample that says nothing


@dataclass(frozen=True, slots=True, eq=False)
class Separated:
    """Of one plane around one place: how likely each amplitude is, and what is then below."""

    likelihood: Floats  # (amplitudes,) natural logarithms
    scene: Floats  # (amplitudes, n) levels without the defect, under each amplitude
    width: float  # samples, of the response that fits best
    rise: Floats  # (amplitudes,) of the defect at the middle over its own uncertainty


def response(squared_distance: Floats, width: float) -> Floats:
    """Return how much of a defect's amplitude may stand at some distances from its middle.

    (1 + d^2 / w^2)^(-3/2): measured, it does as well as responses learned from the very
    cameras it is tried on (decision 0010).

    >>> response(np.array([0.0, 1.0, 4.0]), 1.0).round(2).tolist()
    [1.0, 0.35, 0.09]
    """
    return np.asarray((1.0 + squared_distance / width**2) ** -1.5)


def separate(
    observed: Floats, mute: NDArray[np.bool_], predicted: Prediction,
    squared_distance: Floats, widths: Sequence[float],
) -> Separated:  # fmt: skip
    """Weigh all amplitudes of a defect against what stands at n samples.

    The observed levels are scene + defect, scene ~ N(mean, covariance), defect ~ N(0, (a e)^2)
    for each amplitude a, e being the response at `squared_distance` (n,) from the nearest defect,
    of the width that fits best. What is `mute` (n,) says nothing. Gaussian algebra gives the
    likelihood of a and the scene expected under it (Wiener's filter).

    >>> flat = Prediction(np.full(2, 50.0), np.eye(2))
    >>> seen, mute = np.array([90.0, 51.0]), np.array([False, False])
    >>> told = separate(seen, mute, flat, np.array([0.0, 4.0]), [1.0])
    >>> float(AMPLITUDES[told.likelihood.argmax()]), told.scene[-1].round().tolist()
    (32.0, [50.0, 50.0])
    """
    n, tried = observed.size, np.array(widths, np.float64)
    likelihood, rise = np.empty((1, AMPLITUDES.size)), np.empty((1, AMPLITUDES.size))
    scene, best = np.empty((1, AMPLITUDES.size, n)), np.empty(1, np.int64)
    weigh_amplitudes(
        observed[None], ~mute[None], predicted.mean[None], predicted.covariance[None],
        squared_distance[None], tried, AMPLITUDES, VARIANCES,
        lanes_for(n, AMPLITUDES.size, tried.size), likelihood, scene, rise, best,
    )  # fmt: skip
    return Separated(likelihood[0], scene[0], float(tried[best[0]]), rise[0])

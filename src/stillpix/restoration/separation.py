"""Separates the defect's share in a few pixels from the scene that was predicted there.

Both are Gaussian. The scene is near the prediction from the surroundings. The defect's response
has unknown amplitude and width, and falls off with distance. Never touches a photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .kernels import eliminate
from .prediction import Floats, Prediction

Numbers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

AMPLITUDES = np.concatenate([[0.0], 2.0 ** np.arange(13)])  # levels; 0: nothing shows
NOISE = 1.0  # levels squared: rounding, and what quantisation leaves
MUTE = 1e8  # levels squared, of a sample that says nothing
WIDE = 4  # numbers that a processor works on at once


@dataclass(frozen=True, slots=True, eq=False)
class Separated:
    """Of one plane around one place: how likely each amplitude is, and what is then below."""

    likelihood: Floats  # (amplitudes,) natural logarithms
    scene: Floats  # (amplitudes, n) levels without the defect, under each amplitude
    width: float  # samples, of the response that fits best
    rise: Floats  # (amplitudes,) of the defect at the middle over its own uncertainty


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """What stands at n samples of some places, beside what is expected there."""

    levels: Floats  # (places, n)
    own: NDArray[np.bool_]  # (places, n): which of them say something
    means: Floats  # (places, n), of the scene
    covariances: Floats  # (places, n, n), of its error
    squared: Floats  # (places, n), distance from the defect
    widths: Floats  # (places, some) of responses that are tried

    def part(self, which: Numbers | slice) -> Observed:
        """Return those of some places."""
        return Observed(
            self.levels[which], self.own[which], self.means[which], self.covariances[which],
            self.squared[which], self.widths[which],
        )  # fmt: skip

    @classmethod
    def of(cls, parts: Sequence[Observed]) -> Observed:
        """Return those of some places and of others, one after the other."""
        return cls(*(
            np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls)
        ))  # fmt: skip

    @property
    def surprise(self) -> Floats:
        """Return by how much the samples that say something differ from what is expected."""
        return np.where(self.own, self.levels - self.means, 0.0)

    def variances(self, amplitudes: Floats, number: int | Numbers) -> Floats:
        """Return those of the defect, (places, amplitudes, n), of the widths of some number.

        What is mute has them, too.
        """
        width = self.widths[np.arange(len(self.widths)), number]
        shape = response(self.squared, width[:, None])
        signal = np.square(amplitudes[:, None] * shape[:, None])
        return np.asarray(signal + np.where(self.own, 0.0, MUTE)[:, None])


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """How likely each amplitude is at some places, by the width that fits best."""

    likelihood: Floats  # (places, amplitudes) natural logarithms
    rise: Floats  # (places, amplitudes) of the defect at the middle over its own uncertainty
    best: Numbers  # (places,) number of that width

    def part(self, which: slice) -> Weighed:
        """Return those of some places."""
        return Weighed(self.likelihood[which], self.rise[which], self.best[which])


def response(squared_distance: Floats, width: float | Floats) -> Floats:
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
    seen = Observed(
        observed[None], ~mute[None], predicted.mean[None], predicted.covariance[None],
        squared_distance[None], np.array([widths], np.float64),
    )  # fmt: skip
    told = weigh_amplitudes(seen, AMPLITUDES)
    scene = scenes_below(seen, AMPLITUDES, told.best, np.ones((1, AMPLITUDES.size), bool))
    return Separated(told.likelihood[0], scene[0], widths[int(told.best[0])], told.rise[0])


def weigh_amplitudes(seen: Observed, amplitudes: Floats) -> Weighed:
    """Weigh all amplitudes at some places, each for itself; see `separate`."""
    loud, each = amplitudes.size - 1, np.arange(len(seen.levels))
    tried = range(seen.widths.shape[1])
    silent = seen.variances(amplitudes[:1], 0)  # no defect is the same for all widths
    signals = [seen.variances(amplitudes[1:], number) for number in tried]
    log, rises = _factorise(seen, np.concatenate([silent, *signals], axis=1))
    lanes = np.array([[0, *range(1 + w * loud, 1 + (w + 1) * loud)] for w in tried])
    of_width = log[:, lanes]  # (places, widths, amplitudes)
    best = np.logaddexp.reduce(of_width, axis=2).argmax(axis=1)
    return Weighed(of_width[each, best], rises[:, lanes][each, best], best)


def _factorise(seen: Observed, variances: Floats) -> tuple[Floats, Floats]:
    """Return the likelihood and the rise under each of a few variances (places, lanes, n)."""
    (count, lanes, n), places = variances.shape, np.arange(len(variances))
    middle, padded = seen.squared.argmin(axis=1), -(-lanes // WIDE) * WIDE
    factors = np.ones((count, n, padded))
    factors[..., :lanes] = variances.transpose(0, 2, 1) + NOISE
    sides = np.zeros((count, 2, n))
    sides[:, 0] = seen.surprise
    sides[places, 1, middle] = 1.0
    solved = np.empty((count, 2, n, padded))
    eliminate(seen.covariances, factors, sides, np.empty((n + 2, n, padded)), solved)
    found, column = solved[:, 0], solved[:, 1]
    likelihood = (np.log(factors) - 0.5 * np.square(found)).sum(axis=1)[:, :lanes]
    signal = variances[places, :, middle]
    left = signal * (1 - signal * np.square(column).sum(axis=1)[:, :lanes])
    rise = signal * (column * found).sum(axis=1)[:, :lanes] / np.sqrt(np.maximum(left, 1e-9))
    return likelihood, rise


def scenes_below(seen: Observed, amplitudes: Floats, best: Numbers, needed: Flags) -> Floats:
    """Return the scenes (places, amplitudes, n) under each amplitude, of the widths that fit.

    Where they are not `needed` (places, amplitudes), they are what is observed.
    """
    variances = seen.variances(amplitudes, best)[needed]
    place, _ = np.nonzero(needed)
    diagonal = np.eye(variances.shape[1]) * (NOISE + variances)[:, None]
    solved = np.linalg.solve(seen.covariances[place] + diagonal, seen.surprise[place, :, None])
    levels = np.where(seen.own, seen.levels, seen.means)
    scenes = np.repeat(levels[:, None], amplitudes.size, axis=1)
    scenes[needed] -= variances * solved[..., 0]
    return scenes

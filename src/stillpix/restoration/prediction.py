"""Predicts a few broken pixels from their surroundings.

Uses locally weighted regression: places nearby that look alike teach how the pixels of a hole
follow from the sound pixels around it, and how uncertain such a prediction is. Never looks at the
values in the hole, and never learns from a pixel that is listed as broken.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

ALIKE = 60  # places that are most like this one and so teach it most
RIDGE = 16.0  # levels squared: about the noise of a rendered photo, so that noise is not learned
FEWEST = 24  # places to learn from; with fewer the mean of the ring has to do
TRUST = 0.7  # of the residuals' covariance: see decision 0010


@dataclass(frozen=True, slots=True)
class Stencil:
    """The shape of a hole and of what is learned from around it, in samples.

    `period` is 1 in a rendered plane and the side of the colour filter array's cell in a mosaic:
    only places of the same phase are alike there.
    """

    reaches: tuple[int, int]  # of the hole, down and across: it is 2 * reach + 1 each way
    ring: int = 1  # width of the frame of sound samples around it
    search: int = 16  # how far away places may lie that teach
    period: int = 1

    @property
    def margin(self) -> int:
        """Return the samples needed on every side of the hole's middle."""
        return max(self.reaches) + self.ring + self.search // self.period * self.period

    @property
    def side(self) -> int:
        """Return the side of the square window needed around a hole's middle."""
        return 2 * self.margin + 1


class Prediction(NamedTuple):
    """What a hole's samples should be, row by row, and the covariance of the error."""

    mean: Floats  # (n,)
    covariance: Floats  # (n, n)


class _Places(NamedTuple):
    """Flat indices into a window: of the hole, of its ring, and of the moves to other places."""

    hole: NDArray[np.intp]
    ring: NDArray[np.intp]
    moves: NDArray[np.intp]


@cache
def _places(stencil: Stencil) -> _Places:
    side, middle = stencil.side, stencil.margin

    def flat(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.intp]:
        return np.asarray(rows * side + columns).ravel()

    (down, across), ring = stencil.reaches, stencil.ring
    rows, columns = np.mgrid[-down - ring : down + ring + 1, -across - ring : across + ring + 1]
    inside = (abs(rows) <= down) & (abs(columns) <= across)
    most = stencil.search // stencil.period
    steps = np.arange(-most, most + 1) * stencil.period
    lower, further = np.meshgrid(steps, steps, indexing="ij")
    apart = (abs(lower) > 2 * down + ring) | (abs(further) > 2 * across + ring)  # patch and hole
    return _Places(
        hole=flat(middle + rows[inside], middle + columns[inside]),
        ring=flat(middle + rows[~inside], middle + columns[~inside]),
        moves=flat(lower[apart], further[apart]),
    )


def predict(window: Floats, sound: NDArray[np.bool_], stencil: Stencil) -> Prediction:
    """Predict the samples of the hole in the middle of a window.

    Args:
        window: (side, side) levels of 0..255; what stands in the hole does not matter.
        sound: (side, side); False where a sample is broken or lies outside the frame.
        stencil: the shape of the hole.

    The regression is that of Cleveland and Devlin, Locally weighted regression, JASA 1988, with
    a ridge; likeness is the mean squared difference of the rings, each less its own mean.

    >>> ramp = np.add.outer(np.arange(39.0), 2 * np.arange(39.0))
    >>> guess = predict(ramp, np.ones((39, 39), bool), Stencil((2, 2)))
    >>> bool(abs(guess.mean.reshape(5, 5) - ramp[17:22, 17:22]).max() < 0.5)
    True
    """
    hole, ring, moves = _places(stencil)
    levels, usable = window.ravel(), sound.ravel()
    ring = ring[usable[ring]]
    if not ring.size:
        return Prediction(np.full(hole.size, 128.0), np.eye(hole.size) * 128.0**2)
    if not usable.all():
        patch = np.concatenate([hole, ring])
        moves = moves[usable[moves[:, None] + patch].all(axis=1)]
    here = levels[ring]
    if moves.size < FEWEST:
        return _plain(here, hole.size)
    features, targets = levels[moves[:, None] + ring], levels[moves[:, None] + hole]
    return _regress(features, targets, here)


def _plain(ring: Floats, count: int) -> Prediction:
    """Return the ring's mean, as sure as the ring is even."""
    spread = float(ring.var()) + 1.0
    return Prediction(np.full(count, ring.mean()), np.eye(count) * spread)


def _regress(features: Floats, targets: Floats, here: Floats) -> Prediction:
    """Regress targets (places, n) on features (places, k), near the features `here`."""
    level = features.mean(axis=1, keepdims=True)
    features, targets, known = features - level, targets - level, here - here.mean()
    unlike = np.square(features - known).mean(axis=1)
    near = min(ALIKE, unlike.size) - 1
    scale = float(np.partition(unlike, near)[near]) + 1.0
    weights = np.exp(-0.5 * unlike / scale)
    weights /= weights.sum()
    middle, expected = weights @ features, weights @ targets
    features, targets = features - middle, targets - expected
    weighted = features.T * weights
    normal = weighted @ features
    normal[np.diag_indices_from(normal)] += RIDGE
    slopes = np.linalg.solve(normal, weighted @ targets)
    errors = targets - features @ slopes
    mean = here.mean() + expected + (known - middle) @ slopes
    return Prediction(mean, TRUST * (errors.T * weights) @ errors)

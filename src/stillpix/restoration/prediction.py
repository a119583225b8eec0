"""Predicts a few broken pixels from their surroundings.

Uses locally weighted regression: places nearby that look alike teach how the pixels of a hole
follow from the sound pixels around it, and how uncertain such a prediction is. Never looks at the
values in the hole, and never learns from a pixel that is listed as broken.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .regression_kernels import Space, regress, space_for

Floats: TypeAlias = NDArray[np.float64]

ALIKE = 60  # places that are most like this one and so teach it most
RIDGE = 16.0  # levels squared: about the noise of a rendered photo, so that noise is not learned
FEWEST = 24  # places to learn from; with fewer the mean of the ring has to do
TRUST = 0.7  # of the residuals' covariance: see decision 0010
_CONSTANTS = (ALIKE, FEWEST, RIDGE, TRUST)


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


class Layout(NamedTuple):
    """How a stencil's window is kept, so that the places that teach follow each other.

    Samples of one phase of the colour filter array stand together, row by row: to the next place
    is one step, whatever the period.
    """

    order: NDArray[np.intp]  # (samples,) of a window's flat indices; -1 where it has none
    hole: NDArray[np.intp]  # flat indices in that order, row by row
    ring: NDArray[np.intp]
    first: int  # the move to the first place, and from there on to the next
    teaches: NDArray[np.uint8]  # (span,) whether a place's samples lie apart from the hole


@cache
def layout_of(stencil: Stencil) -> Layout:
    """Return how the window of a stencil is kept."""
    period, middle = stencil.period, stencil.margin
    (down, across), ring = stencil.reaches, stencil.ring
    side = -(-stencil.side // period)  # of a phase
    rows, columns = np.mgrid[0 : side * period, 0 : side * period]
    order = np.where(
        (rows < stencil.side) & (columns < stencil.side), rows * stencil.side + columns, -1
    )
    order = order.reshape(side, period, side, period).transpose(1, 3, 0, 2).reshape(-1)
    where = np.zeros(stencil.side**2, np.intp)
    where[order[order >= 0]] = np.flatnonzero(order >= 0)
    rows, columns = np.mgrid[-down - ring : down + ring + 1, -across - ring : across + ring + 1]
    inside = (abs(rows) <= down) & (abs(columns) <= across)
    near = where[(middle + rows) * stencil.side + middle + columns]
    most = stencil.search // period
    moves = np.arange(2 * most * side + 2 * most + 1)
    lower, further = moves // side - most, moves % side - most
    apart = (abs(lower) * period > 2 * down + ring) | (abs(further) * period > 2 * across + ring)
    teaches = apart & (further <= most)
    return Layout(order, near[inside], near[~inside], -most * (side + 1), teaches.astype(np.uint8))


def space_of(stencil: Stencil, kind: type[np.floating[Any]] = np.float64) -> Space:
    """Return room for predictions of a stencil, one at a time, samples being of some kind."""
    kept = layout_of(stencil)
    return space_for(kept.hole.size, kept.ring.size, kept.order.size, kept.teaches.size, kind)


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
    kept = layout_of(stencil)
    levels = np.where(kept.order < 0, 0.0, window.ravel()[kept.order])
    usable = ((kept.order < 0) | sound.ravel()[kept.order]).astype(np.uint8)
    means, covariances, _ = predict_all(levels[None], usable[None], stencil, space_of(stencil))
    return Prediction(means[0], covariances[0])


def predict_all(
    windows: Floats, usable: NDArray[np.uint8], stencil: Stencil, space: Space
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return the means of some holes, their covariances, and how many places taught each.

    Arrays:
        windows, usable: (places, samples) in the order of the stencil's layout; a sample that
            the window does not have counts as usable, for no place has it.
        stencil: the shape of the holes.
        space: room to work in.
    """
    _, hole, ring, first, teaches = layout_of(stencil)
    count = len(windows)
    means, covariances = np.empty((count, hole.size)), np.empty((count, hole.size, hole.size))
    taught = np.empty(count, np.int64)
    regress(
        windows, usable, hole, ring, teaches, first, _CONSTANTS, space, means, covariances, taught
    )
    return means, covariances, taught

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
from numpy.typing import DTypeLike, NDArray

from .kernels import admit, centre, compare, conclude, multiply

Floats: TypeAlias = NDArray[np.float64]

ALIKE = 60  # places that are most like this one and so teach it most
RIDGE = 16.0  # levels squared: about the noise of a rendered photo, so that noise is not learned
FEWEST = 24  # places to learn from; with fewer the mean of the ring has to do
TRUST = 0.7  # of the residuals' covariance: see decision 0010
NOTHING = 128.0  # the level where nothing sound is near
AT_ONCE = 16  # holes, whose numbers should stay near the processor
PIECE = 448  # products that are added up before the sum is kept in full
WIDE = 4  # products that are made at once


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


class Predictions(NamedTuple):
    """The same of several holes, and how many places each was learned from."""

    means: Floats  # (places, n)
    covariances: Floats  # (places, n, n)
    taught: NDArray[np.int64]  # (places,)


class _Lesson(NamedTuple):
    """What some holes can be learned from."""

    known: NDArray[np.bool_]  # (places, ring): samples of the ring that are sound
    level: Floats  # (places,) their mean
    here: Floats  # (places, ring) less that mean, 0 where not known
    series: NDArray[Any]  # (places, samples + 2 span) less that mean, then own means, then ones
    admitted: NDArray[np.bool_]  # (places, span): which places may teach


class Layout(NamedTuple):
    """How a stencil's window is kept, so that the places that teach follow each other.

    Samples of one phase of the colour filter array stand together, row by row: to the next place
    is one step, whatever the period.
    """

    order: NDArray[np.intp]  # (samples,) of a window's flat indices; -1 where it has none
    hole: NDArray[np.intp]  # flat indices in that order, row by row
    ring: NDArray[np.intp]
    first: int  # the move to the first place, and from there on to the next
    teaches: NDArray[np.bool_]  # (span,) whether a place's samples lie apart from the hole
    starts: NDArray[np.intp]  # where, of each sample of ring and hole, that of the first place is
    rows: NDArray[np.intp]  # the same, then each place's own mean, then ones; see `multiply`
    begins: NDArray[np.intp]  # of the pieces of the span
    counts: NDArray[np.intp]  # their lengths


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
    first, samples = -most * (side + 1), order.size
    starts = np.concatenate([near[~inside], near[inside]]) + first
    rows = np.full(-(-(starts.size + 2) // WIDE) * WIDE, samples + moves.size)
    rows[: starts.size], rows[starts.size] = starts, samples
    begins = np.arange(0, moves.size, PIECE)
    counts = np.minimum(PIECE, moves.size - begins)
    return Layout(order, near[inside], near[~inside], first, teaches, starts, rows, begins, counts)


def hole_in(margin: int, reaches: tuple[int, int]) -> tuple[slice, slice, slice]:
    """Return where a hole lies in windows (places, side, side) that have a margin about it."""
    down, across = (slice(margin - reach, margin + reach + 1) for reach in reaches)
    return slice(None), down, across


def predict(window: Floats, sound: NDArray[np.bool_], stencil: Stencil) -> Prediction:
    """Predict the samples of the hole in the middle of a window.

    Args:
        window: (side, side) levels of 0..255; what stands in the hole does not matter.
        sound: (side, side); False where a sample is broken or lies outside the frame.
        stencil: the shape of the hole.

    >>> ramp = np.add.outer(np.arange(39.0), 2 * np.arange(39.0))
    >>> guess = predict(ramp, np.ones((39, 39), bool), Stencil((2, 2)))
    >>> bool(abs(guess.mean.reshape(5, 5) - ramp[17:22, 17:22]).max() < 0.5)
    True
    """
    means, covariances, _ = predict_all(window[None], sound[None], stencil, np.float64)
    return Prediction(means[0], covariances[0])


def predict_all(
    windows: Floats, sounds: NDArray[np.bool_], stencil: Stencil, kind: DTypeLike
) -> Predictions:
    """Predict several holes, each in the middle of its window; none depends on the others.

    Arrays and numbers:
        windows, sounds: (places, side, side), see `predict`.
        stencil: the shape of the holes.
        kind: of numbers in which samples are multiplied.

    The regression is that of Cleveland and Devlin, Locally weighted regression, JASA 1988, with
    a ridge; likeness is the mean squared difference of the rings, each less its own mean.
    """
    kept, count = layout_of(stencil), len(windows)
    n, square = kept.hole.size, stencil.side**2
    told = Predictions(np.empty((count, n)), np.empty((count, n, n)), np.empty(count, np.int64))
    for start in range(0, count, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        levels = np.take(windows[part].reshape(-1, square), kept.order, axis=1)
        usable = np.take(sounds[part].reshape(-1, square), kept.order, axis=1)
        usable[:, kept.order < 0] = True  # no place has a sample that is none
        lesson = _lesson(levels, usable, kept, kind)
        for all_of, of_part in zip(told, _regress(lesson, kept), strict=True):
            all_of[part] = of_part
    return told


def _lesson(levels: Floats, usable: NDArray[np.bool_], kept: Layout, kind: DTypeLike) -> _Lesson:
    """Return what teaches some holes, from windows in the order of their layout."""
    (count, samples), span = levels.shape, kept.teaches.size
    known, around = np.take(usable, kept.ring, axis=1), np.take(levels, kept.ring, axis=1)
    level = (around * known).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    series = np.ones((count, samples + 2 * span), kind)
    np.subtract(levels, level[:, None], out=series[:, :samples], casting="same_kind")
    needed = np.ones((count, kept.starts.size), bool)
    needed[:, : kept.ring.size] = known
    admitted = np.empty((count, span), bool)
    admit(
        usable.view(np.uint8),
        kept.starts,
        needed,
        kept.teaches.view(np.uint8),
        admitted.view(np.uint8),
    )
    admitted &= known.any(axis=1, keepdims=True)
    return _Lesson(known, level, (around - level[:, None]) * known, series, admitted)


def _regress(lesson: _Lesson, kept: Layout) -> Predictions:
    """Regress the samples of holes on their rings, near what stands in these."""
    known, level, here, _, admitted = lesson
    taught, (count, ring), hole = admitted.sum(axis=1), known.shape, kept.hole.size
    moments = _moments(lesson, kept, _weights(lesson, kept, taught))
    sure = np.ones((count, ring + hole))
    sure[:, :ring] = known
    means, covariances = np.empty((count, hole)), np.empty((count, hole, hole))
    centre(moments, sure, ring, RIDGE)
    conclude(moments, here.copy(), RIDGE, TRUST, np.empty((hole, ring)), means, covariances)
    means += level[:, None]
    _be_plain(lesson, taught < FEWEST, means, covariances)
    return Predictions(means, covariances, taught)


def _weights(lesson: _Lesson, kept: Layout, taught: NDArray[np.int64]) -> NDArray[Any]:
    """Return how much each place teaches, (places, span): 1 in all, 0 where it may not.

    Puts their own means into the series, too.
    """
    known, _, here, series, admitted = lesson
    (count, span), kind = admitted.shape, series.dtype
    means, unlike = np.empty((2, count, span), kind)
    shares = 1 / np.maximum(known.sum(axis=1), 1)
    compare(
        series, kept.starts[: kept.ring.size], known, np.ascontiguousarray(here, kind),
        shares.astype(kind), means, unlike,
    )  # fmt: skip
    series[:, -2 * span : -span] = means
    unlike[~admitted] = np.inf
    place = min(ALIKE, span) - 1
    scale = np.partition(unlike, place, axis=1)[:, place]
    few = taught < ALIKE  # the least alike of them all
    scale[few] = np.where(admitted[few], unlike[few], 0.0).max(axis=1)
    scale += known.sum(axis=1).astype(kind)
    weights = np.exp(-0.5 * unlike / np.maximum(scale, 1)[:, None])
    total = np.maximum(weights.sum(axis=1, dtype=np.float64), 1e-30)
    return np.asarray(weights / total[:, None], kind)


def _moments(lesson: _Lesson, kept: Layout, weights: NDArray[Any]) -> Floats:
    """Return the weighted products of ring, hole, own means and ones, (places, rows, rows)."""
    moments = np.zeros((len(weights), kept.rows.size, kept.rows.size))
    two = np.empty((2, PIECE), weights.dtype)
    multiply(lesson.series, kept.rows, weights, kept.begins, kept.counts, two, moments)
    return moments


def _be_plain(
    lesson: _Lesson, plain: NDArray[np.bool_], means: Floats, covariances: Floats
) -> None:
    """Let some holes have the mean of their ring, as sure as the ring is even."""
    if not plain.any():
        return
    count = lesson.known.sum(axis=1)
    spread = np.square(lesson.here).sum(axis=1) / np.maximum(count, 1) + 1.0
    level = np.where(count > 0, lesson.level, NOTHING)
    variance = np.where(count > 0, spread, NOTHING**2)
    means[plain] = level[plain, None]
    covariances[plain] = variance[plain, None, None] * np.eye(means.shape[1])

"""What a bad column or row adds to a plane: estimated from the whole line at once.

One pixel says little about what its line adds, hundreds of them say it well. The line always runs
down here. Works on arrays only, and never changes one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .prediction import Floats

Flags: TypeAlias = NDArray[np.bool_]

PAD = 3  # rows before and after a line that predict it, too
MARGIN = 40  # samples on both sides of a line from which is learned
RIDGE = 0.02  # of the mean square of a ring: so that its noise is not learned
LEAST_ROUGH = 1e-3  # levels squared: what is even all over has no noise to measure
BINS = 8  # of roughness, in each of which the error of a prediction is measured
KNOTS = 9  # levels at which what a line adds is told
BENDING, STEEPNESS = 0.15, 0.6  # from knot to knot, of what a line adds: how much is usual
ROUNDS = 4  # of a fit that doubts what lies far off
DOUBTED = 2.5  # deviations from which on
OTHERS = 6  # sound columns at least, with which a line is compared
BESIDE_SURE = 2.0  # times what others have by chance, to be a line's
NOISY = 1.7  # times the squares of others, from which on a line's rest is not the scene's alone
MOST_COLUMNS = 26  # from which is learned
QUARTERS = 4  # parts of a line, most of which must show it
MEDIAN = 0.6745  # of the absolute values of a standard normal


class Shape(NamedTuple):
    """What is looked at across a line, in samples."""

    reach: int  # that a line spoils on each side of its middle
    ring: int  # sound samples beyond that predict
    rows: int  # before and after a row that predict it, too
    period: int = 1  # of a colour filter array


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A line and what lies about it."""

    levels: Floats  # (rows + 2 PAD, 2 MARGIN + 1)
    sound: Flags  # (2 MARGIN + 1,): in the plane, and no other bad line

    @property
    def rows(self) -> int:
        """Return how long the line is."""
        return len(self.levels) - 2 * PAD


def can_be_told(sound: Flags, shape: Shape) -> bool:
    """Return whether enough that is sound lies about a line, (2 MARGIN + 1,), to learn from."""
    return len(_columns(sound, shape)[0]) > OTHERS


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What a line adds to the samples in its reach, and how sure that is."""

    added: Floats  # (rows, 2 reach + 1) levels
    scenes: Floats  # (rows, 2 reach + 1) levels that the surroundings predict
    kept: Floats  # (rows, 2 reach + 1) share of what else departs from them that is the scene's
    mean: float  # levels that it adds to its middle
    sure: float  # mean by the deviation of other columns' means
    steady: float  # median of what its quarters add, by their mean
    excess: float  # mean square of the departures by the most that another column has


def profile_of(strip: Strip, shape: Shape) -> Profile | None:
    """Return what a line adds; None if too little that is sound lies about it."""
    lessons = _Lessons.of(strip, shape)
    if lessons is None:
        return None
    seen = lessons.departures()
    means, errors, squares = _means_of(seen)
    usual = max(float(np.sqrt(np.mean(means[1:] ** 2))), float(errors[1:].mean()))
    excess = float(squares[0]) / max(float(squares[1:].max()), 1e-12)
    added, weight = _fit(seen)
    mean = float(weight @ added / weight.sum())
    told, kept = _spread(seen, added, weight)
    sure = abs(mean) / max(usual, 1e-12)
    return Profile(told, seen.scenes, kept, mean, sure, _steadiness(seen, weight), excess)


@dataclass(frozen=True, slots=True, eq=False)
class _Departures:
    """By how much the samples about some columns, the line first, depart from the prediction."""

    off: Floats  # (columns, rows, 2 reach + 1)
    scenes: Floats  # (rows, 2 reach + 1): predicted about the line
    variance: Floats  # (columns, rows) of a middle's error, as rough as its surroundings are

    @property
    def middles(self) -> Floats:
        """Return those of the middles, (columns, rows)."""
        return self.off[..., self.off.shape[2] // 2]


@dataclass(frozen=True, slots=True, eq=False)
class _Lessons:
    """A line and columns like it, each with its ring."""

    rings: Floats  # (columns, rows, samples), less their means; first the line's
    holes: Floats  # (columns, rows, 2 reach + 1), less the rings' means
    means: Floats  # (columns, rows)
    rough: Floats  # (columns, rows)
    phase: NDArray[np.intp]  # (rows,)

    @classmethod
    def of(cls, strip: Strip, shape: Shape) -> _Lessons | None:
        """Cut them from a strip."""
        at, steps = _columns(strip.sound, shape)
        if len(at) <= OTHERS:
            return None
        hole = np.arange(-shape.reach, shape.reach + 1)
        down = PAD + np.arange(strip.rows)
        rows = down[:, None] + np.arange(-shape.rows, shape.rows + 1)
        square = strip.levels[rows[None, :, :, None], (at[:, None] + steps)[:, None, None]]
        rings = square.reshape(len(at), strip.rows, -1)
        means = rings.mean(axis=2)
        holes = strip.levels[down[None, :, None], (at[:, None] + hole)[:, None]]
        sides = square.mean(axis=2)
        rough = np.square(sides - sides[..., ::-1]).mean(axis=2)
        rough += square.var(axis=2).mean(axis=2)
        return cls(
            rings - means[..., None], holes - means[..., None], means, rough,
            np.arange(strip.rows) % shape.period,
        )  # fmt: skip

    def departures(self) -> _Departures:
        """Return those of the line, then those of the columns like it."""
        predicted = np.empty_like(self.holes)
        for phase in range(int(self.phase.max()) + 1):
            rows = self.phase == phase
            predicted[:, rows] = self._predicted(rows)
        off = self.holes - predicted
        variance = self._variance(off[..., off.shape[2] // 2])
        return _Departures(off, predicted[0] + self.means[0, :, None], variance)

    def _predicted(self, rows: Flags) -> Floats:
        """Return what rings say of their holes: a regression on those of the columns alike."""
        some, holes = self.rings[1:, rows], self.holes[1:, rows]
        size = some.shape[-1]
        weight = 1 / (float(np.median(self.rough)) + LEAST_ROUGH + self.rough[1:, rows]).ravel()
        ring, hole = some.reshape(-1, size), holes.reshape(-1, holes.shape[-1])
        ring = np.concatenate([ring, np.ones((len(ring), 1))], axis=1)
        weighed = ring * weight[:, None]
        products = weighed.T @ ring
        ridge = RIDGE * np.trace(products[:size, :size]) / size + LEAST_ROUGH
        products[np.arange(size), np.arange(size)] += ridge
        told = np.linalg.solve(products, weighed.T @ hole)
        return np.asarray(self.rings[:, rows] @ told[:size] + told[size])

    def _variance(self, off: Floats) -> Floats:
        """Return how much middles depart by that are as rough, (columns, rows)."""
        rough, squares = self.rough[1:].ravel(), np.square(off[1:]).ravel()
        order = np.argsort(rough, kind="stable")
        bins = np.array_split(order, BINS)
        at = np.array([rough[each].mean() for each in bins])
        typical = np.array([np.median(squares[each]) / MEDIAN**2 for each in bins])
        least = max(float(typical.mean()) * 1e-3, 1e-6)
        return np.maximum(np.interp(self.rough, at, np.maximum.accumulate(typical)), least)


def _columns(sound: Flags, shape: Shape) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the columns to look at, first the line's, and the steps from one to its ring's."""
    steps = np.array(_ring(sound, shape, -1) + _ring(sound, shape, 1), np.intp)
    hole = np.arange(-shape.reach, shape.reach + 1)
    if not steps.size:
        return np.array([MARGIN]), steps
    return np.array([MARGIN, *_centres(sound, np.concatenate([steps, hole]), shape)]), steps


def _ring(sound: Flags, shape: Shape, side: int) -> list[int]:
    """Return the steps to a ring's columns on one side; none if there is no room for them."""
    for first in range(shape.reach + 1, shape.reach + 1 + 2 * MARGIN // 8):
        steps = [side * (first + step) for step in range(shape.ring)]
        if all(sound[MARGIN + step] for step in steps):
            return steps
    return []


def _centres(sound: Flags, steps: NDArray[np.intp], shape: Shape) -> list[int]:
    """Return the columns that are like the line, with sound ones all about them."""
    span = int(np.abs(steps).max())
    apart = shape.period
    first = -(-(2 * shape.reach + 1) // apart) * apart
    far = (MARGIN - span) // apart * apart
    away = range(first, far + 1, apart)
    away = away[:: -(-2 * len(away) // MOST_COLUMNS) or 1]
    return [
        MARGIN + step
        for step in (*(-each for each in reversed(away)), *away)
        if sound[MARGIN + step + steps].all()
    ]


def _doubted(error: Floats) -> tuple[Floats, Floats]:
    """Return how much each error of some columns counts, (columns, rows), and their deviation."""
    away = np.abs(error)
    spread = np.maximum(np.median(away, axis=1, keepdims=True) / MEDIAN, 1e-6)
    return np.minimum(1, DOUBTED * spread / np.maximum(away, 1e-12)), spread


def _means_of(seen: _Departures) -> tuple[Floats, Floats, Floats]:
    """Return by how much middles depart on the whole, its standard error, and their squares.

    (columns,) each, the squares in those that are usual where it is as rough.
    """
    off, sure = seen.middles, 1 / seen.variance
    error, weight, spread = off * np.sqrt(sure), sure, np.ones((len(off), 1))
    means = np.zeros((len(off), 1))
    for _ in range(ROUNDS):
        means = ((weight * off).sum(axis=1) / weight.sum(axis=1))[:, None]
        doubt, spread = _doubted((off - means) * np.sqrt(sure))
        weight = doubt * sure
    squares = np.square(np.median(np.abs(error), axis=1) / MEDIAN)
    return means[:, 0], spread[:, 0] / np.sqrt(weight.sum(axis=1)), squares


def _fit(seen: _Departures) -> tuple[Floats, Floats]:
    """Return what a line adds to its middles, as their level tells, and what each row weighs."""
    off, sure, level = seen.middles[0], 1 / seen.variance[0], seen.scenes[:, seen.off.shape[2] // 2]
    hats, rough = _hats(level)
    added, weight = np.full(off.shape, sure @ off / sure.sum()), sure
    for _ in range(ROUNDS):
        doubt, spread = _doubted(((off - added) * np.sqrt(sure))[None])
        weight = doubt[0] * sure
        scale = float(np.sqrt(weight @ np.square(added) / weight.sum())) + 1e-3
        added = hats @ _solved(hats, rough / scale**2, off, weight / spread.item() ** 2)
    return added, weight


def _steadiness(seen: _Departures, weight: Floats) -> float:
    """Return the median of what a line's quarters add, by their mean: an edge lies along few."""
    off = seen.middles[0]
    parts = zip(np.array_split(off, QUARTERS), np.array_split(weight, QUARTERS), strict=True)
    quarters = [float(weighed @ some / weighed.sum()) for some, weighed in parts]
    mean = float(np.mean(quarters))
    return float(np.median(quarters)) / mean if mean else 0.0


def _hats(level: Floats) -> tuple[Floats, Floats]:
    """Return how much each knot says at some levels, (rows, KNOTS), and what bends and steps are.

    >>> knots, _ = _hats(np.array([0.0, 8.0, 4.0]))
    >>> knots[:, [0, 4, 8]].tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    low, high = float(level.min()), float(level.max())
    at = (level - low) / max(high - low, 1e-9) * (KNOTS - 1)
    hats = np.maximum(1 - np.abs(at[:, None] - np.arange(KNOTS)), 0.0)
    steps = np.diff(np.eye(KNOTS), axis=0)
    bends = np.diff(steps, axis=0)
    rough = bends.T @ bends / BENDING**2 + steps.T @ steps / STEEPNESS**2
    return hats, np.asarray(rough)


def _solved(hats: Floats, rough: Floats, off: Floats, weight: Floats) -> Floats:
    weighed = hats * weight[:, None]
    return np.asarray(np.linalg.solve(weighed.T @ hats + rough, weighed.T @ off))


def _spread(seen: _Departures, added: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return what a line adds to all samples in its reach, and what is the scene's of the rest.

    Samples beside the middle get a share of what it gets, if that is more than others have by
    chance.
    """
    reach = seen.off.shape[2] // 2
    weighed = weight * added
    base = max(float(weighed @ added), 1e-12)
    shares = np.einsum("r,crh->ch", weighed, seen.off) / base
    chance, shares = np.sqrt(np.mean(np.square(shares[1:]), axis=0)), shares[0]
    doubt = np.minimum(np.square(BESIDE_SURE * chance / np.maximum(np.abs(shares), 1e-12)), 1.0)
    shares[reach], doubt[reach] = 1.0, 0.0
    told = added[:, None] * (shares * (1 - doubt))
    rest = np.median(np.abs(seen.off[0] - told), axis=0)
    usual = np.median(np.abs(seen.off[1:]), axis=1).max(axis=0)
    ratio = np.square(rest / np.maximum(usual, 1e-9))
    kept = np.where(ratio > NOISY, 1 / np.maximum(ratio, 1e-9), 1.0)
    return told, np.broadcast_to(kept, told.shape)

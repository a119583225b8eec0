"""Locally weighted regression around one hole, compiled; `prediction` says what it is.

A window is kept so that the samples of all places that teach follow each other: the n-th sample of
every place is one slice of it, and nothing is gathered. One place after the other, each from its
own samples alone: what else is looked at makes no difference to the bits. Never allocates: the
caller lends the space.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiling import compiled, compiled_inside

NOTHING = 128.0  # the level where nothing sound is near
WIDE = 4  # products that are made at once
PIECE = 448  # products that are added up before the sum is kept in full


class Space(NamedTuple):
    """Room to work in; what it holds before does not matter."""

    series: NDArray[np.floating[Any]]  # the window, each place's own mean, and ones; each (span,)
    of_place: NDArray[np.floating[Any]]  # (2, span): unlikeness, weights
    two: NDArray[np.floating[Any]]  # (2, span) weighted samples
    admitted: NDArray[np.uint8]  # (span,)
    moments: NDArray[np.float64]  # (ring + hole + 2, the same), a little more
    slopes: NDArray[np.float64]  # (hole, ring)
    of_sample: NDArray[np.float64]  # (3, ring + hole): levels, weighted means, inverse pivots
    firsts: NDArray[np.int64]  # (ring + hole + 2,), a little more: where a sample's slice begins


def space_for(hole: int, ring: int, samples: int, span: int, kind: type[np.floating[Any]]) -> Space:
    """Return room for a hole and a ring, in a window of so many samples, kept as some kind."""
    rows = -(-(hole + ring + 2) // WIDE) * WIDE + WIDE
    series = np.zeros(samples + 2 * span, kind)
    series[samples + span :] = 1.0
    return Space(
        series, np.zeros((2, span), kind), np.zeros((2, span), kind), np.zeros(span, np.uint8),
        np.zeros((rows, rows)), np.zeros((hole, ring)), np.zeros((3, hole + ring)),
        np.zeros(rows, np.int64),
    )  # fmt: skip


@compiled
def nth_smallest(values: Any, count: int, n: int) -> float:
    """Return the n-th smallest of the first `count` values, from 0; reorders them (Hoare)."""
    low, high = 0, count - 1
    while low < high:
        pivot, i, j = values[(low + high) // 2], low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if n <= j:
            high = j
        elif n >= i:
            low = i
        else:
            break
    return float(values[n])


@compiled_inside
def _believe(sound: Any, hole: Any, ring: Any, first: int, firsts: Any) -> int:
    """List where the slices of the ring's sound samples and of the hole's begin; count the former.

    `first` is the move to the first place.
    """
    known = 0
    for k in range(ring.size):
        if sound[ring[k]]:
            firsts[known] = ring[k] + first
            known += 1
    for k in range(hole.size):
        firsts[known + k] = hole[k] + first
    return known


@compiled_inside
def _admit(sound: Any, teaches: Any, samples: int, firsts: Any, admitted: Any) -> int:
    """Fill in which places may teach and have sound samples alone; count them."""
    span, count = teaches.size, 0
    for k in range(span):
        admitted[k] = teaches[k]
    for j in range(samples):
        row = sound[firsts[j] :][:span]
        for k in range(span):
            admitted[k] &= row[k]
    for k in range(span):
        count += admitted[k]
    return count


@compiled_inside
def _compare(series: Any, firsts: Any, known: int, here: Any, means: Any, unlike: Any) -> None:
    """Fill in each place's own mean, and how unlike it is to the levels `here`, of mean 0."""
    kind = series.dtype.type
    for k in range(means.size):
        means[k] = unlike[k] = kind(0)
    for j in range(known):
        row = series[firsts[j] : firsts[j] + means.size]
        for k in range(means.size):
            means[k] += row[k]
    share = kind(1 / known)
    for k in range(means.size):
        means[k] *= share
    for j in range(known):
        row, own = series[firsts[j] : firsts[j] + means.size], kind(here[j])
        for k in range(means.size):
            off = row[k] - means[k] - own
            unlike[k] += off * off


@compiled_inside
def _weigh(unlike: Any, known: int, alike: int, admitted: Any, weights: Any) -> None:
    """Fill in the weight of each admitted place; they add up to 1."""
    kept, total = 0, 0.0
    for k in range(unlike.size):
        weights[kept] = unlike[k]
        kept += admitted[k]
    scale = nth_smallest(weights, kept, min(alike, kept) - 1) + known
    for k in range(unlike.size):
        weights[k] = np.exp(-0.5 * unlike[k] / scale) if admitted[k] else 0.0
        total += weights[k]
    for k in range(unlike.size):
        weights[k] /= total


@compiled_inside
def _multiply(series: Any, firsts: Any, rows: int, weights: Any, two: Any, moments: Any) -> None:
    """Add the weighted products of all samples to the lower half, two by four at once."""
    none, span = series.dtype.type(0), weights.size
    one, other = two[0][:span], two[1][:span]
    for i in range(0, rows, 2):
        left, right = series[firsts[i] :][:span], series[firsts[i + 1] :][:span]
        for k in range(span):
            one[k] = weights[k] * left[k]
            other[k] = weights[k] * right[k]
        for j in range(0, i + 2, 4):
            p, q = series[firsts[j] :][:span], series[firsts[j + 1] :][:span]
            r, s = series[firsts[j + 2] :][:span], series[firsts[j + 3] :][:span]
            a = b = c = d = e = f = g = h = none
            for k in range(span):
                a += one[k] * p[k]
                b += one[k] * q[k]
                c += one[k] * r[k]
                d += one[k] * s[k]
                e += other[k] * p[k]
                f += other[k] * q[k]
                g += other[k] * r[k]
                h += other[k] * s[k]
            moments[i, j] += a
            moments[i, j + 1] += b
            moments[i, j + 2] += c
            moments[i, j + 3] += d
            moments[i + 1, j] += e
            moments[i + 1, j + 1] += f
            moments[i + 1, j + 2] += g
            moments[i + 1, j + 3] += h


@compiled_inside
def _multiply_in_pieces(
    series: Any, firsts: Any, rows: int, weights: Any, two: Any, moments: Any
) -> None:
    """Fill in the products; sums of short numbers are kept in long ones piece by piece."""
    for i in range(moments.shape[0]):
        for j in range(moments.shape[1]):
            moments[i, j] = 0.0
    for start in range(0, weights.size, PIECE):
        _multiply(series[start:], firsts, rows, weights[start : start + PIECE], two, moments)


@compiled_inside
def _centre(moments: Any, samples: int, middles: Any) -> None:
    """Take each place's own mean, and then the weighted mean of all, from the products."""
    mean, one = samples, samples + 1  # the rows of each place's own mean, and of ones
    for i in range(samples):
        middles[i] = moments[one, i] - moments[one, mean]
    for i in range(samples):
        for j in range(i + 1):
            moments[i, j] += moments[mean, mean] - moments[mean, i] - moments[mean, j]
            moments[i, j] -= middles[i] * middles[j]


@compiled_inside
def _eliminate(moments: Any, rows: int, known: int, pivots: Any) -> None:
    """Factorise the first columns (Cholesky), and solve with the factor for all rows below."""
    for i in range(rows):
        for j in range(min(i + 1, known)):
            left = moments[i, j]
            for k in range(j):
                left -= moments[i, k] * moments[j, k]
            if i == j:
                pivots[j] = 1.0 / np.sqrt(left)
            moments[i, j] = left * pivots[j]


@compiled_inside
def _slope(moments: Any, known: int, row: int, pivots: Any, slopes: Any) -> None:
    """Solve for the slopes of one sample of the hole on the ring, from what is eliminated."""
    for k in range(known):
        slopes[k] = moments[row, k]
    for j in range(known - 1, -1, -1):
        slopes[j] *= pivots[j]
        for k in range(j):
            slopes[k] -= moments[j, k] * slopes[j]


@compiled_inside
def _conclude(
    moments: Any, known: int, of_sample: Any, slopes: Any, ridge: float, trust: float,
    mean: Any, covariance: Any,
) -> None:  # fmt: skip
    """Fill in mean and covariance of the hole from the centred products of all samples."""
    here, middles, pivots = of_sample[0], of_sample[1], of_sample[2]
    both = known + mean.size
    for j in range(known):
        moments[j, j] += ridge
        moments[both, j] = here[j] - middles[j]
    _eliminate(moments, both + 1, known, pivots)
    for i in range(mean.size):
        row = moments[known + i]
        _slope(moments, known, known + i, pivots, slopes[i])
        mean[i] = middles[known + i]
        for k in range(known):
            mean[i] += row[k] * moments[both, k]
        for j in range(i + 1):
            left = row[known + j]
            for k in range(known):
                left -= row[k] * moments[known + j, k] + ridge * slopes[i, k] * slopes[j, k]
            covariance[i, j] = covariance[j, i] = trust * left


@compiled_inside
def _be_plain(here: Any, known: int, mean: Any, covariance: Any) -> None:
    """Fill in the ring's mean, which is 0 here, as sure as the ring is even."""
    spread = 0.0
    for k in range(known):
        spread += here[k] * here[k]
    for k in range(mean.size):
        mean[k] = 0.0
        for j in range(mean.size):
            covariance[k, j] = 0.0
        covariance[k, k] = spread / known + 1.0 if known else NOTHING**2


@compiled_inside
def _regress(
    window: Any, sound: Any, hole: Any, ring: Any, teaches: Any, first: int, constants: Any,
    space: Any, mean: Any, covariance: Any,
) -> int:  # fmt: skip
    """Predict the samples of one hole; return how many places teach it."""
    alike, fewest, ridge, trust = constants
    series, firsts, weights = space.series, space.firsts, space.of_place[1]
    admitted, samples, span = space.admitted, window.size, teaches.size
    here = space.of_sample[0]
    known = _believe(sound, hole, ring, first, firsts)
    level = 0.0 if known else NOTHING
    for j in range(known):
        level += window[firsts[j] - first] / known
    for j in range(known):
        here[j] = window[firsts[j] - first] - level
    count = _admit(sound, teaches, known + hole.size, firsts, admitted) if known else 0
    if count < fewest:
        _be_plain(here, known, mean, covariance)
    else:
        for k in range(samples):
            series[k] = window[k] - level
        means = series[samples : samples + span]
        _compare(series, firsts, known, here, means, space.of_place[0])
        _weigh(space.of_place[0], known, alike, admitted, weights)
        both = known + hole.size
        firsts[both] = samples
        for j in range(both + 1, firsts.size):
            firsts[j] = samples + span
        _multiply_in_pieces(series, firsts, both + 2, weights, space.two, space.moments)
        _centre(space.moments, both, space.of_sample[1])
        _conclude(
            space.moments, known, space.of_sample, space.slopes, ridge, trust, mean, covariance
        )
    for k in range(hole.size):
        mean[k] += level
    return count


@compiled
def regress(
    windows: Any, sounds: Any, hole: Any, ring: Any, teaches: Any, first: int, constants: Any,
    space: Any, means: Any, covariances: Any, taught: Any,
) -> None:  # fmt: skip
    """Predict the samples of some holes.

    Arrays and numbers:
        windows, sounds: (places, samples) in the order of prediction.Layout.
        hole, ring: where their samples lie.
        teaches: (span,) whether a place may teach, from the one that `first` leads to.
        constants: ALIKE, FEWEST, RIDGE, TRUST of prediction.
        space: room to work in.
        means, covariances: (places, hole), (places, hole, hole), filled in.
        taught: (places,) how many places teach each, filled in.
    """
    for n in range(taught.size):
        taught[n] = _regress(
            windows[n], sounds[n], hole, ring, teaches, first, constants, space, means[n],
            covariances[n],
        )  # fmt: skip

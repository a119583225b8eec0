"""The inner loops of a repair, compiled; `prediction`, `separation` and `storing` say what for.

All else of a repair is numpy: each kernel here takes some tenths of a second to compile when it
first runs. Loops run over slices that begin at 0: an index that may be negative keeps a compiler
from working on several numbers at once. Never allocates.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiling import compiled


@compiled
def admit(usable: Any, starts: Any, needed: Any, teaches: Any, admitted: Any) -> None:
    """Fill in which places may teach and have only usable samples where these are needed.

    Arrays:
        usable: (holes, samples), see `compare`.
        starts, needed: (rows,), (holes, rows): of the ring and the hole.
        teaches, admitted: (places,), (holes, places) of 0 and 1.
    """
    span = teaches.size
    for n in range(admitted.shape[0]):
        row = admitted[n]
        for k in range(span):
            row[k] = teaches[k]
        for j in range(starts.size):
            if needed[n, j]:
                there = usable[n][starts[j] :][:span]
                for k in range(span):
                    row[k] &= there[k]


@compiled
def compare(
    series: Any, starts: Any, known: Any, here: Any, shares: Any, means: Any, unlike: Any
) -> None:
    """Fill in each place's own mean, and how unlike it is to the levels `here`, of mean 0.

    Arrays:
        series: (holes, samples), in which the samples of all places follow each other.
        starts: (ring,) where those of the first sample of each place begin, and so on.
        known, here: (holes, ring): which samples of the ring are sound, and their levels.
        shares: (holes,) one over the number of known ones.
        means, unlike: (holes, places), filled in.
    """
    span = means.shape[1]
    for n in range(known.shape[0]):
        mean, far = means[n], unlike[n]
        for k in range(span):
            mean[k] = far[k] = 0
        for j in range(starts.size):
            if known[n, j]:
                row = series[n][starts[j] :][:span]
                for k in range(span):
                    mean[k] += row[k]
        for k in range(span):
            mean[k] *= shares[n]
        for j in range(starts.size):
            if known[n, j]:
                row, own = series[n][starts[j] :][:span], here[n, j]
                for k in range(span):
                    off = row[k] - mean[k] - own
                    far[k] += off * off


@compiled
def multiply(
    series: Any, starts: Any, weights: Any, begins: Any, counts: Any, two: Any, moments: Any
) -> None:
    """Add the weighted products of all samples to the lower half, two rows by four at once.

    Arrays:
        series: (holes, samples), see `compare`.
        starts: (rows,) where each sample's numbers begin; their count is a multiple of four.
        weights: (holes, places).
        begins, counts: pieces of the places; sums of short numbers are kept in full piece by piece.
        two: (2, places) room to work in.
        moments: (holes, rows, rows), added to.
    """
    none = series.dtype.type(0)
    for n in range(moments.shape[0]):
        for piece in range(begins.size):
            begin, count = begins[piece], counts[piece]
            row, weight = series[n][begin:], weights[n][begin:][:count]
            one, other = two[0][:count], two[1][:count]
            for i in range(0, starts.size, 2):
                p, q = row[starts[i] :][:count], row[starts[i + 1] :][:count]
                for k in range(count):
                    one[k] = weight[k] * p[k]
                    other[k] = weight[k] * q[k]
                for j in range(0, i + 2, 4):
                    p, q = row[starts[j] :][:count], row[starts[j + 1] :][:count]
                    r, s = row[starts[j + 2] :][:count], row[starts[j + 3] :][:count]
                    a = b = c = d = e = f = g = h = none
                    for k in range(count):
                        a += one[k] * p[k]
                        b += one[k] * q[k]
                        c += one[k] * r[k]
                        d += one[k] * s[k]
                        e += other[k] * p[k]
                        f += other[k] * q[k]
                        g += other[k] * r[k]
                        h += other[k] * s[k]
                    moments[n, i, j] += a
                    moments[n, i, j + 1] += b
                    moments[n, i, j + 2] += c
                    moments[n, i, j + 3] += d
                    moments[n, i + 1, j] += e
                    moments[n, i + 1, j + 1] += f
                    moments[n, i + 1, j + 2] += g
                    moments[n, i + 1, j + 3] += h


@compiled
def centre(moments: Any, needed: Any, ring: int, ridge: float) -> None:
    """Turn products into covariances about the means, and factorise those of the ring (Cholesky).

    Arrays and numbers:
        moments: (holes, rows, rows) from `multiply`, changed. After the rows of ring and hole
            come those of the places' own means, and of ones; the means of all take the place of
            the latter. What is left of the hole's covariance stands below the factor's rows.
        needed: (holes, ring + hole) 0 where a sample of the ring is not sound, else 1.
        ring: number of its samples.
        ridge: of prediction.
    """
    both = needed.shape[1]
    for n in range(needed.shape[0]):
        moment, sure = moments[n], needed[n]
        for i in range(both):
            moment[both + 1, i] = sure[i] * (moment[both + 1, i] - moment[both + 1, both])
            for j in range(i + 1):
                left = moment[i, j] + moment[both, both] - moment[both, i] - moment[both, j]
                left = sure[i] * sure[j] * left - moment[both + 1, i] * moment[both + 1, j]
                if j >= ring:
                    for k in range(ring):
                        left -= moment[i, k] * moment[j, k]
                else:
                    for k in range(j):
                        left -= moment[i, k] * moment[j, k]
                    left = np.sqrt(left + ridge) if i == j else left / moment[j, j]
                moment[i, j] = left


@compiled
def conclude(
    moments: Any, here: Any, ridge: float, trust: float, slopes: Any, means: Any, covariances: Any
) -> None:
    """Fill in means and covariances of holes.

    Arrays and numbers:
        moments: (holes, rows, rows) from `centre`.
        here: (holes, ring) levels in the ring, changed.
        ridge, trust: of prediction.
        slopes: (hole, ring) room to work in.
        means, covariances: (holes, hole), (holes, hole, hole), filled in.
    """
    (hole, ring) = slopes.shape
    for n in range(here.shape[0]):
        moment, away = moments[n], here[n]
        for j in range(ring):
            away[j] -= moment[ring + hole + 1, j]
            for k in range(j):
                away[j] -= moment[j, k] * away[k]
            away[j] /= moment[j, j]
        for i in range(hole):
            means[n, i] = moment[ring + hole + 1, ring + i]
            for k in range(ring):
                means[n, i] += moment[ring + i, k] * away[k]
                slopes[i, k] = moment[ring + i, k]
            for j in range(ring - 1, -1, -1):
                slopes[i, j] /= moment[j, j]
                for k in range(j):
                    slopes[i, k] -= moment[j, k] * slopes[i, j]
            for j in range(i + 1):
                left = moment[ring + i, ring + j]
                for k in range(ring):
                    left -= ridge * slopes[i, k] * slopes[j, k]
                covariances[n, i, j] = covariances[n, j, i] = trust * left


@compiled
def eliminate(covariances: Any, variances: Any, sides: Any, matrix: Any, solved: Any) -> None:
    """Factorise each lane's covariance (Cholesky), and solve with the factor for the sides.

    Arrays:
        covariances: (places, n, n), the same in all lanes.
        variances: (places, n, lanes), added to the diagonal; one over the pivots afterwards.
        sides: (places, 2, n) the right-hand sides.
        matrix: (n + 2, n, lanes) room to work in.
        solved: (places, 2, n, lanes), filled in.
    """
    n, lanes = matrix.shape[1], matrix.shape[2]
    for place in range(covariances.shape[0]):
        for i in range(n + 2):
            for j in range(i + 1 if i < n else n):
                level = covariances[place, i, j] if i < n else sides[place, i - n, j]
                for lane in range(lanes):
                    matrix[i, j, lane] = level
                    if i == j:
                        matrix[i, j, lane] += variances[place, j, lane]
                for k in range(0, j - 3, 4):
                    for lane in range(lanes):
                        matrix[i, j, lane] -= (
                            matrix[i, k, lane] * matrix[j, k, lane]
                            + matrix[i, k + 1, lane] * matrix[j, k + 1, lane]
                            + matrix[i, k + 2, lane] * matrix[j, k + 2, lane]
                            + matrix[i, k + 3, lane] * matrix[j, k + 3, lane]
                        )
                for k in range(j // 4 * 4, j):
                    for lane in range(lanes):
                        matrix[i, j, lane] -= matrix[i, k, lane] * matrix[j, k, lane]
                for lane in range(lanes):
                    if i == j:
                        variances[place, j, lane] = matrix[i, j, lane] ** -0.5
                    matrix[i, j, lane] *= variances[place, j, lane]
                    if i >= n:
                        solved[place, i - n, j, lane] = matrix[i, j, lane]


@compiled
def descend(
    chosen: Any, waves: Any, steps: Any, weights: Any, prices: Any, curvatures: Any, off: Any,
    room: Any, most: int, least_gain: float,
) -> None:  # fmt: skip
    """Move whole numbers until none moved by one lessens the error of their block.

    Arrays and numbers:
        chosen: (blocks, n) whole numbers, changed.
        waves: (n, n) of each sample, by each number.
        steps: (blocks, n) what each number counts.
        weights: (blocks, n) of samples.
        prices, curvatures: (blocks, n) of a step.
        off: (blocks, n) by which samples are off so far, changed.
        room: (2, n) to work in.
        most: steps in a block.
        least_gain: share of its curvature that a step must be worth.
    """
    slope, pull = room[0], room[1]
    for n in range(chosen.shape[0]):
        for _ in range(most):
            best, direction, least = 0, 1.0, 0.0
            for s in range(slope.size):
                pull[s] = weights[n, s] * off[n, s]
            for k in range(slope.size):
                slope[k] = 0.0
                for s in range(slope.size):
                    slope[k] += waves[k, s] * pull[s]
                slope[k] *= steps[n, k]
            for sign in (1.0, -1.0):
                for k in range(slope.size):
                    dearer = abs(chosen[n, k] + sign) - abs(chosen[n, k])
                    change = 2.0 * sign * slope[k] + curvatures[n, k] + prices[n, k] * dearer
                    if change < least:
                        best, direction, least = k, sign, change
            if least >= -least_gain * curvatures[n, best]:
                break
            chosen[n, best] += direction
            for s in range(slope.size):
                off[n, s] += direction * steps[n, best] * waves[best, s]


@compiled
def gather(samples: Any, slots: Any, corners: Any, size: Any, windows: Any) -> bool:
    """Cut squares out of blocks of 8 x 8 samples, the edge of their plane repeated outside.

    Returns whether all of their samples are there.

    Arrays:
        samples: (some, 64).
        slots: (rows, columns) of a plane's blocks, where in `samples` each is, 0 where it is not.
        corners: (squares, 2) row and column of their first samples, which may lie outside.
        size: rows and columns of samples in the plane.
        windows: (squares, side, side), filled in.
    """
    complete = True
    for n in range(corners.shape[0]):
        for i in range(windows.shape[1]):
            y = min(max(corners[n, 0] + i, 0), size[0] - 1)
            for j in range(windows.shape[2]):
                x = min(max(corners[n, 1] + j, 0), size[1] - 1)
                slot = slots[y >> 3, x >> 3]
                complete &= slot != 0
                windows[n, i, j] = samples[slot, (y & 7) << 3 | x & 7]
    return complete

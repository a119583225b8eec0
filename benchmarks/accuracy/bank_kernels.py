"""The score bank's inner loops, in floating point: what one photo says of every pixel.

Written apart from the kernels of stillpix, with which they share no code: the one is to test the
other. Never looks at more than one photo. Offsets are four steps (rows, columns) to one pixel of
each pair of opposite neighbours; x and y are numpy's columns and rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

NEARLY_WHITE = np.float32(0.95 * 255)
SHOWS = np.float32(2.5)  # sigmas from which a photo is said to show a defect
SLOPE_STEPS = 16  # a grey level


def compiled(function: Any) -> Any:
    """Compile outside the interpreter's lock, cached on disk."""
    return njit(nogil=True, cache=True, fastmath=True, error_model="numpy")(function)


@compiled
def cross_filter(grey: Any, out: Any) -> None:
    """Filter with [0 1 0; 1 4 1; 0 1 0] / 8; what has not all its neighbours stays as it is.

    Copied pixel by pixel: a copy of whole arrays takes seconds to compile.
    """
    for y in range(grey.shape[0]):
        for x in range(grey.shape[1]):
            out[y, x] = grey[y, x]
    for y in range(1, grey.shape[0] - 1):
        row, up, down = grey[y], grey[y - 1, 1:-1], grey[y + 1, 1:-1]
        left, here, right, inner = row[:-2], row[1:-1], row[2:], out[y, 1:-1]
        for x in range(inner.size):
            around = left[x] + right[x] + up[x] + down[x]
            inner[x] = np.float32(0.5) * here[x] + np.float32(0.125) * around


@compiled
def _around(level: Any, y: int, margin: int, offsets: Any) -> Any:
    """Return row y of a map at each of the eight neighbours, opposite ones side by side."""
    last = level.shape[1] - margin
    (r0, c0), (r1, c1), (r2, c2), (r3, c3) = offsets
    return (
        level[y + r0, margin + c0 : last + c0], level[y - r0, margin - c0 : last - c0],
        level[y + r1, margin + c1 : last + c1], level[y - r1, margin - c1 : last - c1],
        level[y + r2, margin + c2 : last + c2], level[y - r2, margin - c2 : last - c2],
        level[y + r3, margin + c3 : last + c3], level[y - r3, margin - c3 : last - c3],
    )  # fmt: skip


@compiled
def pair_residuals(level: Any, offsets: Any, margin: int, likeness: float, out: Any) -> None:
    """Residuals from the four pairs' means, each weighted by 1 / (|a - b| + likeness)."""
    height, width = level.shape
    extra = np.float32(likeness)
    for y in range(margin, height - margin):
        a0, b0, a1, b1, a2, b2, a3, b3 = _around(level, y, margin, offsets)
        here, inner = level[y, margin : width - margin], out[y, margin : width - margin]
        for x in range(inner.size):
            w0 = np.float32(1) / (abs(a0[x] - b0[x]) + extra)
            w1 = np.float32(1) / (abs(a1[x] - b1[x]) + extra)
            w2 = np.float32(1) / (abs(a2[x] - b2[x]) + extra)
            w3 = np.float32(1) / (abs(a3[x] - b3[x]) + extra)
            total = w0 * (a0[x] + b0[x]) + w1 * (a1[x] + b1[x])
            total += w2 * (a2[x] + b2[x]) + w3 * (a3[x] + b3[x])
            inner[x] = here[x] - np.float32(0.5) * total / (w0 + w1 + w2 + w3)


@compiled
def _sorted4(a: Any, b: Any, c: Any, d: Any) -> Any:
    a, b, c, d = min(a, b), max(a, b), min(c, d), max(c, d)
    a, c, b, d = min(a, c), max(a, c), min(b, d), max(b, d)
    return a, min(b, c), max(b, c), d


@compiled
def middle_two(level: Any, offsets: Any, margin: int, low: Any, high: Any) -> None:
    """Write the fourth and the fifth of the eight neighbours' levels in order."""
    height, width = level.shape
    for y in range(margin, height - margin):
        a0, b0, a1, b1, a2, b2, a3, b3 = _around(level, y, margin, offsets)
        lower, upper = low[y, margin : width - margin], high[y, margin : width - margin]
        for x in range(lower.size):
            p0, p1, p2, p3 = _sorted4(a0[x], a1[x], a2[x], a3[x])
            q0, q1, q2, q3 = _sorted4(b0[x], b1[x], b2[x], b3[x])
            # of two sorted fours, the lower half of all is the lesser of p[i] and q[3 - i]
            lower[x] = max(min(p0, q3), min(p1, q2), min(p2, q1), min(p3, q0))
            upper[x] = min(max(p0, q3), max(p1, q2), max(p2, q1), max(p3, q0))


@compiled
def judge(
    level: Any, residual: Any, offsets: Any, border: int, floor: float, slopes: Any,
    psi: Any, light: Any, response: Any,
) -> None:  # fmt: skip
    """Residual in sigmas, tone slope over sigma, and 8 p over sigma; 0 along the border.

    slopes holds the tone curve's slope for each 1 / SLOPE_STEPS of a grey level.
    """
    height, width = level.shape
    least = np.float32(floor * floor)
    for y in range(border, height - border):
        a0, b0, a1, b1, a2, b2, a3, b3 = _around(residual, y, border, offsets)
        here, r = level[y, border : width - border], residual[y, border : width - border]
        out_psi, out_light = psi[y, border : width - border], light[y, border : width - border]
        out_response = response[y, border : width - border]
        for x in range(r.size):
            spread = abs(a0[x]) + abs(b0[x]) + abs(a1[x]) + abs(b1[x])
            spread += abs(a2[x]) + abs(b2[x]) + abs(a3[x]) + abs(b3[x])
            spread *= np.float32(1.25 / 8)
            p = here[x] - r[x]
            usable = np.float32(p <= NEARLY_WHITE)
            inverse = usable / np.sqrt(spread * spread + least)
            bounded = min(max(p, np.float32(0)), np.float32(255))
            out_psi[x] = r[x] * inverse
            out_light[x] = slopes[int(bounded * SLOPE_STEPS)] * inverse
            out_response[x] = bounded * np.float32(8 / 255) * inverse


@compiled
def _collect_row(psi: Any, weight: Any, strength: Any, clips: Any, sums: Any) -> None:
    most, most_weight = np.float32(clips[0]), np.float32(clips[1])
    for x in range(psi.size):
        m = min(strength * weight[x], most_weight)
        sums[x] += m * min(max(psi[x], -most), most)


@compiled
def _inform_row(weight: Any, strength: Any, clips: Any, block: int, squares: Any) -> None:
    """Add m^2 of one row to sums of single pixels, or of blocks of so many."""
    most_weight = np.float32(clips[1])
    if block == 1:
        for x in range(squares.size):
            m = min(strength * weight[x], most_weight)
            squares[x] += m * m
        return
    for b in range(squares.size):
        for x in range(b * block, b * block + block):
            m = min(strength * weight[x], most_weight)
            squares[b] += m * m


@compiled
def collect(
    psi: Any, weight: Any, factor: float, clips: Any, informs: Any, block: int,
    score: Any, squares: Any,
) -> None:  # fmt: skip
    """Add one template's m psi and, in the rows that inform, m^2; clips are those of psi and m."""
    strength = np.float32(factor)
    for y in range(psi.shape[0]):
        _collect_row(psi[y], weight[y], strength, clips, score[y])
        if informs[y]:
            _inform_row(weight[y], strength, clips, block, squares[y // block])


@compiled
def collect_moved(
    psi: Any, weight: Any, factor: float, clips: Any, informs: Any, block: int,
    shift: int, whole: int, score: Any, squares: Any,
) -> None:  # fmt: skip
    """As `collect`, each row's first `whole` px moved to the right by `shift` and wrapped."""
    strength, ahead = np.float32(factor), whole - shift
    start, end = shift // block, whole // block
    for y in range(psi.shape[0]):
        p, w, u, i = psi[y], weight[y], score[y], squares[y // block]
        _collect_row(p[:ahead], w[:ahead], strength, clips, u[shift:whole])
        _collect_row(p[ahead:whole], w[ahead:whole], strength, clips, u[:shift])
        if informs[y]:
            _inform_row(w[:ahead], strength, clips, block, i[start:end])
            _inform_row(w[ahead:whole], strength, clips, block, i[:start])


@compiled
def show(grey: Any, level: Any, residual: Any, psi: Any, excess: Any) -> None:
    """Sum what the unfiltered pixel shows above its prediction, in photos that clearly show it."""
    for y in range(psi.shape[0]):
        here, f, r, response, sums = grey[y], level[y], residual[y], psi[y], excess[y]
        for x in range(here.size):
            clear = np.float32(abs(response[x]) >= SHOWS)
            sums[x] += clear * (here[x] - (f[x] - r[x]))


@compiled
def one_a_response(
    x: Any, y: Any, score: Any, residual: Any, within: Any, below: Any, kept: Any
) -> None:  # fmt: skip
    """Mark the peaks (strongest first) that no stronger, marked one explains.

    within: px of the close and of the far test; below: the shares of score and of summed residual
    below which the close one explains, and of summed residual for the far one.
    """
    for i in range(x.size):
        kept[i] = True
        for j in range(i):
            if not kept[j]:
                continue
            distance = max(abs(x[i] - x[j]), abs(y[i] - y[j]))
            if distance > within[1]:
                continue
            less = score[i] < below[0] * score[j] or residual[i] < below[1] * residual[j]
            if (distance <= within[0] and less) or residual[i] < below[2] * residual[j]:
                kept[i] = False
                break

"""The compiled inner loops for rendered photos: what one photo says of every pixel.

Works on arrays only; knows nothing of cameras or files. Every kernel has a slow twin in the tests.
Rows are handled as shifted slices that are all indexed by the same x: an index that might be
negative keeps the compiler from using vector instructions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiling import compiled, compiled_within
from .period_kernels import add_to_period
from .sum_kernels import (
    CLIP,
    EDGE,
    LARGEST,
    PAD,
    REACH,
    STRIP,
    UNIT_EXCESS,
    add_decoys,
    add_information,
    add_row,
    decoy_row,
    stands_for_block,
)

LEAST_NOISE = 2.0  # grey levels: JPEG and rounding leave nothing below it to believe in

_CLIP = np.float32(CLIP)
_LEAST_VARIANCE = np.float32(LEAST_NOISE**2)
SHOWS = np.float32(2.5)  # sigmas from which a photo is said to show a defect
_RING = 8  # rows kept: a power of two, more than 2 * REACH
_NEARLY_WHITE = np.float32(0.95 * 255)


@compiled_within
def _filter_row(up: Any, row: Any, down: Any, scale: Any, out: Any) -> None:
    """Cross filter [0 1 0; 1 4 1; 0 1 0] / 8, in grey levels of 0..255."""
    eighth = scale * np.float32(0.125)
    left, middle, right = row[:-2], row[1:-1], row[2:]
    above, below, inner = up[1:-1], down[1:-1], out[1:-1]
    for x in range(inner.size):
        inner[x] = eighth * (
            np.float32(4.0) * np.float32(middle[x])
            + np.float32(left[x])
            + np.float32(right[x])
            + np.float32(above[x])
            + np.float32(below[x])
        )


@compiled_within
def _residual_row(above: Any, row: Any, below: Any, out: Any) -> None:
    """Difference from four opposite pairs at distance REACH, each weighted by its likeness."""
    a1, b1, c1 = above[: -2 * REACH], above[REACH:-REACH], above[2 * REACH :]
    a2, b2, c2 = row[: -2 * REACH], row[REACH:-REACH], row[2 * REACH :]
    a3, b3, c3 = below[: -2 * REACH], below[REACH:-REACH], below[2 * REACH :]
    inner = out[REACH:-REACH]
    one, half = np.float32(1.0), np.float32(0.5)
    for x in range(inner.size):
        d1, d2 = abs(a2[x] - c2[x]) + one, abs(b1[x] - b3[x]) + one
        d3, d4 = abs(a1[x] - c3[x]) + one, abs(c1[x] - a3[x]) + one
        # The weights are 1 / d. Times all four d they need one division instead of five.
        d12, d34 = d1 * d2, d3 * d4
        w1, w2, w3, w4 = d2 * d34, d1 * d34, d12 * d4, d12 * d3
        pairs = (
            w1 * (a2[x] + c2[x])
            + w2 * (b1[x] + b3[x])
            + w3 * (a1[x] + c3[x])
            + w4 * (c1[x] + a3[x])
        )
        inner[x] = b2[x] - half * pairs / (w1 + w2 + w3 + w4)


@compiled
def _judge_row(
    above: Any, row: Any, below: Any, level: Any, psi: Any, slope: Any, response: Any
) -> None:
    """Clipped residual in sigmas, tone slope over sigma, and predicted level over sigma."""
    a1, b1, c1 = above[: -2 * REACH], above[REACH:-REACH], above[2 * REACH :]
    a2, b2, c2 = row[: -2 * REACH], row[REACH:-REACH], row[2 * REACH :]
    a3, b3, c3 = below[: -2 * REACH], below[REACH:-REACH], below[2 * REACH :]
    f, out_psi = level[REACH:-REACH], psi[REACH:-REACH]
    out_slope, out_response = slope[REACH:-REACH], response[REACH:-REACH]
    one, share, most = np.float32(1.0), np.float32(1.25 / 8), np.float32(LARGEST / 7)
    for x in range(f.size):
        p1, p2, p3, p4 = abs(a1[x]), abs(b1[x]), abs(c1[x]), abs(a2[x])
        p5, p6, p7, p8 = abs(c2[x]), abs(a3[x]), abs(b3[x]), abs(c3[x])
        # what is broken beside a pixel does not hide it
        largest = max(p1, p2, p3, p4, p5, p6, p7, p8)
        others = p1 + p2 + p3 + p4 + p5 + p6 + p7 + p8 - largest
        spread = share * (others + min(largest, most * others))
        predicted = f[x] - b2[x]
        usable = np.float32(0.0) if predicted > _NEARLY_WHITE else one
        p = max(predicted, np.float32(0.03 * 255)) * np.float32(1 / 255)
        root = np.sqrt(p)
        fifth = np.float32(0.3433) + root * (np.float32(0.9888) - np.float32(0.3346) * root)
        power = p * fifth  # p ** 1.2
        both = usable / (np.sqrt(spread * spread + _LEAST_VARIANCE) * power)
        inverse = both * power
        out_psi[x] = min(max(b2[x] * inverse, -_CLIP), _CLIP)
        out_slope[x] = np.float32(0.4545) * both
        out_response[x] = max(predicted, np.float32(0.0)) * np.float32(8 / 255) * inverse


@compiled_within
def _show_row(
    psi: Any, photo: Any, scale: Any, level: Any, residual: Any, shown: Any, excess: Any
) -> None:
    """Count the photos that clearly show something, signed, and sum what they show.

    That is the unfiltered pixel less its prediction: the filter takes part of a defect away.
    """
    eight, rounding = np.float32(UNIT_EXCESS), np.float32(32768.5)
    for x in range(psi.size):
        sign = np.int32(psi[x] >= SHOWS) - np.int32(psi[x] <= -SHOWS)
        shown[x] += sign
        above = scale * np.float32(photo[x]) - (level[x] - residual[x])
        value = np.int32(eight * above + rounding) - 32768
        excess[x] += np.int32(abs(sign)) * value


@compiled_within
def _read_row(photo: Any, ahead: int, scale: Any, level: Any, residual: Any) -> None:
    """Filter row `ahead`, and take the residuals of the row REACH above it."""
    height = photo.shape[0]
    if 1 <= ahead < height - 1:
        _filter_row(photo[ahead - 1], photo[ahead], photo[ahead + 1], scale, level[ahead % _RING])
    y = ahead - REACH
    if REACH < y < height - REACH - 1:
        above, below = level[(y - REACH) % _RING], level[(y + REACH) % _RING]
        _residual_row(above, level[y % _RING], below, residual[y % _RING])


@compiled
def accumulate(
    photos: Any, count: int, scale: float, factors: Any, weights: Any, turns: Any, thin: int,
    groups: Any, periods: Any, first: int, last: int,
    scores: Any, information: Any, shown: Any, excess: Any,
) -> None:  # fmt: skip
    """Add what rows first..last of the first `count` photos say to the sums.

    Of each photo there are these rows and PAD more before and behind them, PAD px wider on each
    side than the sums: it is mirrored at its edges.
    factors is (photos, templates), weights says by which weight each template weighs: see
    `add_row`. groups and periods hold for each photo the sums of its group and of its
    period, turns which of a block's two rows stands for it. `first` must be a multiple of BLOCK;
    rows outside are read as neighbours, never written.
    """
    height, width = shown.shape
    across, right = photos[0].shape[1], PAD + width
    rings = np.zeros((2, len(photos), _RING, across), np.float32)
    level, residual = rings[0], rings[1]
    rows, counts = np.zeros((3, across), np.float32), np.zeros(width, np.int32)
    psi, slope, response = rows[0], rows[1], rows[2]
    said, slopes, responses = psi[PAD:right], slope[PAD:], response[PAD:]
    blocks, grey = np.zeros(information.shape[2], np.int64), np.float32(scale)
    for ahead in range(PAD - EDGE, last - first + PAD + 2 * REACH):
        row = ahead - 2 * REACH
        y = first + row - PAD
        for n in range(count):
            r, f, group = residual[n], factors[n], groups[n]
            _read_row(photos[n], ahead, grey, level[n], r)
            if y < first:
                continue
            filtered, own = level[n, row % _RING], r[row % _RING]
            above, below = r[(row - REACH) % _RING], r[(row + REACH) % _RING]
            _judge_row(above, own, below, filtered, psi, slope, response)
            add_row(slopes, responses, said, f, weights, scores, y)
            pixels, smooth, rest = photos[n][row, PAD:right], filtered[PAD:right], own[PAD:right]
            _show_row(said, pixels, grey, smooth, rest, shown[y], excess[y])
            moved = decoy_row(y, thin, STRIP)
            if moved >= 0:
                add_decoys(slopes, responses, said, f, weights, moved, counts, group[0])
            informs = stands_for_block(y, turns[n], 0, height)
            add_to_period(
                slopes, responses, said, f, weights, y, moved, counts, informs, periods[n]
            )
            if informs:
                add_information(
                    slopes, responses, f, weights, y, moved, blocks, information, group[1]
                )

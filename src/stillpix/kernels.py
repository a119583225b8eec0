"""The compiled inner loops: what one photo says of every pixel of its sensor.

Works on arrays only; knows nothing of cameras or files. Every kernel has a slow twin in the tests.
Rows are handled as shifted slices that are all indexed by the same x: an index that might be
negative keeps the compiler from using vector instructions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

REACH = 2  # px from a pixel to the neighbours that predict it
BORDER = 2 * REACH + 1  # px along the frame's edge of which nothing is said
BLOCK = 4  # px, side of the squares over which information is averaged
TEMPLATES = 4  # offset, hot (tempered), hot, response; see evidence
CLIP = 3.0  # sigmas that one photo can say at most
UNIT = 1024.0  # score sums count in 1/1024
UNIT_INFORMATION = float(1 << 24)
UNIT_EXCESS = 8.0  # summed residuals count in eighths of a grey level

_CLIP = np.float32(CLIP)
_SHOWS = np.float32(2.5)  # sigmas from which a photo is said to show a defect
_RING = 8  # rows kept: a power of two, more than 2 * REACH
_NEARLY_WHITE = np.float32(0.95 * 255)


def compiled(function: Any) -> Any:
    """Compile as every kernel here is: outside the interpreter's lock, cached on disk."""
    return njit(nogil=True, cache=True, fastmath=True, error_model="numpy")(function)


@compiled
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


@compiled
def _residual_row(above: Any, row: Any, below: Any, out: Any) -> None:
    """Difference from four opposite pairs at distance REACH, each weighted by its likeness."""
    a1, b1, c1 = above[: -2 * REACH], above[REACH:-REACH], above[2 * REACH :]
    a2, b2, c2 = row[: -2 * REACH], row[REACH:-REACH], row[2 * REACH :]
    a3, b3, c3 = below[: -2 * REACH], below[REACH:-REACH], below[2 * REACH :]
    inner = out[REACH:-REACH]
    one, half = np.float32(1.0), np.float32(0.5)
    for x in range(inner.size):
        w1 = one / (abs(a2[x] - c2[x]) + one)
        w2 = one / (abs(b1[x] - b3[x]) + one)
        w3 = one / (abs(a1[x] - c3[x]) + one)
        w4 = one / (abs(c1[x] - a3[x]) + one)
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
    one = np.float32(1.0)
    for x in range(f.size):
        spread = np.float32(1.25 / 8) * (
            abs(a1[x]) + abs(b1[x]) + abs(c1[x]) + abs(a2[x])
            + abs(c2[x]) + abs(a3[x]) + abs(b3[x]) + abs(c3[x])
        )  # fmt: skip
        inverse = one / np.sqrt(spread * spread + one)
        predicted = f[x] - b2[x]
        usable = np.float32(0.0) if predicted > _NEARLY_WHITE else one
        out_psi[x] = usable * min(max(b2[x] * inverse, -_CLIP), _CLIP)
        p = max(predicted, np.float32(0.03 * 255)) * np.float32(1 / 255)
        root = np.sqrt(p)
        fifth = np.float32(0.3433) + root * (np.float32(0.9888) - np.float32(0.3346) * root)
        out_slope[x] = usable * np.float32(0.4545) * inverse / (p * fifth)
        out_response[x] = usable * max(predicted, np.float32(0.0)) * np.float32(8 / 255) * inverse


@compiled
def _add_row(sums: Any, decoys: Any, counts: Any, shift: int) -> None:
    """Add one row's counts where they are, and `shift` to the right, wrapped, for the decoys."""
    for x in range(counts.size):
        sums[x] += counts[x]
    whole = counts.size // 16 * 16
    moved, source = decoys[shift:whole], counts[: whole - shift]
    for x in range(source.size):
        moved[x] += source[x]
    wrapped, rest = decoys[:shift], counts[whole - shift : whole]
    for x in range(rest.size):
        wrapped[x] += rest[x]


@compiled
def _weigh_row(weight: Any, psi: Any, factor: Any, counts: Any) -> None:
    """Matched filter of the clipped response: the weight, too, saturates at the clip."""
    rounding = np.float32(32768.5)
    for x in range(psi.size):
        m = min(_CLIP, factor * weight[x])
        counts[x] = np.int32(np.float32(UNIT) * m * psi[x] + rounding) - np.int32(32768)


@compiled
def _show_row(psi: Any, residual: Any, shown: Any, excess: Any) -> None:
    """Count the photos that clearly show something, signed, and sum what they show."""
    for x in range(psi.size):
        sign = np.int32(psi[x] >= _SHOWS) - np.int32(psi[x] <= -_SHOWS)
        shown[x] += np.int16(sign)
        value = np.int32(np.float32(UNIT_EXCESS) * residual[x] + np.float32(32768.5)) - 32768
        excess[x] += np.int32(abs(sign)) * value


@compiled
def _inform_row(weight: Any, factor: Any, sums: Any, decoys: Any, shift: int) -> None:
    """Add the mean squared weight of each block's row, where it is and where the decoys went."""
    moved = shift // BLOCK
    whole = weight.size // 16 * 16 // BLOCK
    unit = np.float32(UNIT_INFORMATION / BLOCK)
    for b in range(sums.size):
        m0 = min(_CLIP, factor * weight[BLOCK * b])
        m1 = min(_CLIP, factor * weight[BLOCK * b + 1])
        m2 = min(_CLIP, factor * weight[BLOCK * b + 2])
        m3 = min(_CLIP, factor * weight[BLOCK * b + 3])
        count = np.int64(unit * (m0 * m0 + m1 * m1 + m2 * m2 + m3 * m3))
        sums[b] += count
        if b < whole:
            decoys[b + moved if b + moved < whole else b + moved - whole] += count


@compiled
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
    photos: Any, count: int, scale: float, factors: Any, shifts: Any, first: int, last: int,
    scores: Any, information: Any, decoy_scores: Any, decoy_information: Any,
    shown: Any, excess: Any,
) -> None:  # fmt: skip
    """Add what rows first..last of the first `count` photos say to the sums.

    `first` must be a multiple of BLOCK; rows outside are read as neighbours, never written.
    """
    height, width = photos[0].shape
    level = np.zeros((len(photos), _RING, width), np.float32)
    residual = np.zeros((len(photos), _RING, width), np.float32)
    psi, slope = np.zeros(width, np.float32), np.zeros(width, np.float32)
    response, counts = np.zeros(width, np.float32), np.zeros(width, np.int32)
    grey = np.float32(scale)
    for ahead in range(max(first - BORDER, 1), min(last, height - BORDER) + 2 * REACH):
        y = ahead - 2 * REACH
        for n in range(count):
            r = residual[n]
            _read_row(photos[n], ahead, grey, level[n], r)
            if y < first or y < BORDER:
                continue
            above, row, below = r[(y - REACH) % _RING], r[y % _RING], r[(y + REACH) % _RING]
            _judge_row(above, row, below, level[n, y % _RING], psi, slope, response)
            psi[:BORDER] = 0
            psi[width - BORDER :] = 0
            for k in range(TEMPLATES):
                weight = response if k == TEMPLATES - 1 else slope
                factor = np.float32(factors[n, k])
                _weigh_row(weight, psi, factor, counts)
                _add_row(scores[k, y], decoy_scores[k, y], counts, shifts[n])
                if y % BLOCK == BLOCK // 2:
                    _inform_row(
                        weight, factor, information[k, y // BLOCK],
                        decoy_information[k, y // BLOCK], shifts[n],
                    )  # fmt: skip
            _show_row(psi, row, shown[y], excess[y])


@compiled
def standardise_row(scores: Any, information: Any, ballast: Any, out: Any) -> None:
    """Score of one row in units of its expected spread: sum / sqrt(information + ballast)."""
    unit = np.float32(np.sqrt(UNIT_INFORMATION) / UNIT)
    for b in range(information.size):
        weight = np.float32(information[b]) + ballast
        scale = unit / np.sqrt(weight) if information[b] > 0 else np.float32(0.0)
        for x in range(BLOCK * b, BLOCK * b + BLOCK):
            out[x] = scale * np.float32(scores[x])
    for x in range(BLOCK * information.size, out.size):
        out[x] = np.float32(0.0)


@compiled
def count_by_phase(
    scores: Any, information: Any, ballast: Any, grid: int, every: int, step: float, counts: Any
) -> None:
    """Histogram the standardised scores of one template by their place on the grid.

    Only each `every`-th strip of `grid` rows is looked at. counts is (grid, grid, bins); a score s
    falls into bin s / step + bins / 2, clipped.
    """
    height, width = scores.shape
    row = np.empty(width, np.float32)
    bins = counts.shape[2]
    scale, middle = np.float32(1 / step), np.float32(bins / 2)
    for y in range(BORDER, height - BORDER):
        if y // grid % every:
            continue
        standardise_row(scores[y], information[y // BLOCK], ballast, row)
        phase = counts[y % grid]
        for x in range(BORDER, width - BORDER):
            if row[x] != np.float32(0.0):
                phase[x % grid, min(max(int(scale * row[x] + middle), 0), bins - 1)] += 1


@compiled
def normalise_row(
    scores: Any, information: Any, ballast: Any, middle: Any, scale: Any, out: Any
) -> None:
    """Standardised scores of one row, recentred and rescaled column by column."""
    standardise_row(scores, information, ballast, out)
    for x in range(out.size):
        # where nothing was said the score is exactly 0 and stays so
        said = np.float32(out[x] != np.float32(0.0))
        out[x] = said * (out[x] - middle[x]) * scale[x]


@compiled
def count_by_zone(
    scores: Any, information: Any, ballast: Any, middle: Any, scale: Any, every: int, zone: int,
    step: float, counts: Any,
) -> None:  # fmt: skip
    """Histogram |score| of one template by zone, after the phases were made alike.

    middle and scale are (grid, width); counts is (zones down, zones across, bins).
    """
    height, width = scores.shape
    row = np.empty(width, np.float32)
    grid, bins = middle.shape[0], counts.shape[2]
    per_bin = np.float32(1 / step)
    for y in range(BORDER, height - BORDER):
        if y // grid % every:
            continue
        at, per = middle[y % grid], scale[y % grid]
        normalise_row(scores[y], information[y // BLOCK], ballast, at, per, row)
        strip = counts[min(y // zone, counts.shape[0] - 1)]
        for x in range(BORDER, width - BORDER):
            if row[x] != np.float32(0.0):
                bin_of = min(int(per_bin * abs(row[x])), bins - 1)
                strip[min(x // zone, counts.shape[1] - 1), bin_of] += 1


@compiled
def _loudest_row(scores: Any, information: Any, null: Any, y: int, buffers: Any, out: Any) -> None:
    """Of one row, the largest |score| over the templates."""
    ballast, middle, scale, zones, zone = null
    grid = middle.shape[1]
    out[:] = 0
    if y < BORDER or y >= scores.shape[1] - BORDER:
        return
    strip = min(y // zone, zones.shape[1] - 1)
    for k in range(TEMPLATES):
        at, per, local = middle[k, y % grid], scale[k, y % grid], zones[k, strip]
        normalise_row(scores[k, y], information[k, y // BLOCK], ballast[k], at, per, buffers)
        for x in range(BORDER, out.size - BORDER):
            out[x] = max(out[x], abs(buffers[x]) * local[x])


@compiled
def find_peaks(
    scores: Any, information: Any, null: Any, floor: float, first: int, last: int,
    found: Any, values: Any,
) -> int:  # fmt: skip
    """List the local maxima (within 2 px) above `floor` of rows first..last.

    null is the ballast (templates,), middle and scale (templates, grid, width), the zones' scales
    (templates, zones down, width) and a zone's height in px. found is (most, 2) for x and y,
    values (most,); returns how many there are, which may be more than fitted.
    """
    height, width = scores.shape[1:]
    loudest = np.zeros((5, width), np.float32)
    buffers = np.zeros(width, np.float32)
    level = np.float32(floor)
    number = 0
    for ahead in range(max(first - 2, 0), min(last + 2, height)):
        _loudest_row(scores, information, null, ahead, buffers, loudest[ahead % 5])
        y = ahead - 2
        if y < first or y < 2:
            continue
        row = loudest[y % 5]
        for x in range(2, width - 2):
            if row[x] > level and _is_peak(loudest, x, y):
                if number < values.size:
                    found[number, 0], found[number, 1] = x, y
                    values[number] = row[x]
                number += 1
    return number


@compiled
def _is_peak(loudest: Any, x: int, y: int) -> bool:
    """Whether nothing within 2 px is louder; of equals, the first in reading order counts."""
    here = loudest[y % 5, x]
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            other = loudest[(y + dy) % 5, x + dx]
            if other > here or (other == here and (dy < 0 or (dy == 0 and dx < 0))):
                return False
    return True

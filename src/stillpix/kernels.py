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
STRIP = 64  # rows in a strip of decoys: a multiple of the grid and of BLOCK
TEMPLATES = 4  # offset, hot (tempered), hot, response; see evidence
CLIP = 3.0  # sigmas that one photo can say at most
LEAST_NOISE = 2.0  # grey levels: JPEG and rounding leave nothing below it to believe in
UNIT = 1024.0  # score sums count in 1/1024
UNIT_INFORMATION = float(1 << 24)
UNIT_EXCESS = 8.0  # summed residuals count in eighths of a grey level

_CLIP = np.float32(CLIP)
_LEAST_VARIANCE = np.float32(LEAST_NOISE**2)
_SHOWS = np.float32(2.5)  # sigmas from which a photo is said to show a defect
_RING = 8  # rows kept: a power of two, more than 2 * REACH
_GRID = 16  # px that decoys of rendered photos move by, or a multiple
_CHUNK = 256  # px looked at together where hardly any can be a peak
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
    one = np.float32(1.0)
    for x in range(f.size):
        spread = np.float32(1.25 / 8) * (
            abs(a1[x]) + abs(b1[x]) + abs(c1[x]) + abs(a2[x])
            + abs(c2[x]) + abs(a3[x]) + abs(b3[x]) + abs(c3[x])
        )  # fmt: skip
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


@compiled
def _weigh_row(weight: Any, psi: Any, factor: Any, counts: Any) -> None:
    """Matched filter of the clipped response: the weight, too, saturates at the clip."""
    rounding = np.float32(32768.5)
    for x in range(psi.size):
        m = min(_CLIP, factor * weight[x])
        counts[x] = np.int32(np.float32(UNIT) * m * psi[x] + rounding) - np.int32(32768)


@compiled
def add_row(slope: Any, response: Any, psi: Any, factors: Any, scores: Any, y: int) -> None:
    """Add one row's counts of all templates: `_weigh_row`, four at a time."""
    s0, s1, s2, s3 = scores[0, y], scores[1, y], scores[2, y], scores[3, y]
    f0, f1, f2, f3 = factors[0], factors[1], factors[2], factors[3]
    rounding, middle = np.float32(32768.5), np.int32(32768)
    for x in range(psi.size):
        p = np.float32(UNIT) * psi[x]
        s0[x] += np.int32(min(_CLIP, f0 * slope[x]) * p + rounding) - middle
        s1[x] += np.int32(min(_CLIP, f1 * slope[x]) * p + rounding) - middle
        s2[x] += np.int32(min(_CLIP, f2 * slope[x]) * p + rounding) - middle
        s3[x] += np.int32(min(_CLIP, f3 * response[x]) * p + rounding) - middle


@compiled
def scatter_row(counts: Any, decoys: Any, shift: int, grid: int) -> None:
    """Add one row's counts `shift` to the right, wrapped within the whole cells of the grid."""
    whole = counts.size // grid * grid
    moved, source = decoys[shift:whole], counts[: whole - shift]
    for x in range(source.size):
        moved[x] += source[x]
    wrapped, rest = decoys[:shift], counts[whole - shift : whole]
    for x in range(rest.size):
        wrapped[x] += rest[x]


@compiled
def _show_row(
    psi: Any, photo: Any, scale: Any, level: Any, residual: Any, shown: Any, excess: Any
) -> None:
    """Count the photos that clearly show something, signed, and sum what they show.

    That is the unfiltered pixel less its prediction: the filter takes part of a defect away.
    """
    eight, rounding = np.float32(UNIT_EXCESS), np.float32(32768.5)
    for x in range(psi.size):
        sign = np.int32(psi[x] >= _SHOWS) - np.int32(psi[x] <= -_SHOWS)
        shown[x] += np.int16(sign)
        above = scale * np.float32(photo[x]) - (level[x] - residual[x])
        value = np.int32(eight * above + rounding) - 32768
        excess[x] += np.int32(abs(sign)) * value


@compiled
def _inform_row(weight: Any, factor: Any, counts: Any) -> None:
    """Mean squared weight of each block's row."""
    unit = np.float32(UNIT_INFORMATION / BLOCK)
    for b in range(counts.size):
        m0 = min(_CLIP, factor * weight[BLOCK * b])
        m1 = min(_CLIP, factor * weight[BLOCK * b + 1])
        m2 = min(_CLIP, factor * weight[BLOCK * b + 2])
        m3 = min(_CLIP, factor * weight[BLOCK * b + 3])
        counts[b] = np.int64(unit * (m0 * m0 + m1 * m1 + m2 * m2 + m3 * m3))


@compiled
def decoy_row(y: int, thin: int, height: int) -> int:
    """Row of the decoys' sums for row y of the photo, or -1: one strip in `thin` has decoys."""
    strip = y // height
    return strip // thin * height + y % height if strip % thin == 0 else -1


@compiled
def add_decoys(
    slope: Any, response: Any, psi: Any, factors: Any, shift: int, grid: int, row: int, counts: Any,
    decoy_scores: Any,
) -> None:  # fmt: skip
    """Add one row's counts of all templates to the decoys' row, moved."""
    for k in range(TEMPLATES):
        _weigh_row(response if k == TEMPLATES - 1 else slope, psi, factors[k], counts)
        scatter_row(counts, decoy_scores[k, row], shift, grid)


@compiled
def add_information(
    slope: Any, response: Any, factors: Any, shift: int, grid: int, y: int, row: int, counts: Any,
    information: Any, decoy_information: Any,
) -> None:  # fmt: skip
    """Add one row's mean squared weights to its blocks, and moved to the decoys' blocks.

    `row` is that of the decoys' sums, or -1.
    """
    for k in range(TEMPLATES):
        _inform_row(response if k == TEMPLATES - 1 else slope, factors[k], counts)
        sums = information[k, y // BLOCK]
        for b in range(counts.size):
            sums[b] += counts[b]
        if row >= 0:
            decoys = decoy_information[k, row // BLOCK]
            whole, moved = slope.size // grid * grid // BLOCK, shift // BLOCK
            for b in range(whole):
                decoys[b + moved if b + moved < whole else b + moved - whole] += counts[b]


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
def last_judged(height: int) -> int:
    """Return the last row of which anything is said.

    Of its block one of the rows that stand for it must be judged, too, whichever of the two a
    photo takes: else the block would have scores but no information.
    """
    row = height - BORDER - 1
    return row if row % BLOCK >= 2 else row - row % BLOCK - 1


@compiled
def accumulate(
    photos: Any, count: int, scale: float, factors: Any, shifts: Any, thin: int,
    first: int, last: int,
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
    blocks = np.zeros(information.shape[2], np.int64)
    grey = np.float32(scale)
    for ahead in range(max(first - BORDER, 1), min(last, last_judged(height) + 1) + 2 * REACH):
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
            add_row(slope, response, psi, factors[n], scores, y)
            _show_row(psi, photos[n][y], grey, level[n, y % _RING], row, shown[y], excess[y])
            moved = decoy_row(y, thin, STRIP)
            if moved >= 0:
                add_decoys(
                    slope, response, psi, factors[n], shifts[n], _GRID, moved, counts, decoy_scores
                )
            # One of two rows of each block stands for it, half of the photos one, half the other:
            # a strong defect makes its own row and those two away look noisier, which so touches
            # every defect's block alike, wherever in it the defect lies.
            if y % BLOCK == 1 + shifts[n] // _GRID % 2:
                add_information(
                    slope, response, factors[n], shifts[n], _GRID, y, moved, blocks,
                    information, decoy_information,
                )  # fmt: skip


@compiled
def block_scale(weight: Any, out: Any) -> None:
    """Of one row of blocks, 1 / sqrt(weight) for each pixel; 0 beyond the last whole block.

    Times a sum of scores it is the score in units of its expected spread.
    """
    unit = np.float32(np.sqrt(UNIT_INFORMATION) / UNIT)
    for b in range(weight.size):
        scale = unit / np.sqrt(weight[b])
        for x in range(BLOCK * b, BLOCK * b + BLOCK):
            out[x] = scale
    out[BLOCK * weight.size :] = 0


@compiled
def count_by_phase(
    scores: Any, weight: Any, grid: int, every: int, step: float, counts: Any
) -> None:
    """Histogram the standardised scores of one template by their place on the grid.

    Only each `every`-th strip of `grid` rows is looked at, and nowhere a sum of exactly 0: there
    nothing was said. counts is (grid, grid, bins); a score s falls into bin s / step + bins / 2.
    """
    height, width = scores.shape
    standard = np.empty(width, np.float32)
    bins = counts.shape[2]
    scale, middle = np.float32(1 / step), np.float32(bins / 2)
    for y in range(BORDER, height - BORDER):
        if y // grid % every:
            continue
        block_scale(weight[y // BLOCK], standard)
        row, phase = scores[y], counts[y % grid]
        for x in range(BORDER, width - BORDER):
            if row[x] != 0:
                value = scale * standard[x] * np.float32(row[x]) + middle
                phase[x % grid, min(max(int(value), 0), bins - 1)] += 1


@compiled
def _normalise_row(row: Any, standard: Any, middle: Any, scale: Any, out: Any) -> None:
    """Scores of one row in null sigmas; middle and scale hold one cell of the grid."""
    grid = middle.size
    cells = out.size // grid
    whole = cells * grid
    scores, standards = row[:whole].reshape(cells, grid), standard[:whole].reshape(cells, grid)
    normal = out[:whole].reshape(cells, grid)
    for cell in range(cells):
        for i in range(grid):
            value = standards[cell, i] * np.float32(scores[cell, i]) - middle[i]
            normal[cell, i] = value * scale[i]
    for x in range(whole, out.size):
        out[x] = (standard[x] * np.float32(row[x]) - middle[x - whole]) * scale[x - whole]


@compiled
def count_by_zone(
    scores: Any, weight: Any, middle: Any, scale: Any, every: int, zone: int, step: float,
    counts: Any,
) -> None:  # fmt: skip
    """Histogram |score| of one template by zone, after the phases were made alike.

    middle and scale are (grid, width); counts is (zones down, zones across, bins).
    """
    height, width = scores.shape
    row, standard = np.empty(width, np.float32), np.empty(width, np.float32)
    grid, bins = middle.shape[0], counts.shape[2]
    per_bin = np.float32(1 / step)
    for y in range(BORDER, height - BORDER):
        if y // grid % every:
            continue
        block_scale(weight[y // BLOCK], standard)
        at, per = middle[y % grid, :grid], scale[y % grid, :grid]
        _normalise_row(scores[y], standard, at, per, row)
        strip = counts[min(y // zone, counts.shape[0] - 1)]
        for x in range(BORDER, width - BORDER):
            if scores[y, x] != 0:
                bin_of = min(int(per_bin * abs(row[x])), bins - 1)
                strip[min(x // zone, counts.shape[1] - 1), bin_of] += 1


@compiled
def _keep_louder(row: Any, local: Any, out: Any) -> None:
    for x in range(out.size):
        out[x] = max(out[x], abs(row[x]) * local[x])


@compiled
def _loudest_row(scores: Any, standard: Any, null: Any, y: int, row: Any, out: Any) -> None:
    """Of one row, the largest |score| over the templates."""
    _, middle, scale, zones, zone = null
    grid = middle.shape[1]
    out[:] = 0
    if y < BORDER or y >= scores.shape[1] - BORDER:
        return
    strip = min(y // zone, zones.shape[1] - 1)
    for k in range(scores.shape[0]):
        at, per = middle[k, y % grid, :grid], scale[k, y % grid, :grid]
        _normalise_row(scores[k, y], standard[k], at, per, row)
        _keep_louder(row, zones[k, strip], out)
    out[:BORDER] = 0
    out[out.size - BORDER :] = 0


@compiled
def find_peaks(
    scores: Any, null: Any, floor: float, apart: int, first: int, last: int, found: Any, values: Any
) -> int:  # fmt: skip
    """List what is above `floor` and the most within `apart` (2 px at most) of rows first..last.

    null is the weight (templates, blocks down, blocks across), middle and scale (templates, grid,
    width), the zones' scales (templates, zones down, width) and a zone's height in px. found is
    (most, 2) for x and y, values (most,); returns how many there are, which may be more than
    fitted.
    """
    height, width = scores.shape[1:]
    loudest = np.zeros((5, width), np.float32)
    templates = scores.shape[0]
    row, standard = np.zeros(width, np.float32), np.zeros((templates, width), np.float32)
    level = np.float32(floor)
    number = 0
    start = max(first - 2, 0)
    for ahead in range(start, min(last + 2, height)):
        if ahead == start or ahead % BLOCK == 0:
            for k in range(templates):
                block_scale(null[0][k, ahead // BLOCK], standard[k])
        _loudest_row(scores, standard, null, ahead, row, loudest[ahead % 5])
        y = ahead - 2
        if y < first or y < 2:
            continue
        here = loudest[y % 5]
        for chunk in range(0, width, _CHUNK):
            if not _any_above(here[chunk : chunk + _CHUNK], level):
                continue
            for x in range(max(chunk, 2), min(chunk + _CHUNK, width - 2)):
                if here[x] > level and _is_peak(loudest, x, y, apart):
                    if number < values.size:
                        found[number, 0], found[number, 1] = x, y
                        values[number] = here[x]
                    number += 1
    return number


@compiled
def _any_above(row: Any, level: Any) -> bool:
    number = np.int32(0)
    for x in range(row.size):
        number += np.int32(row[x] > level)
    return bool(number > 0)


@compiled
def _is_peak(loudest: Any, x: int, y: int, apart: int) -> bool:
    """Whether nothing within `apart` is louder; of equals, the first in reading order counts."""
    here = loudest[y % 5, x]
    for dy in range(-apart, apart + 1):
        for dx in range(-apart, apart + 1):
            other = loudest[(y + dy) % 5, x + dx]
            if other > here or (other == here and (dy < 0 or (dy == 0 and dx < 0))):
                return False
    return True

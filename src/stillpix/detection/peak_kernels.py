"""The compiled inner loops of detection: histograms of scores, and the peaks among them.

Works on arrays of sums only; never sees a photo. Every kernel has a slow twin in the tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiling import compiled, compiled_within
from ..evidence.sum_kernels import BLOCK, UNIT, UNIT_INFORMATION

_CHUNK = 256  # px looked at together where hardly any can be a peak


@compiled_within
def block_scale(weight: Any, out: Any) -> None:
    """Of one row of blocks, 1 / sqrt(weight) for each pixel.

    Times a sum of scores it is the score in units of its expected spread.
    """
    unit = np.float32(np.sqrt(UNIT_INFORMATION) / UNIT)
    for b in range(weight.size):
        scale = unit / np.sqrt(weight[b])
        for x in range(BLOCK * b, min(BLOCK * b + BLOCK, out.size)):
            out[x] = scale


@compiled
def count_by_phase(
    scores: Any, weight: Any, masked: Any, grid: int, every: int, step: float, counts: Any
) -> None:
    """Histogram the standardised scores of one template by their place on the grid.

    Only each `every`-th strip of `grid` rows is looked at, and nowhere a sum of exactly 0: there
    nothing was said; nor what is masked, (height, width). counts is (grid, grid, bins); a score s
    falls into bin s / step + bins / 2.
    """
    height, width = scores.shape
    standard = np.empty(width, np.float32)
    bins = counts.shape[2]
    scale, middle = np.float32(1 / step), np.float32(bins / 2)
    for y in range(height):
        if y // grid % every:
            continue
        block_scale(weight[y // BLOCK], standard)
        row, phase = scores[y], counts[y % grid]
        for x in range(width):
            if row[x] != 0 and not masked[y, x]:
                value = scale * standard[x] * np.float32(row[x]) + middle
                phase[x % grid, min(max(int(value), 0), bins - 1)] += 1


@compiled_within
def normalise_row(row: Any, standard: Any, middle: Any, scale: Any, out: Any) -> None:
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
    scores: Any, weight: Any, masked: Any, middle: Any, scale: Any, every: int, zone: int,
    step: float, counts: Any,
) -> None:  # fmt: skip
    """Histogram |score| of one template by zone, after the phases were made alike.

    middle and scale are (grid, width); counts is (zones down, zones across, bins).
    """
    height, width = scores.shape
    row, standard = np.empty(width, np.float32), np.empty(width, np.float32)
    grid, bins = middle.shape[0], counts.shape[2]
    per_bin = np.float32(1 / step)
    for y in range(height):
        if y // grid % every:
            continue
        block_scale(weight[y // BLOCK], standard)
        at, per = middle[y % grid][:grid], scale[y % grid][:grid]
        normalise_row(scores[y], standard, at, per, row)
        strip = counts[min(y // zone, counts.shape[0] - 1)]
        for x in range(width):
            if scores[y, x] != 0 and not masked[y, x]:
                bin_of = min(int(per_bin * abs(row[x])), bins - 1)
                strip[min(x // zone, counts.shape[1] - 1), bin_of] += 1


@compiled_within
def _keep_louder(row: Any, local: Any, along: Any, out: Any) -> None:
    for x in range(out.size):
        out[x] = max(out[x], abs(row[x]) * local[x] * along)


@compiled_within
def _silence(masked: Any, out: Any) -> None:
    for x in range(out.size):
        out[x] *= np.float32(not masked[x])


@compiled_within
def _loudest_row(
    scores: Any, standard: Any, null: Any, heard: Any, y: int, row: Any, out: Any
) -> None:
    """Of one row, the largest |score| over the templates that are heard."""
    _, middle, scale, zones, zone, lines, masked = null
    grid = middle.shape[1]
    for x in range(out.size):
        out[x] = 0
    if y >= scores.shape[1]:
        return
    strip = min(y // zone, zones.shape[1] - 1)
    for k in heard:
        at, per = middle[k, y % grid][:grid], scale[k, y % grid][:grid]
        normalise_row(scores[k, y], standard[k], at, per, row)
        _keep_louder(row, zones[k, strip], lines[k, y], out)
    _silence(masked[y], out)


@compiled
def find_peaks(
    scores: Any, null: Any, heard: Any, floor: float, apart: int, first: int, last: int,
    found: Any, values: Any,
) -> int:  # fmt: skip
    """List what is above `floor` and the most within `apart` (2 px at most) of rows first..last.

    null is the weight (templates, blocks down, blocks across), middle and scale (templates, grid,
    width), the zones' scales (templates, zones down, width), a zone's height in px, the rows' own
    scales (templates, height), and what is masked, (height, width). heard are the numbers of the
    templates that count. found is (most, 2) for x and y, values (most,); returns how many there
    are, which may be more than fitted.
    """
    height, width = scores.shape[1:]
    loudest = np.zeros((5, width + 4), np.float32)  # two columns on each side that are silent
    templates = scores.shape[0]
    row, standard = np.zeros(width, np.float32), np.zeros((templates, width), np.float32)
    level = np.float32(floor)
    number = 0
    start = max(first - 2, 0)
    for ahead in range(start, last + 2):
        if ahead < height and (ahead == start or ahead % BLOCK == 0):
            for k in heard:
                block_scale(null[0][k, ahead // BLOCK], standard[k])
        _loudest_row(scores, standard, null, heard, ahead, row, loudest[ahead % 5, 2 : width + 2])
        y = ahead - 2
        if y < first:
            continue
        here = loudest[y % 5, 2 : width + 2]
        for chunk in range(0, width, _CHUNK):
            if not _any_above(here[chunk : chunk + _CHUNK], level):
                continue
            for x in range(chunk, min(chunk + _CHUNK, width)):
                if here[x] > level and _is_peak(loudest, x, y, apart):
                    if number < values.size:
                        found[number, 0], found[number, 1] = x, y
                        values[number] = here[x]
                    number += 1
    return number


@compiled_within
def _any_above(row: Any, level: Any) -> bool:
    number = np.int32(0)
    for x in range(row.size):
        number += np.int32(row[x] > level)
    return bool(number > 0)


@compiled_within
def _is_peak(loudest: Any, x: int, y: int, apart: int) -> bool:
    """Whether nothing within `apart` is louder; of equals, the first in reading order counts."""
    here = loudest[y % 5, x + 2]
    for dy in range(-apart, apart + 1):
        for dx in range(-apart, apart + 1):
            other = loudest[(y + dy) % 5, x + dx + 2]
            if other > here or (other == here and (dy < 0 or (dy == 0 and dx < 0))):
                return False
    return True

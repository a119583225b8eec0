"""The compiled inner loop of the search for lines: scores added up along columns and rows.

Works on arrays only; never decides what is a line. The kernel has a slow twin in the tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiling import compiled, compiled_within
from ..evidence.sum_kernels import BLOCK
from .peak_kernels import block_scale, normalise_row

_CLIP = np.float32(3.0)  # null sigmas that one pixel counts at most: a single defect is no line


@compiled
def add_along(
    scores: Any, null: Any, heard: Any, down: int, across: int, first: int, last: int,
    columns: Any, rows: Any, column_counts: Any, row_counts: Any,
) -> None:  # fmt: skip
    """Add up the clipped scores of rows first..last, in null sigmas, by segment.

    null is as in `find_peaks`. columns is (templates heard, segments of `down` px, width), rows
    (templates heard, height, segments of `across` px); the last segment is the longest. The counts
    have no templates: how many pixels of a segment count, which are those that are not masked and
    of which photos said anything.
    """
    weight, middle, scale, zones, zone, lines, masked = null
    width, grid = scores.shape[2], middle.shape[1]
    standard, row = np.zeros(width, np.float32), np.zeros(width, np.float32)
    for y in range(first, last):
        segment = min(y // down, columns.shape[1] - 1)
        strip = min(y // zone, zones.shape[1] - 1)
        for i in range(heard.size):
            k = heard[i]
            block_scale(weight[k, y // BLOCK], standard)
            at, per = middle[k, y % grid][:grid], scale[k, y % grid][:grid]
            normalise_row(scores[k, y], standard, at, per, row)
            along, local, sums = lines[k, y], zones[k, strip], columns[i, segment]
            for x in range(width):
                told = min(max(row[x] * local[x] * along, -_CLIP), _CLIP)
                row[x] = told * np.float32(not masked[y, x])
                sums[x] += row[x]
            _add_parts(row, across, rows[i, y])
        counted, seen = scores[heard[0], y], column_counts[segment]
        for x in range(width):
            row[x] = np.float32(counted[x] != 0 and not masked[y, x])
            seen[x] += row[x]
        _add_parts(row, across, row_counts[y])


@compiled_within
def _add_parts(row: Any, across: int, parts: Any) -> None:
    """Add up a row by segments of `across` px, of which the last is the longest."""
    for part in range(parts.size):
        end = row.size if part == parts.size - 1 else (part + 1) * across
        total = np.float32(0.0)
        for x in range(part * across, end):
            total += row[x]
        parts[part] = total

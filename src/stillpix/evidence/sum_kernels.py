"""The compiled inner loops that rendered photos and mosaics share: adding up what a row says.

Works on arrays only; knows nothing of how a row was judged. Every kernel has a slow twin in the
tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiling import compiled, compiled_within

REACH = 2  # px from a pixel to the neighbours that predict it
EDGE = 2 * REACH + 1  # px along the frame's edge whose neighbours lie on one side
PAD = 12  # px by which a photo is continued beyond them: a multiple of all colour patterns
BLOCK = 4  # px, side of the squares over which information is averaged
GRID = 16  # px: the JPEG grid with halved colour, and two CFA cells: decoys keep both
STRIP = 64  # rows in a strip of decoys: a multiple of the grid and of BLOCK
LARGEST = 6.0  # times the mean residual of the other neighbours that the largest one counts
CLIP = 3.0  # sigmas that one photo can say at most
UNIT = 1024.0  # score sums count in 1/1024
UNIT_INFORMATION = float(1 << 24)
UNIT_EXCESS = 8.0  # summed residuals count in eighths of a grey level
_CLIP = np.float32(CLIP)


@compiled_within
def _weigh_row(weight: Any, psi: Any, factor: Any, counts: Any) -> None:
    """Matched filter of the clipped response: the weight, too, saturates at the clip."""
    rounding = np.float32(32768.5)
    for x in range(psi.size):
        m = min(_CLIP, factor * weight[x])
        counts[x] = np.int32(np.float32(UNIT) * m * psi[x] + rounding) - np.int32(32768)


@compiled_within
def add_row(
    slope: Any, response: Any, psi: Any, factors: Any, weights: Any, scores: Any, y: int
) -> None:
    """Add one row's counts of all templates: `_weigh_row`, without a row in between.

    weights says of each template whether it weighs by the slope (0) or the response (1).
    """
    rounding, middle = np.float32(32768.5), np.int32(32768)
    for k in range(factors.size):
        weight, factor, sums = response if weights[k] else slope, factors[k], scores[k, y]
        for x in range(psi.size):
            p = np.float32(UNIT) * psi[x]
            sums[x] += np.int32(min(_CLIP, factor * weight[x]) * p + rounding) - middle


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


@compiled_within
def decoy_row(y: int, thin: int, height: int) -> int:
    """Row of the groups' sums for row y of the photo, or -1: one strip in `thin` has decoys."""
    strip = y // height
    return strip // thin * height + y % height if strip % thin == 0 else -1


@compiled_within
def add_decoys(
    slope: Any, response: Any, psi: Any, factors: Any, weights: Any, row: int, counts: Any,
    group_scores: Any,
) -> None:  # fmt: skip
    """Add one row's counts of all templates to the row of the photo's group, held narrowly."""
    for k in range(factors.size):
        _weigh_row(response if weights[k] else slope, psi, factors[k], counts)
        add_counts(counts, group_scores, k, row)


@compiled_within
def add_counts(counts: Any, sums: Any, k: int, row: int) -> None:
    """Add counts to one row of sums that are held as in `narrow`."""
    low, high = sums
    into = low[k, row]
    if high.shape[1] == 0:
        for x in range(counts.size):
            into[x] += np.int16(counts[x])
        return
    carried = high[k, row]
    for x in range(counts.size):
        total = np.int32(into[x]) + counts[x]
        kept = np.int16(total)  # its lower 16 bits
        into[x] = kept
        carried[x] += (total - np.int32(kept)) >> np.int32(16)


@compiled_within
def add_information(
    slope: Any, response: Any, factors: Any, weights: Any, y: int, row: int, counts: Any,
    information: Any, group_information: Any,
) -> None:  # fmt: skip
    """Add one row's mean squared weights to its blocks, and to those of the photo's group.

    `row` is that of the group's sums, or -1.
    """
    for k in range(factors.size):
        _inform_row(response if weights[k] else slope, factors[k], counts)
        sums = information[k, y // BLOCK]
        for b in range(counts.size):
            sums[b] += counts[b]
        if row >= 0:
            group = group_information[k, row // BLOCK]
            for b in range(counts.size):
                group[b] += counts[b]


@compiled_within
def stands_for_block(y: int, turn: int, top: int, bottom: int) -> bool:
    """Return whether a row stands for its block's information.

    That is the second or third of the block, by the photo's turn, or the judged one next to it:
    only rows from `top` on and before `bottom` are judged. A strong defect makes its own row and
    those two away look noisier, which so touches every defect's block alike, wherever in it the
    defect lies.
    """
    return y == min(max(y // BLOCK * BLOCK + 1 + turn, top), bottom - 1)


def blocks_along(length: int) -> int:
    """Return how many blocks lie along so many pixels; the last one may be a part of one.

    >>> blocks_along(8), blocks_along(9)
    (2, 3)
    """
    return -(-length // BLOCK)

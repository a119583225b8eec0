"""The compiled inner loop that adds what a row of one photo says to the sums of its period.

Works on arrays only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiling import compiled_within
from .sum_kernels import BLOCK, CLIP, UNIT_INFORMATION, add_counts

UNIT_OF_PERIODS = 8.0  # scores of a period count in so many parts: 16 bits hold many photos
_CLIP = np.float32(CLIP)


@compiled_within
def _weigh_coarsely(weight: Any, psi: Any, factor: Any, counts: Any) -> None:
    """Matched filter of the clipped response, as in `sum_kernels.add_decoys`, coarsely.

    A photo counts for at most 144, of a dark frame.
    """
    unit, rounding, middle = np.float32(UNIT_OF_PERIODS), np.float32(256.5), np.int32(256)
    for x in range(psi.size):
        m = min(_CLIP, factor * weight[x])
        counts[x] = np.int32(unit * m * psi[x] + rounding) - middle


@compiled_within
def add_to_period(
    slope: Any, response: Any, psi: Any, factors: Any, weights: Any, y: int, row: int,
    counts: Any, informs: Any, period: Any,
) -> None:  # fmt: skip
    """Add one row's counts of one template to the photo's period, and to its group in there.

    period is the template, how much steeper it is, and the arrays of the period: scores (height,
    width), information (blocks down, across), and the same of the group with one template, (1,
    rows, width), held narrowly, and (1, blocks down, across). A photo without a date has arrays
    without rows. `row` is that of the group's sums, or -1; `counts` is a row to work in; `informs`
    says whether this row stands for its blocks.
    """
    k, steeper, scores, information, group_scores, group_information = period
    if scores.shape[0] == 0:
        return
    weight, factor = response if weights[k] else slope, factors[k] * np.float32(steeper)
    _weigh_coarsely(weight, psi, factor, counts)
    own = scores[y]
    for x in range(counts.size):
        own[x] += np.int16(counts[x])
    if row >= 0:
        add_counts(counts, group_scores, 0, row)
    if informs:
        _inform(weight, factor, information[y // BLOCK])
        if row >= 0:
            _inform(weight, factor, group_information[0, row // BLOCK])


@compiled_within
def _inform(weight: Any, factor: Any, sums: Any) -> None:
    """Add the mean squared weight of each block's row, as `sum_kernels.add_information` does."""
    unit = np.float32(UNIT_INFORMATION / BLOCK)
    for b in range(sums.size):
        m0 = min(_CLIP, factor * weight[BLOCK * b])
        m1 = min(_CLIP, factor * weight[BLOCK * b + 1])
        m2 = min(_CLIP, factor * weight[BLOCK * b + 2])
        m3 = min(_CLIP, factor * weight[BLOCK * b + 3])
        sums[b] += np.int64(unit * (m0 * m0 + m1 * m1 + m2 * m2 + m3 * m3))

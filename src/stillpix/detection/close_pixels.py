"""Pixels close to a louder one in rendered photos, told from what that one spreads around it.

Demosaicing, sharpening and JPEG make a cross, a ring and lobes of one broken pixel. In the score
these are as loud as a second broken pixel, since what a photo says is clipped. Unfiltered they are
not: what a pixel spreads to its own side falls off steeply, without a second summit.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..evidence.evidence import Evidence
from .null import Peaks
from .views import View

WITHIN = 6  # px, Chebyshev, from a louder pixel
SUMMIT = 0.06  # of the largest summed residual there: lobes of lone pixels stayed below 0.05
OPPOSITE_FROM = 3  # px, where a summit to the other side is looked for: the ring ends before
FEWEST_SHOW = 4  # photos that show such a summit
OFTEN = 0.2  # of the photos that show the louder pixel: beside lone pixels it was 0.11 at most


def with_close_pixels(
    found: Peaks, evidence: Evidence, whole: View, closed: NDArray[np.bool_]
) -> Peaks:
    """Return peaks, loudest first, with the pixels close to them that are broken, too.

    These are summits of the summed residual, to the side of the louder pixel, and as loud as the
    faintest of the peaks. None is looked for at closed places, (height, width).
    """
    if not found.score.size:
        return found
    taken = set(zip(found.x.tolist(), found.y.tolist(), strict=True))
    more: list[tuple[int, int]] = []
    for x, y in sorted(taken):
        for column, row in _summits(evidence, x, y):
            beside = {(column + dx, row + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)}
            if not closed[row, column] and not beside & taken:
                taken.add((column, row))
                more.append((column, row))
    if not more:
        return found
    x, y = np.array(more, np.intp).T
    score = np.abs(whole.around_all(x, y, 0)[..., 0, 0]).max(axis=1).astype(np.float32)
    loud = score >= found.score.min()
    both = Peaks.of(x[loud], y[loud], score[loud])
    joined = Peaks(
        np.concatenate([found.x, both.x]), np.concatenate([found.y, both.y]),
        np.concatenate([found.score, both.score]), np.concatenate([found.view, both.view]),
    )  # fmt: skip
    return joined.only(np.lexsort((joined.x, joined.y, -joined.score)))


def _summits(evidence: Evidence, x: int, y: int) -> Iterator[tuple[int, int]]:
    """Yield x and y of the pixels around one that stand out more than those beside them."""
    reach = 2 * WITHIN
    left, top = max(x - reach, 0), max(y - reach, 0)
    near = slice(top, y + reach + 1), slice(left, x + reach + 1)
    shown = np.abs(evidence.shown[near])
    often = max(FEWEST_SHOW, OFTEN * abs(int(evidence.shown[y, x])))
    own = int(evidence.excess[y, x])
    signed = evidence.excess[near].astype(np.int64) * (1 if own >= 0 else -1)
    for part, nearest, clear in (
        (signed, 2, np.ones(shown.shape, np.bool_)),
        (-signed, OPPOSITE_FROM, shown >= often),
    ):
        rows, columns = np.nonzero((part >= max(SUMMIT * abs(own), 1)) & clear)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            far = max(abs(left + column - x), abs(top + row - y))
            if nearest <= far <= WITHIN and _is_summit(part, row, column):
                yield left + column, top + row


def _is_summit(part: NDArray[np.int64], row: int, column: int) -> bool:
    """Return whether none beside a pixel stands out more, and none near it far more."""
    beside, near = (
        part[max(row - far, 0) : row + far + 1, max(column - far, 0) : column + far + 1]
        for far in (1, WITHIN)
    )
    own = part[row, column]
    return bool(own >= beside.max() and own >= SUMMIT * np.abs(near).max())

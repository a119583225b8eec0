"""What the photos read so far tell for sure, and how much of what shows they would still miss.

Never sees a photo, and never decides what is listed: `decide` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from copy import copy
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ..evidence.evidence import Evidence
from ..evidence.periods import Periods
from ..evidence.sum_kernels import BLOCK, CLIP, UNIT_INFORMATION
from ..evidence.templates import factors_of
from ..frame import Exposure
from ..maps.records import BROKEN, DefectMap
from .decide import judged
from .kinds import heard_in
from .null import Null
from .settings import USUAL, DetectionSettings
from .tail import Tail

SHOWN_MOST = 0.9  # quantile of the photos: those above are the tenth in which a pixel shows most
MOST_BLOCKS = 250_000  # that are asked, evenly over the frame
STEPS_A_SIGMA = 16
BISECTIONS = 40
SAME_PLACE = 2  # px within which a pixel that was listed before is the same one

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Glance:
    """The map of the photos read so far, by all of them together, and how far it reaches.

    A pixel *shows* if it departs from its neighbours by as much as noise does (one sigma) in that
    tenth of the photos in which it should depart most.
    """

    found: DefectMap
    missed: float  # share of the pixels that show which a list would miss; 1: it cannot be told
    usual: float  # null sigmas that half of such pixels have at least

    def differs(self, before: Glance) -> bool:
        """Return whether a pixel that shows is listed only here, or only there."""
        return bool(_lone(self.found, before.found, self.usual)) or bool(
            _lone(before.found, self.found, self.usual)
        )


def glance(
    evidence: Evidence,
    exposures: Sequence[Exposure] = (),
    settings: DetectionSettings = USUAL,
    pool: Executor | None = None,
) -> Glance:
    """Return what the sums tell, without windows of time and without chroma, and how far it goes.

    `exposures` are those of photos that are still to be read: where a kind of defect shows most in
    them, the photos read so far tell the less of it.
    """
    made = judged(_of_all_time(evidence), settings, pool)
    if made.null is None or made.tail is None:
        return Glance(made.found, 1.0, np.inf)
    limit = _limit_of(made.tail, settings.fdr, len(made.found.in_state(*BROKEN)) + 1)
    shown = _weights_shown(evidence, [*evidence.exposures, *exposures])
    missed, usual = 0.0, np.inf
    for k in heard_in(evidence).tolist():
        scores = _scores_of_shown(evidence, made.null, k, float(shown[k]))
        missed = max(missed, missed_share(scores, limit))
        usual = min(usual, float(np.median(scores)) if scores.size else 0.0)
    return Glance(made.found, missed, usual)


def missed_share(scores: Floats, limit: float) -> float:
    """Return which share of pixels stays below the limit, in noise of one sigma.

    `scores` are those that they should have; 1 where there are none.

    >>> round(missed_share(np.array([5.0, 9.0]), 5.0), 3)
    0.25
    """
    if not scores.size or not np.isfinite(limit):
        return 1.0
    steps, counts = np.unique(np.rint((scores - limit) * STEPS_A_SIGMA), return_counts=True)
    below = np.array([NormalDist().cdf(-step / STEPS_A_SIGMA) for step in steps.tolist()])
    return float((below * counts).sum() / scores.size)


def _of_all_time(evidence: Evidence) -> Evidence:
    """Return the same sums without periods of time and without chroma, not copied."""
    light, periods = copy(evidence), evidence.periods
    light.planes = {}
    light.periods = Periods(
        periods.shape, periods.rows, evidence.templates, periods.stretches_s, kept=False
    )
    return light


def _limit_of(tail: Tail, fdr: float, listed: int) -> float:
    """Return the score from which one more find would be listed, with so many in the list."""
    allowed = fdr * listed
    counted = min(int(allowed * tail.share), tail.peaks.size)
    loudest = float(tail.peaks[-counted - 1]) if counted < tail.peaks.size else 0.0
    with np.errstate(invalid="ignore"):
        fitted = float(tail.score_of(np.array([allowed]))[0])
    return max(fitted, loudest)


def _weights_shown(evidence: Evidence, at_hand: Sequence[Exposure]) -> Floats:
    """Return the weight of each template in the photos at hand in which it shows most.

    A photo's weight is in proportion to the template's factor, up to CLIP. What the factor is
    multiplied by at the usual place follows from the weights that were added up.
    """
    read = factors_of(evidence.exposures, evidence.templates)
    most = np.quantile(factors_of(at_hand, evidence.templates), SHOWN_MOST, axis=0)
    told = np.median(evidence.information, axis=(1, 2)) / UNIT_INFORMATION
    low, high = np.zeros(len(told)), CLIP / read.min(axis=0)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        less = (np.minimum(middle * read, CLIP) ** 2).sum(axis=0) < told
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    return np.asarray(np.minimum(high * most, CLIP), np.float64)


def _scores_of_shown(evidence: Evidence, null: Null, k: int, weight: float) -> Floats:
    """Return the null sigmas of a pixel that shows, by one template, all over the frame."""
    down, across = evidence.information.shape[1:]
    step = max(1, int((down * across / MOST_BLOCKS) ** 0.5))
    blocks = np.ix_(np.arange(0, down, step), np.arange(0, across, step))
    height, width = null.masked.shape
    y = np.minimum(blocks[0] * BLOCK + BLOCK // 2, height - 1)
    x = np.minimum(blocks[1] * BLOCK + BLOCK // 2, width - 1)
    spread = np.sqrt(null.weight[k][blocks] / UNIT_INFORMATION)
    strips = np.minimum(y // null.zone, null.zones.shape[1] - 1)
    sigmas = null.scale[k][y % null.grid, x] * null.zones[k][strips, x] * null.lines[k][y]
    told = evidence.information[k][blocks] / UNIT_INFORMATION / weight
    return np.asarray((told / spread * sigmas)[~null.masked[y, x]], np.float64)


def _lone(found: DefectMap, other: DefectMap, least: float) -> list[tuple[int, int]]:
    """Return the places of broken pixels, so loud at least, that another map does not have."""
    theirs = np.array([(one.x, one.y) for one in other.defects], np.int64).reshape(-1, 2)
    return [
        (one.x, one.y)
        for one in found.in_state(*BROKEN)
        if one.run is None
        and one.score >= least
        and not (np.abs(theirs - (one.x, one.y)) <= SAME_PLACE).all(axis=1).any()
    ]

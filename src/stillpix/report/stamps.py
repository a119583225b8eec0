"""The average response of a place and its surroundings over all photos, from the evidence's sums.

Never reads photos, and never decides what is broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..detection.null import Null, null_of, window
from ..evidence.evidence import Evidence
from ..evidence.measures import Place
from ..evidence.sum_kernels import BLOCK, CLIP, UNIT, UNIT_INFORMATION

REACH = 7  # px around the place: dust and the corner of a date stamp are seen whole


@dataclass(frozen=True, slots=True, eq=False)
class Stamp:
    """The mean response around one place, and how well each template explains the middle."""

    response: NDArray[np.float64]  # sigmas a photo, (2 REACH + 1, 2 REACH + 1); 0 beyond the frame
    scores: tuple[float, ...]  # null sigmas, signed, one per template


def stamps_of(evidence: Evidence, places: Sequence[Place]) -> list[Stamp]:
    """Return the stamp of each place, by the template that explains it best."""
    if not places:
        return []
    null = null_of(
        evidence.scores, evidence.information, grid=evidence.rules.grid, edges=evidence.edges
    )
    stamps = []
    for x, y in places:
        scores = window([evidence.scores], null, x, y, 0)[:, 0, 0]
        loudest = int(np.abs(scores).argmax())
        response = mean_response(evidence, null, loudest, (x, y))
        stamps.append(Stamp(response, tuple(map(float, scores))))
    return stamps


def mean_response(
    evidence: Evidence, null: Null, template: int, place: Place, reach: int = REACH
) -> NDArray[np.float64]:
    """Return the mean response around a place in sigmas a photo, (2 reach + 1, 2 reach + 1).

    The photos weigh as the template says: the sum of m psi over the root of the photos times the
    sum of m^2 (docs/statistics.md). No photo says more than CLIP sigmas, and where it seems so
    (the sum of m^2 is a mean over blocks) it is cut off. Beyond the frame it is 0.
    """
    if not 0 <= template < len(evidence.templates):
        raise ValueError(f"there is no template {template}")
    x, y = place
    rows, columns = np.arange(y - reach, y + reach + 1), np.arange(x - reach, x + reach + 1)
    height, width = evidence.scores.shape[1:]
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    rows, columns = rows.clip(0, height - 1), columns.clip(0, width - 1)
    across = np.minimum(columns // BLOCK, null.weight.shape[2] - 1)
    full = null.weight[template][np.ix_(rows // BLOCK, across)] / UNIT_INFORMATION
    summed = evidence.scores[template][np.ix_(rows, columns)] / UNIT
    response = (summed / np.sqrt(full * max(evidence.scenes, 1))).clip(-CLIP, CLIP)
    return np.where(inside, response, 0.0)

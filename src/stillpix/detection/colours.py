"""One competition of luma and chroma: each response is listed once, whatever shows it loudest.

A blue or red photosite shows in Cb or Cr rather than in luma. Never tells a photosite's colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..evidence.chroma import PITCH, PLANES, halved
from ..evidence.evidence import Evidence
from ..evidence.stillness import widened
from ..evidence.sum_kernels import EDGE
from .null import Null, Peaks, null_of
from .ranking import EXPLAINED_BELOW, EXPLAINED_WITHIN, ranked
from .settings import DetectionSettings
from .tail import Tail
from .views import View, near_by, whole_of

LUMA = 0  # number of the source that is the luma; Cb and Cr follow
# Times as rare as a peak of the luma one of the chroma must be: most defects show in luma.
CHROMA_RARER = 400.0
# Samples of a plane below which its decoys are too few to tell how rare a peak is.
FEWEST_SAMPLES = 20_000
# Px more beside what never moves: a block of chroma, and its predictor's reach, are twice as wide.
MARGIN_OF_CHROMA = 8
JOINED_WITHIN = 3.5  # px from the middle of a chroma sample to the luma of the same response


@dataclass(frozen=True, slots=True)
class Source:
    """What the luma or one plane of the chroma says: its peaks, one a response."""

    evidence: Evidence
    found: Peaks
    tail: Tail
    views: Sequence[View]
    rarer: float

    def expected(self) -> NDArray[np.float64]:
        """Return how many false peaks each would count for."""
        return self.rarer * self.tail.expected(self.found.score)


@dataclass(slots=True)
class Response:
    """One broken pixel, as its loudest peak has it."""

    source: int  # number of the source in which it is rarest
    peak: int  # its number there
    x: float  # px of the photo; the middle of a chroma sample
    y: float
    score: float
    rarity: float
    luma: int | None  # number of its peak in luma, where it has one


def sources_of(
    evidence: Evidence, null: Null, settings: DetectionSettings, pool: Executor | None = None
) -> list[Source]:
    """Return what stands out in luma and, where enough photos have it, in the chroma."""
    found, tail, views = ranked(evidence, whole_of(evidence, null), settings, pool)
    sources = [Source(evidence, found, tail, views, 1.0)]
    planes = [evidence.planes[name] for name in PLANES if name in evidence.planes]
    masked = null.masked
    if planes:
        masked = halved(masked | widened(null.still, MARGIN_OF_CHROMA))
    for plane in planes:
        small = masked.size < FEWEST_SAMPLES or min(masked.shape) <= 2 * EDGE
        if small or plane.scenes < settings.fewest_scenes:
            continue
        own = null_of(plane.scores, plane.information, pool, plane.rules.grid, masked, plane.edges)
        peaks, tail, views = ranked(plane, whole_of(plane, own), settings, pool)
        sources.append(Source(plane, peaks, tail, views, CHROMA_RARER))
    return sources


def responses_of(sources: Sequence[Source]) -> tuple[list[Response], NDArray[np.float64]]:
    """Return the responses, the rarest first, and how many false ones to expect down to each.

    A source in which peaks must be so many times as rare adds so much less to these.
    """
    kept: list[Response] = []
    near = _Near()
    for each in _candidates(sources):
        if each.source == LUMA:
            other = near.without_luma(each)
            if other is not None:
                other.luma = each.peak
                continue
        elif any(_explains(sources, other, each) for other in near.around(each)):
            continue
        kept.append(each)
        near.add(each)
    rarity = np.array([each.rarity for each in kept])
    return kept, rarity * sum(1 / source.rarer for source in sources)


def _candidates(sources: Sequence[Source]) -> list[Response]:
    """Return all peaks of all sources, the rarest first; of equals the loudest."""
    all_of_them = []
    for number, source in enumerate(sources):
        pitch, middle = (1, 0.0) if number == LUMA else (PITCH, (PITCH - 1) / 2)
        rarity = np.maximum.accumulate(source.expected())
        for i, (x, y, score) in enumerate(
            zip(source.found.x, source.found.y, source.found.score, strict=True)
        ):
            luma = i if number == LUMA else None
            place = pitch * int(x) + middle, pitch * int(y) + middle
            all_of_them.append(Response(number, i, *place, float(score), float(rarity[i]), luma))
    if len(sources) == 1:
        return all_of_them
    return sorted(all_of_them, key=lambda each: (each.rarity, -each.score, each.source, each.peak))


def _explains(sources: Sequence[Source], one: Response, other: Response) -> bool:
    """Return whether a peak of the chroma is of a response that is kept, or its halo."""
    if distance(one, other) <= JOINED_WITHIN:
        return True
    evidence = sources[other.source].evidence
    here, there = (
        int(np.abs(near_by(evidence.excess, *cell)).max()) for cell in map(cell_of, (other, one))
    )
    return here < EXPLAINED_BELOW[1] * there


def distance(one: Response, other: Response) -> float:
    """Return how far two responses are apart, px, along the row or the column."""
    return max(abs(one.x - other.x), abs(one.y - other.y))


def cell_of(response: Response) -> tuple[int, int]:
    """Return the sample of the chroma that a response lies in, x and y."""
    return int(response.x) // PITCH, int(response.y) // PITCH


class _Near:
    """The responses that are kept, by where they are."""

    side = PITCH * EXPLAINED_WITHIN  # px

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], list[Response]] = {}

    def add(self, response: Response) -> None:
        """Keep one."""
        cell = int(response.x) // self.side, int(response.y) // self.side
        self.cells.setdefault(cell, []).append(response)

    def around(self, response: Response) -> Iterator[Response]:
        """Yield those so near that they may explain another one."""
        column, row = int(response.x) // self.side, int(response.y) // self.side
        for r in (row - 1, row, row + 1):
            for c in (column - 1, column, column + 1):
                for other in self.cells.get((c, r), ()):
                    if distance(other, response) <= self.side:
                        yield other

    def without_luma(self, response: Response) -> Response | None:
        """Return the nearest that the chroma told, and no luma yet, if a luma peak is of it."""
        near = [
            other
            for other in self.around(response)
            if other.luma is None and distance(other, response) <= JOINED_WITHIN
        ]
        return min(near, key=lambda other: distance(other, response), default=None)

"""Which peaks stand out, the loudest first, and how many false ones to expect among them.

Compares the peaks of an evidence with those of its decoys, each by the same tests. Never decides
which are listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from ..evidence.evidence import Evidence
from ..evidence.mosaic_kernels import LIMIT
from ..evidence.stillness import widened
from .close_pixels import with_close_pixels
from .echoes import without_echoes
from .kinds import RING_TO, heard_in, is_single, only_darks
from .null import APART, NO_PEAKS, Peaks, burst_floor, burst_peaks, null_of, peaks_of
from .rings import at_their_pixels
from .settings import DetectionSettings
from .tail import Tail, not_steeper, tail_of, tail_of_few
from .views import View, decoy_views_of, fewest_of, near_by, views_of

EXPLAINED_WITHIN = 6  # px, Chebyshev: demosaicing, sharpening and the predictor's own reach
EXPLAINED_BELOW = (0.5, 0.2)  # of the stronger peak's score, of its summed residual
# px, share of the score: what a photosite does to those of its colour, whose predictions it moves.
# What stands out to the same side as a louder one is no such trace, but may be what that one leaks.
EXPLAINED_IN_MOSAIC, LEAKED_IN_MOSAIC = (2, 0.3), 0.15
BLOCK_WITHIN = 16  # px: what JPEG spreads over its blocks
BLOCK_BELOW = 0.03  # of the stronger peak's summed residual
WINDOW_RARER = 4.0  # times as rare as a peak of all photos one of a window of them must be
# Px beside what never moves where the ragged edge of a hood may still show, and what a score counts
# there; an edge around black is none.
RAGGED, COUNTS_BESIDE = 8, 0.5
TOGETHER = 512  # peaks whose surroundings are looked at at once
FARTHER, NEARLY = 2.0, 0.8  # times the residual and the score of a peak, for it to be beside it
# Times at most that decoys are made without what is surely broken, and the rate of those: the same
# whatever rate a list is asked for.
CLEANED, SURE = 3, 0.01

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _OwnPeaks:
    """Whatever is above the floors: of the scores in any view, and of a mosaic's bursts."""

    views: list[View]
    scores: list[Peaks]  # by view
    bursts: Peaks
    burst_floor: float
    closed: Mask  # where a louder one's surroundings are not looked at


@dataclass(frozen=True, slots=True)
class _DecoyPeaks:
    """The same of the decoys, and how many pixels these are."""

    scores: list[Peaks]
    bursts: Peaks
    pixels: int
    share: float  # of the pixels that the evidence's own peaks come from


def ranked(
    evidence: Evidence, whole: View, settings: DetectionSettings, pool: Executor | None = None
) -> tuple[Peaks, Tail, list[View]]:
    """Return the peaks that a list may hold, one a response, and how many false ones to expect.

    Returned, too, are the views that they are loudest in, the first of all photos. Decoys are made
    again without the surest finds: what these say is no sound pixel's, wherever it is moved to.
    """
    left_out = whole.null.masked | evidence.still.never_shows(evidence.scenes)
    if _are_told(evidence, settings):
        whole = replace(whole, shown=evidence.shown)
    own = _own_peaks(evidence, whole, settings, pool)
    found, tail = _ranked_without(evidence, own, left_out, settings, pool)
    for _ in range(CLEANED):
        sure = found.only(rates(found, tail) <= SURE)
        if not _leave_out(left_out, sure, evidence.rules.found_within):
            break
        found, tail = _ranked_without(evidence, own, left_out, settings, pool)
    return found, tail, own.views


def q_values(expected: NDArray[np.float64], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return at which false-discovery rate each of the ranked finds would just be listed.

    `expected` is the number of false finds at least as loud; only `counted` ones have a rank.

    >>> q_values(np.array([0.01, 0.3, 0.4]), np.array([True, True, True])).round(3).tolist()
    [0.01, 0.133, 0.133]
    """
    rate = expected / np.maximum(np.cumsum(counted), 1)
    return np.minimum(np.minimum.accumulate(rate[::-1])[::-1], 1.0)


def rates(found: Peaks, tail: Tail) -> NDArray[np.float64]:
    """Return the q-values of ranked peaks, all of them counted."""
    return q_values(tail.expected(found.score), np.ones(found.score.size, np.bool_))


def _ranked_without(
    evidence: Evidence, own: _OwnPeaks, left_out: Mask, settings: DetectionSettings,
    pool: Executor | None,
) -> tuple[Peaks, Tail]:  # fmt: skip
    """Return the peaks and their tail, by decoys of all that is not left out.

    A window's score counts as the score of all photos above which there are as many decoys: few
    photos of unlike weight have a heavier tail. So does a mosaic's burst.
    """
    moved = _decoy_peaks(evidence, left_out, own.burst_floor, settings, pool)
    apart, floor = _apart(evidence), settings.floor
    tails = [tail_of(peaks, floor, moved.share) for peaks in moved.scores]
    found, decoys = (
        loudest_of(
            [
                peaks
                if tail is tails[0]
                else _as_scores(peaks, tail, tails[0], floor, WINDOW_RARER)
                for peaks, tail in zip(views, tails, strict=True)
            ],
            apart,
        )
        for views in (own.scores, moved.scores)
    )
    if only_darks(evidence) and not _are_told(evidence, settings):
        tail = tail_of_few(decoys, moved.pixels, moved.share)
        return _single(evidence, own, _listable(found, tail, settings)), tail
    tail = tail_of(decoys, floor, moved.share)
    if own.bursts.score.size:
        bursts = tail_of(moved.bursts, own.burst_floor, moved.share)
        rare = not_steeper(bursts, LIMIT**2, moved.pixels)
        found = louder_of(found, _as_scores(own.bursts, rare, tail, floor))
        decoys = louder_of(decoys, _as_scores(moved.bursts, rare, tail, floor))
        tail = tail_of(decoys, floor, moved.share)
    return _single(evidence, own, _listable(found, tail, settings)), tail


def _are_told(evidence: Evidence, settings: DetectionSettings) -> bool:
    """Return whether these are so many dark frames that chance is told by how many show a place."""
    return only_darks(evidence) and evidence.scenes >= settings.fewest_scenes


def _own_peaks(
    evidence: Evidence, whole: View, settings: DetectionSettings, pool: Executor | None
) -> _OwnPeaks:
    apart, views = _apart(evidence), [whole]
    beside = widened(evidence.still.ragged(whole.null.still, evidence.scenes), RAGGED)
    heard = heard_in(evidence)
    loud = peaks_of(evidence.scores, whole.null, settings.floor, pool, apart, 0, heard)
    peaks = [_quieter(loud, beside, settings.floor)]
    for view, sums in views_of(evidence, whole.null.masked, pool):
        loud = peaks_of(sums, view.null, settings.floor, pool, apart, len(views))
        peaks.append(_quieter(loud, beside, settings.floor))
        views.append(view)
    # In dark frames a cosmic ray says too much, and every defect shows in all of them.
    if not evidence.rules.bursts or evidence.darks:
        return _OwnPeaks(views, peaks, NO_PEAKS, 0.0, whole.null.masked | beside)
    floor = burst_floor(evidence.bursts)
    bursts = burst_peaks(evidence.bursts, evidence.scores, evidence.information, floor)
    bursts = _where(bursts, ~whole.null.masked)
    return _OwnPeaks(views, peaks, bursts, floor, whole.null.masked)


def _decoy_peaks(
    evidence: Evidence, left_out: Mask, floor: float, settings: DetectionSettings,
    pool: Executor | None,
) -> _DecoyPeaks:  # fmt: skip
    decoys, apart = evidence.decoys(left_out, pool), _apart(evidence)
    scores, information = decoys.scores, decoys.information
    grid, edges = evidence.rules.grid, evidence.edges_of_decoys
    null = null_of(scores, information, pool, grid, decoys.masked, edges)
    numbers, fewest = tuple(range(len(scores))), fewest_of(evidence)
    shown = decoys.shown if len(decoys.shown) and _are_told(evidence, settings) else None
    whole = View(null, evidence.scenes, (scores,), 1, numbers, fewest, shown)
    loud = peaks_of(scores, null, settings.floor, pool, apart, 0, heard_in(evidence))
    alone = [_standing_alone(evidence, [whole], loud, pool)]
    for view, sums in decoy_views_of(evidence, left_out, pool):
        peaks = peaks_of(sums, view.null, settings.floor, pool, apart)
        alone.append(_standing_alone(evidence, [view], peaks, pool))
    bursts = NO_PEAKS
    if floor:
        bursts = _where(burst_peaks(decoys.bursts, scores, information, floor), ~decoys.masked)
        bursts = _standing_alone(evidence, [whole], bursts, pool)
    pixels = int((~decoys.masked).sum())
    share = max(pixels, 1) / max(int((~left_out).sum()), 1)
    return _DecoyPeaks(alone, bursts, pixels, share)


def _quieter(peaks: Peaks, beside: Mask, floor: float) -> Peaks:
    """Return peaks with less of a score beside what never moves, above the floor, loudest first."""
    near = beside[peaks.y, peaks.x]
    score = np.where(near, np.float32(COUNTS_BESIDE), np.float32(1)) * peaks.score
    quieter = replace(peaks, score=score)
    return quieter.only(np.lexsort((peaks.x, peaks.y, -score))).only(slice((score > floor).sum()))


def _single(evidence: Evidence, own: _OwnPeaks, found: Peaks) -> Peaks:
    """Keep one peak a response, and of those the ones that are of a single pixel."""
    if evidence.rules.spreads:
        found = _settled(evidence, own.views, found)
    if evidence.sensor.picture == "field":
        found = at_their_pixels(found, own.views, evidence.excess)
    found = one_a_response(found, evidence)
    if evidence.sensor.is_video:  # faint echoes, too, tell at which distance they are
        found = without_echoes(found, evidence.excess[found.y, found.x])
    elif evidence.rules.spreads and not evidence.of_chroma:
        found = with_close_pixels(found, evidence, own.views[0], own.closed)
    return _standing_alone(evidence, own.views, found)


def _settled(evidence: Evidence, views: Sequence[View], found: Peaks) -> Peaks:
    """Return peaks at the pixel of their response that departs most, unfiltered.

    What a photo says is clipped, so that a pixel that blazes and those beside it are as loud.
    """
    x, y = found.x.copy(), found.y.copy()
    places = zip(found.x.tolist(), found.y.tolist(), found.view.tolist(), strict=True)
    for i, (column, row, number) in enumerate(places):
        near = np.abs(near_by(evidence.excess, column, row))
        dy, dx = np.divmod(int(near.argmax()), 3)
        loud = np.abs(views[number].around(column, row, 1)).max(0)
        if near[dy, dx] > FARTHER * near[1, 1] and loud[dy, dx] > NEARLY * loud[1, 1]:
            x[i], y[i] = column + dx - 1, row + dy - 1
    return replace(found, x=x, y=y)


def _standing_alone(
    evidence: Evidence, views: Sequence[View], peaks: Peaks, pool: Executor | None = None
) -> Peaks:
    """Keep the peaks whose surroundings do not stand out with them: no star, no dust, no edge."""
    kept = np.zeros(peaks.score.size, np.bool_)

    def look(number: int, some: NDArray[np.intp]) -> None:
        view, x, y = views[number], peaks.x[some], peaks.y[some]
        around = view.around_all(x, y, RING_TO)
        loudest = np.abs(around[..., RING_TO, RING_TO]).argmax(axis=1)
        single = is_single(evidence, around[np.arange(some.size), loudest], view.photos)
        kept[some] = single & view.agreed(x, y)

    of_views = [np.flatnonzero(peaks.view == number) for number in range(len(views))]
    parts = [
        (number, of_view[start : start + TOGETHER])
        for number, of_view in enumerate(of_views)
        for start in range(0, of_view.size, TOGETHER)
    ]
    list((map if pool is None else pool.map)(lambda part: look(*part), parts))
    return peaks.only(kept)


def _leave_out(left_out: Mask, found: Peaks, reach: int) -> bool:
    """Leave out the pixels that show some finds, too; return whether any were not left out yet."""
    more = False
    for x, y in zip(found.x.tolist(), found.y.tolist(), strict=True):
        near = left_out[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
        more = more or not near.all()
        near[:] = True
    return more


def one_a_response(found: Peaks, evidence: Evidence) -> Peaks:
    """Keep one peak a response.

    A strong defect is a cross with arms, a negative ring, a halo and traces in its JPEG blocks: a
    weaker peak nearby stands only where it is more than those explain.
    """
    if not evidence.rules.spreads:
        return _one_a_place(found, evidence)
    residual = np.abs(evidence.excess[found.y, found.x])
    cells: dict[tuple[int, int], list[int]] = {}
    kept = []
    for i in range(found.score.size):
        x, y = int(found.x[i]), int(found.y[i])
        column, row = x // BLOCK_WITHIN, y // BLOCK_WITHIN
        near = (
            j for r in (-1, 0, 1) for c in (-1, 0, 1) for j in cells.get((column + c, row + r), ())
        )
        for j in near:
            distance = max(abs(x - int(found.x[j])), abs(y - int(found.y[j])))
            weak = found.score[i] < EXPLAINED_BELOW[0] * found.score[j]
            faint = residual[i] < EXPLAINED_BELOW[1] * residual[j]
            trace = residual[i] < BLOCK_BELOW * residual[j]
            if (distance <= EXPLAINED_WITHIN and (weak or faint)) or (
                distance <= BLOCK_WITHIN and trace
            ):
                break
        else:
            kept.append(i)
            cells.setdefault((column, row), []).append(i)
    return found.only(kept)


def _one_a_place(found: Peaks, evidence: Evidence) -> Peaks:
    """Keep what is more than a stronger peak's trace in the predictions of its neighbours."""
    within, below = EXPLAINED_IN_MOSAIC
    louder: dict[tuple[int, int], tuple[float, bool]] = {}
    kept = []
    bright = evidence.excess[found.y, found.x] >= 0
    places = zip(found.x.tolist(), found.y.tolist(), found.score.tolist(), bright, strict=True)
    for i, (x, y, score, side) in enumerate(places):
        near = (
            louder.get((x + dx, y + dy), (0.0, False))
            for dy in range(-within, within + 1)
            for dx in range(-within, within + 1)
        )
        if all(
            score >= other * (LEAKED_IN_MOSAIC if side == its else below) for other, its in near
        ):
            kept.append(i)
            louder[x, y] = score, side
    return found.only(kept)


def louder_of(one: Peaks, other: Peaks) -> Peaks:
    """Return the peaks of both, each place once with its louder score, loudest first.

    >>> at = np.array([3, 5])
    >>> one = Peaks.of(at, at, np.array([7.0, 5.0], np.float32))
    >>> both = louder_of(one, Peaks.of(at[1:], at[1:], np.array([9.0], np.float32), view=2))
    >>> both.x.tolist(), both.score.tolist(), both.view.tolist()
    ([5, 3], [9.0, 7.0], [2, 0])
    """
    both = Peaks(
        np.concatenate([one.x, other.x]), np.concatenate([one.y, other.y]),
        np.concatenate([one.score, other.score]), np.concatenate([one.view, other.view]),
    )  # fmt: skip
    both = both.only(np.lexsort((both.view, both.x, both.y, -both.score)))
    places = both.y.astype(np.int64) << 32 | both.x  # one number is sorted in a tenth of the time
    return both.only(np.sort(np.unique(places, return_index=True)[1]))


def loudest_of(views: Sequence[Peaks], apart: int) -> Peaks:
    """Return the peaks of several views, none within `apart` px of a louder one, loudest first.

    >>> one, other = (
    ...     Peaks.of(np.array([x]), np.array([9]), np.array([score], np.float32), view)
    ...     for view, (x, score) in enumerate([(40, 6.0), (41, 8.0)])
    ... )
    >>> loudest_of([one, other], 2).x.tolist(), loudest_of([one, other], 0).x.tolist()
    ([41], [41, 40])
    """
    found = reduce(louder_of, views)
    if len(views) == 1 or not apart:
        return found
    taken: set[tuple[int, int]] = set()
    kept = []
    steps = [(dx, dy) for dx in range(-apart, apart + 1) for dy in range(-apart, apart + 1)]
    for i, (x, y) in enumerate(zip(found.x.tolist(), found.y.tolist(), strict=True)):
        if (x, y) not in taken:
            kept.append(i)
        taken.update((x + dx, y + dy) for dx, dy in steps)
    return found.only(kept)


def _apart(evidence: Evidence) -> int:
    """Return how far peaks must stand apart, in px."""
    return APART if evidence.rules.spreads else 0


def _listable(found: Peaks, tail: Tail, settings: DetectionSettings) -> Peaks:
    """Return the peaks without the last ones, which no list holds: too many of them are false."""
    number = int((rates(found, tail) <= max(10 * settings.fdr, SURE)).sum())
    return found.only(slice(number))


def _as_scores(peaks: Peaks, rare: Tail, tail: Tail, floor: float, rarer: float = 1.0) -> Peaks:
    """Return peaks with the scores that are as rare among decoys, where above the floor.

    They count as if there were `rarer` times as many.
    """
    score = tail.score_of(rare.fitted(peaks.score) * rarer)
    return replace(peaks, score=score).only(score > floor)


def _where(peaks: Peaks, wanted: NDArray[np.bool_]) -> Peaks:
    return peaks.only(wanted[peaks.y, peaks.x])

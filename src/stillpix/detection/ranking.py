"""Which peaks stand out, the loudest first, and how many false ones to expect among them.

Compares the peaks of an evidence with those of its decoys, each by the same tests. Never decides
which are listed.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..evidence.evidence import Evidence
from ..evidence.mosaic_kernels import LIMIT
from ..evidence.sum_kernels import CLIP, UNIT_INFORMATION
from .kinds import MUTE, RING_TO, is_alone, is_blob, is_point
from .null import APART, NO_PEAKS, Null, Peaks, burst_floor, burst_peaks, null_of, peaks_of, window
from .settings import DetectionSettings
from .tail import Tail, not_steeper, tail_of, tail_of_few

EXPLAINED_WITHIN = 6  # px, Chebyshev: demosaicing, sharpening and the predictor's own reach
EXPLAINED_BELOW = (0.5, 0.2)  # of the stronger peak's score, of its summed residual
EXPLAINED_IN_MOSAIC = (2, 0.3)  # px, share of the score: its same-colour neighbours' predictions
BLOCK_WITHIN = 16  # px: what JPEG spreads over its blocks
BLOCK_BELOW = 0.03  # of the stronger peak's summed residual
CLEANED = 3  # times at most that decoys are made without what is surely broken

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _OwnPeaks:
    """Whatever is above the floors: of the scores, and of a mosaic's bursts."""

    scores: Peaks
    bursts: Peaks
    burst_floor: float


@dataclass(frozen=True, slots=True)
class _DecoyPeaks:
    """The same of the decoys, and how many pixels these are."""

    scores: Peaks
    bursts: Peaks
    pixels: int
    share: float  # of the pixels that the evidence's own peaks come from


def ranked(
    evidence: Evidence, null: Null, settings: DetectionSettings, pool: Executor | None = None
) -> tuple[Peaks, Tail]:
    """Return the peaks that a list may hold, one a response, and how many false ones to expect.

    Decoys are made again without the surest finds: what these say is no sound pixel's, wherever
    it is moved to.
    """
    left_out = null.masked | evidence.still.never_shows(evidence.scenes)
    own = _own_peaks(evidence, null, settings, pool)
    sure = np.zeros_like(left_out)
    found, tail = _ranked_without(evidence, null, own, left_out, settings, pool)
    for _ in range(CLEANED):
        wider = sure | _around(found, rates(found, tail) <= settings.fdr, evidence)
        if (wider == sure).all():
            break
        sure = wider
        found, tail = _ranked_without(evidence, null, own, left_out | sure, settings, pool)
    return found, tail


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
    evidence: Evidence, null: Null, own: _OwnPeaks, left_out: Mask, settings: DetectionSettings,
    pool: Executor | None,
) -> tuple[Peaks, Tail]:  # fmt: skip
    """Return the peaks and their tail, by decoys of all that is not left out.

    A mosaic's burst counts as the score above which there are as many decoys.
    """
    moved = _decoy_peaks(evidence, left_out, own.burst_floor, settings, pool)
    decoys = moved.scores
    if evidence.darks == evidence.scenes < settings.fewest_scenes:
        tail = tail_of_few(decoys, moved.pixels, moved.share)
        return _single(evidence, null, _listable(own.scores, tail, settings)), tail
    tail = tail_of(decoys, settings.floor, moved.share)
    found = own.scores
    if own.bursts.score.size:
        bursts = tail_of(moved.bursts, own.burst_floor, moved.share)
        rare = not_steeper(bursts, LIMIT**2, moved.pixels)
        found = louder_of(found, _as_scores(own.bursts, rare, tail, settings.floor))
        decoys = louder_of(decoys, _as_scores(moved.bursts, rare, tail, settings.floor))
        tail = tail_of(decoys, settings.floor, moved.share)
    return _single(evidence, null, _listable(found, tail, settings)), tail


def _own_peaks(
    evidence: Evidence, null: Null, settings: DetectionSettings, pool: Executor | None
) -> _OwnPeaks:
    scores = peaks_of(evidence.scores, null, settings.floor, pool, _apart(evidence))
    scores = _heard(evidence, evidence.scores, null, scores, settings.floor)
    # In dark frames a cosmic ray says too much, and every defect shows in all of them.
    if not evidence.rules.bursts or evidence.darks:
        return _OwnPeaks(scores, NO_PEAKS, 0.0)
    floor = burst_floor(evidence.bursts)
    bursts = burst_peaks(evidence.bursts, evidence.scores, evidence.information, floor)
    return _OwnPeaks(scores, _where(bursts, ~null.masked), floor)


def _decoy_peaks(
    evidence: Evidence, left_out: Mask, floor: float, settings: DetectionSettings,
    pool: Executor | None,
) -> _DecoyPeaks:  # fmt: skip
    decoys = evidence.decoys(left_out)
    scores, information = decoys.scores, decoys.information
    null = null_of(scores, information, pool, evidence.rules.grid, decoys.masked)
    peaks = peaks_of(scores, null, settings.floor, pool, _apart(evidence))
    peaks = _heard(evidence, scores, null, peaks, settings.floor)
    bursts = NO_PEAKS
    if floor:
        bursts = _where(burst_peaks(decoys.bursts, scores, information, floor), ~decoys.masked)
        bursts = _standing_alone(evidence, scores, null, bursts)
    pixels = int((~decoys.masked).sum())
    share = max(pixels, 1) / max(int((~left_out).sum()), 1)
    return _DecoyPeaks(_standing_alone(evidence, scores, null, peaks), bursts, pixels, share)


def _single(evidence: Evidence, null: Null, found: Peaks) -> Peaks:
    """Keep one peak a response, and of those the ones that are of a single pixel."""
    return _standing_alone(evidence, evidence.scores, null, one_a_response(found, evidence))


def _heard(
    evidence: Evidence, scores: NDArray[np.int32], null: Null, peaks: Peaks, floor: float
) -> Peaks:
    """Return peaks of rendered photos without the templates by which nearly nothing was said.

    Where all photos but one are black, what that one says of a wrong response is stretched to many
    sigmas.
    """
    heard = evidence.information.mean(axis=(1, 2)) >= MUTE * CLIP**2 * UNIT_INFORMATION
    if not evidence.rules.spreads or heard.all():
        return peaks
    places = zip(peaks.x.tolist(), peaks.y.tolist(), strict=True)
    each = [np.abs(window(scores, null, x, y, 0)[heard]).max(initial=0.0) for x, y in places]
    score = np.array(each, np.float32)
    order = np.lexsort((peaks.x, peaks.y, -score))
    order = order[score[order] > floor]
    return Peaks(peaks.x[order], peaks.y[order], score[order])


def _standing_alone(
    evidence: Evidence, scores: NDArray[np.int32], null: Null, peaks: Peaks
) -> Peaks:
    """Keep the peaks whose surroundings do not stand out with them: no star, no dust, no edge."""
    most = LIMIT * evidence.scenes**0.5
    kept = []
    for i, (x, y) in enumerate(zip(peaks.x.tolist(), peaks.y.tolist(), strict=True)):
        around = window(scores, null, x, y, RING_TO)
        loudest = around[np.abs(around[:, RING_TO, RING_TO]).argmax()]
        spreads = evidence.rules.spreads
        if is_point(loudest) and (
            spreads or (is_alone(loudest, most) and not is_blob(loudest, most))
        ):
            kept.append(i)
    return Peaks(peaks.x[kept], peaks.y[kept], peaks.score[kept])


def _around(found: Peaks, wanted: Mask, evidence: Evidence) -> Mask:
    """Return the pixels that show some of the finds, (height, width)."""
    reach = evidence.rules.found_within
    near = np.zeros((evidence.sensor.height, evidence.sensor.width), np.bool_)
    for x, y in zip(found.x[wanted].tolist(), found.y[wanted].tolist(), strict=True):
        near[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1] = True
    return near


def one_a_response(found: Peaks, evidence: Evidence) -> Peaks:
    """Keep one peak a response.

    A strong defect is a cross with arms, a negative ring, a halo and traces in its JPEG blocks: a
    weaker peak nearby stands only where it is more than those explain.
    """
    if not evidence.rules.spreads:
        return _one_a_place(found)
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
    return Peaks(found.x[kept], found.y[kept], found.score[kept])


def _one_a_place(found: Peaks) -> Peaks:
    """Keep what is more than a stronger peak's trace in the predictions of its neighbours."""
    within, below = EXPLAINED_IN_MOSAIC
    louder: dict[tuple[int, int], float] = {}
    kept = []
    for i, (x, y, score) in enumerate(zip(found.x, found.y, found.score.tolist(), strict=True)):
        near = (
            louder.get((int(x) + dx, int(y) + dy), 0.0)
            for dy in range(-within, within + 1)
            for dx in range(-within, within + 1)
        )
        if score >= below * max(near):
            kept.append(i)
            louder[int(x), int(y)] = score
    return Peaks(found.x[kept], found.y[kept], found.score[kept])


def louder_of(one: Peaks, other: Peaks) -> Peaks:
    """Return the peaks of both, each place once with its louder score, loudest first.

    >>> at = np.array([3, 5])
    >>> one = Peaks(at, at, np.array([7.0, 5.0], np.float32))
    >>> both = louder_of(one, Peaks(at[1:], at[1:], np.array([9.0], np.float32)))
    >>> both.x.tolist(), both.score.tolist()
    ([5, 3], [9.0, 7.0])
    """
    x, y = np.concatenate([one.x, other.x]), np.concatenate([one.y, other.y])
    score = np.concatenate([one.score, other.score])
    order = np.lexsort((x, y, -score))
    x, y, score = x[order], y[order], score[order]
    places = y.astype(np.int64) << 32 | x  # one number each is sorted in a tenth of the time
    first = np.sort(np.unique(places, return_index=True)[1])
    return Peaks(x[first], y[first], score[first])


def _apart(evidence: Evidence) -> int:
    """Return how far peaks must stand apart, in px."""
    return APART if evidence.rules.spreads else 0


def _listable(found: Peaks, tail: Tail, settings: DetectionSettings) -> Peaks:
    """Return the peaks without the last ones, which no list holds: too many of them are false."""
    number = int((rates(found, tail) <= 10 * settings.fdr).sum())
    return Peaks(found.x[:number], found.y[:number], found.score[:number])


def _as_scores(bursts: Peaks, rare: Tail, tail: Tail, floor: float) -> Peaks:
    """Return bursts as the scores that are as rare among decoys, where above the floor."""
    score = tail.score_of(rare.fitted(bursts.score))
    loud = score > floor
    return Peaks(bursts.x[loud], bursts.y[loud], score[loud])


def _where(peaks: Peaks, wanted: NDArray[np.bool_]) -> Peaks:
    kept = wanted[peaks.y, peaks.x]
    return Peaks(peaks.x[kept], peaks.y[kept], peaks.score[kept])

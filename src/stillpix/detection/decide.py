"""From evidence to a map: which pixels stand out, how sure that is, and what is wrong with them.

Sees evidence, never photos: another threshold needs no second reading. docs/statistics.md explains
each step.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from ..evidence.evidence import Evidence
from ..evidence.mosaic_kernels import LIMIT
from ..evidence.sum_kernels import BORDER
from ..frame import Sensor
from ..maps.records import Defect, DefectMap, DetectionSummary, EvidenceSummary, State
from .kinds import describe, is_passing, single_scene_candidates
from .null import APART, Null, Peaks, burst_floor, burst_peaks, null_of, peaks_of
from .tail import Tail, not_steeper, tail_of, tail_of_few

MOST_TOUCHED = 0.5  # of the decoys, that finds moved into: with more of them all must do
EXPLAINED_WITHIN = 6  # px, Chebyshev: demosaicing, sharpening and the predictor's own reach
EXPLAINED_BELOW = (0.5, 0.2)  # of the stronger peak's score, of its summed residual
EXPLAINED_IN_MOSAIC = (2, 0.3)  # px, share of the score: its same-colour neighbours' predictions
BLOCK_WITHIN = 16  # px: what JPEG spreads over its blocks
BLOCK_BELOW = 0.03  # of the stronger peak's summed residual
CROWD = 8  # finds within CROWD_WITHIN px of one another that are an overlay rather than defects
CROWD_WITHIN = 32  # px
IN_LINE = 3  # columns or rows that a bad column's or row's finds lie in at most


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionSettings:
    """When a photosite stops being normal."""

    fdr: float = field(default=0.01, metadata={"help": "share of false finds to accept"})
    floor: float = 4.25  # null sigmas below which nothing is looked at
    minimum_effect: float = 0.25  # sigmas of one photo in which it should fully show
    fewest_scenes: int = 4  # different pictures below which nothing is confirmed
    fewest_darks: int = 2  # dark frames that are enough without any


def detect(
    evidence: Evidence,
    settings: DetectionSettings = DetectionSettings(),
    pool: Executor | None = None,
) -> DefectMap:
    """Return the map of one sensor's defects, brightest evidence first.

    `confirmed` are those that keep the false-discovery rate (Benjamini and Hochberg 1995, with
    the decoys as null) and show a minimum effect; `candidate` those up to ten times that rate.
    With fewer different pictures than `fewest_scenes`, and fewer dark frames than `fewest_darks`,
    there are candidates only.
    """
    if min(evidence.sensor.width, evidence.sensor.height) <= 2 * BORDER:  # it is all border
        return _map_of(evidence, settings, (), expected_false=None)
    if evidence.scenes < settings.fewest_scenes and evidence.darks < settings.fewest_darks:
        defects = single_scene_candidates(evidence)
        return _map_of(evidence, settings, defects, expected_false=None)
    null = null_of(evidence.scores, evidence.information, pool, evidence.rules.grid)
    peaks = _all_peaks(evidence, null, settings, pool)
    found, tail = _ranked(evidence, peaks, settings)
    if evidence.rules.cleans_decoys:
        sure = _rates(found, tail) <= settings.fdr
        found, tail = _ranked(evidence, peaks, settings, (found.x[sure], found.y[sure]))
    expected = tail.expected(found.score)
    loud = _rates(found, tail) <= 10 * settings.fdr
    # stars near the pole of a turning field are a crowd, the hot pixels among them are not
    loud[loud] = [
        not is_passing(evidence, int(x), int(y))
        for x, y in zip(found.x[loud], found.y[loud], strict=True)
    ]
    trusted = np.ones(found.score.size, np.bool_)
    trusted[loud] = ~crowded(found.x[loud], found.y[loud], evidence.sensor)
    q = q_values(expected, trusted)
    confirmed = trusted & (q <= settings.fdr)
    defects = _described(evidence, null, found, q, confirmed, settings)
    number = sum(defect.state == "confirmed" for defect in defects)
    false = float(expected[confirmed].max()) if number else 0.0
    return _map_of(evidence, settings, defects, expected_false=false)


def q_values(expected: NDArray[np.float64], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return at which false-discovery rate each of the ranked finds would just be listed.

    `expected` is the number of false finds at least as loud; only `counted` ones have a rank.

    >>> q_values(np.array([0.01, 0.3, 0.4]), np.array([True, True, True])).round(3).tolist()
    [0.01, 0.133, 0.133]
    """
    rate = expected / np.maximum(np.cumsum(counted), 1)
    return np.minimum(np.minimum.accumulate(rate[::-1])[::-1], 1.0)


def _rates(found: Peaks, tail: Tail) -> NDArray[np.float64]:
    """Return the q-values of ranked peaks, all of them counted."""
    return q_values(tail.expected(found.score), np.ones(found.score.size, np.bool_))


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


def crowded(x: NDArray[np.intp], y: NDArray[np.intp], sensor: Sensor) -> NDArray[np.bool_]:
    """Return which finds stand in a crowd: a date stamp or watermark, not single broken pixels.

    A bad column or row is no crowd, and on a sensor full of defects a crowd must be denser still.

    >>> x = np.array([5, 9, 14, 20, 26, 31, 37, 40, 900])
    >>> y = np.array([7, 3, 12, 9, 15, 4, 11, 6, 500])
    >>> crowded(x, y, Sensor("a", "b", "c", 1500, 1000)).tolist()
    [True, True, True, True, True, True, True, True, False]
    """
    usual = x.size * (2 * CROWD_WITHIN + 1) ** 2 / (sensor.width * sensor.height)
    found = np.zeros(x.size, np.bool_)
    for i in range(x.size):
        near = (abs(x - x[i]) <= CROWD_WITHIN) & (abs(y - y[i]) <= CROWD_WITHIN)
        in_line = min(np.unique(x[near]).size, np.unique(y[near]).size) <= IN_LINE
        if near.sum() >= CROWD + int(5 * usual) and not in_line:
            found |= near
    return found


@dataclass(frozen=True, slots=True)
class _AllPeaks:
    """Whatever is above the floors: of the scores, of a mosaic's bursts, and of their decoys."""

    scores: Peaks
    decoy_scores: Peaks
    bursts: Peaks
    decoy_bursts: Peaks
    burst_floor: float


def _all_peaks(
    evidence: Evidence, null: Null, settings: DetectionSettings, pool: Executor | None
) -> _AllPeaks:
    apart = _apart(evidence)
    moved = null_of(evidence.decoy_scores, evidence.decoy_information, pool, evidence.rules.grid)
    scores = peaks_of(evidence.scores, null, settings.floor, pool, apart)
    decoys = peaks_of(evidence.decoy_scores, moved, settings.floor, pool, apart)
    # In dark frames a cosmic ray says too much, and every defect shows in all of them.
    if not evidence.rules.bursts or evidence.darks:
        nowhere = np.zeros(0, np.intp)
        none = Peaks(nowhere, nowhere, np.zeros(0, np.float32))
        return _AllPeaks(scores, decoys, none, none, 0.0)
    floor = burst_floor(evidence.bursts)
    own = burst_peaks(evidence.bursts, evidence.scores, evidence.information, floor)
    theirs = burst_peaks(
        evidence.decoy_bursts, evidence.decoy_scores, evidence.decoy_information, floor
    )
    return _AllPeaks(scores, decoys, own, theirs, floor)


def _ranked(
    evidence: Evidence, peaks: _AllPeaks, settings: DetectionSettings,
    sure: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None,
) -> tuple[Peaks, Tail]:  # fmt: skip
    """Return the peaks, one a response, and how many false ones to expect.

    A mosaic's burst counts as the score above which there are as many decoys. Decoys that the
    `sure` finds (x, y) moved into are left out: what these say is no sound photosite's.
    """
    share = evidence.decoy_scores.shape[1] / evidence.scores.shape[1]
    decoys, bursts = peaks.decoy_scores, peaks.decoy_bursts
    if sure is not None:
        touched = evidence.decoys_of(*sure)
        if touched.mean() < MOST_TOUCHED:
            share *= 1 - float(touched.mean())
            decoys, bursts = (_where(each, ~touched) for each in (decoys, bursts))
    if evidence.darks == evidence.scenes < settings.fewest_scenes:
        pixels = evidence.decoy_scores[0].size
        few = tail_of_few(decoys, pixels, share)
        return one_a_response(_listable(peaks.scores, few, settings), evidence), few
    tail = tail_of(decoys, settings.floor, share)
    found = peaks.scores
    if peaks.bursts.score.size:
        pixels = evidence.decoy_bursts.size
        rare = not_steeper(tail_of(bursts, peaks.burst_floor, share), LIMIT**2, pixels)
        found = louder_of(found, _as_scores(peaks.bursts, rare, tail, settings.floor))
        decoys = louder_of(decoys, _as_scores(bursts, rare, tail, settings.floor))
        tail = tail_of(decoys, settings.floor, share)
    return one_a_response(_listable(found, tail, settings), evidence), tail


def _listable(found: Peaks, tail: Tail, settings: DetectionSettings) -> Peaks:
    """Return the peaks without the last ones, which no list holds: too many of them are false."""
    number = int((_rates(found, tail) <= 10 * settings.fdr).sum())
    return Peaks(found.x[:number], found.y[:number], found.score[:number])


def _as_scores(bursts: Peaks, rare: Tail, tail: Tail, floor: float) -> Peaks:
    """Return bursts as the scores that are as rare among decoys, where above the floor."""
    score = tail.score_of(rare.fitted(bursts.score))
    loud = score > floor
    return Peaks(bursts.x[loud], bursts.y[loud], score[loud])


def _where(peaks: Peaks, wanted: NDArray[np.bool_]) -> Peaks:
    kept = wanted[peaks.y, peaks.x]
    return Peaks(peaks.x[kept], peaks.y[kept], peaks.score[kept])


def _described(
    evidence: Evidence, null: Null, found: Peaks, q: NDArray[np.float64],
    confirmed: NDArray[np.bool_], settings: DetectionSettings,
) -> tuple[Defect, ...]:  # fmt: skip
    defects = []
    for i in np.flatnonzero(q <= min(10 * settings.fdr, 1.0)):
        finding = describe(evidence, null, int(found.x[i]), int(found.y[i]))
        if finding.effect < settings.minimum_effect or not finding.convincing:
            continue
        state: State = "confirmed" if confirmed[i] else "candidate"
        score = float(found.score[i])
        defects.append(replace(finding.defect, score=score, q=float(q[i]), state=state))
    return tuple(defects)


def _map_of(
    evidence: Evidence, settings: DetectionSettings, defects: tuple[Defect, ...],
    *, expected_false: float | None,
) -> DefectMap:  # fmt: skip
    dates = sorted(r.exposure.taken for r in evidence.photos.values() if r.exposure.taken)
    first, last = (dates[0], dates[-1]) if dates else (None, None)
    summary = EvidenceSummary(len(evidence.photos), evidence.scenes, first, last)
    made = DetectionSummary("scores", settings.fdr, expected_false, version("stillpix"))
    return DefectMap(evidence.sensor, defects, summary, made)

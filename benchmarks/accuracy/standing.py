"""From a bank's sums to ranked places: the null, the peaks, the second pass, the tail.

A slow twin of the null and the peaks of stillpix, in numpy; the constants and the tail are
stillpix's own. Sees sums alone, never photos.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stillpix.detection import decide
from stillpix.detection import kinds as characterise
from stillpix.detection import ranking as detection
from stillpix.detection.null import BALLAST, FEW, FEW_IN_PHASE, LEAST_SPREAD, Peaks
from stillpix.detection.tail import tail_of
from stillpix.frame import Sensor

from .bank_kernels import one_a_response
from .photo import Floats
from .scorer import Outcome, Places, peaks_of

BLOCK = 4  # px, side of the blocks over which information may be averaged
GAUSSIAN = 1.4826  # standard deviations of a normal number in its median absolute deviation
FULL = 3.0  # sigmas: the full response of a photo
SETTINGS = detection.DetectionSettings()

Tail = Literal["decoys", "theory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a bank makes of its sums."""

    templates: tuple[str, ...] | None = None  # of those added up; None: all of them
    strata: bool = True  # recentred and rescaled by the place on the grid
    zones: bool = True  # rescaled by the place in the frame
    ballast: float = BALLAST  # of the mean information: where little was seen, little is said
    one_peak: bool = True  # the second pass: one peak a response
    tests: tuple[str, ...] = ("effect", "photos", "point", "crowd")
    tail: Tail | None = "decoys"  # where the expected false finds come from; None: no own cut
    floor: float = SETTINGS.floor


@dataclass(slots=True, eq=False)
class Sums:
    """The sums of one bank, indexed [template, row, column], information by blocks."""

    scores: Floats
    information: Floats
    decoy_scores: Floats
    decoy_information: Floats
    excess: Floats  # grey levels, (height, width)
    grid: int
    border: int  # px of which nothing is said
    block: int  # px, side of the blocks that information is summed over

    @classmethod
    def empty(
        cls, shape: tuple[int, int, int], grid: int, border: int, *, decoys: bool, block: int
    ) -> Sums:
        """Return sums of no photo."""
        templates, height, width = shape
        blocks = (templates, -(-height // block), width // block)

        def zeros(size: tuple[int, ...], *, needed: bool = True) -> Floats:
            return np.zeros(size if needed else (0, 0, 0), np.float32)

        excess = zeros(shape[1:])
        moved, informed = zeros(shape, needed=decoys), zeros(blocks, needed=decoys)
        return cls(zeros(shape), zeros(blocks), moved, informed, excess, grid, border, block)


@dataclass(frozen=True, slots=True, eq=False)
class _Normal:
    """Scores in null sigmas."""

    each: Floats  # (templates, height, width)
    weight: Floats  # the information that they were divided by the root of
    loudest: Floats  # (height, width): the largest |score|


def _each_pixels(information: Floats, block: int, shape: tuple[int, ...]) -> Floats:
    """Return each pixel's information: its block's mean, or its own.

    Of each block and photo one row was added up (see `bank.Weighing.blocks`). A rest along the
    right edge takes the last whole block's.
    """
    down = np.arange(shape[0]) // block
    across = np.minimum(np.arange(shape[1]) // block, information.shape[1] - 1)
    return np.asarray(information[np.ix_(down, across)] / np.float32(block), np.float32)


def _medians(values: Floats, said: NDArray[np.bool_]) -> Floats:
    """Return the median along the last axis of what was said at all, or 0; keeps that axis."""
    number = np.count_nonzero(said, axis=-1, keepdims=True)
    rising = np.sort(np.where(said, values, np.inf), axis=-1)
    two = (np.take_along_axis(rising, np.maximum(number - n, 0) // 2, -1) for n in (1, 0))
    middle = np.asarray(np.mean(tuple(two), axis=0), np.float32)
    return np.where(number > 0, middle, np.float32(0))


def _standardised(alike: Floats) -> Floats:
    """Return what was said less its median, in its MADs; the last axis holds what is alike."""
    said = alike != 0
    middle = _medians(alike, said)
    spread = np.maximum(GAUSSIAN * _medians(np.abs(alike - middle), said), LEAST_SPREAD)
    few = np.count_nonzero(said, axis=-1, keepdims=True) < FEW_IN_PHASE
    middle, spread = np.where(few, np.float32(0), middle), np.where(few, 1, spread)
    return np.asarray(np.where(said, alike - middle, alike) / spread.astype(np.float32))


def _by_phase(score: Floats, grid: int) -> None:
    """Recentre and rescale, in place, all that has the same place on the grid alike."""
    height, width = score.shape
    whole = np.pad(score, ((0, -height % grid), (0, -width % grid)))  # with what was not said
    cells = whole.reshape(len(whole) // grid, grid, -1, grid)
    alike = _standardised(cells.transpose(1, 3, 0, 2).reshape(grid, grid, -1))
    cells[:] = alike.reshape(grid, grid, *cells.shape[::2]).transpose(2, 0, 3, 1)
    score[:] = whole[:height, :width]


def _by_zone(score: Floats, border: int) -> None:
    """Rescale, in place, each square of an eighth of the frame's shorter side."""
    height, width = score.shape
    zone = max(128, min(height, width) // 8)
    down, across = max(height // zone, 1), max(width // zone, 1)
    for row in range(down):
        for column in range(across):
            bottom = height if row == down - 1 else (row + 1) * zone
            right = width if column == across - 1 else (column + 1) * zone
            place = score[row * zone : bottom, column * zone : right]
            said = np.abs(place[place != 0])
            if said.size >= FEW:
                place /= np.float32(max(GAUSSIAN * float(np.median(said)), LEAST_SPREAD))
    score[:border] = score[-border:] = 0
    score[:, :border] = score[:, -border:] = 0


def recentred(score: Floats, grid: int) -> Floats:
    """Return a map recentred and rescaled by the place on the grid."""
    made = score.copy()
    _by_phase(made, grid)
    return made


def normalised(scores: Floats, information: Floats, sums: Sums, standing: Standing) -> _Normal:
    """Return the scores in units of what sound pixels' scores do."""
    each, weights = np.empty_like(scores), np.empty_like(scores)
    for k in range(scores.shape[0]):
        weight = _each_pixels(information[k], sums.block, scores[k].shape)
        weight += np.float32(standing.ballast * weight.mean())
        weights[k] = np.maximum(weight, np.float32(1e-12))
        score = scores[k] / np.sqrt(weights[k])
        if standing.strata:
            _by_phase(score, sums.grid)
        else:
            score = _standardised(score.ravel()).reshape(score.shape)
        if standing.zones:
            _by_zone(score, sums.border)
        each[k] = score
    return _Normal(each, weights, np.abs(each).max(0))


def _second_pass(places: Places, excess: Floats) -> Places:
    kept = np.zeros(places.x.size, np.bool_)
    one_a_response(
        places.x, places.y, places.score, np.abs(excess[places.y, places.x]).astype(np.float64),
        (detection.EXPLAINED_WITHIN, detection.BLOCK_WITHIN),
        (*detection.EXPLAINED_BELOW, detection.BLOCK_BELOW), kept,
    )  # fmt: skip
    return Places(places.x[kept], places.y[kept], places.score[kept])


def _passes(normal: _Normal, scores: Floats, x: int, y: int, tests: tuple[str, ...]) -> bool:
    """Return whether a place is that of one pixel, in enough photos, and strong enough."""
    loudest = int(np.abs(normal.each[:, y, x]).argmax())
    if "effect" in tests:
        effect = FULL * abs(float(scores[loudest, y, x] / normal.weight[loudest, y, x]))
        if effect < SETTINGS.minimum_effect:
            return False
    if "photos" in tests:
        fewest = np.ceil(np.abs(scores[:, y, x]).max() / FULL**2)
        if fewest < characterise.FEWEST_PHOTOS:
            return False
    if "point" in tests:
        reach = characterise.RING_TO
        ring = normal.each[loudest, y - reach : y + reach + 1, x - reach : x + reach + 1]
        around = np.zeros((2 * reach + 1, 2 * reach + 1))
        around[: ring.shape[0], : ring.shape[1]] = ring
        return characterise.is_point(around)
    return True


class TheoryTail:
    """Expected false finds as if every score were a normal number: for the case without decoys."""

    def __init__(self, tested: int) -> None:
        self.tested = tested  # pixels times templates

    def expected(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the expected number of false finds at or above each score, two-sided.

        >>> TheoryTail(1000).expected(np.array([1.959964])).round(3).tolist()
        [50.0]
        """
        return np.array([self.tested * erfc(float(s) / sqrt(2)) for s in score])


def _expected(
    places: Places, sums: Sums, standing: Standing, templates: list[int]
) -> NDArray[np.float64]:
    if standing.tail == "theory":
        return TheoryTail(sums.excess.size * len(templates)).expected(places.score)
    decoys = normalised(
        sums.decoy_scores[templates], sums.decoy_information[templates], sums, standing
    )
    peaks = peaks_of(decoys.loudest, standing.floor)
    tail = tail_of(Peaks.of(peaks.x, peaks.y, peaks.score.astype(np.float32)), standing.floor)
    return tail.expected(places.score.astype(np.float32))


def outcome(sums: Sums, names: tuple[str, ...], standing: Standing) -> Outcome:
    """Return the ranked places of one bank, and what it calls broken if it has a tail."""
    templates = [k for k, name in enumerate(names) if name in (standing.templates or names)]
    scores, information = sums.scores, sums.information
    if len(templates) < len(names):
        scores, information = scores[templates], information[templates]
    normal = normalised(scores, information, sums, standing)
    places = peaks_of(normal.loudest, standing.floor)
    if standing.one_peak:
        places = _second_pass(places, sums.excess)
    passed = np.array(
        [
            _passes(normal, scores, x, y, standing.tests)
            for x, y in zip(places.x.tolist(), places.y.tolist(), strict=True)
        ],
        np.bool_,
    )
    ranked = Places(places.x[passed], places.y[passed], places.score[passed])
    if standing.tail is None:
        return Outcome(ranked)
    expected = _expected(places, sums, standing, templates)
    trusted = _trusted(places, expected, standing, sums.excess.shape)
    q = detection.q_values(expected, trusted)
    called = trusted & passed & (q <= SETTINGS.fdr)
    false = float(expected[called].max()) if called.any() else 0.0
    return Outcome(ranked, Places(places.x[called], places.y[called], places.score[called]), false)


def _trusted(
    places: Places, expected: NDArray[np.float64], standing: Standing, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    trusted = np.ones(places.x.size, np.bool_)
    if "crowd" in standing.tests:
        loud = detection.q_values(expected, trusted) <= 10 * SETTINGS.fdr
        sensor = Sensor("", "", "", shape[1], shape[0])
        trusted[loud] = ~decide.crowded(places.x[loud], places.y[loud], sensor)
    return trusted

"""Ranked places against the truth: what was found, what is false, and the best cut there is.

Knows nothing of photos or methods; the same rules hold for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stillpix.simulate import PlantedDefect

WITHIN = 1  # px: a find this near to a planted defect is that defect
MERGED_WITHIN = 2  # px: of places this near to each other only the strongest counts
ASIDE_WITHIN = 3  # px from a found defect: its own response, neither false nor a second find
FAR = 99  # px: all larger distances alike
MOST_FALSE = 25  # false places after which a walk need not go on: no cut comes back from there
SHARE_LISTED = 0.01  # of a map's pixels among which places are looked for


class Rule(NamedTuple):
    """What the oracle lets pass."""

    aside_within: int  # px from a found defect: a place there is not false
    largest_share: float  # of false finds


STRICT = Rule(ASIDE_WITHIN, 0.01)
LOOSER = Rule(ASIDE_WITHIN, 0.05)
WIDER = Rule(8, 0.01)
RULES = (STRICT, LOOSER, WIDER)


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Places in a picture, strongest first; of equals, the first in reading order."""

    x: NDArray[np.intp]
    y: NDArray[np.intp]
    score: NDArray[np.float64]

    @classmethod
    def ordered(cls, x: NDArray[Any], y: NDArray[Any], score: NDArray[Any]) -> Places:
        """Return places in their order, whatever order they come in."""
        order = np.lexsort((x, y, -score))
        kept = np.asarray(score[order], np.float64)
        return cls(x[order].astype(np.intp), y[order].astype(np.intp), kept)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a method says of a camera: its ranked places and, if it has a cut of its own, more."""

    ranked: Places
    called: Places | None = None  # those that the method itself calls broken
    expected_false: float | None = None  # how many of those it says are false


@dataclass(frozen=True, slots=True)
class OwnCut:
    """What came of a method's own cut."""

    found: tuple[int, ...]  # indices of planted defects
    false: int
    aside: int  # further places on the response of a found defect


@njit(nogil=True, cache=True)
def _local_maxima(score: Any, floor: float, found: Any) -> int:
    """List the places above a floor that nothing within MERGED_WITHIN exceeds."""
    height, width = score.shape
    number = 0
    for y in range(height):
        for x in range(width):
            here = score[y, x]
            if not here > floor:
                continue
            highest = True
            for row in range(max(y - MERGED_WITHIN, 0), min(y + MERGED_WITHIN + 1, height)):
                for column in range(max(x - MERGED_WITHIN, 0), min(x + MERGED_WITHIN + 1, width)):
                    other = score[row, column]
                    before = row < y or (row == y and column < x)
                    if other > here or (other == here and before):
                        highest = False
            if highest:
                found[number, 0], found[number, 1] = x, y
                number += 1
    return number


def peaks_of(score: NDArray[Any], floor: float | None = None) -> Places:
    """Return the local maxima of a map of scores (height, width) above a floor.

    Without a floor they are looked for among the highest SHARE_LISTED of all pixels that are not
    the lowest: more than any cut with few false finds can use.

    >>> score = np.zeros((9, 9))
    >>> score[2, 3], score[3, 3], score[7, 7] = 5.0, 4.0, 4.5
    >>> peaks_of(score, floor=1.0).score.tolist()
    [5.0, 4.5]
    """
    if floor is None:
        listed = max(int(score.size * SHARE_LISTED), 1)
        floor = float(np.partition(score, score.size - listed, axis=None)[score.size - listed])
        floor = max(float(np.nextafter(floor, -np.inf)), float(score.min()))
    most = (score.shape[0] // (MERGED_WITHIN + 1) + 1) * (score.shape[1] // (MERGED_WITHIN + 1) + 1)
    found = np.zeros((most, 2), np.int32)
    number = _local_maxima(score, floor, found)
    x, y = found[:number, 0], found[:number, 1]
    return Places.ordered(x, y, score[y, x])


def merged(places: Places) -> Places:
    """Return the places without those within MERGED_WITHIN of a stronger one."""
    taken: set[tuple[int, int]] = set()
    kept = []
    reach = range(-MERGED_WITHIN, MERGED_WITHIN + 1)
    for i, (x, y) in enumerate(zip(places.x.tolist(), places.y.tolist(), strict=True)):
        if (x, y) not in taken:
            kept.append(i)
            taken.update((x + dx, y + dy) for dx in reach for dy in reach)
    return Places(places.x[kept], places.y[kept], places.score[kept])


class _Truth:
    """Where the planted defects are, and which have been found."""

    def __init__(self, planted: Sequence[PlantedDefect]) -> None:
        self._left = np.array([defect.x for defect in planted], np.int64)
        self._top = np.array([defect.y for defect in planted], np.int64)
        self._bottom = self._top + [defect.length - 1 for defect in planted]
        self._found = np.zeros(len(planted), np.bool_)
        self.found: list[int] = []

    def code(self, x: int, y: int) -> int:
        """Return the index of the defect that is found there, or minus how far the next is."""
        if not self._found.size:
            return -FAR
        across = np.abs(self._left - x)
        distance = np.maximum(across, np.maximum(self._top - y, y - self._bottom))
        nearest = int(distance.argmin())
        if distance[nearest] <= WITHIN and not self._found[nearest]:
            self._found[nearest] = True
            self.found.append(nearest)
            return nearest
        return -int(min(distance[self._found].min(initial=FAR), FAR)) or -1


def walk(ranked: Places, planted: Sequence[PlantedDefect]) -> list[tuple[float, int]]:
    """Walk down a ranked list and return score and code of each place.

    The code is the index of the planted defect that is found here for the first time, or minus
    the distance in px (1 to FAR) to the nearest defect found so far. The walk ends after
    MOST_FALSE places that are nobody's.
    """
    truth, steps, false = _Truth(planted), [], 0
    places = merged(ranked)
    for x, y, score in zip(
        places.x.tolist(), places.y.tolist(), places.score.tolist(), strict=True
    ):
        code = truth.code(x, y)
        false += code < -ASIDE_WITHIN
        steps.append((float(f"{score:.6g}"), code))
        if false > MOST_FALSE:
            break
    return steps


def oracle_cut(
    steps: Sequence[tuple[float, int]], rule: Rule = STRICT
) -> tuple[tuple[int, ...], int]:
    """Return the defects found, and the false places, at the largest cut with few false ones.

    That is the last cut whose share of false finds is not larger than allowed; places of equal
    score stand or fall together. No method knows where this cut is.

    >>> oracle_cut([(9.0, 4), (8.0, 1), (8.0, -2), (7.0, -99), (6.0, 0)])
    ((4, 1), 0)
    """
    found: list[int] = []
    false = 0
    best: tuple[tuple[int, ...], int] = ((), 0)
    for _, equal in groupby(steps, key=lambda step: step[0]):
        for _, code in equal:
            if code >= 0:
                found.append(code)
            else:
                false += code < -rule.aside_within
        if false <= rule.largest_share * (false + len(found)):
            best = (tuple(found), false)
    return best


def own_cut(called: Places, planted: Sequence[PlantedDefect]) -> OwnCut:
    """Return what a method's own cut finds."""
    truth = _Truth(planted)
    places = merged(called)
    codes = [truth.code(x, y) for x, y in zip(places.x.tolist(), places.y.tolist(), strict=True)]
    missed = [code for code in codes if code < 0]
    aside = sum(code >= -ASIDE_WITHIN for code in missed)
    return OwnCut(tuple(truth.found), len(missed) - aside, aside)

"""What the photos of a window of time say: all of them, or the newest half, quarter, eighth ....

A defect that began late stands out in the window that begins with it. Never looks for peaks, and
never decides what is a defect.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..evidence.evidence import Evidence
from ..evidence.groups import Decoys
from ..evidence.period_kernels import UNIT_OF_PERIODS
from ..evidence.periods import SHORTEST, Period
from ..evidence.sum_kernels import BLOCK, CLIP, UNIT, UNIT_INFORMATION
from .null import Null, null_of, window, windows

FEWEST, MOST_SHARE = 8, 0.75  # photos in a window, and share of all
LONGER = 4 / 3  # times the photos of the window before, at least
# Photos that must agree: of few photos of unlike weight two can stand out by chance.
FEWEST_AGREE = 3
FEWEST_DARKS = 2  # dark frames that must agree
# Frames of a video that must agree, and share of all: what passes shows in several at one place.
FEWEST_FRAMES, SHARE_OF_FRAMES = 8, 0.25
COARSE = int(UNIT / UNIT_OF_PERIODS)

Mask = NDArray[np.bool_]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class View:
    """What some photos say, and what a sound pixel's score looks like in them."""

    null: Null
    photos: int
    parts: tuple[
        NDArray[np.signedinteger], ...
    ]  # (templates, height, width), that are to be added up
    unit: int  # counts of a score that is 1 in the parts
    templates: tuple[int, ...]  # their numbers
    fewest: int = 0  # photos that must agree on a peak
    shown: NDArray[np.signedinteger] | None = None  # (height, width), where that is asked: signed

    def around(self, x: int, y: int, reach: int) -> NDArray[np.float64]:
        """Return the scores around a place in null sigmas, as `window` does."""
        return window(self.parts, self.null, x, y, reach, self.unit)

    def around_all(self, x: Places, y: Places, reach: int) -> NDArray[np.float64]:
        """Return the scores around many places, (places, templates, rows, columns)."""
        return windows(self.parts, self.null, x, y, reach, self.unit)

    def told(self, x: int | Places, y: int | Places) -> NDArray[np.float64]:
        """Return the sum of m psi at one place or many, by template (and place)."""
        return np.asarray(
            sum(part[:, y, x].astype(np.int64) for part in self.parts) * (self.unit / UNIT)
        )

    def takes(
        self, x: int | Places, y: int | Places, templates: Mask | None = None
    ) -> NDArray[np.int64]:
        """Return how many photos it takes to say as much by some templates: each is clipped."""
        told = np.abs(self.told(x, y))
        most = (told if templates is None else told[templates]).max(axis=0)
        return np.asarray(np.ceil(most / CLIP**2).astype(np.int64))

    def agreed(self, x: Places, y: Places) -> Mask:
        """Return which places as many photos show as must agree on one."""
        enough = np.asarray(self.takes(x, y) >= self.fewest)
        return enough if self.shown is None else enough & (abs(self.shown[y, x]) >= FEWEST_DARKS)

    def full(self, x: int | Places, y: int | Places) -> NDArray[np.float64]:
        """Return the sum of m^2 at one place or many: what a defect should say that shows."""
        across = np.minimum(np.asarray(x) // BLOCK, self.null.weight.shape[2] - 1)
        told = self.null.weight[:, np.asarray(y) // BLOCK, across]
        return np.asarray(told / UNIT_INFORMATION, np.float64)


def near_by(sums: NDArray[np.signedinteger], x: int, y: int) -> NDArray[np.int64]:
    """Return the sums of 3x3 pixels around a place; 0 beyond the frame.

    >>> near_by(np.array([[1, 2], [3, 4]]), 1, 0).tolist()
    [[0, 0, 0], [1, 2, 0], [3, 4, 0]]
    """
    near = np.zeros((3, 3), np.int64)
    inside = sums[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
    down, across = int(y == 0), int(x == 0)
    near[down : down + inside.shape[0], across : across + inside.shape[1]] = inside
    return near


def fewest_of(evidence: Evidence) -> int:
    """Return how many photos must agree on a peak beyond what all photos need; 0 where no more.

    Frames of a video follow one another: where a camera pans along an edge or past a lamp, that
    stands at one place in several of them.
    """
    if not evidence.sensor.is_video:
        return 0
    return max(FEWEST_AGREE + 1, min(FEWEST_FRAMES, int(SHARE_OF_FRAMES * evidence.scenes)))


def whole_of(evidence: Evidence, null: Null) -> View:
    """Return the view of all photos."""
    numbers = tuple(range(len(evidence.templates)))
    return View(null, evidence.scenes, (evidence.scores,), 1, numbers, fewest_of(evidence))


def views_of(
    evidence: Evidence, masked: Mask, pool: Executor | None = None
) -> Iterator[tuple[View, NDArray[np.int32]]]:
    """Yield the view of each window of time but all, and its scores, the shortest first.

    The scores (1, height, width) are good until the next window is asked for.
    """
    scores, fine = np.zeros((2, 1, *masked.shape), np.int32)
    information = np.zeros((1, *evidence.information.shape[1:]), np.int64)
    parts: list[NDArray[np.signedinteger]] = []
    photos = 0
    for added in windows_of(evidence):
        for period in added:
            scores += period.scores
            information += period.information
            period.leave(evidence.periods.room)
            parts.append(period.scores[None])
            photos += period.photos
        np.multiply(scores, np.int32(COARSE), out=fine)
        null = null_of(fine, information, pool, evidence.rules.grid, masked, evidence.edges)
        fewest = max(FEWEST_AGREE, fewest_of(evidence))
        view = View(null, photos, tuple(parts), COARSE, (evidence.periods.template,), fewest)
        yield view, fine


def decoy_views_of(
    evidence: Evidence, left_out: Mask, pool: Executor | None = None
) -> Iterator[tuple[View, NDArray[np.int32]]]:
    """Yield what the decoys say in the same windows, as `views_of` does."""
    photos = 0
    windows = windows_of(evidence)
    for added, decoys in zip(windows, evidence.decoys_of(windows, left_out), strict=True):
        photos += sum(period.photos for period in added)
        view, fine = _decoy_view(evidence, decoys, photos, pool)
        yield view, fine


def windows_of(evidence: Evidence) -> list[list[Period]]:
    """Return which periods each window of time has more than the one before, newest first.

    Every window ends with the newest photo. Of two that are nearly the same there is one, and none
    where all photos are of one night: what begins there is a star.
    """
    windows: list[list[Period]] = []
    if evidence.periods.span < 1 << SHORTEST:
        return windows
    added: list[Period] = []
    photos, least = 0, float(FEWEST)
    for period in evidence.periods.newest_first():
        added.append(period)
        photos += period.photos
        if photos > MOST_SHARE * evidence.scenes:
            break
        if photos >= least:
            windows.append(added)
            added, least = [], LONGER * photos
    return windows


def _decoy_view(
    evidence: Evidence, decoys: Decoys, photos: int, pool: Executor | None
) -> tuple[View, NDArray[np.int32]]:
    fine = decoys.scores * np.int32(COARSE)
    grid, edges = evidence.rules.grid, evidence.edges_of_decoys
    null = null_of(fine, decoys.information, pool, grid, decoys.masked, edges)
    fewest = max(FEWEST_AGREE, fewest_of(evidence))
    return View(null, photos, (fine,), 1, (evidence.periods.template,), fewest), fine

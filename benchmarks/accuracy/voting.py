"""Rivals that judge each photo alone and then count in how many a pixel was called bad.

rawpy's own rule is called as it is. Those like darktable's and RawTherapee's follow the public
descriptions of their hot-pixel filters, not their code, and are named after them with "-like".
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bank import Plane
from .bank_kernels import compiled, middle_two
from .photo import Photo
from .rivals import neighbours, plane_of
from .scorer import Outcome, Places, peaks_of

Votes = NDArray[np.int16]

RAWPY_RATIOS = (0.9, 0.5)  # rawpy's default, and what it takes to find blinking and hot pixels
RAWPY_SHARE, RAWPY_LEAST = 150, 20  # its threshold: the largest value / 150, at least 20 DN
BRIGHT = 0.05 * 255  # grey levels: darktable's preset least brightness of a candidate
DARKER = (0.5, 0.75, 0.9)  # shares of a hot pixel's level that its neighbours must stay below
DEVIATIONS = (3.0, 6.0, 12.0)  # how much more a bad pixel must deviate than its neighbours do


def called(votes: Votes, fewest: float) -> Places:
    """Return the places with enough votes, merged by their number."""
    y, x = np.nonzero(votes >= max(fewest, 1))
    return Places.ordered(x, y, votes[y, x].astype(np.float64))


class RawpyVotes:
    """`rawpy.enhance.find_bad_pixels`, its inner rule called on each mosaic as it calls it.

    Three runs: as it comes (hot and dead together; its unsigned subtraction wraps around there,
    so that whatever is darker than its median counts), and hot and dead apart. X-Trans: its
    generic rule takes minutes a photo with scikit-image; `median_of_colour` does the same faster.
    """

    def __init__(self) -> None:
        self._photos = 0
        self._votes: dict[str, Votes] = {}

    def add(self, photos: Sequence[Photo]) -> None:
        """See some more photos."""
        for photo in photos:
            if not self._votes:
                empty = np.zeros(photo.mosaic.shape, np.int16)
                self._votes = {name: empty.copy() for name in ("both", "hot", "dead")}
            threshold = max(int(photo.mosaic.max()) // RAWPY_SHARE, RAWPY_LEAST)
            for name, votes in self._votes.items():
                hot, dead = name != "dead", name != "hot"
                y, x = rawpy_candidates(photo, threshold, hot=hot, dead=dead)
                votes[y, x] += 1  # a photo lists no place twice
            self._photos += 1

    def outcomes(self) -> dict[str, Outcome]:
        """Return the places by votes, and those beyond rawpy's ratios."""
        both, hot, dead = (self._votes[name] for name in ("both", "hot", "dead"))
        apart = np.maximum(hot, dead)
        made = {
            "rawpy, as it comes": Outcome(
                peaks_of(both), called(both, RAWPY_RATIOS[0] * self._photos)
            )
        }
        for ratio in RAWPY_RATIOS:
            made[f"rawpy, apart, {ratio:.0%}"] = Outcome(
                peaks_of(apart), called(apart, ratio * self._photos)
            )
        return made


def rawpy_candidates(
    photo: Photo, threshold: int, *, hot: bool, dead: bool
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return rows and columns of what rawpy's rule calls bad in one photo."""
    from rawpy import enhance

    rule = partial(enhance._is_candidate, find_hot=hot, find_dead=dead, thresh=threshold)
    if photo.cfa == "XTRANS":
        y, x = np.nonzero(rule(photo.mosaic, median_of_colour(photo.mosaic, _colours())))
        return y, x
    raw = SimpleNamespace(raw_pattern=np.zeros((2, 2)), raw_image_visible=photo.mosaic)
    coordinates = np.vstack(enhance._find_bad_pixel_candidates(raw, rule))
    return coordinates[:, 0], coordinates[:, 1]


def _colours() -> NDArray[np.int64]:
    from stillpix.simulate.planting import cfa_pattern

    return cfa_pattern("XTRANS")


@compiled
def median_of_colour(mosaic: Any, pattern: Any) -> Any:
    """Return the median of the same colour within 5x5, itself included: of even counts the upper.

    That is what rawpy has scikit-image's rank filter do for mosaics that are not 2x2.
    """
    height, width = mosaic.shape
    period = pattern.shape[0]
    out, near = np.zeros_like(mosaic), np.zeros(25, mosaic.dtype)
    for y in range(height):
        for x in range(width):
            colour, count = pattern[y % period, x % period], 0
            for row in range(max(y - 2, 0), min(y + 3, height)):
                for column in range(max(x - 2, 0), min(x + 3, width)):
                    if pattern[row % period, column % period] == colour:
                        place = count
                        while place > 0 and near[place - 1] > mosaic[row, column]:
                            near[place] = near[place - 1]
                            place -= 1
                        near[place] = mosaic[row, column]
                        count += 1
            out[y, x] = near[count // 2]
    return out


@compiled
def _vote_bright(
    level: Any, offsets: Any, margin: int, bright: float, shares: Any, votes: Any
) -> None:
    """Count a pixel that is bright and whose neighbours across and below are all darker."""
    (r0, c0), (r1, c1) = offsets[0], offsets[1]
    for y in range(margin, level.shape[0] - margin):
        for x in range(margin, level.shape[1] - margin):
            here = level[y, x]
            if here > bright:
                across = max(level[y + r0, x + c0], level[y - r0, x - c0])
                most = max(across, level[y + r1, x + c1], level[y - r1, x - c1])
                for k in range(shares.size):
                    votes[k, y, x] += most < shares[k] * here


@compiled
def _vote_deviant(
    deviation: Any, offsets: Any, margin: int, least: float, shares: Any, votes: Any
) -> None:
    """Count a pixel that deviates more than so many times as much as its neighbours do.

    These are taken to deviate by `least` in the mean at least.
    """
    for y in range(margin, deviation.shape[0] - margin):
        for x in range(margin, deviation.shape[1] - margin):
            usual = np.float32(0)
            for row, column in offsets:
                usual += abs(deviation[y + row, x + column]) + abs(deviation[y - row, x - column])
            usual = max(usual * np.float32(0.125), np.float32(least))
            here = deviation[y, x]
            for k in range(shares.size):
                votes[0, k, y, x] += here > shares[k] * usual
                votes[1, k, y, x] += -here > shares[k] * usual


class DarktableLike:
    """A pixel brighter than a threshold, all four of whose neighbours are clearly darker.

    After the manual's words (module "hot pixels"): the least brightness of a candidate, and how
    much its neighbours of the same colour must deviate. Finds bright defects alone.
    """

    def __init__(self, name: str, plane: Plane) -> None:
        self.name, self.plane = name, plane
        self._photos = 0
        self._votes: Votes = np.zeros((0, 0, 0), np.int16)

    def add(self, photos: Sequence[Photo]) -> None:
        """See some more photos."""
        for photo in photos:
            level = plane_of(photo, self.plane)
            offsets = neighbours(self.plane, photo.cfa)
            if not self._photos:
                self._votes = np.zeros((len(DARKER), *level.shape), np.int16)
            margin = max(max(abs(row), abs(column)) for row, column in offsets)
            shares = np.array(DARKER, np.float32)
            _vote_bright(level, offsets, margin, BRIGHT, shares, self._votes)
            self._photos += 1

    def outcomes(self) -> dict[str, Outcome]:
        """Return the places by votes; half of the photos make its own cut."""
        return {
            f"{self.name}, {share:g}": Outcome(peaks_of(votes), called(votes, self._photos / 2))
            for share, votes in zip(DARKER, self._votes, strict=True)
        }


class RawTherapeeLike:
    """A pixel further from its 3x3 median than its neighbours are from theirs, many times over.

    After RawPedia's words ("hot/dead pixel filter"): one threshold, lower being more aggressive,
    for bright and for dark ones.
    """

    def __init__(self, name: str, plane: Plane) -> None:
        self.name, self.plane = name, plane
        self._photos = 0
        self._votes: Votes = np.zeros((0, 0, 0, 0), np.int16)

    def add(self, photos: Sequence[Photo]) -> None:
        """See some more photos."""
        for photo in photos:
            level = plane_of(photo, self.plane)
            offsets = neighbours(self.plane, photo.cfa)
            if not self._photos:
                self._votes = np.zeros((2, len(DEVIATIONS), *level.shape), np.int16)
            margin = max(max(abs(row), abs(column)) for row, column in offsets)
            low, high = np.zeros_like(level), np.zeros_like(level)
            middle_two(level, offsets, margin, low, high)
            deviation = level - np.clip(level, low, high)
            least = 1.0 if self.plane == "luma" else 255 / (photo.white - photo.black)
            shares = np.array(DEVIATIONS, np.float32)
            _vote_deviant(deviation, offsets, 2 * margin, least, shares, self._votes)
            self._photos += 1

    def outcomes(self) -> dict[str, Outcome]:
        """Return the places by votes; half of the photos make its own cut."""
        votes = self._votes.max(0)
        return {
            f"{self.name}, {share:g}": Outcome(peaks_of(each), called(each, self._photos / 2))
            for share, each in zip(DEVIATIONS, votes, strict=True)
        }

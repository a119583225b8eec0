"""Rivals that add photos up: least variance, the mean residual, and a mask from the mean picture.

Each is the method as its authors describe it, in as few lines as it takes, on the same photos.
Never helped by anything that stillpix knows, except where a line below says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bank import JPEG_GRID, SQUARE, XTRANS_GRID, XTRANS_PAIRS, Plane
from .bank_kernels import compiled, middle_two
from .photo import Floats, Photo
from .scorer import Outcome, Places, peaks_of
from .standing import recentred

RESIDUAL_CLIPS = (3.0, 10.0, 30.0)  # grey levels: 1 was worse than 3
CCDMASK_SIGMA = 9.0  # ccdmask's own default, both sides
CCDMASK_MEDIAN, CCDMASK_BLOCK = 7, 15  # px, its defaults


def plane_of(photo: Photo, plane: Plane) -> Floats:
    """Return the luma or the mosaic of a photo, white being 255."""
    return photo.luma() if plane == "luma" else photo.raw()


def neighbours(plane: Plane, cfa: str) -> tuple[tuple[int, int], ...]:
    """Return the steps to one of each pair of nearest opposite neighbours of the same colour."""
    if plane == "luma" or cfa == "MONO":
        return SQUARE
    if cfa == "XTRANS":
        return XTRANS_PAIRS
    return tuple((2 * row, 2 * column) for row, column in SQUARE)


def grid_of(plane: Plane, cfa: str) -> int:
    """Return the px after which JPEG blocks or the mosaic's colours repeat."""
    return XTRANS_GRID if plane == "mosaic" and cfa == "XTRANS" else JPEG_GRID


class LeastVariance:
    """The seed article's method (M. Anders, 2011): the least sum of squared differences first.

    Sums of whole numbers in float64 are exact, so ties are true ties.
    """

    def __init__(self, name: str, plane: Plane) -> None:
        self.name, self.plane = name, plane
        self._photos = 0
        self._total: NDArray[np.float64] = np.zeros(0)
        self._squares: NDArray[np.float64] = np.zeros(0)

    def add(self, photos: Sequence[Photo]) -> None:
        """See some more photos."""
        for photo in photos:
            stored = photo.frame.pixels if self.plane == "luma" else photo.mosaic
            values = stored.astype(np.float64)
            if not self._photos:
                self._total, self._squares = np.zeros_like(values), np.zeros_like(values)
            self._total += values
            values *= values
            self._squares += values
            self._photos += 1

    def outcomes(self) -> dict[str, Outcome]:
        """Return the places, least variance first."""
        spread = self._photos * self._squares - self._total * self._total
        return {self.name: Outcome(peaks_of(-spread))}


@compiled
def _add_clipped(level: Any, low: Any, high: Any, margin: int, clip: float, sums: Any) -> None:
    """Add what is outside the median of nine: with itself, that lies between the middle two."""
    most = np.float32(clip)
    for y in range(margin, level.shape[0] - margin):
        here, lower, upper, total = level[y], low[y], high[y], sums[y]
        for x in range(margin, level.shape[1] - margin):
            median = min(max(here[x], lower[x]), upper[x])
            total[x] += min(max(here[x] - median, -most), most)


class MeanResidual:
    """The absolute mean of the clipped difference from the 3x3 median of the same colour.

    Of each clip two outcomes: as it is, and recentred and rescaled by the place on the JPEG grid
    as stillpix does.
    """

    def __init__(self, name: str, plane: Plane) -> None:
        self.name, self.plane = name, plane
        self._sums: Floats = np.zeros((0, 0, 0), np.float32)
        self._grid = JPEG_GRID

    def add(self, photos: Sequence[Photo]) -> None:
        """See some more photos."""
        for photo in photos:
            level = plane_of(photo, self.plane)
            offsets = neighbours(self.plane, photo.cfa)
            self._grid = grid_of(self.plane, photo.cfa)
            if not self._sums.size:
                self._sums = np.zeros((len(RESIDUAL_CLIPS), *level.shape), np.float32)
            low, high = np.zeros_like(level), np.zeros_like(level)
            margin = max(max(abs(row), abs(column)) for row, column in offsets)
            middle_two(level, offsets, margin, low, high)
            for sums, clip in zip(self._sums, RESIDUAL_CLIPS, strict=True):
                _add_clipped(level, low, high, margin, clip, sums)

    def outcomes(self) -> dict[str, Outcome]:
        """Return the places, the largest absolute mean first."""
        made = {}
        for sums, variant in zip(self._sums, residual_variants(self.name), strict=True):
            made[variant] = Outcome(peaks_of(np.abs(sums)))
            made[f"{variant}, strata"] = Outcome(peaks_of(np.abs(recentred(sums, self._grid))))
        return made


def residual_variants(name: str) -> tuple[str, ...]:
    """Return the variants' names without their strata."""
    return tuple(f"{name}, clip {clip:g}" for clip in RESIDUAL_CLIPS)


class MeanPictureMask:
    """`ccdproc.ccdmask` (after IRAF's task of that name) on the mean of all photos.

    Its block mode, with its defaults. A mosaic is split into planes of one colour each first (4 of
    a Bayer mosaic, 36 of an X-Trans one). The ranking is by the same residual over the same local
    sigma that it compares with its threshold; the own cut is ccdmask's.
    """

    def __init__(self, name: str, plane: Plane) -> None:
        self.name, self.plane = name, plane
        self._photos = 0
        self._total: NDArray[np.float64] = np.zeros(0)
        self._period = 1

    def add(self, photos: Sequence[Photo]) -> None:
        """See some more photos."""
        for photo in photos:
            values = plane_of(photo, self.plane).astype(np.float64)
            self._total = self._total + values if self._photos else values
            self._photos += 1
            if self.plane == "mosaic":
                self._period = {"XTRANS": XTRANS_GRID, "MONO": 1}.get(photo.cfa, 2)

    def outcomes(self) -> dict[str, Outcome]:
        """Return the places, the largest residual in local sigmas first."""
        from ccdproc import CCDData, ccdmask

        mean = self._total / self._photos
        score, masked = np.zeros(mean.shape), np.zeros(mean.shape, np.bool_)
        for row in range(self._period):
            for column in range(self._period):
                colour = np.ascontiguousarray(mean[row :: self._period, column :: self._period])
                mask = ccdmask(CCDData(colour, unit="adu"), byblocks=True)
                masked[row :: self._period, column :: self._period] = mask
                score[row :: self._period, column :: self._period] = local_sigmas(colour)
        y, x = np.nonzero(masked)
        return {self.name: Outcome(peaks_of(score), Places.ordered(x, y, score[y, x]))}


def local_sigmas(mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what ccdmask compares with its threshold: the residual over the block's sigma."""
    from scipy.ndimage import median_filter

    residual = mean - median_filter(mean, size=(CCDMASK_MEDIAN, CCDMASK_MEDIAN))
    score = np.zeros(mean.shape)
    for top in range(0, mean.shape[0], CCDMASK_BLOCK):
        for left in range(0, mean.shape[1], CCDMASK_BLOCK):
            block = residual[top : top + CCDMASK_BLOCK, left : left + CCDMASK_BLOCK]
            low, high = np.percentile(block, (30.9, 69.1))
            sigma = max((high - low) / 2, 1e-9)
            score[top : top + CCDMASK_BLOCK, left : left + CCDMASK_BLOCK] = np.abs(block) / sigma
    return score

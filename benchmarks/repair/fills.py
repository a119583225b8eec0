"""Other ways to fill a hole in a picture: the simple ones, and those of two libraries.

Each gets the decoded colours around one place and gives those of its hole, not yet compressed
again. None sees what stands at any listed place. Never chooses among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from skimage.restoration import inpaint_biharmonic

from .twins import Floats

Bools: TypeAlias = NDArray[np.bool_]

EIGHT = np.ones((3, 3), bool)
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
FARTHEST = 8  # px in which a partner is sought
SIMILAR = 1.0  # levels: pairs that differ by less count no more
MARGIN = 14  # px of a window around its place: more than any of the methods looks at

cv2.setNumThreads(1)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The surroundings of one place."""

    levels: Floats  # (rows, columns, channels), of 0..255 in a picture
    hole: Bools  # (rows, columns): what is to be filled
    broken: Bools  # (rows, columns): the holes of all listed places

    @property
    def ring(self) -> Bools:
        """Return the sound pixels that touch the hole."""
        return np.asarray(binary_dilation(self.hole, EIGHT) & ~self.broken)


Fill: TypeAlias = Callable[[Window], Floats]  # (pixels of the hole, row by row; channels)


def mean(window: Window) -> Floats:
    """Return the mean of the pixels that touch the hole.

    >>> hole = np.zeros((5, 5), bool)
    >>> hole[2, 2] = True
    >>> levels = np.add.outer(np.arange(5.0), np.arange(5.0) ** 2)[..., None]
    >>> [round(float(fill(Window(levels, hole, hole))[0, 0]), 2) for fill in (mean, median, pairs)]
    [6.75, 6.0, 6.45]
    """
    around = window.levels[window.ring]
    return np.broadcast_to(around.mean(axis=0), (int(window.hole.sum()), around.shape[1]))


def median(window: Window) -> Floats:
    """Return their median, each channel for itself."""
    around = window.levels[window.ring]
    return np.broadcast_to(np.median(around, axis=0), (int(window.hole.sum()), around.shape[1]))


def weighted(window: Window) -> Floats:
    """Return the average of the pixels that touch the hole, weighed by 1 / distance.

    In a hole of one pixel that are its eight neighbours, the four beside it with weight 1, the
    four at its corners with 1 / sqrt 2.
    """
    (down, across), (rows, columns) = np.nonzero(window.hole), np.nonzero(window.ring)
    distances = np.hypot(np.subtract.outer(down, rows), np.subtract.outer(across, columns))
    weights = 1 / distances
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(weights @ window.levels[window.ring])


def pairs(window: Window) -> Floats:
    """Return the average of opposite pairs, those counting most that agree.

    Four pairs face each other across a pixel: along its row, its column and its two diagonals.
    Each is weighed by 1 / (difference * distance), as RawTherapee does with photosites of one
    colour; in a larger hole the pixels at its rim are the partners, the nearer one counting more.
    """
    filled = np.empty((int(window.hole.sum()), window.levels.shape[2]))
    plain = mean(window)
    for number, (row, column) in enumerate(np.argwhere(window.hole).tolist()):
        total, weights = np.zeros(filled.shape[1]), np.zeros(filled.shape[1])
        for step in DIRECTIONS:
            ends = [_partner(window, row, column, step, sign) for sign in (-1, 1)]
            if ends[0] is None or ends[1] is None:
                continue
            (one, near), (other, far) = ends[0], ends[1]
            length = (near + far) * float(np.hypot(*step)) / 2
            weight = 1 / ((np.abs(one - other) + SIMILAR) * length)
            total += weight * (one * far + other * near) / (near + far)
            weights += weight
        filled[number] = np.where(weights > 0, total / np.maximum(weights, 1e-12), plain[number])
    return filled


def _partner(
    window: Window, row: int, column: int, step: tuple[int, int], sign: int
) -> tuple[Floats, int] | None:
    """Return the first sound pixel from a place in some direction, and how many steps away."""
    height, width = window.hole.shape
    for steps in range(1, FARTHEST + 1):
        y, x = row + sign * steps * step[0], column + sign * steps * step[1]
        if not (0 <= y < height and 0 <= x < width):
            return None
        if not window.broken[y, x]:
            return window.levels[y, x], steps
    return None


def telea(window: Window, radius: int) -> Floats:
    """Return OpenCV's fast marching (A. Telea, Journal of Graphics Tools 9, 2004)."""
    return _inpainted(window, radius, cv2.INPAINT_TELEA)


def navier_stokes(window: Window, radius: int) -> Floats:
    """Return OpenCV's fluid dynamics (Bertalmio, Bertozzi, Sapiro, CVPR 2001)."""
    return _inpainted(window, radius, cv2.INPAINT_NS)


def _inpainted(window: Window, radius: int, method: int) -> Floats:
    # OpenCV lets a little of what stands in a hole through: it had better not be the defect.
    levels, mask = window.levels.copy(), window.broken.astype(np.uint8)
    levels[window.broken] = levels[window.ring].mean(axis=0)
    if levels.shape[2] == 1:  # a mosaic's plane: float32 is the one that loses nothing
        plane = levels[..., 0].astype(np.float32)
        return np.asarray(cv2.inpaint(plane, mask, radius, method)[window.hole, None], np.float64)
    filled = cv2.inpaint(np.rint(levels).astype(np.uint8), mask, radius, method)
    return np.asarray(filled[window.hole], np.float64)


def biharmonic(window: Window) -> Floats:
    """Return scikit-image's solution of the biharmonic equation (Damelin and Hoang, 2018)."""
    near = binary_dilation(window.hole, EIGHT, iterations=6)  # all that it looks at, and more
    (top, bottom), (left, right) = (
        (int(there[0]), int(there[-1]) + 1)
        for there in (np.flatnonzero(near.any(axis=axis)) for axis in (1, 0))
    )
    area = np.s_[top:bottom, left:right]
    levels, broken, hole = window.levels[area], window.broken[area], window.hole[area]
    low, span = float(levels[~broken].min()), float(np.ptp(levels[~broken])) or 1.0
    solved = inpaint_biharmonic((levels - low) / span, broken, channel_axis=-1)
    return np.asarray(solved[hole] * span + low)


@dataclass(frozen=True, slots=True)
class Variant:
    """One method with one hole; what is tried of a method is shown at its best."""

    method: str
    hole: str  # "1x1", "3x3", "5x5"; "" where the method has its own
    setting: str = ""

    @property
    def words(self) -> str:
        """Return the hole and setting as tables have them.

        >>> Variant("OpenCV, Telea", "3x3", "radius 1").words
        '3x3, radius 1'
        """
        return ", ".join(filter(None, (self.hole, self.setting)))


def variants(sides: tuple[int, ...]) -> Iterator[tuple[Variant, int, Fill]]:
    """Yield each method with holes of some sides, the side, and what fills it."""
    for side in sides:
        hole = f"{side}x{side}"
        yield Variant("mean of the neighbours", hole), side, mean
        yield Variant("median of the neighbours", hole), side, median
        yield Variant("weighted average (the article of 2011)", hole), side, weighted
        yield Variant("opposite pairs (RawTherapee's way)", hole), side, pairs
        yield Variant("scikit-image, biharmonic", hole), side, biharmonic
        for radius in (1, 3):
            words = f"radius {radius}"
            yield Variant("OpenCV, Telea", hole, words), side, _with(telea, radius)
            yield Variant("OpenCV, Navier-Stokes", hole, words), side, _with(navier_stokes, radius)


def _with(method: Callable[[Window, int], Floats], radius: int) -> Fill:
    return lambda window: method(window, radius)


def holes_of(shape: tuple[int, int], places: Iterable[tuple[int, int]], side: int) -> Bools:
    """Return which pixels of a picture lie in the hole of a place (x, y)."""
    holes, reach = np.zeros(shape, bool), side // 2
    for x, y in places:
        holes[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1] = True
    return holes

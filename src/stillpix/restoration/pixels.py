"""A picture in memory as a canvas: grey, colours, or a sensor's mosaic.

Changes only the pixels that it is given, and only their values.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..frame import Layout, Pixels
from .canvas import Change, Corners, Lattice, cut
from .prediction import Floats

# ITU-R BT.601, as in JFIF: rows are luma, blue and red difference.
TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]]
)
TO_RGB = np.linalg.inv(TO_YCC)
LUMA = Lattice(widths=(1.0, 2.0))
CHROMA = Lattice(reach=4, widths=(1.5, 3.0))
STEPS = 16  # of one DN that floats are rounded to: so that a repair of a repair changes nothing
MIDDLE = np.array([0.0, 128.0, 128.0])
PERIODS: dict[Layout, int] = {"mono": 1, "xtrans": 6}  # Bayer: 2


def lattices_of(layout: Layout, *, colours: bool) -> tuple[Lattice, ...]:
    """Return the planes' lattices of a picture; a broken photosite of a mosaic spoils no other."""
    if layout == "rendered":
        return (LUMA, CHROMA, CHROMA) if colours else (LUMA,)
    period = PERIODS.get(layout, 2)
    # X-Trans repeats so seldom that little is near to learn from (decision 0010).
    ring, search = (3, 48) if layout == "xtrans" else (2, 24)
    return (Lattice(reach=0, period=period, ring=ring, search=search, noise_is_unit=True),)


class PixelCanvas:
    """Planes of a picture: luma and two differences of colour, or the one that there is."""

    def __init__(self, pixels: Pixels, *, white: int, layout: Layout = "rendered") -> None:
        """Take the pixels, (height, width) or (height, width, 3) DN; they are not changed."""
        self._original = pixels
        self.pixels: Pixels = pixels.copy()
        self._before: list[tuple[tuple[slice, slice], Pixels]] = []  # each change
        self._white = white
        self._scale = 255 / white
        self._lattices = lattices_of(layout, colours=pixels.ndim == 3)

    @property
    def lattices(self) -> Sequence[Lattice]:
        """Return one per plane, luma first."""
        return self._lattices

    @property
    def sizes(self) -> Sequence[tuple[int, int]]:
        """Return the rows and columns of each plane."""
        height, width = self.pixels.shape[:2]
        return ((height, width),) * len(self._lattices)

    @property
    def spreads(self) -> bool:
        """Return whether a change may change samples that were not meant: those of colours."""
        return self.pixels.ndim == 3

    def windows(self, plane: int, corners: Corners, side: int) -> Floats:
        """Return squares of a plane as it is now."""
        squares = cut(self.pixels, corners, side)
        if self.pixels.ndim == 2:
            return np.asarray(squares * self._scale)
        levels = sum(TO_YCC[plane, channel] * squares[..., channel] for channel in range(3))
        return np.asarray(levels * self._scale + MIDDLE[plane])

    def apply(self, changes: Sequence[Change]) -> bool:
        """Make the changes of one place."""
        top = min(change.row for change in changes)
        left = min(change.column for change in changes)
        bottom = max(change.row + change.levels.shape[0] for change in changes)
        right = max(change.column + change.levels.shape[1] for change in changes)
        area = slice(top, bottom), slice(left, right)
        before = self.pixels[area]
        after = self._round_to_stored(self._levels_after(changes, area, (top, left)))
        meant = np.zeros(before.shape[:2], bool)
        for change in changes:
            rows, columns = _inside(change, top, left)
            meant[rows, columns] |= change.where
        differs = meant & (after != before).reshape(*meant.shape, -1).any(axis=2)
        if differs.any():
            self._before.append((area, before.copy()))
            before[differs] = after[differs]
        return bool(differs.any())

    def mark(self) -> int:
        """Return the number of places changed so far."""
        return len(self._before)

    def back_to(self, mark: int) -> None:
        """Take back all changes but the first so many."""
        while len(self._before) > mark:
            area, before = self._before.pop()
            self.pixels[area] = before

    @property
    def changed(self) -> NDArray[np.bool_]:
        """Return which pixels differ from the original, (height, width)."""
        height, width = self.pixels.shape[:2]
        differ: NDArray[np.bool_] = self.pixels != self._original
        return np.asarray(differ.reshape(height, width, -1).any(axis=2))

    def _levels_after(
        self, changes: Sequence[Change], area: tuple[slice, slice], corner: tuple[int, int]
    ) -> Floats:
        levels = self.pixels[area].astype(np.float64) * self._scale
        if self.pixels.ndim == 3:
            levels = levels @ TO_YCC.T + MIDDLE
        for change in changes:
            rows, columns = _inside(change, *corner)
            plane = (
                levels[rows, columns] if levels.ndim == 2 else levels[rows, columns, change.plane]
            )
            plane[change.where] = change.levels[change.where]
        return (levels - MIDDLE) @ TO_RGB.T if self.pixels.ndim == 3 else levels

    def _round_to_stored(self, levels: Floats) -> Pixels:
        if self.pixels.dtype.kind == "f":
            steps = np.round(levels / self._scale * STEPS) / STEPS
            return steps.astype(np.float32)
        values = np.clip(np.round(levels / self._scale), 0, self._white)
        wide = self.pixels.itemsize > 1
        return values.astype(np.uint16) if wide else values.astype(np.uint8)


def _inside(change: Change, top: int, left: int) -> tuple[slice, slice]:
    rows, columns = change.levels.shape
    row, column = change.row - top, change.column - left
    return slice(row, row + rows), slice(column, column + columns)

"""A clip's frame as a canvas: planes of luma and colour differences, each of a size of its own.

Changes only the samples that it is given, in the arrays that it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .canvas import Change, Corners, Filling, Lattice, cut
from .pixels import CHROMA, LUMA
from .prediction import Floats

SEARCH: Final = 10  # samples away that may teach where a whole clip is repaired


class PlanesCanvas:
    """Planes as a decoder gives them, luma first; levels are of 0 to 255 whatever their depth.

    >>> canvas = PlanesCanvas([np.full((48, 64), 512, np.uint16)], bits=10)
    >>> round(float(canvas.windows(0, np.array([[3, 4]]), 1)[0, 0, 0]), 2)
    127.62
    """

    def __init__(
        self, planes: Sequence[NDArray[Any]], *, bits: int = 8, search: int = LUMA.search
    ) -> None:
        """Take the planes, (rows, columns) each, which must be writeable."""
        self.planes = list(planes)
        self._most = (1 << bits) - 1
        self._before: list[tuple[int, tuple[slice, slice], NDArray[Any]]] = []  # each change
        height, width = planes[0].shape
        self._lattices = tuple(
            replace(CHROMA if number else LUMA, across=each.shape[1] / width,
                    down=each.shape[0] / height, search=search)
            for number, each in enumerate(planes)
        )  # fmt: skip

    @property
    def lattices(self) -> Sequence[Lattice]:
        """Return one per plane, luma first."""
        return self._lattices

    @property
    def sizes(self) -> Sequence[tuple[int, int]]:
        """Return the rows and columns of each plane."""
        return tuple((each.shape[0], each.shape[1]) for each in self.planes)

    @property
    def spreads(self) -> bool:
        """Return whether a change may change samples that were not meant: none does."""
        return False

    def windows(self, plane: int, corners: Corners, side: int) -> Floats:
        """Return squares of a plane as it is now."""
        return np.asarray(cut(self.planes[plane], corners, side) * (255 / self._most))

    def apply(self, changes: Sequence[Change]) -> bool:
        """Make the changes of one place."""
        changed = False
        for change in changes:
            rows, columns = change.levels.shape
            area = np.s_[change.row : change.row + rows, change.column : change.column + columns]
            here = self.planes[change.plane][area]
            wanted = np.clip(np.rint(change.levels * (self._most / 255)), 0, self._most)
            after = np.where(change.where, wanted.astype(here.dtype), here)
            if not np.array_equal(after, here):
                self._before.append((change.plane, area, here.copy()))
                here[...] = after
                changed = True
        return changed

    def fill(self, fillings: Sequence[Filling]) -> bool:
        """Fill holes of places that have no sample in common; `back_to` does not undo it."""
        changed = False
        for each in fillings:
            samples, (rows, columns) = self.planes[each.plane], each.samples()
            at = rows[each.where], columns[each.where]
            levels = np.rint(each.levels[each.where] * (self._most / 255))
            wanted = np.clip(levels, 0, self._most).astype(samples.dtype)
            changed = changed or bool((samples[at] != wanted).any())
            samples[at] = wanted
        return changed

    def mark(self) -> int:
        """Return the number of changes made so far."""
        return len(self._before)

    def back_to(self, mark: int) -> None:
        """Take back all changes but the first so many."""
        while len(self._before) > mark:
            plane, area, before = self._before.pop()
            self.planes[plane][area] = before

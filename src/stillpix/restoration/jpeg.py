"""A JPEG as a canvas: its planes are samples, and it stores coefficients of 8x8 blocks.

Changes only blocks that hold a changed sample, and quantises them with the file's own tables. Never
decodes a block that is not needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import ReadError
from ..rewriting.jpeg import JpegImage
from .blocks import Blocks
from .canvas import Change, Corners, Filling, Lattice
from .pixels import CHROMA, LUMA
from .prediction import Floats
from .storing import ELSEWHERE, FOREMOST, LEANING, SIDE, shifted, stored, weighed

Key: TypeAlias = tuple[int, int, int]  # component, row and column of a block


class JpegCanvas:
    """The components of a JPEG, each at its own resolution."""

    def __init__(
        self, image: JpegImage, path: Path, leaning: float = LEANING, search: int = LUMA.search
    ) -> None:
        if image.colours not in {"grey", "ycbcr", "rgb"}:
            raise ReadError(
                path, f"is a JPEG of {image.colours.upper()} colours, which no camera writes and "
                f"which is not repaired; use the file from which it was made",
            )  # fmt: skip
        self.image, self.leaning = image, leaning
        self.changes: dict[Key, NDArray[np.int16]] = {}
        self._before: list[tuple[Key, NDArray[np.int16] | None]] = []  # each change
        self._lattices = tuple(replace(each, search=search) for each in _lattices(image))
        self._planes = [Blocks(each) for each in image.components]

    @property
    def lattices(self) -> Sequence[Lattice]:
        """Return one per plane, luma first."""
        return self._lattices

    @property
    def sizes(self) -> Sequence[tuple[int, int]]:
        """Return the rows and columns of each plane."""
        return tuple((each.height, each.width) for each in self.image.components)

    @property
    def spreads(self) -> bool:
        """Return whether a change may change samples that were not meant: all of its blocks."""
        return True

    def windows(self, plane: int, corners: Corners, side: int) -> Floats:
        """Return squares of a component's samples as they are now, not yet clipped."""
        return self._planes[plane].windows(corners, side)

    def fill(self, fillings: Sequence[Filling]) -> bool:
        """Fill holes of places that have no block in common, as far as they can be stored."""
        parts = [self._filled(each) for each in fillings if each.where.any()]
        if not parts:
            return False
        keys, wanted, weights = zip(*parts, strict=True)
        every = [key for some in keys for key in some]
        return self._store(every, np.concatenate(wanted), np.concatenate(weights))

    def apply(self, changes: Sequence[Change]) -> bool:
        """Make the changes of one place, as far as quantisation lets them be stored."""
        parts = [part for change in changes for part in self._wanted(change)]
        if not parts:
            return False
        keys, wanted, weights = zip(*parts, strict=True)
        one_place = changes[0].middle is not None
        return self._store(keys, np.array(wanted), np.array(weights) if one_place else None)

    def _store(self, keys: Sequence[Key], wanted: Floats, weights: Floats | None) -> bool:
        """Store what is wanted of blocks (blocks, 64), or a line's shift of them: no weights."""
        before = np.array([self._planes[plane].coefficients(*at) for plane, *at in keys])
        steps = np.array([self.image.components[key[0]].steps for key in keys], np.float64)
        if weights is None:
            after = shifted(wanted, before, steps, self.leaning)
        else:
            after = stored(wanted, weights, before, steps, self.leaning)
        differs = (after != before).any(axis=1)
        for number in np.flatnonzero(differs).tolist():
            key = keys[number]
            self._before.append((key, self.changes.get(key)))
            self._put(key, after[number])
        return bool(differs.any())

    def mark(self) -> int:
        """Return the number of blocks written so far."""
        return len(self._before)

    def back_to(self, mark: int) -> None:
        """Take back all changes but the first so many."""
        while len(self._before) > mark:
            key, before = self._before.pop()
            self._put(key, before)

    def _put(self, key: Key, block: NDArray[np.int16] | None) -> None:
        """Take a block for what stands there from now on; None: the file's own."""
        if block is None:
            del self.changes[key]
        else:
            self.changes[key] = block
        self._planes[key[0]].put(key[1:], block)

    def _filled(self, filling: Filling) -> tuple[list[Key], Floats, Floats]:
        """Return the blocks that holes lie in, their levels then, and how much each counts."""
        rows, columns = (each[filling.where] for each in filling.samples())
        in_row = self.image.components[filling.plane].blocks.shape[1]
        numbers, which = np.unique(rows // SIDE * in_row + columns // SIDE, return_inverse=True)
        at = np.divmod(numbers, in_row)
        levels = self._planes[filling.plane].samples_of(*at)
        within = which, rows % SIDE * SIDE + columns % SIDE
        levels[within] = filling.levels[filling.where]
        middle = np.arange(filling.where.shape[1]) == filling.where.shape[1] // 2
        is_middle = np.broadcast_to(middle, filling.where.shape)[filling.where]
        weights = np.full(levels.shape, ELSEWHERE)
        weights[within] = np.where(is_middle, FOREMOST, 1.0)
        pairs = zip(*(each.tolist() for each in at), strict=True)
        return [(filling.plane, row, column) for row, column in pairs], levels, weights

    def _wanted(self, change: Change) -> Iterator[tuple[Key, Floats, Floats]]:
        """Yield each block that a change reaches, its levels then, and how much each counts."""
        component, (height, width) = self.image.components[change.plane], change.levels.shape
        top, left = max(change.row, 0) // SIDE, max(change.column, 0) // SIDE
        bottom = min(change.row + height - 1, component.height - 1) // SIDE
        right = min(change.column + width - 1, component.width - 1) // SIDE
        levels = self._planes[change.plane].region(top, left, bottom, right)
        rows, columns = np.nonzero(change.where)
        at = rows + change.row - SIDE * top, columns + change.column - SIDE * left
        levels[at] = change.levels[rows, columns]
        meant = np.zeros(levels.shape, bool)
        meant[at] = True
        weights = np.ones(levels.shape)
        if change.middle is not None:
            middle = change.middle[0] - SIDE * top, change.middle[1] - SIDE * left
            weights = weighed(meant, middle)
        for i, j in np.ndindex(bottom - top + 1, right - left + 1):
            block = np.s_[i * SIDE : (i + 1) * SIDE, j * SIDE : (j + 1) * SIDE]
            if meant[block].any():
                key = change.plane, top + i, left + j
                yield key, levels[block].ravel(), weights[block].ravel()


def _lattices(image: JpegImage) -> Iterator[Lattice]:
    """Yield where each component's samples lie, and how far a defect reaches in it."""
    most_across = max(component.across for component in image.components)
    most_down = max(component.down for component in image.components)
    for number, component in enumerate(image.components):
        across, down = component.across / most_across, component.down / most_down
        if number == 0 or image.colours == "rgb":
            yield replace(LUMA, across=across, down=down)
        else:
            yield replace(CHROMA, across=across, down=down)

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
from ..rewriting.jpeg import Component, JpegImage, samples_of
from .canvas import Change, Lattice, Window
from .pixels import CHROMA, LUMA
from .prediction import Floats
from .storing import LEANING, SIDE, stored, weighed

Key: TypeAlias = tuple[int, int, int]  # component, row and column of a block


class JpegCanvas:
    """The components of a JPEG, each at its own resolution."""

    def __init__(self, image: JpegImage, path: Path, leaning: float = LEANING) -> None:
        if image.colours not in {"grey", "ycbcr", "rgb"}:
            raise ReadError(
                path, f"is a JPEG of {image.colours.upper()} colours, which no camera writes and "
                f"which is not repaired; use the file from which it was made",
            )  # fmt: skip
        self.image, self.leaning = image, leaning
        self.changes: dict[Key, NDArray[np.int16]] = {}
        self._before: list[tuple[Key, NDArray[np.int16] | None]] = []  # each change
        self._lattices = tuple(_lattices(image))

    @property
    def lattices(self) -> Sequence[Lattice]:
        """Return one per plane, luma first."""
        return self._lattices

    def window(self, plane: int, row: int, column: int, side: int) -> Window:
        """Return a square of a component's samples as they are now, not yet clipped."""
        component = self.image.components[plane]
        rows, columns = np.arange(row, row + side), np.arange(column, column + side)
        inside = np.logical_and.outer(
            (rows >= 0) & (rows < component.height), (columns >= 0) & (columns < component.width)
        )
        rows, columns = (
            np.clip(rows, 0, component.height - 1),
            np.clip(columns, 0, component.width - 1),
        )
        top, left = int(rows[0]) // SIDE, int(columns[0]) // SIDE
        blocks = self._blocks(plane, top, left, int(rows[-1]) // SIDE, int(columns[-1]) // SIDE)
        levels = _samples(component, blocks)
        return levels[(rows - SIDE * top)[:, None], columns - SIDE * left], inside

    def apply(self, changes: Sequence[Change]) -> bool:
        """Make the changes of one place, as far as quantisation lets them be stored."""
        made = False
        for change in changes:
            made = self._apply(change) or made
        return made

    def mark(self) -> int:
        """Return the number of blocks written so far."""
        return len(self._before)

    def back_to(self, mark: int) -> None:
        """Take back all changes but the first so many."""
        while len(self._before) > mark:
            key, before = self._before.pop()
            if before is None:
                del self.changes[key]
            else:
                self.changes[key] = before

    def _apply(self, change: Change) -> bool:
        component, (height, width) = self.image.components[change.plane], change.levels.shape
        top, left = max(change.row, 0) // SIDE, max(change.column, 0) // SIDE
        bottom = min(change.row + height - 1, component.height - 1) // SIDE
        right = min(change.column + width - 1, component.width - 1) // SIDE
        before = self._blocks(change.plane, top, left, bottom, right)
        levels = _samples(component, before)
        rows, columns = np.nonzero(change.where)
        at = rows + change.row - SIDE * top, columns + change.column - SIDE * left
        levels[at] = change.levels[rows, columns]
        meant = np.zeros(levels.shape, bool)
        meant[at] = True
        weights = weighed(meant, (change.middle[0] - SIDE * top, change.middle[1] - SIDE * left))
        steps, made = component.steps.astype(np.float64), False
        for i, j in np.ndindex(before.shape[:2]):
            block = np.s_[i * SIDE : (i + 1) * SIDE, j * SIDE : (j + 1) * SIDE]
            if not meant[block].any():
                continue
            after = stored(levels[block], weights[block], before[i, j], steps, self.leaning)
            if (after != before[i, j]).any():
                key = change.plane, top + i, left + j
                self._before.append((key, self.changes.get(key)))
                self.changes[key] = after
                made = True
        return made

    def _blocks(
        self, plane: int, top: int, left: int, bottom: int, right: int
    ) -> NDArray[np.int16]:
        """Return blocks as they are now, last row and column included."""
        stored = self.image.components[plane].blocks
        blocks = stored[top : bottom + 1, left : right + 1].copy()
        for row, column in np.ndindex(blocks.shape[:2]):
            changed = self.changes.get((plane, top + row, left + column))
            if changed is not None:
                blocks[row, column] = changed
        return blocks


def _samples(component: Component, blocks: NDArray[np.int16]) -> Floats:
    part = replace(component, blocks=blocks)
    return np.asarray(samples_of(part, 0, blocks.shape[0], 0, blocks.shape[1]), np.float64)


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

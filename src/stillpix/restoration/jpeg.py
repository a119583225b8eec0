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
from .block_kernels import SIDE, SIZE, Blocks, fill_windows
from .canvas import Change, Corners, Lattice
from .pixels import CHROMA, LUMA
from .prediction import Floats
from .storing import LEANING, store_levels

MOST_AT_FIRST = 64  # blocks that there is room for when the first is changed

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
        self._blocks = [
            Blocks(
                each.blocks, np.zeros(each.blocks.shape[:2], np.int32),
                np.empty((0, SIZE), np.int16), each.steps.astype(np.float64), each.height,
                each.width,
            )
            for each in image.components
        ]  # fmt: skip
        self._used = [0] * len(self._blocks)  # rows of Blocks.changed

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
        levels = np.empty((corners.shape[0], side, side))
        fill_windows(self._blocks[plane], corners, levels)
        return levels

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
                self._blocks[key[0]].slots[key[1:]] = 0
            else:
                self._set(key, before)

    def _apply(self, change: Change) -> bool:
        component, (height, width) = self.image.components[change.plane], change.levels.shape
        top, left = max(change.row, 0) // SIDE, max(change.column, 0) // SIDE
        bottom = min(change.row + height - 1, component.height - 1) // SIDE
        right = min(change.column + width - 1, component.width - 1) // SIDE
        after = np.empty((bottom + 1 - top, right + 1 - left, SIZE), np.int16)
        differs = np.empty(after.shape[:2], bool)
        if not store_levels(
            self._blocks[change.plane], (top, left), change.row, change.column, change.levels,
            change.where, change.middle, self.leaning, after, differs,
        ):  # fmt: skip
            return False
        for (row, column), differ in np.ndenumerate(differs):
            if differ:
                key = change.plane, top + row, left + column
                self._before.append((key, self.changes.get(key)))
                self._set(key, after[row, column])
        return True

    def _set(self, key: Key, block: NDArray[np.int16]) -> None:
        """Take a block for what stands there from now on."""
        plane, place = key[0], key[1:]
        blocks, used = self._blocks[plane], self._used[plane]
        slot = int(blocks.slots[place])
        if not slot:
            if used == len(blocks.changed):
                more = np.empty((max(used, MOST_AT_FIRST), SIZE), np.int16)
                blocks = blocks._replace(changed=np.concatenate([blocks.changed, more]))
                self._blocks[plane] = blocks
            slot = blocks.slots[place] = used + 1
            self._used[plane] = used + 1
        blocks.changed[slot - 1] = block
        self.changes[key] = block


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

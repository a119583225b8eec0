"""The blocks of one component of a JPEG as they are now: the file's, and those that were changed.

Decodes a block when its samples are needed, and keeps them for the next time. Never decodes a
block that is not needed.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..rewriting.jpeg import Component, basis_of_waves
from .canvas import Corners
from .kernels import gather
from .prediction import Floats
from .storing import MIDDLE, SIDE

MOST_DECODED = 20_000  # blocks whose samples are kept: 10 MB
ROOM = 256  # blocks that there is room for at first
SIZE = SIDE * SIDE
Coefficients: TypeAlias = NDArray[np.int16]  # (64,), quantised


class Blocks:
    """Blocks of a component, by row and column."""

    def __init__(self, component: Component) -> None:
        self._component = component
        self._steps = component.steps.astype(np.float64)
        self._basis = basis_of_waves()
        self._changed: dict[tuple[int, int], Coefficients] = {}
        self._samples, self._used = np.empty((ROOM, SIZE)), 1  # row 0 stands for none
        self._slots = np.zeros(component.blocks.shape[:2], np.int32)

    def put(self, at: tuple[int, int], block: Coefficients | None) -> None:
        """Take a block for what stands there from now on; None: the file's own."""
        if block is None:
            del self._changed[at]
        else:
            self._changed[at] = block
        self._slots[at] = 0

    def coefficients(self, row: int, column: int) -> Coefficients:
        """Return one block."""
        changed = self._changed.get((row, column))
        return self._component.blocks[row, column] if changed is None else changed

    def region(self, top: int, left: int, bottom: int, right: int) -> Floats:
        """Return the samples of a rectangle of blocks, last row and column included."""
        rows, columns = np.arange(top, bottom + 1), np.arange(left, right + 1)
        slots = self._decoded(rows[:, None], columns)
        levels = self._samples[slots]
        square = levels.reshape(rows.size, columns.size, SIDE, SIDE).transpose(0, 2, 1, 3)
        return square.reshape(rows.size * SIDE, columns.size * SIDE)

    def samples_of(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
        """Return copies of the samples of some blocks, (blocks, 64)."""
        slots = self._decoded(rows, columns)
        return np.asarray(self._samples[slots])

    def windows(self, corners: Corners, side: int) -> Floats:
        """Return squares of samples (places, side, side), the component's edge repeated outside.

        `corners` (places, 2) are row and column of their first samples, which may lie outside.
        Samples are neither rounded nor clipped.
        """
        windows, part = np.empty((len(corners), side, side)), self._component
        size = np.array([part.height, part.width])
        if not gather(self._samples, self._slots, corners, size, windows):
            first = np.clip(corners, 0, size - 1) // SIDE
            last = np.clip(corners + side - 1, 0, size - 1) // SIDE
            most = np.arange(side // SIDE + 2)  # blocks across
            down = np.minimum(first[:, :1] + most, last[:, :1])
            across = np.minimum(first[:, 1:] + most, last[:, 1:])
            self._decoded(down[:, :, None], across[:, None])
            gather(self._samples, self._slots, corners, size, windows)
        return windows

    def _decoded(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return where the samples of some blocks are kept, after decoding those that are not."""
        if self._used > MOST_DECODED:
            self._slots[:] = 0
            self._samples, self._used = self._samples[:ROOM].copy(), 1
        slots = self._slots[rows, columns]
        if not slots.all():
            missing = np.zeros(self._slots.shape, bool)
            missing[rows, columns] = slots == 0
            self._decode(*np.nonzero(missing))
            slots = self._slots[rows, columns]
        return slots

    def _decode(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> None:
        blocks = self._component.blocks[rows, columns]
        if self._changed:
            for number, at in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
                if at in self._changed:
                    blocks[number] = self._changed[at]
        scaled = (blocks * self._steps).reshape(-1, SIDE, SIDE)
        samples = self._basis.T @ scaled @ self._basis + MIDDLE
        start = self._used
        self._used += rows.size
        if self._used > len(self._samples):
            more = np.empty((max(self._used, 2 * len(self._samples)), SIZE))
            more[:start] = self._samples[:start]
            self._samples = more
        self._samples[start : self._used] = samples.reshape(-1, SIZE)
        self._slots[rows, columns] = np.arange(start, self._used)

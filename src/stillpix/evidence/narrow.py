"""Sums in as few bytes as they need: two a number, three where those do not suffice, or four.

Works on arrays only; never changes a sum.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .room import Room

# The lower 16 bits, signed, and what the rest counts of 65536: no rows of that while all is 0.
Narrow: TypeAlias = tuple[NDArray[np.int16], NDArray[np.signedinteger]]

_LEAST, _MOST = np.iinfo(np.int16).min, np.iinfo(np.int16).max
_STEP = 1 << 16  # of the higher array
_KINDS = (np.dtype(np.int8), np.dtype(np.int16))  # of it


class NarrowSums:
    """Sums of 32 bits, (templates, rows, width), as kernels add to them: in `arrays`.

    >>> sums = NarrowSums((1, 1, 2))
    >>> sums.add(np.array([[[7, -40_000]]], np.int32))
    >>> [array.tolist() for array in sums.arrays], sums.whole().tolist()
    ([[[[7, 25536]]], [[[0, -1]]]], [[[7, -40000]]])
    """

    __slots__ = ("arrays", "room")

    def __init__(self, shape: tuple[int, int, int], room: Room | None = None) -> None:
        """Take the shape, and room for the numbers; without it, they are in memory."""
        templates, _, width = shape
        self.room = room
        self.arrays: Narrow = (
            self._zeros(shape, np.int16), np.zeros((templates, 0, width), _KINDS[0])
        )  # fmt: skip

    @property
    def kind(self) -> np.dtype[np.signedinteger]:
        """Return the type of the higher array."""
        return self.arrays[1].dtype

    def template(self, number: int) -> NDArray[np.int32]:
        """Return the sums of one template, (rows, width)."""
        low, high = (array[number] for array in self.arrays)
        whole: NDArray[np.int32] = low.astype(np.int32)
        if len(high):
            whole += high * np.int32(_STEP)
        return whole

    def at(self, row: int, column: int) -> NDArray[np.int32]:
        """Return the sums at one place, (templates,).

        >>> sums = NarrowSums((2, 1, 2))
        >>> sums.add(np.array([[[7, -40_000]], [[3, 4]]], np.int32))
        >>> sums.at(0, 1).tolist()
        [-40000, 4]
        """
        low, high = (array[:, row : row + 1, column] for array in self.arrays)
        return np.asarray(low[:, 0] + (high * np.int32(_STEP)).sum(axis=1, dtype=np.int32))

    def whole(self) -> NDArray[np.int32]:
        """Return all sums."""
        return np.stack([self.template(number) for number in range(len(self.arrays[0]))])

    def add(self, more: NDArray[np.int32]) -> None:
        """Add other sums."""
        for number in range(len(more)):  # a few MB at a time
            self._put(number, self.template(number) + more[number])

    def make_room(self, most: int) -> None:
        """Let so much be added to each sum, and taken from each."""
        low, high = self.arrays
        if not high.size:
            if _largest(low) + most > _MOST:
                self._add_rows()
        elif high.dtype == _KINDS[0] and (_largest(high) + 1) * _STEP + most > _STEP << 7:
            self.widen()

    def widen(self) -> None:
        """Hold sums of 32 bits from now on."""
        low, high = self.arrays
        if high.dtype != _KINDS[1]:
            wide = self._zeros(high.shape, _KINDS[1])
            wide[...] = high
            self.arrays = low, wide

    def leave(self) -> None:
        """Let the sums leave memory until they are asked for, where they lie in a room."""
        if self.room is not None:
            for array in self.arrays:
                self.room.leave(array)

    def _add_rows(self) -> None:
        low, high = self.arrays
        self.arrays = low, self._zeros(low.shape, high.dtype)

    def _zeros(self, shape: tuple[int, ...], kind: DTypeLike) -> NDArray[Any]:
        return np.zeros(shape, kind) if self.room is None else self.room.zeros(shape, kind)

    def _put(self, number: int, sums: NDArray[np.int32]) -> None:
        """Hold the sums of one template in the place of its old ones."""
        if not self.arrays[1].size and sums.size and (sums.min() < _LEAST or sums.max() > _MOST):
            self._add_rows()
        low, high = self.arrays
        low[number] = sums.astype(np.int16)  # their lower 16 bits
        if not high.size:
            return
        rest = (sums - low[number]) >> 16
        if _largest(rest) > np.iinfo(high.dtype).max:
            self.widen()
        self.arrays[1][number] = rest


def _largest(sums: NDArray[np.signedinteger]) -> int:
    """Return the largest of some sums, whatever its sign."""
    return max(int(sums.max()), -int(sums.min())) if sums.size else 0

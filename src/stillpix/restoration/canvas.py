"""A photo as planes of samples that can be looked at and changed around a few places.

Never decides what to change.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .prediction import Floats

Corners: TypeAlias = NDArray[np.int64]  # (places, 2): row and column of first samples


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """New levels for a rectangle of one plane."""

    plane: int
    row: int  # of its first sample
    column: int
    levels: Floats  # (rows, columns), of 0..255
    where: NDArray[np.bool_]  # (rows, columns): which of them are meant
    middle: tuple[int, int] | None  # row and column, in the plane, of the defect's sample; a line's
    # has none


@dataclass(frozen=True, slots=True)
class Lattice:
    """Where a plane's samples lie among the photo's pixels, and how a defect spreads on them."""

    across: float = 1.0  # samples a pixel: 0.5 in the chroma of a 4:2:0 JPEG
    down: float = 1.0
    reach: int = 2  # pixels from a defect's middle that are repaired
    widths: tuple[float, ...] = (1.0,)  # of its response in pixels, as separation.response has it
    period: int = 1  # samples after which a colour filter array begins again
    ring: int = 1
    search: int = 16
    noise_is_unit: bool = False  # of levels: a mosaic's noise is anything, a rendered photo's some

    @property
    def reaches(self) -> tuple[int, int]:
        """Return the rows and columns of samples on each side of a middle that are repaired."""
        return math.ceil(self.reach * self.down), math.ceil(self.reach * self.across)

    def position(self, x: int, y: int) -> tuple[float, float]:
        """Return the row and column, in samples, of a pixel's middle.

        >>> Lattice(across=0.5, down=0.5).position(10, 11)
        (5.25, 4.75)
        """
        return (y + 0.5) * self.down - 0.5, (x + 0.5) * self.across - 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Filling:
    """New levels for the holes of some places, all in one plane."""

    plane: int
    reaches: tuple[int, int]  # rows and columns of a hole on each side of its middle
    middles: NDArray[np.int64]  # (places, 2) row and column
    where: NDArray[np.bool_]  # (places, n): which samples of the holes are meant
    levels: Floats  # (places, n), of 0..255

    def samples(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows and the columns of the holes' samples, (places, n) each."""
        (down, across), shape = self.reaches, self.where.shape
        rows = self.middles[:, :1] + np.arange(-down, down + 1)
        columns = self.middles[:, 1:] + np.arange(-across, across + 1)
        ones = np.ones((2 * down + 1, 2 * across + 1), np.int64)
        return (rows[:, :, None] * ones).reshape(shape), (columns[:, None] * ones).reshape(shape)

    def changes(self) -> Iterator[Change]:
        """Yield the change of each place."""
        down, across = self.reaches
        square = 2 * down + 1, 2 * across + 1
        for (row, column), where, levels in zip(
            self.middles.tolist(), self.where, self.levels, strict=True
        ):
            if where.any():
                yield Change(
                    self.plane, row - down, column - across, levels.reshape(square),
                    where.reshape(square), (row, column),
                )  # fmt: skip


class Canvas(Protocol):
    """What a photo must offer to be repaired."""

    @property
    def lattices(self) -> Sequence[Lattice]:
        """Return one per plane, luma first."""

    @property
    def sizes(self) -> Sequence[tuple[int, int]]:
        """Return the rows and columns of each plane."""

    @property
    def spreads(self) -> bool:
        """Return whether a change may change samples that were not meant, too."""

    def windows(self, plane: int, corners: Corners, side: int) -> Floats:
        """Return squares of a plane as it is now, (places, side, side) levels.

        Their corners may lie outside; the plane's edge is repeated there.
        """

    def apply(self, changes: Sequence[Change]) -> bool:
        """Make the changes of one place; say whether any was large enough to be stored."""

    def mark(self) -> int:
        """Return the number of changes made so far."""

    def back_to(self, mark: int) -> None:
        """Take back all changes but the first so many."""


def cut(plane: NDArray[Any], corners: Corners, side: int) -> NDArray[Any]:
    """Return squares of a plane (height, width, ...), its edge repeated outside.

    >>> cut(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[-1, 0]]), 3).tolist()
    [[[1.0, 2.0, 2.0], [1.0, 2.0, 2.0], [3.0, 4.0, 4.0]]]
    """
    height, width = plane.shape[:2]
    rows = np.clip(corners[:, :1] + np.arange(side), 0, height - 1)
    columns = np.clip(corners[:, 1:] + np.arange(side), 0, width - 1)
    return np.asarray(plane[rows[:, :, None], columns[:, None, :]])

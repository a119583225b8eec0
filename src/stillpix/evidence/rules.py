"""What must be known of photos to add them up: one interface, an implementation for each way.

`rendered` and `mosaic` implement it, `by_layout` chooses. Whatever stands above asks the rules of
an evidence and never again what kind of photos it is of.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from math import ceil
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..frame import XTRANS, Frame, Sensor
from .groups import OwnSums
from .periods import PeriodSums
from .sum_kernels import CLIP, LARGEST, PAD, UNIT
from .templates import Template

TOGETHER = 4  # photos added in one pass over the sums: memory traffic is a third of the cost

Sums: TypeAlias = dict[str, NDArray[Any]]  # by name, in the order in which the kernel takes them
AddRows: TypeAlias = Callable[[int, int, Sums], None]  # the first row, the one after the last
ShowRows: TypeAlias = Callable[[int, int, NDArray[np.int16]], None]


@dataclass(frozen=True, slots=True)
class Pass:
    """Some photos that are added in one pass over the sums, and how."""

    frames: Sequence[Frame]  # TOGETHER at most, alike as `Rules.likeness` says
    templates: Sequence[Template]
    groups: tuple[OwnSums, ...]  # one a frame: the sums of its group
    periods: tuple[PeriodSums, ...]  # one a frame: the sums of its period, of one type
    turns: NDArray[np.int64]  # 0 or 1, which of a block's two middle rows stands for it
    thin: int  # strips of rows to one that has decoys


class Rules(ABC):
    """How photos of one layout are judged and weighed, and what shape their sums have."""

    grid: int  # px, side of the cells that decoys and strata keep
    strip: int  # rows in a strip of decoys: a multiple of the grid
    levels: ClassVar[float]  # grey levels that white has
    says: ClassVar[float]  # sigmas that one photo can say at most
    counts: ClassVar[float]  # counts of the summed excess that are a grey level
    # By a tone curve: a strong hot pixel may look constant, and no photo is known to be dark.
    toned: ClassVar[bool]
    spreads: ClassVar[bool]  # one defect shows in its neighbours, too
    bursts: ClassVar[bool]  # what single photos say is summed apart, and repeats are asked
    shows: ClassVar[float]  # sigmas from which a photo clearly shows a defect
    found_within: ClassVar[int]  # px around a defect that show it
    # Photos of one stretch of time may show the same stars a little moved: one group of decoys.
    stretches_s: ClassVar[tuple[float, ...]]
    pitch: int  # px between the samples of a photo's structure, on a small sensor
    period: int  # px from one value to the next of the same colour

    @property
    def most_counts(self) -> int:
        """Return how much one photo adds to a score at most."""
        return ceil(UNIT * CLIP * self.says) + 1

    @abstractmethod
    def likeness(self, frame: Frame) -> tuple[Any, ...]:
        """Return what photos must have in common to be added in one pass."""

    @abstractmethod
    def adder(self, photos: Pass, pool: Executor | None) -> AddRows:
        """Judge some photos by their noise, and return what adds rows of them to the sums."""

    @abstractmethod
    def shower(self, frame: Frame) -> ShowRows:
        """Return what counts in rows what a repeat clearly shows, and adds up nothing else."""

    @abstractmethod
    def measure(self, frame: Frame, at: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return what a photo says at places (x, y), (places, MEASURES); see `measures`."""

    @abstractmethod
    def flat_below(self, frame: Frame, samples: NDArray[np.float32]) -> tuple[float, float]:
        """Return below which DN, and which share of its level, a photo's structure is none."""

    def shapes(self, sensor: Sensor) -> dict[str, tuple[int, int]]:
        """Return the shapes of the sums that not all rules have."""
        full = sensor.height, sensor.width
        if not self.bursts:
            return {"bursts": (0, full[1]), "shown_again": (0, 0)}
        return {"bursts": full, "shown_again": full}


def groups_of(photos: Pass) -> tuple[tuple[OwnSums, ...], tuple[PeriodSums, ...]]:
    """Return the groups and periods of TOGETHER photos, the last the first again, as `padded`."""
    missing = TOGETHER - len(photos.groups)
    return (
        photos.groups + photos.groups[:1] * missing,
        photos.periods + photos.periods[:1] * missing,
    )


def native(frame: Frame) -> NDArray[Any]:
    """Return a frame's pixels in the one memory layout that kernels are compiled for."""
    return np.require(frame.pixels, frame.pixels.dtype.newbyteorder("="), ["C", "W"])


def padded(frames: Sequence[Frame], pool: Executor | None) -> tuple[NDArray[Any], ...]:
    """Return the pixels of TOGETHER frames, `continued`; the last ones are the first again.

    Kernels are compiled for tuples of one type.
    """
    photos = list((map if pool is None else pool.map)(continued, frames))
    return tuple(photos + [photos[0]] * (TOGETHER - len(photos)))


def continued(frame: Frame) -> NDArray[Any]:
    """Return a frame's pixels, PAD px wider on each side, continued beyond its visible area.

    They are mirrored there, which keeps a Bayer pattern in step; the X-Trans pattern, which no
    mirror maps onto itself, is repeated. Masked pixels within PAD px of the area are written over.
    A mosaic's bytes become wider numbers: kernels are compiled for each type, and few have bytes.
    """
    return continued_rows(frame, 0, frame.pixels.shape[0])


def continued_rows(frame: Frame, first: int, last: int) -> NDArray[Any]:
    """Return rows first..last of a frame, and PAD more before and behind them, `continued`.

    So a band of rows is looked at without a copy of all others.
    """
    pixels, (rows, columns) = native(frame), continuation(frame)
    height, width = pixels.shape
    few = pixels.dtype == np.uint8 and frame.sensor.layout != "rendered"
    kind = np.dtype(np.uint16) if few else pixels.dtype
    wide = np.empty((last - first + 2 * PAD, width + 2 * PAD), kind)
    start, end = max(first - PAD, 0), min(last + PAD, height)
    wide[start - first + PAD : end - first + PAD, PAD:-PAD] = pixels[start:end]
    moved = np.arange(first, last + 2 * PAD)
    for row in moved[rows[moved] != moved - PAD]:
        wide[row - first, PAD:-PAD] = pixels[rows[row]]
    moved = np.arange(width + 2 * PAD)
    for column in moved[columns != moved - PAD]:
        wide[:, column] = wide[:, PAD + columns[column]]
    return wide


def continuation(frame: Frame) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return from which row and column of a frame each one of it as `continued` is."""
    (left, top, across, down), repeats = frame.sensor.visible_area, frame.sensor.layout == "xtrans"
    height, width = frame.pixels.shape
    rows, columns = (
        np.clip(np.arange(-PAD, length + PAD), 0, length - 1) for length in (height, width)
    )
    for lines, first, length in ((columns, left, across), (rows, top, down)):
        for beyond, inside in _continuation(length, repeats=repeats):
            lines[PAD + first + beyond] = first + inside
    return rows, columns


def _continuation(length: int, *, repeats: bool) -> Iterator[tuple[int, int]]:
    """Yield for each of PAD places before and after 0..length - 1 the place that it is copied from.

    >>> list(_continuation(20, repeats=False))[:4]
    [(-1, 1), (20, 18), (-2, 2), (21, 17)]
    >>> list(_continuation(20, repeats=True))[:4]
    [(-1, 5), (20, 14), (-2, 4), (21, 15)]
    """
    last = length - 1
    for step in range(1, PAD + 1):
        away = -step % len(XTRANS) if repeats else step
        yield -step, min(away, last)
        yield last + step, max(last - away, 0)


def spread_of(
    own: NDArray[np.floating[Any]], number: NDArray[np.int64] | int
) -> NDArray[np.floating[Any]]:
    """Return how far neighbours depart, of residual sizes (places, 8), of which `number` count.

    As in the kernels: 1.25 times their mean, of which the largest counts LARGEST at most.

    >>> sizes = np.array([[1.0, 1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 1, 99]])
    >>> spread_of(sizes, 8).round(2).tolist()
    [1.25, 2.03]
    """
    largest = own.max(1)
    others = own.sum(1) - largest
    most = LARGEST * others / (number - 1)
    return np.asarray(1.25 * (others + np.minimum(largest, most)) / number)

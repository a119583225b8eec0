"""The subpixels that vary least over a set of photos: Michel Anders' finder of 2011.

Of every stored value (each R, G and B of a colour photo, each pixel of a grey photo or a mosaic)
the sum of squared differences from its mean over the set; where that is least, a pixel may be
stuck. Never reads files, never keeps a photo, and knows nothing of neighbours, exposures or noise.

The article adds photos up with Welford's on-line algorithm in floating point. Here exact integer
sums take its place: they merge to the same bits in any order, ties are true ties, and a subpixel
of 8 bits takes 8 bytes instead of 32. Values are counted from the middle of their range, which
changes no variance and keeps the squares small enough for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..compiling import compiled
from ..errors import NothingUsableError, SensorMismatchError, StillpixError
from ..frame import Pixels, Sensor

COLOURS = 3  # R, G, B of a colour photo


@dataclass(frozen=True, slots=True)
class SumTypes:
    """How the values of one bit depth are added up, and for how many photos that is exact."""

    middle: int  # DN that is counted as 0
    total: type[np.signedinteger[Any]]
    squares: type[np.unsignedinteger[Any]]
    most_photos: int


SUM_TYPES = {
    # a square is at most 2^14: 2^32 holds 2^18 of them
    "uint8": SumTypes(1 << 7, np.int32, np.uint32, (1 << 18) - 1),
    # a square is at most 2^30, and n^2 times the variance must stay below 2^64
    "uint16": SumTypes(1 << 15, np.int64, np.uint64, (1 << 17) - 1),
}


@compiled
def _add(values: Any, middle: Any, totals: Any, squares: Any) -> None:
    """Add one picture's values, and their squares, to the sums; all flat."""
    for i in range(values.size):
        value = np.int32(values[i]) - middle
        totals[i] += value
        squares[i] += np.uint32(value * value)


@compiled
def _select_least(totals: Any, squares: Any, photos: Any, chosen: Any, spreads: Any) -> int:
    """List the least spreads (n times the sum of squared differences) and where they are.

    Ascending; of equals, the first in the array comes first. Returns how many subpixels beyond
    those listed have exactly the last spread listed. Unsigned 64 bits wrap, and the difference
    is right all the same.
    """
    last, held, beyond = spreads.size - 1, 0, 0
    for i in range(totals.size):
        total = np.uint64(np.int64(totals[i]))
        spread = photos * np.uint64(squares[i]) - total * total
        if held > last and spread >= spreads[last]:
            beyond += spread == spreads[last]
            continue
        lost = spreads[last]
        at = min(held, last)
        while at > 0 and spreads[at - 1] > spread:
            spreads[at], chosen[at] = spreads[at - 1], chosen[at - 1]
            at -= 1
        spreads[at], chosen[at] = spread, i
        if held > last:
            beyond = beyond + 1 if spreads[last] == lost else 0
        held = min(held + 1, last + 1)
    return beyond


@dataclass(frozen=True, slots=True)
class LeastSubpixel:
    """One subpixel that varies little."""

    index: int  # into the flat array as stored: (y * width + x) * channels + channel
    x: int
    y: int
    channel: int | None  # 0, 1, 2: R, G, B; None: the photos are grey or a mosaic
    sum_of_squares: float  # DN^2, of the differences from the mean over the photos
    mean: float  # DN
    ties: int  # subpixels of the sensor, this one too, that vary exactly as little


class SubpixelVariance:
    """The sums of one sensor: 8 bytes a subpixel of 8 bits, 16 of one of 16 bits.

    The first picture says whether the set is of colour photos or grey ones, and its bit depth.

    >>> sensor = Sensor("Example", "One", "7", width=2, height=1)
    >>> dark = np.array([[[9, 80, 255], [7, 7, 7]]], np.uint8)
    >>> light = np.array([[[19, 90, 255], [9, 9, 10]]], np.uint8)
    >>> first, second = SubpixelVariance(sensor).update_all([dark, light]).least(2)
    >>> (first.x, first.y, first.channel, first.mean, first.sum_of_squares)
    (0, 0, 2, 255.0, 0.0)
    >>> (second.index, second.ties, second.sum_of_squares)
    (3, 2, 2.0)
    """

    def __init__(self, sensor: Sensor) -> None:
        self.sensor = sensor
        self.photos = 0
        self._shape: tuple[int, ...] = ()  # of the pictures, unknown before the first
        self._depth = ""  # numpy's name of their type
        self._totals: NDArray[Any] = np.zeros(0, np.int32)
        self._squares: NDArray[Any] = np.zeros(0, np.uint32)

    def update(self, picture: Pixels) -> Self:
        """Add one photo: (height, width, 3) DN in colour, or (height, width) DN.

        Raises SensorMismatchError, and changes nothing, if the picture's shape or bit depth is
        not the set's.
        """
        self._require_fitting(picture.shape, picture.dtype.name)
        if not self.photos:
            self._start(picture.shape, picture.dtype.name)
        self._require_room(1)
        middle = np.int32(SUM_TYPES[self._depth].middle)
        _add(np.ascontiguousarray(picture).reshape(-1), middle, self._totals, self._squares)
        self.photos += 1
        return self

    def update_all(self, pictures: Iterable[Pixels]) -> Self:
        """Add several photos, one after the other."""
        for picture in pictures:
            self.update(picture)
        return self

    def merge(self, other: Self) -> Self:
        """Add the sums of other photos of the same sensor; raise SensorMismatchError."""
        if other.sensor != self.sensor:
            self._refuse(other.sensor.name)
        if not other.photos:
            return self
        self._require_fitting(other._shape, other._depth)
        if not self.photos:
            self._start(other._shape, other._depth)
        self._require_room(other.photos)
        self._totals += other._totals
        self._squares += other._squares
        self.photos += other.photos
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SubpixelVariance):
            return NotImplemented
        return (
            (self.sensor, self.photos) == (other.sensor, other.photos)
            and (self._shape, self._depth) == (other._shape, other._depth)
            and np.array_equal(self._totals, other._totals)
            and np.array_equal(self._squares, other._squares)
        )

    __hash__ = None  # type: ignore[assignment]  # it changes

    @property
    def nbytes(self) -> int:
        """Return the bytes that the sums take, however many the photos."""
        return self._totals.nbytes + self._squares.nbytes

    def least(self, count: int = 10) -> list[LeastSubpixel]:
        """Return the `count` subpixels that vary least, of equals the first in the array.

        Raises NothingUsableError before the first photo.
        """
        if not self.photos:
            raise NothingUsableError(f"{self.sensor.name}: no photo was added yet; give some")
        count = min(count, self._totals.size)
        if count < 1:
            return []
        chosen, spreads = np.zeros(count, np.int64), np.zeros(count, np.uint64)
        photos = np.uint64(self.photos)
        beyond = _select_least(self._totals, self._squares, photos, chosen, spreads)
        values = spreads.tolist()
        ties = {value: values.count(value) for value in values}
        ties[values[-1]] += beyond
        return [
            self._subpixel(index, spread, ties[spread])
            for index, spread in zip(chosen.tolist(), values, strict=True)
        ]

    def _subpixel(self, index: int, spread: int, ties: int) -> LeastSubpixel:
        y, x, *channel = (int(place) for place in np.unravel_index(index, self._shape))
        total = int(self._totals[index]) + self.photos * SUM_TYPES[self._depth].middle
        return LeastSubpixel(
            index=index,
            x=x,
            y=y,
            channel=channel[0] if channel else None,
            sum_of_squares=spread / self.photos,
            mean=total / self.photos,
            ties=ties,
        )

    def _start(self, shape: tuple[int, ...], depth: str) -> None:
        self._shape, self._depth = shape, depth
        size = int(np.prod(shape))
        self._totals = np.zeros(size, SUM_TYPES[depth].total)
        self._squares = np.zeros(size, SUM_TYPES[depth].squares)

    def _require_fitting(self, shape: tuple[int, ...], depth: str) -> None:
        grey = (self.sensor.height, self.sensor.width)
        known = {(self._shape, self._depth)} if self.photos else set()
        fitting = known or {(each, bits) for each in (grey, (*grey, COLOURS)) for bits in SUM_TYPES}
        if (shape, depth) not in fitting:
            self._refuse(f"a picture of {_kind(shape, depth)}")

    def _refuse(self, what: str) -> None:
        own = f", {_kind(self._shape, self._depth)}" if self.photos else ""
        raise SensorMismatchError(
            f"{what}: not what this set is of ({self.sensor.name}{own}); "
            "values of different sensors or kinds of photo are never added up"
        )

    def _require_room(self, more: int) -> None:
        most = SUM_TYPES[self._depth].most_photos
        if self.photos + more > most:
            raise StillpixError(
                f"{self.sensor.name}: the sums are exact for {most} photos at most; use fewer"
            )


def _kind(shape: tuple[int, ...], depth: str) -> str:
    """Return the words for a picture's shape and type.

    >>> _kind((4, 6, 3), "uint8")
    '6x4 pixels of 3 values, uint8'
    """
    size = "x".join(str(side) for side in shape[1::-1])
    values = f" of {shape[2]} values" if len(shape) > 2 else ""
    return f"{size} pixels{values}, {depth}"

"""What never moves, whatever the photos show: bars, borders, hoods, horizons, watermarks, dust.

Each block of the frame has its structure added up as a vector of fixed length. Of pictures that
have nothing in common the sum grows with the root of their number; where the same thing stands at
the same place it grows with the number. Never reads photos, and never decides what is a defect.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..frame import Frame, Sensor
from .by_layout import rules_of
from .rules import native
from .stillness_kernels import LENGTH, SIDE, add_structure, sample_rows
from .sum_kernels import BLOCK

SMALL = 3_000_000  # pixels of a sensor that has blocks of half the side
# px around what never moves that a predictor or a JPEG's block carries it: from a straight edge
# around black, from a hood whose ragged edge ends within the next block, and in a mosaic, where
# photosites of one colour lie farther apart
MARGIN, MARGIN_OF_RAGGED, MARGIN_OF_MOSAIC = 5, 13, 10
AROUND_BLACK = 32  # px from what shows nothing in which an edge is one around black
# Share of the full length from which a block's structure is the same in all photos, and from which
# it likely is: beside such a block, or at the end of a chain of likely ones that leads to it.
# Unrelated photos stay below 0.37 (99 % of the blocks of 40 photos).
SAME, SAME_BESIDE = 0.7, 0.4
# And of a mosaic's, share of all photos in which it is the same: stars that pass are the same in
# some of them.
STANDS, STANDS_BESIDE = 0.5, 0.25
CHANCE = 2.0  # times the root of the number: the length that unrelated photos stay below
CHANCE_OF_SMOOTH = 3.0  # the same of skies and other smooth scenes, which few numbers tell
FEWEST, FEWEST_SHARE = 6, 0.1  # photos, and share of them, that must show structure in a block
GAP = 2  # blocks: twice this between parts that never move is no picture either (a date's digits)
# Likely blocks of rendered photos that hang together and are still without a sure one, as about the
# pole of a turning sky: of unrelated photos at most two do.
ENOUGH_LIKELY = 6
# Of what is black in all photos but this share, blocks that hang together: an empty sky shows no
# structure in most photos, but in some of them, and is no border that an edge would stand around.
SELDOM, BLACK = 0.03, 16
# Blocks of a mosaic that hang together: few are a star at the pole of its field, many are no star,
# and few within some blocks of many belong to them (a horizon's trees).
FEW, MANY, WITHIN = 6, 48, 3
# Share of the largest part that moves, below which one enclosed by what never moves is none either:
# the shadow under a hood shows no structure.
HOLE = 0.1
MOSTLY_FLAT = 0.9  # share of the frame: where more is flat in all photos, that is no border

Mask = NDArray[np.bool_]


class Stillness:
    """The sums of one sensor's structure, by block."""

    def __init__(self, sensor: Sensor) -> None:
        self.rules = rules_of(sensor.layout)
        self.shape = sensor.height, sensor.width
        small = sensor.height * sensor.width < SMALL
        self.pitch = self.rules.pitch * (1 if small else 2)
        self.side = self.pitch * SIDE
        down, across = (max(length // self.side, 1) for length in self.shape)
        self.sums = np.zeros((down, across, SIDE * SIDE), np.int32)
        self.told = np.zeros((down, across), np.int32)  # photos that show structure there

    def add(self, frames: Sequence[Frame], pool: Executor | None = None) -> None:
        """Add what some photos show; with a pool each thread takes photos, then rows of blocks."""
        if min(self.shape) < self.side:  # not one whole block
            return
        each = map if pool is None else pool.map
        sampled = list(each(self._sample, frames))
        down = len(self.told)
        bands = 1 if pool is None else 8
        edges = [down * band // bands for band in range(bands + 1)]

        def add_band(band: int) -> None:
            for samples, (least, share) in sampled:
                limits = edges[band], edges[band + 1]
                add_structure(samples, least, share, *limits, self.sums, self.told)

        list(each(add_band, range(bands)))

    def merge(self, other: Self) -> None:
        """Add the sums of other photos of the same sensor."""
        self.sums += other.sums
        self.told += other.told

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the sums by name."""
        return {"structure": self.sums, "structure_told": self.told}

    def never_moves(self, photos: int) -> Mask:
        """Return where the same thing stands in all photos, and near it: (height, width)."""
        found = self._spread(self._standing(photos))
        if not self.rules.toned:
            return in_whole_blocks(widened(found, MARGIN_OF_MOSAIC)) if found.any() else found
        likely = large_of(self._likely(photos), ENOUGH_LIKELY)
        margin = widened(found | self._spread(likely), MARGIN)
        if not margin.any():
            return margin
        return in_whole_blocks(margin | widened(self.ragged(found, photos), MARGIN_OF_RAGGED))

    def ragged(self, found: Mask, photos: int) -> Mask:
        """Return the parts of what never moves that do not stand around black: hoods, fences."""
        if not found.any():
            return found
        black = large_of(self.told < SELDOM * photos, BLACK)
        return found & ~widened(self._spread(black), AROUND_BLACK)

    def never_shows(self, photos: int) -> Mask:
        """Return where hardly any photo shows anything, (height, width): the black around one.

        Nowhere where that is nearly everywhere: lens caps show no structure either. Of mosaics
        nowhere at all, since an empty sky between stars is none.
        """
        flat = self.told < FEWEST_SHARE * photos
        if not self.rules.toned or flat.mean() > MOSTLY_FLAT:
            return np.zeros(self.shape, np.bool_)
        return self._spread(flat)

    def alike(self, share: float, photos: int) -> Mask:
        """Return where so much of the structure is the same in rendered photos, by block."""
        return self._spread(self._alike(share, CHANCE, photos))

    def _sample(self, frame: Frame) -> tuple[NDArray[np.float32], tuple[np.float32, np.float32]]:
        down, across = self.told.shape
        samples = np.empty((down * SIDE, across * SIDE), np.float32)
        sample_rows(native(frame), self.pitch, self.rules.period, 0, len(samples), samples)
        if not self.rules.toned:
            samples -= np.float32(frame.black)
        least, share = self.rules.flat_below(frame, samples)
        return samples, (np.float32(least), np.float32(share))

    def _standing(self, photos: int) -> Mask:
        """Return which blocks hold the same structure in all photos."""
        if self.rules.toned:
            sure, near = (self._alike(share, CHANCE, photos) for share in (SAME, SAME_BESIDE))
            near &= widened(sure, 1)
            return filled(closed(near | grown(sure, self._likely(photos)), GAP))
        length = self._length()
        sure = length > max(STANDS * photos, CHANCE_OF_SMOOTH * photos**0.5)
        near = length > max(STANDS_BESIDE * photos, CHANCE * photos**0.5)
        return filled(without_stars(sure | (near & widened(sure, 1))))

    def _likely(self, photos: int) -> Mask:
        """Return which blocks of rendered photos are likely still, though no sure one is beside."""
        return self._alike(SAME_BESIDE, CHANCE_OF_SMOOTH, photos)

    def _alike(self, share: float, chance: float, photos: int) -> Mask:
        """Return in which blocks of rendered photos so much of the structure is the same."""
        told = np.maximum(self.told, 1)
        enough = self.told >= max(FEWEST, FEWEST_SHARE * photos)
        return enough & (self._length() > np.maximum(share * told, chance * np.sqrt(told)))

    def _length(self) -> NDArray[np.float64]:
        """Return how long each block's sum is, in vectors of one photo."""
        return np.asarray(np.sqrt((self.sums.astype(np.float64) ** 2).sum(-1)) / LENGTH)

    def _spread(self, blocks: Mask) -> Mask:
        """Return for each pixel what is true of its block, of the last one beyond the last."""
        rows, columns = (
            np.minimum(np.arange(length) // self.side, number - 1)
            for length, number in zip(self.shape, blocks.shape, strict=True)
        )
        return np.asarray(blocks[rows][:, columns])


def closed(mask: Mask, reach: int) -> Mask:
    """Return a mask without holes and gaps of up to twice `reach` (morphological closing).

    >>> closed(np.array([[True, False, False, True, False, False, False]]), 1)[0].tolist()
    [True, True, True, True, False, False, False]
    """
    for axis in (0, 1):
        wide = _any_within(np.moveaxis(mask, axis, 0), reach)
        mask = np.moveaxis(~_any_within(~wide, reach), 0, axis)
    return mask


def widened(mask: Mask, reach: int) -> Mask:
    """Return a mask with all that lies within `reach` of it along rows and columns.

    >>> widened(np.array([[True, False, False]]), 1).tolist()
    [[True, True, False]]
    """
    return _any_within(_any_within(mask, reach).T, reach).T if mask.any() else mask


def _any_within(mask: Mask, reach: int) -> Mask:
    """Return which rows have a true one within `reach` rows."""
    wide = mask.copy(order="K")
    done = 0
    while done < reach and mask.size:
        step = min(2 * done + 1, reach - done)  # three times as far with each pass
        before = wide.copy(order="K")
        wide[step:] |= before[:-step]
        wide[:step] |= before[0]
        wide[:-step] |= before[step:]
        wide[-step:] |= before[-1]
        done += step
    return wide


def grown(sure: Mask, likely: Mask) -> Mask:
    """Return what is likely and hangs together with what is sure (Canny 1986: hysteresis).

    >>> sure, likely = np.zeros((2, 1, 6), np.bool_)
    >>> sure[0, 0] = likely[0, [0, 1, 2, 4]] = True
    >>> grown(sure, likely)[0].tolist()
    [True, True, True, False, False, False]
    """
    found = sure.copy()
    for part in parts_of(sure | likely):
        found[part] = sure[part].any()
    return found


def large_of(mask: Mask, least: int) -> Mask:
    """Return the parts of a mask that are of so many blocks, or of more.

    >>> large_of(np.array([[True, True, False, True]]), 2).tolist()
    [[True, True, False, False]]
    """
    found = mask.copy()
    for part in parts_of(mask):
        found[part] = len(part[0]) >= least
    return found


def without_stars(mask: Mask) -> Mask:
    """Return the blocks of a mosaic that never move, without those of single stars."""
    small, large = np.zeros_like(mask), np.zeros_like(mask)
    parts = parts_of(mask)
    for part in parts:
        small[part] = len(part[0]) < FEW
        large[part] = len(part[0]) >= MANY
    wide = widened(large, WITHIN)
    for part in parts:
        small[part] &= not wide[part].any()
    return mask & ~small


def filled(mask: Mask) -> Mask:
    """Return a mask without the holes in it, which an edge of the frame may close.

    >>> mask = np.zeros((8, 20), np.bool_)
    >>> mask[5, 2:7] = mask[6:, [2, 6]] = True
    >>> filled(mask)[6, :9].tolist()
    [False, False, True, True, True, True, True, False, False]
    """
    if not mask.any():
        return mask
    parts = parts_of(~mask)
    most = max((len(rows) for rows, _ in parts), default=0)
    whole = mask.copy()
    for part in parts:
        whole[part] = len(part[0]) < HOLE * most
    return whole


def parts_of(mask: Mask) -> list[tuple[NDArray[np.intp], ...]]:
    """Return the rows and columns of each part of a mask that hangs together, corners too.

    >>> parts = parts_of(np.array([[True, False, True], [False, False, True]]))
    >>> sorted(len(rows) for rows, columns in parts)
    [1, 2]
    """
    parts: list[tuple[NDArray[np.intp], ...]] = []
    rest = set(zip(*(numbers.tolist() for numbers in np.nonzero(mask)), strict=True))
    while rest:
        part = [rest.pop()]
        for row, column in part:  # which grows meanwhile
            around = {(row + dy, column + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & rest
            rest -= around
            part.extend(around)
        rows, columns = np.array(part).T
        parts.append((rows, columns))
    return parts


def in_whole_blocks(mask: Mask) -> Mask:
    """Return a mask in which a block of BLOCK px is masked as a whole where half of it is.

    >>> mask = np.zeros((4, 8), np.bool_)
    >>> mask[:2] = mask[2, 0] = True
    >>> in_whole_blocks(mask)[3].tolist()
    [True, True, True, True, True, True, True, True]
    """
    height, width = mask.shape
    down, across = -(-height // BLOCK), -(-width // BLOCK)
    padded = np.pad(mask, ((0, down * BLOCK - height), (0, across * BLOCK - width)), mode="edge")
    half = padded.reshape(down, BLOCK, across, BLOCK).mean((1, 3)) >= 0.5
    return np.asarray(half.repeat(BLOCK, 0).repeat(BLOCK, 1)[:height, :width])

"""Which photos show the same picture at the same place: bursts, tripod series, copies.

Such photos pin content to the pixels, as a defect is pinned: together they prove no more than one
of them. Photos of one scene moved by some pixels are different pictures here, and rightly so.
Never looks for defects.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ..frame import Layout, Pixels

SAMPLES = 2048
# A sample is the mean of a block of so many px a side, less the mean of blocks so many px around it
# that are so many px a side. In a mosaic it is one photosite among those of its colour: what would
# make it look broken, were the picture taken again.
RENDERED = (3, 4, 1)
SIDES: dict[str, tuple[int, int, int]] = {
    "rendered": RENDERED, "mono": (1, 1, 1), "xtrans": (1, 6, 1)
}  # fmt: skip
BAYER = (1, 2, 1)
# The same of a mosaic's coarse structure: blocks that hold all colours, or the same ones.
COARSE: dict[str, tuple[int, int, int]] = {"mono": (3, 6, 3), "xtrans": (6, 12, 6)}
COARSE_BAYER = (2, 4, 2)
SMOOTH = 0.1  # correlation of a block's structure with the next one's; that of noise is below 0.08
REGIONS = 4  # of the frame, down and across, each compared by itself
TELLS = 0.3  # share of a region's samples that must differ from their surroundings
# Correlation, in a region: of unrelated photos it is 0 with a deviation of 0.09 (rendered, 128
# samples) or 0.13 (the fine half of a mosaic's, 64), of shifts of up to 3 px above 0.5.
ALIKE = 0.35
# Known pictures, from so many on, whose mean correlation in a region shows that it never changes:
# a round picture's rim, a hood. It tells nothing while other regions do.
ENOUGH_KNOWN, NEVER_CHANGES = 4, 0.2
UNIT = 1 << 16  # of a sample of a picture of unit length, in sums over pictures
RECENT = 1000  # signatures looked at: series stand together in a folder

Signature = NDArray[np.int8]
Floats = NDArray[np.float32]


def signature_of(pixels: Pixels, layout: Layout = "rendered") -> Signature:
    """Return a photo's fine structure at fixed places: (SAMPLES,) int8.

    Each sample is the mean of a small block less that of its surroundings, in units of the
    photo's own mean absolute one and clipped, so that no single spot decides. A mosaic without
    any structure that reaches from one block to the next (a dark frame) has a signature of
    zeros: it shows the sensor alone, and is no repeat of another.

    >>> flat = np.full((64, 64), 100, np.uint8)
    >>> int(np.abs(signature_of(flat)).max())
    0
    """
    height, width = pixels.shape
    rendered = layout == "rendered"
    coarse = COARSE.get(layout, COARSE_BAYER)
    edge = RENDERED[1] + 1 if rendered else coarse[1] + 2 * coarse[0]
    if min(height, width) <= 2 * edge:
        return np.zeros(SAMPLES, np.int8)
    rng = np.random.default_rng((height, width))
    region = np.arange(SAMPLES) % REGIONS**2
    down, across = region // REGIONS + rng.random(SAMPLES), region % REGIONS + rng.random(SAMPLES)
    y = edge + (down / REGIONS * (height - 2 * edge)).astype(np.int64)
    x = edge + (across / REGIONS * (width - 2 * edge)).astype(np.int64)
    if not rendered and not _has_content(pixels, y, x, coarse):
        return np.zeros(SAMPLES, np.int8)
    structure = _clipped(_structure_at(pixels, y, x, SIDES.get(layout, BAYER)))
    if not rendered:  # the second half is of the coarse structure
        half = SAMPLES // 2
        structure[half:] = _clipped(_structure_at(pixels, y[half:], x[half:], coarse))
    scaled: Signature = np.rint(structure * 63).astype(np.int8)
    return scaled


def _has_content(
    pixels: Pixels, y: NDArray[np.int64], x: NDArray[np.int64], sides: tuple[int, int, int]
) -> bool:
    """Return whether structure reaches from one block to the next, both ways: noise does not."""
    here = _clipped(_structure_at(pixels, y, x, sides))
    for dy, dx in ((sides[0], 0), (0, sides[0])):
        beside = _clipped(_structure_at(pixels, y + dy, x + dx, sides))
        lengths = np.sqrt((here @ here) * (beside @ beside))
        if here @ beside < SMOOTH * max(float(lengths), 1e-9):
            return False
    return True


def _clipped(structure: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return structure in units of its own mean absolute one, so that no single spot decides."""
    typical = np.abs(structure).mean()
    return np.clip(structure / typical, -2, 2) if typical else structure


def _structure_at(
    pixels: Pixels, y: NDArray[np.int64], x: NDArray[np.int64], sides: tuple[int, int, int]
) -> NDArray[np.float64]:
    """Return how far the mean of each block is from that of the blocks around it."""
    side, ring, around = sides

    def mean_at(centres: tuple[int, ...], width: int) -> NDArray[np.float64]:
        steps = [at + step for at in centres for step in range(-(width // 2), width - width // 2)]
        places = [pixels[y + dy, x + dx] for dy in steps for dx in steps]
        return np.asarray(np.mean(places, axis=0), np.float64)

    # the ring's mean counts its own centre once in nine: that only scales the difference
    return mean_at((0,), side) - mean_at((-ring, 0, ring), around)


class KnownPictures:
    """The pictures that were counted, the RECENT latest of them, and whether a photo repeats one.

    All sums are exact, so that a photo is judged alike however the pictures before it came in.

    >>> rng = np.random.default_rng(1)
    >>> a, b = (signature_of(each) for each in rng.integers(0, 255, (2, 64, 64), np.uint8))
    >>> known = KnownPictures("rendered", [a])
    >>> known.shows(a), known.shows(b)
    (True, False)
    """

    def __init__(self, layout: Layout = "rendered", known: Iterable[Signature] = ()) -> None:
        # of a mosaic the fine half
        self.used = SAMPLES if layout == "rendered" else SAMPLES // 2
        each = self.used // REGIONS**2
        self.added = 0
        self._samples = np.zeros((REGIONS**2, RECENT, each), np.float32)
        self._squares = np.zeros((REGIONS**2, RECENT), np.float32)
        self._tells = np.zeros((REGIONS**2, RECENT), np.bool_)
        self._sum = np.zeros((REGIONS**2, each), np.int64)  # of pictures of unit length
        self._sum_of_squares = np.zeros(REGIONS**2, np.int64)
        for signature in list(known)[-RECENT:]:
            self.add(signature)

    def add(self, signature: Signature) -> None:
        """Take in one more picture, in the place of the oldest where there are RECENT."""
        at = self.added % RECENT
        if self.added >= RECENT:
            self._count(at, -1)
        mine, self._squares[:, at], self._tells[:, at] = self._by_region(signature)
        self._samples[:, at] = mine
        self._count(at, 1)
        self.added += 1

    def shows(self, signature: Signature) -> bool:
        """Return whether a photo shows the same picture as one of these, in half of its regions.

        A bar, a hood or a border that is the same in all photos makes no repeats of them, and a
        burst in which something moves is one all the same. Stars that move a little are no repeats:
        they are told by `stillness`, and their decoys stay together.
        """
        number = min(self.added, RECENT)
        if not number or not signature.any():
            return False
        mine, square, tells = self._by_region(signature)
        told = self._tells[:, :number] & tells[:, None]
        changes = told & ~self._never_changes(number)[:, None]
        told = np.where(changes.any(0), changes, told)
        lengths = np.sqrt(self._squares[:, :number] * square[:, None])
        products = np.matmul(self._samples[:, :number], mine[:, :, None])[..., 0]
        alike = told & (products > ALIKE * lengths)
        return bool((told.any(0) & (2 * alike.sum(0) >= told.sum(0))).any())

    def _by_region(self, signature: Signature) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Return of each region its samples, their squares' sum, and whether they tell at all.

        Samples are whole numbers below 127: all their sums fit the 24 bits of a float32.
        """
        mine = signature[: self.used].reshape(-1, REGIONS**2).T.astype(np.float32)
        return mine, (mine**2).sum(1), (mine != 0).mean(1) > TELLS

    def _count(self, at: int, times: int) -> None:
        """Add the picture at a place to the sums, or take it away from them."""
        length = np.sqrt(np.maximum(self._squares[:, at], 1))
        unit = np.rint(self._samples[:, at] / length[:, None] * np.float32(UNIT)).astype(np.int64)
        self._sum += times * unit
        self._sum_of_squares += times * (unit**2).sum(1)

    def _never_changes(self, number: int) -> NDArray[np.bool_]:
        """Return in which regions these pictures are all alike: in the mean of their pairs."""
        if number < ENOUGH_KNOWN:
            return np.zeros(REGIONS**2, np.bool_)
        products = (self._sum**2).sum(1) - self._sum_of_squares
        return np.asarray(products > NEVER_CHANGES * UNIT**2 * number * (number - 1))

"""Which photos show the same picture at the same place: bursts, tripod series, copies.

Such photos pin content to the pixels, as a defect is pinned: together they prove no more than one
of them. Photos of one scene moved by some pixels are different pictures here, and rightly so.
Never looks for defects.
"""

from __future__ import annotations

from collections.abc import Collection

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
RECENT = 1000  # signatures looked at: series stand together in a folder

Signature = NDArray[np.int8]


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


def is_repeat(
    signature: Signature, known: Collection[Signature], layout: Layout = "rendered"
) -> bool:
    """Return whether a photo shows the same picture as one of the known, in half of its regions.

    A bar, a hood or a border that is the same in all photos makes no repeats of them, and a burst
    in which something moves is one all the same. Stars that move a little are no repeats: they are
    told by `stillness`, and their decoys stay together.

    >>> rng = np.random.default_rng(1)
    >>> a, b = rng.integers(0, 255, (2, 64, 64), np.uint8)
    >>> is_repeat(signature_of(a), [signature_of(a)]), is_repeat(signature_of(b), [signature_of(a)])
    (True, False)
    """
    if not known or not signature.any():
        return False
    others = np.array(list(known)[-RECENT:])
    if layout != "rendered":  # the fine half
        signature, others = signature[: SAMPLES // 2], others[:, : SAMPLES // 2]
    alike, told = _alike(signature, others)
    return bool((told.any(1) & (2 * alike.sum(1) >= told.sum(1))).any())


def _alike(signature: Signature, others: Signature) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return of each other photo in which regions it is alike, and which can tell at all."""
    mine = signature.reshape(-1, REGIONS**2).astype(np.float32)
    theirs = others.reshape(len(others), -1, REGIONS**2).astype(np.float32)
    enough = (mine != 0).mean(0) > TELLS, (theirs != 0).mean(1) > TELLS
    told = np.logical_and(*enough)
    changes = told & ~_never_changes(theirs)
    told = np.where(changes.any(1, keepdims=True), changes, told)
    lengths = np.sqrt((theirs**2).sum(1) * (mine**2).sum(0))
    products = np.einsum("nsr,sr->nr", theirs, mine)
    return told & (products > ALIKE * lengths), told


def _never_changes(known: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return in which regions known pictures, (pictures, samples, regions), are all alike."""
    number = len(known)
    if number < ENOUGH_KNOWN:
        return np.zeros(REGIONS**2, np.bool_)
    own = known / np.sqrt(np.maximum((known**2).sum(1, keepdims=True), 1))
    pairs = number * (number - 1)
    return np.asarray((own.sum(0) ** 2).sum(0) - (own**2).sum((0, 1)) > NEVER_CHANGES * pairs)

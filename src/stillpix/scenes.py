"""Which photos show the same picture at the same place: bursts, tripod series, copies.

Such photos pin content to the pixels, as a defect is pinned: together they prove no more than one
of them. Photos of one scene moved by some pixels are different pictures here, and rightly so.
Never looks for defects.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from .frame import Layout, Pixels

SAMPLES = 2048
# A sample is the mean of a block of so many px a side, less the mean of blocks so many px around it
# that are so many px a side. In a mosaic all of them hold the same colours.
RENDERED = (3, 4, 1)
BLOCKS: dict[str, tuple[int, int, int]] = {
    "rendered": RENDERED, "mono": (3, 6, 3), "xtrans": (6, 12, 6)
}  # fmt: skip
BAYER = (2, 4, 2)
SMOOTH = 0.1  # correlation of a block's structure with the next one's; that of noise is below 0.08
ALIKE = 0.2  # correlation; unrelated photos stay below 0.07, shifts of up to 3 px above 0.5
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
    side, ring, around = BLOCKS.get(layout, BAYER)
    height, width = pixels.shape
    reach = ring + side // 2 + (side if layout != "rendered" else 0)
    low, high = reach, ring + (side - 1) // 2 + reach - ring - side // 2
    if min(height, width) <= low + high:
        return np.zeros(SAMPLES, np.int8)
    rng = np.random.default_rng((height, width))
    y = rng.integers(low, height - high, SAMPLES)
    x = rng.integers(low, width - high, SAMPLES)
    structure = _structure_at(pixels, y, x, (side, ring, around))
    typical = np.abs(structure).mean()
    if typical == 0:
        return np.zeros(SAMPLES, np.int8)
    scaled: Signature = np.rint(np.clip(structure / typical, -2, 2) * 63).astype(np.int8)
    if layout != "rendered":
        beside = (
            _structure_at(pixels, y + dy, x + dx, (side, ring, around))
            for dy, dx in ((side, 0), (0, side))
        )
        if min(_correlation(scaled, each) for each in beside) < SMOOTH:
            return np.zeros(SAMPLES, np.int8)
    return scaled


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


def _correlation(scaled: Signature, structure: NDArray[np.float64]) -> float:
    typical = np.abs(structure).mean()
    clipped = np.clip(structure / typical, -2, 2) if typical else structure
    mine = scaled.astype(np.float64)
    lengths = np.sqrt((mine @ mine) * (clipped @ clipped))
    return float(mine @ clipped / lengths) if lengths else 0.0


def is_repeat(signature: Signature, known: Collection[Signature]) -> bool:
    """Return whether a photo shows the same picture as one of the known.

    >>> rng = np.random.default_rng(1)
    >>> a, b = rng.integers(0, 255, (2, 64, 64), np.uint8)
    >>> is_repeat(signature_of(a), [signature_of(a)]), is_repeat(signature_of(b), [signature_of(a)])
    (True, False)
    """
    if not known or not signature.any():
        return False
    others = np.array(list(known)[-RECENT:], np.float32)
    mine = signature.astype(np.float32)
    lengths = np.sqrt((others**2).sum(1) * (mine**2).sum())
    return bool((others @ mine > ALIKE * np.maximum(lengths, 1.0)).any())

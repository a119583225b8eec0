"""Which photos show the same picture at the same place: bursts, tripod series, copies.

Such photos pin content to the pixels, as a defect is pinned: together they prove no more than one
of them. Photos of one scene moved by some pixels are different pictures here, and rightly so.
Never looks for defects.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from .frame import Pixels

SAMPLES = 2048
RING = 4  # px from the middle of a sample to its surroundings
ALIKE = 0.2  # correlation; unrelated photos stay below 0.07, shifts of up to 3 px above 0.5
RECENT = 1000  # signatures looked at: series stand together in a folder

Signature = NDArray[np.int8]


def signature_of(pixels: Pixels) -> Signature:
    """Return a photo's fine structure at fixed places: (SAMPLES,) int8.

    Each sample is the mean of 3x3 pixels less that of its surroundings, in units of the photo's
    own mean absolute one and clipped, so that no single spot decides.

    >>> flat = np.full((64, 64), 100, np.uint8)
    >>> int(np.abs(signature_of(flat)).max())
    0
    """
    height, width = pixels.shape
    rng = np.random.default_rng((height, width))
    y = rng.integers(RING + 1, height - RING - 1, SAMPLES)
    x = rng.integers(RING + 1, width - RING - 1, SAMPLES)

    def mean_at(steps: tuple[int, ...]) -> NDArray[np.float64]:
        places = [pixels[y + dy, x + dx] for dy in steps for dx in steps]
        return np.asarray(np.mean(places, axis=0), np.float64)

    middle, around = mean_at((-1, 0, 1)), mean_at((-RING, 0, RING))
    # the ring's mean counts its own centre once in nine: that only scales the difference
    structure = middle - around
    typical = np.abs(structure).mean()
    if typical == 0:
        return np.zeros(SAMPLES, np.int8)
    scaled: Signature = np.rint(np.clip(structure / typical, -2, 2) * 63).astype(np.int8)
    return scaled


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

"""The luma of colour pictures, as JPEG defines it, and the colours themselves, without alpha.

Never changes the bit depth and never makes up colours of a grey picture.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from stillpix.frame import Pixels

DN = TypeVar("DN", np.uint8, np.uint16)

# ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B, in 1/65536. They add up to 65536, so a full 16-bit
# pixel plus the half for rounding still fits 32 bits.
RED, GREEN, BLUE, HALF = (np.uint32(part) for part in (19595, 38470, 7471, 32768))
COLOURS = 3  # samples; a picture of fewer is grey, with alpha or without
BLOCK_PIXELS = 1 << 17  # the 32-bit steps between stay in the cache


def luma(colours: NDArray[DN]) -> NDArray[DN]:
    """Return the rounded luma, (height, width), of (height, width, 3 or more) DN.

    >>> luma(np.array([[[255, 0, 0], [255, 255, 255]]], np.uint8))
    array([[ 76, 255]], dtype=uint8)
    """
    height, width = colours.shape[:2]
    result = np.empty((height, width), colours.dtype)
    rows = max(1, BLOCK_PIXELS // width)
    for top in range(0, height, rows):
        block = colours[top : top + rows].astype(np.uint32)
        total = block[..., 0] * RED
        total += block[..., 1] * GREEN
        total += block[..., 2] * BLUE
        total += HALF
        total >>= np.uint32(16)
        result[top : top + rows] = total
    return result


def luma_of(samples: NDArray[Any]) -> Pixels:
    """Return the luma, (height, width), of (height, width, samples): grey or colours, and alpha.

    >>> luma_of(np.array([[[7, 255]]], np.uint8))
    array([[7]], dtype=uint8)
    """
    return luma(samples) if samples.shape[2] >= COLOURS else _grey_of(samples)


def colours_of(samples: NDArray[Any]) -> Pixels:
    """Return the colours, (height, width, 3), of the same; grey stays (height, width).

    >>> colours_of(np.array([[[7, 8, 9, 255]]], np.uint8))
    array([[[7, 8, 9]]], dtype=uint8)
    """
    if samples.shape[2] < COLOURS:
        return _grey_of(samples)
    return np.ascontiguousarray(samples[..., :COLOURS])


def _grey_of(samples: NDArray[Any]) -> Pixels:
    return np.ascontiguousarray(samples[..., 0])

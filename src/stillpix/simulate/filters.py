"""The Gaussian blur that lens, dust and sharpening share, and the compiler's settings.

Never changes its input and knows nothing of photos.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Return the function compiled on first use, cached on disk, free of the GIL."""
    return cast(_Function, numba.njit(nogil=True, cache=True, fastmath=True)(function))


def _compiled_exactly(function: _Function) -> _Function:
    """Return the function compiled as above, but with each sum rounded as it is written."""
    return cast(_Function, numba.njit(nogil=True, cache=True)(function))


@_compiled_exactly
def _convolve_separably(
    source: Floats, channels: int, weights: Floats, row: Floats, blurred: Floats
) -> None:
    """Blur rows of pixels; `row` is room for one and its margins."""
    height, width = source.shape  # width counts every channel of a row
    reach = weights.size // 2
    margin = reach * channels
    for y in range(height):
        for x in range(row.size):
            row[x] = 0
        middle = row[margin : margin + width]
        for k in range(weights.size):
            near, weight = source[min(max(y + k - reach, 0), height - 1)], weights[k]
            for x in range(width):
                middle[x] += weight * near[x]
        for i in range(margin):
            row[i] = row[margin + i % channels]
            row[margin + width + i] = row[margin + width - channels + i % channels]
        target = blurred[y]
        for x in range(width):
            target[x] = 0
        for k in range(weights.size):
            beside, weight = row[k * channels : k * channels + width], weights[k]
            for x in range(width):
                target[x] += weight * beside[x]


def gaussian_blur(image: Floats, sigma_px: float) -> Floats:
    """Return an image (height, width) or (height, width, channels) blurred, edges repeated.

    >>> float(gaussian_blur(np.ones((5, 5), np.float32), 1.0)[0, 0].round(5))
    1.0
    """
    reach = max(1, int(np.ceil(2.8 * sigma_px)))
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / sigma_px) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    channels = int(np.prod(image.shape[2:]))
    rows = np.ascontiguousarray(image).reshape(image.shape[0], -1)
    row, blurred = np.empty(rows.shape[1] + 2 * reach * channels, np.float32), np.empty_like(rows)
    _convolve_separably(rows, channels, weights, row, blurred)
    return blurred.reshape(image.shape)

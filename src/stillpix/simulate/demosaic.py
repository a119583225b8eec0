"""Demosaicing: from one colour per photosite to three, as cameras' own processors do it.

Never balances, clips or encodes; values keep the mosaic's scale.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from .filters import Floats, compiled
from .planting import cfa_pattern

_REACH = 2
_TRIANGLE = np.array([1.0, 2.0, 3.0, 2.0, 1.0])
# Malvar, He, Cutler: High-quality linear interpolation for demosaicing of Bayer-patterned
# color images, ICASSP 2004: the gains of Figure 2, in eighths.
_GREEN_AT_COLOUR = {(0, 0): 4.0, (0, 1): 2.0, (1, 0): 2.0, (0, 2): -1.0, (2, 0): -1.0}
_COLOUR_IN_ITS_ROW = {
    (0, 0): 5.0, (0, 1): 4.0, (1, 0): 0.0, (1, 1): -1.0, (0, 2): -1.0, (2, 0): 0.5,
}  # fmt: skip
_COLOUR_AT_OPPOSITE = {(0, 0): 6.0, (1, 1): 2.0, (0, 2): -1.5, (2, 0): -1.5}


@compiled
def _apply(padded: Floats, counts: NDArray[np.int64], taps: Floats) -> Floats:
    """Return (height, width, 3): at each phase its own weighted sum of near photosites."""
    height, width = padded.shape[0] - 4, padded.shape[1] - 4
    rows, columns = counts.shape[:2]
    image = np.empty((height, width, 3), np.float32)
    for y in range(height):
        for x in range(width):
            py, px = y % rows, x % columns
            for channel in range(3):
                total = np.float32(0)
                for tap in range(counts[py, px, channel]):
                    dy, dx, weight = taps[py, px, channel, tap]
                    total += weight * padded[y + int(dy), x + int(dx)]
                image[y, x, channel] = total
    return image


def _pad(mosaic: Floats, period: int) -> Floats:
    """Return the mosaic with 2 more photosites a side, of the right colours."""
    height, width = mosaic.shape
    rows, columns = (np.arange(-_REACH, length + _REACH) for length in (height, width))
    for index, length in ((rows, height), (columns, width)):
        index[index < 0] += period
        index[index >= length] -= period
    return np.asarray(mosaic[np.ix_(rows, columns)], np.float32)


def _mean_kernels(cfa: str, *, reach: int) -> Floats:
    """Return kernels (rows, columns, 3, 5, 5): distance-weighted means of each colour."""
    pattern = cfa_pattern(cfa)
    rows, columns = pattern.shape
    window = np.outer(_TRIANGLE, _TRIANGLE)
    if reach == 1:  # the bilinear interpolation of a Bayer mosaic
        window = np.pad(np.outer((1.0, 2.0, 1.0), (1.0, 2.0, 1.0)), 1)
    kernels = np.zeros((rows, columns, 3, 5, 5))
    for y in range(rows):
        for x in range(columns):
            near = pattern[
                np.ix_(np.arange(y - 2, y + 3) % rows, np.arange(x - 2, x + 3) % columns)
            ]
            for channel in range(3):
                weights = window * (near == channel)
                kernels[y, x, channel] = weights / weights.sum()
            kernels[y, x, pattern[y, x]] = 0
            kernels[y, x, pattern[y, x], 2, 2] = 1
    return kernels.astype(np.float32)


def _gain(eighths: dict[tuple[int, int], float]) -> NDArray[np.float64]:
    """Return a 5x5 kernel from eighths given per (|dy|, |dx|); 0 where none is given."""
    offsets = range(-_REACH, _REACH + 1)
    return np.array(
        [[eighths.get((abs(dy), abs(dx)), 0.0) / 8 for dx in offsets] for dy in offsets]
    )


def _malvar_kernels(cfa: str) -> Floats:
    """Return kernels (2, 2, 3, 5, 5): bilinear plus the gradient of the colour at hand."""
    pattern = cfa_pattern(cfa)
    kernels = np.zeros((2, 2, 3, 5, 5))
    for y in range(2):
        for x in range(2):
            own = pattern[y, x]
            kernels[y, x, own, 2, 2] = 1
            if own == 1:
                in_row = pattern[y, 1 - x]
                kernels[y, x, in_row] = _gain(_COLOUR_IN_ITS_ROW)
                kernels[y, x, 2 - in_row] = _gain(_COLOUR_IN_ITS_ROW).T
            else:
                kernels[y, x, 1] = _gain(_GREEN_AT_COLOUR)
                kernels[y, x, 2 - own] = _gain(_COLOUR_AT_OPPOSITE)
    return kernels.astype(np.float32)


@cache
def _taps(cfa: str, method: str) -> tuple[NDArray[np.int64], Floats]:
    """Return the kernels' non-zero weights: counts and (dy, dx, weight), offsets from 0."""
    if method == "malvar":
        kernels = _malvar_kernels(cfa)
    else:
        kernels = _mean_kernels(cfa, reach=2 if cfa == "XTRANS" else 1)
    counts = np.count_nonzero(kernels, axis=(3, 4)).astype(np.int64)
    taps = np.zeros((*counts.shape, int(counts.max()), 3), np.float32)
    for place in np.ndindex(*counts.shape):
        for number, (dy, dx) in enumerate(np.argwhere(kernels[place])):
            taps[(*place, number)] = dy, dx, kernels[(*place, dy, dx)]
    return counts, taps


@compiled
def _edge_directed_green(padded: Floats, pattern: NDArray[np.int64]) -> Floats:
    """Return green (height, width) interpolated along the lesser gradient."""
    height, width = padded.shape[0] - 4, padded.shape[1] - 4
    green = np.empty((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            p, q = y + 2, x + 2
            here = padded[p, q]
            if pattern[y % 2, x % 2] == 1:
                green[y, x] = here
                continue
            west, east, north, south = (
                padded[p, q - 1], padded[p, q + 1], padded[p - 1, q], padded[p + 1, q],
            )  # fmt: skip
            bend_x = 2 * here - padded[p, q - 2] - padded[p, q + 2]
            bend_y = 2 * here - padded[p - 2, q] - padded[p + 2, q]
            slope_x, slope_y = abs(west - east) + abs(bend_x), abs(north - south) + abs(bend_y)
            along_x, along_y = (west + east) / 2 + bend_x / 4, (north + south) / 2 + bend_y / 4
            if slope_x < slope_y:
                green[y, x] = along_x
            elif slope_y < slope_x:
                green[y, x] = along_y
            else:
                green[y, x] = (along_x + along_y) / 2
    return green


def demosaic(mosaic: Floats, cfa: str, method: str) -> Floats:
    """Return a linear picture (height, width, 3) of a mosaic (height, width).

    `method`: "bilinear"; "malvar" (Malvar, He, Cutler 2004); "edge" (green along the lesser
    gradient after Hamilton and Adams, US patent 5629734, red and blue by colour differences).
    X-Trans knows one: distance-weighted means over 5x5. Mono is repeated thrice.

    >>> demosaic(np.full((6, 6), 3, np.float32), "RGGB", "malvar")[2, 3].tolist()
    [3.0, 3.0, 3.0]
    """
    if cfa == "MONO":
        return np.repeat(mosaic[:, :, None], 3, axis=2)
    pattern = cfa_pattern(cfa)
    padded = _pad(mosaic, pattern.shape[0])
    if cfa == "XTRANS" or method != "edge":
        return _apply(padded, *_taps(cfa, "bilinear" if cfa == "XTRANS" else method))
    green = _edge_directed_green(padded, pattern)
    image = _apply(_pad(mosaic - green, 2), *_taps(cfa, "bilinear"))
    image += green[:, :, None]
    image[:, :, 1] = green
    return image

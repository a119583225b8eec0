"""Whether the values of a grey file are a Bayer mosaic: its lattice is seen in the pixels.

Colours of a mosaic alternate from photosite to photosite all over the picture, as nothing else
does. Tells at which photosites green lies; which of the others is red no picture shows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stillpix.frame import BAYER, Layout, Pixels

SIDE = 32  # px of a square over which light and its alternation are averaged
MOST_SQUARES = 1024
FEWEST_SQUARES = 12
EXTREMES = (1, 99)  # per cent: a square's spots beyond count as those
# How strong an alternation must be, as a share of the light, and in which share of the squares it
# must be of one sign. Uneven amplifiers alternate along rows or columns alone, or by less;
# unrelated texture is of either sign in half of the squares.
CROSSED, CROSSED_SHARE = 0.004, 0.8
DIAGONAL, DIAGONAL_SHARE = 0.015, 0.85


def bayer_seen(pixels: Pixels) -> Layout | None:
    """Return the Bayer layout that a picture's values show, red taken for first; None without.

    >>> rng = np.random.default_rng(1)
    >>> grey = rng.normal(1000, 30, (320, 320)).astype(np.uint16)
    >>> bayer_seen(grey) is None
    True
    >>> grey[0::2, 1::2] += 400
    >>> grey[1::2, 0::2] += 400
    >>> bayer_seen(grey)
    'bayer-RGGB'
    """
    squares = _squares_of(pixels)
    if len(squares) < FEWEST_SQUARES:
        return None
    light, across, down, diagonal = _alternations(squares)
    # With two photosites of each cell alike, those along rows and columns are of one size: of one
    # sign where green is to the right of the first photosite, of opposite ones where it is there.
    product = across * down
    crossed = np.sign(product) * np.sqrt(np.abs(product))
    seen = _is_of_one_sign(crossed, light, CROSSED, CROSSED_SHARE)
    if not seen and not _is_of_one_sign(diagonal, light, DIAGONAL, DIAGONAL_SHARE):
        return None
    beside = np.median(crossed) > 0 if seen else np.median(diagonal) < 0
    return BAYER["RGGB" if beside else "GRBG"]


def _squares_of(pixels: Pixels) -> NDArray[np.float32]:
    """Return squares from all over the picture that begin at even places, (squares, SIDE, SIDE)."""
    height, width = (side // SIDE for side in pixels.shape)
    whole = pixels[: height * SIDE, : width * SIDE]
    step = max(1, int(np.ceil((height * width / MOST_SQUARES) ** 0.5)))
    cut = whole.reshape(height, SIDE, width, SIDE).swapaxes(1, 2)[::step, ::step]
    return cut.reshape(-1, SIDE, SIDE).astype(np.float32)


def _alternations(squares: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """Return each square's light, and how much it alternates along rows, columns and both."""
    low, high = np.percentile(squares, EXTREMES, axis=(1, 2), keepdims=True)
    held = np.clip(squares, low, high)
    bell = np.hanning(SIDE + 1)[:SIDE]  # a slope of the light alternates by nothing
    plain, turned = bell / bell.sum(), bell / bell.sum() * (-1.0) ** np.arange(SIDE)
    return tuple(
        np.einsum("nyx,y,x->n", held, down, along, optimize=True)
        for down, along in ((plain, plain), (plain, turned), (turned, plain), (turned, turned))
    )


def _is_of_one_sign(
    sizes: NDArray[np.float32], light: NDArray[np.float32], least: float, share: float
) -> bool:
    strong = abs(float(np.median(sizes))) >= least * max(float(np.median(light)), 1e-9)
    same = max(float((sizes > 0).mean()), float((sizes < 0).mean()))
    return strong and same >= share

"""Small arrays as PNG files in data addresses.

Never reads or writes a file.
"""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LEAST_RANGE = 48.0  # grey levels that a crop is stretched from at least: noise stays noise
TAILS = 0.5  # % of a crop's values that may be cut off at either end
BEYOND = 128  # grey of what is beyond the frame
# Blue, white, orange (ColorBrewer's PuOr family): told apart by every kind of colour vision.
DARKER, SAME, BRIGHTER = (33, 82, 155), (247, 247, 245), (204, 85, 0)
LEAST_FULL = 0.25  # sigmas per photo at which the colour is full at least
STEPS = 63  # colours between the ends


def data_address(picture: Image.Image) -> str:
    """Return a picture as the address of a PNG that holds it.

    >>> data_address(Image.new("L", (1, 1)))[:22]
    'data:image/png;base64,'
    """
    return "data:image/png;base64," + b64encode(png_of(picture)).decode()


def png_of(picture: Image.Image, *, small: bool = True) -> bytes:
    """Return a picture as a PNG file: small, or made at once."""
    file = BytesIO()
    picture.save(file, "PNG", optimize=small, compress_level=9 if small else 1)
    return file.getvalue()


def of_crop(cut: NDArray[np.float32], *, raised: bool = True) -> Image.Image:
    """Return a crop, (side, side[, 3]) of 0..255, its contrast raised to its own range, or not.

    >>> flat = np.full((3, 3), 20, np.float32)
    >>> flat[1, 1] = 200
    >>> of_crop(flat).getpixel((1, 1)), of_crop(flat).getpixel((0, 0))
    (255, 0)
    """
    known = cut[~np.isnan(cut)]
    low, high = 0.0, 255.0
    if raised and known.size:
        low, high = np.percentile(known, (TAILS, 100 - TAILS))
        middle = cut[len(cut) // 2, len(cut) // 2]  # the pixel itself is never cut off
        low, high = min(low, np.nanmin(middle)), max(high, np.nanmax(middle))
    spare = max(LEAST_RANGE - (high - low), 0.0)
    low, high = low - spare / 2, high + spare / 2
    low, high = low - min(low, 0.0), high - min(low, 0.0)
    stretched = ((cut - low) * (255 / (high - low))).clip(0, 255).round()
    return Image.fromarray(np.where(np.isnan(cut), BEYOND, stretched).astype(np.uint8))


def of_stamp(response: NDArray[np.float64]) -> Image.Image:
    """Return a stamp in colours: full at as many sigmas as the middle has, darker or brighter.

    >>> of_stamp(np.zeros((1, 1))).convert("RGB").getpixel((0, 0)) == SAME
    True
    """
    middle, side = STEPS // 2, len(response) // 2
    full = max(abs(float(response[side, side])), LEAST_FULL)
    at = (middle + response / full * middle).round().clip(0, STEPS - 1).astype(np.uint8)
    picture = Image.fromarray(at, "P")
    shares = np.abs(np.arange(STEPS) - middle)[:, None] / middle
    ends = np.where(np.arange(STEPS)[:, None] < middle, DARKER, BRIGHTER)
    colours = (np.array(SAME) * (1 - shares) + ends * shares).round().astype(np.uint8)
    picture.putpalette(colours.tobytes())
    return picture

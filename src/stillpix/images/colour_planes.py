"""A picture's colours as planes: luma at full size, Cb and Cr at half.

Never decodes a file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiling import compiled, compiled_within
from ..frame import Chroma

SAMPLES = 4  # bytes a pixel: R, G, B and one that says nothing, so that four are one number


def split(
    colours: NDArray[np.uint8], room: NDArray[np.uint8] | None = None
) -> tuple[NDArray[np.uint8], Chroma]:
    """Return luma, (height, width), and Cb and Cr, half as high and wide, of (height, width, 4).

    By ITU-R BT.601, rounded, as in JPEG; Cb and Cr are means of 2x2 px. All lie in `room` where it
    is given, of `room_for` bytes.

    >>> luma, (cb, cr) = split(np.full((3, 4, 4), (0, 0, 255, 0), np.uint8))
    >>> luma.shape, cb.shape, int(luma[0, 0]), int(cb[0, 0]), int(cr[1, 1])
    ((3, 4), (2, 2), 29, 255, 107)
    """
    height, width = colours.shape[:2]
    down, across = -(-height // 2), -(-width // 2)
    octets = np.empty(room_for(width, height), np.uint8) if room is None else room
    luma, cb, cr = np.split(octets, (height * width, height * width + down * across))
    planes = luma.reshape(height, width), cb.reshape(down, across), cr.reshape(down, across)
    _split(colours.view(np.uint32)[..., 0], *planes)
    return planes[0], planes[1:]


def room_for(width: int, height: int) -> int:
    """Return how many bytes the planes of a picture take.

    >>> room_for(4, 3)
    20
    """
    return width * height + 2 * -(-width // 2) * -(-height // 2)


@compiled
def _split(colours: Any, luma: Any, cb: Any, cr: Any) -> None:
    """Fill the planes; each colour is one number: R + 256 G + 65536 B."""
    height, width = colours.shape
    byte, half = np.uint32(255), np.uint32(32768)
    green, blue = np.uint32(8), np.uint32(16)
    red_part, green_part, blue_part = np.uint32(19595), np.uint32(38470), np.uint32(7471)
    for y in range(height):
        row, out = colours[y], luma[y]
        for x in range(width):
            r, g, b = row[x] & byte, (row[x] >> green) & byte, (row[x] >> blue) & byte
            out[x] = (r * red_part + g * green_part + b * blue_part + half) >> blue
        if y % 2 == 0 and y < height - 1:
            continue
        above, to_blue, to_red = colours[y // 2 * 2], cb[y // 2], cr[y // 2]
        for x in range(width // 2):
            _mean(above[2 * x], above[2 * x + 1], row[2 * x], row[2 * x + 1], to_blue, to_red, x)
        if width % 2:
            x = width // 2
            _mean(above[2 * x], above[2 * x], row[2 * x], row[2 * x], to_blue, to_red, x)


@compiled_within
def _mean(a: Any, b: Any, c: Any, d: Any, cb: Any, cr: Any, x: int) -> None:
    """Put the mean Cb and Cr of four colours at x."""
    byte, green, blue = np.uint32(255), np.uint32(8), np.uint32(16)
    two = np.uint32(0x00FF00FF)  # red and blue, side by side
    both = (a & two) + (b & two) + (c & two) + (d & two)
    red, blues = np.int32(both & np.uint32(0xFFFF)), np.int32(both >> blue)
    upper, lower = ((a >> green) & byte) + ((b >> green) & byte), ((c >> green) & byte)
    greens = np.int32(upper + lower + ((d >> green) & byte))
    middle = np.int32((128 << 18) + (1 << 17))
    most = np.int32(255)
    cb[x] = min((middle + 32768 * blues - 11058 * red - 21710 * greens) >> 18, most)
    cr[x] = min((middle + 32768 * red - 27439 * greens - 5329 * blues) >> 18, most)

"""A picture's colours as planes: luma at full size, Cb and Cr at half.

Never decodes a file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiling import compiled, compiled_within
from ..frame import Chroma

SAMPLES = 3  # bytes a pixel: R, G, B


def split(
    colours: NDArray[np.uint8], room: NDArray[np.uint8] | None = None
) -> tuple[NDArray[np.uint8], Chroma]:
    """Return luma, (height, width), and Cb and Cr, half as high and wide, of (height, width, 3).

    By ITU-R BT.601, rounded, as in JPEG; Cb and Cr are means of 2x2 px. With `room`, of
    `room_for` bytes, the colours are its first ones: the luma takes their place, the chroma lies
    behind them, and no second picture is in memory.

    >>> luma, (cb, cr) = split(np.full((3, 4, 3), (0, 0, 255), np.uint8))
    >>> luma.shape, cb.shape, int(luma[0, 0]), int(cb[0, 0]), int(cr[1, 1])
    ((3, 4), (2, 2), 29, 255, 107)
    """
    height, width = colours.shape[:2]
    down, across = -(-height // 2), -(-width // 2)
    if room is None:
        luma, chroma = np.empty(height * width, np.uint8), np.empty(2 * down * across, np.uint8)
    else:
        luma, chroma = room[: height * width], room[SAMPLES * height * width :]
    cb, cr = chroma.reshape(2, down, across)
    planes = luma.reshape(height, width), cb, cr
    _split(colours.reshape(height, SAMPLES * width), *planes)
    return planes[0], planes[1:]


def room_for(width: int, height: int) -> int:
    """Return how many bytes the colours of a picture and its chroma take.

    >>> room_for(4, 3)
    44
    """
    return SAMPLES * width * height + 2 * -(-width // 2) * -(-height // 2)


@compiled
def _split(colours: Any, luma: Any, cb: Any, cr: Any) -> None:
    """Fill the planes from rows of R, G, B, R, .... The luma may lie where the colours begin.

    So it is written last of each two rows: it never goes beyond those.
    """
    height, width = luma.shape
    for y in range(0, height, 2):
        last = min(y + 1, height - 1)
        above, row, to_blue, to_red = colours[y], colours[last], cb[y // 2], cr[y // 2]
        _chroma_row(above, row, width // 2, to_blue, to_red)
        if width % 2:
            _put_last(above[-3:], row[-3:], to_blue, to_red)
        for each in range(y, last + 1):
            _luma_row(colours[each], luma[each])


@compiled_within
def _luma_row(colours: Any, out: Any) -> None:
    """Fill a row of luma; unsigned places are never negative, which vector instructions need."""
    red_part, green_part, blue_part = np.uint32(19595), np.uint32(38470), np.uint32(7471)
    half, whole = np.uint32(32768), np.uint32(16)
    one, two, three = np.uintp(1), np.uintp(2), np.uintp(3)
    for x in range(np.uintp(out.size)):
        at = three * x
        red, green = np.uint32(colours[at]), np.uint32(colours[at + one])
        blue = np.uint32(colours[at + two])
        out[x] = (red * red_part + green * green_part + blue * blue_part + half) >> whole


@compiled_within
def _chroma_row(above: Any, row: Any, number: int, cb: Any, cr: Any) -> None:
    """Fill `number` px of a row of Cb and of Cr from two rows of colours."""
    one, two, three, six = np.uintp(1), np.uintp(2), np.uintp(3), np.uintp(6)
    for x in range(np.uintp(number)):
        here = six * x
        beside = here + three
        red = np.int32(above[here]) + np.int32(above[beside])
        red += np.int32(row[here]) + np.int32(row[beside])
        green = np.int32(above[here + one]) + np.int32(above[beside + one])
        green += np.int32(row[here + one]) + np.int32(row[beside + one])
        blue = np.int32(above[here + two]) + np.int32(above[beside + two])
        blue += np.int32(row[here + two]) + np.int32(row[beside + two])
        _put(red, green, blue, cb, cr, x)


@compiled_within
def _put_last(above: Any, row: Any, cb: Any, cr: Any) -> None:
    """Put Cb and Cr at the end of a row, of the last colours of two rows."""
    red = 2 * (np.int32(above[0]) + np.int32(row[0]))
    green = 2 * (np.int32(above[1]) + np.int32(row[1]))
    blue = 2 * (np.int32(above[2]) + np.int32(row[2]))
    _put(red, green, blue, cb, cr, cb.size - 1)


@compiled_within
def _put(red: Any, green: Any, blue: Any, cb: Any, cr: Any, x: Any) -> None:
    """Put Cb and Cr at x, of the sums of four colours."""
    middle, most, down = np.int32((128 << 18) + (1 << 17)), np.int32(255), np.int32(18)
    to_blue = np.int32(32768) * blue - np.int32(11058) * red - np.int32(21710) * green
    to_red = np.int32(32768) * red - np.int32(27439) * green - np.int32(5329) * blue
    cb[x] = min((middle + to_blue) >> down, most)
    cr[x] = min((middle + to_red) >> down, most)

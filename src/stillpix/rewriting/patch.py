"""The new pixels of a rewriting: as small windows, and as single points.

Never opens a file and never decides what a pixel should be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stillpix.frame import Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """New values for some pixels of a small window of a stored picture.

    The pixels are DN as images.read_colour gives them: (height, width, 3) of a coloured photo,
    (height, width) of a grey one, of the photo's own bit depth.
    """

    x: int  # the left column, as stored
    y: int  # the top row, as stored
    pixels: Pixels
    where: NDArray[np.bool_]  # (height, width): which of them are replaced


class Points(NamedTuple):
    """Single pixels and their new values, each place once, sorted by row and column."""

    y: NDArray[np.intp]
    x: NDArray[np.intp]
    values: NDArray[Any]  # DN, (points, channels)


def points_of(
    patches: Sequence[Patch], width: int, height: int, *, channels: int, dtype: DTypeLike
) -> Points:
    """Return the pixels that patches replace in a picture; of patches that overlap the last holds.

    `channels` is 3 for colours and 1 for grey. Raises ValueError if a patch reaches over the
    frame's edge, or if its pixels are not of the picture's channels and depth.

    >>> window = np.full((1, 2, 3), 9, np.uint8)
    >>> patch = Patch(4, 1, window, np.array([[False, True]]))
    >>> points_of([patch], 40, 32, channels=3, dtype=np.uint8)
    Points(y=array([1]), x=array([5]), values=array([[9, 9, 9]], dtype=uint8))
    """
    places, values = [np.empty(0, np.intp)], [np.empty((0, channels), dtype)]
    for patch in patches:
        _require_fit(patch, width, height, channels, np.dtype(dtype))
        rows, columns = np.nonzero(patch.where)
        places.append((rows + patch.y) * width + columns + patch.x)
        values.append(patch.pixels[rows, columns].reshape(-1, channels))
    backwards = np.concatenate(places)[::-1]  # of equal places unique finds the first
    unique, first = np.unique(backwards, return_index=True)
    return Points(unique // width, unique % width, np.concatenate(values)[::-1][first])


def _require_fit(
    patch: Patch, width: int, height: int, channels: int, dtype: np.dtype[Any]
) -> None:
    rows, columns = patch.pixels.shape[:2]
    name = f"patch of {columns}x{rows} pixels at ({patch.x}, {patch.y})"
    if min(patch.x, patch.y) < 0 or patch.x + columns > width or patch.y + rows > height:
        raise ValueError(f"{name} lies outside the frame of {width}x{height}")
    expected = (rows, columns) if channels == 1 else (rows, columns, channels)
    if patch.pixels.shape != expected or patch.pixels.dtype != dtype:
        kind = f"{patch.pixels.dtype} of shape {patch.pixels.shape}"
        raise ValueError(f"{name} is {kind}, not {dtype} of shape {expected}")
    if patch.where.shape != (rows, columns) or patch.where.dtype != np.bool_:
        raise ValueError(f"{name} has a mask of {patch.where.dtype} {patch.where.shape}")

"""Another method's pixels in a JPEG, by stillpix's own writer.

So that all methods pay the same price for staying inside the file. Never fills anything itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stillpix.images import Header
from stillpix.restoration.canvas import Change, Lattice
from stillpix.restoration.jpeg import JpegCanvas
from stillpix.restoration.pixels import MIDDLE, TO_YCC
from stillpix.rewriting.jpeg import read_coefficients, rewritten

from .twins import Floats, Levels


def in_file(
    content: bytes, header: Header, picture: Levels, places: list[tuple[int, int]], side: int
) -> bytes:
    """Return the JPEG with a picture's pixels (height, width, 3) in the holes of some places."""
    image = read_coefficients(content, header.path)
    canvas = JpegCanvas(image, header.path)
    planes = picture.astype(np.float64) @ TO_YCC.T + MIDDLE
    for x, y in places:
        canvas.apply(list(_changes(canvas, planes, x, y, side // 2)))
    return rewritten(image, content, header.path, canvas.changes).content


def _changes(canvas: JpegCanvas, planes: Floats, x: int, y: int, reach: int) -> Iterator[Change]:
    height, width = planes.shape[:2]
    top, bottom = max(y - reach, 0), min(y + reach, height - 1)
    left, right = max(x - reach, 0), min(x + reach, width - 1)
    for plane, lattice in enumerate(canvas.lattices):
        rows, columns = (
            np.arange(int(first * step), int(last * step) + 1)
            for first, last, step in ((top, bottom, lattice.down), (left, right, lattice.across))
        )
        levels = np.array(
            [
                [_mean(planes[..., plane], lattice, row, column) for column in columns]
                for row in rows
            ]
        )
        where = np.ones(levels.shape, bool)
        middle = tuple(int(np.floor(at + 0.5)) for at in lattice.position(x, y))
        yield Change(plane, int(rows[0]), int(columns[0]), levels, where, (middle[0], middle[1]))


def _mean(plane: Floats, lattice: Lattice, row: int, column: int) -> float:
    """Return the mean of the pixels that a sample of a component stands for."""
    down, across = round(1 / lattice.down), round(1 / lattice.across)
    area = plane[row * down : (row + 1) * down, column * across : (column + 1) * across]
    return float(area.mean())

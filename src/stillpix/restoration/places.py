"""The places of a repair: from the records of a map, and to the patches of a rewriting.

Never decides what should stand at a place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..frame import Exposure, Layout, Pixels
from ..maps.records import Defect, Run
from ..rewriting.patch import Patch
from .expectation import expect
from .repairing import Place


def places_of(
    defects: Iterable[Defect],
    exposure: Exposure,
    white: int,
    layout: Layout,
    width: int,
    height: int,
) -> Iterator[Place]:
    """Yield the defects that lie in the frame, a run as far as it does."""
    for defect in defects:
        expected = expect(defect, exposure, white, layout)
        place = Place(defect.x, defect.y, expected, defect.run)
        inside = place_within(place, 0, 0, width, height)
        if inside is not None:
            yield inside


def place_within(place: Place, left: int, top: int, width: int, height: int) -> Place | None:
    """Return a place as counted from a rectangle's corner, as far as it lies in it.

    >>> place_within(Place(5, 0, run=Run("column", 0, 9)), 4, 2, 8, 4)
    Place(x=1, y=0, expectation=Expectation(shows=0.5, strength=None, growth=1.0, \
follows='nothing', sign=0), run=Run(along='column', first=0, last=3))
    """
    x, y, run = place.x - left, place.y - top, place.run
    if run is not None:
        down = run.along == "column"
        start, length = (top, height) if down else (left, width)
        run = Run(run.along, max(run.first - start, 0), min(run.last - start, length - 1))
        if run.first > run.last:
            return None
        x, y = (x, run.first) if down else (run.first, y)
    return replace(place, x=x, y=y, run=run) if 0 <= x < width and 0 <= y < height else None


def patches_of(pixels: Pixels, changed: NDArray[np.bool_]) -> Iterator[Patch]:
    """Yield the changed pixels, each row's run of them as one patch."""
    for y in np.flatnonzero(changed.any(axis=1)).tolist():
        xs = np.flatnonzero(changed[y])
        for run in np.split(xs, np.flatnonzero(np.diff(xs) > 1) + 1):
            left, right = int(run[0]), int(run[-1]) + 1
            yield Patch(left, y, pixels[y : y + 1, left:right], changed[y : y + 1, left:right])

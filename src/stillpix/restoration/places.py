"""The places of a repair: from the records of a map, and to the patches of a rewriting.

Never decides what should stand at a place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..frame import Exposure, Layout, Pixels
from ..maps.records import Defect
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
    """Yield the pixels of defects, a run's one by one, that lie in the frame."""
    for defect in defects:
        expected = expect(defect, exposure, white, layout)
        for x, y in defect.pixels():
            if 0 <= x < width and 0 <= y < height:
                yield Place(x, y, expected, defect.run)


def patches_of(pixels: Pixels, changed: NDArray[np.bool_]) -> Iterator[Patch]:
    """Yield the changed pixels, each row's run of them as one patch."""
    for y in np.flatnonzero(changed.any(axis=1)).tolist():
        xs = np.flatnonzero(changed[y])
        for run in np.split(xs, np.flatnonzero(np.diff(xs) > 1) + 1):
            left, right = int(run[0]), int(run[-1]) + 1
            yield Patch(left, y, pixels[y : y + 1, left:right], changed[y : y + 1, left:right])

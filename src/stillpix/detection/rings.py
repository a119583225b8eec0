"""Rings of broken pixels in the fields of interlaced clips, which are as loud as the pixels.

Demosaicing and sharpening make the pixels 2 px beside a bright one dark. In a frame the rows above
and below speak for the bright one; in a field they are far, and the dark ones may say more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .null import Peaks
from .views import View

WITHIN = 3  # px along the row
TIMES = 1.6  # the ring's excess that the pixel has, to the other side, at least
AS_LOUD = 0.6  # of the ring's score, at least


def at_their_pixels(
    found: Peaks, views: Sequence[View], excess: NDArray[np.signedinteger]
) -> Peaks:
    """Return peaks of a field, loudest first, those of a ring at the pixel that they surround.

    `excess` (height, width) is what each pixel has beyond its surroundings, summed over the fields.
    """
    x, score = found.x.copy(), found.score.copy()
    places = zip(found.x.tolist(), found.y.tolist(), found.view.tolist(), strict=True)
    for i, (column, row, number) in enumerate(places):
        first = max(column - WITHIN, 0)
        beside = excess[row, first : column + WITHIN + 1].astype(np.int64)
        own = beside[column - first]
        other = np.where(beside * np.sign(own) < 0, np.abs(beside), 0)
        at = first + int(other.argmax())
        if other.max() <= TIMES * abs(own):
            continue
        loud = float(np.abs(views[number].around(at, row, 0)).max())
        if loud > AS_LOUD * found.score[i]:
            x[i], score[i] = at, loud
    order = np.lexsort((x, found.y, -score))
    moved = Peaks(x[order], found.y[order], score[order], found.view[order])
    _, first_at = np.unique(np.stack([moved.y, moved.x]), axis=1, return_index=True)
    return moved.only(np.sort(first_at))

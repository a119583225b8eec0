"""Whether bad columns and rows show in one developed photo, each as a whole.

Most photos hide a line that many together show. Never changes the photo, and never looks at single
places.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from ..maps.records import Run
from .canvas import Canvas

LEAST = 6.0  # levels by which a line must stand out: below it repairs did more harm than good
BESIDE = 3  # samples from a line to those that it is compared with: beyond what it smears
FAINT = "its column or row hardly stands out in this photo"

Pixel: TypeAlias = tuple[int, int, Run | None]  # x, y, and the line that it is of


def faint_in(canvas: Canvas, places: Sequence[Pixel]) -> frozenset[int]:
    """Return the numbers of the places whose line does not show in a photo.

    A line is compared with what lies on both sides of it, by the median along its length: that an
    edge of the scene crosses it or lies beside it for a while makes no difference.
    """
    lines: dict[tuple[Run, int], list[int]] = defaultdict(list)
    for number, (x, y, run) in enumerate(places):
        if run is not None:
            lines[run, x if run.along == "column" else y].append(number)
    faint: set[int] = set()
    for (run, _), numbers in lines.items():
        at = [canvas.lattices[0].position(*places[number][:2]) for number in numbers]
        corners = np.floor(np.array(at) + 0.5).astype(np.int64) - BESIDE
        around = canvas.windows(0, corners, 2 * BESIDE + 1)
        across = around[:, BESIDE] if run.along == "column" else around[:, :, BESIDE]
        departure = across[:, BESIDE] - (across[:, 0] + across[:, -1]) / 2
        if abs(float(np.median(departure))) < LEAST:
            faint.update(numbers)
    return frozenset(faint)

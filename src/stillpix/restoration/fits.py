"""A FITS file that marks its broken pixels in a mask extension.

Never changes a picture's numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..images import Header
from ..maps.records import Defect
from ..rewriting.fits import masked_in, with_mask
from .verdicts import RepairedFile, Verdict

MASKED_ALREADY = "in the file's mask already"


def masked_fits(content: bytes, header: Header, defects: Sequence[Defect]) -> RepairedFile:
    """Return a FITS file with the defects in its MASK extension, shown or not."""
    width, height = header.sensor.width, header.sensor.height
    inside = [
        defect
        for defect in defects
        if all(0 <= x < width and 0 <= y < height for x, y in defect.pixels())
    ]
    before = masked_in(content, header.path, (height, width))
    broken = np.zeros((height, width), bool)
    for defect in inside:
        for x, y in defect.pixels():
            broken[y, x] = True
    verdicts = tuple(
        Verdict(
            defect.x, defect.y, "listed",
            why=MASKED_ALREADY if all(before[y, x] for x, y in defect.pixels()) else "",
        )
        for defect in inside
    )  # fmt: skip
    result = with_mask(content, header.path, broken) if inside else content
    return RepairedFile(result, verdicts)

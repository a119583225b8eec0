"""Repair: what a listed defect shows in one photo, and what would stand there without it.

Touches the listed places and what their response reaches, nothing else. Never opens a file and
never writes one: bytes or pixels come in, bytes or pixels go out.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..frame import Exposure, Layout, Pixels
from ..maps.records import Defect
from .files import repaired_file, repaired_pictures
from .pixels import PixelCanvas
from .places import places_of
from .repairing import repair_places
from .verdicts import RawWay, RepairedFile, Verdict
from .verification import require_companions, verified

__all__ = [
    "RawWay",
    "RepairedFile",
    "Verdict",
    "repair",
    "repaired_file",
    "repaired_pictures",
    "require_companions",
    "verified",
]


def repair(
    pixels: Pixels,
    defects: Iterable[Defect],
    *,
    layout: Layout = "rendered",
    white: int | None = None,
    exposure: Exposure | None = None,
    always: bool = False,
) -> Pixels:
    """Return a copy of a picture in which the listed defects that show in it are repaired.

    Args:
        pixels: (height, width) luma or mosaic, or (height, width, 3) RGB; uint8 or uint16 DN.
        defects: where to look.
        layout: "rendered", or that of the mosaic's colour filter array.
        white: DN at which a pixel is full; by default the most that the type holds.
        exposure: of the photo, so that what a map says of strength can be used.
        always: repair what does not seem to show, too.

    The estimate is a locally weighted regression on the sound pixels around, weighed against
    what stands there by Wiener's filter; see docs/repair.md. Raises ValueError for pixels of
    another shape or type.

    >>> grey = np.full((64, 64), 90, np.uint8)
    >>> grey[30, 40] = 210
    >>> repaired = repair(grey, [Defect(x=40, y=30)])
    >>> int(repaired[30, 40]), int((repaired != grey).sum())
    (90, 1)
    """
    if pixels.dtype not in {np.dtype(np.uint8), np.dtype(np.uint16)}:
        raise ValueError(f"pixels are {pixels.dtype}, not uint8 or uint16")
    if pixels.ndim != 2 and (layout != "rendered" or pixels.shape[2:] != (3,)):
        raise ValueError(f"pixels of shape {pixels.shape} are no {layout} picture")
    white = white or (255 if pixels.itemsize == 1 else 65535)
    canvas = PixelCanvas(pixels, white=white, layout=layout)
    height, width = pixels.shape[:2]
    places = list(places_of(defects, exposure or Exposure(), white, layout, width, height))
    repair_places(canvas, places, always=always)
    return canvas.pixels

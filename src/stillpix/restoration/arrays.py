"""The repair of a picture that a program has in memory: an array in, an array like it out.

Never changes the array that it is given, and no value but those of the repaired places.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..arguments import instance, one_of, positive, shown, wrong
from ..errors import ArgumentError, SensorMismatchError
from ..frame import PATTERNS, Exposure, Layout
from ..images.arrays import COLOURS, layout_of, samples_of, values_of
from ..maps.records import Defect, DefectMap
from .pixels import PixelCanvas
from .places import places_of
from .repairing import repair_places

LISTED = "a DefectMap, or several Defects"
WORDS: dict[str, Layout] = {
    **PATTERNS, **{layout: layout for layout in get_args(Layout)}
}  # fmt: skip


def repair(
    pixels: NDArray[Any],
    defects: DefectMap | Iterable[Defect],
    *,
    layout: str | None = None,
    order: Literal["RGB", "BGR"] = "RGB",
    white: float | None = None,
    exposure: Exposure | None = None,
    always: bool = False,
) -> NDArray[Any]:
    """Return a copy of a picture in which the listed defects that show in it are repaired.

    Args:
        pixels: (height, width) luma or mosaic, or (height, width, 3) colours: whole numbers or
            floats, in any byte order. The copy has the same type.
        defects: a map of the same size, of which the confirmed and accepted defects are repaired;
            or where to look.
        layout: "rendered", or that of the mosaic's colour filter array, such as "mono" or "RGGB".
            Without it, that of the map.
        order: of the colours; frames of OpenCV are "BGR".
        white: the value of a full pixel; by default the most that the type holds.
        exposure: of the photo, so that what a map says of strength can be used.
        always: repair what does not seem to show, too.

    The estimate is a locally weighted regression on the sound pixels around, weighed against
    what stands there by Wiener's filter; see docs/repair.md.

    >>> grey = np.full((64, 64), 90, np.uint8)
    >>> grey[30, 40] = 210
    >>> repaired = repair(grey, [Defect(x=40, y=30)])
    >>> int(repaired[30, 40]), int((repaired != grey).sum())
    (90, 1)

    Raises:
        ArgumentError: an argument is wrong; the message names it and what is expected.
        SensorMismatchError: the map is of another size.
    """
    if not isinstance(pixels, np.ndarray):
        raise wrong("pixels", "an array of numpy; of CCDData, give its data", pixels)
    values = values_of(pixels, "pixels")
    if values.shape != pixels.shape:
        raise wrong("pixels", "of shape (height, width) or (height, width, 3)", pixels)
    colours = values.ndim == COLOURS
    one_of("order", order, ("RGB", "BGR"))
    turned = slice(None, None, -1 if order == "BGR" and colours else 1)
    known = _layout(defects, layout, "pixels", values)
    listed = _listed(defects, values)
    if exposure is not None:
        instance("exposure", exposure, Exposure, "an Exposure, such as Exposure(exposure_s=0.02)")
    full = None if white is None else positive("white", white, "4095")
    samples = samples_of(
        values[..., turned] if colours else values, "pixels",
        rendered=known == "rendered", white=full,
    )  # fmt: skip
    canvas = PixelCanvas(samples.pixels, white=samples.white, layout=known)
    height, width = values.shape[:2]
    places = places_of(listed, exposure or Exposure(), samples.white, known, width, height)
    repair_places(canvas, list(places), always=always)
    result, changed = pixels.copy(), canvas.changed
    repaired = canvas.pixels[..., turned] if colours else canvas.pixels
    result[changed] = samples.scaling.stored(repaired[changed], values.dtype)
    return result


def _layout(
    defects: object, layout: str | None, name: str, values: NDArray[Any]
) -> Layout:  # fmt: skip
    """Return the layout that is named, or the map's, or that of a developed picture."""
    if layout is not None:
        return layout_of(values, WORDS[one_of("layout", layout, WORDS)], name)
    mapped = defects.sensor.layout if isinstance(defects, DefectMap) else "rendered"
    return layout_of(values, mapped, name)


def _listed(defects: object, values: NDArray[Any]) -> list[Defect]:
    """Return the defects to look for; refuse a map of another size."""
    if isinstance(defects, DefectMap):
        size = defects.sensor.height, defects.sensor.width
        if values.shape[:2] != size:
            raise SensorMismatchError(
                f"{shown(values)} does not fit the map of {defects.sensor.name}; give an array of "
                f"{size[0]} rows and {size[1]} columns"
            )
        return list(defects.in_state("confirmed", "accepted"))
    if not isinstance(defects, Iterable) or isinstance(defects, str | bytes):
        raise wrong("defects", LISTED, defects)
    listed = list(defects)
    for each in listed:
        if not isinstance(each, Defect):
            raise ArgumentError(f"defects must be {LISTED}; one of them is {shown(each)}")
    return listed

"""DNG opcode lists with FixBadPixelsList (DNG 1.4, chapter 7): points and rectangles, big-endian.

Only the list, as a file; another program puts it into tag 51008 (OpcodeList1) of a DNG. Never
writes another opcode, and never a place outside the frame, for which readers drop a whole list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import MapFormatError
from ..maps.records import Defect, Run
from ..rewriting.dng.opcodes import (
    BAYER_PHASES,
    BadPixels,
    bad_pixels_in,
    fix_bad_pixels,
    opcode_list,
)
from .entries import ListedDefect, Target, line, pixel, pixels_of, refuse

DAMAGED = "copy it again, or write it again with `stillpix export`"


def encode(defects: Sequence[Defect], target: Target) -> bytes:
    """Return an opcode list with one FixBadPixelsList.

    Raises:
        MapFormatError: the opcode is only for Bayer patterns, and the sensor has none.
    """
    layout = target.sensor.layout
    if layout not in BAYER_PHASES:
        raise MapFormatError(
            f"{target.sensor.name}: a DNG's list of bad pixels is for Bayer sensors, and this one "
            f"is {layout}; choose another format"
        )
    points = tuple((x, y) for x, y, _ in pixels_of([d for d in defects if d.run is None]))
    rects = tuple(_rectangle(defect) for defect in defects if defect.run is not None)
    return opcode_list([fix_bad_pixels(BadPixels(points, rects, BAYER_PHASES[layout]))])


def _rectangle(defect: Defect) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a run, the last two exclusive."""
    run = defect.run or Run("row", defect.x, defect.x)
    if run.along == "row":
        return run.first, defect.y, run.last + 1, defect.y + 1
    return defect.x, run.first, defect.x + 1, run.last + 1


def decode(content: bytes, path: Path, target: Target) -> Iterator[ListedDefect]:
    """Yield the points and rectangles of each FixBadPixelsList; other opcodes hold no places."""
    try:
        bad = bad_pixels_in(content)
    except ValueError as error:
        raise refuse(
            path, "", f"is not a DNG opcode list, or is damaged ({error})", DAMAGED
        ) from error
    for number, (x, y) in enumerate(bad.points, start=1):
        yield pixel(f"point {number}", x, y)
    area = target.area
    for number, (left, top, right, bottom) in enumerate(bad.rects, start=1):
        place = f"rectangle {number}"
        if not (top < bottom <= area.height and left < right <= area.width):
            shown = f"{left},{top} to {right},{bottom}"
            reason = f"spans {shown}, which is no part of a frame of {area.width}x{area.height}"
            raise refuse(path, place, reason, "check that the list is of this camera")
        if bottom - top <= right - left:
            for y in range(top, bottom):
                yield line(place, Run("row", left, right - 1), y)
        else:
            for x in range(left, right):
                yield line(place, Run("column", top, bottom - 1), x)

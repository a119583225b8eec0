"""DNG opcode lists with FixBadPixelsList (DNG 1.4, chapter 7): points and rectangles, big-endian.

The list alone, as a file; another program puts it into tag 51008 (OpcodeList1) of a DNG. Never
writes another opcode, and never a place outside the frame, for which readers drop a whole list.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..defects import Defect, Run
from ..errors import MapFormatError
from .entries import Entry, Target, line, pixel, pixels_of, refuse

FIX_CONSTANT, FIX_LIST = 4, 5
VERSION = bytes((1, 3, 0, 0))
OPTIONAL = 1  # flag: a reader that does not know the opcode may go on
# the pattern at (0, 0) of the full frame, as the standard numbers it
PHASES = {"bayer-GRBG": 0, "bayer-RGGB": 1, "bayer-BGGR": 2, "bayer-GBRG": 3}
HEAD = struct.Struct(">I4sII")  # id, version, flags, length of what follows
DAMAGED = "copy it again, or write it again with `stillpix export`"


def encode(defects: Sequence[Defect], target: Target) -> bytes:
    """Return an opcode list with one FixBadPixelsList.

    Raises:
        MapFormatError: the sensor has no Bayer pattern, for which alone the opcode is.
    """
    layout = target.sensor.layout
    if layout not in PHASES:
        raise MapFormatError(
            f"{target.sensor.name}: a DNG's list of bad pixels is for Bayer sensors, and this one "
            f"is {layout}; choose another format"
        )
    points = [(y, x) for x, y, _ in pixels_of([each for each in defects if each.run is None])]
    rectangles = [_rectangle(defect) for defect in defects if defect.run is not None]
    body = struct.pack(">III", PHASES[layout], len(points), len(rectangles))
    body += b"".join(struct.pack(">II", *point) for point in points)
    body += b"".join(struct.pack(">IIII", *rectangle) for rectangle in rectangles)
    return struct.pack(">I", 1) + HEAD.pack(FIX_LIST, VERSION, OPTIONAL, len(body)) + body


def _rectangle(defect: Defect) -> tuple[int, int, int, int]:
    """Return top, left, bottom and right of a run, the last two exclusive."""
    run = defect.run or Run("row", defect.x, defect.x)
    if run.along == "row":
        return defect.y, run.first, defect.y + 1, run.last + 1
    return run.first, defect.x, run.last + 1, defect.x + 1


def decode(content: bytes, path: Path, target: Target) -> Iterator[Entry]:
    """Yield the points and rectangles of each FixBadPixelsList; other opcodes hold no places."""
    at = _unpacked(">I", content, 0, path)[0]
    count, at = at, 4
    for number in range(1, count + 1):
        code, _, _, length = _unpacked(HEAD.format, content, at, path)
        at += HEAD.size
        body = content[at : at + length]
        if len(body) < length:
            raise refuse(path, f"opcode {number}", "is cut short", DAMAGED)
        if code == FIX_LIST:
            yield from _listed(body, f"opcode {number}", path, target)
        elif code == FIX_CONSTANT and length != 8:
            raise refuse(path, f"opcode {number}", "is damaged: its length is wrong", DAMAGED)
        at += length


def _listed(body: bytes, where: str, path: Path, target: Target) -> Iterator[Entry]:
    _, points, rectangles = _unpacked(">III", body, 0, path)
    if len(body) != 12 + 8 * points + 16 * rectangles:
        raise refuse(path, where, "is damaged: its length is not that of its entries", DAMAGED)
    for number, (row, column) in enumerate(struct.iter_unpack(">II", body[12 : 12 + 8 * points])):
        yield pixel(f"{where}, point {number + 1}", column, row)
    corners = struct.iter_unpack(">IIII", body[12 + 8 * points :])
    for number, (top, left, bottom, right) in enumerate(corners):
        place = f"{where}, rectangle {number + 1}"
        area = target.area
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


def _unpacked(form: str, content: bytes, at: int, path: Path) -> tuple[int, ...]:
    try:
        return struct.unpack_from(form, content, at)
    except struct.error as error:
        raise refuse(path, "", "is not a DNG opcode list, or is cut short", DAMAGED) from error

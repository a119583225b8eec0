"""Repairs a RAW photo: by a DNG's list of bad pixels, by its mosaic's values, or as a new DNG.

Takes and gives bytes; never opens a file and never writes one, and never changes a RAW file that
is no DNG. Photosites beyond the visible area are never a source and never repaired.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from ..errors import ReadError
from ..frame import Pixels
from ..images import Header, decode_colour
from ..images.directories import Structure
from ..maps.records import Defect, Run
from ..rewriting.dng.appending import opcodes_of, with_bad_pixels
from ..rewriting.dng.mosaic_directory import (
    is_dng,
    mosaic_directory,
    picture_directory,
    size_of,
)
from ..rewriting.dng.mosaic_values import with_values
from ..rewriting.dng.opcodes import BAYER_PHASES, BadPixels, bad_pixels_in, extended
from .pixels import PixelCanvas
from .places import patches_of, place_within, places_of
from .repairing import repair_places
from .verdicts import RawWay, RepairedFile, Verdict

NAMES = {"xtrans": "X-Trans", "mono": "monochrome"}
LISTED_ALREADY = "in the file's list already"
MASKED = "it lies in the masked margin beside the picture"
NEVER_REWRITTEN = (
    "is a RAW file other than DNG, and such files are never rewritten; give --to dng to make a "
    "DNG of it, or use `stillpix export` for the program that develops it"
)
NO_LIST = (
    "is of a sensor that is {}, and only Bayer sensors can have a list of bad pixels in a DNG; "
    "give --mosaic to replace the values of its broken pixels"
)
OTHER_FRAME = (
    "is a DNG whose frame LibRaw does not read as it is stored, so no place in it is certain; "
    "develop it and repair the picture"
)
NEW_FILE = "its sensor's pixels are in a new DNG; maker notes and previews are only in the original"


def repaired_raw(
    content: bytes, header: Header, defects: Sequence[Defect], way: RawWay, *, always: bool
) -> RepairedFile:
    """Return a RAW photo's file with the listed defects repaired, or listed for its developer.

    Raises:
        ReadError: the file is damaged, or cannot be gone about in this way.
        WriteError: the result does not read back as meant.
    """
    if not is_dng(content):
        if not way.to_dng:
            raise ReadError(header.path, NEVER_REWRITTEN)
        return _new_file(content, header, defects, way, always=always)
    _require_same_frame(content, header)
    if header.sensor.is_mosaic and not way.mosaic:
        there = opcodes_of(content, header.path)
        result = with_bad_pixels(content, header.path, bad_pixels_of(defects, header))
        return RepairedFile(result, _verdicts_of_list(defects, header, there))
    before = decode_colour(header, content)
    after, verdicts = _repair_visible(before, header, defects, always=always)
    height, width = after.shape[:2]
    differs = (after != before).reshape(height, width, -1).any(axis=2)
    patches = list(patches_of(after, differs))
    result = with_values(content, header.path, patches) if patches else content
    return RepairedFile(result, verdicts)


def _require_same_frame(content: bytes, header: Header) -> None:
    """Refuse a DNG whose mosaic or colours are of another kind or size to LibRaw."""
    sensor = header.sensor
    directory = mosaic_directory if sensor.is_mosaic else picture_directory
    placed = directory(content, header.path)
    if size_of(Structure.of(BytesIO(content)), placed) != (sensor.width, sensor.height):
        raise ReadError(header.path, OTHER_FRAME)


def _new_file(
    content: bytes, header: Header, defects: Sequence[Defect], way: RawWay, *, always: bool
) -> RepairedFile:
    """Return a new DNG of a RAW photo, with its pixels listed, or replaced in its mosaic."""
    from ..rewriting.dng.conversion import negative_of, new_dng

    negative = negative_of(header, content)
    if way.mosaic:
        pixels, verdicts = _repair_visible(negative.pixels, header, defects, always=always)
        negative = replace(negative, pixels=pixels)
    else:
        verdicts = _verdicts_of_list(defects, header, None)
        bad = bad_pixels_of(defects, header)
        if verdicts:
            height, width = negative.pixels.shape
            negative = replace(negative, opcodes=extended(None, bad, width, height))
    return RepairedFile(new_dng(negative, header.path), verdicts, (NEW_FILE,))


def bad_pixels_of(defects: Sequence[Defect], header: Header) -> BadPixels:
    """Return the defects that lie in the frame as a DNG lists them; runs are rectangles.

    FixBadPixelsList is for a Bayer pattern (DNG 1.7, chapter 7), and what darktable 4.2 makes of
    it in X-Trans mixes colours: there a ReadError names the remedy.

    >>> from pathlib import Path
    >>> from stillpix.frame import Exposure, Sensor
    >>> sensor = Sensor("unknown", "unknown", "unknown", 96, 64, "bayer-GBRG")
    >>> header = Header(Path("a.dng"), "raw", sensor, Exposure(), None, 1, 4095)
    >>> bad_pixels_of([Defect(x=40, y=30), Defect(x=96, y=3)], header)
    BadPixels(points=((40, 30),), rects=(), phase=3)
    """
    points, rects = list[tuple[int, int]](), list[tuple[int, int, int, int]]()
    for defect in _inside(defects, header):
        if defect.run is None:
            points.append((defect.x, defect.y))
        elif defect.run.along == "row":
            rects.append((defect.run.first, defect.y, defect.run.last + 1, defect.y + 1))
        else:
            rects.append((defect.x, defect.run.first, defect.x + 1, defect.run.last + 1))
    layout = header.sensor.layout
    if (points or rects) and layout not in BAYER_PHASES:
        raise ReadError(header.path, NO_LIST.format(NAMES.get(layout, layout)))
    return BadPixels(tuple(points), tuple(rects), BAYER_PHASES.get(layout, 0))


def _inside(defects: Sequence[Defect], header: Header) -> list[Defect]:
    width, height = header.sensor.width, header.sensor.height
    return [
        defect
        for defect in defects
        if all(0 <= x < width and 0 <= y < height for x, y in defect.pixels())
    ]


def _verdicts_of_list(
    defects: Sequence[Defect], header: Header, there: bytes | None
) -> tuple[Verdict, ...]:
    """Return a verdict a defect; `there` is the list that the file held before."""
    before = BadPixels() if there is None else bad_pixels_in(there)
    points = set(before.points)
    rects = BadPixels(rects=before.rects)
    return tuple(
        Verdict(
            defect.x, defect.y, "listed",
            why=LISTED_ALREADY
            if all(place in points or rects.holds(*place) for place in defect.pixels())
            else "",
        )
        for defect in _inside(defects, header)
    )  # fmt: skip


def _repair_visible(
    pixels: Pixels, header: Header, defects: Sequence[Defect], *, always: bool
) -> tuple[NDArray[np.uint16], tuple[Verdict, ...]]:
    """Return a copy of a mosaic with the defects repaired that show in its visible area."""
    sensor = header.sensor
    left, top, width, height = sensor.visible_area
    area = slice(top, top + height), slice(left, left + width)
    visible = np.ascontiguousarray(pixels[area], np.uint16)
    canvas = PixelCanvas(visible, white=header.white, layout=sensor.layout)
    places = list(
        places_of(
            defects, header.exposure, header.white, sensor.layout, sensor.width, sensor.height
        )
    )
    found = [place_within(place, left, top, width, height) for place in places]
    seen = [place for place in found if place is not None]
    verdicts = [
        replace(
            each, x=each.x + left, y=each.y + top, run=_moved(each.run, left, top),
            strength=each.strength and each.strength * header.white / 255,
        )
        for each in repair_places(canvas, seen, always=always)
    ]  # fmt: skip
    verdicts += [
        Verdict(place.x, place.y, "hopeless", why=MASKED, run=place.run)
        for place, there in zip(places, found, strict=True)
        if there is None
    ]
    whole = np.array(pixels, np.uint16)
    whole[area] = canvas.pixels
    return whole, tuple(verdicts)


def _moved(run: Run | None, left: int, top: int) -> Run | None:
    """Return a run as counted from the frame's corner."""
    if run is None:
        return None
    start = top if run.along == "column" else left
    return Run(run.along, run.first + start, run.last + start)

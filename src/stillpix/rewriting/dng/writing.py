"""A sensor's mosaic written as a new DNG file, through tifffile.

Adobe's DNG specification 1.7: one picture in the first directory, uncompressed or lossless JPEG,
with what a developer needs to know of the colours. Never writes a preview, never computes colours,
and never changes a value.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import tifffile
from numpy.typing import NDArray

from .lossless_jpeg import Tile, lossless_encoded
from .metadata import EXIF, GPS, LONG, RATIONAL, SHORT, Field, Metadata, directory_at, numbers, text
from .mosaic_directory import LINEAR_RAW, PHOTOMETRIC

TILE = 256  # px
D65 = 21  # EXIF LightSource
COLOURS = "RGB"
BYTE, ASCII, SRATIONAL, UNDEFINED = 1, 2, 10, 7
XMP = 700
EXPOSURE_TIME, F_NUMBER, ISO, EXIF_VERSION = 33434, 33437, 34855, 36864
TAKEN, FOCAL_LENGTH, BODY_SERIAL, LENS = 36867, 37386, 42033, 42036
MOST_ISO = 65535

Matrix: TypeAlias = tuple[tuple[float, float, float], ...]
Grid: TypeAlias = Sequence[Sequence[Any]]
_Tag: TypeAlias = tuple[int, int, int, Any, bool]  # as tifffile takes them


@dataclass(frozen=True, slots=True, eq=False)
class Negative:
    """A mosaic and all that a DNG says of it. The frame is the full stored one."""

    pixels: NDArray[np.uint16]  # DN, (height, width)
    white: int  # DN at which a photosite is full
    pattern: tuple[str, ...] = ()  # rows of R, G, B that repeat from the frame's (0, 0); (): mono
    black: tuple[tuple[float, ...], ...] = ((0.0,),)  # DN, rows that repeat from (0, 0)
    active: tuple[int, int, int, int] | None = None  # x, y, width, height; None: all of it
    make: str = ""
    model: str = ""
    serial: str = ""
    matrices: dict[int, Matrix] = field(default_factory=dict)  # EXIF LightSource: XYZ to camera
    neutral: tuple[float, float, float] | None = None  # camera's R, G, B of what was white
    orientation: int = 1  # as EXIF has it
    baseline_exposure: float = 0.0  # EV
    exposure_s: float | None = None
    iso: float | None = None
    f_number: float | None = None
    focal_mm: float | None = None
    lens: str = ""
    taken: datetime | None = None
    opcodes: bytes | None = None  # OpcodeList1
    metadata: Metadata = field(default_factory=Metadata)  # of the photo's own file


def dng_of(negative: Negative, *, compressed: bool = True) -> bytes:
    r"""Return the bytes of a DNG file.

    `compressed` packs tiles as lossless JPEG. What `metadata` says is kept, and wins over the
    fields of the same meaning.

    >>> grey = np.full((32, 40), 500, np.uint16)
    >>> file = dng_of(Negative(grey, 4095, ("RG", "GB"), model="One"), compressed=False)
    >>> with tifffile.TiffFile(BytesIO(file)) as read:
    ...     page = read.pages[0]
    ...     bytes(page.tags[33422].value), page.tags[50717].value, page.asarray()[3, 4]
    (b'\x00\x01\x01\x02', 4095, np.uint16(500))

    Raises:
        ValueError: the parts do not fit together.
    """
    _require_fit(negative)
    file, order = BytesIO(), negative.metadata.order
    with tifffile.TiffWriter(file, byteorder=order, bigtiff=False) as writer:
        options: dict[str, Any] = {
            "photometric": "cfa" if negative.pattern else "minisblack",  # see _complete_file
            "subfiletype": 0,
            "planarconfig": None,
            "metadata": None,
            "software": "stillpix",
            "extratags": _tags(negative),
        }
        if negative.taken is not None:
            options["datetime"] = negative.taken
        if compressed:
            pixels = negative.pixels
            options |= {"tile": _tile(pixels), "compression": 7, "bitspersample": 16}
            writer.write(_tiles(pixels), shape=pixels.shape, dtype=np.uint16, **options)
        else:
            writer.write(negative.pixels, **options)
    return _complete_file(file.getvalue(), negative)


def _require_fit(negative: Negative) -> None:
    pixels = negative.pixels
    if pixels.dtype != np.uint16 or pixels.ndim != 2:
        raise ValueError(f"a mosaic of {pixels.dtype} {pixels.shape} is not uint16 of two axes")
    left, top, width, height = _active(negative)
    within = left + width <= pixels.shape[1] and top + height <= pixels.shape[0]
    if min(left, top) < 0 or min(width, height) < 1 or not within:
        raise ValueError(f"the active area {_active(negative)} is not within the frame")
    sides = {len(row) for row in negative.pattern}
    if negative.pattern and (len(sides) != 1 or set("".join(negative.pattern)) != set(COLOURS)):
        raise ValueError(f"{negative.pattern} is no pattern of R, G and B")
    if not 0 < negative.white <= 65535:
        raise ValueError(f"a white level of {negative.white} does not fit 16 bits")


def _active(negative: Negative) -> tuple[int, int, int, int]:
    height, width = negative.pixels.shape
    return negative.active or (0, 0, width, height)


def _tile(pixels: NDArray[np.uint16]) -> tuple[int, int]:
    """Return a tile's rows and columns; LibRaw reads none that is wider than the frame."""
    rows, columns = (max(min(TILE, side) // 16 * 16, 16) for side in pixels.shape)
    return rows, columns


def _tiles(pixels: NDArray[np.uint16]) -> Iterator[bytes]:
    """Yield the tiles, those at the right and lower edge filled up with the nearest values."""
    rows, columns = _tile(pixels)
    # LibRaw 0.22 reads tiles of two components and of half the frame's width as twice as high.
    components = 1 if pixels.shape[1] == 2 * columns else 2
    for top in range(0, pixels.shape[0], rows):
        for left in range(0, pixels.shape[1], columns):
            tile = pixels[top : top + rows, left : left + columns]
            missing = ((0, rows - tile.shape[0]), (0, columns - tile.shape[1]))
            full = np.ascontiguousarray(np.pad(tile, missing, mode="edge"))
            yield lossless_encoded(Tile(full, 16, components), Path("new.dng"))


def _tags(negative: Negative) -> list[_Tag]:
    left, top, width, height = _active(negative)
    newest = 3 if negative.opcodes is not None else 1
    tags: list[_Tag] = [
        (50706, BYTE, 4, bytes((1, 4, 0, 0)), True),  # DNGVersion
        (50707, BYTE, 4, bytes((1, newest, 0, 0)), True),  # DNGBackwardVersion
        _text(50708, f"{negative.make} {negative.model}".strip() or "unknown"),  # UniqueCameraModel
        (274, SHORT, 1, negative.orientation, True),
        (50717, SHORT, 1, negative.white, True),  # WhiteLevel
        (50718, RATIONAL, 2, (1, 1, 1, 1), True),  # DefaultScale
        (50719, LONG, 2, (0, 0), True),  # DefaultCropOrigin, from the active area's corner
        (50720, LONG, 2, (width, height), True),  # DefaultCropSize
        (50730, SRATIONAL, 1, _ratio(negative.baseline_exposure), True),  # BaselineExposure
        (50829, LONG, 4, (top, left, top + height, left + width), True),  # ActiveArea
        *_black(negative),
        *(_colours(negative) if negative.pattern else ()),
    ]
    for code, words in ((271, negative.make), (272, negative.model), (50735, negative.serial)):
        if words:
            tags.append(_text(code, words))
    if negative.opcodes is not None:
        tags.append((51008, UNDEFINED, len(negative.opcodes), negative.opcodes, True))
    for code, each in negative.metadata.main.items():
        tags.append((code, BYTE if code == XMP else each.kind, each.count, each.octets, True))
    below = (EXIF, GPS) if negative.metadata.gps else (EXIF,)
    # tifffile writes no such pointers; the numbers before theirs keep their places.
    tags += [(code - 1, LONG, 1, 0, True) for code in below]
    return tags


def _text(code: int, words: str) -> _Tag:
    octets = words.encode("utf-8") + b"\0"
    return code, ASCII, len(octets), octets, True


def _black(negative: Negative) -> list[_Tag]:
    """Return the black levels, which repeat from the active area's corner."""
    grid = _from_corner(negative.black, negative)
    levels = [part for row in grid for each in row for part in _ratio(each)]
    return [
        (50713, SHORT, 2, (len(grid), len(grid[0])), True),
        (50714, RATIONAL, len(levels) // 2, levels, True),
    ]


def _colours(negative: Negative) -> Iterator[_Tag]:
    grid = _from_corner(negative.pattern, negative)
    letters = bytes(COLOURS.index(letter) for row in grid for letter in row)
    yield 33421, SHORT, 2, (len(grid), len(grid[0])), True  # CFARepeatPatternDim
    yield 33422, BYTE, len(letters), letters, True  # CFAPattern
    yield 50710, BYTE, 3, bytes((0, 1, 2)), True  # CFAPlaneColor: R, G, B
    yield 50711, SHORT, 1, 1, True  # CFALayout: rectangular
    for number, (light, matrix) in enumerate(list(negative.matrices.items())[:2]):
        parts = [part for row in matrix for each in row for part in _ratio(each)]
        yield 50721 + number, SRATIONAL, len(parts) // 2, parts, True  # ColorMatrix
        yield 50778 + number, SHORT, 1, light, True  # CalibrationIlluminant
    if negative.neutral is not None:
        parts = [part for each in negative.neutral for part in _ratio(each)]
        yield 50728, RATIONAL, 3, parts, True  # AsShotNeutral


def _from_corner(grid: Grid, negative: Negative) -> list[list[Any]]:
    """Return what repeats from the frame's corner as it repeats from the active area's."""
    left, top, _, _ = _active(negative)
    rows, columns = len(grid), len(grid[0])
    return [
        [grid[(top + y) % rows][(left + x) % columns] for x in range(columns)] for y in range(rows)
    ]


def _ratio(value: float) -> tuple[int, int]:
    ratio = Fraction(value).limit_denominator(1_000_000)
    return ratio.numerator, ratio.denominator


def _exif(negative: Negative) -> dict[int, Field]:
    """Return the EXIF fields: those of the photo's own file, and what is known besides."""
    order = negative.metadata.order
    fields = {EXIF_VERSION: Field(UNDEFINED, 4, b"0230")}
    measured = {
        EXPOSURE_TIME: negative.exposure_s, F_NUMBER: negative.f_number,
        FOCAL_LENGTH: negative.focal_mm,
    }  # fmt: skip
    for code, value in measured.items():
        if value:
            fields[code] = numbers(order, RATIONAL, _ratio(value))
    if negative.iso:
        fields[ISO] = numbers(order, SHORT, [min(round(negative.iso), MOST_ISO)])
    if negative.taken is not None:
        fields[TAKEN] = text(negative.taken.strftime("%Y:%m:%d %H:%M:%S"))
    for code, words in ((BODY_SERIAL, negative.serial), (LENS, negative.lens)):
        if words:
            fields[code] = text(words)
    return fields | negative.metadata.exif


def _complete_file(content: bytes, negative: Negative) -> bytes:
    """Return the file with what tifffile does not write.

    These are the EXIF and GPS directories, appended, with pointers made of the tags that keep
    their places, and that a sensor without colours is linear raw, which tifffile has in three
    colours only.
    """
    result, order = bytearray(content), negative.metadata.order
    below = {EXIF: _exif(negative), GPS: negative.metadata.gps}
    with tifffile.TiffFile(BytesIO(content)) as file:
        tags = file.pages.first.tags
        places = {code: tags[code - 1].offset for code in below if code - 1 in tags}
        photometric = tags[PHOTOMETRIC].valueoffset
    if not negative.pattern:
        struct.pack_into(order + "H", result, photometric, LINEAR_RAW)
    for code, where in places.items():
        result += bytes(len(result) % 2)
        struct.pack_into(order + "HHII", result, where, code, LONG, 1, len(result))
        result += directory_at(len(result), order, below[code])
    return bytes(result)

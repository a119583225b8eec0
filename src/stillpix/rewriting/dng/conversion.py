"""The contents of a new DNG from a camera's RAW file: mosaic, colours, levels, EXIF; by LibRaw.

Never demosaics, never changes a value, and never hands out a DNG that LibRaw does not read back as
the same mosaic. Facts that no reader finds in the file are left out.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import rawpy
from numpy.typing import NDArray

from ...errors import ReadError, WriteError
from ...frame import UNKNOWN, XTRANS
from ...images import Header
from ...images.jpeg import exif_of_jpeg
from ...images.raw_tags import RAF_HEAD, RAF_JPEG
from .metadata import Metadata, metadata_in
from .writing import D65, Matrix, Negative, dng_of

NO_COLOURS = (
    "holds computed colours instead of a sensor's mosaic, so no DNG can be made of it; let the "
    "camera write full RAW files"
)
NOT_READ_BACK = (
    "would become a DNG that LibRaw reads as another mosaic, so nothing was written; please report"
    " it with this photo"
)
# XYZ to linear sRGB (IEC 61966-2-1), for sensors whose own colours nobody measured.
FROM_XYZ: Matrix = (
    (3.2406, -1.5372, -0.4986),
    (-0.9689, 1.8758, 0.0415),
    (0.0557, -0.2040, 1.0570),
)
LONGEST_JPEG = 1 << 20  # bytes of a RAF's JPEG in which its EXIF block is looked for


def negative_of(header: Header, content: bytes) -> Negative:
    """Return what a DNG says of a RAW photo whose header was read.

    Raises:
        ReadError: the file is damaged, or holds no mosaic.
    """
    sensor = header.sensor
    if not sensor.is_mosaic:
        raise ReadError(header.path, NO_COLOURS)
    pattern = _pattern(header)
    with _unpack_raw(content, header.path) as raw:
        known = Negative(
            pixels=np.array(raw.raw_image, np.uint16),
            white=header.white,
            pattern=pattern,
            black=_black(raw, pattern, header.black),
            active=sensor.visible,
            make=_without_unknown(sensor.make),
            model=_without_unknown(sensor.model),
            serial=_without_unknown(sensor.serial),
            orientation=header.orientation,
            exposure_s=header.exposure.exposure_s,
            iso=header.exposure.gain and 100 * header.exposure.gain,
            f_number=float(raw.other.aperture) or None,
            focal_mm=float(raw.other.focal_length) or None,
            lens=raw.lens.model,
            taken=header.exposure.taken,
            metadata=metadata_of(content),
        )
        if not pattern:
            return known
        return replace(known, matrices={D65: _matrix(raw)}, neutral=_neutral(raw))


def metadata_of(content: bytes) -> Metadata:
    """Return what can be copied of a RAW file's EXIF; of a RAF, of the JPEG that it carries.

    >>> metadata_of(b"whatever").exif
    {}
    """
    if not content.startswith(RAF_HEAD):
        return metadata_in(BytesIO(content))
    if len(content) < RAF_JPEG + 8:
        return Metadata()
    offset, length = struct.unpack_from(">II", content, RAF_JPEG)
    block = exif_of_jpeg(content[offset : offset + min(length, LONGEST_JPEG)])
    return metadata_in(BytesIO(block)) if block else Metadata()


def new_dng(negative: Negative, path: Path) -> bytes:
    """Return the bytes of a new DNG, lossless JPEG, after a look at what LibRaw reads in it.

    `path` is of the photo that it is made from, for messages.

    Raises:
        WriteError: LibRaw reads another mosaic, or one of other colours.
    """
    content = dng_of(negative)
    with _unpack_raw(content, path) as raw:
        same = raw.raw_image is not None and np.array_equal(raw.raw_image, negative.pixels)
        if not same or _colours_seen(raw) != _colours_meant(raw, negative.pattern):
            raise WriteError(path, NOT_READ_BACK)
    return content


def _unpack_raw(content: bytes, path: Path) -> Any:
    raw = rawpy.RawPy()
    try:
        raw.open_buffer(BytesIO(content))
        raw.unpack()
    except rawpy.LibRawError as error:
        reason = "is no RAW file that LibRaw knows, or is damaged; copy it again"
        raise ReadError(path, reason) from error
    return raw


def _without_unknown(words: str) -> str:
    return "" if words == UNKNOWN else words


def _pattern(header: Header) -> tuple[str, ...]:
    """Return the rows of letters that repeat from the frame's corner; none of a mono sensor."""
    layout = header.sensor.layout
    if layout == "xtrans":
        left, top = header.phase
        return tuple(
            "".join(XTRANS[(y - top) % 6][(x - left) % 6] for x in range(6)) for y in range(6)
        )
    letters = layout.removeprefix("bayer-")
    return () if layout == "mono" else (letters[:2], letters[2:])


def _black(raw: Any, pattern: tuple[str, ...], least: int) -> tuple[tuple[float, ...], ...]:
    """Return the black levels as they repeat; LibRaw has R, G, B and the G of blue rows."""
    levels = [float(each) for each in raw.black_level_per_channel]
    if len(pattern) != 2 or len(set(levels)) == 1:
        return ((levels[1] if pattern else float(least),),)
    return tuple(
        tuple(levels[3 if letter == "G" and "B" in row else "RGB".index(letter)] for letter in row)
        for row in pattern
    )


def _matrix(raw: Any) -> Matrix:
    known: NDArray[np.float64] = np.asarray(raw.rgb_xyz_matrix, np.float64)[:3]
    if not known.any():
        return FROM_XYZ
    return tuple((float(row[0]), float(row[1]), float(row[2])) for row in known)


def _neutral(raw: Any) -> tuple[float, float, float]:
    """Return the camera's red, green and blue of what was white, as DNG has it: 1 / gain."""
    for gains in (raw.camera_whitebalance, raw.daylight_whitebalance):
        red, green, blue = (float(each) for each in gains[:3])
        if min(red, green, blue) > 0:
            least = min(red, green, blue)
            return least / red, least / green, least / blue
    return 1.0, 1.0, 1.0


def _colours_seen(raw: Any) -> list[str]:
    """Return the colours of a piece of the mosaic, as LibRaw has them beyond the margins."""
    rows, columns = _beyond_margins(raw)
    letters = raw.color_desc.decode("ascii", "replace")
    if raw.num_colors == 1:
        return []
    return ["".join(letters[raw.raw_color(y, x)] for x in columns) for y in rows]


def _colours_meant(raw: Any, pattern: tuple[str, ...]) -> list[str]:
    rows, columns = _beyond_margins(raw)
    if not pattern:
        return []
    side = len(pattern)
    return ["".join(pattern[y % side][x % side] for x in columns) for y in rows]


def _beyond_margins(raw: Any) -> tuple[range, range]:
    top, left = raw.sizes.top_margin, raw.sizes.left_margin
    return range(top + 6, top + 18), range(left + 6, left + 18)

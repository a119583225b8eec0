"""Headless .raw files of industrial cameras and simulators: 16-bit values, row by row, and no more.

Never guesses a shape: a person names it, and a file of another length is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stillpix.errors import ReadError
from stillpix.images.exif import Exif
from stillpix.images.outline import Outline, require_photo_size
from stillpix.images.plain_mosaic import Plain
from stillpix.images.raw_tags import RAF_HEAD, TIFF_HEADS
from stillpix.images.samples import WHITE

SUFFIX = ".raw"
CONTAX = b"ARECOYK"
ASKS = (
    "is a .raw file without a header: nothing in it tells its size; save it as 16-bit TIFF, or give"
    " `stillpix find` the size, such as --shape 1920x1080 (16-bit values, the low byte first)"
)
# Bytes of what Kodak's C330 and C603 write: colours of 8 bits, two of them for four pixels.
KODAK_BYTES = frozenset({640 * 480 * 3 // 2, 2848 * 2134 * 3 // 2})
KODAK = (
    "is a .raw file as long as those of a Kodak EasyShare (YRGB), which hold a developed picture"
    " and not its sensor's values; use the camera's JPEGs, or --shape if it is of another camera"
)
OTHER_SHAPE = (
    "is {} bytes long, and not {} as {}x{} values of 16 bits are; correct --shape, or save it as"
    " 16-bit TIFF"
)


class Shape(NamedTuple):
    """The size in px that a person names."""

    width: int
    height: int


def is_headless(file: BinaryIO, path: Path) -> bool:
    """Return whether a file of the name .raw does not say what it is: LibRaw guesses by length."""
    if path.suffix.lower() != SUFFIX:
        return False
    file.seek(0)
    head = file.read(64)
    return not (head.startswith((*TIFF_HEADS, RAF_HEAD, b"\0MRM")) or CONTAX in head)


def asks(file: BinaryIO) -> str:
    """Return why a headless file cannot be read as it is, and what to do."""
    return KODAK if file.seek(0, 2) in KODAK_BYTES else ASKS


def outline_of(file: BinaryIO, path: Path, shape: Shape) -> Outline:
    """Return the outline of a headless file; raise ReadError where it is of another length."""
    require_photo_size(path, *shape)
    length, wanted = file.seek(0, 2), 2 * shape.width * shape.height
    if length != wanted:
        raise ReadError(path, OTHER_SHAPE.format(length, wanted, *shape))
    plain = Plain(0, "<", *shape)
    return Outline(*shape, WHITE, Exif(), "mono", layout_told=False, plain=plain)


def values_in(content: bytes, path: Path, shape: Shape) -> NDArray[np.uint16]:
    """Return the values, (height, width)."""
    if len(content) != 2 * shape.width * shape.height:
        raise ReadError(path, "changed while it was being read; read it again")
    return np.frombuffer(content, "<u2").astype(np.uint16).reshape(shape.height, shape.width)

"""HEIC and HEIF pictures, as phones and cameras write them: decoded by libheif through pillow-heif.

Never rotates: libheif does, and that is taken back. Needs the extra `heif`.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pillow_heif

from stillpix.errors import ReadError
from stillpix.frame import Pixels
from stillpix.images.heif_outline import metadata_in, outline_of, picture_of
from stillpix.images.outline import Outline, decoders_of

DEEP = 65535  # what libheif's values of more than 8 bits go up to here

__all__ = [
    "decode",
    "decode_colour",
    "decode_stored",
    "metadata_in",
    "read_outline",
    "require_decodable",
]


def read_outline(file: BinaryIO, path: Path) -> Outline:
    """Return the stored size and the EXIF facts of a HEIF file; raise ReadError."""
    picture = picture_of(file, path)
    return outline_of(picture, path, 255 if picture.bits <= 8 else DEEP)


def decode_stored(content: bytes, path: Path) -> Pixels:
    """Return all samples of a pixel, (height, width, samples), transparency among them."""
    picture = picture_of(BytesIO(content), path)
    try:
        opened = pillow_heif.open_heif(BytesIO(content), convert_hdr_to_8bit=False)
        shown = np.asarray(opened)
    except (ValueError, EOFError, SyntaxError, RuntimeError, OSError) as error:
        said = " ".join(str(error).split())
        raise ReadError(
            path, f"is a HEIF picture that libheif cannot decode ({said}); copy it again, or use"
            " the camera's JPEGs",
        ) from error  # fmt: skip
    return picture.as_stored(shown.reshape(*shown.shape[:2], -1))


decode, decode_colour, require_decodable = decoders_of(decode_stored)

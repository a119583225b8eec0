"""AVIF pictures, decoded by libavif through imagecodecs. Never rotates, as libavif does not."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import imagecodecs
import numpy as np

from stillpix.errors import ReadError
from stillpix.frame import Pixels
from stillpix.images.heif_outline import metadata_in, outline_of, picture_of
from stillpix.images.outline import Outline, decoders_of

__all__ = [
    "decode",
    "decode_colour",
    "decode_stored",
    "metadata_in",
    "read_outline",
    "require_decodable",
]


def read_outline(file: BinaryIO, path: Path) -> Outline:
    """Return the stored size and the EXIF facts of an AVIF file; raise ReadError."""
    picture = picture_of(file, path)
    return outline_of(picture, path, (1 << picture.bits) - 1)


def decode_stored(content: bytes, path: Path) -> Pixels:
    """Return all samples of a pixel, (height, width, samples), transparency among them."""
    picture_of(BytesIO(content), path)
    try:
        pixels = imagecodecs.avif_decode(content, 0, numthreads=1)  # of an animation the first
    except (RuntimeError, ValueError) as error:  # the codecs' own are RuntimeErrors
        raise ReadError(
            path, f"is an AVIF picture that libavif cannot decode ({error}); copy it again"
        ) from error
    return np.ascontiguousarray(pixels.reshape(*pixels.shape[:2], -1))


decode, decode_colour, require_decodable = decoders_of(decode_stored)

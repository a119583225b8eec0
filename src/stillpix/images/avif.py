"""AVIF pictures, decoded by libavif through imagecodecs. Never rotates, as libavif does not."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import imagecodecs
import numpy as np

from stillpix.errors import ReadError
from stillpix.frame import Pixels
from stillpix.images.heif_outline import outline_of, picture_of
from stillpix.images.outline import Outline, decoders_of


def read_outline(file: BinaryIO, path: Path) -> Outline:
    """Return the stored size and the EXIF facts of an AVIF file; raise ReadError."""
    picture = picture_of(file, path)
    return outline_of(picture, path, (1 << picture.bits) - 1)


def _samples(content: bytes, path: Path) -> Pixels:
    picture_of(BytesIO(content), path)
    try:
        pixels = imagecodecs.avif_decode(content, 0, numthreads=1)  # of an animation the first
    except (RuntimeError, ValueError) as error:  # the codecs' own are RuntimeErrors
        raise ReadError(
            path, f"is an AVIF picture that libavif cannot decode ({error}); copy it again"
        ) from error
    return np.ascontiguousarray(pixels.reshape(*pixels.shape[:2], -1))


decode, decode_colour, require_decodable = decoders_of(_samples)

"""AVIF pictures, decoded by libavif through imagecodecs. Never rotates, as libavif does not."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import imagecodecs
import numpy as np

from stillpix.errors import ReadError
from stillpix.frame import Pixels
from stillpix.images.content import Buffer
from stillpix.images.heif_outline import outline_of, picture_of
from stillpix.images.luma import colours_of, luma_of
from stillpix.images.outline import Outline


def read_outline(file: BinaryIO, path: Path) -> Outline:
    """Return the stored size and the EXIF facts of an AVIF file; raise ReadError."""
    picture = picture_of(file, path)
    return outline_of(picture, path, (1 << picture.bits) - 1)


def decode(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:  # noqa: ARG001 - same for all formats
    """Return the luma, (height, width), as stored."""
    return luma_of(_samples(content, path))


def decode_colour(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:  # noqa: ARG001 - same for all formats
    """Return the colours, (height, width, 3), as stored; grey stays (height, width)."""
    return colours_of(_samples(content, path))


def require_decodable(content: bytes, path: Path) -> None:
    """Raise ReadError unless the picture can be decoded to its end."""
    _samples(content, path)


def _samples(content: bytes, path: Path) -> Pixels:
    picture_of(BytesIO(content), path)
    try:
        pixels = imagecodecs.avif_decode(content, 0, numthreads=1)  # of an animation the first
    except (RuntimeError, ValueError) as error:  # the codecs' own are RuntimeErrors
        raise ReadError(
            path, f"is an AVIF picture that libavif cannot decode ({error}); copy it again"
        ) from error
    return np.ascontiguousarray(pixels.reshape(*pixels.shape[:2], -1))

"""JPEG XL pictures, decoded by libjxl through imagecodecs.

Never rotates, and never takes one frame of an animation for a photo. The head is that of
ISO/IEC 18181-1, annex D, and the boxes are those of 18181-2.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import imagecodecs
import numpy as np

from stillpix.errors import ReadError
from stillpix.frame import Pixels
from stillpix.images.boxes import boxes_in
from stillpix.images.exif import exif_of_block
from stillpix.images.outline import (
    CUT_SHORT,
    Metadata,
    Outline,
    decoders_of,
    require_photo_size,
)

BARE = b"\xff\x0a"
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
MOST_HEAD = 64  # bytes of the codestream that are looked at
MOST_BLOCK = 1 << 20  # bytes of one EXIF block
RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))  # by number, from 1 on
SIDE_BITS = (9, 13, 18, 30)
DEPTHS = (8, 10, 12)
SRGB = (1, 13)  # primaries and transfer (ITU-T H.273)
OTHER_COLOURS = (
    "is a JPEG XL picture with colours other than sRGB or with transparency, which is not repaired,"
    " as they would be lost; save it as 16-bit TIFF or PNG, and repair that"
)
DAMAGED = "is a damaged JPEG XL picture; copy it again"
NOT_READ = "is a JPEG XL picture {}, which is not read; save it as 16-bit TIFF or PNG"


class _Bits:
    """The bits of a codestream's head, the lowest of each byte first."""

    def __init__(self, content: bytes) -> None:
        self._number = int.from_bytes(content, "little")

    def take(self, count: int) -> int:
        result = self._number & ((1 << count) - 1)
        self._number >>= count
        return result


def read_outline(file: BinaryIO, path: Path) -> Outline:
    """Return the stored size and the EXIF facts of a JPEG XL file; raise ReadError."""
    file.seek(0)
    packed = file.read(len(CONTAINER)) == CONTAINER
    head, exif = _in_boxes(file) if packed else (_at(file, 0, MOST_HEAD), None)
    if not head.startswith(BARE):
        raise ReadError(path, CUT_SHORT if len(head) < len(BARE) else DAMAGED)
    bits = _Bits(head[len(BARE) :])
    width, height = _size(bits)
    require_photo_size(path, width, height)
    depth = 8 if _are_as_usual(bits) else _depth(bits, path)[0]
    return Outline(width, height, (1 << depth) - 1, exif_of_block(exif))


def _at(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)


def _in_boxes(file: BinaryIO) -> tuple[bytes, bytes | None]:
    """Return the beginning of the codestream, and the EXIF block where there is one."""
    head, exif = b"", None
    for name, start, end in boxes_in(file, 0, file.seek(0, 2)):
        if name == b"jxlc" and not head:
            head = _at(file, start, min(end - start, MOST_HEAD))
        elif name == b"jxlp" and not head:
            head = _at(file, start + 4, min(end - start, MOST_HEAD))  # after its number
        elif name == b"Exif" and exif is None:
            block = _at(file, start, min(end - start, MOST_BLOCK))
            exif = block[4 + int.from_bytes(block[:4], "big") :]
    return head, exif


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)

    def side() -> int:
        return 8 * (bits.take(5) + 1) if small else bits.take(SIDE_BITS[bits.take(2)]) + 1

    height = side()
    ratio = bits.take(3)
    if not ratio:
        return side(), height
    across, down = RATIOS[ratio - 1]
    return height * across // down, height


def metadata_in(content: bytes, path: Path) -> Metadata:
    """Return what goes along where the picture becomes a file of another format; raise ReadError.

    The profile of a picture's colours is packed among its codes, where nothing here reads it.
    """
    file = BytesIO(content)
    packed = content.startswith(CONTAINER)
    head, exif = _in_boxes(file) if packed else (content[:MOST_HEAD], None)
    bits = _Bits(head[len(BARE) :])
    _size(bits)
    as_usual = _are_as_usual(bits)
    depth, orientation = (8, 1) if as_usual else _depth(bits, path)
    if not (as_usual or _are_srgb(bits)):
        raise ReadError(path, OTHER_COLOURS)
    spans = boxes_in(file, 0, len(content)) if packed else ()
    xmp = next((content[start:end] for name, start, end in spans if name == b"xml "), None)
    return Metadata(depth, orientation, exif, xmp, None, SRGB)


def _are_as_usual(bits: _Bits) -> bool:
    return bool(bits.take(1))


def _are_srgb(bits: _Bits) -> bool:
    """Return whether colours are those of sRGB and nothing else goes with them, after the depth."""
    bits.take(1)  # how large its coefficients are
    other_channels = bits.take(2)
    bits.take(1)  # whether it is coded as XYB
    return not other_channels and bool(bits.take(1))


def _depth(bits: _Bits, path: Path) -> tuple[int, int]:
    """Return a sample's bits, and how the picture is shown; refuse what is no single picture."""
    orientation = 1
    if bits.take(1):  # more than the usual fields
        orientation += bits.take(3)  # which is not applied
        if bits.take(1):  # another size to be shown at
            _size(bits)
        if bits.take(1):
            raise ReadError(path, NOT_READ.format("with a preview"))
        if bits.take(1):
            raise ReadError(path, NOT_READ.format("that moves"))
    if bits.take(1):
        raise ReadError(path, NOT_READ.format("of floating-point samples"))
    kind = bits.take(2)
    depth = DEPTHS[kind] if kind < len(DEPTHS) else 1 + bits.take(6)
    if not 8 <= depth <= 16:
        raise ReadError(path, NOT_READ.format(f"of {depth} bits"))
    return depth, orientation


def decode_stored(content: bytes, path: Path) -> Pixels:
    """Return all samples of a pixel, (height, width, samples), transparency among them."""
    read_outline(BytesIO(content), path)  # refuses what may not be allocated
    try:
        pixels = imagecodecs.jpegxl_decode(content, keeporientation=True, numthreads=1)
    except (RuntimeError, ValueError) as error:  # the codecs' own are RuntimeErrors
        raise ReadError(path, f"{DAMAGED} ({error})") from error
    return np.ascontiguousarray(pixels.reshape(*pixels.shape[:2], -1))


decode, decode_colour, require_decodable = decoders_of(decode_stored)

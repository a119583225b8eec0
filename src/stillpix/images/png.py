"""PNG photos: size from IHDR, EXIF from eXIf, pixels from libpng once every checksum holds.

Never applies gamma or colour profiles, never hands libpng a file whose checksums are wrong, and
never reads grey of fewer than 8 bits.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stillpix.errors import ReadError
from stillpix.frame import Pixels
from stillpix.images.content import Buffer
from stillpix.images.exif import exif_of_block
from stillpix.images.exports import layout_of_grey
from stillpix.images.luma import colours_of, luma_of
from stillpix.images.outline import CUT_SHORT, Outline, require_photo_size

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
DEPTHS = {GREY: (8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), RGBA: (8, 16)}
SIGNATURE_BYTES = 8
HEAD_BYTES = 33  # signature and IHDR
MAX_CHUNKS = 200_000  # to look through for eXIf: 1.6 GB in libpng's chunks of 8 kB
MOST_EXIF = 1 << 22  # bytes
NEEDED = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})  # for colours as stored, without alpha
PROFILES = frozenset({b"iCCP", b"sRGB", b"gAMA", b"cICP"})
DAMAGED = "is a damaged PNG: {}; copy it again"


def read_outline(file: BinaryIO, path: Path) -> Outline:
    """Return the size and EXIF facts of a PNG; raise ReadError."""
    head = file.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES:
        raise ReadError(path, CUT_SHORT)
    if head[12:16] != b"IHDR":
        raise ReadError(path, DAMAGED.format("its header is garbled"))
    width, height, bits, colour = struct.unpack(">IIBB", head[16:26])
    if bits not in DEPTHS.get(colour, ()):
        kind = f"{bits}-bit PNG of colour type {colour}"
        raise ReadError(path, f"is a {kind}, which no camera writes; save it with 8 or 16 bits")
    require_photo_size(path, width, height)
    white = 65535 if bits == 16 else 255
    block, profiled = _told_of(file)
    exif = exif_of_block(block)
    if colour != GREY:
        return Outline(width, height, white, exif)
    layout = layout_of_grey(deep=bits == 16, profiled=profiled, software=exif.software)
    return Outline(width, height, white, exif, layout, layout_told=layout == "rendered")


def _told_of(file: BinaryIO) -> tuple[bytes | None, bool]:
    """Return the eXIf chunk, before or after the pixels, and whether a chunk tells of colours."""
    block, profiled = None, False
    for _ in range(MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            break
        length, name = int.from_bytes(head[:4], "big"), head[4:]
        profiled |= name in PROFILES
        if name == b"eXIf" and block is None:
            start = file.tell()
            block = file.read(min(length, MOST_EXIF))
            file.seek(start)
        file.seek(length + 4, 1)  # and the checksum
    return block, profiled


def decode(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:  # noqa: ARG001 - same for all formats
    """Return the luma, uint8 or uint16; alpha is left out and palettes are looked up."""
    return luma_of(_unpack(content, path))


def decode_colour(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:  # noqa: ARG001 - same for all formats
    """Return the colours, uint8 or uint16, as decode returns the luma."""
    return colours_of(_unpack(content, path))


def require_decodable(content: bytes, path: Path) -> None:
    """Raise ReadError unless the picture can be decoded to its end."""
    _unpack(content, path)


def _unpack(content: bytes, path: Path) -> NDArray[Any]:
    """Return (height, width, samples), alpha among them."""
    outline = read_outline(BytesIO(content), path)  # refuses what may not be allocated
    needed = content[:SIGNATURE_BYTES] + b"".join(_needed_chunks(content, path))
    colour, interlaced = content[25], content[28] != 0
    try:
        if interlaced and (outline.white == 255 or colour == GREY):
            picture = _decode_interlaced(needed)
        else:
            picture = imagecodecs.png_decode(needed)
    # UnicodeDecodeError: imagecodecs loses libpng's message on the way.
    except (imagecodecs.PngError, UnicodeDecodeError, OSError, SyntaxError) as error:
        raise ReadError(path, DAMAGED.format("its pixels cannot be unpacked")) from error
    return picture.reshape(*picture.shape[:2], -1)


def _decode_interlaced(content: bytes) -> NDArray[Any]:
    """Decode with Pillow: through imagecodecs libpng complains on standard error.

    Pillow keeps 8 bits of 16-bit colours, so those bear the complaint.
    """
    with Image.open(BytesIO(content), formats=["PNG"]) as image:
        return np.array(image.convert("RGB") if image.mode == "P" else image)


def _needed_chunks(content: bytes, path: Path) -> Iterator[memoryview]:
    """Yield the chunks that hold colours, after a check of all checksums.

    libpng leaves by a long jump when it meets damage, and imagecodecs then loses a reference to
    None each time, which ends the process after some thousand damaged files.
    """
    view, at, name = memoryview(content), SIGNATURE_BYTES, b""
    while name != b"IEND":
        length = int.from_bytes(view[at : at + 4], "big")
        end = at + 12 + length
        if end > len(view):
            raise ReadError(path, CUT_SHORT)
        name = bytes(view[at + 4 : at + 8])
        if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise ReadError(path, DAMAGED.format("a checksum in it is wrong"))
        if name in NEEDED:
            yield view[at:end]
        at = end

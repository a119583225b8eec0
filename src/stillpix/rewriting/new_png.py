"""A picture as a new PNG, with the colour profile, EXIF and XMP of the file that it came from.

Lossless: 8 or 16 bits, as many as the picture needs. Never rotates: EXIF says how it is shown.

The chunks are those of the PNG specification, third edition (W3C, 2025).
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from stillpix.frame import Pixels
from stillpix.images.directories import BrokenStructureError, Structure
from stillpix.images.outline import Metadata

AFTER_HEAD = 33  # bytes: the signature and IHDR
FULL = 65535
ORIENTATION, SHORT = 274, 3
LEVEL = 6  # of deflate


def new_png(pixels: Pixels, white: int, told: Metadata) -> bytes:
    """Return a PNG of grey, (height, width), or colours, (height, width, 3)."""
    packed = bytes(imagecodecs.png_encode(in_full(pixels, white), level=LEVEL))
    chunks = [_chunk(b"sBIT", bytes([told.bits]) * (3 if pixels.ndim == 3 else 1))]
    if told.codes is not None:
        chunks.append(_chunk(b"cICP", bytes([*told.codes, 0, 1])))
    if told.profile:
        chunks.append(_chunk(b"iCCP", b"profile\0\0" + zlib.compress(told.profile)))
    exif = with_orientation(told.exif, told.orientation)
    if exif:
        chunks.append(_chunk(b"eXIf", exif))
    if told.xmp:
        chunks.append(_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + told.xmp))
    return packed[:AFTER_HEAD] + b"".join(chunks) + packed[AFTER_HEAD:]


def in_full(pixels: Pixels, white: int) -> NDArray[np.generic]:
    """Return values up to `white` as values up to 255 or 65535, so that none are lost.

    >>> in_full(np.array([[0, 1, 1023]], np.uint16), 1023).tolist()
    [[0, 64, 65535]]
    """
    if white in {255, FULL}:
        return np.ascontiguousarray(pixels)
    full: NDArray[np.uint16] = np.rint(pixels * (FULL / white)).astype(np.uint16)
    return full


def with_orientation(block: bytes | None, orientation: int) -> bytes | None:
    """Return an EXIF block that says how the picture is shown; None where there is nothing to say.

    >>> with_orientation(None, 1) is None
    True
    >>> with_orientation(with_orientation(None, 6), 8)[18]
    8
    """
    if block is None:
        return None if orientation == 1 else _of_orientation(orientation)
    try:
        structure = Structure.of(BytesIO(block))
        entry = next(structure.chain(), {}).get(ORIENTATION)
    except BrokenStructureError:
        return None if orientation == 1 else _of_orientation(orientation)
    result = bytearray(block)
    if entry is not None and entry.kind == SHORT:
        struct.pack_into(structure.order + "H", result, entry.where, orientation)
        return bytes(result)
    return block if orientation == 1 else _with_entry(block, structure.order, orientation)


def _of_orientation(orientation: int) -> bytes:
    return b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, ORIENTATION, SHORT, 1, orientation, 0, 0)


def _with_entry(block: bytes, order: str, orientation: int) -> bytes:
    """Return a block whose first directory is written anew at its end, with one more entry."""
    (first,) = struct.unpack_from(order + "I", block, 4)
    (count,) = struct.unpack_from(order + "H", block, first)
    start, end = first + 2, first + 2 + 12 * count
    entries = [block[at : at + 12] for at in range(start, end, 12)]
    entries.append(struct.pack(order + "HHIHH", ORIENTATION, SHORT, 1, orientation, 0))
    entries.sort(key=lambda entry: struct.unpack_from(order + "H", entry))
    padded = block + bytes(len(block) % 2)
    directory = struct.pack(order + "H", count + 1) + b"".join(entries) + block[end : end + 4]
    head = block[:4] + struct.pack(order + "I", len(padded))
    return head + padded[8:] + directory.ljust(2 + 12 * (count + 1) + 4, b"\0")


def _chunk(name: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(body, zlib.crc32(name))
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)

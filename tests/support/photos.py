"""Small photos made in memory for tests: files of each format, EXIF blocks, and damage to them.

Written with Pillow, tifffile and struct alone, so that nothing here shares code with the readers.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

ExifValue = str | bytes | int | tuple[int, int] | None

# tag: TIFF field type (2 text, 3 short, 4 long, 5 rational, 7 bytes, 10 signed rational)
KINDS = {
    271: 2, 272: 2, 274: 3, 305: 2, 306: 2, 33434: 5, 34855: 3, 34866: 4, 36867: 2, 37500: 7,
    37386: 5, 41988: 5, 41989: 3, 42033: 2, 42035: 2, 42036: 2,
}  # fmt: skip
IN_FIRST_DIRECTORY = frozenset({271, 272, 274, 305, 306})


def scene(width: int = 61, height: int = 47, *, deep: bool = False) -> NDArray[Any]:
    """Return a smooth coloured scene with some noise, (height, width, 3) of 8 or 16 bits."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:height, 0:width]
    colours = np.stack([x * 255 / width, y * 255 / height, 255 - x * 127 / width], axis=-1)
    colours = np.clip(colours + rng.normal(0, 4, colours.shape), 0, 255)
    return np.round(colours * 257).astype(np.uint16) if deep else np.round(colours).astype(np.uint8)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    """Return an image as the bytes of a file."""
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def jpeg(mode: str = "RGB", **options: Any) -> bytes:
    """Return a small JPEG of the scene."""
    return encoded(Image.fromarray(scene()).convert(mode), "JPEG", **options)


def png(mode: str = "RGB", **options: Any) -> bytes:
    """Return a small PNG of the scene."""
    return encoded(Image.fromarray(scene()).convert(mode), "PNG", **options)


def tiff(pixels: NDArray[Any] | None = None, **options: Any) -> bytes:
    """Return a small TIFF of the scene, or of other pixels."""
    file = BytesIO()
    tifffile.imwrite(file, scene() if pixels is None else pixels, metadata=None, **options)
    return file.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    """Return one PNG chunk."""
    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png_of_words(rows: NDArray[np.uint16]) -> bytes:
    """Return a 16-bit PNG of (height, width, 1 to 4) DN, which Pillow cannot write in colour."""
    height, width, channels = rows.shape
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in rows)
    pieces = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + pieces


def interlaced_png(pixels: NDArray[np.uint8]) -> bytes:
    """Return an Adam7 PNG of (height, width, 3) DN, which Pillow cannot write."""
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
    lines = b""
    for x, y, step_x, step_y in (*passes, (0, 1, 1, 2)):
        lines += b"".join(b"\0" + row.tobytes() for row in pixels[y::step_y, x::step_x])
    height, width = pixels.shape[:2]
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    pieces = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + pieces


def directory(fields: list[tuple[int, int, int, bytes]], at: int, order: str = "<") -> bytes:
    """Return a TIFF directory of (tag, type, count, content) that stands at an offset."""
    entries, beyond = b"", b""
    start = at + 2 + 12 * len(fields) + 4
    for tag, kind, count, content in sorted(fields):
        slot = content.ljust(4, b"\0")
        if len(content) > len(slot[:4]):
            slot = struct.pack(order + "I", start + len(beyond))
            beyond += content + bytes(len(content) % 2)
        entries += struct.pack(order + "HHI", tag, kind, count) + slot[:4]
    return struct.pack(order + "H", len(fields)) + entries + bytes(4) + beyond


def field(tag: int, value: str | bytes | int | tuple[int, int]) -> tuple[int, int, int, bytes]:
    """Return one little-endian EXIF field of the type that the standard gives the tag."""
    kind = KINDS[tag]
    if isinstance(value, str):
        content = value.encode() + b"\0"
        return tag, kind, len(content), content
    if isinstance(value, bytes):
        return tag, kind, len(value), value
    if isinstance(value, tuple):
        code = "<ii" if min(value) < 0 else "<II"
        return tag, 10 if min(value) < 0 else kind, 1, struct.pack(code, *value)
    return tag, kind, 1, struct.pack({3: "<H", 4: "<I"}[kind], value)


def exif_block(tags: Mapping[int, ExifValue]) -> bytes:
    """Return an EXIF block (without JPEG's head) that holds the tags whose value is not None."""
    fields = [field(tag, value) for tag, value in tags.items() if value is not None]
    first = [each for each in fields if each[0] in IN_FIRST_DIRECTORY]
    second = [each for each in fields if each[0] not in IN_FIRST_DIRECTORY]
    pointer = (34665, 4, 1, struct.pack("<I", 0))
    where = 8 + len(directory([*first, pointer], 8))
    pointer = (34665, 4, 1, struct.pack("<I", where))
    head = b"II*\0" + struct.pack("<I", 8)
    return head + directory([*first, pointer], 8) + directory(second, where)


CAMERA: Mapping[int, ExifValue] = {
    271: "Example Works",
    272: "Example One  ",
    274: 6,
    305: "Firmware 1.2",
    306: "2020:02:03 04:05:06",
    33434: (1, 80),
    34855: 400,
    36867: "2020:01:02 03:04:05",
    42033: "0012345",
}


def jpeg_with_exif(block: bytes) -> bytes:
    """Return a small JPEG that carries an EXIF block."""
    return jpeg(exif=b"Exif\0\0" + block)


def camera_jpeg(changes: Mapping[int, ExifValue] | None = None) -> bytes:
    """Return a JPEG from an imaginary camera, some of its tags changed or (None) left out."""
    return jpeg_with_exif(exif_block({**CAMERA, **(changes or {})}))


def nikon_note(serial: str, *, older: str | None = None) -> bytes:
    """Return a maker note of Nikon's third type."""
    fields = [(0x001D, 2, len(serial) + 1, serial.encode() + b"\0")]
    if older is not None:
        fields.append((0x00A0, 2, len(older) + 1, older.encode() + b"\0"))
    return b"Nikon\0\x02\x10\0\0" + b"II*\0" + struct.pack("<I", 8) + directory(fields, 8)


def fujifilm_note(serial: str) -> bytes:
    """Return a maker note of Fujifilm."""
    text = serial.encode() + b"\0"
    fields = [(0x0010, 2, len(text), text)]
    return b"FUJIFILM" + struct.pack("<I", 12) + directory(fields, 12)


def panasonic_note(serial: str, at: int) -> bytes:
    """Return a maker note of Panasonic; its offsets count from the start of the block it is in."""
    text = serial.encode().ljust(16, b"\0")
    return b"Panasonic\0\0\0" + directory([(0x0025, 7, len(text), text)], at + 12)


def sigma_note(serial: str, at: int) -> bytes:
    """Return a maker note of Sigma; its offsets count from the start of the block it is in."""
    text = serial.encode() + b"\0"
    return b"SIGMA\0\0\0\x01\0" + directory([(0x0002, 2, len(text), text)], at + 10)


def canon_note(serial: int) -> bytes:
    """Return a maker note of Canon whose only field fits its entry."""
    return directory([(0x000C, 4, 1, struct.pack("<I", serial))], 0)


def olympus_note(serial: str) -> bytes:
    """Return a maker note of Olympus's second type, which points at an equipment directory."""
    head = b"OLYMPUS\0II\x03\0"
    text = serial.encode() + b"\0"
    where = len(head) + 2 + 12 + 4
    pointer = directory([(0x2010, 13, 1, struct.pack("<I", where))], len(head))
    return head + pointer + directory([(0x0101, 2, len(text), text)], where)


def jpeg_of_claimed_size(width: int, height: int) -> bytes:
    """Return a small JPEG whose head claims another size."""
    content = bytearray(jpeg())
    at = content.index(b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def png_of_claimed_size(width: int, height: int) -> bytes:
    """Return a small PNG whose head claims another size."""
    content = png()
    head = chunk(b"IHDR", struct.pack(">II", width, height) + content[24:29])
    return content[:8] + head + content[33:]


def jpeg_of_odd_sampling() -> bytes:
    """Return a grey 48x48 JPEG with three luma columns for each of chroma.

    Every block says "no change, no detail" in the standard Huffman tables: 00 1010 for luma.
    """
    content = encoded(Image.new("RGB", (48, 48), (128, 128, 128)), "JPEG", subsampling=0)
    head = bytearray(content[: content.index(b"\xff\xda") + 14])
    frame, scan = head.index(b"\xff\xc0"), head.index(b"\xff\xda")
    head[frame + 11] = 0x31
    for component in range(3):
        head[scan + 6 + 2 * component] = 0
    bits = "001010" * (2 * 6 * 5)  # units of 24x8 pixels, blocks in each
    bits += "1" * (-len(bits) % 8)
    return bytes(head) + int(bits, 2).to_bytes(len(bits) // 8, "big") + b"\xff\xd9"

"""Replaces single pixels of a PNG without loss; every other sample and chunk stays as it was.

Each row keeps its filter, so the filtered bytes change only where a replaced pixel is or predicts
its neighbours; the IDAT chunks are packed again, all others are copied. Never rewrites a palette,
an animation, or a file whose other chunks depend on the pixels.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from stillpix.errors import ReadError
from stillpix.images.outline import CUT_SHORT
from stillpix.images.png import (
    DAMAGED,
    GREY,
    GREY_ALPHA,
    PALETTE,
    RGB,
    RGBA,
    SIGNATURE_BYTES,
    read_outline,
)
from stillpix.rewriting.patch import Patch, Points, points_of

SAMPLES = {GREY: 1, GREY_ALPHA: 2, RGB: 3, RGBA: 4}  # in a pixel
WHOLE = ((0, 0, 1, 1),)  # the one pass of a picture that is not interlaced: x, y, steps
# PNG specification, third edition, 8.1: the passes of Adam7.
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
         (0, 1, 1, 2))  # fmt: skip
LAST_FILTER = 4  # Paeth
LONGEST_CHUNK = 1 << 30  # bytes; the format allows twice that
# libdeflate's level by the one that the stream's head hints at (RFC 1950, FLEVEL). On photos each
# packs at least as tightly as the zlib levels it stands for.
LEVELS = (3, 5, 6, 7)
NOT_UNPACKED = DAMAGED.format("its pixels cannot be unpacked")
# Chunks that a change of pixels would make wrong, and what to do about them.
BOUND_TO_PIXELS = {
    b"acTL": "is an animated PNG, which is not rewritten; save the picture alone",
    b"iDOT": (
        "is a PNG with Apple's offsets into its packed pixels (iDOT), which is not rewritten;"
        " save it with another program"
    ),
    b"tRNS": (
        "is a PNG with one colour marked as transparent, which is not rewritten;"
        " save it with an alpha channel or without transparency"
    ),
}


class _Head(NamedTuple):
    width: int
    height: int
    bits: int
    colour: int
    interlaced: bool

    @property
    def pixel_bytes(self) -> int:
        return SAMPLES[self.colour] * self.bits // 8


class _Packed(NamedTuple):
    """The packed pixels, and the chunks they come in."""

    start: int  # of the first IDAT chunk
    end: int  # of the last
    longest: int  # bytes of content in the longest
    stream: bytes


def rewritten(content: bytes, path: Path, patches: Sequence[Patch]) -> bytes:
    """Return the bytes of a PNG file with the pixels of some patches replaced.

    All other samples, alpha among them, are the same bit for bit, and so are all chunks but IDAT.
    Where nothing changes the content itself is returned. Raises ReadError if the file is damaged
    or of a kind that is not rewritten (see BOUND_TO_PIXELS), and ValueError if a patch does not
    fit the picture.

    >>> from PIL import Image
    >>> file = BytesIO()
    >>> Image.new("L", (40, 32), 7).save(file, "PNG")
    >>> patch = Patch(3, 2, np.full((1, 1), 99, np.uint8), np.ones((1, 1), bool))
    >>> changed = rewritten(file.getvalue(), Path("a.png"), [patch])
    >>> np.argwhere(np.array(Image.open(BytesIO(changed))) != 7).tolist()
    [[2, 3]]
    """
    if not patches:
        return content
    head = _head_of(content, path)
    packed = _packed_pixels(content, path)
    points = points_of(
        patches,
        head.width,
        head.height,
        channels=1 if head.colour in {GREY, GREY_ALPHA} else 3,
        dtype=np.uint8 if head.bits == 8 else np.uint16,
    )
    lines, after = _inflate_stream(packed.stream, head, path)
    changed = False
    for rows, part in _passes(np.frombuffer(lines, np.uint8), head, points):
        changed |= _filter_rows(rows, part, head, path)
    if not changed:
        return content
    stream = bytes(imagecodecs.deflate_encode(lines, LEVELS[packed.stream[1] >> 6]))
    chunks = _chunks(stream + after, packed.longest)
    return b"".join((content[: packed.start], *chunks, content[packed.end :]))


def _head_of(content: bytes, path: Path) -> _Head:
    read_outline(BytesIO(content), path)  # refuses what is no photo, or too large
    length, width, height, bits, colour, packing, filtering, interlaced = struct.unpack(
        ">I4xIIBBBBB", content[SIGNATURE_BYTES : SIGNATURE_BYTES + 21]
    )
    if length != 13 or packing or filtering or interlaced > 1:
        raise ReadError(path, DAMAGED.format("its header is garbled"))
    if colour == PALETTE:
        raise ReadError(path, "is a palette PNG, which is not rewritten; save it as 8-bit RGB")
    return _Head(width, height, bits, colour, interlaced == 1)


def _packed_pixels(content: bytes, path: Path) -> _Packed:
    """Return the IDAT chunks, which must follow each other, after a check of all checksums."""
    spans: list[tuple[int, int]] = []
    for name, start, end in _chunk_spans(content, path):
        if name in BOUND_TO_PIXELS:
            raise ReadError(path, BOUND_TO_PIXELS[name])
        if name == b"IDAT":
            if spans and spans[-1][1] != start:
                raise ReadError(path, DAMAGED.format("its pixels are torn apart"))
            spans.append((start, end))
    view = memoryview(content)
    stream = b"".join(view[start + 8 : end - 4] for start, end in spans)
    if len(stream) < 2:
        raise ReadError(path, NOT_UNPACKED)
    longest = max(end - start - 12 for start, end in spans)
    return _Packed(spans[0][0], spans[-1][1], longest if len(spans) > 1 else LONGEST_CHUNK, stream)


def _chunk_spans(content: bytes, path: Path) -> Iterator[tuple[bytes, int, int]]:
    """Yield each chunk's name and where it starts and ends, IEND the last."""
    view, at, name = memoryview(content), SIGNATURE_BYTES, b""
    while name != b"IEND":
        end = at + 12 + int.from_bytes(view[at : at + 4], "big")
        if end > len(view):
            raise ReadError(path, CUT_SHORT)
        if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise ReadError(path, DAMAGED.format("a checksum in it is wrong"))
        name = bytes(view[at + 4 : at + 8])
        yield name, at, end
        at = end


def _sizes(head: _Head) -> list[tuple[int, int]]:
    """Return the width and height of each pass; none is empty in a picture as large as a photo."""
    steps = ADAM7 if head.interlaced else WHOLE
    return [(-((x - head.width) // dx), -((y - head.height) // dy)) for x, y, dx, dy in steps]


def _inflate_stream(stream: bytes, head: _Head, path: Path) -> tuple[bytearray, bytes]:
    """Return the filtered rows of all passes in one piece, and what follows the stream.

    Never more memory is taken than the stream fills.
    """
    length = sum(height * (1 + width * head.pixel_bytes) for width, height in _sizes(head))
    inflater = zlib.decompressobj()
    try:
        lines = inflater.decompress(stream, length)
        beyond = inflater.decompress(inflater.unconsumed_tail, 1)
    except zlib.error as error:
        raise ReadError(path, NOT_UNPACKED) from error
    if len(lines) < length or beyond or not inflater.eof:
        raise ReadError(path, NOT_UNPACKED)
    return bytearray(lines), inflater.unused_data


def _passes(
    lines: NDArray[np.uint8], head: _Head, points: Points
) -> Iterator[tuple[NDArray[np.uint8], Points]]:
    """Yield the filtered rows of each pass, and the points that are in it, counted in its pixels.

    A row is the filter's number and the bytes of its pixels: (height, 1 + bytes).
    """
    at = 0
    for (width, height), (x, y, dx, dy) in zip(
        _sizes(head), ADAM7 if head.interlaced else WHOLE, strict=True
    ):
        row = 1 + width * head.pixel_bytes
        mine = (points.x % dx == x) & (points.y % dy == y)
        part = Points(points.y[mine] // dy, points.x[mine] // dx, points.values[mine])
        yield lines[at : at + height * row].reshape(height, row), part
        at += height * row


def _filter_rows(rows: NDArray[np.uint8], points: Points, head: _Head, path: Path) -> bool:
    """Put points into the filtered rows of one pass; say whether anything changed."""
    if not points.y.size:
        return False
    pixels = _unfilter_rows(rows[: points.y.max() + 2], head, path)
    channels = points.values.shape[1]
    differs = (pixels[points.y, points.x, :channels] != points.values).any(axis=1)
    y, x = points.y[differs], points.x[differs]
    pixels[y, x, :channels] = points.values[differs]
    _filter(rows, pixels, y, x)
    return bool(differs.any())


def _unfilter_rows(rows: NDArray[np.uint8], head: _Head, path: Path) -> NDArray[Any]:
    """Return the pixels of the first rows of a pass, (height, width, samples)."""
    # libpng leaves by a long jump over an unknown filter; png.py says what that costs.
    if rows[:, 0].max() > LAST_FILTER:
        raise ReadError(path, NOT_UNPACKED)
    width = (rows.shape[1] - 1) // head.pixel_bytes
    form = struct.pack(">IIBBBBB", width, len(rows), head.bits, head.colour, 0, 0, 0)
    # libpng's unfiltering is the fastest there is; what it gets is stored, not packed.
    stored = _chunks(zlib.compress(rows.tobytes(), 0), LONGEST_CHUNK)
    alone = (_chunk(b"IHDR", form), *stored, _chunk(b"IEND", b""))
    try:
        picture = imagecodecs.png_decode(b"\x89PNG\r\n\x1a\n" + b"".join(alone))
    except (imagecodecs.PngError, UnicodeDecodeError) as error:  # a row may be too long for it
        raise ReadError(path, NOT_UNPACKED) from error
    return picture.reshape(len(rows), width, -1)


def _filter(
    rows: NDArray[np.uint8], pixels: NDArray[Any], y: NDArray[np.intp], x: NDArray[np.intp]
) -> None:
    """Filter some pixels again, and the neighbours that may be predicted from them.

    PNG specification, third edition, 9.2: a byte is predicted from those of the pixels to the
    left, above, and above to the left; beyond the edge they are 0.
    """
    y, x = np.concatenate([y, y, y + 1, y + 1]), np.concatenate([x, x + 1, x, x + 1])
    inside = (y < pixels.shape[0]) & (x < pixels.shape[1])
    y, x = y[inside], x[inside]
    here, left = _octets(pixels, y, x), _octets(pixels, y, x - 1)
    above, corner = _octets(pixels, y - 1, x), _octets(pixels, y - 1, x - 1)
    to_left, to_above = np.abs(above - corner), np.abs(left - corner)
    to_corner = np.abs(left + above - 2 * corner)
    paeth = np.where(to_above <= to_corner, above, corner)
    paeth = np.where((to_left <= to_above) & (to_left <= to_corner), left, paeth)
    predictions = (np.zeros_like(left), left, above, (left + above) // 2, paeth)
    predicted = np.choose(rows[y, :1], predictions)
    octets = here.shape[1]
    columns = 1 + x[:, np.newaxis] * octets + np.arange(octets)
    rows[y[:, np.newaxis], columns] = (here - predicted) & 0xFF


def _octets(pixels: NDArray[Any], y: NDArray[np.intp], x: NDArray[np.intp]) -> NDArray[np.int16]:
    """Return the bytes of some pixels as a row stores them, (pixels, bytes); 0 before the edge."""
    stored = pixels[y, x].astype(pixels.dtype.newbyteorder(">"))
    octets = stored.view(np.uint8).astype(np.int16)
    octets[(y < 0) | (x < 0)] = 0
    return octets


def _chunks(stream: bytes, longest: int) -> Iterator[bytes]:
    """Yield the IDAT chunks of a stream."""
    for at in range(0, len(stream), longest):
        yield _chunk(b"IDAT", stream[at : at + longest])


def _chunk(name: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(body, zlib.crc32(name))
    return b"".join((struct.pack(">I", len(body)), name, body, struct.pack(">I", checksum)))

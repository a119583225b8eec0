"""DNG files laid out byte by byte for tests, and lossless JPEG tiles, by no code of stillpix's."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import tifffile

WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 8: 2, 9: 4, 10: 8, 12: 8, 13: 4, 16: 8}
SHORT, LONG, BYTE, ASCII = 3, 4, 1, 2


def short(order, *values):
    return SHORT, len(values), struct.pack(f"{order}{len(values)}H", *values)


def long(order, *values):
    return LONG, len(values), struct.pack(f"{order}{len(values)}I", *values)


class Layout:
    """A TIFF file as it grows: values and pixels first, directories wherever they fall."""

    def __init__(self, order="<", *, big=False):
        self.order, self.big = order, big
        self.address, self.counter = ("Q", "Q") if big else ("I", "H")
        mark = {"<": b"II", ">": b"MM"}[order]
        self.bytes = bytearray(mark + struct.pack(order + "H", 43 if big else 42))
        if big:
            self.bytes += struct.pack(order + "HH", 8, 0)
        self.first = len(self.bytes)
        self.bytes += bytes(8 if big else 4)

    def put(self, octets):
        self.bytes += bytes(len(self.bytes) % 2)
        start = len(self.bytes)
        self.bytes += octets
        return start

    def point(self, where, to):
        struct.pack_into(self.order + self.address, self.bytes, where, to)

    def directory(self, tags):
        """Write a directory of {code: (kind, count, octets)}; return where it and its next are."""
        inline = 8 if self.big else 4
        packed = b""
        for code, (kind, count, octets) in sorted(tags.items()):
            assert len(octets) == WIDTHS[kind] * count
            field = octets.ljust(inline, b"\0")
            if len(octets) > inline:
                field = struct.pack(self.order + self.address, self.put(octets))
            packed += struct.pack(self.order + "HH" + self.address, code, kind, count) + field
        start = self.put(struct.pack(self.order + self.counter, len(tags)) + packed)
        following = len(self.bytes)
        self.bytes += bytes(inline)
        return start, following


def mosaic_tags(order, pixels, start, *, subfile=0, photometric=32803):
    height, width = pixels.shape
    return {
        254: long(order, subfile), 256: long(order, width), 257: long(order, height),
        258: short(order, 16), 259: short(order, 1), 262: short(order, photometric),
        273: long(order, start), 277: short(order, 1), 278: long(order, height),
        279: long(order, pixels.nbytes), 33421: short(order, 2, 2),
        33422: (BYTE, 4, bytes((0, 1, 1, 2))),
    }  # fmt: skip


def preview_tags(order, start, size=8):
    return {
        254: long(order, 1), 256: long(order, size), 257: long(order, size),
        258: short(order, 8), 259: short(order, 1), 262: short(order, 1),
        273: long(order, start), 277: short(order, 1), 278: long(order, size),
        279: long(order, size * size),
    }  # fmt: skip


def laid_out(pixels, *, order="<", big=False, place="first", extra=None, others=(), more=None):
    """Return a DNG with its mosaic in the first directory, the second, or below the first.

    `extra` are tags of the mosaic's directory, `more` of the first; `others` are previews' tags
    beside the mosaic: `place` is "first", "second", "alone below" or "last below".
    """
    file = Layout(order, big=big)
    stored = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    mosaic = mosaic_tags(order, pixels, file.put(stored)) | (extra or {})
    previews = [preview_tags(order, file.put(bytes(range(64)))) | each for each in ({}, *others)]
    version = {50706: (BYTE, 4, bytes((1, 4, 0, 0)))} | (more or {})
    if place == "first":
        chain = [mosaic | version, *previews[1:]]
    elif place == "second":
        chain = [previews[0] | version, mosaic, *previews[1:]]
    else:
        below = [mosaic] if place == "alone below" else [*previews[1:], mosaic]
        starts = [file.directory(each)[0] for each in below]
        width = "Q" if big else "I"
        octets = struct.pack(f"{order}{len(starts)}{width}", *starts)
        chain = [previews[0] | version | {330: (16 if big else LONG, len(starts), octets)}]
    where = file.first
    for tags in chain:
        start, following = file.directory(tags)
        file.point(where, start)
        where = following
    return bytes(file.bytes)


def pages_in(content):
    """Yield the pages of a file as tifffile has them, those below each behind it."""
    with tifffile.TiffFile(BytesIO(content)) as file:
        for page in file.pages:
            yield page
            yield from page.pages or ()


def told(content):
    """Return what tifffile reads of each page: tag by tag, but for where pages below are."""
    return [
        {
            tag.code: (int(tag.dtype), tag.count, _plain(tag.value))
            for tag in page.tags
            if tag.code != 330
        }
        for page in pages_in(content)
    ]


def _plain(value):
    return value.tolist() if isinstance(value, np.ndarray) else value


def lossless_jpeg(values, bits, predictor=1):
    """Return (rows, columns, components) as a lossless JPEG of ITU-T T.81, of predictor 1 or 6.

    Codes are of one length: 17 categories in five bits each.
    """
    rows, columns, components = values.shape
    padded = values.astype(np.int64)
    stream = (
        _coded(int(padded[y, x, c]) - _expected(padded, y, x, c, bits, predictor))
        for y in range(rows)
        for x in range(columns)
        for c in range(components)
    )
    scan = "".join(stream)
    scan += "1" * (-len(scan) % 8)
    body = int(scan, 2).to_bytes(len(scan) // 8, "big").replace(b"\xff", b"\xff\0")
    parts = b"".join(bytes((n, 0x11, 0)) for n in range(components))
    frame = struct.pack(">BHHB", bits, rows, columns, components) + parts
    table = bytes((0,)) + bytes((0, 0, 0, 0, 17, *[0] * 11)) + bytes(range(17))
    chosen = b"".join(bytes((n, 0)) for n in range(components))
    start = bytes((components,)) + chosen + bytes((predictor, 0, 0))
    segments = ((0xC4, table), (0xC3, frame), (0xDA, start))
    head = b"".join(
        bytes((0xFF, code)) + struct.pack(">H", len(octets) + 2) + octets
        for code, octets in segments
    )
    return b"\xff\xd8" + head + body + b"\xff\xd9"


def _expected(values, y, x, c, bits, predictor):
    if y == 0 and x == 0:
        return 1 << (bits - 1)
    if y == 0:
        return int(values[0, x - 1, c])
    if x == 0:
        return int(values[y - 1, 0, c])
    left = int(values[y, x - 1, c])
    if predictor == 1:
        return left
    above, corner = int(values[y - 1, x, c]), int(values[y - 1, x - 1, c])
    return above + ((left - corner) >> 1)


def _coded(difference):
    difference = (difference + 32768) % 65536 - 32768
    category = abs(difference).bit_length()
    code = f"{category:05b}"
    if category in {0, 16}:
        return code
    low = difference if difference > 0 else difference + (1 << category) - 1
    return code + f"{low:0{category}b}"


def damaged(content, rng):
    """Return a TIFF with some bytes changed, often in its directory, or cut off."""
    changed, reach = bytearray(content), 600 if rng.random() < 0.7 else len(content)
    for at in rng.integers(0, min(reach, len(content)), rng.integers(1, 4)):
        changed[at] = rng.choice([0, 1, 2, 255, rng.integers(256)])
    return bytes(changed[: rng.integers(len(changed))] if rng.random() < 0.15 else changed)

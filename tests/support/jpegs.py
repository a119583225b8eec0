"""JPEGs for tests: made with Pillow or by hand, taken apart into segments, read with jpeglib.

Shares no code with the package. What is made by hand is encoded bit by bit from coefficients, as
strings of 0 and 1, so that any sequence of scans, tables and oddities can be had.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from math import ceil
from typing import Any

import jpeglib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Blocks = NDArray[np.int16]  # (rows, columns, 64), row-major frequencies
ZIGZAG = (
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
)  # fmt: skip
CHANNELS = {"L": 1, "RGB": 3, "CMYK": 4}


def scene(width: int, height: int, mode: str = "RGB", *, seed: int = 0) -> Image.Image:
    """Return waves with noise, which fill blocks with all kinds of coefficients."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 60 * np.sin(x / 7 + n) + 50 * np.cos(y / (5 + n)) for n in range(4)]
    noisy = np.stack(waves[: CHANNELS[mode]], axis=-1)
    noisy += rng.normal(0, 12, noisy.shape) * (x > width / 2)[..., None]
    pixels = np.clip(noisy, 0, 255).astype(np.uint8)
    return Image.frombytes(mode, (width, height), pixels.tobytes())


def saved(width: int = 61, height: int = 47, mode: str = "RGB", **options: Any) -> bytes:
    """Return a JPEG of the scene, saved by Pillow."""
    file = BytesIO()
    scene(width, height, mode).save(file, "JPEG", **options)
    return file.getvalue()


def stored(content: bytes) -> list[Blocks]:
    """Return each component's quantised coefficients as libjpeg reads them."""
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        file.write(content)
        file.flush()
        dct = jpeglib.read_dct(file.name)
    planes = [dct.Y, dct.Cb, dct.Cr, dct.K]
    return [np.array(p).reshape(*p.shape[:2], 64) for p in planes if p is not None]


def parts(content: bytes) -> list[tuple[int, bytes]]:
    """Return a JPEG as (marker, bytes) pairs that give the file when joined.

    Marker 0 stands for what is not a segment: entropy-coded bytes and stray ones; EOI holds the
    trailer, too. Fill bytes belong to the marker behind them.
    """
    found, at = [], 0
    while at < len(content):
        begin = at
        while content[at] == 0xFF:
            at += 1
        marker = content[at] if at > begin else 0
        at += 1
        if marker == 0 or 0xD0 <= marker <= 0xD7:
            at = _next_marker(content, at)
        elif marker == 0xD9:
            at = len(content)
        elif marker != 0xD8:
            at += int.from_bytes(content[at : at + 2], "big")
        found.append((marker, content[begin:at]))
        if marker == 0xDA:
            begin, at = at, _next_marker(content, at)
            found.append((0, content[begin:at]))
    return found


def _next_marker(content: bytes, at: int) -> int:
    """Return the offset of the next byte 255 that no 0 follows."""
    at = content.index(b"\xff", at)
    while content[at + 1] == 0:
        at = content.index(b"\xff", at + 1)
    return at


def segments(content: bytes) -> list[bytes]:
    """Return all that is not entropy-coded: segments, markers with their fill bytes, trailer."""
    return [
        whole[: len(whole) - len(whole.lstrip(b"\xff")) + 1] if 0xD0 <= marker <= 0xD7 else whole
        for marker, whole in parts(content)
        if marker != 0
    ]


def entropy_coded(content: bytes) -> list[bytes]:
    """Return the entropy-coded bytes of each restart interval."""
    found = []
    for marker, whole in parts(content):
        if marker == 0:
            found.append(whole)
        elif 0xD0 <= marker <= 0xD7:
            found.append(whole.lstrip(b"\xff")[1:])
    return found


@dataclass(frozen=True)
class Table:
    """A Huffman table by the length of each symbol's code."""

    lengths: Mapping[int, int]

    @property
    def symbols(self) -> list[int]:
        """Return the symbols in the order of their codes."""
        return sorted(self.lengths, key=lambda symbol: (self.lengths[symbol], symbol))

    def codes(self) -> dict[int, str]:
        """Return each symbol's code."""
        codes, code, before = {}, 0, 0
        for symbol in self.symbols:
            code <<= self.lengths[symbol] - before
            before = self.lengths[symbol]
            codes[symbol] = f"{code:0{before}b}"
            code += 1
        return codes

    def segment(self, slot: int) -> bytes:
        """Return its DHT segment."""
        counts = [list(self.lengths.values()).count(length) for length in range(1, 17)]
        body = bytes([slot, *counts, *self.symbols])
        return b"\xff\xc4" + struct.pack(">H", len(body) + 2) + body

    def without(self, *symbols: int) -> Table:
        """Return a table that has no code for some symbols."""
        kept = {symbol: n for symbol, n in self.lengths.items() if symbol not in symbols}
        return Table(kept)


DC = Table(dict.fromkeys(range(12), 4))
AC = Table({16 * run + size: 8 for run in range(16) for size in range(1, 11)} | {0: 2, 0xF0: 8})
PROGRESSIVE_AC = Table({16 * run + size: 8 for run in range(16) for size in range(11)})


@dataclass(frozen=True)
class Plane:
    """One component to encode: blocks padded to whole MCUs."""

    blocks: Blocks
    across: int = 1
    down: int = 1
    steps: Sequence[int] = (3,) * 64  # row-major


@dataclass(frozen=True)
class Recipe:
    """How a JPEG is written by hand."""

    width: int
    height: int
    planes: Sequence[Plane]
    frame: int = 0xC0
    scans: Sequence[Scan] = ()  # none: one with all planes
    restart: int = 0  # MCUs
    padding: str = "1"
    fill: bytes = b""  # before each marker
    stray: bytes = b""  # behind each scan's and interval's last byte
    head: bytes = b""  # segments behind SOI
    trailer: bytes = b""
    words: bool = False  # 16-bit quantisation tables


@dataclass(frozen=True)
class Scan:
    """One scan of a recipe."""

    planes: tuple[int, ...]
    first: int = 0
    last: int = 63
    high: int = 0
    low: int = 0
    dc: Table | None = DC  # None: the table that an earlier scan defined
    ac: Table | None = AC
    before: bytes = b""  # segments in front
    restart: int | None = None  # MCUs, as a DRI segment in front of it says; None: the recipe's
    known: Mapping[str, Table] = field(default_factory=lambda: {"dc": DC, "ac": AC})


def built(recipe: Recipe) -> bytes:
    """Return the file of a recipe."""
    scans = recipe.scans or [Scan(tuple(range(len(recipe.planes))))]
    marker = recipe.fill + b"\xff"
    content = b"\xff\xd8" + recipe.head
    for n, plane in enumerate(recipe.planes):
        order = [plane.steps[at] for at in ZIGZAG]
        body = struct.pack(">64H", *order) if recipe.words else bytes(order)
        length = struct.pack(">HB", len(body) + 3, 16 * recipe.words + n)
        content += marker + b"\xdb" + length + body
    rows = [
        bytes([n + 1, 16 * plane.across + plane.down, n]) for n, plane in enumerate(recipe.planes)
    ]
    frame = struct.pack(">HBHHB", 8 + 3 * len(rows), 8, recipe.height, recipe.width, len(rows))
    content += marker + bytes([recipe.frame]) + frame + b"".join(rows)
    if recipe.restart:
        content += marker + b"\xdd" + struct.pack(">HH", 4, recipe.restart)
    for scan in scans:
        content += scan.before
        content += b"" if scan.dc is None else scan.dc.segment(0)
        content += b"" if scan.ac is None else scan.ac.segment(0x10)
        rows = [bytes([n + 1, 0]) for n in scan.planes]
        band = bytes([scan.first, scan.last, 16 * scan.high + scan.low])
        header = struct.pack(">HB", 6 + 2 * len(rows), len(rows)) + b"".join(rows) + band
        content += marker + b"\xda" + header + _intervals(recipe, scan)
    return content + marker + b"\xd9" + recipe.trailer


def _intervals(recipe: Recipe, scan: Scan) -> bytes:
    mcus = list(_mcus(recipe, scan))
    restart = (recipe.restart if scan.restart is None else scan.restart) or len(mcus)
    content = b""
    for n, first in enumerate(range(0, len(mcus), restart)):
        bits = _Encoder(scan).bits(mcus[first : first + restart])
        bits += recipe.padding * (-len(bits) % 8)
        coded = int("0" + bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
        content += recipe.fill + bytes([0xFF, 0xD0 + (n - 1) % 8]) if n else b""
        content += coded + recipe.stray
    return content


def _mcus(recipe: Recipe, scan: Scan) -> Iterator[list[tuple[int, Any]]]:
    """Yield each MCU as the blocks it holds, in order, with the number of their plane."""
    if len(scan.planes) == 1:
        (n,) = scan.planes
        plane = recipe.planes[n]
        width = ceil(recipe.width * plane.across / max(p.across for p in recipe.planes))
        height = ceil(recipe.height * plane.down / max(p.down for p in recipe.planes))
        for y in range(ceil(height / 8)):
            yield from ([(n, plane.blocks[y, x])] for x in range(ceil(width / 8)))
        return
    first = recipe.planes[0]
    for y in range(first.blocks.shape[0] // first.down):
        for x in range(first.blocks.shape[1] // first.across):
            yield [
                (n, plane.blocks[y * plane.down + v, x * plane.across + u])
                for n, plane in ((n, recipe.planes[n]) for n in scan.planes)
                for v in range(plane.down)
                for u in range(plane.across)
            ]


class _Encoder:
    """One restart interval of one scan, as a string of 0 and 1."""

    def __init__(self, scan: Scan) -> None:
        self.scan = scan
        self.dc = (scan.dc or scan.known["dc"]).codes()
        self.ac = (scan.ac or scan.known["ac"]).codes()
        self.before = dict.fromkeys(scan.planes, 0)

    def bits(self, mcus: Sequence[list[tuple[int, Any]]]) -> str:
        return "".join(self._block(n, block.tolist()) for mcu in mcus for n, block in mcu)

    def _block(self, n: int, block: list[int]) -> str:
        coded = self._dc(n, block[0]) if self.scan.first == 0 else ""
        band = [block[at] for at in ZIGZAG[max(self.scan.first, 1) : self.scan.last + 1]]
        if not band:
            return coded
        low = self.scan.low
        band = [value >> low if value >= 0 else -(-value >> low) for value in band]
        return coded + (self._refined(band) if self.scan.high else self._band(band))

    def _dc(self, n: int, dc: int) -> str:
        dc >>= self.scan.low
        if self.scan.high:
            return str(dc & 1)
        difference, self.before[n] = dc - self.before[n], dc
        return self.dc[abs(difference).bit_length()] + number(difference)

    def _band(self, band: list[int]) -> str:
        coded, zeros = "", 0
        for value in band:
            if value == 0:
                zeros += 1
                continue
            coded += self.ac[0xF0] * (zeros // 16) if zeros > 15 else ""
            coded += self.ac[zeros % 16 * 16 + abs(value).bit_length()] + number(value)
            zeros = 0
        return coded + (self.ac[0] if zeros else "")

    def _refined(self, band: list[int]) -> str:
        """Return the next bit of a band; bits of known coefficients follow what passes them."""
        coded, zeros, corrections = "", 0, ""
        last = max((k for k, value in enumerate(band) if abs(value) == 1), default=-1)
        for k, value in enumerate(band):
            if value == 0:
                zeros += 1
                continue
            if zeros > 15 and k <= last:
                coded += (self.ac[0xF0] + corrections) + self.ac[0xF0] * (zeros // 16 - 1)
                zeros, corrections = zeros % 16, ""
            if abs(value) > 1:
                corrections += str(abs(value) & 1)
                continue
            coded += self.ac[zeros * 16 + 1] + ("1" if value > 0 else "0") + corrections
            zeros, corrections = 0, ""
        return coded + (self.ac[0] + corrections if zeros or corrections else "")


def number(value: int) -> str:
    """Return the bits that follow a size category: one's complement for negative numbers."""
    size = abs(value).bit_length()
    return f"{value if value > 0 else value + (1 << size) - 1:0{size}b}" if size else ""


def some_blocks(rows: int, columns: int, *, seed: int = 0, busy: float = 0.2) -> Blocks:
    """Return blocks of which a share of the coefficients is not 0, most of them small."""
    rng = np.random.default_rng(seed)
    small = rng.integers(-9, 10, (rows, columns, 64))
    large = rng.integers(-1023, 1024, (rows, columns, 64))
    values = np.where(rng.random(small.shape) < 0.02, large, small)
    blocks = np.where(rng.random(small.shape) < busy, values, 0)
    blocks[..., 0] = rng.integers(-300, 300, (rows, columns))
    return blocks.astype(np.int16)

"""One lossless JPEG tile of a DNG: decoded to its values, and packed again.

ITU-T T.81, process 14 (SOF3), as Adobe's DNG specification has it. Never trusts the size that a
tile claims, and never packs with loss.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from ...errors import ReadError
from ...images.directories import BrokenStructureError

SOI, LOSSLESS_FRAME, SCAN = 0xD8, 0xC3, 0xDA
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # not tables, reserved, arithmetic
LOSSY = (
    "is a DNG of lossy JPEG tiles, whose values are not replaced; list its broken pixels in the "
    "file instead"
)


class Tile(NamedTuple):
    """The values of a tile, and how it holds them."""

    pixels: NDArray[np.uint16]  # (rows, columns)
    bits: int
    components: int = 1  # neighbours in a row that make one pixel of the JPEG


def lossless_decoded(raw: bytes, rows: int, columns: int, path: Path) -> Tile:
    """Return the values of a tile, in the order of its rows, whatever its number of components.

    Adobe's writers give two neighbours as two components of one pixel.

    >>> tile = Tile(np.arange(12, dtype=np.uint16).reshape(3, 4), 12)
    >>> again = lossless_decoded(lossless_encoded(tile, Path("a.dng")), 3, 4, Path("a.dng"))
    >>> np.array_equal(again.pixels, tile.pixels), again.bits
    (True, 12)

    Raises:
        ReadError: the tile is not lossless.
        BrokenStructureError: it is damaged, or of another size than it should be.
    """
    bits, components, values = _frame_of(raw, path)
    if values != rows * columns:
        raise BrokenStructureError("has a tile of another size than it claims")
    try:
        decoded = imagecodecs.jpegsof3_decode(raw)
    except (RuntimeError, ValueError) as error:  # the codecs' own are RuntimeErrors
        raise BrokenStructureError("has a tile that cannot be unpacked") from error
    pixels = np.ascontiguousarray(decoded, np.uint16).reshape(rows, columns)
    return Tile(pixels.copy(), bits, components)


def lossless_encoded(tile: Tile, path: Path) -> bytes:
    """Return a tile as lossless JPEG, of as many bits as before.

    Predictor 1, the one that darktable reads. Two components are smaller: of a Bayer mosaic each
    value is then predicted from one of its own colour.

    Raises:
        ReadError: it does not decode to the same values again.
    """
    rows, columns = tile.pixels.shape
    components = tile.components if columns % tile.components == 0 else 1
    shape = (rows, columns) if components == 1 else (rows, columns // components, components)
    bits = max(tile.bits, int(tile.pixels.max(initial=3)).bit_length())  # T.81 begins at two
    values = np.ascontiguousarray(tile.pixels, np.uint8 if bits <= 8 else np.uint16).reshape(shape)
    packed = bytes(imagecodecs.jpeg8_encode(values, lossless=True, predictor=1, bitspersample=bits))
    if not np.array_equal(lossless_decoded(packed, rows, columns, path).pixels, tile.pixels):
        raise ReadError(
            path, "has a tile that lossless JPEG does not hold; list its pixels instead"
        )
    return packed


def _frame_of(raw: bytes, path: Path) -> tuple[int, int, int]:
    """Return the bits, components and number of values that a tile's frame header claims."""
    at = 2
    if raw[:2] != bytes((0xFF, SOI)):
        raise BrokenStructureError("has a tile that is no JPEG")
    while at + 10 <= len(raw) and raw[at] == 0xFF:
        code, length = raw[at + 1], int.from_bytes(raw[at + 2 : at + 4], "big")
        if code == LOSSLESS_FRAME:
            rows, columns = (int.from_bytes(raw[n : n + 2], "big") for n in (at + 5, at + 7))
            components = raw[at + 9]
            return raw[at + 4], components, rows * columns * components
        if code in FRAMES:
            raise ReadError(path, LOSSY)
        if code == SCAN:
            break
        at += 2 + length
    raise BrokenStructureError("has a tile without a frame header")

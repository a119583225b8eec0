"""Photos as a browser can show them: tiles of one photo.

Never rotates, sharpens or interpolates: a tile at full size holds the stored pixels, as PNG. Never
holds more decoded photos than CACHED_BYTES, or the one that is looked at.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import ReadError
from ..frame import Pixels
from ..images import Header
from .refusal import Refused

TILE = 512  # px
THUMBNAIL = 160  # px, about, of the longer side
CACHED_BYTES = 256 << 20
MOST_DECODED_BYTES = 512 << 20  # of one photo: 170 MP of 8-bit colours
COARSE = 4  # a photo is kept at so much less, too: an overview then needs not all its pixels
BAND = 128  # reduced rows that are made at a time
QUALITY = 90  # of reduced tiles
GAMMA = 1 / 2.2  # a mosaic's levels are linear; a screen's are not
FULL_SHARE = 99.9  # per cent of a mosaic's pixels that are not shown as white

Bytes: TypeAlias = NDArray[np.uint8]  # (height, width) or (height, width, 3), as it is shown
Place: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A photo as it is shown, in full and at a quarter of its width and height."""

    pixels: Bytes
    quarter: Bytes

    @property
    def nbytes(self) -> int:
        """Return how much memory it takes."""
        return self.pixels.nbytes + self.quarter.nbytes


class PhotoCache:
    """Decoded photos, those looked at last; may be asked from several threads at once."""

    def __init__(self, most_bytes: int = CACHED_BYTES) -> None:
        self._most_bytes = most_bytes
        self._shown: OrderedDict[str, Shown] = OrderedDict()
        self._failed: dict[str, str] = {}
        self._lock = threading.Lock()
        self._decoding = threading.Lock()  # one at a time: each takes as much memory as it may

    def shown(self, key: str, header: Header, read: Callable[[Header], Pixels]) -> Shown:
        """Return a photo as it is shown; `read` decodes it where it is not at hand.

        Raises:
            ReadError: it cannot be read.
            Refused: it is too large to be shown.
        """
        if (found := self._look_up_shown(key)) is not None:
            return found
        try:
            require_showable(header)
            with self._decoding:
                if (
                    found := self._look_up_shown(key)
                ) is None:  # it may have been decoded meanwhile
                    self._make_room(size_of(header))
                    pixels = displayed(read(header), header)
                    found = Shown(pixels, _reduce_part(pixels, COARSE))
                    self._keep(key, found)
        except (ReadError, Refused) as error:
            self.note_failed(key, error.reason)
            raise
        return found

    def note_failed(self, key: str, reason: str) -> None:
        """Keep why a photo cannot be shown."""
        self._failed[key] = reason

    def why_not(self, key: str) -> str:
        """Return why a photo could not be shown when it was asked for, "" where it could."""
        return self._failed.get(key, "")

    def _look_up_shown(self, key: str) -> Shown | None:
        with self._lock:
            if key in self._shown:
                self._shown.move_to_end(key)
            return self._shown.get(key)

    def _keep(self, key: str, shown: Shown) -> None:
        with self._lock:
            self._shown[key] = shown

    def _make_room(self, size: int) -> None:
        """Let go of the photos that were looked at longest ago, before another is decoded."""
        with self._lock:
            while self._shown and self._held_bytes() + size > self._most_bytes:
                self._shown.popitem(last=False)

    def _held_bytes(self) -> int:
        return sum(shown.nbytes for shown in self._shown.values())


def require_showable(header: Header) -> None:
    """Raise Refused (413) for a photo that would take too much memory."""
    if size_of(header) > MOST_DECODED_BYTES:
        raise Refused(
            413,
            f"{header.path.name}: at {header.sensor.width}x{header.sensor.height} it is too large "
            f"to be shown here, but it can be searched and repaired",
        )


def size_of(header: Header) -> int:
    """Return how many bytes a decoded photo takes at most."""
    colours = 1 if header.sensor.is_mosaic else 3
    return header.sensor.width * header.sensor.height * colours * (1 if header.white <= 255 else 2)


def displayed(pixels: Pixels, header: Header) -> Bytes:
    """Return pixels as 8-bit levels to look at; a mosaic's linear levels are made visible."""
    if header.sensor.is_mosaic:
        step = max(pixels.shape) // 1000 | 1  # odd: photosites of every colour are among them
        full = round(max(float(np.percentile(pixels[::step, ::step], FULL_SHARE)), 1.0))
        levels = np.arange(full + 1)
        table: Bytes = np.rint(255 * (levels / full) ** GAMMA).astype(np.uint8)
        return table[np.clip(pixels, 0, full).astype(np.intp)]
    return np.ascontiguousarray(pixels if pixels.itemsize == 1 else pixels // 256, dtype=np.uint8)


def levels_of(width: int, height: int) -> int:
    """Return the number of the level at full size, where level 0 is one pixel.

    >>> levels_of(6000, 4000), levels_of(1, 1)
    (13, 0)
    """
    return (max(width, height) - 1).bit_length()


def tile(shown: Shown, level: int, column: int, row: int) -> Picture:
    """Return a tile of a photo as OpenSeadragon asks for it: each level is half the next.

    Raises Refused (404) for a tile that the photo does not have.
    """
    height, width = shown.pixels.shape[:2]
    top = levels_of(width, height)
    if not 0 <= level <= top:
        raise Refused(404, f"there is no level {level}; the last one is {top}")
    factor = 1 << (top - level)
    left, upper = column * TILE * factor, row * TILE * factor
    if not (0 <= left < width and 0 <= upper < height):
        raise Refused(404, f"level {level} has no tile in column {column}, row {row}")
    coarse = COARSE if factor >= COARSE else 1
    source = shown.quarter if coarse > 1 else shown.pixels
    left, upper, side = left // coarse, upper // coarse, TILE * factor // coarse
    part = source[upper : upper + side, left : left + side]
    return _png(part) if factor == 1 else _jpeg(_reduce_part(part, factor // coarse))


def quick_thumbnail(header: Header) -> Picture | None:
    """Return a JPEG decoded small at once; None for a photo that must be decoded in full first."""
    from PIL import Image

    if header.format != "jpeg" or header.part is not None:
        return None
    try:
        with Image.open(header.path) as photo:
            photo.draft("RGB", (THUMBNAIL, THUMBNAIL))
            return _small(np.asarray(photo.convert("RGB")))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None  # the reader of photos has the words for what is wrong with it


def thumbnail(shown: Shown) -> Picture:
    """Return a photo, small, from what is at hand of it."""
    return _small(shown.quarter)


def _small(pixels: Bytes) -> Picture:
    factor = max(max(pixels.shape[:2]) // THUMBNAIL, 1)
    return _jpeg(_reduce_part(np.ascontiguousarray(pixels), factor))


def _reduce_part(part: Bytes, factor: int) -> Bytes:
    """Return the means of squares; in bands of rows, since Pillow copies what it is given."""
    from PIL import Image

    bands = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(part[top : top + BAND * factor])).reduce(factor)
        )
        for top in range(0, part.shape[0], BAND * factor)
    ]
    return np.concatenate(bands)


def _png(pixels: Bytes) -> Picture:
    from imagecodecs import png_encode

    return Picture(bytes(png_encode(np.ascontiguousarray(pixels), level=1)), "image/png")


def _jpeg(pixels: Bytes) -> Picture:
    import simplejpeg

    grey = pixels.ndim == 2
    rows = np.ascontiguousarray(pixels[..., None] if grey else pixels)
    content = simplejpeg.encode_jpeg(
        rows, QUALITY, colorspace="GRAY" if grey else "RGB", colorsubsampling="444"
    )
    return Picture(content, "image/jpeg")


def snapped(pixels: Bytes, x: int, y: int, layout: str, *, reach: int = 2) -> Place:
    """Return the pixel within `reach` of a place that departs most from its surroundings.

    Surroundings are the median of the 9x9 pixels around the place; of a Bayer mosaic, for each
    pixel the median of those of its own colour. Among equals, take the nearest.

    >>> grey = np.full((20, 20), 90, np.uint8)
    >>> grey[11, 9] = 200
    >>> snapped(grey, 8, 10, "rendered")
    (9, 11)
    """
    height, width = pixels.shape[:2]
    step = 2 if layout.startswith("bayer") else 1
    left, top = max(x - 4, 0), max(y - 4, 0)
    window = pixels[top : y + 5, left : x + 5].astype(np.float64)
    departures = np.zeros_like(window)
    for dx in range(step):
        for dy in range(step):
            phase = window[dy::step, dx::step]
            departures[dy::step, dx::step] = np.abs(phase - np.median(phase, axis=(0, 1)))
    strength = departures.max(axis=2) if departures.ndim == 3 else departures
    near = [
        (column, row)
        for row in range(max(y - reach, 0), min(y + reach + 1, height))
        for column in range(max(x - reach, 0), min(x + reach + 1, width))
    ]
    return max(
        near,
        key=lambda one: (
            strength[one[1] - top, one[0] - left],
            -((one[0] - x) ** 2 + (one[1] - y) ** 2),
        ),
    )

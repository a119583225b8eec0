"""SER videos of planets: a head of 178 bytes, then frames of whole numbers without compression.

The format is Grischa Hahn's and Heiko Wilkens' (SER format description, version 3). Its flag for
the byte order is written with the opposite meaning by nearly all programs, and so it is read here:
0 is the low byte first. A plane is a sensor's own values.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stillpix.errors import ReadError
from stillpix.frame import BAYER, VIDEO, Layout, Pixels
from stillpix.images.clip_frames import MOST, spread_first, thinned
from stillpix.images.content import Buffer
from stillpix.images.exif import Exif, plain_text
from stillpix.images.luma import luma_of
from stillpix.images.outline import CUT_SHORT, Outline, Part, require_photo_size
from stillpix.images.samples import WHITE

HEAD: Final = struct.Struct("<14s7i40s40s40s2q")
SIGNATURE: Final = b"LUCAM-RECORDER"
PATTERNS: Final = {8: "RGGB", 9: "GRBG", 10: "GBRG", 11: "BGGR"}  # by ColorID
MONO, RGB, BGR = 0, 100, 101
TICKS_PER_S: Final = 10_000_000  # since the year 1
COUNT_AT: Final = 38  # byte of the head at which the number of frames stands
NO_FRAMES: Final = "holds no whole frame; the recording was never finished: copy it again"
OTHER_COLOURS: Final = (
    "is a SER video of colours that are not read ({}); save single frames as TIFF or FITS"
)


class _Head(NamedTuple):
    """What the head of a file says."""

    width: int
    height: int
    colours: int  # ColorID
    bits: int
    is_big: bool  # the high byte first
    exif: Exif

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the type of a number."""
        return np.dtype(np.uint8 if self.bits <= 8 else ">u2" if self.is_big else "<u2")

    @property
    def planes(self) -> int:
        """Return how many numbers a pixel has."""
        return 3 if self.colours in {RGB, BGR} else 1

    @property
    def size(self) -> int:
        """Return the bytes of a frame."""
        return self.width * self.height * self.planes * self.dtype.itemsize


def _head_of(content: bytes, path: Path) -> _Head:
    if len(content) < HEAD.size:
        raise ReadError(path, CUT_SHORT)
    _, _, colours, big, width, height, bits, _, *texts, local, _ = HEAD.unpack(content[: HEAD.size])
    require_photo_size(path, max(width, 0), max(height, 0))
    if colours not in {MONO, RGB, BGR, *PATTERNS} or not 1 <= bits <= 16:
        raise ReadError(path, OTHER_COLOURS.format(f"ColorID {colours}, {bits} bits"))
    exif = Exif(model=plain_text(texts[1]), which=VIDEO, taken=_time_of(local))
    return _Head(width, height, colours, bits, bool(big), exif)


def _time_of(ticks: int) -> datetime | None:
    try:
        found = datetime(1, 1, 1) + timedelta(seconds=ticks // TICKS_PER_S)
    except OverflowError:
        return None
    return found if found.year >= 1980 else None


def read_outline(file: BinaryIO, path: Path) -> Outline:
    """Return the size and the facts of a file's frames; raise ReadError."""
    return read_outlines(file, path)[0][0]


def read_outlines(file: BinaryIO, path: Path) -> list[tuple[Outline, Part | None]]:
    """Return the outline of each frame that is looked at, evenly spread first."""
    file.seek(0)
    head = _head_of(file.read(HEAD.size), path)
    whole = (file.seek(0, 2) - HEAD.size) // head.size
    if whole < 1:
        raise ReadError(path, NO_FRAMES)
    layout: Layout = "rendered" if head.planes > 1 else "mono"
    layout = BAYER[PATTERNS[head.colours]] if head.colours in PATTERNS else layout
    white = 255 if head.bits <= 8 else WHITE
    outline = Outline(head.width, head.height, white, replace(head.exif), layout)
    numbers = spread_first(thinned(range(whole), MOST))
    return [(outline, Part(number + 1, (number,))) for number in numbers]


def alone(file: BinaryIO, path: Path, place: tuple[int, ...]) -> bytes:
    """Return a SER file of one frame."""
    file.seek(0)
    content = file.read(HEAD.size)
    head = _head_of(content, path)
    file.seek(HEAD.size + place[0] * head.size)
    one = content[:COUNT_AT] + struct.pack("<i", 1) + content[COUNT_AT + 4 :]
    return one + file.read(head.size)


def _samples(content: bytes, path: Path) -> NDArray[Any]:
    """Return the numbers of the first frame, (height, width, planes)."""
    head = _head_of(content, path)
    if len(content) < HEAD.size + head.size:
        raise ReadError(path, CUT_SHORT)
    count = head.size // head.dtype.itemsize
    values = np.frombuffer(content, head.dtype, count, HEAD.size)
    values = values.reshape(head.height, head.width, head.planes)
    values = values.astype(head.dtype.newbyteorder("="))
    return values[..., ::-1] if head.colours == BGR else values


def decode(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:  # noqa: ARG001 - same for all formats
    """Return the plane, or the luma of three, (height, width)."""
    return luma_of(_samples(content, path))


def decode_colour(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:  # noqa: ARG001 - same for all formats
    """Return the plane, (height, width), or the colours, (height, width, 3)."""
    samples = _samples(content, path)
    return np.ascontiguousarray(samples if samples.shape[2] > 1 else samples[..., 0])


def require_decodable(content: bytes, path: Path) -> None:
    """Raise ReadError unless the frame is whole."""
    _samples(content, path)

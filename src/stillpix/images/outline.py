"""What every photo format must tell of a file before its pixels are decoded, and its limits.

Never opens a file and never decodes a pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias

from stillpix.errors import ReadError
from stillpix.frame import Chroma, Layout, Pixels
from stillpix.images.content import Buffer
from stillpix.images.exif import Exif
from stillpix.images.luma import colours_of, luma_of
from stillpix.images.plain_mosaic import Plain

MAX_PIXELS = 500_000_000  # no sensor has more; a file that claims more is broken or hostile
MIN_SIDE = 32  # pixels; a smaller picture is an icon, not a photo from a sensor
CUT_SHORT = "is cut short; copy it again from the card, or leave it out"


@dataclass(frozen=True, slots=True)
class Outline:
    """The stored size in pixels, the DN of a full pixel, and what the EXIF block says."""

    width: int
    height: int
    white: int
    exif: Exif
    layout: Layout = "rendered"
    layout_told: bool = True  # False: the file does not say which colours its photosites have
    visible: tuple[int, int, int, int] | None = None  # x, y, width, height; None: all of it
    black: int = 0  # DN of a photosite without light, where it is known
    phase: tuple[int, int] = (0, 0)  # x, y at which an X-Trans pattern begins
    dark: bool = False  # the file says it is a dark frame
    plain: Plain | None = None  # where a mosaic lies that can be read as it is
    views: int = 0  # pictures of other lenses in the file, which are not read


@dataclass(frozen=True, slots=True)
class Part:
    """One of several pictures of a file."""

    number: int  # from 1, in the order of the file
    place: tuple[int, ...]  # by which its format finds it


@dataclass(frozen=True, slots=True)
class Metadata:
    """What goes along where a picture becomes a file of another format."""

    bits: int = 8  # of a sample
    orientation: int = 1  # as EXIF counts it
    exif: bytes | None = None  # a TIFF structure
    xmp: bytes | None = None
    profile: bytes | None = None  # ICC
    codes: tuple[int, int] | None = None  # primaries and transfer, as ITU-T H.273 counts them


Decoder: TypeAlias = Callable[[bytes, Path, Buffer | None], Pixels]


class FormatModule(Protocol):
    """What a module named in the FORMATS table provides."""

    def read_outline(self, file: BinaryIO, path: Path) -> Outline:
        """Return the outline of the open file, whose position is 0; raise ReadError."""

    def decode(self, content: bytes, path: Path, buffer: Buffer | None) -> Pixels:
        """Return the luma as C-contiguous (height, width) DN; raise ReadError.

        A format that can decode into `buffer` does so; the others ignore it.
        """

    def decode_colour(self, content: bytes, path: Path, buffer: Buffer | None) -> Pixels:
        """Return the colours as C-contiguous (height, width, 3) DN, grey as decode does."""

    def require_decodable(self, content: bytes, path: Path) -> None:
        """Raise ReadError unless the picture can be decoded to its end."""


class HasPlanes(FormatModule, Protocol):
    """What a module provides, too, whose pictures have chroma that is looked at."""

    def decode_planes(
        self, content: bytes, path: Path, buffer: Buffer | None
    ) -> tuple[Pixels, Chroma | None]:
        """Return the luma and, of pictures in colour, Cb and Cr at half the pitch."""


class SeveralPictures(FormatModule, Protocol):
    """What a module provides, too, whose files may hold several pictures."""

    def read_outlines(self, file: BinaryIO, path: Path) -> list[tuple[Outline, Part | None]]:
        """Return the outline of each picture and which it is; None where there is only one."""

    def alone(self, file: BinaryIO, path: Path, place: tuple[int, ...]) -> bytes:
        """Return a file of the same format that holds one picture and no other."""


def require_photo_size(path: Path, width: int, height: int) -> None:
    """Raise ReadError if no sensor can have made a picture of this size.

    >>> require_photo_size(Path("a.jpg"), 6000, 4000)
    >>> require_photo_size(Path("a.jpg"), 16, 16)
    Traceback (most recent call last):
    ...
    stillpix.errors.ReadError: a.jpg: is 16x16 pixels, too small to be a photo from a sensor; leave it out
    """  # noqa: E501 - a doctest cannot break the message
    if width * height > MAX_PIXELS:
        claim = f"claims to be {width}x{height} pixels, more than any sensor has"
        raise ReadError(
            path, f"{claim} (at most {MAX_PIXELS // 1_000_000} MP are read); leave it out"
        )
    if width < MIN_SIDE or height < MIN_SIDE:
        size = f"is {width}x{height} pixels"
        raise ReadError(path, f"{size}, too small to be a photo from a sensor; leave it out")


def decoders_of(
    samples: Callable[[bytes, Path], Pixels],
) -> tuple[Decoder, Decoder, Callable[[bytes, Path], None]]:
    """Return decode, decode_colour and require_decodable of a format without a buffer's use.

    `samples` gives a picture as stored, (height, width, samples), or raises ReadError.

    >>> import numpy as np
    >>> grey = np.array([[[7]]], np.uint8)
    >>> decode, decode_colour, require_decodable = decoders_of(lambda content, path: grey)
    >>> decode(b"", Path("a"), None).tolist()
    [[7]]
    """

    def decode(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:  # noqa: ARG001 - same for all formats
        """Return the luma, (height, width), as stored."""
        return luma_of(samples(content, path))

    def decode_colour(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:  # noqa: ARG001 - same for all formats
        """Return the colours, (height, width, 3), as stored; grey stays (height, width)."""
        return colours_of(samples(content, path))

    def require_decodable(content: bytes, path: Path) -> None:
        """Raise ReadError unless the picture can be decoded to its end."""
        samples(content, path)

    return decode, decode_colour, require_decodable

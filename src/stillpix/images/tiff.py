"""TIFF photos: the full-size pages of one size, checked in their directories, decoded by tifffile.

Grey of more than 8 bits without a colour profile is a sensor's own values, not a picture with a
tone curve. Never returns a reduced page (a thumbnail or preview), and refuses a RAW file, which is
a TIFF inside: its pages are previews. Never reads CMYK, 1-bit or YCbCr other than JPEG pages.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray

from stillpix.errors import ReadError
from stillpix.frame import Layout, Pixels
from stillpix.images.content import Buffer
from stillpix.images.directories import (
    MAX_PAGES,
    BrokenStructureError,
    Directory,
    Structure,
)
from stillpix.images.exif import exif_of_directory
from stillpix.images.exports import layout_of_grey
from stillpix.images.luma import COLOURS, colours_of, luma_of
from stillpix.images.outline import CUT_SHORT, Outline, Part, require_photo_size
from stillpix.images.raw_tags import is_raw
from stillpix.images.samples import WHITE, Scaling, mosaic_of, picture_of, scaling_of
from stillpix.images.tiff_pages import page_alone

NEW_SUBFILE_TYPE, SUBFILE_TYPE, WIDTH, HEIGHT, BITS = 254, 255, 256, 257, 258
COMPRESSION, PHOTOMETRIC, STRIP_OFFSETS, SAMPLES, STRIP_BYTES = 259, 262, 273, 277, 279
ROWS_PER_STRIP, TILE_WIDTH, TILE_HEIGHT = 278, 322, 323
PLANAR, TILE_OFFSETS, TILE_BYTES, SAMPLE_FORMAT = 284, 324, 325, 339
DESCRIPTION, COLOUR_PROFILE, BLACK_LEVEL = 270, 34675, 50714
MOST_DESCRIPTION = 4096  # bytes that are looked at
IMAGEJ = re.compile(rb"ImageJ=[^\0]*?\nimages=(\d{1,9})\n", re.DOTALL)

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6
PHOTOMETRIC_NAMES = {
    0: "inverted",
    3: "palette",
    4: "mask",
    5: "CMYK",
    6: "YCbCr",
    8: "CIELab",
    9: "ICCLab",
    10: "ITULab",
}
UNCOMPRESSED, JPEG_COMPRESSED = 1, 7
INTERLEAVED = 1  # PlanarConfiguration
REDUCED_OR_MASK = 0b101  # bits of NewSubfileType
REDUCED = 2  # value of the older SubfileType
UNSIGNED, SIGNED, FLOAT = 1, 2, 3  # SampleFormat
UNDEFINED = 4  # which is read as unsigned
DEPTHS = {UNSIGNED: {8, 16, 32}, SIGNED: {8, 16, 32}, FLOAT: {16, 32, 64}}
MOST_LEVELS = 64  # of a black level's pattern
MAX_SAMPLES = 8
MAX_SEGMENTS = 1 << 20
ONLY_PREVIEWS = "holds no full-size page, only previews; use the file they came from"
IS_RAW = (
    "is a RAW file with the name of a TIFF, which would be read as its preview; rename it, for "
    "example to .dng"
)

# Without a handler of its own, tifffile's warnings on damaged files reach standard error.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


class Page(NamedTuple):
    """A page that can be decoded, and the facts of its directory."""

    place: int  # in the chain, from 0
    offset: int  # of its directory
    directory: Directory
    width: int
    height: int
    bits: int
    samples: int
    photometric: int
    compression: int
    kind: int  # UNSIGNED, SIGNED or FLOAT

    @property
    def plain(self) -> bool:
        """Return whether the samples are unsigned numbers of 8 or 16 bits."""
        return self.kind == UNSIGNED and self.bits <= 16

    @property
    def colours(self) -> int:
        """Return how many samples of a pixel are grey or colours; others are alpha."""
        return COLOURS if self.photometric in {RGB, YCBCR} else 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the type of a sample, in this machine's byte order."""
        return np.dtype(f"{'?uif'[self.kind]}{self.bits // 8}")


def read_outline(file: BinaryIO, path: Path) -> Outline:
    """Return the size and EXIF facts of a TIFF's first picture; raise ReadError."""
    return full_page(file, path)[1]


def read_outlines(file: BinaryIO, path: Path) -> list[tuple[Outline, Part | None]]:
    """Return the outline of each page of the first one's size: they are as many photos."""
    first, outline = full_page(file, path)
    structure = Structure.of(file)
    _require_all_images(structure, first, path)
    with _explained(path):
        alike = _pages_like(structure, first)
        if len(alike) == 1:
            return [(outline, None)]
        found = [(_outline_of(structure, page, path), page) for page in alike]
    return [
        (replace(each, exif=each.exif.completed_by(outline.exif)), Part(number, (page.offset,)))
        for number, (each, page) in enumerate(found, start=1)
    ]


def alone(file: BinaryIO, path: Path, place: tuple[int, ...]) -> bytes:
    """Return a TIFF of one page, by the offset of its directory."""
    with _explained(path):
        return page_alone(Structure.of(file), *place)


def full_page(file: BinaryIO, path: Path, place: tuple[int, ...] = ()) -> tuple[Page, Outline]:
    """Return the first full page of a TIFF, or that at a place, and its outline."""
    with _explained(path):
        structure = Structure.of(file)
        if is_raw(file, path):
            raise ReadError(path, IS_RAW)
        pages = _full_pages(structure)
        page = next((each for each in pages if not place or each.offset in place), None)
        if page is None:
            raise ReadError(path, ONLY_PREVIEWS)
        return page, _outline_of(structure, page, path)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except BrokenStructureError as error:
        raise ReadError(
            path, f"is a damaged or cut short TIFF: it {error}; copy it again"
        ) from error


def _outline_of(structure: Structure, page: Page, path: Path) -> Outline:
    """Return the outline of a page that can be decoded; raise ReadError where it cannot."""
    require_photo_size(path, page.width, page.height)
    _require_known_layout(structure, page, path)
    _require_all_pixels(structure, page, path)
    white = 255 if page.kind == UNSIGNED and page.bits == 8 else WHITE
    exif = exif_of_directory(structure, page.directory)
    layout = _layout_of(page, exif.software)
    black = _black_of(structure, page) if layout == "mono" else 0
    told = layout == "rendered"
    return Outline(page.width, page.height, white, exif, layout, black=black, layout_told=told)


def _layout_of(page: Page, software: str | None) -> Layout:
    if page.photometric != BLACK_IS_ZERO or page.samples != 1:
        return "rendered"
    deep = page.bits > 8 or page.kind != UNSIGNED
    profiled = COLOUR_PROFILE in page.directory
    return layout_of_grey(deep=deep, profiled=profiled, software=software)


def _black_of(structure: Structure, page: Page) -> int:
    """Return the mean black level in DN, as multispectral cameras write it; 0 if unknown."""
    if BLACK_LEVEL not in page.directory or not page.plain:
        return 0
    levels = structure.numbers(page.directory[BLACK_LEVEL], MOST_LEVELS)
    mean = sum(levels) / len(levels) if levels else 0.0
    return round(mean) if 0 <= mean < WHITE else 0  # NaN fails, too


def number_of(structure: Structure, directory: Directory, tag: int, default: int) -> int:
    """Return a tag's first number, or the default where the directory has no such tag."""
    if tag not in directory:
        return default
    values = structure.numbers(directory[tag], 1)
    if not values or not isinstance(values[0], int):
        raise BrokenStructureError(f"has no number in its tag {tag}")
    return values[0]


def _pages_like(structure: Structure, first: Page) -> list[Page]:
    size = first.width, first.height, first.samples
    return [
        page for page in _full_pages(structure) if (page.width, page.height, page.samples) == size
    ]


def _require_all_images(structure: Structure, first: Page, path: Path) -> None:
    """Refuse a stack of ImageJ whose pictures but the first have no directory."""
    if DESCRIPTION not in first.directory:
        return
    told = structure.content(first.directory[DESCRIPTION], MOST_DESCRIPTION)
    number = IMAGEJ.match(told)
    if number and int(number[1]) > 1 and len(list(islice(_full_pages(structure), 2))) == 1:
        raise ReadError(
            path,
            f"is a TIFF of {int(number[1])} pictures of which only the first has a directory"
            " (ImageJ); save it as an image sequence",
        )


def _full_pages(structure: Structure) -> Iterator[Page]:
    for place, (offset, directory) in enumerate(structure.placed_chain(MAX_PAGES)):
        reduced = number_of(structure, directory, NEW_SUBFILE_TYPE, 0) & REDUCED_OR_MASK
        if reduced or number_of(structure, directory, SUBFILE_TYPE, 1) == REDUCED:
            continue
        yield Page(
            place,
            offset,
            directory,
            width=number_of(structure, directory, WIDTH, 0),
            height=number_of(structure, directory, HEIGHT, 0),
            bits=number_of(structure, directory, BITS, 1),
            samples=number_of(structure, directory, SAMPLES, 1),
            photometric=number_of(structure, directory, PHOTOMETRIC, BLACK_IS_ZERO),
            compression=number_of(structure, directory, COMPRESSION, UNCOMPRESSED),
            kind=_kind_of(structure, directory),
        )


def _kind_of(structure: Structure, directory: Directory) -> int:
    kind = number_of(structure, directory, SAMPLE_FORMAT, UNSIGNED)
    return UNSIGNED if kind == UNDEFINED else kind


def _require_known_layout(structure: Structure, page: Page, path: Path) -> None:
    kind = ""
    needed = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, PALETTE: 1, RGB: 3, YCBCR: 3}
    bits = structure.numbers(page.directory[BITS], MAX_SAMPLES) if BITS in page.directory else (1,)
    if page.kind not in DEPTHS:
        kind = "complex"
    elif page.bits not in DEPTHS[page.kind] or len(set(bits)) > 1:
        kind = "/".join(f"{each}" for each in bits) + "-bit"
    elif (
        page.photometric not in needed
        or (page.photometric == YCBCR and page.compression != JPEG_COMPRESSED)
        or (page.photometric not in {BLACK_IS_ZERO, RGB} and not page.plain)
    ):
        kind = PHOTOMETRIC_NAMES.get(page.photometric, f"photometric {page.photometric}")
    elif not needed[page.photometric] <= page.samples <= MAX_SAMPLES:
        kind = f"{page.samples}-channel"
    if kind:
        raise ReadError(path, f"is a {kind} TIFF, which is not read; save it as 8 or 16-bit RGB")


def _require_all_pixels(structure: Structure, page: Page, path: Path) -> None:
    """Refuse missing strips or tiles: tifffile fills them with zeros, which look like pixels."""
    tiled = TILE_OFFSETS in page.directory
    offsets, lengths = (
        page.directory.get(tag)
        for tag in ((TILE_OFFSETS, TILE_BYTES) if tiled else (STRIP_OFFSETS, STRIP_BYTES))
    )
    if offsets is None or lengths is None:
        raise BrokenStructureError("does not say where its pixels are")
    starts = structure.numbers(offsets, MAX_SEGMENTS)
    sizes = structure.numbers(lengths, MAX_SEGMENTS)
    if not all(sizes) or any(
        start + size > structure.size for start, size in zip(starts, sizes, strict=False)
    ):
        raise ReadError(path, CUT_SHORT)
    stored = page.width * page.height * page.samples * page.bits // 8
    expected = _number_of_segments(structure, page, tiled=tiled)
    too_few = min(len(starts), len(sizes)) < expected
    if too_few or (page.compression == UNCOMPRESSED and sum(sizes) < stored):
        raise BrokenStructureError("holds fewer pixels than it claims")


def _number_of_segments(structure: Structure, page: Page, *, tiled: bool) -> int:
    if tiled:
        across = number_of(structure, page.directory, TILE_WIDTH, 0)
        down = number_of(structure, page.directory, TILE_HEIGHT, 0)
    else:
        across = page.width
        down = number_of(structure, page.directory, ROWS_PER_STRIP, page.height)
    if across < 1 or down < 1:
        raise BrokenStructureError("has strips or tiles without pixels")
    separate = number_of(structure, page.directory, PLANAR, INTERLEAVED) != INTERLEAVED
    layers = page.samples if separate else 1
    return layers * math.ceil(page.width / across) * math.ceil(page.height / down)


def decode(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:  # noqa: ARG001 - same for all formats
    """Return the luma, uint8 or uint16; alpha is left out and palettes are looked up."""
    return luma_of(_as_dn(content, path))


def decode_colour(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:  # noqa: ARG001 - same for all formats
    """Return the colours, uint8 or uint16, as decode returns the luma."""
    return colours_of(_as_dn(content, path))


def require_decodable(content: bytes, path: Path) -> None:
    """Raise ReadError unless the picture can be decoded to its end."""
    decode_stored(content, path)


def scaling_in(content: bytes, path: Path) -> Scaling:
    """Return how the samples of a picture become the DN that are decoded."""
    page, outline = full_page(BytesIO(content), path)
    if page.plain:
        return Scaling()
    samples = decode_stored(content, path)
    grey = samples[..., 0] if outline.layout == "mono" else samples[..., : page.colours]
    return scaling_of(grey, path)


def _as_dn(content: bytes, path: Path) -> NDArray[Any]:
    """Return (height, width, samples) in DN."""
    page, outline = full_page(BytesIO(content), path)
    samples = decode_stored(content, path)
    if page.plain:
        return samples
    if outline.layout == "mono":
        return mosaic_of(samples[..., 0], path)[..., None]
    return picture_of(samples[..., : page.colours], path)


def decode_stored(content: bytes, path: Path) -> NDArray[Any]:
    """Return the samples as stored, (height, width, 1) of grey, 3 and more of colours."""
    page, _ = full_page(BytesIO(content), path)
    with tifffile.TiffFile(BytesIO(content)) as file:
        decoded = file.pages[page.place]
        if not isinstance(decoded, tifffile.TiffPage):  # a later page of a long series
            decoded = decoded.aspage()
        picture = decoded.asarray(maxworkers=1)  # threads are the caller's to start
        palette = decoded.colormap
    if picture.dtype != page.dtype:
        raise ReadError(path, f"is a TIFF of {picture.dtype}; save it as 8 or 16-bit RGB")
    picture = _interleave(picture, page, path)
    if page.photometric == PALETTE:
        picture = _look_up_in_palette(picture[..., 0], palette, path)
    elif page.photometric == WHITE_IS_ZERO:
        picture = np.bitwise_not(picture[..., :1])
    elif page.photometric == BLACK_IS_ZERO:
        picture = picture[..., :1]
    return picture


def _interleave(picture: NDArray[Any], page: Page, path: Path) -> NDArray[Any]:
    """Return the picture as (height, width, samples), however its planes are stored."""
    size = (page.height, page.width)
    if picture.shape == (page.samples, *size):
        return np.moveaxis(picture, 0, -1)
    if picture.shape not in (size, (*size, page.samples)):
        raise ReadError(path, "is a TIFF of more than one layer; save it as a flat picture")
    return picture.reshape(*size, -1)


def _look_up_in_palette(
    indices: NDArray[Any], palette: NDArray[np.uint16] | None, path: Path
) -> NDArray[np.uint8]:
    """Look the colours up; a palette's 16-bit entries are 8-bit colours times 257."""
    if palette is None or indices.itemsize > 1:
        raise ReadError(path, "is a TIFF whose palette cannot be used; save it as 8-bit RGB")
    colours = (palette.T >> 8).astype(np.uint8)
    looked_up: NDArray[np.uint8] = colours[indices]
    return looked_up

"""RAW files: the sensor's mosaic as stored, with its margins, decoded by LibRaw through rawpy.

Never returns an embedded preview and never demosaics. What is no mosaic any more (sRAW, linear
DNG) counts as a rendered picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import rawpy
from numpy.typing import NDArray

from stillpix.errors import ReadError
from stillpix.frame import BAYER, XTRANS, Layout, Pixels
from stillpix.images.content import Buffer
from stillpix.images.exif import Exif, camera_time
from stillpix.images.headless import asks, is_headless
from stillpix.images.lossless_dng import lossless_mosaic
from stillpix.images.luma import colours_of, luma_of
from stillpix.images.other_dng import facts_of, stored_in
from stillpix.images.outline import CUT_SHORT, Outline, require_photo_size
from stillpix.images.plain_mosaic import Plain
from stillpix.images.raw_tags import GREY_DNG, JPEG_XL, RawTags, raw_tags

# Rows that no sensor's noise leaves at 0 altogether, not even a dark frame's: what LibRaw has not
# filled is 0 in memory of more than 32 MB, which comes from the system.
LAST_ROWS = 16
PATTERN = 12  # photosites of each direction looked at: two periods of X-Trans
ABSURD = (
    "is a damaged RAW file (its lossless JPEG data is broken); copy it again from the card, or "
    "leave it out"
)
OTHERS_READ = frozenset({JPEG_XL, GREY_DNG})
NO_CODING = (
    "is coded as {}, which LibRaw does not read here; convert it with Adobe's DNG converter, or use"
    " the camera's JPEGs"
)
UNSUPPORTED = (
    "is a RAW file of a kind that LibRaw does not read, or is damaged; convert it with Adobe's DNG"
    " converter, or copy it again from the card"
)
NO_RAW = (
    "is no RAW file that LibRaw knows, or is damaged; copy it again, or convert it with Adobe's DNG"
    " converter"
)


@dataclass(frozen=True, slots=True)
class Colours:
    """How a sensor's photosites are coloured, and where an X-Trans pattern begins (x, y)."""

    layout: Layout
    phase: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What files of one camera have in common, and one of them to look the rest up in."""

    facts: tuple[Any, ...]
    path: Path = field(compare=False)


class _Known(NamedTuple):
    """What LibRaw tells of a file after decoding only, which takes as long as reading."""

    colours: Colours
    black: float  # DN, mean over the channels
    white: int  # DN


def read_outline(file: BinaryIO, path: Path) -> Outline:
    """Return the stored size, colours, levels and EXIF facts of a RAW file; raise ReadError."""
    tags = raw_tags(file)
    if tags.cut_short:
        raise ReadError(path, CUT_SHORT)
    if tags.absurd:
        raise ReadError(path, ABSURD)
    if is_headless(file, path):
        raise ReadError(path, asks(file))
    if tags.coding in OTHERS_READ:
        return _outline_of_other(file, path, tags)
    with _told_of(tags.coding, path), _open_raw(path, path) as raw, _unpacking(path):
        sizes = raw.sizes
        exif = _complete_exif(tags.exif, raw)
    require_photo_size(path, sizes.raw_width, sizes.raw_height)
    # Levels differ with ISO in some cameras; a DNG says its own.
    gain = None if tags.white else exif.gain
    facts = exif.make, exif.model, tuple(sizes), tags.mosaic, gain, tags.coding
    kind = _Kind(facts, path)
    with _told_of(tags.coding, path):
        known = _known_of(kind)
    colours, black = known.colours, known.black if tags.black is None else tags.black
    return Outline(
        sizes.raw_width,
        sizes.raw_height,
        tags.white or known.white,
        exif,
        colours.layout,
        visible=tags.active or (sizes.left_margin, sizes.top_margin, sizes.width, sizes.height),
        black=0 if colours.layout == "rendered" else round(black),
        phase=colours.phase,
        plain=tags.plain if _is_of_size(tags.plain, sizes) else None,
    )


def _outline_of_other(file: BinaryIO, path: Path, tags: RawTags) -> Outline:
    """Return the outline of a DNG that LibRaw does not read, from its own tags."""
    facts = facts_of(file, path)
    require_photo_size(path, facts.width, facts.height)
    left, top, width, height = tags.active or (0, 0, facts.width, facts.height)
    colours = Colours("mono" if facts.grey else "rendered")
    if facts.pattern:
        rows, columns = len(facts.pattern), len(facts.pattern[0])
        seen = [
            "".join(facts.pattern[(y - top) % rows][(x - left) % columns] for x in range(PATTERN))
            for y in range(PATTERN)
        ]
        colours = colours_of_pattern(seen, path)
    return Outline(
        facts.width, facts.height, tags.white or facts.white, tags.exif, colours.layout,
        visible=(left, top, width, height),
        black=0 if colours.layout == "rendered" else round(tags.black or 0), phase=colours.phase,
    )  # fmt: skip


def _is_for_others(content: bytes) -> bool:
    return raw_tags(BytesIO(content)).coding in OTHERS_READ


@contextmanager
def _told_of(coding: str, path: Path) -> Iterator[None]:
    """Name the coding of a file that LibRaw does not read: it is not damaged."""
    try:
        yield
    except ReadError as error:
        if coding:
            raise ReadError(path, NO_CODING.format(coding)) from error
        raise


def _is_of_size(plain: Plain | None, sizes: rawpy.ImageSizes) -> bool:
    """Return whether a DNG's own size is that of the frame that LibRaw reads."""
    size = sizes.raw_width, sizes.raw_height
    return plain is not None and (plain.width, plain.height) == size


def decode(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:
    """Return the mosaic, or the luma of what is none, as uint16; it lies in a fitting `buffer`."""
    if _is_for_others(content):
        values = stored_in(content, path)
        return values if values.ndim == 2 else luma_of(values)
    with _open_raw(BytesIO(content), path) as raw:
        room = _room((raw.sizes.raw_height, raw.sizes.raw_width), buffer)
    mosaic = lossless_mosaic(content, room)
    if mosaic is not None:
        return mosaic
    with _unpack_mosaic(content, path) as raw:
        stored = _stored_array(raw, path)
        return _copy_of(stored, buffer) if stored.ndim == 2 else luma_of(stored)


def decode_colour(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:
    """Return the colours of what is no mosaic, (height, width, 3); a mosaic as decode does."""
    if _is_for_others(content):
        values = stored_in(content, path)
        return values if values.ndim == 2 else colours_of(values)
    with _unpack_mosaic(content, path) as raw:
        stored = _stored_array(raw, path)
        return _copy_of(stored, buffer) if stored.ndim == 2 else colours_of(stored)


def require_decodable(content: bytes, path: Path) -> None:
    """Raise ReadError unless the mosaic can be decoded to its end."""
    if _is_for_others(content):
        stored_in(content, path)
        return
    with _unpack_mosaic(content, path) as raw:
        _stored_array(raw, path)


def _open_raw(source: Path | BinaryIO, path: Path) -> rawpy.RawPy:
    raw = rawpy.RawPy()
    try:
        if isinstance(source, Path):
            raw.open_file(str(source))
        else:
            raw.open_buffer(source)
    except (rawpy.LibRawFileUnsupportedError, rawpy.LibRawIOError) as error:
        raise ReadError(path, NO_RAW) from error
    except rawpy.LibRawError as error:
        raise ReadError(path, _damage(error)) from error
    return raw


def _unpack_mosaic(content: bytes, path: Path) -> rawpy.RawPy:
    raw = _open_raw(BytesIO(content), path)
    with _unpacking(path):
        raw.unpack()
    return raw


@contextmanager
def _unpacking(path: Path) -> Iterator[None]:
    """Turn what LibRaw says of a mosaic that it cannot unpack into a ReadError."""
    try:
        yield
    except rawpy.LibRawIOError as error:
        raise ReadError(path, CUT_SHORT) from error
    except rawpy.LibRawFileUnsupportedError as error:
        raise ReadError(path, UNSUPPORTED) from error
    except rawpy.LibRawError as error:
        raise ReadError(path, _damage(error)) from error


def _damage(error: rawpy.LibRawError) -> str:
    reason = error.args[0] if error.args else ""
    said = reason.decode("ascii", "replace") if isinstance(reason, bytes) else str(reason)
    return f"is a damaged RAW file ({said}); copy it again from the card, or leave it out"


def _stored_array(raw: rawpy.RawPy, path: Path) -> NDArray[np.uint16]:
    """Return LibRaw's own array: (height, width), or (height, width, samples) of what is none.

    Raises ReadError where LibRaw went on past the end of a file as if all were well.
    """
    stored = raw.raw_image
    if stored is None or stored.dtype != np.uint16:
        raise ReadError(path, "is a RAW file without a mosaic of whole numbers; leave it out")
    if stored.ndim == 3:
        return stored[..., :3]
    bottom = raw.sizes.top_margin + raw.sizes.height
    if not stored[max(bottom - LAST_ROWS, 0) : bottom].any():
        raise ReadError(path, CUT_SHORT)
    return stored


def _copy_of(stored: NDArray[np.uint16], buffer: Buffer | None) -> NDArray[np.uint16]:
    """Return a copy, for LibRaw's own memory ends with its file."""
    kept = _room((stored.shape[0], stored.shape[1]), buffer)
    kept[:] = stored
    return kept


def _room(size: tuple[int, int], buffer: Buffer | None) -> NDArray[np.uint16]:
    """Return an array of (height, width) in the buffer; without one, in memory of its own."""
    if buffer is None:
        return np.empty(size, np.uint16)
    return buffer.room(2 * size[0] * size[1]).view(np.uint16).reshape(size)


def _complete_exif(exif: Exif, raw: rawpy.RawPy) -> Exif:
    """Return the EXIF facts, and LibRaw's where the file's own structure says nothing at all."""
    if exif.exposure_s or exif.gain or exif.taken:
        return exif
    other = raw.other
    stamp = other.timestamp
    return replace(
        exif,
        exposure_s=float(other.shutter_speed) or None,
        gain=float(other.iso_speed) / 100 or None,
        taken=camera_time(stamp.strftime("%Y:%m:%d %H:%M:%S")) if stamp else None,
    )


@lru_cache(maxsize=256)
def _known_of(kind: _Kind) -> _Known:
    with _unpack_mosaic(kind.path.read_bytes(), kind.path) as raw:
        black, white = tuple(raw.black_level_per_channel), int(raw.white_level)
        mean = sum(black) / len(black)
        if raw.raw_type != rawpy.RawType.Flat:
            return _Known(Colours("rendered"), mean, white)
        # Margins have no colours of their own for LibRaw; the pattern is taken from beyond them.
        top, left = (-(-edge // 6) * 6 for edge in (raw.sizes.top_margin, raw.sizes.left_margin))
        rows, columns = range(top, top + PATTERN), range(left, left + PATTERN)
        letters = raw.color_desc.decode("ascii", "replace")
        number = raw.num_colors
        seen = ["".join(_letter(letters, raw.raw_color(y, x)) for x in columns) for y in rows]
    return _Known(colours_of_pattern(seen, kind.path, number), mean, white)


def _letter(letters: str, index: int) -> str:
    return letters[index] if index < len(letters) else "?"


def colours_of_pattern(seen: list[str], path: Path, number: int = 3) -> Colours:
    """Return the layout of a sensor's first rows of letters; raise ReadError if it is not known.

    >>> colours_of_pattern(["RGRG", "GBGB", "RGRG", "GBGB"], Path("a.dng")).layout
    'bayer-RGGB'
    """
    rows, columns = range(len(seen)), range(len(seen[0]))
    if number == 1 or len(set("".join(seen))) == 1:
        return Colours("mono")
    cell = seen[0][:2] + seen[1][:2]
    if cell in BAYER and all(seen[y][x] == cell[y % 2 * 2 + x % 2] for y in rows for x in columns):
        return Colours(BAYER[cell])
    for left in range(6):
        for top in range(6):
            if all(
                seen[y][x] == XTRANS[(y - top) % 6][(x - left) % 6] for y in rows for x in columns
            ):
                return Colours("xtrans", (left, top))
    raise ReadError(
        path,
        f"has an unknown colour pattern ({seen[0][:6]}/{seen[1][:6]}...); only Bayer, X-Trans and "
        f"monochrome sensors are read; use the camera's JPEGs",
    )

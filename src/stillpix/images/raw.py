"""RAW files: the sensor's mosaic as stored, with its margins, decoded by LibRaw through rawpy.

Never returns an embedded preview and never demosaics. What is no mosaic any more (sRAW, linear
DNG) counts as a rendered picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import rawpy
from numpy.typing import NDArray

from stillpix.errors import ReadError
from stillpix.frame import Layout, Pixels
from stillpix.images.exif import Exif, camera_time
from stillpix.images.luma import colours_of, luma_of
from stillpix.images.outline import CUT_SHORT, Outline, require_photo_size
from stillpix.images.raw_tags import raw_tags

XTRANS = ("GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGBG")
BAYER: dict[str, Layout] = {
    "RGGB": "bayer-RGGB", "BGGR": "bayer-BGGR", "GRBG": "bayer-GRBG", "GBRG": "bayer-GBRG"
}  # fmt: skip
PATTERN = 12  # photosites of each direction looked at: two periods of X-Trans
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
class _Make:
    """What tells cameras of one colour pattern apart, and a file of theirs to look it up in."""

    facts: tuple[Any, ...]
    path: Path = field(compare=False)


def read_outline(file: BinaryIO, path: Path) -> Outline:
    """Return the stored size, colours, levels and EXIF facts of a RAW file; raise ReadError."""
    tags = raw_tags(file)
    if tags.cut_short:
        raise ReadError(path, CUT_SHORT)
    with _opened(path) as raw:
        sizes, other = raw.sizes, raw.other
        levels = tuple(raw.black_level_per_channel)
        white = int(raw.white_level)
    require_photo_size(path, sizes.raw_width, sizes.raw_height)
    exif = _completed(tags.exif, other)
    facts = (exif.make, exif.model, tuple(sizes), tags.mosaic)
    colours = _colours_of(_Make(facts, path))
    rendered = colours.layout == "rendered"
    return Outline(
        sizes.raw_width,
        sizes.raw_height,
        white,
        exif,
        colours.layout,
        visible=tags.active or (sizes.left_margin, sizes.top_margin, sizes.width, sizes.height),
        black=0 if rendered else round(tags.black or sum(levels) / len(levels)),
        phase=colours.phase,
    )


def decode(content: bytes, path: Path, buffer: bytearray | None) -> Pixels:
    """Return the mosaic, or the luma of what is none, as uint16; it lies in a fitting `buffer`."""
    with _unpacked(content, path) as raw:
        stored = _stored(raw, path)
        return _kept(stored, buffer) if stored.ndim == 2 else luma_of(stored)


def decode_colour(content: bytes, path: Path, buffer: bytearray | None) -> Pixels:
    """Return the colours of what is no mosaic, (height, width, 3); a mosaic as decode does."""
    with _unpacked(content, path) as raw:
        stored = _stored(raw, path)
        return _kept(stored, buffer) if stored.ndim == 2 else colours_of(stored)


def require_decodable(content: bytes, path: Path) -> None:
    """Raise ReadError unless the mosaic can be decoded to its end."""
    with _unpacked(content, path) as raw:
        _stored(raw, path)


def _opened(source: Path | BinaryIO, path: Path | None = None) -> rawpy.RawPy:
    raw = rawpy.RawPy()
    named = path or source
    try:
        if isinstance(source, Path):
            raw.open_file(str(source))
        else:
            raw.open_buffer(source)
    except (rawpy.LibRawFileUnsupportedError, rawpy.LibRawIOError) as error:
        raise ReadError(str(named), NO_RAW) from error
    except rawpy.LibRawError as error:
        raise ReadError(str(named), _damage(error)) from error
    return raw


def _unpacked(content: bytes, path: Path) -> rawpy.RawPy:
    raw = _opened(BytesIO(content), path)
    try:
        raw.unpack()
    except rawpy.LibRawIOError as error:
        raise ReadError(path, CUT_SHORT) from error
    except rawpy.LibRawError as error:
        raise ReadError(path, _damage(error)) from error
    return raw


def _damage(error: rawpy.LibRawError) -> str:
    reason = error.args[0] if error.args else ""
    said = reason.decode("ascii", "replace") if isinstance(reason, bytes) else str(reason)
    return f"is a damaged RAW file ({said}); copy it again from the card, or leave it out"


def _stored(raw: rawpy.RawPy, path: Path) -> NDArray[np.uint16]:
    """Return LibRaw's own array: (height, width), or (height, width, samples) of what is none."""
    stored = raw.raw_image
    if stored is None or stored.dtype != np.uint16:
        raise ReadError(path, "is a RAW file without a mosaic of whole numbers; leave it out")
    if stored.ndim == 3 and stored.shape[2] > 3:
        stored = stored[..., :3]
    return stored


def _kept(stored: NDArray[np.uint16], buffer: bytearray | None) -> NDArray[np.uint16]:
    """Return a copy, for LibRaw's own memory ends with its file."""
    if buffer is None:
        return stored.copy()
    if len(buffer) < stored.nbytes:
        try:
            buffer.extend(bytes(stored.nbytes - len(buffer)))
        except BufferError:  # an earlier frame still lies in it
            return stored.copy()
    kept = np.frombuffer(buffer, np.uint16, stored.size).reshape(stored.shape)
    kept[:] = stored
    return kept


def _completed(exif: Exif, other: Any) -> Exif:
    """Return the EXIF facts, and LibRaw's where the file's own structure says nothing."""
    taken = other.timestamp
    stamp = camera_time(taken.strftime("%Y:%m:%d %H:%M:%S")) if taken else None
    return Exif(
        make=exif.make,
        model=exif.model,
        serial=exif.serial,
        software=exif.software,
        orientation=exif.orientation,
        exposure_s=exif.exposure_s or (float(other.shutter_speed) or None),
        gain=exif.gain or (float(other.iso_speed) / 100 or None),
        taken=exif.taken or stamp,
    )


@lru_cache(maxsize=256)
def _colours_of(make: _Make) -> Colours:
    """Return the colours of all files that say the same of themselves, looked up in one of them.

    LibRaw tells a photosite's colour after decoding only, which takes as long as reading.
    """
    with _unpacked(make.path.read_bytes(), make.path) as raw:
        if raw.raw_type != rawpy.RawType.Flat:
            return Colours("rendered")
        # Margins have no colours of their own for LibRaw; the pattern is taken from beyond them.
        top, left = (-(-edge // 6) * 6 for edge in (raw.sizes.top_margin, raw.sizes.left_margin))
        rows, columns = range(top, top + PATTERN), range(left, left + PATTERN)
        letters = raw.color_desc.decode("ascii", "replace")
        number = raw.num_colors
        seen = ["".join(letters[raw.raw_color(y, x)] for x in columns) for y in rows]
    return colours_of_pattern(seen, make.path, number)


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
        f"has a colour pattern that is not known ({seen[0][:6]}/{seen[1][:6]}...); Bayer, X-Trans"
        " and monochrome sensors are read: use the camera's JPEGs",
    )

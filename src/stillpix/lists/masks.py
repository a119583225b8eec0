"""Masks: a picture of the full frame in which broken pixels are marked. PNG and NumPy.

Never scales or rotates a mask: one of another size is refused.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..maps.records import Defect
from .entries import ListedDefect, Target, pixel, pixels_of, refuse

MOST_SHARE = 0.1  # of pixels that a mask may mark: more is a mask turned inside out, or a photo
MARKED = 255
SPREAD = 128  # of what a demosaicer spreads around a broken pixel
# px around it, (down, across): a diamond
AROUND = [(y, x) for y in range(-2, 3) for x in range(-2, 3) if 0 < abs(x) + abs(y) <= 2]
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
# A header is Python source, and numpy lets through what its parser makes of a damaged one.
UNREADABLE_HEADS = (ValueError, OSError, TypeError, KeyError, RecursionError, SyntaxError,
                    TokenError)  # fmt: skip
INVERT = "pixels that are not 0 count as broken; invert the mask, or check --from"
WRONG_SIZE = "a mask fits one camera at one size"


def mask_of(defects: Sequence[Defect], target: Target) -> NDArray[np.bool_]:
    """Return the mask, (height, width), True where a pixel is broken."""
    mask = np.zeros((target.area.height, target.area.width), np.bool_)
    for x, y, _ in pixels_of(defects):
        mask[y, x] = True
    return mask


def marked_in(mask: NDArray[np.generic], path: Path) -> Iterator[ListedDefect]:
    """Yield the marked pixels of a mask, row by row."""
    marked = np.asarray(mask != 0)
    share = np.count_nonzero(marked) / marked.size
    if share > MOST_SHARE:
        raise refuse(path, "", f"marks {share:.0%} of all pixels as broken", INVERT)
    for y, x in np.argwhere(marked).tolist():
        yield pixel(f"row {y}", x, y)


def require_shape(shape: tuple[int, ...], target: Target, path: Path) -> None:
    """Raise MapFormatError unless a mask has the size of the sensor's frame."""
    area = target.area
    if shape != (area.height, area.width):
        found = "x".join(map(str, reversed(shape))) or "a single number"
        raise refuse(path, "", f"is {found}, not {area.width}x{area.height}", WRONG_SIZE)


def encode_png(defects: Sequence[Defect], target: Target) -> bytes:
    """Return a grey PNG of 8 bits: 255 where a pixel is broken, 0 elsewhere."""
    file = BytesIO()
    mask = mask_of(defects, target)
    Image.fromarray(mask.astype(np.uint8) * np.uint8(MARKED)).save(file, "PNG")
    return file.getvalue()


def encode_footprints(defects: Sequence[Defect], target: Target) -> bytes:
    """Return a grey PNG of 8 bits: 255 at a broken pixel, 128 where its light spreads, else 0.

    FFmpeg's removelogo takes every value above 16 for what is to be removed.
    """
    levels = np.zeros((target.area.height, target.area.width), np.uint8)
    places = np.argwhere(mask_of(defects, target))
    for step in AROUND:
        rows, columns = (places + step).T
        inside = (
            (rows >= 0) & (rows < levels.shape[0]) & (columns >= 0) & (columns < levels.shape[1])
        )
        levels[rows[inside], columns[inside]] = SPREAD
    levels[tuple(places.T)] = MARKED
    file = BytesIO()
    Image.fromarray(levels).save(file, "PNG")
    return file.getvalue()


def decode_footprints(content: bytes, path: Path, target: Target) -> Iterator[ListedDefect]:
    """Yield the broken pixels of such a mask, without what is around them."""
    yield from marked_in(_levels_in(content, path, target) == MARKED, path)


def decode_png(content: bytes, path: Path, target: Target) -> Iterator[ListedDefect]:
    """Yield the pixels of a PNG that are not black; alpha is not looked at."""
    yield from marked_in(_levels_in(content, path, target), path)


def _levels_in(content: bytes, path: Path, target: Target) -> NDArray[np.generic]:
    """Return the values of a PNG, (height, width): in colour, the largest of each pixel."""
    if not content.startswith(PNG_HEAD) or len(content) < 24:
        raise refuse(path, "", "is not a PNG file", "check --from")
    width, height = struct.unpack_from(">II", content, 16)
    require_shape((height, width), target, path)  # before anything of that size is made
    try:
        with Image.open(BytesIO(content)) as image:
            image.load()
            kept = image.mode not in ("P", "PA", "LA", "RGBA")
            pixels = np.asarray(image if kept else image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError) as error:
        reason = f"is a damaged PNG ({' '.join(str(error).split())[:80]})"
        raise refuse(path, "", reason, "copy it again") from error
    return np.asarray(pixels.max(axis=2) if pixels.ndim > 2 else pixels)


def encode_npy(defects: Sequence[Defect], target: Target) -> bytes:
    """Return a NumPy file of bool, (height, width)."""
    file = BytesIO()
    np.save(file, mask_of(defects, target), allow_pickle=False)
    return file.getvalue()


def decode_npy(content: bytes, path: Path, target: Target) -> Iterator[ListedDefect]:
    """Yield the pixels of an array of bool or numbers that are not 0."""
    with warnings.catch_warnings(action="ignore"):  # of files by NumPy for Python 2, which do
        mask = _array_in(content, path, target)
    if mask.dtype.kind == "f" and np.isnan(mask).any():
        raise refuse(path, "", "holds NaN, which marks nothing", "save it as bool")
    yield from marked_in(mask, path)


def _array_in(content: bytes, path: Path, target: Target) -> NDArray[np.generic]:
    """Return the array of a NumPy file, once its header says that it fits the sensor."""
    file = BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        head = read if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, kind = head(file)
    except UNREADABLE_HEADS as error:
        raise refuse(path, "", "is not a NumPy file, or is damaged", "check --from") from error
    require_shape(shape, target, path)
    if kind.kind not in "buif":
        raise refuse(path, "", f"holds {kind}, not truth values or numbers", "save it as bool")
    file.seek(0)
    try:
        return np.asarray(np.load(file, allow_pickle=False))
    except (ValueError, OSError, EOFError) as error:
        raise refuse(path, "", "is a damaged NumPy file", "copy it again") from error

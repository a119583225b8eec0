"""DNGs that LibRaw does not read: of JPEG XL (DNG 1.7), and grey ones that are called BlackIsZero.

Read by tifffile and imagecodecs, as the mosaic or the three colours that the file stores. Never
returns a preview, and takes back what writers do before packing: interleaved rows and columns, and
a linearisation table.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray

from stillpix.errors import ReadError
from stillpix.images.lossless_dng import LINEARISATION_TABLE, MOSAIC, pages_of
from stillpix.images.outline import CUT_SHORT

BLACK_IS_ZERO, LINEAR, FULL, JPEG_XL = 1, 34892, 0, 52546
CFA_REPEAT, CFA_PATTERN = 33421, 33422
ROWS_INTERLEAVED, COLUMNS_INTERLEAVED = 50975, 52547
LETTERS = "RGBCMYW"  # colours by their number in CFAPattern
NO_PIXELS = "is a DNG without a full-size picture that is read; copy it again"


@dataclass(frozen=True, slots=True)
class OtherDng:
    """What such a DNG says of its pixels."""

    width: int  # px, as stored
    height: int
    white: int  # the most that its bits hold
    pattern: tuple[str, ...]  # rows of letters from the visible area's corner on; () if linear
    grey: bool = False


def facts_of(file: BinaryIO, path: Path) -> OtherDng:
    """Return the size, depth and colours of the full-size picture; raise ReadError."""
    file.seek(0)
    with tifffile.TiffFile(file) as opened:
        page = _page_of(opened, path)
        pattern: tuple[str, ...] = ()
        if page.photometric == MOSAIC:
            repeat, numbers = page.tags[CFA_REPEAT].value, bytes(page.tags[CFA_PATTERN].value)
            letters = "".join(
                LETTERS[number] if number < len(LETTERS) else "?" for number in numbers
            )
            rows, columns = (int(each) for each in repeat)
            pattern = tuple(letters[at * columns : (at + 1) * columns] for at in range(rows))
        white = _curve_of(page).max() if _has_curve(page) else (1 << page.bitspersample) - 1
        return OtherDng(page.imagewidth, page.imagelength, int(white), pattern,
                        page.photometric == BLACK_IS_ZERO)  # fmt: skip


def stored_in(content: bytes, path: Path) -> NDArray[np.uint16]:
    """Return the mosaic, (height, width), or the colours, (height, width, 3), as DN."""
    with tifffile.TiffFile(BytesIO(content)) as opened:
        page = _page_of(opened, path)
        try:
            values = page.asarray(maxworkers=1)  # threads are the caller's to start
        except (RuntimeError, ValueError, OSError, TypeError) as error:
            raise ReadError(path, CUT_SHORT) from error
        factors = (_number(page, ROWS_INTERLEAVED), _number(page, COLUMNS_INTERLEAVED))
        if _has_curve(page):
            curve = _curve_of(page)
            values = curve[np.minimum(values, len(curve) - 1)]
    for axis, factor in enumerate(factors):
        values = _woven(values, factor, axis)
    return np.ascontiguousarray(values, np.uint16)


def _page_of(opened: tifffile.TiffFile, path: Path) -> tifffile.TiffPage:
    for page in pages_of(opened):
        packed = page.photometric in {MOSAIC, LINEAR} and page.compression == JPEG_XL
        grey = page.photometric == BLACK_IS_ZERO and page.bitspersample > 8
        if page.subfiletype == FULL and page.bitspersample <= 16 and (packed or grey):
            return page
    raise ReadError(path, NO_PIXELS)


def _has_curve(page: tifffile.TiffPage) -> bool:
    return LINEARISATION_TABLE in page.tags


def _curve_of(page: tifffile.TiffPage) -> NDArray[np.uint16]:
    return np.array(page.tags[LINEARISATION_TABLE].value, np.uint16)


def _number(page: tifffile.TiffPage, tag: int) -> int:
    return int(page.tags[tag].value) if tag in page.tags else 1


def _woven(values: NDArray[Any], factor: int, axis: int) -> NDArray[Any]:
    """Return rows or columns in their order, of which each `factor`-th was stored together.

    >>> _woven(np.array([0, 2, 4, 1, 3]), 2, 0).tolist()
    [0, 1, 2, 3, 4]
    """
    length = values.shape[axis]
    if not 1 < factor <= length:
        return values
    order = np.concatenate([np.arange(first, length, factor) for first in range(factor)])
    return np.take(values, np.argsort(order), axis)

"""Mosaics of DNGs that are stored plainly or as lossless JPEG, read in half of LibRaw's time.

By tifffile and imagecodecs, to the same values. Never unpacks what LibRaw would turn into other
values on the way, such as through a linearisation table: that is left to it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import tifffile
from numpy.typing import NDArray

DNG_VERSION, LINEARISATION_TABLE = 50706, 50712
MOSAIC, PLAIN, JPEG, FULL = 32803, 1, 7, 0
READ_AT_ONCE = 4 << 20  # bytes of packed tiles

# Without a handler of its own, tifffile's warnings on damaged files reach standard error.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def lossless_mosaic(content: bytes, room: NDArray[np.uint16]) -> NDArray[np.uint16] | None:
    """Return `room` filled with a DNG's mosaic of that size; None where it is not one of these.

    Damaged ones are LibRaw's to name.
    """
    try:
        with tifffile.TiffFile(BytesIO(content)) as file:
            pages = list(pages_of(file)) if DNG_VERSION in file.pages.first.tags else []
            page = next((page for page in pages if _is_lossless(page)), None)
            if page is None or page.shape != room.shape or page.dtype != np.uint16:
                return None
            # threads are the caller's to start
            page.asarray(out=room, maxworkers=1, buffersize=READ_AT_ONCE)
    except Exception:  # noqa: BLE001 - codecs of other people meet damaged files here
        return None
    return room


def pages_of(file: tifffile.TiffFile) -> Iterator[tifffile.TiffPage]:
    """Yield the pages of a file, each before those in its SubIFDs tag."""
    for page in file.pages:
        if isinstance(page, tifffile.TiffPage):
            yield page
            below = page.pages or ()
            yield from (each for each in below if isinstance(each, tifffile.TiffPage))


def _is_lossless(page: tifffile.TiffPage) -> bool:
    full = page.photometric == MOSAIC and page.subfiletype == FULL
    lossless = page.compression == JPEG or (page.compression == PLAIN and page.bitspersample == 16)
    return bool(full and lossless) and LINEARISATION_TABLE not in page.tags

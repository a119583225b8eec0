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

# Without a handler of its own, tifffile's warnings on damaged files reach standard error.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def lossless_mosaic(content: bytes, size: tuple[int, int]) -> NDArray[np.uint16] | None:
    """Return a DNG's mosaic of the size (height, width); None where it is not one of these.

    It may be a view of the content, in the file's byte order. Damaged ones are LibRaw's to name.
    """
    try:
        with tifffile.TiffFile(BytesIO(content)) as file:
            pages = list(_pages(file)) if DNG_VERSION in file.pages.first.tags else []
            page = next((page for page in pages if _is_lossless(page)), None)
            if page is None or page.shape != size:
                return None
            if page.compression == PLAIN and page.is_contiguous:
                kind = np.dtype(np.uint16).newbyteorder(file.byteorder)
                flat = np.frombuffer(content, kind, size[0] * size[1], page.dataoffsets[0])
                return flat.reshape(size)
            mosaic = page.asarray(maxworkers=1)  # threads are the caller's to start
    except Exception:  # noqa: BLE001 - codecs of other people meet damaged files here
        return None
    return mosaic if mosaic.dtype == np.uint16 and mosaic.shape == size else None


def _pages(file: tifffile.TiffFile) -> Iterator[tifffile.TiffPage]:
    for page in file.pages:
        if isinstance(page, tifffile.TiffPage):
            yield page
            below = page.pages or ()
            yield from (each for each in below if isinstance(each, tifffile.TiffPage))


def _is_lossless(page: tifffile.TiffPage) -> bool:
    full = page.photometric == MOSAIC and page.subfiletype == FULL
    lossless = page.compression == JPEG or (page.compression == PLAIN and page.bitspersample == 16)
    return bool(full and lossless) and LINEARISATION_TABLE not in page.tags

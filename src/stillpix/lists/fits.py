"""FITS masks, and ccdproc's CCDData with its MASK extension; astropy is imported when they are.

The first row of the array is the first row of the photo as its file stores it. Ignores
what a header says about which way is up.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingPackageError
from ..maps.records import Defect
from .entries import ListedDefect, Target, refuse
from .masks import marked_in, mask_of, require_shape

MASK = "MASK"  # the name that CCDData gives its extension
DAMAGED = "copy it again, or check --from"
# What astropy raises at damaged headers, besides an error of its own.
UNREADABLE = (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError)


def encode(defects: Sequence[Defect], target: Target) -> bytes:
    """Return a FITS file whose picture is the mask: 1 where a pixel is broken, 0 elsewhere."""
    fits = _astropy("a FITS mask")
    mask = fits.PrimaryHDU(mask_of(defects, target).astype(np.uint8))
    return _bytes_of(fits.HDUList([mask]))


def encode_ccddata(defects: Sequence[Defect], target: Target) -> bytes:
    """Return a file that `CCDData.read` takes: a dark picture, and the mask as its extension."""
    fits = _astropy("a CCDData file")
    mask = mask_of(defects, target).astype(np.uint8)
    picture = fits.PrimaryHDU(np.zeros_like(mask))
    picture.header["BUNIT"] = "adu"
    return _bytes_of(fits.HDUList([picture, fits.ImageHDU(mask, name=MASK)]))


def decode(content: bytes, path: Path, target: Target) -> Iterator[ListedDefect]:
    """Yield what is not 0 in the MASK extension, or where there is none in the first picture."""
    fits = _astropy("a FITS file")
    if not content.startswith(b"SIMPLE"):
        raise refuse(path, "", "is not a FITS file", DAMAGED)
    try:
        with warnings.catch_warnings(action="ignore"):
            mask = _picture(fits, content, path, target)
    except (*UNREADABLE, fits.VerifyError) as error:
        reason = f"is a damaged FITS file ({' '.join(str(error).split())[:80]})"
        raise refuse(path, "", reason, DAMAGED) from error
    if mask.dtype.kind == "f" and np.isnan(mask).any():
        raise refuse(path, "", "holds NaN, which marks nothing", "save the mask as 0 and 1")
    yield from marked_in(mask, path)


def _picture(fits: Any, content: bytes, path: Path, target: Target) -> NDArray[np.generic]:
    with fits.open(BytesIO(content), memmap=False) as units:
        pictures = [unit for unit in units if unit.is_image and unit.shape]
        named = [unit for unit in pictures if unit.name == MASK]
        if not pictures:
            raise refuse(path, "", "holds no picture", DAMAGED)
        unit = (named or pictures)[0]
        require_shape(unit.shape, target, path)  # before anything of that size is made
        return np.asarray(unit.data)


def _bytes_of(units: Any) -> bytes:
    file = BytesIO()
    units.writeto(file)
    return file.getvalue()


def _astropy(what: str) -> Any:
    try:
        return import_module("astropy.io.fits")
    except ImportError as error:
        raise MissingPackageError(
            f"{what} needs astropy, which is not installed; pip install 'stillpix[fits]'"
        ) from error

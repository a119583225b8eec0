"""FITS images of astronomical cameras: one plane of whole numbers or floats, read by astropy.

Needs the extra `fits`. Never takes a cube or a table for a photo, and never guesses what a pixel
without a value was. Rows are kept in the order in which the file stores them.

The keywords are those of the FITS standard 4.0 (IAU FITS Working Group, 2018) and of SBFITSEXT,
which capture programs have added to.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import astropy.io.fits as astropy_fits
import numpy as np
from astropy.io.fits.verify import VerifyError
from astropy.utils.exceptions import AstropyWarning
from numpy.typing import NDArray

from stillpix.errors import ReadError
from stillpix.frame import BAYER, Layout, Pixels
from stillpix.images.content import Buffer
from stillpix.images.exif import Exif, camera_time
from stillpix.images.outline import CUT_SHORT, Outline, require_photo_size

WHITE = 65535
FULL_FLOAT = 1.0  # of pictures in floats that count light as a share of white
DAMAGED = "is a damaged FITS file ({}); copy it again, or leave it out"
# what astropy raises at damaged headers
DAMAGE = (OSError, ValueError, TypeError, KeyError, IndexError, VerifyError)
LONGEST_EXPOSURE_S = 24 * 3600.0
DECIBELS = ("ZWO", "ASI")  # whose GAIN counts tenths of a decibel


def read_outline(file: BinaryIO, path: Path) -> Outline:
    """Return the size and the facts of a FITS image; raise ReadError."""
    with _image_of(file, path) as image:
        header, (height, width) = image.header, image.shape
        require_photo_size(path, width, height)
        white = 255 if header["BITPIX"] == 8 and not header.get("BZERO", 0) else WHITE
        return Outline(
            width, height, white, _facts_of(header), _layout_of(header, height),
            dark="dark" in _word(header, "IMAGETYP", "FRAME").lower(),
        )  # fmt: skip


def decode(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:  # noqa: ARG001 - same for all formats
    """Return the picture as uint8 or uint16 (height, width), rows as stored; raise ReadError."""
    with _image_of(BytesIO(content), path) as image:
        eight_bits = image.header["BITPIX"] == 8 and not image.header.get("BZERO", 0)
        try:
            values = image.data
        except (OSError, ValueError, TypeError, IndexError) as error:
            raise ReadError(path, CUT_SHORT) from error
        if values is None:
            raise ReadError(path, CUT_SHORT)
        return np.array(values, np.uint8) if eight_bits else _sixteen_bits(values, path)


def decode_colour(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:
    """Return what decode does: a FITS image of one plane has no colours."""
    return decode(content, path, buffer)


def require_decodable(content: bytes, path: Path) -> None:
    """Raise ReadError unless the picture can be read to its end."""
    decode(content, path, None)


@contextmanager
def _image_of(file: BinaryIO, path: Path) -> Iterator[Any]:
    """Open the first picture of a FITS file: its primary array, or that of an extension."""
    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)  # what it mends silently is no matter
        try:
            opened = astropy_fits.open(file, mode="readonly", memmap=False, lazy_load_hdus=True)
        except DAMAGE as error:
            raise ReadError(path, DAMAGED.format(error)) from error
        with opened as units:
            yield _picture_of(units, path)


def _picture_of(units: Any, path: Path) -> Any:
    try:
        image = next((unit for unit in units if unit.is_image and unit.header["NAXIS"]), None)
    except DAMAGE as error:
        raise ReadError(path, DAMAGED.format(error)) from error
    if image is None:
        raise ReadError(path, "is a FITS file without a picture; leave it out")
    shape = image.shape
    if len(shape) != 2:
        sizes = "x".join(str(side) for side in reversed(shape))
        raise ReadError(
            path, f"is a FITS cube of {sizes}; give the single frames from which it was made"
        )
    return image


def _sixteen_bits(values: NDArray[Any], path: Path) -> NDArray[np.uint16]:
    """Return the values as DN up to 65535; floats of at most 1 are shares of white."""
    if values.dtype.kind == "f":
        without = int(np.count_nonzero(~np.isfinite(values)))
        if without:
            raise ReadError(
                path,
                f"has {without} pixels without a value (NaN); give the frames as they came from"
                " the camera",
            )
    least, most = float(values.min()), float(values.max())
    if values.dtype.kind == "f" and most <= FULL_FLOAT:
        values, most = values * np.float32(WHITE), most * WHITE
    if most > WHITE or least < -WHITE:
        raise ReadError(
            path,
            f"holds values from {least:g} to {most:g}, beyond 16 bits, as sums of frames do; give"
            " the single frames",
        )
    return np.asarray(np.clip(np.rint(values), 0, WHITE), np.uint16)


def _facts_of(header: Any) -> Exif:
    stamp = _word(header, "DATE-OBS", "DATE-LOC").replace("T", " ")
    exposure = _number(header, "EXPTIME", "EXPOSURE")
    return Exif(
        make=_word(header, "MAKE") or None,
        model=_word(header, "INSTRUME", "CAMERA") or None,
        serial=_word(header, "SERIAL", "CAMERAID", "CAMSN") or None,
        software=_word(header, "SWCREATE", "CREATOR", "PROGRAM") or None,
        exposure_s=exposure if exposure and 0 < exposure <= LONGEST_EXPOSURE_S else None,
        gain=_gain_of(header),
        taken=_taken(stamp),
    )


def _taken(stamp: str) -> datetime | None:
    """Return the start of the exposure; FITS dates are YYYY-MM-DD with or without a time."""
    return camera_time(stamp) or camera_time(f"{stamp} 00:00:00")


def _gain_of(header: Any) -> float | None:
    """Return how many times the least amplification was set, by what the file says of it."""
    speed, electrons = _number(header, "ISOSPEED", "ISO"), _number(header, "EGAIN")
    if speed and speed >= 1:
        return speed / 100
    if electrons and 0 < electrons < 1000:
        return 1 / electrons
    setting = _number(header, "GAIN")
    if setting and 0 < setting < 1000 and _word(header, "INSTRUME").upper().startswith(DECIBELS):
        return float(10 ** (setting / 200))
    return None


def _layout_of(header: Any, height: int) -> Layout:
    """Return the colours of the stored (0, 0) on.

    BAYERPAT is said of the picture as it is looked at: where rows are stored from the bottom up
    (ROWORDER) and are even in number, the stored rows begin with the pattern's second.
    """
    pattern = _word(header, "BAYERPAT", "COLORTYP").upper()
    if pattern not in BAYER:
        return "mono"
    across, down = (int(_number(header, key) or 0) % 2 for key in ("XBAYROFF", "YBAYROFF"))
    if _word(header, "ROWORDER").upper() == "BOTTOM-UP":
        down = (down + height - 1) % 2
    return BAYER["".join(pattern[(n // 2 + down) % 2 * 2 + (n + across) % 2] for n in range(4))]


def _word(header: Any, *keys: str) -> str:
    """Return the first of some keywords that holds text or a number, as text."""
    for key in keys:
        value = header.get(key)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            text = " ".join(str(value).split())
            if text:
                return text
    return ""


def _number(header: Any, *keys: str) -> float | None:
    for key in keys:
        value = header.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    return None

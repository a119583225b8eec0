"""FITS images of astronomical cameras: one plane of whole numbers or floats, or three of colours.

Reads them with astropy, from the extra `fits`. A plane is a sensor's own values. Never takes a
cube, a table or one of several amplifiers for a photo. Rows stay in the order of the file.

The keywords are those of the FITS standard 4.0 (IAU FITS Working Group, 2018) and of SBFITSEXT,
which capture programs have added to.
"""

from __future__ import annotations

import gzip
import math
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import astropy.io.fits as astropy_fits
import numpy as np
from astropy.io.fits.verify import VerifyError
from astropy.utils.exceptions import AstropyWarning
from numpy.typing import NDArray

from stillpix.errors import ReadError
from stillpix.frame import BAYER, Layout, Pixels
from stillpix.images.content import Buffer
from stillpix.images.exif import Exif, camera_time
from stillpix.images.luma import colours_of, luma_of
from stillpix.images.outline import CUT_SHORT, Outline, require_photo_size
from stillpix.images.samples import WHITE, Scaling, filled, mosaic_of, picture_of, scaling_of

GZIP = b"\x1f\x8b"
COLOURS = 3  # planes of a picture that has been developed
DAMAGED = "is a damaged FITS file ({}); copy it again, or leave it out"
# what astropy raises at damaged headers
DAMAGE = (OSError, ValueError, TypeError, KeyError, IndexError, VerifyError)
LONGEST_EXPOSURE_S = 24 * 3600.0
PATTERNS = ("BAYERPAT", "COLORTYP", "FILTER")  # PANOPTES writes FILTER
TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}  # by BITPIX
# Extensions with one value for each pixel of a picture, by the names of CCDData and pipelines.
MASKS = frozenset({"MASK", "UNCERT", "DQ", "ERR", "VAR", "WEIGHT", "BPM"})
COMPRESSED = "is a compressed FITS file (.fz), which is not rewritten; unpack it with funpack"
DECIBELS = ("ZWO", "ASI")  # whose GAIN counts tenths of a decibel


def read_outline(file: BinaryIO, path: Path) -> Outline:
    """Return the size and the facts of a FITS image; raise ReadError."""
    with _picture_in(file, path) as (image, header):
        *planes, height, width = image.shape
        require_photo_size(path, width, height)
        layout = "rendered" if COLOURS in planes else _layout_of(header, height)
        return Outline(
            width, height, 255 if _is_of_eight_bits(image) else WHITE, _facts_of(header),
            layout or "mono", dark="dark" in _word(header, "IMAGETYP", "FRAME").lower(),
            layout_told=layout is not None,
        )  # fmt: skip


def decode(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:  # noqa: ARG001 - same for all formats
    """Return the plane, or the luma of three, (height, width), rows as stored; raise ReadError."""
    pixels = _pixels_of(content, path)
    return luma_of(pixels) if pixels.ndim == 3 else pixels


def decode_colour(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:  # noqa: ARG001 - same for all formats
    """Return the plane, (height, width), or the colours, (height, width, 3)."""
    pixels = _pixels_of(content, path)
    return colours_of(pixels) if pixels.ndim == 3 else pixels


class Stored(NamedTuple):
    """Where a picture lies in the bytes of an unpacked FITS file, and what its numbers mean."""

    head: int  # where its header begins
    start: int  # where its numbers do
    shape: tuple[int, ...]  # (height, width) or (3, height, width)
    dtype: np.dtype[Any]  # big-endian
    zero: float  # BZERO
    scale: float  # BSCALE
    blank: int | None  # the number that stands for no value

    def numbers(self, content: bytes | bytearray) -> NDArray[Any]:
        """Return the numbers as stored, (height, width) or (height, width, 3): a view."""
        count = math.prod(self.shape)
        values = np.frombuffer(content, self.dtype, count, self.start).reshape(self.shape)
        return np.moveaxis(values, 0, -1) if len(self.shape) == 3 else values

    def as_stored(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the numbers that the file must hold for these values."""
        numbers = (values.astype(np.float64) - self.zero) / self.scale
        if self.dtype.kind == "f":
            return numbers.astype(self.dtype)
        limits = np.iinfo(self.dtype)
        whole = np.clip(np.rint(numbers), limits.min, limits.max).astype(self.dtype)
        return whole if self.blank is None else np.where(whole == self.blank, whole + 1, whole)


def stored_in(content: bytes, path: Path) -> Stored:
    """Return where the picture of an unpacked file lies; raise ReadError if it is compressed."""
    with _picture_in(BytesIO(content), path) as (image, _):
        if isinstance(image, astropy_fits.CompImageHDU):
            raise ReadError(path, COMPRESSED)
        head, where = image.header, image.fileinfo()
        shape = tuple(side for side in image.shape[:-2] if side > 1) + tuple(image.shape[-2:])
        zero, scale = float(head.get("BZERO", 0)), float(head.get("BSCALE", 1))
        stored = Stored(
            where["hdrLoc"], where["datLoc"], shape, np.dtype(TYPES[head["BITPIX"]]), zero, scale,
            head.get("BLANK"),
        )  # fmt: skip
    if stored.start + math.prod(shape) * stored.dtype.itemsize > len(content):
        raise ReadError(path, CUT_SHORT)
    return stored


def values_in(content: bytes, path: Path) -> NDArray[Any]:
    """Return the values of the numbers, (height, width) or (height, width, 3)."""
    with _picture_in(BytesIO(content), path) as (image, _):
        values = _values_of(image, path)
    return np.moveaxis(values, 0, -1) if values.ndim == 3 else values


def scaling_in(content: bytes, path: Path) -> Scaling:
    """Return how the values of a picture become the DN that are decoded."""
    with _picture_in(BytesIO(content), path) as (image, _):
        eight_bits = _is_of_eight_bits(image)
        return Scaling() if eight_bits else scaling_of(_values_of(image, path), path)


def decode_stored(content: bytes, path: Path) -> NDArray[Any]:
    """Return the numbers as the file holds them, in this machine's byte order."""
    plain = unpacked(content)
    try:
        numbers = stored_in(plain, path).numbers(plain)
    except ReadError:
        numbers = values_in(plain, path)
    return np.ascontiguousarray(numbers, numbers.dtype.newbyteorder("="))


def unpacked(content: bytes) -> bytes:
    """Return the bytes of a FITS file, whether they are packed by gzip or not."""
    return gzip.decompress(content) if content.startswith(GZIP) else content


def require_decodable(content: bytes, path: Path) -> None:
    """Raise ReadError unless the picture can be read to its end."""
    _pixels_of(content, path)


def _pixels_of(content: bytes, path: Path) -> Pixels:
    with _picture_in(BytesIO(content), path) as (image, _):
        values = _values_of(image, path)
        if values.ndim == 3:
            return _as_picture(values, image, path)
        if _is_of_eight_bits(image):  # with a BLANK, astropy gives floats and NaN
            values = filled(values, path) if values.dtype.kind == "f" else values
            return np.array(values, np.uint8)
        return mosaic_of(values, path)


def _values_of(image: Any, path: Path) -> NDArray[Any]:
    """Return the values of the numbers, (height, width) or (3, height, width)."""
    try:
        values = image.data
    except (OSError, ValueError, TypeError, IndexError) as error:
        raise ReadError(path, CUT_SHORT) from error
    if values is None:
        raise ReadError(path, CUT_SHORT)
    planes: NDArray[Any] = values.reshape([side for side in values.shape[:-2] if side > 1]
                                          + list(values.shape[-2:]))  # fmt: skip
    return planes


def _as_picture(planes: NDArray[Any], image: Any, path: Path) -> Pixels:
    if _is_of_eight_bits(image):
        return np.array(np.moveaxis(planes, 0, -1), np.uint8)
    deep: NDArray[np.uint16] = np.moveaxis(picture_of(planes, path).astype(np.uint16), 0, -1)
    return deep


def _is_of_eight_bits(image: Any) -> bool:
    return bool(image.header["BITPIX"] == 8 and not image.header.get("BZERO", 0))


@contextmanager
def _picture_in(file: BinaryIO, path: Path) -> Iterator[tuple[Any, Any]]:
    """Open the picture of a FITS file, its primary array or an extension's, with all its facts."""
    file.seek(0)
    packed = file.read(len(GZIP)) == GZIP
    file.seek(0)
    source = gzip.GzipFile(fileobj=file) if packed else file
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)  # what it repairs by itself does not matter
        try:
            opened = astropy_fits.open(source, mode="readonly", memmap=False, lazy_load_hdus=True)
        except DAMAGE as error:
            raise ReadError(path, DAMAGED.format(error)) from error
        with opened as units:
            image = _picture_of(units, path)
            facts = image.header.copy()
            facts.extend(units[0].header, unique=True)  # facts that hold for all its pictures
            yield image, facts


def _picture_of(units: Any, path: Path) -> Any:
    """Return the largest picture; a smaller one is its preview."""
    try:
        found = [
            unit
            for unit in units
            if unit.is_image and unit.header["NAXIS"] and unit.name.upper() not in MASKS
        ]
        sizes = [math.prod(unit.shape) for unit in found]
    except (*DAMAGE, EOFError, zlib.error) as error:
        raise ReadError(path, DAMAGED.format(error)) from error
    if not found:
        raise ReadError(path, "is a FITS file without a picture; leave it out")
    alike = sizes.count(max(sizes))
    if alike > 1:
        raise ReadError(
            path,
            f"is a FITS file of {alike} pictures of one size, such as the amplifiers of a mosaic"
            " camera; save each as a file of its own",
        )
    image = found[sizes.index(max(sizes))]
    _require_planes(image.shape, path)
    return image


def _require_planes(shape: tuple[int, ...], path: Path) -> None:
    planes = [side for side in shape[:-2] if side > 1]
    if len(shape) < 2 or planes not in ([], [COLOURS]):
        named = "x".join(str(side) for side in reversed(shape))
        raise ReadError(
            path, f"is a FITS cube of {named}; give the single frames that it was made from"
        )


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
        taken=_time_of(stamp),
    )


def _time_of(stamp: str) -> datetime | None:
    """Return the start of the exposure; FITS dates are YYYY-MM-DD with or without a time."""
    return camera_time(stamp) or camera_time(f"{stamp} 00:00:00")


def _gain_of(header: Any) -> float | None:
    """Return the gain as a multiple of the least one, by the keywords that the file has."""
    speed, electrons = _number(header, "ISOSPEED", "ISO"), _number(header, "EGAIN")
    if speed and speed >= 1:
        return speed / 100
    if electrons and 0 < electrons < 1000:
        return 1 / electrons
    setting = _number(header, "GAIN")
    if setting and 0 < setting < 1000 and _word(header, "INSTRUME").upper().startswith(DECIBELS):
        return float(10 ** (setting / 200))
    return None


def _layout_of(header: Any, height: int) -> Layout | None:
    """Return the colours from the stored (0, 0) on; None if the file does not name them.

    BAYERPAT describes the picture as it is shown. If rows are stored from the bottom up (ROWORDER)
    and their number is even, the stored rows begin with the pattern's second one.
    """
    told = (_word(header, key).upper() for key in PATTERNS)
    pattern = next((word for word in told if word in BAYER), "")
    if not pattern:
        return None
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

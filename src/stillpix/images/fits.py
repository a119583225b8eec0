"""FITS images of astronomical cameras: planes of whole numbers or floats, or three of colours.

Reads them with astropy, from the extra `fits`. A plane is a sensor's own values. Each plane of a
cube is a photo, and each of several extensions of about one size is a detector or amplifier of its
own. Never takes a table, a mask or a preview for a photo. Rows stay in the order of the file.

The keywords are those of the FITS standard 4.0 (IAU FITS Working Group, 2018) and of SBFITSEXT,
which capture programs have added to.
"""

from __future__ import annotations

import gzip
import math
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
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
from stillpix.images.outline import CUT_SHORT, Outline, Part, require_photo_size
from stillpix.images.samples import WHITE, Scaling, filled, mosaic_of, picture_of, scaling_of

GZIP = b"\x1f\x8b"
BLOCK = 2880  # bytes that headers and data are filled up to
CHANGED = "changed while it was being read; read it again"
COLOURS = 3  # planes of a picture that has been developed
DAMAGED = "is a damaged FITS file ({}); copy it again, or leave it out"
# what astropy raises at damaged headers
DAMAGE = (OSError, ValueError, TypeError, KeyError, IndexError, VerifyError)
LONGEST_EXPOSURE_S = 24 * 3600.0
PATTERNS = ("BAYERPAT", "COLORTYP", "FILTER")  # PANOPTES writes FILTER
DETECTORS = (("DETECTOR", "detector"), ("CCDNAME", "CCD"), ("AMPNAME", "amplifier"))
TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}  # by BITPIX
# Extensions with one value for each pixel of a picture, by the names of CCDData and pipelines.
MASKS = frozenset({"MASK", "UNCERT", "DQ", "ERR", "VAR", "WEIGHT", "BPM"})
COMPRESSED = "is a compressed FITS file (.fz), which is not rewritten; unpack it with funpack"
DECIBELS = ("ZWO", "ASI")  # whose GAIN counts tenths of a decibel


def read_outline(file: BinaryIO, path: Path) -> Outline:
    """Return the size and the facts of the first picture in a FITS file; raise ReadError."""
    return read_outlines(file, path)[0][0]


def read_outlines(file: BinaryIO, path: Path) -> list[tuple[Outline, Part | None]]:
    """Return the outline of each photo: the planes of a cube, and the extensions of one size."""
    with _units_in(file, path) as units:
        pictures = _pictures_among(units, path)
        names = _names_of([units[place] for place in pictures])
        found: list[tuple[Outline, tuple[int, ...]]] = []
        for place, name in zip(pictures, names, strict=True):
            image = units[place]
            outline = _outline_of(image, _facts_about(image, units), path, name)
            planes = _planes_of(image.shape)
            found += [(outline, (place, plane)) for plane in range(_frames_in(planes))]
    if len(found) == 1:
        return [(found[0][0], None)]
    return [(each, Part(number, place)) for number, (each, place) in enumerate(found, start=1)]


def alone(file: BinaryIO, path: Path, place: tuple[int, ...]) -> bytes:
    """Return a FITS file with one picture, its numbers as they are stored, and no other facts."""
    unit, plane = place
    with _units_in(file, path, as_stored=True) as units:
        image = units[unit]
        if not image.is_image or plane >= _frames_in(_planes_of(image.shape)):
            raise ReadError(path, CHANGED)
        if _is_one(image):
            values = _values_of(image, path)
        else:
            values = _without_axes_of_one(_plane_of(image, plane, path))
        header = astropy_fits.Header()
        header["SIMPLE"], header["BITPIX"] = True, image.header["BITPIX"]
        header["NAXIS"] = values.ndim
        for axis, side in enumerate(reversed(values.shape), start=1):
            header[f"NAXIS{axis}"] = side
        for key in ("BZERO", "BSCALE", "BLANK"):
            if key in image.header:
                header[key] = image.header[key]
        numbers = np.ascontiguousarray(values, TYPES[image.header["BITPIX"]]).tobytes()
        head: str = header.tostring()
    return head.encode("ascii") + numbers + bytes(-len(numbers) % BLOCK)


def _is_one(image: Any) -> bool:
    return _frames_in(_planes_of(image.shape)) == 1


def _plane_of(image: Any, plane: int, path: Path) -> NDArray[Any]:
    """Return one plane of a cube, without reading the others."""
    wanted = [slice(None) if side == 1 else plane for side in image.shape[:-2]]
    try:
        found: NDArray[Any] = np.asarray(image.section[(*wanted, slice(None), slice(None))])
    except (OSError, ValueError) as error:
        raise ReadError(path, CUT_SHORT) from error
    return found


def _frames_in(planes: Sequence[int]) -> int:
    return 1 if not planes or planes == [COLOURS] else planes[0]


def _planes_of(shape: tuple[int, ...]) -> list[int]:
    """Return how many planes a picture has, without axes of length one."""
    return [side for side in shape[:-2] if side > 1]


def _without_axes_of_one(values: NDArray[Any]) -> NDArray[Any]:
    return values.reshape([*_planes_of(values.shape), *values.shape[-2:]])


def _outline_of(image: Any, header: Any, path: Path, name: str) -> Outline:
    *planes, height, width = image.shape
    require_photo_size(path, width, height)
    colours = [side for side in planes if side > 1] == [COLOURS]
    layout = "rendered" if colours else _layout_of(header, height)
    exif, which = _facts_of(header), list(_which_of(header, named=bool(name)))
    if name and exif.model is None:  # a model that nobody named would be the same for all cameras
        which.insert(0, name)
    elif name:
        exif = replace(exif, model=f"{exif.model} {name}")
    exif = replace(exif, which=", ".join(which) or None)
    return Outline(
        width, height, 255 if _is_of_eight_bits(image) else WHITE, exif, layout or "mono",
        dark="dark" in _word(header, "IMAGETYP", "FRAME").lower(),
        layout_told=layout is not None,
    )  # fmt: skip


def _names_of(images: Sequence[Any]) -> list[str]:
    """Return a name for the sensor of each picture in a file; all "" if it is the same sensor.

    Pictures with one time were read out at once, from several sensors; others are from one sensor.
    """
    times = {_word(image.header, "DATE-OBS", "MJD-OBS") for image in images}
    if len(images) == 1 or len(times - {""}) > 1:
        return [""] * len(images)
    names = [" ".join(image.name.split()) for image in images]
    if len(set(names)) == len(names) and all(names):
        return names
    return [f"{name or 'extension'} {number}" for number, name in enumerate(names, start=1)]


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
    data: int  # where all numbers of its unit begin
    size: int  # of these, in bytes
    start: int  # where its own numbers do: those of one plane, perhaps
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


def stored_in(content: bytes, path: Path, place: tuple[int, ...] = ()) -> Stored:
    """Return where a picture of an unpacked file lies; raise ReadError if it is compressed."""
    with _units_in(BytesIO(content), path) as units:
        unit, plane = place or (_pictures_among(units, path)[0], 0)
        image = units[unit]
        if isinstance(image, astropy_fits.CompImageHDU):
            raise ReadError(path, COMPRESSED)
        head, where = image.header, image.fileinfo()
        dtype = np.dtype(TYPES[head["BITPIX"]])
        planes = _planes_of(image.shape) if _is_one(image) else []
        shape = (*planes, *image.shape[-2:])
        zero, scale = float(head.get("BZERO", 0)), float(head.get("BSCALE", 1))
        stored = Stored(
            where["hdrLoc"], where["datLoc"], math.prod(image.shape) * dtype.itemsize,
            where["datLoc"] + plane * math.prod(shape) * dtype.itemsize, shape, dtype, zero, scale,
            head.get("BLANK"),
        )  # fmt: skip
    if stored.data + stored.size > len(content):
        raise ReadError(path, CUT_SHORT)
    return stored


def values_in(content: bytes, path: Path) -> NDArray[Any]:
    """Return the values of the numbers, (height, width) or (height, width, 3)."""
    with _picture_in(BytesIO(content), path) as image:
        values = _values_of(image, path)
    return np.moveaxis(values, 0, -1) if values.ndim == 3 else values


def scaling_in(content: bytes, path: Path) -> Scaling:
    """Return how the values of a picture become the DN that are decoded."""
    with _picture_in(BytesIO(content), path) as image:
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
    with _picture_in(BytesIO(content), path) as image:
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
    return _without_axes_of_one(values)


def _as_picture(planes: NDArray[Any], image: Any, path: Path) -> Pixels:
    if _is_of_eight_bits(image):
        return np.array(np.moveaxis(planes, 0, -1), np.uint8)
    deep: NDArray[np.uint16] = np.moveaxis(picture_of(planes, path).astype(np.uint16), 0, -1)
    return deep


def _is_of_eight_bits(image: Any) -> bool:
    return bool(image.header["BITPIX"] == 8 and not image.header.get("BZERO", 0))


@contextmanager
def _units_in(file: BinaryIO, path: Path, *, as_stored: bool = False) -> Iterator[Any]:
    """Open a FITS file: its primary array and its extensions."""
    file.seek(0)
    packed = file.read(len(GZIP)) == GZIP
    file.seek(0)
    source = gzip.GzipFile(fileobj=file) if packed else file
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)  # what it repairs by itself does not matter
        try:
            opened = astropy_fits.open(
                source, mode="readonly", memmap=False, lazy_load_hdus=True,
                do_not_scale_image_data=as_stored,
            )  # fmt: skip
        except DAMAGE as error:
            raise _damaged(path, error) from error
        with opened as units:
            yield units


def _damaged(path: Path, error: Exception) -> ReadError:
    """Return what astropy says of a damaged file, without its advice to programmers."""
    words = str(error.args[0] if error.args else error).partition(". ")[0]
    return ReadError(path, DAMAGED.format(words.rstrip(".")))


@contextmanager
def _picture_in(file: BinaryIO, path: Path) -> Iterator[Any]:
    """Open the first picture of a FITS file; a file that `alone` gave has no other."""
    with _units_in(file, path) as units:
        yield units[_pictures_among(units, path)[0]]


def _facts_about(image: Any, units: Any) -> Any:
    """Return a picture's header, completed by the facts that hold for all pictures of the file."""
    facts = image.header.copy()
    facts.extend(units[0].header, unique=True)
    return facts


def _pictures_among(units: Any, path: Path) -> list[int]:
    """Return which units are photos: the largest, and others of more than half its size."""
    try:
        sizes = {
            place: unit.shape[-2] * unit.shape[-1]
            for place, unit in enumerate(units)
            if unit.is_image and unit.header["NAXIS"] > 1 and unit.name.upper() not in MASKS
        }
    except (*DAMAGE, EOFError, zlib.error) as error:
        raise _damaged(path, error) from error
    if not sizes:
        raise ReadError(path, "is a FITS file without a picture; leave it out")
    found = [place for place, size in sizes.items() if 2 * size >= max(sizes.values())]
    for place in found:
        _require_planes(units[place].shape, path)
    return found


def _require_planes(shape: tuple[int, ...], path: Path) -> None:
    if len(_planes_of(shape)) > 1:
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


def _which_of(header: Any, *, named: bool) -> Iterator[str]:
    """Yield what tells a sensor, or a way to read it out, from others of the same size.

    Pixels that were added up in another way, or begin elsewhere, have other coordinates. The
    origin counts in binned pixels (SBFITSEXT). An extension's own name says which detector it is.
    """
    for key, word in DETECTORS if not named else ():
        if detector := _word(header, key):
            yield f"{word} {detector}"
    binning = [int(_number(header, key) or 1) for key in ("XBINNING", "YBINNING")]
    if binning != [1, 1]:
        yield f"binned {binning[0]}x{binning[1]}"
    origin = [int(_number(header, key) or 0) for key in ("XORGSUBF", "YORGSUBF")]
    if origin != [0, 0]:
        yield f"subframe at {origin[0]},{origin[1]}"


def facts_in(header: Any, height: int) -> tuple[Exif, Layout | None]:
    """Return the facts and the layout that a header in a program's memory names."""
    return _facts_of(header), _layout_of(header, height)


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

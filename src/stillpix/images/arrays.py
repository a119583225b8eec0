"""Pictures that a program has in memory as frames: arrays of numpy and OpenCV, and CCDData.

Copies what it keeps, so that a program may fill the same array with its next picture. Never
changes an array, and never guesses what it cannot see: a wrong one is refused by its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stillpix.arguments import wrong
from stillpix.errors import ArgumentError
from stillpix.frame import UNKNOWN, Exposure, Frame, Layout, Pixels, Sensor
from stillpix.images.content import digest_of
from stillpix.images.luma import luma_of
from stillpix.images.outline import MAX_PIXELS, MIN_SIDE
from stillpix.images.samples import WHITE, Scaling, filled, mosaic_of, picture_of, scaling_of

Order: TypeAlias = Literal["RGB", "BGR"]

KINDS = "uif"  # of numpy: whole numbers and floats
COLOURS, WITH_ALPHA = 3, 4
PICTURE = "a picture of (height, width) or (height, width, 3) numbers"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a program says of its arrays; None where an array's own header is asked."""

    layout: Layout | None = None
    order: Order = "RGB"
    white: float | None = None  # in the array's own units, as black
    black: float = 0.0
    dark: bool = False
    camera: str = UNKNOWN
    exposure_s: float | None = None
    gain: float | None = None
    taken: datetime | None = None
    digest: str | None = None  # any text; two arrays with the same one are one photo


class Samples(NamedTuple):
    """An array's values as DN, and how DN become its values again."""

    pixels: Pixels  # (height, width) or (height, width, 3)
    white: int
    scaling: Scaling


def frame_in(given: object, name: str, facts: Facts) -> tuple[Frame, bool]:
    """Return an array's frame, and whether its layout was told or is only the usual one.

    The usual layout is "rendered" for colours and for 8 bits, else "mono".

    >>> pixels = np.full((48, 64), 700, ">i2")
    >>> frame, told = frame_in(pixels, "array 1", Facts(gain=4.0))
    >>> frame.pixels.dtype.str, frame.sensor.layout, told
    ('<u2', 'mono', False)
    """
    if isinstance(given, Frame):
        return given, True
    header = getattr(given, "meta", None)
    values = values_of(given, name)
    if min(values.shape[:2]) < MIN_SIDE or values.size > COLOURS * MAX_PIXELS:
        raise wrong(name, f"from {MIN_SIDE} px a side to {MAX_PIXELS // 1_000_000} MP", values)
    if isinstance(header, Mapping) or hasattr(header, "cards"):
        facts = _completed_by(header, facts, values.shape)
    layout = layout_of(values, facts.layout, name)
    if facts.dark and layout == "rendered":
        raise ArgumentError(
            f"{name} counts as rendered, which no dark frame is; give its layout, such as mono"
        )
    colours = values[..., ::-1] if facts.order == "BGR" and values.ndim == COLOURS else values
    samples = samples_of(colours, name, rendered=layout == "rendered", white=facts.white)
    full = samples.white / samples.scaling.factor
    if facts.black and facts.black >= full:
        raise wrong("black", f"below {full:g}, the value of a full pixel in {name}", facts.black)
    pixels = luma_of(samples.pixels) if samples.pixels.ndim == COLOURS else samples.pixels
    if np.may_share_memory(pixels, values):
        pixels = pixels.copy()
    height, width = pixels.shape
    content = np.ascontiguousarray(pixels).data.cast("B")
    digest = digest_of(content if facts.digest is None else facts.digest.encode())
    return Frame(
        pixels, Sensor(UNKNOWN, facts.camera, UNKNOWN, width, height, layout),
        Exposure(facts.exposure_s, facts.gain, facts.taken), name, digest, samples.white,
        black=round(facts.black * samples.scaling.factor), dark=facts.dark,
    ), facts.layout is not None  # fmt: skip


def values_of(given: object, name: str) -> NDArray[Any]:
    """Return the values of an array, CCDData or whatever numpy can read, in this byte order.

    What CCDData or a masked array marks as bad has no value: NaN. Alpha is left out.
    """
    mask = getattr(given, "mask", None)
    held = getattr(given, "data", None)
    values = held if isinstance(held, np.ndarray) else given
    if isinstance(values, str | bytes | Mapping):
        raise wrong(name, PICTURE, values)
    try:
        values = np.asarray(values)
    except (TypeError, ValueError) as error:  # lists of uneven lengths
        raise wrong(name, PICTURE, given) from error
    if values.dtype.kind not in KINDS:
        raise wrong(name, f"{PICTURE}, whole or floating", values if values.ndim else given)
    if values.ndim == COLOURS and values.shape[2] in {1, WITH_ALPHA}:
        values = values[..., 0] if values.shape[2] == 1 else values[..., :COLOURS]
    if values.ndim == COLOURS and values.shape[0] == COLOURS and values.shape[2] != COLOURS:
        raise ArgumentError(
            f"{name} has its {COLOURS} colours along the first axis; give "
            "numpy.moveaxis(array, 0, -1)"
        )
    if values.ndim != 2 and (values.ndim != COLOURS or values.shape[2] != COLOURS):
        raise wrong(name, PICTURE, values if values.ndim else given)
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if isinstance(mask, np.ndarray) and mask.shape == values.shape and mask.any():
        values = np.where(mask, np.nan, values.astype(np.promote_types(values.dtype, np.float32)))
    return values


def layout_of(values: NDArray[Any], layout: Layout | None, name: str) -> Layout:
    """Return the layout of an array's values; refuse colours that are said to be a mosaic."""
    colours = values.ndim == COLOURS
    if layout is None:
        return "rendered" if colours or values.dtype == np.uint8 else "mono"
    if colours and layout != "rendered":
        raise ArgumentError(
            f"{name} has {COLOURS} colours, so its layout is rendered; leave layout out, or give "
            "the sensor's mosaic"
        )
    return layout


def samples_of(
    values: NDArray[Any], name: str, *, rendered: bool, white: float | None
) -> Samples:  # fmt: skip
    """Return an array's values as DN, of 8 or 16 bits or, of a mosaic, floats.

    >>> samples_of(np.array([[0.0, 0.5]]), "array 1", rendered=False, white=1.0).pixels.tolist()
    [[0.0, 32767.5]]
    """
    path = Path(name)
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        most = np.iinfo(values.dtype).max
        if white is not None and white > most:
            raise wrong("white", f"at most {most} for arrays of {values.dtype}", white)
        return Samples(np.ascontiguousarray(values), int(white or most), Scaling())
    if white is None:
        usual = picture_of if rendered else mosaic_of
        flat = values.reshape(len(values), -1)
        return Samples(usual(values, path), WHITE, scaling_of(flat, path))
    factor = 1.0 if np.iinfo(np.uint8).max < white <= WHITE else WHITE / white
    flat = values.reshape(len(values), -1)
    known = filled(flat.astype(np.promote_types(values.dtype, np.float32)), path)
    dn = (known * factor).reshape(values.shape)
    pixels: Pixels = dn.astype(np.float32)
    if rendered:
        pixels = np.clip(np.rint(dn), 0, WHITE).astype(np.uint16)
    return Samples(pixels, round(white * factor), Scaling(factor))


def _completed_by(header: Any, facts: Facts, shape: tuple[int, ...]) -> Facts:
    """Return the facts, and those of a FITS header where the program says nothing."""
    from stillpix.images.fits import facts_in

    exif, layout = facts_in(header, shape[0])
    return replace(
        facts,
        layout=facts.layout or (layout if len(shape) == 2 else None),
        camera=(exif.model or UNKNOWN) if facts.camera == UNKNOWN else facts.camera,
        exposure_s=exif.exposure_s if facts.exposure_s is None else facts.exposure_s,
        gain=exif.gain if facts.gain is None else facts.gain,
        taken=facts.taken or exif.taken,
    )

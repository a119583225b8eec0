"""From a mosaic to the picture a camera would store: colour, tone, sharpening, JPEG.

Never draws at random, and never looks at a neighbouring photo.
"""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from functools import cache

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from .demosaic import demosaic
from .filters import Floats, compiled, gaussian_blur
from .planting import cfa_pattern
from .sensor import Mosaic, Shot
from .settings import CameraSettings

_CURVE_STEPS = 16384
_SRGB_LINEAR_BELOW = 0.0031308  # IEC 61966-2-1
_TO_SRGB = np.array([[1.75, -0.6, -0.15], [-0.25, 1.55, -0.3], [0.02, -0.52, 1.5]])
_EXIF_IFD = 0x8769


def colour_matrix(settings: CameraSettings) -> NDArray[np.float64]:
    """Return the matrix (3, 3) from balanced camera colours to linear sRGB; rows sum to 1."""
    return np.asarray(np.eye(3) + settings.colour * (_TO_SRGB - np.eye(3)), np.float64)


def raw_light(light: Floats, settings: CameraSettings) -> Floats:
    """Return a scene (height, width, 3) as the sensor's filters see it, unbalanced."""
    to_raw = np.linalg.inv(colour_matrix(settings)) / np.array(settings.white_balance)[:, None]
    return np.asarray(np.maximum(light @ to_raw.T.astype(np.float32), 0), np.float32)


@cache
def tone_curve(settings: CameraSettings) -> Floats:
    """Return 8-bit levels (not rounded) of linear light from 0 to 1: sRGB and an S-curve."""
    light = np.linspace(0, 1, _CURVE_STEPS) * 2.0**settings.brightness_ev
    roll_off = light / (1 + np.maximum(light - 0.7, 0) * max(settings.brightness_ev, 0))
    light = np.clip(roll_off / max(roll_off[-1], 1), 0, 1)
    level = np.where(light <= _SRGB_LINEAR_BELOW, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    s_curve = level * level * (3 - 2 * level)
    return np.asarray(255 * (level + 0.6 * settings.contrast * (s_curve - level)), np.float32)


@compiled
def _develop(linear: Floats, matrix: Floats, curve: Floats) -> Floats:
    """Return levels (height, width, 3) of balanced linear colours: matrix, clip, tone curve."""
    height, width, _ = linear.shape
    levels = np.empty_like(linear)
    top = curve.size - 1
    for y in range(height):
        for x in range(width):
            r, g, b = linear[y, x, 0], linear[y, x, 1], linear[y, x, 2]
            for channel in range(3):
                value = matrix[channel, 0] * r + matrix[channel, 1] * g + matrix[channel, 2] * b
                place = min(max(value, np.float32(0)), np.float32(1)) * np.float32(top)
                levels[y, x, channel] = curve[int(place + np.float32(0.5))]
    return levels


def _balance_white(mosaic: Mosaic, settings: CameraSettings) -> Floats:
    """Return the mosaic with black at 0, white balanced and clipped at 1."""
    span = settings.white_dn - settings.black_dn
    values = mosaic.astype(np.float32)
    values -= np.float32(settings.black_dn)
    values *= np.float32(1 / span)
    if settings.cfa != "MONO":
        pattern = cfa_pattern(settings.cfa)
        gains = np.array(settings.white_balance, np.float32)[pattern]
        repeats = [
            -(-length // side) for length, side in zip(values.shape, gains.shape, strict=True)
        ]
        values *= np.tile(gains, repeats)[: values.shape[0], : values.shape[1]]
    return np.minimum(values, np.float32(1))


def _refine(levels: Floats, settings: CameraSettings, gain: float) -> Floats:
    """Return levels with detail sharpened, fine noise cored, chroma blurred."""
    luma = levels @ np.array([0.299, 0.587, 0.114], np.float32)
    noisiness = np.float32(min(1.0, 0.25 + 0.15 * np.log2(max(gain, 1.0))))
    if settings.chroma_denoise > 0:
        chroma = levels - luma[:, :, None]
        share = np.float32(settings.chroma_denoise) * noisiness
        smooth = gaussian_blur(chroma, 1.6)
        smooth -= chroma
        smooth *= share
        chroma += smooth
        levels = chroma
        levels += luma[:, :, None]
    detail = luma - gaussian_blur(luma, settings.sharpening_sigma_px)
    threshold = np.float32(1.0 + 1.5 * np.sqrt(gain))
    cored = np.float32(settings.luma_denoise) * noisiness
    change = np.float32(settings.sharpening) - cored / (1 + (detail / threshold) ** 2)
    levels += np.clip(change * detail, -60, 60)[:, :, None]
    return levels


def picture(mosaic: Mosaic, settings: CameraSettings, gain: float) -> NDArray[np.uint8]:
    """Return the picture (height, width, 3) that the camera's processor makes of a mosaic."""
    linear = demosaic(_balance_white(mosaic, settings), settings.cfa, settings.demosaic)
    mono = settings.cfa == "MONO"
    matrix = np.eye(3) if mono else colour_matrix(settings)
    levels = _develop(linear, matrix.astype(np.float32), tone_curve(settings))
    levels = _refine(levels, settings, gain)
    return np.asarray(np.clip(levels + np.float32(0.5), 0, 255), np.uint8)


def exif_block(shot: Shot, taken: datetime, body: tuple[str, str, str]) -> bytes:
    """Return an Exif segment's content; `body` is make, model and serial number."""
    stamp = taken.strftime("%Y:%m:%d %H:%M:%S")
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = body[:2]
    exif[0x0112] = 1  # stored as it stood
    exif[0x0132] = stamp
    shutter = Fraction(shot.exposure_s).limit_denominator(10_000)
    exif[_EXIF_IFD] = {
        0x829A: IFDRational(shutter.numerator, shutter.denominator),
        0x829D: IFDRational(round(10 * shot.aperture), 10),
        0x8827: round(100 * shot.gain),
        0x9003: stamp,
        0xA431: body[2],
    }
    return exif.tobytes()


def jpeg_file(pixels: NDArray[np.uint8], settings: CameraSettings, exif: bytes) -> bytes:
    """Return a JPEG file of a picture (height, width, 3), its Exif segment first."""
    encoded: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(pixels),
        quality=settings.quality,
        colorspace="RGB",
        colorsubsampling=settings.subsampling,
    )
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    return encoded[:2] + segment + encoded[2:]


def luma_of_jpeg(file: bytes) -> NDArray[np.uint8]:
    """Return the luma (height, width) that a JPEG file stores."""
    luma = simplejpeg.decode_jpeg(file, colorspace="GRAY")
    return np.asarray(luma[:, :, 0], np.uint8)

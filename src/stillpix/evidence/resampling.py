"""A photo whose distortion its camera corrected, laid back to where the sensor's pixels lie.

By the law of its lens; never finds a law, and never adds anything up.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..frame import Frame, Pixels
from ..maps.lens_laws import LensLaw, inverse_at
from .rules import native
from .spot_kernels import resample

STEPS = 4096  # of a law's table: it is interpolated to 1e-6 of the radius


def laid_back(frame: Frame, law: LensLaw, focal_mm: float) -> Frame:
    """Return a rendered photo resampled so that each pixel of the sensor has one place.

    Beyond what the picture shows of the sensor it is continued by its last pixels. Its chroma is
    left out.

    >>> from stillpix.frame import Exposure, Sensor
    >>> pixels = np.full((41, 61), 50, np.uint8)
    >>> pixels[20, 57] = 150
    >>> frame = Frame(pixels, Sensor("a", "b", "c", 61, 41), Exposure(), "a.jpg", "5")
    >>> law = LensLaw("", (24.0,), ((-0.0741, 0.0, 0.0),))
    >>> np.argwhere(laid_back(frame, law, 24.0).pixels > 100).tolist()
    [[20, 55]]
    """
    pixels = laid_back_pixels(native(frame), law, focal_mm, frame.white)
    return replace(frame, pixels=pixels, chroma=None)


def laid_back_pixels(
    pixels: NDArray[np.generic], law: LensLaw, focal_mm: float, white: int
) -> Pixels:
    """Return pixels, (height, width), as `laid_back` does."""
    height, width = pixels.shape
    out: Pixels = np.empty(pixels.shape, pixels.dtype)
    radius = np.sqrt(np.linspace(0, 1, STEPS))
    inverse = inverse_at(law.terms_at(focal_mm), radius).astype(np.float32)
    resample(pixels, inverse, (width - 1) / 2, (height - 1) / 2, float(white), out)
    return out

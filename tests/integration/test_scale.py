"""What a file's numbers mean is told from the photo: their depth, their zero, what is missing."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import tifffile

import stillpix
from stillpix.evidence.mosaic import noise_of
from stillpix.frame import Exposure, Frame, Sensor
from support.effort import spread

HEIGHT, WIDTH, PHOTOS = 96, 128, 16
HOT = [(20, 12), (67, 51), (101, 84), (35, 68)]  # x, y
MOST = 4095
READ_NOISE, PER_DN = 2.5, 0.16  # DN, and DN^2 per DN


def exposures(rng, times=1.0, level=100.0):
    """Yield photos of 12 bits as floats: blurred light, its noise, and hot photosites."""
    for _ in range(PHOTOS):
        coarse = rng.uniform(0.02, 0.4, (HEIGHT // 8 + 1, WIDTH // 8 + 1))
        light = np.kron(coarse, np.ones((8, 8)))[:HEIGHT, :WIDTH] * MOST * rng.uniform(0.3, 1)
        for x, y in HOT:
            light[y, x] += 600
        noise = np.sqrt(READ_NOISE**2 + PER_DN * light) * rng.standard_normal(light.shape)
        yield (light + noise + level) * times


def tiff(pixels):
    file = BytesIO()
    tifffile.imwrite(file, pixels, photometric="minisblack")
    return file.getvalue()


def fits(pixels):
    from astropy.io import fits as astropy_fits

    file = BytesIO()
    astropy_fits.PrimaryHDU(pixels).writeto(file)
    return file.getvalue()


def found(folder, photos):
    for number, content in enumerate(photos):
        (folder / f"{number}.{'tif' if content[:2] == b'II' else 'fits'}").write_bytes(content)
    (only,) = stillpix.find([folder], fast=True)
    return {(defect.x, defect.y) for defect in only.in_state("confirmed")}


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_values_of_any_depth_show_the_same_defects(tmp_path, bits):
    photos = exposures(np.random.default_rng(1), times=2.0 ** (bits - 12))
    most = (1 << bits) - 1

    assert found(tmp_path, (tiff(np.clip(a, 0, most).astype(np.uint16)) for a in photos)) == {*HOT}


NUMBERS = (
    (np.int16, 1.0, 0.0),  # the noise of black goes below zero
    (np.float32, 1.0, 0.0),
    (np.float32, 1 / MOST, 0.0),  # shares of white
    (np.int32, 400.0, 100.0),  # sums of frames
    (np.int16, 16.0, 100.0),  # unsigned values stored as if they were signed
)


@pytest.mark.parametrize(("form", "number"), spread((tiff, fits), NUMBERS))
def test_signed_wide_and_float_values_show_the_same_defects(tmp_path, form, number):
    kind, times, level = number
    photos = exposures(np.random.default_rng(12), times, level)
    whole = np.issubdtype(kind, np.integer)
    stored = (np.rint(a).astype(np.int64).astype(kind) if whole else a.astype(kind) for a in photos)

    assert found(tmp_path, map(form, stored)) == {*HOT}


def test_places_without_a_value_in_some_photos_hide_no_defect_and_make_none(tmp_path):
    rng = np.random.default_rng(3)

    def holed():
        for a in exposures(rng):
            missing = rng.random(a.shape) < 0.02
            missing[: rng.integers(12)] = True
            missing[tuple(np.transpose([(y, x) for x, y in HOT]))] = False
            yield fits(np.where(missing, np.nan, a).astype(np.float32))

    assert found(tmp_path, holed()) == {*HOT}


def test_noise_is_told_beside_what_is_full_far_below_white():
    light = np.tile(np.linspace(100, 6000, 400), (300, 1))
    noise = np.random.default_rng(4).standard_normal(light.shape)
    values = light + np.sqrt(READ_NOISE**2 + PER_DN * light) * noise
    pixels = np.clip(np.rint(values), 0, MOST).astype(np.uint16)
    sensor = Sensor("a", "b", "c", 400, 300, "mono")

    slope, zero, _ = noise_of(Frame(pixels, sensor, Exposure(), "a", "1", 65535))

    assert slope == pytest.approx(PER_DN, rel=0.15)
    assert abs(zero - READ_NOISE**2) < 60

"""FITS images: what is read of them, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from stillpix.errors import ReadError
from stillpix.images import read_frame, read_header
from support import mosaic_files
from support.mosaic_files import noise


def saved(tmp_path, content, name="a.fits"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def read(tmp_path, pixels, **keywords):
    return read_frame(read_header(saved(tmp_path, mosaic_files.fits(pixels, **keywords))))


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "kind", [np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64], ids=str
)
def test_every_kind_of_number_is_read(tmp_path, kind, compressed):
    if compressed and kind in {np.float32, np.float64}:
        pytest.skip("Rice compression of floats loses digits")
    pixels = (noise() // (64 if kind is np.uint8 else 1)).astype(kind)

    frame = read(tmp_path, pixels, compressed=compressed)

    assert np.array_equal(frame.pixels, pixels)
    assert frame.pixels.dtype == (np.uint8 if kind is np.uint8 else np.uint16)
    assert frame.white == (255 if kind is np.uint8 else 65535)


def test_floats_up_to_one_are_shares_of_white(tmp_path):
    pixels = np.linspace(0, 1, 64 * 96, dtype=np.float32).reshape(64, 96)

    assert np.abs(read(tmp_path, pixels).pixels - pixels * 65535.0).max() <= 0.51


def test_negative_values_of_calibrated_frames_are_black(tmp_path):
    assert read(tmp_path, noise().astype(np.int16) - 5000).pixels.min() == 0


def test_the_facts_are_read_from_the_keywords(tmp_path):
    header = read_header(saved(tmp_path, mosaic_files.fits(
        noise(), EXPTIME=120.0, INSTRUME="ZWO ASI2600MC Pro", GAIN=100, IMAGETYP="Dark Frame",
        DATE_OBS="2024-02-03T04:05:06.789", SWCREATE="Capture 1.0", BAYERPAT="RGGB",
    )))  # fmt: skip

    assert header.format == "fits"
    assert (header.sensor.model, header.sensor.layout) == ("ZWO ASI2600MC Pro", "bayer-RGGB")
    assert (header.exposure.exposure_s, header.dark) == (120.0, True)
    assert header.exposure.gain == pytest.approx(10**0.5)
    assert str(header.exposure.taken) == "2024-02-03 04:05:06"


@pytest.mark.parametrize(
    ("keywords", "layout"),
    [
        ({}, "mono"),
        ({"BAYERPAT": "GBRG"}, "bayer-GBRG"),
        ({"BAYERPAT": "RGGB", "XBAYROFF": 1}, "bayer-GRBG"),
        ({"BAYERPAT": "RGGB", "YBAYROFF": 1}, "bayer-GBRG"),
        ({"BAYERPAT": "RGGB", "ROWORDER": "TOP-DOWN"}, "bayer-RGGB"),
        ({"BAYERPAT": "RGGB", "ROWORDER": "BOTTOM-UP"}, "bayer-GBRG"),
        ({"BAYERPAT": "nonsense"}, "mono"),
    ],
)
def test_the_pattern_is_told_from_the_first_stored_photosite_on(tmp_path, keywords, layout):
    assert read(tmp_path, noise(), **keywords).sensor.layout == layout


@pytest.mark.parametrize(
    ("facts", "gain"), [({"ISOSPEED": 800}, 8.0), ({"EGAIN": 0.25}, 4.0), ({"GAIN": 100}, None)]
)
def test_the_gain_is_what_the_file_can_say_of_it(tmp_path, facts, gain):
    assert read(tmp_path, noise(), INSTRUME="Other", **facts).exposure.gain == gain


def with_nan():
    pixels = noise().astype(np.float32)
    pixels[3, 4:7] = np.nan
    return pixels


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (with_nan(), r"has 3 pixels without a value \(NaN\); give the frames"),
        (np.zeros((3, 64, 96), np.uint16), "is a FITS cube of 96x64x3; give the single frames"),
        (np.zeros((5, 3, 64, 96), np.uint16), "is a FITS cube of 96x64x3x5"),
        (noise().astype(np.int32) * 100, "holds values from .* beyond 16 bits"),
        (np.zeros(40, np.uint16), "is a FITS cube of 40;"),
        (None, "is a FITS file without a picture; leave it out"),
        (np.zeros((8, 8), np.uint16), "is 8x8 pixels, too small"),
    ],
)
def test_what_is_no_single_frame_is_refused_with_what_to_do(tmp_path, pixels, reason):
    with pytest.raises(ReadError, match=rf"a\.fits: {reason}"):
        read(tmp_path, pixels)


@pytest.mark.parametrize("length", [100, 2879, 2880, 2881, 9000])
def test_a_file_that_is_cut_short_is_refused(tmp_path, length):
    content = mosaic_files.fits(noise())

    with pytest.raises(ReadError, match=r"a\.fits: is (cut short|a damaged FITS|a FITS file with)"):
        read_frame(read_header(saved(tmp_path, content[:length])))


def test_missing_keywords_leave_the_facts_unknown(tmp_path):
    header = read_header(saved(tmp_path, mosaic_files.fits(noise())))

    assert (header.sensor.make, header.sensor.model) == ("unknown", "unknown")
    assert header.exposure.exposure_s is None
    assert header.exposure.taken is None

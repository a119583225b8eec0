"""FITS images: what is read of them, and what is refused."""

from __future__ import annotations

import gzip
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from stillpix.errors import ReadError
from stillpix.images import is_photo, read_colour, read_frame, read_header, read_headers
from stillpix.images.gather import gather
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


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.float32])
def test_negative_values_of_calibrated_frames_are_kept(tmp_path, kind):
    pixels = noise().astype(kind) - 1000

    assert np.array_equal(read(tmp_path, pixels).pixels, pixels)
    assert pixels.min() < 0


def test_floats_between_whole_numbers_are_kept(tmp_path):
    pixels = noise().astype(np.float32) / 4

    assert np.array_equal(read(tmp_path, pixels).pixels, pixels)


def test_values_that_old_programs_stored_as_if_signed_are_unsigned(tmp_path):
    pixels = noise() * 20

    assert read(tmp_path, pixels.astype(np.int16)).pixels.tolist() == pixels.tolist()
    assert pixels.max() > 50_000


def test_sums_of_frames_are_scaled_to_16_bits(tmp_path):
    pixels = noise().astype(np.int32) * 100

    frame = read(tmp_path, pixels)

    assert np.array_equal(frame.pixels, pixels / 16)
    assert frame.pixels.max() <= frame.white


def test_places_without_a_value_take_what_lies_between_their_neighbours(tmp_path):
    pixels = np.add.outer(np.arange(64.0), 3 * np.arange(96.0)).astype(np.float32)
    holed = pixels.copy()
    holed[5, 7:9], holed[20:24] = np.nan, np.inf

    found = read(tmp_path, holed).pixels

    assert found[5].tolist() == pixels[5].tolist()
    assert np.isfinite(found).all()
    assert np.abs(found - pixels).max() <= 2 * 2


def test_blank_whole_numbers_are_places_without_a_value(tmp_path):
    pixels = np.full((64, 96), 7, np.int16)
    pixels[3, 4] = -999

    assert read(tmp_path, pixels, BLANK=-999).pixels.tolist() == np.full((64, 96), 7).tolist()


def test_a_frame_of_nan_alone_is_refused(tmp_path):
    with pytest.raises(ReadError, match="holds no values at all, only NaN"):
        read(tmp_path, np.full((64, 96), np.nan, np.float32))


def test_a_cube_of_one_plane_is_a_plain_frame(tmp_path):
    assert np.array_equal(read(tmp_path, noise()[None]).pixels, noise())


def test_three_planes_are_a_rendered_picture(tmp_path):
    planes = np.stack([noise(), noise() // 2, noise() // 3])
    header = read_header(saved(tmp_path, mosaic_files.fits(planes)))

    luma = planes[0] * 0.299 + planes[1] * 0.587 + planes[2] * 0.114

    assert header.sensor.layout == "rendered"
    assert np.abs(read_frame(header).pixels - luma).max() <= 1
    assert np.array_equal(read_colour(header), np.moveaxis(planes, 0, -1))


def test_a_file_packed_by_gzip_is_read(tmp_path):
    path = saved(tmp_path, gzip.compress(mosaic_files.fits(noise(), BAYERPAT="RGGB")), "a.fits.gz")

    assert is_photo(path)
    assert np.array_equal(read_frame(read_header(path)).pixels, noise())


@pytest.mark.parametrize("cut", [10, 2000, -100])
def test_a_damaged_file_packed_by_gzip_is_refused(tmp_path, cut):
    content = gzip.compress(mosaic_files.fits(noise()))[:cut]

    with pytest.raises(ReadError, match=r"a\.fits\.gz: is (cut short|a? ?damaged)"):
        read_frame(read_header(saved(tmp_path, content, "a.fits.gz")))


def units(*pictures, **keywords):
    from astropy.io import fits as astropy_fits

    primary = astropy_fits.PrimaryHDU()
    primary.header.update(keywords)
    file = BytesIO()
    extensions = [astropy_fits.ImageHDU(picture) for picture in pictures]
    astropy_fits.HDUList([primary, *extensions]).writeto(file)
    return file.getvalue()


def test_an_extension_has_the_facts_that_the_file_says_first(tmp_path):
    content = units(noise()[::4, ::4].copy(), noise(), INSTRUME="Acme CCD", EXPTIME=30.0)
    header = read_header(saved(tmp_path, content))

    assert (header.sensor.model, header.exposure.exposure_s) == ("Acme CCD", 30.0)
    assert np.array_equal(read_frame(header).pixels, noise())


def test_of_several_amplifiers_each_is_told(tmp_path):
    assert len(read_headers(saved(tmp_path, units(noise(), noise())))) == 2


@pytest.mark.parametrize(
    ("keywords", "which"),
    [
        ({}, ""),
        ({"XBINNING": 1, "YBINNING": 1, "XORGSUBF": 0, "YORGSUBF": 0}, ""),
        ({"DETECTOR": "Q2"}, "detector Q2"),
        ({"CCDNAME": "ccd 7", "AMPNAME": 3}, "CCD ccd 7, amplifier 3"),
        ({"XBINNING": 2, "YBINNING": 2}, "binned 2x2"),
        ({"XBINNING": 2.0, "YBINNING": 1.0}, "binned 2x1"),
        ({"XORGSUBF": 64, "YORGSUBF": 0}, "subframe at 64,0"),
        ({"XBINNING": 3, "YBINNING": 3, "YORGSUBF": 8}, "binned 3x3, subframe at 0,8"),
        ({"XBINNING": "two", "XORGSUBF": ""}, ""),
    ],
)
def test_detectors_binning_and_subframes_are_told_apart(tmp_path, keywords, which):
    header = read(tmp_path, noise(), INSTRUME="Acme CCD", **keywords)

    assert (header.sensor.model, header.sensor.which) == ("Acme CCD", which)


def test_extensions_of_a_camera_without_a_name_are_its_folders(tmp_path):
    from astropy.io import fits as astropy_fits

    sensors = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "a.fits"
        pictures = [np.full((48, 64), 100 + n, np.uint16) for n in range(2)]
        units = [astropy_fits.ImageHDU(each, name=f"AMP{n}") for n, each in enumerate(pictures)]
        astropy_fits.HDUList([astropy_fits.PrimaryHDU(), *units]).writeto(path)
        sensors += gather([path.parent]).bodies

    told = [(each.model, each.which.partition(",")[0], Path(each.folder).name) for each in sensors]
    assert sorted(told, key=lambda each: each[2]) == [
        ("unknown", "AMP0", "a"), ("unknown", "AMP1", "a"),
        ("unknown", "AMP0", "b"), ("unknown", "AMP1", "b"),
    ]  # fmt: skip


def test_a_damaged_file_is_told_of_without_advice_to_programmers(tmp_path):
    path = tmp_path / "a.fits"
    path.write_bytes(b"SIMPLE  = ?".ljust(2880))

    with pytest.raises(ReadError, match="damaged FITS") as told:
        read_header(path)

    assert "ignore_missing_simple" not in str(told.value)


def test_a_cube_that_is_cut_short_is_said_to_be(tmp_path):
    from astropy.io import fits as astropy_fits

    path = tmp_path / "a.fits"
    file = BytesIO()
    astropy_fits.PrimaryHDU(np.full((5, 48, 64), 100, np.uint16)).writeto(file)
    path.write_bytes(file.getvalue()[:12000])

    with pytest.raises(ReadError, match="is cut short"):
        [read_frame(header) for header in read_headers(path)]


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
        ({"FILTER": "RGGB"}, "bayer-RGGB"),
        ({"FILTER": "Ha", "BAYERPAT": "GRBG"}, "bayer-GRBG"),
    ],
)
def test_the_pattern_is_told_from_the_first_stored_photosite_on(tmp_path, keywords, layout):
    assert read(tmp_path, noise(), **keywords).sensor.layout == layout


@pytest.mark.parametrize(
    ("facts", "gain"), [({"ISOSPEED": 800}, 8.0), ({"EGAIN": 0.25}, 4.0), ({"GAIN": 100}, None)]
)
def test_the_gain_is_what_the_file_can_say_of_it(tmp_path, facts, gain):
    assert read(tmp_path, noise(), INSTRUME="Other", **facts).exposure.gain == gain


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.zeros((5, 3, 64, 96), np.uint16), "is a FITS cube of 96x64x3x5; give the single fram"),
        (np.zeros(40, np.uint16), "is a FITS file without a picture; leave it out"),
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

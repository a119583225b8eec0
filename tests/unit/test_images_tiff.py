"""TIFF pictures are read as the values that other programs read from them."""

from __future__ import annotations

import zlib
from io import BytesIO

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from stillpix.errors import ReadError
from stillpix.images import read_header, read_headers
from support import photos
from support.decoded import ROUNDED, assert_luma, frame_of, luma_by_hand, saved

VOLUME = {"photometric": "minisblack", "volumetric": True, "tile": (16, 64, 64)}


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"planarconfig": "separate"},
        {"compression": "lzw", "predictor": True},
        {"compression": "deflate", "tile": (16, 32)},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"rowsperstrip": 7},
    ],
)
def test_a_tiff_has_the_luma_of_its_colours(tmp_path, options, deep):
    pixels = photos.scene(deep=deep)
    if options.get("planarconfig") == "separate":
        stored = np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
    else:
        stored = pixels

    frame = frame_of(tmp_path, photos.tiff(stored, photometric="rgb", **options), "photo.tif")

    assert_luma(frame, luma_by_hand(pixels), within=1 if deep else ROUNDED)
    assert frame.white == (65535 if deep else 255)
    assert frame.pixels.dtype == pixels.dtype


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_a_grey_tiff_is_read_whichever_end_is_black(tmp_path, photometric, deep):
    grey = photos.scene(deep=deep)[..., 1]
    full = 65535 if deep else 255

    frame = frame_of(tmp_path, photos.tiff(grey, photometric=photometric), "photo.tif")

    assert_luma(frame, full - grey if photometric == "miniswhite" else grey)


def test_alpha_in_a_tiff_is_left_out(tmp_path):
    pixels = photos.scene()
    four = np.concatenate([pixels, pixels[..., :1]], axis=-1)

    content = photos.tiff(four, photometric="rgb", extrasamples=["unassalpha"])

    assert_luma(frame_of(tmp_path, content, "photo.tif"), luma_by_hand(pixels), within=ROUNDED)


def test_a_palette_tiff_is_looked_up(tmp_path):
    image = Image.fromarray(photos.scene()).quantize(64)
    expected = np.asarray(image.convert("RGB").convert("L"))

    assert_luma(frame_of(tmp_path, photos.encoded(image, "TIFF"), "photo.tif"), expected)


def test_a_jpeg_compressed_tiff_is_read(tmp_path):
    content = photos.encoded(Image.fromarray(photos.scene()), "TIFF", compression="jpeg")
    expected = np.asarray(Image.open(BytesIO(content)).convert("RGB").convert("L"))

    assert_luma(frame_of(tmp_path, content, "photo.tif"), expected, within=1)


def test_the_first_full_size_page_of_a_tiff_is_read(tmp_path):
    pixels, file = photos.scene(), BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(pixels[::2, ::2].copy(), subfiletype=1, photometric="rgb", metadata=None)
        writer.write(pixels, photometric="rgb", metadata=None)
        writer.write(255 - pixels[:-1], photometric="rgb", metadata=None)

    frame = frame_of(tmp_path, file.getvalue(), "photo.tif")

    assert_luma(frame, luma_by_hand(pixels), within=ROUNDED)


def test_a_tiff_of_previews_alone_is_refused(tmp_path):
    with pytest.raises(ReadError, match="holds no full-size page"):
        frame_of(tmp_path, photos.tiff(subfiletype=1, photometric="rgb"), "photo.tif")


@pytest.mark.parametrize(
    ("pixels", "options", "reason"),
    [
        (np.zeros((40, 40), np.complex64), {}, "complex"),
        (np.zeros((40, 40), bool), {}, "1-bit"),
        (np.zeros((40, 40), np.uint64), {}, "64-bit"),
        (np.zeros((40, 40), np.float32), {"photometric": "miniswhite"}, "inverted"),
        (np.zeros((40, 40, 4), np.uint8), {"photometric": "separated"}, "CMYK"),
        (np.zeros((40, 40, 3), np.uint8), {"photometric": "cielab"}, "CIELab"),
        (np.zeros((16, 64, 64), np.uint8), VOLUME, "layer"),
    ],
)
def test_a_tiff_of_another_layout_is_refused_by_name(tmp_path, pixels, options, reason):
    with pytest.raises(ReadError, match=f"{reason}.*; save it as"):
        frame_of(tmp_path, photos.tiff(pixels, **options), "photo.tif")


@pytest.mark.parametrize("number", [2, 40, 90])
def test_each_page_of_a_stack_is_told(tmp_path, number):
    file = BytesIO()
    tifffile.imwrite(file, np.zeros((number, 40, 40), np.uint16), photometric="minisblack")

    assert len(read_headers(saved(tmp_path, file.getvalue(), "photo.tif"))) == number


@pytest.mark.parametrize("kind", ["i1", "i2", "i4", "u4", "f2", "f4", "f8"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_grey_of_any_kind_of_number_is_a_sensors_own_values(tmp_path, kind, byteorder):
    pixels = np.arange(40 * 50).reshape(40, 50).astype(kind)
    content = photos.tiff(pixels, photometric="minisblack", byteorder=byteorder)

    frame = frame_of(tmp_path, content, "photo.tif")

    assert np.array_equal(frame.pixels, pixels)
    assert (frame.sensor.layout, frame.white) == ("mono", 65535)


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(
    ("options", "layout"),
    [
        ({}, "mono"),
        ({"software": "Andor Solis"}, "mono"),
        ({"software": "Adobe Photoshop 24.0"}, "rendered"),
        ({"iccprofile": b"a profile"}, "rendered"),
    ],
)
def test_deep_grey_is_a_sensors_own_unless_a_profile_or_editor_is_named(
    tmp_path, options, layout, deep
):
    pixels = np.zeros((40, 40), np.uint16 if deep else np.uint8)
    path = tmp_path / "a.tif"
    path.write_bytes(photos.tiff(pixels, photometric="minisblack", **options))

    header = read_header(path)

    assert header.sensor.layout == (layout if deep else "rendered")
    assert header.layout_told == (not deep or layout == "rendered")


def test_colours_of_16_bits_stay_a_rendered_picture(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(photos.tiff(np.zeros((40, 40, 3), np.uint16), photometric="rgb"))

    assert read_header(path).sensor.layout == "rendered"


@pytest.mark.parametrize("chunk", [None, b"gAMA"])
def test_deep_grey_in_png_is_a_sensors_own_unless_a_gamma_is_named(tmp_path, chunk):
    content = imagecodecs.png_encode(np.zeros((40, 40), np.uint16))
    if chunk:
        body = chunk + (45455).to_bytes(4, "big")
        content = (
            content[:33] + b"\0\0\0\4" + body + zlib.crc32(body).to_bytes(4, "big") + content[33:]
        )
    path = tmp_path / "a.png"
    path.write_bytes(content)

    assert read_header(path).sensor.layout == ("rendered" if chunk else "mono")


def test_a_float_picture_of_three_colours_is_of_shares_of_white(tmp_path):
    pixels = np.linspace(0, 1, 40 * 50 * 3, dtype=np.float32).reshape(40, 50, 3)

    frame = frame_of(tmp_path, photos.tiff(pixels, photometric="rgb"), "photo.tif")

    assert frame.sensor.layout == "rendered"
    assert_luma(frame, luma_by_hand(pixels * 65535.0), within=2)


def test_a_black_level_of_a_tiff_is_read(tmp_path):
    tags = [(50714, "H", 4, (4800, 4802, 4800, 4798), True)]
    path = tmp_path / "a.tif"
    path.write_bytes(photos.tiff(np.zeros((40, 40), np.uint16), extratags=tags))

    assert read_header(path).black == 4800


def test_a_tiff_whose_pixels_are_cut_short_is_refused_rather_than_filled_with_zeros(tmp_path):
    with pytest.raises(ReadError, match="is cut short"):
        frame_of(tmp_path, photos.tiff(photometric="rgb")[:-500], "photo.tif")


def test_a_cr2_under_the_name_of_a_tiff_is_refused(tmp_path):
    head = b"II*\0\x10\0\0\0CR\x02\0\0\0\0\0"
    content = head + photos.directory([(256, 3, 1, b"\x40\0"), (257, 3, 1, b"\x40\0")], 16)

    with pytest.raises(ReadError, match="is no RAW file that LibRaw knows"):
        read_header(saved(tmp_path, content, "photo.tif"))


def test_a_raw_suffix_is_enough_to_refuse_a_tiff_inside(tmp_path):
    with pytest.raises(ReadError, match="is no RAW file that LibRaw knows"):
        read_header(saved(tmp_path, photos.tiff(photometric="rgb"), "photo.NEF"))

"""DNGs that LibRaw does not read: of JPEG XL as their writers pack them, and grey ones."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.errors import ReadError
from stillpix.images import decode_colour, read_colour, read_frame, read_header
from stillpix.rewriting.dng.appending import opcodes_of
from stillpix.rewriting.dng.opcodes import bad_pixels_in

JPEG_XL, MOSAIC, LINEAR = 52546, 32803, 34892
HEIGHT, WIDTH = 64, 96


def noise(*shape, most=4000):
    return np.random.default_rng(1).integers(200, most, shape).astype(np.uint16)


def dng(stored, *, extra=(), active=None, photometric=MOSAIC):
    """Return a DNG of lossless JPEG XL tiles."""
    tags = [
        (50706, "B", 4, (1, 7, 1, 0), True), (271, "s", 0, "Acme", True),
        (272, "s", 0, "Acme One", True), (50717, "I", 1, 4095, True), *extra,
    ]  # fmt: skip
    if photometric == MOSAIC:
        tags += [(33421, "H", 2, (2, 2), True), (33422, "B", 4, (0, 1, 1, 2), True)]
    if active:
        tags.append((50829, "I", 4, active, True))
    file = BytesIO()
    tifffile.imwrite(
        file, stored, photometric=photometric, compression=JPEG_XL, subfiletype=0, tile=(32, 48),
        compressionargs={"lossless": True}, extratags=tags,
    )  # fmt: skip
    return file.getvalue()


def saved(path, content):
    path.write_bytes(content)
    return path


def test_a_mosaic_of_jpeg_xl_is_read_to_the_bit(tmp_path):
    pixels = noise(HEIGHT, WIDTH)
    header = read_header(saved(tmp_path / "a.dng", dng(pixels, active=(4, 8, 60, 90))))

    assert (header.sensor.model, header.sensor.layout) == ("Acme One", "bayer-RGGB")
    assert (header.white, header.sensor.visible) == (4095, (8, 4, 82, 56))
    assert np.array_equal(read_frame(header).pixels, pixels)


def test_the_pattern_counts_from_the_visible_area(tmp_path):
    header = read_header(saved(tmp_path / "a.dng", dng(noise(64, 96), active=(3, 8, 60, 90))))

    assert header.sensor.layout == "bayer-GBRG"


def test_colours_of_jpeg_xl_are_read_to_the_bit(tmp_path):
    pixels = noise(HEIGHT, WIDTH, 3)
    header = read_header(saved(tmp_path / "a.dng", dng(pixels, photometric=LINEAR)))

    assert header.sensor.layout == "rendered"
    assert np.array_equal(read_colour(header), pixels)


def test_interleaved_rows_and_columns_are_put_in_order(tmp_path):
    pixels = noise(HEIGHT, WIDTH)
    stored = np.block([[pixels[0::2, 0::2], pixels[0::2, 1::2]],
                       [pixels[1::2, 0::2], pixels[1::2, 1::2]]])  # fmt: skip
    extra = ((50975, "I", 1, 2, True), (52547, "I", 1, 2, True))
    header = read_header(saved(tmp_path / "a.dng", dng(stored, extra=extra)))

    assert np.array_equal(read_frame(header).pixels, pixels)


def test_a_linearisation_table_is_applied(tmp_path):
    codes = noise(HEIGHT, WIDTH, most=256)
    curve = (np.arange(256) ** 2 // 16).astype(np.uint16)
    extra = ((50712, "H", 256, tuple(curve.tolist()), True),)
    header = read_header(saved(tmp_path / "a.dng", dng(codes, extra=extra)))

    assert np.array_equal(read_frame(header).pixels, curve[codes])


def test_a_file_that_is_cut_short_is_no_photo(tmp_path):
    content = dng(noise(HEIGHT, WIDTH))
    for end in range(len(content) // 8, len(content), len(content) // 8):
        path = saved(tmp_path / "a.dng", content[:end])
        with pytest.raises(ReadError):
            read_frame(read_header(path))


@pytest.mark.usefixtures("library")
def test_fix_lists_broken_pixels_in_it_and_keeps_every_other(tmp_path):
    pixels = noise(HEIGHT, WIDTH)
    photo = saved(tmp_path / "a.dng", dng(pixels))
    ran = CliRunner().invoke(
        app, ["fix", str(photo), "--at", "50,40", "--out", str(tmp_path / "out")]
    )

    copy = tmp_path / "out" / "a.dng"
    assert ran.exit_code == 0, ran.stderr
    assert bad_pixels_in(opcodes_of(copy.read_bytes(), copy)).points == ((50, 40),)
    assert np.array_equal(decode_colour(read_header(copy), copy.read_bytes()), pixels)


@pytest.mark.usefixtures("library")
def test_fix_names_the_remedy_where_values_cannot_be_replaced(tmp_path):
    photo = saved(tmp_path / "a.dng", dng(noise(HEIGHT, WIDTH, 3), photometric=LINEAR))
    arguments = ["fix", str(photo), "--at", "50,40", "--out", str(tmp_path / "out"), "--all"]
    ran = CliRunner().invoke(app, arguments)

    assert ran.exit_code == 3
    assert "JPEG XL compression, whose values are not replaced" in " ".join(ran.stderr.split())


def grey_dng(pixels):
    tags = [(50706, "B", 4, (1, 4, 0, 0), True), (50708, "s", 0, "Acme One", True),
            (50717, "I", 1, 16383, True)]  # fmt: skip
    file = BytesIO()
    tifffile.imwrite(file, pixels, photometric="minisblack", subfiletype=0, extratags=tags)
    return file.getvalue()


def test_a_grey_dng_is_a_monochrome_sensors(tmp_path):
    pixels = noise(HEIGHT, WIDTH)
    header = read_header(saved(tmp_path / "a.dng", grey_dng(pixels)))

    assert (header.sensor.model, header.sensor.layout) == ("Acme One", "mono")
    assert header.white == 16383
    assert np.array_equal(read_frame(header).pixels, pixels)

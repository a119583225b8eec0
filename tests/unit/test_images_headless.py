"""Headless .raw files: read in the shape that a person names, and in no other."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.errors import ReadError
from stillpix.images import Buffer, read_colour, read_frame, read_header
from stillpix.images.headless import Shape
from support.mosaic_files import noise

SHAPE = Shape(96, 64)


def saved(path, seed=1):
    pixels = noise(SHAPE.height, SHAPE.width, seed)
    path.write_bytes(pixels.astype("<u2").tobytes())
    return path, pixels


@pytest.mark.parametrize("buffer", [None, Buffer()])
def test_a_headless_file_is_read_in_its_shape(tmp_path, buffer):
    path, pixels = saved(tmp_path / "a.raw")
    header = read_header(path, shape=SHAPE)

    assert (header.sensor.width, header.sensor.height) == SHAPE
    assert not header.layout_told
    assert np.array_equal(read_frame(header, buffer=buffer).pixels, pixels)
    assert np.array_equal(read_colour(header), pixels)


def test_a_shape_that_does_not_fit_is_refused(tmp_path):
    path, _ = saved(tmp_path / "a.raw")

    with pytest.raises(ReadError, match=r"is 12288 bytes long, and not 12480 .* correct --shape"):
        read_header(path, shape=Shape(96, 65))


def test_without_a_shape_it_is_asked_for(tmp_path):
    path, _ = saved(tmp_path / "a.raw")

    with pytest.raises(ReadError, match="the size, such as --shape 1920x1080"):
        read_header(path)


@pytest.mark.parametrize("size", [(640, 480), (2848, 2134)])
def test_a_developed_picture_of_kodak_is_called_that(tmp_path, size):
    path = tmp_path / "a.raw"
    path.write_bytes(bytes(size[0] * size[1] * 3 // 2))

    with pytest.raises(ReadError, match="of a Kodak EasyShare"):
        read_header(path)


@pytest.mark.slow
@pytest.mark.usefixtures("library")
def test_find_takes_a_shape_and_a_pattern(tmp_path):
    for number in range(4):
        saved(tmp_path / f"{number}.raw", number)
    arguments = ["find", str(tmp_path), "--shape", "96x64", "--pattern", "RGGB", "--fast"]

    ran = CliRunner().invoke(app, arguments)

    assert ran.exit_code == 0, ran.stderr
    assert "96x64 RAW" in ran.stdout or "after 4 photos" in ran.stdout
    ran = CliRunner().invoke(app, ["find", str(tmp_path), "--shape", "96"])
    assert ran.exit_code == 2
    assert "'96' is no size; give width and height" in " ".join(ran.stderr.split())

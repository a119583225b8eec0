"""Crops and subframes of one sensor: found once, repaired in photos of every mode."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.images import read_header
from stillpix.maps import read_map
from stillpix.maps.records import Defect, DefectMap
from support import series
from support.fixing import at, decoded

LEFT, TOP, WIDTH, HEIGHT = 20, 15, 120, 90  # of the crop


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


def cropped(folder, numbers):
    folder.mkdir()
    for number in numbers:
        pixels = series.scene(number)[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH]
        (folder / f"C{number}.jpg").write_bytes(series.jpeg(pixels))
    return folder


def test_a_crop_is_repaired_by_the_map_of_the_full_frame(tmp_path, library):
    (photo,) = series.write(tmp_path / "full", range(1))
    library.save(DefectMap(read_header(photo).sensor, at(series.HOT)))
    crops = cropped(tmp_path / "crops", range(20, 26))

    ran = run("fix", crops, "--out", tmp_path / "fixed")

    assert ran.exit_code == 0, ran.output
    assert f"shifted by {-LEFT:+d},{-TOP:+d}" in " ".join(ran.output.split())
    x, y = series.HOT[1]
    for photo in crops.iterdir():
        before = decoded(photo.read_bytes())
        after = decoded((tmp_path / "fixed" / photo.name).read_bytes())
        assert after[y - TOP, x - LEFT].max() < before[y - TOP, x - LEFT].max() - 30


def test_a_resized_picture_is_not_taken_for_a_crop(tmp_path, library):
    (photo,) = series.write(tmp_path / "full", range(1))
    library.save(DefectMap(read_header(photo).sensor, at(series.HOT)))
    small = tmp_path / "small"
    small.mkdir()
    for number in range(4):
        pixels = series.scene(number)[::2, ::2]
        (small / f"{number}.jpg").write_bytes(series.jpeg(pixels))

    ran = run("fix", small, "--out", tmp_path / "fixed")

    assert ran.exit_code == 3
    assert not list((tmp_path / "fixed").glob("*.jpg"))


@pytest.fixture
def subframes(tmp_path):
    """Return FITS subframes of one sensor at two places, with three hot photosites."""
    fits = pytest.importorskip("astropy.io.fits")
    folder = tmp_path / "subframes"
    folder.mkdir()
    for number in range(16):
        rng = np.random.default_rng(number)
        frame = (
            900
            + rng.normal(0, 30, (120, 160))
            + 40 * rng.random((12, 16)).repeat(10, 0).repeat(10, 1)
        )
        for x, y in series.HOT:
            frame[y, x] += 900
        left, top = ((0, 0), (50, 20))[number % 2]
        hdu = fits.PrimaryHDU(frame[top : top + 90, left : left + 100].astype(np.uint16))
        hdu.header["INSTRUME"], hdu.header["EXPTIME"] = "Guide 7", 30.0
        hdu.header["XORGSUBF"], hdu.header["YORGSUBF"] = left, top
        hdu.writeto(folder / f"{number}.fits")
    return folder


def test_subframes_make_one_map_that_fits_each_of_them(subframes, tmp_path):
    ran = run("find", subframes, "--out", tmp_path / "a.json", "--fast")

    assert ran.exit_code == 0, ran.output
    assert "one map of 2 modes" in " ".join(ran.output.split())
    found = read_map(tmp_path / "a.json")
    assert {(one.x, one.y) for one in found.in_state("confirmed")} >= set(series.HOT)
    assert (found.sensor.width, found.sensor.height) == (150, 110)
    fixed = run("fix", subframes, "--map", tmp_path / "a.json", "--out", tmp_path / "fixed")
    assert fixed.exit_code == 0, fixed.output
    x, y = series.HOT[1]
    for number, (left, top) in enumerate(((0, 0), (50, 20))):
        if x - left < 100:
            before = decoded_fits(subframes / f"{number}.fits")[y - top, x - left]
            after = decoded_fits(tmp_path / "fixed" / f"{number}.fits")[y - top, x - left]
            assert after < before - 500


def decoded_fits(path):
    from astropy.io import fits

    return fits.getdata(path).astype(int)


def test_the_librarys_maps_of_other_modes_help_in_each(subframes, library, tmp_path):
    sensor = read_header(subframes / "1.fits").sensor
    library.save(DefectMap(sensor, (Defect(x=5, y=7, state="confirmed"),)))

    ran = run("fix", subframes / "0.fits", "--out", tmp_path / "fixed", "--all", "--json")

    assert ran.exit_code == 0, ran.output
    assert '"x": 55' in ran.output
    assert '"y": 27' in ran.output

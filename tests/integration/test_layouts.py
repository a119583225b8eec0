"""Files that do not say how the colours of their sensor lie: pixels tell, or a person does."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile

import stillpix
from stillpix.errors import SensorMismatchError
from stillpix.images import read_frame, read_header
from stillpix.images.gather import gather
from stillpix.images.lattice import bayer_seen
from stillpix.maps.records import Defect, DefectMap
from support import mosaic_files

HEIGHT, WIDTH = 160, 224
CELLS = {
    "RGGB": ((0, 1), (1, 2)),
    "BGGR": ((2, 1), (1, 0)),
    "GRBG": ((1, 0), (2, 1)),
    "GBRG": ((1, 2), (0, 1)),
}
REAL = Path(__file__).parents[2] / "shared" / "data"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="no real photographs beside the checkout")


def scene(rng, colours=(0.5, 1.0, 0.6)):
    """Return linear light of three colours, 0..1, with edges and shades."""
    light = np.kron(rng.uniform(0.05, 0.6, (HEIGHT // 16, WIDTH // 16)), np.ones((16, 16)))
    tint = np.kron(rng.uniform(0.7, 1.3, (HEIGHT // 32, WIDTH // 32, 3)), np.ones((32, 32, 1)))
    return light[..., None] * tint * colours


def exposed(rng, light, noise=20.0, level=500):
    values = light * 40_000 + level + rng.standard_normal(light.shape) * (noise + 60 * light**0.5)
    return np.clip(values, 0, 65535).astype(np.uint16)


def mosaic(rng, pattern="RGGB", **options):
    light, cell = scene(rng, **options), CELLS[pattern]
    flat = np.zeros((HEIGHT, WIDTH))
    for y in range(2):
        for x in range(2):
            flat[y::2, x::2] = light[y::2, x::2, cell[y][x]]
    return exposed(rng, flat)


def grey(rng):
    return exposed(rng, scene(rng)[..., 1])


def save(folder, photos, form="fits", **keywords):
    folder.mkdir(exist_ok=True)
    for number, pixels in enumerate(photos):
        if form == "tif":
            tifffile.imwrite(folder / f"{number}.tif", pixels, photometric="minisblack")
        else:
            content = mosaic_files.fits(pixels, INSTRUME="Acme CCD", **keywords)
            (folder / f"{number}.fits").write_bytes(content)
    return folder


def layouts(folder, **options):
    return [sensor.layout for sensor in gather([folder], **options).bodies]


@pytest.mark.parametrize("pattern", CELLS)
@pytest.mark.parametrize("seed", range(4))
def test_the_lattice_is_seen_and_where_green_lies(pattern, seed):
    green_beside = CELLS[pattern][0][1] == 1

    seen = bayer_seen(mosaic(np.random.default_rng(seed), pattern))

    assert seen == ("bayer-RGGB" if green_beside else "bayer-GRBG")


def test_red_and_blue_of_one_strength_do_not_hide_the_lattice():
    assert bayer_seen(mosaic(np.random.default_rng(1), colours=(0.5, 1.0, 0.5))) == "bayer-RGGB"


@pytest.mark.parametrize("seed", range(8))
def test_a_grey_picture_shows_no_lattice(seed):
    assert bayer_seen(grey(np.random.default_rng(seed))) is None


@pytest.mark.parametrize("every", [np.s_[::2], np.s_[:, ::2], np.s_[::2, ::2]], ids=str)
def test_uneven_amplifiers_are_no_lattice(every):
    pixels = grey(np.random.default_rng(1)).astype(np.float64)
    pixels[every] *= 1.008

    assert bayer_seen(pixels.astype(np.uint16)) is None


@pytest.mark.parametrize("every", [np.s_[::2], np.s_[:, ::2]], ids=str)
def test_rows_or_columns_that_differ_by_much_are_no_lattice(every):
    pixels = grey(np.random.default_rng(1)).astype(np.float64)
    pixels[every] *= 1.2

    assert bayer_seen(pixels.astype(np.uint16)) is None


def test_too_small_a_picture_shows_no_lattice():
    assert bayer_seen(mosaic(np.random.default_rng(1))[:64, :64]) is None


@pytest.mark.parametrize("form", ["fits", "tif"])
def test_photos_that_name_no_pattern_are_of_the_one_that_some_show(tmp_path, form):
    rng = np.random.default_rng(1)
    photos = [*(mosaic(rng) for _ in range(3)), *(grey(rng) // 60 + 500 for _ in range(2))]

    found = gather([save(tmp_path / "a", photos, form)])

    assert [sensor.layout for sensor in found.bodies] == ["bayer-RGGB"]
    assert found.photos == 5
    assert any("give --pattern" in warning for warning in found.warnings)


@pytest.mark.parametrize("form", ["fits", "tif"])
def test_a_monochrome_camera_is_never_taken_for_colour(tmp_path, form):
    found = gather([save(tmp_path / "a", [grey(np.random.default_rng(7)) for _ in range(6)], form)])

    assert [sensor.layout for sensor in found.bodies] == ["mono"]
    assert not any("pattern" in warning for warning in found.warnings)


def test_the_layout_is_the_same_whichever_photos_are_given(tmp_path):
    rng = np.random.default_rng(2)
    folder = save(tmp_path / "a", [mosaic(rng, "GBRG") for _ in range(7)])

    parts = [[folder / f"{number}.fits" for number in range(start, 7)] for start in range(7)]

    assert {
        layout for part in parts for sensor in gather(part).bodies for layout in [sensor.layout]
    } == {"bayer-GRBG"}


def test_a_person_names_the_pattern_and_what_a_file_says_stands(tmp_path):
    rng = np.random.default_rng(3)
    untold = save(tmp_path / "untold", [mosaic(rng, "BGGR")])
    told = save(tmp_path / "told", [mosaic(rng, "BGGR")], BAYERPAT="BGGR")

    assert layouts(untold, layout="bayer-BGGR") == ["bayer-BGGR"]
    assert layouts(untold, layout="mono") == ["mono"]
    assert layouts(told, layout="bayer-RGGB") == ["bayer-BGGR"]


def test_files_that_name_no_pattern_follow_those_of_the_same_camera_that_do(tmp_path):
    rng = np.random.default_rng(4)
    told = save(tmp_path / "told", [mosaic(rng, "BGGR")], BAYERPAT="BGGR")
    save(tmp_path / "untold", [mosaic(rng, "BGGR") for _ in range(3)])

    found = gather([tmp_path])

    assert [(sensor.layout, len(photos)) for sensor, photos in found.bodies.items()] == [
        ("bayer-BGGR", 4)
    ]
    assert told.is_dir()


def test_dark_frames_show_no_lattice_and_do_not_vote(tmp_path):
    rng = np.random.default_rng(5)
    save(
        tmp_path / "darks",
        [exposed(rng, np.zeros((HEIGHT, WIDTH))) for _ in range(9)],
        IMAGETYP="Dark",
    )
    save(tmp_path / "lights", [mosaic(rng)])

    assert layouts(tmp_path) == ["bayer-RGGB"]


def test_an_unknown_pattern_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must be one of RGGB, BGGR, GRBG, GBRG, mono"):
        stillpix.find([tmp_path], pattern="RGBW")


@pytest.mark.parametrize("named", [None, "RGGB"])
def test_defects_of_a_colour_camera_are_found_without_its_pattern(tmp_path, named):
    rng = np.random.default_rng(6)
    places = [(40, 33), (101, 90), (166, 58)]

    def photo():
        pixels = mosaic(rng).astype(np.int64)
        for x, y in places:
            pixels[y, x] += 6000
        return np.clip(pixels, 0, 65535).astype(np.uint16)

    folder = save(tmp_path / "a", [photo() for _ in range(14)])
    (found,) = stillpix.find([folder], fast=True, pattern=named)

    assert {(defect.x, defect.y) for defect in found.in_state("confirmed")} == {*places}


def test_a_single_photo_that_shows_no_lattice_is_repaired_by_the_map_of_its_camera(tmp_path):
    rng = np.random.default_rng(7)
    pixels = exposed(rng, np.full((HEIGHT, WIDTH), 0.01))
    pixels[50, 60] += 9000
    file = BytesIO()
    tifffile.imwrite(file, pixels, photometric="minisblack")
    photo = tmp_path / "a.tif"
    photo.write_bytes(file.getvalue())
    header = read_header(photo)
    colour = type(header.sensor)("unknown", "unknown", "unknown", WIDTH, HEIGHT, "bayer-RGGB")

    (verdict,) = stillpix.fix(
        photo,
        DefectMap(colour, (Defect(x=60, y=50, kind="hot", state="confirmed"),)),
        tmp_path / "b.tif",
    )

    assert verdict.outcome == "repaired"
    assert tifffile.imread(tmp_path / "b.tif")[50, 60] < 1200


def test_a_map_of_another_layout_than_the_photos_is_refused_by_it(tmp_path):
    save(tmp_path, [mosaic(np.random.default_rng(1))], BAYERPAT="RGGB")
    sensor = read_header(tmp_path / "0.fits").sensor

    with pytest.raises(SensorMismatchError, match="is laid out as bayer-RGGB, but the map as mono"):
        stillpix.fix(
            tmp_path / "0.fits", DefectMap(replace(sensor, layout="mono")), tmp_path / "b.fits"
        )


@pytest.mark.real
@needs_real
@pytest.mark.parametrize("folder", ["oscaar", "micasense"])
def test_real_monochrome_cameras_show_no_lattice(folder):
    photos = [
        path for path in sorted((REAL / folder).rglob("*")) if path.suffix in {".fit", ".tif"}
    ]

    assert {bayer_seen(read_frame(read_header(path)).pixels) for path in photos} == {None}


@pytest.mark.real
@needs_real
def test_a_real_colour_fits_without_bayerpat_is_colour():
    header = read_header(REAL / "panoptes" / "unsolved.fits")

    assert (header.sensor.layout, header.layout_told) == ("bayer-RGGB", True)
    assert bayer_seen(read_frame(header).pixels) is not None

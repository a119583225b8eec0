"""The simulated camera obeys its own truth: physics, determinism, files."""

from __future__ import annotations

import ast
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
import tifffile
from PIL import Image

import stillpix.simulate
from stillpix.errors import NothingUsableError
from stillpix.simulate import CameraSettings, SimulatedCamera, random_settings, write_series
from stillpix.simulate.demosaic import demosaic
from stillpix.simulate.planting import PlantedDefect
from stillpix.simulate.sensor import FixedPattern, Shot, capture, suppress

SMALL = CameraSettings(width=180, height=120, defects=12)
PERFECT = replace(
    SMALL, defects=0, prnu=0.0, dsnu_dn=0.0, dust=0, vignette=0.0, cosmic_rays=0.0,
    dark_current_e_per_s=0.0, read_noise_e=0.0, converter_noise_dn=0.0,
)  # fmt: skip
SPAN_DN = 16383 - 512


def mosaic_of(defect, *, exposure_s=0.01, gain=1.0, light=0.2, index=0):
    """Return the mean of 40 mosaics of evenly lit sensors with one defect, black taken off."""
    shot = Shot(exposure_s, gain, 4.0, PERFECT.temperature_c, 1.0)
    pattern = FixedPattern(np.random.default_rng(0), PERFECT)
    even = np.full((PERFECT.height, PERFECT.width), light, np.float32)
    mosaics = [
        capture(np.random.default_rng(n), even, shot, (PERFECT, pattern), ((defect,), index, 1))
        for n in range(40)
    ]
    return np.mean(mosaics, axis=0) - PERFECT.black_dn


def planted(kind, **truth):
    return PlantedDefect(x=50, y=40, kind=kind, site="R", **truth)


@pytest.fixture(scope="module")
def camera():
    return SimulatedCamera(SMALL, seed=4)


def test_two_cameras_with_one_seed_give_the_same_bytes(camera):
    assert camera.photograph(2).jpeg() == SimulatedCamera(SMALL, seed=4).photograph(2).jpeg()


def test_another_seed_gives_another_body_with_other_defects(camera):
    other = SimulatedCamera(SMALL, seed=5)

    assert other.sensor.serial != camera.sensor.serial
    assert other.defects != camera.defects


def test_a_photo_does_not_depend_on_those_asked_for_before(camera):
    fresh = SimulatedCamera(SMALL, seed=4)
    alone = fresh.photograph(5)
    for index in (1, 4):
        camera.photograph(index)

    assert np.array_equal(alone.mosaic, camera.photograph(5).mosaic)


def test_two_photos_show_different_scenes(camera):
    first, second = (camera.photograph(index).picture().astype(float) for index in (0, 1))

    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] < 0.8


@pytest.mark.parametrize(("exposure_s", "gain"), [(0.01, 1.0), (0.1, 1.0), (0.1, 4.0)])
def test_the_excess_of_a_hot_photosite_grows_with_gain_and_time(exposure_s, gain):
    mosaic = mosaic_of(planted("hot", dark_dn_per_s=3000.0), exposure_s=exposure_s, gain=gain)

    excess = mosaic[40, 50] - np.median(mosaic)

    assert excess == pytest.approx(3000 * exposure_s * gain, rel=0.15, abs=15 * gain)


@pytest.mark.parametrize(("exposure_s", "gain"), [(0.01, 1.0), (1.0, 1.0), (0.01, 4.0)])
def test_the_excess_of_an_offset_grows_with_gain_alone(exposure_s, gain):
    mosaic = mosaic_of(planted("offset", offset_dn=400.0), exposure_s=exposure_s, gain=gain)

    assert mosaic[40, 50] - np.median(mosaic) == pytest.approx(400 * gain, rel=0.1)


def test_a_stuck_photosite_says_the_same_whatever_the_light():
    values = [
        mosaic_of(planted("stuck", level_dn=9000), light=light)[40, 50] for light in (0.0, 0.2, 0.9)
    ]

    assert values == [9000 - 512] * 3


def test_a_low_photosite_sees_its_share_of_the_light():
    mosaic = mosaic_of(planted("low", sensitivity=0.5), light=0.6)

    assert mosaic[40, 50] == pytest.approx(0.3 * SPAN_DN, rel=0.01)
    assert np.median(mosaic) == pytest.approx(0.6 * SPAN_DN, rel=0.01)


@pytest.mark.slow
def test_a_blinking_photosite_has_two_levels_and_holds_them_for_its_dwell():
    blinking = planted("blinking", dark_dn_per_s=200_000.0, duty=0.5, dwell=4)
    values = np.array([mosaic_of(blinking, index=index)[40, 50] for index in range(24)])
    high = values > 0.2 * SPAN_DN + 1000

    assert 0 < high.sum() < 24
    assert all(len(set(high[start : start + 4])) == 1 for start in range(0, 24, 4))


def test_shot_noise_has_the_variance_of_counted_electrons():
    shot = Shot(0.01, 4.0, 4.0, 25.0, 1.0)
    pattern = FixedPattern(np.random.default_rng(0), PERFECT)
    even = np.full((PERFECT.height, PERFECT.width), 0.5, np.float32)

    mosaic = capture(np.random.default_rng(1), even, shot, (PERFECT, pattern), ((), 0, 1))

    dn_per_e = 4 * SPAN_DN / 30_000
    assert mosaic.mean() - 512 == pytest.approx(0.5 * SPAN_DN, rel=0.005)
    assert mosaic.std() == pytest.approx(dn_per_e * np.sqrt(0.5 * 30_000 / 4), rel=0.03)


def test_a_camera_without_defects_plants_none():
    assert SimulatedCamera(replace(SMALL, defects=0), seed=1).defects == ()


def test_planted_defects_stand_alone_and_know_their_colour():
    defects = SimulatedCamera(replace(SMALL, defects=30, cfa="GRBG"), seed=9).defects
    places = np.array([(defect.x, defect.y) for defect in defects])
    apart = np.abs(places[:, None] - places[None]).max(axis=2) + 1000 * np.eye(len(places))

    assert apart.min() > 7
    for defect in defects:
        assert defect.site == ("GR", "BG")[defect.y % 2][defect.x % 2]


def test_pairs_clusters_and_columns_are_planted_on_request():
    settings = replace(SMALL, defects=0, close_pairs=2, clusters=1, bad_columns=1)
    defects = SimulatedCamera(settings, seed=3).defects

    assert 2 * 2 + 3 + 1 <= len(defects) <= 2 * 2 + 6 + 1
    assert defects[-1].y + defects[-1].length == SMALL.height


def test_onsets_and_ends_lie_within_the_series():
    settings = replace(SMALL, onset_share=1.0, until_share=1.0, photos=10)
    for defect in SimulatedCamera(settings, seed=1).defects:
        assert 1 <= defect.onset < defect.until <= 10
        assert [defect.active(i) for i in (defect.onset - 1, defect.onset, defect.until)] == [
            False, True, False,
        ]  # fmt: skip


def test_suppression_puts_a_neighbour_of_the_same_colour_in_its_place():
    mosaic = np.tile(np.array([[1000, 2000], [2000, 3000]], np.uint16), (20, 20))
    mosaic[10, 10] = 16000

    suppress(mosaic, (PlantedDefect(x=10, y=10, kind="hot", site="R"),), "RGGB")

    assert mosaic[10, 10] == 1000


def test_a_camera_that_suppresses_changes_bright_defects_and_nothing_else():
    shows = SimulatedCamera(SMALL, seed=6)
    hides = SimulatedCamera(replace(SMALL, suppress_above_s=0.0), seed=6)

    changed = shows.photograph(1).mosaic != hides.photograph(1).mosaic

    bright = {(d.y, d.x) for d in shows.defects if d.kind not in ("dead", "low")}
    assert {(int(y), int(x)) for y, x in np.argwhere(changed)} <= bright
    assert changed.sum() > len(bright) / 2


def test_a_fast_shutter_escapes_suppression():
    slow_only = SimulatedCamera(replace(SMALL, suppress_above_s=100.0), seed=6)

    expected = SimulatedCamera(SMALL, seed=6).photograph(1).mosaic
    assert np.array_equal(slow_only.photograph(1).mosaic, expected)


@pytest.mark.parametrize("cfa", ["RGGB", "BGGR", "GRBG", "GBRG", "XTRANS", "MONO"])
@pytest.mark.parametrize("method", ["bilinear", "malvar", "edge"])
def test_an_even_colour_comes_out_of_every_demosaicer_unchanged(cfa, method):
    letters = {
        "MONO": ["G"],
        "XTRANS": ["GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGBG"],
    }.get(cfa, [cfa[:2], cfa[2:]])
    level = {"R": 0.25, "G": 0.5, "B": 0.75}
    tile = np.array([[level[letter] for letter in row] for row in letters], np.float32)
    mosaic = np.tile(tile, (9, 9))[:17, :16]
    expected = [0.5] * 3 if cfa == "MONO" else [0.25, 0.5, 0.75]

    image = demosaic(mosaic, cfa, method)

    assert image.shape == (*mosaic.shape, 3)
    assert np.allclose(image, expected, atol=1e-6)


def test_bilinear_demosaicing_spreads_a_hot_red_site_by_halves_and_quarters():
    mosaic = np.zeros((12, 12), np.float32)
    mosaic[6, 6] = 1

    red = demosaic(mosaic, "RGGB", "bilinear")[:, :, 0]

    assert red[5:8, 5:8].tolist() == [[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]]
    assert red.sum() == pytest.approx(4)


def test_exif_says_which_body_and_how_exposed(camera):
    photo = camera.photograph(3)
    with Image.open(io.BytesIO(photo.jpeg())) as picture:
        exif = picture.getexif()
        details = exif.get_ifd(0x8769)

    assert picture.size == (180, 120)
    assert (exif[0x010F], exif[0x0110], details[0xA431]) == ("Stillpix", "Simulated", "7000004")
    assert float(details[0x829A]) == pytest.approx(photo.shot.exposure_s, rel=1e-3)
    assert details[0x8827] == 100 * photo.shot.gain
    assert details[0x9003] == photo.taken.strftime("%Y:%m:%d %H:%M:%S")
    assert 0x0131 not in exif


@pytest.mark.parametrize("subsampling", ["420", "422", "444"])
def test_the_jpeg_has_the_subsampling_asked_for(subsampling):
    settings = replace(SMALL, subsampling=subsampling)
    file = SimulatedCamera(settings, seed=1).photograph(0).jpeg()

    assert simplejpeg.decode_jpeg_header(file)[3] == subsampling


def test_a_mosaic_tiff_holds_the_mosaic_to_the_bit():
    photo = SimulatedCamera(replace(SMALL, output="tiff"), seed=1).photograph(0)

    assert np.array_equal(tifffile.imread(io.BytesIO(photo.file())), photo.mosaic)
    assert photo.mosaic.dtype == np.uint16
    assert photo.frame().sensor.layout == "bayer-RGGB"


def test_dates_advance_and_photos_of_a_burst_share_a_scene():
    camera = SimulatedCamera(replace(SMALL, burst_share=0.5), seed=2)
    taken = [camera.taken(index) for index in range(12)]
    numbers = [camera.scene_number(index) for index in range(12)]

    assert taken == sorted(set(taken))
    assert 1 < len(set(numbers)) < 12
    follower = next(index for index in range(12) if numbers[index] != index)
    leader = numbers[follower]
    pictures = [camera.photograph(index).picture().astype(float) for index in (leader, follower)]
    assert np.corrcoef(pictures[0].ravel(), pictures[1].ravel())[0, 1] > 0.6


@pytest.mark.parametrize(("iso", "least", "most"), [(100, 0.7, 4), (6400, 4, 12)])
def test_midtones_are_as_noisy_as_those_of_cameras(iso, least, most):
    pixels = SimulatedCamera(PERFECT, seed=1).photograph(0)
    settings = CameraSettings(width=180, height=120, prnu=0.0)
    shot = Shot(0.01, iso / 100, 4.0, 25.0, 1.0)
    grey = np.full((120, 180), 0.1, np.float32)
    pattern = FixedPattern(np.random.default_rng(0), PERFECT)
    mosaic = capture(np.random.default_rng(1), grey, shot, (settings, pattern), ((), 0, 1))

    noise = (
        replace(pixels, mosaic=mosaic, shot=shot, settings=settings).frame().pixels[20:-20].std()
    )

    assert least < noise < most


@pytest.mark.slow
def test_random_settings_differ_by_seed_and_all_take_photos():
    drawn = [random_settings(seed, width=96, height=64) for seed in range(12)]

    assert len({settings.cfa for settings in drawn}) > 2
    assert len({settings.quality for settings in drawn}) > 4
    for settings in drawn:
        picture = SimulatedCamera(replace(settings, defects=4), seed=1).photograph(0).picture()
        assert picture.shape == (64, 96, 3)
        assert 5 < picture.mean() < 250


def test_a_series_is_written_with_its_truth_and_nothing_else(tmp_path, camera):
    write_series(tmp_path / "series", camera, photos=3, jobs=2)

    names = sorted(path.name for path in (tmp_path / "series").iterdir())
    assert names == ["IMG_0001.JPG", "IMG_0002.JPG", "IMG_0003.JPG", "truth.json"]
    assert (tmp_path / "series/IMG_0003.JPG").read_bytes() == camera.photograph(2).jpeg()
    truth = json.loads((tmp_path / "series/truth.json").read_text())
    assert truth["seed"] == 4
    assert [(d["x"], d["y"], d["kind"]) for d in truth["defects"]] == [
        (defect.x, defect.y, defect.kind) for defect in camera.defects
    ]
    assert [photo["name"] for photo in truth["photos"]] == names[:3]
    assert truth["photos"][1]["gain"] == camera.photograph(1).shot.gain


def test_pictures_of_a_folder_serve_as_scenes(tmp_path):
    ramp = np.tile(np.linspace(0, 255, 240, dtype=np.uint8)[None, :, None], (160, 1, 3))
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    camera = SimulatedCamera(replace(SMALL, scene_folder=tmp_path), seed=1)

    across = camera.photograph(0).picture().mean(axis=(0, 2))

    assert abs(across[-30:].mean() - across[:30].mean()) > 60


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(NothingUsableError, match="holds no picture"):
        SimulatedCamera(replace(SMALL, scene_folder=tmp_path), seed=1)


def test_a_sensor_too_small_for_its_defects_says_so():
    with pytest.raises(ValueError, match="no room"):
        SimulatedCamera(replace(SMALL, defects=5000), seed=1)


def test_the_simulated_camera_knows_nothing_of_the_detector():
    allowed = {"errors", "frame"}
    for path in Path(stillpix.simulate.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level > 1:
                assert node.module in allowed, path.name

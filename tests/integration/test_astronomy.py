"""Star fields that drift, and dark frames: FITS folders from the file to the map."""

from __future__ import annotations

import numpy as np
import pytest

import stars
from stillpix import Defect, find
from stillpix.images.gather import gather
from stillpix.scan import scan
from support import effort, mosaic_files

WIDTH, HEIGHT = (1000, 700) if effort.long else (280, 210)


def sky_of(
    seed, width=WIDTH, height=HEIGHT, *, stars_a_megapixel=1500, hot_a_megapixel=570, **more
):
    """Return a sky as full of stars and of hot pixels as another size is."""
    beside = 80  # px around the frame, in which stars are, too
    area = (width + 2 * beside) * (height + 2 * beside) / 1e6
    more.setdefault("hot", round(hot_a_megapixel * width * height / 1e6))
    number = round(stars_a_megapixel * area)
    return stars.Sky(seed, width=width, height=height, stars=number, **more)


def few(sky):
    """Return how many finds may be false: 1 %."""
    return max(1, len(sky.hot) // 100)


def written(folder, frames, **keywords):
    for number, pixels in enumerate(frames):
        when = f"2024-02-03T{number // 60:02d}:{number % 60:02d}:00"
        content = mosaic_files.fits(
            pixels, EXPTIME=60.0, INSTRUME="Example Camera", DATE_OBS=when, **keywords
        )
        (folder / f"{number:03d}.fits").write_bytes(content)


def confirmed(found):
    return {(defect.x, defect.y) for defect in found.in_state("confirmed")}


@pytest.mark.parametrize("pattern", effort.chosen([None, "GRBG"], "GRBG"))
def test_hot_pixels_are_found_under_drifting_stars_and_no_star_is(tmp_path, pattern):
    sky = sky_of(21, drift=(0.8, 0.3))
    keywords = {"BAYERPAT": pattern} if pattern else {}
    written(tmp_path, (sky.light_frame(n) for n in range(40)), **keywords)

    [found] = find([tmp_path], fast=True)

    assert len(confirmed(found) & sky.hot) >= 0.95 * len(sky.hot)
    assert len(confirmed(found) - sky.hot) <= few(sky)


NIGHTS = {
    "turned by half a circle": stars.Night(flip=12),
    "left for another": stars.Night(other=20),
    "left for another after a jump": stars.Night(dither=14, other=16, rays=4.0, trails=0.2),
}


@pytest.mark.parametrize("kind", effort.chosen(NIGHTS, *list(NIGHTS)[-1:]))
def test_no_star_is_listed_where_a_field_stands_still_until_it_is(tmp_path, kind):
    """Few of its pictures count as different, and a star stands in half of those."""
    size = (600, 500) if effort.long else (280, 220)
    sky = sky_of(25, *size, stars_a_megapixel=1800, drift=(0.01, 0), fwhm=1.9, night=NIGHTS[kind])
    written(tmp_path, (sky.light_frame(n) for n in range(40)), BAYERPAT="RGGB")

    [found] = find([tmp_path], fast=True)

    assert len(confirmed(found) & sky.hot) >= 0.95 * len(sky.hot)
    assert len(confirmed(found) - sky.hot) <= few(sky)


def test_no_star_is_listed_that_drifts_by_a_sixth_of_a_pixel(tmp_path):
    sky = sky_of(25, drift=(0.11, 0.12), fwhm=1.9)
    written(tmp_path, (sky.light_frame(n) for n in range(60)), BAYERPAT="RGGB")

    [found] = find([tmp_path], fast=True)

    assert len(confirmed(found) & sky.hot) >= 0.95 * len(sky.hot)
    assert not confirmed(found) - sky.hot


def test_hot_pixels_among_stars_that_turn_about_the_middle_are_no_crowd(tmp_path):
    sky = sky_of(3, fwhm=1.9, drift=(0, 0), night=stars.Night(turn=0.06), hot_a_megapixel=1140)
    written(tmp_path, (sky.light_frame(n) for n in range(30)), BAYERPAT="RGGB")

    [found] = find([tmp_path], fast=True)

    near = {(x, y) for x, y in sky.hot if np.hypot(x - WIDTH / 2, y - HEIGHT / 2) < 0.22 * HEIGHT}
    assert len(confirmed(found) & near) >= 0.85 * len(near)
    assert not confirmed(found) - sky.hot


def test_stars_that_a_mount_follows_are_never_listed(tmp_path):
    sky = sky_of(22, 250, 200, stars_a_megapixel=4060, hot_a_megapixel=2000, drift=(0, 0))
    written(tmp_path, (sky.light_frame(n) for n in range(20)))

    [found] = find([tmp_path], fast=True)

    assert not confirmed(found)


@pytest.mark.parametrize("number", [2, 3, 12])
def test_dark_frames_that_say_so_are_enough_from_two_on(tmp_path, number):
    sky = sky_of(23, 400, 300)
    written(tmp_path, (sky.dark_frame() for _ in range(number)), IMAGETYP="Dark Frame")

    [found] = find([tmp_path], fast=True)

    assert len(confirmed(found) & sky.hot) >= 0.95 * len(sky.hot)
    assert len(confirmed(found) - sky.hot) <= 3  # cosmic rays hit each frame


def test_dark_frames_that_do_not_say_so_are_good_photos(tmp_path):
    sky = sky_of(24)
    written(tmp_path, (sky.dark_frame() for _ in range(8)))

    [found] = find([tmp_path], fast=True)

    assert len(confirmed(found) & sky.hot) >= 0.95 * len(sky.hot)
    assert len(confirmed(found) - sky.hot) <= few(sky)


def test_two_dark_frames_of_a_raw_camera_are_enough_when_it_is_said(tmp_path):
    sky = stars.Sky(25, width=300, height=200, hot=60)
    for number in range(2):
        content = mosaic_files.dng(sky.dark_frame(), black=500, white=65535)
        (tmp_path / f"{number}.dng").write_bytes(content)

    [unsaid], [said] = find([tmp_path], fast=True), find([tmp_path], fast=True, dark=True)

    assert not confirmed(unsaid)
    assert len(confirmed(said) & sky.hot) >= 57
    assert len(confirmed(said) - sky.hot) <= 1


def test_one_dark_frame_proves_nothing(tmp_path):
    sky = stars.Sky(26, width=300, height=200, hot=60)
    written(tmp_path, [sky.dark_frame()], IMAGETYP="DARK")

    [found] = find([tmp_path], fast=True)

    assert not confirmed(found)


def test_lights_and_darks_of_one_camera_add_up_in_one_map(tmp_path):
    sky = sky_of(27, hot=30, weakest=1.0)
    lights, darks = tmp_path / "lights", tmp_path / "darks"
    for folder in (lights, darks):
        folder.mkdir()
    written(lights, (sky.light_frame(3 * n) for n in range(6)))
    written(darks, (sky.dark_frame() for _ in range(3)), IMAGETYP="Dark Frame")

    [apart] = find([lights], fast=True)
    [together] = find([lights, darks], fast=True)

    assert together.evidence.photos == 9
    assert len(confirmed(together) & sky.hot) > len(confirmed(apart) & sky.hot)


def test_bad_files_among_good_ones_are_named_and_the_others_go_on(tmp_path):
    sky = stars.Sky(28, width=300, height=200, hot=5)
    written(tmp_path, (sky.dark_frame() for _ in range(4)))
    nan = np.full((200, 300), np.nan, np.float32)
    (tmp_path / "nan.fits").write_bytes(mosaic_files.fits(nan, INSTRUME="Example Camera"))
    cube = np.zeros((4, 2, 200, 300), np.uint16)
    (tmp_path / "cube.fits").write_bytes(mosaic_files.fits(cube))
    (tmp_path / "cut.fits").write_bytes((tmp_path / "000.fits").read_bytes()[:6000])

    found = gather([tmp_path])
    [body] = [each for each in scan(found, fast=True) if each.map is not None]

    named = {each.path.rpartition("/")[2] for each in [*found.skipped, *body.skipped]}
    assert named == {"nan.fits", "cube.fits", "cut.fits"}
    assert body.map.evidence.photos == 4
    assert all(isinstance(defect, Defect) for defect in body.map)


@pytest.mark.parametrize("kind", effort.chosen(["lights", "darks"], "lights"))
def test_hot_pixels_that_came_between_nights_are_dated(tmp_path, kind):
    size = (500, 400) if effort.long else (240, 200)
    sky = sky_of(41, *size, stars_a_megapixel=1350, hot=40, drift=(1.5, 0.3), weakest=12.0)
    charge, late = sky.dark.copy(), sorted(sky.hot)[:20]
    for number in range(40):
        sky.dark = charge.copy()
        for x, y in late if number < 16 else ():
            sky.dark[y, x] = 0
        pixels = sky.dark_frame() if kind == "darks" else sky.light_frame(number)
        dark = {"IMAGETYP": "Dark Frame"} if kind == "darks" else {}
        content = mosaic_files.fits(
            pixels, EXPTIME=60.0, INSTRUME="Example Camera", BAYERPAT="RGGB", **dark,
            DATE_OBS=f"2024-02-{1 + number // 4:02d}T22:{number % 4:02d}:00",
        )  # fmt: skip
        (tmp_path / f"{number:03d}.fits").write_bytes(content)

    [found] = find([tmp_path])

    since = {(one.x, one.y): one.since for one in found.in_state("confirmed")}
    dated = [since[place] for place in late if place in since]
    assert len(dated) >= 15
    assert sum((low.day, high.day) == (4, 5) for low, high in dated) >= len(dated) - 1
    assert all(
        low.day == 1 for place in sky.hot - {*late} if place in since for low, _ in [since[place]]
    )

"""Spots of single photos: which are kept, and of which photos."""

from __future__ import annotations

import random

import numpy as np
import pytest

from stillpix.errors import StateFormatError
from stillpix.evidence.resampling import laid_back
from stillpix.evidence.spots import MOST_PHOTOS, MOST_SPOTS, Spotted, spots_of
from stillpix.frame import Exposure, Frame, Sensor
from stillpix.maps.lens_laws import LensLaw

ONE = np.array([[3.0, 4.0, 9.0]], np.float32)


def frame(pixels, white=255) -> Frame:
    sensor = Sensor("a", "b", "c", pixels.shape[1], pixels.shape[0])
    return Frame(pixels, sensor, Exposure(), "a.jpg", "5" * 12, white)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "white"), [(np.uint8, 255), (np.uint16, 65535)])
def test_the_loudest_spots_come_first_each_once(kind, white):
    rng = np.random.default_rng(1)
    pixels = rng.normal(60, 1, (80, 120))
    for x, y, rise in ((30, 20, 90), (31, 20, 45), (90, 50, 60)):
        pixels[y, x] += rise

    spots = spots_of(frame((pixels * (white / 255)).astype(kind), white))

    assert np.abs(spots[:2, :2] - [(30, 20), (90, 50)]).max() < 0.5
    assert len(spots) <= MOST_SPOTS


@pytest.mark.slow
def test_a_faint_spot_in_the_dark_is_not_lost_behind_hundreds_of_bright_grains():
    rng = np.random.default_rng(3)
    pixels = rng.normal(40, 1, (400, 300))
    rows, columns = rng.integers(10, 190, 700), rng.integers(10, 290, 700)
    pixels[:200] += rng.normal(60, 9, (200, 300))  # rough: a grain there is nothing special
    pixels[rows, columns] += 45
    pixels[300, 150] += 34

    spots = spots_of(frame(pixels.clip(0, 255).astype(np.uint8)))

    assert (np.abs(spots[:, :2] - (150, 300)).max(axis=1) < 0.5).any()


def test_a_flat_photo_has_no_spot():
    assert spots_of(frame(np.full((40, 40), 80, np.uint8))).shape == (0, 3)


def test_the_same_photos_are_kept_in_any_order():
    digests = [f"{n:04x}" for n in range(3 * MOST_PHOTOS)]
    kept = []
    for seed in (1, 2):
        random.Random(seed).shuffle(digests)
        some = Spotted()
        for digest in digests:
            if some.wants(digest, "Z"):
                some.note(digest, "Z", 35.0, ONE)
        kept.append(set(some.photos))

    assert kept[0] == kept[1] == set(sorted(digests)[:MOST_PHOTOS])


def test_spots_are_saved_and_loaded(tmp_path):
    some = Spotted()
    some.note("b", "Z", 35.0, ONE)
    some.note("a", "", 24.5, np.zeros((0, 3), np.float32))

    some.save(tmp_path / "spots.npz")
    loaded = Spotted.load(tmp_path / "spots.npz")

    assert loaded.photos["b"][:2] == ("Z", 35.0)
    assert np.array_equal(loaded.photos["b"][2], ONE)
    assert len(loaded.photos["a"][2]) == 0
    assert not Spotted.load(tmp_path / "none.npz").photos


def test_damaged_spots_are_refused_by_name(tmp_path):
    (tmp_path / "spots.npz").write_bytes(b"no archive")

    with pytest.raises(StateFormatError, match=r"spots\.npz"):
        Spotted.load(tmp_path / "spots.npz")


def test_a_photo_without_correction_is_laid_back_as_it_is():
    pixels = np.random.default_rng(2).integers(0, 255, (50, 70)).astype(np.uint8)

    back = laid_back(frame(pixels), LensLaw("", (24.0,), ((0.0, 0.0, 0.0),)), 24.0)

    assert np.array_equal(back.pixels, pixels)


def test_a_photo_is_laid_back_by_its_law():
    rows, columns = np.mgrid[:200, :300]
    law = LensLaw("", (24.0,), ((0.01, -0.08, 0.005),))
    shown = law.in_map(np.stack([columns.ravel(), rows.ravel()], 1).astype(float), 24.0, (300, 200))
    wave = 128 + 60 * np.sin(shown / 15).sum(axis=1).reshape(200, 300)

    back = laid_back(frame(wave.astype(np.uint8)), law, 24.0).pixels.astype(float)

    x, y = np.meshgrid(np.sin(np.arange(300) / 15), np.sin(np.arange(200) / 15))
    inside = (slice(30, -30), slice(30, -30))
    assert np.abs(back - (128 + 60 * (x + y)))[inside].max() < 2.5

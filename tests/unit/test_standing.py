"""Pixels that stand still at all focal lengths, and such as cannot be told from sliding ones."""

from __future__ import annotations

import numpy as np
import pytest

from stillpix.detection.standing import places_stand, sigmas_of_ends, spots_stand
from stillpix.frame import Sensor
from stillpix.maps import map_file
from stillpix.maps.lens_laws import LensLaw
from stillpix.maps.records import DefectMap, EvidenceSummary
from stillpix.wording import remarks
from support.straightened import BROKEN, SIZE, stored_at

FOCAL = [24.0 + (7 * n) % 47 for n in range(16)]


def spots_of(focal_mm, rng, *, slide):
    """Return spots of broken pixels, and twenty at random."""
    at = [stored_at(x, y, focal_mm if slide else 24.0) for x, y in BROKEN]
    noise = rng.uniform((8, 8), np.array(SIZE) - 8, (20, 2))
    places = np.concatenate([at, noise])
    return np.column_stack([places, np.full(len(places), 5.0)]).astype(np.float32)


@pytest.mark.parametrize("slide", [False, True])
def test_spots_of_short_and_long_focal_lengths_tell_pixels_that_stand(slide):
    rng = np.random.default_rng(5)
    photos = [(focal, spots_of(focal, rng, slide=slide)) for focal in FOCAL]

    assert spots_stand(photos, SIZE) is not slide


def test_spots_of_one_focal_length_tell_nothing():
    rng = np.random.default_rng(6)

    assert not spots_stand([(24.0, spots_of(24.0, rng, slide=False))] * 8, SIZE)


@pytest.mark.parametrize(("at_long_end", "told"), [(1.0, True), (0.0, False)])
def test_faint_pixels_together_tell_if_both_ends_show_them(at_long_end, told):
    rng = np.random.default_rng(7)
    ends = np.arange(24) < 12, np.arange(24) >= 12
    strength = np.where(ends[0], 1.0, at_long_end)[:, None]
    residual = rng.normal(0, 1, (24, 8)) + strength

    sigmas = sigmas_of_ends(residual, np.ones((24, 8)), np.ones(8), ends)

    assert places_stand(sigmas) is told


def test_sound_pixels_at_one_end_pass_for_standing_practically_never():
    rng = np.random.default_rng(8)
    ends = np.arange(24) < 12, np.arange(24) >= 12
    shown = np.where(ends[0], 2.0, 0.0)[:, None]

    told = [
        places_stand(
            sigmas_of_ends(rng.normal(0, 1, (24, 6)) + shown, np.ones((24, 6)), np.ones(6), ends)
        )
        for _ in range(500)
    ]

    assert not any(told)


SENSOR = Sensor("Acme", "S1", "7", 640, 480)


def test_a_map_of_some_focal_lengths_says_so_and_is_read_again():
    law = LensLaw.assumed("24-70mm", 24.0, 26.0)
    found = map_file.from_text(map_file.as_text(DefectMap(SENSOR, laws=(law,))), "a.json")

    assert found.laws == (law,)
    assert not found.places_move
    (remark,) = remarks(found)
    assert "do not tell whether this camera straightens its lens" in remark
    assert "places hold for 24-26 mm (24-70mm)" in remark


def test_a_map_whose_photos_do_not_tell_says_so_and_is_read_again():
    found = DefectMap(SENSOR, evidence=EvidenceSummary(untold_mm=(24.0, 70.0)))
    again = map_file.from_text(map_file.as_text(found), "a.json")

    assert again == found
    assert "more photos would tell" in next(remarks(again))

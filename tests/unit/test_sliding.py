"""The law by which places slide is learned where they do, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from stillpix.detection.laying import law_at
from stillpix.detection.sliding import law_of
from support import straightened

SIZE = straightened.SIZE
PHOTOS, CONTENT = 30, 20  # photos, and spots of each that are of its scene


def spotted(stored_at=straightened.stored_at, photos=PHOTOS, broken=straightened.BROKEN):
    """Return the spots of a zoom's photos, each broken pixel in two thirds of them."""
    rng = np.random.default_rng(5)
    result = []
    for _ in range(photos):
        focal = float(rng.integers(24, 71))
        seen = [stored_at(x, y, focal) for x, y in broken if rng.random() < 0.67]
        own = np.array(seen).reshape(-1, 2) + rng.normal(0, 0.2, (len(seen), 2))
        scene = rng.uniform((8, 8), np.array(straightened.SIZE) - 8, (CONTENT, 2))
        at = np.concatenate([own, scene])
        result.append((focal, np.column_stack([at, np.full(len(at), 9.0)]).astype(np.float32)))
    return result


def test_the_law_says_where_each_pixel_lies_at_every_focal_length():
    law = law_of(spotted(), "Zoom", straightened.SIZE)

    assert law is not None
    reference = [straightened.stored_at(x, y, 70.0) for x, y in straightened.BROKEN]
    in_map = law.in_map(reference, 70.0, straightened.SIZE)
    for focal in (24.0, 35.0, 50.0, 70.0):
        told = law.in_picture(in_map, focal, straightened.SIZE)
        true = [straightened.stored_at(x, y, focal) for x, y in straightened.BROKEN]
        assert np.hypot(*(told - true).T).max() < 0.7


def test_many_pixels_near_the_middle_do_not_hide_what_the_outer_ones_tell():
    middle = [(160 + 14 * dx, 120 + 14 * dy) for dx in (-2, -1, 0, 1, 2) for dy in (-1, 0, 1)]
    outer = [(31, 40), (60, 200), (262, 36), (285, 190)]

    law = law_of(spotted(broken=[*middle, *outer]), "Zoom", straightened.SIZE)

    assert law is not None
    told = law.in_map([straightened.stored_at(*outer[0], 30.0)], 30.0, SIZE)
    true = law.in_map([straightened.stored_at(*outer[0], 60.0)], 60.0, SIZE)
    assert np.hypot(*(told - true).T).max() < 1.0


def test_no_law_is_told_where_many_near_the_middle_and_two_outer_pixels_stand_still():
    middle = [(160 + 14 * dx, 120 + 14 * dy) for dx in (-2, -1, 0, 1, 2) for dy in (-1, 0, 1)]
    photos = spotted(lambda x, y, _: (x, y), broken=[*middle, (31, 40), (285, 190)])

    assert law_of(photos, "Zoom", straightened.SIZE) is None


def test_the_law_is_the_same_to_the_bit_for_the_same_spots():
    assert law_of(spotted(), "Z", straightened.SIZE) == law_of(spotted(), "Z", straightened.SIZE)


def test_the_map_is_the_picture_that_shows_most_of_the_sensor():
    def pincushion(x, y, focal_mm):
        return straightened.stored_at(x, y, 94.0 - focal_mm)

    law = law_of(spotted(pincushion), "Z", straightened.SIZE)

    assert law is not None
    assert max(map(abs, law.terms_at(law.focal_mm[0]))) < 0.001


@pytest.mark.parametrize(
    "photos",
    [
        spotted(lambda x, y, _: (x, y)),
        spotted(lambda x, y, _: straightened.stored_at(x, y, 24.0)),
        spotted(broken=()),
        spotted(broken=straightened.BROKEN[:2]),
        spotted(photos=6),
    ],
    ids=["not corrected", "corrected alike", "nothing broken", "two pixels", "six photos"],
)
def test_no_law_is_told_where(photos):
    assert law_of(photos, "Z", straightened.SIZE) is None


def test_there_is_no_law_of_one_focal_length():
    photos = [(35.0, spots) for _, spots in spotted()]

    assert law_of(photos, "Z", straightened.SIZE) is None


def test_ten_photos_tell_the_law_of_known_places():
    known = np.array(straightened.BROKEN, float)

    law = law_at(spotted(photos=10), known, "Zoom", straightened.SIZE)

    assert law is not None
    for focal in (law.focal_mm[0], 40.0, law.focal_mm[-1]):
        told = law.in_picture(known, focal, straightened.SIZE)
        true = [straightened.stored_at(x, y, focal) for x, y in straightened.BROKEN]
        assert np.hypot(*(told - true).T).max() < 1.5


@pytest.mark.parametrize(
    "photos",
    [
        spotted(lambda x, y, _: (x, y), photos=10),
        spotted(lambda x, y, _: (x + 7.0, y - 4.0), photos=10),
        spotted(broken=(), photos=10),
        spotted(photos=3),
    ],
    ids=["not corrected", "shifted alike", "nothing shows", "three photos"],
)
def test_known_places_have_no_law_where(photos):
    assert law_at(photos, np.array(straightened.BROKEN, float), "Z", straightened.SIZE) is None

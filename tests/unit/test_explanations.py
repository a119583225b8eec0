"""Finds of rendered photos where no pixel is broken: stars about the pole, ripples of a block."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from stillpix.detection.decide import detect
from stillpix.detection.explanations import is_explained, passes_by, ripples
from stillpix.frame import Exposure
from support.frames import evidence_of, frame_of

WIDTH, HEIGHT, POLE = 320, 240, (150.3, 116.7)
BROKEN = ((40, 44), (170, 100), (250, 200))
PAIR = ((30, 120), (33, 120))  # px of two broken pixels side by side, seen in every third photo
NEAR = 12.0  # px from the pole
NIGHT = datetime(2022, 3, 1, 22)


def stars_of(rng, number=220):
    """Return distance from the pole (px), angle and brightness of stars, two of them near it."""
    radius = np.concatenate([[2.6, 5.5], rng.uniform(NEAR, 190, number)])
    return radius, rng.uniform(0, 2 * np.pi, number + 2), rng.lognormal(3.5, 0.8, number + 2)


def spot(light, x, y, height, width=0.8):
    left, top = round(x) - 4, round(y) - 4
    if not (0 <= left < WIDTH - 9 and 0 <= top < HEIGHT - 9):
        return
    rows, columns = np.mgrid[top : top + 9, left : left + 9]
    shape = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * width**2))
    light[top : top + 9, left : left + 9] += height * shape


def sky(number, stars, rng):
    """Return one of the frames of a turning sky as a camera's JPEG shows it, one a minute."""
    light = 60 + 2.0 * rng.standard_normal((HEIGHT, WIDTH))
    for radius, angle, height in zip(*stars, strict=True):
        turned = angle + np.radians(1.25) * number
        at = POLE[0] + radius * np.cos(turned), POLE[1] + radius * np.sin(turned)
        spot(light, *at, 70 if radius < NEAR else height)
    for place in (*BROKEN, *(PAIR if number % 3 == 0 else ())):
        spot(light, *place, 60, 0.5)
    exposure = Exposure(30.0, 16.0, taken=NIGHT + timedelta(minutes=number))
    return frame_of(np.clip(np.rint(light), 0, 255).astype(np.uint8), exposure, name=str(number))


@pytest.fixture(scope="module")
def night():
    rng = np.random.default_rng(5)
    stars = stars_of(rng)
    return evidence_of([sky(number, stars, rng) for number in range(60)])


def confirmed(night):
    return {(one.x, one.y) for one in detect(night).in_state("confirmed")}


def test_of_a_turning_sky_broken_pixels_are_confirmed_and_no_star(night):
    assert confirmed(night) == {*BROKEN, *PAIR}


def test_without_the_explanation_stars_would_be_confirmed(night, monkeypatch):
    monkeypatch.setattr("stillpix.detection.kinds.is_explained", lambda *_: False)

    assert confirmed(night) > {*BROKEN, *PAIR}


def test_two_broken_pixels_side_by_side_are_no_star(night):
    assert [passes_by(night, *place) for place in (*PAIR, *BROKEN)] == [False] * 5


def test_a_place_without_sums_of_groups_is_left_as_it_is(night, monkeypatch):
    star = next((x, y) for x in range(140, 160) for y in range(106, 126) if passes_by(night, x, y))
    monkeypatch.setattr(night, "thin", 1000)

    assert not passes_by(night, *star)


def test_ripples_in_the_block_of_a_blazing_pixel_are_not_listed(night):
    block = night.shown[40:48, 40:48]
    ripple = np.argwhere(np.abs(block) < 4)[0] + 40

    assert ripples(night, int(ripple[1]), int(ripple[0]))
    assert is_explained(night, int(ripple[1]), int(ripple[0]))
    assert not ripples(night, *BROKEN[0])
    assert not ripples(night, 100, 20)  # an empty part of the sky

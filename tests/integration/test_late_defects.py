"""A defect that begins late is found by a window of time, and a steady one as before."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

from stillpix.detection.decide import detect
from support.frames import EXPOSURES, evidence_of, photos_of_light

FIRST = datetime(2022, 1, 2, 10)
LATE, STEADY = (90, 61), (140, 37)
SOUND, BROKEN = 90, 14  # photos before the late one begins, and since


@cache
def series(*, dated):
    """Return photos a day apart, of which the newest show one defect more."""

    def steady(light, _):
        light[STEADY[1], STEADY[0]] += 0.25

    def both(light, exposure):
        steady(light, exposure)
        light[LATE[1], LATE[0]] += 0.08

    exposure = EXPOSURES[4]
    photos = [
        *photos_of_light(steady, [exposure] * SOUND, seed=3),
        *photos_of_light(both, [exposure] * BROKEN, seed=4),
    ]
    return [
        replace(
            photo,
            exposure=replace(exposure, taken=FIRST + timedelta(days=n) if dated else None),
            digest=f"{n:02x}" + photo.digest[2:],
        )
        for n, photo in enumerate(photos)
    ]


@cache
def found(*, dated):
    return detect(evidence_of(series(dated=dated)))


def listed(*, dated):
    return {(d.x, d.y) for d in found(dated=dated).in_state("confirmed")}


def test_a_defect_of_the_newest_photos_is_found_where_these_are_known_to_be_the_newest():
    assert listed(dated=True) == {LATE, STEADY}
    assert listed(dated=False) == {STEADY}


def test_the_order_in_which_photos_are_given_does_not_matter():
    assert detect(evidence_of(series(dated=True)[::-1])) == found(dated=True)

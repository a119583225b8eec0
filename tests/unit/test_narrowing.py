"""Which photos are looked at again for dates: few, and the ones that tell."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from stillpix.detection.dates import courses_of
from stillpix.detection.narrowing import (
    FIRST_PHOTOS,
    MOST_PHOTOS,
    _fewest,
    next_looks,
)
from stillpix.evidence.measures import LEVEL, MEASURES, RESIDUAL, RESPONSE, SLOPE
from stillpix.evidence.sightings import Sightings
from stillpix.frame import Exposure, Sensor
from stillpix.maps.records import Defect, DefectMap

SENSOR = Sensor("Example Works", "Example One", "7", 400, 300)
DAY = timedelta(days=1)
START = datetime(2021, 3, 1, 10)
PHOTOS = 400


def said_by(photo, began, strength=6.0):
    """Return what a photo says of places that began with some photos."""
    noise = np.random.default_rng(photo).normal(0, 0.8, len(began))
    said = np.zeros((len(began), MEASURES), np.float16)
    said[:, SLOPE], said[:, RESPONSE], said[:, LEVEL] = 0.5, 2.0, 0.4
    said[:, RESIDUAL] = noise + strength * (photo >= np.array(began))
    return said


class Series:
    """Photos a day apart, and defects that began with some of them; counts the second looks."""

    def __init__(self, *began, photos=PHOTOS, strength=6.0):
        self.began, self.strength = began, strength
        self.log = Sightings(SENSOR)
        self.found = [Defect(x=10 + 9 * n, y=20) for n in range(len(began))]
        self.places = [(one.x, one.y) for one in self.found]
        self.log.list_places(self.places)
        self.log.will_seek(self.places)
        self.left = [str(number) for number in range(photos)]
        for number in range(photos):
            exposure = Exposure(0.01, 1.0, START + number * DAY)
            self.log.note(str(number), exposure, said_by(number, began)[:0])
        self.read = []

    def look_at_all(self):
        while looks := next_looks(self.found, self.log, self.left):
            for digest, places in looks.items():
                self.look_at(digest, places)
        return self

    def look_at(self, digest, places):
        exposure = self.log.photos[digest].exposure
        self.log.note(digest, exposure, said_by(int(digest), self.began, self.strength))
        self.log.seek(places)
        self.left.remove(digest)
        self.read.append(int(digest))

    def steps(self):
        found = DefectMap(SENSOR, tuple(self.found))
        courses = courses_of(found, self.log)
        return [courses[place].steps() for place in self.places]


@pytest.mark.slow
def test_of_defects_that_were_there_before_few_photos_are_read():
    series = Series(0, 0, 0, 0).look_at_all()

    assert len(series.read) <= FIRST_PHOTOS
    assert [first for first, _ in series.steps()] == [0, 0, 0, 0]
    assert max(last for _, last in series.steps()) < PHOTOS / 10


@pytest.mark.slow
@pytest.mark.parametrize("began", [1, 3, 57, 200, 391])
def test_a_beginning_among_hundreds_of_photos_is_told_to_the_photo_or_two(began):
    series = Series(0, began).look_at_all()

    first, last = series.steps()[1]
    assert first <= began <= last <= first + (2 if began > 10 else 12)
    assert len(series.read) <= FIRST_PHOTOS + MOST_PHOTOS


@pytest.mark.slow
def test_each_of_many_beginnings_has_its_photos():
    began = (0, 40, 41, 90, 150, 220, 300, 370)

    series = Series(*began).look_at_all()

    assert all(f <= true <= last for (f, last), true in zip(series.steps(), began, strict=True))
    assert max(series.log.sought.values()) <= MOST_PHOTOS
    assert len(series.read) <= FIRST_PHOTOS + 7 * MOST_PHOTOS


@pytest.mark.slow
def test_a_weak_defect_takes_no_more_photos_than_a_loud_one_may():
    series = Series(0, 200, strength=0.5).look_at_all()

    assert max(series.log.sought.values()) <= MOST_PHOTOS
    assert len(series.read) <= FIRST_PHOTOS + 2 * MOST_PHOTOS


def test_photos_that_are_not_at_hand_are_not_asked_for():
    series = Series(0, 200)
    series.left = [digest for digest in series.left if int(digest) % 2]

    series.look_at_all()

    assert all(number % 2 for number in series.read)
    first, last = series.steps()[1]
    assert first <= 200 <= last


@pytest.mark.slow
def test_the_order_in_which_the_log_was_filled_does_not_matter():
    one, other = Series(0, 123), Series(0, 123)
    other.log.photos = dict(reversed(other.log.photos.items()))

    assert one.look_at_all().read == other.look_at_all().read


def test_long_exposures_are_looked_at_rather_than_short_ones():
    series = Series(0, 0)
    for number in range(PHOTOS):
        seconds = 0.1 if number % 10 == 3 else 0.001
        exposure = Exposure(seconds, 1.0, START + number * DAY)
        series.log.note(str(number), exposure, said_by(0, series.began)[:0])

    (first, *_) = next_looks(series.found, series.log, series.left)

    assert int(first) % 10 == 3


@pytest.mark.parametrize("gone", ["places", "photos", "map"])
def test_where_there_is_nothing_to_look_at_nothing_is_asked(gone):
    series = Series(0, photos=0 if gone == "photos" else 9)
    if gone == "places":
        series.log.places.clear()

    assert next_looks([] if gone == "map" else series.found, series.log, series.left) == {}


def test_one_photo_serves_all_places_that_it_tells_much_of():
    worth = np.array([[0.25, 0.25, 0.0], [0.0, 0.2, 0.02], [0.0, 0.0, 0.2]])

    assert _fewest(worth, 9) == {0: [0, 1], 2: [2]}
    assert _fewest(worth, 1) == {0: [0, 1]}
    assert _fewest(np.zeros((3, 2)), 9) == {}

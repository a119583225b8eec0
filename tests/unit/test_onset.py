"""When defects began: from logs of which every photo's truth is known to dates."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from numpy.testing import assert_allclose

from stillpix.detection import dates as onset
from stillpix.detection.dates import asked_photos, courses_of, dated, hypotheses, log_ratio, priors
from stillpix.evidence.measures import MEASURES
from stillpix.evidence.sightings import Sighting, Sightings
from stillpix.frame import Exposure, Sensor
from stillpix.maps.records import Defect, DefectMap, EvidenceSummary, Run

SENSOR = Sensor("Example Works", "Example One", "7", 900, 600)
FIRST = datetime(2020, 1, 1, 12)
LEVEL = 0.3  # of white, in every photo
SLOPE = 0.4545 * LEVEL**-1.2 / 4  # in noise of four grey levels
ROOM = 0.75 * (1 - LEVEL) * 255 / 4  # sigmas that an excess can reach there


@dataclass(frozen=True)
class Photo:
    """One photo: when it was taken, how, and what it shows."""

    day: float
    sigmas: float  # of the defect's own
    exposure_s: float = 0.02
    looked: bool = True


def log_of(*places, seed=1, noise=True):
    """Return the log of some photos at some places, each a list of photos, with noise."""
    rng = np.random.default_rng(seed)
    log = Sightings(SENSOR)
    log.list_places([(10 + 20 * n, 10) for n in range(len(places))])
    for number, row in enumerate(zip(*places, strict=True)):
        said = np.empty((len(row), MEASURES), np.float16)
        for place, photo in enumerate(row):
            residual = photo.sigmas + noise * 0.8 * rng.standard_t(7)
            said[place] = residual, SLOPE, 8 * LEVEL / 4, LEVEL, 4 * residual
            if not photo.looked:
                said[place] = np.nan
        exposure = Exposure(row[0].exposure_s, 4.0, FIRST + timedelta(days=row[0].day))
        log.photos[f"{number:04}"] = Sighting(exposure, said)
    return log


def map_of(log, **facts):
    defects = tuple(Defect(x=x, y=y, state="confirmed", **facts) for x, y in log.places)
    return DefectMap(SENSOR, defects, EvidenceSummary(first=FIRST))


def dates_of(*photos, **options):
    """Return since and until of the one defect that the photos look at, in days."""
    log = log_of(photos, **options)
    (defect,) = dated(map_of(log), log)
    return tuple(
        dates and tuple((day - FIRST.date()).days for day in dates)
        for dates in (defect.since, defect.until)
    )


def broken(days, *, since=0, until=math.inf, sigmas=7.0, **facts):
    return [Photo(day, sigmas if since <= day < until else 0.0, **facts) for day in days]


# Since when


def test_a_defect_that_all_photos_show_dates_from_the_first_one():
    assert dates_of(*broken(range(20))) == ((0, 0), None)


@pytest.mark.parametrize("since", [1, 7, 16])
def test_a_clear_defect_begins_between_two_photos(since):
    photos = broken(range(0, 60, 3), since=3 * since)

    assert dates_of(*photos) == ((3 * since - 3, 3 * since), None)


@pytest.mark.parametrize("sigmas", [-8.0, 100.0])
def test_dark_and_blazing_ones_begin_as_sharply(sigmas):
    photos = broken(range(30), since=11, sigmas=sigmas)

    assert dates_of(*photos, noise=False) == ((10, 11), None)


def test_photos_that_could_not_show_it_widen_the_interval():
    """Only every tenth is exposed long enough; it began between the third and the fourth such."""
    photos = [
        Photo(day, 6.0 * (day >= 27), 1.0) if day % 10 == 0 else Photo(day, 0.0, 0.0002)
        for day in range(80)
    ]

    (first, last), until = dates_of(*photos)

    assert 20 <= first <= 21
    assert 29 <= last <= 30
    assert until is None


def test_the_gap_between_photos_is_the_interval_however_long():
    days = [*range(10), *range(200, 210)]

    assert dates_of(*broken(days, since=200))[0] == (9, 200)


def test_one_glint_years_before_decides_nothing():
    photos = broken(range(40), since=25)
    photos[6] = replace(photos[6], sigmas=100.0)

    assert dates_of(*photos)[0] == (24, 25)


def test_one_photo_that_misses_it_decides_nothing():
    photos = broken(range(40), since=5)
    photos[20] = replace(photos[20], sigmas=0.0)

    assert dates_of(*photos)[0] == (4, 5)


def test_where_it_was_not_looked_for_it_may_have_begun():
    photos = broken(range(30), since=15)
    photos[10:15] = [replace(photo, looked=False) for photo in photos[10:15]]

    assert dates_of(*photos)[0] == (9, 15)


def test_photos_of_one_moment_leave_that_day():
    assert dates_of(*broken([0.0] * 12)) == ((0, 0), None)
    assert dates_of(*broken([0.0])) == ((0, 0), None)


def test_the_order_in_which_photos_were_looked_at_does_not_matter():
    log = log_of(broken(range(30), since=11, sigmas=3.0))
    other = Sightings(SENSOR, log.places, dict(reversed(log.photos.items())))

    assert dated(map_of(log), log) == dated(map_of(log), other)


def test_before_the_photos_means_before_all_of_them():
    """Photos that were never looked at came earlier."""
    log = log_of(broken(range(20)))
    found = replace(map_of(log), evidence=EvidenceSummary(first=FIRST - timedelta(days=400)))

    (defect,) = dated(found, log)

    assert defect.since == (date(2018, 11, 27), date(2020, 1, 1))


def test_defects_of_which_the_log_tells_nothing_keep_their_dates():
    known = {"since": (date(2019, 1, 1), date(2019, 2, 1)), "until": (date(2019, 3, 1),) * 2}
    log = log_of(broken(range(9), looked=False))
    (x, y), run = log.places[0], Run("column", 0, 99)
    defects = (
        Defect(x=x, y=y, **known), Defect(x=500, y=9, **known), Defect(x=x, y=0, run=run, **known),
    )  # fmt: skip
    found = DefectMap(SENSOR, defects, EvidenceSummary(first=FIRST))

    assert dated(found, log) == found
    assert dated(found, Sightings(SENSOR)) == found


# Until when


def test_a_defect_that_is_gone_has_ended_between_two_photos():
    assert dates_of(*broken(range(40), since=10, until=25)) == ((9, 10), (24, 25))


def test_a_defect_may_have_ended_that_was_there_from_the_first():
    assert dates_of(*broken(range(40), until=25)) == ((0, 0), (24, 25))


def test_two_photos_without_it_are_no_end():
    assert dates_of(*broken(range(40), until=38))[1] is None


def test_a_pixel_that_was_silent_as_long_before_has_not_ended():
    """Hot in two summers, silent in the winter between them and in the one after."""
    summers = [Photo(day, 6.0 * (day // 20 % 2 == 0)) for day in range(80)]

    assert dates_of(*summers) == ((0, 0), None)


def test_a_camera_that_hides_defects_in_long_exposures_has_not_mended_them():
    """Nights at the end: nothing exposed so long ever showed a defect."""
    photos = broken(range(40)) + broken(range(40, 60), until=0, exposure_s=4.0)

    assert dates_of(*photos) == ((0, 0), None)


def test_a_camera_that_hides_defects_in_long_exposures_has_not_come_by_them_since():
    """One place glints in a long exposure; the others tell that these say nothing."""
    days = range(60)

    def seen(day, *, since):
        return 0.0 if day % 3 == 0 else 6.0 * (day >= since)

    places = [
        [Photo(day, seen(day, since=since), 2.0 if day % 3 == 0 else 0.02) for day in days]
        for since in (0, 0, 0, 31)
    ]
    places[0][30] = replace(places[0][30], sigmas=9.0)
    log = log_of(*places)

    sinces = [(one.since[1] - FIRST.date()).days for one in dated(map_of(log), log)]

    assert sinces[:3] == [0, 0, 0] or max(sinces[:3]) <= 1
    assert sinces[3] == 31


def test_photos_that_may_be_asked_are_those_no_longer_than_what_clearly_shows_one():
    exposure_s = np.array([0.01, 0.02, 0.5, 2.0, np.nan])
    odds = [np.array([5.0, 5.0, -1.0, -1.0, 0.0])]

    assert asked_photos(exposure_s, odds).tolist() == [True, True, False, False, True]
    assert asked_photos(exposure_s, [np.array([0.0, 0.0, 0.0, 0.0, 5.0])]).all()
    assert asked_photos(exposure_s, [np.zeros(5)]).all()
    assert asked_photos(exposure_s, []).all()


# How it is told


def test_the_posterior_is_that_of_every_interval_tried_in_turn():
    rng = np.random.default_rng(3)
    ratio = rng.normal(0, 2, (4, 9))
    start, end = (np.log(rng.dirichlet(np.ones(9))) for _ in range(2))
    began, ended = np.zeros((4, 9)), np.zeros((4, 9))
    for h in range(4):
        for k in range(9):
            for e in range(k, 9):
                weight = math.exp(start[k] + end[e] + sum(ratio[h, k : e + 1]))
                began[h, k] += weight
                ended[h, e] += weight

    opens, closes = onset._joint(ratio, start, end)

    assert_allclose(np.exp(opens), began, rtol=1e-9)
    assert_allclose(np.exp(closes), ended, rtol=1e-9)


def test_hypotheses_that_are_left_out_would_have_changed_nothing(monkeypatch):
    log = log_of(broken(range(50), since=20, until=40, sigmas=2.0))
    (kept,) = courses_of(map_of(log), log).values()
    monkeypatch.setattr(onset, "LEAST_WEIGHT", 1e-300)
    (full,) = courses_of(map_of(log), log).values()

    assert_allclose(kept.began, full.began, atol=1e-4)
    assert_allclose(kept.ended, full.ended, atol=1e-4)


def test_a_photo_counts_no_more_than_two_that_contradict_it():
    """The most that one photo can say for a defect, and against one, in log odds."""
    seen = np.array([100.0, 0.0])
    expected = np.array([[8.0, 8.0], [100.0, 100.0]])
    miss = max(-math.log(miss) for miss, _ in onset.MISSES)

    for_it, against = log_ratio(seen, expected).T

    assert (for_it < 2.5 * miss).all()
    assert (against < -2).all()


def test_a_prior_gives_each_gap_its_days_and_the_time_before_all_of_them():
    start, end = (np.exp(each) for each in priors(np.array([0.0, 2.0, 2.0, 10.0])))

    assert_allclose(start, [0.5, 0.1, 0.0, 0.4], atol=1e-4)
    assert_allclose(end, [0.02, 0.0, 0.08, 0.9], atol=1e-4)
    assert (start > 0).all()


def test_where_nothing_was_shown_the_posterior_is_the_prior():
    photos = [Photo(day, 0.0) for day in (0.0, 2.0, 5.0, 10.0)]
    log = log_of(photos)
    for sighting in log.photos.values():
        sighting.said[:, 1:3] = 1e-3  # bright: hardly anything could show
    (course,) = courses_of(map_of(log), log).values()

    assert_allclose(course.began, [0.5, 0.1, 0.15, 0.25], atol=0.08)


def test_every_kind_of_defect_is_among_the_hypotheses():
    """Something comes within a quarter of what each kind shows, and nothing leaves the levels."""
    rng = np.random.default_rng(5)
    level = rng.uniform(0.02, 0.9, 40)
    said = np.zeros((40, MEASURES))
    said[:, 3], said[:, 2] = level, 8 * level / 4
    said[:, 1] = 0.4545 * np.maximum(level, 0.03) ** -1.2 / 4
    gain, time_s = rng.choice([1.0, 4.0, 16.0], 40), rng.choice([0.001, 0.02, 0.5], 40)
    kinds = {
        "offset": 0.2 * gain * said[:, 1],
        "hot": 3.0 * gain * time_s * said[:, 1],
        "dark hot": -3.0 * gain * time_s * said[:, 1],
        "low": -0.8 * said[:, 2],
        "high": 0.8 * said[:, 2],
        "stuck": 0.35 * (0.5 - level) * 255 / 4,
    }

    expected, prior = hypotheses(said, gain, gain * time_s)

    room = np.where(expected > 0, 1 - level, level) * 255 / 4
    assert (np.abs(expected) <= room + 1e-9).all()
    assert_allclose(np.exp(prior).sum(), 9.0)
    for name, unbounded in kinds.items():
        shown = np.clip(unbounded, -0.75 * level * 255 / 4, 0.75 * (1 - level) * 255 / 4)
        apart = np.abs(expected - shown).mean(1) / np.abs(shown).mean()
        assert apart.min() < 0.35, name


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say():
    """Weak defects of the model's own noise, beginning anywhere: 90 %, or a little more."""
    rng = np.random.default_rng(11)
    places, truth = [], []
    for _ in range(150):
        since = int(rng.integers(1, 60)) if rng.random() < 0.5 else 0
        sigmas = rng.choice([-1, 1]) * rng.uniform(1.5, 6)
        places.append(broken(range(60), since=since, sigmas=sigmas))
        truth.append(since)
    log = log_of(*places, seed=2)
    courses = courses_of(map_of(log), log).values()

    held, errors = [], []
    for course, since in zip(courses, truth, strict=True):
        low, high = course.since()
        first = (low - FIRST).days + 1 if low else 0
        held.append(first <= since <= (high - FIRST).days)
        errors.append(abs(int(np.searchsorted(course.began.cumsum(), 0.5)) - since))

    assert 0.88 <= np.mean(held) <= 0.99
    assert np.median(errors) <= 1
    assert sum(course.until() is not None for course in courses) <= 1


def test_each_photo_has_a_mark():
    photos = broken(range(10), since=4)
    photos[7] = replace(photos[7], looked=False)
    log = log_of(photos, noise=False)
    log.photos["0008"].said[0, 1:3] = 0  # a blown sky

    (course,) = courses_of(map_of(log), log).values()

    assert course.says() == "oooo### .#"

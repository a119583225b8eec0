"""Which photos a report reads and shows: few, and the right ones."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stillpix.evidence.measures import MEASURES, RESIDUAL, SLOPE
from stillpix.evidence.sightings import Sightings
from stillpix.frame import Exposure, Sensor
from stillpix.maps.records import Defect
from stillpix.report.choosing import (
    AMONG_UNKNOWN,
    BEST,
    LEAST,
    MOST_READS,
    best_and_least,
    covering,
    evenly,
    to_read,
)
from stillpix.report.looks import Looks, looks_of, sign_of

SENSOR = Sensor("a", "b", "c", 64, 48)
PLACES = [(8, 9), (20, 21)]


def looks(sigmas, usable=True):
    """Return looks that stand out by some sigmas, (photos, places)."""
    sigmas = np.asarray(sigmas, float)
    said = np.zeros((*sigmas.shape, MEASURES))
    said[..., RESIDUAL], said[..., SLOPE] = sigmas, usable
    return Looks(tuple(f"{n:03}" for n in range(len(sigmas))), (Exposure(),) * len(sigmas), said)


def exposures(photos):
    return {f"{n:03}": Exposure(exposure_s=0.001 * (n + 1)) for n in range(photos)}


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 8))), st.data())
def test_a_cover_serves_every_need_as_far_as_there_are_photos(wanted, data):
    most = wanted.sum(0)
    numbers = np.array([data.draw(st.integers(0, int(number))) for number in most])

    chosen = covering(wanted, numbers, most=99)

    assert len(set(chosen)) == len(chosen)
    assert (wanted[chosen].sum(0) >= numbers).all()


def test_a_cover_takes_the_photo_that_serves_most_and_ends_at_the_limit():
    wanted = np.eye(6, dtype=bool)
    wanted[4, :3] = True

    assert covering(wanted, np.ones(6, int), most=2)[0] == 4
    assert len(covering(wanted, np.ones(6, int), most=2)) == 2


def test_a_cover_takes_no_photo_that_serves_nothing_any_more():
    assert covering(np.ones((6, 3), bool), np.array([1, 2, 1]), most=6) == [0, 1]


def test_where_the_log_knows_them_the_photos_that_show_best_and_least_are_read():
    sigmas = np.full((40, 1), 4.0)
    sigmas[[3, 17, 30], 0] = 9.0, 8.0, 7.0
    sigmas[[5, 6], 0] = 0.1, -0.2

    chosen = to_read(looks(sigmas), np.ones(1), exposures(40))

    assert sorted(chosen) == ["003", "005", "006", "017", "030"]


def test_the_best_of_a_dark_defect_are_the_darkest():
    sigmas = np.linspace(-9, 9, 19)[:, None]

    best, _ = best_and_least(looks(sigmas), -1)

    assert best == ["000", "001", "002"]


def test_a_photo_that_cannot_say_is_neither_best_nor_least():
    usable = np.ones((12, 1))
    usable[[0, 1], 0] = 0
    sigmas = np.arange(12.0)[::-1, None].copy()
    sigmas[1] = 0.0

    best, least = best_and_least(looks(sigmas, usable), 1)

    assert best == ["002", "003", "004"]
    assert least == ["011", "010"]


@given(st.lists(st.floats(-9, 9), min_size=0, max_size=12))
def test_no_photo_is_both_best_and_least(sigmas):
    best, least = best_and_least(looks(np.array(sigmas).reshape(-1, 1)), 1)

    assert not set(best) & set(least)
    assert len(best) + len(least) == min(len(sigmas), BEST + LEAST)


def test_many_defects_and_photos_take_few_reads():
    sigmas = np.random.default_rng(1).normal(3, 2, (500, 100))

    chosen = to_read(looks(sigmas), np.ones(100), exposures(500))

    assert len(chosen) <= MOST_READS


def test_where_nothing_is_known_photos_are_read_evenly_over_their_exposures():
    nothing = looks_of(None, PLACES, {})

    chosen = to_read(nothing, np.ones(2), exposures(100))

    assert len(chosen) == AMONG_UNKNOWN
    assert chosen[0] == "000"
    assert chosen[-1] == "099"


def test_of_few_photos_all_are_read():
    assert sorted(to_read(looks_of(None, PLACES, {}), np.ones(2), exposures(4))) == [
        "000", "001", "002", "003",
    ]  # fmt: skip


def test_photos_that_are_not_at_hand_are_not_read():
    at_hand = {digest: shot for digest, shot in exposures(40).items() if digest > "019"}

    chosen = to_read(looks(np.arange(40.0)[::-1, None]), np.ones(1), at_hand)

    assert set(chosen) <= at_hand.keys()
    assert "020" in chosen


def test_evenly_names_no_photo_twice():
    assert len(set(evenly(list(exposures(7)), exposures(7), 5))) == 5
    assert evenly(list(exposures(3)), exposures(3), 9) == ["000", "001", "002"]
    assert evenly([], {}, 3) == []


def test_looks_stand_in_order_of_date_and_photos_without_one_come_last():
    log = Sightings(SENSOR, places=[PLACES[1]])
    log.note("late", Exposure(taken=datetime(2024, 2, 1)), np.ones((1, MEASURES), np.float16))
    log.note("bare", Exposure(), np.ones((1, MEASURES), np.float16))
    log.note("unseen", Exposure(taken=datetime(2022, 2, 1)), np.ones((0, MEASURES), np.float16))
    fresh = {"early": (Exposure(taken=datetime(2023, 1, 1)), np.full((2, MEASURES), 2.0))}

    found = looks_of(log, PLACES, fresh)

    assert found.digests == ("unseen", "early", "late", "bare")
    assert np.isnan(found.sigmas[:, 0]).tolist() == [True, False, True, True]
    assert found.at(1).digests == ("early", "late", "bare")
    assert found.at(1).sigmas[:, 0].tolist() == [2.0, 1.0, 1.0]


def test_what_was_just_read_counts_more_than_the_log():
    log = Sightings(SENSOR, places=PLACES)
    log.note("a", Exposure(), np.ones((2, MEASURES), np.float16))

    found = looks_of(log, PLACES, {"a": (Exposure(), np.full((2, MEASURES), 7.0))})

    assert found.sigmas.tolist() == [[7.0, 7.0]]


def test_the_sign_of_a_defect_is_that_of_its_strength_or_else_of_its_kind():
    assert sign_of(Defect(x=1, y=1, kind="hot", strength=-4.0)) == -1
    assert sign_of(Defect(x=1, y=1, kind="low")) == -1
    assert sign_of(Defect(x=1, y=1)) == 1

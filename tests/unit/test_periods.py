"""Sums by period of time are the same in any order and any split, and recent ones are short."""

from __future__ import annotations

import errno
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillpix.detection.decide import detect
from stillpix.errors import StateFormatError
from stillpix.evidence import evidence as evidence_module
from stillpix.evidence.evidence import Evidence
from stillpix.evidence.period_kernels import UNIT_OF_PERIODS
from stillpix.evidence.periods import NARROW, SHORTEST, kind_of_scores
from stillpix.evidence.room import Room
from stillpix.evidence.sum_kernels import UNIT
from stillpix.evidence.templates import TEMPLATES
from support.frames import EXPOSURES, evidence_of, some_frames

FIRST = datetime(2021, 5, 4, 12)
DAY_S = 86_400
# Days after the first photo: some together, some long before, and one long after.
DAYS = (0, 0, 3, 40, 41, 200, 390, 398, 399, 400, 401, 1100)
PICTURES = some_frames(len(DAYS) + 1)


def taken(picture, days):
    at = None if days is None else FIRST + timedelta(days=days)
    return replace(picture, exposure=replace(picture.exposure, taken=at))


FRAMES = [taken(*each) for each in zip(PICTURES, (*DAYS, None), strict=True)]
ORDERS = st.permutations(range(len(FRAMES)))
SPLITS = st.lists(st.integers(0, len(FRAMES)), max_size=4).map(sorted)


@cache
def everything():
    """Return the evidence of all frames; no test changes it."""
    return evidence_of(FRAMES)


def days_apart(number, apart, seed=1):
    """Return the evidence of so many photos, so many days apart."""
    pictures = some_frames(number, seed=seed)
    return evidence_of([taken(each, n * apart) for n, each in enumerate(pictures)])


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(ORDERS, SPLITS)
def test_any_order_and_any_split_ends_in_the_same_periods_with_the_same_bits(order, splits):
    merged = Evidence(everything().sensor)
    for a, b in pairwise([0, *splits, len(FRAMES)]):
        part = Evidence(everything().sensor)
        for n in order[a:b]:
            part.update(FRAMES[n])
        merged.merge(part)

    expected, found = everything().periods.arrays(), merged.periods.arrays()
    assert found.keys() == expected.keys()
    for name, sums in expected.items():
        assert (found[name].dtype, found[name].tobytes()) == (sums.dtype, sums.tobytes()), name


def test_saved_periods_come_back_to_the_last_bit_and_go_on():
    half = evidence_of(FRAMES[::2])
    with tempfile.TemporaryDirectory() as folder:
        half.save(Path(folder))
        back = Evidence.load(Path(folder), half.sensor)

    assert back == half
    assert back.update_all(FRAMES) == everything()


@pytest.mark.parametrize("name", ["scores", "information", "group_scores"])
def test_a_period_of_another_shape_is_refused(tmp_path, name):
    everything().save(tmp_path)
    (*_, path) = sorted(tmp_path.glob(f"period_*_{name}.npy"))
    np.save(path, np.load(path)[..., :-1])

    with pytest.raises(StateFormatError, match="another shape"):
        Evidence.load(tmp_path, everything().sensor)


def test_periods_that_cannot_be_are_refused(tmp_path):
    everything().save(tmp_path)
    told = np.load(tmp_path / "periods.npy")
    told[1, 0] = 0  # an interval of one second, among photos of three years
    np.save(tmp_path / "periods.npy", told)

    with pytest.raises(StateFormatError, match="cannot be"):
        Evidence.load(tmp_path, everything().sensor)


@pytest.mark.parametrize("apart", [0.5, 2, 31])
def test_recent_periods_are_short_old_ones_as_long_as_they_are_old_and_few(apart):
    evidence = days_apart(100, apart)
    newest = evidence.periods.newest
    lengths = [(1 << level, newest - ((number + 1) << level)) for level, number in
               evidence.periods.sums]  # fmt: skip

    assert sum(period.photos for period in evidence.periods.sums.values()) == 100
    assert len(lengths) <= 12
    finest = max(evidence.periods.span / 16, 1 << SHORTEST)
    assert min(length for length, _ in lengths) <= finest
    for length, ago in lengths:
        assert length <= max(finest, ago)  # as an interval that ended so long ago may be


def test_photos_without_a_date_are_in_no_period():
    undated = evidence_of([taken(each, None) for each in PICTURES])

    assert not undated.periods.sums
    assert undated.scores.any()


def test_the_periods_add_up_to_all_dated_photos_counted_coarsely():
    dated = evidence_of(FRAMES[:-1])
    steeper = 2.0  # the template of periods is twice as steep: its weights lie between these
    told = sum(period.scores.astype(int) for period in dated.periods.sums.values())
    information = sum(period.information for period in dated.periods.sums.values())
    plain = dated.information[1]
    seen = plain > 0

    assert (information[seen] >= plain[seen]).all()
    assert (information[seen] <= steeper**2 * plain[seen] + 100 * len(DAYS)).all()
    coarse, fine = told / UNIT_OF_PERIODS, dated.scores[1] / UNIT
    assert np.corrcoef(coarse.ravel(), fine.ravel())[0, 1] > 0.95
    assert TEMPLATES[1].name == "hot-tempered"


def test_the_groups_of_a_period_add_up_to_it():
    for period in everything().periods.sums.values():
        groups = [sums[0][0] for _, sums in period.groups.items()]
        assert np.array_equal(sum(groups), period.scores)


def test_the_type_holds_whatever_its_photos_can_say():
    largest = 3 * 6 * UNIT_OF_PERIODS  # a weight of three, and a dark frame's six sigmas

    assert kind_of_scores(NARROW) is np.int16
    assert NARROW * largest <= np.iinfo(np.int16).max
    assert kind_of_scores(NARROW + 1) is np.int32


@pytest.mark.slow
@pytest.mark.parametrize("split", [1, 100, NARROW, NARROW + 5])
def test_a_period_is_widened_alike_in_any_split(split):
    picture = some_frames(1, 24, 24)[0]
    number = NARROW + 6
    frames = [
        replace(picture, digest=f"{n:064x}", exposure=replace(EXPOSURES[8], taken=FIRST))
        for n in range(number)
    ]
    whole = Evidence(picture.sensor).update_all(frames)
    parts = Evidence(picture.sensor).update_all(frames[:split])
    parts.merge(Evidence(picture.sensor).update_all(frames[split:]))
    ((period),) = whole.periods.sums.values()

    assert period.scores.dtype == np.int32
    assert parts == whole


# And the sums of all time


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["rendered", "bayer-RGGB"])
def test_sums_of_very_many_photos_are_the_same_with_twice_the_bits(monkeypatch, tmp_path, layout):
    frames = [
        replace(frame, sensor=replace(frame.sensor, layout=layout)) for frame in some_frames(6)
    ]
    narrow = evidence_of(frames[:4]).note_repeat(frames[4])
    monkeypatch.setattr(evidence_module, "NARROW", 3)

    wide = evidence_of(frames[:2]).merge(evidence_of(frames[2:4]))
    wide.note_repeat(frames[4])

    assert wide == narrow
    assert (wide.shown.dtype, wide.excess.dtype) == (np.int32, np.int64)
    wide.save(tmp_path)
    assert Evidence.load(tmp_path, frames[0].sensor) == wide


@pytest.mark.parametrize("full", [False, True])
def test_periods_on_a_disk_have_the_bits_of_those_in_memory(tmp_path, monkeypatch, full):
    def refused(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    room, kept = tmp_path / "room", tmp_path / "kept"
    room.mkdir()
    kept.mkdir()
    if full:
        monkeypatch.setattr(Room, "_mapped", refused)
    evidence = Evidence(FRAMES[0].sensor)
    evidence.periods.room = Room(room, or_memory=True)

    evidence.update_all(FRAMES)
    evidence.save(kept)

    assert evidence == everything()
    again = Evidence.load(kept, FRAMES[0].sensor, Room(room, or_memory=True))
    assert again == everything()
    assert detect(again) == detect(everything())
    assert list(room.iterdir()) == []

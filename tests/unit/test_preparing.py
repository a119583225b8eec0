"""A first run says that code is compiled, and counts the time left from the end of it."""

from __future__ import annotations

import time

import pytest

from stillpix.cli import progress
from stillpix.compiling import compiled, compiled_within, told_of_compiling
from stillpix.frame import Sensor
from stillpix.watch import PREPARING
from stillpix.web.jobs import Job
from stillpix.web.journal import Journal

SENSOR = Sensor("Example", "One", "7", 64, 48)


@pytest.fixture
def clock(monkeypatch):
    """Return a clock that the test sets, in a list."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.mark.slow
def test_compiling_is_told_of_once_with_all_that_is_needed_for_it():
    def add(one, other):
        return one + other

    inner = compiled_within(add)

    def twice(number):
        return inner(number, number)

    outer, told = compiled(twice), []
    outer._cache.load_overload = lambda *_: None  # whatever earlier tests have kept

    with told_of_compiling(told.append):
        assert (outer(3), outer(4)) == (6, 8)
    outer(5.0)  # of another type, and so compiled anew, when nobody listens any more

    assert told == [True, False]


def test_a_command_says_so_once_and_counts_the_pace_from_then_on(clock, capsys, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", 10.0)
    watch = progress.Progress()
    watch.body(SENSOR, 100)
    for begins in (True, False, True, False):
        watch.preparing(begins=begins)
        clock[0] += 40
    watch.preparing(begins=True)
    clock[0] += 1000
    watch.photos(4)
    assert capsys.readouterr().err.count(PREPARING) == 1
    watch.preparing(begins=False)
    clock[0] += 20
    watch.photos(24)

    said = capsys.readouterr().err
    assert said == "stillpix: One, serial 7: 24 of 100 photos, 1.0 photos/s, 76 s left\n".replace(
        "One, serial 7", SENSOR.name
    )


def test_the_page_says_so_and_counts_the_pace_from_then_on(clock):
    job = Job(1, "find", "photos", Journal())
    job.plan([100])
    job.body(SENSOR, 100)
    job.preparing(begins=True)
    clock[0] += 1000
    job.photos(4)
    assert (job.summary()["phase"], job.summary()["left_s"]) == (PREPARING, None)

    job.preparing(begins=False)
    clock[0] += 20
    job.photos(24)

    assert (job.summary()["phase"], job.summary()["left_s"]) == (SENSOR.name, 76.0)


def test_a_command_says_how_many_pixels_are_sure_so_far_of_the_body_being_read(
    clock, capsys, monkeypatch
):
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", 10.0)
    watch = progress.Progress()
    watch.body(SENSOR, 100)
    watch.so_far([(3, 4), (7, 9)], 16)
    clock[0] += 20
    watch.photos(20)
    assert "20 of 100 photos, 1.0 photos/s, 2 sure so far, 80 s left" in capsys.readouterr().err

    watch.body(SENSOR, 100)
    clock[0] += 20
    watch.photos(20)
    assert "sure" not in capsys.readouterr().err


def test_a_page_is_told_how_many_pixels_are_sure_while_photos_are_read():
    job = Job(1, "find", "a folder", Journal())
    job.body(SENSOR, 100)
    assert job.summary()["sure"] is None

    job.so_far([(3, 4), (7, 9)], 16)
    assert job.summary()["sure"] == {"pixels": 2, "photos": 16}

    job.again(SENSOR, 10)
    assert job.summary()["sure"] is None

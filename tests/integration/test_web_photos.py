"""What the page shows of photos that are no plain 8-bit colours, and the order of what happens."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from stillpix.frame import Exposure, Sensor
from stillpix.images import Header
from stillpix.web.jobs import OWN_FAULT, Jobs
from stillpix.web.journal import MISSED, Journal
from stillpix.web.photos import PhotoCache, displayed, snapped
from stillpix.web.refusal import Refused
from support import costs


def header_of(pixels, layout, white):
    height, width = pixels.shape[:2]
    sensor = Sensor("Example", "One", "7", width, height, layout)
    return Header(Path("a.dng"), "tiff", sensor, Exposure(), None, 1, white)


def test_a_mosaic_is_shown_as_grey_levels_that_rise_with_its_own():
    levels = np.arange(64 * 48, dtype=np.uint16).reshape(48, 64) * 5
    shown = displayed(levels, header_of(levels, "bayer-RGGB", 65535))

    assert shown.shape == levels.shape
    assert shown.dtype == np.uint8
    assert (np.diff(shown.ravel().astype(int)) >= 0).all()
    assert shown.min() == 0
    assert shown.max() == 255
    assert abs(int(shown.ravel()[levels.size // 2]) - round(255 * 0.5 ** (1 / 2.2))) < 3


def test_a_16_bit_picture_is_shown_by_its_upper_eight_bits():
    levels = np.array([[[0, 255, 256], [32768, 65279, 65535]]], np.uint16)
    shown = displayed(levels, header_of(levels, "rendered", 65535))

    assert shown.tolist() == [[[0, 0, 1], [128, 254, 255]]]


def test_in_a_bayer_mosaic_a_photosite_is_judged_by_those_of_its_colour():
    """Every green is brighter than every red: that is the scene, and no defect."""
    mosaic = np.full((20, 20), 40, np.uint8)
    mosaic[0::2, 1::2] = mosaic[1::2, 0::2] = 160
    mosaic[10, 12] = 90

    assert snapped(mosaic, 11, 10, "bayer-RGGB") == (12, 10)


@pytest.mark.parametrize("place", [(0, 0), (19, 19), (0, 10), (19, 0)])
def test_a_pixel_can_be_added_at_the_very_edge(place):
    grey = np.full((20, 20), 90, np.uint8)
    grey[place[1], place[0]] = 10

    assert snapped(grey, *place, "rendered") == place


def test_decoded_photos_take_no_more_memory_than_they_may():
    grey = np.zeros((100, 100, 3), np.uint8)
    cache = PhotoCache(most_bytes=100_000)
    reads = []

    def read(header):
        reads.append(header)
        return grey.copy()

    for key in ("a", "b", "c", "d", "d", "c", "a"):
        cache.shown(key, header_of(grey, "rendered", 255), read)

    assert len(reads) == 5  # three fit; d and c were still there, a was not
    assert cache._held_bytes() <= 100_000


def test_a_photo_asked_for_by_many_is_decoded_once():
    grey = np.zeros((100, 100), np.uint8)
    cache, reads = PhotoCache(), []

    def read(header):
        reads.append(header)
        time.sleep(0.05)
        return grey

    asked = [
        threading.Thread(target=cache.shown, args=("a", header_of(grey, "rendered", 255), read))
        for _ in range(8)
    ]
    for thread in asked:
        thread.start()
    for thread in asked:
        thread.join()

    assert len(reads) == 1


def test_who_follows_sees_every_event_once_and_in_order():
    journal = Journal(kept=5000)
    told = []

    async def follow():
        async for event in journal.follow(0):
            told.append(event.version)
            if event.version == 2000:
                return

    def tell():
        for number in range(500):
            journal.tell("map", {"map": number})

    tellers = [threading.Thread(target=tell) for _ in range(4)]
    for thread in tellers:
        thread.start()
    asyncio.run(asyncio.wait_for(follow(), costs.LONGEST_S))

    assert told == list(range(1, 2001))


def test_who_was_away_for_too_long_is_told_so():
    journal = Journal(kept=3)
    for number in range(10):
        journal.tell("map", {"map": number})

    assert [event.kind for event in journal.after(2)] == [MISSED, "map", "map", "map"]
    assert [event.version for event in journal.after(7)] == [8, 9, 10]
    assert journal.after(10) == []


def test_a_run_that_breaks_ends_as_failed_and_the_next_can_begin(monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    jobs = Jobs(Journal())

    def broken(_):
        raise ZeroDivisionError

    def refused(_):
        raise Refused(409, "not now")

    told = []
    for work in (broken, refused, lambda _: {"done": True}):
        job = jobs.start("find", "photos", work)
        jobs.wait(job)
        told.append((job.state, job.error))

    assert told == [("failed", OWN_FAULT), ("failed", "not now"), ("done", "")]
    assert [each["state"] for each in jobs.summaries()] == ["failed", "failed", "done"]

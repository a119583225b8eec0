"""Which frames of a clip are looked at."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from stillpix.images.clip_frames import (
    ENOUGH,
    MOST,
    Entry,
    chosen_of,
    share_of,
    spread_first,
    thinned,
    timed,
)


def numbers_of(entries, most=MOST):
    return [one.number for one in chosen_of(entries, most)]


def test_key_frames_come_before_all_others():
    entries = [Entry(10 * n, n % 30 == 0) for n in range(300)]
    chosen = chosen_of(entries)
    assert len(chosen) == ENOUGH
    assert all(one.after == 0 for one in chosen[:10])
    assert all(one.after > 0 for one in chosen[10:])
    assert all((one.number - 1) * 10 == one.key + 10 * one.after for one in chosen)


def test_enough_key_frames_are_looked_at_alone():
    chosen = chosen_of([Entry(n, n % 3 == 0) for n in range(300)])
    assert len(chosen) == 100
    assert all(one.after == 0 for one in chosen)


def test_frames_before_the_first_key_frame_are_left_out():
    assert numbers_of([Entry(0, False), Entry(1, True), Entry(2, False)]) == [2, 3]


def test_a_beginning_of_the_order_lies_evenly_in_the_clip():
    chosen = numbers_of([Entry(n, True) for n in range(1000)])
    for most in (8, 25, 100):
        ends = sorted([0, *chosen[:most], 1000])
        assert max(b - a for a, b in itertools.pairwise(ends)) <= 2.1 * 1000 / most


@pytest.mark.parametrize("length", [0, 1, 2, 3, 7, 200])
def test_spreading_keeps_every_item_once(length):
    assert sorted(spread_first(range(length))) == list(range(length))
    assert len(thinned(range(length), 5)) == min(length, 5)


def test_more_clips_never_ask_for_other_frames_of_one():
    shares = [share_of(clips) for clips in range(1, 400)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == MOST


def test_times_lie_within_a_clip_without_an_index():
    assert all(50 <= one.key < 150 for one in timed(50, 100, 200))


def test_of_many_clips_fewer_frames_each_are_taken(tmp_path, monkeypatch):
    from stillpix.frame import Exposure, Sensor
    from stillpix.images import Header, gather
    from stillpix.images.outline import Part

    sensor = Sensor("Acme", "One", "7", 64, 48, which="video")
    headers = [
        Header(Path(f"{clip}.mp4"), "video", sensor, Exposure(), None, 1, 235, part=Part(n, (n, 0)))
        for clip in range(4)
        for n in range(1, 101)
    ]
    kept = gather._shared(headers)
    assert len(kept) == MOST
    assert {header.part.number for header in kept} == set(range(1, 51))
    assert gather._shared(headers[:100]) == headers[:100]

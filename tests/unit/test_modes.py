"""Modes of one sensor: where subframes, binned frames and crops lie, and one map of them all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stillpix.frame import Sensor
from stillpix.maps import map_file
from stillpix.maps.modes import joined, laid_in, mode_of_crop
from stillpix.maps.records import Defect, DefectMap, Run

FULL = Sensor("unknown", "Guide", "7", 640, 480, "mono")
PART = replace(FULL, width=300, height=240, which="subframe at 200,100")
CORNER = replace(FULL, width=300, height=240)
BINNED = replace(FULL, width=320, height=240, which="binned 2x2")


def mapped(sensor, places, **facts):
    found = tuple(Defect(x=x, y=y, state="confirmed", score=9.0, **facts) for x, y in places)
    return DefectMap(sensor, found)


def places(found):
    return sorted((one.x, one.y) for one in found)


def test_one_map_of_all_modes_has_each_pixel_once_in_the_full_frame():
    both = joined([
        mapped(FULL, [(210, 120), (10, 20)]),
        mapped(PART, [(10, 20), (299, 239)]),
        mapped(BINNED, [(105, 60), (5, 10), (300, 200)]),
    ])  # fmt: skip

    assert places(both) == [(10, 20), (210, 120), (499, 339), (600, 400)]
    assert (both.sensor.width, both.sensor.height, both.sensor.which) == (640, 480, "")


def test_a_joined_map_is_read_again_and_laid_on_each_mode():
    both = joined([
        mapped(CORNER, [(10, 20), (250, 130)]), mapped(PART, [(290, 20)]), mapped(BINNED, []),
    ])  # fmt: skip
    again = map_file.from_text(map_file.as_text(both), "a.json")

    assert places(laid_in(again, CORNER)) == [(10, 20), (250, 130)]
    assert places(laid_in(again, PART)) == [(50, 30), (290, 20)]
    assert places(laid_in(again, BINNED)) == [(5, 10), (125, 65), (245, 60)]


def test_a_binned_pixel_is_no_place_of_a_mode_that_is_not_binned():
    both = joined([mapped(BINNED, [(100, 60)]), mapped(PART, [])])

    assert places(laid_in(both, PART)) == []
    assert places(laid_in(both, BINNED)) == [(100, 60)]


def test_a_bad_column_goes_as_far_as_the_mode_does():
    column = mapped(FULL, [(210, 0)], run=Run("column", 0, 479))

    (laid,) = laid_in(column, PART)

    assert (laid.x, laid.run) == (10, Run("column", 0, 239))


def test_a_persons_rejection_holds_in_all_modes():
    rejected = DefectMap(PART, (Defect(x=10, y=20, state="rejected"),))

    (one,) = joined([mapped(FULL, [(210, 120)]), rejected])

    assert one.state == "rejected"


@pytest.mark.parametrize("extra", [{}, {"modes": 3}, {"modes": [{"which": "", "x": "2"}]}])
def test_sizes_of_which_nothing_tells_how_they_lie_are_not_joined(extra):
    found = replace(mapped(FULL, [(10, 20)]), extra=extra)

    assert laid_in(found, CORNER) is None
    assert joined([found, mapped(CORNER, [(10, 20)])]) is None


def test_a_crop_lies_where_the_broken_pixels_that_both_maps_share_say():
    rng = np.random.default_rng(3)
    own = {(int(x), int(y)) for x, y in rng.integers(0, (640, 480), (12, 2))}
    crop = replace(FULL, width=420, height=320)
    seen = [(x - 110, y - 80) for x, y in own if 110 <= x < 530 and 80 <= y < 400]

    mode = mode_of_crop(mapped(FULL, own), mapped(crop, [*seen, (3, 4)]))

    assert (mode.x, mode.y) == (110, 80)


@pytest.mark.parametrize("seed", range(20))
def test_maps_that_share_no_pixels_are_never_laid_on_each_other(seed):
    rng = np.random.default_rng(seed)
    full = replace(FULL, layout="rendered")
    crop = replace(full, width=420, height=320)
    theirs = [tuple(map(int, each)) for each in rng.integers(0, (420, 320), (60, 2))]
    own = [tuple(map(int, each)) for each in rng.integers(0, (640, 480), (60, 2))]

    assert mode_of_crop(mapped(full, own), mapped(crop, theirs)) is None

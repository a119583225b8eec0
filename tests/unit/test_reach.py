"""When photos read so far are judged, and how much of what shows they would miss."""

from __future__ import annotations

import numpy as np
import pytest

from stillpix.detection.reach import Glance, glance, missed_share
from stillpix.evidence.evidence import Evidence
from stillpix.frame import Sensor
from stillpix.maps.records import Defect, DefectMap
from stillpix.scan import early
from stillpix.scan.early import moments, spread
from support import frames

# When it is judged


def test_judging_takes_no_more_than_its_share_of_the_time():
    for photos in (10, 100, 1000, 100_000):
        for megapixels in (0.2, 2.0, 24.0):
            cost = early.OF_LARGE + early.OF_SMALL / (1 + megapixels)
            found = moments(photos, megapixels, 0.05)

            assert len(found) * cost <= 0.05 * photos
            assert found == sorted(set(found))
            assert all(early.FIRST < moment < photos for moment in found)


@pytest.mark.parametrize("photos", [1, 2, 7, 8, 100])
def test_photos_that_are_read_first_lie_all_over_the_row(photos):
    order = spread(list(range(photos)))

    assert sorted(order) == list(range(photos))
    for read in range(1, photos):
        gaps = np.diff([-1, *sorted(order[:read]), photos])
        assert gaps.max() <= 4 * photos / read


# How far it goes


def test_the_share_that_is_missed_is_that_of_noise_below_the_limit():
    rng = np.random.default_rng(5)
    scores = rng.uniform(2, 9, 4000)

    naive = float((scores + rng.standard_normal(4000) < 5.5).mean())

    assert missed_share(scores, 5.5) == pytest.approx(naive, abs=0.02)
    assert missed_share(scores, np.inf) == missed_share(np.zeros(0), 5.5) == 1.0


def test_exposures_still_to_be_read_that_show_more_make_the_photos_read_tell_less():
    short, long = frames.EXPOSURES[1], frames.EXPOSURES[8]
    rng = np.random.default_rng(3)
    made = [frames.frame_of(frames.texture(rng, 160, 120), short, name=f"{n}") for n in range(40)]
    evidence = Evidence.of(made)

    alone, with_long = glance(evidence), glance(evidence, [long] * 40)

    assert alone.found == with_long.found
    assert alone.usual > with_long.usual
    assert alone.missed <= with_long.missed


def test_only_pixels_that_show_make_two_lists_differ():
    def listed(*places):
        defects = tuple(
            Defect(x=x, y=y, kind="hot", score=score, state="confirmed") for x, y, score in places
        )
        return Glance(DefectMap(Sensor("a", "b", "c", 64, 48), defects), 0.01, 7.0)

    one = listed((5, 5, 20.0), (30, 30, 6.0))

    assert not listed((6, 5, 21.0)).differs(one)
    assert listed((5, 5, 20.0), (40, 9, 8.0)).differs(one)
    assert one.differs(listed((40, 9, 6.5)))

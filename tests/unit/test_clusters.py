"""Broken pixels that lie close together: one cluster, told once, with its pixels."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from stillpix.frame import Sensor
from stillpix.maps.map_file import as_text
from stillpix.maps.records import Defect, DefectMap, Run, clusters_of
from stillpix.report.reasons import clusters_by_place, reasons
from stillpix.wording import remarks

SENSOR = Sensor("Example", "One", "7", 64, 48)
WITHIN = 2  # px: as far as the neighbours that predict a pixel


def map_of(*places, state="confirmed"):
    return DefectMap(SENSOR, tuple(Defect(x=x, y=y, state=state) for x, y in places))


def said_of(found):
    return [remark for remark in remarks(found) if "cluster" in remark]


def places_of(cluster):
    return {(one.x, one.y) for one in cluster}


def plainly_joined(places):
    """Return sets of places that hang together, by joining any two sets that come near enough."""
    sets = [{place} for place in places]
    joined = True
    while joined:
        joined = False
        for one, other in combinations(sets, 2):
            if any(max(abs(a - c), abs(b - d)) <= WITHIN for a, b in one for c, d in other):
                sets = [each for each in sets if each not in (one, other)] + [one | other]
                joined = True
                break
    return [each for each in sets if len(each) > 1]


@pytest.mark.parametrize("seed", range(5))
def test_clusters_are_what_hangs_together(seed):
    rng = np.random.default_rng(seed)
    places = sorted({(int(x), int(y)) for x, y in rng.integers(0, 24, (40, 2))})
    rng.shuffle(places)

    clusters = clusters_of(Defect(x=int(x), y=int(y)) for x, y in places)

    expected = plainly_joined([(int(x), int(y)) for x, y in places])
    assert sorted(map(sorted, map(places_of, clusters))) == sorted(map(sorted, expected))
    assert [len(one) for one in clusters] == sorted(map(len, clusters), reverse=True)


def test_a_cluster_is_told_once_with_its_pixels():
    found = map_of((5, 5), (30, 30), (7, 6))

    assert said_of(found) == ["a cluster of 2 broken pixels at x 5..7, y 5..6: (5, 5), (7, 6)"]


@pytest.mark.parametrize("state", ["candidate", "rejected"])
def test_pixels_that_are_not_broken_are_in_no_cluster(state):
    assert said_of(map_of((5, 5), (6, 6), state=state)) == []


def test_a_column_is_in_no_cluster_and_pixels_beside_it_are_in_none():
    column = Defect(x=6, y=0, run=Run("column", 0, 47), state="confirmed")
    pixel = Defect(x=7, y=5, state="confirmed")

    assert DefectMap(SENSOR, (column, pixel)).clusters() == ()


def test_of_many_clusters_the_largest_are_told_and_the_others_are_counted():
    pairs = [(8 * n + dx, 8) for n in range(7) for dx in (0, 1)]
    told = said_of(map_of(*pairs, (2, 8)))

    assert told[0] == "a cluster of 3 broken pixels at x 0..2, y 8: (0, 8), (1, 8), (2, 8)"
    assert (len(told), told[-1]) == (6, "2 smaller clusters of 4 broken pixels in all")


def test_a_large_cluster_names_some_of_its_pixels():
    (told,) = said_of(map_of(*((x, 9) for x in range(20))))

    assert told.endswith("(11, 9) and 8 more")


def test_the_reasons_of_a_pixel_say_which_cluster_it_is_of():
    found = map_of((5, 5), (30, 30), (7, 6))
    clusters = clusters_by_place(found)

    said = [
        "It is one of a cluster of 2 broken pixels at x 5..7, y 5..6."
        in reasons(one, 0.01, None, cluster=clusters.get((one.x, one.y), ()))
        for one in found
    ]

    assert said == [True, False, True]


def test_a_map_file_holds_pixels_and_no_clusters():
    assert "cluster" not in as_text(map_of((5, 5), (7, 6)))

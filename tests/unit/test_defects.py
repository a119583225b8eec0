"""Defects and maps as records."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from stillpix.frame import Sensor
from stillpix.maps.records import Defect, DefectMap, Run

SENSOR = Sensor("NIKON CORPORATION", "NIKON D3200", "8964244", 3008, 2000)
HOT = Defect(x=2797, y=791, kind="hot", state="confirmed")
FAINT = Defect(x=12, y=7)
COLUMN = Defect(x=9, y=0, run=Run("column", 0, 1999), state="accepted")


def test_a_map_is_walked_in_its_own_order():
    assert list(DefectMap(SENSOR, (HOT, FAINT, COLUMN))) == [HOT, FAINT, COLUMN]


def test_a_maps_length_is_the_number_of_its_entries():
    assert len(DefectMap(SENSOR)) == 0
    assert len(DefectMap(SENSOR, (HOT, COLUMN))) == 2


def test_defects_are_picked_by_state_in_the_maps_order():
    listed = DefectMap(SENSOR, (COLUMN, FAINT, HOT))

    assert listed.in_state("confirmed", "accepted") == (COLUMN, HOT)
    assert listed.in_state("rejected") == ()


def test_a_defect_is_a_candidate_of_unknown_kind_until_something_is_known():
    assert (FAINT.kind, FAINT.state, FAINT.strength, FAINT.seen) == (
        "unknown",
        "candidate",
        None,
        None,
    )


def test_records_cannot_be_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        HOT.state = "rejected"


def test_records_can_be_kept_in_sets_with_keys_of_later_versions_too():
    later = Defect(x=1, y=2, extra={"temperature_c": [20]})

    assert len({HOT, later, Defect(x=1, y=2, extra={"temperature_c": [20]})}) == 2
    assert hash(DefectMap(SENSOR, (later,))) == hash(DefectMap(SENSOR, (later,)))


def test_maps_that_differ_in_an_unknown_key_are_not_equal():
    assert DefectMap(SENSOR, sensor_extra={"bits": 12}) != DefectMap(SENSOR)

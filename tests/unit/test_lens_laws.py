"""Laws of lenses: places there and back, and in the map file."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from stillpix.errors import MapFormatError
from stillpix.frame import Sensor
from stillpix.maps.lens_laws import LensLaw, law_for
from stillpix.maps.map_file import as_text, from_text
from stillpix.maps.records import Defect, DefectMap

LAW = LensLaw("Zoom", (24.0, 35.0, 70.0), ((0.0, -0.08, 0.01), (0.0, -0.03, 0.0), (0.0, 0.0, 0.0)))
MAP = DefectMap(Sensor("Canon", "EOS R", "7", 300, 200), (Defect(x=3, y=4),), laws=(LAW,))


@pytest.mark.parametrize("focal", [24.0, 30.0, 50.0, 71.0])
def test_a_place_comes_back_from_the_picture(focal):
    places = np.random.default_rng(1).uniform(0, (299, 199), (50, 2))

    there = LAW.in_picture(places, focal, (300, 200))

    assert np.abs(LAW.in_map(there, focal, (300, 200)) - places).max() < 1e-6


def test_a_law_holds_for_its_lens_and_focal_lengths():
    assert law_for([LAW], "Zoom", 24.0) is LAW
    assert law_for([LAW], "Zoom", 74.0) is LAW
    assert law_for([LAW], "Zoom", 85.0) is None
    assert law_for([LAW], "Zoom", None) is None
    assert law_for([LAW], "Other", 35.0) is None


def test_a_map_file_keeps_its_laws_and_says_so_by_its_version():
    text = as_text(MAP)

    assert json.loads(text)["version"] == 2
    assert from_text(text, "a.json") == MAP


def test_a_map_without_laws_is_written_as_before():
    document = json.loads(as_text(replace(MAP, laws=())))

    assert document["version"] == 1
    assert "laws" not in document


@pytest.mark.parametrize(
    "change",
    [
        {"terms": [[0, 0, 0]]},
        {"terms": [[0, 0], [0, 0], [0, 0]]},
        {"terms": [[0, 0, "a"], [0, 0, 0], [0, 0, 0]]},
        {"terms": [[0, -0.9, 0], [0, 0, 0], [0, 0, 0]]},
        {"focal_mm": [35, 24, 70]},
        {"focal_mm": "24"},
        {"lens": 5},
    ],
)
def test_a_law_that_cannot_be_is_refused_by_its_place(change):
    document = json.loads(as_text(MAP))
    document["laws"][0].update(change)

    with pytest.raises(MapFormatError, match=r"a\.json: laws\[0\]"):
        from_text(json.dumps(document), "a.json")

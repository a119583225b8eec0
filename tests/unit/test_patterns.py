"""Lattices of unlike sites: recognised by their period, said once, and never listed as defects."""

from __future__ import annotations

import numpy as np
import pytest

from stillpix.detection.decide import detect
from stillpix.evidence.evidence import Evidence
from stillpix.maps import read_map, write_map
from stillpix.maps.records import DefectMap, EvidenceSummary, Pattern
from stillpix.wording import remarks
from support.frames import EXPOSURES, frame_of, sensor_of, texture

WIDTH, HEIGHT, PHOTOS, LEVELS = 288, 192, 14, 25
HOT = (100, 77)


def body(period=(12, 16), phases=((5, 9),), levels=LEVELS, hot=HOT):
    """Return the evidence of photos with a lattice and one hot pixel."""
    rng = np.random.default_rng(3)
    frames = []
    for number in range(PHOTOS):
        picture = texture(rng, WIDTH, HEIGHT) * 0.6 + 6 * rng.standard_normal((HEIGHT, WIDTH)) + 30
        for x, y in phases:
            picture[y :: period[1], x :: period[0]] += levels
        picture[hot[1], hot[0]] += 80
        pixels = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
        frames.append(frame_of(pixels, EXPOSURES[number % len(EXPOSURES)], name=f"{number}"))
    return Evidence.of(frames)


@pytest.mark.parametrize(
    ("period", "phases"),
    [((12, 16), ((5, 9),)), ((10, 14), ((3, 3),)), ((12, 24), ((2, 5), (6, 17)))],
)
def test_a_lattice_is_one_pattern_and_what_lies_beside_it_is_still_found(period, phases):
    found = detect(body(period, phases))

    (pattern,) = found.evidence.patterns
    assert (pattern.across, pattern.down) == period
    assert set(pattern.at) == set(phases)
    assert pattern.strength is None or pattern.strength > 0
    assert {(one.x, one.y) for one in found.in_state("confirmed")} == {HOT}
    assert any("a pattern of the sensor" in remark for remark in remarks(found))


def test_a_sound_body_has_no_pattern():
    found = detect(body(levels=0))

    assert found.evidence.patterns == ()
    assert {(one.x, one.y) for one in found.in_state("confirmed")} == {HOT}


def test_many_defects_are_no_pattern():
    rng = np.random.default_rng(8)
    places = [
        (int(rng.integers(8, WIDTH - 8)), int(rng.integers(8, HEIGHT - 8))) for _ in range(400)
    ]

    found = detect(body((10_000, 10_000), places, 60))

    assert found.evidence.patterns == ()


def test_a_pattern_is_written_and_read_again(tmp_path):
    pattern = Pattern(12, 24, ((2, 5), (6, 17)), -3.5)
    evidence = EvidenceSummary(photos=9, scenes=9, patterns=(pattern,))
    path = tmp_path / "a.stillpix.json"

    write_map(DefectMap(sensor_of(WIDTH, HEIGHT), evidence=evidence), path)

    assert read_map(path).evidence.patterns == (pattern,)

"""The finder on whole simulated cameras: what the issue of the first release asked to be shown.

benchmarks/bench_accuracy.py measures many more cameras; these hold the floor: one camera of each
kind in every run; a second one and a larger sensor with --long.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from stillpix.detection.decide import detect
from stillpix.evidence.evidence import Evidence
from stillpix.maps.records import DefectMap
from stillpix.simulate import PlantedDefect, SimulatedCamera, random_settings
from support import effort

PHOTOS = 60
WIDTH, HEIGHT = (1500, 1000) if effort.long else (480, 320)
LEAST_RECALL = 0.55
MOST_FALSE = 0.02
WITHIN = 1  # px


def map_of(camera: SimulatedCamera) -> DefectMap:
    """Take the camera's photos as JPEGs and find what they show."""
    with ThreadPoolExecutor(2) as pool:
        frames = list(pool.map(lambda index: camera.photograph(index).frame(), range(PHOTOS)))
        evidence = Evidence(frames[0].sensor).update_all(frames, pool)
    return detect(evidence)


def same(x: int, y: int, truth: PlantedDefect) -> bool:
    return max(abs(x - truth.x), abs(y - truth.y)) <= WITHIN


@pytest.mark.parametrize("seed", effort.chosen([501, 502], 501))
def test_most_of_a_hundred_defects_are_found_in_sixty_photos_and_hardly_any_find_is_false(seed):
    settings = replace(
        random_settings(seed, width=WIDTH, height=HEIGHT), defects=100, photos=PHOTOS
    )
    camera = SimulatedCamera(settings, seed)

    confirmed = map_of(camera).in_state("confirmed")

    found = [t for t in camera.defects if any(same(d.x, d.y, t) for d in confirmed)]
    false = [d for d in confirmed if not any(same(d.x, d.y, t) for t in camera.defects)]
    assert len(found) / len(camera.defects) >= LEAST_RECALL
    assert len(false) <= MOST_FALSE * len(confirmed)


def test_a_camera_without_defects_gets_at_most_one(seed=503):
    settings = replace(random_settings(seed, width=WIDTH, height=HEIGHT), defects=0, photos=PHOTOS)

    assert len(map_of(SimulatedCamera(settings, seed)).in_state("confirmed")) <= 1

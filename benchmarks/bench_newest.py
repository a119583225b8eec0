"""Of many photos only the newest show a blazing pixel: is it listed?

    python benchmarks/bench_newest.py [--photos 1000] [--newest 30 60 129] [--pixels 12]
        [--seeds 971] [--size 480x320]

Simulates a camera some of whose photosites are stuck at white from a certain photo on: those that
the newest 30 photos show, the newest 60, and so on, beside the defects that it has anyway. Prints
for each how many are listed, and how many finds are false.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from stillpix.detection.decide import detect
from stillpix.evidence.evidence import TOGETHER, Evidence
from stillpix.maps.records import DefectMap
from stillpix.simulate import PlantedDefect, SimulatedCamera, random_settings

WITHIN = 1  # px: a find this near to a planted defect is that defect
FALSE_BEYOND = 2  # px from every planted defect
APART = 12  # px between blazing pixels


def camera_of(
    seed: int, photos: int, newest: Sequence[int], pixels: int, size: str
) -> tuple[SimulatedCamera, dict[int, list[PlantedDefect]]]:
    """Return a camera, and by number of photos the pixels that only so many newest ones show."""
    width, height = map(int, size.split("x"))
    settings = replace(random_settings(seed, width=width, height=height), photos=photos)
    camera = SimulatedCamera(settings, seed)
    rng, taken = np.random.default_rng(seed), [(one.x, one.y) for one in camera.defects]
    white = PlantedDefect(x=0, y=0, kind="stuck", site="G", level_dn=settings.white_dn)
    blazing: dict[int, list[PlantedDefect]] = {number: [] for number in newest}
    for number, group in blazing.items():
        while len(group) < pixels:
            x, y = int(rng.integers(width)), int(rng.integers(height))
            if all(max(abs(x - a), abs(y - b)) > APART for a, b in taken):
                taken.append((x, y))
                group.append(replace(white, x=x, y=y, onset=photos - number))
    camera.defects = (*camera.defects, *(one for group in blazing.values() for one in group))
    return camera, blazing


def map_of(camera: SimulatedCamera, photos: int, pool: ThreadPoolExecutor) -> DefectMap:
    """Return the map of so many photos of a camera."""
    evidence: Evidence | None = None
    for start in range(0, photos, TOGETHER):
        numbers = range(start, min(start + TOGETHER, photos))
        frames = list(pool.map(lambda number: camera.photograph(number).frame(), numbers))
        evidence = evidence or Evidence(frames[0].sensor)
        evidence.update_all(frames, pool)
    assert evidence is not None  # one photo at least
    return detect(evidence, pool=pool)


def near(x: int, y: int, within: int, places: Sequence[tuple[int, int]]) -> bool:
    """Return whether one of some places is so near."""
    return any(max(abs(x - a), abs(y - b)) <= within for a, b in places)


def main() -> None:
    """Print one row for each number of newest photos, and one for the false finds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--newest", type=int, nargs="+", default=[30, 60, 129])
    parser.add_argument("--pixels", type=int, default=12)
    parser.add_argument("--seeds", type=int, nargs="+", default=[971])
    parser.add_argument("--size", default="480x320")
    options = parser.parse_args()
    for seed in options.seeds:
        wanted = options.photos, options.newest, options.pixels, options.size
        camera, blazing = camera_of(seed, *wanted)
        with ThreadPoolExecutor(2) as pool:
            found = map_of(camera, options.photos, pool)
        listed = [(one.x, one.y) for one in found.in_state("confirmed")]

        for number, group in blazing.items():
            told = sum(near(one.x, one.y, WITHIN, listed) for one in group)
            print(f"seed {seed}, newest {number:4}: {told} of {len(group)} listed", flush=True)
        planted = [(one.x, one.y) for one in camera.defects]
        false = sum(not near(x, y, FALSE_BEYOND, planted) for x, y in listed)
        print(f"seed {seed}: {false} false, {found.detection.expected_false or 0:.2g} stated")


if __name__ == "__main__":
    main()

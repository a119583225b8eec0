"""How lattices of unlike sites are recognised, and what is still found beside them.

Simulated bodies whose sites of one or two phases take more or less light than others, as autofocus
pixels do, as JPEG and as mosaic; and the same bodies without a lattice.

    python benchmarks/bench_lattices.py [--first 951] [--cameras 2] [--photos 30] [--size 600x400]

Prints for each kind of lattice in how many bodies it was recognised with its period, how many of
its sites were listed as defects all the same, and how many of the planted defects were found.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import replace

import numpy as np

from stillpix.detection.decide import detect
from stillpix.evidence.evidence import Evidence
from stillpix.maps.records import DefectMap
from stillpix.simulate.camera import SimulatedCamera
from stillpix.simulate.planting import PlantedDefect
from stillpix.simulate.settings import Output, random_settings

# Period across and down in px, phases (x, y), and the sites' sensitivity.
LATTICES: dict[str, tuple[int, int, tuple[tuple[int, int], ...], float]] = {
    "none": (12, 16, (), 1.0),
    "12x16, +3 %": (12, 16, ((5, 9),), 1.03),
    "12x16, -30 %": (12, 16, ((5, 9),), 0.7),
    "12x24 in pairs, -40 %": (12, 24, ((2, 5), (6, 17)), 0.6),
    "8x48, +10 %": (8, 48, ((3, 20),), 1.1),
    "6x6, -5 %": (6, 6, ((1, 4),), 0.95),
    "24x32, -50 %": (24, 32, ((10, 7),), 0.5),
}
DEFECTS = 40
SEEN = 2.0  # sigmas at the reference exposure, of planted defects that are counted
OUTPUTS: tuple[Output, ...] = ("jpeg", "tiff")


def body_of(
    seed: int, options: argparse.Namespace, output: Output, name: str
) -> tuple[DefectMap, tuple[PlantedDefect, ...]]:
    """Return the map of a body with a lattice, and its planted defects."""
    width, height = map(int, options.size.split("x"))
    settings = replace(
        random_settings(seed, width=width, height=height), output=output, defects=DEFECTS,
        photos=options.photos,
    )  # fmt: skip
    camera = SimulatedCamera(settings, seed)
    across, down, phases, sensitivity = LATTICES[name]
    for x, y in phases:
        camera._pattern.sensitivity[y::down, x::across] *= np.float32(sensitivity)
    frames = [camera.photograph(number).frame() for number in range(options.photos)]
    return detect(Evidence.of(frames)), camera.defects


def score(found: DefectMap, planted: tuple[PlantedDefect, ...], name: str) -> Counter[str]:
    """Count what was recognised, listed and found."""
    across, down, phases, _ = LATTICES[name]
    listed = {(one.x, one.y) for one in found.in_state("confirmed") if one.run is None}
    true = {(one.x, one.y) for one in planted}
    sites = {(x, y) for x, y in listed if (x % across, y % down) in phases} - true
    strong = [one for one in planted if abs(one.amplitude_sigma) >= SEEN]
    patterns = found.evidence.patterns
    right = [one for one in patterns if (one.across, one.down) == (across, down)]
    return Counter(
        bodies=1, said=len(patterns), right=sum(set(one.at) == set(phases) for one in right),
        sites=len(sites), others=len(listed - true - sites),
        runs=sum(one.run is not None for one in found.defects), strong=len(strong),
        found=sum((one.x, one.y) in listed for one in strong),
    )  # fmt: skip


def main() -> None:
    """Make the bodies one by one, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=951)
    parser.add_argument("--cameras", type=int, default=2)
    parser.add_argument("--photos", type=int, default=30)
    parser.add_argument("--size", default="600x400")
    parser.add_argument("--lattices", default=";".join(LATTICES))
    options = parser.parse_args()
    columns = ("bodies", "said", "right", "sites", "others", "runs", "strong", "found")
    print(f"{'':32}" + "".join(f"{name:>8}" for name in columns))
    for output in OUTPUTS:
        for name in options.lattices.split(";"):
            total: Counter[str] = Counter()
            for seed in range(options.first, options.first + options.cameras):
                total.update(score(*body_of(seed, options, output, name), name))
            told = "".join(f"{total[column]:8}" for column in columns)
            print(f"{f'{output}, {name}':32}{told}", flush=True)


if __name__ == "__main__":
    main()

"""How many bad columns and rows are found as one run, and how many sound ones are listed.

Simulated bodies, each with six bad columns (the whole height, or 30 % of it; 1, 1.5 and 2 sigmas a
pixel at the reference exposure) and single defects, as JPEG and as mosaic; the same bodies without
bad columns; and both turned by 90 degrees, so that columns become rows.

    python benchmarks/bench_lines.py [--first 901] [--cameras 10] [--photos 30] [--size 600x400]

A line is found where one run along it covers at least 0.8 of it and reaches at most 0.1 of the
side beyond it. Prints a row for each kind of body.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from stillpix.detection.decide import detect
from stillpix.evidence.evidence import Evidence
from stillpix.frame import Frame, Layout
from stillpix.maps.records import Defect, DefectMap
from stillpix.simulate.camera import SimulatedCamera
from stillpix.simulate.planting import (
    REFERENCE_GAIN,
    PlantedDefect,
    reference_noise_dn,
    site_of,
)
from stillpix.simulate.settings import CameraSettings, Output, random_settings

SIGMAS = (1.0, 1.5, 2.0)
SHARES = (1.0, 0.3)  # of the height
APART = 20  # px between bad columns, and from the frame's sides
COVERED, BEYOND = 0.8, 0.1
DEFECTS = 20
NEAR = 3  # px from a line in which a single find is counted as its own
OUTPUTS: tuple[Output, ...] = ("jpeg", "tiff")
TURNED: dict[Layout, Layout] = {"bayer-GRBG": "bayer-GBRG", "bayer-GBRG": "bayer-GRBG"}


def columns_of(settings: CameraSettings, rng: np.random.Generator) -> tuple[PlantedDefect, ...]:
    """Return six bad columns of a body."""
    wanted = [(sigma, share) for sigma in SIGMAS for share in SHARES]
    strips = (settings.width - 2 * APART) // len(wanted)
    made = []
    for number, (sigma, share) in enumerate(wanted):
        x = APART + number * strips + int(rng.integers(strips - APART))
        length = round(share * settings.height)
        y = int(rng.integers(settings.height - length + 1))
        offset = sigma * reference_noise_dn(settings) / REFERENCE_GAIN
        made.append(
            PlantedDefect(
                x=x, y=y, kind="offset", site=site_of(settings.cfa, x, y), length=length,
                offset_dn=offset, amplitude_sigma=sigma,
            )
        )  # fmt: skip
    return tuple(made)


def body_of(
    seed: int, options: argparse.Namespace, output: Output, *, bad: bool
) -> tuple[list[Frame], tuple[PlantedDefect, ...]]:
    """Return the photos of a body, and its bad columns, if it is to have any."""
    width, height = (int(side) for side in options.size.split("x"))
    settings = random_settings(seed, width=width, height=height)
    settings = replace(settings, output=output, defects=DEFECTS, photos=options.photos)
    camera = SimulatedCamera(settings, seed)
    planted = columns_of(settings, np.random.default_rng(seed)) if bad else ()
    camera.defects += planted
    return [camera.photograph(number).frame() for number in range(options.photos)], planted


def turned(frames: Sequence[Frame]) -> Iterator[Frame]:
    """Yield photos whose columns are rows; the usual mosaics are the same then."""
    for frame in frames:
        height, width = frame.pixels.shape
        layout = TURNED.get(frame.sensor.layout, frame.sensor.layout)
        sensor = replace(frame.sensor, width=height, height=width, layout=layout)
        yield replace(frame, pixels=np.ascontiguousarray(frame.pixels.T), sensor=sensor)


def score(found: DefectMap, planted: Sequence[PlantedDefect], along: str) -> Counter[str]:
    """Count lines that were found as one run, runs that are none, and single finds along them."""
    runs = [defect for defect in found.in_state("confirmed") if defect.run is not None]
    singles = [defect for defect in found.in_state("confirmed") if defect.run is None]
    counts = Counter(lines=len(planted), runs=len(runs), singles=len(singles))
    for line in planted:
        right = [run for run in runs if covers(run, line, found, along)]
        counts["found"] += len(right) == 1
        counts["right"] += len(right)
        counts["beside"] += sum(
            abs((one.x if along == "column" else one.y) - line.x) <= NEAR for one in singles
        )
    return counts


def covers(found: Defect, line: PlantedDefect, of_map: DefectMap, along: str) -> bool:
    """Return whether a run is this line: most of it, and hardly more."""
    if found.run is None or found.run.along != along:
        return False
    at = found.x if along == "column" else found.y
    last = line.y + line.length - 1
    side = of_map.sensor.height if along == "column" else of_map.sensor.width
    shared = min(found.run.last, last) - max(found.run.first, line.y) + 1
    beyond = found.run.last - found.run.first + 1 - shared
    return at == line.x and shared >= COVERED * line.length and beyond <= BEYOND * side


def main() -> None:
    """Make the bodies one by one, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=901)
    parser.add_argument("--cameras", type=int, default=10)
    parser.add_argument("--photos", type=int, default=30)
    parser.add_argument("--size", default="600x400")
    options = parser.parse_args()
    totals: dict[tuple[str, str, str], Counter[str]] = {}
    for seed in range(options.first, options.first + options.cameras):
        for output in OUTPUTS:
            for bad in (True, False):
                frames, planted = body_of(seed, options, output, bad=bad)
                for along, photos in (("column", frames), ("row", list(turned(frames)))):
                    found = detect(Evidence.of(photos))
                    key = output, along, "bad" if bad else "sound"
                    totals.setdefault(key, Counter()).update(score(found, planted, along))
    print("body            lines  found  runs that are none  single finds  beside a line")
    for key, counts in totals.items():
        none = counts["runs"] - counts["right"]
        print(
            f"{' '.join(key):16}{counts['lines']:5}{counts['found']:7}{none:13}"
            f"{counts['singles']:18}{counts['beside']:14}"
        )


if __name__ == "__main__":
    main()

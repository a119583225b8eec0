"""How many of a camera's defects are found, how many finds are wrong, and whether it says so.

Simulates cameras (random ones: CFA phase, demosaicing, noise, tone, sharpening, JPEG quality and
subsampling differ), takes photos with them, runs the finder on the frames and prints a table.
Development cameras have seeds 1 to 99. A seed that was scored while the finder changed no longer
proves anything: take new ones, and say in benchmarks/README.md which.

    python benchmarks/bench_accuracy.py [--cameras 10] [--first 1001] [--photos 20 60]
        [--defects 100] [--size 1500x1000] [--scenes FOLDER] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean, median

from stillpix.defects import DefectMap
from stillpix.detection import detect
from stillpix.evidence import TOGETHER, Evidence
from stillpix.simulate import PlantedDefect, SimulatedCamera, random_settings

WITHIN = 1  # px: a find this near to a planted defect is that defect
AMPLITUDES = (0.1, 0.3, 1.0, 3.0, 10.0, 1e9)  # mosaic sigmas at ISO 400, 1/60 s, 10 % of white


@dataclass
class Score:
    """What one map found of one camera's defects."""

    camera: int
    photos: int
    found: int
    planted: int
    false: int
    stated: float
    kinds: dict[str, list[int]] = field(default_factory=dict)  # found, planted
    sites: dict[str, list[int]] = field(default_factory=dict)
    amplitudes: dict[str, list[int]] = field(default_factory=dict)


def near(planted: PlantedDefect, x: int, y: int) -> bool:
    """Whether a place is a planted defect's, a bad column's whole length included."""
    return (
        abs(planted.x - x) <= WITHIN
        and planted.y - WITHIN <= y < planted.y + planted.length + WITHIN
    )


def score(camera: int, photos: int, found: DefectMap, planted: tuple[PlantedDefect, ...]) -> Score:
    """Compare a map's confirmed defects with the truth."""
    confirmed = found.in_state("confirmed")
    met = [any(near(truth, find.x, find.y) for find in confirmed) for truth in planted]
    false = sum(not any(near(truth, find.x, find.y) for truth in planted) for find in confirmed)
    stated = found.detection.expected_false or 0.0
    made = Score(camera, photos, sum(met), len(planted), false, stated)
    for truth, hit in zip(planted, met, strict=True):
        step = next(
            n for n in range(1, len(AMPLITUDES)) if abs(truth.amplitude_sigma) < AMPLITUDES[n]
        )
        strength = f"{AMPLITUDES[step - 1]:g}.." + ("" if step == 5 else f"{AMPLITUDES[step]:g}")
        for table, key in (
            (made.kinds, truth.kind), (made.sites, truth.site), (made.amplitudes, strength)
        ):  # fmt: skip
            row = table.setdefault(key, [0, 0])
            row[0] += hit
            row[1] += 1
    return made


def run_camera(seed: int, steps: list[int], options: argparse.Namespace) -> list[Score]:
    """Take photos with one camera and look for its defects after each of some numbers of them."""
    width, height = map(int, options.size.split("x"))
    settings = replace(
        random_settings(seed, width=width, height=height),
        defects=options.defects, photos=max(steps), scene_folder=options.scenes,
    )  # fmt: skip
    camera = SimulatedCamera(settings, seed)
    evidence = Evidence(camera.photograph(0).frame().sensor)  # rendered: these are JPEGs
    scores = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for start in range(0, max(steps), TOGETHER):
            numbers = range(start, min(start + TOGETHER, max(steps)))
            evidence.update_all(
                list(pool.map(lambda n: camera.photograph(n).frame(), numbers)), pool
            )
            if numbers[-1] + 1 in steps:
                found = detect(evidence, pool=pool)
                scores.append(score(seed, numbers[-1] + 1, found, camera.defects))
    return scores


def table(scores: list[Score]) -> str:
    """Return the markdown table: a row a number of photos."""
    lines = [
        "| photos | cameras | recall, mean (least) | false finds, in all | stated | precision |",
        "|---|---|---|---|---|---|",
    ]
    for photos in sorted({one.photos for one in scores}):
        these = [one for one in scores if one.photos == photos]
        recalls = [one.found / max(one.planted, 1) for one in these]
        false, stated = sum(one.false for one in these), sum(one.stated for one in these)
        found = sum(one.found for one in these)
        lines.append(
            f"| {photos} | {len(these)} | {mean(recalls):.2f} ({min(recalls):.2f}) | {false} | "
            f"{stated:.1f} | {found / max(found + false, 1):.3f} |"
        )
    return "\n".join(lines)


def breakdown(scores: list[Score]) -> str:
    """Return recall by kind, site and amplitude for each number of photos."""
    lines = []
    for photos in sorted({one.photos for one in scores}):
        for name in ("kinds", "sites", "amplitudes"):
            found: Counter[str] = Counter()
            planted: Counter[str] = Counter()
            for one in scores:
                if one.photos == photos:
                    for key, (hits, there) in getattr(one, name).items():
                        found[key] += hits
                        planted[key] += there
            parts = [f"{key} {found[key] / n:.2f} of {n}" for key, n in sorted(planted.items())]
            lines.append(f"- {photos} photos, by {name}: " + ", ".join(parts))
    return "\n".join(lines)


def main() -> None:
    """Run the cameras and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cameras", type=int, default=10)
    parser.add_argument("--first", type=int, default=1001)
    parser.add_argument("--photos", type=int, nargs="+", default=[20, 60])
    parser.add_argument("--defects", type=int, default=100)
    parser.add_argument("--size", default="1500x1000")
    parser.add_argument("--scenes", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    scores: list[Score] = []
    for seed in range(options.first, options.first + options.cameras):
        scores += run_camera(seed, options.photos, options)
        for one in scores[-len(options.photos) :]:
            print(
                f"camera {seed}, {one.photos} photos: {one.found} of {one.planted}, "
                f"{one.false} false ({one.stated:.2f} stated)", file=sys.stderr, flush=True,
            )  # fmt: skip
    print(table(scores) + "\n\n" + breakdown(scores))
    if options.defects == 0:
        worst = median(one.false for one in scores)
        print(f"\nno defects planted: {worst:g} finds a camera (median)")
    if options.json:
        options.json.write_text(json.dumps([vars(one) for one in scores], indent=1))


if __name__ == "__main__":
    main()

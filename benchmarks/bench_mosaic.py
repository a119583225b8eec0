"""How many defects are found in sensor mosaics, how many finds are wrong, and how fast it is.

Simulates cameras with Bayer, X-Trans and monochrome sensors that write mosaics, runs the finder on
the frames and prints a table. A find counts where it is the very photosite. Beside the finder's own
cut stands the oracle's: the largest one with at most 1 % of false finds, which no one knows
(accuracy.scorer, where a find within 1 px counts). With --rival the same photos go to rawpy's rule,
hot and dead apart: its default and half of the photos as its own cuts, and its best share by the
oracle; with --plain to the plain score bank of accuracy.methods, which has no cut of its own. With
--bound each row also says how many of the defects anyone could find who knows the
scene, the kind and all noise: those whose excess, over all photos and after what the fixed pattern
hides, is above BOUND sigmas. Development cameras have seeds 1 to 99; seeds that were scored while
the finder changed prove nothing.

    python benchmarks/bench_mosaic.py [--cameras 4] [--first 81] [--photos 20 60] [--bound]
        [--rival] [--plain] [--faintest 0.1] [--scenes FOLDER] [--cfa bayer xtrans mono]
        [--defects 100] [--size 1500x1000] [--megapixels 6] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from accuracy.bank import ScoreBanks
from accuracy.methods import BANKS, PLAIN_RAW
from accuracy.photo import Method, Photo
from accuracy.product import LISTED_AT, places_of
from accuracy.scorer import Outcome, oracle_cut, own_cut, walk
from accuracy.voting import RawpyVotes
from stillpix.detection.decide import detect
from stillpix.detection.settings import DetectionSettings
from stillpix.evidence.evidence import TOGETHER, Evidence
from stillpix.frame import Exposure, Frame, Layout, Sensor
from stillpix.simulate import CameraSettings, SimulatedCamera, SimulatedPhoto, random_settings
from stillpix.simulate.planting import electrons_per_dn

BOUND = 5.0  # sigmas: 1.5 million photosites have one beyond, by chance
AMPLITUDES = (0.1, 0.3, 1.0, 3.0, 10.0, 1e9)  # noise sigmas at ISO 400, 1/60 s, 10 % of white


@dataclass
class Score:
    """What one map found of one camera's defects."""

    cfa: str
    camera: int
    photos: int
    found: int
    planted: int
    false: int
    stated: float
    oracle: int = 0
    knowable: int | None = None
    rivals: dict[str, tuple[int, int, int]] = field(default_factory=dict)  # oracle, own, its false
    groups: dict[str, list[int]] = field(default_factory=dict)  # of a kind or strength: found, all


def settings_of(seed: int, cfa: str, options: argparse.Namespace) -> CameraSettings:
    """Return a random camera with the wanted kind of sensor that writes mosaics."""
    width, height = map(int, options.size.split("x"))
    drawn = random_settings(seed, width=width, height=height)
    bayer = "RGGB" if drawn.cfa == "XTRANS" else drawn.cfa
    return replace(
        drawn, cfa={"xtrans": "XTRANS", "mono": "MONO"}.get(cfa, bayer), output="tiff",
        defects=options.defects, photos=max(options.photos),
        amplitude_sigma=(options.faintest, drawn.amplitude_sigma[1]), scene_folder=options.scenes,
    )  # fmt: skip


class Known:
    """What is true of each defect's photosite in each photo: its excess and its noise, in DN."""

    def __init__(self, camera: SimulatedCamera) -> None:
        self.settings = camera.settings
        self.sound = SimulatedCamera(replace(camera.settings, defects=0), camera.seed)
        self.x = np.array([defect.x for defect in camera.defects], int)
        self.y = np.array([defect.y for defect in camera.defects], int)
        self.rows: list[tuple[NDArray[np.float64], ...]] = []

    def add(self, photo: SimulatedPhoto) -> None:
        """Compare a photo with what the same camera, without its defects, would have taken."""
        settings, gain = self.settings, photo.shot.gain
        sound = self.sound.photograph(photo.index).mosaic[self.y, self.x].astype(float)
        excess = photo.mosaic[self.y, self.x] - sound
        light = np.maximum(sound - settings.black_dn, 0)
        per_e = gain / electrons_per_dn(settings)
        variance = light * per_e + (settings.read_noise_e * per_e) ** 2
        sigma = np.sqrt(variance + settings.converter_noise_dn**2)
        dark = np.full(light.shape, gain * settings.dsnu_dn)
        self.rows.append((excess / sigma, settings.prnu * light / sigma, dark / sigma))

    def knowable(self) -> int:
        """Return how many stand above BOUND, in noise and differences of sensitivity and offset."""
        excess, light, dark = (np.array(each) for each in zip(*self.rows, strict=True))
        number = 0
        for n in range(self.x.size):
            pattern = np.stack([light[:, n], dark[:, n]], 1)
            covariance = np.eye(len(pattern)) + pattern @ pattern.T
            number += excess[:, n] @ np.linalg.solve(covariance, excess[:, n]) > BOUND**2
        return int(number)


def score(evidence: Evidence, camera: SimulatedCamera, cfa: str) -> Score:
    """Compare a map's confirmed defects with the truth."""
    found, planted = detect(evidence), camera.defects
    confirmed = {(defect.x, defect.y) for defect in found.in_state("confirmed")}
    false = len(confirmed - {(truth.x, truth.y) for truth in planted})
    stated = found.detection.expected_false or 0.0
    made = Score(cfa, camera.seed, evidence.scenes, 0, len(planted), false, stated)
    listed = detect(evidence, DetectionSettings(fdr=LISTED_AT)).defects
    made.oracle = len(oracle_cut(walk(places_of(listed), planted))[0])
    for truth in planted:
        hit = (truth.x, truth.y) in confirmed
        made.found += hit
        step = next(
            n for n in range(1, len(AMPLITUDES)) if abs(truth.amplitude_sigma) < AMPLITUDES[n]
        )
        for key in (truth.kind, truth.site, f"from {AMPLITUDES[step - 1]:g} sigma"):
            row = made.groups.setdefault(key, [0, 0])
            row[0] += hit
            row[1] += 1
    return made


def score_rival(outcome: Outcome, camera: SimulatedCamera) -> tuple[int, int, int]:
    """Return how many a rival finds at the oracle's cut and at its own, and its own's false."""
    best = oracle_cut(walk(outcome.ranked, camera.defects))[0]
    if outcome.called is None:
        return len(best), 0, 0
    own = own_cut(outcome.called, camera.defects)
    return len(best), len(own.found), own.false + own.aside


def rivals_of(options: argparse.Namespace) -> list[Method]:
    """Return the other methods that see the same photos."""
    rivals: list[Method] = [RawpyVotes()] if options.rival else []
    return [*rivals, ScoreBanks({PLAIN_RAW: BANKS[PLAIN_RAW]})] if options.plain else rivals


def run_camera(seed: int, cfa: str, options: argparse.Namespace) -> list[Score]:
    """Take photos with one camera and look for its defects after each of some numbers of them."""
    camera = SimulatedCamera(settings_of(seed, cfa, options), seed)
    evidence, known, rivals = Evidence(camera.sensor), Known(camera), rivals_of(options)
    settings, scores = camera.settings, []
    with ThreadPoolExecutor(options.jobs) as pool:
        for start in range(0, max(options.photos), TOGETHER):
            numbers = range(start, min(start + TOGETHER, max(options.photos)))
            photos = list(pool.map(camera.photograph, numbers))
            evidence.update_all([photo.frame() for photo in photos], pool)
            if options.bound:
                list(pool.map(known.add, photos))
            for photo in photos if rivals else ():
                seen = (settings.cfa, settings.black_dn, settings.white_dn)
                for rival in rivals:
                    rival.add([Photo(photo.frame(), photo.mosaic, *seen)])
            if numbers[-1] + 1 in options.photos:
                made = score(evidence, camera, cfa)
                made.knowable = known.knowable() if options.bound else None
                for rival in rivals:
                    for name, outcome in rival.outcomes().items():
                        made.rivals[name] = score_rival(outcome, camera)
                scores.append(made)
    return scores


def table(scores: list[Score]) -> str:
    """Return the markdown table: a row a kind of sensor and a number of photos."""
    lines = [
        "| sensor | photos | cameras | recall, mean (least) | at the oracle's cut | "
        "false finds, in all | stated | precision | anyone could find |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for cfa, photos in sorted({(one.cfa, one.photos) for one in scores}):
        these = [one for one in scores if (one.cfa, one.photos) == (cfa, photos)]
        recalls = [one.found / max(one.planted, 1) for one in these]
        oracle = mean(one.oracle / max(one.planted, 1) for one in these)
        found, false = sum(one.found for one in these), sum(one.false for one in these)
        bounds = [one.knowable / max(one.planted, 1) for one in these if one.knowable is not None]
        lines.append(
            f"| {cfa} | {photos} | {len(these)} | {mean(recalls):.2f} ({min(recalls):.2f}) | "
            f"{oracle:.2f} | {false} | {sum(one.stated for one in these):.1f} | "
            f"{found / max(found + false, 1):.3f} | {f'{mean(bounds):.2f}' if bounds else ''} |"
        )
    return "\n".join(lines)


def table_of_rivals(scores: list[Score]) -> str:
    """Return the markdown table of what other rules found in the same photos."""
    lines = [
        "| sensor | photos | rule | at the oracle's cut | at its own | false finds, in all |",
        "|---|---|---|---|---|---|",
    ]
    rows = {(one.cfa, one.photos, name) for one in scores for name in one.rivals}
    for cfa, photos, name in sorted(rows):
        these = [one for one in scores if (one.cfa, one.photos) == (cfa, photos)]
        planted = max(sum(one.planted for one in these), 1)
        best, own, false = (sum(one.rivals[name][k] for one in these) for k in range(3))
        lines.append(
            f"| {cfa} | {photos} | {name} | {best / planted:.2f} | {own / planted:.2f} | {false} |"
        )
    return "\n".join(lines)


def breakdown(scores: list[Score]) -> str:
    """Return recall by kind, colour and strength for each number of photos."""
    lines = []
    for photos in sorted({one.photos for one in scores}):
        found: Counter[str] = Counter()
        planted: Counter[str] = Counter()
        for one in scores:
            if one.photos == photos:
                for key, (hits, there) in one.groups.items():
                    found[key] += hits
                    planted[key] += there
        parts = [f"{key} {found[key] / n:.2f} of {n}" for key, n in sorted(planted.items())]
        lines.append(f"- {photos} photos: " + ", ".join(parts))
    return "\n".join(lines)


def speed(layout: Layout, megapixels: float, runs: int = 5) -> float:
    """Return ns of processor time a pixel of adding photos of noise, one thread, best of runs."""
    width = int((1.5e6 * megapixels) ** 0.5) // 48 * 48
    height = int(1e6 * megapixels / width) // 48 * 48
    rng = np.random.default_rng(1)
    sensor = Sensor("a", "b", "c", width, height, layout)
    deep = layout != "rendered"
    level, noise, white = (3000, 50, 16383) if deep else (110, 3, 255)
    pixels = [
        rng.normal(level, noise, (height, width)).astype(np.uint16 if deep else np.uint8)
        for _ in range(TOGETHER)
    ]
    evidence, best = Evidence(sensor), float("inf")
    for run in range(runs):
        frames = [
            Frame(each, sensor, Exposure(0.02, 4.0), "noise", f"{run}{n:039x}", white)
            for n, each in enumerate(pixels)
        ]
        start = time.process_time()
        evidence.update_all(frames)
        best = min(best, time.process_time() - start)
    return best / TOGETHER / width / height * 1e9


def main() -> None:
    """Run the cameras and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--first", type=int, default=81)
    parser.add_argument("--photos", type=int, nargs="+", default=[20, 60])
    parser.add_argument("--cfa", nargs="*", default=["bayer", "xtrans"])
    parser.add_argument("--defects", type=int, default=100)
    parser.add_argument("--size", default="1500x1000")
    parser.add_argument("--bound", action="store_true")
    parser.add_argument("--faintest", type=float, default=0.1, help="sigmas, of a defect")
    parser.add_argument("--scenes", type=Path, help="folder of pictures to stand before the camera")
    parser.add_argument("--rival", action="store_true", help="needs rawpy and OpenCV")
    parser.add_argument("--plain", action="store_true", help="the plain score bank, too")
    parser.add_argument("--megapixels", type=float, default=6.0, help="0: no timing")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    scores: list[Score] = []
    for cfa in options.cfa:
        for seed in range(options.first, options.first + options.cameras):
            scores += run_camera(seed, cfa, options)
            for one in scores[-len(options.photos) :]:
                print(
                    f"{cfa} {seed}, {one.photos} photos: {one.found} of {one.planted}, "
                    f"{one.false} false ({one.stated:.2f} stated)", file=sys.stderr, flush=True,
                )  # fmt: skip
    if scores:
        print(table(scores) + "\n\n" + breakdown(scores) + "\n")
    if options.rival or options.plain:
        print(table_of_rivals(scores) + "\n")
    layouts: tuple[Layout, ...] = ("rendered", "mono", "bayer-RGGB", "xtrans")
    for layout in layouts if options.megapixels else ():
        print(f"- {layout}: {speed(layout, options.megapixels):.2f} ns a pixel")
    if options.json:
        options.json.write_text(json.dumps([vars(one) for one in scores], indent=1))


if __name__ == "__main__":
    main()

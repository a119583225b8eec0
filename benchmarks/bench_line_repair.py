"""How near the repair of bad columns comes to the undamaged photo.

Each photo of a simulated camera is taken twice with the same noise, once with bad columns and once
without. The columns are of 1, 1.5, 2 and 5 sigmas a pixel at the reference exposure, over the
whole height and over 30 % of it. JPEGs are written with several qualities, in 4:2:0 and 4:4:4.

    python benchmarks/bench_line_repair.py [--first 41] [--cameras 6] [--photos 3] [--size 900x600]
        [--kinds offset,low,stuck] [--qualities 75,85,92,98] [--no-mosaic]

Prints the mean error before and after at the column, 5 and 17 wide about it, in levels of 0..255,
and how many lines are worse than before; of mosaics in sigmas of the noise.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from repair.twins import LUMA, colours_of, noise_dn
from stillpix.images import Header
from stillpix.maps.records import Defect, Run
from stillpix.restoration import repair, repaired_file
from stillpix.simulate import SimulatedCamera, SimulatedPhoto, random_settings
from stillpix.simulate.planting import (
    REFERENCE_GAIN,
    PlantedDefect,
    reference_noise_dn,
    site_of,
)
from stillpix.simulate.settings import CameraSettings, Subsampling

Floats: TypeAlias = NDArray[np.float64]

SIGMAS = (1.0, 1.5, 2.0, 5.0)
SHARES = (1.0, 0.3)  # of the height
WIDE = (0, 2, 8)  # px on each side of a column over which its error is told
SHOWN = (0.5, 1.5, 3.0, 6.0)  # levels: limits of how much a column changes a photo
WORSE = 1.02  # times the error before
SAMPLINGS: tuple[Subsampling, ...] = ("420", "444")


@dataclass(slots=True)
class Row:
    """The errors of some lines."""

    lines: int = 0
    worse: int = 0
    repaired: int = 0
    before: Floats | float = 0.0  # sums, a number for each of WIDE
    after: Floats | float = 0.0

    def add(self, before: Floats, after: Floats, *, repaired: bool) -> None:
        """Add one line."""
        self.lines += 1
        self.worse += bool((after > WORSE * before + 0.01).any())
        self.repaired += repaired
        self.before, self.after = self.before + before, self.after + after

    def text(self) -> str:
        """Return the row."""
        pairs = zip(np.atleast_1d(self.before), np.atleast_1d(self.after), strict=True)
        told = "  ".join(f"{a / self.lines:6.2f} ->{b / self.lines:6.2f}" for a, b in pairs)
        return f"{self.lines:5} {self.repaired:8} {self.worse:5}   {told}"


def columns_of(
    settings: CameraSettings, rng: np.random.Generator, kind: str
) -> Iterator[PlantedDefect]:
    """Yield bad columns that lie apart."""
    wanted = [(sigma, share) for sigma in SIGMAS for share in SHARES]
    apart = settings.width // len(wanted)
    noise = reference_noise_dn(settings)
    for number, (sigma, share) in enumerate(wanted):
        x = number * apart + int(rng.integers(apart // 4, 3 * apart // 4))
        length = round(share * settings.height)
        y = int(rng.integers(settings.height - length + 1))
        stuck = int(settings.black_dn + sigma * 0.05 * settings.white_dn)
        yield PlantedDefect(
            x=x, y=y, kind=kind, site=site_of(settings.cfa, x, y), length=length,
            amplitude_sigma=sigma,
            offset_dn=sigma * noise / REFERENCE_GAIN if kind == "offset" else 0.0,
            sensitivity=1 - sigma * noise / (settings.white_dn / 10) if kind == "low" else 1.0,
            level_dn=stuck if kind == "stuck" else None,
        )  # fmt: skip


def twins(
    seed: int, photos: int, size: str, kind: str
) -> Iterator[tuple[SimulatedPhoto, SimulatedPhoto, list[PlantedDefect]]]:
    """Yield each photo of a camera with its bad columns, and without them."""
    width, height = map(int, size.split("x"))
    settings = replace(random_settings(seed, width=width, height=height), defects=0)
    broken, whole = SimulatedCamera(settings, seed), SimulatedCamera(settings, seed)
    planted = list(columns_of(settings, np.random.default_rng([seed, 7]), kind))
    broken.defects = tuple(planted)
    for index in range(photos):
        yield broken.photograph(index), whole.photograph(index), planted


def errors(picture: Floats, truth: Floats, line: PlantedDefect) -> Floats:
    """Return the mean absolute errors about a line, one for each of WIDE."""
    off = np.abs(picture - truth)[line.y : line.y + line.length]
    return np.array([off[:, line.x - wide : line.x + wide + 1].mean() for wide in WIDE])


def listed_of(line: PlantedDefect) -> Defect:
    """Return a line as a map lists it."""
    run = Run("column", line.y, line.y + line.length - 1)
    return Defect(x=line.x, y=line.y, state="confirmed", run=run)


def score_jpeg(
    rows: dict[str, Row], damaged: SimulatedPhoto, whole: SimulatedPhoto,
    planted: list[PlantedDefect], kind: str, quality: int, sampling: Subsampling,
) -> float:  # fmt: skip
    """Score one photo as a JPEG; return the seconds that its repair took."""
    header = Header(
        Path(damaged.name), "jpeg", replace(damaged.sensor, layout="rendered"), damaged.exposure,
        None, 1, 255,
    )  # fmt: skip
    contents = [
        replace(each, settings=replace(each.settings, quality=quality, subsampling=sampling)).jpeg()
        for each in (damaged, whole)
    ]
    before, truth = (colours_of(header, each).astype(float) @ LUMA for each in contents)
    began = time.process_time()
    fixed = repaired_file(contents[0], header, [listed_of(line) for line in planted])
    took = time.process_time() - began
    after = colours_of(header, fixed.content).astype(float) @ LUMA
    shown = {(each.x, each.y) for each in fixed.verdicts if each.outcome == "repaired"}
    for line in planted:
        pair = errors(before, truth, line), errors(after, truth, line)
        along = slice(line.y, line.y + line.length)
        adds = abs(float((before - truth)[along, line.x].mean()))
        at = int(np.searchsorted(SHOWN, adds))
        limits = ("0", *map(str, SHOWN), "more")
        share = round(100 * line.length / damaged.mosaic.shape[0])
        for name in (
            f"{kind} jpeg", f"{kind} sigma {line.amplitude_sigma} {share:3} %",
            f"{kind} q{quality} {sampling}", f"{kind} adds {limits[at]} to {limits[at + 1]}",
        ):  # fmt: skip
            rows[name].add(*pair, repaired=(line.x, line.y) in shown)
    return took


def score_mosaic(
    rows: dict[str, Row], damaged: SimulatedPhoto, whole: SimulatedPhoto,
    planted: list[PlantedDefect], kind: str,
) -> None:  # fmt: skip
    """Score one photo as a mosaic."""
    listed = [listed_of(line) for line in planted]
    fixed = repair(
        damaged.mosaic, listed, layout=damaged.sensor.layout, white=damaged.settings.white_dn
    )
    noise, truth = noise_dn(whole), whole.mosaic.astype(float)
    before, after = ((each - truth) / noise for each in (damaged.mosaic, fixed))
    for line in planted:
        pair = errors(before, 0 * before, line), errors(after, 0 * after, line)
        changed = (fixed != damaged.mosaic)[line.y : line.y + line.length, line.x].any()
        for name in (f"{kind} mosaic", f"{kind} mosaic sigma {line.amplitude_sigma}"):
            rows[name].add(*pair, repaired=bool(changed))


def main() -> None:
    """Run the cameras and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=41)
    parser.add_argument("--cameras", type=int, default=6)
    parser.add_argument("--photos", type=int, default=3)
    parser.add_argument("--size", default="900x600")
    parser.add_argument("--kinds", default="offset,low,stuck")
    parser.add_argument("--qualities", default="75,85,92,98")
    parser.add_argument("--no-mosaic", action="store_true")
    options = parser.parse_args()
    rows: dict[str, Row] = defaultdict(Row)
    took = []
    for seed in range(options.first, options.first + options.cameras):
        for kind in options.kinds.split(","):
            for damaged, whole, planted in twins(seed, options.photos, options.size, kind):
                for quality in map(int, options.qualities.split(",")):
                    for sampling in SAMPLINGS:
                        made = kind, quality, sampling
                        took += [score_jpeg(rows, damaged, whole, planted, *made)]
                if not options.no_mosaic:
                    score_mosaic(rows, damaged, whole, planted, kind)
    wide = "".join(f"{2 * each + 1:3} wide          " for each in WIDE)
    print(f"{'':28}lines repaired worse   {wide}")
    for name in sorted(rows):
        print(f"{name:28}{rows[name].text()}")
    print(f"{np.mean(took):.2f} s of processor time a JPEG, {max(took):.2f} at most")


if __name__ == "__main__":
    main()

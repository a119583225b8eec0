"""How near each way to fill a broken pixel's place comes to the undamaged photo.

Simulates cameras (random ones: CFA phase, demosaicing, noise, tone, sharpening, JPEG quality and
subsampling differ) and takes each photo twice with the same noise, once with the defects and once
without; see docs/repair.md. stillpix is scored by the file that it writes; other methods by the
pixels they put in, before any compression. Development cameras have seeds 41 to 60.

    python benchmarks/bench_repair.py [--cameras 10] [--first 41] [--photos 4] [--size 900x600]
        [--defects 100] [--clusters 0] [--jobs 2] [--json FILE] [--page docs/repair.md]

`--from FILE` makes the tables of an earlier run's JSON file; `--page` puts them into a page,
between `<!-- repair: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import re
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

# Small systems of equations: threads that share one wait for each other. Before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

if TYPE_CHECKING:
    from repair.results import Results

PACKAGES = ("numpy", "numba", "opencv-python-headless", "scikit-image")
PART = re.compile(r"(<!-- repair: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cameras", type=int, default=10)
    parser.add_argument("--first", type=int, default=41, help="seed of the first camera")
    parser.add_argument("--photos", type=int, default=4, help="of each camera")
    parser.add_argument("--size", default="900x600")
    parser.add_argument("--defects", type=int, default=100, help="single ones, of each camera")
    parser.add_argument("--clusters", type=int, default=0, help="of 3 to 6, of each camera")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--from", type=Path, dest="source", help="an earlier run's JSON file")
    parser.add_argument("--page", type=Path, help="page whose tables are made anew")
    return parser.parse_args(arguments)


def scored(seed: int, options: argparse.Namespace) -> Results:
    """Score one camera, one photo after the other."""
    from repair.mosaics import MosaicScore
    from repair.pictures import PictureScore
    from repair.results import Camera, Results
    from repair.twins import twins_of

    width, height = map(int, options.size.split("x"))
    pictures, results = PictureScore(seed), Results()
    for twins in twins_of(
        seed, options.photos, size=(width, height), defects=options.defects,
        clusters=options.clusters,
    ):  # fmt: skip
        settings = twins.settings
        if not results.cameras:
            results.cameras.append(
                Camera(seed, settings.cfa, settings.demosaic, settings.quality,
                       settings.subsampling)
            )  # fmt: skip
            mosaics = MosaicScore(seed, settings.cfa)
        pictures.add(twins)
        mosaics.add(twins)
    results.rows = [*pictures.tally.rows, *mosaics.tally.rows]
    results.kept, results.decided = [pictures.kept], pictures.decided
    results.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return results


def measured(options: argparse.Namespace) -> Results:
    """Score all cameras, as many at once as there are jobs."""
    from repair.results import Results

    chosen = ("cameras", "first", "photos", "size", "defects", "clusters")  # what figures rest on
    told = " ".join(f"--{name} {getattr(options, name)}" for name in chosen)
    results = Results(
        command=f"python benchmarks/bench_repair.py {told}",
        machine=machine(), size=options.size, photos=options.photos,
    )  # fmt: skip
    seeds = range(options.first, options.first + options.cameras)
    began = time.monotonic()
    # Fresh processes: one that was forked would share the threads of numba and OpenCV.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=context) as pool:
        for seed, each in zip(
            seeds, pool.map(partial(scored, options=options), seeds), strict=True
        ):
            results.add(each)
            results.peak_mb = max(results.peak_mb, round(each.peak_mb))
            told = f"camera {seed}: {time.monotonic() - began:.0f} s"
            print(told, file=sys.stderr, flush=True)
    results.minutes = round((time.monotonic() - began) / 60, 1)
    return results


def machine() -> str:
    """Return the processor's name and the versions that matter."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        name = f"{len(names)} cores of {names[0]}" if names else name
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return f"{name}, {platform.system()}; Python {platform.python_version()}, {versions}"


def about(results: Results) -> str:
    """Return a sentence on what was run."""
    seeds = [camera.seed for camera in results.cameras]
    return (
        f"Cameras {min(seeds)} to {max(seeds)}, {results.photos} photos of {results.size} pixels "
        f"each: `{results.command}`; {results.machine}."
    )


def renewed(text: str, results: Results) -> str:
    """Return the page with its tables made from results; raises KeyError for an unknown one."""
    from repair.tables import tables

    parts = {**tables(results), "about": about(results)}
    return PART.sub(lambda part: f"{part[1]}\n{parts[part[2]]}\n\n{part[3]}", text)


def main() -> None:
    """Run the cameras, or read what an earlier run found, and print what came of it."""
    from repair.results import Results
    from repair.tables import tables

    options = options_of()
    results = Results.load(options.source) if options.source else measured(options)
    if options.json:
        results.save(options.json)
    for name, table in tables(results).items():
        print(f"## {name}\n\n{table}\n")
    print(f"{about(results)} {results.minutes} minutes, at most {results.peak_mb:.0f} MB a process")
    if options.page:
        text = options.page.read_text(encoding="utf-8")
        options.page.write_text(renewed(text, results), encoding="utf-8")


if __name__ == "__main__":
    main()

"""What `stillpix fix` costs in processor time where places are many, beside `find --fast`.

Three questions: small JPEGs with many listed places, beside `find --fast` on the same photos; one
photo from a cold start, alone and while other programs keep all processors busy; a DNG with
thousands of places whose values are replaced. Makes its own photos in a temporary folder, runs the
programs as a person would, and prints tables. Never a test: it prints whether the limits hold, and
that is all.

    python benchmarks/bench_fix_small.py [--photos 40] [--runs 3] [--dng-places 4000]
        [--dng-megapixels 24] [--folder DIR]

"A further photo" is the processor time of all photos less that of one, a photo: without the start
of Python, which is the same for both programs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

# The parent imports nothing heavy: a child's peak memory starts from that of its parent.
from bench_fix import Run, timed

MOST_TIMES_FIND = 4.0
MOST_COLD_S = 1.5
MOST_TIMES_BUSY = 3.0
MOST_DNG_S = 1.0
PLACES = 77
AMPLITUDES = (0.35, 120.0)  # sigmas: some 45 of the places show in a photo
SEED = 17
MAP_NAME, DNG_MAP_NAME = "camera.stillpix.json", "dng.stillpix.json"
STILLPIX = (sys.executable, "-m", "stillpix")


# --- the photos ---------------------------------------------------------------------------------


def make_photos(folder: Path, photos: int) -> None:
    """Write small JPEGs of one simulated camera, and the map of its defects."""
    from stillpix.images import read_header
    from stillpix.maps import write_map
    from stillpix.maps.records import Defect, DefectMap
    from stillpix.simulate import CameraSettings, SimulatedCamera

    settings = CameraSettings(
        width=600, height=400, defects=PLACES, amplitude_sigma=AMPLITUDES,
        kind_shares=(("offset", 1.0),), quality=92, subsampling="420", iso_range=(200, 3200),
    )  # fmt: skip
    camera = SimulatedCamera(settings, SEED)
    (folder / "photos").mkdir(parents=True)
    for number in range(photos):
        path = folder / "photos" / f"IMG_{number + 1:04}.JPG"
        path.write_bytes(camera.photograph(number).jpeg())
    defects = tuple(Defect(x=each.x, y=each.y, state="confirmed") for each in camera.defects)
    sensor = read_header(folder / "photos" / "IMG_0001.JPG").sensor
    write_map(DefectMap(sensor, defects), folder / MAP_NAME)


def make_dng(folder: Path, megapixels: float, places: int) -> None:
    """Write a DNG of a smooth, noisy mosaic with broken photosites, and the map of them."""
    import numpy as np

    from stillpix.images import read_header
    from stillpix.maps import write_map
    from stillpix.maps.records import Defect, DefectMap
    from stillpix.rewriting.dng.writing import Negative, dng_of

    width = round((megapixels * 1e6 * 1.5) ** 0.5 / 16) * 16
    height, rng = width * 2 // 3, np.random.default_rng(SEED)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    mosaic = 1500 + 700 * np.sin(rows / 190) * np.cos(columns / 230)
    mosaic[::2, ::2] *= 0.6
    mosaic += rng.normal(0, 15, mosaic.shape).astype(np.float32)
    at = rng.choice(width * height, places, replace=False)
    mosaic.ravel()[at] += rng.uniform(100, 1500, places)
    pixels = np.clip(np.rint(mosaic), 0, 4095).astype(np.uint16)
    negative = Negative(
        pixels, 4095, ("RG", "GB"), make="Example Works", model="Example One", serial="7"
    )
    path = folder / "photo.dng"
    path.write_bytes(dng_of(negative))
    defects = tuple(
        Defect(x=int(each % width), y=int(each // width), state="confirmed") for each in at
    )
    write_map(DefectMap(read_header(path).sensor, defects), folder / DNG_MAP_NAME)


# --- the programs -------------------------------------------------------------------------------


def run_find(paths: list[Path], folder: Path) -> Run:
    """Run `stillpix find --fast` with a new library."""
    with TemporaryDirectory(dir=folder) as library:
        os.environ["STILLPIX_LIBRARY"] = library
        run, _ = timed([*STILLPIX, "find", *map(str, paths), "--fast", "--json"], b"")
    return run


def run_fix(paths: list[Path], folder: Path, name: str = MAP_NAME, *options: str) -> Run:
    """Run `stillpix fix`; the run tells how many places were repaired."""
    out = folder / "fixed"
    command = [*STILLPIX, "fix", *map(str, paths), "--map", str(folder / name)]
    run, printed = timed([*command, "--out", str(out), "--json", *options], b"")
    shutil.rmtree(out)
    document = json.loads(printed)
    places = [place["outcome"] for photo in document["photos"] for place in photo["places"]]
    if document["not_repaired"] or len(document["photos"]) != len(paths):
        sys.exit(f"not all photos were repaired: {document['not_repaired'][:3]}")
    run.told = f"{places.count('repaired') / len(paths):.0f} of {len(places) // len(paths)} places"
    return run


@contextmanager
def all_processors_busy() -> Iterator[None]:
    """Keep as many other programs running as there are processors."""
    with ExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            other = stack.enter_context(
                subprocess.Popen([sys.executable, "-c", "while True: sum(range(10000))"])
            )
            stack.callback(other.kill)
        yield


# --- measuring ----------------------------------------------------------------------------------


def measure(options: argparse.Namespace) -> dict[str, list[Run]]:
    """Run all by turns, so that a slow minute of the machine hits each of them."""
    folder, dng = options.folder, [options.folder / "photo.dng"]
    paths = sorted((folder / "photos").iterdir())
    run_find(paths, folder)  # fills the disk cache, and that of compiled kernels
    run_fix(paths[:2], folder)
    run_fix(dng, folder, DNG_MAP_NAME, "--mosaic")
    runs: dict[str, list[Run]] = {}
    for _ in range(options.runs):
        with all_processors_busy():
            busy = run_fix(paths[:1], folder)
        for name, run in (
            ("find --fast, all photos", run_find(paths, folder)),
            ("find --fast, one photo", run_find(paths[:1], folder)),
            ("fix, all photos", run_fix(paths, folder)),
            ("fix, one photo", run_fix(paths[:1], folder)),
            ("fix, one photo, all processors busy", busy),
            ("fix --mosaic, a DNG", run_fix(dng, folder, DNG_MAP_NAME, "--mosaic")),
        ):
            runs.setdefault(name, []).append(run)
    return runs


def median(runs: dict[str, list[Run]], name: str, key: str) -> float:
    """Return the median of a program's runs."""
    return float(statistics.median(getattr(run, key) for run in runs[name]))


def table(runs: dict[str, list[Run]]) -> Iterator[str]:
    """Yield the lines of a table of all runs."""
    yield "|  | s | CPU, s | peak, MB | repaired a photo |"
    yield "|---|--:|--:|--:|---|"
    for name, each in runs.items():
        seconds, cpu = (median(runs, name, key) for key in ("seconds", "cpu"))
        peak = max(run.peak_mb for run in each)
        yield f"| {name} | {seconds:.2f} | {cpu:.2f} | {peak:.0f} | {each[-1].told} |"


def verdicts(runs: dict[str, list[Run]], photos: int) -> Iterator[str]:
    """Yield a line a limit: what it is, what was measured, whether it holds."""
    every = {kind: median(runs, f"{kind}, all photos", "cpu") for kind in ("fix", "find --fast")}
    one = {kind: median(runs, f"{kind}, one photo", "cpu") for kind in every}
    further = {kind: (every[kind] - one[kind]) / (photos - 1) for kind in every}
    whole, each = (of["fix"] / of["find --fast"] for of in (every, further))
    limit = f"at most {MOST_TIMES_FIND:g} x the processor time of find --fast"
    told = f"{whole:.2f} x; a further photo {1000 * further['fix']:.0f} ms, {each:.2f} x"
    yield verdict(limit, told, holds=whole <= MOST_TIMES_FIND)
    cold = median(runs, "fix, one photo", "seconds")
    yield verdict(
        f"one photo from a cold start in at most {MOST_COLD_S:g} s", f"{cold:.2f} s",
        holds=cold <= MOST_COLD_S,
    )  # fmt: skip
    slower = median(runs, "fix, one photo, all processors busy", "seconds") / cold
    yield verdict(
        f"at most {MOST_TIMES_BUSY:g} x that with all processors busy", f"{slower:.2f} x",
        holds=slower <= MOST_TIMES_BUSY,
    )  # fmt: skip
    seconds = median(runs, "fix --mosaic, a DNG", "seconds") - cold
    yield verdict(
        f"a DNG in at most {MOST_DNG_S:g} s more than a small JPEG takes", f"{seconds:.2f} s",
        holds=seconds <= MOST_DNG_S,
    )  # fmt: skip


def verdict(limit: str, measured: str, *, holds: bool) -> str:
    """Return a line on one limit."""
    return f"- {'holds' if holds else 'MISSED'}: {limit} (measured: {measured})"


# --- the command line ---------------------------------------------------------------------------


def parse() -> argparse.Namespace:
    """Return the options; --make is this script's own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--dng-places", type=int, default=4000)
    parser.add_argument("--dng-megapixels", type=float, default=24)
    parser.add_argument("--folder", type=Path, help="where photos are kept for the next run")
    parser.add_argument("--make", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Make the photos where there are none, measure, and print the tables."""
    options = parse()
    if options.make:
        make_photos(options.folder, options.photos)
        make_dng(options.folder, options.dng_megapixels, options.dng_places)
        return
    with TemporaryDirectory(prefix="bench-fix-small-") as temporary:
        options.folder = options.folder or Path(temporary)
        if not (options.folder / DNG_MAP_NAME).exists():
            command = [sys.executable, __file__, "--make", "--folder", str(options.folder)]
            for name in ("photos", "dng_megapixels", "dng_places"):
                command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
            subprocess.run(command, check=True)
        runs = measure(options)
    print("\n".join(table(runs)), end="\n\n")
    print("\n".join(verdicts(runs, options.photos)))


if __name__ == "__main__":
    main()

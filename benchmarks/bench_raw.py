"""How fast and how big `stillpix find` is on RAW files, beside only reading them, and rawpy's rule.

Makes DNGs of an imaginary Bayer camera in a temporary folder, once uncompressed and once with
lossless JPEG tiles, runs every contender in a process of its own, in turns, and prints a table of
medians. Never a test: it prints whether the limits hold, and that is all.

    python benchmarks/bench_raw.py [--photos 20] [--runs 3] [--megapixels 24] [--planted 50]
        [--only loop rawpy fast find enhance] [--kinds plain packed]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

MOST_TIMES_READING = 2.0
MOST_MB = 1600
LITTLE_MEGAPIXELS = 0.5  # of the photos that kernels are warmed up on
BLACK, WHITE = 512, 16383
ROOM = 1.3  # side of the field that photos are cut from, in sides of a photo
PATTERN = ("RG", "GB")
KINDS = {"plain": "uncompressed", "packed": "lossless JPEG"}


def make_photos(folder: Path, options: argparse.Namespace) -> None:
    """Write the same mosaics as two kinds of DNG, where the planted pixels are, and little ones."""
    _write_series(folder, options.megapixels, options.photos, options)
    (folder / "little").mkdir()
    _write_series(folder / "little", LITTLE_MEGAPIXELS, 2, options)


def _write_series(
    folder: Path, megapixels: float, photos: int, options: argparse.Namespace
) -> None:
    import numpy as np

    from stillpix.rewriting.dng.writing import Negative, dng_of
    from stillpix.simulate.scenes import dead_leaves, texture_tile

    width = round((megapixels * 1e6 * 1.5) ** 0.5 / 48) * 48
    height = width * 2 // 3
    rng = np.random.default_rng(options.seed)
    field = dead_leaves(
        rng, texture_tile(rng), (int(ROOM * height), int(ROOM * width)), shares=(0.0, 0.0)
    ).light
    rows, columns = rng.integers(9, height - 9, (2, options.planted)) % [[height], [width]]
    (folder / "truth.json").write_text(json.dumps([columns.tolist(), rows.tolist()]))
    for kind in options.kinds:
        (folder / kind).mkdir()
    for number in range(photos):
        own = np.random.default_rng((options.seed, number))
        # from anywhere: cut from around one place, a scene's dim leaf would dim the same photosites
        top, left = own.integers(0, field.shape[:2])
        rolled = np.roll(field, (-top, -left), (0, 1))[
            :: own.choice([-1, 1]), :: own.choice([-1, 1])
        ]
        cut = rolled[:height, :width]
        mosaic = np.empty((height, width), np.float32)
        for y in (0, 1):
            for x in (0, 1):
                mosaic[y::2, x::2] = cut[y::2, x::2, "RGB".index(PATTERN[y][x])]
        mosaic *= np.float32(own.uniform(0.1, 0.4) * (WHITE - BLACK) / mosaic.mean())
        mosaic += own.standard_normal(mosaic.shape, np.float32) * np.sqrt(mosaic + 9)
        mosaic += BLACK
        mosaic[rows, columns] += np.linspace(100, 3000, options.planted)
        negative = Negative(
            np.clip(np.rint(mosaic), 0, WHITE).astype(np.uint16), WHITE, PATTERN,
            ((BLACK,),), make="Stillpix", model="Benchmark", serial="1", exposure_s=1 / 60, iso=400,
        )  # fmt: skip
        for kind in options.kinds:
            content = dng_of(negative, compressed=kind == "packed")
            (folder / kind / f"{number:04d}.dng").write_bytes(content)


# --- the contenders ------------------------------------------------------------------------------


def read_one(path: Path) -> int:
    """Read a mosaic with rawpy alone."""
    import rawpy

    with rawpy.imread(str(path)) as raw:
        return int(raw.raw_image[7, 7])


def read_in_loop(paths: list[Path]) -> str:
    """Read the mosaics one after the other."""
    return f"{len([read_one(path) for path in paths])} read"


def read_in_threads(paths: list[Path]) -> str:
    """Read the mosaics in as many threads as there are cores."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return f"{len(list(pool.map(read_one, paths)))} read"


def find_fast(paths: list[Path]) -> str:
    """Run the finder without the second look at the photos."""
    return find_defects(paths, fast=True)


def find_defects(paths: list[Path], *, fast: bool = False) -> str:
    """Run the finder, and compare its map with the truth."""
    import stillpix

    [found] = stillpix.find(paths, fast=fast)
    columns, rows = json.loads((paths[0].parent.parent / "truth.json").read_text())
    planted = set(zip(columns, rows, strict=True))
    confirmed = {(defect.x, defect.y) for defect in found.in_state("confirmed")}
    return f"{len(confirmed & planted)} of {len(planted)}, {len(confirmed - planted)} others"


def enhance(paths: list[Path]) -> str:
    """Run rawpy's own rule, as it is by default."""
    import rawpy.enhance

    return f"{len(rawpy.enhance.find_bad_pixels([str(path) for path in paths]))} listed"


CONTENDERS: dict[str, tuple[str, Callable[[list[Path]], str]]] = {
    "loop": ("only reading, rawpy, one after the other", read_in_loop),
    "rawpy": ("only reading, rawpy, in threads", read_in_threads),
    "fast": ("stillpix.find, fast=True", find_fast),
    "find": ("stillpix.find", find_defects),
    "enhance": ("rawpy.enhance.find_bad_pixels", enhance),
}


def run_child(options: argparse.Namespace) -> None:
    """Make the photos, or warm up on the little ones and time one contender."""
    import resource

    if options.child == "make":
        make_photos(options.folder, options)
        return
    run = CONTENDERS[options.child][1]
    paths = sorted(options.folder.iterdir())[: options.photos]
    run(sorted((options.folder.parent / "little" / options.folder.name).iterdir()))
    start = time.perf_counter()
    told = run(paths)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_mb = peak / 1e6 if sys.platform == "darwin" else peak / 1e3
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb, "told": told}))


def in_child(child: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run this script in a fresh process and return what it measured."""
    command = [sys.executable, __file__, "--child", child, "--folder", str(folder)]
    for name in ("photos", "megapixels", "planted", "seed"):
        command += [f"--{name}", str(getattr(options, name))]
    command += ["--kinds", *options.kinds]
    finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    measured: dict[str, Any] = json.loads(finished.stdout or "{}")
    return measured


# --- the table -----------------------------------------------------------------------------------


def table(runs: dict[tuple[str, str], list[dict[str, Any]]], photos: int) -> Iterator[str]:
    """Yield the table's lines, and whether the limits hold."""
    yield "| files | contender | s | s a photo | times reading in threads | peak MB | found |"
    yield "|---|---|---|---|---|---|---|"
    verdicts = []
    for (kind, name), measured in runs.items():
        seconds = statistics.median(run["seconds"] for run in measured)
        peak = statistics.median(run["peak_mb"] for run in measured)
        reading = [run["seconds"] for run in runs.get((kind, "rawpy"), [])]
        times = seconds / statistics.median(reading) if reading else float("nan")
        yield (
            f"| {KINDS[kind]} | {CONTENDERS[name][0]} | {seconds:.2f} | {seconds / photos:.3f} | "
            f"{times:.2f} | {peak:.0f} | {measured[-1]['told']} |"
        )
        if name == "fast":
            for reader in ("loop", "rawpy"):
                read = statistics.median(run["seconds"] for run in runs[kind, reader])
                holds = "holds" if seconds <= MOST_TIMES_READING * read else "MISSED"
                verdicts.append(
                    f"{KINDS[kind]}: {seconds / read:.2f} x {CONTENDERS[reader][0]}, limit "
                    f"{MOST_TIMES_READING}: {holds}"
                )
            holds = "holds" if peak <= MOST_MB else "MISSED"
            verdicts.append(f"{KINDS[kind]}: {peak:.0f} MB, limit {MOST_MB}: {holds}")
    yield ""
    yield from (f"- {verdict}" for verdict in verdicts)


def parse() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--planted", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=list(CONTENDERS), choices=list(CONTENDERS))
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Print the table."""
    options = parse()
    if options.child:
        run_child(options)
        return
    runs: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    with TemporaryDirectory() as folder:
        in_child("make", Path(folder), options)
        for _ in range(options.runs):
            for kind in options.kinds:
                for name in options.only:
                    runs[kind, name].append(in_child(name, Path(folder, kind), options))
    packages = ", ".join(f"{name} {version(name)}" for name in ("rawpy", "numba", "numpy"))
    print(
        f"{options.photos} DNGs of {options.megapixels:g} MP, median of {options.runs} runs, "
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"{packages}\n"
    )
    print("\n".join(table(runs, options.photos)))


if __name__ == "__main__":
    main()

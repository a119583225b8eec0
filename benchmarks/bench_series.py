"""Found, false and stated defects in difficult photo series, made by a script with known truth.

    python benchmarks/bench_series.py SCRIPT [--kinds bar hood ...] [--seeds 1 2 3] [--control]

SCRIPT makes and scores the series: `make KIND OUT --seed N [--control]` and `score TRUTH MAP...`,
as `series.py` beside the real photos does. Prints one row per series, and the sums per kind.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import stillpix

KINDS = ("plain", "bar", "frame", "fisheye", "hood", "allsky-jpeg", "late", "night", "tracked")


def score_of(script: Path, kind: str, seed: int, *, control: bool) -> dict[str, float]:
    """Make one series, find its defects and return its score."""
    with tempfile.TemporaryDirectory() as folder:
        photos, truth = Path(folder, "photos"), Path(folder, "photos.truth.json")
        flags = ["--control"] if control else []
        run(script, "make", kind, photos, "--seed", seed, *flags)
        maps = []
        for number, found in enumerate(stillpix.find([photos], fast=True)):
            maps.append(Path(folder, f"{number}.stillpix.json"))
            stillpix.write_map(found, maps[-1])
        rows = [json.loads(line) for line in run(script, "score", truth, *maps).splitlines()]
    sums = Counter({"of": 0, "found": 0, "false": rows[-1]["false"], "stated": 0.0})
    for row in rows[:-1]:
        sums.update({name: row[name] or 0 for name in ("of", "found", "false", "stated")})
    return dict(sums)


def run(script: Path, *words: object) -> str:
    """Run a command of the script and return what it prints."""
    command = [sys.executable, str(script), *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def line_of(name: str, sums: dict[str, float]) -> str:
    """Return one row of the table."""
    return (
        f"{name:22s} {sums['found']:4.0f} of {sums['of']:<4.0f} {sums['false']:5.0f} false"
        f"  {sums['stated']:.3g} stated"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("script", type=Path)
    parser.add_argument("--kinds", nargs="+", default=KINDS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--control", action="store_true", help="the same without the difficulty")
    asked = parser.parse_args()
    for kind in asked.kinds:
        total: Counter[str] = Counter()
        for seed in asked.seeds:
            sums = score_of(asked.script, kind, seed, control=asked.control)
            print(line_of(f"{kind}, seed {seed}", sums), flush=True)
            total.update(sums)
        print(line_of(f"{kind}, all", dict(total)))


if __name__ == "__main__":
    main()

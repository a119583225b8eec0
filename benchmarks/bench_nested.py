"""More photos are never worse: what a part of a series rightly finds, found in the whole of it?

    python benchmarks/bench_nested.py SCRIPT [--kinds late archive ...] [--seeds 1 2 3]
        [--keep FOLDER]

SCRIPT makes the series, as for bench_series.py. The parts are every 2nd, 4th, 8th and 16th photo,
and the first and the last half, quarter and eighth. Prints for each how many of the defects that it
rightly finds the whole finds, too, and for each kind all of them together.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import stillpix
from bench_series import run

EVERY = 2, 4, 8, 16
SHARES = 2, 4, 8  # one in so many, the first and the last ones
Place = tuple[int, int]


def parts_of(photos: Sequence[Path]) -> Iterator[tuple[str, Sequence[Path]]]:
    """Yield the name and the photos of each part."""
    for step in EVERY:
        yield f"every {step}", photos[::step]
    for share in SHARES:
        number = len(photos) // share
        yield f"first 1/{share}", photos[:number]
        yield f"last 1/{share}", photos[-number:]


def found_in(photos: Sequence[Path], truth: Path) -> set[Place]:
    """Return the places of the defects that some photos rightly list."""
    (sensor,) = json.loads(truth.read_text())
    reach = sensor["tolerance"][0]
    maps = list(stillpix.find(photos, fast=True))
    listed = {(d.x, d.y) for found in maps for d in found.in_state("confirmed")}
    return {
        (d["x"], d["y"])
        for d in sensor["defects"]
        if any(max(abs(d["x"] - x), abs(d["y"] - y)) <= reach for x, y in listed)
    }


def nested(script: Path, kind: str, seed: int, keep: Path) -> Counter[str]:
    """Print a row for each part of one series, and return the sums."""
    photos, truth = keep / f"{kind}-{seed}", keep / f"{kind}-{seed}.truth.json"
    if not truth.exists():
        run(script, "make", kind, photos, "--seed", seed)
    each = sorted(photos.iterdir())
    whole = found_in(each, truth)
    sums: Counter[str] = Counter()
    for name, part in parts_of(each):
        found = found_in(part, truth)
        kept = len(found & whole)
        print(f"{kind}, {seed}, {name}: {kept} of {len(found)} found in the whole", flush=True)
        sums.update(found=len(found), kept=kept)
    return sums


def main() -> None:
    """Print the list."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("script", type=Path)
    parser.add_argument("--kinds", nargs="+", default=["late", "archive", "plain", "night"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="of the photos, to use again")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for kind in asked.kinds:
            total: Counter[str] = Counter()
            for seed in asked.seeds:
                total.update(nested(asked.script, kind, seed, asked.keep or Path(folder)))
            share = total["kept"] / max(total["found"], 1)
            print(f"{kind}, all: {total['kept']} of {total['found']} ({share:.3f})")


if __name__ == "__main__":
    main()

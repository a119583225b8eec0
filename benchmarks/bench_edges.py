"""Defects in the outer five pixels beside inner ones, in photo series made by a script.

    python benchmarks/bench_edges.py SCRIPT [--kinds plain night ...] [--seeds 1 2 3]
        [--size 640x480]

SCRIPT is loaded as a module, as `series.py` beside the real photos: its `KINDS` make a series into
a folder and return the truth, and `defects` chooses the places. Here every second one of a hundred
lies within five pixels of an edge. Prints one row per series, and the sums.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import stillpix

EDGE, NUMBER, APART = 5, 100, 9  # px, defects, px between them
NEAR = 2  # px from a defect within which a find is not false


def loaded(script: Path) -> ModuleType:
    """Return the script as a module whose defects lie half along the edges."""
    spec = importlib.util.spec_from_file_location("series", script)
    if spec is None or spec.loader is None:
        sys.exit(f"{script}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def defects(rng: Any, _: int, low: float, high: float, inside: Any = None) -> list[Any]:
        del inside
        found: list[dict[str, Any]] = []
        while len(found) < NUMBER:
            x, y = int(rng.integers(module.W)), int(rng.integers(module.H))
            to_edge = min(x, y, module.W - 1 - x, module.H - 1 - y)
            alone = all(abs(x - d["x"]) + abs(y - d["y"]) > APART for d in found)
            if alone and (to_edge < EDGE) == (len(found) % 2 == 0):
                strength = float(np.exp(rng.uniform(np.log(low / 2), np.log(high))))
                found.append({"x": x, "y": y, "strength": strength, "since": 0})
        return found

    module.defects = defects  # type: ignore[attr-defined]  # mypy cannot read the script
    return module


def score_of(series: ModuleType, kind: str, seed: int) -> Counter[str]:
    """Make one series, find its defects and count."""
    with tempfile.TemporaryDirectory() as folder:
        series._PRNU.clear()  # another sensor
        (truth, *_) = series.KINDS[kind](Path(folder), np.random.default_rng(seed))
        maps = list(stillpix.find([Path(folder)], fast=True))
    listed = [(d.x, d.y) for found in maps for d in found.in_state("confirmed")]
    places = [(d["x"], d["y"]) for d in truth["defects"]]
    sums: Counter[str] = Counter()
    for x, y in places:
        edge = min(x, y, series.W - 1 - x, series.H - 1 - y) < EDGE
        hit = any(max(abs(x - at[0]), abs(y - at[1])) <= 1 for at in listed)
        sums.update({f"{edge} of": 1, f"{edge} found": int(hit)})
    for x, y in listed:
        if all(max(abs(x - at[0]), abs(y - at[1])) > NEAR for at in places):
            edge = min(x, y, series.W - 1 - x, series.H - 1 - y) < EDGE
            sums.update({f"{edge} false": 1})
    return sums


def line_of(name: str, sums: Counter[str]) -> str:
    """Return one row of the table."""
    outer, inner = (
        f"{sums[f'{edge} found']} of {sums[f'{edge} of']}, {sums[f'{edge} false']} false"
        for edge in (True, False)
    )
    return f"{name:22s} outer five px: {outer:22s} inner: {inner}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("script", type=Path)
    parser.add_argument("--kinds", nargs="+", default=["plain", "right-aligned", "no-pattern"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--size", default="640x480")
    asked = parser.parse_args()
    series = loaded(asked.script)
    series.W, series.H = map(int, asked.size.split("x"))  # type: ignore[attr-defined]  # names of the script
    total: Counter[str] = Counter()
    for kind in asked.kinds:
        for seed in asked.seeds:
            sums = score_of(series, kind, seed)
            print(line_of(f"{kind}, seed {seed}", sums), flush=True)
            total.update(sums)
    print(line_of("all", total))


if __name__ == "__main__":
    main()

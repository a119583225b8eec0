"""Found, false and stated defects in difficult photo series, made by a script with known truth.

    python benchmarks/bench_series.py SCRIPT [--kinds bar hood ...] [--seeds 1 2 3] [--control]
        [--against-control] [--keep FOLDER]

SCRIPT makes and scores the series: `make KIND OUT --seed N [--control]` and `score TRUTH MAP...`,
as `series.py` beside the real photos does. Prints one row per series, and the sums per kind. With
--against-control each kind is made with and without what makes it difficult, and a table at the end
says what holds of them, all seeds together: recall at least 0.9 of the control's; and no false
finds, or so many that the 95 % Poisson interval of their number meets half to twice the stated one.
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
from accuracy.summary import poisson_interval

KINDS = ("plain", "bar", "frame", "fisheye", "hood", "allsky-jpeg", "late", "night", "tracked")
# Of these the script makes nothing else without the difficulty, or cannot.
NO_CONTROL = ("plain", "archive", "late", "night", "tracked", "timelapse", "exposures", "darks")
LEAST_SHARE = 0.9  # of the control's recall
HALF_TO_TWICE = 0.5, 2.0  # times the stated number of false finds


def score_of(
    script: Path, kind: str, seed: int, *, control: bool, keep: Path | None = None
) -> dict[str, float]:
    """Make one series, find its defects and return its score.

    In `keep` the photos stay, for the next time.
    """
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(keep or folder, f"{kind}-{seed}{'-c' if control else ''}")
        truth = Path(f"{photos}.truth.json")
        if not truth.exists():
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
    """Return one row of the list."""
    return (
        f"{name:22s} {sums['found']:4.0f} of {sums['of']:<4.0f} {sums['false']:5.0f} false"
        f"  {sums['stated']:.3g} stated"
    )


def is_stated(sums: dict[str, float]) -> bool:
    """Return whether the number of false finds may be what the maps stated."""
    low, high = poisson_interval(int(sums["false"]))
    least, most = (times * sums["stated"] for times in HALF_TO_TWICE)
    return sums["false"] == 0 or (low <= most and high >= least)


def row_of(kind: str, sums: dict[str, float], control: dict[str, float] | None) -> str:
    """Return one row of the table, in Markdown."""
    share, of_control = "", ""
    if control:
        of_control = f"{control['found']:.0f} of {control['of']:.0f}"
        ratio = sums["found"] / sums["of"] * control["of"] / max(control["found"], 1)
        share = f"{ratio:.2f}" + ("" if ratio >= LEAST_SHARE else " (too few)")
    false, stated = (
        " / ".join(form.format(each[name]) for each in (sums, control) if each)
        for name, form in (("false", "{:.0f}"), ("stated", "{:.2g}"))
    )
    held = all(is_stated(each) for each in (sums, control) if each)
    found = f"{sums['found']:.0f} of {sums['of']:.0f}"
    holds = "yes" if held else "no"
    return f"| {kind} | {found} | {of_control} | {share} | {false} | {stated} | {holds} |"


def options() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("script", type=Path)
    parser.add_argument("--kinds", nargs="+", default=KINDS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--control", action="store_true", help="the same without the difficulty")
    parser.add_argument("--against-control", action="store_true", help="both, and a table")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="of the photos, to use again")
    return parser.parse_args()


def main() -> None:
    """Print the list, and the table where it is asked for."""
    asked = options()
    rows = []
    for kind in asked.kinds:
        totals: list[dict[str, float]] = []
        both = asked.against_control and kind not in NO_CONTROL
        for control in (False, True) if both else (asked.control,):
            total: Counter[str] = Counter()
            name = f"{kind}, control" if control else kind
            for seed in asked.seeds:
                sums = score_of(asked.script, kind, seed, control=control, keep=asked.keep)
                print(line_of(f"{name}, {seed}", sums), flush=True)
                total.update(sums)
            print(line_of(f"{name}, all", dict(total)))
            totals.append(dict(total))
        rows.append(row_of(kind, totals[0], totals[1] if both else None))
    if asked.against_control:
        print("\n| kind | found | control | of its recall | false | stated | as stated |")
        print("|---|---|---|---|---|---|---|", *rows, sep="\n")


if __name__ == "__main__":
    main()

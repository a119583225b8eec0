"""How stillpix does on JPEGs that other people's raw developers made.

The mosaics of `developed.py` become DNGs; dcraw, RawTherapee or darktable develops them, exiftool
copies what the camera would have said, and `stillpix find` looks at the JPEGs as a user would run
it, with a library of its own. Beside its own cut stand the oracle's (the largest one with at most
1 % of false finds, which no one knows) of its scores and of the plain score bank. Photos of a
library that is there already are not made again.

    python benchmarks/bench_developed.py [--keep FOLDER] [--scenes FOLDER ...] [--recipes NAME ...]
        [--seed 1] [--bodies 1] [--photos 60] [--size 1500x1000] [--defects 100] [--until N]
        [--json FILE]

Photos are deleted afterwards, or kept in FOLDER: some 30 MB for each recipe and body. Without
--scenes all pictures are painted. With --until only the first N photos are made, and nothing is
looked for: for short runs. Recipes whose program is not installed are left out by name. Needs
exiftool for all of them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
from PIL import Image

from accuracy.bank import ScoreBanks
from accuracy.methods import BANKS, PLAIN
from accuracy.photo import Photo
from accuracy.scorer import Places, oracle_cut, own_cut, walk
from developed import Body, Broken
from developing import PROGRAMS, RECIPES, run
from stillpix.images import open_frames
from stillpix.rewriting.dng.writing import dng_of
from stillpix.simulate import PlantedDefect

LISTED_AT = 0.1  # the largest --fdr: all with q up to 1 are listed
COPIED = ("Make", "Model", "SerialNumber", "ExposureTime", "ISO", "FNumber", "DateTimeOriginal")
AMPLITUDES = (0.1, 0.3, 1.0, 3.0, 10.0, 1e9)


@dataclass
class Score:
    """What came of one library."""

    recipe: str
    planted: int
    found: int
    false: int
    aside: int
    stated: float
    oracle: int
    plain: int
    moved: int  # found places that are not the very photosite
    groups: dict[str, list[int]] = field(default_factory=dict)  # of a kind, site: found, planted
    places: list[tuple[int, int, str, float, float]] = field(default_factory=list)  # false ones


def develop_all(
    body: Body, recipe: str, folder: Path, scenes: list[Path], numbers: Iterable[int], jobs: int
) -> None:
    """Make those photos of a library that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)

    def one(number: int) -> None:
        jpeg = folder / f"{number:04}.jpg"
        if jpeg.exists():
            return
        with TemporaryDirectory() as scratch:
            dng, made = Path(scratch) / "photo.dng", Path(scratch) / "made.jpg"
            dng.write_bytes(dng_of(body.photograph(number, scenes)))
            RECIPES[recipe](dng, made)
            tags = [f"-{tag}" for tag in COPIED]
            run("exiftool", "-q", "-overwrite_original", "-TagsFromFile", dng, *tags, made)
            shutil.move(made, jpeg)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, numbers))


def finds(folder: Path, library: Path, fdr: float) -> dict[str, Any]:
    """Return the map of a folder's only camera, as the command line prints it."""
    words = ("-m", "stillpix", "find", folder, "--json", "--fdr", fdr)
    said = json.loads(run(sys.executable, *words, STILLPIX_LIBRARY=str(library)))
    (camera,) = said["maps"]
    return cast("dict[str, Any]", camera["map"])


def places_of(defects: list[dict[str, Any]]) -> Places:
    """Return a printed map's defects as places."""
    listed = np.array([(one["x"], one["y"], one["score"]) for one in defects]).reshape(-1, 3)
    return Places.ordered(*listed.T)


def plain_oracle(photos: list[Path], truth: list[PlantedDefect]) -> int:
    """Return how many the plain score bank finds at the oracle's cut."""
    bank = ScoreBanks({PLAIN: BANKS[PLAIN]})
    for frame in open_frames(photos):
        bank.add([Photo(frame, np.zeros((0, 0), np.uint16), "", 0, 1)])
    return len(oracle_cut(walk(bank.outcomes()[PLAIN].ranked, truth))[0])


def groups_of(truth: list[Broken], found: set[int]) -> dict[str, list[int]]:
    """Return how many were found of each kind, colour and amplitude, and of how many."""
    groups: dict[str, list[int]] = {}
    for index, each in enumerate(truth):
        keys = [each.kind, each.site, "later" if each.onset else "from the start"]
        if each.amplitude:
            step = sum(each.amplitude >= limit for limit in AMPLITUDES)
            keys.append(f"from {AMPLITUDES[step - 1]:g} sigma")
        for key in keys:
            row = groups.setdefault(key, [0, 0])
            row[0] += index in found
            row[1] += 1
    return groups


def score(recipe: str, body: Body, folder: Path) -> Score:
    """Look for the defects in a library's photos and compare with the truth."""
    photos = sorted(folder.glob("*.jpg"))
    with Image.open(photos[0]) as picture:
        cut = [(a - b) // 2 for a, b in zip(body.sites.shape[::-1], picture.size, strict=True)]
    truth = [replace(each, x=each.x - cut[0], y=each.y - cut[1]) for each in body.broken]
    planted = cast("list[PlantedDefect]", truth)  # of which the scorer takes the place alone
    with TemporaryDirectory() as library:
        listed = finds(folder, Path(library), LISTED_AT)
        found = finds(folder, Path(library), 0.01)
    confirmed = [one for one in found["defects"] if one["state"] == "confirmed"]
    own = own_cut(places_of(confirmed), planted)
    exact = {(each.x, each.y) for each in truth}
    oracle = oracle_cut(walk(places_of(listed["defects"]), planted))[0]
    made = Score(
        recipe, len(truth), len(own.found), own.false, own.aside,
        found["detection"]["expected_false"] or 0.0, len(oracle), plain_oracle(photos, planted),
        sum((one["x"], one["y"]) not in exact for one in confirmed) - own.false - own.aside,
        groups_of(truth, set(own.found)),
    )  # fmt: skip
    for one in confirmed:
        away = min((max(abs(one["x"] - x), abs(one["y"] - y)) for x, y in exact), default=9999)
        if away > 1:
            made.places.append((one["x"], one["y"], one["kind"], one["score"], float(away)))
    return made


def table(scores: list[Score]) -> str:
    """Return the markdown table: a row a recipe."""
    lines = [
        "| developed by | bodies | recall | false finds | stated | at the oracle's cut | "
        "plain score bank, oracle's cut | found beside the photosite |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for recipe in dict.fromkeys(one.recipe for one in scores):
        these = [one for one in scores if one.recipe == recipe]
        planted = sum(one.planted for one in these)
        share = {
            name: f"{sum(getattr(one, name) for one in these) / planted:.2f}" if planted else ""
            for name in ("found", "oracle", "plain")
        }
        lines.append(
            f"| {recipe} | {len(these)} | {share['found']} | "
            f"{sum(one.false + one.aside for one in these)} | "
            f"{sum(one.stated for one in these):.1f} | {share['oracle']} | {share['plain']} | "
            f"{sum(one.moved for one in these)} |"
        )
    return "\n".join(lines)


def breakdown(scores: list[Score]) -> str:
    """Return the markdown table of recall by kind, colour, beginning and amplitude."""
    recipes = list(dict.fromkeys(one.recipe for one in scores))
    lines = ["| defects | " + " | ".join(recipes) + " |", "|---|" + "---|" * len(recipes)]
    for key in sorted({key for one in scores for key in one.groups}):
        cells = []
        for recipe in recipes:
            rows = [one.groups.get(key, [0, 0]) for one in scores if one.recipe == recipe]
            cells.append(f"{sum(row[0] for row in rows)} of {sum(row[1] for row in rows)}")
        lines.append(f"| {key} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def installed(recipes: list[str]) -> list[str]:
    """Return the recipes whose programs are there, and name the others."""
    there = []
    for recipe in recipes:
        needed = (PROGRAMS[recipe.split()[0].rstrip(",")], "exiftool")
        gone = [name for name in needed if shutil.which(name) is None]
        if gone:
            print(f"left out: {recipe} (no {', '.join(gone)})", file=sys.stderr)
        else:
            there.append(recipe)
    return there


def run_all(options: argparse.Namespace, folder: Path) -> list[Score]:
    """Make each library in a folder of its own and look through it."""
    scenes = sorted(path for each in options.scenes for path in each.glob("*.[jJ][pP]*[gG]"))
    width, height = map(int, options.size.split("x"))
    scores = []
    for recipe in installed(options.recipes):
        first = options.seed + list(RECIPES).index(recipe)
        for seed in range(first, first + options.bodies * len(RECIPES), len(RECIPES)):
            body = Body(seed, width, height, options.defects, options.photos)
            name = f"{seed}-{recipe.replace(', ', '-').replace(' ', '-')}-{options.defects}"
            numbers = range(options.photos if options.until is None else options.until)
            develop_all(body, recipe, folder / name, scenes, numbers, options.jobs)
            if options.until is not None:
                continue
            made = score(recipe, body, folder / name)
            scores.append(made)
            print(
                f"{recipe}, body {seed}: {made.found} of {made.planted}, {made.false} false "
                f"({made.stated:.2f} stated) {made.places or ''}", file=sys.stderr, flush=True,
            )  # fmt: skip
    return scores


def main() -> None:
    """Make the libraries, look through them and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", type=Path, help="folder for the photos")
    parser.add_argument("--scenes", type=Path, nargs="*", default=[])
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--seed", type=int, default=1, help="of the first body")
    parser.add_argument("--bodies", type=int, default=1, help="of each recipe")
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--size", default="1500x1000")
    parser.add_argument("--defects", type=int, default=100)
    parser.add_argument("--until", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with TemporaryDirectory() as scratch:
        scores = run_all(options, options.keep or Path(scratch))
    if scores:
        print(table(scores) + "\n\n" + breakdown(scores))
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in scores], indent=1))


if __name__ == "__main__":
    main()

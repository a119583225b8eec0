"""How many close pairs of loud pixels are told apart, and what is listed beside them.

Simulated bodies, each with pairs of bright pixels (hot or offset) 1 to 4 px apart in all
directions: both strong, or one strong and one weak. The same body is photographed three times: with
the pairs, with the first pixels alone, and with the second ones alone. So it is known which pairs
consist of pixels that would each be found alone, and only those are counted.

    python benchmarks/bench_pairs.py [--first 1101] [--cameras 2] [--photos 24] [--size 576x384]
        [--bodies bayer xtrans mono jpeg-420 jpeg-444]

The distance is the larger one of those along the row and along the column. A find counts where it
is the very photosite, in JPEGs within 1 px, and for one pixel only. All other finds are false:
`beside` within 8 px of a pair, `elsewhere` all others.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stillpix.detection.decide import detect
from stillpix.evidence.evidence import Evidence
from stillpix.maps.records import DefectMap
from stillpix.simulate.camera import SimulatedCamera
from stillpix.simulate.planting import (
    REFERENCE_EXPOSURE_S,
    REFERENCE_GAIN,
    PlantedDefect,
    reference_noise_dn,
    site_of,
)
from stillpix.simulate.settings import CameraSettings, Cfa, Subsampling, random_settings

BODIES = ("bayer", "xtrans", "mono", "jpeg-420", "jpeg-444")
OTHER_FILTERS: dict[str, Cfa] = {"xtrans": "XTRANS", "mono": "MONO"}
SAMPLED: dict[str, Subsampling] = {"jpeg-420": "420", "jpeg-444": "444"}
QUALITY = 92
STRONG, WEAK = (10.0, 100.0), (1.0, 5.0)  # sigmas at ISO 400, 1/60 s and a tenth of white
DISTANCES = (1, 2, 3, 4)  # px
CELL = 48  # px, in each of which is one pair
ROOM = 12  # px from a cell's edge to a pair's first pixel, at least
BESIDE = 8  # px

Places = list[tuple[int, int]]


@dataclass(frozen=True)
class Pair:
    """Two broken pixels side by side."""

    one: PlantedDefect
    other: PlantedDefect
    distance: int
    both_strong: bool


def settings_of(seed: int, body: str, options: argparse.Namespace) -> CameraSettings:
    """Return a random camera of a kind, without defects of its own."""
    width, height = map(int, options.size.split("x"))
    drawn = random_settings(seed, width=width, height=height)
    bayer = "RGGB" if drawn.cfa == "XTRANS" else drawn.cfa
    settings = replace(drawn, cfa=OTHER_FILTERS.get(body, bayer), defects=0, photos=options.photos)
    if body not in SAMPLED:
        return replace(settings, output="tiff")
    return replace(settings, output="jpeg", quality=QUALITY, subsampling=SAMPLED[body])


def bright_pixel(
    settings: CameraSettings, rng: np.random.Generator, x: int, y: int, sigmas: tuple[float, float]
) -> PlantedDefect:
    """Return a hot or an offset pixel whose strength lies between two."""
    sigma = float(np.exp(rng.uniform(*np.log(sigmas))))
    excess = sigma * reference_noise_dn(settings) / REFERENCE_GAIN
    site = site_of(settings.cfa, x, y)
    if rng.random() < 0.5:
        rate = excess / REFERENCE_EXPOSURE_S
        return PlantedDefect(
            x=x, y=y, kind="hot", site=site, dark_dn_per_s=rate, amplitude_sigma=sigma
        )
    return PlantedDefect(
        x=x, y=y, kind="offset", site=site, offset_dn=excess, amplitude_sigma=sigma
    )


def pairs_of(settings: CameraSettings, rng: np.random.Generator) -> list[Pair]:
    """Return a pair in each cell; distances and strengths take turns, directions are random."""
    pairs = []
    for number in range((settings.height // CELL) * (settings.width // CELL)):
        row, column = divmod(number, settings.width // CELL)
        distance, both_strong = DISTANCES[number % 4], number // 4 % 2 == 0
        around = range(-distance, distance + 1)
        steps = [(dx, dy) for dx in around for dy in around if max(abs(dx), abs(dy)) == distance]
        dx, dy = steps[rng.integers(len(steps))]
        x, y = (int(CELL * at + rng.integers(ROOM, CELL - ROOM)) for at in (column, row))
        one = bright_pixel(settings, rng, x, y, STRONG)
        other = bright_pixel(settings, rng, x + dx, y + dy, STRONG if both_strong else WEAK)
        pairs.append(Pair(one, other, distance, both_strong))
    return pairs


def found_with(settings: CameraSettings, seed: int, planted: Sequence[PlantedDefect]) -> DefectMap:
    """Return the map of a body with some defects."""
    camera = SimulatedCamera(settings, seed)
    camera.defects = tuple(planted)
    return detect(Evidence.of(camera.photograph(n).frame() for n in range(settings.photos)))


def matched(
    found: DefectMap, planted: Sequence[PlantedDefect], within: int
) -> tuple[set[int], Places]:
    """Return the numbers of the planted pixels that were found, and the finds that are none."""
    listed = found.in_state("confirmed")
    places = {place for defect in listed for place in defect.pixels()}
    options = sorted(
        (max(abs(truth.x - x), abs(truth.y - y)), number, (x, y))
        for number, truth in enumerate(planted)
        for x, y in places
        if max(abs(truth.x - x), abs(truth.y - y)) <= within
    )
    hits: set[int] = set()
    for _, number, place in options:
        if number not in hits and place in places:
            hits.add(number)
            places.remove(place)
    return hits, sorted(places)


def score(
    settings: CameraSettings, seed: int
) -> tuple[Counter[tuple[int, bool, str]], dict[str, float]]:
    """Count a body's pairs by distance and strength, and its false finds."""
    pairs = pairs_of(settings, np.random.default_rng([seed, 2]))
    within = 1 if settings.output == "jpeg" else 0
    both = [pixel for pair in pairs for pixel in (pair.one, pair.other)]
    found = found_with(settings, seed, both)
    hits, none = matched(found, both, within)
    alone = [
        matched(found_with(settings, seed, pixels), pixels, within)[0]
        for pixels in ([pair.one for pair in pairs], [pair.other for pair in pairs])
    ]
    counts: Counter[tuple[int, bool, str]] = Counter()
    for number, pair in enumerate(pairs):
        if number in alone[0] and number in alone[1]:
            key = pair.distance, pair.both_strong
            counts[*key, "pairs"] += 1
            counts[*key, "both"] += 2 * number in hits and 2 * number + 1 in hits
    false = {"beside": 0.0, "elsewhere": 0.0, "stated": found.detection.expected_false or 0.0}
    for x, y in none:
        near = any(max(abs(x - one.x), abs(y - one.y)) <= BESIDE for one in both)
        false["beside" if near else "elsewhere"] += 1
    return counts, false


def table(
    counts: dict[str, Counter[tuple[int, bool, str]]], false: dict[str, dict[str, float]]
) -> str:
    """Return the markdown table: a row a kind of body, a column a distance and strength."""
    columns = [(distance, strong) for strong in (True, False) for distance in DISTANCES]
    heads = [f"{'strong' if strong else 'weak'} {distance} px" for distance, strong in columns]
    lines = [
        f"| body | {' | '.join(heads)} | 2 to 4 px | false beside | elsewhere | stated |",
        "|---" + "|--:" * (len(columns) + 4) + "|",
    ]
    for body, these in counts.items():
        cells = [f"{these[*key, 'both']} of {these[*key, 'pairs']}" for key in columns]
        apart = [key for key in columns if key[0] > 1]
        share = sum(these[*key, "both"] for key in apart) / max(
            sum(these[*key, "pairs"] for key in apart), 1
        )
        of_body = false[body]
        lines.append(
            f"| {body} | {' | '.join(cells)} | {share:.3f} | {of_body['beside']:.0f} | "
            f"{of_body['elsewhere']:.0f} | {of_body['stated']:.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Take the photos of the bodies one by one, and print what was told apart."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=1101)
    parser.add_argument("--cameras", type=int, default=2)
    parser.add_argument("--photos", type=int, default=24)
    parser.add_argument("--size", default="576x384")
    parser.add_argument("--bodies", nargs="+", choices=BODIES, default=list(BODIES))
    options = parser.parse_args()
    counts: dict[str, Counter[tuple[int, bool, str]]] = {}
    false: dict[str, dict[str, float]] = {}
    for body in options.bodies:
        counts[body], false[body] = Counter(), {}
        for seed in range(options.first, options.first + options.cameras):
            of_pairs, of_false = score(settings_of(seed, body, options), seed)
            counts[body] += of_pairs
            false[body] = {key: n + false[body].get(key, 0) for key, n in of_false.items()}
    print(table(counts, false))


if __name__ == "__main__":
    main()

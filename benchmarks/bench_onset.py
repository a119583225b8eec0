"""How well `find` tells when a defect began: error in photos, coverage, ends that were none.

Simulates cameras some of whose defects begin, and some of these end, within the series; finds
them, looks at their places again in the photos that `find` would (--all-photos: in all), and
compares the dates with the truth.
Each photo is simulated two times more, with every defect from the first photo on and with none:
the difference at a defect's place is what the photo would show of it. Photos in which that is
more than two sigmas are the informative ones. Development cameras have seeds 61 to 80.

    python benchmarks/bench_onset.py [--cameras 10] [--first 61] [--photos 60]
        [--onset-share 0.5] [--until-share 0.2] [--defects 100] [--size 900x600] [--jobs 2]
        [--json FILE] [--all-photos]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillpix.detection.dates import Course, courses_of, dated
from stillpix.detection.decide import detect
from stillpix.detection.narrowing import next_looks
from stillpix.evidence.evidence import TOGETHER, Evidence
from stillpix.evidence.measures import LEVEL, RESIDUAL, SLOPE, Place, measured
from stillpix.evidence.sightings import Sightings
from stillpix.frame import Frame
from stillpix.maps.records import Defect, DefectMap
from stillpix.simulate import PlantedDefect, SimulatedCamera, random_settings

WITHIN = 1  # px: a find this near to a planted defect is that defect
INFORMATIVE = 2.0  # sigmas
MOST_ERROR = 2.0  # informative photos, in the median
COVERAGE = (0.85, 0.97)


@dataclass
class Told:
    """What was told of one defect, and what is true of it."""

    camera: int
    photos: int
    kind: str
    state: str
    began: int  # index of the first photo that can show it: 0 where it was there before
    ended: int | None  # index of the first that no longer can
    since: tuple[date, date]
    until: tuple[date, date] | None
    error: int  # photos between the likeliest half and the truth
    informative_error: int
    informative: int  # photos that would show it
    covers: bool  # the gap between two photos in which it began lies within the interval
    covers_date: bool  # the date of the first photo that can show it lies within the two dates
    covers_end: bool
    claimed: float  # probability that the interval holds


def told_by(seed: int, photos: int, options: argparse.Namespace) -> Iterator[Told]:
    """Take photos with one camera, find its defects, and yield what was told of each."""
    width, height = map(int, options.size.split("x"))
    settings = replace(
        random_settings(seed, width=width, height=height), defects=options.defects,
        photos=photos, onset_share=options.onset_share, until_share=options.until_share,
    )  # fmt: skip
    camera, always, never = (SimulatedCamera(settings, seed) for _ in range(3))
    planted = camera.defects
    always.defects = tuple(replace(one, onset=0, until=None) for one in planted)
    never.defects = ()
    with ThreadPoolExecutor(options.jobs) as pool:
        found, log = found_by(camera, photos, pool, every=options.all_photos)
        places = [(one.x, one.y) for one in planted]
        shown = list(pool.map(lambda n: sigmas_shown(always, never, n, places), range(photos)))
    courses = courses_of(found, log)
    taken = [camera.taken(n) for n in range(photos)]
    partners = paired(planted, dated(found, log))
    for index, find in partners.items():
        course = courses.get((find.x, find.y))
        if course is not None and planted[index].onset < photos:
            informative = np.abs([row[index] for row in shown]) > INFORMATIVE
            yield judged(seed, planted[index], find, course, taken, informative)


def found_by(
    camera: SimulatedCamera, photos: int, pool: Executor, *, every: bool
) -> tuple[DefectMap, Sightings]:  # fmt: skip
    """Return the camera's map and the log of its photos at the places of the map."""
    frames: list[Frame] = list(pool.map(lambda n: camera.photograph(n).frame(), range(photos)))
    evidence = Evidence(frames[0].sensor)
    for start in range(0, photos, TOGETHER):
        evidence.update_all(frames[start : start + TOGETHER], pool)
    found = detect(evidence, pool=pool)
    log = Sightings(evidence.sensor)
    log.list_places((one.x, one.y) for one in found)
    for frame in frames:
        said = measured(frame, log.places if every else [])
        log.note(frame.digest, frame.exposure, said)
    if not every:
        look_again(found, log, {frame.digest: frame for frame in frames})
    return found, log


def look_again(found: DefectMap, log: Sightings, frames: dict[str, Frame]) -> None:
    """Look at the photos that `find` looks at a second time, as it does."""
    sure = found.in_state("confirmed")
    log.will_seek((one.x, one.y) for one in sure)
    left = dict(frames)
    while looks := next_looks(sure, log, left):
        for digest, places in looks.items():
            frame = left.pop(digest)
            log.note(digest, frame.exposure, measured(frame, log.places))
            log.seek(places)
    again = len(frames) - len(left)
    print(f"looked again at {again} of {len(frames)} photos", file=sys.stderr, flush=True)


def sigmas_shown(
    always: SimulatedCamera, never: SimulatedCamera, number: int, places: list[Place]
) -> NDArray[np.float64]:
    """Return by how many sigmas of the sound photo each place departs where it is broken."""
    broken, sound = (
        measured(camera.photograph(number).frame(), places).astype(np.float64)
        for camera in (always, never)
    )
    departs = (broken[:, RESIDUAL] * sigma(broken) - sound[:, RESIDUAL] * sigma(sound)) / sigma(
        sound
    )
    near_white = (broken[:, SLOPE] == 0) | (sound[:, SLOPE] == 0)
    return np.asarray(np.where(near_white, 0, np.nan_to_num(departs)), np.float64)


def sigma(said: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the noise in grey levels, from what was said: the tone slope is known."""
    tone = 0.4545 * np.maximum(said[:, LEVEL], 0.03) ** -1.2
    return np.asarray(tone / np.maximum(said[:, SLOPE], 1e-6), np.float64)


def paired(planted: tuple[PlantedDefect, ...], found: DefectMap) -> dict[int, Defect]:
    """Return the find of each planted defect that was found, by its index."""
    partners: dict[int, Defect] = {}
    for find in found:
        apart = [max(abs(one.x - find.x), abs(one.y - find.y)) for one in planted]
        nearest = int(np.argmin(apart))
        if apart[nearest] <= WITHIN:
            partners.setdefault(nearest, find)
    return partners


def judged(
    seed: int, truth: PlantedDefect, find: Defect, course: Course, taken: list[datetime],
    informative: NDArray[np.bool_],
) -> Told:  # fmt: skip
    """Compare what was told with the truth."""
    if find.since is None:
        raise ValueError("a defect that was looked at has no date")
    told = int(np.searchsorted(np.cumsum(course.began), 0.5))
    first, last = sorted((told, truth.onset))
    ended = truth.until if truth.until is not None and truth.until < len(taken) else None
    (low, high), until = course.since(), course.until()
    held = [(low is None or day > low) and day <= high for day in course.taken]
    ends = ended is not None and until is not None and until[0] < taken[ended] <= until[1]
    return Told(
        camera=seed, photos=len(taken), kind=truth.kind, state=find.state, began=truth.onset,
        ended=ended, since=find.since, until=find.until, error=last - first,
        informative_error=int(informative[first:last].sum()), informative=int(informative.sum()),
        covers=held[truth.onset],
        covers_date=find.since[0] <= taken[truth.onset].date() <= find.since[1], covers_end=ends,
        claimed=float(course.began[held].sum()),
    )  # fmt: skip


def table(told: list[Told]) -> str:
    """Return the markdown table: rows for all, for those that began within, and by kind."""
    lines = [
        "| | defects | error, photos | error, informative photos: median, mean, 95 % | covered "
        "(claimed) | covered by dates | `until` wrongly given | `until` given of those that "
        "ended |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for photos in sorted({one.photos for one in told}):
        these = [one for one in told if one.photos == photos]
        groups = {
            "all": these,
            "there from the first photo on": [one for one in these if one.began == 0],
            "began within the photos": [one for one in these if one.began > 0],
        }
        for kind in sorted({one.kind for one in these}):
            groups[kind] = [one for one in these if one.kind == kind]
        lines += [row(f"{photos} photos: {name}", group) for name, group in groups.items() if group]
    return "\n".join(lines)


def row(name: str, group: list[Told]) -> str:
    """Return one line of the table."""
    errors = [one.informative_error for one in group]
    ended = [one for one in group if one.ended is not None]
    alive = [one for one in group if one.ended is None]
    given = sum(one.until is not None for one in ended)
    right = sum(one.covers_end for one in ended)
    return (
        f"| {name} | {len(group)} | {median(one.error for one in group):g} | {median(errors):g}, "
        f"{mean(errors):.2f}, {np.quantile(errors, 0.95):.0f} | "
        f"{mean(one.covers for one in group):.3f} ({mean(one.claimed for one in group):.3f}) | "
        f"{mean(one.covers_date for one in group):.3f} | "
        f"{sum(one.until is not None for one in alive)} of {len(alive)} | "
        f"{given} of {len(ended)}, {right} rightly |"
    )


def verdicts(told: list[Told]) -> str:
    """Return whether the limits hold, a line each."""
    lines = []
    for photos in sorted({one.photos for one in told}):
        within = [one for one in told if one.photos == photos and one.began > 0]
        if not within:
            continue
        error = median(one.informative_error for one in within)
        covered = mean(one.covers for one in within)
        for holds, words in (
            (error <= MOST_ERROR, f"median error {error:g} of at most {MOST_ERROR:g} informative"),
            (COVERAGE[0] <= covered <= COVERAGE[1], f"{covered:.3f} covered, of {COVERAGE}"),
        ):
            lines.append(f"- {'holds' if holds else 'MISSED'}: {photos} photos, {words}")
    return "\n".join(lines)


def main() -> None:
    """Run the cameras and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cameras", type=int, default=10)
    parser.add_argument("--first", type=int, default=61)
    parser.add_argument("--photos", type=int, nargs="+", default=[60])
    parser.add_argument("--onset-share", type=float, default=0.5)
    parser.add_argument("--until-share", type=float, default=0.2)
    parser.add_argument("--defects", type=int, default=100)
    parser.add_argument("--size", default="900x600")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--all-photos", action="store_true", help="look again at all photos")
    options = parser.parse_args()
    told: list[Told] = []
    for photos in options.photos:
        for seed in range(options.first, options.first + options.cameras):
            told += told_by(seed, photos, options)
            print(
                f"camera {seed}, {photos} photos: {len(told)} so far", file=sys.stderr, flush=True
            )
            if options.json:
                options.json.write_text(json.dumps([plain(one) for one in told], indent=1))
    print(table(told) + "\n\nOf those that began within the photos:\n\n" + verdicts(told))


def plain(one: Told) -> dict[str, Any]:
    """Return one record for JSON."""
    return {key: value if not isinstance(value, tuple) else [str(day) for day in value]
            for key, value in vars(one).items()}  # fmt: skip


if __name__ == "__main__":
    main()

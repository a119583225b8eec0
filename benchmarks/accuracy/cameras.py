"""Runs the methods over simulated cameras: each photo is made once, seen by all, and forgotten.

Never scores and never prints; progress is told to a callable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from stillpix.maps.records import DefectMap
from stillpix.simulate import SimulatedCamera, random_settings

from .methods import Entry, build
from .photo import Method, Photo
from .product import NAME, RATES, Stillpix, places_of
from .results import Camera, Clean, Pooled, Results, Run
from .scorer import WITHIN, Outcome, Places, own_cut

TOGETHER = 4  # photos made while the four before are looked at: as many are in memory twice

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run."""

    seeds: Sequence[int]
    photos: Sequence[int]  # numbers of photos after which all methods are scored
    lengths: Sequence[int]  # and those after which stillpix alone is
    defects: int = 100
    width: int = 1500
    height: int = 1000
    scenes: Path | None = None
    jobs: int = 2


def camera_of(seed: int, plan: Plan, *, defects: int) -> SimulatedCamera:
    """Return the camera of a seed."""
    settings = replace(
        random_settings(seed, width=plan.width, height=plan.height),
        defects=defects, photos=max(plan.photos), scene_folder=plan.scenes,
    )  # fmt: skip
    return SimulatedCamera(settings, seed)


def photos_of(
    camera: SimulatedCamera, stops: Sequence[int], pool: ThreadPoolExecutor
) -> Iterator[tuple[int, list[Photo]]]:
    """Yield the camera's photos, a few at a time, and how many there were so far.

    The next few are being made meanwhile. Every stop is the end of some few.
    """
    edges = sorted({*range(0, max(stops), TOGETHER), *stops, 0})

    def make(number: int) -> Photo:
        return Photo.of(camera.photograph(number))

    def begin(start: int, end: int) -> list[Future[Photo]]:
        return [pool.submit(make, number) for number in range(start, end)]

    coming = begin(edges[0], edges[1])
    for here, start in enumerate(edges[1:], 2):
        ready = [future.result() for future in coming]
        coming = begin(start, edges[here]) if here < len(edges) else []
        yield start, ready


def see(methods: Sequence[Method], photos: list[Photo], pool: ThreadPoolExecutor) -> None:
    """Show the photos to all methods, several methods at a time."""
    list(pool.map(lambda method: method.add(photos), methods))


def run(
    plan: Plan, entries: Sequence[Entry], results: Results, tell: Tell, keep: Callable[[], None]
) -> None:
    """Run all methods over all cameras, adding to the results, and keep them after each."""
    previous: tuple[SimulatedCamera, Stillpix] | None = None
    with ThreadPoolExecutor(plan.jobs) as pool:
        for seed in plan.seeds:
            camera = camera_of(seed, plan, defects=plan.defects)
            results.cameras.append(Camera.of(seed, camera.settings, camera.defects))
            methods = build(list(entries))
            product = next((m for m in methods if isinstance(m, Stillpix)), None)
            stops = {*plan.photos, *(plan.lengths if product else ())}
            for number, photos in photos_of(camera, sorted(stops), pool):
                see(methods, photos, pool)
                if number in plan.photos:
                    results.runs += _scored(camera, number, methods, pool)
                    tell(_words(results.runs, seed, number))
                elif number in stops and product:
                    results.runs.append(_product_alone(camera, number, product, None))
                if number in plan.photos and product:
                    results.runs += [
                        _product_alone(camera, number, product, rate) for rate in RATES
                    ]
            if product and previous:
                results.pooled.append(pooled(previous, (camera, product), max(plan.photos)))
                previous = None
            elif product:
                previous = camera, product
            keep()


def _scored(
    camera: SimulatedCamera, number: int, methods: Sequence[Method], pool: ThreadPoolExecutor
) -> list[Run]:
    made = pool.map(lambda method: method.outcomes(), methods)
    return [
        Run.of(camera.seed, number, name, outcome, camera.defects)
        for outcomes in made
        for name, outcome in outcomes.items()
    ]


def _product_alone(
    camera: SimulatedCamera, number: int, product: Stillpix, rate: float | None
) -> Run:
    """Score the map alone, with the product's own false-discovery rate or another."""
    found = product.found(rate)
    called = places_of(found.in_state("confirmed"))
    nothing = Places(called.x[:0], called.y[:0], called.score[:0])
    stated = found.detection.expected_false or 0.0
    outcome = Outcome(nothing, called, stated)
    made = Run.of(camera.seed, number, NAME, outcome, camera.defects)
    return replace(made, rate=rate)


def _words(runs: Sequence[Run], seed: int, number: int) -> str:
    parts = []
    for run_ in runs:
        if (run_.seed, run_.photos, run_.variant) == (seed, number, NAME) and run_.own:
            own = run_.own
            parts.append(
                f"{len(own.found)} found, {own.false + own.aside} false ({run_.stated:.2f} stated)"
            )
    return f"camera {seed}, {number} photos: " + ("; ".join(parts) or "scored")


def run_clean(plan: Plan, results: Results, tell: Tell) -> None:
    """Run stillpix over the same cameras without their defects."""
    with ThreadPoolExecutor(plan.jobs) as pool:
        for seed in plan.seeds:
            camera, product = camera_of(seed, plan, defects=0), Stillpix()
            for number, photos in photos_of(camera, sorted(plan.photos), pool):
                product.add(photos)
                if number in plan.photos:
                    found = product.found()
                    finds = len(found.in_state("confirmed"))
                    stated = found.detection.expected_false or 0.0
                    results.clean.append(Clean(seed, number, finds, stated))
                    tell(f"camera {seed} without defects, {number} photos: {finds} finds")


def _common(first: Places, second: Places) -> int:
    """Return how many of one body's places are the other's as well."""
    return sum(
        bool(((abs(second.x - x) <= WITHIN) & (abs(second.y - y) <= WITHIN)).any())
        for x, y in zip(first.x.tolist(), first.y.tolist(), strict=True)
    )


def pooled(
    first: tuple[SimulatedCamera, Stillpix], second: tuple[SimulatedCamera, Stillpix], photos: int
) -> Pooled:
    """Return what two bodies' maps have in common, and what their photos pooled by force give."""

    def confirmed(found: DefectMap) -> Places:
        return places_of(found.in_state("confirmed"))

    alone = [confirmed(product.found()) for _, product in (first, second)]
    together = confirmed(first[1].pooled_by_force(second[1]).found())
    theirs = [own_cut(together, camera.defects) for camera, _ in (first, second)]
    found = [len(cut.found) for cut in theirs]
    return Pooled(
        first=first[0].seed, second=second[0].seed, photos=photos,
        in_common=_common(*alone), of_first=found[0], of_second=found[1],
        of_neither=together.x.size - sum(found),
    )  # fmt: skip

"""`stillpix find --cluster`: plan, add up on workers, and merge.

Never decides anything about pixels; it says nothing but what `find` says.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .clusters import cluster_named
from .output import detail
from .progress import Progress, stopping_on_interrupt

if TYPE_CHECKING:
    from ..detection.settings import DetectionSettings
    from ..images.gather import Gathering
    from ..maps.library import Library
    from ..scan.body import BodyOutcome
    from ..scan.shards.cluster import Cluster
    from ..scan.shards.plans import Plan

STORE = "shards"  # folder in the library
FEWEST_PER_WORKER = 4  # shards, so that all workers end at about one time
SIZES = (2000, 1000, 500, 250, 125)  # photos of a shard; few sizes, so that plans stay alike


def scan_on_cluster(
    found: Gathering, name: str, store: Path | None, settings: DetectionSettings,
    library: Library | None, jobs: int | None, *, fast: bool,
) -> list[BodyOutcome]:  # fmt: skip
    """Return what comes of each body, as a scan on this computer would."""
    from ..maps.library import library_root
    from ..scan.shards.merging import merge
    from ..scan.shards.planning import plan_shards

    folder = (store or library_root() / STORE).absolute()
    with Progress() as watch, stopping_on_interrupt(watch), cluster_named(name, jobs) as crew:
        size = photos_of_shard(found.photos, crew.threads)
        plan = plan_shards(found, folder, size)
        detail(f"{len(plan.shards)} shards of up to {size} photos in {folder}")
        _run_all(plan, crew, watch)
        if watch.stop():
            return _left(found)
        bodies = list(
            merge(plan, settings=settings, library=library, watch=watch, fast=fast, crew=crew)
        )
    found.skipped[:] = plan.skipped
    return bodies


def photos_of_shard(photos: int, threads: int) -> int:
    """Return how many photos a shard is to hold.

    >>> photos_of_shard(1_000_000, 200), photos_of_shard(3_000, 2), photos_of_shard(12, 4)
    (1000, 250, 125)
    """
    wanted = photos / (FEWEST_PER_WORKER * threads)
    return next((size for size in SIZES if size <= wanted), SIZES[-1])


def _run_all(plan: Plan, crew: Cluster, watch: Progress) -> None:
    """Add up the shards of each body."""
    from ..frame import Sensor
    from ..scan.shards.plans import Shard, read_shard

    bodies: dict[Sensor, list[Shard]] = {}
    for name in plan.shards:
        shard = read_shard(plan.path(name))
        bodies.setdefault(shard.sensor, []).append(shard)
    for shards in bodies.values():
        crew.run(shards, watch)


def _left(found: Gathering) -> list[BodyOutcome]:
    """Return that no photo of any body is in its map yet."""
    from ..scan.body import BodyOutcome

    return [BodyOutcome(sensor, left=number) for sensor, number in found.numbers.items()]

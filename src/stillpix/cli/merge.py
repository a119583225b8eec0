"""`stillpix merge`: from the shards of a plan to a map for each camera body.

Never decides anything about pixels: it hands the plan to scan and says what came of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .destinations import require_place, require_writable
from .find import document_of, status_of, tell_of_bodies, write_map_of
from .find_options import Fast, Fdr, Out, share_of
from .options import Jobs, Json
from .output import print_json
from .progress import Progress, stopping_on_interrupt

if TYPE_CHECKING:
    from ..scan.body import BodyOutcome

PlanFolder = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        help="The folder of a plan that `stillpix shard plan` made, and whose shards are run.",
        show_default=False,
    ),
]


def merge(
    folder: PlanFolder,
    *,
    out: Out = None,
    fdr: Fdr = "1%",
    jobs: Jobs = None,
    fast: Fast = False,
    as_json: Json = False,
) -> None:
    """Merge shards into one map per camera, as one find would."""
    from ..scan.shards.plans import read_plan, read_shard

    share = share_of(fdr)
    plan = read_plan(folder)
    if out is not None:
        require_writable(out)
        sensors = dict.fromkeys(read_shard(plan.path(name)).sensor for name in plan.shards)
        require_place(out, list(sensors))
    bodies = _merge_bodies(folder, out, share, jobs, fast=fast)
    skipped = [*plan.skipped, *(each for body in bodies for each in body.skipped)]
    if as_json:
        print_json(document_of(bodies, skipped, []))
    tell_of_bodies(bodies, skipped, out, quiet=as_json)
    raise typer.Exit(status_of(bodies, skipped))


def _merge_bodies(
    folder: Path, out: Path | None, share: float, jobs: int | None, *, fast: bool
) -> list[BodyOutcome]:
    from ..detection.settings import DetectionSettings
    from ..maps.library import Library
    from ..scan.shards.merging import merge as merged
    from ..scan.shards.plans import read_plan

    bodies = []
    with Progress() as watch, stopping_on_interrupt(watch):
        for body in merged(
            read_plan(folder), settings=DetectionSettings(fdr=share),
            library=None if out else Library(), jobs=jobs, watch=watch, fast=fast,
        ):  # fmt: skip
            if out is not None:
                write_map_of(body, out)
            bodies.append(body)
    return bodies

"""`stillpix shard plan` and `shard run`: cut many photos into shards, and add shards up.

Never starts another program: any queue can run the second command, on any machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .destinations import require_local
from .find import gather_photos, tell_not_used
from .find_options import Dark, ShapeText, shape_of
from .options import Camera, Jobs, Paths, Pattern, listed
from .output import complain, counted, detail, say
from .progress import Progress, stopping_on_interrupt
from .statuses import DONE, INTERRUPTED, NOTHING_USABLE, SOME_FAILED

PlanFolder = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Write the plan to this folder. All machines that add up shards must see it.",
    ),
]
PhotosOfShard = Annotated[
    int, typer.Option(min=1, metavar="N", help="Put this many photos into a shard: 1 or more.")
]
Shards = Annotated[
    list[Path],
    typer.Argument(
        metavar="SHARD...",
        help="Folders of shards, as `stillpix shard plan` printed them.",
        show_default=False,
    ),
]


def plan(
    paths: Paths,
    *,
    out: PlanFolder,
    photos: PhotosOfShard = 2000,
    jobs: Jobs = None,
    dark: Dark = False,
    pattern: Pattern = None,
    shape: ShapeText = None,
    camera: Camera = None,
) -> None:
    """Cut photos into shards, and print the folder of each."""
    from ..scan import why_nothing
    from ..scan.shards.planning import plan_shards

    require_local(out, "--out")
    given = list(listed(paths))
    found = gather_photos(given, jobs, pattern, shape_of(shape), camera, dark=dark)
    if not found.bodies:
        tell_not_used(found.skipped, quiet=True)
        complain(why_nothing(found.skipped))
        raise typer.Exit(NOTHING_USABLE)
    made = plan_shards(found, out, photos)
    tell_not_used(made.skipped, quiet=True)
    for name in made.shards:
        typer.echo(made.path(name))
    complain(
        f"note: {counted(found.photos, 'photo')} in {counted(len(made.shards), 'shard')}; "
        f"next: `stillpix shard run SHARD` for each, on any machine, then `stillpix merge {out}`"
    )
    raise typer.Exit(SOME_FAILED if made.skipped else DONE)


def run(shards: Shards, *, jobs: Jobs = None) -> None:
    """Add up the photos of one shard or more; shards that are done are not read again."""
    from ..errors import StillpixError

    status = DONE
    with Progress() as watch, stopping_on_interrupt(watch):
        for folder in shards:
            if watch.stop():
                break
            try:
                status = max(status, _run(folder, jobs, watch))
            except StillpixError as error:
                complain(str(error))
                status = SOME_FAILED
    if watch.stop():
        complain("stopped; run the same command again: shards that are done are not read again")
        status = INTERRUPTED
    raise typer.Exit(status)


def _run(folder: Path, jobs: int | None, watch: Progress) -> int:
    from ..scan.shards.plans import read_shard
    from ..scan.shards.running import run_shard
    from ..scan.shards.verdicts import COUNTED

    shard = read_shard(folder)
    result = run_shard(shard, jobs=jobs, watch=watch)
    if result is None:
        detail(f"{folder}: stopped; nothing of it is kept")
        return INTERRUPTED
    tell_not_used(result.skipped, quiet=True)
    say(f"{folder}: {counted(result.verdicts.count(COUNTED), 'different picture')} added up")
    return SOME_FAILED if result.skipped else DONE

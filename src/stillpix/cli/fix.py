"""`stillpix fix`: photos and the map of their camera in, repaired photos out.

Never decides anything about pixels or files: it hands both to `restoration.fix` and says what came
of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from .clusters import ClusterName, cluster_named, require_cluster
from .fixed import FixRun, after_fix, complain_of, require_one_fit, tell
from .naming import named_places
from .options import Camera, Json, Paths, listed
from .output import complain, print_json, printable
from .progress import Progress, stopping_on_interrupt
from .statuses import INTERRUPTED
from .undoing import undo_repairs

if TYPE_CHECKING:
    from ..restoration.destinations import Placement
    from ..restoration.targets import Lister

TWO_PLACES = "writes copies, and --in-place replaces the photos themselves; give one of them"
PLACE = re.compile(r"\s*(\d{1,9})\s*,\s*(\d{1,9})\s*")

Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Write copies into this folder, with the same names and subfolders; it may be a URL "
        "such as s3://bucket/fixed. Photos in which nothing shows are copied unchanged.",
    ),
]
InPlace = Annotated[
    bool,
    typer.Option(
        "--in-place",
        help="Replace the photos themselves. Each original stays beside its photo as NAME.orig.",
    ),
]
Map = Annotated[
    str | None,
    typer.Option(
        "--map",
        metavar="MAP",
        help="Use this map: a file, or part of a camera's name. Without it, each photo is repaired "
        "with its camera's map in your library, or with one that lies beside the photo.",
    ),
]
At = Annotated[
    list[str] | None,
    typer.Option(
        metavar="X,Y",
        help="Repair this place instead of those on a map, even where it is not visible. X and Y "
        "count from 0 in the stored picture. Repeat the flag for more places.",
    ),
]
Every = Annotated[
    bool,
    typer.Option("--all", help="Repair every place on the map, even where it is not visible."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="List what would be repaired, and write nothing.")
]
ChangedOnly = Annotated[
    bool, typer.Option("--changed-only", help="With --out, do not copy photos that need no repair.")
]
NoBackup = Annotated[
    bool, typer.Option("--no-backup", help="With --in-place, do not keep the originals.")
]
KeepTimes = Annotated[
    bool,
    typer.Option(
        "--keep-times",
        help="With --in-place, keep each photo's time of change. Without it, backup programs see "
        "that the file was changed.",
    ),
]
Undo = Annotated[
    bool,
    typer.Option(
        "--undo",
        help="Take back repairs in place: each NAME.orig gets its name back, if the log and both "
        "files agree.",
    ),
]
Complete = Annotated[
    bool,
    typer.Option(
        "--complete",
        help="With --out, also copy photos that cannot be repaired, videos and other known files, "
        "unchanged.",
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Number of photos to repair at once: 1 or more. The default is as "
        "many as the machine allows.",
    ),
]
Force = Annotated[
    bool, typer.Option("--force", help="With --out, overwrite existing files that differ.")
]
Mosaic = Annotated[
    bool,
    typer.Option(
        "--mosaic",
        help="For DNG files, replace the values of broken pixels. Without it, the pixels are only "
        "listed in the file, for the program that develops it.",
    ),
]
Mask = Annotated[
    bool,
    typer.Option(
        "--mask",
        help="For FITS files, add a MASK extension that marks the broken pixels. Without it, their "
        "values are replaced.",
    ),
]
To = Annotated[
    str | None,
    typer.Option(
        metavar="dng",
        help="With --out, make a new DNG of each RAW photo in another format. Such files are "
        "never rewritten themselves.",
    ),
]
Lossless = Annotated[
    bool,
    typer.Option(
        "--lossless",
        help="With --out, write each video as a lossless master: FFV1 in MKV. Without it, its own "
        "codec is used.",
    ),
]


def fix(
    paths: Paths,
    *,
    out: Out = None,
    in_place: InPlace = False,
    map_name: Map = None,
    at: At = None,
    every: Every = False,
    dry_run: DryRun = False,
    changed_only: ChangedOnly = False,
    no_backup: NoBackup = False,
    force: Force = False,
    mosaic: Mosaic = False,
    mask: Mask = False,
    to: To = None,
    lossless: Lossless = False,
    keep_times: KeepTimes = False,
    complete: Complete = False,
    undo: Undo = False,
    camera: Camera = None,
    cluster: ClusterName = None,
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Repair the broken pixels in photos, and nothing else."""
    from ..restoration import RawWay, destinations

    given, raw = list(listed(paths)), RawWay(mosaic, to is not None, mask)
    placement = destinations.Placement(
        out=out, in_place=in_place, backup=not no_backup, force=force, dry_run=dry_run,
        keep_times=keep_times, complete=complete, lossless=lossless, raw=raw,
    )  # fmt: skip
    if undo:
        _require_undo_only(placement, map_name, at, every=every, changed_only=changed_only)
        raise typer.Exit(undo_repairs(given, dry_run=dry_run, as_json=as_json))
    _require_use(placement, given, cluster, changed_only=changed_only, to=to)
    named, always = _lister(map_name, at or ()), every or bool(at)
    run = _run_of(given, placement, jobs, camera, named, changed_only=changed_only)
    _mend(run, named or _listed_in_library(run), jobs, cluster, always=always)
    _end(run, None if at else given, map_name, camera, as_json=as_json)


def _end(
    run: FixRun, given: Sequence[str] | None, map_name: str | None, camera: str | None, *,
    as_json: bool,
) -> NoReturn:  # fmt: skip
    """Say what came of the run, and of a repair by a map what to do next; then exit."""
    if as_json:
        print_json(run.document())
    else:
        tell(run)
    complain_of(run, quiet=as_json)
    if given is not None and not as_json:
        after_fix(run, given, map_name, camera)
    raise typer.Exit(run.status())


# What is refused before any photo is read


def _require_one_place(out: Path | None, *, in_place: bool, dry_run: bool) -> None:
    """Refuse two places to write to, and none; and a folder that cannot be one."""
    from ..atomic import takes_files
    from ..images.remote import is_remote

    if out is not None and is_remote(out):
        _require_url(out, in_place=in_place)
        return
    if out is None:
        if not (in_place or dry_run):
            raise _wrong(
                "say where the repaired photos go: --out DIR for copies, --in-place to replace "
                "the photos (originals are kept), or --dry-run to write none",
                "--out",
            )
        return
    if in_place:
        raise _wrong(TWO_PLACES, "--out")
    folder = next(place for place in (out, *out.absolute().parents) if os.path.lexists(place))
    if not folder.is_dir():
        raise _wrong(f"{folder} is a file; name a folder", "--out")
    if not takes_files(folder):
        raise _wrong(f"you may not write into {folder}; name another folder", "--out")
    if not out.is_dir() and not dry_run:
        _require_makeable(out)


def _require_makeable(out: Path) -> None:
    """Refuse a folder that cannot be made, before photos are read; leave none behind."""
    missing = [place for place in (out, *out.absolute().parents) if not os.path.lexists(place)]
    try:
        out.mkdir(parents=True)
    except OSError as error:
        why = error.strerror or error
        raise _wrong(f"the folder {out} cannot be made ({why}); name another", "--out") from error
    finally:
        for place in missing:  # they are made again where something is written
            with suppress(OSError):
                place.rmdir()


def _require_url(out: Path, *, in_place: bool) -> None:
    """Refuse a URL to which copies cannot be written."""
    from ..errors import StillpixError
    from ..images.remote import path_of, url_of
    from ..images.remote_writing import require_writable_place

    if in_place:
        raise _wrong(TWO_PLACES, "--out")
    try:
        require_writable_place(path_of(url_of(out)))
    except StillpixError as error:
        raise _wrong(str(error), "--out") from error


def _require_disks(given: Sequence[str], placement: Placement) -> None:
    """Refuse what works only from disk to disk where something lies elsewhere."""
    from ..images.remote import is_remote

    remote = [path for path in given if is_remote(path)]
    if placement.in_place and remote:
        raise _wrong(f"works only on disks, and {remote[0]} is a URL; give --out", "--in-place")
    if placement.complete and (remote or (placement.out and is_remote(placement.out))):
        raise _wrong("works only from disk to disk; leave it out", "--complete")


def _require_use(
    placement: Placement, given: Sequence[str], cluster: str | None, *, changed_only: bool,
    to: str | None,
) -> None:  # fmt: skip
    """Refuse flags that would have no effect: the person meant something else."""
    require_cluster(cluster)
    _require_one_place(placement.out, in_place=placement.in_place, dry_run=placement.dry_run)
    _require_disks(given, placement)
    for is_given, flag in (
        (changed_only, "--changed-only"),
        (placement.force, "--force"),
        (placement.complete, "--complete"),
        (placement.lossless, "--lossless"),
    ):
        if is_given and placement.out is None:
            raise _wrong("works only on copies; give --out DIR with it, or leave it out", flag)
    if to is not None and to != "dng":
        raise _wrong(f"'{to}' is not possible; new files are DNG: give --to dng", "--to")
    if to is not None and placement.in_place:
        raise _wrong("makes new files; give --out DIR with it, or leave it out", "--to")
    for is_given, flag in (
        (not placement.backup, "--no-backup"),
        (placement.keep_times, "--keep-times"),
    ):
        if is_given and not placement.in_place:
            raise _wrong("works only with --in-place; give both, or leave it out", flag)


def _require_undo_only(
    placement: Placement, map_name: str | None, at: list[str] | None, **others: bool
) -> None:
    """Refuse flags of a repair beside --undo, which goes by the log."""
    from ..restoration.destinations import Placement as Nothing

    meant = replace(placement, dry_run=False) != Nothing() or map_name or at or any(others.values())
    if meant:
        raise _wrong("takes repairs back; give only --dry-run and --json with it", "--undo")


def _place(text: str) -> tuple[int, int]:
    found = PLACE.fullmatch(text)
    if found is None:
        raise _wrong(f"'{text}' is no place; give X,Y such as 2797,791", "--at")
    return int(found[1]), int(found[2])


def _wrong(reason: str, flag: str) -> typer.BadParameter:
    return typer.BadParameter(printable(reason), param_hint=flag)


# The run itself


def _lister(map_name: str | None, at: Sequence[str]) -> Lister | None:
    """Return what lists the places that are named, or those of a named map; None: neither is."""
    places = [_place(text) for text in at]
    if places and map_name is not None:
        raise _wrong(
            "repairs the places that you name, and --map those of a map; give one of them", "--at"
        )
    from ..maps.library import Library, fullest_first
    from ..restoration.targets import listed_at, listed_in_one_of

    if places:
        return listed_at(places)
    if map_name is not None:
        return listed_in_one_of(fullest_first(named_places(Library(), map_name, "--map")))
    return None


def _listed_in_library(run: FixRun) -> Lister:
    from ..maps.library import Library
    from ..restoration.targets import listed_in_library

    return listed_in_library(Library(), run.ways.bodies)


def _run_of(
    paths: list[str], placement: Placement, jobs: int | None, camera: str | None,
    named: Lister | None, *, changed_only: bool,
) -> FixRun:  # fmt: skip
    """Return where each photo goes, if a map that is named fits any of them.

    Notes on their evidence do not matter here.
    """
    from ..errors import WriteError
    from ..images.gather import gather
    from ..restoration.destinations import routes

    with Progress() as watch:
        found = gather(paths, jobs=jobs, report=watch.heads, camera=camera, clips=False)
    try:
        ways = routes(found, paths, placement)
    except WriteError as error:
        raise _wrong(f"{error.path} {error.reason}", "--out") from error
    require_one_fit(ways.bodies, named)
    return FixRun(ways, placement, found.others, changed_only=changed_only)


def _mend(
    run: FixRun, lister: Lister, jobs: int | None, cluster: str | None, *, always: bool
) -> None:
    from ..restoration.completing import copy_others
    from ..restoration.fix import repair_bodies
    from ..restoration.log import FixLog

    run.log = None if run.placement.dry_run else FixLog()
    try:
        with ExitStack() as stack:
            watch = stack.enter_context(Progress(repairs=True))
            stack.enter_context(stopping_on_interrupt(watch))
            workers = stack.enter_context(cluster_named(cluster, jobs)) if cluster else None
            for body in repair_bodies(
                run.ways, lister, run.placement, always=always, changed_only=run.changed_only,
                jobs=jobs, watch=watch, log=run.log, workers=workers,
            ):  # fmt: skip
                run.bodies.append(body)
            if run.placement.complete and not (watch.stop() or run.out_of_room):
                run.copies = copy_others(run.ways, run.placement)
    except KeyboardInterrupt:
        complain(
            "stopped at once; each photo is either unchanged or repaired; run the same "
            "command again to go on"
        )
        raise typer.Exit(INTERRUPTED) from None

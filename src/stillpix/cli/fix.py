"""`stillpix fix`: photos and the map of their camera in, repaired photos out.

Never decides anything about pixels or files: it hands both to `restoration.fix` and says what came
of them.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Json, Paths, listed
from .output import complain, counted, print_json, print_table, printable, say
from .progress import Progress, stopping_on_interrupt
from .statuses import DONE, INTERRUPTED, NOTHING_USABLE, SOME_FAILED

if TYPE_CHECKING:
    from ..images.gather import Skipped
    from ..restoration.destinations import Placement, Routes
    from ..restoration.fix import RepairedBody, RepairedPhoto
    from ..restoration.log import FixLog
    from ..restoration.targets import Lister

NAMED = 20  # photos that could not be repaired, named one by one before the rest is counted
PLACE = re.compile(r"\s*(\d{1,9})\s*,\s*(\d{1,9})\s*")
HEADINGS = ("photo", "x", "y", "outcome", "strength (DN)", "why")
NUMBERS = frozenset({"x", "y", "strength (DN)"})
GO_ON = "run the same command again: it goes on with the rest"

Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Write copies into this folder, with the same names and subfolders. Photos in which "
        "nothing shows are copied unchanged.",
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
    Path | None,
    typer.Option(
        "--map",
        metavar="FILE",
        help="Use this map. Without it, each photo is repaired with its camera's map in your "
        "library.",
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
Jobs = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Number of photos to repair at once. The default is one per core."
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
To = Annotated[
    str | None,
    typer.Option(
        metavar="dng",
        help="With --out, make a new DNG of each RAW photo in another format. Such files are "
        "never rewritten themselves.",
    ),
]


def fix(
    paths: Paths,
    *,
    out: Out = None,
    in_place: InPlace = False,
    map_file: Map = None,
    at: At = None,
    every: Every = False,
    dry_run: DryRun = False,
    changed_only: ChangedOnly = False,
    no_backup: NoBackup = False,
    force: Force = False,
    mosaic: Mosaic = False,
    to: To = None,
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Repair the broken pixels of a camera in its photos, and change nothing else."""
    keep_to_one_thread_a_photo()
    from ..restoration import RawWay
    from ..restoration.destinations import Placement

    _require_one_place(out, in_place=in_place, dry_run=dry_run)
    _require_use(out, in_place=in_place, changed_only=changed_only, backup=not no_backup,
                 force=force, to=to)  # fmt: skip
    lister = _lister(map_file, [_place(text) for text in at or ()])
    placement = Placement(
        out=out, in_place=in_place, backup=not no_backup, force=force, dry_run=dry_run,
        raw=RawWay(mosaic=mosaic, to_dng=to is not None),
    )  # fmt: skip
    ways = _ways(list(listed(paths)), placement, jobs)
    run = _Run(ways, placement, changed_only=changed_only)
    _mend(run, lister, always=every or bool(at), jobs=jobs)
    if as_json:
        print_json(run.document())
    else:
        _tell(run)
    _complain(run, quiet=as_json)
    raise typer.Exit(run.status())


@dataclass(slots=True)
class _Run:
    """What one call does, and what came of it."""

    ways: Routes
    placement: Placement
    changed_only: bool
    bodies: list[RepairedBody] = field(default_factory=list)
    log: FixLog | None = None

    @property
    def photos(self) -> list[RepairedPhoto]:
        return [photo for body in self.bodies for photo in body.photos]

    @property
    def skipped(self) -> list[Skipped]:
        return [*self.ways.refused, *(each for body in self.bodies for each in body.skipped)]

    @property
    def left(self) -> int:
        return self.ways.photos - len(self.photos) - sum(len(body.skipped) for body in self.bodies)

    @property
    def out_of_room(self) -> bool:
        return any(body.out_of_room for body in self.bodies)

    @property
    def logs(self) -> list[Path]:
        return self.log.paths if self.log else []

    @property
    def troubles(self) -> list[str]:
        return self.log.troubles if self.log else []

    def status(self) -> int:
        if self.left and not self.out_of_room:
            return INTERRUPTED
        if not self.photos:
            return NOTHING_USABLE
        return SOME_FAILED if self.skipped or self.troubles else DONE

    def document(self) -> dict[str, Any]:
        """Return what --json prints."""
        return {
            "dry_run": self.placement.dry_run,
            "photos": [_photo_object(body, photo) for body in self.bodies for photo in body.photos],
            "not_repaired": [{"path": each.path, "reason": each.reason} for each in self.skipped],
            "left_out": self.ways.left_out,
            "logs": [str(path) for path in self.logs],
            "troubles": self.troubles,
            "left": self.left,
        }


def _photo_object(body: RepairedBody, photo: RepairedPhoto) -> dict[str, Any]:
    from ..restoration.log import listing_object, verdict_object

    return {
        "source": str(photo.source),
        "target": str(photo.target) if photo.target else None,
        "result": photo.result,
        "there": photo.there,
        "original": str(photo.original) if photo.original else None,
        "map": listing_object(body.listing) if body.listing else None,
        "before": photo.before,
        "after": photo.after,
        "places": [verdict_object(verdict) for verdict in photo.verdicts],
        "notes": list(photo.notes),
    }


def keep_to_one_thread_a_photo() -> None:
    """Tell the linear algebra to, before it is loaded: it is photos that go side by side here.

    The systems of equations are small; threads that share one wait for each other, up to ten
    times as long as the work takes.
    """
    for library in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ.setdefault(library, "1")


# What is refused before any photo is read


def _require_one_place(out: Path | None, *, in_place: bool, dry_run: bool) -> None:
    """Refuse two places to write to, and none; and a folder that cannot be one."""
    if out is None:
        if not (in_place or dry_run):
            raise _wrong(
                "say where the repaired photos go: --out DIR for copies, --in-place to replace "
                "the photos themselves (each original is kept), or --dry-run to see what would be "
                "repaired",
                "--out",
            )
        return
    if in_place:
        raise _wrong(
            "writes copies, and --in-place replaces the photos themselves; give one of them",
            "--out",
        )
    folder = next(place for place in (out, *out.absolute().parents) if os.path.lexists(place))
    if not folder.is_dir():
        raise _wrong(f"{folder} is a file; name a folder", "--out")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _wrong(f"you may not write into {folder}; name another folder", "--out")


def _require_use(
    out: Path | None, *, in_place: bool, changed_only: bool, backup: bool, force: bool,
    to: str | None,
) -> None:  # fmt: skip
    """Refuse what would have no effect: somebody meant something else."""
    for given, flag in ((changed_only, "--changed-only"), (force, "--force")):
        if given and out is None:
            raise _wrong("works only on copies; give --out DIR with it, or leave it out", flag)
    if to is not None and to != "dng":
        raise _wrong(f"'{to}' is not possible; new files are DNG: give --to dng", "--to")
    if to is not None and in_place:
        raise _wrong("makes new files; give --out DIR with it, or leave it out", "--to")
    if not (backup or in_place):
        raise _wrong(
            "works only with --in-place; give both, or leave it out",
            "--no-backup",
        )


def _place(text: str) -> tuple[int, int]:
    found = PLACE.fullmatch(text)
    if found is None:
        raise _wrong(f"'{text}' is no place; give X,Y such as 2797,791", "--at")
    return int(found[1]), int(found[2])


def _wrong(reason: str, flag: str) -> typer.BadParameter:
    return typer.BadParameter(printable(reason), param_hint=flag)


# The run itself


def _lister(map_file: Path | None, places: Sequence[tuple[int, int]]) -> Lister:
    if places and map_file is not None:
        raise _wrong(
            "repairs the places that you name, and --map those of a map; give one of them", "--at"
        )
    from ..maps import read_map
    from ..maps.library import Library
    from ..restoration.targets import listed_at, listed_in, listed_in_library

    if places:
        return listed_at(places)
    if map_file is not None:
        return listed_in(read_map(map_file), map_file)
    return listed_in_library(Library())


def _ways(paths: list[str], placement: Placement, jobs: int | None) -> Routes:
    """Return where each photo goes; what is said of their evidence is no concern here."""
    from ..errors import WriteError
    from ..images.gather import gather
    from ..restoration.destinations import routes

    with Progress() as watch:
        found = gather(paths, jobs=jobs, report=watch.heads)
    try:
        return routes(found, paths, placement)
    except WriteError as error:
        raise _wrong(f"{error.path} {error.reason}", "--out") from error


def _mend(run: _Run, lister: Lister, *, always: bool, jobs: int | None) -> None:
    from ..restoration.fix import repair_bodies
    from ..restoration.log import FixLog

    run.log = None if run.placement.dry_run else FixLog()
    try:
        with Progress() as watch, stopping_on_interrupt(watch):
            for body in repair_bodies(
                run.ways, lister, run.placement, always=always, changed_only=run.changed_only,
                jobs=jobs, watch=watch, log=run.log,
            ):  # fmt: skip
                run.bodies.append(body)
    except KeyboardInterrupt:
        complain(
            "stopped at once; each photo is either unchanged or repaired; run the same "
            "command again to go on"
        )
        raise typer.Exit(INTERRUPTED) from None


# What is said of it


def _tell(run: _Run) -> None:
    """Say what came of each body's photos, and where it is."""
    in_detail = run.placement.dry_run or run.ways.photos == 1
    for body in run.bodies:
        if body.photos:
            say(_sentence(body, run.placement))
            for line in _lines(body, run):
                say(f"  {line}")
            if in_detail and any(photo.verdicts for photo in body.photos):
                print_table(HEADINGS, _rows(body.photos), right=NUMBERS)
    for path in run.logs:
        say(f"log: {path}")
    if run.placement.dry_run and run.photos:
        say("nothing was written: this was a dry run")


def _sentence(body: RepairedBody, placement: Placement) -> str:
    photos, parts = counted(len(body.photos), "photo"), list[str]()
    repaired = [photo for photo in body.photos if photo.result == "repaired"]
    listed = [photo for photo in body.photos if photo.result == "listed"]
    if repaired:
        would = "would be repaired" if placement.dry_run else "repaired"
        places = counted(sum(photo.repaired for photo in repaired), "place")
        some = "" if len(repaired) == len(body.photos) else f"{len(repaired)} of "
        parts.append(f"{some}{photos} {would}, in {places}")
    if listed:
        one = len(listed) == 1
        would = "would list" if placement.dry_run else "now lists" if one else "now list"
        pixels = counted(sum(photo.listed for photo in listed), "broken pixel")
        pixels += "" if one else " in all"
        developer = f"for the program that develops {'it' if one else 'them'}"
        parts.append(f"{counted(len(listed), 'DNG')} {would} {pixels}, {developer}")
    return f"{body.sensor.name}: {'; '.join(parts) or f'{photos}, nothing to repair'}"


def _lines(body: RepairedBody, run: _Run) -> Iterator[str]:
    """Yield what there is to say of one body's photos, beyond how many were repaired."""
    listing = body.listing
    if listing is not None and listing.map is not None:
        broken = counted(len(listing.defects), "broken pixel")
        candidates = len(listing.map.in_state("candidate"))
        if candidates and not listing.defects:
            waiting = counted(candidates, "candidate")
            broken += f"; {waiting} left alone until you accept them in the map"
        yield f"map: {listing.path} ({broken})"
    complete = [photo for photo in body.photos if photo.listed and photo.result != "listed"]
    if complete:
        lists = "lists" if len(complete) == 1 else "list"
        yield f"{counted(len(complete), 'DNG')} {lists} all of them already: nothing to change"
    results = Counter(photo.result for photo in body.photos if photo not in complete)
    copied, left = results["copied"], results["left"]
    if copied:
        yield f"nothing shows in {counted(copied, 'photo')}: copied byte for byte"
    if left:
        yield f"nothing shows in {counted(left, 'photo')}: left alone"
    there = sum(photo.there for photo in body.photos)
    if there:
        yield f"{counted(there, 'photo')} in {run.placement.out} already"
    hopeless = Counter(
        verdict.why or "nothing tells what belongs there"
        for photo in body.photos
        for verdict in photo.verdicts
        if verdict.outcome == "hopeless"
    )
    for why, number in hopeless.most_common():
        yield f"{counted(number, 'place')} could not be repaired: {why}"
    if run.placement.in_place and run.placement.backup and not run.placement.dry_run:
        earlier = sum(photo.earlier for photo in body.photos)
        kept = sum(photo.original is not None for photo in body.photos) - earlier
        for number, noun in ((kept, "original"), (earlier, "earlier original")):
            if number:
                yield f"{counted(number, noun)} kept beside the photo, as NAME.orig"


def _rows(photos: Sequence[RepairedPhoto]) -> Iterator[tuple[str, ...]]:
    for photo in photos:
        for verdict in photo.verdicts:
            strength = "-" if verdict.strength is None else f"{verdict.strength:+.1f}"
            where = (str(photo.source), str(verdict.x), str(verdict.y))
            yield (*where, verdict.outcome, strength, verdict.why)


def _complain(run: _Run, *, quiet: bool) -> None:
    """Say what could not be done, and how to go on."""
    if run.ways.left_out:
        complain(
            f"note: {counted(run.ways.left_out, 'photo')} in {run.placement.out} left out: photos "
            f"in --out are repaired already"
        )
    notes = [f"note: {photo.source}: {note}" for photo in run.photos for note in photo.notes]
    refusals = [f"not repaired: {each.path}: {each.reason}" for each in run.skipped]
    for lines, word in ((notes, "notes"), (refusals, "not repaired")):
        for line in lines[:NAMED]:
            complain(line)
        if len(lines) > NAMED:
            rest = f"{word}: {len(lines) - NAMED} more of {len(lines)}"
            complain(rest + ("" if quiet else "; --json names them all"))
    for trouble in run.troubles:
        complain(trouble)
    if run.left:
        why = "no room is left" if run.out_of_room else "stopped"
        complain(f"{why}: {counted(run.left, 'photo')} not looked at; {GO_ON}")
    elif not (run.photos or run.skipped):
        from ..scan import why_nothing

        complain(why_nothing(()))

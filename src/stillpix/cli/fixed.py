"""The results of `stillpix fix`: in lines, and as JSON.

Never opens a photo and never repairs one.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .naming import wrong
from .next_steps import camera_flag, map_flag, paths_in_words, suggest
from .output import broken_of, complain, complain_of_each, counted, detail, print_table, say
from .statuses import DONE, INTERRUPTED, NOTHING_USABLE, SOME_FAILED

if TYPE_CHECKING:
    from ..frame import Sensor
    from ..images.gather import Skipped
    from ..restoration.completing import CopiedFiles
    from ..restoration.destinations import Placement, Route, Routes
    from ..restoration.fix import RepairedBody
    from ..restoration.log import FixLog
    from ..restoration.repaired import RepairedPhoto
    from ..restoration.targets import Lister
    from ..restoration.verdicts import Verdict

HEADINGS = ("photo", "x", "y", "outcome", "strength (grey levels)", "why")
NUMBERS = frozenset({"x", "y", "strength (grey levels)"})
GO_ON = "run the same command again: it goes on with the rest"


@dataclass(slots=True)
class FixRun:
    """What one call does, and what came of it."""

    ways: Routes
    placement: Placement
    others: Sequence[Path]  # files of known kinds that are no photos to be read
    changed_only: bool
    bodies: list[RepairedBody] = field(default_factory=list)
    log: FixLog | None = None
    copies: CopiedFiles | None = None

    @property
    def photos(self) -> list[RepairedPhoto]:
        """Return the result of each photo."""
        return [photo for body in self.bodies for photo in body.photos]

    @property
    def skipped(self) -> list[Skipped]:
        """Return the files that were left as they were, and why."""
        copied = self.copies.skipped if self.copies else []
        bodies = (each for body in self.bodies for each in body.skipped)
        return [*self.ways.refused, *bodies, *copied]

    @property
    def left(self) -> int:
        """Return how many photos were not looked at."""
        return self.ways.photos - len(self.photos) - sum(len(body.skipped) for body in self.bodies)

    @property
    def copied(self) -> list[Path]:
        """Return the copies of other files."""
        return self.copies.copied if self.copies else []

    @property
    def out_of_room(self) -> bool:
        """Return whether the disk is full."""
        return any(body.out_of_room for body in self.bodies)

    @property
    def logs(self) -> list[Path]:
        """Return the logs that were written."""
        return self.log.paths if self.log else []

    @property
    def troubles(self) -> list[str]:
        """Return what went wrong with them."""
        return self.log.troubles if self.log else []

    def status(self) -> int:
        """Return the exit status."""
        if self.left and not self.out_of_room:
            return INTERRUPTED
        if not (self.photos or self.copied):
            return NOTHING_USABLE
        return SOME_FAILED if self.skipped or self.troubles else DONE

    def document(self) -> dict[str, Any]:
        """Return what --json prints."""
        return {
            "dry_run": self.placement.dry_run,
            "photos": [_photo_object(body, photo) for body in self.bodies for photo in body.photos],
            "not_repaired": [{"path": each.path, "reason": each.reason} for each in self.skipped],
            "copied": [str(path) for path in self.copied],
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


def require_one_fit(
    bodies: Mapping[Sensor, Sequence[Route]], lister: Lister | None
) -> None:  # fmt: skip
    """Refuse a map that fits none of the photos: said once, before any is written."""
    if lister is None:
        return
    from ..errors import SensorMismatchError

    reasons = []
    for sensor, ways in bodies.items():
        try:
            lister(sensor, [way.header for way in ways])
        except SensorMismatchError as error:
            reasons.append(str(error))
        else:
            return
    if reasons:
        first = next(iter(bodies.values()))[0].header.path
        raise wrong(f"fits none of the photos: {first.name} {reasons[0]}", "--map")


def after_fix(
    run: FixRun, given: Sequence[str], map_name: str | None, camera: str | None = None
) -> None:
    """Say what to do after a repair by a map."""
    photos, place = paths_in_words(given), run.placement
    if not any(photo.result in {"repaired", "listed"} for photo in run.photos):
        return
    if place.dry_run:
        command = f"stillpix fix {photos}{map_flag(map_name)}{camera_flag(camera)} --out fixed"
        suggest((command, "repaired copies"))
    elif place.in_place and place.backup:
        suggest((f"stillpix fix {photos} --undo", "take the repair back"))
    elif place.out is not None and all(map(os.path.isdir, given)):
        suggest((f"stillpix serve {photos}", "compare before and after"))


def tell(run: FixRun) -> None:
    """Say what came of each body's photos, and where it is."""
    in_detail = run.placement.dry_run or run.ways.photos == 1
    for body in run.bodies:
        for photo in body.photos:
            detail(f"{photo.source}: {photo.result}")
        if body.photos:
            say(_sentence(body, run.placement))
            for line in _lines(body, run):
                say(f"  {line}")
            if in_detail and any(photo.verdicts for photo in body.photos):
                print_table(HEADINGS, _rows(body.photos), right=NUMBERS)
    if run.copied:
        would = "would be copied" if run.placement.dry_run else "copied"
        as_it_is = "as it is" if len(run.copied) == 1 else "as they are"
        say(f"{counted(len(run.copied), 'other file')} {would} {as_it_is}")
    for path in run.logs:
        say(f"log: {path}")
    if run.placement.dry_run and run.photos:
        say("nothing was written: this was a dry run")


def _sentence(body: RepairedBody, placement: Placement) -> str:
    photos, parts = counted(len(body.photos), body.sensor.recording), list[str]()
    repaired = [photo for photo in body.photos if photo.result == "repaired"]
    listed = [photo for photo in body.photos if photo.result == "listed"]
    if repaired:
        would = "would be repaired" if placement.dry_run else "repaired"
        places = _places_of(repaired)
        some = "" if len(repaired) == len(body.photos) else f"{len(repaired)} of "
        parts.append(f"{some}{photos} {would}, in {places}")
    if listed:
        parts.append(_listing(listed, dry_run=placement.dry_run))
    return f"{body.sensor.name}: {'; '.join(parts) or f'{photos}, nothing to repair'}"


def _places_of(photos: Sequence[RepairedPhoto]) -> str:
    """Return at how many places photos were repaired, and in how many columns and rows."""
    runs = [
        verdict.run
        for photo in photos
        for verdict in photo.verdicts
        if verdict.outcome == "repaired"
    ]
    along = [run.along for run in runs if run is not None]
    lines = [counted(along.count(each), each) for each in ("column", "row") if each in along]
    singles = len(runs) - len(along)
    return " and ".join([counted(singles, "place")] * (singles > 0 or not lines) + lines)


def _listing(listed: Sequence[RepairedPhoto], *, dry_run: bool) -> str:
    """Return how many files list or mark their broken pixels now; no value was changed."""
    one = len(listed) == 1
    pixels = counted(sum(photo.listed for photo in listed), "broken pixel")
    pixels += "" if one else " in all"
    if listed[0].is_fits:
        would = "would mark" if dry_run else "now marks" if one else "now mark"
        return f"{counted(len(listed), 'FITS file')} {would} {pixels}, in a mask extension"
    would = "would list" if dry_run else "now lists" if one else "now list"
    developer = f"for the program that develops {'it' if one else 'them'}"
    return f"{counted(len(listed), 'DNG')} {would} {pixels}, {developer}"


def _lines(body: RepairedBody, run: FixRun) -> Iterator[str]:
    """Yield what there is to say of one body's photos, beyond how many were repaired."""
    listing = body.listing
    if listing is not None and listing.map is not None:
        broken = broken_of(listing.defects)
        candidates = len(listing.map.in_state("candidate"))
        if candidates and not listing.defects:
            waiting = counted(candidates, "candidate")
            broken += f"; {waiting} left alone until you accept them in the map"
        yield f"map: {listing.path} ({broken})"
    complete = [photo for photo in body.photos if photo.listed and photo.result != "listed"]
    if complete:
        lists = "lists" if len(complete) == 1 else "list"
        kind = "FITS file" if complete[0].is_fits else "DNG"
        yield f"{counted(len(complete), kind)} {lists} all of them already: nothing to change"
    results = Counter(photo.result for photo in body.photos if photo not in complete)
    copied, left, called = results["copied"], results["left"], body.sensor.recording
    if copied:
        yield f"no broken pixel shows in {counted(copied, called)}: copied byte for byte"
    if left:
        yield f"no broken pixel shows in {counted(left, called)}: left alone"
    there = sum(photo.there for photo in body.photos)
    if there:
        yield f"{counted(there, called)} in {run.placement.out} already"
    hopeless = Counter(
        verdict.why or "nothing around it shows the right value"
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
            picture = "" if verdict.picture is None else f"#{verdict.picture}"
            where = (f"{photo.source}{picture}", *_where(verdict))
            yield (*where, verdict.outcome, strength, verdict.why)


def _where(verdict: Verdict) -> tuple[str, str]:
    """Return x and y of a verdict, of a column or row from its first to its last pixel."""
    if verdict.run is None:
        return str(verdict.x), str(verdict.y)
    along = f"{verdict.run.first}-{verdict.run.last}"
    return (str(verdict.x), along) if verdict.run.along == "column" else (along, str(verdict.y))


def complain_of(run: FixRun, *, quiet: bool) -> None:
    """Say what could not be done, and how to go on."""
    if run.copies is None:
        from ..images.other_files import left_out

        for line in left_out(run.others, clips=False):
            complain(f"note: {line}")
    if run.ways.left_out:
        complain(
            f"note: {counted(run.ways.left_out, 'photo')} in {run.placement.out} left out: photos "
            f"in --out are repaired already"
        )
    notes = ((photo.source, note) for photo in run.photos for note in photo.notes)
    complain_of_each("note", notes, quiet=quiet)
    refusals = ((each.path, each.reason) for each in run.skipped)
    complain_of_each("not repaired", refusals, quiet=quiet)
    for trouble in run.troubles:
        complain(trouble)
    if run.left:
        why = "nothing more can be written there" if run.out_of_room else "stopped"
        complain(f"{why}: {counted(run.left, 'photo')} not looked at; {GO_ON}")
    elif not (run.photos or run.skipped):
        from ..scan import why_nothing

        complain(why_nothing(()))

"""One round of `stillpix watch`: new photos into the map, exports, and what is told of it.

Nothing is told before it is kept, and what could not be kept is tried again in the next round.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .exporting import place_of_list
from .find import known_before
from .output import complain, counted, picture_of, say, sentence
from .progress import Progress

if TYPE_CHECKING:
    from ..frame import Sensor
    from ..images.gather import Skipped
    from ..images.remote import Status
    from ..lists import ListFormat
    from ..maps.library import Library
    from ..maps.records import Defect, DefectMap
    from ..scan.body import BodyOutcome
    from ..scan.following import Following
    from ..scan.news import Told

BY_A_PERSON = ("dark", "layout", "camera")  # options that may make photos another camera's
HOOK_S = 60.0  # that a command may take


@dataclass(slots=True)
class Watching:
    """What one run of the command was asked, and what it works on."""

    following: Following
    library: Library
    watch: Progress
    exports: Sequence[tuple[ListFormat, Path]]
    options: Mapping[str, Any]  # of gathering
    share: float
    jobs: int | None
    fast: bool
    command: Sequence[str]
    as_json: bool
    exported: dict[Path, DefectMap] = field(default_factory=dict)

    def tell(self, event: str, words: str, **facts: Any) -> None:
        """Print what happened, as a sentence or as JSON."""
        if self.as_json:
            typer.echo(json.dumps(_event(event, **facts)))
        else:
            say(words)

    def trouble(self, words: str) -> None:
        """Print what failed; it is tried again."""
        complain(words)
        if self.as_json:
            typer.echo(json.dumps(_event("trouble", text=words)))


def take(watching: Watching, ready: Mapping[Path, Status]) -> None:
    """Add some photos to the maps of their cameras, and tell what came of it."""
    from ..detection.settings import DetectionSettings
    from ..images.gather import gather
    from ..scan import scan

    following, library, options = watching.following, watching.library, watching.options
    with ExitStack() as stack:
        by_heads = not any(options[word] for word in BY_A_PERSON)
        known = known_before(stack) if by_heads else None
        found = gather(following.paths, wanted=ready.__contains__, known=known, **options)
        following.take(ready)
        _tell_not_used(watching, found.skipped)
        told = {sensor: _told_before(library, sensor) for sensor in found.bodies}
        outcomes = scan(
            found, settings=DetectionSettings(fdr=watching.share), jobs=watching.jobs,
            library=library, watch=watching.watch, fast=watching.fast, known=known,
        )  # fmt: skip
        for outcome in outcomes:
            _tell_not_used(watching, outcome.skipped)
            for trouble in outcome.troubles:
                watching.trouble(trouble)
            if outcome.troubles or outcome.left:
                following.try_again(header.path for header in found.bodies[outcome.sensor])
            if outcome.map is not None and outcome.path is not None:
                _tell_of(watching, outcome, outcome.map, told[outcome.sensor])


def _told_before(library: Library, sensor: Sensor) -> Told:
    """Return what was told of a sensor: a map that was there before is no news."""
    from ..errors import StillpixError
    from ..scan.news import Told

    told = Told(library.told_path(sensor))
    if told.is_new:
        try:
            earlier = library.find(sensor)
            if earlier is not None:
                told.note(earlier)
        except StillpixError as error:
            complain(str(error))
    return told


def _tell_of(watching: Watching, outcome: BodyOutcome, found: DefectMap, told: Told) -> None:
    """Tell what a round brought: photos, exports, and pixels that are broken now."""
    from ..errors import StillpixError
    from ..maps.records import BROKEN

    news, is_first = told.news(found), told.is_new
    read = outcome.read + outcome.repeats
    new_ones = counted(read, f"new {picture_of(found)}")
    watching.tell(
        "photos", f"{sentence(found)} ({new_ones})", camera=found.sensor.name, read=read,
        duplicates=outcome.duplicates, photos=found.evidence.photos,
        broken=len(found.in_state(*BROKEN)), new=len(news), first=is_first, map=str(outcome.path),
    )  # fmt: skip
    for form, path in watching.exports:
        _export(watching, found, form, path)
    try:
        if (is_first or not news) or _tell_news(watching, found, news):
            told.note(found)
    except StillpixError as error:
        watching.trouble(str(error))


def _tell_news(watching: Watching, found: DefectMap, news: Sequence[Defect]) -> bool:
    """Tell of pixels that were not broken before, and run the command; say if that succeeded."""
    events = [_broken(found, defect) for defect in news]
    for defect, event in zip(news, events, strict=True):
        since = f", since {defect.since[0]} to {defect.since[1]}" if defect.since else ""
        where = f"{defect.run.along} at " if defect.run else ""
        watching.tell(words=f"  new: {where}{defect.x},{defect.y} {defect.kind}{since}", **event)
    if not watching.command:
        return True
    lines = "".join(json.dumps(event) + "\n" for event in events)
    own = {"STILLPIX_CAMERA": found.sensor.name, "STILLPIX_BROKEN": str(len(news))}
    reason = _failure_of(watching.command, lines, own)
    if reason:
        watching.trouble(f"{watching.command[0]}: {reason}; it is run again after the next photos")
    return not reason


def _failure_of(command: Sequence[str], lines: str, own: Mapping[str, str]) -> str:
    """Run a command and return why it failed, or nothing."""
    try:
        done = subprocess.run(
            list(command), input=lines.encode(), env={**os.environ, **own}, timeout=HOOK_S,
            check=False, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"did not end within {HOOK_S:g} s"
    except OSError as error:
        return f"cannot be run ({error.strerror or error})"
    return f"ended with status {done.returncode}" if done.returncode else ""


def _broken(found: DefectMap, defect: Defect) -> dict[str, Any]:
    from ..scan.news import began_later

    return _event(
        "broken", camera=found.sensor.name, x=defect.x, y=defect.y, kind=defect.kind,
        strength=defect.strength, q=defect.q,
        since=[str(day) for day in defect.since] if defect.since else None,
        run=[defect.run.along, defect.run.first, defect.run.last] if defect.run else None,
        after_first_photo=bool(began_later([defect], found)),
    )  # fmt: skip


def _export(watching: Watching, found: DefectMap, form: ListFormat, out: Path) -> None:
    """Write a list anew where the map is another one; tell what went wrong."""
    from ..errors import StillpixError
    from ..lists import write_list

    try:
        path = place_of_list(form, found.sensor, out)
        before = watching.exported.get(path)
        if before is not None and before.sensor != found.sensor:
            watching.trouble(
                f"{path}: is the list of {before.sensor.name}; for several cameras, give a folder"
            )
        elif before is None or before.defects != found.defects:
            write_list(found, path, form)
            watching.exported[path] = found
            watching.tell("exported", f"  list: {path}", format=form.name, path=str(path))
    except typer.BadParameter as error:
        watching.trouble(error.message)
    except StillpixError as error:
        watching.trouble(str(error))


def _tell_not_used(watching: Watching, skipped: Sequence[Skipped]) -> None:
    for each in skipped:
        complain(f"not used: {each.path}: {each.reason}")
        if watching.as_json:
            typer.echo(json.dumps(_event("not_used", path=each.path, reason=each.reason)))


def _event(event: str, **facts: Any) -> dict[str, Any]:
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return {"event": event, "time": now, **facts}

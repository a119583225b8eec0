"""The last lines of a command: whether to do anything, and the command that does it.

Never runs one.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .naming import name_among
from .output import broken_of, counted, say

if TYPE_CHECKING:
    from ..maps.records import DefectMap

MOST_NAMED = 3  # paths in a command; more are left to the person


def suggest(*commands: tuple[str, str]) -> None:
    """Say which commands may come next, and what each is for."""
    width = max(len(command) for command, _ in commands)
    for number, (command, purpose) in enumerate(commands):
        say(f"{'Next:' if number == 0 else '     '} {command:<{width}}  # {purpose}")


def verdict(maps: Sequence[DefectMap]) -> str:
    """Return one sentence that says whether to do anything.

    >>> from stillpix.frame import Sensor
    >>> from stillpix.maps.records import DefectMap, DetectionSummary
    >>> verdict([DefectMap(Sensor("a", "b", "c", 64, 48),
    ...     detection=DetectionSummary(expected_false=0.0))])
    'No pixel is broken as far as these photos show: there is nothing to repair.'
    """
    broken = [each for found in maps for each in found.in_state("confirmed", "accepted")]
    candidates = sum(len(found.in_state("candidate")) for found in maps)
    files = " and ".join(sorted({f"{found.sensor.recording}s" for found in maps}, reverse=True))
    if broken:
        it, shows = ("it", "shows") if len(broken) == 1 else ("they", "show")
        return f"{broken_of(broken)}: repair the {files} in which {it} {shows}."
    if all(_are_few(found) for found in maps):
        return f"Too few different pictures to tell: give more {files} before you repair anything."
    if candidates:
        look = "look at it" if candidates == 1 else "look at them"
        return (
            "Nothing is surely broken, so nothing needs repair; "
            f"{counted(candidates, 'candidate')} may be: {look} if you see a dot in your {files}."
        )
    return f"No pixel is broken as far as these {files} show: there is nothing to repair."


def _are_few(found: DefectMap) -> bool:
    from ..detection.settings import DetectionSettings

    few = found.evidence.scenes < DetectionSettings().fewest_scenes
    return few and found.detection.expected_false is None


def after_find(
    maps: Sequence[DefectMap], given: Sequence[str], out: Path | None, report: Path | None,
    camera: str | None = None, *, whole: bool = True,
) -> None:  # fmt: skip
    """Say where the report is, and what to do with new maps, if there are any.

    Where not the whole find is done, nobody can say yet that nothing is broken.
    """
    if not maps:
        return
    if report is not None:
        say(f"report: {report}")
    if whole or any(found.in_state("confirmed", "accepted") for found in maps):
        say(verdict(maps))
    first = max(maps, key=lambda found: len(found.in_state("confirmed", "accepted")))
    if not first.in_state("confirmed", "accepted") or (out and len(maps) > 1):
        return
    named, name = (camera_flag(camera), _name_in_library(first)) if out is None else (
        map_flag(str(out)) + camera_flag(camera), str(out)
    )  # fmt: skip
    fix = (f"stillpix fix {paths_in_words(given)}{named} --out fixed", "repaired copies")
    show = (f"stillpix show {shlex.quote(name)}", "each broken pixel")
    suggest(*([show] if first.sensor.is_untold else [fix, show]))


def _name_in_library(found: DefectMap) -> str:
    """Return the shortest name by which `show` shows this map, and no other of the camera."""
    from ..maps.library import Library

    maps = [kept for _, kept in Library().maps(report=lambda _: None)]
    return name_among(maps, found, short=True)


def camera_flag(name: str | None) -> str:
    """Return the flag that names the camera, with a space before it; "" where none was given."""
    return f" --camera {shlex.quote(name)}" if name else ""


def map_flag(name: str | None) -> str:
    """Return the flag that names a map, with a space before it; "" for that of the library."""
    return f" --map {shlex.quote(name)}" if name else ""


def paths_in_words(given: Sequence[str]) -> str:
    """Return paths as a shell takes them; PHOTOS where they are many, or none.

    >>> paths_in_words(["My photos", "b"]), paths_in_words(["-"])
    ("'My photos' b", 'PHOTOS')
    """
    if not 0 < len(given) <= MOST_NAMED or "-" in given:
        return "PHOTOS"
    return " ".join(map(shlex.quote, given))

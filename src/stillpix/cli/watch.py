"""`stillpix watch`: takes photos as they come, renews the map, and tells what broke.

All that it has done is in the library: it may be killed and started again at any moment.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .exporting import known_format
from .find_options import Dark, Fast, Fdr, share_of
from .naming import wrong
from .options import Camera, Jobs, Pattern
from .output import complain
from .progress import Progress, stopping_on_interrupt, stopping_on_terminate
from .rounds import Watching, take
from .statuses import DONE

if TYPE_CHECKING:
    from ..lists import ListFormat

POLL_S = 5.0  # between two looks into the folders
SLOWEST_POLL = 20  # times that a look takes, where it takes long: a folder of very many photos
SLICE_S = 0.2  # after which a request to stop is seen
DURATION = re.compile(r"\s*(\d{1,6}(?:\.\d{1,3})?)\s*(s|m|h|d)?\s*")
SECONDS = {None: 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

Folders = Annotated[
    list[str],
    typer.Argument(
        metavar="FOLDER...",
        help="Folders (with their subfolders) into which photos come, patterns in quotes, or URLs.",
        show_default=False,
    ),
]
Every = Annotated[
    str,
    typer.Option(
        metavar="TIME",
        help="Renew the map at most this often: 90s, 10m, 6h or 1d. New photos wait until then.",
    ),
]
Exports = Annotated[
    list[str] | None,
    typer.Option(
        "--export",
        metavar="FORMAT=PATH",
        help="Write the map as another program's list to this file, or into this folder, each time "
        "it changes. You may repeat it. `stillpix export --to list` prints the formats.",
    ),
]
Run = Annotated[
    str | None,
    typer.Option(
        "--run",
        metavar="COMMAND",
        help="Run this command when something new broke. It reads one line of JSON per pixel from "
        "standard input.",
    ),
]
Once = Annotated[
    bool, typer.Option("--once", help="Take what is there, and end: for a timer or cron.")
]
Lines = Annotated[
    bool, typer.Option("--json", help="Print one line of JSON for each thing that happens.")
]


def watch(
    folders: Folders,
    *,
    every: Every = "10m",
    export: Exports = None,
    run: Run = None,
    once: Once = False,
    fdr: Fdr = "1%",
    jobs: Jobs = None,
    fast: Fast = False,
    dark: Dark = False,
    pattern: Pattern = None,
    camera: Camera = None,
    as_json: Lines = False,
) -> None:
    """Take photos as they come, renew the map, and tell what broke."""
    from ..frame import PATTERNS
    from ..maps.library import Library
    from ..scan.following import Following

    pace_s = _seconds(every)
    layout = None if pattern is None else PATTERNS[pattern]
    options = {"jobs": jobs, "dark": dark, "layout": layout, "camera": camera}
    with Progress() as progress, stopping_on_interrupt(progress), stopping_on_terminate(progress):
        watching = Watching(
            Following(folders), Library(), progress, _exports(export or []), options,
            share_of(fdr), jobs, fast, _words_of(run or ""), as_json,
        )  # fmt: skip
        _require_folders(folders)
        if once:
            _take_what_is_there(watching)
        else:
            names = ", ".join(folders)
            watching.tell("watching", f"watching {names}; press Ctrl-C to end", folders=folders)
            _follow(watching, pace_s)
    raise typer.Exit(DONE)


def _seconds(text: str) -> float:
    """Return how long a person means.

    >>> _seconds("90s"), _seconds("10m"), _seconds("1.5h"), _seconds("30")
    (90.0, 600.0, 5400.0, 30.0)
    """
    found = DURATION.fullmatch(text)
    if found is None:
        raise wrong(f"must be a time such as 90s, 10m or 6h, and is '{text}'", "--every")
    return float(found[1]) * SECONDS[found[2]]


def _words_of(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise wrong(f"a quote is not closed in '{command}'", "--run") from error


def _exports(wanted: Sequence[str]) -> list[tuple[ListFormat, Path]]:
    exports = []
    for each in wanted:
        name, equals, path = each.partition("=")
        if not equals or not path:
            raise wrong(f"must be FORMAT=PATH, such as siril=bad.lst, and is '{each}'", "--export")
        exports.append((known_format(name, "--export"), Path(path).expanduser()))
    return exports


def _require_folders(folders: Sequence[str]) -> None:
    """Say which folders are not there yet: a disk may be mounted later."""
    from ..images.remote import MAGIC, is_remote

    for folder in folders:
        if not (is_remote(folder) or MAGIC.search(folder) or Path(folder).exists()):
            complain(f"{folder}: is not there; stillpix goes on looking for it")


def _take_what_is_there(watching: Watching) -> None:
    """Take all photos that are whole; wait for those that somebody may be writing."""
    from ..scan.following import SETTLED_S

    following = watching.following
    ready = following.ready()
    if following.are_waiting(ready):
        _pause(watching, SETTLED_S)
        ready = following.ready()
    if ready and not watching.watch.stop():
        take(watching, ready)


def _follow(watching: Watching, pace_s: float) -> None:
    """Look again and again, until it is asked to stop."""
    taken = -pace_s
    while not watching.watch.stop():
        begun = time.monotonic()
        ready = watching.following.ready()
        looked_s = time.monotonic() - begun
        if ready and begun - taken >= pace_s:
            taken = begun
            take(watching, ready)
        _pause(watching, max(POLL_S, SLOWEST_POLL * looked_s))
    watching.tell("stopped", "stopped; run the same command again to go on")


def _pause(watching: Watching, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not watching.watch.stop() and (left := end - time.monotonic()) > 0:
        time.sleep(min(SLICE_S, left))

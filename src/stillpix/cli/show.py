"""`stillpix show`: the maps in the library, or the defects of one map, as a table or as JSON.

Never changes a map and never reads a photo.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from ..wording import exposed, picture_of, since
from .fleet import show_fleet
from .naming import maps_here, named_map, only_map, wrong
from .options import OnlyMap, map_argument
from .output import (
    body_of,
    complain,
    counted,
    print_json,
    print_table,
    remarks,
    say,
    sentence,
)
from .reporting import require_report_file, write_map_report
from .statuses import SOME_FAILED

if TYPE_CHECKING:
    from datetime import date

    from ..errors import MapFormatError
    from ..maps.library import Library
    from ..maps.records import Defect, DefectMap

ONE_MAP = "--timeline shows one map, so name it; `stillpix show` lists the maps you have"
NONE = "-"  # in a table, where a map does not say
DEFECT_HEADINGS = (
    "x",
    "y",
    "kind",
    "strength (grey levels)",
    "score",
    "q",
    "seen",
    "since",
    "state",
)
STATES = ("confirmed", "candidate", "accepted", "rejected")
NUMBERS = frozenset({"x", "y", "score", "q", "seen", *STATES})
MIXED = "pictures"  # of maps of photos and maps of clips

ReportFile = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE.html",
        help="Write a report of one map to this file, without pictures from your photos (`find "
        "--report` has them).",
    ),
]


Wanted = Annotated[
    str | None,
    map_argument(
        "A map file, or part of a camera's name. Without it, list all maps in your library."
    ),
]
ReportPlace = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="FILE.html",
        help="Write the report to this file. `find --report` writes one with pictures from your "
        "photos.",
    ),
]
Timeline = Annotated[bool, typer.Option("--timeline", help="Show when each pixel broke.")]
Fleet = Annotated[
    bool,
    typer.Option(
        "--fleet",
        help="Show how many pixels per megapixel are broken in each map of your library, or of a "
        "folder, those that got worse first.",
    ),
]
Days = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="N",
        help="With --fleet, what broke in the last N days before a body's last photo is lately.",
    ),
]
Parquet = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="With --fleet, write the table to this Parquet file."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def show(
    wanted: Wanted = None,
    *,
    timeline: Timeline = False,
    report: ReportFile = None,
    fleet: Fleet = False,
    days: Days = 30,
    parquet: Parquet = None,
    as_json: Json = False,
) -> None:
    """Show the maps in the library, or the defects of one map."""
    from ..maps.library import Library

    library = Library()
    if fleet:
        if timeline or report is not None:
            raise wrong("shows many maps; leave out --timeline and --report", "--fleet")
        folder = library.root / "maps" if wanted is None else Path(wanted)
        show_fleet(folder, days, parquet, as_json=as_json)
        return
    if parquet is not None:
        raise wrong("works only with --fleet; add that, or leave it out", "--parquet")
    if wanted is None and report is None and not timeline:
        _show_library(library, as_json=as_json)
        return
    if report is not None:
        if timeline or as_json:
            raise wrong(
                "cannot be combined with --timeline or --json; give one of them", "--report"
            )
        _write_report(library, wanted, report)
        return
    found = _only_map(library) if wanted is None else named_map(library, wanted)
    if timeline:
        _show_timeline(library, found, as_json=as_json)
    else:
        _show_map(found, as_json=as_json)


def _only_map(library: Library) -> DefectMap:
    """Return the only map of the library."""
    maps = library.maps(report=lambda _: None)
    if len(maps) != 1:
        raise wrong(ONE_MAP, "MAP")
    return maps[0][1]


def report(
    wanted: OnlyMap = None, *, out: ReportPlace = Path("stillpix-report.html")
) -> None:  # fmt: skip
    """Write a page with every defect of one map, and why."""
    from ..maps.library import Library

    _write_report(Library(), wanted, out, "--out")


def _show_library(library: Library, *, as_json: bool) -> None:
    damaged: list[MapFormatError] = []
    maps = [*library.maps(report=damaged.append), *maps_here(damaged.append)]
    _show_maps(library, maps, damaged, as_json=as_json)
    for error in damaged:
        complain(str(error))
    if damaged:
        raise typer.Exit(SOME_FAILED)


def _write_report(
    library: Library, wanted: str | None, report: Path, flag: str = "--report"
) -> None:  # fmt: skip
    require_report_file(report, flag)
    found = only_map(library) if wanted is None else named_map(library, wanted)
    if not write_map_report(found, library, report):
        raise typer.Exit(SOME_FAILED)
    say(f"report: {report}")


def _show_map(defect_map: DefectMap, *, as_json: bool) -> None:
    from ..maps.map_file import as_text

    if as_json:
        print_json(json.loads(as_text(defect_map)))
        return
    say(sentence(defect_map))
    for remark in remarks(defect_map):
        say(f"  {remark}")
    print_defects(defect_map)


def _show_timeline(library: Library, found: DefectMap, *, as_json: bool) -> None:
    from ..errors import StateFormatError
    from ..maps.map_file import as_text
    from .timeline import as_document, courses_in, print_timeline

    try:
        courses = courses_in(library, found)
    except StateFormatError as error:  # the dates of the map are left
        complain(str(error))
        courses = {}
    if as_json:
        print_json({**json.loads(as_text(found)), "timeline": as_document(found, courses)})
        return
    say(sentence(found))
    print_timeline(found, courses)


def print_defects(defect_map: DefectMap) -> None:
    """Print a map's defects as a table; nothing where there is none."""
    if len(defect_map):
        first = defect_map.evidence.first
        rows = (_defect_row(defect, first.date() if first else None) for defect in defect_map)
        print_table(DEFECT_HEADINGS, rows, right=NUMBERS)


def _defect_row(defect: Defect, first_photo: date | None) -> tuple[str, ...]:
    x, y = str(defect.x), str(defect.y)
    if defect.run is not None:
        stretch = f"{defect.run.first}..{defect.run.last}"
        x, y = (stretch, y) if defect.run.along == "row" else (x, stretch)
    share = defect.seen and f"{defect.seen[0] * 100:.3g} % of {defect.seen[1]}"
    return (
        x,
        y,
        defect.kind,
        _strength(defect),
        f"{defect.score:.1f}",
        f"{defect.q:.2g}",
        share or NONE,
        since(defect, first_photo) or NONE,
        defect.state,
    )


def _strength(defect: Defect) -> str:
    if defect.strength is None:
        return NONE
    conditions = exposed(defect.exposure_s, defect.gain)
    return f"{defect.strength:+.1f}" + (f" at {conditions}" if conditions else "")


def _show_maps(
    library: Library,
    maps: Sequence[tuple[Path, DefectMap]],
    damaged: Sequence[MapFormatError],
    *,
    as_json: bool,
) -> None:
    if as_json:
        listed = [_summary(path, found) for path, found in maps]
        print_json(
            {
                "library": str(library.root),
                "maps": listed,
                "damaged": [str(error) for error in damaged],
            }
        )
        return
    if not maps:
        say(f"No maps in {library.root} yet; `stillpix find PHOTOS` makes one.")
        return
    own = sum(path.is_relative_to(library.root) for path, _ in maps)
    here = f", and {counted(len(maps) - own, 'map')} in this folder" if own < len(maps) else ""
    say(f"{counted(own, 'map')} in {library.root / 'maps'}{here}")
    rows = [_map_row(path, found) for path, found in maps]
    counts = pictures_of([found for _, found in maps])
    headings = ("body", "size", *STATES, counts, "last", "file")
    print_table(headings, rows, right=NUMBERS | {counts})


def pictures_of(maps: Sequence[DefectMap]) -> str:
    """Return the heading above how many photos some maps were made from, or frames of clips.

    >>> from stillpix.frame import Sensor
    >>> from stillpix.maps.records import DefectMap
    >>> photos, clips = (DefectMap(Sensor("a", "b", "c", 64, 48, which=each))
    ...                  for each in ("", "video"))
    >>> pictures_of([photos]), pictures_of([clips]), pictures_of([photos, clips])
    ('photos', 'frames', 'pictures')
    """
    words = {f"{picture_of(each)}s" for each in maps}
    return words.pop() if len(words) == 1 else MIXED


def _map_row(path: Path, defect_map: DefectMap) -> tuple[str, ...]:
    sensor, last = defect_map.sensor, defect_map.evidence.last
    return (
        body_of(sensor),
        f"{sensor.width}x{sensor.height}",
        *map(str, _states(defect_map).values()),
        str(defect_map.evidence.photos),
        str(last.date()) if last else NONE,
        path.name if path.is_absolute() else str(path),
    )


def _states(defect_map: DefectMap) -> dict[str, int]:
    from ..maps.records import State

    return {state: len(defect_map.in_state(state)) for state in get_args(State)}


def _summary(path: Path, defect_map: DefectMap) -> dict[str, Any]:
    sensor, evidence = defect_map.sensor, defect_map.evidence
    return {
        "path": str(path),
        "sensor": {
            "make": sensor.make,
            "model": sensor.model,
            "serial": sensor.serial,
            "which": sensor.which,
            "width": sensor.width,
            "height": sensor.height,
            "layout": sensor.layout,
        },
        "defects": _states(defect_map),
        "photos": evidence.photos,
        "last": evidence.last.isoformat() if evidence.last else None,
    }

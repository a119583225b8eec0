"""`stillpix library`: what the library keeps, a name for a nameless camera, and forgetting one.

Never touches a photo, and changes nothing but the camera that is named.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .naming import only_named, wrong
from .options import Json, as_name, map_argument
from .output import complain, print_json, print_table, say
from .statuses import SOME_FAILED

if TYPE_CHECKING:
    from ..errors import MapFormatError
    from ..maps.library import Library
    from ..maps.records import DefectMap

HEADINGS = ("camera", "photos", "map", "evidence")

Wanted = Annotated[
    str | None,
    map_argument("Part of the name of a camera in the library. Without it, list all."),
]
Rename = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        callback=as_name,
        help="Give a camera that its photos do not name this name. From then on, give it to find "
        "and fix with --camera.",
    ),
]
Forget = Annotated[
    bool,
    typer.Option(
        "--forget",
        help="Delete the camera's map, with your marks, and its evidence. Photos stay as they are.",
    ),
]


def library(
    wanted: Wanted = None,
    *,
    rename: Rename = None,
    forget: Forget = False,
    as_json: Json = False,
) -> None:
    """List what the library keeps, name a camera in it, or forget one."""
    from ..maps.library import Library

    kept = Library()
    changes = rename is not None or forget
    if rename is not None and forget:
        raise wrong("names a camera, and --forget deletes it; give one of them", "--rename")
    if changes and as_json:
        raise wrong("works only for the list; leave it out", "--json")
    if wanted is None:
        if changes:
            raise wrong("name the camera, as in: stillpix library D3200 --forget", "MAP")
        _list(kept, as_json=as_json)
        return
    found = only_named(kept, wanted)
    if rename is not None:
        from ..scan.renaming import rename as renamed

        say(f"{found.sensor.name} is now {renamed(kept, found.sensor, rename).name}")
    elif forget:
        with kept.lock(found.sensor):
            kept.forget(found.sensor)
        say(f"forgotten: {found.sensor.name}")
    else:
        raise wrong(
            "say what to do with it: --rename NAME or --forget; `stillpix show` shows a map", "MAP"
        )


def _list(library: Library, *, as_json: bool) -> None:
    damaged: list[MapFormatError] = []
    rows = [_row(library, *each) for each in library.maps(report=damaged.append)]
    if as_json:
        print_json({"path": str(library.root), "sensors": rows})
    elif rows:
        print_table(
            HEADINGS,
            [
                (row["name"], str(row["photos"]), _size(row["map"]), _size(row["evidence"]))
                for row in rows
            ],
            right=set(HEADINGS[1:]),
        )
        say(f"library: {library.root}")
    else:
        say(f"the library {library.root} has no maps yet; `stillpix find PHOTOS` makes one")
    for error in damaged:
        complain(str(error))
    if damaged:
        raise typer.Exit(SOME_FAILED)


def _row(library: Library, path: Path, found: DefectMap) -> dict[str, Any]:
    evidence = library.evidence_path(found.sensor)
    files = [file for file in evidence.rglob("*") if file.is_file()]
    return {
        "name": found.sensor.name,
        "photos": found.evidence.photos,
        "map": path.stat().st_size,
        "evidence": sum(file.stat().st_size for file in files),
    }


def _size(number: int) -> str:
    """Return a number of bytes in words.

    >>> _size(512), _size(2_500_000)
    ('1 kB', '2.5 MB')
    """
    if number < 1_000_000:
        return f"{max(1, round(number / 1000))} kB" if number else "none"
    return f"{number / 1_000_000:.1f} MB"

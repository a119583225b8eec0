"""`stillpix show --fleet`: how all bodies stand, those that got worse first.

Never changes a map and never reads a photo.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .naming import wrong
from .output import complain, counted, print_json, print_table, say
from .parquet import require_parquet, write_parquet
from .statuses import NOTHING_USABLE, SOME_FAILED

if TYPE_CHECKING:
    from ..errors import MapFormatError
    from ..maps.fleet import Standing

HEADINGS = (
    "body",
    "MP",
    "photos",
    "last",
    "broken",
    "per MP",
    "lately",
    "lately per MP",
    "undated",
)
NONE = "-"
COLUMNS = (
    ("name", "string"), ("megapixels", "float64"), ("photos", "int64"), ("last", "date32"),
    ("broken", "int64"), ("per_megapixel", "float64"), ("lately", "int64"),
    ("lately_per_megapixel", "float64"), ("undated", "int64"), ("course", "string"),
)  # fmt: skip


def show_fleet(folder: Path, days: int, parquet: Path | None, *, as_json: bool) -> None:
    """Print how the bodies stand whose maps are in a folder, or write it to a Parquet file."""
    from ..maps.fleet import worst_first

    if parquet is not None:
        require_parquet("--parquet")
    if not folder.is_dir():
        raise wrong(f"--fleet takes a folder of maps, and {folder} is none", "MAP")
    damaged: list[MapFormatError] = []
    fleet = worst_first(_standings(folder, days, damaged))
    if as_json:
        print_json({
            "folder": str(folder), "days": days, "bodies": [_document(one) for one in fleet],
            "damaged": [str(error) for error in damaged],
        })  # fmt: skip
    elif fleet:
        worse = sum(one.lately > 0 for one in fleet)
        say(f"{counted(len(fleet), 'map')}; {worse} got worse in the last {days} days of photos")
        if parquet is None:
            print_table(HEADINGS, map(_row, fleet), right=set(HEADINGS[1:]) - {"last"})
    if parquet is not None and fleet:
        write_parquet(parquet, COLUMNS, map(_row_of_table, fleet))
    for error in damaged:
        complain(str(error))
    if not fleet:
        complain(f"no map in {folder}; `stillpix find PHOTOS` makes one")
        raise typer.Exit(NOTHING_USABLE)
    if damaged:
        raise typer.Exit(SOME_FAILED)


def _standings(folder: Path, days: int, damaged: list[MapFormatError]) -> Iterator[Standing]:
    """Yield the standing of each body, with one map in memory at a time."""
    from ..errors import MapFormatError
    from ..maps import read_map
    from ..maps.fleet import standing_of
    from ..maps.library import SUFFIX

    for path in sorted(folder.glob("*" + SUFFIX)):
        try:
            yield standing_of(read_map(path), days)
        except MapFormatError as error:
            damaged.append(error)


def _row(one: Standing) -> tuple[str, ...]:
    return (
        one.name, f"{one.megapixels:.1f}", str(one.photos), str(one.last or NONE),
        str(one.broken), f"{one.per_megapixel:.2f}", str(one.lately),
        f"{one.lately_per_megapixel:.2f}", str(one.undated),
    )  # fmt: skip


def _row_of_table(one: Standing) -> list[Any]:
    told = [getattr(one, name) for name, _ in COLUMNS[:-1]]
    return [*told, json.dumps([[str(day), broken] for day, broken in one.course])]


def _document(one: Standing) -> dict[str, Any]:
    return {
        "name": one.name,
        "megapixels": one.megapixels,
        "photos": one.photos,
        "last": str(one.last) if one.last else None,
        "broken": one.broken,
        "per_megapixel": one.per_megapixel,
        "lately": one.lately,
        "lately_per_megapixel": one.lately_per_megapixel,
        "undated": one.undated,
        "course": [[str(day), broken] for day, broken in one.course],
    }

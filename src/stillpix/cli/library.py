"""`stillpix library`: what it keeps, a name for a nameless camera, cleaning and forgetting.

Never touches a photo, and deletes no map but that of the camera that is named.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .naming import only_named, wrong
from .options import Json, as_name, map_argument
from .output import complain, counted, print_json, print_table, say, sentence
from .parquet import require_parquet, write_parquet
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
Clean = Annotated[
    bool,
    typer.Option(
        "--clean",
        help="Delete the evidence, which is large, and keep the map with your marks. Without MAP, "
        "do so for all cameras. The next find begins again: give it all photos then.",
    ),
]


TakeOut = Annotated[
    list[str] | None,
    typer.Option(
        "--take-out",
        metavar="PATH",
        help="Take these photos, or those in this folder, out of the camera's evidence, and make "
        "its map from the rest. You may repeat it. To make them another camera's, run find on them "
        "with --camera NAME then.",
    ),
]
Merge = Annotated[
    str | None,
    typer.Option(
        metavar="OTHER",
        help="Add the photos and marks of this other camera of the library, and forget it: both "
        "are one.",
    ),
]
Parquet = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write the catalogue of all photos to this Parquet file: name, digest, camera, date, "
        "exposure.",
    ),
]
COLUMNS = (
    ("name", "string"), ("size", "int64"), ("modified_ns", "int64"), ("part", "int32"),
    ("digest", "string"), ("make", "string"), ("model", "string"), ("serial", "string"),
    ("which", "string"), ("width", "int32"), ("height", "int32"), ("layout", "string"),
    ("taken", "string"), ("period", "string"), ("exposure_s", "float64"), ("gain", "float64"),
    ("counted", "bool_"), ("signature", "int32"), ("lens", "string"), ("focal_mm", "float64"),
)  # fmt: skip
OF_CAMERA = ("make", "model", "serial", "which", "width", "height", "layout")


def library(
    wanted: Wanted = None,
    *,
    rename: Rename = None,
    take_out: TakeOut = None,
    merge: Merge = None,
    clean: Clean = False,
    forget: Forget = False,
    parquet: Parquet = None,
    as_json: Json = False,
) -> None:
    """List the library, name or forget a camera, or free space."""
    from ..maps.library import Library

    kept = Library()
    regroups = bool(take_out) + (merge is not None)
    changes = _changes(rename, regroups, clean=clean, forget=forget, as_json=as_json)
    if parquet is not None:
        if wanted is not None or changes or as_json:
            raise wrong("writes all photos of the library, and takes nothing else", "--parquet")
        _write_catalogue(kept, parquet)
        return
    if wanted is None:
        _of_all(kept, clean=clean, changes=changes, as_json=as_json)
        return
    _change(kept, only_named(kept, wanted), rename, take_out, merge, clean=clean, forget=forget)


def _change(
    kept: Library, found: DefectMap, rename: str | None, take_out: list[str] | None,
    merge: str | None, *, clean: bool, forget: bool,
) -> None:  # fmt: skip
    """Change what the library keeps of one camera."""
    if rename is not None:
        from ..scan.renaming import rename as renamed

        say(f"{found.sensor.name} is now {renamed(kept, found.sensor, rename).name}")
    elif take_out:
        _take_out(kept, found, take_out)
    elif merge is not None:
        from ..scan.regrouping import join

        other = only_named(kept, merge, "--merge")
        say(sentence(join(kept, found.sensor, other.sensor)))
        say(f"  with the photos of {other.sensor.name}, which is forgotten")
    elif clean:
        _clean(kept, found)
    elif forget:
        with kept.lock(found.sensor):
            kept.forget(found.sensor)
        say(f"forgotten: {found.sensor.name}")
    else:
        raise wrong(
            "say what to do with it: --rename NAME, --take-out PATH, --merge OTHER, --clean or "
            "--forget; `stillpix show` shows a map",
            "MAP",
        )


def _take_out(library: Library, found: DefectMap, paths: list[str]) -> None:
    from ..images.gather import gather
    from ..scan.regrouping import take_out

    gathered = gather(paths)
    headers = [header for headers in gathered.bodies.values() for header in headers]
    left, number = take_out(library, found.sensor, headers)
    say(sentence(left))
    say(f"  {counted(number, 'photo')} taken out; `stillpix find` on them adds them again")


def _of_all(library: Library, *, clean: bool, changes: bool, as_json: bool) -> None:
    """Free the room of all cameras, or list them."""
    if clean:
        for _, found in library.maps(report=_complain):
            _clean(library, found)
        return
    if changes:
        raise wrong("name the camera, as in: stillpix library D3200 --forget", "MAP")
    _list(library, as_json=as_json)


def _changes(
    rename: str | None, regroups: int, *, clean: bool, forget: bool, as_json: bool
) -> bool:
    """Return whether something is to be changed; refuse what cannot be combined."""
    asked = (rename is not None) + regroups + clean + forget
    if asked > 1:
        reason = "cannot be combined with the other changes; give one of them"
        raise wrong(reason, "--forget")
    if asked and as_json:
        raise wrong("works only for the list; leave it out", "--json")
    return asked > 0


def _complain(error: MapFormatError) -> None:
    complain(str(error))


def _clean(library: Library, found: DefectMap) -> None:
    """Delete the evidence of a camera, and say how much room that gave."""
    with library.lock(found.sensor):
        freed = _bytes_in(library.evidence_path(found.sensor))
        library.clean(found.sensor)
    say(f"{found.sensor.name}: {_size(freed)} freed; the map is kept")


def _write_catalogue(library: Library, path: Path) -> None:
    """Write the catalogue as a Parquet file."""
    import sqlite3

    from ..errors import StateFormatError
    from ..maps.catalogue import opened

    require_parquet("--parquet")
    try:
        with opened(library.catalogue_path) as catalogue:
            number = write_parquet(path, COLUMNS, map(_row_of_photo, catalogue.rows()))
    except sqlite3.Error as error:
        raise StateFormatError(
            f"{library.catalogue_path}: cannot be read ({error}); delete it, and the next find "
            "makes it anew"
        ) from error
    say(f"{path}: {counted(number, 'photo')}")


def _row_of_photo(row: Sequence[Any]) -> list[Any]:
    """Return a photo of the catalogue by the columns of the table."""
    name, facts, digest, taken, period, exposure_s, gain, adds, *rest = row
    base, size, modified_ns, part = _parts_of(name)
    camera = json.loads(facts)
    return [
        base, size, modified_ns, part, digest, *(camera.get(word, "") for word in OF_CAMERA),
        taken, period, exposure_s, gain, None if adds is None else bool(adds), *rest,
    ]  # fmt: skip


def _parts_of(name: str) -> tuple[str, int, int, int]:
    """Return what a name in the catalogue is made of.

    >>> _parts_of("a|b.jpg|7|1"), _parts_of("a.tif|7|1|2")
    (('a|b.jpg', 7, 1, 0), ('a.tif', 7, 1, 2))
    """
    base, *numbers = name.rsplit("|", 3)
    if len(numbers) == 3 and all(number.isdigit() for number in numbers) and "." in base:
        size, modified_ns, part = map(int, numbers)
        return base, size, modified_ns, part
    base, size_text, modified_text = name.rsplit("|", 2)
    return base, int(size_text), int(modified_text), 0


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
    return {
        "name": found.sensor.name,
        "photos": found.evidence.photos,
        "map": path.stat().st_size,
        "evidence": _bytes_in(library.evidence_path(found.sensor)),
    }


def _bytes_in(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _size(number: int) -> str:
    """Return a number of bytes in words.

    >>> _size(512), _size(2_500_000)
    ('1 kB', '2.5 MB')
    """
    if number < 1_000_000:
        return f"{max(1, round(number / 1000))} kB" if number else "none"
    return f"{number / 1_000_000:.1f} MB"

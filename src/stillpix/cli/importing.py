"""`stillpix import`: adds the defect list of another program to a body's map.

Never takes a pixel out of a map, and accepts a rejected pixel only if the person asks for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .destinations import map_place, require_place
from .exporting import Start, area_from, known_format, pixels_in_words, require_fit
from .naming import only_map, sensor_in, sole_map
from .options import Json
from .output import body_of, complain, print_json, say
from .statuses import NOTHING_USABLE

if TYPE_CHECKING:
    from ..frame import Sensor
    from ..maps.library import Library
    from ..maps.merging import Adoption

From = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="FORMAT",
        help="The format. `stillpix export --to list` prints all formats.",
    ),
]
Photo = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A photo of the camera whose pixels are in the list."),
]
Map = Annotated[
    str | None,
    typer.Option(
        "--map",
        metavar="MAP",
        help="A map of the camera whose pixels are in the list: a file, or part of the camera's "
        "name. Without it and without --photo, use the only map in your library.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE|DIR", help="Add the pixels to this map instead of the one in your library."
    ),
]
AcceptRejected = Annotated[
    bool,
    typer.Option("--accept-rejected", help="Also accept pixels that you rejected before."),
]


def import_list(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The list.", show_default=False)],
    *,
    form_name: From,
    photo: Photo = None,
    map_name: Map = None,
    origin: Start = None,
    out: Out = None,
    accept_rejected: AcceptRejected = False,
    as_json: Json = False,
) -> None:
    """Add another program's list to a map, as accepted pixels."""
    from ..lists import read_list
    from ..maps.library import Library, adopt_into, map_at

    form = known_format(form_name, "--from")
    library = Library()
    sensor, files = _sensor(library, photo, map_name)
    if out is not None:
        require_place(out, [sensor])
    path = library.map_path(sensor) if out is None else map_place(out, sensor)
    before = map_at(path, sensor)
    moves = before is not None and before.places_move
    require_fit(form, sensor, "--from", files, placed=origin is not None, moves=moves)
    listed = read_list(file, form, sensor, area=area_from(origin, sensor, form), files=files)
    if not listed:
        complain(f"{file}: lists no pixels; check --from")
        raise typer.Exit(NOTHING_USABLE)
    if out is None:
        adoption = library.adopt(sensor, listed, accept_rejected=accept_rejected)
    else:
        adoption = adopt_into(path, sensor, listed, accept_rejected=accept_rejected)
    if as_json:
        print_json(_document(adoption, path))
    else:
        _tell(adoption, path)


def _sensor(library: Library, photo: Path | None, map_name: str | None) -> tuple[Sensor, str]:
    """Return the sensor that the list is of, and the format of its photos, if that is known."""
    if photo is not None and map_name is not None:
        raise typer.BadParameter("name the camera with --photo or with --map, not with both",
                                 param_hint="--photo")  # fmt: skip
    if photo is not None:
        sensor, form = sensor_in(photo)
        found = library.nearest(sensor) if sensor.folder else None
        return (sensor if found is None else found.sensor), form
    found = only_map(library, "--map") if map_name is None else sole_map(library, map_name, "--map")
    return found.sensor, found.files


def _tell(adoption: Adoption, path: Path) -> None:
    say(f"{body_of(adoption.map.sensor)}: {pixels_in_words(adoption.added)} added")
    for defects, words in (
        (adoption.accepted, "known as candidate or rejected, and now accepted"),
        (adoption.known, "in the map already"),
    ):
        if defects:
            say(f"  {pixels_in_words(defects)} {words}")
    say(f"  map: {path}")
    if adoption.still_rejected:
        left = pixels_in_words(adoption.still_rejected)
        complain(f"note: {left} still rejected by your mark; --accept-rejected accepts them")


def _document(adoption: Adoption, path: Path) -> dict[str, object]:
    return {
        "path": str(path),
        "sensor": adoption.map.sensor.name,
        **{
            name: [[defect.x, defect.y] for defect in getattr(adoption, name)]
            for name in ("added", "accepted", "known", "still_rejected")
        },
    }

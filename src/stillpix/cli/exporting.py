"""`stillpix export`: a map in, the defect list of another program out.

Never overwrites a file without `--force`, and never changes the map.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .naming import named_map, only_map, sensor_in, wrong
from .options import Json, OnlyMap
from .output import body_of, complain, counted, print_json, print_table, say
from .statuses import NOTHING_USABLE

if TYPE_CHECKING:
    from ..frame import Sensor
    from ..lists import Area, ListFormat, WrittenList
    from ..maps.library import Library
    from ..maps.records import Defect, DefectMap

NAMED = 5  # places, named one by one before the rest is counted
LIST = "list"
AREA = re.compile(r"\s*\d{1,9}(\s*,\s*\d{1,9}\s*|(\s*,\s*\d{1,9}\s*){3})")  # X,Y or X,Y,W,H
HEADINGS = ("format", "file", "read by", "counts from", "rows and columns")

To = Annotated[
    str,
    typer.Option("--to", metavar="FORMAT", help="The format. `--to list` prints all formats."),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE|DIR",
        help="Write this file, or a file in this folder. For RawTherapee it gets the name that "
        "RawTherapee looks for.",
    ),
]
Photo = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A photo of that camera. If the program counts from the visible area, the list "
        "counts from that of this photo.",
    ),
]
Start = Annotated[
    str | None,
    typer.Option(
        "--origin",
        metavar="X,Y[,W,H]",
        help="Where the program's 0,0 lies in the full frame, and the size of the area that it "
        "sees. Give it only if that differs from the format's usual area.",
    ),
]
Candidates = Annotated[
    bool,
    typer.Option("--candidates", help="List candidates, too. Rejected pixels are never listed."),
]
Install = Annotated[
    bool,
    typer.Option(
        "--install",
        help="With --to rawtherapee, write into the folder for dark frames that RawTherapee's "
        "settings name.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")]


def export(
    wanted: OnlyMap = None,
    *,
    to: To,
    out: Out = None,
    photo: Photo = None,
    origin: Start = None,
    candidates: Candidates = False,
    install: Install = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write a map as the list of another program."""
    from ..lists import write_list
    from ..maps.library import Library
    from ..maps.merging import laid_on

    if to == LIST:
        _print_formats(as_json=as_json)
        return
    form = known_format(to, "--to")
    _require_one_place(form, out, install=install)
    found = _map(Library(), wanted, photo)
    found = laid_on(found, _with_area_of(found.sensor, photo))
    placed, moves = origin is not None, found.places_move
    require_fit(form, found.sensor, "--to", found.files, placed=placed, moves=moves)
    _require_defects(found, candidates=candidates)
    path = place_of_list(form, found.sensor, out)
    if path.exists() and not force:
        flag = "--install" if install else "--out"
        raise wrong(f"{path} exists already; --force overwrites it, or name another", flag)
    area = area_from(origin, found.sensor, form)
    written = write_list(found, path, form, area=area, candidates=candidates)
    _tell(written, form, found.sensor, as_json=as_json)
    if form.command and not as_json:
        say(f"  run: {command_of(form, path, photo)}")


def known_format(name: str, hint: str) -> ListFormat:
    """Return the format of a name; refuse another by saying what names them."""
    from ..lists import format_named

    form = format_named(name)
    if form is None:
        raise wrong(f"there is no format '{name}'; `stillpix export --to list` names all", hint)
    return form


def area_from(origin: str | None, sensor: Sensor, form: ListFormat) -> Area | None:
    """Return the area that --origin tells, None where it tells none.

    Without width and height it ends where the format's own area does: some programs write beyond
    their frame where a list names what lies there.
    """
    from ..lists import Area, area_of

    if origin is None:
        return None
    if not AREA.fullmatch(origin):
        raise wrong(f"'{origin}' is no place; give X,Y such as 24,12", "--origin")
    x, y, *size = map(int, origin.split(","))
    usual = area_of(sensor, form.origin)
    width, height = size or (usual.x + usual.width - x, usual.y + usual.height - y)
    inside = x + width <= sensor.width and y + height <= sensor.height
    if not inside or width < 1 or height < 1:
        raise wrong(f"{origin} is no part of {sensor.name}", "--origin")
    return Area(x, y, width, height)


def _require_one_place(form: ListFormat, out: Path | None, *, install: bool) -> None:
    if install and form.name != "rawtherapee":
        raise wrong("works only with --to rawtherapee; give --out FILE", "--install")
    if install and out is not None:
        raise wrong("finds the folder itself; give either --out or --install", "--install")
    if out is None and not install:
        raise wrong(f"say where the list goes: --out FILE, such as list{form.suffixes[0]}", "--out")


def _map(library: Library, wanted: str | None, photo: Path | None) -> DefectMap:
    """Return the map that is named, else that of the photo's body, else the only one."""
    if wanted is not None:
        return named_map(library, wanted)
    if photo is None:
        return only_map(library)
    sensor, _ = sensor_in(photo)
    found = library.nearest(sensor)
    if found is None:
        raise wrong(f"the library has no map of {sensor.name}; name a map", "MAP")
    return found


def _with_area_of(sensor: Sensor, photo: Path | None) -> Sensor:
    """Return the sensor with the visible area of a photo of its body; refuse another's photo."""
    from ..frame import UNKNOWN
    from ..images import read_header
    from ..images.layouts import with_layout

    if photo is None:
        return sensor
    taken = with_layout(read_header(photo), sensor.layout).sensor.in_folder(sensor.folder)
    alike = (taken.width, taken.height) == (sensor.width, sensor.height)
    for name in ("make", "model", "serial", "layout", "which"):
        one, other = getattr(taken, name), getattr(sensor, name)
        alike = alike and (one == other or not {one, other}.isdisjoint({UNKNOWN, ""}))
    if not alike:
        same = taken.layout == sensor.layout
        theirs, ours = (each.name if same else f"{each.name} ({each.layout})"
                        for each in (taken, sensor))  # fmt: skip
        reason = f"{photo} is of {theirs}, but the map is of {ours}; give a photo of that camera"
        raise wrong(reason, "--photo")
    return replace(sensor, visible=taken.visible)


def require_fit(
    form: ListFormat, sensor: Sensor, hint: str, files: str = "", *, placed: bool,
    moves: bool = False,
) -> None:  # fmt: skip
    """Refuse a format that cannot hold the pixels of a sensor."""
    from ..lists import unfit

    reason = unfit(form, sensor, files, placed=placed, moves=moves)
    if reason is not None:
        raise wrong(reason, hint)


def _require_defects(found: DefectMap, *, candidates: bool) -> None:
    """End with a line where there is nothing to list: an empty list would only hide that."""
    if found.in_state("confirmed", "accepted"):
        return
    waiting = len(found.in_state("candidate"))
    if waiting and candidates:
        return
    more = f"; --candidates lists its {counted(waiting, 'candidate')}" if waiting else ""
    complain(f"the map of {found.sensor.name} has nothing confirmed or accepted to list{more}")
    raise typer.Exit(NOTHING_USABLE)


def place_of_list(form: ListFormat, sensor: Sensor, out: Path | None) -> Path:
    """Return the file to write: in a folder, the one of the name that the program looks for."""
    from ..lists.rawtherapee import dark_frames_folder, file_name
    from ..maps.library import body_name

    if out is None:
        _require_only_sensor(sensor, "--install")
        return dark_frames_folder() / file_name(sensor)
    if not out.is_dir():
        if out.suffix or out.name.startswith("."):  # dcraw looks for a plain .badpixels
            return out
        example = f"a file's name, such as {out.name}{form.suffixes[0]}"
        raise wrong(f"there is no folder {out}; make it first, or give {example}", "--out")
    if form.name != "rawtherapee":
        return out / (body_name(sensor) + form.suffixes[0])
    _require_only_sensor(sensor, "--out")
    return out / file_name(sensor)


def _require_only_sensor(sensor: Sensor, flag: str) -> None:
    """Refuse RawTherapee's own name for a list of one of a body's sensors: it would get all."""
    if sensor.which:
        raise wrong(
            f"RawTherapee uses one list for all photos of {sensor.model}, but this one is only of "
            f"its sensor '{sensor.which}'; give --out FILE",
            flag,
        )


def pixels_in_words(defects: Sequence[Defect]) -> str:
    """Return how many pixels, rows and columns there are.

    >>> from stillpix.maps.records import Defect, Run
    >>> row = Defect(x=0, y=3, run=Run("row", 0, 9))
    >>> pixels_in_words([Defect(x=1, y=2), row, row]), pixels_in_words([row]), pixels_in_words([])
    ('1 pixel and 2 rows', '1 row', 'no pixels')
    """
    kinds = Counter(defect.run.along if defect.run else "pixel" for defect in defects)
    nouns = [noun for noun in ("pixel", "row", "column") if kinds[noun]] or ["pixel"]
    return " and ".join(counted(kinds[noun], noun) for noun in nouns)


def _tell(written: WrittenList, form: ListFormat, sensor: Sensor, *, as_json: bool) -> None:
    """Say what was written, and what the list does not do for the program's photos."""
    if as_json:
        print_json(_document(written, form, sensor))
    else:
        say(f"{body_of(sensor)}: {pixels_in_words(written.listed)} for {form.readers}")
        say(f"  list: {written.path}")
    for defects, said in (
        (written.left_out, f"left out, outside the area that {form.readers} sees"),
        (
            written.unrepaired,
            f"listed in the outer {form.border} rows and columns, which {form.readers} never "
            "repairs",
        ),
    ):
        if defects:
            complain(f"note: {pixels_in_words(defects)} {said}: {_name_places(defects)}")


def command_of(form: ListFormat, path: Path, photo: Path | None) -> str:
    """Return the line by which a program uses a list, on a photo or clip of the camera.

    >>> from stillpix.lists import format_named
    >>> command_of(format_named("ffmpeg"), Path("a b.png"), Path("c.mp4"))
    "ffmpeg -i c.mp4 -vf 'removelogo=a b.png' -map 0 -c copy -c:v libx264 -crf 16 c-repaired.mp4"
    """
    clip = photo or Path("clip.mp4")
    new = clip.with_name(f"{clip.stem}-repaired{clip.suffix}")
    escaped = re.sub(r"([\\':,;\[\]])", r"\\\1", re.sub(r"([\\':])", r"\\\1", str(path)))
    words = {"list": escaped, "clip": str(clip), "new": str(new)}
    return shlex.join(word.format(**words) for word in form.command.split())


def _name_places(defects: Sequence[Defect]) -> str:
    names = [f"{defect.x},{defect.y}" for defect in defects[:NAMED]]
    more = len(defects) - NAMED
    return " ".join(names) + (f" and {more} more" if more > 0 else "")


def _document(written: WrittenList, form: ListFormat, sensor: Sensor) -> dict[str, Any]:
    return {
        "format": form.name,
        "path": str(written.path),
        "sensor": sensor.name,
        "listed": len(written.listed),
        "left_out": [[defect.x, defect.y] for defect in written.left_out],
        "unrepaired": [[defect.x, defect.y] for defect in written.unrepaired],
    }


def _print_formats(*, as_json: bool) -> None:
    from ..lists import FORMATS

    if as_json:
        print_json([
            {"format": form.name, "suffixes": form.suffixes, "readers": form.readers,
             "origin": form.origin, "lines": form.lines}
            for form in FORMATS
        ])  # fmt: skip
        return
    rows = [(f.name, f"*{f.suffixes[0]}", f.readers, f.origin, f.lines) for f in FORMATS]
    print_table(HEADINGS, rows)

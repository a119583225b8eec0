"""Finds the map that a person means by a path, by a part of a camera's name, or by no name.

Never guesses between two cameras: it names them and asks for more. Of several maps of one camera
it takes the fullest, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import typer

from .output import body_of, complain, printable, some_names

if TYPE_CHECKING:
    from ..errors import MapFormatError
    from ..frame import Sensor
    from ..maps.library import Library
    from ..maps.records import DefectMap

Found: TypeAlias = "tuple[Path, DefectMap]"

DEMO = "stillpix-demo"  # the folder of `stillpix demo`, whose map is listed, too


def maps_here(report: Callable[[MapFormatError], None]) -> list[Found]:
    """Return the maps in this folder and in a demo's folder here, as find --out and demo write."""
    return [*maps_in(Path(), report), *maps_in(Path(DEMO), report)]


def maps_in(folder: Path, report: Callable[[MapFormatError], None]) -> list[Found]:
    """Return the maps in a folder."""
    from ..errors import MapFormatError
    from ..maps import read_map
    from ..maps.library import SUFFIX

    found: list[Found] = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            found.append((path, read_map(path)))
        except MapFormatError as error:
            report(error)
    return found


def only_named(library: Library, wanted: str, hint: str = "MAP") -> DefectMap:
    """Return the one map of the library that a name means; refuse a name of several.

    For what cannot be taken back: where one map is only read, the fullest will do.
    """
    maps = [found for _, found in library.maps(report=lambda error: complain(str(error)))]
    part = wanted.casefold().strip(" :")
    matches = [found for found in maps if part in _exact_names(found)]
    matches = matches or [found for found in maps if part in _names(found).casefold()]
    if not matches:
        reason = f"the library has no map of '{wanted}'; `stillpix library` lists those it has"
        raise wrong(reason, hint)
    if len(matches) > 1:
        raise _ambiguous(wanted, matches, maps, hint)
    return matches[0]


def _ambiguous(
    wanted: str, matches: Sequence[DefectMap], maps: Sequence[DefectMap], hint: str
) -> typer.BadParameter:
    names = some_names([f"'{name_among(maps, found)}'" for found in matches])
    return wrong(f"'{wanted}' means {len(matches)} maps; give one of {names}", hint)


def name_among(maps: Sequence[DefectMap], one: DefectMap, *, short: bool = False) -> str:
    """Return a name that no other of the maps has: of the map (or of its camera), or its file."""
    from ..maps.library import body_name

    names = (*[body_of(one.sensor)][: int(short)], one.sensor.name)
    taken = [_exact_names(other) for other in maps if not other.sensor.is_alike(one.sensor)]
    alone = (name for name in names if not any(printable(name).casefold() in t for t in taken))
    return next(alone, body_name(one.sensor))


def named_map(library: Library, wanted: str, hint: str = "MAP") -> DefectMap:
    """Return the map a person means by a path, or by part of a body's name."""
    return named_place(library, wanted, hint)[1]


def sole_map(library: Library, wanted: str, hint: str = "MAP") -> DefectMap:
    """Return the map a person means, as `named_map` does; refuse a name of several sensors."""
    found = {each.sensor: each for _, each in named_places(library, wanted, hint)}
    if len(found) > 1:
        raise _ambiguous(wanted, list(found.values()), list(found.values()), hint)
    return next(iter(found.values()))


def named_place(library: Library, wanted: str, hint: str = "MAP") -> Found:
    """Return the map a person means, and where it is."""
    return _fullest(named_places(library, wanted, hint))


def named_places(library: Library, wanted: str, hint: str = "MAP") -> list[Found]:
    """Return the maps of the one camera that a person means, and where they are."""
    from ..maps import read_map

    if Path(wanted).is_file():
        return [(Path(wanted), read_map(wanted))]
    damaged: list[MapFormatError] = []
    if Path(wanted).is_dir():
        maps, part = maps_in(Path(wanted), damaged.append), ""
    else:
        maps, part = [*library.maps(report=damaged.append), *maps_here(damaged.append)], wanted
    part = part.casefold().strip(" :")
    matches = [each for each in maps if part in _names(each[1]).casefold()]
    exact = [each for each in maps if part in _exact_names(each[1])]
    matches = exact or matches
    if matches and len(set(map(_camera, matches))) == 1:
        return matches
    for error in damaged:  # the map that is missed may be one of them
        complain(str(error))
    if not matches and (wanted.endswith(".json") or len(Path(wanted).parts) > 1):
        return [(Path(wanted), read_map(wanted))]  # says what is wrong with the path
    if not matches:
        raise wrong(f"no map of '{wanted}'; `stillpix show` lists the maps you have", hint)
    names = some_names([found.sensor.name for _, found in matches])
    if Path(wanted).is_dir():
        raise wrong(f"{wanted} holds maps of several cameras: {names}; give one of its files", hint)
    raise wrong(
        f"'{wanted}' is part of {len(matches)} names: {names}; give a longer part of one", hint
    )


def only_map(library: Library, hint: str = "MAP") -> DefectMap:
    """Return the one map of the library; refuse where there are several, or none."""
    damaged: list[MapFormatError] = []
    maps = [found for _, found in library.maps(report=damaged.append)]
    for error in damaged:
        complain(str(error))
    if len(maps) == 1:
        return maps[0]
    if not maps:
        raise wrong("there is no map yet; `stillpix find PHOTOS` makes one", hint)
    names = some_names([found.sensor.name for found in maps])
    raise wrong(f"there are {len(maps)} maps: {names}; name one", hint)


def sensor_in(photo: Path) -> tuple[Sensor, str]:
    """Return the sensor that took a photo, as find and fix know it, and the photo's format."""
    from ..images import read_header
    from ..images.gather import named
    from ..images.layouts import as_seen

    header = as_seen(read_header(photo))
    return named(header.sensor, photo.parent), header.format


def wrong(reason: str, hint: str) -> typer.BadParameter:
    """Return what becomes one line of wrong usage about an argument or a flag."""
    return typer.BadParameter(printable(reason), param_hint=hint)


def _fullest(matches: Sequence[Found]) -> Found:
    """Return the map with the most broken pixels, of those the one of the most photos."""
    from ..maps.library import fullest_first

    chosen = fullest_first(matches)[0]
    if len(matches) > 1:
        maps = [found for _, found in matches]
        others = "; ".join(f"'{name_among(maps, found)}'" for found in maps if found != chosen[1])
        name = name_among(maps, chosen[1])
        also = f"; to take another, name it: {others}" if others else ""
        complain(f"note: there are {len(matches)} maps of this camera, and this is {name}{also}")
    return chosen


def _camera(each: Found) -> tuple[str, str, str]:
    sensor = each[1].sensor
    return sensor.make, sensor.model, sensor.serial


def _names(defect_map: DefectMap) -> str:
    from ..frame import UNKNOWN

    sensor = defect_map.sensor
    make = "" if sensor.make == UNKNOWN else sensor.make
    return f"{make} {sensor.name} {sensor.layout}"


def _exact_names(defect_map: DefectMap) -> set[str]:
    """Return the names that this program prints: of the camera, of the map and of its file."""
    return {printable(name).casefold() for name in _printed(defect_map)}


def _printed(defect_map: DefectMap) -> Iterator[str]:
    from ..frame import UNKNOWN
    from ..maps.library import SUFFIX, body_name

    sensor = defect_map.sensor
    yield from (said for said in (sensor.model, sensor.serial) if said != UNKNOWN)
    yield from (sensor.name, body_of(sensor))
    yield f"{body_of(sensor)}  {sensor.width}x{sensor.height}"  # two columns of `show`
    yield from (body_name(sensor), body_name(sensor) + SUFFIX)

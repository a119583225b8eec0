"""Finds the map that a person means by a path, by a part of a camera's name, or by no name.

Never guesses between two: it names them and asks for more.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .output import body_of, complain, printable

if TYPE_CHECKING:
    from ..errors import MapFormatError
    from ..frame import Sensor
    from ..maps.library import Library
    from ..maps.records import DefectMap


def named_map(library: Library, wanted: str, hint: str = "MAP") -> DefectMap:
    """Return the map a person means by a path, or by part of a body's name."""
    from ..maps import read_map

    if Path(wanted).is_file():
        return read_map(wanted)
    damaged: list[MapFormatError] = []
    maps = [found for _, found in library.maps(report=damaged.append)]
    part = wanted.casefold()
    matches = [found for found in maps if part in _names(found).casefold()]
    exact = [found for found in matches if part in _exact_names(found)]
    matches = exact or matches
    if len(matches) == 1:
        return matches[0]
    for error in damaged:  # the map that is missed may be one of them
        complain(str(error))
    if not matches and (wanted.endswith(".json") or len(Path(wanted).parts) > 1):
        return read_map(wanted)  # says what is wrong with the path
    if not matches:
        raise wrong(f"no map of '{wanted}'; `stillpix show` lists the maps you have", hint)
    names = "; ".join(found.sensor.name for found in matches)
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
    names = "; ".join(found.sensor.name for found in maps)
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


def _names(defect_map: DefectMap) -> str:
    sensor = defect_map.sensor
    return f"{sensor.make} {sensor.name} {sensor.layout}"


def _exact_names(defect_map: DefectMap) -> set[str]:
    sensor = defect_map.sensor
    return {name.casefold() for name in (sensor.model, sensor.serial, sensor.name, body_of(sensor))}

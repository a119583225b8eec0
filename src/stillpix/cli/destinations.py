"""Where `--out` puts maps: one file for one body, or a folder with one map per body.

Refuses a place that cannot take them before any photo is read, and overwrites nothing but a map
of the same body.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .output import printable, some_names

if TYPE_CHECKING:
    from ..frame import Sensor


def is_file(out: Path) -> bool:
    """Return whether --out names a file, not a folder."""
    return out.is_file() or (out.suffix.lower() == ".json" and not out.is_dir())


def map_place(out: Path, sensor: Sensor) -> Path:
    """Return where --out puts a body's map."""
    from ..maps.library import SUFFIX, body_name

    return out if is_file(out) else out / (body_name(sensor) + SUFFIX)


def require_local(path: str | os.PathLike[str], flag: str) -> None:
    """Refuse a URL where only files of this computer can be."""
    from ..errors import spelled
    from ..images.remote import is_remote

    if is_remote(path):
        raise typer.BadParameter(
            printable(f"{spelled(path)} is a URL, and maps and plans are only written to disks; "
                      "give a folder of this computer"),
            param_hint=flag,
        )  # fmt: skip


def require_writable(out: Path) -> None:
    """Refuse what cannot be written whatever the photos are: said once, before any is read."""
    from ..atomic import takes_files

    require_local(out, "--out")
    folder = out.parent if is_file(out) else out
    if is_file(out) and not folder.is_dir():
        raise _wrong(f"there is no folder {folder}; make it first")
    there = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
    if not there.is_dir():
        raise _wrong(f"{there} is a file; name a folder")
    if not takes_files(there):
        raise _wrong(f"you may not write into {there}; name another place")


def require_place(out: Path, sensors: Sequence[Sensor]) -> None:
    """Refuse what cannot take these bodies' maps; make the folder where it is missing."""
    from ..atomic import takes_files
    from ..errors import StillpixError
    from ..maps.library import map_at

    if is_file(out):
        if len(sensors) > 1 and not _are_one_map(sensors):
            raise _wrong(
                f"{out} can hold only the map of one camera at one size, but these photos are of "
                f"{some_names([sensor.name for sensor in sensors])}; give a folder"
            )
        folder = out.parent
        if not folder.is_dir():
            raise _wrong(f"there is no folder {folder}; make it first")
    else:
        folder = out
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise _wrong(f"the folder {out} cannot be made ({reason}); name another") from error
    if not takes_files(folder):
        raise _wrong(f"you may not write into {folder}; name another place")
    for sensor in sensors if not is_file(out) or len(sensors) == 1 else ():
        try:
            map_at(map_place(out, sensor), sensor)
        except StillpixError as error:
            raise _wrong(f"it will not be overwritten: {error}") from error


def _wrong(reason: str) -> typer.BadParameter:
    return typer.BadParameter(printable(reason), param_hint="--out")


def _are_one_map(sensors: Sequence[Sensor]) -> bool:
    """Return whether sensors are modes of one, and their files say where each lies."""
    from ..maps.modes import are_of_one_sensor, told_modes

    first = sensors[0]
    return any(told_modes(first, each) for each in sensors[1:]) and all(
        are_of_one_sensor(first, each) for each in sensors
    )

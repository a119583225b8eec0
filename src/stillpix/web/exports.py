"""A map as a file in each format; the only module of the page that knows the table of formats.

Never leaves a temporary file.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..errors import StillpixError
from ..frame import Sensor
from ..lists import FORMATS, ListFormat, format_named, unfit, write_list
from ..lists.rawtherapee import file_name
from ..maps import write_map
from ..maps.library import SUFFIX, body_name
from ..maps.records import DefectMap
from .refusal import Refused

OWN = "stillpix"


@dataclass(frozen=True, slots=True)
class Exported:
    """A file to be downloaded."""

    name: str
    content: bytes


def format_names(sensor: Sensor, files: str = "") -> list[str]:
    """Return the formats that a sensor's map can be written in, our own first.

    >>> format_names(Sensor("Canon", "R", "7", 30, 20))[:3]
    ['stillpix', 'siril-fits', 'fits']
    """
    return [OWN, *(form.name for form in FORMATS if unfit(form, sensor, files) is None)]


def exported(found: DefectMap, name: str) -> Exported:
    """Return a map as a file of a format; raise Refused where it cannot be one.

    >>> exported(DefectMap(Sensor("Canon", "R", "7", 30, 20)), "stillpix").name[-14:]
    '.stillpix.json'
    """
    form = format_named(name)
    if form is None and name != OWN:
        raise Refused(404, f"there is no format {name[:40]}; `stillpix export --to list` names all")
    with tempfile.TemporaryDirectory(prefix="stillpix-") as folder:
        path = Path(folder, _file_name(found.sensor, form))
        try:
            if form is None:
                write_map(found, path)
            else:
                write_list(found, path, form)
            return Exported(path.name, path.read_bytes())
        except (StillpixError, OSError) as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise Refused(409, f"the map cannot be written as {name}: {reason}") from error


def _file_name(sensor: Sensor, form: ListFormat | None) -> str:
    if form is None:
        return body_name(sensor) + SUFFIX
    if form.name == "rawtherapee":  # which looks for a name of its own
        return file_name(sensor)
    return body_name(sensor) + form.suffixes[0]

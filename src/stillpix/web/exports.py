"""A map as a file in each format that there is: the one place that knows the table of formats.

Never leaves a file behind.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..defects import DefectMap
from ..errors import StillpixError
from ..library import body_name
from ..maps import FORMATS
from .refusal import Refused


@dataclass(frozen=True, slots=True)
class Exported:
    """A file to be downloaded."""

    name: str
    content: bytes


def format_names() -> list[str]:
    """Return the formats that maps can be written in.

    >>> format_names()[0]
    'stillpix'
    """
    return [form.name for form in FORMATS]


def exported(found: DefectMap, name: str) -> Exported:
    """Return a map as a file of a format; raise Refused where it cannot be one.

    >>> from stillpix.frame import Sensor
    >>> exported(DefectMap(Sensor("Canon", "R", "7", 30, 20)), "stillpix").name[-14:]
    '.stillpix.json'
    """
    form = next((form for form in FORMATS if form.name == name), None)
    if form is None:
        raise Refused(404, f"there is no format {name[:40]}; there are {', '.join(format_names())}")
    with tempfile.TemporaryDirectory(prefix="stillpix-") as folder:
        path = Path(folder, body_name(found.sensor) + form.suffixes[0])
        try:
            form.write(found, path)
            return Exported(path.name, path.read_bytes())
        except (StillpixError, OSError) as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise Refused(409, f"the map cannot be written as {name}: {reason}") from error

"""A map as a file in each format; the only module of the page that knows the table of formats.

Never leaves a temporary file.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..errors import StillpixError
from ..frame import Sensor
from ..lists import FORMATS, ListFormat, format_named, read_list, unfit, write_list
from ..lists.rawtherapee import file_name
from ..maps import write_map
from ..maps.library import SUFFIX, Library, body_name
from ..maps.records import DefectMap
from .refusal import Refused

OWN = "stillpix"
COUNTS = ("added", "accepted", "known", "still_rejected")  # of a list's pixels, as `import` has it


@dataclass(frozen=True, slots=True)
class Exported:
    """A file to be downloaded."""

    name: str
    content: bytes


def format_choices(
    sensor: Sensor, files: str = "", *, moves: bool = False
) -> list[dict[str, str | None]]:
    """Return the formats by the programs that read them, our own first, then those that fit.

    Where a format does not fit, `why_not` says why. `moves`: see `unfit`.

    >>> told = format_choices(Sensor("Canon", "R", "7", 30, 20))
    >>> told[0]["program"], told[1]["name"], told[-1]["why_not"] is None
    ('stillpix', 'siril-fits', False)
    """
    own: dict[str, str | None] = {"name": OWN, "program": OWN, "suffix": SUFFIX, "why_not": None}
    others: list[dict[str, str | None]] = [
        {
            "name": form.name,
            "program": form.readers,
            "suffix": form.suffixes[0],
            "why_not": unfit(form, sensor, files, moves=moves),
        }
        for form in FORMATS
    ]
    return [own, *sorted(others, key=lambda each: each["why_not"] is not None)]


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


def imported(library: Library, sensor: Sensor, path: Path, name: str) -> dict[str, int]:
    """Add a list in a format to a sensor's map, as accepted pixels; return what became of them.

    Raises Refused for a format that there is none of, or a list that cannot be of this sensor.
    """
    form = format_named(name)
    if form is None:
        raise Refused(
            404, f"there is no format {name[:40]}; `stillpix import --from list` names all"
        )
    found = library.find(sensor)
    try:
        listed = read_list(path, form, sensor, files=found.files if found is not None else "")
    except StillpixError as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise Refused(409, f"the list cannot be read as {name}: {reason}") from error
    if not listed:
        raise Refused(409, f"the file lists no pixels; is it one of {form.readers}?")
    adoption = library.adopt(sensor, listed)
    return {each: len(getattr(adoption, each)) for each in COUNTS}


def _file_name(sensor: Sensor, form: ListFormat | None) -> str:
    if form is None:
        return body_name(sensor) + SUFFIX
    if form.name == "rawtherapee":  # which looks for a name of its own
        return file_name(sensor)
    return body_name(sensor) + form.suffixes[0]

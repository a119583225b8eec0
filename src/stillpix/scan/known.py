"""The photos that a library knows, told by name, size and time: their heads are not read again.

Where a head is needed after all, for dates or where places slide with the focal length, it is read
then. Never decides what a photo says.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import ReadError, StateFormatError
from ..frame import UNKNOWN, Sensor
from ..images import Header, read_headers
from ..images.layouts import with_layout
from ..images.phones import is_lens
from ..images.searching import Listed
from ..maps.catalogue import NAME as CATALOGUE
from ..maps.catalogue import Catalogue, name_of, opened
from ..maps.library import Library


@dataclass(slots=True)
class Known:
    """The known photos that one walk through folders met: kept on disk, whatever their number."""

    catalogue: Catalogue
    bodies: dict[int, Sensor]  # those whose photos' heads say all that is asked of them
    forms: dict[Sensor, str]  # the format of their files
    numbers: dict[Sensor, int] = field(default_factory=dict)  # of photos that were met

    def among(self, listed: Iterable[Listed]) -> set[str]:
        """Return the paths of those files of one folder that are known, and note them."""
        named = {
            name_of(name, size, modified_ns): path
            for path, name, size, modified_ns in listed
            if modified_ns
        }
        try:
            met: dict[int, dict[str, str]] = {}
            for name, body in self.catalogue.known(list(named)):
                met.setdefault(body, {})[name] = named[name]
            met = {body: met[body] for body in met if body in self.bodies}
            for body, photos in met.items():
                self.catalogue.connection.execute(
                    "INSERT INTO temp.met VALUES (?, ?)", (body, json.dumps(photos))
                )
        except sqlite3.Error:  # their heads are read
            return set()
        for body, photos in met.items():
            sensor = self.bodies[body]
            self.numbers[sensor] = self.numbers.get(sensor, 0) + len(photos)
        return {path for photos in met.values() for path in photos.values()}

    def lenses(self, sensor: Sensor) -> list[tuple[str, float]]:
        """Return the shortest and the longest focal length, in mm, of each lens of a camera."""
        told: dict[str, set[float]] = {}
        for _, _, lens, focal_mm in self._met(sensor):
            if focal_mm is not None:
                seen = told.setdefault(lens or "", {focal_mm})
                told[lens or ""] = {min(*seen, focal_mm), max(*seen, focal_mm)}
        return [(lens, focal_mm) for lens, seen in told.items() for focal_mm in sorted(seen)]

    def dated(self, sensor: Sensor) -> Iterator[tuple[str, Path]]:
        """Yield name and path of each met photo of a camera that has a date."""
        for (name, path), taken, _, _ in self._met(sensor):
            if taken is not None:
                yield name, Path(path)

    def paths(self, sensor: Sensor) -> Iterator[Path]:
        """Yield the path of each met photo of a camera."""
        for (_, path), _, _, _ in self._met(sensor):
            yield Path(path)

    def _met(self, sensor: Sensor) -> Iterator[tuple[tuple[str, str], Any, Any, Any]]:
        """Yield name and path of each met photo of a camera, its date, its lens, and its mm."""
        number = next(key for key, each in self.bodies.items() if each == sensor)
        try:
            asked = "SELECT photos FROM temp.met WHERE body = ?"
            for (met,) in self.catalogue.connection.execute(asked, [number]):
                paths = json.loads(met)
                for name, taken, lens, focal_mm in self.catalogue.facts(list(paths)):
                    yield (name, paths[name]), taken, lens, focal_mm
        except sqlite3.Error as error:
            raise StateFormatError(
                f"the catalogue of the library cannot be read ({error}); delete the file "
                f"{CATALOGUE} there and run again"
            ) from error


@contextmanager
def known_photos(library: Library) -> Iterator[Known | None]:
    """Open the catalogue of a library, to tell known photos by it; None where it cannot be used."""
    with ExitStack() as stack:
        known = None
        try:
            if library.catalogue_path.exists():
                catalogue = stack.enter_context(opened(library.catalogue_path))
                known = _in_catalogue(catalogue, library)
        except (sqlite3.Error, OSError):  # heads are read, and what is wrong is told at the end
            pass
        yield known


def _in_catalogue(catalogue: Catalogue, library: Library) -> Known:
    catalogue.connection.execute("CREATE TEMP TABLE met (body, photos)")
    current = [
        body
        for body in catalogue.bodies()
        if _tells_all(body.sensor) and body.stamp == library.stamp_of(body.sensor)
    ]
    forms = {body.sensor: body.form for body in current}
    return Known(catalogue, {body.number: body.sensor for body in current}, forms)


def head_of(path: Path, sensor: Sensor) -> Header:
    """Return the header of a known photo of a sensor; raises ReadError."""
    try:
        header = read_headers(path)[0]
    except OSError as error:
        raise ReadError(path, "is gone since it was found; run again") from error
    return replace(with_layout(header, sensor.layout), sensor=sensor)


def _tells_all(sensor: Sensor) -> bool:
    """Return whether heads alone name a sensor: no folder, no person, and no other photo does."""
    return UNKNOWN not in (sensor.make, sensor.model) and (
        not sensor.which or is_lens(sensor.which)
    )

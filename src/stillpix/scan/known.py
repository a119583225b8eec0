"""The photos that a library knows, told by name, size and time: their heads are not read again.

Where a head is needed after all, for dates or where places slide with the focal length, it is read
then. Never decides what a photo says.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import ReadError, StateFormatError
from ..frame import UNKNOWN, Sensor
from ..images import Header, read_headers
from ..images.layouts import with_layout
from ..images.phones import is_lens
from ..maps.catalogue import NAME as CATALOGUE
from ..maps.catalogue import Catalogue, opened
from ..maps.library import Library


@dataclass(slots=True)
class Known:
    """The known photos that one walk through folders met: kept on disk, whatever their number."""

    catalogue: Catalogue
    bodies: dict[int, Sensor]  # those whose photos' heads say all that is asked of them
    forms: dict[Sensor, str]  # the format of their files
    numbers: dict[Sensor, int] = field(default_factory=dict)  # of photos that were met
    _focal_mm: dict[Sensor, dict[str, set[float]]] = field(default_factory=dict)  # by lens

    def among(self, files: Mapping[str, str]) -> set[str]:
        """Return the paths of those files that are known, and note them.

        `files` are paths by what `name_of` tells of them.
        """
        try:
            met = [each for each in self.catalogue.known(files) if each[0] in self.bodies]
            self.catalogue.connection.executemany(
                "INSERT INTO temp.met VALUES (?, ?)",
                [(body, told) for body, _, told in met],
            )
        except sqlite3.Error:  # their heads are read
            return set()
        for body, photos, _ in met:
            sensor = self.bodies[body]
            self.numbers[sensor] = self.numbers.get(sensor, 0) + len(photos)
        return {path for _, photos, _ in met for path in photos.values()}

    def lenses(self, sensor: Sensor) -> list[tuple[str, float]]:
        """Return the shortest and the longest focal length, in mm, of each lens of a camera."""
        if sensor not in self._focal_mm:
            told = self._focal_mm[sensor] = {}
            with _readable():
                for files in self._met(sensor):
                    for lens, *both in self.catalogue.focal_lengths(files):
                        every = [*told.get(lens, ()), *both]
                        told[lens] = {min(every), max(every)}
        told = self._focal_mm[sensor]
        return [(lens, focal_mm) for lens, both in told.items() for focal_mm in sorted(both)]

    def dated(self, sensor: Sensor) -> Iterator[tuple[str, Path]]:
        """Yield name and path of each met photo of a camera that has a date."""
        with _readable():
            for files in self._met(sensor):
                paths = json.loads(files)
                for (name,) in self.catalogue.dated(files):
                    yield name, Path(paths[name])

    def paths(self, sensor: Sensor) -> Iterator[Path]:
        """Yield the path of each met photo of a camera."""
        with _readable():
            for files in self._met(sensor):
                yield from map(Path, json.loads(files).values())

    def _met(self, sensor: Sensor) -> Iterator[str]:
        """Yield the met photos of a camera: JSON objects of paths by name."""
        number = next(key for key, each in self.bodies.items() if each == sensor)
        asked = "SELECT files FROM temp.met WHERE body = ?"
        for (files,) in self.catalogue.connection.execute(asked, [number]):
            yield files


@contextmanager
def _readable() -> Iterator[None]:
    """Say what to do about a catalogue that cannot be read in the block."""
    try:
        yield
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
    catalogue.connection.execute("CREATE TEMP TABLE met (body, files)")
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

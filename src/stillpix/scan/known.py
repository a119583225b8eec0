"""The photos that a library knows, told by name, size and time: their heads are not read again.

Where a head is needed after all, for dates or where places slide with the focal length, it is read
then. Never decides what a photo says.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
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

    def among(self, files: Mapping[str, str], folder: str = "") -> AbstractSet[str]:
        """Return those keys of `files` that are known, and note them.

        `files` are names of files in a folder, or paths, by what `name_of` tells of them.
        """
        try:
            found = self.catalogue.known([*files])
            met = [each for each in found if each[0] in self.bodies]
            self.catalogue.connection.executemany(
                "INSERT INTO temp.met VALUES (?, ?, ?)",
                [(body, told, _places(names, told, files, folder)) for body, names, told in met],
            )
        except sqlite3.Error:  # their heads are read
            return set()
        for body, names, _ in met:
            sensor = self.bodies[body]
            self.numbers[sensor] = self.numbers.get(sensor, 0) + len(names)
        if len(met) == 1 and len(met[0][1]) == len(files):
            return files.keys()
        return {name for _, names, _ in met for name in names}

    def lenses(self, sensor: Sensor) -> list[tuple[str, float]]:
        """Return the shortest and the longest focal length, in mm, of each lens of a camera."""
        if sensor not in self._focal_mm:
            told = self._focal_mm[sensor] = {}
            with _readable():
                for names, _ in self._met(sensor):
                    for lens, *both in self.catalogue.focal_lengths(names):
                        every = [*told.get(lens, ()), *both]
                        told[lens] = {min(every), max(every)}
        told = self._focal_mm[sensor]
        return [(lens, focal_mm) for lens, both in told.items() for focal_mm in sorted(both)]

    def dated(self, sensor: Sensor) -> Iterator[tuple[str, Path]]:
        """Yield name and path of each met photo of a camera that has a date."""
        with _readable():
            for names, places in self._met(sensor):
                paths = dict(_paths(names, places))
                for (name,) in self.catalogue.dated(names):
                    yield name, Path(paths[name])

    def paths(self, sensor: Sensor) -> Iterator[Path]:
        """Yield the path of each met photo of a camera."""
        with _readable():
            for met in self._met(sensor):
                yield from (Path(path) for _, path in _paths(*met))

    def _met(self, sensor: Sensor) -> Iterator[tuple[str, str]]:
        """Yield the met photos of a camera: their names as JSON, and their `_places`."""
        number = next(key for key, each in self.bodies.items() if each == sensor)
        asked = "SELECT names, places FROM temp.met WHERE body = ?"
        yield from self.catalogue.connection.execute(asked, [number])


def _places(names: list[str], told: str, files: Mapping[str, str], folder: str) -> str:
    """Return the JSON of where photos are: their folder, or the path of each.

    The folder is enough where a name begins with that of its file, as all do but those of files
    whose names are no text. These are written with a backslash, and so is each letter beyond ASCII
    in `told`, the JSON of the names: most folders have none.
    """
    if folder and "\\" not in told:
        return json.dumps(folder)
    inside = [files[name] for name in names]
    if folder and all(map(str.startswith, names, inside)):
        return json.dumps(folder)
    return json.dumps([os.path.join(folder, file) for file in inside])  # noqa: PTH118  # URLs, too


def _paths(names: str, places: str) -> Iterator[tuple[str, str]]:
    """Yield name and path of each met photo."""
    every, where = json.loads(names), json.loads(places)
    if isinstance(where, list):
        yield from zip(every, where, strict=True)
        return
    for name in every:
        file = name.rsplit("|", 2)[0]
        yield name, os.path.join(where, file)  # noqa: PTH118  # as `_places` joins


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
    catalogue.connection.execute("CREATE TEMP TABLE met (body, names, places)")
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

"""The library of defect maps and evidence: one map and one folder of evidence per body.

Never reads photos, and never drops a person's decision about a defect.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from ..atomic import hold, write_error
from ..errors import MapFormatError, SensorMismatchError
from ..frame import UNKNOWN, Sensor
from . import read_map, write_map
from .catalogue import NAME as CATALOGUE
from .catalogue import opened
from .merging import Adoption, adopted, with_marks_of
from .records import Defect, DefectMap, DetectionSummary

if TYPE_CHECKING:
    from filelock import BaseFileLock

ENVIRONMENT_VARIABLE = "STILLPIX_LIBRARY"
SUFFIX = ".stillpix.json"
STATE_NAME = "evidence.json"  # in the folder of a body's evidence; written last
LOCK_WAIT_S = 60.0
FIELD_BYTES = 36  # of make, model and serial in a file name; most systems allow 255 for all


def library_root() -> Path:
    """Return the folder of the user's library: $STILLPIX_LIBRARY, or the system's place for it."""
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    return Path(named).expanduser() if named else platformdirs.user_data_path("stillpix")


def body_name(sensor: Sensor) -> str:
    """Return a file name for one body at one size: readable, safe, and never another's.

    Letters and digits of any script and hyphens stay, a space becomes an underscore. Where
    anything else had to go, or only case tells two bodies apart, a short hash is added.

    >>> body_name(Sensor("NIKON CORPORATION", "NIKON D3200", "8964244", 3008, 2000))
    'NIKON_CORPORATION__NIKON_D3200__8964244__3008x2000__rendered'
    >>> body_name(Sensor("SONY", "../ILCE-7M3", "unknown", 6000, 4000))
    'SONY__-ILCE-7M3__unknown__6000x4000__rendered__bea50b194a'
    >>> body_name(Sensor("HTC", "M8", "unknown", 2688, 1520, which="3.8 mm"))
    'HTC__M8__unknown__3-8_mm__2688x1520__rendered__c80563fa55'
    """
    fields = (sensor.make, sensor.model, sensor.serial, *filter(None, [sensor.which]))
    short = sensor.in_folder(os.path.basename(sensor.folder)).which  # noqa: PTH119  # of any system
    shown = (*fields[:3], *filter(None, [short]))
    parts = [*map(_readable, shown), f"{sensor.width}x{sensor.height}", sensor.layout]
    # File systems of macOS and Windows take "Canon" and "CANON" for one name: a name can go
    # without its hash only where it is spelled the one way that needs none.
    plain = (_spelled_plainly(field) for field in fields)
    kept = (part.replace("_", " ") == field for part, field in zip(parts, fields, strict=False))
    if not (all(plain) and all(kept)):
        spelled = "\0".join(fields).encode("utf-8", errors="surrogatepass")
        parts.append(hashlib.sha256(spelled).hexdigest()[:10])
    return "__".join(parts)


class Library:
    """The maps and the evidence of every body a person has photos of.

    >>> import tempfile
    >>> sensor = Sensor("NIKON CORPORATION", "NIKON D3200", "8964244", 3008, 2000)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     library = Library(folder)
    ...     with library.lock(sensor):
    ...         saved = library.save(DefectMap(sensor, (Defect(x=2797, y=791, kind="hot"),)))
    ...     [(path.name, len(found)) for path, found in library.maps()]
    [('NIKON_CORPORATION__NIKON_D3200__8964244__3008x2000__rendered.stillpix.json', 1)]
    """

    def __init__(
        self, root: str | os.PathLike[str] | None = None, *, lock_wait_s: float = LOCK_WAIT_S
    ) -> None:
        self.root = library_root() if root is None else Path(root)
        self.lock_wait_s = lock_wait_s
        self._locks: dict[str, BaseFileLock] = {}

    def map_path(self, sensor: Sensor) -> Path:
        """Return where a body's map is kept, whether there is one or not."""
        return self.root / "maps" / (body_name(sensor) + SUFFIX)

    def evidence_path(self, sensor: Sensor) -> Path:
        """Return the folder for a body's saved evidence, whether it exists or not."""
        return self.root / "evidence" / body_name(sensor)

    @property
    def catalogue_path(self) -> Path:
        """Return the file of the catalogue of all photos, whether it exists or not."""
        return self.root / CATALOGUE

    def stamp_of(self, sensor: Sensor) -> str | None:
        """Return what changes whenever a body's evidence is saved; None where there is none."""
        try:
            status = (self.evidence_path(sensor) / STATE_NAME).stat()
        except OSError:
            return None
        return f"{status.st_size} {status.st_mtime_ns}"

    def told_path(self, sensor: Sensor) -> Path:
        """Return the file of the broken pixels that `stillpix watch` told of."""
        return self.root / "watched" / (body_name(sensor) + ".json")

    def maps(
        self, report: Callable[[MapFormatError], None] | None = None
    ) -> list[tuple[Path, DefectMap]]:
        """Return every map in the library, in the order of their file names.

        A damaged map is handed to `report` (or becomes a Python warning), and the others are
        returned all the same.
        """
        found = []
        for path in sorted((self.root / "maps").glob("*" + SUFFIX)):
            try:
                found.append((path, read_map(path)))
            except MapFormatError as error:
                if report is None:
                    warnings.warn(str(error), stacklevel=2)
                else:
                    report(error)
        return found

    def find(self, sensor: Sensor) -> DefectMap | None:
        """Return a body's map, or None where there is none yet.

        Raises:
            MapFormatError: there is one, but it is damaged or from a newer stillpix.
            SensorMismatchError: another body's map is in its place.
        """
        return map_at(self.map_path(sensor), sensor)

    def nearest(self, sensor: Sensor) -> DefectMap | None:
        """Return a body's map; of a nameless camera also that of a folder above its own.

        Raises what `find` raises.
        """
        found = self.find(sensor)
        above = Path(sensor.folder).parents if sensor.folder else ()
        for folder in above if found is None else ():
            found = found or self.find(sensor.in_folder(str(folder)))
        return found

    def save(self, defect_map: DefectMap) -> DefectMap:
        """Keep a body's map and return what was kept: the new finds and a person's old marks.

        Raises what `save_map` raises, and LibraryBusyError where another stillpix has held this
        body's lock for too long.
        """
        with self.lock(defect_map.sensor):
            path = self.map_path(defect_map.sensor)
            _make_folder(path.parent)
            return save_map(defect_map, path)

    def adopt(
        self, sensor: Sensor, listed: Iterable[Defect], *, accept_rejected: bool = False
    ) -> Adoption:
        """Add another program's defects to a body's map, as accepted by a person.

        Raises what `adopt_into` raises, and LibraryBusyError where another stillpix has held this
        body's lock for too long.
        """
        with self.lock(sensor):
            path = self.map_path(sensor)
            _make_folder(path.parent)
            return adopt_into(path, sensor, listed, accept_rejected=accept_rejected)

    def forget(self, sensor: Sensor) -> None:
        """Delete a body's map and evidence; its lock is the caller's."""
        try:
            self.map_path(sensor).unlink(missing_ok=True)
            self.told_path(sensor).unlink(missing_ok=True)
            if self.catalogue_path.exists():
                with suppress(sqlite3.Error), opened(self.catalogue_path) as catalogue:
                    catalogue.forget(sensor)
        except OSError as error:
            raise write_error(self.map_path(sensor), error) from error
        self.clean(sensor)

    def clean(self, sensor: Sensor) -> None:
        """Delete a body's evidence and keep its map; its lock is the caller's."""
        folder = self.evidence_path(sensor)
        try:
            if folder.exists():
                shutil.rmtree(folder)
        except OSError as error:
            raise write_error(folder, error) from error

    @contextmanager
    def lock(self, sensor: Sensor, *, wait_s: float | None = None) -> Iterator[None]:
        """Keep every other stillpix from a body's map and evidence while the block runs.

        The same library may take it again inside the block, in the same thread. A lock ends
        with its process, however that ends.

        Raises:
            LibraryBusyError: another program has held it for `wait_s` seconds.
        """
        from filelock import FileLock

        name = body_name(sensor)
        folder = self.root / "locks"
        _make_folder(folder)
        lock = self._locks.setdefault(name, FileLock(folder / f"{name}.lock", mode=0o666))
        wait_s = self.lock_wait_s if wait_s is None else wait_s
        with hold(lock, sensor.name, wait_s=wait_s):
            yield


def fullest_first(maps: Iterable[tuple[Path, DefectMap]]) -> list[tuple[Path, DefectMap]]:
    """Return maps by their number of broken pixels, and of photos; the largest first."""

    def size(each: tuple[Path, DefectMap]) -> tuple[int, int]:
        return len(each[1].in_state("confirmed", "accepted")), each[1].evidence.photos

    return sorted(maps, key=size, reverse=True)


def adopt_into(
    path: Path, sensor: Sensor, listed: Iterable[Defect], *, accept_rejected: bool = False
) -> Adoption:
    """Add a list's defects to the map of a body that a file holds; without a file, to a new map.

    Raises what `map_at` raises, and WriteError where the map cannot be written.
    """
    new = DefectMap(sensor, detection=DetectionSummary(method="imported"))
    before = map_at(path, sensor)
    adoption = adopted(new if before is None else before, listed, accept_rejected=accept_rejected)
    write_map(adoption.map, path)
    return adoption


def save_map(defect_map: DefectMap, path: Path) -> DefectMap:
    """Write a map over the same body's earlier one and return it: a person's marks are kept.

    Raises:
        WriteError: the disk is full, ...; the old map is untouched.
        MapFormatError: what is there is no map, damaged or from a newer stillpix: not replaced.
        SensorMismatchError: what is there is another body's map: not replaced.
    """
    previous = map_at(path, defect_map.sensor)
    kept = defect_map if previous is None else with_marks_of(previous, defect_map)
    write_map(kept, path)
    return kept


def map_at(path: Path, sensor: Sensor) -> DefectMap | None:
    """Return the map of a body that a file holds, or None where there is no such file.

    Raises:
        MapFormatError: what is there is no map, damaged or from a newer stillpix.
        SensorMismatchError: what is there is another body's map.
    """
    if not os.path.exists(path):  # noqa: PTH110  # Path.exists raises where this is False
        return None
    found = read_map(path)
    if not found.sensor.is_alike(sensor):
        raise SensorMismatchError(
            f"{path}: is the map of {found.sensor.name}, not of {sensor.name}; move it away"
        )
    return found


def _spelled_plainly(field: str) -> bool:
    folded = field.casefold()
    return field == (UNKNOWN if folded == UNKNOWN else folded.upper())


def _readable(field: str) -> str:
    """Return the part of a field that every file system can hold, as far as it goes."""
    composed = unicodedata.normalize("NFC", " ".join(field.split()))
    letters = "".join(
        mark if mark in " -" or unicodedata.category(mark)[0] in "LMN" else "-" for mark in composed
    )
    words = " ".join(letters.split()).replace(" ", "_")
    cut = words.encode("utf-8")[:FIELD_BYTES].decode("utf-8", errors="ignore")
    while "--" in cut:
        cut = cut.replace("--", "-")
    return cut or "-"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error

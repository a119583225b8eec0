"""The catalogue of a library: one SQLite table of all photos that its evidence holds.

It tells at once which files are known, and of which camera, without reading them. It holds nothing
that is not elsewhere, but for what the heads of files said: where it is missing, damaged, or older
than the evidence of a camera, files are read as if there were none, and it is made anew.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from ..frame import Sensor, sensor_of

NAME = "catalogue.sqlite"
VERSION = 1
WAIT_S = 30.0  # for another stillpix that writes to it
CACHE_KB = 32_000  # of the file, in memory
SCHEMA = """
CREATE TABLE bodies (
  number INTEGER PRIMARY KEY, facts TEXT NOT NULL UNIQUE, form TEXT NOT NULL, stamp TEXT NOT NULL
);
CREATE TABLE photos (
  name TEXT PRIMARY KEY, body INTEGER NOT NULL, digest TEXT, taken TEXT,
  period TEXT GENERATED ALWAYS AS (substr(taken, 1, 7)) VIRTUAL,
  exposure_s REAL, gain REAL, counted INTEGER, signature INTEGER,
  head INTEGER NOT NULL, lens TEXT, focal_mm REAL
) WITHOUT ROWID;
CREATE INDEX signatures ON photos (body) WHERE signature IS NOT NULL;
"""
KEEP = """
INSERT INTO photos
  (name, body, digest, taken, exposure_s, gain, counted, head, lens, focal_mm)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET
  digest = excluded.digest, taken = excluded.taken, exposure_s = excluded.exposure_s,
  gain = excluded.gain, counted = excluded.counted,
  head = CASE WHEN body = excluded.body THEN max(head, excluded.head) ELSE excluded.head END,
  lens = CASE WHEN excluded.head THEN excluded.lens ELSE lens END,
  focal_mm = CASE WHEN excluded.head THEN excluded.focal_mm ELSE focal_mm END,
  body = excluded.body
WHERE body != excluded.body OR head < excluded.head OR digest IS NOT excluded.digest
  OR counted IS NOT excluded.counted
"""
# The photos among the names of a JSON array: one statement asks for a thousand of them.
AMONG = "FROM json_each(?) CROSS JOIN photos ON name = value WHERE true"


class CataloguedPhoto(NamedTuple):
    """What the catalogue holds of one picture; `name` tells its unchanged file."""

    name: str
    digest: str | None
    taken: str | None  # in the camera's time, as 2026-07-01 12:00:00
    exposure_s: float | None
    gain: float | None
    counted: bool | None  # False: it repeats another one
    head: bool = False  # what follows is known: its file names all that `find` asks of its head
    lens: str | None = None
    focal_mm: float | None = None


class CataloguedBody(NamedTuple):
    """A camera in the catalogue."""

    number: int
    sensor: Sensor
    form: str  # the format of its files
    stamp: str  # of the evidence that its rows are of


class Catalogue:
    """The catalogue in one file; every method may raise `sqlite3.Error`.

    >>> import tempfile
    >>> sensor = Sensor("NIKON CORPORATION", "NIKON D3200", "8964244", 3008, 2000)
    >>> photo = CataloguedPhoto("a.jpg|7|1", "12ab", "2026-07-01 12:00:00", 0.01, 1.0, True, True)
    >>> with tempfile.TemporaryDirectory() as folder, opened(Path(folder, NAME)) as catalogue:
    ...     catalogue.keep(sensor, "jpeg", "stamp", [photo])
    ...     found = list(catalogue.known(["a.jpg|7|1", "b.jpg|7|1"]))
    ...     found, catalogue.bodies()[0].stamp
    ([(1, ['a.jpg|7|1'], '["a.jpg|7|1"]')], 'stamp')
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A page of watch or of a server may end in another thread than it began in.
        self.connection = sqlite3.connect(
            path, timeout=WAIT_S, check_same_thread=False, isolation_level=None
        )
        with self.writing("IMMEDIATE"):
            (version,) = self.connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, VERSION):
                raise sqlite3.DatabaseError(f"it is of version {version}")
            if version == 0:
                for statement in SCHEMA.split(";"):
                    self.connection.execute(statement)
                self.connection.execute(f"PRAGMA user_version = {VERSION}")
        self.connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")

    def bodies(self) -> list[CataloguedBody]:
        """Return all cameras."""
        rows = self.connection.execute("SELECT number, facts, form, stamp FROM bodies")
        return [
            CataloguedBody(number, sensor_of(json.loads(facts)), form, stamp)
            for number, facts, form, stamp in rows
        ]

    def stamp_of(self, sensor: Sensor) -> str | None:
        """Return the stamp of the evidence that a camera's rows are of; None: it has no rows."""
        asked = self.connection.execute("SELECT stamp FROM bodies WHERE facts = ?", [_told(sensor)])
        row = asked.fetchone()
        return row and str(row[0])

    def keep(
        self, sensor: Sensor, form: str, stamp: str, photos: Iterable[CataloguedPhoto], *,
        only: Collection[str] | None = None, signatures: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        """Add photos of a camera, of which others stay, but for those not among `only`.

        `signatures` tells the places of the signatures that are kept, by photo.
        """
        with self.writing("IMMEDIATE"):
            number = self._number_of(sensor, form, stamp)
            if only is not None:
                kept = self.connection.execute("SELECT name FROM photos WHERE body = ?", [number])
                gone = [(name,) for (name,) in kept if name not in only]
                self.connection.executemany("DELETE FROM photos WHERE name = ?", gone)
            self.connection.executemany(KEEP, ((each.name, number, *each[1:]) for each in photos))
            clear = "UPDATE photos SET signature = NULL WHERE body = ? AND signature IS NOT NULL"
            self.connection.execute(clear, [number])
            self.connection.executemany(
                "UPDATE photos SET signature = ? WHERE name = ? AND body = ?",
                ((place, name, number) for name, place in (signatures or {}).items()),
            )

    def known(self, names: list[str]) -> Iterator[tuple[int, list[str], str]]:
        """Yield those of some files' names whose heads are known, as they are and as JSON.

        Before them stands the number of their camera. No name may stand among `names` twice.
        """
        told = json.dumps(names)
        counted = f"SELECT min(body), max(body), count(*) {AMONG} AND head"
        least, most, number = self.connection.execute(counted, [told]).fetchone()
        if number == len(names) and least == most:
            yield least, names, told
            return
        of_body: dict[int, list[str]] = {}
        if number:
            asked = self.connection.execute(f"SELECT body, name {AMONG} AND head", [told])
            for body, name in asked:
                of_body.setdefault(body, []).append(name)
        for body, some in of_body.items():
            yield body, some, json.dumps(some)

    def dated(self, names: str) -> Iterator[tuple[str]]:
        """Yield those names of files, as JSON, that have a date."""
        yield from self.connection.execute(f"SELECT name {AMONG} AND taken NOT NULL", [names])

    def focal_lengths(self, names: str) -> Iterator[tuple[str, float, float]]:
        """Yield the lenses of files, as JSON, with their shortest and longest focal length, mm."""
        yield from self.connection.execute(
            "SELECT ifnull(lens, ''), min(focal_mm), max(focal_mm) "
            f"{AMONG} AND focal_mm NOT NULL GROUP BY lens", [names],
        )  # fmt: skip

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Yield all photos by name, with their camera's facts instead of its number."""
        yield from self.connection.execute(
            "SELECT name, facts, digest, taken, period, exposure_s, gain, counted, signature, "
            "lens, focal_mm FROM photos JOIN bodies ON body = number ORDER BY name"
        )

    def forget(self, sensor: Sensor) -> None:
        """Delete a camera and its photos."""
        with self.writing("IMMEDIATE"):
            asked = "SELECT number FROM bodies WHERE facts = ?"
            for (number,) in self.connection.execute(asked, [_told(sensor)]).fetchall():
                self.connection.execute("DELETE FROM photos WHERE body = ?", [number])
                self.connection.execute("DELETE FROM bodies WHERE number = ?", [number])

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def _number_of(self, sensor: Sensor, form: str, stamp: str) -> int:
        self.connection.execute(
            "INSERT INTO bodies (facts, form, stamp) VALUES (?, ?, ?) "
            "ON CONFLICT (facts) DO UPDATE SET form = excluded.form, stamp = excluded.stamp",
            [_told(sensor), form, stamp],
        )
        asked = "SELECT number FROM bodies WHERE facts = ?"
        (number,) = self.connection.execute(asked, [_told(sensor)]).fetchone()
        return int(number)

    @contextmanager
    def writing(self, how: str = "DEFERRED") -> Iterator[None]:
        """Keep all that the block writes, or nothing; IMMEDIATE waits for others who write."""
        with self.connection:
            self.connection.execute(f"BEGIN {how}")
            yield


@contextmanager
def opened(path: Path) -> Iterator[Catalogue]:
    """Open a catalogue, and make it anew where it is damaged: it holds nothing that is lost."""
    try:
        catalogue = Catalogue(path)
    except sqlite3.OperationalError:  # locked, read-only, full
        raise
    except sqlite3.DatabaseError:
        with suppress(OSError):
            path.unlink()
        catalogue = Catalogue(path)
    try:
        yield catalogue
    finally:
        catalogue.close()


def _told(sensor: Sensor) -> str:
    return json.dumps(sensor.facts, sort_keys=True)

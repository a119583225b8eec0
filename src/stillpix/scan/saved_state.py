"""The saved results of earlier scans of a body: locks them, loads them, and saves them again.

Never loses a file that it cannot use: it sets the file aside, and reports it.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import gettempdir

from ..atomic import replacing_folder, set_aside, settled_folder
from ..errors import (
    LibraryBusyError,
    MapFormatError,
    SensorMismatchError,
    StateFormatError,
    WriteError,
)
from ..evidence.evidence import Evidence
from ..evidence.room import LARGE, Room
from ..evidence.sightings import LOG_NAME, Sightings
from ..evidence.spots import SPOTS_NAME, Spotted
from ..maps.catalogue import opened
from ..maps.fields import Fields
from ..maps.lens_laws import LensLaw
from ..maps.library import Library
from ..maps.map_file import law_object, laws_from
from ..maps.records import DefectMap
from .body import LAWS_NAME, Body
from .cataloguing import note_in

LOCK_POLL_S = 0.5  # how often, while another find has the body, a Ctrl-C is looked for


class SavedState:
    """One body's part of the library; without a library nothing is found and nothing kept."""

    def __init__(self, library: Library | None, body: Body) -> None:
        self.library, self.body, self.sensor = library, body, body.sensor
        self.troubles = body.outcome.troubles
        self._stamp: str | None = None  # of the evidence that was found

    def lock(self, stack: ExitStack) -> bool:
        """Take the body's lock; False where the scan was stopped while another find had it."""
        if self.library is None:
            return not self.body.watch.stop()
        wait_s = 0.0
        while not self.body.watch.stop():
            try:
                stack.enter_context(self.library.lock(self.sensor, wait_s=wait_s))
            except LibraryBusyError:
                if not wait_s:
                    self.body.watch.message(
                        f"{self.sensor.name}: another stillpix is adding photos of this camera; "
                        "waiting for it to end"
                    )
                wait_s = LOCK_POLL_S
            else:
                return True
        return False

    def evidence(self) -> Evidence:
        """Return the evidence of earlier scans, or a new one if there is none that can be used.

        Evidence that cannot be used is put aside, not lost: a newer stillpix may have written it.
        """
        evidence = Evidence(self.sensor)
        if self.sensor.width * self.sensor.height >= LARGE:
            root = Path(gettempdir()) if self.library is None else self.library.root
            evidence.periods.room = Room(root, or_memory=True)
        if self.library is None:
            return evidence
        folder = settled_folder(self.library.evidence_path(self.sensor))
        self._stamp = self.library.stamp_of(self.sensor)
        if folder.exists():
            try:
                return Evidence.load(folder, self.sensor, evidence.periods.room)
            except StateFormatError as error:
                aside = set_aside(folder)
                self.troubles.append(f"{error}, from these photos only; the old one is now {aside}")
        return evidence

    def log(self) -> Sightings:
        """Return the log of earlier scans: the values of each photo at the places of the map."""
        if self.library is None:
            return Sightings(self.sensor)
        try:
            return Sightings.load(self.library.evidence_path(self.sensor) / LOG_NAME, self.sensor)
        except StateFormatError as error:
            self.troubles.append(f"{error}, from the photos that are at hand")
            return Sightings(self.sensor)

    def spotted(self) -> Spotted:
        """Return the spots of earlier scans."""
        if self.library is None:
            return Spotted()
        try:
            return Spotted.load(self.library.evidence_path(self.sensor) / SPOTS_NAME)
        except StateFormatError as error:
            self.troubles.append(f"{error}, from these photos only")
            return Spotted()

    def laws(self) -> tuple[tuple[LensLaw, ...], int]:
        """Return the laws by which the evidence of earlier scans was laid back.

        And of how many photos it was last asked whether places move. Raises StateFormatError:
        without the laws the evidence cannot be used.
        """
        path = self.library and self.library.evidence_path(self.sensor) / LAWS_NAME
        if not path or not path.exists():
            return (), 0
        try:
            told = Fields(str(path), "", json.loads(path.read_text(encoding="utf-8")))
            return laws_from(told), told.whole("tried", 0, default=0)
        except (OSError, ValueError, MapFormatError) as error:
            reason = f"{path}: cannot be used ({error}); move {path.parent} away and run again"
            raise StateFormatError(reason) from error

    def map(self) -> DefectMap | None:
        """Return the body's map before this scan; one that cannot be read is reported later."""
        try:
            return self.library.find(self.sensor) if self.library else None
        except (MapFormatError, SensorMismatchError):
            return None

    def tell_of_earlier_map(self) -> None:
        """Tell of a map that was made when this sensor was not told from others of its body."""
        earlier = replace(self.sensor, which="")
        if self.library and self.sensor.which and self.library.map_path(earlier).exists():
            self.body.watch.message(
                f"{self.sensor.name}: the map of {earlier.name} was made before stillpix told this "
                "sensor from others; it stays in the library, and the new map begins without it"
            )

    def keep_evidence(self) -> None:
        """Keep the evidence and the log, in the place of the old ones."""
        if self.library is None:
            return
        try:
            with replacing_folder(self.library.evidence_path(self.sensor)) as beside:
                self.body.evidence.save(beside)
                self.body.log.save(beside / LOG_NAME)
                if self.body.spotted.photos:
                    self.body.spotted.save(beside / SPOTS_NAME)
                if self.body.laws or self.body.tried:
                    laws = [law_object(law) for law in self.body.laws]
                    told = {"laws": laws, "tried": self.body.tried}
                    (beside / LAWS_NAME).write_text(json.dumps(told), encoding="utf-8")
        except WriteError as error:
            self.troubles.append(
                f"{error} (the evidence of {self.sensor.name} was not kept: the next find reads "
                "these photos again)"
            )

    def keep_catalogue(self, form: str) -> None:
        """Note in the catalogue which photos the evidence holds; `form` is their files' format."""
        stamp = None if self.library is None else self.library.stamp_of(self.sensor)
        if self.library is None or stamp is None:
            return
        try:
            with opened(self.library.catalogue_path) as catalogue:
                note_in(catalogue, self.body, form, stamp, self._stamp)
        except (sqlite3.Error, OSError) as error:
            self.troubles.append(
                f"{self.library.catalogue_path}: could not be written ({error}); if it happens "
                "again, delete it: the next find makes it anew"
            )

    def keep_log(self) -> None:
        """Keep only the log, beside the evidence that was kept before."""
        if self.library is None:
            return
        folder = self.library.evidence_path(self.sensor)
        if not folder.is_dir():  # the evidence could not be kept, and that was told
            return
        try:
            self.body.log.save(folder / LOG_NAME)
        except WriteError as error:
            self.troubles.append(
                f"{error} (the log of dates of {self.sensor.name} was not kept: the next find "
                "reads these photos again)"
            )

    def keep_map(self, found: DefectMap) -> None:
        """Keep the map, with a person's decisions from the old one."""
        if self.library is None:
            return
        path, outcome = self.library.map_path(self.sensor), self.body.outcome
        try:
            outcome.map = self.library.save(found)
            outcome.path = path
        except WriteError as error:
            self.troubles.append(f"{error} (the map of {self.sensor.name} was not kept)")
        except (MapFormatError, SensorMismatchError) as error:
            self.troubles.append(
                f"the new map of {self.sensor.name} was not kept, because the old one must not be "
                f"lost ({error}); or move {path.name} away and run again: no photo is "
                "read twice"
            )

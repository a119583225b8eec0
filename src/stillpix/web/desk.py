"""All the state of one server: opened folders, jobs, maps, decoded photos.

Never touches the network.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..errors import MapFormatError, ReadError
from ..frame import Sensor
from ..images import FORMATS, read_colour
from ..maps.library import Library, body_name
from ..maps.records import DefectMap
from ..report import Report, page_of, section_of
from ..report.reasons import KINDS
from ..restoration import RepairedFile
from .documents import brief_document, folder_document, map_document, map_id
from .folders import DEMO, DROPPED, Folders, Photo, Uploads, folder_at
from .jobs import Job, Jobs
from .journal import Journal
from .judging import Judge
from .photos import PhotoCache, Picture, Shown, quick_thumbnail, thumbnail
from .places import Recent
from .refusal import Refused
from .runs import open_folder, repaired, repaired_pixels, take_demo_photos
from .sights import Ending, Gallery, Sights

REPAIRED_KEPT = 3  # files of repaired photos


class Desk:
    """The state of one server, shared by all its tabs."""

    def __init__(self, library: Library | None = None, camera: str | None = None) -> None:
        self.library = library or Library()
        self.camera = camera  # the name of the camera in photos that do not name it
        self.journal = Journal()
        self.jobs = Jobs(self.journal)
        self.folders = Folders()
        self.uploads = Uploads()
        self.photos = PhotoCache()
        self.judge = Judge(self.library)
        self.recent = Recent(self.library)
        self._closing = threading.Event()
        self._gallery = Gallery(self.library, self._closing.is_set, self._note_failed)
        self._repaired: OrderedDict[str, RepairedFile] = OrderedDict()
        self._repairing = threading.Lock()
        self._read: dict[Path, tuple[tuple[int, int, int], DefectMap | None]] = {}

    def close(self) -> None:
        """End what runs, in good order, and remove what was dropped."""
        self._closing.set()
        self.journal.close()
        self.jobs.close()
        self.uploads.close()

    def open(self, path: str) -> Job:
        """Begin to look for the photos of a folder."""
        root = folder_at(path)
        self.recent.add(root)
        return self._open(root, str(root))

    def open_dropped(self) -> Job:
        """Begin to look at what was dropped on the page."""
        return self._open(self.uploads.root, DROPPED)

    def open_demo(self) -> Job:
        """Begin to take photos with a simulated camera, and to look at them."""
        return self._open(self.uploads.demo, DEMO, before=take_demo_photos)

    def _open(
        self, root: Path, title: str, before: Callable[[Job, Path], None] | None = None
    ) -> Job:
        def work(job: Job) -> Any:
            try:
                if before is not None:
                    before(job, root)
                return open_folder(job, self.folders, root, title, self.camera)
            finally:
                self.journal.tell("folders", {})

        return self.jobs.start("open", title, work)

    def state(self) -> dict[str, Any]:
        """Return what a page shows first; events from its version on tell the rest."""
        at = self.journal.version
        troubles: list[MapFormatError] = []
        maps = self._maps(troubles)
        return {
            "version": at,
            "stillpix": version("stillpix"),
            "library": str(self.library.root),
            "folders": [folder_document(folder) for folder in self.folders.all()],
            "maps": [
                brief_document(sensor, found, len(self.folders.photos_of(sensor)))
                for sensor, found in maps.values()
            ],
            "jobs": self.jobs.summaries(),
            "troubles": [str(trouble) for trouble in troubles],
            "upload_limit": self.uploads.most_bytes,
            "recent": self.recent.all(),
            "kinds": dict(KINDS),  # what each kind means
            "suffixes": sorted(
                {suffix for form in FORMATS if not form.is_clip for suffix in form.suffixes}
            ),
        }

    def _maps(self, troubles: list[MapFormatError]) -> dict[str, tuple[Sensor, DefectMap | None]]:
        """Return the sensors of the opened photos, then the library's, each with its map."""
        found: dict[str, tuple[Sensor, DefectMap | None]] = {
            body_name(sensor): (sensor, None) for sensor in self.folders.sensors()
        }
        for _, kept in self.library.maps(report=troubles.append):
            found[body_name(kept.sensor)] = (kept.sensor, kept)
        return found

    def sensor(self, asked: str) -> Sensor:
        """Return the sensor of a map's id; raise Refused (404) where there is none."""
        for sensor in self.folders.sensors():
            if map_id(sensor) == asked:
                return sensor
        for _, found in self.library.maps(report=lambda _: None):
            if map_id(found.sensor) == asked:
                return found.sensor
        raise Refused(404, "there is no such map; /api/state lists the maps")

    def found(self, sensor: Sensor) -> DefectMap | None:
        """Return a body's map; a file that has not changed is not read again."""
        path = self.library.map_path(sensor)
        try:
            status = path.stat()
        except OSError:
            return self.library.find(sensor)
        mark = (status.st_ino, status.st_size, status.st_mtime_ns)
        kept = self._read.get(path)
        if kept is None or kept[0] != mark:
            kept = (mark, self.library.find(sensor))
            self._read[path] = kept
        return kept[1]

    def map(self, sensor: Sensor) -> dict[str, Any]:
        """Return a map with all its defects."""
        found, photos = self.found(sensor), len(self.folders.photos_of(sensor))
        return map_document(found, sensor, photos, self.judge.depth(sensor))

    def map_changed(self, sensor: Sensor, x: int, y: int) -> None:
        """Let every tab know that a map is another now, and where."""
        self.journal.tell("map", {"map": map_id(sensor), "x": x, "y": y})

    def sights(self, sensor: Sensor) -> tuple[DefectMap, Sights]:
        """Return a map, and the photos that show its defects; reads them where they are new."""
        found = self.found(sensor)
        if found is None:
            raise Refused(404, "there is no map of this camera yet; run find on its photos")
        photos = self.folders.photos_within(sensor)
        return found, self._gallery.of(map_id(sensor), found, photos)

    def kept_sights(self, sensor: Sensor) -> Sights:
        """Return the sights of a map that was looked at; those of another are made."""
        return self._gallery.kept(map_id(sensor)) or self.sights(sensor)[1]

    def report(self, sensor: Sensor) -> str:
        """Return the report of a map, with pictures from its opened photos."""
        found = self.found(sensor)
        if found is None:
            raise Refused(404, "there is no map of this camera yet; run find on its photos")
        subject = self._gallery.subject(found, self.folders.photos_within(sensor))
        section = section_of(subject, watch=Ending(self._closing.is_set))
        return page_of(Report([section]), date.today())  # the reader's own calendar

    def thumbnail(self, photo: Photo) -> Picture:
        """Return a photo, small; raise Refused where it cannot be shown."""
        small = quick_thumbnail(photo.header)
        return small if small is not None else thumbnail(self.shown(photo))

    def _note_failed(self, photo: Photo, reason: str) -> None:
        self.photos.note_failed(photo.id, reason)

    def shown(self, photo: Photo) -> Shown:
        """Return a photo's pixels as they are shown; raise Refused where that cannot be."""
        try:
            return self.photos.shown(photo.id, photo.header, read_colour)
        except ReadError as error:
            raise Refused(422, f"{photo.name}: {error.reason}") from error

    def repaired(self, photo: Photo) -> RepairedFile:
        """Return a photo's repaired file, by the map as it is now; those asked for last are kept.

        Raises:
            ReadError: the photo cannot be read, or not be written back.
            SensorMismatchError: the library has no map for it.
        """
        key = self._repaired_key(photo)
        with self._repairing:
            if key not in self._repaired:
                self._repaired[key] = repaired(photo.header, self.library)
                while len(self._repaired) > REPAIRED_KEPT:
                    self._repaired.popitem(last=False)
            return self._repaired[key]

    def shown_repaired(self, photo: Photo) -> Shown:
        """Return a repaired photo's pixels as they are shown; raise Refused where it cannot be."""
        try:
            return self.photos.shown(
                f"{self._repaired_key(photo)} repaired",
                photo.header,
                lambda header: repaired_pixels(header, self.repaired(photo)),
            )
        except ReadError as error:
            raise Refused(422, f"{photo.name}: {error.reason}") from error

    def _repaired_key(self, photo: Photo) -> str:
        found = self.found(photo.header.sensor)
        listed = found.in_state("confirmed", "accepted") if found is not None else ()
        return f"{photo.id} {hash(listed)}"

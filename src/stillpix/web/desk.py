"""All that one server has before it: opened folders, jobs, maps, decoded photos.

Never touches the network.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..defects import DefectMap
from ..errors import MapFormatError, ReadError
from ..frame import Sensor
from ..images import read_colour
from ..library import Library, body_name
from .documents import brief_document, folder_document, map_document, map_id
from .exports import format_names
from .folders import DROPPED, Folders, Photo, Uploads, folder_at
from .jobs import Job, Jobs
from .journal import Journal
from .judging import Judge
from .photos import Bytes, PhotoCache
from .refusal import Refused
from .runs import open_folder, repaired_pixels


class Desk:
    """The state of one server, shared by all its tabs."""

    def __init__(self, library: Library | None = None) -> None:
        self.library = library or Library()
        self.journal = Journal()
        self.jobs = Jobs(self.journal)
        self.folders = Folders()
        self.uploads = Uploads()
        self.photos = PhotoCache()
        self.judge = Judge(self.library)

    def close(self) -> None:
        """End what runs, in good order, and remove what was dropped."""
        self.journal.close()
        self.jobs.close()
        self.uploads.close()

    def open(self, path: str) -> Job:
        """Begin to look for the photos of a folder."""
        root = folder_at(path)
        return self._open(root, str(root))

    def open_dropped(self) -> Job:
        """Begin to look at what was dropped on the page."""
        return self._open(self.uploads.root, DROPPED)

    def _open(self, root: Path, title: str) -> Job:
        def work(job: Job) -> Any:
            try:
                return open_folder(job, self.folders, root, title)
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
            "formats": format_names(),
            "folders": [folder_document(folder) for folder in self.folders.all()],
            "maps": [
                brief_document(sensor, found, len(self.folders.photos_of(sensor)))
                for sensor, found in maps.values()
            ],
            "jobs": self.jobs.summaries(),
            "troubles": [str(trouble) for trouble in troubles],
            "upload_limit": self.uploads.most_bytes,
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
        raise Refused(404, "there is no such map; those there are stand in /api/state")

    def map(self, sensor: Sensor) -> dict[str, Any]:
        """Return a map with all its defects."""
        found, photos = self.library.find(sensor), len(self.folders.photos_of(sensor))
        return map_document(found, sensor, photos, self.judge.depth(sensor))

    def map_changed(self, sensor: Sensor, x: int, y: int) -> None:
        """Let every tab know that a map is another now, and where."""
        self.journal.tell("map", {"map": map_id(sensor), "x": x, "y": y})

    def shown(self, photo: Photo) -> Bytes:
        """Return a photo's pixels as they are shown; raise Refused where that cannot be."""
        try:
            return self.photos.shown(photo.id, photo.header, read_colour)
        except ReadError as error:
            raise Refused(422, f"{photo.name}: {error.reason}") from error

    def shown_repaired(self, photo: Photo) -> Bytes:
        """Return a repaired photo's pixels as they are shown, by the map as it is now."""
        found = self.library.find(photo.header.sensor)
        listed = found.in_state("confirmed", "accepted") if found is not None else ()
        key = f"{photo.id} repaired {hash(listed)}"
        try:
            return self.photos.shown(
                key, photo.header, lambda header: repaired_pixels(header, self.library)
            )
        except ReadError as error:
            raise Refused(422, f"{photo.name}: {error.reason}") from error

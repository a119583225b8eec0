"""The photos that show each defect of a map best and least, and why it is listed, for the page.

The report chooses and cuts them; nothing here does. Never reads a photo twice for the same defect.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from ..errors import ReadError, StateFormatError
from ..evidence.evidence import Evidence
from ..evidence.sightings import LOG_NAME, Sightings
from ..images import read_frame
from ..maps.library import Library
from ..maps.records import Defect, DefectMap
from ..report.choosing import AMONG_UNKNOWN, evenly
from ..report.pictures import of_crop, png_of
from ..report.reasons import clusters_by_place, reasons
from ..report.section import Crop, Detail, Subject, details_of
from ..scan.first_look import name_on_disk
from ..watch import Watch
from ..wording import picture_of
from .folders import Photo
from .judging import Spot, spot_of
from .refusal import Refused

MOST_SHOWN = 500  # defects of a map that are shown so, the most doubtful first
Contrast: TypeAlias = Literal["raised", "stored"]


@dataclass(slots=True)
class Sights:
    """What is at hand of one map: its defects' details, and the photos that they are cut from."""

    made_of: tuple[object, ...]  # photos and log: with others, all is made anew
    photos: Mapping[str, Photo]  # by digest
    details: dict[Spot, Detail] = field(default_factory=dict)


class Ending(Watch):
    """Ends the reading when the server ends."""

    def __init__(self, ends: Callable[[], bool]) -> None:
        self.stop = ends  # type: ignore[method-assign]  # a function is a method here


class Gallery:
    """The sights of all maps that were looked at; may be asked from several threads at once."""

    def __init__(
        self, library: Library, ends: Callable[[], bool], unreadable: Callable[[Photo, str], None]
    ) -> None:
        self._library, self._ends, self._unreadable = library, ends, unreadable
        self._kept: dict[str, Sights] = {}
        self._lock = threading.Lock()  # one at a time: each reads with all cores

    def of(self, map_id: str, found: DefectMap, photos: Sequence[Photo]) -> Sights:
        """Return a map's sights, reading photos for the defects that are new."""
        with self._lock:
            log_path = self._library.evidence_path(found.sensor) / LOG_NAME
            written = log_path.stat().st_mtime_ns if log_path.exists() else 0
            made_of = (written, *(photo.id for photo in photos))
            sights = self._kept.get(map_id)
            missing = _most_doubtful(found, {} if sights is None else sights.details)
            if sights is not None and sights.made_of == made_of and not missing:
                return sights
            log = self._log(found)
            if sights is None or sights.made_of != made_of:
                sights = Sights(made_of, dict(self._at_hand(log, photos)))
                missing = _most_doubtful(found, {})
            headers = {digest: photo.header for digest, photo in sights.photos.items()}
            subject = Subject(found, log=log, photos=headers)
            details, reading = details_of(subject, missing, watch=Ending(self._ends))
            for error in reading.failed:
                self._note_failed(error, photos)
            sights.details |= {spot_of(detail.defect): detail for detail in details}
            self._kept[map_id] = sights
            return sights

    def kept(self, map_id: str) -> Sights | None:
        """Return a map's sights as they were when they were asked for last."""
        return self._kept.get(map_id)

    def subject(self, found: DefectMap, photos: Sequence[Photo]) -> Subject:
        """Return what a report of a map stands on: its evidence, its log and the photos."""
        log, folder, notes = self._log(found), self._library.evidence_path(found.sensor), []
        evidence = None
        try:
            evidence = Evidence.load(folder, found.sensor) if folder.is_dir() else None
        except StateFormatError as error:
            notes.append(str(error))
        headers = {digest: photo.header for digest, photo in self._at_hand(log, photos)}
        return Subject(found, evidence, log, headers, notes=notes)

    def _log(self, found: DefectMap) -> Sightings:
        try:
            path = self._library.evidence_path(found.sensor) / LOG_NAME
            return Sightings.load(path, found.sensor)
        except StateFormatError:  # the photos themselves say as much, only slower
            return Sightings(found.sensor)

    def _at_hand(self, log: Sightings, photos: Sequence[Photo]) -> Iterator[tuple[str, Photo]]:
        """Yield the photos that the log knows; where these are few, some others, too."""
        digests = {photo.id: log.files.get(name_on_disk(photo.header)) for photo in photos}
        known = {digest: photo for photo in photos if (digest := digests[photo.id])}
        yield from known.items()
        others = {photo.id: photo for photo in photos if not digests[photo.id]}
        exposures = {key: photo.header.exposure for key, photo in others.items()}
        for key in evenly(list(others), exposures, AMONG_UNKNOWN - len(known)):
            if self._ends():
                return
            try:
                digest = read_frame(others[key].header).digest
            except ReadError as error:
                self._unreadable(others[key], error.reason)
                continue
            if digest not in known:
                yield digest, others[key]

    def _note_failed(self, error: ReadError, photos: Sequence[Photo]) -> None:
        for photo in photos:
            if str(photo.header.path) == error.path:
                self._unreadable(photo, error.reason)


def _most_doubtful(found: DefectMap, known: Mapping[Spot, Detail]) -> list[Defect]:
    """Return the defects that are to be shown and are not yet."""
    doubtful = sorted(found, key=lambda one: (-one.q, one.score))[:MOST_SHOWN]
    return [one for one in doubtful if spot_of(one) not in known]


def sights_document(found: DefectMap, sights: Sights) -> list[dict[str, Any]]:
    """Return each defect's reasons and crops as the page gets them."""
    first, clusters = found.evidence.first, clusters_by_place(found)
    return [
        {
            "x": defect.x,
            "y": defect.y,
            "along": defect.run.along if defect.run else None,
            "why": list(
                reasons(
                    defect,
                    found.detection.fdr,
                    first and first.date(),
                    picture=picture_of(found),
                    cluster=clusters.get((defect.x, defect.y), ()),
                )
            ),
            "crops": [
                {
                    "photo": sights.photos[crop.digest].id,
                    "name": sights.photos[crop.digest].name,
                    "exposure_s": crop.exposure.exposure_s,
                    "gain": crop.exposure.gain,
                    "shows": shows,
                    "excess": round(crop.excess, 1),
                }
                for shows, crop in _crops(sights.details.get(spot_of(defect)))
            ],
        }
        for defect in found
    ]


def crop_of(sights: Sights, spot: Spot, number: int, contrast: Contrast) -> bytes:
    """Return one crop as a PNG of a stored pixel each; raise Refused (404) where there is none."""
    crops = [crop for _, crop in _crops(sights.details.get(spot))]
    if number >= len(crops):
        raise Refused(404, "there is no such picture; /api/maps/ID/sights lists them")
    return png_of(of_crop(crops[number].cut, raised=contrast == "raised"), small=False)


def _crops(detail: Detail | None) -> Iterator[tuple[str, Crop]]:
    if detail is not None:
        yield from (("best", crop) for crop in detail.best)
        yield from (("least", crop) for crop in detail.least)

"""Folders, photos and maps as the page gets them: our records as JSON.

Never reads or writes a file.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ..frame import Sensor
from ..maps.lens_laws import law_for
from ..maps.library import body_name
from ..maps.records import Defect, DefectMap
from ..wording import remarks
from .exports import format_choices
from .folders import Folder, Photo

MOST_SKIPPED = 100  # files that are named with the reason; the others are counted
EXAMPLES = 8  # photos whose thumbnails are shown


def map_id(sensor: Sensor) -> str:
    """Return a short name for a body's map that is safe in any address.

    >>> map_id(Sensor("NIKON CORPORATION", "NIKON D3200", "8964244", 3008, 2000))
    'm6672eff453'
    """
    return "m" + blake2b(os.fsencode(body_name(sensor)), digest_size=5).hexdigest()


def photo_name(path: Path, root: Path) -> str:
    """Return a photo's name below its folder."""
    return os.path.relpath(path, root)


def folder_document(folder: Folder) -> dict[str, Any]:
    """Return an opened folder as the page gets it."""
    return {
        "id": folder.id,
        "title": folder.title,
        "path": str(folder.root),
        "photos": len(folder.photos),
        "bodies": [
            {"map": map_id(sensor), "name": sensor.name, "photos": len(headers)}
            for sensor, headers in folder.found.bodies.items()
        ],
        "not_used": len(folder.found.skipped),
        "skipped": [
            {"path": photo_name(Path(each.path), folder.root), "reason": each.reason}
            for each in folder.found.skipped[:MOST_SKIPPED]
        ],
        "examples": _examples(folder.photos),
        "notes": list(folder.found.warnings),
    }


def _examples(photos: list[Photo]) -> list[dict[str, str]]:
    """Return some photos, evenly over all, to recognise the folder by."""
    step = max(len(photos) / EXAMPLES, 1)
    chosen = [photos[int(n * step)] for n in range(min(EXAMPLES, len(photos)))]
    return [{"id": photo.id, "name": photo.name} for photo in chosen]


def photo_document(
    photo: Photo, trouble: str = "", found: DefectMap | None = None
) -> dict[str, Any]:
    """Return one photo as the page gets it; `trouble` says why it cannot be shown.

    `terms` say where the places of the map lie in it, as those of a LensLaw: null where they lie
    as in the map, empty where that is not known.
    """
    sensor, exposure = photo.header.sensor, photo.header.exposure
    return {
        "id": photo.id,
        "name": photo.name,
        "width": sensor.width,
        "height": sensor.height,
        "exposure_s": exposure.exposure_s,
        "gain": exposure.gain,
        "taken": exposure.taken.isoformat() if exposure.taken else None,
        "trouble": trouble,
        "terms": _terms_in(photo, found),
    }


def _terms_in(photo: Photo, found: DefectMap | None) -> list[float] | None:
    header = photo.header
    if found is None or not found.laws or header.sensor.is_mosaic:
        return None
    law = law_for(found.laws, header.lens, header.focal_mm)
    if law is None or header.focal_mm is None:
        return []
    return None if law.is_assumed else [float(each) for each in law.terms_at(header.focal_mm)]


def sensor_document(sensor: Sensor) -> dict[str, Any]:
    """Return a sensor as the page gets it."""
    return {
        "make": sensor.make,
        "model": sensor.model,
        "serial": sensor.serial,
        "which": sensor.which,
        "width": sensor.width,
        "height": sensor.height,
        "layout": sensor.layout,
    }


def brief_document(sensor: Sensor, found: DefectMap | None, photos: int) -> dict[str, Any]:
    """Return what a list of maps says of one; None: there is none yet."""
    counts = dict.fromkeys(("confirmed", "candidate", "accepted", "rejected"), 0)
    for defect in found or ():
        counts[defect.state] += 1
    return {
        "id": map_id(sensor),
        "name": sensor.name,
        "sensor": sensor_document(sensor),
        "photos": photos,  # that are open
        "has_map": found is not None,
        "formats": _formats_of(sensor, found),
        "found_in": found.evidence.photos if found is not None else 0,
        "expected_false": found.detection.expected_false if found is not None else None,
        "remarks": list(remarks(found)) if found is not None else [],
        **counts,
    }


def map_document(
    found: DefectMap | None, sensor: Sensor, photos: int, depth: tuple[int, int]
) -> dict[str, Any]:
    """Return a map with all its defects, and how many decisions can be undone and redone."""
    return {
        **brief_document(sensor, found, photos),
        "undo": depth[0],
        "redo": depth[1],
        "defects": [defect_document(defect) for defect in found or ()],
    }


def defect_document(defect: Defect) -> dict[str, Any]:
    """Return one defect as the page gets it.

    >>> told = defect_document(Defect(x=3, y=4, kind="hot", score=8.0))
    >>> told["x"], told["state"], told["along"], told["strength"]
    (3, 'candidate', None, None)
    """
    run, seen, since = defect.run, defect.seen, defect.since
    return {
        "x": defect.x,
        "y": defect.y,
        "along": run.along if run else None,
        "first": run.first if run else None,
        "last": run.last if run else None,
        "kind": defect.kind,
        "site": defect.site,
        "strength": defect.strength,
        "score": defect.score,
        "q": defect.q,
        "seen": list(seen) if seen else None,
        "since": [day.isoformat() for day in since] if since else None,
        "state": defect.state,
    }


def _formats_of(sensor: Sensor, found: DefectMap | None) -> list[dict[str, str | None]]:
    if found is None:
        return format_choices(sensor)
    return format_choices(sensor, found.files, moves=found.places_move)

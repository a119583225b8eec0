"""A series of simulated photos in a folder, and the truth beside it.

Never overwrites a photo half-way: each file is written under another name and renamed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from .camera import SimulatedCamera, SimulatedPhoto
from .planting import REFERENCE_EXPOSURE_S, REFERENCE_GAIN, REFERENCE_LEVEL, PlantedDefect
from .settings import CameraSettings

TRUTH_NAME = "truth.json"


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(f"{path.name}.part")
    partial.write_bytes(content)
    partial.replace(path)


def _of_settings(settings: CameraSettings) -> dict[str, Any]:
    values = {entry.name: getattr(settings, entry.name) for entry in fields(settings)}
    if settings.scene_folder is not None:
        values["scene_folder"] = settings.scene_folder.name
    return values


def _of_defect(defect: PlantedDefect, camera: SimulatedCamera) -> dict[str, Any]:
    values = asdict(defect)
    values["onset_date"] = camera.taken(defect.onset).date().isoformat()
    values["until_date"] = (
        None if defect.until is None else camera.taken(defect.until).date().isoformat()
    )
    if defect.length > 1:
        values["run"] = ["column", defect.y, defect.y + defect.length - 1]
    return values


def _of_photo(photo: SimulatedPhoto, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "index": photo.index,
        "scene": photo.scene,
        "exposure_s": photo.shot.exposure_s,
        "gain": photo.shot.gain,
        "aperture": photo.shot.aperture,
        "temperature_c": photo.shot.temperature_c,
        "taken": photo.taken.isoformat(),
    }


def truth_of(camera: SimulatedCamera, photos: list[dict[str, Any]]) -> Mapping[str, Any]:
    """Return what is true of a camera and its photos, ready for JSON."""
    return {
        "format": "stillpix-truth",
        "version": 1,
        "seed": camera.seed,
        "sensor": {
            "make": camera.sensor.make,
            "model": camera.sensor.model,
            "serial": camera.sensor.serial,
            "layout": camera.sensor.layout,
        },
        "reference": {
            "exposure_s": REFERENCE_EXPOSURE_S,
            "gain": REFERENCE_GAIN,
            "level": REFERENCE_LEVEL,
        },
        "settings": _of_settings(camera.settings),
        "defects": [_of_defect(defect, camera) for defect in camera.defects],
        "photos": photos,
    }


def write_series(folder: Path, camera: SimulatedCamera, photos: int, *, jobs: int = 2) -> Path:
    """Write IMG_0001.JPG ... (or .TIF) and truth.json to a folder; return the folder.

    The folder is made where it is missing. truth.json comes last: where it stands, the
    series is whole. Raises OSError where the disk says so.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)

    def write(index: int) -> dict[str, Any]:
        photo = camera.photograph(index)
        _write(folder / photo.name, photo.file())
        return _of_photo(photo, photo.name)

    with ThreadPoolExecutor(max_workers=max(jobs, 1)) as pool:
        written = list(pool.map(write, range(photos)))
    truth = json.dumps(truth_of(camera, written), indent=1)
    _write(folder / TRUTH_NAME, f"{truth}\n".encode())
    return folder

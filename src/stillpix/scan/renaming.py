"""Gives a nameless camera of the library a name: its map, evidence and log become the named one's.

Never joins two cameras, and removes the old files only when the new ones are complete.
"""

from __future__ import annotations

from dataclasses import replace

from ..atomic import replacing_folder, settled_folder
from ..errors import SensorMismatchError
from ..evidence.evidence import Evidence
from ..evidence.sightings import LOG_NAME, Sightings
from ..evidence.spots import SPOTS_NAME
from ..frame import Sensor
from ..maps.library import Library
from .body import LAWS_NAME


def rename(library: Library, sensor: Sensor, name: str) -> Sensor:
    """Return the sensor under its new name, once the library keeps it so.

    Raises:
        SensorMismatchError: its photos name the camera, or the library has one of that name.
        StateFormatError: its evidence cannot be used; nothing has changed.
        LibraryBusyError: another stillpix is working on one of the two.
        WriteError: the disk is full, ...; the old files are there.
    """
    if not sensor.is_nameless:
        raise SensorMismatchError(
            f"{sensor.name}: its photos name the camera; only one that they do not name can get "
            "another name"
        )
    new = replace(sensor.in_folder(""), model=name)
    with library.lock(sensor), library.lock(new):
        if library.map_path(new).exists() or library.evidence_path(new).exists():
            raise SensorMismatchError(
                f"the library has {new.name} already; to add the photos to it, run `stillpix find` "
                f'on them with --camera "{name}"'
            )
        _copy_evidence(library, sensor, new)
        found = library.find(sensor)
        if found is not None:
            library.save(replace(found, sensor=replace(new, visible=found.sensor.visible)))
        library.forget(sensor)
    return new


def _copy_evidence(library: Library, sensor: Sensor, new: Sensor) -> None:
    folder = settled_folder(library.evidence_path(sensor))
    if not folder.exists():
        return
    evidence = Evidence.load(folder, sensor)
    log = Sightings.load(folder / LOG_NAME, sensor)
    evidence.sensor = log.sensor = new
    with replacing_folder(library.evidence_path(new)) as beside:
        evidence.save(beside)
        log.save(beside / LOG_NAME)
        for name in (SPOTS_NAME, LAWS_NAME):
            if (folder / name).exists():
                (beside / name).write_bytes((folder / name).read_bytes())

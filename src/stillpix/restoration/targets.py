"""Which places to repair in the photos of a sensor: a map's defects, or places a person named.

Reads a photo only to fit a map of another frame of the same body to it. Never writes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from ..errors import MapFormatError, SensorMismatchError
from ..frame import UNKNOWN, Sensor
from ..images import Header
from ..maps import read_map
from ..maps.library import SUFFIX, Library
from ..maps.records import Defect, DefectMap
from .alignment import framed

OTHER_REMEDIES = "give the map of its camera and size, or the places with --at X,Y"


@dataclass(frozen=True, slots=True)
class Listing:
    """What is to be repaired in the photos of one sensor, and who says so."""

    defects: tuple[Defect, ...]
    map: DefectMap | None = None  # None: a person named the places
    path: Path | None = None  # of the map
    note: str = ""  # how the map was brought to these photos, where it is of another frame


# Takes a sensor and some of its photos, those that are to be repaired.
Lister: TypeAlias = Callable[[Sensor, Sequence[Header]], Listing]


def listed_in(defect_map: DefectMap, path: Path | None = None) -> Lister:
    """Return what lists the defects of a map, for the photos of its own body.

    Where those are of another frame of it (the RAW files of a camera whose JPEGs the map is of, or
    the other way round), the map is laid on them, if they show where.
    """

    def lister(sensor: Sensor, photos: Sequence[Header]) -> Listing:
        if _as_mapped(sensor, photos, defect_map.sensor).is_alike(defect_map.sensor):
            return Listing(_broken(defect_map), defect_map, path)
        if is_of_one_body(sensor, defect_map.sensor):
            _require_another_kind(sensor, defect_map.sensor)
            laid, note = framed(defect_map, sensor, photos)
            return Listing(_broken(laid), laid, path, note)
        names = f"is of {sensor.name}, but the map is of {defect_map.sensor.name}"
        raise SensorMismatchError(f"{names}; {OTHER_REMEDIES}")

    return lister


def listed_in_library(library: Library) -> Lister:
    """Return what lists the defects of each sensor's own map, or of another of its body."""

    def lister(sensor: Sensor, photos: Sequence[Header]) -> Listing:
        found = library.find(sensor)
        if found is not None:
            return listed_in(found, library.map_path(sensor))(sensor, photos)
        refusal = (
            f"is of {sensor.name}, of which the library has no map; run `stillpix find` on photos "
            "of that camera first, or give --map FILE or --at X,Y"
        )
        for path, other in library.maps(report=lambda _: None):  # a damaged one is not its
            if is_of_one_body(other.sensor, sensor):
                try:
                    return listed_in(other, path)(sensor, photos)
                except SensorMismatchError as error:
                    refusal = str(error)
        beside = _map_beside(sensor, photos)
        if beside is not None:
            return listed_in(beside[1], beside[0])(sensor, photos)
        raise SensorMismatchError(refusal)

    return lister


def _map_beside(sensor: Sensor, photos: Sequence[Header]) -> tuple[Path, DefectMap] | None:
    """Return the map of the photos' own sensor that lies in a folder of theirs, if there is one."""
    for folder in dict.fromkeys(photo.path.parent for photo in photos):
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            try:
                found = read_map(path)
            except MapFormatError:
                continue  # it is no map of ours
            if found.sensor.is_alike(_as_mapped(sensor, photos, found.sensor)):
                return path, found
    return None


def listed_at(places: Sequence[tuple[int, int]]) -> Lister:
    """Return what lists the places (x, y) that a person named, in any photo that has them."""
    listing = Listing(tuple(Defect(x=x, y=y, state="accepted") for x, y in dict.fromkeys(places)))

    def lister(sensor: Sensor, photos: Sequence[Header]) -> Listing:  # noqa: ARG001 - as all listers
        for x, y in places:
            if not (0 <= x < sensor.width and 0 <= y < sensor.height):
                raise SensorMismatchError(
                    f"has no pixel {x},{y}: it is {sensor.width}x{sensor.height} in size, as "
                    f"stored and not rotated, counted from 0; correct --at"
                )
        return listing

    return lister


def _require_another_kind(sensor: Sensor, mapped: Sensor) -> None:
    """Refuse pictures of one kind and two sizes: one of them was resized, cropped or turned."""
    if sensor.is_mosaic == mapped.is_mosaic:
        size = f"is {sensor.width}x{sensor.height} in size, but the map is of this camera at "
        size += f"{mapped.width}x{mapped.height}"
        raise SensorMismatchError(f"{size}: a map fits no other size; {OTHER_REMEDIES}")


def is_of_one_body(one: Sensor, other: Sensor) -> bool:
    """Return whether two sensors are frames of one body, as far as files can say.

    >>> raw = Sensor("Acme", "One", "7", 6080, 4044, "bayer-RGGB")
    >>> is_of_one_body(raw, Sensor("Acme", "One", "7", 6000, 4000))
    True
    """
    known = one.model != UNKNOWN
    return known and (one.make, one.model, one.serial) == (other.make, other.model, other.serial)


def _broken(defect_map: DefectMap) -> tuple[Defect, ...]:
    return defect_map.in_state("confirmed", "accepted")


def _as_mapped(sensor: Sensor, photos: Sequence[Header], mapped: Sensor) -> Sensor:
    """Return a sensor as the map's is to be: of its layout, where the files do not say theirs."""
    told = all(header.layout_told for header in photos)
    layout = sensor.layout if told or not mapped.is_mosaic else mapped.layout
    return replace(sensor, layout=layout)

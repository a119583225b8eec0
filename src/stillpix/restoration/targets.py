"""Which places to repair in the photos of a sensor: a map's defects, or places a person named.

Reads a photo only to fit a map of another frame of the same body to it. Never writes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from ..errors import MapFormatError, ReadError, SensorMismatchError
from ..frame import UNKNOWN, Sensor
from ..images import Header
from ..maps import read_map
from ..maps.lens_laws import (
    LensLaw,
    are_assumed,
    focal_lengths,
    law_for,
    spots_in_picture,
)
from ..maps.library import SUFFIX, Library, fullest_first
from ..maps.merging import laid_on
from ..maps.modes import known_mode, laid_in, mode_of_crop, without_twins
from ..maps.records import Defect, DefectMap
from ..wording import broken_of, counted
from .alignment import framed
from .straightened import straightened

OTHER_REMEDIES = "give its own map, or --at X,Y"
EARLIER = (
    "the map was made before stillpix told the sensors of this camera apart; run `stillpix find` "
    "on these photos for a map of their own"
)
OF_ANY_LENS = (
    "does not say which of the phone's lenses took it, and another lens's map would repair sound "
    "pixels; if all such photos are of one lens, run `stillpix find` and `stillpix fix` with "
    "--camera NAME; or give --map or --at"
)
OF_MODE = "the map is of {}, and was laid on these photos of another mode of the same sensor"
POOLED = (
    "is of {}, and the library's map of {} was made before stillpix told its sensors apart: it "
    "lists the broken pixels of several; run `stillpix find` on these photos"
)


@dataclass(frozen=True, slots=True)
class Listing:
    """What is to be repaired in the photos of one sensor, and who says so."""

    defects: tuple[Defect, ...]
    map: DefectMap | None = None  # None: a person named the places
    path: Path | None = None  # of the map
    note: str = ""  # how the map was brought to these photos, where it is of another frame

    def defects_in(self, photo: Header) -> tuple[Defect, ...]:
        """Return the defects where they lie in one photo.

        They move with the focal length where the camera corrects its lens's distortion; bad columns
        and rows are curves there, and left out. Raises ReadError where no law tells their places.
        """
        laws = () if self.map is None else self.map.laws
        if not laws or photo.sensor.is_mosaic:
            return self.defects
        if are_assumed(laws) and law_for(laws, photo.lens, photo.focal_mm):
            return self.defects
        single = {(one.x, one.y): one for one in self.defects if one.run is None}
        size = photo.sensor.width, photo.sensor.height
        pixels = spots_in_picture(laws, photo.lens, photo.focal_mm, size, single)
        if pixels is None:
            raise ReadError(photo.path, _why_unlaid(photo, laws))
        moved = {
            (x, y): replace(one, x=x, y=y)
            for (x, y), one in zip(pixels, single.values(), strict=True)
            if 0 <= x < size[0] and 0 <= y < size[1]
        }
        return tuple(moved.values())


def _note_on_lines(defect_map: DefectMap) -> str:
    """Return what is left of a map whose places move, "" where nothing is."""
    lines = [one for one in _broken(defect_map) if one.run is not None]
    if not lines or not defect_map.places_move:
        return ""
    return f"{broken_of(lines)} left: the camera bends lines where it corrects its lens"


def _why_unlaid(photo: Header, laws: Sequence[LensLaw]) -> str:
    told = "tells no focal length" if photo.focal_mm is None else f"is of {photo.focal_mm:g} mm"
    lens = f" ({photo.lens})" if photo.lens else ""
    if are_assumed(laws):
        return (
            f"{told}{lens}, and it is not known whether its camera straightens the lens: the map's "
            f"places hold for {focal_lengths(laws)}; run `stillpix find` on more photos like it"
        )
    return (
        f"{told}{lens}, and its camera corrects the lens's distortion: the map tells the places of "
        f"broken pixels only for {focal_lengths(laws)}; run `stillpix find` on more photos like it"
    )


# Takes a sensor and some of its photos, those that are to be repaired.
Lister: TypeAlias = Callable[[Sensor, Sequence[Header]], Listing]


def listed_in(defect_map: DefectMap, path: Path | None = None) -> Lister:
    """Return what lists the defects of a map, for the photos of its own body.

    Where those are of another frame of it (the RAW files of a camera whose JPEGs the map is of, or
    the other way round), the map is laid on them, if they show where.
    """

    def lister(sensor: Sensor, photos: Sequence[Header]) -> Listing:
        mapped = _as_mapped(sensor, photos, defect_map.sensor)
        if mapped.is_alike(defect_map.sensor):
            return Listing(_broken(defect_map), defect_map, path, _note_on_lines(defect_map))
        laid = laid_in(defect_map, mapped)
        if laid is not None:
            return Listing(_broken(laid), laid, path, OF_MODE.format(defect_map.sensor.name))
        if sensor.which and replace(mapped, which="").is_alike(defect_map.sensor):
            return Listing(_broken(defect_map), defect_map, path, EARLIER)
        if is_of_one_body(sensor, defect_map.sensor):
            _require_crop_or_another_kind(sensor, defect_map.sensor)
            moved, note = straightened(defect_map, sensor, photos) or _framed(
                defect_map, sensor, photos
            )
            return Listing(_broken(moved), moved, path, note)
        names = f"is of {sensor.name}, but the map is of {defect_map.sensor.name}"
        raise SensorMismatchError(f"{names}; {OTHER_REMEDIES}")

    return lister


def listed_in_one_of(maps: Sequence[tuple[Path, DefectMap]]) -> Lister:
    """Return what lists the defects of the map, of several of one camera, that fits the photos.

    The photos' own comes first, then the first one that can be laid on them. What was found for
    a sensor is kept: to fit a map to photos of another frame takes time.
    """
    known: dict[Sensor, Listing | SensorMismatchError] = {}

    def lister(sensor: Sensor, photos: Sequence[Header]) -> Listing:
        if sensor not in known:
            known[sensor] = _listing_of_one(maps, sensor, photos)
        found = known[sensor]
        if isinstance(found, SensorMismatchError):
            raise found
        return found

    return lister


def _listing_of_one(
    maps: Sequence[tuple[Path, DefectMap]], sensor: Sensor, photos: Sequence[Header]
) -> Listing | SensorMismatchError:
    """Return what the first map that fits lists, or why the first one does not."""
    refusal: SensorMismatchError | None = None
    own = [each for each in maps if each[1].sensor.is_alike(sensor)]
    for path, found in [*own, *(each for each in maps if each not in own)]:
        try:
            return listed_in(found, path)(sensor, photos)
        except SensorMismatchError as error:
            refusal = refusal or error
    return refusal or SensorMismatchError(OTHER_REMEDIES)


def listed_in_library(library: Library, sensors: Collection[Sensor] = ()) -> Lister:
    """Return what lists the defects of each sensor's own map, or of another of its body.

    `sensors` are those of all photos that are to be repaired. A phone's photos that do not say
    which of its sensors took them have no map: it could be another sensor's.
    """

    def lister(sensor: Sensor, photos: Sequence[Header]) -> Listing:
        if sensor.is_untold:
            raise SensorMismatchError(OF_ANY_LENS)
        found = library.nearest(sensor)
        maps = library.maps(report=lambda _: None)  # a damaged one is not its
        of_modes = _of_modes(found, sensor, maps)
        own = found if of_modes is None else of_modes
        if own is not None:
            listing = listed_in(own, library.map_path(own.sensor))(sensor, photos)
            return replace(listing, note=listing.note or _note_on_modes(own, found))
        refusal = (
            f"is of {sensor.name}, of which the library has no map; run `stillpix find` on its "
            "photos first, or give --map or --at X,Y"
        )
        of_body = [each for each in maps if is_of_one_body(each[1].sensor, sensor)]
        if of_body:
            fitted = _listing_of_one(fullest_first(of_body), sensor, photos)
            if isinstance(fitted, Listing):
                return fitted
            refusal = str(fitted)
        beside = _map_beside(sensor, photos)
        if beside is not None:
            return listed_in(beside[1], beside[0])(sensor, photos)
        told = (*sensors, *(other.sensor for _, other in maps))
        path, before = _map_of_before(library, sensor, told, refusal)
        return listed_in(before, path)(sensor, photos)

    return lister


def _of_modes(
    found: DefectMap | None, sensor: Sensor, maps: Sequence[tuple[Path, DefectMap]]
) -> DefectMap | None:
    """Return a sensor's map with what those of its other modes list; None where there is none."""
    laid = []
    for _, other in maps:
        if found is None or not other.sensor.is_alike(found.sensor):
            mode = None
            if found is not None and known_mode(other, sensor) is None:
                mode = mode_of_crop(other, found)
            moved = laid_in(other, sensor, mode)
            laid += [] if moved is None else [moved]
    if not laid:
        return None
    own, first = (found,) if found is not None else (), found or laid[0]
    return laid_on(first, first.sensor, without_twins([*own, *laid]))


def _note_on_modes(own: DefectMap, found: DefectMap | None) -> str:
    number = len(_broken(own)) - (0 if found is None else len(_broken(found)))
    if number <= 0:
        return ""
    return f"{counted(number, 'broken pixel')} known from other modes of this sensor"


def _map_of_before(
    library: Library, sensor: Sensor, told: Iterable[Sensor], refusal: str
) -> tuple[Path, DefectMap]:
    """Return the map that was made before sensors of one body were told apart.

    Raises SensorMismatchError where there is none, or where it holds another sensor's pixels, too.
    """
    earlier = replace(sensor, which="")
    before = library.find(earlier) if sensor.which else None
    if before is None:
        raise SensorMismatchError(refusal)
    if any(
        each.which and each != sensor and replace(each, which="").is_alike(earlier) for each in told
    ):
        raise SensorMismatchError(POOLED.format(sensor.name, earlier.name))
    return library.map_path(earlier), before


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


def _require_crop_or_another_kind(sensor: Sensor, mapped: Sensor) -> None:
    """Refuse pictures of one kind that no crop can be: they were turned, or have other colours."""
    if sensor.is_mosaic != mapped.is_mosaic:
        return
    across, down = sensor.width - mapped.width, sensor.height - mapped.height
    if (across, down) == (0, 0):
        names = f"is laid out as {sensor.layout}, but the map as {mapped.layout}"
        raise SensorMismatchError(f"{names}; {OTHER_REMEDIES}")
    same = replace(mapped, width=sensor.width, height=sensor.height).is_alike(sensor)
    if across * down < 0 or not same:
        raise _of_another_size(mapped)


def _framed(
    defect_map: DefectMap, sensor: Sensor, photos: Sequence[Header]
) -> tuple[DefectMap, str]:
    """Return a map laid on another frame of its body, as `framed`; of one kind only on a crop."""
    try:
        return framed(defect_map, sensor, photos)
    except SensorMismatchError as error:
        if sensor.is_mosaic != defect_map.sensor.is_mosaic:
            raise
        raise _of_another_size(defect_map.sensor) from error


def _of_another_size(mapped: Sensor) -> SensorMismatchError:
    return SensorMismatchError(
        f"is of another size than the map of this camera ({mapped.width}x{mapped.height}), and a "
        "map fits no other size, unless it is that of a crop in which three of its broken pixels "
        f"show; {OTHER_REMEDIES}"
    )


def is_of_one_body(one: Sensor, other: Sensor) -> bool:
    """Return whether two records are frames of one sensor of a body, as far as files can say.

    >>> raw = Sensor("Acme", "One", "7", 6080, 4044, "bayer-RGGB")
    >>> is_of_one_body(raw, Sensor("Acme", "One", "7", 6000, 4000))
    True
    """
    same = (one.make, one.model, one.serial) == (other.make, other.model, other.serial)
    return one.model != UNKNOWN and same and one.which == other.which


def _broken(defect_map: DefectMap) -> tuple[Defect, ...]:
    return defect_map.in_state("confirmed", "accepted")


def _as_mapped(sensor: Sensor, photos: Sequence[Header], mapped: Sensor) -> Sensor:
    """Return a sensor as the map's is to be, in what the files do not say: layout and camera."""
    if mapped.is_nameless:
        sensor = sensor.in_folder(mapped.folder)
    told = all(header.layout_told for header in photos)
    layout = sensor.layout if told or not mapped.is_mosaic else mapped.layout
    return replace(sensor, layout=layout)

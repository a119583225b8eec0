"""Finds the shift between a map and photos of the same body in another frame: RAW files and JPEGs.

A RAW file holds the sensor's whole array, and a JPEG a part of it. No file says exactly which part.
So the broken pixels are looked for at every possible shift. Never guesses: if too few of them show,
the map is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import ReadError, SensorMismatchError
from ..evidence.measures import RESIDUAL, measured
from ..evidence.templates import template_factors
from ..frame import Frame, Sensor
from ..images import Header, read_frame
from ..maps.merging import laid_on
from ..maps.records import Defect, DefectMap, Run

MOST_PHOTOS = 8  # looked at, those that should show a hot pixel best
MOST_DEFECTS = 24  # looked for, the surest
MOST_MARGIN = 256  # px on all sides together; a picture with less of the sensor is a resized one
OFF_CENTRE = 24  # px that a crop may lie beside the middle
CLIP = 3.0  # sigmas that one place in one photo can say
LEAST_LEAD = 6.0  # of the best shift's sum, in standard deviations of all shifts'
LEAST_RATIO = 1.6  # of the best shift's lead to that of the best one apart from it
APART = 3  # px: the response of a defect in a rendered picture
AT_ONCE = 20_000  # places asked of one photo in one step
FEWEST = 3  # defects that must be seen at the shift
SEEN = 1.0  # mean clipped sigmas from which one is
NEARBY = 1  # px that a place found in a rendered picture may be beside the broken photosite
SURE = 3.0  # standard deviations of what sound photosites say, from which one shows
REMEDY = "run `stillpix find` on these photos to make a map of their own"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Shifts:
    """The shifts (photo's x less map's x, and y) that are possible."""

    x: range
    y: range


def framed(
    defect_map: DefectMap, sensor: Sensor, photos: Sequence[Header]
) -> tuple[DefectMap, str]:
    """Return the map as one of another frame of its body, and a sentence on how well it fits.

    The levels of the two kinds of file are not comparable: strengths are left out. On mosaics each
    pixel becomes the photosite that shows, and what shows none is left out. Raises
    SensorMismatchError where the photos do not show, beyond doubt, at which shift the map lies.
    """
    shifts = _possible(defect_map.sensor, sensor)
    listed = _looked_for(defect_map)
    if len(listed) < FEWEST:
        raise SensorMismatchError(
            f"{_sizes(defect_map, sensor)}, and {len(listed)} broken pixels are too few to tell "
            f"how the map fits these photos; {REMEDY}"
        )
    said, looked = _read_signs(listed, shifts, photos)
    row, column, lead, second = _best(said.sum(0))
    seen = int((said[:, row, column] >= SEEN * looked).sum())
    x, y = shifts.x[column], shifts.y[row]
    if lead < LEAST_LEAD or lead < LEAST_RATIO * second or seen < FEWEST:
        raise SensorMismatchError(
            f"{_sizes(defect_map, sensor)}, and its broken pixels do not show at any one shift in "
            f"the {looked} photos looked at (best {x:+d},{y:+d}: {seen} of {len(listed)}); {REMEDY}"
        )
    kept = tuple(_move_defects(defect_map.defects, sensor, x, y))
    mapped = defect_map.sensor
    note = (
        f"the map is of {mapped.width}x{mapped.height} and fits these photos shifted by "
        f"{x:+d},{y:+d}: {seen} of {len(listed)} broken pixels show there"
    )
    if sensor.is_mosaic:
        moved, kept = kept, _as_photosites(kept, photos)
        hidden = len(moved) - len(kept)
        note += f"; {hidden} pixels that show in none of the photos looked at are left out"
    return laid_on(defect_map, sensor, kept), note


def _sizes(defect_map: DefectMap, sensor: Sensor) -> str:
    mapped = defect_map.sensor
    size = f"is {sensor.width}x{sensor.height} in size"
    return f"{size}, the map of this camera is of {mapped.width}x{mapped.height}"


def _possible(mapped: Sensor, sensor: Sensor) -> _Shifts:
    """Return the shifts at which the smaller of two frames lies within the larger."""
    across, down = sensor.width - mapped.width, sensor.height - mapped.height
    same_way = (across >= 0 and down >= 0) or (across <= 0 and down <= 0)
    if same_way and replace(mapped, width=sensor.width, height=sensor.height).is_alike(sensor):
        x, y = across // 2, down // 2  # a crop: cameras take it from the middle
        return _Shifts(_around(x, across), _around(y, down))
    if not same_way or max(abs(across), abs(down)) > MOST_MARGIN:
        raise SensorMismatchError(
            f"is of another size than the map of this camera ({mapped.width}x{mapped.height}), and "
            f"a map fits no resized or rotated picture; {REMEDY}"
        )
    return _Shifts(range(min(across, 0), max(across, 0) + 1), range(min(down, 0), max(down, 0) + 1))


def _around(middle: int, room: int) -> range:
    """Return the shifts near that of a centred crop, as far as the smaller frame lies within."""
    low, high = min(room, 0), max(room, 0)
    return range(max(middle - OFF_CENTRE, low), min(middle + OFF_CENTRE, high) + 1)


def _looked_for(defect_map: DefectMap) -> list[Defect]:
    broken = defect_map.in_state("confirmed", "accepted")
    single = [defect for defect in broken if defect.run is None]
    return sorted(single, key=lambda defect: -defect.score)[:MOST_DEFECTS]


def _read_signs(
    listed: Sequence[Defect], shifts: _Shifts, photos: Sequence[Header]
) -> tuple[Floats, int]:
    """Return the clipped sigmas of each defect at each shift, (defects, rows, columns), summed.

    And how many photos they are of.
    """
    said, looked = np.zeros((len(listed), len(shifts.y), len(shifts.x))), 0
    for frame in _best_photos(photos):
        looked += 1
        said += _at_shifts(frame, listed, shifts)
    return said, max(looked, 1)


def _best_photos(photos: Sequence[Header]) -> Iterator[Frame]:
    """Yield the frames of the photos that should show a hot pixel best."""
    ranked = sorted(photos, key=lambda header: -template_factors(header.exposure)[2])
    for header in ranked[:MOST_PHOTOS]:
        try:
            yield read_frame(header)
        except ReadError:  # it is named when its turn comes to be repaired
            continue


def _at_shifts(frame: Frame, listed: Sequence[Defect], shifts: _Shifts) -> Floats:
    """Return what one photo says of each defect at each shift, (defects, rows, columns)."""
    places = [(one.x + x, one.y + y) for one in listed for y in shifts.y for x in shifts.x]
    parts = (places[at : at + AT_ONCE] for at in range(0, len(places), AT_ONCE))
    residual = np.concatenate([measured(frame, part)[:, RESIDUAL] for part in parts])
    said = np.nan_to_num(residual).astype(np.float64).reshape(-1, len(shifts.y), len(shifts.x))
    signs = [-1.0 if _is_dark(defect) else 1.0 for defect in listed]
    return np.asarray(np.clip(np.array(signs)[:, None, None] * said, -CLIP, CLIP))


def _as_photosites(moved: Sequence[Defect], photos: Sequence[Header]) -> tuple[Defect, ...]:
    """Return each defect at the photosite by its place that shows most, if one shows at all."""
    single = [defect for defect in moved if defect.run is None]
    around = range(-NEARBY, NEARBY + 1)
    said, looked = _read_signs(single, _Shifts(around, around), photos)
    placed = []
    for defect, square in zip(single, said, strict=True):
        row, column = np.unravel_index(square.argmax(), square.shape)
        if square[row, column] >= SURE * np.sqrt(looked):
            at = defect.x + around[column], defect.y + around[row]
            placed.append(replace(defect, x=at[0], y=at[1]))
    return (*placed, *(defect for defect in moved if defect.run is not None))


def _is_dark(defect: Defect) -> bool:
    return defect.kind in {"dead", "low", "dark"} or (defect.strength or 0.0) < 0


def _best(total: Floats) -> tuple[int, int, float, float]:
    """Return row and column of the best shift, its lead, and that of the best one apart from it.

    In standard deviations of the others, by their median absolute deviation.
    """
    row, column = (int(each) for each in np.unravel_index(total.argmax(), total.shape))
    rows, columns = np.ogrid[: total.shape[0], : total.shape[1]]
    apart = total[(abs(rows - row) > APART) | (abs(columns - column) > APART)]
    if apart.size == 0:  # the frames differ by no more than a response: nothing to compare with
        return row, column, 0.0, 0.0
    middle = float(np.median(apart))
    spread = max(1.4826 * float(np.median(abs(apart - middle))), 1.0)
    return row, column, (total[row, column] - middle) / spread, (apart.max() - middle) / spread


def _move_defects(defects: Sequence[Defect], sensor: Sensor, x: int, y: int) -> Iterator[Defect]:
    """Yield the defects that lie within the other frame, moved."""
    for defect in defects:
        run = defect.run
        if run is not None:
            along, size = (x, sensor.width) if run.along == "row" else (y, sensor.height)
            first, last = max(run.first + along, 0), min(run.last + along, size - 1)
            if first > last:
                continue
            run = Run(run.along, first, last)
        at = defect.x + x, defect.y + y
        if run is not None:
            at = (run.first, at[1]) if run.along == "row" else (at[0], run.first)
        if 0 <= at[0] < sensor.width and 0 <= at[1] < sensor.height:
            yield replace(
                defect, x=at[0], y=at[1], run=run, strength=None, exposure_s=None, gain=None
            )

"""Lays a map of a camera's RAW files on its JPEGs where the camera corrects its lens's distortion.

The map has the sensor's own places, so a few photos tell by which law of the lens they move. Never
guesses: where the photos do not tell a law, there is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..detection.laying import law_at
from ..errors import ReadError
from ..evidence.spots import Spots, spots_of
from ..frame import Sensor
from ..images import Header, read_frame
from ..maps.lens_laws import focal_lengths
from ..maps.merging import laid_on
from ..maps.records import Defect, DefectMap

MOST_PHOTOS = 16  # looked at, from the shortest focal length to the longest


def straightened(
    defect_map: DefectMap, sensor: Sensor, photos: Sequence[Header]
) -> tuple[DefectMap, str] | None:
    """Return a RAW map as one of the JPEGs, with their law, and a sentence; None: there is none.

    The picture's middle is taken to be that of the sensor's visible area. The levels of the two
    kinds of file are not comparable: strengths are left out.
    """
    if sensor.is_mosaic or not defect_map.sensor.is_mosaic:
        return None
    moved = tuple(_moved(defect_map, sensor))
    lens, spotted = _spotted(photos)
    places = np.array([(one.x, one.y) for one in moved], np.float64).reshape(-1, 2)
    law = law_at(spotted, places, lens, (sensor.width, sensor.height))
    if law is None:
        return None
    note = (
        "the camera corrects its lens's distortion in these photos; the law was learned from "
        f"{len(spotted)} of them with the map of its RAW files, for {focal_lengths([law])}"
    )
    return replace(laid_on(defect_map, sensor, moved), laws=(law,)), note


def _moved(defect_map: DefectMap, sensor: Sensor) -> list[Defect]:
    """Return the broken single pixels where an uncorrected picture would have them."""
    left, top, width, height = defect_map.sensor.visible_area
    across, down = (sensor.width - width) // 2 - left, (sensor.height - height) // 2 - top
    return [
        replace(one, x=one.x + across, y=one.y + down, strength=None, exposure_s=None, gain=None)
        for one in defect_map.in_state("confirmed", "accepted")
        if one.run is None
        and 0 <= one.x + across < sensor.width
        and 0 <= one.y + down < sensor.height
    ]


def _spotted(photos: Sequence[Header]) -> tuple[str, list[tuple[float, Spots]]]:
    """Return the lens of most photos, and focal length and spots of some of its photos."""
    told = [(each.focal_mm, each) for each in photos if each.focal_mm is not None]
    if not told:
        return "", []
    lens = Counter(each.lens for _, each in told).most_common(1)[0][0]
    mine = sorted(
        ((focal_mm, each) for focal_mm, each in told if each.lens == lens),
        key=lambda pair: (pair[0], str(pair[1].path)),
    )
    chosen = np.unique(np.linspace(0, len(mine) - 1, MOST_PHOTOS).round().astype(int))
    found = []
    for number in chosen:
        focal_mm, header = mine[number]
        try:
            found.append((focal_mm, spots_of(read_frame(header))))
        except ReadError:  # it is named when its turn comes to be repaired
            continue
    return lens, found

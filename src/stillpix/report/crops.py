"""Cuts pieces out of photos around some places, and measures there, in one pass over the photos.

Reads each photo once, and never keeps more of it than the pieces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..errors import ReadError
from ..evidence.measures import Measures, Place, measured
from ..frame import Exposure, Pixels
from ..images import Buffer, Header, read_colour, read_frame
from ..images.cores import usable_cores
from ..images.read_ahead import read_ahead, threads
from ..maps.lens_laws import LensLaw, spots_in_picture
from ..watch import Watch

REACH = 12  # px around the place

Cut = NDArray[np.float32]  # (side, side) grey or (side, side, 3), 0..255; NaN beyond the frame


@dataclass(slots=True, eq=False)
class Reading:
    """What was read of some photos: by digest, then by the number of the place."""

    said: dict[str, tuple[Exposure, Measures]] = field(default_factory=dict)
    cuts: dict[str, list[Cut]] = field(default_factory=dict)
    failed: list[ReadError] = field(default_factory=list)
    left: int = 0  # not read because the run was stopped


def read_crops(
    photos: Mapping[str, Header], places: Sequence[Place], *, jobs: int | None, watch: Watch,
    laws: Sequence[LensLaw] = (),
) -> Reading:  # fmt: skip
    """Read each photo (by digest) and cut out what is around each place, as the photo shows it.

    A photo that has changed since its digest was taken is left out: it may show anything.
    """
    result = Reading()
    if not photos or not places:
        return result
    watch.crops(next(iter(photos.values())).sensor, len(photos))
    digests = {header.key: digest for digest, header in photos.items()}
    ahead, done = min(2, jobs or usable_cores()), 0
    with threads(jobs) as pool:
        look = partial(_look, places=places, laws=laws)
        batches = read_ahead(photos.values(), look, pool, together=ahead, ahead=ahead)
        with closing(batches):
            for batch in batches:
                for header, seen in batch:
                    if isinstance(seen, ReadError):
                        result.failed.append(seen)
                    elif seen[0] == digests[header.key]:
                        result.said[seen[0]], result.cuts[seen[0]] = seen[1], seen[2]
                done += len(batch)
                watch.photos(done)
                if watch.stop():
                    break
    result.left = len(photos) - done
    return result


def _look(
    header: Header, buffer: Buffer, *, places: Sequence[Place], laws: Sequence[LensLaw]
) -> tuple[str, tuple[Exposure, Measures], list[Cut]]:
    frame = read_frame(header, buffer=buffer)
    size = frame.sensor.width, frame.sensor.height
    places = spots_in_picture(laws, header.lens, header.focal_mm, size, places) or places
    said = frame.exposure, measured(frame, places)
    if not frame.sensor.is_mosaic:
        pixels, black, white = read_colour(header), 0, frame.white
    else:
        pixels, black, white = frame.pixels, frame.black, frame.white
    scale = 255 / max(white - black, 1)
    return frame.digest, said, [(cut(pixels, place) - black) * scale for place in places]


def cut(pixels: Pixels, place: Place, reach: int = REACH) -> Cut:
    """Return the pixels around a place, (2 reach + 1, 2 reach + 1, ...); NaN beyond the frame.

    >>> cut(np.arange(12, dtype=np.uint8).reshape(3, 4), (0, 1), reach=1).tolist()
    [[nan, 0.0, 1.0], [nan, 4.0, 5.0], [nan, 8.0, 9.0]]
    """
    x, y = place
    height, width = pixels.shape[:2]
    side = 2 * reach + 1
    result = np.full((side, side, *pixels.shape[2:]), np.nan, np.float32)
    top, left = max(y - reach, 0), max(x - reach, 0)
    bottom, right = min(y + reach + 1, height), min(x + reach + 1, width)
    if top < bottom and left < right:
        down, across = top - (y - reach), left - (x - reach)
        inside = result[down : down + bottom - top, across : across + right - left]
        inside[...] = pixels[top:bottom, left:right]
    return result

"""One look at one photo: its frame, and its values at the places of the map.

A photo whose distortion the camera corrected is laid back by the law of its lens.

Never adds anything up, and never keeps a photo.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from contextlib import closing
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..errors import ReadError
from ..evidence.measures import MEASURES, Measures, Place, measured
from ..evidence.resampling import laid_back
from ..evidence.templates import template_factors
from ..frame import Frame
from ..images import Buffer, Header, read_frame
from ..images.read_ahead import read_ahead
from ..maps.lens_laws import LensLaw, law_for


def look_at(
    header: Header, buffer: Buffer, places: Sequence[Place], laws: Sequence[LensLaw] = ()
) -> tuple[Frame, Measures]:
    """Return a photo's frame, in the caller's buffer, and what it says at some places."""
    frame = read_frame(header, buffer=buffer)
    law = law_for(laws, header.lens, header.focal_mm)
    if law is not None and header.focal_mm is not None and not law.is_assumed:
        frame = laid_back(frame, law, header.focal_mm)
    return frame, measured(frame, places)


def showing_best(headers: Iterable[Header], most: int) -> list[Header]:
    """Return the photos, so many at most, that should show a hot pixel best."""
    return sorted(headers, key=lambda each: -template_factors(each.exposure)[2])[:most]


def look_at_all(
    headers: Sequence[Header], places: Sequence[Place], pool: Executor, at_once: int
) -> tuple[list[Header], NDArray[np.float64]]:
    """Return the photos that can be read, and what they say, (photos, places, MEASURES).

    So many are in memory `at_once`.
    """
    look = partial(_said, places=tuple(places))
    read: list[Header] = []
    said: list[Measures] = []
    with closing(read_ahead(headers, look, pool, together=1, ahead=at_once - 1)) as batches:
        for batch in batches:
            for header, seen in batch:
                if not isinstance(seen, ReadError):
                    read.append(header)
                    said.append(seen)
    shape = (len(said), len(places), MEASURES)
    return read, np.array(said, np.float64).reshape(shape)


def _said(header: Header, buffer: Buffer, *, places: Sequence[Place]) -> Measures:
    return look_at(header, buffer, places)[1]

"""The values of each photo at some places, from the log of sightings and from photos just read.

Never reads photos, and never decides what is broken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..evidence.measures import EXCESS, LEVEL, MEASURES, RESIDUAL, SLOPE, Measures, Place
from ..evidence.sightings import Sightings
from ..frame import Exposure
from ..maps.records import Defect

CLEARLY = 2.5  # sigmas from which a photo is said to show a defect, as in the kernels
DARKER = frozenset({"dead", "low", "dark"})

Sayings: TypeAlias = Mapping[str, tuple[Exposure, Measures]]  # by digest: said at all the places


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What photos say at some places, in order of date; photos without a date come last."""

    digests: tuple[str, ...]
    exposures: tuple[Exposure, ...]
    said: NDArray[np.float64]  # (photos, places, MEASURES); NaN: not looked at

    def at(self, index: int) -> Looks:
        """Return the photos that were looked at in one place, and that place only."""
        there = ~np.isnan(self.said[:, index, RESIDUAL])
        kept = np.flatnonzero(there).tolist()
        return Looks(
            tuple(self.digests[n] for n in kept),
            tuple(self.exposures[n] for n in kept),
            self.said[there, index : index + 1],
        )

    @property
    def sigmas(self) -> NDArray[np.float64]:
        """Return how far each place stands from its neighbours' prediction, (photos, places)."""
        return np.asarray(self.said[..., RESIDUAL])

    @property
    def excess(self) -> NDArray[np.float64]:
        """Return the same in grey levels of 0..255, (photos, places)."""
        return np.asarray(self.said[..., EXCESS])

    @property
    def level(self) -> NDArray[np.float64]:
        """Return how bright it is around each place, as a share of white, (photos, places)."""
        return np.asarray(self.said[..., LEVEL])

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Return where a photo can say something: it was looked at, and it is not near white."""
        return np.asarray(self.said[..., SLOPE] > 0)


def looks_of(log: Sightings | None, places: Sequence[Place], fresh: Sayings) -> Looks:
    """Return what the log and photos just read say at some places; the latter count where both do.

    >>> from stillpix.frame import Sensor
    >>> read = {"5": (Exposure(), np.ones((1, MEASURES), np.float16))}
    >>> looks_of(Sightings(Sensor("a", "b", "c", 20, 20)), [(8, 9)], read).digests
    ('5',)
    """
    merged: dict[str, tuple[Exposure, NDArray[np.float64]]] = {}
    if log is not None:
        at = {place: index for index, place in enumerate(log.places)}
        listed = [at.get(place, len(log.places)) for place in places]
        for digest, sighting in log.photos.items():
            said = np.full((len(log.places) + 1, MEASURES), np.nan)
            said[: len(sighting.said)] = sighting.said
            merged[digest] = sighting.exposure, said[listed]
    for digest, (exposure, measures) in fresh.items():
        merged[digest] = exposure, measures.astype(np.float64)
    order = sorted(merged, key=lambda digest: (_when(merged[digest][0]), digest))
    said = np.full((len(order), len(places), MEASURES), np.nan)
    for row, digest in zip(said, order, strict=True):
        row[:] = merged[digest][1]
    return Looks(tuple(order), tuple(merged[digest][0] for digest in order), said)


def sign_of(defect: Defect) -> int:
    """Return whether a defect is brighter (1) or darker (-1) than its neighbours.

    >>> sign_of(Defect(x=1, y=1, kind="dead")), sign_of(Defect(x=1, y=1, strength=-3.0))
    (-1, -1)
    """
    if defect.strength:
        return 1 if defect.strength > 0 else -1
    return -1 if defect.kind in DARKER else 1


def _when(exposure: Exposure) -> datetime:
    taken = exposure.taken
    return datetime.max if taken is None else taken.replace(tzinfo=None)

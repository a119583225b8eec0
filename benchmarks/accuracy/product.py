"""stillpix itself among the methods, fed the JPEGs' luma as `stillpix.find` would feed it.

Never changes a setting of it, except that the list for the oracle's cut goes down further.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Self

import numpy as np

from stillpix.detection.decide import detect
from stillpix.detection.settings import DetectionSettings
from stillpix.evidence.evidence import TOGETHER, Evidence
from stillpix.maps.records import Defect, DefectMap

from .photo import Photo
from .scorer import Outcome, Places

NAME = "stillpix"
LISTED_AT = 0.1  # the rate at which all with q up to 1 are listed
RATES = (0.001, 0.003, 0.01, 0.03, 0.1)  # false-discovery rates at which its word is tested


def places_of(defects: Iterable[Defect]) -> Places:
    """Return defects of a map as places."""
    listed = [(defect.x, defect.y, defect.score or 0.0) for defect in defects]
    x, y, score = np.array(listed).reshape(-1, 3).T
    return Places.ordered(x, y, score)


class Stillpix:
    """The product: its evidence, and what `detect` makes of it."""

    def __init__(self) -> None:
        self.evidence: Evidence | None = None

    def add(self, photos: Sequence[Photo]) -> None:
        """See some more photos."""
        frames = [photo.frame for photo in photos]
        if self.evidence is None:
            self.evidence = Evidence(frames[0].sensor)
        for start in range(0, len(frames), TOGETHER):
            self.evidence.update_all(frames[start : start + TOGETHER])

    def found(self, rate: float | None = None) -> DefectMap:
        """Return the map, with the product's own settings or at another false-discovery rate."""
        if self.evidence is None:
            raise ValueError("no photo was added yet; add some")
        settings = DetectionSettings() if rate is None else DetectionSettings(fdr=rate)
        return detect(self.evidence, settings)

    def outcomes(self) -> dict[str, Outcome]:
        """Return all that it lists down to q = 1, and its map's confirmed defects."""
        listed, found = self.found(LISTED_AT), self.found()
        return {
            NAME: Outcome(
                places_of(listed.defects),
                places_of(found.in_state("confirmed")),
                found.detection.expected_false or 0.0,
            )
        }

    def pooled_by_force(self, other: Self) -> Stillpix:
        """Return what it would know had the photos of another body been taken for this one's."""
        if self.evidence is None or other.evidence is None:
            raise ValueError("no photo was added yet; add some")
        foreign = deepcopy(other.evidence)
        foreign.sensor = self.evidence.sensor
        pooled = Stillpix()
        pooled.evidence = deepcopy(self.evidence).merge(foreign)
        return pooled

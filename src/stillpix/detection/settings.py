"""When a photosite stops being normal: each setting with its unit, in one place.

Never sees evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..arguments import positive, share, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionSettings:
    """When a photosite stops being normal."""

    fdr: float = field(default=0.01, metadata={"help": "share of false finds to accept"})
    floor: float = 4.25  # null sigmas below which nothing is looked at
    minimum_effect: float = 0.25  # sigmas of one photo in which it should fully show
    fewest_scenes: int = 4  # different pictures below which nothing is confirmed
    fewest_darks: int = 2  # dark frames that are enough without any

    def __post_init__(self) -> None:
        """Refuse what is no setting."""
        share("fdr", self.fdr)
        positive("floor", self.floor, "4.25")
        positive("minimum_effect", self.minimum_effect, "0.25")
        whole("fewest_scenes", self.fewest_scenes, least=1, example=4)
        whole("fewest_darks", self.fewest_darks, least=1, example=2)


USUAL = DetectionSettings()

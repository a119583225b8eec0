"""One photo twice: as a broken sensor takes it, and as the same sensor would, were it whole.

Scene, exposure and noise are the same to the last electron, so what differs is what the defects
did. Never repairs anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from stillpix.frame import Exposure
from stillpix.images import Header, decode_colour
from stillpix.maps.records import Defect, Kind
from stillpix.simulate import CameraSettings, SimulatedCamera, SimulatedPhoto, random_settings

Floats: TypeAlias = NDArray[np.float64]
Levels: TypeAlias = NDArray[np.uint8]

MAP_PHOTOS = 6  # of each camera, taken before those that are repaired
MAP_SEES = 6.0  # levels of luma

LUMA = np.array([0.299, 0.587, 0.114])  # of R, G and B: ITU-R BT.601


@dataclass(frozen=True, slots=True, eq=False)
class Twins:
    """One photo of a simulated camera with its defects, and without them."""

    damaged: SimulatedPhoto
    whole: SimulatedPhoto
    listed: tuple[Defect, ...]  # all that were planted, shown or not; nothing but where they are
    known: tuple[Defect, ...]  # the same, with what a map has learned of them from other photos
    sites: tuple[str, ...]  # the colour of each one's photosite

    @property
    def settings(self) -> CameraSettings:
        """Return those of the camera."""
        return self.damaged.settings

    def header(self) -> Header:
        """Return what the damaged photo's JPEG says of itself."""
        sensor = replace(self.damaged.sensor, layout="rendered")
        path = Path(self.damaged.name)
        return Header(path, "jpeg", sensor, self.damaged.exposure, None, 1, 255)


def twins_of(
    seed: int, photos: int, *, size: tuple[int, int], defects: int, clusters: int
) -> Iterator[Twins]:
    """Yield the photos of the camera of a seed, one at a time, after those its map is made of.

    >>> photo = next(twins_of(41, 1, size=(192, 128), defects=3, clusters=0))
    >>> int((photo.damaged.mosaic != photo.whole.mosaic).sum()) <= len(photo.listed)
    True
    """
    drawn = random_settings(seed, width=size[0], height=size[1])
    settings = replace(drawn, defects=defects, clusters=clusters, photos=MAP_PHOTOS + photos)
    broken, whole = SimulatedCamera(settings, seed), SimulatedCamera(settings, seed)
    whole.defects = ()
    listed = tuple(Defect(x=each.x, y=each.y) for each in broken.defects)
    sites = tuple(each.site for each in broken.defects)
    kinds = tuple(each.kind for each in broken.defects)
    looks = [
        _excesses(broken.photograph(index), whole.photograph(index), listed)
        for index in range(MAP_PHOTOS)
    ]
    known = tuple(
        _known(defect, kind, [(look[number], exposure) for look, exposure in looks])
        for number, (defect, kind) in enumerate(zip(listed, kinds, strict=True))
    )
    for index in range(MAP_PHOTOS, MAP_PHOTOS + photos):
        yield Twins(broken.photograph(index), whole.photograph(index), listed, known, sites)


def _excesses(
    damaged: SimulatedPhoto, whole: SimulatedPhoto, listed: tuple[Defect, ...]
) -> tuple[Floats, Exposure]:
    """Return by how many levels each place stands out in luma, and the photo's exposure."""
    off = (damaged.picture().astype(float) - whole.picture()) @ LUMA
    return np.array([off[each.y, each.x] for each in listed]), damaged.exposure


def _known(defect: Defect, kind: Kind, looks: list[tuple[float, Exposure]]) -> Defect:
    """Return a defect as a map tells of it: from the photos that show it, and how many do."""
    shown = [(excess, exposure) for excess, exposure in looks if abs(excess) >= MAP_SEES]
    seen = (len(shown) / len(looks), len(looks))
    if not shown:
        return replace(defect, kind=kind, seen=seen)
    return replace(
        defect, kind=kind, seen=seen, strength=float(np.mean([excess for excess, _ in shown])),
        exposure_s=median(each.exposure_s for _, each in shown if each.exposure_s),
        gain=median(each.gain for _, each in shown if each.gain),
    )  # fmt: skip


def colours_of(header: Header, content: bytes) -> Levels:
    """Return the decoded picture of a JPEG, (height, width, 3), as any viewer shows it."""
    return np.asarray(decode_colour(header, content), np.uint8)


def noise_dn(photo: SimulatedPhoto) -> Floats:
    """Return the noise in DN of each photosite of a mosaic, from its level (EMVA 1288)."""
    settings, gain = photo.settings, photo.shot.gain
    dn_per_e = gain * (settings.white_dn - settings.black_dn) / settings.full_well_e
    electrons = (photo.mosaic.astype(np.float64) - settings.black_dn) / dn_per_e
    light_and_reading = np.maximum(electrons, 0) + settings.read_noise_e**2
    return np.asarray(np.sqrt(light_and_reading * dn_per_e**2 + settings.converter_noise_dn**2))

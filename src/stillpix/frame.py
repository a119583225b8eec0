"""One photo as records: the sensor that took it, its exposure, and its pixels.

Knows nothing of files and never rotates: x is the stored column, y the stored row, both from 0.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

UNKNOWN = "unknown"
UNTOLD = "lens unknown"  # of a phone with several, in a photo that does not say which one
VIDEO = "video"  # of a camera that took videos: their frames are no photos of it
FOLDER = "folder "  # before the folder by which nameless cameras are told apart

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
Chroma: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.uint8]]  # Cb and Cr of a rendered photo
Layout: TypeAlias = Literal[
    "rendered", "mono", "xtrans", "bayer-RGGB", "bayer-BGGR", "bayer-GRBG", "bayer-GBRG"
]

# One period of the X-Trans pattern, and the layouts of a Bayer sensor by the letters of a cell.
XTRANS = ("GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGBG")
BAYER: dict[str, Layout] = {
    "RGGB": "bayer-RGGB", "BGGR": "bayer-BGGR", "GRBG": "bayer-GRBG", "GBRG": "bayer-GBRG"
}  # fmt: skip
# The words by which a person names the layout of files that do not.
PATTERNS: dict[str, Layout] = {**BAYER, "mono": "mono"}


@dataclass(frozen=True, slots=True, order=True)
class Sensor:
    """One sensor of a body at one stored size: photos of different sensors never share evidence.

    >>> Sensor("NIKON CORPORATION", "NIKON D3200", "8964244", 3008, 2000).name
    'NIKON D3200, serial 8964244, 3008x2000'
    >>> Sensor("Apple", "iPhone 13 Pro", "unknown", 4032, 3024, which="5.7 mm").name
    'iPhone 13 Pro, 5.7 mm, 4032x3024'
    """

    make: str
    model: str
    serial: str
    width: int
    height: int
    layout: Layout = "rendered"
    visible: tuple[int, int, int, int] | None = None  # x, y, width, height; None: all of it
    which: str = ""  # of several sensors of the body: "5.7 mm", "band Blue"; "": nothing tells

    @property
    def name(self) -> str:
        """Return the words a person would call it by."""
        body = "unknown camera" if self.model == UNKNOWN else self.model
        serial = "" if self.serial == UNKNOWN else f", serial {self.serial}"
        kind = " RAW" if self.is_mosaic else ""
        which = f", {self.which}" if self.which else ""
        return f"{body}{serial}{which}, {self.width}x{self.height}{kind}"

    @property
    def facts(self) -> dict[str, Any]:
        """Return what is kept with saved results; `which` only where something tells it.

        So results that were saved before there was a `which` are still of their sensor.
        """
        facts = asdict(self)
        if not self.which:
            del facts["which"]
        return facts

    @property
    def is_mosaic(self) -> bool:
        """Return whether its photos hold the sensor's own values, one per photosite."""
        return self.layout != "rendered"

    @property
    def is_video(self) -> bool:
        """Return whether its pictures are frames of videos."""
        return self.which.split(",")[0] == VIDEO

    @property
    def picture(self) -> str:
        """Return what one of its pictures is called: photo, frame, or field of interlaced clips.

        >>> Sensor(UNKNOWN, UNKNOWN, UNKNOWN, 30, 20, which="video, top field").picture
        'field'
        """
        if not self.is_video:
            return "photo"
        return "field" if self.which.endswith(" field") or " field, " in self.which else "frame"

    @property
    def recording(self) -> str:
        """Return what a person calls a file of its pictures: photo, or clip."""
        return "clip" if self.is_video else "photo"

    @property
    def is_nameless(self) -> bool:
        """Return whether no photo names the camera, and no person does."""
        return (self.make, self.model, self.serial) == (UNKNOWN, UNKNOWN, UNKNOWN)

    @property
    def is_untold(self) -> bool:
        """Return whether a phone took the photos, and they do not say which of its sensors."""
        return self.which == UNTOLD

    @property
    def folder(self) -> str:
        """Return the folder that stands for the name of a nameless camera; "" where none does."""
        return self.which.partition(FOLDER)[2] if self.is_nameless else ""

    def in_folder(self, folder: str) -> Sensor:
        """Return a nameless camera as that of a folder, or ("") of any; any other as it is.

        >>> Sensor(UNKNOWN, UNKNOWN, UNKNOWN, 30, 20).in_folder("/photos").name
        'unknown camera, folder /photos, 30x20'
        """
        if not self.is_nameless:
            return self
        told = self.which.partition(FOLDER)[0].removesuffix(", ")
        here = FOLDER + folder if folder else ""
        return replace(self, which=", ".join(filter(None, (told, here))))

    def called_as(self, other: Sensor) -> Sensor:
        """Return a nameless camera under the name of another record of it; any other as it is."""
        if not self.is_nameless:
            return self
        return replace(self, make=other.make, model=other.model, which=other.which)

    def is_alike(self, other: Sensor) -> bool:
        """Return whether two records are of one sensor: readers may disagree on its visible area.

        >>> one = Sensor("Canon", "EOS R", "7", 30, 20)
        >>> one.is_alike(replace(one, visible=(2, 2, 20, 10)))
        True
        """
        return replace(self, visible=None) == replace(other, visible=None)

    @property
    def visible_area(self) -> tuple[int, int, int, int]:
        """Return the visible area as x, y, width, height."""
        return self.visible or (0, 0, self.width, self.height)


def sensor_of(facts: dict[str, Any]) -> Sensor:
    """Return the sensor whose `facts` were saved.

    >>> import json
    >>> sensor = Sensor("Canon", "EOS R", "7", 30, 20, visible=(2, 2, 20, 10))
    >>> sensor_of(json.loads(json.dumps(sensor.facts))) == sensor
    True
    """
    visible = facts["visible"]
    return Sensor(**{**facts, "visible": None if visible is None else tuple(visible)})


@dataclass(frozen=True, slots=True)
class Exposure:
    """How one photo was exposed; None where the file does not say (or says nonsense)."""

    exposure_s: float | None = None
    gain: float | None = None  # ISO / 100
    taken: datetime | None = None  # the camera's own clock


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Frame:
    """One photo as the sensor gave it."""

    pixels: Pixels  # DN, (height, width): luma of a rendered photo, or the mosaic; floats: of that
    sensor: Sensor
    exposure: Exposure
    origin: str  # "IMG_0042.JPG", "clip.mp4#117"
    digest: str  # of the file's bytes: two frames with one digest are one photo
    white: int = 255  # DN at which a pixel is full
    black: int = 0  # DN of a pixel without light, where it is known; of a mosaic
    phase: tuple[int, int] = (0, 0)  # x, y at which an X-Trans mosaic's 6x6 pattern begins
    dark: bool = False  # taken without light: all that it shows is the sensor's own
    # At half the pitch, rounded up: each is the mean of 2x2 px. None: grey, or not read.
    chroma: Chroma | None = None

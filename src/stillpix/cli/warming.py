"""`stillpix warm-up`: compiles all that find and fix need, so that no later run has to.

Keeps nothing but the compiled code: its photos, map and repairs go to a folder that it deletes.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from .output import complain, say

WIDTH, HEIGHT = 160, 120  # px
PHOTOS = 8
PLACE = (40, 30)  # of the pixel that is made white, for a repair to look at


def warm_up() -> None:
    """Compile all code now, so that the first find and fix need not."""
    begun = time.monotonic()
    complain("compiling; this takes a minute or two, once for each version of stillpix")
    with TemporaryDirectory() as folder:
        _find(Path(folder) / "jpeg", "jpeg")
        _find(Path(folder) / "mosaics", "tiff")
        _fix(Path(folder) / "jpeg")
    say(f"ready: compiled in {time.monotonic() - begun:.0f} s")


def _find(folder: Path, output: Literal["jpeg", "tiff"]) -> None:
    """Find in photos of an imaginary camera: JPEGs, or TIFFs of its mosaic."""
    from ..scan import find
    from ..simulate import CameraSettings, SimulatedCamera, write_series

    camera = SimulatedCamera(
        CameraSettings(width=WIDTH, height=HEIGHT, defects=10, output=output), seed=1
    )
    write_series(folder, camera, photos=PHOTOS)
    find([folder])


def _fix(folder: Path) -> None:
    """Repair a JPEG of either kind."""
    from PIL import Image

    from ..images import read_header
    from ..maps.records import Defect, DefectMap
    from ..restoration.fix import fix

    source = min(folder.glob("IMG_*"))
    hot = Defect(x=PLACE[0], y=PLACE[1], kind="hot", state="confirmed")
    with Image.open(source) as photo:
        exif, picture = photo.getexif(), photo.copy()
    picture.putpixel(PLACE, (255, 255, 255))
    for progressive in (False, True):
        path = folder / f"progressive-{progressive}.jpg"
        picture.save(path, progressive=progressive, exif=exif, quality=95)
        fix(path, DefectMap(read_header(path).sensor, (hot,)), folder / f"fixed-{path.name}")

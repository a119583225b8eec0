"""Folders of small photos for the tests of find: an imaginary camera with known hot pixels.

Every number gives another scene, and the same number the same bytes. Uses no code of stillpix.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stillpix.images.gather import gather
from stillpix.maps.map_file import as_text
from stillpix.scan import scan
from support import photos

SIZE = (160, 120)
HOT = ((40, 30), (101, 77), (131, 52))  # x, y
CAMERA = {**photos.CAMERA, 274: 1}


def scene(number: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """Return another smooth picture for every number, with noise and the camera's hot pixels."""
    return _scene(number, tuple(size)).copy()


@cache
def _scene(number: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    width, height = size
    rng = np.random.default_rng(number)
    light = np.zeros((height, width, 3))
    for cells, contrast in ((3, 40), (9, 25), (40, 12)):
        coarse = rng.normal(0, contrast, (cells, cells, 3)).clip(-90, 90) + 128
        layers = Image.fromarray(coarse.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
        light += np.asarray(layers, float) - 128
    light += 110 + rng.normal(0, 3, light.shape)
    for x, y in HOT:
        if x < width and y < height:
            light[y, x] += 70
    return light.clip(0, 255).astype(np.uint8)


def jpeg(
    pixels: NDArray[Any], tags: Mapping[int, photos.ExifValue] | None = None, **options: Any
) -> bytes:
    """Return pixels as a JPEG of the camera, some of its tags changed or (None) left out."""
    block = photos.exif_block({**CAMERA, **(tags or {})})
    options = {"quality": 95, "exif": b"Exif\0\0" + block, **options}
    return photos.encoded(Image.fromarray(pixels), "JPEG", **options)


def write(
    folder: Path,
    numbers: range,
    *,
    size: tuple[int, int] = SIZE,
    tags: Mapping[int, photos.ExifValue] | None = None,
) -> list[Path]:
    """Write photos IMG_0001.JPG ... of these scenes; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"IMG_{number:04}.JPG" for number in numbers]
    for number, path in zip(numbers, paths, strict=True):
        path.write_bytes(jpeg(scene(number, size), tags))
    return paths


def map_text(folder: Path) -> str:
    """Return the map of a folder's one camera, as its file holds it, found by this process."""
    (body,) = scan(gather([folder]))
    return as_text(body.map)

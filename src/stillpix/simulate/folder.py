"""Scenes from a folder of ordinary pictures: cropped, rotated, enlarged, made linear again.

Never changes the pictures, and never takes the same crop twice.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import NothingUsableError
from .filters import Floats
from .scenes import TILE_PX, Scene, light_of_picture

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp"})
_GRAIN = 0.025  # enlarged pictures have lost their finest texture


@lru_cache(maxsize=4)
def _open_picture(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")


class PictureFolder:
    """A folder of pictures to stand before the simulated camera.

    Raises NothingUsableError where the folder holds no picture.
    """

    def __init__(self, folder: Path) -> None:
        found = (path for path in Path(folder).iterdir() if path.suffix.lower() in _SUFFIXES)
        self._paths = sorted(found)
        if not self._paths:
            raise NothingUsableError(f"{folder}: holds no picture ({', '.join(sorted(_SUFFIXES))})")

    def scene(
        self,
        rng: np.random.Generator,
        tile: Floats,
        size: tuple[int, int],
        *,
        night_share: float = 0.0,
        shift_px: tuple[float, float] = (0.0, 0.0),
    ) -> Scene:
        """Return a random view (height, width) of a random picture, moved by `shift_px`.

        A share of them is dimmed two stops, as at dusk.
        """
        source = _open_picture(self._paths[rng.integers(len(self._paths))])
        fit = min(source.width / size[1], source.height / size[0])
        step = fit * rng.uniform(0.55, 0.85)  # source px a sensor px, with room to turn
        angle = np.radians(rng.normal(0, 3))
        flip = rng.choice([-1, 1])
        across = step * flip * np.array([np.cos(angle), np.sin(angle)])
        down = step * np.array([-np.sin(angle), np.cos(angle)])
        room = np.array([source.width, source.height]) - step * np.array(size[::-1])
        centre = np.array([source.width, source.height]) / 2 + rng.uniform(-0.4, 0.4, 2) * room
        corner = centre - across * (size[1] / 2 + shift_px[0]) - down * (size[0] / 2 + shift_px[1])
        terms = (across[0], down[0], corner[0], across[1], down[1], corner[1])
        view = source.transform(size[::-1], Image.Transform.AFFINE, terms, Image.Resampling.BICUBIC)
        light = light_of_picture(np.asarray(view, np.uint8))
        light *= _grain(rng, tile, size, shift_px)[:, :, None]
        night = bool(rng.random() < night_share)
        return Scene(light * np.float32(2.0 ** rng.normal(-2.0 * night, 0.3)), night)


def _grain(
    rng: np.random.Generator, tile: Floats, size: tuple[int, int], shift_px: tuple[float, float]
) -> NDArray[np.float32]:
    """Return 1/f texture about 1 that moves with the view."""
    left, top = rng.integers(TILE_PX, size=2) - np.round(shift_px).astype(int)
    rows, columns = (np.arange(size[0]) + top) % TILE_PX, (np.arange(size[1]) + left) % TILE_PX
    return np.asarray(1 + np.float32(_GRAIN) * tile[np.ix_(rows, columns)], np.float32)

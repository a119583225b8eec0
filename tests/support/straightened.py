"""Photos of a zoom whose distortion the camera corrects: an imaginary one, with known hot pixels.

Uses no code of stillpix.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from support import series

SIZE = (320, 240)
LENS = "Zoom 24-70mm F4"
WIDE = -0.09  # of the radius, in the corner at 24 mm; nothing at 70 mm
# x, y on the sensor
BROKEN = (
    (31, 40), (60, 200), (97, 33), (120, 150), (150, 215), (181, 60), (225, 120), (262, 36),
    (285, 190), (250, 205),
)  # fmt: skip
ALL = (*BROKEN, *((x - 20, y - 20) for x, y in series.HOT))
FOCAL_LENGTH, LENS_MODEL = 37386, 42036


def strength(focal_mm: float) -> float:
    """Return the correction in the corner, as a share of the radius."""
    return WIDE * (70 - focal_mm) / 46


def stored_at(x: float, y: float, focal_mm: float) -> tuple[float, float]:
    """Return where a sensor's pixel lies in the picture."""
    middle = (np.array(SIZE) - 1) / 2
    u, half = np.array([x, y]) - middle, np.hypot(*middle)
    v = u.copy()
    for _ in range(40):
        v = u / (1 + strength(focal_mm) * (v @ v) / half**2)
    return float(v[0] + middle[0]), float(v[1] + middle[1])


@cache
def picture(number: int, focal_mm: float, corrected_as: float | None = None) -> NDArray[np.uint8]:
    """Return a photo, not to be drawn on; its correction may be that of another focal length."""
    width, height = SIZE
    light = series.scene(1000 + number, (width + 40, height + 40))[20:-20, 20:-20].astype(float)
    rng = np.random.default_rng(number)
    blocks = rng.normal(0, 25, (height // 8, width // 8, 1)).repeat(8, 0).repeat(8, 1)
    light = (light + np.roll(blocks, rng.integers(0, 8, 2), (0, 1))).clip(0, 255)
    light *= 0.3 + 0.5 * ((number * 7) % 10) / 10
    for n, (x, y) in enumerate(BROKEN):
        for dx, dy, share in ((0, 0, 1.0), (1, 0, 0.5), (-1, 0, 0.5), (0, 1, 0.5), (0, -1, 0.5)):
            light[y + dy, x + dx] += share * (60 + 5 * n)
    k = strength(focal_mm if corrected_as is None else corrected_as)
    rows, columns = np.mgrid[:height, :width].astype(float)
    v, u = rows - (height - 1) / 2, columns - (width - 1) / 2
    ratio = 1 + k * (u * u + v * v) / (((width - 1) / 2) ** 2 + ((height - 1) / 2) ** 2)
    found = _between(light, u * ratio + (width - 1) / 2, v * ratio + (height - 1) / 2)
    found.flags.writeable = False
    return found


def _between(light: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]):
    left, top = np.clip(x.astype(int), 0, SIZE[0] - 2), np.clip(y.astype(int), 0, SIZE[1] - 2)
    across, down = (x - left)[..., None], (y - top)[..., None]
    upper = light[top, left] * (1 - across) + light[top, left + 1] * across
    lower = light[top + 1, left] * (1 - across) + light[top + 1, left + 1] * across
    return (upper * (1 - down) + lower * down).clip(0, 255).astype(np.uint8)


def write(
    folder: Path, number: int, *, corrected_as: float | None = None, named: bool = True,
    focal_lengths: Sequence[int] | None = None,
) -> list[Path]:  # fmt: skip
    """Write so many photos, with focal lengths from 24 to 70 mm, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for n in range(number):
        focal_mm = focal_lengths[n] if focal_lengths else 24 + (n * 17) % 47
        tags = {FOCAL_LENGTH: (focal_mm, 1), LENS_MODEL: LENS} if named else {}
        path = folder / f"P{n:04d}.jpg"
        if not path.exists():
            path.write_bytes(series.jpeg(picture(n, focal_mm, corrected_as), tags))
        paths.append(path)
    return paths

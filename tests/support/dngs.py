"""Synthetic Bayer photos for other programs: a smooth scene, planted defects, odd margins.

Written with numpy and tifffile alone, so that nothing here shares code with what is tested.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

WIDTH, HEIGHT = 620, 420  # of the full stored frame
ACTIVE = (11, 23, 413, 611)  # top, left, bottom, right: odd margins on purpose
BLACK, WHITE = 512, 16383
GAP = 14  # px between defects: what one program does to one must not reach the next
EDGE = 18  # px of the active area without defects: RawTherapee crops and leaves borders alone
COLOURS = {"R": 0, "G": 1, "B": 2}
LEVELS = {"R": 2300.0, "G": 3600.0, "B": 2000.0}
MATRIX = ((1, 1), (0, 1), (0, 1), (0, 1), (1, 1), (0, 1), (0, 1), (0, 1), (1, 1))


@dataclass(frozen=True)
class Bayer:
    """A mosaic, its pattern at (0, 0) of the full frame, and where it is broken."""

    mosaic: np.ndarray
    pattern: str
    places: tuple[tuple[int, int], ...]  # x, y in the full frame

    @property
    def layout(self) -> str:
        return f"bayer-{self.pattern}"


def bayer(pattern: str = "RGGB", count: int = 40, seed: int = 5, scene: int = 0) -> Bayer:
    """Return a smooth scene with noise, and hot and dead sites in its active area.

    Another scene has another light and other noise, and the same broken sites.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    light = 1 + 0.25 * np.sin(x / 160 + scene) + 0.2 * np.cos(y / 130 + 2 * scene)
    level = np.array([[LEVELS[pattern[2 * row + column]] for column in (0, 1)] for row in (0, 1)])
    noise = np.random.default_rng((seed, scene)).normal(0, 12, light.shape)
    mosaic = BLACK + light * level[y % 2, x % 2] + noise
    top, left, bottom, right = ACTIVE
    grid = [
        (left + EDGE + GAP * column, top + EDGE + GAP * row)
        for row in range((bottom - top - 2 * EDGE) // GAP)
        for column in range((right - left - 2 * EDGE) // GAP)
    ]
    places = []
    for number, index in enumerate(rng.choice(len(grid), count, replace=False)):
        x_at, y_at = (int(each + rng.integers(0, 2)) for each in grid[index])  # all four sites
        mosaic[y_at, x_at] = BLACK if number % 4 == 3 else WHITE - 1500
        places.append((x_at, y_at))
    return Bayer(np.rint(np.clip(mosaic, 0, WHITE)).astype(np.uint16), pattern, tuple(places))


def write_dng(
    path: Path,
    photo: Bayer,
    *,
    active: tuple[int, int, int, int] = ACTIVE,
    make: str = "Example Works",
    model: str = "Example One",
    taken: str = "2021:06:01 12:00:00",
) -> None:
    """Write a DNG whose raw is in its first directory; the pattern is told at the active area."""
    top, left, bottom, right = active
    pattern = bytes(
        COLOURS[photo.pattern[2 * ((top + row) % 2) + (left + column) % 2]]
        for row in (0, 1)
        for column in (0, 1)
    )
    flat = [number for ratio in MATRIX for number in ratio]
    # code, field type (1 byte, 2 text, 3 short, 4 long, 5 rational, 10 signed rational), count
    tags = [
        (271, 2, 0, make, True),
        (272, 2, 0, model, True),
        (274, 3, 1, 1, True),
        (306, 2, 0, taken, True),
        (33421, 3, 2, (2, 2), True),
        (33422, 1, 4, pattern, True),
        (50706, 1, 4, b"\x01\x04\x00\x00", True),
        (50707, 1, 4, b"\x01\x03\x00\x00", True),
        (50708, 2, 0, f"{make} {model}", True),
        (50714, 5, 1, (BLACK, 1), True),
        (50717, 4, 1, WHITE, True),
        (50719, 4, 2, (0, 0), True),
        (50720, 4, 2, (right - left, bottom - top), True),
        (50721, 10, 9, tuple(flat), True),
        (50728, 5, 3, (1, 2, 1, 1, 1, 2), True),
        (50778, 3, 1, 21, True),
        (50829, 4, 4, active, True),
    ]
    tifffile.imwrite(
        path, photo.mosaic, photometric=32803, planarconfig=1, metadata=None, extratags=tags,
        subfiletype=0, byteorder="<", software=False,
    )  # fmt: skip

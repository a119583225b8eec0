"""The compiled inner loops of spots, and of pictures resampled along the radius.

Works on arrays only; knows nothing of cameras or files.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiling import compiled

AWAY = 3  # px from a spot to the four pixels that it must rise above
_CHUNK = 64  # px looked at together where hardly any can be a spot


@compiled
def _rise_row(photo: Any, y: int, rise: Any) -> None:
    """How far each pixel of a row rises above all four AWAY px from it, in DN."""
    row, above, below = photo[y], photo[y - AWAY], photo[y + AWAY]
    left, middle, right = row[: -2 * AWAY], row[AWAY:-AWAY], row[2 * AWAY :]
    up, down, out = above[AWAY:-AWAY], below[AWAY:-AWAY], rise[AWAY:-AWAY]
    for x in range(out.size):
        sides = max(np.int32(left[x]), np.int32(right[x]))
        out[x] = np.int32(middle[x]) - max(sides, np.int32(up[x]), np.int32(down[x]))


@compiled
def count_rises(photo: Any, border: int, every: int, white: int, counts: Any) -> None:
    """Histogram how far the pixels of each `every`-th row rise, in grey levels of 0..255."""
    height, width = photo.shape
    rise = np.zeros(width, np.int32)
    for y in range(border, height - border, every):
        _rise_row(photo, y, rise)
        for x in range(border, width - border):
            counts[min(max(rise[x], 0) * 255 // white, 255)] += 1


@compiled
def list_bright(photo: Any, least: int, border: int, found: Any) -> int:
    """List the pixels that rise more than `least` DN.

    found is (most, 3) for x, y and the rise; returns how many there are, which may be more than
    fitted.
    """
    height, width = photo.shape
    rise = np.zeros(width, np.int32)
    number = 0
    for y in range(border, height - border):
        _rise_row(photo, y, rise)
        for chunk in range(border, width - border, _CHUNK):
            last = min(chunk + _CHUNK, width - border)
            most = np.int32(0)
            for x in range(chunk, last):
                most = max(most, rise[x])
            if most <= least:
                continue
            for x in range(chunk, last):
                if rise[x] > least:
                    if number < found.shape[0]:
                        found[number, 0], found[number, 1], found[number, 2] = x, y, rise[x]
                    number += 1
    return number


@compiled
def resample(
    photo: Any, inverse: Any, middle_x: float, middle_y: float, white: float, out: Any
) -> None:
    """Fill `out`: its place at radius r shows the photo at r times `inverse` there.

    inverse is given at equal steps of r^2, from 0 to the corner's. Cubic convolution (Keys 1981);
    beyond its edge a photo is continued by its last pixels.
    """
    height, width = photo.shape
    steps = np.float32(inverse.size - 1)
    scale = steps / np.float32(middle_x * middle_x + middle_y * middle_y)
    across, down = np.empty(4, np.float32), np.empty(4, np.float32)
    half, full = np.float32(0.5), np.float32(white)
    for y in range(height):
        v = np.float32(y - middle_y)
        for x in range(width):
            u = np.float32(x - middle_x)
            at = min((u * u + v * v) * scale, steps)
            step = min(int(at), inverse.size - 2)
            part = at - np.float32(step)
            ratio = inverse[step] + part * (inverse[step + 1] - inverse[step])
            px, py = u * ratio + np.float32(middle_x), v * ratio + np.float32(middle_y)
            left, upper = int(np.floor(px)), int(np.floor(py))
            _weigh(px - np.float32(left), across)
            _weigh(py - np.float32(upper), down)
            total = half
            for j in range(4):
                row = photo[min(max(upper - 1 + j, 0), height - 1)]
                value = np.float32(0.0)
                for i in range(4):
                    value += across[i] * np.float32(row[min(max(left - 1 + i, 0), width - 1)])
                total += down[j] * value
            out[y, x] = min(max(total, half), full)


@compiled
def _weigh(t: Any, out: Any) -> None:
    """Weights of the four samples around a place `t` beyond the second (Keys, a = -1/2)."""
    half = np.float32(0.5)
    out[0] = half * t * (t * (np.float32(2.0) - t) - np.float32(1.0))
    out[1] = half * (t * t * (np.float32(3.0) * t - np.float32(5.0)) + np.float32(2.0))
    out[2] = half * t * (t * (np.float32(4.0) - np.float32(3.0) * t) + np.float32(1.0))
    out[3] = half * t * t * (t - np.float32(1.0))

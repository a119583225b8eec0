"""Frames of an imaginary astronomical camera: a drifting field of stars, or darkness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BIAS, WHITE = 500, 65535


class Sky:
    """Stars of all brightness that drift over a sensor with hot pixels and a fixed pattern."""

    def __init__(
        self, seed: int, *, width: int = 1000, height: int = 700, stars: int = 1500,
        hot: int = 400, fwhm: float = 2.2, drift: tuple[float, float] = (0.7, 0.31),
        read_noise: float = 6.0, sky: float = 300.0, pattern: float = 1.5, weakest: float = 8.0,
    ) -> None:  # fmt: skip
        """Draw stars, hot pixels and the fixed pattern; sizes in px, light and noise in DN.

        `weakest` is the faintest hot pixel in sigmas of a light frame; the brightest has 100 times
        as much.
        """
        self.rng = np.random.default_rng(seed)
        self.width, self.height, self.drift, self.sigma = width, height, drift, fwhm / 2.355
        self.read_noise, self.sky = read_noise, sky
        rng = self.rng
        span = 80
        self.x = rng.uniform(-span, width + span, stars)
        self.y = rng.uniform(-span, height + span, stars)
        self.flux = 2000 * rng.pareto(1.0, stars).clip(0, 300)
        places = rng.choice((width - 20) * (height - 20), hot, replace=False)
        self.hot = {(int(p % (width - 20)) + 10, int(p // (width - 20)) + 10) for p in places}
        self.dark = rng.normal(0, pattern, (height, width))
        noise = (read_noise**2 + sky) ** 0.5
        for x, y in sorted(self.hot):
            self.dark[y, x] += noise * weakest * np.exp(rng.uniform(0, np.log(100)))

    def dark_frame(self) -> NDArray[np.uint16]:
        """Return a frame of the covered sensor, with the tracks of cosmic rays."""
        noise = self.rng.normal(0, self.read_noise, self.dark.shape)
        charge = np.maximum(self.dark, 0)
        kept = BIAS + charge + np.minimum(self.dark, 0) + noise
        kept += self.rng.normal(0, 1, kept.shape) * np.sqrt(charge)
        for _ in range(self.rng.poisson(4)):  # cosmic rays
            x, y = self.rng.integers(2, self.width - 2), self.rng.integers(2, self.height - 2)
            kept[y, x : x + 2] += self.rng.uniform(300, 20000)
        return np.clip(np.rint(kept), 0, WHITE).astype(np.uint16)

    def light_frame(self, index: int) -> NDArray[np.uint16]:
        """Return frame `index` of the series: the stars have drifted that far, and jitter."""
        light = np.full(self.dark.shape, self.sky)
        light *= 1 + 0.3 * np.linspace(0, 1, self.width)
        jitter = self.rng.normal(0, 0.4, 2)
        x = self.x + index * self.drift[0] + jitter[0]
        y = self.y + index * self.drift[1] + jitter[1]
        reach = int(6 * self.sigma) + 2
        for sx, sy, flux in zip(x, y, self.flux, strict=True):
            left, top = int(sx) - reach, int(sy) - reach
            if not (left >= 0 and left + 2 * reach + 1 <= self.width):
                continue
            if not (top >= 0 and top + 2 * reach + 1 <= self.height):
                continue
            across = np.arange(left, left + 2 * reach + 1)
            down = np.arange(top, top + 2 * reach + 1)
            gx = np.exp(-((across - sx) ** 2) / (2 * self.sigma**2))
            gy = np.exp(-((down - sy) ** 2) / (2 * self.sigma**2))
            spot = flux * np.outer(gy, gx) / (2 * np.pi * self.sigma**2)
            light[top : top + 2 * reach + 1, left : left + 2 * reach + 1] += spot
        total = light + np.maximum(self.dark, 0)
        noise = self.rng.normal(0, 1, total.shape) * np.sqrt(total + self.read_noise**2)
        kept = BIAS + total + np.minimum(self.dark, 0) + noise
        return np.clip(np.rint(kept), 0, WHITE).astype(np.uint16)

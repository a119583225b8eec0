"""Frames of an imaginary astronomical camera: a moving field of stars, or darkness.

Never reads files and knows nothing of the finder.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

BIAS, WHITE = 500, 65535
BLEEDS = 8000.0  # DN of charge that a full photosite hands on to each of those below and above
HARD = ("slow", "periodic", "dithered", "flipped", "turning", "two targets", "mixed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """How a field moves over the sensor, but for its drift, and what the air and the sky do."""

    swing: float = 0.0  # px to either side: a worm gear's periodic error
    period: float = 12.0  # frames in which it comes again
    dither: int = 0  # frames between jumps of the mount; 0: it never jumps
    jump: float = 12.0  # px, standard deviation of where it stands after a jump
    flip: int = 0  # frame from which the field is turned by half a circle; 0: never
    turn: float = 0.0  # degrees a frame about the middle: a mount without an equatorial axis
    other: int = 0  # frame from which another field is in view; 0: never
    seeing: float = 0.0  # spread of the stars' width from frame to frame, as a share
    clouds: float = 0.0  # share of the light that clouds take at most
    rays: float = 0.0  # cosmic rays a frame
    trails: float = 0.0  # satellites and planes a frame
    bleeding: bool = False  # of full photosites along their column


def hard_night(kind: str, rng: np.random.Generator, frames: int) -> tuple[Night, float, float]:
    """Return a night of one of the kinds of HARD, its drift (px a frame) and its stars' FWHM (px).

    All have rays, trails, changing air and bleeding; some of them clouds.
    """

    def between(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    drift, width = between(0.05, 0.6), between(1.2, 4.0)
    air = {
        "seeing": float(rng.uniform(0.05, 0.3)), "clouds": float(rng.choice([0.0, 0.0, 0.7])),
        "rays": 4.0, "trails": 0.2, "bleeding": True,
    }  # fmt: skip
    own: dict[str, float] = {}
    half = int(frames * rng.uniform(0.3, 0.7))
    if kind == "slow":
        drift = between(0.05, 0.16)
    elif kind == "periodic":
        drift = between(0.02, 0.15)
        own = {"swing": between(1.0, 5.0), "period": between(6.0, 25.0)}
    elif kind == "dithered":
        drift = between(0.001, 0.03)
        own = {"dither": int(rng.integers(1, 16)), "jump": between(3.0, 20.0)}
    elif kind == "flipped":
        drift, own = between(0.001, 0.1), {"flip": half}
    elif kind == "turning":
        drift, own = between(0.001, 0.1), {"turn": between(0.01, 0.3)}
    elif kind == "two targets":
        drift, own = between(0.02, 0.2), {"other": half}
    else:
        own = {"dither": int(rng.integers(3, 10)), "swing": between(0.5, 3.0), "flip": half}
    return Night(**air, **own), drift, width  # type: ignore[arg-type]  # dataclasses refuses wrong names


class Sky:
    """Stars of all brightness that move over a sensor with hot pixels and a fixed pattern."""

    def __init__(
        self, seed: int, *, width: int = 1000, height: int = 700, stars: int = 1500,
        hot: int = 400, fwhm: float = 2.2, drift: tuple[float, float] = (0.7, 0.31),
        read_noise: float = 6.0, sky: float = 300.0, pattern: float = 1.5, weakest: float = 8.0,
        night: Night = Night(),
    ) -> None:  # fmt: skip
        """Draw stars, hot pixels and the fixed pattern; sizes in px, light and noise in DN.

        `weakest` is the faintest hot pixel in sigmas of a light frame; the brightest has 100 times
        as much.
        """
        self.rng = np.random.default_rng(seed)
        self.width, self.height, self.drift, self.sigma = width, height, drift, fwhm / 2.355
        self.read_noise, self.sky, self.night = read_noise, sky, night
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
        self._path = np.random.default_rng([seed, 1])  # of the mount: its own, whatever is drawn
        self._phase = self._path.uniform(0, 2 * pi)
        self._stands = np.zeros(2)
        self.others = self._path.permutation(stars)  # the other field: places of other fluxes

    def dark_frame(self) -> NDArray[np.uint16]:
        """Return a frame of the covered sensor, with the tracks of cosmic rays."""
        noise = self.rng.normal(0, self.read_noise, self.dark.shape)
        charge = np.maximum(self.dark, 0)
        kept = BIAS + charge + np.minimum(self.dark, 0) + noise
        kept += self.rng.normal(0, 1, kept.shape) * np.sqrt(charge)
        self._add_rays(kept, 4.0)
        return np.clip(np.rint(kept), 0, WHITE).astype(np.uint16)

    def light_frame(self, index: int) -> NDArray[np.uint16]:
        """Return frame `index` of the series: the stars have moved that far, and jitter.

        Of a mount that jumps, frames must be asked for in order.
        """
        night, clear, sigma = self.night, 1.0, self.sigma
        light = np.full(self.dark.shape, self.sky)
        light *= 1 + 0.3 * np.linspace(0, 1, self.width)
        x, y = self._places(index, self.rng.normal(0, 0.4, 2))
        if night.clouds:
            clear -= night.clouds * np.sin(pi * index / 23 + self._phase) ** 2
        if night.seeing:
            sigma *= float(np.exp(night.seeing * self._path.normal()))
        self._add_stars(light, x, y, clear * self.flux, sigma)
        if night.trails:
            self._add_trails(light, sigma)
        total = light + np.maximum(self.dark, 0)
        noise = self.rng.normal(0, 1, total.shape) * np.sqrt(total + self.read_noise**2)
        kept = BIAS + total + np.minimum(self.dark, 0) + noise
        self._add_rays(kept, night.rays)
        if night.bleeding:
            bleed(kept)
        return np.clip(np.rint(kept), 0, WHITE).astype(np.uint16)

    def _places(
        self, index: int, jitter: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where the stars are in one frame."""
        night, x, y = self.night, self.x, self.y
        if night.other and index >= night.other:
            x, y = x[self.others], y[self.others[::-1]]
        if night.flip and index >= night.flip:
            x, y = self.width - 1 - x + 5, self.height - 1 - y - 9
        if night.dither and index % night.dither == 0:
            self._stands = self._path.normal(0, night.jump, 2)
        angle = np.deg2rad(index * night.turn)
        across, down = x - self.width / 2, y - self.height / 2
        swing = night.swing * np.sin(2 * pi * index / night.period + self._phase)
        east = index * self.drift[0] + jitter[0] + self._stands[0] + swing
        south = index * self.drift[1] + jitter[1] + self._stands[1]
        if angle:
            x = self.width / 2 + across * np.cos(angle) - down * np.sin(angle)
            y = self.height / 2 + across * np.sin(angle) + down * np.cos(angle)
        return x + east, y + south

    def _add_stars(
        self, light: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64],
        flux: NDArray[np.float64], sigma: float,
    ) -> None:  # fmt: skip
        reach = int(6 * sigma) + 2
        for sx, sy, much in zip(x, y, flux, strict=True):
            left, top = int(sx) - reach, int(sy) - reach
            if not (left >= 0 and left + 2 * reach + 1 <= self.width):
                continue
            if not (top >= 0 and top + 2 * reach + 1 <= self.height):
                continue
            across = np.arange(left, left + 2 * reach + 1)
            down = np.arange(top, top + 2 * reach + 1)
            gx = np.exp(-((across - sx) ** 2) / (2 * sigma**2))
            gy = np.exp(-((down - sy) ** 2) / (2 * sigma**2))
            spot = much * np.outer(gy, gx) / (2 * np.pi * sigma**2)
            light[top : top + 2 * reach + 1, left : left + 2 * reach + 1] += spot

    def _add_trails(self, light: NDArray[np.float64], sigma: float) -> None:
        """Add straight lines across the frame, as sharp as the stars."""
        rows, columns = np.ogrid[: self.height, : self.width]
        for _ in range(self._path.poisson(self.night.trails)):
            angle = self._path.uniform(0, pi)
            at = self._path.uniform(0.2, 0.8, 2) * (self.width, self.height)
            off = (columns - at[0]) * np.sin(angle) - (rows - at[1]) * np.cos(angle)
            light += self._path.uniform(50, 2000) * np.exp(-(off**2) / (2 * sigma**2))

    def _add_rays(self, kept: NDArray[np.float64], number: float) -> None:
        for _ in range(self.rng.poisson(number) if number else 0):
            x, y = self.rng.integers(2, self.width - 2), self.rng.integers(2, self.height - 2)
            kept[y, x : x + 2] += self.rng.uniform(300, 20000)


def bleed(kept: NDArray[np.float64]) -> None:
    """Let charge above white run up and down the columns, as far as it fills photosites.

    >>> column = np.array([[100.0], [100.0], [WHITE + 16000.0], [100.0], [100.0]])
    >>> bleed(column)
    >>> column.ravel().tolist()
    [100.0, 8100.0, 65535.0, 8100.0, 100.0]
    """
    for y, x in np.argwhere(kept > WHITE).tolist():
        beyond = (kept[y, x] - WHITE) / 2
        kept[y, x] = WHITE
        for step in (-1, 1):
            rest, row = beyond, y + step
            while rest > 0 and 0 <= row < len(kept):
                room = min(max(WHITE - kept[row, x], 0.0), rest, BLEEDS)
                kept[row, x] += room
                rest, row = rest - room, row + step

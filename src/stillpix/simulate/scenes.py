"""Scenes in linear light for a simulated camera: dead leaves, skies, nights.

Dead leaves: occluding shapes whose radii follow r^-3 have the edges, the flat areas and the
scale invariance of natural images (Lee, Mumford, Huang: Occlusion models for natural images,
IJCV 2001). Never knows of sensors, exposures or files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .filters import Floats, compiled, gaussian_blur

TILE_PX = 512
_LEAST_RADIUS_PX = 1.5
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
_MID_GREY = 0.16
_SRGB_LINEAR_BELOW = 0.04045  # IEC 61966-2-1

# columns of a table of leaves
_COLUMNS = 17
_X, _Y, _A, _B, _COS, _SIN, _SHAPE, _EDGE, _KIN = range(9)
_RED, _GREEN, _BLUE, _GX, _GY, _TEXTURE, _OX, _OY = range(9, _COLUMNS)
_ELLIPSE, _RECTANGLE, _SHADOW = 0.0, 1.0, 2.0


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene before the camera."""

    light: Floats  # (height, width, 3), linear sRGB primaries, mid-grey near 0.16
    night: bool


def texture_tile(rng: np.random.Generator) -> Floats:
    """Return a periodic square of 1/f noise, mean 0 and standard deviation 1."""
    white = np.fft.rfft2(rng.standard_normal((TILE_PX, TILE_PX)))
    frequency = np.hypot(np.fft.fftfreq(TILE_PX)[:, None], np.fft.rfftfreq(TILE_PX)[None, :])
    frequency[0, 0] = np.inf
    noise = np.fft.irfft2(white / frequency, s=(TILE_PX, TILE_PX))
    return np.asarray(noise / noise.std(), np.float32)


@compiled
def _paint(image: Floats, leaves: Floats, tile: Floats) -> None:
    height, width, _ = image.shape
    for number in range(leaves.shape[0]):
        leaf = leaves[number]
        cx, cy, a, b, cos, sin = leaf[_X], leaf[_Y], leaf[_A], leaf[_B], leaf[_COS], leaf[_SIN]
        shape, edge, kin = leaf[_SHAPE], leaf[_EDGE], leaf[_KIN]
        red, green, blue, gx, gy = leaf[_RED], leaf[_GREEN], leaf[_BLUE], leaf[_GX], leaf[_GY]
        texture, ox, oy = leaf[_TEXTURE], leaf[_OX], leaf[_OY]
        if kin > 0:  # geometric mean with what it lies on: small things resemble their place
            under = image[min(max(int(cy), 0), height - 1), min(max(int(cx), 0), width - 1)]
            red = red ** (1 - kin) * under[0] ** kin
            green = green ** (1 - kin) * under[1] ** kin
            blue = blue ** (1 - kin) * under[2] ** kin
        reach_x = abs(a * cos) + abs(b * sin) + edge
        reach_y = abs(a * sin) + abs(b * cos) + edge
        least = min(a, b)
        for y in range(max(0, int(cy - reach_y)), min(height, int(cy + reach_y) + 2)):
            for x in range(max(0, int(cx - reach_x)), min(width, int(cx + reach_x) + 2)):
                dx, dy = x - cx, y - cy
                u, v = (cos * dx + sin * dy) / a, (cos * dy - sin * dx) / b
                far = max(abs(u), abs(v)) if shape == _RECTANGLE else np.sqrt(u * u + v * v)
                cover = min(1.0, (1 - far) * least / edge + 0.5)
                if cover <= 0:
                    continue
                shade = 1 + gx * u + gy * v
                if texture > 0:
                    shade += texture * tile[int(dy + oy) & 511, int(dx + ox) & 511]
                shade = max(shade, np.float32(0.08))
                if shape == _SHADOW:
                    image[y, x, 0] *= 1 - cover * (1 - red)
                    image[y, x, 1] *= 1 - cover * (1 - green)
                    image[y, x, 2] *= 1 - cover * (1 - blue)
                else:
                    image[y, x, 0] += cover * (red * shade - image[y, x, 0])
                    image[y, x, 1] += cover * (green * shade - image[y, x, 1])
                    image[y, x, 2] += cover * (blue * shade - image[y, x, 2])


def _some(rng: np.random.Generator, count: int, share: float) -> NDArray[np.bool_]:
    """Return which of `count` are among a random share."""
    return rng.random(count) < share


def natural_colours(rng: np.random.Generator, count: int, spread: float) -> Floats:
    """Return `count` linear RGB colours, log-normal in luminance and mostly near grey.

    `spread` is the standard deviation of ln(luminance) about 1. Hues lie mostly along the
    axis from skylight blue to warm earth.
    """
    warm = 0.35 * np.clip(rng.laplace(0.05, 0.5, count), -2, 2)
    green = 0.16 * np.clip(rng.laplace(0.1, 0.6, count), -2, 2)
    log_rgb = warm[:, None] * (1.0, 0.0, -1.1) + green[:, None] * (-0.7, 0.5, -0.8)
    log_rgb += np.clip(spread * rng.standard_normal((count, 1)), -2.6 * spread, 2.6 * spread)
    return np.exp(log_rgb).astype(np.float32)


def _leaves(
    rng: np.random.Generator,
    size: tuple[int, int],
    coverage: float,
    spread: float,
    least_px: float = _LEAST_RADIUS_PX,
) -> Floats:
    """Return a table of leaves that covers the frame `coverage` times, in painting order."""
    height, width = size
    greatest = max(min(size) / 3, 1.5 * least_px)
    mean_area = 2 * np.pi * least_px**2 * np.log(greatest / least_px)
    count = int(coverage * height * width / mean_area) + 1
    power = 1 - rng.random(count) * (1 - (least_px / greatest) ** 2)
    radius = least_px / np.sqrt(power)
    leaves = np.zeros((count, _COLUMNS), np.float32)
    leaves[:, _X] = rng.uniform(-0.1 * width, 1.1 * width, count)
    leaves[:, _Y] = rng.uniform(-0.1 * height, 1.1 * height, count)
    slender = np.where(_some(rng, count, 0.3), 1.0, rng.uniform(0.2, 1.0, count))
    leaves[:, _A] = radius / np.sqrt(slender)
    leaves[:, _B] = np.maximum(radius * np.sqrt(slender), 0.6)
    leaves[:, _KIN] = rng.uniform(0.3, 1.0, count) * np.clip(1.1 - 0.5 * np.log10(radius), 0, 1)
    leaves[_some(rng, count, 0.06), _KIN] = 0
    angle = np.where(_some(rng, count, 0.3), 0.0, rng.uniform(0, np.pi, count))
    leaves[:, _COS], leaves[:, _SIN] = np.cos(angle), np.sin(angle)
    leaves[:, _SHAPE] = np.where(_some(rng, count, 0.3), _RECTANGLE, _ELLIPSE)
    soft = _some(rng, count, 0.2)
    leaves[:, _EDGE] = np.where(soft, 1 + radius * rng.random(count), 1.0)
    leaves[:, _RED : _BLUE + 1] = natural_colours(rng, count, spread)
    slope = rng.laplace(0, 0.15, (count, 2))
    leaves[:, _GX : _GY + 1] = np.clip(slope, -0.45, 0.45)
    rough = np.minimum(0.08 * np.exp(0.8 * rng.standard_normal(count)), 0.35)
    leaves[:, _TEXTURE] = np.where(_some(rng, count, 0.3), 0.0, rough)
    leaves[:, _OX : _OY + 1] = rng.integers(4096, 4096 + TILE_PX, (count, 2))
    return leaves


def _shadows(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
    """Return a few large leaves that dim what they cover, a little less in blue."""
    shadows = _leaves(rng, size, 0.0, 0.1).repeat(int(rng.integers(0, 6)), axis=0)
    shadows[:, _KIN] = 0
    for shadow in shadows:
        shadow[_X], shadow[_Y] = rng.random(2) * size[::-1]
        shadow[_A], shadow[_B] = rng.uniform(0.05, 0.5, 2) * max(size)
        shadow[_EDGE] = rng.uniform(1, 30)
        shadow[_RED : _BLUE + 1] = rng.uniform(0.08, 0.5) * np.array((0.95, 1.0, 1.15))
    shadows[:, _SHAPE] = _SHADOW
    return shadows


def _lamps(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
    """Return the bright small lights of a night scene."""
    count = int(rng.integers(5, 60))
    lamps = _leaves(rng, size, 1.0, 1.0)[:count]
    lamps[:, _A] = lamps[:, _B] = np.minimum(lamps[:, _A], 12)
    lamps[:, _RED : _BLUE + 1] *= np.array((40.0, 28.0, 16.0), np.float32)
    lamps[:, _TEXTURE] = lamps[:, _KIN] = 0
    return lamps


def _lay_sky(rng: np.random.Generator, image: Floats, drop_px: float) -> None:
    """Cover all above a wavy horizon with a smooth gradient, in place."""
    height, width, _ = image.shape
    x = np.arange(width, dtype=np.float32) / width
    horizon = np.full(width, rng.uniform(0.2, 0.65), np.float32)
    for wave in range(1, 9):
        horizon += rng.normal(0, 0.04 / wave) * np.sin(2 * np.pi * (wave * x + rng.random()))
    y = np.arange(height, dtype=np.float32)[:, None]
    above = np.clip(horizon * height + drop_px - y, 0, 1)[:, :, None]
    zenith, haze = np.array((0.55, 0.75, 1.2)), np.array((1.1, 1.1, 1.1))
    blend = np.clip(y / (0.7 * height), 0, 1)[:, :, None]
    sky = rng.uniform(1.2, 5.0) * (zenith + blend * (haze - zenith))
    image += above * (sky.astype(np.float32) - image)


def _illuminate(rng: np.random.Generator, image: Floats) -> None:
    """Multiply the scene by a smooth, separable light that varies by up to a decade."""
    for axis in (0, 1):
        along = np.linspace(0, 1, image.shape[axis], dtype=np.float32)
        wave = np.cos(np.pi * (rng.uniform(0.3, 1.5) * along + rng.random()))
        light = np.exp(rng.normal(0, 0.5) * wave).astype(np.float32)
        image *= light[:, None, None] if axis == 0 else light[None, :, None]


def _normalise_light(image: Floats, *, night: bool) -> Floats:
    """Return the scene scaled as an averaging light meter would, mid-grey near 0.16."""
    luminance = image[::4, ::4] @ _LUMINANCE + 1e-6
    metered = 0.5 * (luminance.mean() + np.exp(np.log(luminance).mean()))
    target = _MID_GREY * (0.25 if night else 1.0)
    return np.asarray(image * np.float32(target / metered), np.float32)


def dead_leaves(
    rng: np.random.Generator,
    tile: Floats,
    size: tuple[int, int],
    *,
    shares: tuple[float, float] = (0.15, 0.35),
    shift_px: tuple[float, float] = (0.0, 0.0),
) -> Scene:
    """Return a scene of occluding leaves, `size` (height, width), moved by `shift_px` (x, y).

    `shares` are those of night scenes and of skies. The same generator state gives the
    same scene, whatever the shift: a burst is one scene seen again.

    >>> rng = np.random.default_rng(1)
    >>> dead_leaves(rng, texture_tile(rng), (40, 60)).light.shape
    (40, 60, 3)
    """
    night = bool(rng.random() < shares[0])
    image = np.empty((*size, 3), np.float32)
    image[:] = natural_colours(rng, 1, 0.5)[0]
    spread = rng.uniform(0.6, 1.1)
    ground = _leaves(rng, size, 1.5, spread, min(size) / 12)
    parts = [np.concatenate([ground, _leaves(rng, size, rng.uniform(0.3, 2.0), spread)])]
    sky_state = rng.spawn(1)[0]
    sky = not night and bool(rng.random() < shares[1])
    if sky:
        parts += [_leaves(rng, size, rng.uniform(0.0, 0.1), spread, 4.0)]
    parts += [_shadows(rng, size)] if not night else [_lamps(rng, size)]
    for number, leaves in enumerate(parts):
        leaves[:, _X : _Y + 1] += shift_px
        _paint(image, leaves, tile)
        if number == 0 and sky:
            _lay_sky(sky_state, image, shift_px[1])
    _illuminate(rng, image)
    return Scene(_normalise_light(image, night=night), night)


def add_glints(rng: np.random.Generator, light: Floats, count: int) -> None:
    """Add specular dots of 0.5 to 1.5 px radius to a scene, in place."""
    glints = np.zeros((count, _COLUMNS), np.float32)
    glints[:, _X] = rng.uniform(0, light.shape[1], count)
    glints[:, _Y] = rng.uniform(0, light.shape[0], count)
    glints[:, _A] = glints[:, _B] = rng.uniform(0.5, 1.5, count)
    glints[:, _COS] = glints[:, _EDGE] = 1
    glints[:, _RED : _BLUE + 1] = rng.uniform(0.5, 8.0, (count, 1))
    _paint(light, glints, np.zeros((1, 1), np.float32))


def lens_blur(light: Floats, sigma_px: float) -> Floats:
    """Return the scene as a lens with a Gaussian point spread would show it."""
    return gaussian_blur(light, sigma_px)


def light_of_picture(pixels: NDArray[np.uint8]) -> Floats:
    """Return linear light (0 to 1, highlights to 4) of an 8-bit sRGB picture."""
    level = np.arange(256) / 255
    linear = np.where(level <= _SRGB_LINEAR_BELOW, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    linear *= 1 + 3 * np.clip((level - 0.85) / 0.15, 0, 1) ** 2  # what the picture had clipped
    return np.asarray(linear.astype(np.float32)[pixels], np.float32)

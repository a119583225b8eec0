"""From light to the mosaic: exposure, fixed pattern, noise, defects, the converter.

Shot and read noise follow the linear camera model of EMVA 1288; shot noise is taken as normal.
Never processes colour and never reads or writes files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .filters import Floats, gaussian_blur
from .planting import HOT_DOUBLING_C, PlantedDefect, cfa_pattern, electrons_per_dn
from .settings import CameraSettings

Mosaic = NDArray[np.uint16]

_FLOOR_DOUBLING_C = 5.0
_ISO_STEPS = np.array(
    [
        100, 125, 160, 200, 250, 320, 400, 500, 640, 800, 1000, 1250, 1600, 2000, 2500, 3200,
        4000, 5000, 6400, 8000, 10_000, 12_800, 16_000, 20_000, 25_600,
    ]
)  # fmt: skip
_SHUTTER_S = np.concatenate(
    [
        1 / np.array([8000, 6400, 5000, 4000, 3200, 2500, 2000, 1600, 1250, 1000, 800, 640, 500]),
        1 / np.array([400, 320, 250, 200, 160, 125, 100, 80, 60, 50, 40, 30, 25, 20, 15, 13, 10]),
        1 / np.array([8, 6, 5, 4]),
        [0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0],
    ]
)
_FAST_LENS_BELOW_EV = 6.0
_TRIPOD_SHARE = 0.5  # of nights
_APERTURES = np.array([2.8, 4.0, 5.6, 8.0, 11.0])


@dataclass(frozen=True, slots=True)
class Shot:
    """How one photo is exposed."""

    exposure_s: float
    gain: float  # ISO / 100
    aperture: float  # f-number
    temperature_c: float
    light_scale: float  # exposure relative to what the light meter asked for


def _within(steps: NDArray[np.float64], limits: tuple[float, float]) -> NDArray[np.float64]:
    slack = 1.001
    inside = steps[(steps >= limits[0] / slack) & (steps <= limits[1] * slack)]
    return inside if inside.size else np.array([limits[0]])


def _nearest(steps: NDArray[np.float64], wanted: float) -> float:
    return float(steps[np.argmin(np.abs(np.log(steps / wanted)))])


def expose(rng: np.random.Generator, settings: CameraSettings, *, night: bool) -> Shot:
    """Return shutter, ISO and aperture that suit the hour, with an auto-exposure's scatter.

    A scene of brightness EV needs T * g = N^2 / 2^EV. Days lie about EV 10 (indoors to sun),
    nights about EV 2.5. What hand or shutter cannot give, ISO gives.
    """
    brightness_ev = rng.normal(2.5, 1.3) if night else np.clip(rng.normal(10.0, 3.0), 3.0, 15.5)
    aperture = float(rng.choice(_APERTURES[: 2 if brightness_ev < _FAST_LENS_BELOW_EV else 5]))
    needed = aperture**2 / 2.0**brightness_ev
    tripod = night and rng.random() < _TRIPOD_SHARE
    longest_s = 4.0 if tripod else float(np.exp(rng.normal(np.log(1 / 40), 0.6)))
    isos = _within(_ISO_STEPS.astype(np.float64), settings.iso_range)
    shutters = _within(_SHUTTER_S, settings.exposure_range_s)
    chosen_gain = isos[0] / 100 * rng.choice([1, 1, 2, 4])
    gain = _nearest(isos, 100 * max(chosen_gain, needed / longest_s)) / 100
    exposure_s = _nearest(shutters, needed / gain)
    scatter = 2.0 ** rng.normal(0, settings.exposure_scatter_ev)
    return Shot(
        exposure_s=exposure_s,
        gain=gain,
        aperture=aperture,
        temperature_c=float(rng.normal(settings.temperature_c, settings.temperature_scatter_c)),
        light_scale=float(np.clip(exposure_s * gain / needed, 0.1, 4.0) * scatter),
    )


class FixedPattern:
    """What stays in every photo and is no defect: PRNU, DSNU, dust."""

    def __init__(self, rng: np.random.Generator, settings: CameraSettings) -> None:
        shape = (settings.height, settings.width)
        self.sensitivity = 1 + np.float32(settings.prnu) * rng.standard_normal(shape, np.float32)
        self.offset_dn = np.float32(settings.dsnu_dn) * rng.standard_normal(shape, np.float32)
        self.offset_dn += np.float32(0.3 * settings.dsnu_dn) * rng.standard_normal(
            (1, settings.width), np.float32
        )
        dust = np.ones(shape, np.float32)
        for _ in range(settings.dust):
            self._settle(rng, dust)
        self.dust = dust

    @staticmethod
    def _settle(rng: np.random.Generator, dust: Floats) -> None:
        """Darken a blurred disc, in place."""
        radius = int(rng.integers(4, 22))
        size = 4 * radius + 1
        y, x = np.ogrid[-2 * radius : 2 * radius + 1, -2 * radius : 2 * radius + 1]
        disc = (np.hypot(x, y) < radius).astype(np.float32)
        shadow = 1 - np.float32(rng.uniform(0.03, 0.15)) * gaussian_blur(disc, radius / 4)
        top, left = (int(rng.integers(0, max(1, length - size))) for length in dust.shape)
        patch = dust[top : top + size, left : left + size]
        patch *= shadow[: patch.shape[0], : patch.shape[1]]


def _vignette(settings: CameraSettings, aperture: float) -> tuple[Floats, Floats]:
    """Return the terms of rows and columns whose sum is the light lost, 0 to about 1."""
    y = np.linspace(-1, 1, settings.height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, settings.width, dtype=np.float32)[None, :]
    strength = np.float32(settings.vignette * (2.8 / aperture) ** 0.7 / 2)
    return strength * y * y, strength * x * x


def sites_of(light: Floats, cfa: str) -> Floats:
    """Return the mosaic (height, width) that a colour filter array takes of (height, width, 3)."""
    if cfa == "MONO":
        return light @ np.array([0.25, 0.5, 0.25], np.float32)
    pattern = cfa_pattern(cfa)
    rows, columns = pattern.shape
    mosaic = np.empty(light.shape[:2], np.float32)
    for row in range(rows):
        for column in range(columns):
            channel = pattern[row, column]
            mosaic[row::rows, column::columns] = light[row::rows, column::columns, channel]
    return mosaic


def _defect_sites(defect: PlantedDefect) -> tuple[slice, int]:
    return slice(defect.y, defect.y + defect.length), defect.x


def _upper_level(defect: PlantedDefect, index: int, seed: int) -> bool:
    """Return whether a blinking defect stands at its upper level in a photo."""
    draw = np.random.default_rng([seed, 0xB11, defect.x, defect.y, index // defect.dwell])
    return bool(draw.random() < defect.duty)


def _strike(rng: np.random.Generator, electrons: Floats, mean: float) -> None:
    """Add cosmic rays: straight tracks of 1 to 6 photosites, in place."""
    height, width = electrons.shape
    for _ in range(rng.poisson(mean)):
        x, y, angle = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0, np.pi)
        charge = np.exp(rng.uniform(np.log(300), np.log(10_000)))
        for step in range(int(rng.integers(1, 7))):
            row, column = int(y + step * np.sin(angle)), int(x + step * np.cos(angle))
            if 0 <= row < height and 0 <= column < width:
                electrons[row, column] += charge * rng.uniform(0.3, 1.0)


def capture(
    rng: np.random.Generator,
    light: Floats,
    shot: Shot,
    camera: tuple[CameraSettings, FixedPattern],
    active: tuple[tuple[PlantedDefect, ...], int, int],
) -> Mosaic:
    """Return the mosaic of raw light (height, width), 1 at white: uint16 DN, black included.

    `active` holds the defects that this photo can show, its index and the camera's seed.
    """
    settings, pattern = camera
    defects, index, seed = active
    conversion = electrons_per_dn(settings)
    lost_rows, lost_columns = _vignette(settings, shot.aperture)
    electrons = light * (1 - lost_rows - lost_columns)
    electrons *= pattern.sensitivity * pattern.dust
    electrons *= np.float32(settings.full_well_e / shot.gain)
    for defect in defects:
        electrons[_defect_sites(defect)] *= np.float32(defect.sensitivity)
    warmth = 2 ** ((shot.temperature_c - 25.0) / _FLOOR_DOUBLING_C)
    electrons += np.float32(settings.dark_current_e_per_s * warmth * shot.exposure_s)
    hot_warmth = 2 ** ((shot.temperature_c - settings.temperature_c) / HOT_DOUBLING_C)
    for defect in defects:
        if defect.dark_dn_per_s and _upper_level(defect, index, seed):
            excess = defect.dark_dn_per_s * hot_warmth * shot.exposure_s * conversion
            electrons[_defect_sites(defect)] += np.float32(excess)
    _strike(rng, electrons, settings.cosmic_rays)
    return _convert_to_dn(rng, electrons, shot, camera, defects)


def _convert_to_dn(
    rng: np.random.Generator,
    electrons: Floats,
    shot: Shot,
    camera: tuple[CameraSettings, FixedPattern],
    defects: tuple[PlantedDefect, ...],
) -> Mosaic:
    """Return noisy DN of mean electrons; stuck and dead photosites have the last word."""
    settings, pattern = camera
    dn_per_e = np.float32(shot.gain / electrons_per_dn(settings))
    variance = np.maximum(electrons, 0) + np.float32(settings.read_noise_e**2)
    values = electrons + np.sqrt(variance) * rng.standard_normal(electrons.shape, np.float32)
    values *= dn_per_e
    values += np.float32(shot.gain) * pattern.offset_dn
    if settings.converter_noise_dn:
        noise = rng.standard_normal(electrons.shape, np.float32)
        values += np.float32(settings.converter_noise_dn) * noise
    for defect in defects:
        values[_defect_sites(defect)] += np.float32(shot.gain * defect.offset_dn)
    values += np.float32(settings.black_dn + 0.5)
    mosaic = np.clip(values, 0, settings.white_dn).astype(np.uint16)
    for defect in defects:
        if defect.level_dn is not None:
            mosaic[_defect_sites(defect)] = defect.level_dn
    return mosaic


def suppress(mosaic: Mosaic, defects: tuple[PlantedDefect, ...], cfa: str) -> None:
    """Replace each defect by the median of its same-colour neighbours within 2 px, in place."""
    pattern = cfa_pattern(cfa)
    rows, columns = pattern.shape
    height, width = mosaic.shape
    before = mosaic.copy()
    for defect in defects:
        for y in range(defect.y, defect.y + defect.length):
            near = [
                before[row, column]
                for row in range(max(0, y - 2), min(height, y + 3))
                for column in range(max(0, defect.x - 2), min(width, defect.x + 3))
                if (row, column) != (y, defect.x)
                and pattern[row % rows, column % columns] == pattern[y % rows, defect.x % columns]
            ]
            mosaic[y, defect.x] = int(np.median(near))

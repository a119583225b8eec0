"""Mosaics for benchmarks, made without stillpix's simulator, for real raw developers.

A sensor model written apart from `stillpix.simulate`: pictures of a folder (or painted shapes) are
made linear, seen through a colour matrix and a Bayer pattern, with the noise of light and readout,
uneven photosites and planted defects. Never develops a mosaic, and never looks for anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from stillpix.rewriting.dng.writing import D65, Negative

Floats = NDArray[np.float64]
BLACK, WHITE = 512, 16383  # DN, 14 bits
FULL_E = 32000.0  # electrons of white at ISO 100
READ_E, CONVERTER_DN = 2.5, 1.2  # standard deviations of the two read noises
PRNU, DSNU_E = 0.007, 0.7  # standard deviations: share of the light, electrons
RESPONSE = (0.48, 1.0, 0.62)  # of R, G, B to what is white
MIXING = np.array([(0.76, 0.21, 0.03), (0.12, 0.76, 0.12), (0.02, 0.24, 0.74)])  # of linear sRGB
XYZ_TO_SRGB = np.array(
    [(3.2406, -1.5372, -0.4986), (-0.9689, 1.8758, 0.0415), (0.0557, -0.2040, 1.0570)]
)  # IEC 61966-2-1
PATTERNS = (("RG", "GB"), ("BG", "GR"), ("GR", "BG"), ("GB", "RG"))
SIGMA_E = 27.5  # noise at ISO 400 and a tenth of white, electrons: the unit of amplitudes
REFERENCE_S = 1 / 60
FAINTEST, LOUDEST = 0.1, 100.0  # amplitudes, in that noise
KINDS = {"hot": 0.45, "offset": 0.2, "stuck": 0.08, "dead": 0.07, "low": 0.12, "high": 0.08}
NO_DEFECT_WITHIN = 12  # px of the frame's edge, or of another defect
LATER = 0.25  # share of the defects that begin within the series
PAINTED = 0.15  # share of the photos that show painted shapes although there are pictures


@dataclass(frozen=True, slots=True)
class Broken:
    """One planted defect; `x` and `y` of the mosaic's frame, from 0."""

    x: int
    y: int
    kind: str
    site: str
    amount: float  # electrons a second, electrons, share of white or factor, as the kind has it
    onset: int  # the first photo that shows it
    amplitude: float  # in noise sigmas of hot ones and offsets; 0: another kind
    length: int = 1  # px down a column, for accuracy.scorer


class Body:
    """One camera body, with its own unevenness and defects."""

    def __init__(self, seed: int, width: int, height: int, defects: int, photos: int) -> None:
        rng = np.random.default_rng(seed)
        self.seed, self.serial, shape = seed, f"{7_000_000 + seed}", (height, width)
        self.pattern = PATTERNS[seed % len(PATTERNS)]
        letters = np.array([list(row) for row in self.pattern])
        self.sites = np.tile(letters, (height // 2 + 1, width // 2 + 1))[:height, :width]
        self.gains = 1 + PRNU * rng.standard_normal(shape)
        self.dark_e = DSNU_E * rng.standard_normal(shape)
        self.broken: list[Broken] = []
        while len(self.broken) < defects:
            self._break_one(rng, photos)

    def _break_one(self, rng: np.random.Generator, photos: int) -> None:
        height, width = self.gains.shape
        margin = NO_DEFECT_WITHIN
        x, y = (int(rng.integers(margin, side - margin)) for side in (width, height))
        if any(max(abs(x - o.x), abs(y - o.y)) < margin for o in self.broken):
            return
        kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
        amplitude = float(np.exp(rng.uniform(np.log(FAINTEST), np.log(LOUDEST))))
        amount = {
            "hot": amplitude * SIGMA_E / REFERENCE_S, "offset": amplitude * SIGMA_E,
            "stuck": rng.uniform(0.15, 1), "dead": rng.uniform(0, 0.02),
            "low": rng.uniform(0.2, 0.95), "high": rng.uniform(1.05, 2),
        }[kind]  # fmt: skip
        onset = int(rng.integers(1, photos)) if rng.random() < LATER else 0
        if kind not in {"hot", "offset"}:
            amplitude = 0.0
        site = str(self.sites[y, x])
        self.broken.append(Broken(x, y, kind, site, float(amount), onset, amplitude))

    def photograph(self, number: int, pictures: Sequence[Path]) -> Negative:
        """Return the mosaic of photo `number`: always the same one, whatever was taken before."""
        rng = np.random.default_rng((self.seed, number))
        exposure_s = float(np.exp(rng.uniform(np.log(1 / 2000), 0)))
        stops = int(rng.uniform(0, 6) * (0.4 + 0.6 * (np.log(exposure_s) / np.log(2000) + 1)))
        iso = 100 * 2 ** min(stops, 5)
        height, width = self.gains.shape
        light = _light(rng, pictures, width, height)
        pixels = self._values(light, exposure_s, iso, number, rng)
        return Negative(
            pixels, WHITE, self.pattern, ((float(BLACK),),), make="Bench", model="Developed 1",
            serial=self.serial, matrices={D65: _matrix()}, neutral=RESPONSE, exposure_s=exposure_s,
            iso=iso, f_number=5.6, focal_mm=35.0,
            taken=datetime(2024, 1, 1) + timedelta(days=4 * number, seconds=self.seed),
        )  # fmt: skip

    def _values(
        self, light: Floats, exposure_s: float, iso: int, number: int, rng: np.random.Generator
    ) -> NDArray[np.uint16]:
        full = FULL_E * 100 / iso
        electrons = light @ MIXING.T * RESPONSE * full
        colour = np.select([self.sites == "R", self.sites == "G"], [0, 1], 2)
        seen = np.take_along_axis(electrons, colour[..., None], 2)[..., 0] * self.gains
        seen += self.dark_e + 0.5 * exposure_s
        there = [each for each in self.broken if number >= each.onset]
        for each in there:
            if each.kind in {"low", "high"}:
                seen[each.y, each.x] *= each.amount
            elif each.kind in {"hot", "offset"}:
                seconds = exposure_s if each.kind == "hot" else 1.0
                seen[each.y, each.x] += each.amount * seconds
        seen = rng.poisson(np.maximum(seen, 0)) + READ_E * rng.standard_normal(seen.shape)
        values = BLACK + seen * ((WHITE - BLACK) / full)
        for each in there:
            if each.kind in {"stuck", "dead"}:
                values[each.y, each.x] = BLACK + each.amount * (WHITE - BLACK)
        values += CONVERTER_DN * rng.standard_normal(values.shape)
        return np.clip(np.rint(values), 0, WHITE).astype(np.uint16)


def _matrix() -> tuple[tuple[float, float, float], ...]:
    rows = np.diag(RESPONSE) @ MIXING @ XYZ_TO_SRGB
    return tuple((float(a), float(b), float(c)) for a, b, c in rows)


def _light(rng: np.random.Generator, pictures: Sequence[Path], width: int, height: int) -> Floats:
    """Return linear light (height, width, 3), white being 1: a picture, made smaller and moved."""
    if not pictures or rng.random() < PAINTED:
        picture = _painted(rng, width, height)
    else:
        picture = Image.open(pictures[int(rng.integers(len(pictures)))]).convert("RGB")
        # What compression and the picture's own camera left must not show.
        largest = min(0.85, 1600 / picture.width)
        scale = rng.uniform(0.6, 1) * largest
        size = (round(picture.width * scale), round(picture.height * scale))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    linear = (np.asarray(picture, np.float64) / 255) ** 2.2
    rows, columns = (
        _mirrored(size, wanted, rng)
        for size, wanted in zip(linear.shape[:2], (height, width), strict=True)
    )
    linear = linear[rows][:, columns]
    for axis in (0, 1):  # the lens
        linear = (np.roll(linear, 1, axis) + 6 * linear + np.roll(linear, -1, axis)) / 8
    wanted = 0.16 * 2 ** rng.normal(0, 0.8)
    return np.minimum(linear * (wanted / max(float(linear.mean()), 1e-3)), 1.5)


def _mirrored(size: int, wanted: int, rng: np.random.Generator) -> NDArray[Any]:
    """Return indices of a row that goes on as its mirror image, from some place in some direction.

    >>> sorted(set(_mirrored(4, 9, np.random.default_rng(1)).tolist()))
    [0, 1, 2, 3]
    """
    steps = (int(rng.integers(2 * size)) + np.arange(wanted)) % (2 * size)
    return np.minimum(steps, 2 * size - 1 - steps)


def _painted(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Return a picture of shapes of all sizes, some rough, some smooth, before a sky."""
    down = np.linspace(0.95, 0.3, 2 * height)[:, None, None] * np.array([150, 190, 240])
    picture = Image.fromarray(np.repeat(down, 2 * width, 1).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(50, 700))):
        radius = 2 * float(4 * rng.pareto(1.2) + 4)
        x, y = rng.uniform(0, 2 * width), rng.uniform(0, 2 * height)
        box = (x - radius, y - radius, x + radius, y + radius * rng.uniform(0.2, 1))
        colour = tuple(int(c) for c in rng.integers(10, 245, 3))
        (draw.ellipse if rng.random() < 0.6 else draw.rectangle)(box, fill=colour)
    picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 3))))
    rough = rng.normal(0, 12, (2 * height, 2 * width, 1)) * (np.asarray(picture)[..., :1] > 110)
    rough = np.clip(np.asarray(picture) + rough, 0, 255).astype(np.uint8)
    return Image.fromarray(rough).resize((width, height), Image.Resampling.BOX)

"""Small mosaics made in memory for tests, of one imaginary sensor or another."""

from __future__ import annotations

import hashlib

import numpy as np

from stillpix.evidence.evidence import Evidence
from stillpix.frame import Frame, Sensor
from support.frames import EXPOSURES

LAYOUTS = ("bayer-RGGB", "bayer-GBRG", "xtrans", "mono")
# One letter a kind of photosite: the two greens of a Bayer cell are not one colour.
PATTERNS = {
    "mono": ("W",),
    "bayer-RGGB": ("Rg", "GB"),
    "bayer-BGGR": ("Bg", "GR"),
    "bayer-GRBG": ("gR", "BG"),
    "bayer-GBRG": ("gB", "RG"),
    "xtrans": ("GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGBG"),
}


def sensor_of(layout, width, height, visible=None):
    return Sensor("Example Works", "Example Two", "9", width, height, layout, visible)


def mosaic_of(rng, layout, width, height, *, white=16383, black=512, gain=1.0, light=0.2):
    """Return a mosaic with colours, waves, edges and noise: variance gain * (DN - black) + 9."""
    y, x = np.mgrid[0:height, 0:width]
    wave = np.sin(x / rng.uniform(4, 12) + rng.uniform(0, 6)) * np.cos(y / rng.uniform(4, 12))
    bright = light * (1.3 + wave) * np.where(x + y > rng.uniform(0, width + height), 1.0, 0.4)
    pattern = PATTERNS[layout]
    rows, columns = len(pattern), len(pattern[0])
    colour = {"R": 0.6, "G": 1.0, "g": 1.0, "B": 0.5, "W": 1.0}
    cell = np.array([[colour[letter] for letter in row] for row in pattern])
    dn = (white - black) * bright * cell[y % rows, x % columns]
    dn = dn + np.sqrt(gain * dn + 9) * rng.standard_normal(dn.shape) + black
    return np.clip(np.rint(dn), 0, white)


def frame_of(pixels, sensor, exposure=EXPOSURES[4], *, white=16383, black=512, name=""):
    kept = pixels.astype(np.uint8 if white < 256 else np.uint16)
    digest = hashlib.sha256(kept.tobytes() + name.encode()).hexdigest()
    return Frame(kept, sensor, exposure, name or "photo", digest, white, black)


def some_frames(count, layout, width=48, height=40, seed=1, **depth):
    rng = np.random.default_rng(seed)
    sensor = sensor_of(layout, width, height)
    return [
        frame_of(
            mosaic_of(rng, layout, width, height, **depth),
            sensor, EXPOSURES[n % len(EXPOSURES)], name=f"{n}", **depth,
        )
        for n in range(count)
    ]  # fmt: skip


def evidence_of(frames):
    return Evidence(frames[0].sensor).update_all(frames)

"""What a simulated camera is: its sensor, its defects, its processing, all in one frozen record.

Never makes a picture and never draws anything but settings at random.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

Cfa: TypeAlias = Literal["RGGB", "BGGR", "GRBG", "GBRG", "XTRANS", "MONO"]
Demosaic: TypeAlias = Literal["bilinear", "malvar", "edge"]
Subsampling: TypeAlias = Literal["420", "422", "444"]
Output: TypeAlias = Literal["jpeg", "tiff"]

BAYER_PHASES: tuple[Cfa, ...] = ("RGGB", "BGGR", "GRBG", "GBRG")
_XTRANS_SHARE, _SUPPRESSING_SHARE = 0.1, 0.2
KINDS = ("hot", "offset", "stuck", "dead", "low", "high", "blinking")


def _unit(default: float, words: str) -> float:
    value: float = field(default=default, metadata={"help": words})
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSettings:
    """Everything that makes one simulated camera differ from another, but its seed.

    Scenes come from `scene_folder` (any RGB pictures) or, without one, from the dead-leaves
    model. DN are of the 14-bit mosaic at ISO 100 unless a field says otherwise.

    >>> CameraSettings(width=900, height=600).cfa
    'RGGB'
    """

    width: int = 1500
    height: int = 1000
    # scenes
    scene_folder: Path | None = None
    night_share: float = _unit(0.1, "share of scenes that are dark")
    sky_share: float = _unit(0.35, "share of scenes with a large smooth area")
    defocus_share: float = _unit(0.1, "share of photos that are out of focus altogether")
    burst_share: float = _unit(0.0, "chance that a photo repeats the scene before, moved a little")
    # sensor
    cfa: Cfa = "RGGB"
    full_well_e: float = _unit(30_000.0, "electrons at white, ISO 100")
    read_noise_e: float = _unit(2.5, "electrons, before the amplifier")
    converter_noise_dn: float = _unit(1.6, "DN, after the amplifier")
    prnu: float = _unit(0.007, "standard deviation of the photosites' sensitivity")
    dsnu_dn: float = _unit(0.4, "standard deviation of the photosites' offset, DN")
    dark_current_e_per_s: float = _unit(1.0, "of a good photosite at 25 C; doubles every 5 C")
    black_dn: int = 512
    white_dn: int = 16383
    vignette: float = _unit(0.3, "share of light lost in the corners at f/2.8")
    dust: int = 3
    temperature_c: float = 25.0
    temperature_scatter_c: float = 4.0
    iso_range: tuple[int, int] = (100, 6400)
    exposure_range_s: tuple[float, float] = (1 / 4000, 2.0)
    exposure_scatter_ev: float = 0.4
    suppress_above_s: float | None = None  # longer photos show no hot pixel; None: never
    cosmic_rays: float = _unit(0.5, "mean count in a photo")
    glints: float = _unit(6.0, "mean count in a photo of a bright scene")
    # defects
    defects: int = 100
    kind_shares: tuple[tuple[str, float], ...] = (
        ("hot", 0.5), ("offset", 0.22), ("stuck", 0.06), ("dead", 0.05),
        ("low", 0.07), ("high", 0.04), ("blinking", 0.06),
    )  # fmt: skip
    amplitude_sigma: tuple[float, float] = (0.1, 100.0)  # log-uniform, at the reference exposure
    onset_share: float = _unit(0.0, "share of defects that begin within the series")
    until_share: float = _unit(0.0, "share of those that end within it, too")
    photos: int = 60  # length of the series over which onsets are drawn
    close_pairs: int = 0
    clusters: int = 0  # of 3 to 6 photosites
    bad_columns: int = 0
    # processing
    demosaic: Demosaic = "malvar"
    white_balance: tuple[float, float, float] = (2.0, 1.0, 1.6)
    colour: float = _unit(0.8, "0: the sensor sees sRGB; 1: a strong colour matrix is needed")
    brightness_ev: float = 0.0  # of the tone curve
    contrast: float = _unit(0.3, "0: plain sRGB curve; 1: a full S-curve on top")
    sharpening: float = _unit(0.5, "amount of the unsharp mask")
    sharpening_sigma_px: float = 0.9
    luma_denoise: float = _unit(0.2, "0 to 1, share of fine luma noise removed at high ISO")
    chroma_denoise: float = _unit(0.5, "0 to 1, share of chroma blurred away")
    # file
    output: Output = "jpeg"
    quality: int = 92
    subsampling: Subsampling = "420"


def random_settings(seed: int, *, width: int = 1500, height: int = 1000) -> CameraSettings:
    """Return the settings of a plausible camera, drawn from `seed`.

    Phase, demosaicer, noise, tone, sharpening and JPEG settings differ; one camera in ten
    is X-Trans. Other fields can then be set with `dataclasses.replace`.

    >>> random_settings(1) == random_settings(1)
    True
    """
    rng = np.random.default_rng([seed, 0x5E77])
    demosaics: tuple[Demosaic, ...] = ("bilinear", "malvar", "edge")
    samplings: tuple[Subsampling, ...] = ("420", "422", "444")
    xtrans = rng.random() < _XTRANS_SHARE
    return CameraSettings(
        width=width,
        height=height,
        cfa="XTRANS" if xtrans else BAYER_PHASES[rng.integers(4)],
        full_well_e=float(np.exp(rng.uniform(np.log(15e3), np.log(60e3)))),
        read_noise_e=float(rng.uniform(1.5, 5.0)),
        prnu=float(rng.uniform(0.005, 0.01)),
        vignette=float(rng.uniform(0.1, 0.45)),
        dust=int(rng.integers(0, 7)),
        temperature_c=float(rng.uniform(18, 32)),
        suppress_above_s=1.6 if rng.random() < _SUPPRESSING_SHARE else None,
        demosaic=demosaics[rng.choice(3, p=(0.2, 0.4, 0.4))],
        white_balance=(float(rng.uniform(1.6, 2.3)), 1.0, float(rng.uniform(1.3, 1.9))),
        colour=float(rng.uniform(0.4, 1.0)),
        brightness_ev=float(rng.uniform(-0.3, 0.6)),
        contrast=float(rng.uniform(0.0, 0.8)),
        sharpening=float(rng.uniform(0.0, 1.2)),
        sharpening_sigma_px=float(rng.uniform(0.6, 1.2)),
        luma_denoise=float(rng.uniform(0.0, 0.5)),
        chroma_denoise=float(rng.uniform(0.0, 0.9)),
        quality=int(rng.integers(75, 98)),
        subsampling=samplings[rng.choice(3, p=(0.55, 0.25, 0.2))],
    )

"""Clips of simulated sensors: a camera that pans over one scene, written by PyAV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stillpix.simulate import CameraSettings, SimulatedCamera
from stillpix.simulate.planting import PlantedDefect
from stillpix.simulate.processing import picture, raw_light
from stillpix.simulate.scenes import dead_leaves, lens_blur, texture_tile
from stillpix.simulate.sensor import Shot, capture, sites_of

RATE = 25
SHOT = Shot(exposure_s=1 / 50, gain=4.0, aperture=4.0, temperature_c=25.0, light_scale=1.0)


@dataclass(frozen=True, slots=True)
class Filmed:
    """The pictures of one shot, and the defects of the sensor that took them."""

    pictures: tuple[NDArray[np.uint8], ...]  # (height, width, 3) each
    sound: tuple[NDArray[np.uint8], ...]  # the same of a sensor without defects
    defects: tuple[PlantedDefect, ...]

    def excess(self) -> NDArray[np.float64]:
        """Return by how many levels of luma each pixel departs in the mean, (height, width)."""
        shares = np.array([0.299, 0.587, 0.114])
        pairs = zip(self.pictures, self.sound, strict=True)
        return np.mean([(bad.astype(float) - good) @ shares for bad, good in pairs], axis=0)


@cache
def film(
    frames: int = 48, size: tuple[int, int] = (192, 144), *, seed: int = 5, pan_px: int = 7,
    defects: int = 14, amplitude_sigma: tuple[float, float] = (8.0, 40.0),
) -> Filmed:  # fmt: skip
    """Return what a camera sees that pans over one scene, so many pixels a frame."""
    width, height = size
    settings = CameraSettings(
        width=width, height=height, defects=defects, amplitude_sigma=amplitude_sigma,
        kind_shares=(("hot", 0.7), ("stuck", 0.3)), cosmic_rays=0.0, dust=0,
    )  # fmt: skip
    camera = SimulatedCamera(settings, seed)
    rng = np.random.default_rng([seed, 99])
    wide = (height + frames, width + pan_px * frames)
    scene = dead_leaves(rng, texture_tile(rng), wide, shares=(0.0, 0.2))
    light = lens_blur(scene.light, 0.8) * np.float32(SHOT.light_scale)
    taken: tuple[list[NDArray[np.uint8]], ...] = ([], [])
    for index in range(frames):
        left, top = pan_px * index, index // 2
        seen = light[top : top + height, left : left + width]
        sites = sites_of(raw_light(seen, settings), settings.cfa)
        for pictures, broken in zip(taken, (camera.defects, ()), strict=True):
            noise = np.random.default_rng([seed, index])
            of_sensor = (settings, camera._pattern)
            mosaic = capture(noise, sites, SHOT, of_sensor, (tuple(broken), index, seed))
            pictures.append(picture(mosaic, settings, SHOT.gain))
    return Filmed(tuple(taken[0]), tuple(taken[1]), tuple(camera.defects))


def write_clip(
    path: Path, pictures: Sequence[NDArray[np.uint8]], codec: str = "libx264",
    layout: str = "yuv420p", *, options: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None, sound: bool = False, bits_per_s: int = 0,
) -> Path:  # fmt: skip
    """Write a clip; with sound, a tone beside it."""
    import av

    names = {"movflags": "use_metadata_tags"} if path.suffix in {".mp4", ".mov"} else {}
    with av.open(str(path), "w", options=names) as container:
        container.metadata.update(tags or {})
        stream = container.add_stream(codec, rate=RATE, options=dict(options or {}))
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = layout
        if bits_per_s:
            stream.bit_rate = bits_per_s
        tone = container.add_stream("pcm_s16le", rate=8000, layout="mono") if sound else None
        for number, each in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(each, format="rgb24").reformat(format=layout)
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
            if tone is not None:
                container.mux(tone.encode(_tone(number)))
        container.mux(stream.encode(None))
        if tone is not None:
            container.mux(tone.encode(None))
    return path


def _tone(number: int) -> object:
    import av

    count = 8000 // RATE
    wave = np.sin(np.arange(number * count, (number + 1) * count) / 5) * 9000
    frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 8000, number * count, Fraction(1, 8000)
    return frame

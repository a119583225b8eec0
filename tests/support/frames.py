"""Small frames made in memory for tests, of one imaginary sensor or another."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import numpy as np
import simplejpeg

from stillpix.evidence.evidence import Evidence
from stillpix.evidence.repeats import KnownPictures
from stillpix.frame import Exposure, Frame, Sensor
from stillpix.simulate import CameraSettings, PlantedDefect, SimulatedCamera

EXPOSURES = tuple(
    Exposure(exposure_s, gain) for exposure_s in (0.002, 0.02, 0.25) for gain in (1.0, 4.0, 16.0)
)


def sensor_of(width, height, serial="7"):
    return Sensor("Example Works", "Example One", serial, width, height)


def frame_of(pixels, exposure=EXPOSURES[4], *, name="", white=None):
    """Return a frame of some pixels; its digest is that of the pixels and its name."""
    height, width = pixels.shape
    digest = hashlib.sha256(np.ascontiguousarray(pixels).tobytes() + name.encode()).hexdigest()
    full = white or np.iinfo(pixels.dtype).max
    return Frame(pixels, sensor_of(width, height), exposure, name or "photo", digest, full)


def texture(rng, width, height):
    """Return random pixels with everything a photo has: smooth, rough, black and white parts."""
    y, x = np.mgrid[0:height, 0:width]
    wave = np.sin(x / rng.uniform(3, 9) + rng.uniform(0, 6)) + np.cos(y / rng.uniform(3, 9))
    light = 128 + rng.uniform(20, 90) * wave + rng.uniform(0, 20) * rng.standard_normal(x.shape)
    return np.clip(np.rint(light), 0, 255).astype(np.uint8)


def some_frames(count, width=48, height=40, seed=1):
    """Return textured frames of one sensor, of different exposures."""
    rng = np.random.default_rng(seed)
    return [
        frame_of(texture(rng, width, height), EXPOSURES[n % len(EXPOSURES)], name=f"{seed}-{n}")
        for n in range(count)
    ]


def smooth_light(rng, width, height):
    """Return linear light in 0..1: waves of some twenty pixels and more, of random directions."""
    y, x = np.arange(height), np.arange(width)
    light = np.zeros((height, width))
    for length in rng.uniform(20, 90, 8):
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        along = np.exp(2j * np.pi / length * np.cos(angle) * x + 1j * phase)
        down = np.exp(2j * np.pi / length * np.sin(angle) * y)
        light += np.outer(down.real, along.imag) + np.outer(down.imag, along.real)
    return np.clip(0.3 + 0.07 * light, 0.06, 0.7) * rng.uniform(0.5, 1.3)


def photos_of_light(break_it, exposures, *, width=200, height=120, noise=0.006, seed=1):
    """Return frames of smooth light after `break_it(light, exposure)`, on the usual tone curve."""
    rng = np.random.default_rng(seed)
    frames = []
    for n, exposure in enumerate(exposures):
        light = smooth_light(rng, width, height)
        light += noise * np.sqrt(exposure.gain) * rng.standard_normal(light.shape)
        break_it(light, exposure)
        pixels = np.rint(255 * np.clip(light, 0, 1) ** (1 / 2.2)).astype(np.uint8)
        frames.append(frame_of(pixels, exposure, name=str(n)))
    return frames


def evidence_of(frames):
    return Evidence(frames[0].sensor).update_all(frames)


@dataclass(frozen=True)
class Pictures:
    """What a simulated camera shows before compression, to be painted upon."""

    pictures: tuple[np.ndarray, ...]
    exposures: tuple[Exposure, ...]
    defects: tuple[PlantedDefect, ...]

    @classmethod
    def of(cls, photos, seed, **settings):
        camera = SimulatedCamera(CameraSettings(**settings), seed=seed)
        taken = [camera.photograph(n) for n in range(photos)]
        exposures = tuple(photo.exposure for photo in taken)
        return cls(tuple(photo.picture() for photo in taken), exposures, camera.defects)

    def evidence(self, paint=lambda picture, _: picture, *, jpeg=True):
        """Return the evidence of the photos as JPEG or as lossless luma, painted first."""
        luma = jpeg_luma if jpeg else lossless_luma
        painted = (paint(picture.copy(), n) for n, picture in enumerate(self.pictures))
        return evidence_of(
            [
                frame_of(luma(picture), exposure, name=str(n))
                for n, (picture, exposure) in enumerate(zip(painted, self.exposures, strict=True))
            ]
        )


def jpeg_luma(picture):
    file = simplejpeg.encode_jpeg(picture, 92, "RGB", "420")
    return np.ascontiguousarray(simplejpeg.decode_jpeg(file, "GRAY")[..., 0])


def lossless_luma(picture):
    return np.rint(picture @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)


def npy_bytes(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def is_repeat(signature, known, layout="rendered"):
    return KnownPictures(layout, known).shows(signature)

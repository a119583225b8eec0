"""The simulated camera: a seed and settings in, photos with known defects out.

Any photo can be asked for, in any order, and is the same each time. Never writes a file.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import numpy as np
import tifffile
from numpy.typing import NDArray

from ..frame import Exposure, Frame, Layout, Sensor
from . import scenes
from .filters import Floats
from .folder import PictureFolder
from .planting import plant
from .processing import exif_block, jpeg_file, luma_of_jpeg, picture, raw_light
from .sensor import FixedPattern, Mosaic, Shot, capture, expose, sites_of, suppress
from .settings import CameraSettings

MAKE, MODEL = "Stillpix", "Simulated"
_FIRST_PHOTO = datetime(2024, 1, 6, 9, 30)
_DAYS_BETWEEN_SCENES = 2.3
_DEFECTS, _PATTERN, _TILE, _SERIES, _SCENE, _SHOT, _NOISE = range(7)
_SUPPRESSED = frozenset({"hot", "blinking", "offset", "stuck", "high"})


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedPhoto:
    """One photo: its mosaic, and the files and frames a camera would make of it."""

    index: int
    mosaic: Mosaic  # DN, (height, width), black level included
    shot: Shot
    taken: datetime
    scene: int  # photos of a burst share it
    sensor: Sensor  # of the mosaic
    settings: CameraSettings

    @property
    def exposure(self) -> Exposure:
        """Return what the photo's Exif says of its exposure."""
        return Exposure(self.shot.exposure_s, self.shot.gain, self.taken)

    @property
    def name(self) -> str:
        """Return the file's name as the camera would count it."""
        suffix = "JPG" if self.settings.output == "jpeg" else "TIF"
        return f"IMG_{self.index + 1:04d}.{suffix}"

    def picture(self) -> NDArray[np.uint8]:
        """Return the processed picture, sRGB (height, width, 3), before compression."""
        return picture(self.mosaic, self.settings, self.shot.gain)

    def jpeg(self) -> bytes:
        """Return the JPEG file with Exif."""
        body = (self.sensor.make, self.sensor.model, self.sensor.serial)
        return jpeg_file(self.picture(), self.settings, exif_block(self.shot, self.taken, body))

    def tiff(self) -> bytes:
        """Return the mosaic as a 16-bit grey TIFF file; exposure and body in its tags."""
        stamp = self.taken.strftime("%Y:%m:%d %H:%M:%S")
        shutter = (round(self.shot.exposure_s * 100_000), 100_000)
        tags: list[tuple[Any, ...]] = [
            (0x010F, "s", 0, self.sensor.make, True),
            (0x0110, "s", 0, self.sensor.model, True),
            (0x829A, "2I", 1, shutter, True),
            (0x8827, "H", 1, round(100 * self.shot.gain), True),
            (0xA431, "s", 0, self.sensor.serial, True),
        ]
        file = io.BytesIO()
        tifffile.imwrite(
            file,
            self.mosaic,
            photometric="minisblack",
            datetime=stamp,
            software=False,
            metadata=None,
            extratags=tags,
        )
        return file.getvalue()

    def file(self) -> bytes:
        """Return the file that `settings.output` asks for."""
        return self.jpeg() if self.settings.output == "jpeg" else self.tiff()

    def frame(self) -> Frame:
        """Return what a reader makes of the file: a JPEG's luma, or the mosaic itself."""
        if self.settings.output == "tiff":
            digest = hashlib.sha256(self.mosaic.tobytes()).hexdigest()
            depth = self.settings.white_dn, self.settings.black_dn
            return Frame(self.mosaic, self.sensor, self.exposure, self.name, digest, *depth)
        file = self.jpeg()
        luma = luma_of_jpeg(file)
        sensor = replace(self.sensor, layout="rendered")
        digest = hashlib.sha256(file).hexdigest()
        return Frame(luma, sensor, self.exposure, self.name, digest)


class SimulatedCamera:
    """A camera body with known defects.

    >>> camera = SimulatedCamera(CameraSettings(width=96, height=64, defects=5), seed=1)
    >>> len(camera.defects), camera.photograph(3).picture().shape
    (5, (64, 96, 3))
    """

    def __init__(self, settings: CameraSettings, seed: int) -> None:
        self.settings = settings
        self.seed = seed
        self.defects = plant(self._rng(_DEFECTS), settings)
        layouts: dict[str, Layout] = {"MONO": "mono", "XTRANS": "xtrans"}
        bayer = cast("Layout", f"bayer-{settings.cfa}")
        self.sensor = Sensor(
            MAKE,
            MODEL,
            f"{7_000_000 + seed}",
            settings.width,
            settings.height,
            layouts.get(settings.cfa, bayer),
        )
        self._pattern = FixedPattern(self._rng(_PATTERN), settings)
        self._tile = scenes.texture_tile(self._rng(_TILE))
        self._pictures = PictureFolder(settings.scene_folder) if settings.scene_folder else None

    def _rng(self, *stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *stream])

    def scene_number(self, index: int) -> int:
        """Return the index of the photo that began this photo's burst; itself outside one."""
        while index > 0 and self._rng(_SERIES, index).random() < self.settings.burst_share:
            index -= 1
        return index

    def taken(self, index: int) -> datetime:
        """Return when a photo is taken; scenes lie days, photos of a burst seconds apart."""
        scene = self.scene_number(index)
        days = _DAYS_BETWEEN_SCENES * (scene + 0.8 * self._rng(_SERIES, scene, 1).random())
        moment = _FIRST_PHOTO + timedelta(days=days, seconds=2 * (index - scene))
        return moment.replace(microsecond=0)

    def _scene(self, index: int) -> scenes.Scene:
        """Return the scene before the lens, blurred by it."""
        number = self.scene_number(index)
        settings, rng = self.settings, self._rng(_SCENE, number)
        moved = self._rng(_SCENE, index, 1)
        shift = moved.normal(0, 3, 2) if index != number else np.zeros(2)
        shift_px = (float(shift[0]), float(shift[1]))
        size, nights = (settings.height, settings.width), settings.night_share
        if self._pictures is not None:
            scene = self._pictures.scene(
                rng, self._tile, size, night_share=nights, shift_px=shift_px
            )
        else:
            shares = (nights, settings.sky_share)
            scene = scenes.dead_leaves(rng, self._tile, size, shares=shares, shift_px=shift_px)
        if not scene.night:
            scenes.add_glints(moved, scene.light, int(moved.poisson(settings.glints)))
        sigma_px = moved.uniform(0.5, 1.2)
        focus = self._rng(_SCENE, number, 2)
        if focus.random() < settings.defocus_share:
            sigma_px = focus.uniform(2.0, 5.0)
        return scenes.Scene(scenes.lens_blur(scene.light, sigma_px), scene.night)

    def _raw(self, scene: scenes.Scene, shot: Shot) -> Floats:
        light = scene.light * np.float32(shot.light_scale)
        return sites_of(raw_light(light, self.settings), self.settings.cfa)

    def photograph(self, index: int) -> SimulatedPhoto:
        """Return photo `index` (from 0); the same whatever was photographed before."""
        settings = self.settings
        scene = self._scene(index)
        number = self.scene_number(index)
        shot = expose(self._rng(_SHOT, number), settings, night=scene.night)
        active = tuple(defect for defect in self.defects if defect.active(index))
        mosaic = capture(
            self._rng(_NOISE, index),
            self._raw(scene, shot),
            shot,
            (settings, self._pattern),
            (active, index, self.seed),
        )
        longest_s = settings.suppress_above_s
        if longest_s is not None and shot.exposure_s > longest_s:
            shown = tuple(defect for defect in active if defect.kind in _SUPPRESSED)
            suppress(mosaic, shown, settings.cfa)
        return SimulatedPhoto(index, mosaic, shot, self.taken(index), number, self.sensor, settings)

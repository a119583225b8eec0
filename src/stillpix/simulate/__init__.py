"""A simulated camera: photos with known defects, for the demo, the tests and the benchmarks.

Its scenes, noise, demosaicing and JPEG are plausible, not those of any maker. Never imports
the detector it tests.
"""

from __future__ import annotations

from .camera import SimulatedCamera, SimulatedPhoto
from .planting import PlantedDefect
from .series import write_series
from .settings import KINDS, CameraSettings, random_settings

__all__ = [
    "KINDS",
    "CameraSettings",
    "PlantedDefect",
    "SimulatedCamera",
    "SimulatedPhoto",
    "random_settings",
    "write_series",
]

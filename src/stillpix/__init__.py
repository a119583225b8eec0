"""Finds the broken pixels of a camera's sensor from the photos it took, and repairs them there.

Importing this is cheap: each name is loaded from its module when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from .detection.decide import detect
    from .detection.settings import DetectionSettings
    from .errors import ArgumentError, StillpixError
    from .evidence.evidence import Evidence
    from .frame import Exposure, Frame, Sensor
    from .images import open_frames
    from .maps import read_map, write_map
    from .maps.records import Defect, DefectMap
    from .restoration import repair
    from .restoration.fix import fix
    from .restoration.verdicts import Verdict
    from .scan import find
    from .scan.arrays import find_in

__all__ = [
    "ArgumentError",
    "Defect",
    "DefectMap",
    "DetectionSettings",
    "Evidence",
    "Exposure",
    "Frame",
    "Sensor",
    "StillpixError",
    "Verdict",
    "__version__",
    "detect",
    "find",
    "find_in",
    "fix",
    "open_frames",
    "read_map",
    "repair",
    "write_map",
]

_HOMES = {
    "ArgumentError": "errors",
    "Defect": "maps.records",
    "DefectMap": "maps.records",
    "DetectionSettings": "detection.settings",
    "Evidence": "evidence.evidence",
    "Exposure": "frame",
    "Frame": "frame",
    "Sensor": "frame",
    "StillpixError": "errors",
    "Verdict": "restoration.verdicts",
    "detect": "detection.decide",
    "find": "scan",
    "find_in": "scan.arrays",
    "fix": "restoration.fix",
    "open_frames": "images",
    "read_map": "maps",
    "repair": "restoration",
    "write_map": "maps",
}


if not TYPE_CHECKING:  # which would take any misspelt name for a name of any type

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version

            globals()[name] = version("stillpix")
            return globals()[name]
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Repair: what a listed defect shows in one photo, and what would stand there without it.

Touches the listed places and what their response reaches, nothing else. Never opens a file and
never writes one: bytes or pixels come in, bytes or pixels go out.
"""

from __future__ import annotations

from .arrays import repair
from .files import repaired_file, repaired_pictures
from .verdicts import RawWay, RepairedFile, Verdict
from .verification import require_companions, verified

__all__ = [
    "RawWay",
    "RepairedFile",
    "Verdict",
    "repair",
    "repaired_file",
    "repaired_pictures",
    "require_companions",
    "verified",
]

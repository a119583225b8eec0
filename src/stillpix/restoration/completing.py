"""Copies the other files that belong to a complete copy of a folder, as they are.

Never opens one as a photo.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ReadError, WriteError
from ..images.gather import Skipped
from .destinations import Placement, Routes
from .placer import Placer


@dataclass(slots=True)
class CopiedFiles:
    """What came of copying the other files."""

    copied: list[Path] = field(default_factory=list)  # the copies, those that were there included
    skipped: list[Skipped] = field(default_factory=list)


def copy_others(ways: Routes, placement: Placement) -> CopiedFiles:
    """Copy what cannot be repaired; on a dry run, say what would be copied."""
    result, placer = CopiedFiles(), Placer(placement)
    for source, target in ways.others:
        try:
            placer.copy_as_it_is(source, target)
            result.copied.append(target)
        except (ReadError, WriteError) as error:
            result.skipped.append(Skipped(str(source), str(error)))
    return result

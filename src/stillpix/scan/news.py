"""Which broken pixels of a map nobody has been told of yet, over restarts, too.

What was told is noted after it was told: of a program that is killed in between, it is told again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

from ..atomic import write_atomically, write_error
from ..maps.records import BROKEN, Defect, DefectMap

Place: TypeAlias = tuple[Any, ...]


class Told:
    """The broken pixels of one sensor that were told of, in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_new(self) -> bool:
        """Return whether nothing was told yet, or it is not known what."""
        return self._places() is None

    def news(self, found: DefectMap) -> list[Defect]:
        """Return the broken pixels of a map that were not told."""
        told = self._places() or set()
        return [defect for defect in found.in_state(*BROKEN) if _place_of(defect) not in told]

    def note(self, found: DefectMap | None) -> None:
        """Note all broken pixels of a map as told, those of earlier maps included.

        A pixel that a later map drops and the next one lists again is no news. Raises WriteError.
        """
        listed = () if found is None else found.in_state(*BROKEN)
        places = (self._places() or set()) | set(map(_place_of, listed))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(self.path.parent, error) from error
        write_atomically(self.path, json.dumps(sorted(places)).encode())

    def _places(self) -> set[Place] | None:
        try:
            saved = json.loads(self.path.read_bytes())
            return {tuple(place) for place in saved}
        except (OSError, ValueError, TypeError):
            return None


def began_later(defects: Iterable[Defect], found: DefectMap) -> list[Defect]:
    """Return the defects that surely were not there in the first photo of a map."""
    first = found.evidence.first
    return [
        defect
        for defect in defects
        if defect.since is not None and first is not None and defect.since[0] > first.date()
    ]


def _place_of(defect: Defect) -> Place:
    """Return what tells a pixel, a column or a row, however far this one reaches by now."""
    if defect.run is None:
        return "pixel", defect.x, defect.y
    return defect.run.along, defect.x if defect.run.along == "column" else defect.y

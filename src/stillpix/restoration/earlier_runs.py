"""Tells photos that an earlier `fix` has repaired from fresh ones, by its log and kept originals.

Looks at names and logs only, never into a photo, and leaves no photo out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..images import Header
from ..images.gather import Gathering
from .destinations import ORIGINAL
from .log import entries_in


def notes_on_repaired(found: Gathering) -> Iterator[str]:
    """Yield a note on each camera of which some photos were repaired: they hide what was broken."""
    logs = _Logs()
    for sensor, headers in found.bodies.items():
        repaired = [header.path.name for header in headers if _is_repaired(header, logs)]
        if repaired:
            number = len(repaired)
            was = "1 photo was" if number == 1 else f"{number} photos were"
            yield (
                f"{sensor.name}: {was} repaired by stillpix before, such as {repaired[0]}, and"
                " cannot show what was broken; give the originals instead (`stillpix fix --undo`"
                " takes repairs in place back)"
            )


def _is_repaired(header: Header, logs: _Logs) -> bool:
    path = header.path
    return os.path.lexists(path.with_name(path.name + ORIGINAL)) or logs.tell_of(path)


class _Logs:
    """What the logs of fix say, each read once."""

    def __init__(self) -> None:
        self._last: dict[Path, dict[str, str]] = {}

    def tell_of(self, photo: Path) -> bool:
        """Return whether a log beside a photo, or above it, names it as repaired last."""
        whole = photo.absolute()
        for folder in whole.parents:
            results = self._results(folder)
            if results and results.get(whole.relative_to(folder).as_posix()) == "repaired":
                return True
        return False

    def _results(self, folder: Path) -> dict[str, str]:
        if folder not in self._last:
            entries = entries_in(folder)
            self._last[folder] = {
                str(each.get("target")): str(each.get("result")) for each in entries
            }
        return self._last[folder]

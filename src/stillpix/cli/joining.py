"""One map file for one sensor, where `--out` gets maps of several of its modes.

Removes only files that this run wrote, and only when the map of all modes is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .destinations import map_place

if TYPE_CHECKING:
    from ..scan.body import BodyOutcome


def join_modes(bodies: Sequence[BodyOutcome], out: Path) -> Iterator[str]:
    """Write one map for the modes of each sensor, and yield a sentence on each."""
    from ..errors import StillpixError
    from ..maps.library import save_map
    from ..maps.modes import MODES, joined

    for group in _groups(bodies):
        both = joined([body.map for body in group if body.map is not None])
        if both is None:
            continue
        path = map_place(out, both.sensor)
        try:
            save_map(both, path)
        except StillpixError as error:
            group[0].troubles.append(f"{error} (the map of all modes was not written)")
            continue
        for body in group:
            if body.path is not None and body.path != path:
                with suppress(OSError):
                    body.path.unlink()
            body.path, body.map = path, None
        _count_together(group)
        group[0].map = both
        number = len(both.extra[MODES])
        yield (
            f"{both.sensor.name}: one map of {number} modes of this sensor (subframes, binned "
            f"frames or crops): {path}; `stillpix fix` lays it on photos of each"
        )


def _count_together(group: Sequence[BodyOutcome]) -> None:
    """Count the photos of all modes with the first: they are told of once."""
    for name in ("read", "known", "duplicates", "repeats", "looked"):
        setattr(group[0], name, sum(getattr(body, name) for body in group))


def _groups(bodies: Sequence[BodyOutcome]) -> Iterator[list[BodyOutcome]]:
    """Yield the bodies whose sensors may be modes of one, two or more together."""
    from ..maps.modes import are_of_one_sensor

    left = [body for body in bodies if body.map is not None and not body.sensor.is_nameless]
    while left:
        group = [body for body in left if are_of_one_sensor(left[0].sensor, body.sensor)]
        left = [body for body in left if body not in group]
        if len(group) > 1:
            yield group

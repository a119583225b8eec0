"""Photos that were taken for one camera's, but show the broken pixels of two.

Asked only where no serial number tells cameras apart. Never splits anything: it says what it saw,
and the commands that split.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ..detection.splits import Split, split_of
from ..evidence.measures import RESIDUAL, SLOPE
from ..frame import UNKNOWN
from ..images import Header
from ..maps.records import BROKEN, DefectMap
from .body import Body
from .looking import look_at_all, showing_best

FEWEST_OF_GROUP, MOST_OF_GROUP, MOST_PLACES = 6, 32, 64  # photos, photos, and pixels looked at
MUCH_NEW = 0.2  # share of the photos that must be new, for them to be asked again
TWO = (
    "{}: {} of its broken pixels show only in the photos of {}, {} only in those of {}, and {} in "
    "both: these are two cameras, unless the camera's broken pixels were mapped out in between; {}"
)
APART = "to split them, run `stillpix find` on each of the two, with another --camera NAME for each"
ALONE = "to split them, run `stillpix find` on each of the two, with another --out for each"


def suspect(body: Body, found: DefectMap) -> None:
    """Say where photos of two folders, lenses or programs show other broken pixels each."""
    if body.sensor.serial != UNKNOWN or body.laws or body.watch.stop():
        return
    if body.outcome.read < MUCH_NEW * len(body.evidence.photos):
        return
    broken = [one for one in found.in_state(*BROKEN) if one.run is None][:MOST_PLACES]
    if len(broken) < 2:
        return
    places = [(one.x, one.y) for one in broken]
    signs = np.array([-1.0 if (one.strength or 0.0) < 0 else 1.0 for one in broken])
    for (first, mine), (second, theirs) in _pairs(body.headers):
        read, said = look_at_all([*mine, *theirs], places, body.pool, body.in_flight.number)
        own = {header.key for header in mine}
        in_first = np.array([header.key in own for header in read], np.bool_)
        split = split_of(said[..., RESIDUAL], said[..., SLOPE], signs, in_first)
        if split.is_of_two_sensors:
            body.watch.message(_sentence(body, split, first, second))
            return


def _sentence(body: Body, split: Split, first: str, second: str) -> str:
    remedy = APART if body.sensor.make == UNKNOWN else ALONE
    numbers = split.first, first, split.second, second, split.both or "none"
    return TWO.format(body.sensor.name, *numbers, remedy)


Group = tuple[str, list[Header]]


def _pairs(headers: Sequence[Header]) -> Iterator[tuple[Group, Group]]:
    """Yield the two largest groups of photos by folder, lens and program, those that show most."""
    above = _above(headers)
    ways: tuple[Callable[[Header], str], ...] = (
        lambda each: _below(each.path, above),
        lambda each: str(each.path.parent),
        lambda each: each.lens,
        lambda each: each.software or "",
    )
    done = set()
    for way in ways:
        groups: dict[str, list[Header]] = {}
        for header in headers:
            groups.setdefault(way(header), []).append(header)
        ranked = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))[:2]
        keys = frozenset(frozenset(each.key for each in group) for _, group in ranked)
        if len(ranked) < 2 or len(ranked[1][1]) < FEWEST_OF_GROUP or keys in done:
            continue
        done.add(keys)
        (first, mine), (second, theirs) = ranked
        yield (
            (first, showing_best(mine, MOST_OF_GROUP)),
            (second, showing_best(theirs, MOST_OF_GROUP)),
        )


def _above(headers: Sequence[Header]) -> str:
    """Return the folder that all photos share; "" where they lie on several drives."""
    try:
        return os.path.commonpath([each.path.parent.absolute() for each in headers])
    except ValueError:
        return ""


def _below(path: Path, above: str) -> str:
    """Return the folder just below the one that all photos share."""
    folder = path.parent.absolute()
    parts = folder.relative_to(above).parts if above else ()
    return str(Path(above, parts[0])) if parts else str(folder)

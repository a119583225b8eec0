"""The second look at a body's photos: reads their values at the places of the map, for the dates.

Adds nothing to the evidence, and never decides what is broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from typing import TypeAlias, get_args

from ..errors import ReadError
from ..evidence.measures import Measures, Place
from ..frame import Exposure
from ..images import Buffer, Header
from ..images.read_ahead import read_ahead
from ..maps.records import DefectMap, State
from .body import Body
from .looking import look_at

# Photos that one scan looks at a second time at most, evenly over their dates. The others have
# their turn in later scans; until then the dates are as close as these tell.
MOST_LOOKS = 2000
# Pixels of a map that have dates at most, the surest first: a set of exports may show any number.
MOST_PLACES = 2000
SURE: tuple[State, ...] = ("confirmed", "accepted")

Look: TypeAlias = tuple[str, Exposure, Measures]  # a photo's digest first


def list_places(body: Body, previous: DefectMap | None) -> None:
    """Have the log look at the places of the map before this scan."""
    places = places_of(previous)
    body.log.list_places(places)
    if len(body.log.places) > 2 * MOST_PLACES:  # candidates that came and went
        body.log.keep_places(places)


def look_again(body: Body, found: DefectMap) -> bool:
    """Look at the map's places in the photos that said nothing of them yet; say if any did."""
    body.log.list_places(places_of(found))
    chosen = _to_look_at(body, found)
    if not chosen or body.watch.stop():
        body.outcome.unlooked = len(chosen)
        return False
    body.watch.again(body.sensor, len(chosen))
    look = partial(_look_once_more, places=tuple(body.log.places))
    batches = read_ahead(chosen, look, body.pool, together=body.ahead, ahead=body.ahead)
    done, failed = 0, []
    with closing(batches):
        for batch in batches:
            failed += [seen for _, seen in batch if isinstance(seen, ReadError)]
            for header, seen in batch:
                if not isinstance(seen, ReadError):
                    _note(body, header, seen)
            done += len(batch)
            body.watch.photos(done)
            if body.watch.stop():
                break
    body.outcome.unlooked = len(chosen) - done
    if failed:
        body.outcome.troubles.append(
            f"{failed[0]} (photos that could be read only once: {len(failed)}; the dates of "
            "defects come from the others)"
        )
    return True


def places_of(found: DefectMap | None, states: tuple[State, ...] = get_args(State)) -> list[Place]:
    """Return where the map's single pixels are, MOST_PLACES at most: the surest, the loudest."""
    defects = () if found is None else found.in_state(*states)
    surest_first = sorted(defects, key=lambda one: one.state not in SURE)
    return [(one.x, one.y) for one in surest_first if one.run is None][:MOST_PLACES]


def _to_look_at(body: Body, found: DefectMap) -> list[Header]:
    """Return the photos to look at again, MOST_LOOKS at most, evenly over their dates.

    Those that are new in all places of the map; those of earlier scans only where they said
    nothing yet of one that is surely broken, since candidates come and go with every scan.
    """
    sure, log = places_of(found, SURE), body.log
    chosen: dict[str, tuple[datetime, Header]] = {}
    for header in body.headers:
        taken, name = header.exposure.taken, body.names[header.key]
        if taken is None or not name:
            continue
        digest = log.files.get(name, name)
        places = sure if digest in body.earlier or digest == name else log.places
        known_repeat = digest != name and not body.was_counted(digest)
        if places and not known_repeat and not log.has_looked(digest, places):
            chosen.setdefault(digest, (taken, header))
    by_date = sorted(chosen.values(), key=lambda each: each[0])
    steps = max(len(by_date) / MOST_LOOKS, 1.0)
    return [by_date[int(n * steps)][1] for n in range(int(len(by_date) / steps))]


def _note(body: Body, header: Header, look: Look) -> None:
    """Keep what a photo says, unless it is another by now, or shows what one before showed."""
    digest, exposure, said = look
    body.log.files[body.names[header.key]] = digest
    if body.was_counted(digest):
        body.log.note(digest, exposure, said)
        body.outcome.looked += 1


def _look_once_more(header: Header, buffer: Buffer, *, places: Sequence[Place]) -> Look:
    frame, said = look_at(header, buffer, places)
    return frame.digest, frame.exposure, said

"""The second look at a body's photos: reads their values at the places of the map, for the dates.

Adds nothing to the evidence, and never decides what is broken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias, get_args

from ..detection.narrowing import next_looks
from ..errors import ReadError
from ..evidence.measures import Measures, Place
from ..frame import Exposure
from ..images import Buffer, Header
from ..images.read_ahead import read_ahead
from ..maps.lens_laws import LensLaw
from ..maps.records import DefectMap, State
from .body import Body
from .known import head_of
from .looking import look_at

# Pixels of a map that have dates at most, the surest first: a set of exports may show any number.
MOST_PLACES = 2000
SURE: tuple[State, ...] = ("confirmed", "accepted")

Look: TypeAlias = tuple[str, Exposure, Measures]  # a photo's digest first


@dataclass(frozen=True, slots=True)
class Wanted:
    """A photo to look at again."""

    key: str  # its digest, or its name on disk where the digest is lost
    header: Header
    places: tuple[Place, ...] = ()  # for whose sake


def list_places(body: Body, previous: DefectMap | None) -> None:
    """Have the log look at the places of the map before this scan."""
    places = places_of(previous)
    body.log.list_places(places)
    if len(body.log.places) > 2 * MOST_PLACES:  # candidates that came and went
        body.log.keep_places(places)


def look_again(body: Body, found: DefectMap) -> bool:
    """Look at the map's places once more in the photos that tell dates best; say if any did.

    A few photos at a time: what they say tells which ones to look at next.
    """
    body.log.list_places(places_of(found))
    body.log.will_seek(places_of(found, SURE))
    done, failed = 0, dict[str, ReadError]()
    while looks := _next_looks(body, found, failed):
        if body.watch.stop():
            body.outcome.unlooked = len(looks)
            break
        body.watch.again(body.sensor, done + len(looks))
        done += _look_at_all(body, looks, done, failed)
    if failed:
        body.outcome.troubles.append(
            f"{next(iter(failed.values()))} (photos that could be read only once: {len(failed)}; "
            "the dates of defects come from the others)"
        )
    return done > 0


def places_of(found: DefectMap | None, states: tuple[State, ...] = get_args(State)) -> list[Place]:
    """Return where the map's single pixels are, MOST_PLACES at most: the surest, the loudest."""
    defects = () if found is None else found.in_state(*states)
    surest_first = sorted(defects, key=lambda one: one.state not in SURE)
    return [(one.x, one.y) for one in surest_first if one.run is None][:MOST_PLACES]


def _next_looks(body: Body, found: DefectMap, failed: dict[str, ReadError]) -> list[Wanted]:
    """Return the photos to look at next, those first of which nothing is known any more."""
    known, unknown = _at_hand(body, failed)
    if unknown and places_of(found):
        return [Wanted(name, header) for name, header in unknown.items()]
    sure = [one for one in found.in_state(*SURE) if one.run is None]
    unread = _unread(body, failed)
    chosen = next_looks(sure, body.log, known.keys() | unread.keys())
    for digest in chosen.keys() - known.keys():
        name, path = unread[digest]
        try:
            known[digest] = head_of(path, body.sensor)
        except ReadError as error:
            failed[digest] = error
        else:
            body.names[known[digest].key] = name
    return [
        Wanted(digest, known[digest], tuple(places))
        for digest, places in chosen.items()
        if digest in known
    ] or (_next_looks(body, found, failed) if chosen else [])


def _at_hand(
    body: Body, failed: Mapping[str, ReadError]
) -> tuple[dict[str, Header], dict[str, Header]]:
    """Return the dated photos that were counted, by digest, and those whose digest was lost."""
    known: dict[str, Header] = {}
    unknown: dict[str, Header] = {}
    for header in body.headers:
        name = body.names[header.key]
        if header.exposure.taken is None or not name:
            continue
        digest = body.log.files.get(name)
        if digest is None and name not in failed:
            unknown.setdefault(name, header)
        elif digest is not None and digest not in failed and body.was_counted(digest):
            known.setdefault(digest, header)
    return known, unknown


def _unread(body: Body, failed: Mapping[str, ReadError]) -> dict[str, tuple[str, Path]]:
    """Return name and path of known photos that were counted, by digest; no head was read yet."""
    if body.unread is None:
        return {}
    found: dict[str, tuple[str, Path]] = {}
    for name, path in body.unread.dated(body.sensor):
        digest = body.log.files.get(name)
        if digest is not None and digest not in failed and body.was_counted(digest):
            found.setdefault(digest, (name, path))
    return found


def _look_at_all(
    body: Body, looks: Sequence[Wanted], done: int, failed: dict[str, ReadError]
) -> int:
    """Look at some photos, and return how many; note those that can be read no more."""
    look = partial(_look_once_more, places=tuple(body.log.places), laws=body.laws)
    headers = [each.header for each in looks]
    wanted = {each.header.key: each for each in looks}
    ahead = body.in_flight.number - 1
    batches = read_ahead(headers, look, body.pool, together=1, ahead=ahead)
    before = done
    with closing(batches):
        for batch in batches:
            for header, seen in batch:
                body.log.seek(wanted[header.key].places)
                if isinstance(seen, ReadError):
                    failed[wanted[header.key].key] = seen
                else:
                    _note(body, header, seen)
            done += len(batch)
            body.watch.photos(done)
            if body.watch.stop():
                break
    return done - before


def _note(body: Body, header: Header, look: Look) -> None:
    """Keep what a photo says, unless it is another by now, or shows what one before showed."""
    digest, exposure, said = look
    body.log.files[body.names[header.key]] = digest
    if body.was_counted(digest):
        body.log.note(digest, exposure, said)
        body.outcome.looked += 1


def _look_once_more(
    header: Header, buffer: Buffer, *, places: Sequence[Place], laws: Sequence[LensLaw]
) -> Look:
    frame, said = look_at(header, buffer, places, laws)
    return frame.digest, frame.exposure, said

"""One body's part of a report: its defects, the most certain first, with the facts about each.

Reads only the photos that show the defects best and least, and never decides what is broken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..evidence.evidence import Evidence
from ..evidence.sightings import Sightings
from ..frame import Exposure
from ..images import Header
from ..maps.records import Defect, DefectMap, State
from ..watch import Watch
from ..wording import counted
from .choosing import best_and_least, to_read
from .crops import Cut, Reading, read_crops
from .looks import Looks, looks_of, sign_of
from .stamps import Stamp, stamps_of

MOST_DETAILS = 100  # defects of a body that are shown one by one: the surest
ORDER: tuple[State, ...] = ("accepted", "confirmed", "candidate", "rejected")


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A body's map and, where they are at hand, what it stands on and the photos themselves."""

    map: DefectMap
    evidence: Evidence | None = None
    log: Sightings | None = None
    photos: Mapping[str, Header] = field(default_factory=dict)  # by digest
    facts: Sequence[str] = ()  # what was read
    notes: Sequence[str] = ()  # what went wrong
    map_place: str = ""  # where the map is, if not in the library


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """One photo's pixels around a defect, and how it shows the defect."""

    photo: str
    exposure: Exposure
    excess: float  # grey levels over what the neighbours predict
    sigmas: float
    cut: Cut
    digest: str = ""  # the photo's


@dataclass(frozen=True, slots=True, eq=False)
class Detail:
    """All that is shown of one defect."""

    defect: Defect
    stamp: Stamp | None = None
    looks: Looks | None = None  # of this place only
    best: tuple[Crop, ...] = ()
    least: tuple[Crop, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """One body's part of a report."""

    map: DefectMap
    defects: tuple[Defect, ...]  # the surest first
    details: tuple[Detail, ...] = ()  # of the first of them
    facts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    map_place: str = ""  # where the map is, if not in the library


def section_of(subject: Subject, *, jobs: int | None = None, watch: Watch | None = None) -> Section:
    """Return a body's part of a report; reads some of its photos, unless the watch says stop.

    >>> from stillpix.frame import Sensor
    >>> found = DefectMap(Sensor("a", "b", "c", 64, 48), (Defect(x=8, y=9, kind="hot"),))
    >>> [(one.x, one.y) for one in section_of(Subject(found)).defects]
    [(8, 9)]
    """
    watch = watch or Watch()
    defects = tuple(sorted(subject.map, key=_surest_first))
    details, reading = details_of(subject, defects[:MOST_DETAILS], jobs=jobs, watch=watch)
    notes = (*subject.notes, *_notes(reading, stopped=watch.stop()))
    facts = tuple(subject.facts)
    return Section(subject.map, defects, details, facts, notes, subject.map_place)


def details_of(
    subject: Subject, shown: Sequence[Defect], *, jobs: int | None = None, watch: Watch
) -> tuple[tuple[Detail, ...], Reading]:
    """Return all that is shown of some of a map's defects, and what was read for it."""
    pixels = [defect for defect in shown if defect.run is None]
    places = [(defect.x, defect.y) for defect in pixels]
    reading = Reading()
    if not watch.stop():
        reading = _read_photos(subject, pixels, jobs, watch)
    looks = looks_of(subject.log, places, reading.said)
    stamps = stamps_of(subject.evidence, places) if subject.evidence else [None] * len(places)
    by_place = {
        place: _detail(pixels[n], stamps[n], looks.at(n), n, reading, subject.photos)
        for n, place in enumerate(places)
    }
    details = tuple(
        by_place[defect.x, defect.y] if defect.run is None else Detail(defect) for defect in shown
    )
    return details, reading


def _read_photos(
    subject: Subject, pixels: Sequence[Defect], jobs: int | None, watch: Watch
) -> Reading:
    """Read the photos that serve the report best."""
    places = [(defect.x, defect.y) for defect in pixels]
    signs = np.array([sign_of(defect) for defect in pixels], np.float64)
    exposures = {digest: header.exposure for digest, header in subject.photos.items()}
    chosen = to_read(looks_of(subject.log, places, {}), signs, exposures) if places else []
    photos = {digest: subject.photos[digest] for digest in chosen}
    return read_crops(photos, places, jobs=jobs, watch=watch, laws=subject.map.laws)


def _detail(
    defect: Defect, stamp: Stamp | None, looks: Looks, number: int, reading: Reading,
    photos: Mapping[str, Header],
) -> Detail:  # fmt: skip
    rows = [n for n, digest in enumerate(looks.digests) if digest in reading.cuts]
    seen = Looks(
        tuple(looks.digests[n] for n in rows),
        tuple(looks.exposures[n] for n in rows),
        looks.said[rows],
    )
    at = {digest: n for n, digest in enumerate(seen.digests)}

    def crop(digest: str) -> Crop:
        row = at[digest]
        excess, sigmas = float(seen.excess[row, 0]), float(seen.sigmas[row, 0])
        cut = reading.cuts[digest][number]
        name, exposure = photos[digest].path.name, seen.exposures[row]
        return Crop(name, exposure, excess, sigmas, cut, digest)

    best, least = best_and_least(seen, sign_of(defect))
    return Detail(defect, stamp, looks, tuple(map(crop, best)), tuple(map(crop, least)))


def _surest_first(defect: Defect) -> tuple[int, float, int, int]:
    return ORDER.index(defect.state), -defect.score, defect.y, defect.x


def _notes(reading: Reading, *, stopped: bool) -> list[str]:
    notes = []
    if stopped:
        notes.append("The scan was stopped: pictures from the photos are left out, or are fewer.")
    if reading.failed:
        more = len(reading.failed) - 1
        others = f" (and {counted(more, 'other photo')})" if more else ""
        notes.append(f"No pictures could be taken from {reading.failed[0]}{others}.")
    return notes

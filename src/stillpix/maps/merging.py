"""Every change to a map: carries marks over, adds a list, judges, dates or moves a defect.

Never reads or writes a file, and never drops a person's decision about a defect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..frame import Sensor
from .records import Days, Defect, DefectMap, Run

REACH = 1  # px: a defect found this near to a marked one is the same defect


@dataclass(frozen=True, slots=True)
class Adoption:
    """A map with what another program's list named, and what was new in that."""

    map: DefectMap
    added: tuple[Defect, ...] = ()  # were not in the map
    accepted: tuple[Defect, ...] = ()  # were candidates, or rejected and accepted all the same
    known: tuple[Defect, ...] = ()  # were confirmed or accepted before
    still_rejected: tuple[Defect, ...] = ()


def adopted(
    defect_map: DefectMap, listed: Iterable[Defect], *, accept_rejected: bool = False
) -> Adoption:
    """Return a map with the defects of a list added to it, as accepted by a person.

    All facts in the map about a place stay. A place that a person rejected stays rejected: the
    person decided about this one pixel, and the list is about many. With `accept_rejected`, such
    places are accepted, too.

    >>> sensor = Sensor("Canon", "EOS R", "7", 30, 20)
    >>> known = (Defect(x=3, y=4, kind="hot"), Defect(x=9, y=9, state="rejected"))
    >>> listed = (Defect(x=3, y=4), Defect(x=5, y=5), Defect(x=9, y=9))
    >>> found = adopted(DefectMap(sensor, known), listed).map
    >>> [(one.x, one.kind, one.state) for one in found]
    [(3, 'hot', 'accepted'), (9, 'unknown', 'rejected'), (5, 'unknown', 'accepted')]
    """
    defects = {_place(one): one for one in defect_map}
    changes: dict[str, list[Defect]] = {}
    for one in listed:
        before = defects.get(_place(one))
        if before is None:
            after, change = replace(one, state="accepted"), "added"
        elif before.state == "rejected" and not accept_rejected:
            after, change = before, "still_rejected"
        elif before.state in ("confirmed", "accepted"):
            after, change = _with_dates_of(one, before), "known"
        else:
            after, change = replace(_with_dates_of(one, before), state="accepted"), "accepted"
        defects[_place(one)] = after
        changes.setdefault(change, []).append(after)
    found = replace(defect_map, defects=tuple(defects.values()))
    return Adoption(found, **{change: tuple(each) for change, each in changes.items()})


def _place(defect: Defect) -> tuple[int, int, Run | None]:
    """Return where a defect is, a run by where it begins."""
    run = defect.run
    if run is None:
        return defect.x, defect.y, None
    return (run.first, defect.y, run) if run.along == "row" else (defect.x, run.first, run)


def with_marks_of(previous: DefectMap, latest: DefectMap) -> DefectMap:
    """Return the latest map with a person's decisions from the previous one.

    If a defect that was accepted or rejected is found again within 1 px, it keeps that state. If
    it is not found again, it stays as it was. The dates of a defect stay if the new scan has none.
    Keys that this version does not know stay, too.

    >>> sensor = Sensor("Canon", "EOS R", "7", 30, 20)
    >>> before = DefectMap(sensor, (Defect(x=3, y=4, state="rejected"), Defect(x=9, y=9)))
    >>> after = DefectMap(sensor, (Defect(x=4, y=4, score=8.0), Defect(x=20, y=1)))
    >>> [(one.x, one.y, one.state) for one in with_marks_of(before, after)]
    [(4, 4, 'rejected'), (20, 1, 'candidate')]
    """
    marked = previous.in_state("accepted", "rejected")
    partners = _nearest_pairs(marked, latest.defects)
    defects = list(latest.defects)
    for old, new in partners.items():
        before, found = marked[old], defects[new]
        found = _with_dates_of(before, found)
        defects[new] = replace(found, state=before.state, extra={**before.extra, **found.extra})
    earlier = {(one.x, one.y, one.run): one for one in previous}
    defects = [_with_dates_of(earlier.get((one.x, one.y, one.run), one), one) for one in defects]
    defects += [before for old, before in enumerate(marked) if old not in partners]
    return replace(
        latest,
        defects=tuple(defects),
        extra={**previous.extra, **latest.extra},
        sensor_extra={**previous.sensor_extra, **latest.sensor_extra},
    )


def with_dates(
    defect_map: DefectMap, dates: Mapping[tuple[int, int], tuple[Days, Days | None]]
) -> DefectMap:
    """Return a map with `since` and `until` of its single pixels at some places (x, y).

    >>> from datetime import date
    >>> found = DefectMap(Sensor("Canon", "EOS R", "7", 30, 20), (Defect(x=3, y=4),))
    >>> day = date(2020, 5, 2)
    >>> [one.since == (day, day) for one in with_dates(found, {(3, 4): ((day, day), None)})]
    [True]
    """
    defects = []
    for one in defect_map:
        told = dates.get((one.x, one.y)) if one.run is None else None
        defects.append(replace(one, since=told[0], until=told[1]) if told else one)
    return replace(defect_map, defects=tuple(defects))


def with_defect(defect_map: DefectMap, before: Defect | None, after: Defect | None) -> DefectMap:
    """Return a map with one of its defects replaced; None: there was none, or is none any more.

    >>> found = DefectMap(Sensor("Canon", "EOS R", "7", 30, 20), (Defect(x=3, y=4),))
    >>> [one.x for one in with_defect(found, None, Defect(x=9, y=4))]
    [3, 9]
    >>> len(with_defect(found, found.defects[0], None))
    0
    """
    defects = list(defect_map.defects)
    at = len(defects) if before is None else defects.index(before)
    defects[at : at + 1] = [] if after is None else [after]
    return replace(defect_map, defects=tuple(defects))


def laid_on(
    defect_map: DefectMap, sensor: Sensor, defects: Iterable[Defect] | None = None
) -> DefectMap:
    """Return a map as one of another frame of its body, with its defects where they lie there."""
    moved = defect_map.defects if defects is None else tuple(defects)
    return replace(defect_map, sensor=sensor, defects=moved)


def _with_dates_of(before: Defect, found: Defect) -> Defect:
    """Return a defect with the dates that an earlier scan told, where this one could tell none."""
    if found.since is not None:
        return found
    return replace(found, since=before.since, until=before.until)


def _nearest_pairs(marked: tuple[Defect, ...], found: tuple[Defect, ...]) -> dict[int, int]:
    """Pair each marked defect with at most one found one, the nearest pairs first."""
    at = {(one.x, one.y, one.run and one.run.along): index for index, one in enumerate(found)}
    steps = range(-REACH, REACH + 1)
    distances = sorted(
        (dx * dx + dy * dy, old, at[place])
        for old, one in enumerate(marked)
        for dx in steps
        for dy in steps
        if (place := (one.x + dx, one.y + dy, one.run and one.run.along)) in at
    )
    partners: dict[int, int] = {}
    for _, old, new in distances:
        if old not in partners and new not in partners.values():
            partners[old] = new
    return partners

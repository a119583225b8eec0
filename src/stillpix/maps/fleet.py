"""Many bodies at a glance: how many of their pixels are broken, and which ones got worse.

Sees maps only, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from .records import BROKEN, DefectMap


@dataclass(frozen=True, slots=True)
class Standing:
    """How one body stands; counts are of broken pixels, each of a bad column or row included."""

    name: str
    megapixels: float
    photos: int
    last: date | None  # of the photos
    broken: int
    lately: int  # of these, those that surely broke in the last days before `last`
    undated: int  # of these, those of which nothing tells when they broke
    course: tuple[tuple[date, int], ...]  # the day, and how many were broken by then, at each rise

    @property
    def per_megapixel(self) -> float:
        """Return how many pixels are broken, of a million."""
        return self.broken / self.megapixels

    @property
    def lately_per_megapixel(self) -> float:
        """Return how many of a million pixels broke lately."""
        return self.lately / self.megapixels


def standing_of(found: DefectMap, days: int) -> Standing:
    """Return how a body stands; what broke within `days` before its last photo is lately.

    A pixel of which only a first and a last day are known is counted from the day in the middle
    in the course, and as lately only if the first of them lies in those days.

    >>> from datetime import datetime
    >>> from stillpix.frame import Sensor
    >>> from .records import Defect, EvidenceSummary
    >>> since = date(2026, 5, 1), date(2026, 5, 3)
    >>> pixels = [Defect(x=x, y=1, state="confirmed", since=since) for x in (1, 2)]
    >>> summary = EvidenceSummary(9, 9, last=datetime(2026, 5, 9))
    >>> one = standing_of(DefectMap(Sensor("a", "b", "c", 1000, 500), tuple(pixels), summary), 30)
    >>> one.per_megapixel, one.lately, one.course
    (4.0, 2, ((datetime.date(2026, 5, 2), 2),))
    """
    sensor, last = found.sensor, found.evidence.last
    begin = None if last is None else last.date() - timedelta(days=days)
    broken = lately = undated = 0
    rises: dict[date, int] = {}
    for defect in found.in_state(*BROKEN):
        pixels = sum(1 for _ in defect.pixels())
        broken += pixels
        if defect.since is None:
            undated += pixels
            continue
        first, until = defect.since
        middle = first + (until - first) // 2
        rises[middle] = rises.get(middle, 0) + pixels
        lately += pixels if begin is not None and first > begin else 0
    return Standing(
        sensor.name, sensor.width * sensor.height / 1e6, found.evidence.photos,
        last.date() if last else None, broken, lately, undated, _course(rises, undated),
    )  # fmt: skip


def worst_first(fleet: Iterable[Standing]) -> list[Standing]:
    """Return bodies by how many pixels broke lately, and then by how many are broken at all."""
    return sorted(
        fleet, key=lambda one: (-one.lately_per_megapixel, -one.per_megapixel, one.name)
    )  # fmt: skip


def _course(rises: dict[date, int], before: int) -> tuple[tuple[date, int], ...]:
    course, broken = [], before
    for day in sorted(rises):
        broken += rises[day]
        course.append((day, broken))
    return tuple(course)

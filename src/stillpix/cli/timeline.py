"""`stillpix show MAP --timeline`: when each pixel broke, drawn along a time axis.

Never reads a photo: the marks come from the log that is kept with the evidence. Without it,
only the dates of the map are drawn.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from .output import say

if TYPE_CHECKING:
    from ..detection.dates import Course
    from ..maps.library import Library
    from ..maps.records import Defect, DefectMap

LEAST_AXIS = 20  # columns
MOST_AXIS = 120
DAY_S, DAYS_A_YEAR, DAYS_A_MONTH = 86400.0, 365.25, 30.44
GAP = 1  # columns at least between the labels of an axis
# What a column says: shows, absent, silent, nothing there; the same inside an interval; and, where
# there is no log, "broken since".
MARKS = ("█", "○", "·", " ", "▓", "○", "░", "░", "─")
ASCII_MARKS = ("#", "o", ".", " ", "%", "o", "-", "-", "=")
SHOWN, COULD, SILENT, EMPTY, INSIDE, BROKEN = 0, 1, 2, 3, 4, 8


@dataclass(frozen=True, slots=True)
class Axis:
    """The time from the first photo to the last, in columns."""

    first: datetime
    last: datetime
    columns: int

    def column(self, moment: datetime) -> int:
        """Return the column of a moment; those beyond the ends are at the ends.

        >>> Axis(datetime(2024, 1, 1), datetime(2024, 1, 11), 10).column(datetime(2024, 1, 6))
        5
        """
        span = max((self.last - self.first).total_seconds(), 1.0)
        share = (moment - self.first).total_seconds() / span
        return min(max(int(share * self.columns), 0), self.columns - 1)

    def labels(self) -> str:
        """Return the line of years, months or days above the rows.

        >>> Axis(datetime(2019, 7, 11), datetime(2022, 3, 1), 40).labels()
        '       |2020          |2021          |2022'
        >>> Axis(datetime(2023, 11, 20), datetime(2024, 6, 1), 40).labels()
        '  |2023-12     |2024-02    |04   |05   |06'
        """
        line = ""
        for moment, label, short in self._ticks():
            column = self.column(moment)
            if not line or column >= len(line) + GAP:
                line = line.ljust(column) + "|" + (label if label[:-2] not in line else short)
        return line

    def _ticks(self) -> Iterator[tuple[datetime, str, str]]:
        """Yield moments with their labels, and what is left to say once the longer part is."""
        days = (self.last - self.first).total_seconds() / DAY_S
        if days > 2 * DAYS_A_YEAR:
            for year in range(self.first.year + 1, self.last.year + 1):
                yield datetime(year, 1, 1), str(year), str(year)
        elif days > 2 * DAYS_A_MONTH:
            months = (moment.year * 12 + moment.month - 1 for moment in (self.first, self.last))
            for month in range(next(months) + 1, next(months) + 1):
                start = datetime(month // 12, month % 12 + 1, 1)
                yield start, f"{start:%Y-%m}", f"{start:%m}"
        elif days > 2:
            midnight = datetime.combine(self.first.date(), time.min)
            for number in range(1, (self.last - midnight).days + 1):
                day = midnight + timedelta(days=number)
                yield day, f"{day:%Y-%m-%d}", f"{day:%d}"
        else:
            yield self.first, f"{self.first:%Y-%m-%d %H:%M}", ""


def courses_in(library: Library, found: DefectMap) -> dict[tuple[int, int], Course]:
    """Return what the library's log says of a map's places; nothing where there is no log.

    Raises StateFormatError where it is damaged.
    """
    from ..detection.dates import courses_of
    from ..evidence.sightings import LOG_NAME, Sightings

    log = Sightings.load(library.evidence_path(found.sensor) / LOG_NAME, found.sensor)
    return courses_of(found, log)


def print_timeline(found: DefectMap, courses: dict[tuple[int, int], Course]) -> None:
    """Print one row per defect: what each stretch of time showed, and when it can have begun."""
    listed = [one for one in _by_date(found) if one.since or (one.x, one.y) in courses]
    if not listed:
        say("stillpix does not know when they began; run `stillpix find` over photos with dates")
        return
    names = [f"{one.x},{one.y}" for one in listed]
    kinds = [one.kind for one in listed]
    widths = (max(map(len, names)), max(map(len, kinds)))
    room = shutil.get_terminal_size().columns - sum(widths) - 4
    axis = _axis(found, listed, courses, min(max(room, LEAST_AXIS), MOST_AXIS))
    marks = MARKS if _holds(MARKS) else ASCII_MARKS
    margin = " " * (sum(widths) + 3)
    say(f"{margin}{axis.labels()}".rstrip())
    for one, name, kind in zip(listed, names, kinds, strict=True):
        row = _row(axis, one, courses.get((one.x, one.y)), marks)
        say(f"{name:>{widths[0]}} {kind:<{widths[1]}}  {row}".rstrip())
    _explain(marks, logged=bool(courses))


def as_document(
    found: DefectMap, courses: dict[tuple[int, int], Course]
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the timeline for a program: the photos' dates, and one mark a photo, a defect."""
    return [
        {
            "x": one.x,
            "y": one.y,
            "since": one.since and [str(day) for day in one.since],
            "until": one.until and [str(day) for day in one.until],
            "photos": [moment.isoformat() for moment in course.taken] if course else [],
            "says": course.says() if course else "",
        }
        for one in _by_date(found)
        for course in [courses.get((one.x, one.y))]
    ]


def _by_date(found: DefectMap) -> list[Defect]:
    """Return those that a person has not rejected: the broken ones first, the oldest first."""
    broken = found.in_state("confirmed", "accepted")
    candidates = found.in_state("candidate")
    latest = date.max
    return [
        one
        for group in (broken, candidates)
        for one in sorted(group, key=lambda each: (each.since or (latest, latest))[::-1])
    ]


def _axis(
    found: DefectMap, listed: Sequence[Defect], courses: dict[tuple[int, int], Course], columns: int
) -> Axis:
    """Return the axis of all photos; where a map does not say, of the dates of its defects."""
    photos = [moment for moment in (found.evidence.first, found.evidence.last) if moment]
    photos += [end for course in courses.values() for end in (course.taken[0], course.taken[-1])]
    intervals = [dates for one in listed for dates in (one.since, one.until) if dates]
    days = [moment for dates in intervals for moment in _whole_days(dates)]
    moments = [moment.replace(tzinfo=None) for moment in photos or days]
    return Axis(min(moments), max(moments), columns)


def _whole_days(dates: tuple[date, date]) -> tuple[datetime, datetime]:
    """Return the beginning of one day and the end of another."""
    return datetime.combine(dates[0], time.min), datetime.combine(dates[1], time.max)


def _row(axis: Axis, defect: Defect, course: Course | None, marks: Sequence[str]) -> str:
    columns = [EMPTY] * axis.columns
    since = defect.since and _whole_days(defect.since)
    until = defect.until and _whole_days(defect.until)
    if course is not None:
        _mark_photos(columns, axis, course)
        before, after = course.since()
        since, until = (before or axis.first, after), course.until()
    elif since:
        start, end = axis.column(since[1]) + 1, axis.column(until[0]) if until else axis.columns
        columns[start:end] = [BROKEN] * max(end - start, 0)
    for interval in (since, until):
        if interval:
            first, last = map(axis.column, interval)
            columns[first : last + 1] = [_inside(column) for column in columns[first : last + 1]]
    return "".join(marks[column] for column in columns)


def _mark_photos(columns: list[int], axis: Axis, course: Course) -> None:
    """Let each column say the most telling of what its photos say."""
    from ..detection.dates import ABSENT, SHOWS, UNSEEN
    from ..detection.dates import SILENT as CANNOT_SAY

    says = {SHOWS: SHOWN, ABSENT: COULD, CANNOT_SAY: SILENT, UNSEEN: EMPTY}
    for moment, mark in zip(course.taken, course.says(), strict=True):
        at = axis.column(moment)
        columns[at] = min(columns[at], says[mark])


def _inside(column: int) -> int:
    return INSIDE + column if column < INSIDE else column


def _holds(marks: Sequence[str]) -> bool:
    """Return whether standard output can print them."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        "".join(marks).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _explain(marks: Sequence[str], *, logged: bool) -> None:
    began = f"{marks[INSIDE + EMPTY]} began (or ended) in here"
    if logged:
        say(f"{marks[SHOWN]} shows it  {marks[COULD]} could show it, but does not")
        say(f"{marks[SILENT]} cannot tell  {began}  {marks[INSIDE]} and shows it")
    else:
        say(f"{began}  {marks[BROKEN]} broken")

"""Sums by period of time, so that what began late is not drowned by what came before.

A defect that shows in the last n of N photos has over all of them its score of those n times the
root of n / N. So the photos are added up once more by period, with one template and in coarse
counts: recent periods are short, and older ones long, as long as they are old. Periods join as
newer photos come, and never part. Never decides what is a defect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..frame import Frame
from .groups import Groups, second_of
from .narrow import Narrow, NarrowSums
from .parts import Parts
from .room import Room
from .sum_kernels import blocks_along
from .templates import Template

OF_PERIODS, STEEPER = "hot-tempered", 2.0  # the template that periods are summed by, times this
ROOT = 40  # level of the interval that holds all dates: 2^40 seconds, from the year 1 on
SHORTEST = 16  # level of 18 h: what begins within a night is a star
PARTS = 16  # of the whole time; intervals shorter than one are not told apart
GROUPS_OF_PERIOD = 6  # of decoys, at most
SAYS = 144  # counts of one photo at most
NARROW = 220  # photos that 16 bits can hold

Interval: TypeAlias = tuple[int, int]  # level, number: seconds number * 2^level and on
# Which template, how much steeper, and of the photo's period and of its group in there scores and
# information.
PeriodSums: TypeAlias = tuple[
    int, float, NDArray[Any], NDArray[np.int64], Narrow, NDArray[np.int64]
]


@dataclass(slots=True)
class Period:
    """What the photos of one period say, by one template."""

    photos: int
    scores: NDArray[np.signedinteger]  # (height, width), in coarse counts; 16 bits or 32
    information: NDArray[np.int64]  # (blocks down, blocks across)
    groups: Groups

    def widen(self, room: Room | None = None) -> None:
        """Take as many bits as the number of photos needs."""
        narrow, kind = self.scores, np.dtype(kind_of_scores(self.photos))
        if room is None:
            self.scores = narrow.astype(kind, copy=False)
        elif narrow.dtype != kind:
            self.scores = room.zeros(narrow.shape, kind)
            self.scores[...] = narrow
            room.forget(narrow)

    def add(self, other: Self, room: Room | None = None) -> None:
        """Add the sums of other photos."""
        self.photos += other.photos
        self.widen(room)
        for own, theirs in ((self.scores, other.scores), (self.information, other.information)):
            np.add(own, theirs, out=own, casting="same_kind")
        self.groups.add(other.groups.bits, other.groups.items())
        if room is not None:
            self.leave(room)
            room.forget(other.scores)
            room.forget(other.information)

    def leave(self, room: Room | None) -> None:
        """Let the sums leave memory until they are asked for, where they lie in a room."""
        if room is not None:
            room.leave(self.scores)
            room.leave(self.information)
            self.groups.leave()


class Periods:
    """The sums of one sensor by period of time; photos without a date are in none."""

    def __init__(
        self,
        shape: tuple[int, int],
        rows: int,
        templates: Sequence[Template],
        stretches_s: Sequence[float],
        *,
        kept: bool = True,
    ) -> None:
        """Take the sensor's shape, how many of its rows have decoys, and a group's stretch.

        Where they are not `kept`, no photo counts in any.
        """
        self.kept, self.shape, self.rows, self.stretches_s = kept, shape, rows, stretches_s
        names = [template.name for template in templates]
        self.template = names.index(OF_PERIODS) if OF_PERIODS in names else 0
        self.oldest, self.newest = 0, -1  # seconds: there is none
        self.sums: dict[Interval, Period] = {}
        self.room: Room | None = None  # for sums; without one, they are in memory
        self.room_of_groups: Room | None = None  # for those of groups

    @property
    def span(self) -> int:
        """Return the seconds from the oldest photo to the newest."""
        return max(self.newest - self.oldest, 0)

    def expect(self, frames: Sequence[Frame]) -> None:
        """Make room for some photos: join periods and widen them before anything is added."""
        dated = [(at, frame) for frame in frames if (at := self._second_of(frame)) is not None]
        if not dated:
            return
        seconds = [at for at, _ in dated]
        self._reach(min(seconds), max(seconds))
        fresh: dict[Interval, list[Frame]] = {}
        for at, frame in dated:
            fresh.setdefault(self._interval_of((0, at)), []).append(frame)
        for interval, those in fresh.items():
            period = self._period(interval)
            period.photos += len(those)
            period.groups.expect(those, self.stretches_s)
        for interval, period in self.sums.items():
            period.widen(self.room)
            if interval not in fresh:
                period.leave(self.room)

    def of(self, frame: Frame) -> PeriodSums:
        """Return the sums that an expected photo is to be added to."""
        at = self._second_of(frame)
        if at is None:
            width, across = self.shape[1], blocks_along(self.shape[1])
            none, untold = np.zeros((0, width), np.int16), np.zeros((0, across), np.int64)
            group = NarrowSums((1, 0, width)).arrays, np.zeros((1, 0, across), np.int64)
            return self.template, STEEPER, none, untold, *group
        period = self.sums[self._interval_of((0, at))]
        ((scores, information, _),) = period.groups.of([frame], self.stretches_s)
        return self.template, STEEPER, period.scores, period.information, scores, information

    def add(self, span: tuple[int, int], sums: Iterable[tuple[Interval, Period]]) -> None:
        """Add the sums of other photos, by period; `span` is of the oldest and the newest."""
        oldest, newest = span
        if newest < oldest:
            return
        self._reach(oldest, newest)
        for interval, theirs in sums:
            self._period(self._interval_of(interval)).add(theirs, self.room)

    def subtract(self, other: Periods) -> None:
        """Take off the sums of photos that were added; a period without photos is none."""
        for interval, theirs in other.sums.items():
            key = self._interval_of(interval)
            period = self.sums[key]
            period.photos -= theirs.photos
            for own, less in (
                (period.scores, theirs.scores),
                (period.information, theirs.information),
            ):
                np.subtract(own, less, out=own, casting="same_kind")
            period.groups.subtract(theirs.groups)
            if not period.photos:
                del self.sums[key]

    def newest_first(self) -> list[Period]:
        """Return the periods, from the newest to the oldest."""
        return [self.sums[key] for key in sorted(self.sums, key=_start_of, reverse=True)]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all sums by name, and what periods there are."""
        return {name: parts.whole() for name, parts in self.each_parts()}

    def each_parts(self) -> Iterator[tuple[str, Parts]]:
        """Yield what `arrays` returns, one after the other."""
        keys = sorted(self.sums)
        told = [(self.oldest, self.newest, 0), *((*key, self.sums[key].photos) for key in keys)]
        yield "periods", Parts.of(np.array(told, np.int64))
        for key in keys:
            period = self.sums[key]
            yield name_of(key, "scores"), Parts.of(period.scores)
            yield name_of(key, "information"), Parts.of(period.information)
            period.leave(self.room)
            for name, parts in period.groups.each_parts():
                yield name_of(key, name), parts

    def _expect(self, told: NDArray[Any]) -> None:
        """Make room for the periods that were saved."""
        if told.ndim != 2 or told.shape[1] != 3 or told.dtype != np.int64:
            raise ValueError("the periods have another shape")
        (self.oldest, self.newest, _), *keys = told.tolist()
        for level, number, photos in keys:
            if not (0 <= level <= ROOT and photos > 0):
                raise ValueError("the periods cannot be")
            self._period((level, number)).photos = photos
        if any(self._interval_of(key) != key for key in self.sums):
            raise ValueError("the periods cannot be")
        for period in self.sums.values():
            period.widen(self.room)

    def take(self, saved: Callable[[str], NDArray[Any]]) -> None:
        """Take up what `arrays` gave, one after the other; raises ValueError where it misfits."""
        self._expect(saved("periods"))
        for key, period in self.sums.items():
            for own, name in ((period.scores, "scores"), (period.information, "information")):
                array = saved(name_of(key, name))
                if own.shape != array.shape or own.dtype != array.dtype:
                    raise ValueError("a period has another shape")
                own[...] = array
            period.leave(self.room)
            groups = (name for name, _ in period.groups.each_parts())
            period.groups.take({name: saved(name_of(key, name)) for name in groups})

    def _second_of(self, frame: Frame) -> int | None:
        """Return when a photo was taken, if it is to be in a period."""
        return second_of(frame.exposure.taken) if self.kept else None

    def _interval_of(self, within: Interval) -> Interval:
        """Return the longest interval that holds another one and is not to be divided.

        That is one of a PARTS-th of the whole time, or one that ended as long ago as it is long.
        Newer or older photos can only make it longer.
        """
        level, number = within
        for longer in range(ROOT, level, -1):
            start = number >> (longer - level)
            length = 1 << longer
            if longer <= SHORTEST or length * PARTS <= self.span:
                return longer, start
            if self.newest - (start + 1) * length >= length:
                return longer, start
        return within

    def _reach(self, oldest: int, newest: int) -> None:
        """Take in other dates, and join the periods that these leave no longer apart."""
        if self.newest >= 0:
            oldest, newest = min(oldest, self.oldest), max(newest, self.newest)
        if (oldest, newest) == (self.oldest, self.newest):
            return
        self.oldest, self.newest = oldest, newest
        before, self.sums = self.sums, {}
        for interval, period in before.items():
            joined = self._interval_of(interval)
            if joined in self.sums:
                self.sums[joined].add(period, self.room)
            else:
                self.sums[joined] = period

    def _period(self, interval: Interval) -> Period:
        if interval not in self.sums:
            height, width = self.shape
            zeros = np.zeros if self.room is None else self.room.zeros
            groups = Groups(1, self.rows, width, says=SAYS, bursts=False, most=GROUPS_OF_PERIOD)
            groups.room = self.room_of_groups
            self.sums[interval] = Period(
                0, zeros(self.shape, np.int16),
                zeros((blocks_along(height), blocks_along(width)), np.int64), groups,
            )  # fmt: skip
        return self.sums[interval]


def kind_of_scores(photos: int) -> type[np.int16 | np.int32]:
    """Return the type that holds the scores of so many photos, whatever they say."""
    return np.int16 if photos <= NARROW else np.int32


def name_of(interval: Interval, array: str) -> str:
    """Return the name that an array of a period is saved under."""
    level, number = interval
    return f"period_{level}_{number}_{array}"


def _start_of(interval: Interval) -> int:
    level, number = interval
    return number << level

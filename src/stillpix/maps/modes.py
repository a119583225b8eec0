"""One sensor read in several modes: subframes, binned frames and crops, and one map of them all.

FITS files say where a subframe lies and how a frame was binned. Where a crop lies is told by the
broken pixels that two maps share. Never reads a photo.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..frame import Sensor
from .merging import laid_on
from .records import BROKEN, Defect, DefectMap, DetectionSummary, EvidenceSummary, Run

MODES = "modes"  # the key of a map that knows where its places lie in other modes
BLOCK = "block"  # the key of a defect of a binned mode: which of the photosites is not known
SUBFRAME = re.compile(r"subframe at (\d+),(\d+)")
BINNED = re.compile(r"binned (\d+)x(\d+)")
NEARBY = 1  # px that a place found in a rendered picture may be beside the broken photosite
FEWEST_SHARED = 3  # broken pixels that two maps must share
MOST_BY_CHANCE = 1e-6  # crops laid so by chance, if their pixels were anywhere


@dataclass(frozen=True, slots=True)
class Mode:
    """Where frames of one mode lie in the sensor's full frame."""

    x: int = 0  # of the first pixel, in pixels of the mode
    y: int = 0
    across: int = 1  # photosites of a pixel, along a row
    down: int = 1

    def in_full(self, one: Defect) -> Defect:
        """Return a defect of the mode where the full frame has it.

        >>> one = Mode(x=4, y=2, across=2, down=2).in_full(Defect(x=1, y=1))
        >>> one.x, one.y, dict(one.extra)
        (10, 6, {'block': [2, 2]})
        """
        x, y, run = (one.x + self.x) * self.across, (one.y + self.y) * self.down, one.run
        if run is not None:
            start, times = (self.x, self.across) if run.along == "row" else (self.y, self.down)
            first, last = (run.first + start) * times, (run.last + start + 1) * times - 1
            run = Run(run.along, first, last)
        extra = dict(one.extra)
        if (self.across, self.down) != (1, 1):
            extra[BLOCK] = [self.across, self.down]
        return replace(one, x=x, y=y, run=run, extra=extra)

    def from_full(self, one: Defect, size: tuple[int, int]) -> Defect | None:
        """Return a defect of the full frame in a frame of the mode and of this size.

        None where it lies outside, or only a block of photosites is known and not which one.

        >>> one = Mode(x=4, y=2).from_full(Defect(x=10, y=6), (20, 10))
        >>> one.x, one.y
        (6, 4)
        """
        block = one.extra.get(BLOCK, [1, 1])
        if block[0] > self.across or block[1] > self.down:
            return None
        x, y, run = one.x // self.across - self.x, one.y // self.down - self.y, one.run
        if run is not None:
            row = run.along == "row"
            start, times, end = (
                (self.x, self.across, size[0]) if row else (self.y, self.down, size[1])
            )
            first = max(run.first // times - start, 0)
            last = min(run.last // times - start, end - 1)
            if first > last:
                return None
            run, x, y = Run(run.along, first, last), first if row else x, y if row else first
        if not (0 <= x < size[0] and 0 <= y < size[1]):
            return None
        extra = {key: value for key, value in one.extra.items() if key != BLOCK}
        return replace(one, x=x, y=y, run=run, extra=extra)


FULL = Mode()


def mode_of(sensor: Sensor) -> tuple[Sensor, Mode]:
    """Return the sensor without what its files say of the mode, and the mode.

    >>> sensor = Sensor("", "Guide", "7", 64, 48, "mono", which="binned 2x2, subframe at 10,8")
    >>> own, mode = mode_of(sensor)
    >>> own.which, mode
    ('', Mode(x=10, y=8, across=2, down=2))
    """
    x, y, across, down, kept = 0, 0, 1, 1, []
    for words in filter(None, sensor.which.split(", ")):
        if found := SUBFRAME.fullmatch(words):
            x, y = int(found[1]), int(found[2])
        elif found := BINNED.fullmatch(words):
            across, down = int(found[1]), int(found[2])
        else:
            kept.append(words)
    return replace(sensor, which=", ".join(kept)), Mode(x, y, across, down)


def are_of_one_sensor(one: Sensor, other: Sensor) -> bool:
    """Return whether two records are modes of one sensor, as far as files can say."""
    mine, theirs = (mode_of(each)[0] for each in (one, other))
    same = (mine.make, mine.model, mine.serial, mine.which)
    kinds = one.is_mosaic == other.is_mosaic
    return kinds and same == (theirs.make, theirs.model, theirs.serial, theirs.which)


def told_modes(one: Sensor, other: Sensor) -> bool:
    """Return whether the files of two modes of one sensor say where they lie."""
    told = any(mode_of(each)[0].which != each.which for each in (one, other))
    return told and are_of_one_sensor(one, other)


def known_mode(found: DefectMap, sensor: Sensor) -> Mode | None:
    """Return how frames of a sensor lie in the full frame of a map's sensor; None: not known."""
    if not are_of_one_sensor(found.sensor, sensor):
        return None
    listed = found.extra.get(MODES)
    for each in listed if isinstance(listed, list) else []:
        if _is_of(each, sensor):
            return Mode(each["x"], each["y"], *each["binning"])
    return mode_of(sensor)[1] if told_modes(found.sensor, sensor) else None


def _is_of(each: Any, sensor: Sensor) -> bool:
    """Return whether an entry of a map's modes is that of a sensor, and whole."""
    if not isinstance(each, dict) or not isinstance(each.get("binning"), list):
        return False
    numbers = [each.get("x"), each.get("y"), *each["binning"]]
    whole = len(numbers) == 4 and all(type(number) is int and number >= 0 for number in numbers)
    told = (each.get("which", ""), each.get("width"), each.get("height"))
    return whole and min(numbers[2:]) > 0 and told == (sensor.which, sensor.width, sensor.height)


def laid_in(found: DefectMap, sensor: Sensor, mode: Mode | None = None) -> DefectMap | None:
    """Return a map as one of another mode of its sensor; None where it is not known how it lies.

    Levels of two modes are not comparable: strengths are left out.

    >>> full = DefectMap(Sensor("", "Guide", "7", 64, 48, "mono"), (Defect(x=20, y=11),))
    >>> part = replace(full.sensor, width=32, height=24, which="subframe at 16,8")
    >>> [(one.x, one.y) for one in laid_in(full, part)]
    [(4, 3)]
    """
    mode = mode or known_mode(found, sensor)
    if mode is None:
        return None
    own, size = mode_of(found.sensor)[1], (sensor.width, sensor.height)
    moved = [mode.from_full(own.in_full(one), size) for one in found]
    kept = [
        replace(one, strength=None, exposure_s=None, gain=None) for one in moved if one is not None
    ]
    at = {(one.x, one.y, one.run): one for one in sorted(kept, key=_trust, reverse=True)}
    return replace(laid_on(found, sensor, at.values()), extra={})


def _trust(one: Defect) -> tuple[bool, float]:
    """Return what decides which of two entries of one place is kept: the larger."""
    return one.state not in BROKEN, -one.score


def mode_of_crop(full: DefectMap, crop: DefectMap) -> Mode | None:
    """Return where a crop lies in another frame of its sensor, by the broken pixels they share.

    None where too few are shared to tell: chance would lay fewer than MOST_BY_CHANCE so.
    """
    room = full.sensor.width - crop.sensor.width, full.sensor.height - crop.sensor.height
    move = full.places_move or crop.places_move
    if min(room) < 0 or move or not are_of_one_sensor(full.sensor, crop.sensor):
        return None
    listed, theirs = _singles(full), _singles(crop)
    near = 0 if full.sensor.is_mosaic else NEARBY
    steps = range(-near, near + 1)
    shared: Counter[tuple[int, int]] = Counter()
    for x, y in theirs:
        offsets = {(a - x + dx, b - y + dy) for a, b in listed for dx in steps for dy in steps}
        shared.update((a, b) for a, b in offsets if 0 <= a <= room[0] and 0 <= b <= room[1])
    best = max(shared.items(), key=lambda each: (each[1], each[0]), default=((0, 0), 0))
    offset = _middle_of([each for each, number in shared.items() if number == best[1]])
    if best[1] < FEWEST_SHARED or offset is None:
        return None
    squares = len(steps) ** 2 / (full.sensor.width * full.sensor.height)
    possible = (room[0] + 1) * (room[1] + 1)
    by_chance = _at_least(best[1], len(listed) * len(theirs) * squares)
    if possible * by_chance > MOST_BY_CHANCE:
        return None
    return Mode(*offset)


def _singles(found: DefectMap) -> list[tuple[int, int]]:
    return [(one.x, one.y) for one in found.in_state(*BROKEN) if one.run is None]


def _middle_of(offsets: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """Return the middle of offsets that all lie together; None where they do not."""
    if not offsets:
        return None
    x, y = ([each[axis] for each in offsets] for axis in (0, 1))
    if max(x) - min(x) > 2 * NEARBY or max(y) - min(y) > 2 * NEARBY:
        return None
    return (min(x) + max(x)) // 2, (min(y) + max(y)) // 2


def _at_least(number: int, expected: float) -> float:
    """Return how likely a Poisson number of some mean is so large.

    >>> round(_at_least(1, 0.1), 4)
    0.0952
    """
    term = math.exp(-expected)
    below = 0.0
    for k in range(number):
        below += term
        term *= expected / (k + 1)
    if below < 1 - 1e-9:
        return 1 - below
    return term  # the first term of a tail that is too small for the difference


def joined(maps: Sequence[DefectMap]) -> DefectMap | None:
    """Return one map of several modes of one sensor; None where it is not known how they lie.

    Its places are those of the full frame, as far as the modes show it. It lists the modes, so that
    it can be laid on photos of each. Decisions of a person count before what was found.

    >>> sensor = Sensor("", "Guide", "7", 32, 24, "mono")
    >>> other = replace(sensor, which="subframe at 16,8")
    >>> both = joined([DefectMap(sensor, (Defect(x=20, y=11),)),
    ...                DefectMap(other, (Defect(x=4, y=3), Defect(x=30, y=1)))])
    >>> both.sensor.width, sorted((one.x, one.y) for one in both)
    (48, [(20, 11), (46, 9)])
    """
    placed = list(_placed(maps))
    if len(placed) < 2 or len(placed) < len(maps):
        return None
    width = max((mode.x + each.sensor.width) * mode.across for each, mode in placed)
    height = max((mode.y + each.sensor.height) * mode.down for each, mode in placed)
    fullest = max(placed, key=lambda each: (each[1] == FULL, each[0].sensor.width))[0]
    sensor = replace(mode_of(fullest.sensor)[0], width=width, height=height)
    if sensor.visible is not None and fullest.sensor.width != width:
        sensor = replace(sensor, visible=None)
    modes = [_mode_object(each, mode) for each, mode in placed]
    moved = [laid_on(each, each.sensor, map(mode.in_full, each)) for each, mode in placed]
    return DefectMap(
        sensor,
        tuple(without_twins(moved)),
        _summed(maps),
        _judged(maps),
        {**fullest.extra, MODES: modes},
        fullest.sensor_extra,
    )


def _placed(maps: Sequence[DefectMap]) -> Iterator[tuple[DefectMap, Mode]]:
    """Yield the maps whose place in the full frame is known."""
    ranked = sorted(maps, key=lambda each: -each.sensor.width * each.sensor.height)
    told = any(mode_of(each.sensor)[0].which != each.sensor.which for each in maps)
    for each in ranked:
        mode: Mode | None = mode_of(each.sensor)[1]
        if not told and each is not ranked[0]:
            mode = mode_of_crop(ranked[0], each)
        if mode is not None and are_of_one_sensor(ranked[0].sensor, each.sensor):
            yield each, mode


def without_twins(maps: Sequence[DefectMap]) -> Iterator[Defect]:
    """Yield the defects of maps of one frame, each place once; the first map is of that frame.

    Decisions of a person count first, then what is broken, then the score.
    """
    near = 0 if maps[0].sensor.is_mosaic else NEARBY
    entries: list[tuple[bool, bool, bool, float, int, Defect]] = []
    for one in (one for each in maps for one in each):
        by_person = one.state in ("accepted", "rejected")
        rank = (not by_person, BLOCK in one.extra, one.state not in BROKEN, -one.score)
        entries.append((*rank, len(entries), one))
    taken: set[tuple[int, int, Run | None]] = set()
    for *_, one in sorted(entries, key=lambda entry: entry[:-1]):
        across, down = one.extra.get(BLOCK, [1, 1])
        around = {
            (one.x + dx, one.y + dy, one.run)
            for dx in range(-near, across + near)
            for dy in range(-near, down + near)
        }
        if taken.isdisjoint(around):
            yield one
        taken.add((one.x, one.y, one.run))


def _summed(maps: Sequence[DefectMap]) -> EvidenceSummary:
    evidence = [each.evidence for each in maps]
    return EvidenceSummary(
        photos=sum(each.photos for each in evidence),
        scenes=sum(each.scenes for each in evidence),
        first=min((each.first for each in evidence if each.first), default=None),
        last=max((each.last for each in evidence if each.last), default=None),
    )


def _judged(maps: Sequence[DefectMap]) -> DetectionSummary:
    """Return how the maps were made: all their false finds together."""
    wrong = [each.detection.expected_false for each in maps if each.in_state(*BROKEN)]
    known = None if None in wrong else sum(each for each in wrong if each is not None)
    return replace(maps[0].detection, expected_false=known)


def _mode_object(each: DefectMap, mode: Mode) -> dict[str, Any]:
    return {
        "which": each.sensor.which,
        "width": each.sensor.width,
        "height": each.sensor.height,
        "x": mode.x,
        "y": mode.y,
        "binning": [mode.across, mode.down],
        "photos": each.evidence.photos,
    }

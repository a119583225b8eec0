"""Repairs bad columns and rows as lines: what a line adds is taken off all of its pixels.

Most photos hide a line that many together show: there it is left as it is, as a whole. Never looks
at single places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..maps.records import Run
from .canvas import Canvas, Change, Lattice
from .profiles import MARGIN, PAD, Flags, Profile, Shape, Strip, can_be_told, profile_of
from .verdicts import Outcome, Verdict

SHORTEST = 24  # px: pixels of shorter ones are repaired each for itself
LEAST = 0.4  # levels by which a line must stand out in a picture: less is not seen
SURE, SURE_COLOUR = 3.3, 4.0  # deviations of other columns' means from which on a line shows
EXCESS = 2.0  # times what other columns depart by at most, from which on it does as well
STEADY = 0.6  # of what its quarters add on average, their median: an edge lies along few
DOUBTFUL = 2.0  # deviations, where every line is repaired
MOST_PASSES = 8  # after which a line that still changes has no end
FAINT = "its column or row hardly stands out in this photo"
BAYER = 2  # px, period of its pattern
RESTLESS = "each repair makes another one necessary"


class Line(NamedTuple):
    """A bad column or row, in pixels."""

    at: int
    run: Run


def can_be_repaired(canvas: Canvas, line: Line, others: Sequence[Line]) -> bool:
    """Return whether a line is long enough, and far enough from the sides, to be one."""
    if line.run.last - line.run.first + 1 < SHORTEST:
        return False
    cut = _Cut.of(canvas, 0, canvas.lattices[0], line, others)
    return bool(cut.own.any()) and can_be_told(cut.strip.sound, cut.shape)


def repair_lines(canvas: Canvas, lines: Sequence[Line], *, always: bool) -> tuple[Verdict, ...]:
    """Repair on the canvas what shows of some lines, each as a whole, and say what was done.

    Lines are repaired until none changes any more; those for which that has no end are left.
    """
    start, restless = canvas.mark(), set[int]()
    while True:
        strengths, changing = _settle(canvas, lines, restless, always=always)
        if not changing:
            break
        restless |= changing
        canvas.back_to(start)
    return tuple(
        _verdict(line, "repaired", strengths[number])
        if number in strengths
        else _verdict(line, "hopeless", why=RESTLESS)
        if number in restless
        else _verdict(line, "not showing", why=FAINT)
        for number, line in enumerate(lines)
    )


def _settle(
    canvas: Canvas, lines: Sequence[Line], left: set[int], *, always: bool
) -> tuple[dict[int, float], set[int]]:
    """Repair all lines but some until nothing changes; return by how much, and which never rest."""
    pending, changed = set(range(len(lines))) - left, set[int]()
    strengths: dict[int, float] = {}
    for _ in range(MOST_PASSES):
        changed = set()
        for number in sorted(pending):
            added = _repair(canvas, lines[number], lines, always=always)
            if added is not None:
                changed.add(number)
                strengths[number] = strengths.get(number, 0.0) + added
        pending = {
            number
            for number, line in enumerate(lines)
            if number not in left and any(_is_near(line, lines[each]) for each in changed)
        }
        if not changed:
            break
    return strengths, changed


def _is_near(line: Line, other: Line) -> bool:
    """Return whether a change of one may change what is seen of the other."""
    alike = line.run.along == other.run.along
    return not alike or abs(line.at - other.at) <= 4 * MARGIN  # px: chroma may be half as fine


def left_restless(lines: Sequence[Line]) -> tuple[Verdict, ...]:
    """Return the verdicts on lines whose repair has no end."""
    return tuple(_verdict(line, "hopeless", why=RESTLESS) for line in lines)


def _verdict(line: Line, outcome: Outcome, strength: float | None = None, why: str = "") -> Verdict:
    x, y = (line.at, line.run.first) if line.run.along == "column" else (line.run.first, line.at)
    return Verdict(x, y, outcome, strength, why, run=line.run)


def _repair(canvas: Canvas, line: Line, others: Sequence[Line], *, always: bool) -> float | None:
    """Take off what a line adds; return how much that is in luma, None if nothing changes."""
    changes, mean = list[Change](), 0.0
    for plane, lattice in enumerate(canvas.lattices):
        cut = _Cut.of(canvas, plane, lattice, line, others)
        profile = profile_of(cut.strip, cut.shape)
        if profile is None or not cut.own.any():
            continue
        if not _shows(profile, lattice, plane, always=always):
            continue
        if plane == 0:
            mean = profile.mean
        changes.append(cut.change(plane, profile))
    return mean if changes and canvas.apply(changes) else None


def _shows(profile: Profile, lattice: Lattice, plane: int, *, always: bool) -> bool:
    """Return whether a line shows in a plane; always: whether it may."""
    if always and profile.sure >= DOUBTFUL:
        return True
    least = 0.0 if lattice.noise_is_unit else LEAST
    sure = SURE_COLOUR if plane else SURE
    faint = profile.sure >= sure and abs(profile.mean) >= least and profile.steady >= STEADY
    return faint or profile.excess >= EXCESS


class _Cut(NamedTuple):
    """A line's samples in one plane."""

    strip: Strip
    shape: Shape
    own: Flags  # (2 reach + 1,): in the plane, and not nearer to another line
    first: int  # sample along the line
    middle: int  # across it
    along: str

    @classmethod
    def of(
        cls, canvas: Canvas, plane: int, lattice: Lattice, line: Line, others: Sequence[Line]
    ) -> _Cut:
        """Cut a strip out of a plane, turned so that its line runs down."""
        down, run = line.run.along == "column", line.run
        first, middle = _position(lattice, line.at, run.first, down=down)
        last, _ = _position(lattice, line.at, run.last, down=down)
        side = 2 * MARGIN + 1
        starts = np.arange(first - PAD, last + PAD + 1, side)
        corners = np.stack([starts, np.full_like(starts, middle - MARGIN)], axis=1)
        windows = canvas.windows(plane, corners if down else corners[:, ::-1], side)
        windows = windows if down else windows.transpose(0, 2, 1)
        levels = windows.reshape(-1, side)[: last - first + 1 + 2 * PAD]
        columns = middle + np.arange(-MARGIN, MARGIN + 1)
        inside = (columns >= 0) & (columns < canvas.sizes[plane][1 if down else 0])
        away, shape = _away(lattice, line, others, middle), _shape_of(lattice, down=down)
        strip = Strip(levels, inside & (away > lattice.reaches[1 if down else 0]))
        steps = np.arange(-shape.reach, shape.reach + 1)
        own = (inside & (away > np.abs(columns - middle)))[MARGIN + steps]
        return cls(strip, shape, own, first, middle, run.along)

    def change(self, plane: int, profile: Profile) -> Change:
        """Return the plane's change: what the line adds comes off."""
        reach = self.shape.reach
        stands = self.strip.levels[PAD:-PAD, MARGIN - reach : MARGIN + reach + 1]
        rest = stands - profile.added
        scene = profile.scenes + profile.kept * (rest - profile.scenes)
        levels = np.where(profile.kept < 1, scene, rest)[:, self.own]
        where = levels != stands[:, self.own]
        row, column = self.first, self.middle - reach + int(np.flatnonzero(self.own)[0])
        if self.along == "row":
            levels, where = levels.T.copy(), where.T.copy()
            row, column = column, row
        return Change(plane, row, column, levels, where, None)


def _position(lattice: Lattice, across: int, along: int, *, down: bool) -> tuple[int, int]:
    """Return which sample along and across a line holds a pixel of it."""
    row, column = (
        int(np.floor(each + 0.5))
        for each in lattice.position(*((across, along) if down else (along, across)))
    )
    return (row, column) if down else (column, row)


def _shape_of(lattice: Lattice, *, down: bool) -> Shape:
    """Return what is looked at across a line; what it spoils is as wide as a place's hole."""
    if lattice.reach:
        return Shape(lattice.reaches[1 if down else 0], ring=3, rows=1)
    ring, rows = (6, 3) if lattice.period > BAYER else (4, 2)
    return Shape(0, ring, rows, lattice.period)


def _away(lattice: Lattice, line: Line, others: Sequence[Line], middle: int) -> NDArray[np.int64]:
    """Return how far away other lines are from the columns about one, (2 MARGIN + 1,) samples."""
    columns = middle + np.arange(-MARGIN, MARGIN + 1)
    away = np.full(columns.shape, 2 * MARGIN)
    for other in others:
        beside = other.run.along == line.run.along and other.at != line.at
        if beside and other.run.first <= line.run.last and line.run.first <= other.run.last:
            down = line.run.along == "column"
            _, at = _position(lattice, other.at, other.run.first, down=down)
            away = np.minimum(away, np.abs(columns - at) + (at == middle) * 2 * MARGIN)
    return away

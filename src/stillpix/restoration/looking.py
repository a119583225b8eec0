"""Looks at listed places on a canvas, many at once.

Never changes the canvas, and never decides anything.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .canvas import Canvas, Corners, Lattice, cut
from .middle import middles_of
from .prediction import Floats, Stencil, hole_in, predict_all
from .separation import AMPLITUDES, Observed, Weighed, scenes_below, weigh_amplitudes

Numbers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

EVERY = 2  # so many places each way, and amplitudes, one is taken of in a quick look
NEXT_TO_NOTHING = 1e-9  # chance below which an amplitude's scene makes no difference
NEXT_TO_NOTHING_COARSE = 1e-3  # the same where every other amplitude is tried: a quarter of a level
QUARTER = 0.25  # of a mosaic's noise is its unit


@dataclass(frozen=True, slots=True, eq=False)
class PlaneLook:
    """What one plane says of some places, the first axis of each array."""

    lattice: Lattice
    middles: Numbers  # (places, 2) row and column of each hole's middle sample
    windows: Floats  # (places, side, side) units
    sound: Flags  # (places, side, side): in the plane, and not another place's
    unit: Floats  # (places,) levels that were taken as one
    seen: Observed  # in units
    taught: Numbers  # (places,) how many others it was learned from
    told: Weighed

    @property
    def own(self) -> Flags:
        """Return which samples of the holes are their places', (places, n)."""
        return self.seen.own

    @property
    def observed(self) -> Floats:
        """Return the levels in the holes, (places, n)."""
        return self.seen.levels * self.unit[:, None]

    @property
    def level(self) -> Floats:
        """Return what the surroundings predict for the middles, (places,) levels."""
        return np.asarray(self.unit * self.seen.means[:, self.seen.means.shape[1] // 2])


def scenes_of(
    looks: Sequence[PlaneLook], chosen: Numbers, weights: Sequence[Floats]
) -> list[Floats]:
    """Return for each plane the levels expected below the defects of chosen places, (chosen, n).

    `weights` are the chances of each amplitude, (chosen, amplitudes). As far as something shows,
    what stands in a middle is not believed.
    """
    scenes: list[Floats] = [np.empty(0)] * len(looks)
    for alike in _alike([look.lattice.reaches for look in looks]):
        some = [looks[each] for each in alike]
        weight = np.concatenate([weights[each] for each in alike])
        for each, scene in zip(alike, _scenes(some, chosen, weight), strict=True):
            scenes[each] = scene * looks[each].unit[chosen, None]
    return scenes


def _scenes(looks: Sequence[PlaneLook], chosen: Numbers, weight: Floats) -> Floats:
    """Return the scenes of planes whose holes are alike, (planes, chosen, n) units."""
    seen = Observed.of([look.seen.part(chosen) for look in looks])
    best = np.concatenate([look.told.best[chosen] for look in looks])
    tried, least = AMPLITUDES, NEXT_TO_NOTHING
    if weight.shape[1] < AMPLITUDES.size:
        tried, least = AMPLITUDES[::EVERY], NEXT_TO_NOTHING_COARSE
    below = scenes_below(seen, tried, best, weight > least)
    scenes = (weight[:, None] @ below)[:, 0]
    if scenes.shape[1] > 1:
        found, middles = middles_of(
            np.concatenate([look.windows[chosen] for look in looks]),
            np.concatenate([look.sound[chosen] for look in looks]),
            seen.own, scenes, looks[0].lattice.reaches,
        )  # fmt: skip
        at = scenes.shape[1] // 2
        share = np.where(found, 1 - weight[:, 0], 0.0)
        scenes[:, at] += share * (middles - scenes[:, at])
    return scenes.reshape(len(looks), chosen.size, scenes.shape[1])


def _alike(keys: Sequence[Hashable]) -> list[list[int]]:
    """Return the numbers of equal keys, those of each kind together."""
    kinds: dict[Hashable, list[int]] = {}
    for number, key in enumerate(keys):
        kinds.setdefault(key, []).append(number)
    return list(kinds.values())


class Windows(Protocol):
    """What is looked at."""

    def windows(self, plane: int, corners: Corners, side: int) -> Floats:
        """Return squares of a plane, as `Canvas` does."""


class Looker:
    """Looks at the places of one canvas; those within sight of each other are told to it."""

    def __init__(
        self, canvas: Canvas, places: Sequence[tuple[int, int]], near: Sequence[Sequence[int]],
        *, coarse: bool = False,
    ) -> None:  # fmt: skip
        """Take a canvas and its places; if `coarse`, every other amplitude is tried."""
        self._coarse = coarse
        self._canvas: Windows = canvas
        self._planes = [
            _PlaneLooker(lattice, size, places, near)
            for lattice, size in zip(canvas.lattices, canvas.sizes, strict=True)
        ]

    def on(self, canvas: Windows) -> Looker:
        """Return the same for another canvas of the same planes."""
        other = copy(self)
        other._canvas = canvas
        return other

    def look(self, numbers: Numbers, *, quick: bool = False) -> list[PlaneLook]:
        """Return what each plane says of some places.

        A quick look learns from every other place each way, and tries every other amplitude: it
        tells with a fraction of the work where surely nothing shows.
        """
        looks: dict[int, PlaneLook] = {}
        for alike in _alike(
            [(plane.stencil, plane.lattice.noise_is_unit) for plane in self._planes]
        ):
            looks.update(zip(alike, self._look(alike, numbers, quick=quick), strict=True))
        return [looks[number] for number in range(len(looks))]

    def _look(self, alike: Sequence[int], numbers: Numbers, *, quick: bool) -> list[PlaneLook]:
        """Return what planes of one stencil say: as much as possible is done for all at once."""
        planes = [self._planes[each] for each in alike]
        lattice, stencil = planes[0].lattice, planes[0].stencil
        levels = np.concatenate([
            self._canvas.windows(each, plane.corners[numbers], stencil.side)
            for each, plane in zip(alike, planes, strict=True)
        ])  # fmt: skip
        sound, own, squared = (
            np.concatenate([each[numbers] for each in some])
            for some in zip(*((each.sound, each.own, each.squared) for each in planes), strict=True)
        )
        unit, kind = np.ones(len(levels)), "f4"
        if lattice.noise_is_unit:
            unit, kind = QUARTER * _noises(levels, sound, lattice), "f8"
        windows = levels / unit[:, None, None]
        hole = hole_in(stencil.margin, lattice.reaches)
        if quick:
            stencil = replace(stencil, period=EVERY * stencil.period)
        means, covariances, taught = predict_all(windows, sound, stencil, kind)
        seen = Observed(
            windows[hole].reshape(own.shape), own, means, covariances, squared,
            np.repeat([each.lattice.widths for each in planes], numbers.size, axis=0),
        )  # fmt: skip
        told = weigh_amplitudes(seen, AMPLITUDES[:: EVERY if quick or self._coarse else 1])
        parts = [slice(n * numbers.size, (n + 1) * numbers.size) for n in range(len(planes))]
        return [
            PlaneLook(
                plane.lattice, plane.middles[numbers], windows[part], sound[part], unit[part],
                seen.part(part), taught[part], told.part(part),
            )
            for plane, part in zip(planes, parts, strict=True)
        ]  # fmt: skip


class _PlaneLooker:
    """What it takes to look at one plane."""

    def __init__(
        self, lattice: Lattice, size: tuple[int, int], places: Sequence[tuple[int, int]],
        near: Sequence[Sequence[int]],
    ) -> None:  # fmt: skip
        self.lattice, self.size, self.stencil = lattice, size, stencil_of(lattice)
        self.positions = np.array([lattice.position(x, y) for x, y in places]).reshape(-1, 2)
        self.middles = np.floor(self.positions + 0.5).astype(np.int64)
        self.corners = self.middles - self.stencil.margin
        down, across = lattice.reaches
        holes = self.middles - (down, across)
        own = _inside(size, holes, 2 * down + 1, 2 * across + 1)
        self.own = own.reshape(len(places), own.shape[1] * own.shape[2])
        self.squared = self._squared(self.positions, holes)
        for number, rivals in _rivals(places, near, lattice):
            self._share(number, np.array(rivals), holes[number])

    @cached_property
    def sound(self) -> Flags:
        """Return which samples of windows lie in the plane and out of reach of other places."""
        side, touched = self.stencil.side, np.zeros(self.size, np.uint8)
        (down, across) = self.lattice.reaches
        for row, column in self.middles.tolist():
            rows = slice(max(row - down, 0), row + down + 1)
            touched[rows, max(column - across, 0) : column + across + 1] += 1
        free = cut(touched, self.corners, side)
        free[hole_in(self.stencil.margin, self.lattice.reaches)] -= 1  # by the place itself
        return np.asarray(_inside(self.size, self.corners, side, side) & (free == 0))

    def _share(self, number: int, rivals: Numbers, hole: Numbers) -> None:
        """Leave samples of a hole to other places that are nearer.

        Of two that are as near, the sample belongs to the one that comes first: so no place
        depends on the repair of another.
        """
        here, position = self.squared[number], self.positions[number]
        there = self._squared(self.positions[rivals], np.broadcast_to(hole, (rivals.size, 2)))
        first = np.array([tuple(position) <= tuple(self.positions[each]) for each in rivals])
        self.own[number] &= ((here < there) | (first[:, None] & (here == there))).all(axis=0)

    def _squared(self, positions: Floats, holes: Numbers) -> Floats:
        """Return the squared distances in pixels of holes' samples from some positions."""
        down, across = self.lattice.reaches
        rows = holes[:, :1] + np.arange(2 * down + 1) - positions[:, :1]
        columns = holes[:, 1:] + np.arange(2 * across + 1) - positions[:, 1:]
        rows, columns = (rows / self.lattice.down) ** 2, (columns / self.lattice.across) ** 2
        squared = rows[:, :, None] + columns[:, None]
        return squared.reshape(len(positions), rows.shape[1] * columns.shape[1])


def stencil_of(lattice: Lattice) -> Stencil:
    """Return what is learned from about a place of a lattice."""
    return Stencil(lattice.reaches, lattice.ring, lattice.search, lattice.period)


def _rivals(
    places: Sequence[tuple[int, int]], near: Sequence[Sequence[int]], lattice: Lattice
) -> Iterator[tuple[int, list[int]]]:
    """Yield the places that have others so near that these may be nearer to samples of a hole."""
    reach = 3 * lattice.reach + 2 / min(lattice.across, lattice.down)  # pixels
    for number, (x, y) in enumerate(places):
        rivals = [
            each
            for each in near[number]
            if each != number
            and abs(places[each][0] - x) <= reach
            and abs(places[each][1] - y) <= reach
        ]
        if rivals:
            yield number, rivals


def _inside(size: tuple[int, int], corners: Numbers, rows: int, columns: int) -> Flags:
    """Return which samples of some rectangles lie in a plane, (places, rows, columns)."""
    down, across = corners[:, :1] + np.arange(rows), corners[:, 1:] + np.arange(columns)
    in_rows, in_columns = (down >= 0) & (down < size[0]), (across >= 0) & (across < size[1])
    return np.asarray(in_rows[:, :, None] & in_columns[:, None])


def _noises(levels: Floats, sound: Flags, lattice: Lattice) -> Floats:
    """Return the noise about some places, in levels."""
    margin, around = levels.shape[1] // 2, sound.copy()
    around[hole_in(margin, lattice.reaches)] = False
    return np.array([
        _noise(window, usable, lattice.period)
        for window, usable in zip(levels, around, strict=True)
    ])  # fmt: skip


def _noise(levels: Floats, sound: Flags, period: int) -> float:
    """Return the noise in levels: from second differences along rows, of which few meet edges."""
    left, middle, right = (
        slice(start, levels.shape[1] - 2 * period + start) for start in (0, period, 2 * period)
    )
    usable = sound[:, left] & sound[:, middle] & sound[:, right]
    bends = np.abs(levels[:, left] - 2 * levels[:, middle] + levels[:, right])[usable]
    if not bends.size:
        return 1.0
    places = (bends.size - 1) // 2, bends.size // 2
    bends.partition(places)
    median = 0.5 * (bends[places[0]] + bends[places[1]])
    return float(max(median / (0.6745 * np.sqrt(6.0)), 0.01))

"""Looks at the listed places of one photo and repairs them, until nothing changes any more.

Never touches a sample farther from a listed place than its response reaches, and never takes
one that is broken as a source.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .canvas import Canvas, Change, Lattice
from .expectation import Expectation
from .middle import middle_of
from .prediction import Floats, Stencil, predict
from .separation import AMPLITUDES, Separated, separate
from .storing import SIDE
from .verdicts import Verdict, joined

MOST_ROUNDS = 16  # after which a place that still changes has no end
MOST_LOOKS = 4  # at places among which some were left out, after which they have no end
SHOWING = 0.25  # chance from which on a place of a picture is repaired: what is left is seen more
SHOWING_RAW = 0.5  # the same of a mosaic, where what is repaired loses all that it held
VISIBLE = 1.5  # levels (a mosaic's: quarters of its noise): no repair is made for less
RESTLESS = "each repair makes another one necessary"
LEAST = 1e-9  # chance of a defect that is of the other sign
UNCOLOURED = 0.25  # prior chance that a plane of colour shows nothing of a defect that shows
UNLIT = 0.1  # the same of luma, to which all photosites add


@dataclass(frozen=True, slots=True)
class Place:
    """A listed place, and what to expect of it."""

    x: int
    y: int
    expectation: Expectation = field(default_factory=Expectation)


@dataclass(slots=True, eq=False)
class _Look:
    """The result of one plane at one place."""

    row: int  # of the hole's first sample
    column: int
    observed: Floats  # (rows, columns)
    told: Separated
    inside: NDArray[np.bool_]  # (rows, columns): samples of the frame that are this place's
    unit: float  # levels that were taken as one
    level: float  # that its surroundings predict for the middle
    window: Floats  # (side, side) units, the hole in its middle
    sound: NDArray[np.bool_]  # (side, side): neither broken nor outside the frame
    hole: tuple[slice, slice]  # rows and columns of the window

    def scene(self, weight: Floats) -> Floats:
        """Return the levels expected below the defect, each amplitude weighing as much.

        As far as something shows, what stands in the middle is not believed.
        """
        scene, own = (weight @ self.told.scene).reshape(self.observed.shape), self.inside
        if scene.size > 1:
            window, sound = self.window.copy(), self.sound.copy()
            window[self.hole][own], sound[self.hole] = scene[own], own
            middle, at = middle_of(window, sound), scene.size // 2
            if middle is not None:
                scene.flat[at] += (1 - weight[0]) * (middle - scene.flat[at])
        return np.asarray(self.unit * scene)

    def departure(self, scene: Floats) -> float:
        """Return by how many units what stands in the hole departs from a scene at most."""
        off = np.abs(self.observed - scene)[self.inside]
        return float(off.max(initial=0.0) / self.unit)


def repair_places(
    canvas: Canvas, places: Sequence[Place], *, always: bool = False
) -> tuple[Verdict, ...]:
    """Repair on the canvas what shows of some places, and say what was done.

    A repair is made again until it changes nothing more, so that to repair the result is no
    change either. A place for which that has no end is left out; and where a new look at what
    has become of its neighbours without it has none, all of them are left as they were. The order
    of the places makes no difference: the verdicts are in it.
    """
    order = sorted(range(len(places)), key=lambda number: (places[number].y, places[number].x))
    verdicts = _repair_in_order(canvas, [places[number] for number in order], always=always)
    of_number = dict(zip(order, verdicts, strict=True))
    return tuple(of_number[number] for number in range(len(places)))


def _repair_in_order(
    canvas: Canvas, places: Sequence[Place], *, always: bool
) -> tuple[Verdict, ...]:
    """Repair until nothing changes any more, or what never rests is left out."""
    near = neighbours(places, max(_sight(lattice) for lattice in canvas.lattices))
    hopeless: frozenset[int] = frozenset()
    start = canvas.mark()
    while True:
        verdicts, changing = _repair_all(canvas, places, near, hopeless, always=always)
        if not changing:
            return verdicts
        hopeless |= _all_connected(changing, near)
        canvas.back_to(start)


def _repair_all(
    canvas: Canvas, places: Sequence[Place], near: Sequence[Sequence[int]],
    hopeless: frozenset[int], *, always: bool,
) -> tuple[tuple[Verdict, ...], set[int]]:  # fmt: skip
    """Repair until a look at all but the hopeless changes nothing; return those that still do."""
    verdicts: tuple[Verdict, ...] = ()
    changing: set[int] = set()
    for _ in range(MOST_LOOKS):
        here, left_out = canvas.mark(), hopeless
        while True:
            healer = _Repairer(canvas, places, near, left_out, always=always)
            restless = healer.settle()
            if not restless:
                break
            left_out |= restless
            canvas.back_to(here)
        changing = healer.changed
        verdicts = joined(verdicts, tuple(healer.verdicts))
        if not changing or left_out == hopeless:  # nothing was left out that the next look tries
            return verdicts, set()
    return verdicts, changing


class _Repairer:
    """One go over all places but some."""

    def __init__(
        self, canvas: Canvas, places: Sequence[Place], near: Sequence[Sequence[int]],
        left_out: frozenset[int], *, always: bool,
    ) -> None:  # fmt: skip
        self.canvas, self.places, self.near, self.always = canvas, places, near, always
        self.changed: set[int] = set()
        self.tried = [number for number in range(len(places)) if number not in left_out]
        self.verdicts = [Verdict(place.x, place.y, "not showing") for place in places]
        for number in left_out:
            self.verdicts[number] = replace(self.verdicts[number], outcome="hopeless", why=RESTLESS)
        self.positions = [
            np.array([lattice.position(place.x, place.y) for place in places]).reshape(-1, 2)
            for lattice in canvas.lattices
        ]

    def settle(self) -> set[int]:
        """Repair until nothing changes; return the places that never come to rest."""
        pending, changing = self.tried, set[int]()
        for _ in range(MOST_ROUNDS):
            changing = {number for number in pending if self._repair_place(number)}
            if not changing:
                break
            self.changed |= changing
            seen = {other for number in changing for other in self.near[number]}
            pending = [number for number in self.tried if number in seen]
        return changing

    def _repair_place(self, number: int) -> bool:
        planes = range(len(self.canvas.lattices))
        looks = [self._look(plane, number) for plane in planes]
        prior = self.places[number].expectation.prior(AMPLITUDES * looks[0].unit, looks[0].level)
        sign = self.places[number].expectation.sign
        chance, weights = _weigh([look.told for look in looks], prior, sign)
        raw = self.canvas.lattices[0].noise_is_unit
        if chance < (SHOWING_RAW if raw else SHOWING) and not self.always:
            return False
        scenes = [look.scene(weight) for look, weight in zip(looks, weights, strict=True)]
        changes = [
            self._change(plane, look, scene)
            for plane, look, scene in zip(planes, looks, scenes, strict=True)
            if look.inside.any()
        ]
        largest = max(look.departure(scene) for look, scene in zip(looks, scenes, strict=True))
        if largest < VISIBLE or not self.canvas.apply(changes):
            return False
        luma = looks[0]
        strength = float((luma.observed - scenes[0]).flat[luma.observed.size // 2])
        place, known = self.places[number], self.verdicts[number].strength
        self.verdicts[number] = Verdict(
            place.x, place.y, "repaired", strength if known is None else known + strength
        )
        return True

    def _look(self, plane: int, number: int) -> _Look:
        """Look at a place in one plane."""
        lattice, positions = self.canvas.lattices[plane], self.positions[plane]
        stencil = _stencil(lattice)
        row, column = np.floor(positions[number] + 0.5).astype(int).tolist()
        corner = row - stencil.margin, column - stencil.margin
        levels, inside = self.canvas.window(plane, *corner, stencil.side)
        far = stencil.margin + max(lattice.reaches) + 0.5  # for positions are rounded to samples
        near = np.abs(positions - (row, column)).max(axis=1) <= far
        near[number] = False
        others = positions[near] - corner
        sound = inside & ~_find_touched(others, stencil.side, lattice.reaches)
        hole = _hole(stencil)
        unit = 1.0
        if lattice.noise_is_unit:
            around = sound.copy()
            around[hole] = False
            unit = _noise(levels, around, lattice.period) / 4
        predicted = predict(levels / unit, sound, stencil)
        observed, within = levels[hole], inside[hole]
        here = _squared_distances(positions[number] - corner, lattice, stencil.side)[hole]
        # What lies nearer to another place says nothing here: no place depends on another's repair.
        own = within
        for other in others:
            there = _squared_distances(other, lattice, stencil.side)[hole]
            first = tuple(positions[number] - corner) <= tuple(other)
            own = own & ((here <= there) if first else (here < there))
        told = separate(
            observed.ravel() / unit, ~own.ravel(), predicted, here.ravel(), lattice.widths
        )
        origin = corner[0] + hole[0].start, corner[1] + hole[1].start
        level = unit * float(predicted.mean[predicted.mean.size // 2])
        return _Look(*origin, observed, told, own, unit, level, levels / unit, sound, hole)

    @staticmethod
    def _change(plane: int, look: _Look, levels: Floats) -> Change:
        rows, columns = (
            slice(int(there[0]), int(there[-1]) + 1)
            for there in (np.flatnonzero(look.inside.any(axis=axis)) for axis in (1, 0))
        )
        return Change(
            plane, look.row + rows.start, look.column + columns.start,
            levels[rows, columns], look.inside[rows, columns],
            (look.row + levels.shape[0] // 2, look.column + levels.shape[1] // 2),
        )  # fmt: skip


def neighbours(places: Sequence[Place], sight: float) -> list[list[int]]:
    """Return for each place the numbers of those that lie within sight of it, itself among them.

    >>> neighbours([Place(0, 0), Place(9, 0), Place(50, 3)], 10)
    [[0, 1], [0, 1], [2]]
    """
    cells: dict[tuple[int, int], list[int]] = {}
    for number, place in enumerate(places):
        cells.setdefault((int(place.x // sight), int(place.y // sight)), []).append(number)
    near = []
    for place in places:
        column, row = int(place.x // sight), int(place.y // sight)
        about = [
            other
            for x in (column - 1, column, column + 1)
            for y in (row - 1, row, row + 1)
            for other in cells.get((x, y), ())
        ]
        near.append(sorted(
            other for other in about
            if max(abs(places[other].x - place.x), abs(places[other].y - place.y)) <= sight
        ))  # fmt: skip
    return near


def _all_connected(numbers: Iterable[int], near: Sequence[Sequence[int]]) -> frozenset[int]:
    """Return some places and all that are in sight of them, from place to place."""
    reached, waiting = set(numbers), list(numbers)
    while waiting:
        new = set(near[waiting.pop()]) - reached
        reached |= new
        waiting.extend(new)
    return frozenset(reached)


def _weigh(told: Sequence[Separated], prior: Floats, sign: int) -> tuple[float, list[Floats]]:
    """Return the chance that a defect shows, and for each plane that of each amplitude if so.

    The first plane's amplitude has the prior; another's may be anything up to the highest, or
    nothing: which colours a defect shows in depends on its photosite. Where the defect can only
    brighten, or darken, the first plane's chances count that half alone.
    """
    open_prior = np.full(prior.size, (1 - UNCOLOURED) / (prior.size - 1))
    shown = prior / max(1 - prior[0], 1e-12)
    shown[0] = UNLIT if len(told) > 1 else 0.0
    shown /= shown.sum()
    odds = np.log(max(1 - prior[0], 1e-12)) - np.log(max(prior[0], 1e-12))
    weights = []
    for number, plane in enumerate(told):
        chances = shown if number == 0 else open_prior.copy()
        if number:
            chances[0] = UNCOLOURED
        with np.errstate(divide="ignore"):
            joint = plane.likelihood - plane.likelihood[0] + np.log(chances)
        if sign and not number:
            joint = joint + np.log(_one_sided(sign * plane.rise))
        top = joint.max()
        weights.append(np.exp(joint - top))
        odds += top + np.log(weights[-1].sum())
        weights[-1] /= weights[-1].sum()
    return float(1 / (1 + np.exp(np.clip(-odds, -700, 700)))), weights


def _one_sided(rise: Floats) -> Floats:
    """Return by how much likelier a sign makes defects that are so many deviations above 0."""
    return np.maximum([math.erfc(-each / math.sqrt(2)) for each in rise], LEAST)


def _stencil(lattice: Lattice) -> Stencil:
    return Stencil(lattice.reaches, lattice.ring, lattice.search, lattice.period)


def _sight(lattice: Lattice) -> float:
    """Return how many pixels away a repair can lie that changes what is seen in a plane."""
    samples = _stencil(lattice).margin + max(lattice.reaches) + SIDE  # and all of a JPEG's block
    return samples / min(lattice.across, lattice.down)


def _hole(stencil: Stencil) -> tuple[slice, slice]:
    """Return the rows and columns of the hole in a window."""
    down, across = (
        slice(stencil.margin - reach, stencil.margin + reach + 1) for reach in stencil.reaches
    )
    return down, across


def _squared_distances(position: Floats, lattice: Lattice, side: int) -> Floats:
    """Return the squared distance in pixels of each sample of a square from a place in it."""
    steps = np.arange(side)
    down, across = (steps - position[0]) / lattice.down, (steps - position[1]) / lattice.across
    squared: Floats = np.add.outer(down**2, across**2)
    return squared


def _noise(levels: Floats, sound: NDArray[np.bool_], period: int) -> float:
    """Return the noise in levels: from second differences along rows, of which few meet edges."""
    left, middle, right = (
        slice(start, levels.shape[1] - 2 * period + start) for start in (0, period, 2 * period)
    )
    usable = sound[:, left] & sound[:, middle] & sound[:, right]
    bends = np.abs(levels[:, left] - 2 * levels[:, middle] + levels[:, right])[usable]
    return max(float(np.median(bends)) / (0.6745 * 6**0.5), 0.01) if bends.size else 1.0


def _find_touched(positions: Floats, side: int, reaches: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which samples of a square lie within reach of some rows and columns in it."""
    touched = np.zeros((side, side), bool)
    down, across = reaches
    for row, column in np.floor(positions + 0.5).astype(int).tolist():
        rows = slice(max(row - down, 0), max(row + down + 1, 0))
        touched[rows, max(column - across, 0) : max(column + across + 1, 0)] = True
    return touched

"""Looks at the listed places of one photo and repairs them, until nothing changes any more.

Never touches a sample farther from a listed place than its response reaches, and never takes
one that is broken as a source.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from ..maps.records import Defect, Run
from .canvas import Canvas, Change, Lattice
from .expectation import Expectation, priors
from .lines import Line, can_be_repaired, left_restless, repair_lines
from .looking import EVERY, Looker, Numbers, PlaneLook, scenes_of, stencil_of
from .prediction import Floats
from .separation import AMPLITUDES
from .storing import SIDE
from .verdicts import Verdict, joined, of_run
from .weighing import Told, weigh

MOST_ROUNDS = 16  # after which a place that still changes has no end
MOST_LOOKS = 4  # at places among which some were left out, after which they have no end
SHOWING = 0.25  # chance from which on a place of a picture is repaired: what is left is seen more
SHOWING_RAW = 0.5  # the same of a mosaic, where what is repaired loses all that it held
SURELY_NOT = 0.03  # chance below which a quick look says that nothing shows
ENOUGH = 120  # places that a quick look has to have learned from, else it does not tell
VISIBLE = 1.5  # levels (a mosaic's: quarters of its noise): no repair is made for less
RESTLESS = "each repair makes another one necessary"
AT_ONCE = 64  # places that are looked at together: their windows are kept meanwhile


@dataclass(frozen=True, slots=True)
class Place:
    """A listed place, and what to expect of it."""

    x: int
    y: int
    expectation: Expectation = field(default_factory=Expectation)
    run: Run | None = None  # of a bad column or row, of which x and y are the first pixel

    @property
    def line(self) -> Line | None:
        """Return it as a line, if it is one."""
        if self.run is None:
            return None
        return Line(self.x if self.run.along == "column" else self.y, self.run)

    def pixels(self) -> Iterator[Place]:
        """Yield each of its pixels as a place of its own."""
        for x, y in Defect(x=self.x, y=self.y, run=self.run).pixels():
            yield Place(x, y, self.expectation)


def repair_places(
    canvas: Canvas, places: Sequence[Place], *, always: bool = False
) -> tuple[Verdict, ...]:
    """Repair on the canvas what shows of some places, and say what was done.

    A repair is made again until it changes nothing more, so that to repair the result is no
    change either. A place for which that has no end is left out; and where a new look at what
    has become of its neighbours without it has none, all of them are left as they were. The order
    of the places makes no difference: the verdicts are in it. A bad column or row is repaired as a
    whole, and has one verdict.
    """
    candidates = [place.line for place in places if place.line is not None]
    lines = {line for line in candidates if can_be_repaired(canvas, line, candidates)}
    order = sorted(range(len(places)), key=lambda number: (places[number].y, places[number].x))
    whole = {n: line for n in order if (line := places[n].line) in lines and line is not None}
    others = sorted(set(order) - set(whole))
    pixels = sorted(
        ((pixel, number) for number in others for pixel in places[number].pixels()),
        key=lambda each: (each[0].y, each[0].x),
    )
    on_lines, on_pixels = _repair_lines_and_places(
        canvas, list(whole.values()), [pixel for pixel, _ in pixels], always=always
    )
    verdicts = dict(zip(whole, on_lines, strict=True))
    of_place = defaultdict[int, list[Verdict]](list)
    for (_, number), verdict in zip(pixels, on_pixels, strict=True):
        of_place[number].append(verdict)
    for number, some in of_place.items():
        run = places[number].run
        verdicts[number] = of_run(places[number].x, places[number].y, run, some) if run else some[0]
    return tuple(verdicts[number] for number in range(len(places)))


def _repair_lines_and_places(
    canvas: Canvas, lines: Sequence[Line], places: Sequence[Place], *, always: bool
) -> tuple[tuple[Verdict, ...], tuple[Verdict, ...]]:
    """Repair lines, then single places, until neither changes anything any more."""
    if not lines:
        return (), _repair_in_order(canvas, places, always=always)
    start, of_lines, of_places = canvas.mark(), tuple[Verdict, ...](), tuple[Verdict, ...]()
    for _ in range(MOST_LOOKS):
        of_lines = joined(of_lines, repair_lines(canvas, lines, always=always))
        before = canvas.mark()
        of_places = joined(of_places, _repair_in_order(canvas, places, always=always))
        if canvas.mark() == before:
            return of_lines, of_places
    canvas.back_to(start)
    return left_restless(lines), _repair_in_order(canvas, places, always=always)


def _repair_in_order(
    canvas: Canvas, places: Sequence[Place], *, always: bool
) -> tuple[Verdict, ...]:
    """Repair until nothing changes any more, or what never rests is left out."""
    near = neighbours(places, sight_of(canvas.lattices))
    looker = Looker(canvas, [(place.x, place.y) for place in places], near)
    hopeless: frozenset[int] = frozenset()
    start = canvas.mark()
    while True:
        verdicts, changing = _repair_all(canvas, looker, places, near, hopeless, always=always)
        if not changing:
            return verdicts
        hopeless |= _all_connected(changing, near)
        canvas.back_to(start)


def _repair_all(
    canvas: Canvas, looker: Looker, places: Sequence[Place], near: Sequence[Sequence[int]],
    hopeless: frozenset[int], *, always: bool,
) -> tuple[tuple[Verdict, ...], set[int]]:  # fmt: skip
    """Repair until a look at all but the hopeless changes nothing; return those that still do."""
    verdicts: tuple[Verdict, ...] = ()
    changing: set[int] = set()
    for _ in range(MOST_LOOKS):
        here, left_out = canvas.mark(), hopeless
        while True:
            healer = Repairer(canvas, looker, places, near, left_out, always=always)
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


class _Repair(NamedTuple):
    """What should stand at one place."""

    looks: Sequence[PlaneLook]  # in which it is
    at: int  # its number there
    scenes: Sequence[Floats]  # (n,) of each plane


class Repairer:
    """One go over all places but some."""

    def __init__(
        self, canvas: Canvas, looker: Looker, places: Sequence[Place],
        near: Sequence[Sequence[int]], left_out: frozenset[int], *, always: bool,
    ) -> None:  # fmt: skip
        self.canvas, self.places, self.near, self.always = canvas, places, near, always
        self.changed: set[int] = set()
        self.raw = canvas.lattices[0].noise_is_unit
        self.tried = [number for number in range(len(places)) if number not in left_out]
        self.verdicts = [Verdict(place.x, place.y, "not showing") for place in places]
        for number in left_out:
            self.verdicts[number] = replace(self.verdicts[number], outcome="hopeless", why=RESTLESS)
        self.looker = looker

    def settle(self) -> set[int]:
        """Repair until nothing changes; return the places that never come to rest."""
        pending, changing = self.tried, set[int]()
        for number in range(MOST_ROUNDS):
            changing = self._go_over(pending, calm=number > 0)
            if not changing:
                break
            self.changed |= changing
            seen = {other for number in changing for other in self._unsettled_by(number)}
            pending = [number for number in self.tried if number in seen]
        return changing

    def go_over_once(self) -> set[int]:
        """Repair each place once, and return which changed."""
        return self._go_over(self.tried, calm=False)

    def _unsettled_by(self, number: int) -> Sequence[int]:
        """Return the places that a change of one may change."""
        return self.near[number] if self.canvas.spreads else (number,)

    def _go_over(self, pending: Sequence[int], *, calm: bool) -> set[int]:
        """Repair places as if one after the other, and return which changed.

        Many are looked at together: where changes are rare (`calm`) all, and again those that
        one before them has changed since; else those that have none before them to wait for.
        """
        changing, waiting = set[int](), list(pending)
        while waiting:
            group = waiting[:AT_ONCE] if calm else self._first_in_line(waiting)
            done = set[int]()
            for start in range(0, len(group), AT_ONCE):
                done |= self._repair(group[start : start + AT_ONCE], changing)
            waiting = [number for number in waiting if number not in done]
        return changing

    def _first_in_line(self, waiting: Sequence[int]) -> list[int]:
        """Return the places that no other one before them in sight is waiting with."""
        if not self.canvas.spreads:
            return list(waiting)
        others = set(waiting)
        return [
            number
            for number in waiting
            if not any(n < number and n in others for n in self._unsettled_by(number))
        ]

    def _repair(self, numbers: Sequence[int], changing: set[int]) -> set[int]:
        """Repair what shows of some places; return those that no change of another came before."""
        repairs = self._repairs_of(numbers)
        done, outdated = set[int](), set[int]()
        for number in numbers:
            if number not in outdated:
                done.add(number)
                if number not in repairs or not self._apply(number, repairs[number]):
                    continue
                changing.add(number)
            outdated.update(self._unsettled_by(number))
        return done

    def _repairs_of(self, numbers: Sequence[int]) -> dict[int, _Repair]:
        """Return what should be put in at the places that show."""
        if not (self.raw or self.always):
            numbers = self._may_show(numbers)
        if not numbers:
            return {}
        looks = self.looker.look(np.array(numbers))
        chosen, weights = self.choose(numbers, looks)
        if not chosen.size:
            return {}
        scenes = scenes_of(looks, chosen, [weight[chosen] for weight in weights])
        visible = departures(looks, chosen, scenes) >= VISIBLE
        return {
            numbers[at]: _Repair(looks, at, [scene[n] for scene in scenes])
            for n, at in enumerate(chosen.tolist())
            if visible[n]
        }

    def choose(
        self, numbers: Sequence[int], looks: Sequence[PlaneLook]
    ) -> tuple[Numbers, list[Floats]]:
        """Return which of some places show, and for each plane the chances of all amplitudes."""
        chance, weights = self._weigh(numbers, looks)
        showing = SHOWING_RAW if self.raw else SHOWING
        return np.flatnonzero((chance >= showing) | self.always), weights

    def _may_show(self, numbers: Sequence[int]) -> list[int]:
        """Return the places of which a quick look does not say that surely nothing shows."""
        looks = self.looker.look(np.array(numbers), quick=True)
        chance, _ = self._weigh(numbers, looks)
        taught = np.min([each.taught for each in looks], axis=0)
        unsure = (chance >= SURELY_NOT) | (taught < ENOUGH)
        return [number for number, may in zip(numbers, unsure.tolist(), strict=True) if may]

    def _weigh(
        self, numbers: Sequence[int], looks: Sequence[PlaneLook]
    ) -> tuple[Floats, list[Floats]]:
        expected = [self.places[number].expectation for number in numbers]
        unit, level = looks[0].unit[:, None], looks[0].level
        told = [Told(each.told.likelihood, each.told.rise) for each in looks]
        signs = np.array([each.sign for each in expected])
        prior = priors(expected, AMPLITUDES * unit, level)
        if told[0].likelihood.shape != prior.shape:  # a quick look: each stands for those before
            prior = np.add.reduceat(prior, [0, *range(1, prior.shape[1] - 1, EVERY)], axis=1)
        return weigh(told, prior, signs)

    def _apply(self, number: int, repair: _Repair) -> bool:
        """Put the scenes of one place's planes in; say whether that changed anything."""
        at, luma = repair.at, repair.looks[0]
        changes = [
            _change(plane, look, at, scene)
            for plane, (look, scene) in enumerate(zip(repair.looks, repair.scenes, strict=True))
            if look.own[at].any()
        ]
        if not self.canvas.apply(changes):
            return False
        middle = repair.scenes[0].size // 2
        strength = float(luma.observed[at, middle] - repair.scenes[0][middle])
        place, known = self.places[number], self.verdicts[number].strength
        self.verdicts[number] = Verdict(
            place.x, place.y, "repaired", strength if known is None else known + strength
        )
        return True


def departures(looks: Sequence[PlaneLook], chosen: Numbers, scenes: Sequence[Floats]) -> Floats:
    """Return by how many units what stands in each hole departs from its scene at most."""
    most = np.zeros(chosen.size)
    for look, scene in zip(looks, scenes, strict=True):
        off = np.abs(look.observed[chosen] - scene)
        off[~look.own[chosen]] = 0.0
        most = np.maximum(most, off.max(axis=1) / look.unit[chosen])
    return most


def _change(plane: int, look: PlaneLook, at: int, scene: Floats) -> Change:
    """Return the change of a hole's own samples, without rows and columns that have none."""
    down, across = look.lattice.reaches
    own = look.own[at].reshape(2 * down + 1, 2 * across + 1)
    levels = scene.reshape(own.shape)
    row, column = look.middles[at].tolist()
    top, left = row - down, column - across
    if not own.all():
        rows, columns = (
            slice(int(there[0]), int(there[-1]) + 1)
            for there in (np.flatnonzero(own.any(axis=axis)) for axis in (1, 0))
        )
        own, levels = (np.ascontiguousarray(each[rows, columns]) for each in (own, levels))
        top, left = top + rows.start, left + columns.start
    return Change(plane, top, left, levels, own, (row, column))


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


def sight_of(lattices: Sequence[Lattice]) -> float:
    """Return how many pixels away a repair can lie that changes what is seen in a plane."""
    samples = [stencil_of(each).margin + max(each.reaches) for each in lattices]
    scales = [min(each.across, each.down) for each in lattices]
    return max((far + SIDE) / scale for far, scale in zip(samples, scales, strict=True))

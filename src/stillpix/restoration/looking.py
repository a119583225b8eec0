"""Looks at listed places on a canvas, many at once.

Never changes the canvas, and never decides anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .canvas import Canvas, Lattice
from .look_kernels import Plane, Views, view
from .middle import middles_of
from .prediction import Floats, Stencil, layout_of, predict_all, space_of
from .regression_kernels import Space
from .separation import AMPLITUDES, VARIANCES
from .separation_kernels import Lanes, lanes_for, weigh_amplitudes
from .weighing import Told

Numbers: TypeAlias = NDArray[np.int64]

EVERY = 2  # so many places each way, and amplitudes, one is taken of in a quick look


@dataclass(frozen=True, slots=True, eq=False)
class PlaneLook:
    """What one plane says of some places, the first axis of each array."""

    middles: Numbers  # (places, 2) row and column of each hole's middle sample
    reaches: tuple[int, int]  # of the holes
    windows: Floats  # (places, side, side) levels
    views: Views
    observed: Floats  # (places, n) levels in the hole
    level: Floats  # (places,) that the surroundings predict for the middle
    taught: Numbers  # (places,) how many others it was learned from
    told: Told
    below: Floats  # (places, amplitudes, n) units, the scene under each amplitude

    def scenes(self, chosen: Numbers, weights: Floats, space: Space) -> Floats:
        """Return the levels expected below the defects of chosen places, (chosen, n).

        `weights` are the chances of each amplitude, (chosen, amplitudes). As far as something
        shows, what stands in a middle is not believed. `space` is of room_for_middles.
        """
        views, own = self.views, self.views.own[chosen]
        scenes = np.einsum("pa,pan->pn", weights, self.below[chosen])
        if own.shape[1] > 1:
            found, middles = middles_of(
                self.windows[chosen], views.unit[chosen], views.sound[chosen], own, scenes,
                self.reaches, space,
            )  # fmt: skip
            at = own.shape[1] // 2
            share = np.where(found, 1 - weights[:, 0], 0.0)
            scenes[:, at] += share * (middles - scenes[:, at])
        return np.asarray(scenes * views.unit[chosen, None])


class Looker:
    """Looks at the places of one canvas; those within sight of each other are told to it."""

    def __init__(
        self, canvas: Canvas, places: Sequence[tuple[int, int]], near: Sequence[Sequence[int]]
    ) -> None:
        self._canvas = canvas
        self._firsts = np.cumsum([0, *map(len, near)])
        self._near = np.fromiter(chain.from_iterable(near), np.int64)
        self._others = np.empty((max(map(len, near), default=1), 2))
        self._positions = [
            np.array([lattice.position(x, y) for x, y in places]).reshape(-1, 2)
            for lattice in canvas.lattices
        ]
        self._planes = {quick: self._about(quick=quick) for quick in (False, True)}

    def look(self, numbers: Numbers, *, quick: bool = False) -> list[PlaneLook]:
        """Return what each plane says of some places.

        A quick look learns from every other place each way, and tries every other amplitude: it
        tells with a fraction of the work where surely nothing shows.
        """
        return [
            self._look(number, each, numbers) for number, each in enumerate(self._planes[quick])
        ]

    def _about(self, *, quick: bool) -> list[_PlaneLooker]:
        return [
            _PlaneLooker(lattice, size, positions, quick=quick)
            for lattice, size, positions in zip(
                self._canvas.lattices, self._canvas.sizes, self._positions, strict=True
            )
        ]

    def _look(self, number: int, plane: _PlaneLooker, numbers: Numbers) -> PlaneLook:
        middles = plane.middles[numbers]
        corners = middles - plane.stencil.margin
        windows = self._canvas.windows(number, corners, plane.stencil.side)
        views = plane.room_for_views(numbers.size)
        view(
            windows, middles, numbers, self._firsts, self._near, plane.about,
            layout_of(plane.stencil), self._others, plane.work, views,
        )  # fmt: skip
        means, covariances, taught = predict_all(
            views.windows, views.usable, plane.stencil, plane.space
        )
        told, below = plane.tell(views, means, covariances)
        level = views.unit * means[:, means.shape[1] // 2]
        return PlaneLook(
            middles, plane.stencil.reaches, windows, views, views.observed * views.unit[:, None],
            level, taught, told, below,
        )  # fmt: skip


class _PlaneLooker:
    """What it takes to look at one plane."""

    def __init__(
        self, lattice: Lattice, size: tuple[int, int], positions: Floats, *, quick: bool
    ) -> None:
        self.stencil, self._amplitudes = stencil_of(lattice), AMPLITUDES
        if quick:
            self.stencil = replace(self.stencil, period=EVERY * lattice.period)
            self._amplitudes = AMPLITUDES[::EVERY].copy()
        self._widths, self._raw = np.array(lattice.widths), lattice.noise_is_unit
        self.middles = np.floor(positions + 0.5).astype(np.int64)
        self.about = Plane(
            np.array(size), np.array(lattice.reaches), np.array([lattice.down, lattice.across]),
            positions, self.stencil.margin, lattice.period, self._raw,
        )  # fmt: skip
        self.work = np.empty(self.stencil.side**2)

    @cached_property
    def space(self) -> Space:
        """Return what predictions work in; short numbers do but for a mosaic's noise."""
        return space_of(self.stencil, np.float64 if self._raw else np.float32)

    @cached_property
    def _lanes(self) -> Lanes:
        hole = layout_of(self.stencil).hole
        return lanes_for(hole.size, self._amplitudes.size, self._widths.size)

    def room_for_views(self, count: int) -> Views:
        """Return arrays for what is known of some places."""
        side, kept = self.stencil.side, layout_of(self.stencil)
        n, samples = kept.hole.size, kept.order.size
        return Views(
            np.empty((count, side, side), bool), np.empty((count, n), bool),
            np.empty((count, n)), np.empty(count), np.empty((count, samples)),
            np.empty((count, samples), np.uint8), np.empty((count, n)),
        )  # fmt: skip

    def tell(self, views: Views, means: Floats, covariances: Floats) -> tuple[Told, Floats]:
        """Return how likely all amplitudes are at some places, and the scenes under them."""
        (count, n), amplitudes = means.shape, self._amplitudes.size
        likelihood, rise = np.empty((count, amplitudes)), np.empty((count, amplitudes))
        below = np.empty((count, amplitudes, n))
        weigh_amplitudes(
            views.observed, views.own, means, covariances, views.squared, self._widths,
            self._amplitudes, VARIANCES, self._lanes, likelihood, below, rise,
            np.empty(count, np.int64),
        )  # fmt: skip
        return Told(likelihood, rise), below


def stencil_of(lattice: Lattice) -> Stencil:
    """Return what is learned from about a place of a lattice."""
    return Stencil(lattice.reaches, lattice.ring, lattice.search, lattice.period)

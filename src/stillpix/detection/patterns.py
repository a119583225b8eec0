"""Lattices of sites that respond alike: autofocus pixels, and what firmware interpolates.

They are no defects, but thousands of them look like ones. A lattice is told by its period: among
all sites of one phase so many are loud as never happens by chance. Never sees a photo.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ..evidence.evidence import Evidence
from ..evidence.sum_kernels import EDGE
from ..maps.records import Pattern
from .kinds import heard_in
from .null import APART, Null, Peaks, null_of, peaks_of

FLOOR = 4.0  # null sigmas from which a site is loud
FEWEST = 240  # loud sites below which there is no lattice
LONGEST = 64  # px, of a period
NEIGHBOURS = 8  # loud sites of the same row or column to which the distance is taken
LEAST_PAIRS = 30  # that are so far apart
AS_OFTEN = 0.6  # of the most frequent distance: the shortest one that is as frequent is the period
OFTEN = 8.0  # times as frequent as by chance
LEAST_SHARE = 0.05  # of the sites of a phase that must be loud
LEAST_LOUD = 12  # of its sites that must be loud
BESIDE, BESIDE_LOUD = 4, 3  # px from a lattice's sites within which fewer are enough
TIMES = 10.0  # as large as the share of all others
FEWEST_SITES = 60  # of a phase
ROUNDS = 4  # of looking again: what a lattice smears shows only without it
MOSTLY = 0.5  # share of photos and sites that must show it for its strength to be told


@dataclass(frozen=True, slots=True)
class Lattice:
    """A lattice of a sensor, and the null without it."""

    null: Null
    pattern: Pattern


def lattice_of(evidence: Evidence, null: Null, pool: Executor | None = None) -> Lattice | None:
    """Return the lattice that the sums of all photos show, if there is one."""

    def null_without(sites: NDArray[np.bool_], grid: int) -> Null:
        masked = null.masked | sites
        found = null_of(evidence.scores, evidence.information, pool, grid, masked, evidence.edges)
        return replace(found, lattice=sites)

    # Of one phase: a lattice widens the spread of those that it shares, and so hides in them.
    sites = np.zeros_like(null.masked)
    loud = _loud(evidence, null_without(sites, 1), pool)
    period = _period(loud.y, loud.x), _period(loud.x, loud.y)
    if min(period) <= 1:
        return None
    phases = _loud_phases(loud, period, null)
    if not phases.any():
        return None
    pattern = _pattern_of(evidence, phases)
    for _ in range(ROUNDS):
        fine = null_without(_sites(phases, sites.shape), null.grid)
        more = _loud_phases(_loud(evidence, fine, pool), period, null, phases)
        if not more.any():
            break
        phases |= more
    return Lattice(fine, pattern)


def _loud(evidence: Evidence, null: Null, pool: Executor | None) -> Peaks:
    return peaks_of(evidence.scores, null, FLOOR, pool, APART, 0, heard_in(evidence))


def _period(rows: NDArray[np.intp], places: NDArray[np.intp]) -> int:
    """Return after how many px loud sites of a row repeat; 1 if they do not.

    >>> rows, places = np.divmod(np.arange(0, 4000, 10), 200)
    >>> _period(rows, places)
    10
    """
    if rows.size < FEWEST:
        return 1
    order = np.lexsort((places, rows))
    rows, places = rows[order], places[order]
    counts = np.zeros(LONGEST + 1, np.int64)
    for step in range(1, NEIGHBOURS + 1):
        away = (places[step:] - places[:-step])[rows[step:] == rows[:-step]]
        counts += np.bincount(away[away <= LONGEST], minlength=LONGEST + 1)
    most = counts[2:].max()
    by_chance = rows.size**2 / ((rows.max() + 1.0) * (places.max() + 1.0))
    if most < OFTEN * by_chance or most < LEAST_PAIRS:
        return 1
    return 2 + int(np.argmax(counts[2:] >= AS_OFTEN * most))


def _loud_phases(
    loud: Peaks, period: tuple[int, int], null: Null, known: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """Return of which phases, (down, across), so many sites are loud that they are a lattice.

    Beside sites of a `known` one fewer are enough: it smears.
    """
    across, down = period
    counts = np.zeros((down, across), np.int64)
    np.add.at(counts, (loud.y % down, loud.x % across), 1)
    height, width = null.masked.shape
    rows = np.bincount(np.arange(EDGE, height - EDGE) % down, minlength=down)
    columns = np.bincount(np.arange(EDGE, width - EDGE) % across, minlength=across)
    sites = np.outer(rows, columns) * (1 - float(null.masked.mean()))
    share = counts / np.maximum(sites, 1)
    found = (share >= LEAST_SHARE) & (sites >= FEWEST_SITES) & (counts >= LEAST_LOUD)
    rest = counts[~found].sum() / max(float(sites[~found].sum()), 1.0)
    found &= share >= TIMES * rest
    if known is None:
        return np.asarray(found)
    near = np.zeros_like(known)
    for y, x in product(range(-BESIDE, BESIDE + 1), repeat=2):
        near |= np.roll(known, (y, x), (0, 1))
    smeared = (counts >= BESIDE_LOUD) & (share >= TIMES * rest)
    return np.asarray((found | near & smeared) & ~known)


def _sites(phases: NDArray[np.bool_], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the sites of some phases, (height, width)."""
    down, across = phases.shape
    rows, columns = np.arange(shape[0]) % down, np.arange(shape[1]) % across
    return np.asarray(phases[np.ix_(rows, columns)])


def _pattern_of(evidence: Evidence, phases: NDArray[np.bool_]) -> Pattern:
    """Return a lattice as a map tells it."""
    down, across = phases.shape
    sites = _sites(phases, evidence.excess.shape)
    strength, shown = None, abs(int(evidence.shown[sites].sum()))
    if shown >= MOSTLY * evidence.scenes * sites.sum():
        excess = float(evidence.excess[sites].sum()) / evidence.rules.counts
        strength = excess / shown * evidence.white / evidence.rules.levels
    at = tuple((int(x), int(y)) for y, x in np.argwhere(phases))
    return Pattern(across, down, at, strength)

"""Figures from results: recall with its uncertainty, false finds against those stated, N50 and N95.

Intervals are of 95 %: of recall by resampling cameras (the photos of one camera are not
independent), of counts the exact Poisson interval (F. Garwood, "Fiducial limits for the Poisson
distribution", Biometrika 28, 1936). Never formats text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import exp, lgamma, log

import numpy as np

from .methods import Entry
from .product import NAME
from .results import Common, Planted, Results, Run
from .scorer import RULES, STRICT, Rule, oracle_cut

RESAMPLES = 4000
HALF_DECADES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1e9)  # sigmas
GROWING = ("hot", "offset")  # the kinds whose amplitude says how many photos they take

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over cameras."""

    value: float
    interval: Interval
    least: float


def mean_of(values: Sequence[float]) -> Mean:
    """Return a mean over cameras and its bootstrap interval (always the same resamples)."""
    array = np.array(values)
    picks = np.random.default_rng(7).integers(array.size, size=(RESAMPLES, array.size))
    low, high = np.percentile(array[picks].mean(1), (2.5, 97.5))
    return Mean(float(array.mean()), (float(low), float(high)), float(array.min()))


def _poisson_below(count: int, mean: float) -> float:
    """Return the chance of at most `count` events."""
    if mean == 0:
        return 1.0
    return sum(exp(n * log(mean) - mean - lgamma(n + 1)) for n in range(count + 1))


def poisson_interval(count: int) -> Interval:
    """Return the exact interval of a Poisson mean of which `count` were seen.

    >>> [round(end, 3) for end in poisson_interval(5)]
    [1.623, 11.668]
    >>> poisson_interval(0)[0]
    0.0
    """

    def solve(chance: Callable[[float], float]) -> float:
        low, high = 0.0, 3.0 * count + 20.0
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if chance(middle) > 0 else (low, middle)
        return low

    upper = solve(lambda mean: _poisson_below(count, mean) - 0.025)
    lower = solve(lambda mean: _poisson_below(count - 1, mean) - 0.975) if count else 0.0
    return lower, upper


class Table:
    """Results with what is asked of them again and again."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.truth = {camera.seed: camera.planted for camera in results.cameras}
        self.seeds = [camera.seed for camera in results.cameras]
        self._runs: dict[tuple[str, int, float | None], dict[int, Run]] = defaultdict(dict)
        for run in results.runs:
            self._runs[run.variant, run.photos, run.rate][run.seed] = run
        self._common = {(each.variant, each.photos): each for each in results.common}
        self.photos = sorted({run.photos for run in results.runs if run.ranks})

    def runs(self, variant: str, photos: int, rate: float | None = None) -> list[Run]:
        """Return one variant's runs after some number of photos, camera by camera."""
        found = self._runs.get((variant, photos, rate), {})
        return [found[seed] for seed in self.seeds if seed in found]

    def recalls(self, variant: str, photos: int, rule: Rule = STRICT) -> list[float]:
        """Return the recall on each camera at the oracle's cut of that camera."""
        return [
            run.recalled(rule) / max(len(self.truth[run.seed]), 1)
            for run in self.runs(variant, photos)
        ]

    def best(self, entry: Entry, photos: int) -> str | None:
        """Return the variant of a method with the highest mean recall; None: it was not run."""
        run = [variant for variant in entry.variants if self.runs(variant, photos)]
        return max(run, key=lambda v: float(np.mean(self.recalls(v, photos))), default=None)

    def common_cut(self, variant: str, photos: int) -> tuple[float, int]:
        """Return recall and false places at the best one cut for all cameras."""
        planted = sum(len(self.truth[run.seed]) for run in self.runs(variant, photos))
        kept = self._common.get((variant, photos))
        found, false = (kept.found, kept.false) if kept else self._cut_for_all(variant, photos)
        return found / max(planted, 1), false

    def _cut_for_all(self, variant: str, photos: int) -> tuple[int, int]:
        # codes of one camera's defects are not another's: numbered through
        numbered = [
            (score, code if code < 0 else 1000 * run.seed + code)
            for run in self.runs(variant, photos)
            for score, code in run.steps
        ]
        found, false = oracle_cut(sorted(numbered, key=lambda step: -step[0]))
        return len(found), false

    def by(
        self, variant: str, photos: int, key: Callable[[Planted], str],
        found_of: Callable[[Run], Iterable[int]] = lambda run: run.oracle(),
    ) -> dict[str, tuple[int, int]]:  # fmt: skip
        """Return how many were found, and planted, of each kind (site, amplitude)."""
        counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for run in self.runs(variant, photos):
            found = set(found_of(run))
            for index, defect in enumerate(self.truth[run.seed]):
                counts[key(defect)][0] += index in found
                counts[key(defect)][1] += 1
        return {name: (found, there) for name, (found, there) in sorted(counts.items())}


def condensed(results: Results) -> Results:
    """Return the results without steps, a small part of their size: tables and plots are the same.

    Results of other cameras can no longer be joined to them.
    """
    table = Table(results)
    runs = [_condensed(run) for run in results.runs]
    ranked = dict.fromkeys(
        (run.variant, run.photos) for run in results.runs if run.ranks and run.rate is None
    )
    common = []
    for variant, photos in ranked:
        recall, false = table.common_cut(variant, photos)
        planted = sum(len(table.truth[run.seed]) for run in table.runs(variant, photos))
        common.append(Common(variant, photos, round(recall * planted), false))
    return replace(results, runs=runs, common=common)


def _condensed(run: Run) -> Run:
    """Return a run without steps; defects in their order, which compresses twice as well."""
    own = run.own and replace(run.own, found=tuple(sorted(run.own.found)))
    if not run.ranks:
        return replace(run, own=own)
    found, counts = tuple(sorted(run.oracle())), tuple(map(run.recalled, RULES))
    return replace(run, steps=(), own=own, found=found, counts=counts)


def own_found(run: Run) -> tuple[int, ...]:
    """Return the defects found at a method's own cut."""
    return run.own.found if run.own else ()


@dataclass(frozen=True, slots=True)
class OwnSummary:
    """All cameras together, at a method's own cut."""

    recall: Mean
    found: int
    false: int  # nobody's, further than 3 px from any found defect
    aside: int  # within 3 px of one
    stated: float | None
    worst: int  # false finds on one camera

    @property
    def precision(self) -> float:
        """Return the share of finds that are true, those aside counting as false."""
        return self.found / max(self.found + self.false + self.aside, 1)


def own_summary(table: Table, runs: Sequence[Run]) -> OwnSummary | None:
    """Return what came of a method's own cut; None: it has none."""
    if not runs or any(run.own is None for run in runs):
        return None
    cuts = [run.own for run in runs if run.own is not None]
    recalls = [
        len(cut.found) / max(len(table.truth[run.seed]), 1)
        for run, cut in zip(runs, cuts, strict=True)
    ]
    stated = None if runs[0].stated is None else sum(run.stated or 0.0 for run in runs)
    return OwnSummary(
        mean_of(recalls), sum(len(cut.found) for cut in cuts), sum(cut.false for cut in cuts),
        sum(cut.aside for cut in cuts), stated, max(cut.false for cut in cuts),
    )  # fmt: skip


def difference(table: Table, variant: str, base: str, photos: int) -> Mean:
    """Return by how much a variant's recall differs from a base's, camera by camera."""
    pairs = zip(table.recalls(variant, photos), table.recalls(base, photos), strict=True)
    return mean_of([one - other for one, other in pairs])


@dataclass(frozen=True, slots=True)
class Growth:
    """How stillpix's own recall of one range of amplitudes grows with the number of photos."""

    words: str
    planted: int
    photos: tuple[int, ...]
    recall: tuple[float, ...]

    def needed(self, share: float) -> float | None:
        """Return the photos needed for a recall, between lengths on a scale of log photos.

        None: it was never reached.

        >>> Growth("", 10, (10, 20, 40), (0.2, 0.4, 0.6)).needed(0.5).__round__(1)
        28.3
        """
        if self.recall[0] >= share:
            return float(self.photos[0])
        for (n, low), (m, high) in pairwise(zip(self.photos, self.recall, strict=True)):
            if low < share <= high:
                return float(n * (m / n) ** ((share - low) / (high - low)))
        return None


def growth(table: Table, kinds: Sequence[str] = GROWING) -> list[Growth]:
    """Return the growth of each range of amplitudes, the faintest first."""
    lengths = sorted(
        {run.photos for run in table.results.runs if run.variant == NAME and run.rate is None}
    )
    made = []
    for low, high in pairwise(HALF_DECADES):
        recalls, planted = [], 0
        for photos in lengths:
            found = planted = 0
            for run in table.runs(NAME, photos):
                hits = set(own_found(run))
                for index, defect in enumerate(table.truth[run.seed]):
                    if defect.kind in kinds and low <= defect.amplitude < high:
                        planted += 1
                        found += index in hits
            recalls.append(found / max(planted, 1))
        if planted:
            words = f"{low:g} to {high:g}" if high < HALF_DECADES[-1] else f"above {low:g}"
            made.append(Growth(words, planted, tuple(lengths), tuple(recalls)))
    return made

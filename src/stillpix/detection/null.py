"""What the scores of sound pixels look like, and the peaks that rise above them.

Works on the sums of an evidence, its own or its decoys'; never decides what is a defect.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..evidence.mosaic_kernels import LIMIT
from ..evidence.sum_kernels import BLOCK, CLIP, GRID, UNIT, UNIT_INFORMATION
from .peak_kernels import count_by_phase, count_by_zone, find_peaks

ENOUGH = 1_500_000  # pixels from which medians are taken: more would not change them
BALLAST = 0.05  # of the mean information: where almost nothing was seen, nothing is said
BIN = 1 / 64  # sigmas, of the histograms that medians are taken from
LEAST_SPREAD = 0.25  # sigmas: a flat place is never stretched more than fourfold
FEW = 2000  # pixels below which a zone is left as it is
FEW_ALONG = 40  # pixels below which a row or column along an edge is left as it is
FEW_IN_PHASE = 20  # pixels below which a phase is left as it is
BANDS = 8  # of rows, searched side by side
APART = 2  # px
LEAST_BURST = 9.0  # half of what one photo can say
# What a steady defect adds to fourth powers, of what it adds to squares: three times the square of
# its effect (it shows stronger here and weaker there), and six times the noise's variance.
STEADY = (3.0, 4.0)
LOUDEST = 5e-3  # share of the photosites that are looked at by their bursts
SAMPLED_ROW, SAMPLED_COLUMN = 5, 7  # a sample of rows and columns, of all colours


@dataclass(frozen=True, slots=True)
class Null:
    """What a sound pixel's score looks like, by place on the grid and by zone of the frame."""

    weight: NDArray[np.float32]  # (templates, blocks down, blocks across): information and ballast
    middle: NDArray[np.float32]  # (templates, grid, width)
    scale: NDArray[np.float32]  # (templates, grid, width)
    zones: NDArray[np.float32]  # (templates, zones down, width)
    zone: int  # px
    lines: NDArray[np.float32]  # (templates, height): scale of the rows along the edges, else 1
    masked: NDArray[np.bool_]  # (height, width): what is neither null nor peak
    lattice: NDArray[np.bool_] | None = None  # (height, width): what is masked as one

    @property
    def still(self) -> NDArray[np.bool_]:
        """Return what is masked, but for a lattice, (height, width)."""
        return self.masked if self.lattice is None else self.masked & ~self.lattice

    @property
    def grid(self) -> int:
        """Return the side of the grid's cells, in px."""
        return int(self.middle.shape[1])

    @property
    def packed(self) -> tuple[Any, ...]:
        """Return what kernels take of it, in their order."""
        return (
            self.weight, self.middle, self.scale, self.zones, self.zone, self.lines, self.masked,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Peaks:
    """Local maxima of the loudest score, loudest first."""

    x: NDArray[np.intp]
    y: NDArray[np.intp]
    score: NDArray[np.float32]
    view: NDArray[np.intp]  # number of the view in which each is that loud; 0: of all photos

    @classmethod
    def of(
        cls, x: NDArray[np.intp], y: NDArray[np.intp], score: NDArray[np.float32], view: int = 0
    ) -> Self:
        """Return peaks of one view."""
        return cls(x, y, score, np.full(len(score), view, np.intp))

    def only(self, kept: NDArray[Any] | Sequence[int] | slice) -> Self:
        """Return some of them, by mask or number."""
        if not isinstance(kept, slice | np.ndarray):
            kept = np.array(kept, np.intp)
        return type(self)(self.x[kept], self.y[kept], self.score[kept], self.view[kept])


Edges: TypeAlias = tuple[NDArray[np.intp], NDArray[np.intp]]  # rows, columns
NO_EDGES: Edges = (np.zeros(0, np.intp), np.zeros(0, np.intp))
NO_PEAKS = Peaks.of(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.float32))


def null_of(
    scores: NDArray[np.int32],
    information: NDArray[np.int64],
    pool: Executor | None = None,
    grid: int = GRID,
    masked: NDArray[np.bool_] | None = None,
    edges: Edges = NO_EDGES,
) -> Null:
    """Return the empirical null (Efron 2004): median and spread of each phase, MAD of each zone.

    What is masked, (height, width), counts nowhere. Each row and column of `edges` is a zone of its
    own, since its neighbours lie on one side.
    """
    if masked is None:
        masked = np.zeros(scores.shape[1:], np.bool_)
    masked = np.ascontiguousarray(masked)
    zone = max(128, min(scores.shape[1:]) // 8)

    def of_template(k: int) -> tuple[NDArray[np.float32], ...]:
        weight = information[k].astype(np.float32)
        weight += np.float32(BALLAST * weight.mean() + 1)
        middle, scale, zones = _template_null(scores[k], weight, masked, zone, grid)
        normal = _Normal(scores[k], weight, middle, scale, zones, zone, masked)
        lines = np.ones(scores.shape[1], np.float32)
        all_rows, all_columns = map(np.arange, scores.shape[1:])
        lines[edges[0]] = normal.scales_along(edges[0], all_columns, axis=0)
        zones[:, edges[1]] *= normal.scales_along(all_rows, edges[1], axis=1)
        return weight, middle, scale, zones, lines

    each = range(len(scores))
    parts = map(of_template, each) if pool is None else pool.map(of_template, each)
    # In one layout: the kernel that looks for peaks is compiled anew for each.
    weight, middle, scale, zones, lines = (
        np.ascontiguousarray(np.stack(arrays)) for arrays in zip(*parts, strict=True)
    )
    return Null(weight, middle, scale, zones, zone, lines, masked)


def burst_floor(bursts: NDArray[np.int32]) -> float:
    """Return the root of the bursts below which nothing is looked at, of photosites and decoys."""
    sample = bursts[::SAMPLED_ROW, ::SAMPLED_COLUMN]
    return float(max(np.quantile(sample, 1 - LOUDEST) / UNIT, LEAST_BURST) ** 0.5)


def burst_peaks(
    bursts: NDArray[np.int32], scores: NDArray[np.int32], information: NDArray[np.int64],
    floor: float,
) -> Peaks:  # fmt: skip
    """Return the photosites of a mosaic that say most in single photos, loudest first.

    The score is the root of their fourth powers' sum, less what a defect adds to it that shows as
    one of the templates expects: sound photosites differ in sensitivity, and show that in all
    photos. Sums of what is bounded have exponential tails, and their roots Gaussian ones.
    """
    y, x = np.divmod(np.flatnonzero(bursts > floor**2 * UNIT), bursts.shape[1])
    across = np.minimum(x // BLOCK, information.shape[2] - 1)
    expected = information[:, y // BLOCK, across] / UNIT_INFORMATION
    told = scores[:, y, x] / UNIT
    effect = np.divide(told, expected, where=expected > 0, out=np.zeros_like(told))
    steady = told * effect * (STEADY[0] * (CLIP * effect) ** 2 + STEADY[1])
    beyond = bursts[y, x] / UNIT - steady.max(axis=0) / LIMIT**2
    loud = beyond > floor**2
    x, y, score = x[loud], y[loud], np.sqrt(beyond[loud]).astype(np.float32)
    order = np.lexsort((x, y, -score))
    return Peaks.of(x[order], y[order], score[order])


def _template_null(
    scores: NDArray[np.int32],
    weight: NDArray[np.float32],
    masked: NDArray[np.bool_],
    zone: int,
    grid: int,
) -> tuple[NDArray[np.float32], ...]:
    """Return middle and scale, (grid, width), and the zones' scale, (zones down, width)."""
    height, width = scores.shape
    every = max(1, height * width // ENOUGH)
    down, across = max(height // zone, 1), max(width // zone, 1)
    columns = np.arange(width)
    counts = np.zeros((grid, grid, 2048), np.int64)
    count_by_phase(scores, weight, masked, grid, every, BIN, counts)
    centre, spread = _median_and_spread(counts)
    # In C order: in another one the kernels would be compiled once more.
    middle = centre[:, columns % grid].astype(np.float32, order="C")
    scale = (1 / spread[:, columns % grid]).astype(np.float32, order="C")
    counts = np.zeros((down, across, 1024), np.int64)
    count_by_zone(scores, weight, masked, middle, scale, every, zone, BIN, counts)
    running, first = _running(counts)
    local = np.maximum(1.4826 * _quantile(running, 0.5, first), LEAST_SPREAD)
    local = np.where(running[..., -1] < FEW, 1.0, local)
    zones = (1 / local[:, np.minimum(columns // zone, across - 1)]).astype(np.float32)
    return middle, scale, zones


@dataclass(frozen=True, slots=True)
class _Normal:
    """The scores of one template, in the sigmas of their phase and zone."""

    scores: NDArray[np.int32]
    weight: NDArray[np.float32]
    middle: NDArray[np.float32]
    scale: NDArray[np.float32]
    zones: NDArray[np.float32]
    zone: int
    masked: NDArray[np.bool_]

    def scales_along(
        self, rows: NDArray[np.intp], columns: NDArray[np.intp], *, axis: int
    ) -> NDArray[np.float32]:
        """Return what makes each row's (axis 0) or column's (axis 1) spread 1.

        It is 1 where a spread is no wider than others.
        """
        told = self.scores[np.ix_(rows, columns)]
        blocks = self.weight[np.ix_(rows // BLOCK, columns // BLOCK)]
        place = np.ix_(rows % len(self.middle), columns)
        strips = np.minimum(rows // self.zone, len(self.zones) - 1)
        standard = told / UNIT / np.sqrt(blocks / UNIT_INFORMATION) - self.middle[place]
        normal = np.abs(standard * self.scale[place] * self.zones[np.ix_(strips, columns)])
        counted = (told != 0) & ~self.masked[np.ix_(rows, columns)]
        if axis:
            normal, counted = normal.T, counted.T
        enough = counted.sum(axis=1) >= FEW_ALONG
        spreads = np.where(enough, medians_of(normal, counted), 0.0)
        return (1 / np.maximum(1.4826 * spreads, 1.0)).astype(np.float32)


def medians_of(values: NDArray[np.float64], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the median of what is counted of each row of values; not a number where nothing is.

    What `numpy.median` says of each, to the bit: a call for each would take longer than sorting.

    >>> medians_of(np.array([[3.0, 1.0, 9.0, 2.0]]), np.array([[True, True, False, True]]))
    array([2.])
    """
    in_order = np.sort(np.where(counted, values, np.inf), axis=1)
    number, each = counted.sum(axis=1), np.arange(len(values))
    middle = in_order[each, np.maximum(number - 1, 0) // 2] + in_order[each, number // 2]
    return np.asarray(np.where(number > 0, middle / 2, np.nan))


def window(
    parts: Sequence[NDArray[np.signedinteger]],
    null: Null,
    x: int,
    y: int,
    reach: int,
    unit: int = 1,
) -> NDArray[np.float64]:
    """Return the scores around a place in null sigmas, (templates, 2 reach + 1, 2 reach + 1).

    The scores are the sum of the parts, (templates, height, width), times `unit`. Beyond the frame
    they are 0.
    """
    return np.asarray(windows(parts, null, np.array([x]), np.array([y]), reach, unit)[0])


def windows(
    parts: Sequence[NDArray[np.signedinteger]],
    null: Null,
    x: NDArray[np.intp],
    y: NDArray[np.intp],
    reach: int,
    unit: int = 1,
) -> NDArray[np.float64]:
    """Return what `window` does for many places: (places, templates, rows, columns)."""
    beside = np.arange(-reach, reach + 1)
    rows, columns = y[:, None] + beside, x[:, None] + beside
    templates, height, width = parts[0].shape
    down, across = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
    each = np.arange(templates)[:, None, None]
    rows = np.clip(rows, 0, height - 1)[:, None, :, None]
    columns = np.clip(columns, 0, width - 1)[:, None, None, :]
    blocks = np.minimum(columns // BLOCK, null.weight.shape[2] - 1)
    spread = np.sqrt(null.weight[each, rows // BLOCK, blocks] / UNIT_INFORMATION)
    told = sum(part[each, rows, columns].astype(np.int64) for part in parts)
    standard = told * (unit / UNIT) / spread
    place = each, rows % null.grid, columns
    strips = np.minimum(rows // null.zone, null.zones.shape[1] - 1)
    local = np.multiply(null.scale[place], null.zones[each, strips, columns])
    local = local * null.lines[each, rows]
    inside = down[:, None, :, None] & across[:, None, None, :]
    return np.where(inside, (standard - null.middle[place]) * local, 0.0)


def _running(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return each bin's count and those before it, added up, and the number of the first bin.

    Bins at either end of which no histogram (last axis) has any are left out: most are.
    """
    used = np.flatnonzero(counts.any(axis=tuple(range(counts.ndim - 1))))
    first, last = (int(used[0]), int(used[-1])) if used.size else (0, 0)
    return counts[..., first : last + 1].cumsum(-1), first


def _quantile(running: NDArray[np.int64], share: float, first: int) -> NDArray[np.float64]:
    """Return the value below which a share of each histogram (bins of BIN) lies; see `_running`."""
    aim = share * running[..., -1:]
    at = (running >= np.ceil(aim).astype(np.int64)).argmax(-1)  # whole numbers: three times faster
    upto = np.take_along_axis(running, at[..., None], -1)[..., 0]
    below = np.take_along_axis(running, np.maximum(at - 1, 0)[..., None], -1)[..., 0]
    before = np.where(at > 0, below, 0)
    return np.asarray((first + at + (aim[..., 0] - before) / np.maximum(upto - before, 1)) * BIN)


def _median_and_spread(
    counts: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each histogram's median and its interquartile range in standard deviations.

    One with few entries has median 0 and spread 1: in black frames a hot pixel may be the only
    one of its phase that said anything, and is not its own null.
    """
    running, first = _running(counts)
    seen = running[..., -1] >= FEW_IN_PHASE
    offset = counts.shape[-1] / 2 * BIN
    low, middle, high = (_quantile(running, share, first) for share in (0.25, 0.5, 0.75))
    spread = np.maximum((high - low) / 1.349, LEAST_SPREAD)
    return np.where(seen, middle - offset, 0.0), np.where(seen, spread, 1.0)


def peaks_of(
    scores: NDArray[np.int32],
    null: Null,
    floor: float,
    pool: Executor | None = None,
    apart: int = APART,
    view: int = 0,
    heard: NDArray[np.intp] | None = None,
) -> Peaks:
    """Return every local maximum above the floor, loudest first; `view` is their number.

    Peaks are more than `apart` px from louder ones; at 0 every pixel above the floor is one.
    `heard` are the numbers of the templates that count, all if None.
    """
    height = scores.shape[1]
    heard = np.arange(len(scores)) if heard is None else heard
    bands = 1 if pool is None else BANDS
    edges = [height * band // bands for band in range(bands + 1)]

    def search(band: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        most = 1 << 16
        while True:
            found, values = np.zeros((most, 2), np.int32), np.zeros(most, np.float32)
            number = find_peaks(
                scores,
                null.packed,
                heard,
                floor,
                apart,
                edges[band],
                edges[band + 1],
                found,
                values,
            )
            if number <= most:
                return found[:number], values[:number]
            most = number

    parts = list(map(search, range(bands)) if pool is None else pool.map(search, range(bands)))
    places = np.concatenate([found for found, _ in parts])
    values = np.concatenate([value for _, value in parts])
    order = np.lexsort((places[:, 0], places[:, 1], -values))
    x, y = places[order].T.astype(np.intp)
    return Peaks.of(x, y, values[order], view)

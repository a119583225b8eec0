"""Bad columns and rows: pixels that stand out together along a line, however faint each one is.

Scores are added up along every column and row, and a sum is compared with those of all others of
its length: what all of them share, as the usual pattern of a sensor's columns, is no defect. Never
looks at single pixels, and never sees a photo.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..evidence.evidence import Evidence
from ..evidence.sum_kernels import CLIP, EDGE, REACH
from ..maps.records import Defect, Run
from .hot_or_offset import Limits
from .kinds import heard_in, is_lit, kind_of, only_darks
from .line_kernels import add_along
from .null import BANDS, medians_of
from .settings import DetectionSettings
from .views import View

SEGMENTS, SHORTEST = 24, 16  # along a line at most, and px of one at least
FEWEST_SEGMENTS = 3  # of a bad stretch: an edge of what is in many photos may be shorter
AROUND = 32  # lines whose usual sum is taken off: of light that fell off toward an edge
SAMPLE = 1500  # lines from which the usual deviation of sums is taken
LOUD = 10.0  # deviations from which a line is bad; those of sound sensors stayed below 6.5
FEW = 50  # sound lines below which nothing is said of bad ones
TAIL = 0.1  # share of the lines whose deviations tell how many false ones to expect
LINES_WITHIN, EXPLAINED = (
    8,
    0.8,
)  # lines beside a bad one that it explains, where less than so loud
LOBES = 3  # lines beside a blazing one that may be as loud
FARTHER, NEARLY = 2.0, 0.6  # times what a line departs by, and its loudness, to be its lobe
SHOWS_BESIDE = 4.0  # deviations from which a line beside a bad one is left out with it
# Mean of what a pixel of the line says, in photos that say all they can: the edge of a building
# that lies along a column in one photo says no more than that one can.
FEWEST_PHOTOS = 1.5
MOSTLY = 0.5  # share of photos and pixels that must show a line for its strength to be told
PASSING = 0.5  # share of a line's loudness: where the one beside it is so loud, stars drift by

Mask = NDArray[np.bool_]
Along = Literal["row", "column"]


@dataclass(frozen=True, slots=True)
class Line:
    """A stretch of a column or row that stands out as one."""

    along: Along
    at: int
    first: int
    last: int  # inclusive
    told: NDArray[np.float64]  # (templates,), deviations, signed; 0 of one that is not heard
    covers: tuple[int, ...]  # lines that show it, its own among them
    reach: int  # px beyond its ends that may show it
    alike: float  # share of its loudness that a line within REACH has

    @property
    def score(self) -> float:
        """Return how far it stands out, in deviations."""
        return float(np.abs(self.told).max())

    def places(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the x and y of its pixels."""
        along = np.arange(self.first, self.last + 1)
        across = np.full_like(along, self.at)
        return (across, along) if self.along == "column" else (along, across)

    def defect(self, evidence: Evidence, limits: Limits | None) -> Defect:
        """Return it as an entry of a map."""
        told = self.told
        x, y = self.places()
        middle = int(x[x.size // 2]), int(y[y.size // 2])
        shown = abs(int(evidence.shown[y, x].sum()))
        strength = None  # of a faint line it would be that of its loudest photos alone
        if shown >= MOSTLY * evidence.scenes * x.size:
            excess = float(evidence.excess[y, x].sum()) / evidence.rules.counts
            strength = excess / shown * evidence.white / evidence.rules.levels
        kind = evidence.templates[int(np.abs(told).argmax())].kind or kind_of(
            told, strength or 0.0, always=False, lit=is_lit(evidence, *middle), limits=limits
        )
        run = Run(self.along, self.first, self.last)
        return Defect(x=int(x[0]), y=int(y[0]), kind=kind, strength=strength, run=run)


@dataclass(frozen=True, slots=True)
class Lines:
    """The bad columns and rows of a sensor, loudest first, and how many of them may be false."""

    found: tuple[Line, ...] = ()
    expected: tuple[float, ...] = ()  # false ones at least as loud as each

    def covered(self, shape: tuple[int, int]) -> Mask:
        """Return the pixels that show any of them, (height, width)."""
        mask = np.zeros(shape, np.bool_)
        for line in self.found:
            lines = mask.T if line.along == "column" else mask
            lines[
                list(line.covers), max(line.first - line.reach, 0) : line.last + line.reach + 1
            ] = True
        return mask


def lines_of(
    evidence: Evidence, view: View, settings: DetectionSettings, pool: Executor | None = None
) -> Lines:
    """Return the bad columns and rows that a view of all photos shows."""
    heard = heard_in(evidence)
    found: list[tuple[float, Line]] = []
    if min(view.null.masked.shape) <= 2 * AROUND:
        return Lines()
    reach = max(evidence.rules.found_within, REACH)
    for sums in _sums_of(evidence, view, heard, pool):
        deviations = _Deviations.of(sums)
        for at in deviations.standing_out(_lines_in(evidence.excess, sums.along)):
            line = deviations.line(at, view, heard, reach)
            if _is_steady(evidence, view, line, settings.minimum_effect):
                found.append((deviations.expected(line.score), line))
    found.sort(key=lambda each: -each[1].score)
    return Lines(tuple(line for _, line in found), tuple(false for false, _ in found))


@dataclass(frozen=True, slots=True)
class _Sums:
    """The scores along each line, added up by segment."""

    along: Along
    scores: NDArray[np.float32]  # (templates heard, segments, lines)
    pixels: NDArray[np.float32]  # (segments, lines) that count
    edges: NDArray[np.intp]  # px where segments begin, and where the last one ends


def _sums_of(
    evidence: Evidence, view: View, heard: NDArray[np.intp], pool: Executor | None
) -> tuple[_Sums, _Sums]:
    """Return the sums of columns and of rows; with a pool each thread takes a band of rows."""
    height, width = view.null.masked.shape
    down, across = (max(-(-length // SEGMENTS), SHORTEST) for length in (height, width))
    columns = np.zeros((heard.size + 1, max(height // down, 1), width), np.float32)
    rows = np.zeros((heard.size + 1, height, max(width // across, 1)), np.float32)
    bands = min(BANDS, columns.shape[1])
    edges = [columns.shape[1] * band // bands * down for band in range(bands)] + [height]
    sums = columns[:-1], rows[:-1], columns[-1], rows[-1]

    def add(band: int) -> None:
        limits = edges[band], edges[band + 1]
        add_along(evidence.scores, view.null.packed, heard, down, across, *limits, *sums)

    list((map if pool is None else pool.map)(add, range(bands)))
    rows = np.ascontiguousarray(rows.transpose(0, 2, 1))
    return (
        _Sums("column", columns[:-1], columns[-1], _edges(columns.shape[1], down, height)),
        _Sums("row", rows[:-1], rows[-1], _edges(rows.shape[1], across, width)),
    )


def _lines_in(sums: NDArray[np.signedinteger], along: Along) -> NDArray[np.signedinteger]:
    """Return sums, (height, width), as (lines, pixels)."""
    return sums.T if along == "column" else sums


def _edges(segments: int, size: int, length: int) -> NDArray[np.intp]:
    return np.append(np.arange(segments) * size, length)


@dataclass(frozen=True, slots=True)
class _Deviations:
    """How far the sums along each line depart from those of other lines, over any stretch."""

    running: NDArray[np.float64]  # (templates, segments + 1, lines), less the lines around
    counted: NDArray[np.float64]  # (segments + 1, lines), pixels
    usual: NDArray[np.float64]  # (templates, segments + 1): of a stretch of so many segments
    sums: _Sums
    loudest: NDArray[np.float64]  # (lines,), signed
    stretch: NDArray[np.intp]  # (2, lines): the segments that it is loudest in, end exclusive

    @classmethod
    def of(cls, sums: _Sums) -> _Deviations:
        """Return the deviations of the sums along each line."""
        templates, segments, lines = sums.scores.shape
        start = np.zeros((templates + 1, 1, lines))
        both = np.concatenate([_less_around(sums.scores), sums.pixels[None]])
        running = np.concatenate([start, both.cumsum(axis=1)], axis=1)
        usual = np.ones((templates, segments + 1))
        found = cls(
            running[:-1], running[-1], usual, sums, np.zeros(lines), np.zeros((2, lines), np.intp)
        )
        some = slice(EDGE, lines - EDGE, max(lines // SAMPLE, 1))
        for length in range(1, segments + 1):
            starts = range(segments + 1 - length)
            told = np.stack([found.told(start, start + length, some) for start in starts])
            sizes = np.abs(told).swapaxes(0, 1).reshape(templates, -1)
            usual[:, length] = 1.4826 * medians_of(sizes, ~np.isnan(sizes))
        found._look_for_stretches()
        return found

    def _look_for_stretches(self) -> None:
        for first, end in combinations(range(self.running.shape[1]), 2):
            if end - first < FEWEST_SEGMENTS:
                continue
            told = np.nan_to_num(self.told(first, end))
            high, low = told.max(axis=0), told.min(axis=0)
            most = np.where(high >= -low, high, low)
            louder = np.abs(most) > np.abs(self.loudest)
            self.loudest[louder] = most[louder]
            self.stretch[:, louder] = [[first], [end]]

    def told(self, first: int, end: int, some: slice = slice(None)) -> NDArray[np.float64]:
        """Return what a stretch of each line says, (templates, lines), signed.

        Not a number where less than half of it counts.
        """
        between = self.running[:, end, some] - self.running[:, first, some]
        pixels = self.counted[end, some] - self.counted[first, some]
        enough = 2 * pixels >= self.sums.edges[end] - self.sums.edges[first]
        root = np.sqrt(np.where(enough, pixels, np.nan))
        return np.asarray(between / root / self.usual[:, end - first, None])

    def standing_out(self, excess: NDArray[np.signedinteger]) -> list[int]:
        """Return the lines that stand out, loudest first, without those that others explain.

        `excess`, (lines, pixels), is what each pixel departs by. The outermost lines are left:
        cameras end their pictures in ways of their own.
        """
        lines = self.loudest.size
        found: list[int] = []
        for at in np.argsort(-np.abs(self.loudest), kind="stable").tolist():
            if abs(self.loudest[at]) < LOUD:
                break
            if EDGE <= at < lines - EDGE and not any(self._explains(one, at) for one in found):
                found.append(self._settled(at, excess))
        return list(dict.fromkeys(found))

    def _settled(self, at: int, excess: NDArray[np.signedinteger]) -> int:
        """Return the line beside one that departs most, unfiltered.

        What a photo says is clipped, so that a line that blazes and its lobes are as loud.
        """
        pixels = slice(*self.sums.edges[self.stretch[:, at]])
        near = np.arange(max(at - LOBES, EDGE), min(at + LOBES + 1, self.loudest.size - EDGE))
        departs = np.abs(excess[near, pixels].sum(axis=1, dtype=np.int64))
        best = int(departs.argmax())
        farther = departs[best] > FARTHER * departs[near == at].item()
        nearly = abs(self.loudest[near[best]]) > NEARLY * abs(self.loudest[at])
        return int(near[best]) if farther and nearly else at

    def line(self, at: int, view: View, heard: NDArray[np.intp], reach: int) -> Line:
        """Return a line that stands out, from its first to its last pixel."""
        first, end = self.stretch[:, at].tolist()
        all_told = self.told(first, end)
        told = all_told[:, at]
        loudest = int(np.abs(told).argmax())
        edges, along = self.sums.edges, self.sums.along
        pixels = np.arange(edges[max(first - 1, 0)], edges[min(end + 1, edges.size - 1)])
        across = np.full_like(pixels, at)
        places = (across, pixels) if along == "column" else (pixels, across)
        profile = view.around_all(*places, 0)[:, heard[loudest], 0, 0]
        by_template = np.zeros(len(view.templates))
        by_template[heard] = told
        start, stop = _loudest_stretch(np.clip(profile * np.sign(told[loudest]), -CLIP, CLIP))
        start = 0 if pixels[start] < SHORTEST else start
        stop = pixels.size - 1 if pixels[stop] >= edges[-1] - SHORTEST else stop
        beside = range(max(at - reach, 0), min(at + reach + 1, all_told.shape[1]))
        near = [at + step for step in range(-REACH, REACH + 1) if step]
        alike = np.nan_to_num(all_told[loudest, near] / told[loudest])
        covers = [x for x in beside if (np.abs(all_told[:, x]) >= SHOWS_BESIDE).any()]
        ends = int(pixels[start]), int(pixels[stop])
        return Line(along, at, *ends, by_template, tuple(covers), reach, float(alike.max()))

    def expected(self, score: float) -> float:
        """Return how many false lines at least so loud to expect: an exponential tail."""
        loud = (
            np.convolve(np.abs(self.loudest) >= LOUD, np.ones(2 * LINES_WITHIN + 1), mode="same")
            > 0
        )
        loud[:EDGE] = loud[-EDGE:] = True
        quiet = np.abs(self.loudest[~loud])
        if quiet.size < FEW:
            return float(self.loudest.size)
        start = float(np.quantile(quiet, 1 - TAIL))
        above = float(np.mean(quiet[quiet > start] - start)) if (quiet > start).any() else 1.0
        return float(TAIL * self.loudest.size * np.exp(-(score - start) / above))

    def _explains(self, line: int, at: int) -> bool:
        """Return whether a louder line explains one beside it, as a lobe or a smear of its own."""
        (first, end), (start, stop) = self.stretch[:, line], self.stretch[:, at]
        alike = self.loudest[at] / self.loudest[line]
        return abs(at - line) <= LINES_WITHIN and first < stop and start < end and alike < EXPLAINED


def _less_around(sums: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return sums less the median of the AROUND lines that each is one of."""
    lines = sums.shape[2]
    parts = np.array_split(np.arange(lines), max(lines // AROUND, 1))
    less = [sums[..., part] - np.median(sums[..., part], axis=2, keepdims=True) for part in parts]
    return np.concatenate(less, axis=2, dtype=np.float64)


def _loudest_stretch(told: NDArray[np.float64]) -> tuple[int, int]:
    """Return the first and last place of the stretch that stands out most of a line.

    >>> _loudest_stretch(np.array([0.1, -0.2, 1.1, 0.9, 1.3, 0.0]))
    (2, 4)
    """
    typical = float(np.sort(told)[told.size // 2 :].mean())
    gain = told - typical / 2
    running = np.concatenate([[0.0], gain.cumsum()])
    lowest = np.minimum.accumulate(running[:-1])
    last = int((running[1:] - lowest).argmax())
    return int(running[: last + 1].argmin()), last


def _is_steady(evidence: Evidence, view: View, line: Line, effect: float) -> bool:
    """Return whether many photos show a line, each as much as it should, and nothing passes by."""
    x, y = line.places()
    told = np.abs(view.told(x, y).sum(axis=1)) * (line.told != 0)
    full = view.full(x, y).sum(axis=1)
    if x.size < 2 * SHORTEST or told.max() < FEWEST_PHOTOS * CLIP**2 * x.size:
        return False
    loudest = int(np.abs(line.told).argmax())
    if told[loudest] * CLIP < effect * full[loudest]:
        return False
    if evidence.rules.toned or only_darks(evidence):
        return True
    return line.alike < PASSING

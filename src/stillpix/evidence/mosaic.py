"""What is particular to sensor mosaics: which photosites share a colour, and how their noise grows.

Looks at one photo at a time and never adds anything up.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cache
from math import gcd
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ..frame import XTRANS, Frame, Layout, Sensor
from .mosaic_kernels import (
    DARK_LIMIT,
    LIMIT,
    PER_WHITE,
    SHOWS,
    accumulate_mosaic,
    show_mosaic,
)
from .rules import AddRows, Pass, Rules, ShowRows, Sums, continued, groups_of, padded, spread_of
from .sum_kernels import PAD
from .templates import Template, factors_of, weights_of

Sites: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

# Decoys move by multiples of the grid, and its cells are the strata: a multiple of the colour
# pattern and of the blocks. Bayer columns are often read out by twos, fours, eights or sixteens.
GRID, XTRANS_GRID = 16, 12  # px
STRIP, XTRANS_STRIP = 64, 60  # rows in a strip of decoys: a multiple of the grid
# Grey levels that a tone curve makes of all the light up to white, were it everywhere as steep as
# at 7 % of white, a mosaic's usual level: 255 * 0.4545 * 0.07^-0.5455.
LEVELS_OF_WHITE = 500.0
FULL = 0.95  # of white, above which nothing is said
HALF = 0.5  # of white: values that end below it may be of fewer bits than their file
FULL_SHARE, FEWEST_FULL = 1e-3, 20  # of a photo's photosites: so many at its largest value are full
DIM = 1 / 128  # of white, below which light is taken for so much: its share of noise is unknown
SAMPLES = 20_000  # photosites from which a photo's noise is taken
GROUPS = 16  # of equal size, in which they are put by their level
QUIET = 0.2  # share of a group: its places whose neighbours are most alike
_CROSS = np.array([(0, -1), (0, 1), (-1, 0), (1, 0)])  # x, y to the photosites beside one
FLAT_SIGMAS, FLAT_SHARE = 1.2, 0.01  # below which structure is noise, or uneven sensitivity
_LEAST_VARIANCE = 0.1  # DN^2: rounding alone makes 1/12
# What several steps ask of a photo while it is there: a fifth of the work of a find, each time.
_noise_by_frame: WeakKeyDictionary[Frame, tuple[float, float, float]] = WeakKeyDictionary()


class MosaicRules(Rules):
    """How a sensor's own values are judged: linear light, one value a photosite."""

    levels, says, counts = LEVELS_OF_WHITE, DARK_LIMIT, PER_WHITE / LEVELS_OF_WHITE
    toned, spreads, shows = False, False, float(SHOWS)
    bursts, found_within, stretches_s = True, 0, (360.0, 45.0)

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.grid, self.strip = grid_of(layout), strip_of(layout)
        self.period = period_of(layout)
        self.pitch = max(2, self.period)

    def likeness(self, frame: Frame) -> tuple[Any, ...]:
        """Return what photos must have in common: their levels are part of each one's curve."""
        return frame.pixels.dtype.str, frame.phase, frame.dark

    def adder(self, photos: Pass, pool: Executor | None) -> AddRows:
        """Return what adds rows of some photos to the sums."""
        frames = photos.frames
        curves = np.stack(list((map if pool is None else pool.map)(curve_of, frames)))
        factors = factors_of([frame.exposure for frame in frames], photos.templates)
        factors *= [scales_of(frame, photos.templates) for frame in frames]
        known = (
            padded(frames, pool), len(frames), curves, factors.astype(np.float32),
            weights_of(photos.templates), photos.turns,
            pattern_of(self.layout, frames[0].phase, dark=frames[0].dark),
            (self.strip, photos.thin), judged(frames[0].sensor), *groups_of(photos),
        )  # fmt: skip

        def add(first: int, last: int, sums: Sums) -> None:
            accumulate_mosaic(*known, first, last, *sums.values())

        return add

    def shower(self, frame: Frame) -> ShowRows:
        """Return what counts in rows what a repeat clearly shows, and adds up nothing else."""
        known = (
            continued(frame), curve_of(frame),
            pattern_of(self.layout, frame.phase, dark=frame.dark),
            judged(frame.sensor),
        )  # fmt: skip

        def show(first: int, last: int, shown: NDArray[np.int16]) -> None:
            show_mosaic(*known, first, last, shown)

        return show

    def flat_below(self, frame: Frame, samples: NDArray[np.float32]) -> tuple[float, float]:
        """Return what noise leaves in the middle of nine values, and uneven sensitivity."""
        slope, zero, least = noise_of(frame)
        level = float(np.median(samples)) + frame.black
        return FLAT_SIGMAS * max(slope * level + zero, least) ** 0.5, FLAT_SHARE

    def measure(self, frame: Frame, at: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return what a photo says at places: the linear light's, as `said_of` does."""
        return said_of(frame, at)


def grid_of(layout: Layout) -> int:
    """Return the side in px of the cells that decoys and strata keep.

    >>> grid_of("rendered"), grid_of("bayer-RGGB"), grid_of("xtrans")
    (16, 16, 12)
    """
    return XTRANS_GRID if layout == "xtrans" else GRID


def strip_of(layout: Layout) -> int:
    """Return the height in px of a strip of decoys: a multiple of the grid."""
    return XTRANS_STRIP if layout == "xtrans" else STRIP


def period_of(layout: Layout) -> int:
    """Return how many px along a row or column the same colours come again.

    >>> period_of("bayer-GBRG"), period_of("mono")
    (2, 1)
    """
    return 6 if layout == "xtrans" else 2 if layout.startswith("bayer") else 1


def colours_differ(layout: Layout) -> bool:
    """Return whether photosites side by side are of other colours: then they tell texture.

    >>> colours_differ("xtrans"), colours_differ("mono")
    (True, False)
    """
    return layout != "mono"


def judged(sensor: Sensor) -> tuple[int, int, int, int]:
    """Return the left, top, right and bottom edge of what is judged: the visible area.

    >>> judged(Sensor("a", "b", "c", 100, 80, "mono", visible=(8, 0, 92, 80)))
    (8, 0, 100, 80)
    """
    x, y, width, height = sensor.visible_area
    return x, y, x + width, y + height


@cache
def neighbours(layout: Layout, phase: tuple[int, int] = (0, 0)) -> tuple[Sites, Sites]:
    """Return the steps (dy, dx) to the nearest photosites of the same colour, and their number.

    Shapes (rows, columns, 8, 2) and (rows, columns) for the rows and columns of the pattern that
    differ. They are four opposite pairs; red and blue of X-Trans have no near pair but a pentagon
    of five, whose mean is at its middle, too. `phase` is where (x, y) an X-Trans pattern begins.

    >>> steps, numbers = neighbours("bayer-GRBG")
    >>> steps.shape, numbers.tolist(), steps[0, 0, 0].tolist()
    ((1, 1, 8, 2), [[8]], [-2, -2])
    """
    if layout != "xtrans":
        reach = 1 if layout == "mono" else 2
        square = [(dy, dx) for dy in (-reach, 0, reach) for dx in (-reach, 0, reach)]
        return np.array([[[step for step in square if step != (0, 0)]]]), np.array([[8]])
    steps, numbers = np.zeros((6, 6, 8, 2), np.int64), np.zeros((6, 6), np.int64)
    for y in range(6):
        for x in range(6):
            near = _near(y - phase[1], x - phase[0])
            steps[y, x, : len(near)], numbers[y, x] = near, len(near)
    return steps, numbers


def pattern_of(
    layout: Layout, phase: tuple[int, int] = (0, 0), *, dark: bool = False
) -> tuple[Sites, Sites, bool]:
    """Return what the kernels must know of a pattern: its neighbours, and whether colours differ.

    Colours tell texture, of which dark frames have none: broken photosites of other colours would
    be taken for it.

    >>> [part if isinstance(part, bool) else part.shape for part in pattern_of("mono")]
    [(1, 1, 8, 2), (1, 1), False]
    """
    return *neighbours(layout, phase), colours_differ(layout) and not dark


def _near(y: int, x: int) -> list[tuple[int, int]]:
    """Return the steps to the nearest four opposite pairs within 2 px, or to the pentagon."""
    colour = XTRANS[y % 6][x % 6]
    square = [(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3) if (dy, dx) != (0, 0)]
    same = [(dy, dx) for dy, dx in square if XTRANS[(y + dy) % 6][(x + dx) % 6] == colour]
    if len(same) == 5:
        return same
    halves = sorted(
        (dy * dy + dx * dx, dy, dx) for dy, dx in same if (dy, dx) > (0, 0) and (-dy, -dx) in same
    )
    return [(sign * dy, sign * dx) for _, dy, dx in halves[:4] for sign in (1, -1)]


def noise_of(frame: Frame) -> tuple[float, float, float]:
    """Return how the noise's variance depends on DN: a, b and the least, of a DN + b, in DN^2.

    The photon transfer curve (J. R. Janesick, Photon Transfer, SPIE 2007), from one photo. At each
    level, places whose neighbours are alike are free of texture; how far the photosite in their
    middle departs does not depend on how alike they are, and is noise. Taken once a frame.
    """
    known = _noise_by_frame.get(frame)
    if known is None:
        known = _noise_by_frame[frame] = _measured_noise(frame)
    return known


def _measured_noise(frame: Frame) -> tuple[float, float, float]:
    level, difference, spread = _differences(frame)
    usable = level < 0.9 * full_of(frame)
    level, difference, spread = level[usable], np.abs(difference[usable]), spread[usable]
    if level.size < 10 * GROUPS:
        return 1e-3, 1.0, 1.0
    order = np.argsort(level, kind="stable")
    at, variance = np.zeros(GROUPS), np.zeros(GROUPS)
    for number, group in enumerate(np.array_split(order, GROUPS)):
        quiet = group[spread[group] <= np.quantile(spread[group], QUIET)]
        at[number] = level[quiet].mean()
        variance[number] = max((1.4826 * np.median(difference[quiet])) ** 2, _LEAST_VARIANCE)
    slope, middle, mean = _line(at, variance)
    slope = max(slope, 1e-3 * mean**0.5)  # a curve that hardly bends, not none
    zero = mean - slope * middle
    darkest = float(level[order[level.size // 500]])
    least = max(slope * darkest + zero, float(variance[0]) / 2, _LEAST_VARIANCE)
    return _rounded(slope), _rounded(zero), _rounded(least)


def full_of(frame: Frame) -> float:
    """Return the DN at which photosites are full: white, or less where the photo shows so.

    Values of 12 bits in a file of 16 end at 4095, far below white: where light is too much, many
    photosites hold just that.

    >>> from stillpix.frame import Exposure
    >>> sensor = Sensor("a", "b", "c", 100, 80, "mono")
    >>> pixels = np.arange(8000, dtype=np.uint16).reshape(80, 100)
    >>> [full_of(Frame(np.minimum(pixels, most), sensor, Exposure(), "a", "1", 65535))
    ...     for most in (4095, 8000)]
    [4095.0, 65535.0]
    """
    step = max(int((frame.pixels.size / SAMPLES) ** 0.5), 1) | 1  # odd: meets all colours
    values = frame.pixels[::step, ::step]
    most = float(values.max())
    if most >= HALF * frame.white:
        return float(frame.white)
    ends = np.count_nonzero(values == most) > max(FULL_SHARE * values.size, FEWEST_FULL)
    return most if ends else float(frame.white)


def _differences(frame: Frame) -> tuple[Floats, Floats, Floats]:
    """Return, here and there, the neighbours' mean, the difference from it, and their range."""
    left, top, width, height = frame.sensor.visible_area
    wanted = max(int((width * height / SAMPLES) ** 0.5), 1)
    step = next(step for step in range(wanted, 0, -1) if gcd(step, 6) == 1)  # meets all colours
    rows, columns = slice(2 + top, top + height - 2, step), slice(2 + left, left + width - 2, step)
    here, around, number = _with_neighbours_at(frame, rows, columns)
    # The order of adding is part of the result where values are floats.
    four = around[::2] + around[1::2]
    sums = (four[0] + four[1]) + (four[2] + four[3])
    mean = (sums - (8 - number) * around[0]) / number
    difference = (here - mean) / np.sqrt(1 + 1 / number)
    return mean.ravel(), difference.ravel(), (around.max(0) - around.min(0)).ravel()


def _with_neighbours_at(
    frame: Frame, rows: slice, columns: slice
) -> tuple[NDArray[Any], Floats, Sites]:
    """Return values of photosites, those of eight neighbours each, and how many these really are.

    Shapes (rows, columns), (8, rows, columns), and one that is broadcast to the first.
    """
    sites, numbers = neighbours(frame.sensor.layout, frame.phase)
    pixels = frame.pixels
    if numbers.size == 1:  # all have the same neighbours: views do
        parts = [pixels[_moved(rows, dy), _moved(columns, dx)] for dy, dx in [(0, 0), *sites[0, 0]]]
        return parts[0], np.stack(parts[1:]).astype(np.float64), numbers
    y = np.arange(rows.start, rows.stop, rows.step)[:, None]
    x = np.arange(columns.start, columns.stop, columns.step)[None, :]
    place = y % numbers.shape[0], x % numbers.shape[1]
    number, at = numbers[place], y * pixels.shape[1] + x
    steps = sites[..., 0] * pixels.shape[1] + sites[..., 1]
    flat = pixels.ravel()
    around = np.stack([flat[at + steps[..., each][place]] for each in range(8)])
    around = np.where(np.arange(8)[:, None, None] < number, around, around[0]).astype(np.float64)
    return flat[at], around, number


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, max(part.stop + by, 0), part.step)


def _line(at: Floats, variance: Floats) -> tuple[float, float, float]:
    """Return slope and middle of a line through the variances, those above it counting less.

    In closed form and rounded later, so that every machine draws the same line.
    """
    weight = 1 / variance**2
    slope = middle = mean = 0.0
    for _ in range(8):
        share = weight / weight.sum()
        middle, mean = float((share * at).sum()), float((share * variance).sum())
        across = float((share * (at - middle) ** 2).sum())
        slope = float((share * (at - middle) * variance).sum()) / across if across > 0 else 0.0
        expected = np.maximum(mean + slope * (at - middle), _LEAST_VARIANCE)
        weight = np.where(variance > 1.15 * expected, 0.1, 1.0) / expected**2
    return slope, middle, mean


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")


def curve_of(frame: Frame) -> NDArray[np.float32]:
    """Return what the kernels must know of one photo's DN, (10,), in the order that they take.

    With the variance a DN + b, 2 / a times its root has noise of 1 everywhere (F. J. Anscombe,
    Biometrika 35, 1948). Below the DN where the variance is at its least the curve goes on
    straight.
    """
    slope, zero, least = noise_of(frame)
    bend = (least - zero) / slope
    span, black, full = max(frame.white - frame.black, 1), frame.black, full_of(frame)
    per_count = PER_WHITE / frame.white
    bright, limit = black + FULL * (full - black), DARK_LIMIT if frame.dark else LIMIT
    curve = [2 / slope, slope, zero, least, bend, black, DIM * span, bright, per_count, limit]
    return np.array(curve, np.float32)


def scales_of(frame: Frame, templates: Sequence[Template]) -> Floats:
    """Return what the templates' factors are multiplied by: those of the slope to DN."""
    span = max(frame.white - frame.black, 1)
    own = np.array([template.in_mosaic for template in templates])
    return own * [span if template.weight == "slope" else 1 for template in templates] / 255


def said_of(frame: Frame, at: Sites) -> NDArray[np.float32]:
    """Return what one photo says at some photosites, (places, 5), without limits.

    `at` is (places, 2), x and y; all are NaN outside what is judged. The residual in sigmas, one
    grey level over sigma, eight times the light over sigma, the light, as a share of white (0..1),
    and the excess over the prediction in grey levels: of white, linear, in 255 parts. The second
    and third are 0 near white.
    """
    said = np.full((len(at), 5), np.nan, np.float32)
    left, top, right, bottom = judged(frame.sensor)
    inside = ((at >= (left, top)) & (at < (right, bottom))).all(1)
    x, y = at[inside].T
    if not inside.any():  # the noise of a whole photo is not looked for in vain
        return said
    curve, span = _Curve(*noise_of(frame)), max(frame.white - frame.black, 1)
    wide = replace(frame, pixels=continued(frame))
    x, y = x + PAD, y + PAD
    values, _, number = _with_neighbours(wide, x, y)
    departs, beside = _departs(wide, curve, x, y), _steps(wide, x, y)
    expected = curve.back(curve.stable(values) - departs)
    own = np.abs(_departs(wide, curve, x[:, None] + beside[..., 1], y[:, None] + beside[..., 0]))
    spread = spread_of(own * (np.arange(8) < number[:, None]), number)
    sigma = curve.noise(expected) * np.sqrt(spread**2 + 1)
    grey, light = sigma * 255 / span, (expected - frame.black) / span
    usable = expected - frame.black <= FULL * (full_of(frame) - frame.black)
    said[inside] = np.stack(
        [
            departs / np.sqrt(spread**2 + 1), usable / grey,
            usable * 8 * np.maximum(light, DIM) / grey, light, (values - expected) * 255 / span,
        ], 1,
    )  # fmt: skip
    return said


@dataclass(frozen=True, slots=True)
class _Curve:
    """How the variance of a photo's noise grows: slope DN + zero, at least `least`; DN^2."""

    slope: float
    zero: float
    least: float

    def noise(self, dn: Floats) -> Floats:
        return np.asarray(np.sqrt(np.maximum(self.slope * dn + self.zero, self.least)))

    def stable(self, dn: Floats) -> Floats:
        flat = self.least**0.5
        straight = np.minimum(dn - (self.least - self.zero) / self.slope, 0.0) / flat
        return np.asarray(2 / self.slope * (self.noise(dn) - flat) + straight)

    def back(self, units: Floats) -> Floats:
        flat = self.least**0.5
        root = np.maximum(units, 0) * self.slope / 2 + flat
        return np.asarray((root**2 - self.zero) / self.slope + np.minimum(units, 0) * flat)


def _departs(frame: Frame, curve: _Curve, x: Sites, y: Sites) -> Floats:
    """Return by how many sigmas some places depart from what their neighbours predict, (...)."""

    def rough(x: Sites, y: Sites) -> Floats:
        values, around, number = _with_neighbours(frame, x, y)
        return np.asarray(curve.stable(values) - _trimmed(curve.stable(around), number))

    if frame.dark or not colours_differ(frame.sensor.layout):
        return rough(x, y)
    beside = rough(x[..., None] + _CROSS[:, 0], y[..., None] + _CROSS[:, 1])
    _, low, high, _ = np.moveaxis(np.sort(beside, axis=-1), -1, 0)
    common = np.maximum(low, 0) + np.minimum(high, 0)
    return np.asarray(rough(x, y) - common**3 / (common**2 + 1))


def _steps(frame: Frame, x: Sites, y: Sites) -> Sites:
    """Return the steps (dy, dx) to each place's neighbours, (..., 8, 2)."""
    sites, numbers = neighbours(frame.sensor.layout, frame.phase)
    steps: Sites = sites[y % numbers.shape[0], x % numbers.shape[1]]
    return steps


def _with_neighbours(frame: Frame, x: Sites, y: Sites) -> tuple[Floats, Floats, Sites]:
    """Return the DN of some places, (...), of their neighbours, (..., 8), and how many they are."""
    _, numbers = neighbours(frame.sensor.layout, frame.phase)
    steps = _steps(frame, x, y)
    around = frame.pixels[y[..., None] + steps[..., 0], x[..., None] + steps[..., 1]]
    number = numbers[y % numbers.shape[0], x % numbers.shape[1]]
    return frame.pixels[y, x].astype(np.float64), around.astype(np.float64), number


def _trimmed(around: Floats, number: Sites) -> Floats:
    """Return the mean of the first `number` without the largest and the smallest."""
    counted = np.arange(around.shape[-1]) < number[..., None]
    most = np.where(counted, around, -np.inf).max(-1)
    least = np.where(counted, around, np.inf).min(-1)
    return np.asarray(((around * counted).sum(-1) - most - least) / (number - 2))

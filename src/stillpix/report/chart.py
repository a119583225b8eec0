"""How far a pixel stands from its neighbours, photo by photo, with exposure and level, as SVG.

Draws what it is given, and never decides anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor, log10

import numpy as np
from numpy.typing import NDArray

from ..frame import Exposure
from ..wording import counted, exposure_time
from .choosing import charge
from .looks import CLEARLY, Looks
from .markup import Markup, joined, tag

WIDE, LEFT, RIGHT = 440.0, 64.0, 8.0  # units; text is 13
MOST_POINTS = 240  # photos drawn, evenly over all
LEAST_SPAN = 8.0  # grey levels that the axis spans at least
TAILS = 1.0  # % of the values at either end that may lie at the edge

# What is drawn over what; a hollow point is a smaller one within another.
LAYERS = (("cannot", "cannot"), ("not", "not"), ("not", "inner"), ("shows", "shows"))

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Panel:
    """One strip of the chart: where it stands, and what its ends mean."""

    top: float
    height: float
    low: float
    high: float

    @property
    def ends(self) -> tuple[float, float]:
        """Return the values at the bottom and at the top."""
        return self.low, self.high

    def y(self, value: float) -> float:
        """Return where a value is drawn; those beyond the ends are at the ends.

        >>> Panel(top=10.0, height=100.0, low=0.0, high=50.0).y(25.0)
        60.0
        """
        share = (value - self.low) / (self.high - self.low)
        return self.top + self.height * (1 - min(max(share, 0.0), 1.0))


def drawn(looks: Looks, sign: int, since: tuple[date, date] | None) -> Markup:
    """Return the chart of one place; `looks` is of that place only, and of at least one photo."""
    looks = _thin_out(looks)
    excess, level = looks.excess[:, 0], looks.level[:, 0]
    charges = _charges(looks.exposures)
    states = _states(looks, sign)
    above = Panel(22, 116, *_ends(excess))
    exposure = Panel(178, 44, *_apart(charges))
    bright = Panel(262, 44, 0.0, 1.0)
    x = LEFT + (np.arange(len(excess)) + 0.5) / len(excess) * (WIDE - LEFT - RIGHT)
    parts = [
        *_began(looks.exposures, x, since),
        *_axis_of_excess(above),
        *_axis(exposure, "exposure time × ISO/100", [_seconds(v) for v in exposure.ends]),
        *_axis(bright, "brightness around it", ["0 %", "100 %"]),
        *(_points(above, x, excess, states == state, kind) for state, kind in LAYERS),
        _points(exposure, x, charges, ~np.isnan(charges), "other"),
        _points(bright, x, level, ~np.isnan(level), "other"),
        *_dates(looks.exposures),
    ]
    return tag(
        "svg", *parts, viewBox=f"0 0 {WIDE:g} 336", class_="chart", role="img",
        aria_label="Value against neighbours, exposure and brightness, photo by photo",
    )  # fmt: skip


def said(looks: Looks, sign: int) -> str:
    """Return the chart in a sentence."""
    states = _states(looks, sign)
    shows = states == "shows"
    text = f"Value against neighbours in {counted(len(states), 'photo')}: "
    text += f"{np.count_nonzero(shows)} clearly show it"
    if shows.any():
        text += f", by {np.median(looks.excess[shows, 0]):+.0f} grey levels (median)"
    return text + f"; {np.count_nonzero(states == 'cannot')} cannot tell."


def _states(looks: Looks, sign: int) -> NDArray[np.str_]:
    clear = looks.sigmas[:, 0] * sign >= CLEARLY
    return np.where(looks.usable[:, 0], np.where(clear, "shows", "not"), "cannot")


def _thin_out(looks: Looks) -> Looks:
    photos = len(looks.digests)
    if photos <= MOST_POINTS:
        return looks
    kept = np.linspace(0, photos - 1, MOST_POINTS).round().astype(int).tolist()
    return Looks(
        tuple(looks.digests[n] for n in kept),
        tuple(looks.exposures[n] for n in kept),
        looks.said[kept],
    )


def _ends(values: Floats) -> tuple[float, float]:
    low, high = np.percentile(values, (TAILS, 100 - TAILS))
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    spare = max(LEAST_SPAN - (high - low), 0.05 * (high - low)) / 2
    return low - spare, high + spare


def _charges(exposures: Sequence[Exposure]) -> Floats:
    """Return the base-2 logarithm of time times gain; NaN where a file does not say how long."""
    return np.array(
        [np.log2(charge(each)) if each.exposure_s is not None else np.nan for each in exposures]
    )


def _apart(values: Floats) -> tuple[float, float]:
    if np.isnan(values).all():
        return 0.0, 1.0
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return (low, high) if high - low > 0.5 else (low - 1, high + 1)


def _seconds(log_charge: float) -> str:
    """Return the base-2 logarithm of time times gain as photographers write it.

    >>> _seconds(-6.0), _seconds(3.0)
    ('1/64 s', '8 s')
    """
    seconds = 2.0**log_charge
    if seconds < 1:
        return exposure_time(1 / float(f"{1 / seconds:.2g}"))
    return exposure_time(float(f"{seconds:.2g}"))


def ticks(low: float, high: float) -> list[float]:
    """Return two to five round values between two ends.

    >>> ticks(-3.0, 47.0)
    [0.0, 20.0, 40.0]
    """
    rough = (high - low) / 4
    power = 10.0 ** floor(log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough)
    return [n * step for n in range(ceil(low / step), floor(high / step) + 1)]


def _axis_of_excess(panel: Panel) -> Iterator[Markup]:
    yield _text(0, 12, "grey levels over the neighbours", "axis")
    for value in ticks(panel.low, panel.high):
        y = panel.y(value)
        yield _line(y, "zero" if value == 0 else "grid")
        yield _text(LEFT - 6, y + 4, f"{value:+g}" if value else "0", "tick")


def _axis(panel: Panel, name: str, ends: Sequence[str]) -> Iterator[Markup]:
    yield _text(0, panel.top - 14, name, "axis")
    for value, end in zip(panel.ends, ends, strict=True):
        yield _line(panel.y(value), "grid")
        yield _text(LEFT - 6, panel.y(value) + 4, end, "tick")


def _dates(exposures: Sequence[Exposure]) -> Iterator[Markup]:
    """Yield the first and the last date below, or how many photos there are without one."""
    known = [exposure.taken.date() for exposure in exposures if exposure.taken]
    first, last = (str(min(known)), str(max(known))) if known else ("first photo", "last")
    yield _text(LEFT, 330, first, "axis")
    if last != first:
        yield _text(WIDE - RIGHT, 330, last, "tick")


def _began(
    exposures: Sequence[Exposure], x: Floats, since: tuple[date, date] | None
) -> Iterator[Markup]:
    """Yield the stretch in which it can have begun, unless that is before the first photo."""
    days = [exposure.taken.date() for exposure in exposures if exposure.taken]
    if since is None or not days or since[0] <= days[0]:
        return
    before = sum(day <= since[0] for day in days) - 1
    after = min(sum(day < since[1] for day in days), len(days) - 1)
    left, right = sorted((float(x[before]), float(x[after])))
    width = max(right - left, 3.0)
    yield tag("rect", class_="began", x=f"{left:.1f}", y="18", width=f"{width:.1f}", height="124")


def _points(panel: Panel, x: Floats, values: Floats, which: NDArray[np.bool_], kind: str) -> Markup:
    """Return points as one path of strokes without length, with round ends."""
    if not which.any():
        return joined()
    places = zip(x[which].tolist(), values[which].tolist(), strict=True)
    steps = "".join(f"M{at:.0f} {panel.y(value):.0f}h0" for at, value in places)
    return tag("path", class_=f"points {kind}", d=steps)


def _line(y: float, kind: str) -> Markup:
    return tag("path", class_=kind, d=f"M{LEFT:g} {y:.1f}H{WIDE - RIGHT:g}")


def _text(x: float, y: float, words: str, kind: str) -> Markup:
    return tag("text", words, x=f"{x:g}", y=f"{y:.0f}", class_=kind)

"""A picture of the sensor with every defect, as SVG.

Shape tells the kind as well as colour does, and fill tells the state. Never opens a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import ceil
from typing import get_args

from ..frame import Sensor
from ..maps.records import Area, Defect, Kind
from ..wording import exposed
from .markup import Markup, joined, tag

WIDE = 1000.0  # units of the drawing across the sensor
EDGE = 14.0  # units around it
SIZE = 22.0  # units a mark is wide
HATCH = 12.0  # units between two strokes over what was left out
# Shapes within -10..10.
SHAPES: dict[Kind, Markup] = {
    "hot": tag("circle", r="8"),
    "offset": tag("path", d="M0-9 9 8H-9z"),
    "bright": tag("path", d="M-3-9H3V-3H9V3H3V9H-3V3H-9V-3H-3z"),
    "stuck": tag("path", d="M-8-8H8V8H-8z"),
    "dead": tag("path", d="M-9-5-5-9 0-4 5-9 9-5 4 0 9 5 5 9 0 4-5 9-9 5-4 0z"),
    "low": tag("path", d="M0 9-9-8H9z"),
    "high": tag("path", d="M0-10 10 0 0 10-10 0z"),
    "dark": tag("path", d="M-10-3H10V3H-10z"),
    "unknown": tag("path", d="M-9-4-4-9H4L9-4V4L4 9H-4L-9 4z"),
}


def symbols() -> Markup:
    """Return the shapes, once for the whole page."""
    shapes = (
        tag("symbol", shape, id=f"kind-{kind}", viewBox="-11 -11 22 22")
        for kind, shape in SHAPES.items()
    )
    return tag("svg", *shapes, class_="symbols", aria_hidden="true", width="0", height="0")


def symbol(defect: Defect) -> Markup:
    """Return one defect's mark beside a text."""
    use = tag("use", href=f"#kind-{defect.kind}")
    return tag(
        "svg", use, class_=f"symbol {marked(defect)}", viewBox="0 0 22 22", aria_hidden="true"
    )


def marked(defect: Defect) -> str:
    """Return the classes that colour and fill a mark."""
    return f"mark {defect.kind} {defect.state}"


def place_of(defect: Defect) -> str:
    """Return where a defect is, as a person would write it.

    >>> from stillpix.maps.records import Run
    >>> place_of(Defect(x=7, y=2)), place_of(Defect(x=7, y=2, run=Run("column", 2, 90)))
    ('7, 2', 'column 7, rows 2 to 90')
    """
    run = defect.run
    if run is None:
        return f"{defect.x}, {defect.y}"
    if run.along == "row":
        return f"row {defect.y}, columns {run.first} to {run.last}"
    return f"column {defect.x}, rows {run.first} to {run.last}"


def brief(defect: Defect) -> str:
    """Return a defect in a line.

    >>> brief(Defect(x=7, y=2, kind="hot", strength=20.94, score=22.6, exposure_s=0.02, gain=4.0))
    '7, 2: hot, candidate, +20.9 grey levels at 1/50 s, ISO 400, score 22.6'
    """
    parts: list[str] = [defect.kind, defect.state]
    if defect.strength is not None:
        conditions = exposed(defect.exposure_s, defect.gain)
        where = f" at {conditions}" if conditions else ""
        parts.append(f"{defect.strength:+.1f} grey levels{where}")
    if defect.score:
        parts.append(f"score {defect.score:.1f}")
    return f"{place_of(defect)}: {', '.join(parts)}"


def drawn(
    sensor: Sensor, defects: Sequence[Defect], links: Sequence[str], label: str,
    left_out: Sequence[Area] = (),
) -> Markup:  # fmt: skip
    """Return the sensor with its defects, each a link to its details; what is left out, hatched."""
    scale = WIDE / sensor.width
    tall = sensor.height * scale
    box = f"{-EDGE:g} {-EDGE:g} {WIDE + 2 * EDGE:g} {tall + 2 * EDGE:.1f}"
    x, y, width, height = (f"{side * scale:.1f}" for side in sensor.visible_area)
    marks = [
        _mark(defect, link, number, scale)
        for number, (defect, link) in enumerate(zip(defects, links, strict=True))
    ]
    return tag(
        "svg",
        tag("rect", class_="sensor", width=f"{WIDE:g}", height=f"{tall:.1f}"),
        _hatched(left_out, scale),
        tag("rect", class_="visible", x=x, y=y, width=width, height=height),
        tag("g", *reversed(marks), class_="marks"),  # the surest are on top
        viewBox=box,
        class_="map",
        role="group",
        aria_label=label,
    )


def _mark(defect: Defect, link: str, number: int, scale: float) -> Markup:
    return tag(
        "a",
        tag("title", brief(defect)),
        _shape(defect, scale),
        href=link,
        class_=marked(defect),
        data_row=str(number),
    )


def _shape(defect: Defect, scale: float) -> Markup:
    x, y, run = (defect.x + 0.5) * scale, (defect.y + 0.5) * scale, defect.run
    if run is None:
        corner, size = f"{-SIZE / 2:g}", f"{SIZE:g}"
        use = tag("use", href=f"#kind-{defect.kind}", x=corner, y=corner, width=size, height=size)
        return tag("g", use, transform=f"translate({x:.1f} {y:.1f})")
    first, last = f"{run.first * scale:.1f}", f"{(run.last + 1) * scale:.1f}"
    along = f"M{first} {y:.1f}H{last}" if run.along == "row" else f"M{x:.1f} {first}V{last}"
    return tag("path", class_="run", d=along)


def _hatched(areas: Sequence[Area], scale: float) -> Markup:
    """Return strokes of one slope over some areas, which go on from one area into the next."""
    strokes = []
    for x, y, width, height in areas:
        left, top = x * scale, y * scale
        right, bottom = (x + width) * scale, (y + height) * scale
        for step in range(ceil((left + top) / HATCH), ceil((right + bottom) / HATCH)):
            across = step * HATCH
            ends = max(left, across - bottom), min(right, across - top)
            points = (f"{end:.1f} {across - end:.1f}" for end in ends)
            strokes.append("M" + "L".join(points))
    return tag("path", class_="left-out", d="".join(strokes)) if strokes else joined()


def legend(defects: Sequence[Defect], *, left_out: bool = False) -> Markup:
    """Return the kinds that there are, with their marks and how many they are."""
    kinds = Counter(defect.kind for defect in defects)
    entries = [
        tag("li", symbol(Defect(x=0, y=0, kind=kind, state="confirmed")), f" {kinds[kind]} {kind}")
        for kind in get_args(Kind)
        if kinds[kind]
    ]
    states = {defect.state for defect in defects}
    if "candidate" in states:
        entries += [tag("li", "hollow: a candidate, not certain")]
    if "rejected" in states:
        entries += [tag("li", "dotted: rejected by a person")]
    if left_out:
        entries += [tag("li", "hatched: an area that never changes and was left out")]
    return tag("ul", *entries, class_="legend") if entries else joined()

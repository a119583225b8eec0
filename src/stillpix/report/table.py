"""The table of a body's defects: readable as it stands; the page's script sorts and filters it.

Never leaves a defect out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from ..maps.records import Defect, DefectMap
from ..wording import counted, exposed, since
from .markup import Markup, joined, tag
from .sensor_map import place_of, symbol

UNKNOWN = "–"


@dataclass(frozen=True, slots=True)
class Cell:
    """One column's text for one defect, and the value that it is sorted by."""

    text: str
    value: float | str | None = None  # None: unknown, and sorted last
    link: str = ""


HEADINGS = (
    "x",
    "y",
    "kind",
    "strength (grey levels)",
    "at",
    "score",
    "q",
    "seen",
    "since",
    "state",
)
NUMBERS = frozenset({"x", "y", "strength (grey levels)", "score", "q", "seen"})


def table(found: DefectMap, defects: Sequence[Defect], links: Sequence[str], mark: str) -> Markup:
    """Return the table; `links` lead from each row to its detail, "" where there is none.

    Row n has the id `mark` and n.
    """
    first = found.evidence.first
    rows = [
        _row(defect, link, first and first.date(), f"{mark}r{number}")
        for number, (defect, link) in enumerate(zip(defects, links, strict=True))
    ]
    heads = [tag("th", name, scope="col", class_=_class(name)) for name in HEADINGS]
    caption = f"{counted(len(defects), 'defect')}, the most certain first"
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption, tag("span", class_="shown", role="status")),
            tag("thead", tag("tr", *heads)),
            tag("tbody", *rows),
            class_="defects",
        ),
        class_="wide",
        tabindex="0",
        role="region",
        aria_label=f"Table of the defects of {found.sensor.name}",
    )


def filters(defects: Iterable[Defect], mark: str, name: str) -> Markup:
    """Return the form that filters the table; hidden until the page's script runs."""
    defects = list(defects)
    kinds = dict.fromkeys(defect.kind for defect in defects)
    states = dict.fromkeys(defect.state for defect in defects)
    return tag(
        "form",
        _choice("kind", kinds, mark),
        _choice("state", states, mark),
        tag("label", "Score at least ", _input("score", "number", mark, min="0", step="any")),
        tag("label", "Contains ", _input("text", "search", mark)),
        tag("button", "Show all", type="reset"),
        class_="filters",
        hidden=True,
        aria_label=f"Filter the defects of {name}: table, picture and details",
    )


def _input(name: str, kind: str, mark: str, **attributes: str) -> Markup:
    return tag("input", type=kind, name=name, id=f"{mark}-{name}", **attributes)


def _choice(name: str, values: Iterable[str], mark: str) -> Markup:
    options = [tag("option", f"any {name}", value="")]
    options += [tag("option", value, value=value) for value in values]
    return tag(
        "label", f"{name.capitalize()} ", tag("select", *options, name=name, id=f"{mark}-{name}")
    )


def _row(defect: Defect, link: str, first_photo: date | None, row_id: str) -> Markup:
    said_of = []
    for name, cell in zip(HEADINGS, _cells(defect, link, first_photo), strict=True):
        inner: str = cell.text
        if cell.link:
            said = f"{cell.text}: details of {place_of(defect)}"
            inner = tag("a", cell.text, href=cell.link, aria_label=said)
        if name == "kind":
            inner = joined(symbol(defect), " ", inner)
        value = (
            cell.value if cell.value is None or isinstance(cell.value, str) else float(cell.value)
        )
        said_of.append(tag("td", inner, class_=_class(name), data_value=value))
    return tag("tr", *said_of, id=row_id, class_=defect.state)


def _class(name: str) -> str | None:
    return "n" if name in NUMBERS else None


def _cells(defect: Defect, link: str, first_photo: date | None) -> list[Cell]:
    run, seen = defect.run, defect.seen
    x, y = str(defect.x), str(defect.y)
    if run is not None:
        stretch = f"{run.first}..{run.last}"
        x, y = (stretch, y) if run.along == "row" else (x, stretch)
    strength = UNKNOWN if defect.strength is None else f"{defect.strength:+.1f}"
    share = f"{100 * seen[0]:.0f} % of {seen[1]}" if seen else UNKNOWN
    return [
        Cell(x, float(defect.x if run is None or run.along == "column" else run.first), link),
        Cell(y, float(defect.y if run is None or run.along == "row" else run.first)),
        Cell(defect.kind, defect.kind),
        Cell(strength, defect.strength),
        Cell(exposed(defect.exposure_s, defect.gain) or UNKNOWN, defect.exposure_s),
        Cell(f"{defect.score:.1f}", defect.score),
        Cell(f"{defect.q:.2g}", defect.q),
        Cell(share, seen[0] if seen else None),
        Cell(since(defect, first_photo) or UNKNOWN, str(defect.since[1]) if defect.since else None),
        Cell(defect.state, defect.state),
    ]

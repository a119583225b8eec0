"""A report as one HTML file: no other file and no network is needed to read it.

Never reads a photo; styles, script and the page's frame are files beside this one.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from importlib import resources
from importlib.metadata import version
from string import Template

from ..images.gather import Skipped
from ..maps.records import DefectMap
from ..wording import body_of, counted, remarks
from . import details, sensor_map, table
from .markup import Markup, joined, safe, tag
from .reasons import clusters_by_place
from .section import Section
from .verdict import certainty, next_steps, verdict

# What tells a report of ours from any other file; in its first kilobyte.
SIGN = '<meta name="generator" content="stillpix report">'
FEW = 8  # defects that need no filter
MOST_NAMED = 500  # photos that could not be used, named one by one


@dataclass(frozen=True, slots=True)
class Report:
    """What a report is of: one section per body, and what was not used."""

    sections: Sequence[Section]
    skipped: Sequence[Skipped] = ()
    notes: Sequence[str] = ()


def page_of(report: Report, made: date) -> str:
    """Return the page's HTML.

    >>> page = page_of(Report([], [Skipped("<b>.jpg", "is empty; delete it")]), date(2026, 1, 2))
    >>> SIGN in page[:1000], "<b>.jpg" in page, "&lt;b&gt;.jpg" in page
    (True, False, True)
    """
    style, script = _asset("report.css"), _asset("report.js")
    sections = [_section(section, number) for number, section in enumerate(report.sections)]
    notes = [tag("li", note) for note in report.notes]
    return Template(_asset("page.html")).substitute(
        sign=SIGN,
        title=safe(_title(report.sections)),
        heading=safe(_heading(report.sections)),
        style=style,
        script=script,
        policy=policy(),
        symbols=sensor_map.symbols(),
        contents=_contents(report.sections),
        sections=joined(*sections) if sections else tag("p", "No photo could be used."),
        notes=tag("section", tag("h2", "Notes"), tag("ul", *notes)) if notes else "",
        skipped=_list_skipped(report.skipped),
        made=safe(f"Made by stillpix {version('stillpix')} on {made}."),
    )


def policy() -> str:
    """Return the content security policy of a report: its own style and script, and no other.

    >>> policy().partition(";")[0]
    "default-src 'none'"
    """
    style, script = _hash(_asset("report.css")), _hash(_asset("report.js"))
    return (
        f"default-src 'none'; img-src data:; style-src '{style}'; script-src '{script}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    """Return what a content security policy knows a piece of the page by."""
    return "sha256-" + b64encode(sha256(content.encode()).digest()).decode()


def _title(sections: Sequence[Section]) -> str:
    if len(sections) == 1:
        return f"Broken pixels of {body_of(sections[0].map.sensor)}"
    return _heading(sections)


def _heading(sections: Sequence[Section]) -> str:
    many = f" of {len(sections)} cameras" if len(sections) > 1 else ""
    return f"Broken pixels{many}"


def _contents(sections: Sequence[Section]) -> Markup:
    if len(sections) < 2:
        return joined()
    links = [
        tag(
            "li",
            tag("a", body_of(section.map.sensor), href=f"#s{number}"),
            f": {verdict(section)}",
        )
        for number, section in enumerate(sections)
    ]
    return tag("nav", tag("ul", *links), aria_label="Cameras")


def _section(section: Section, number: int) -> Markup:
    found, mark, clusters = section.map, f"s{number}", clusters_by_place(section.map)
    shown = len(section.details)
    links = [f"#{mark}d{n}" if n < shown else "" for n in range(len(section.defects))]
    rows = [f"#{mark}r{n}" for n in range(len(section.defects))]
    articles = [
        details.article(detail, found, clusters, f"{mark}d{n}", f"{mark}r{n}")
        for n, detail in enumerate(section.details)
    ]
    first, last = found.evidence.first, found.evidence.last
    dates = f"Taken from {first.date()} to {last.date()}." if first and last else ""
    notes = [tag("li", note) for note in (*map(_capital, remarks(found)), *section.notes)]
    facts = " ".join(filter(None, [*section.facts, dates]))
    parts = [
        tag("h2", found.sensor.name, id=mark),
        tag("p", verdict(section), class_="summary"),
        tag("p", f"{certainty(found)} {facts}".strip(), class_="facts"),
        tag("ul", *notes) if notes else joined(),
        _next(found, section.map_place),
    ]
    if number == 0:  # once, and before the first pixel
        parts.append(Markup(_asset("guide.html")))
    if section.defects:
        one_by_one = (
            "One by one" if shown == len(links) else f"The {shown} most certain, one by one"
        )
        parts += [
            tag("h3", one_by_one),
            table.filters(section.defects, mark, found.sensor.name)
            if len(links) > FEW
            else joined(),
            *articles,
            tag("h3", "All defects"),
            table.table(found, section.defects, links, mark),
        ]
    if section.defects or found.evidence.areas:
        parts.append(tag("h3", "Where they are on the sensor"))
        parts.append(_sensor(section, [link or row for link, row in zip(links, rows, strict=True)]))
    return tag("section", *parts, class_="body", aria_labelledby=mark)


def _next(found: DefectMap, map_place: str) -> Markup:
    steps = next_steps(found, map_place)
    rows = [
        tag("tr", tag("td", tag("code", command)), tag("td", purpose)) for command, purpose in steps
    ]
    caption = tag("caption", "What you can do next")
    return tag("table", caption, tag("tbody", *rows), class_="next") if rows else joined()


def _sensor(section: Section, links: Sequence[str]) -> Markup:
    sensor = section.map.sensor
    label = f"The sensor of {sensor.name} with {counted(len(links), 'defect')}"
    areas = section.map.evidence.areas
    drawing = sensor_map.drawn(sensor, section.defects, links, label, areas)
    caption = f"The sensor as its files store it, {sensor.width}x{sensor.height}, not rotated."
    readout = tag("p", class_="readout", aria_hidden="true")
    legend = sensor_map.legend(section.defects, left_out=bool(areas))
    return tag("figure", drawing, readout, tag("figcaption", caption, legend), class_="sensor-map")


def _capital(remark: str) -> str:
    """Return a remark as a sentence of its own."""
    return f"{remark[0].upper()}{remark[1:]}."


def _list_skipped(skipped: Sequence[Skipped]) -> Markup:
    if not skipped:
        return joined()
    rows = [
        tag("tr", tag("td", each.path), tag("td", each.reason)) for each in skipped[:MOST_NAMED]
    ]
    more = len(skipped) - MOST_NAMED
    rest = tag("p", f"And {counted(more, 'more file')}.") if more > 0 else joined()
    heads = tag("tr", tag("th", "file", scope="col"), tag("th", "why", scope="col"))
    listed = tag("table", tag("thead", heads), tag("tbody", *rows))
    name = f"{counted(len(skipped), 'file')} not used"
    wide = tag("div", listed, class_="wide", tabindex="0", role="region", aria_label=name)
    return tag("section", tag("h2", name.capitalize()), wide, rest, class_="skipped")

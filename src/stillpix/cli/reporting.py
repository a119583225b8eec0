"""`--report FILE.html`: writes the report of a find, or of a map, as one page.

Refuses a file that is no report before any photo is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .output import complain, counted, picture_of
from .progress import Progress

if TYPE_CHECKING:
    from ..images.gather import Gathering
    from ..maps.library import Library
    from ..maps.records import DefectMap
    from ..report import Report, Section
    from ..scan import BodyOutcome

ReportFile = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE.html",
        help="Write a report to this file: one page with every defect, why it is listed, and "
        "pictures from your photos. It needs no other file and no network.",
    ),
]


def require_report_file(report: Path, flag: str = "--report") -> None:
    """Refuse what no report can be written to, or what is no report of ours."""
    from ..errors import WriteError
    from ..report import require_report_place
    from .naming import wrong

    try:
        require_report_place(report)
    except WriteError as error:
        raise wrong(str(error), flag) from error


def section_of_body(
    body: BodyOutcome, jobs: int | None, watch: Progress, out: Path | None = None
) -> Section | None:
    """Return a body's part of the report, while its evidence is at hand; None without a map.

    `out` is where the map goes, if not to the library.
    """
    from ..report import Subject, section_of

    if body.map is None:
        return None
    notes = [*body.troubles]
    if body.left:
        notes.append(f"The scan was stopped: {counted(body.left, body.sensor.picture)} not read.")
    facts = tuple(_facts(body))
    place = "" if out is None else str(out)
    subject = Subject(body.map, body.evidence, body.log, body.photos, facts, notes, place)
    try:
        return section_of(subject, jobs=jobs, watch=watch)
    except MemoryError:
        notes.append("There was not enough memory for pictures and charts.")
        return section_of(Subject(body.map, facts=facts, notes=notes))


def write_find_report(
    sections: Sequence[Section], found: Gathering, bodies: Sequence[BodyOutcome], path: Path
) -> bool:
    """Write the report of a find; return whether it could be written."""
    from ..report import Report

    skipped = [*found.skipped, *(each for body in bodies for each in body.skipped)]
    lost = [line for body in bodies if body.map is None for line in body.troubles]
    lost += [
        f"{body.sensor.name}: the scan was stopped before "
        f"{counted(body.left, body.sensor.picture)} were read."
        for body in bodies
        if body.map is None and body.left
    ]
    return _write(Report(sections, skipped, [*found.warnings, *lost]), path)


def write_map_report(found: DefectMap, library: Library, path: Path) -> bool:
    """Write the report of a map without its photos, and what the library knows of it."""
    from ..errors import StateFormatError
    from ..evidence.evidence import Evidence
    from ..evidence.sightings import LOG_NAME, Sightings
    from ..report import Report, Subject, section_of

    folder, notes = library.evidence_path(found.sensor), []
    evidence = log = None
    try:
        log = Sightings.load(folder / LOG_NAME, found.sensor)
        evidence = Evidence.load(folder, found.sensor) if folder.is_dir() else None
    except StateFormatError as error:
        notes.append(str(error))
    subject = Subject(found, evidence, log, notes=notes)
    return _write(Report([section_of(subject)]), path)


def _write(report: Report, path: Path) -> bool:
    from ..errors import WriteError
    from ..report import write_report

    try:
        write_report(report, path)
    except WriteError as error:
        complain(f"{error} (the report was not written)")
        return False
    return True


def _facts(body: BodyOutcome) -> Iterator[str]:
    scenes = body.map.evidence.scenes if body.map else 0
    yield f"{counted(scenes, 'different picture')} in all."
    new = body.read + body.repeats
    picture = picture_of(body.map) if body.map else body.sensor.picture
    known = body.known or "none"
    yield f"This find read {counted(new, f'new {picture}')}; {known} were known before."
    if body.duplicates:
        yield f"{body.duplicates} left out as exact copies."

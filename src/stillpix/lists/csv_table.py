"""The map as a table: CSV in UTF-8 with a line of headings, one defect per line.

Columns are known by their headings, in any order; only x and y must be there. Never carries the
keys of later versions, for which a table has no column.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ..maps.fields import Fields
from ..maps.map_file import defect_from, defect_object
from ..maps.records import Defect
from .entries import ListedDefect, Target, refuse, text_of

# a key of the map file whose value is a list, and the columns that hold its parts
SPREAD = {
    "seen": ("seen_share", "seen_of"),
    "since": ("since_first", "since_last"),
    "until": ("until_first", "until_last"),
    "run": ("run_along", "run_first", "run_last"),
}
COLUMNS = (
    "x", "y", "kind", "site", "strength", "exposure_s", "gain", "score", "q", *SPREAD["seen"],
    *SPREAD["since"], *SPREAD["until"], "state", *SPREAD["run"],
)  # fmt: skip
WORDS = frozenset({"kind", "site", "state", "run_along", *SPREAD["since"], *SPREAD["until"]})


def encode(defects: Sequence[Defect], target: Target) -> bytes:
    """Return the file's content."""
    del target
    file = StringIO()
    writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for defect in defects:
        cells = defect_object(defect)
        for key, columns in SPREAD.items():
            cells.update(zip(columns, cells.get(key, ()), strict=False))
        writer.writerow(cells)
    return file.getvalue().encode("utf-8")


def decode(content: bytes, path: Path, target: Target) -> Iterator[ListedDefect]:
    """Yield the defects; those that a person rejected are none."""
    reader = csv.reader(StringIO(text_of(content, path), newline=""), strict=True)
    try:
        headings = [heading.strip() for heading in next(reader, [])]
        _require_headings(headings, path)
        for cells in reader:
            where = f"line {reader.line_num}"
            if len(cells) > len(headings):
                raise refuse(path, where, f"has {len(cells)} cells under {len(headings)} headings")
            if any(cells):
                # A line may be short, as spreadsheets write them.
                named = zip(headings, cells, strict=False)
                row = {heading: cell.strip() for heading, cell in named if cell.strip()}
                defect = defect_from(Fields(str(path), where, _values(row)), target.sensor)
                if defect.state != "rejected":
                    yield ListedDefect(where, defect)
    except csv.Error as error:
        raise refuse(path, f"line {reader.line_num}", f"is not CSV ({error})") from error


def _require_headings(headings: Sequence[str], path: Path) -> None:
    for column in ("x", "y"):
        if column not in headings:
            reason = f"has no heading {column}"
            remedy = "the first line names the columns: x,y and others, with commas between"
            raise refuse(path, "line 1", reason, remedy)


def _values(row: dict[str, str]) -> dict[str, Any]:
    """Return a row as an object of the map file; what is not a number stays text."""
    cells = {name: row[name] if name in WORDS else _number(row[name])
             for name in COLUMNS if name in row}  # fmt: skip
    for key, columns in SPREAD.items():
        if any(column in cells for column in columns):
            cells[key] = [cells.pop(column, None) for column in columns]
    return cells


def _number(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell

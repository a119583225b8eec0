"""What every subcommand prints: sentences, tables and JSON, on a terminal or into a pipe.

Never cuts a table, and never colours what does not go to a terminal.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Container, Iterable, Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ..defects import DefectMap
    from ..frame import Sensor

LEAST_EXPECTED = 0.0001  # of an estimate; a smaller number says nothing more
WORTH_A_DECIMAL = 0.1  # MP; a smaller sensor (a crop, a test) shows two significant digits
JOINERS = "\u200c\u200d"  # Persian, the languages of India and emoji are spelled with them


def printable(text: str) -> str:
    r"""Return text that cannot steer a terminal: control characters become escapes.

    So do the bytes of a file name that are no text. Spaces and joiners of every script stay.

    >>> printable("D3200\x1b[2J, \udcff.jpg")
    'D3200\\x1b[2J, \\udcff.jpg'
    """
    return "".join(
        mark if _is_plain(mark) else mark.encode("unicode_escape").decode() for mark in text
    )


def _is_plain(mark: str) -> bool:
    return mark.isprintable() or mark in JOINERS or unicodedata.category(mark) == "Zs"


def complain(message: str) -> None:
    """Print one line to standard error."""
    typer.echo(f"stillpix: {printable(message)}", err=True)


def say(message: str) -> None:
    """Print one line to standard output."""
    typer.echo(printable(message))


def print_json(document: object) -> None:
    """Print one JSON document to standard output; ASCII where the output cannot hold UTF-8."""
    encoding = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "")
    typer.echo(json.dumps(document, indent=2, ensure_ascii=encoding != "utf8"))


def print_table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Container[str] = frozenset(),
) -> None:
    """Print rows under their headings in columns; the headings in `right` stand over numbers.

    No column is ever folded or cut: a table too wide for a terminal wraps its lines there. Rich
    knows how wide a letter of any script is; its own tables take seconds for 10 000 rows.

    >>> print_table(("x", "kind"), [("7", "hot"), ("2797", "dead")], right={"x"})
       x  kind
       7  hot
    2797  dead
    """
    from rich.cells import cell_len

    table = [[printable(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    lines = []
    for row in table:
        cells = []
        for heading, cell, width in zip(headings, row, widths, strict=True):
            gap = " " * (width - cell_len(cell))
            cells.append(gap + cell if heading in right else cell + gap)
        lines.append("  ".join(cells).rstrip())
    if sys.stdout.isatty():
        lines[0] = typer.style(lines[0], bold=True)
    typer.echo("\n".join(lines))


def counted(count: int, noun: str) -> str:
    """Return a count and its noun, in the plural where that is due.

    >>> counted(1, "photo"), counted(4, "broken pixel"), counted(0, "candidate")
    ('1 photo', '4 broken pixels', 'no candidates')
    """
    return f"{count or 'no'} {noun}" + ("" if count == 1 else "s")


def body_of(sensor: Sensor) -> str:
    """Return a body's name without its size, such as "NIKON D3200, serial 8964244"."""
    return sensor.name.rpartition(f", {sensor.width}x{sensor.height}")[0]


def sentence(defect_map: DefectMap) -> str:
    """Return a map in one sentence.

    >>> from stillpix.defects import Defect, DefectMap, DetectionSummary, EvidenceSummary
    >>> from stillpix.frame import Sensor
    >>> sentence(DefectMap(
    ...     Sensor("NIKON CORPORATION", "NIKON D3200", "8964244", 3008, 2000),
    ...     (Defect(x=2797, y=791, state="confirmed"), Defect(x=1, y=1)),
    ...     EvidenceSummary(photos=16), DetectionSummary(expected_false=0.04)))
    'NIKON D3200, serial 8964244: 1 broken pixel in 6.0 MP, found in 16 photos; expect 0.04 of \
them to be wrong; and 1 candidate'
    """
    sensor, detection = defect_map.sensor, defect_map.detection
    broken = defect_map.in_state("confirmed", "accepted")
    candidates = defect_map.in_state("candidate")
    megapixels = sensor.width * sensor.height / 1e6
    size = f"{megapixels:.1f}" if megapixels >= WORTH_A_DECIMAL else f"{megapixels:.2g}"
    parts = [
        f"{body_of(sensor)}: {counted(len(broken), 'broken pixel')} in {size} MP, "
        f"{'found in' if broken else 'after'} {counted(defect_map.evidence.photos, 'photo')}"
    ]
    if broken and detection.expected_false is not None:
        parts.append(f"expect {_few(detection.expected_false)} of them to be wrong")
    elif broken:
        parts.append("how many of them are wrong was not estimated")
    if candidates:
        parts.append(f"and {counted(len(candidates), 'candidate')}")
    return "; ".join(parts)


def _few(expected: float) -> str:
    """Return an expected number in words that fit a sentence.

    >>> _few(0.043), _few(3.9e-11)
    ('0.043', 'fewer than 0.0001')
    """
    return "fewer than 0.0001" if 0 < expected < LEAST_EXPECTED else f"{expected:.2g}"

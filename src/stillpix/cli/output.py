"""What every subcommand prints: sentences, tables and JSON, on a terminal or into a pipe.

Never cuts a table, and never colours what does not go to a terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Container, Iterable, Sequence

import typer

from ..wording import body_of, counted, printable, remarks, sentence

__all__ = [
    "body_of",
    "complain",
    "counted",
    "print_json",
    "print_table",
    "printable",
    "remarks",
    "say",
    "sentence",
]


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

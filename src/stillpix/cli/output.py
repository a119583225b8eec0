"""What every subcommand prints: sentences, tables and JSON, on a terminal or into a pipe.

Never cuts a table, and never colours what does not go to a terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import TextIO

import typer

from ..wording import body_of, broken_of, counted, picture_of, printable, remarks, sentence

__all__ = [
    "Voice",
    "body_of",
    "broken_of",
    "complain",
    "complain_of_each",
    "counted",
    "detail",
    "is_quiet",
    "picture_of",
    "print_json",
    "print_table",
    "printable",
    "remarks",
    "say",
    "sentence",
    "some_names",
    "speaking",
]

NAMED = 20  # different reasons, told one by one before the rest is counted
FEW = 2  # names in one line, before the rest is counted
NOTE = "note:"  # begins what a quiet run leaves out


@dataclass(frozen=True, slots=True)
class Voice:
    """How much one run of a command says, and where it is noted, too."""

    quiet: bool = False
    verbose: bool = False
    log: TextIO | None = None

    def note(self, message: str) -> None:
        """Write a line to the log, with the time."""
        if self.log is not None:
            self.log.write(f"{datetime.now().isoformat(timespec='seconds')} {message}\n")
            self.log.flush()


_USUAL = Voice()
_VOICE: ContextVar[Voice] = ContextVar("voice", default=_USUAL)


@contextmanager
def speaking(voice: Voice) -> Iterator[None]:
    """Let all that is printed in the block be said in this voice."""
    before = _VOICE.set(voice)
    try:
        yield
    finally:
        _VOICE.reset(before)


def is_quiet() -> bool:
    """Return whether only errors and asked-for results are printed."""
    return _VOICE.get().quiet


def complain(message: str) -> None:
    """Print one line to standard error."""
    voice, line = _VOICE.get(), printable(message)
    voice.note(line)
    if not (voice.quiet and line.startswith(NOTE)):
        typer.echo(f"stillpix: {line}", err=True)


def complain_of_each(word: str, told: Iterable[tuple[object, str]], *, quiet: bool) -> None:
    """Say what is to be said of some files, after a word, in one line per reason."""
    paths: dict[str, list[object]] = {}
    for path, reason in told:
        paths.setdefault(reason, []).append(path)
    for reason, alike in list(paths.items())[:NAMED]:
        more = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
        complain(f"{word}: {alike[0]}{more}: {reason}")
    unnamed = sum(map(len, list(paths.values())[NAMED:]))
    if unnamed:
        rest = f"{unnamed} more of {sum(map(len, paths.values()))}"
        complain(f"{word}: {rest}" + ("" if quiet else "; --json names them all"))


def some_names(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are: a message stays short."""
    more = len(names) - FEW
    return "; ".join(names[:FEW]) + (f" and {more} more" if more > 0 else "")


def detail(message: str) -> None:
    """Print one line to standard error, if the person asked for more than usual."""
    voice, line = _VOICE.get(), printable(message)
    voice.note(line)
    if voice.verbose:
        typer.echo(f"stillpix: {line}", err=True)


def say(message: str) -> None:
    """Print one line to standard output."""
    voice, line = _VOICE.get(), printable(message)
    voice.note(line)
    if not voice.quiet:
        typer.echo(line)


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
    for line in lines:
        _VOICE.get().note(line)
    if sys.stdout.isatty():
        lines[0] = typer.style(lines[0], bold=True)
    typer.echo("\n".join(lines))

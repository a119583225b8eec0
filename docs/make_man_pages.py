"""Writes the man pages from the command line's own help, one page per command.

    python docs/make_man_pages.py

The wheel puts them where `man` looks. tests/unit/test_man_pages.py fails if one is not up to date.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from stillpix import __version__
from stillpix.cli import app
from stillpix.cli.commands import (
    HELP,
    argument_name,
    arguments_of,
    help_of,
    option_name,
    options_of,
)
from stillpix.cli.statuses import DONE, INTERRUPTED, NOTHING_USABLE, PIPE_CLOSED, SOME_FAILED

FOLDER = Path(__file__).parent / "man"
WRONG_USAGE = 2
STATUSES = {
    DONE: "Done.",
    SOME_FAILED: "Done, but some photos or maps could not be read or written.",
    WRONG_USAGE: "Wrong usage: nothing was done.",
    NOTHING_USABLE: "Nothing could be used.",
    INTERRUPTED: "Stopped by Ctrl-C.",
    PIPE_CLOSED: "The reader of a pipe went away.",
}
VARIABLES = {
    "STILLPIX_LIBRARY": "Folder of the library, instead of the system's place for it.",
    "STILLPIX_CONFIG": "The config file, instead of the system's place for it.",
    "NUMBA_CACHE_DIR": "Folder for compiled code.",
}


def pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    group: Any = typer.main.get_command(app)
    commands = dict(commands_of(group))
    made = {"stillpix.1": "\n".join(_main_page(group, commands)) + "\n"}
    for name, command in commands.items():
        made[f"{_title(name)}.1"] = "\n".join(_page(name, command, list(commands))) + "\n"
    return made


def commands_of(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each command and its name; those of a group have the group's name before their own."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands_of(command, f"{name} ")
        else:
            yield before + name, command


def _title(name: str) -> str:
    return f"stillpix-{name.replace(' ', '-')}"


def _main_page(group: Any, commands: dict[str, Any]) -> Iterator[str]:
    yield from _head("stillpix", group.help)
    yield from (".B stillpix", "[OPTIONS] COMMAND [ARGUMENTS]", ".SH COMMANDS")
    for name, command in commands.items():
        yield from _entry(f"{_title(name)}(1)", command.help)
    yield ".SH OPTIONS"
    for option in options_of(group):
        yield from _entry(option_name(option), option.help)
    yield from _entry("-h, --help", HELP)
    yield ".SH EXIT STATUS"
    for status, meaning in STATUSES.items():
        yield from _entry(str(status), meaning)
    yield ".SH ENVIRONMENT"
    for name, meaning in VARIABLES.items():
        yield from _entry(name, meaning)


def _page(name: str, command: Any, names: list[str]) -> Iterator[str]:
    yield from _head(_title(name), command.help)
    yield f".B stillpix {name}"
    yield _escaped(" ".join(["[OPTIONS]", *map(argument_name, arguments_of(command))]))
    yield ".SH DESCRIPTION"
    yield _escaped(command.help)
    for title, parameters, named in (
        ("ARGUMENTS", arguments_of(command), argument_name),
        ("OPTIONS", options_of(command), option_name),
    ):
        if parameters:
            yield f".SH {title}"
        for each in parameters:
            yield from _entry(named(each), help_of(each))
    yield from _entry("-h, --help", HELP)
    yield from (".SH EXAMPLE", ".EX", _escaped(command.epilog), ".EE", ".SH SEE ALSO")
    others = ["stillpix(1)", *(f"{_title(other)}(1)" for other in names if other != name)]
    yield _escaped(", ".join(others))


def _head(title: str, sentence: str) -> Iterator[str]:
    yield f'.TH {_escaped(title).upper()} 1 "" "stillpix {__version__}" "User Commands"'
    yield ".SH NAME"
    yield f"{_escaped(title)} \\- {_escaped(sentence[0].lower() + sentence[1:].rstrip('.'))}"
    yield ".SH SYNOPSIS"


def _entry(term: str, words: str) -> Iterator[str]:
    yield from (".TP", f".B {_escaped(term)}", _escaped(words))


def _escaped(text: str) -> str:
    r"""Return a text as roff takes it: no mark of its own, and hyphens that can be copied.

    >>> _escaped("--out .json")
    '\\-\\-out .json'
    """
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")

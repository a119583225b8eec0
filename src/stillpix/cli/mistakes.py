"""What the command line says about wrong usage: one sentence with the reason and the remedy.

Words it by what was wrong, not by the library that noticed: its own words change by version.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import Any, Literal, get_origin

from .commands import Command, UsageError, argument_name, arguments_of, came_from_file, options_of
from .config import config_path
from .expecting import expected, hints_of, kind_of

EXTRA = re.compile(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)")


def told(error: Any) -> Any:
    """Return a mistake in our words: an error of wrong usage, with the context it came from."""
    if type(error).__name__ == "NoArgsIsHelpError":  # a group of commands alone: its help is shown
        return error
    word = WORDS.get(type(error).__name__)
    message = word(error) if word else None
    return UsageError(message or error.format_message(), ctx=error.ctx)


def _of_value(error: Any) -> str:
    """Return what is wrong with the value of a parameter."""
    parameter, command = error.param, error.ctx and error.ctx.command
    if parameter is None or not isinstance(command, Command):
        hint = str(error.param_hint or "")
        said = f"{hint}: {error.message}" if hint else error.message
        return said + _blame(hint, error.ctx)
    hint = hints_of(command)[parameter.name]
    name = _name_of(parameter)
    if kind_of(hint) is int or get_origin(kind_of(hint)) is Literal:
        return f"{name} must be {expected(hint)}"
    return f"{name}: {error.message}" + _blame(name, error.ctx)


def _blame(flag: str, ctx: Any) -> str:
    """Return where the value of a flag comes from, if the person did not type it."""
    for each in options_of(ctx.command) if ctx else ():
        if flag in each.opts and came_from_file(ctx, each.name):
            return f" (set in {config_path()})"
    return ""


def _of_missing(error: Any) -> str:
    name = _name_of(error.param)
    return f"{name} is missing; give it as in: {error.ctx.command.epilog}"


def _of_flag(error: Any) -> str:
    names = [name for each in options_of(error.ctx.command) for name in each.opts]
    near = difflib.get_close_matches(error.option_name, names, 1)
    advice = f"did you mean {near[0]}?" if near else f"`{_path(error)} --help` lists them"
    return f"there is no option {error.option_name}; {advice}"


def _of_use(error: Any) -> str:
    """Return what is wrong with a flag that wants a value and has none, or the other way round."""
    for each in options_of(error.ctx.command):
        if error.option_name in each.opts and each.metavar:
            return f"{error.option_name} needs a value; give {error.option_name} {each.metavar}"
    return f"{error.option_name} takes no value; leave out what follows the ="


def _of_usage(error: Any) -> str | None:
    extra = EXTRA.fullmatch(error.message)
    if extra is None:
        return None
    takes = " ".join(map(argument_name, arguments_of(error.ctx.command))) or "no argument"
    return f"'{extra[1]}' is too much: {_path(error)} takes {takes}; quote a name with spaces"


def no_command(name: str, ctx: Any, instead: str | None = None) -> Any:
    """Return the error about a command that there is not; `instead` is what does that."""
    if instead is not None:
        return UsageError(f"there is no command '{name}'; use stillpix {instead}", ctx=ctx)
    near = difflib.get_close_matches(name, list(ctx.command.commands), 1)
    advice = f"did you mean '{near[0]}'?" if near else "`stillpix help` lists the commands"
    return UsageError(f"there is no command '{name}'; {advice}", ctx=ctx)


def _name_of(parameter: Any) -> str:
    is_argument = parameter.param_type_name == "argument"
    return argument_name(parameter) if is_argument else max(parameter.opts, key=len)


def _path(error: Any) -> str:
    return str(error.ctx.command_path)


WORDS: dict[str, Callable[[Any], str | None]] = {
    "BadParameter": _of_value,
    "MissingParameter": _of_missing,
    "NoSuchOption": _of_flag,
    "BadOptionUsage": _of_use,
    "UsageError": _of_usage,
}

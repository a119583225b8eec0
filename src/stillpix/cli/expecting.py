"""What each option takes, told from its type: for the config file, and for wrong values.

Never reads a file, and prints nothing.
"""

from __future__ import annotations

from types import NoneType
from typing import Any, Literal, get_args, get_origin

LIKELY = 2  # the example of a whole number, where it is allowed


def hints_of(command: Any) -> dict[str, Any]:
    """Return the type and the typer record of each parameter of a subcommand, by its name."""
    return dict(command.callback.__wrapped__.__annotations__)


def kind_of(hint: Any) -> Any:
    """Return the type that a parameter's value has where it is given."""
    kind = get_args(hint)[0]
    if get_origin(kind) is Literal:
        return kind
    given = [each for each in get_args(kind) if each is not NoneType]
    return given[0] if NoneType in get_args(kind) else kind


def expected(hint: Any) -> str:
    """Return in words what a parameter takes.

    >>> from stillpix.cli.options import Jobs, Pattern
    >>> expected(Jobs), expected(Pattern)
    ('a whole number from 1 on, such as 2', 'one of RGGB, BGGR, GRBG, GBRG, mono')
    """
    kind, info = kind_of(hint), hint.__metadata__[0]
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    if kind is bool:
        return "true or false"
    if kind is not int:
        return "text"
    if info.max is not None:
        return f"a whole number from {info.min} to {info.max}"
    return f"a whole number from {info.min} on, such as {max(info.min, LIKELY)}"


def fits(hint: Any, value: object) -> bool:
    """Return whether a value of a config file is of a parameter's type, and in its range."""
    kind, info = kind_of(hint), hint.__metadata__[0]
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and info.min <= value <= (info.max or value)
    return isinstance(value, str | int | float)  # a number is what a person types as one


def as_typed(value: object) -> object:
    """Return a value of a config file as the command line would give it.

    >>> as_typed(0.01), as_typed(2), as_typed(True)
    ('0.01', 2, True)
    """
    return str(value) if isinstance(value, float) else value

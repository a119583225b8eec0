"""The arguments of the Python interface: each wrong one is named, with what is expected instead.

Only checks: never changes a value, except that numbers of numpy become Python's own.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import datetime
from math import isfinite
from numbers import Real
from typing import Any, TypeGuard

from .errors import ArgumentError

LONGEST_SHOWN = 40  # characters of a wrong value


def wrong(name: str, expected: str, given: object) -> ArgumentError:
    """Return the error about an argument: its name, what it must be, and what it is.

    >>> str(wrong("fdr", "a number between 0 and 1, such as 0.01", "1%"))
    "fdr must be a number between 0 and 1, such as 0.01; it is '1%'"
    """
    return ArgumentError(f"{name} must be {expected}; it is {shown(given)}")


def shown(given: object) -> str:
    """Return a wrong value in a few words.

    >>> shown(7), shown([1, 2]), shown("x" * 99)[-6:]
    ('7', 'a list', 'xxx...')
    """
    dtype, shape = getattr(given, "dtype", None), getattr(given, "shape", None)
    if dtype is not None and isinstance(shape, tuple) and shape:
        return f"an array of {dtype}, shape {'x'.join(map(str, shape))}"
    if given is None or isinstance(given, bool | int | float | str | bytes):
        words = repr(given)
        return words if len(words) <= LONGEST_SHOWN else f"{words[: LONGEST_SHOWN - 3]}..."
    kind = type(given).__name__
    return f"{'an' if kind[0] in 'AEIOUaeiou' else 'a'} {kind}"


def share(name: str, given: object) -> float:
    """Return a share between 0 and 1, both excluded."""
    if _is_number(given) and 0 < float(given) < 1:
        return float(given)
    raise wrong(name, "a number between 0 and 1, such as 0.01", given)


def positive(name: str, given: object, example: str) -> float:
    """Return a number above 0."""
    if _is_number(given) and 0 < float(given) < float("inf"):
        return float(given)
    raise wrong(name, f"a number above 0, such as {example}", given)


def whole(name: str, given: object, *, least: int, example: int) -> int:
    """Return a whole number that is not below the least."""
    if _is_number(given) and float(given) == int(given) >= least:
        return int(given)
    raise wrong(name, f"a whole number from {least} on, such as {example}", given)


def one_of(name: str, given: object, choices: Collection[str]) -> str:
    """Return one of some words."""
    if isinstance(given, str) and given in choices:
        return given
    raise wrong(name, f"one of {', '.join(choices)}", given)


def text(name: str, given: object) -> str:
    """Return a text that is not empty."""
    if isinstance(given, str) and given:
        return given
    raise wrong(name, "text", given)


def path(name: str, given: object) -> str:
    """Return a path as text."""
    if isinstance(given, str | os.PathLike):
        found = os.fspath(given)
        if isinstance(found, str):
            return found
    raise wrong(name, "the path of a file or folder, as text or a Path", given)


def moment(name: str, given: object) -> datetime:
    """Return a date and time by the camera's own clock."""
    if isinstance(given, datetime) and given.tzinfo is None:
        return given
    raise wrong(name, "a datetime without a time zone, by the camera's clock", given)


def instance(name: str, given: object, kind: type[Any], words: str) -> None:
    """Refuse what is no instance of a class of ours; the words say how to get one."""
    if not isinstance(given, kind):
        raise wrong(name, words, given)


def _is_number(given: object) -> TypeGuard[float]:
    """Return whether it is a finite number: of Python or of numpy, but no truth value."""
    if isinstance(given, bool) or not isinstance(given, Real):
        return False
    return isfinite(given)

"""Checked values from one JSON object of a map file, and its unknown keys.

Never guesses: a value of the wrong type or out of range is refused, with its place in the file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, TypeVar

from ..errors import MapFormatError

Word = TypeVar("Word", bound=str)
ISO_DATE_LENGTH = 10  # 2019-07-11


class Fields:
    """One JSON object, taken apart key by key.

    >>> fields = Fields("a.json", "defects[0]", {"x": 3, "colour": "green"})
    >>> fields.whole("x", 0, 9), fields.rest()
    (3, {'colour': 'green'})
    >>> Fields("a.json", "defects[0]", {"x": "3"}).whole("x", 0, 9)
    Traceback (most recent call last):
    stillpix.errors.MapFormatError: a.json: defects[0].x must be a whole number, not "3"; correct \
it, or make the map again with `stillpix find`
    """

    def __init__(self, origin: str, place: str, value: object) -> None:
        self.origin = origin
        self.place = place
        if not isinstance(value, dict):
            raise self.refuse("", f"must be an object, not {_short_text(value)}")
        self._left: dict[str, Any] = dict(value)

    def refuse(self, key: str, reason: str) -> MapFormatError:
        """Return the error that names the file, the place in it, and the remedy."""
        where = ".".join(part for part in (self.place, key) if part) or "the map"
        remedy = "correct it, or make the map again with `stillpix find`"
        return MapFormatError(f"{self.origin}: {where} {reason}; {remedy}")

    def take(self, key: str) -> Any:
        """Return a value unchecked; None where it is absent."""
        return self._left.pop(key, None)

    def require(self, key: str) -> Any:
        """Return a value unchecked that must be there."""
        if self._left.get(key) is None:
            raise self.refuse(key, "is missing")
        return self._left.pop(key)

    def listed(self, key: str) -> list[Any]:
        """Return a list whose entries are unchecked; empty where it is absent."""
        value = self.take(key)
        if value is not None and not isinstance(value, list):
            raise self.refuse(key, "must be a list")
        return value or []

    def section(self, key: str) -> Fields:
        """Return the object under a key, to be taken apart in turn; empty where it is absent."""
        value = self.take(key)
        return Fields(self.origin, key, {} if value is None else value)

    def rest(self) -> Mapping[str, Any]:
        """Return the keys that were not taken: those of later versions."""
        return self._left

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string; without a default it must be there."""
        value = self._value_or_default(key, default)
        if not isinstance(value, str):
            raise self.refuse(key, f"must be text, not {_short_text(value)}")
        return value

    def word(self, key: str, words: tuple[Word, ...], default: Word | None = None) -> Word:
        """Return one of the known words; without a default it must be there."""
        value = self.text(key, default)
        for word in words:
            if word == value:
                return word
        raise self.refuse(key, f"must be one of {', '.join(words)}, not {_short_text(value)}")

    def whole(self, key: str, low: int, high: int | None = None, default: int | None = None) -> int:
        """Return a whole number from low to high, both included."""
        return self.within(key, self._value_or_default(key, default), low, high)

    def within(self, key: str, value: object, low: int, high: int | None = None) -> int:
        """Check one whole number, of a list for example."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refuse(key, f"must be a whole number, not {_short_text(value)}")
        if value < low or (high is not None and value > high):
            span = f"at least {low}" if high is None else f"from {low} to {high}"
            raise self.refuse(key, f"must be {span}, not {_short_text(value)}")
        return value

    def number(self, key: str, default: float) -> float:
        """Return a finite number, or the default where it is absent."""
        value = self.optional_number(key)
        return default if value is None else value

    def share(self, key: str, default: float) -> float:
        """Return a number from 0 to 1."""
        return self.within_share(key, self.number(key, default))

    def within_share(self, key: str, value: object) -> float:
        """Check one number from 0 to 1, of a list for example."""
        number = self._finite(key, value)
        if not 0 <= number <= 1:
            raise self.refuse(key, f"must be from 0 to 1, not {_short_text(value)}")
        return number

    def optional_number(self, key: str, low: float = -math.inf) -> float | None:
        """Return a finite number that is not below `low`, or None where it is absent."""
        value = self.take(key)
        if value is None:
            return None
        number = self._finite(key, value)
        if number < low:
            raise self.refuse(key, f"must be at least {low:g}, not {_short_text(value)}")
        return number

    def sequence(self, key: str, length: int) -> list[Any] | None:
        """Return a list of so many values, or None where it is absent."""
        value = self.take(key)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != length:
            raise self.refuse(key, f"must be a list of {length} values, not {_short_text(value)}")
        return value

    def moment(self, key: str) -> datetime | None:
        """Return a date and time in ISO 8601, or None where it is absent."""
        value = self.take(key)
        if value is None:
            return None
        try:
            return datetime.fromisoformat(value)
        except (TypeError, ValueError):
            wanted = "must be a date and time such as 2019-07-11T15:07:32"
            raise self.refuse(key, f"{wanted}, not {_short_text(value)}") from None

    def span(self, key: str) -> tuple[date, date] | None:
        """Return a first and a last date, or None where they are absent."""
        dates = self.sequence(key, 2)
        if dates is None:
            return None
        first, last = (self._date(key, value) for value in dates)
        if first > last:
            raise self.refuse(key, "must name the earlier date first")
        return first, last

    def _value_or_default(self, key: str, default: object) -> Any:
        value = self._left.get(key)
        if value is None and default is not None:
            self._left.pop(key, None)
            return default
        return self.require(key)

    def _finite(self, key: str, value: object) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
            if math.isfinite(number):
                return number
        raise self.refuse(key, f"must be a finite number, not {_short_text(value)}")

    def _date(self, key: str, value: object) -> date:
        try:
            # fromisoformat also takes 20190711 and 2019-W28-4, which nobody would read as dates.
            if isinstance(value, str) and len(value) == ISO_DATE_LENGTH and "W" not in value:
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise self.refuse(key, f"must hold dates such as 2019-07-11, not {_short_text(value)}")


def _short_text(value: object) -> str:
    """Return a value short enough for one line."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "..."

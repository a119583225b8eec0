"""What a list of another program holds: its entries, and the checks that all lists share.

Never guesses: an entry that is no place of the sensor is refused with its line and the remedy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ..errors import MapFormatError
from ..frame import Sensor
from ..maps.records import Defect, Run
from .origins import Area

NUMBER = re.compile(r"[+-]?\d{1,9}")  # no frame is a thousand million pixels wide
COPY_AGAIN = "correct it there, or write the list again"
MOST_TEXT_BYTES = 64 << 20  # a million lines, and generous ones
MOST_ENTRIES = 1_000_000  # a sensor with more defects is beyond listing


@dataclass(frozen=True, slots=True)
class Target:
    """What a list is written for, or read as: a sensor, and the area in which it counts."""

    sensor: Sensor
    area: Area
    first_photo: date | None = None  # of the photos that the map stands on


@dataclass(frozen=True, slots=True)
class ListedDefect:
    """One line of a list: a defect by the list's own count, and where in the file it stands."""

    where: str  # "line 7", "opcode 1, point 3"
    defect: Defect


def pixel(where: str, x: int, y: int) -> ListedDefect:
    """Return the entry of one pixel."""
    return ListedDefect(where, Defect(x=x, y=y))


def line(where: str, run: Run, across: int) -> ListedDefect:
    """Return the entry of a stretch of a row (`across` is its y) or a column (its x)."""
    if run.along == "row":
        return ListedDefect(where, Defect(x=run.first, y=across, run=run))
    return ListedDefect(where, Defect(x=across, y=run.first, run=run))


def refuse(path: Path, where: str, reason: str, remedy: str = COPY_AGAIN) -> MapFormatError:
    """Return the error that names the file, the place in it, and the remedy.

    >>> str(refuse(Path("a.lst"), "line 7", "holds no number"))
    'a.lst: line 7 holds no number; correct it there, or write the list again'
    """
    place = f"{where} " if where else ""
    return MapFormatError(f"{path}: {place}{reason}; {remedy}")


def placed(entries: Iterable[ListedDefect], target: Target, path: Path) -> tuple[Defect, ...]:
    """Return what a list names by the full frame's count, each place once, in the list's order.

    Raises:
        MapFormatError: an entry lies outside the area that the list counts in, or there are more
            than a million.
    """
    found: dict[tuple[int, int, Run | None], Defect] = {}
    for number, entry in enumerate(entries):
        if number == MOST_ENTRIES:
            raise refuse(path, entry.where, "is beyond a million entries", "check --from")
        _require_inside(entry, target.area, path)
        defect = target.area.outside(entry.defect)
        found.setdefault((defect.x, defect.y, defect.run), defect)
    return tuple(found.values())


def _require_inside(entry: ListedDefect, area: Area, path: Path) -> None:
    defect = entry.defect
    ends = [(defect.x, defect.y)]
    if defect.run is not None:
        along, last = defect.run.along, defect.run.last
        ends.append((last, defect.y) if along == "row" else (defect.x, last))
    for x, y in ends:
        if not area.holds(x, y):
            size = f"{area.width}x{area.height}"
            where = f" that begins at {area.x},{area.y}" if (area.x, area.y) != (0, 0) else ""
            raise refuse(
                path,
                entry.where,
                f"names {x},{y}, but the list counts in an area of {size}{where}",
                "check that it is of this camera, and --from and --origin",
            )


def pixels_of(defects: Sequence[Defect]) -> Iterator[tuple[int, int, Defect]]:
    """Yield x, y and the defect of each broken pixel once, runs pixel by pixel."""
    seen = set()
    for defect in defects:
        for place in defect.pixels():
            if place not in seen:
                seen.add(place)
                yield *place, defect


def text_of(content: bytes, path: Path) -> str:
    """Return a text list's text; raise MapFormatError where it is none."""
    if len(content) > MOST_TEXT_BYTES:
        raise refuse(path, "", f"is longer than {MOST_TEXT_BYTES >> 20} MB", "check --from")
    if b"\0" in content:
        raise refuse(path, "", "is not a text list, it holds binary numbers", "check --from")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"line {content.count(10, 0, error.start) + 1}"
        raise refuse(path, where, "is not UTF-8 text", "save the list as UTF-8") from error


def lines_of(content: bytes, path: Path) -> Iterator[tuple[str, list[str]]]:
    r"""Yield where each line stands and its words, without comments (from # on) and empty lines.

    >>> list(lines_of(b"# hot\n3 4 # one\n", Path("a.lst")))
    [('line 2', ['3', '4'])]
    """
    for number, text in enumerate(text_of(content, path).split("\n"), start=1):
        words = text.partition("#")[0].split()
        if words:
            yield f"line {number}", words


def whole(word: str, where: str, path: Path) -> int:
    """Return a whole number; raise MapFormatError where a word is none."""
    if not NUMBER.fullmatch(word) or not word.isascii():
        shown = word if len(word) <= 20 else word[:17] + "..."
        raise refuse(path, where, f"holds {shown!r} where a whole number belongs")
    return int(word)


def require_words(words: Sequence[str], least: int, most: int, where: str, path: Path) -> None:
    """Raise MapFormatError where a line holds fewer or more words than its kind has."""
    if not least <= len(words) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise refuse(path, where, f"holds {len(words)} words where {wanted} belong")

r"""The `.badpixels` of dcraw and LibRaw: one line `column row time`, time in seconds of Unix.

They repair a pixel in photos taken at that time or later; 0 means in all photos.

The time is the first date of `since`. Between the first and the last date the pixel may be broken
or sound. With the last date, a photo from in between would keep a broken pixel. With the first, a
sound pixel may be replaced by the mean of its neighbours, which nobody sees. One day is taken off,
because a camera's clock runs on local time, and dcraw reads it as UTC. If the first date is that of
the first photo of all, the pixel may be older: then the time is 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from ..maps.records import Defect
from .entries import ListedDefect, Target, lines_of, pixels_of, refuse, require_words, whole

ZONES = timedelta(days=1)  # clocks of the world differ by up to 26 hours, of a camera and UTC by 14
MOST_SECONDS = 253_370_764_800  # the year 9999


def encode(defects: Sequence[Defect], target: Target) -> bytes:
    """Return the file's content."""
    lines = [
        f"{x} {y} {onset(defect.since, target.first_photo)}\n"
        for x, y, defect in pixels_of(defects)
    ]
    head = "# column row time (Unix; 0: always), written by stillpix\n"
    return "".join([head, *lines]).encode()


def onset(since: tuple[date, date] | None, first_photo: date | None) -> int:
    """Return the earliest time at which a defect can have begun, 0 where nothing says.

    >>> onset((date(2020, 1, 11), date(2020, 3, 1)), date(2019, 7, 11))
    1578614400
    >>> onset((date(2019, 7, 11), date(2019, 7, 11)), date(2019, 7, 11)), onset(None, None)
    (0, 0)
    """
    if since is None or first_photo is None or since[0] <= first_photo:
        return 0
    begun = datetime.combine(since[0], time.min, UTC) - ZONES
    return max(int(begun.timestamp()), 0)


def decode(content: bytes, path: Path, target: Target) -> Iterator[ListedDefect]:
    """Yield the entries; a time becomes the day on which the pixel broke."""
    del target
    for where, words in lines_of(content, path):
        require_words(words, 3, 3, where, path)
        x, y = (whole(word, where, path) for word in words[:2])
        yield ListedDefect(where, Defect(x=x, y=y, since=_day(words[2], where, path)))


def _day(word: str, where: str, path: Path) -> tuple[date, date] | None:
    if not (word.isascii() and word.isdigit() and len(word) <= 12):
        raise refuse(path, where, f"holds {word[:20]!r} where a time in seconds belongs")
    seconds = int(word)
    if seconds > MOST_SECONDS:
        raise refuse(path, where, "holds a time after the year 9999")
    day = datetime.fromtimestamp(seconds, UTC).date()
    return (day, day) if seconds else None

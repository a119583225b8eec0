"""Which frames of a clip are looked at, and in what order: key frames first, evenly spread.

A clip alone decides its own order, and whatever number is wanted is the beginning of it: so that a
clip whose frames are known is not read again where others come to it. Never opens a clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

T = TypeVar("T")

MOST = 200  # frames of one clip: a finder needs no more photos
FEWEST = 8  # frames of each of many clips
ENOUGH = 60  # key frames from which on no other is looked at: others hold pieces of those before


@dataclass(frozen=True, slots=True)
class Entry:
    """One coded frame, as a container lists it."""

    timestamp: int  # by which the container finds it
    is_key: bool  # decoded without any other


@dataclass(frozen=True, slots=True, order=True)
class Chosen:
    """One frame that is to be looked at."""

    key: int  # timestamp of the key frame from which it is decoded
    after: int  # frames that come out of the decoder between the two
    number: int  # from 1, as the frames of the clip are stored


def chosen_of(entries: Sequence[Entry], most: int = MOST) -> list[Chosen]:
    """Return the frames to look at, those first that tell most: key frames, then others.

    Others are coded from pieces of frames before, moved with the scene, and broken pixels with
    them: they only make up for key frames that are few.

    >>> entries = [Entry(at, at % 4 == 0) for at in range(8)]
    >>> [(one.key, one.after) for one in chosen_of(entries, 4)]
    [(0, 0), (4, 0), (0, 2), (4, 2)]
    """
    keys, others = list[Chosen](), list[Chosen]()
    for number, entry in enumerate(entries, start=1):
        if entry.is_key:
            keys.append(Chosen(entry.timestamp, 0, number))
        elif keys:
            others.append(Chosen(keys[-1].key, number - keys[-1].number, number))
    first = spread_first(thinned(keys, most))
    return first + spread_first(thinned(others, max(0, min(most, ENOUGH) - len(first))))


def thinned(items: Sequence[T], most: int) -> list[T]:
    """Return so many items at most, evenly spread.

    >>> thinned(range(10), 3)
    [1, 5, 8]
    """
    if len(items) <= most:
        return list(items)
    return [items[(2 * n + 1) * len(items) // (2 * most)] for n in range(most)]


def spread_first(items: Sequence[T]) -> list[T]:
    """Return the items so that any number of the first ones lies evenly among all.

    It is the sequence of van der Corput (1935).

    >>> spread_first(range(8))
    [0, 4, 2, 6, 1, 5, 3, 7]
    """
    bits = max(len(items) - 1, 0).bit_length()
    turned = (int(f"{number:0{bits}b}"[::-1], 2) for number in range(1 << bits)) if bits else (0,)
    return [items[number] for number in turned if number < len(items)]


def share_of(clips: int, most: int = MOST) -> int:
    """Return how many frames of each of some clips are looked at.

    >>> share_of(1), share_of(10), share_of(500)
    (200, 20, 8)
    """
    return max(FEWEST, -(-most // max(clips, 1)))


def timed(start: int, length: int, steps: int) -> list[Chosen]:
    """Return frames of a clip without an index: the key frames next to evenly spread times.

    >>> [one.key for one in timed(100, 80, 4)]
    [110, 150, 130, 170]
    """
    times = [start + length * (2 * n + 1) // (2 * steps) for n in range(steps)]
    numbers = count(1)
    return spread_first([Chosen(at, 0, next(numbers)) for at in times])

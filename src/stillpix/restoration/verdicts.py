"""What a repair says about each place and about the file: only records.

Never decides anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal, TypeAlias

from ..maps.records import Defect, Run

Outcome: TypeAlias = Literal["repaired", "listed", "not showing", "hopeless"]


@dataclass(frozen=True, slots=True)
class RawWay:
    """What becomes of a RAW photo: by default a DNG lists its broken pixels, no other is touched.

    The pixels then stay as they are, and the program that develops the photo repairs them.
    """

    mosaic: bool = False  # values of the mosaic are replaced instead
    to_dng: bool = False  # RAW files that are no DNG become new ones
    mask: bool = False  # FITS files get a mask of their broken pixels, and no other number changes
    to_png: bool = False  # what is repaired as a copy becomes one, whether anything shows or not


LISTED_IN_DNG = RawWay()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was done at one listed place of one photo, and why."""

    x: int
    y: int
    outcome: Outcome
    strength: float | None = None  # DN by which it stood out here, signed; None: not measurable
    why: str = ""  # one clause, where the outcome alone does not tell
    picture: int | None = None  # of a file of several pictures: which one, from 1
    run: Run | None = None  # the bad column or row, of which x and y are the first pixel

    def pixels(self) -> Iterator[tuple[int, int]]:
        """Yield x and y of each pixel that it is about."""
        yield from Defect(x=self.x, y=self.y, run=self.run).pixels()


@dataclass(frozen=True, slots=True, eq=False)
class RepairedFile:
    """A photo's file after repair: the same object as before where nothing had to change."""

    content: bytes
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()  # what a person should know: "two blocks hold the nearest value..."
    format: str = ""  # of the new file, where it is of another format

    @property
    def repaired(self) -> int:
        """Return how many places were repaired."""
        return sum(verdict.outcome == "repaired" for verdict in self.verdicts)


def of_run(x: int, y: int, run: Run, pixels: Sequence[Verdict]) -> Verdict:
    """Return the one verdict on a run whose pixels were looked at each for itself.

    >>> pixels = Verdict(4, 7, "repaired", 20.0), Verdict(4, 8, "not showing")
    >>> of_run(4, 7, Run("column", 7, 8), pixels).outcome
    'repaired'
    """
    for outcome in ("repaired", "hopeless"):
        some = [each for each in pixels if each.outcome == outcome]
        if some:
            told = [each.strength for each in some if each.strength is not None]
            return Verdict(x, y, some[0].outcome, median(told) if told else None, some[0].why,
                           run=run)  # fmt: skip
    return Verdict(x, y, "not showing", run=run)


def joined(earlier: tuple[Verdict, ...], later: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    """Return what two looks at the same places say together: repaired is what either repaired.

    >>> first, second = Verdict(1, 1, "repaired", 20.0), Verdict(1, 1, "not showing")
    >>> joined((first,), (second,))[0].outcome, joined((), (second,))[0].outcome
    ('repaired', 'not showing')
    """
    if not earlier:
        return later
    return tuple(_both(old, new) for old, new in zip(earlier, later, strict=True))


def _both(old: Verdict, new: Verdict) -> Verdict:
    if old.outcome != "repaired":
        return new
    if new.outcome != "repaired" or old.strength is None or new.strength is None:
        return old
    return replace(old, strength=old.strength + new.strength)

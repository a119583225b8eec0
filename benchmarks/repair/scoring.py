"""How far a repaired picture or mosaic is from the truth around a place.

Never fills anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .results import ALL, UNSEEN, Row
from .twins import LUMA, Floats

REACHES = {"pixel": 0, "5x5": 2, "17x17": 8}
MAIN, MIDDLE = "5x5, luma", "pixel, luma"  # methods are compared by the first, in pictures
SHOWS_AT = 6.0  # levels in luma
STRENGTHS = ((6.0, "6 to 15 levels"), (15.0, "15 to 40 levels"), (40.0, "40 levels and more"))
BUSY = ((0.0, "even surroundings"), (3.0, "some detail"), (10.0, "much detail"))


@dataclass(frozen=True, slots=True)
class Spot:
    """A listed place in one photo, and what kind of place it is."""

    x: int
    y: int
    groups: tuple[str, ...]

    @property
    def shows(self) -> bool:
        """Return whether the defect can be seen there."""
        return UNSEEN not in self.groups


def spot_of(damaged: NDArray[Any], truth: NDArray[Any], x: int, y: int, site: str) -> Spot:
    """Return a place of a picture (height, width, 3) with the groups it belongs to.

    A defect shows where it changes the luma of its pixel, or of one that touches it, by SHOWS_AT.
    How busy the surroundings are says the standard deviation of the truth's luma over 17x17.
    """
    near, wide = square(x, y, 1), square(x, y, REACHES["17x17"])
    strength = float(np.abs((damaged[near].astype(float) - truth[near]) @ LUMA).max())
    if strength < SHOWS_AT:
        return Spot(x, y, (UNSEEN,))
    detail = float((truth[wide] @ LUMA).std())
    return Spot(x, y, (ALL, _last(STRENGTHS, strength), _last(BUSY, detail), f"{site} site"))


def _last(steps: tuple[tuple[float, str], ...], value: float) -> str:
    return [words for least, words in steps if value >= least][-1]


def square(x: int, y: int, reach: int) -> tuple[slice, slice]:
    """Return the rows and columns around a place, cut off at the top and left edge.

    >>> square(1, 9, 2)
    (slice(7, 12, None), slice(0, 4, None))
    """
    return slice(max(y - reach, 0), y + reach + 1), slice(max(x - reach, 0), x + reach + 1)


def errors_in_picture(picture: NDArray[Any], truth: NDArray[Any], spot: Spot) -> dict[str, Floats]:
    """Return the errors around a place, in levels: by window, of luma and of R, G and B."""
    errors: dict[str, Floats] = {}
    for name, reach in REACHES.items():
        area = square(spot.x, spot.y, reach)
        off = picture[area].astype(np.float64) - truth[area]
        errors[f"{name}, luma"] = off @ LUMA
        errors[f"{name}, RGB"] = off
    return errors


class Tally:
    """Rows that grow place by place."""

    def __init__(self, seed: int, source: str, *measures: str) -> None:
        """Count for one camera, by some measures in every group; the first says who is nearer."""
        self.seed, self.source, self.measures = seed, source, measures
        self._rows: dict[tuple[str, str, str], Row] = {}

    def add(
        self, method: str, variant: str, groups: Iterable[str], errors: Mapping[str, Floats],
        ours: float,
    ) -> None:  # fmt: skip
        """Add one place; `ours` is stillpix's mean absolute error there."""
        ahead = round(float(self.size(errors) - ours), 9)
        for group in groups:
            row = self._rows.setdefault(
                (method, variant, group), Row(self.seed, self.source, method, variant, group)
            )
            wanted = errors if group in {ALL, UNSEEN} else self.measures
            row.add({measure: errors[measure] for measure in wanted}, ahead)

    def size(self, errors: Mapping[str, Floats]) -> float:
        """Return the mean absolute error by the first measure."""
        return float(np.abs(errors[self.measures[0]]).mean())

    @property
    def rows(self) -> list[Row]:
        """Return what was counted."""
        return list(self._rows.values())

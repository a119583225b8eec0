"""Where a sensor's pixels lie in pictures whose distortion the camera has corrected.

Such a camera resamples each JPEG along the radius, by a law of the lens and its focal length. So a
pixel's place in the picture moves with the focal length. A law says where. Never sees a photo.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

BEYOND = 1.08  # times the longest focal length seen, or a part of the shortest: as far as it holds
FARTHEST = 1.25  # half diagonals from the middle, to which a law must be one-to-one
STEPS = 40  # of the iteration: each makes the error ten times smaller at least

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LensLaw:
    """How one lens's pictures were resampled, by focal length.

    A picture's point at the radius r from its middle, in half diagonals, shows what the map has at
    r (1 + a + b r^2 + c r^4), in the same direction. Between the listed focal lengths a, b and c
    are interpolated. With one focal length they are those of that length only.

    >>> law = LensLaw("24-70mm", (24.0, 70.0), ((0.0, -0.08, 0.0), (0.0, 0.0, 0.0)))
    >>> law.in_picture([(599.0, 400.0)], 24.0, (600, 401)).round(1).tolist()
    [[631.7, 421.8]]
    >>> law.in_picture([(599.0, 400.0)], 70.0, (600, 401)).round(1).tolist()
    [[599.0, 400.0]]
    """

    lens: str  # as the photos name it; "" where they name none
    focal_mm: tuple[float, ...]  # ascending
    terms: tuple[tuple[float, float, float], ...]  # a, b and c, one for each focal length

    @classmethod
    def assumed(cls, lens: str, shortest_mm: float, longest_mm: float) -> LensLaw:
        """Return that a map holds for some focal lengths: it is not known if its places move.

        >>> law = LensLaw.assumed("24-70mm", 24.0, 26.0)
        >>> law.is_assumed, law.covers(26.0), law.covers(28.0)
        (True, True, False)
        """
        focal = tuple(dict.fromkeys((shortest_mm, longest_mm)))
        return cls(lens, focal, ((0.0, 0.0, 0.0),) * len(focal))

    @property
    def is_assumed(self) -> bool:
        """Return whether it only says for which focal lengths the map is; a learned law moves."""
        return not any(map(any, self.terms))

    def covers(self, focal_mm: float | None) -> bool:
        """Return whether it holds at a focal length; False where a photo does not tell it."""
        if focal_mm is None:
            return False
        beyond = 1.0 if self.is_assumed else BEYOND
        return self.focal_mm[0] / beyond <= focal_mm <= self.focal_mm[-1] * beyond

    def terms_at(self, focal_mm: float) -> Floats:
        """Return a, b and c at a focal length; those outside continue the nearest two."""
        known, terms = np.array(self.focal_mm), np.array(self.terms, np.float64)
        if known.size == 1:
            return np.asarray(terms[0])
        right = int(np.clip(np.searchsorted(known, focal_mm), 1, known.size - 1))
        share = (focal_mm - known[right - 1]) / (known[right] - known[right - 1])
        return np.asarray(terms[right - 1] + share * (terms[right] - terms[right - 1]))

    def in_map(
        self, places: Iterable[tuple[float, float]] | Floats, focal_mm: float, size: tuple[int, int]
    ) -> Floats:
        """Return where places (x, y) of a picture of this size lie in the map, (places, 2)."""
        from_middle, radius, middle = _about_middle(places, size)
        ratio = ratio_at(self.terms_at(focal_mm), radius)
        return np.asarray(from_middle * ratio[:, None] + middle)

    def in_picture(
        self, places: Iterable[tuple[float, float]] | Floats, focal_mm: float, size: tuple[int, int]
    ) -> Floats:
        """Return where places (x, y) of the map lie in a picture of this size, (places, 2)."""
        from_middle, radius, middle = _about_middle(places, size)
        inverse = inverse_at(self.terms_at(focal_mm), radius)
        return np.asarray(from_middle * inverse[:, None] + middle)

    def is_one_to_one(self) -> bool:
        """Return whether no two points of a picture show one place of the map.

        >>> LensLaw("", (24.0,), ((0.0, -0.9, 0.0),)).is_one_to_one()
        False
        """
        radius = np.linspace(0, FARTHEST, 200)
        shown = [radius * ratio_at(np.array(each), radius) for each in self.terms]
        return all(bool((np.diff(each) > 0).all()) for each in shown)


def law_for(laws: Iterable[LensLaw], lens: str, focal_mm: float | None) -> LensLaw | None:
    """Return the law that holds for a photo of a lens and focal length; None: there is none.

    >>> law_for([LensLaw("A", (24.0, 70.0), ((0.0, 0.0, 0.0),) * 2)], "A", 35.0).lens
    'A'
    """
    return next((law for law in laws if law.lens == lens and law.covers(focal_mm)), None)


def spots_in_picture(
    laws: Iterable[LensLaw], lens: str, focal_mm: float | None, size: tuple[int, int],
    places: Iterable[tuple[int, int]],
) -> list[tuple[int, int]] | None:  # fmt: skip
    """Return the pixels (x, y) of a photo in which places of a map lie, in order.

    They may lie beyond its edge. None: there is no law for a photo of that lens and focal length.

    >>> laws = [LensLaw("A", (24.0,), ((-0.05, 0.0, 0.0),))]
    >>> spots_in_picture(laws, "A", 24.0, (601, 401), [(300, 200), (490, 200)])
    [(300, 200), (500, 200)]
    """
    law = law_for(laws, lens, focal_mm)
    if law is None or focal_mm is None:
        return None
    at = np.rint(law.in_picture([(float(x), float(y)) for x, y in places], focal_mm, size))
    return [(int(x), int(y)) for x, y in at]


def are_assumed(laws: Sequence[LensLaw]) -> bool:
    """Return whether laws only say for which focal lengths a map holds.

    >>> are_assumed([LensLaw.assumed("", 24.0, 26.0)]), are_assumed([])
    (True, False)
    """
    return bool(laws) and all(law.is_assumed for law in laws)


def focal_lengths(laws: Iterable[LensLaw]) -> str:
    """Return in words for which focal lengths there are laws.

    >>> focal_lengths([LensLaw("Z", (24.0, 70.0), ((0.0, 0.0, 0.0),) * 2)])
    '24-70 mm (Z)'
    """
    return ", ".join(
        "-".join(f"{each:g}" for each in dict.fromkeys((law.focal_mm[0], law.focal_mm[-1])))
        + " mm"
        + (f" ({law.lens})" if law.lens else "")
        for law in laws
    )


def ratio_at(terms: Floats, radius: Floats) -> Floats:
    """Return the radius in the map over that in the picture, which is given in half diagonals."""
    squared = radius * radius
    return np.asarray(1 + terms[0] + squared * (terms[1] + squared * terms[2]))


def inverse_at(terms: Floats, radius: Floats) -> Floats:
    """Return the radius in the picture over that in the map, which is given in half diagonals."""
    found = np.ones_like(radius)
    for _ in range(STEPS):
        found = 1 / np.clip(ratio_at(terms, radius * found), 0.5, 2.0)
    return found


def are_ascending(numbers: Iterable[float]) -> bool:
    """Return whether each number is larger than the one before, and the first above 0.

    >>> are_ascending([24.0, 70.0]), are_ascending([24.0, 24.0])
    (True, False)
    """
    listed = list(numbers)
    return all(0 < one < other for one, other in pairwise(listed)) and bool(listed and listed[0])


def _about_middle(
    places: Iterable[tuple[float, float]] | Floats, size: tuple[int, int]
) -> tuple[Floats, Floats, Floats]:
    """Return places from the middle, their radius in half diagonals, and the middle."""
    listed = places if isinstance(places, np.ndarray) else list(places)
    at = np.array(listed, np.float64).reshape(-1, 2)
    middle = (np.array(size, np.float64) - 1) / 2
    from_middle = at - middle
    return from_middle, np.hypot(*from_middle.T) / float(np.hypot(*middle)), middle

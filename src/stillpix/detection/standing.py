"""Do broken pixels stand still in a zoom's photos, whatever the focal length?

Where they do, the camera does not correct its lens's distortion. Only pixels far from the middle
tell: those near it hardly move under any law. Never sees a photo.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..evidence.spots import Spots
from .sliding import LEAST_ZOOM, WITHIN, Seen, seen_in
from .splits import said_in

FAR = 0.6  # half diagonals from the middle, from which a pixel tells
OF_END = 2  # photos of short focal lengths, and of long ones, with a spot at one place
FEWEST_STANDING, OVER_CHANCE = 2, 3  # such places, and times as many as by chance
LEAST_SIGMAS = 4.5  # of all places together, at that end where each shows less
LEAST_OF_PLACE = 2.0  # sigmas from which a place shows at both ends

Floats = NDArray[np.float64]


def ends_of(focal: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which focal lengths are short, and which are long: thirds of their range, in log.

    >>> [end.tolist() for end in ends_of(np.array([24.0, 28.0, 41.0, 70.0]))]
    [[True, True, False, False], [False, False, False, True]]
    """
    log = np.log(focal)
    share = (log - log.min()) / max(float(np.ptp(log)), 1e-9)
    return share <= 1 / 3, share >= 2 / 3


def spots_stand(photos: Sequence[tuple[float, Spots]], size: tuple[int, int]) -> bool:
    """Return whether spots of short and of long focal lengths lie at the same places.

    `photos` are focal length in mm and spots (x, y, sigmas) of each, `size` is in px.
    """
    focal = np.array([focal_mm for focal_mm, _ in photos])
    if focal.size < 2 * OF_END or focal.max() < LEAST_ZOOM * focal.min():
        return False
    seen = seen_in(photos, size)
    short, long = ends_of(focal)
    standing = _standing(seen, short, long)
    if standing < FEWEST_STANDING:
        return False
    return standing >= OVER_CHANCE * _standing(seen.turned(), short, long)


def _standing(seen: Seen, short: NDArray[np.bool_], long: NDArray[np.bool_]) -> int:
    """Return at how many places far from the middle both ends have spots."""
    far = np.flatnonzero(seen.squared >= FAR * FAR)
    cells = np.floor(seen.at[far] * seen.half_diagonal / (2 * WITHIN)).astype(np.int64)
    photos_at: dict[tuple[int, int], set[int]] = {}
    for (column, row), photo in zip(cells.tolist(), seen.photo[far].tolist(), strict=True):
        photos_at.setdefault((column, row), set()).add(photo)
    number = 0
    for own in photos_at.values():
        there = np.array(sorted(own), np.intp)
        number += bool(short[there].sum() >= OF_END and long[there].sum() >= OF_END)
    return number


def are_far(places: Sequence[tuple[int, int]], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which places (x, y) are so far from the middle that a law would move them.

    >>> are_far([(320, 240), (600, 40)], (640, 480)).tolist()
    [False, True]
    """
    middle = (np.array(size, np.float64) - 1) / 2
    at = np.array(places, np.float64).reshape(-1, 2) - middle
    return np.asarray(np.hypot(*at.T) >= FAR * float(np.hypot(*middle)))


def sigmas_of_ends(
    residual: Floats, weight: Floats, signs: Floats, ends: Sequence[NDArray[np.bool_]]
) -> Floats:
    """Return how clearly each place shows at that end of the zoom where it shows less, in sigmas.

    `ends` say which photos are of short and of long focal lengths; the rest is as in `said_in`.
    """
    sums, powers = said_in(residual, weight, signs, ends)
    return np.asarray((sums / np.sqrt(powers)).min(axis=0))


def places_stand(sigmas: Floats) -> bool:
    """Return whether places show at both ends of a zoom, by the sigmas of the weaker end.

    Where each shows at one end only, the other end's sigmas are those of sound pixels, so the sum
    over all places exceeds LEAST_SIGMAS about three times in a million.

    >>> places_stand(np.array([2.8, 3.1, 2.9])), places_stand(np.array([0.4, -1.2, 2.0]))
    (True, False)
    """
    return bool(sigmas.size and sigmas.sum() / np.sqrt(sigmas.size) >= LEAST_SIGMAS)

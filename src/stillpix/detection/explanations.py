"""What explains a find in rendered photos though no pixel is broken there.

A star near the pole of a turning sky, which stays on one pixel for half an hour, and the ripples
that JPEG leaves in the block of a blazing pixel. Where either may be, nothing is listed. In
mosaics stars are told by the photosites around a find (kinds.py), and there are no blocks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..evidence.evidence import Evidence

JPEG_BLOCK = 8  # px
BLAZES = 0.5  # of all photos: in so many shows a pixel whose ripples may be found
# Of the photos that show it, and of its score: more than that is no ripple of it.
RIPPLES, RIPPLES_SAY = 0.1, 0.3
REACH = 5  # px around a find in which a star's way is sought
ALIKE = 0.4  # of the photos that show a find: in so many show the pixels of a star's way
FEWEST_ALIKE = 3  # photos, else it may be noise
MOVES_ON = 0.8  # of all photos: a star shows in fewer at one place
BEYOND = 2  # px from a find, Chebyshev: a broken pixel's own response in a photo ends before
# Share of what a find and a pixel of the way say that the same photos say. Of a broken pixel and
# its surroundings that is 0.8 and more, of places that a star reaches one after the other half.
AT_ONE_TIME = 0.7


def is_explained(evidence: Evidence, x: int, y: int) -> bool:
    """Return whether what rendered photos show at a place may be no pixel of its own."""
    return evidence.rules.toned and (passes_by(evidence, x, y) or ripples(evidence, x, y))


def ripples(evidence: Evidence, x: int, y: int) -> bool:
    """Return whether a find hardly ever shows, and its JPEG block has a pixel that blazes."""
    top, left = y // JPEG_BLOCK * JPEG_BLOCK, x // JPEG_BLOCK * JPEG_BLOCK
    block = (slice(top, top + JPEG_BLOCK), slice(left, left + JPEG_BLOCK))
    shown = np.abs(evidence.shown[block].astype(np.int64))
    said = np.abs(evidence.scores[:, *block].astype(np.int64)).max(axis=0)
    most, own = int(shown.max()), (y - top, x - left)
    blazes = most >= max(BLAZES * evidence.scenes, 1.0)
    rarely = shown[own] <= RIPPLES * most
    return bool(blazes and rarely and said[own] <= RIPPLES_SAY * said.max())


def passes_by(evidence: Evidence, x: int, y: int) -> bool:
    """Return whether what shows at a place is on its way: before and after, those beside it show.

    Asks the sums of groups of photos, which a large sensor has of some rows only: False elsewhere.
    """
    shown = _around(evidence.shown, x, y)
    if abs(int(shown[REACH, REACH])) > MOVES_ON * evidence.scenes:
        return False
    way = way_of(shown)
    if not leads_through(way):
        return False
    own = _by_group(evidence, x, y)
    if own is None:
        return False
    beyond = [tuple(step) for step in np.argwhere(way) - REACH if max(abs(step)) >= BEYOND]
    others = (_by_group(evidence, x + int(dx), y + int(dy)) for dy, dx in beyond)
    shares = [together(own, other) for other in others if other is not None]
    return bool(shares) and min(shares) < AT_ONE_TIME


def way_of(shown: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return which pixels around a find show in nearly as many photos, joined to it one by one.

    `shown` is (side, side), in how many photos each clearly shows, signed; so is what is returned.

    >>> shown = np.zeros((11, 11), int)
    >>> shown[5, 3:8], shown[5, 10] = (8, 15, 16, 14, 7), 16
    >>> np.argwhere(way_of(shown)).tolist()
    [[5, 3], [5, 4], [5, 5], [5, 6], [5, 7]]
    """
    middle = shown.shape[0] // 2
    own = int(shown[middle, middle])
    least = max(ALIKE * abs(own), FEWEST_ALIKE)
    alike = (shown if own >= 0 else -shown) >= least
    way = np.zeros_like(alike)
    way[middle, middle] = alike[middle, middle]
    for _ in range(middle):
        beside = np.pad(way, ((0, 0), (1, 1)))
        wide = np.pad(beside[:, :-2] | way | beside[:, 2:], ((1, 1), (0, 0)))
        way = alike & (wide[:-2] | wide[1:-1] | wide[2:])
    return np.asarray(way)


def leads_through(way: NDArray[np.bool_]) -> bool:
    """Return whether a way leads beyond a find's own response on two sides, or far on one.

    >>> way = np.zeros((11, 11), bool)
    >>> way[5, 4:9] = True  # a second broken pixel beside it
    >>> one_side = leads_through(way)
    >>> way[7, 3] = True
    >>> one_side, leads_through(way)
    (False, True)
    """
    middle = way.shape[0] // 2
    steps = np.argwhere(way) - middle
    beyond = steps[np.abs(steps).max(axis=1) >= BEYOND]
    far = bool((np.abs(beyond) >= middle).any())
    return far or bool((beyond @ beyond.T < 0).any())


def together(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the share of what two places say that the same groups of photos say, 0 to 1.

    >>> together(np.array([4.0, 4.0, 0.0, 0.0]), np.array([0.0, 2.0, 2.0, 0.0]))
    0.5
    """
    one, other = (np.maximum(each, 0.0) for each in (one, other))
    if not one.any() or not other.any():
        return 1.0
    return float(np.minimum(one / one.sum(), other / other.sum()).sum())


def _by_group(evidence: Evidence, x: int, y: int) -> NDArray[np.float64] | None:
    """Return what each group of photos says of a place, by the template that says most."""
    strip, thin = evidence.rules.strip, evidence.thin
    inside = 0 <= x < evidence.sensor.width and 0 <= y < evidence.sensor.height
    if not inside or y // strip % thin:
        return None
    told = evidence.groups.told(x, y // strip // thin * strip + y % strip)
    loudest = told[:, np.abs(told.sum(axis=0)).argmax()]
    return np.asarray(loudest * np.sign(loudest.sum()), np.float64)


def _around(shown: NDArray[np.integer], x: int, y: int) -> NDArray[np.int64]:
    """Return the values within REACH of a place; 0 beyond the frame."""
    padded = np.zeros((2 * REACH + 1, 2 * REACH + 1), np.int64)
    top, left = max(y - REACH, 0), max(x - REACH, 0)
    inside = shown[top : y + REACH + 1, left : x + REACH + 1]
    down, across = top - (y - REACH), left - (x - REACH)
    padded[down : down + inside.shape[0], across : across + inside.shape[1]] = inside
    return padded

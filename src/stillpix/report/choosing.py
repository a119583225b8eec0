"""Which photos to read again for a report, and which of them show a defect best and least.

Never reads photos: it chooses them by the log of sightings, and as few as are needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..frame import Exposure
from .looks import Looks

BEST, LEAST = 3, 2  # crops of each defect: where it shows best, and least
MOST_READS = 48  # photos
AMONG_UNKNOWN = 24  # photos read where nothing is known of what they say
NEAR = (
    0.05  # of the photos are nearly the best (or least): one read for many defects serves as well
)

Signs = NDArray[np.float64]  # (places,): 1 brighter, -1 darker than the neighbours
Flags = NDArray[np.bool_]


def to_read(looks: Looks, signs: Signs, at_hand: Mapping[str, Exposure]) -> list[str]:
    """Return the digests of the photos to read, MOST_READS at most, of those at hand.

    Where the log knows what they say, the few that show the places best and least. Where it does
    not know enough of them, some more, evenly over the exposures from the shortest on.
    """
    rows = [n for n, digest in enumerate(looks.digests) if digest in at_hand]
    known = Looks(
        tuple(looks.digests[n] for n in rows),
        tuple(looks.exposures[n] for n in rows),
        looks.said[rows],
    )
    wanted, numbers = _choose_wanted(known, signs)
    chosen = [known.digests[n] for n in covering(wanted, numbers, MOST_READS)]
    looked = ~np.isnan(known.sigmas)
    more = AMONG_UNKNOWN - int(looked.sum(0).min(initial=AMONG_UNKNOWN))
    unlooked = {known.digests[n] for n in np.flatnonzero(~looked.all(1))}
    rest = [digest for digest in at_hand if digest in unlooked or digest not in known.digests]
    rest = [digest for digest in rest if digest not in chosen]
    return chosen + evenly(rest, at_hand, min(more, MOST_READS - len(chosen)))


def _choose_wanted(known: Looks, signs: Signs) -> tuple[Flags, NDArray[np.intp]]:
    """Return which photos serve each need, (photos, needs), and how many each wants."""
    strength = np.where(known.usable, known.sigmas * signs, -np.inf)
    silence = np.where(known.usable, -np.abs(known.sigmas), -np.inf)
    needs = [_foremost(strength, BEST), _foremost(silence, LEAST)]
    wanted = np.concatenate(needs, axis=1)
    numbers = np.repeat([BEST, LEAST], signs.size)
    return wanted, np.minimum(numbers, wanted.sum(0))


def _foremost(values: Signs, number: int) -> Flags:
    """Return the few largest of each column, (photos, places), and what comes near them."""
    count = max(number, round(NEAR * len(values)))
    ranks = np.argsort(np.argsort(-values, axis=0, kind="stable"), axis=0, kind="stable")
    return np.asarray((ranks < count) & np.isfinite(values), np.bool_)


def covering(wanted: Flags, numbers: NDArray[np.intp], most: int) -> list[int]:
    """Return few photos that serve all needs: each time the one that serves most (greedy cover).

    `wanted` is (photos, needs), `numbers` how many photos each need wants.

    >>> wanted = np.array([[True, False, False], [True, True, False], [False, False, True]])
    >>> covering(wanted, np.array([1, 1, 1]), most=9)
    [1, 2]
    """
    chosen: list[int] = []
    left = numbers.copy()
    free = np.ones(len(wanted), np.bool_)
    while free.any() and len(chosen) < most:
        serves = np.where(free, (wanted & (left > 0)).sum(1), 0)
        best = int(serves.argmax())
        if not serves[best]:
            break
        chosen.append(best)
        free[best] = False
        left -= wanted[best]
    return chosen


def evenly(digests: Sequence[str], exposures: Mapping[str, Exposure], number: int) -> list[str]:
    """Return a number of photos, evenly from the shortest exposure to the longest.

    >>> shots = {str(n): Exposure(exposure_s=1 / (n + 1)) for n in range(9)}
    >>> evenly(list(shots), shots, 3)
    ['8', '4', '0']
    """
    ordered = sorted(digests, key=lambda digest: (charge(exposures[digest]), digest))
    if number < 1 or not ordered:
        return []
    at = np.linspace(0, len(ordered) - 1, min(number, len(ordered))).round().astype(int)
    return [ordered[n] for n in at.tolist()]


def best_and_least(looks: Looks, sign: float) -> tuple[list[str], list[str]]:
    """Return the photos that show one place best, best first, and least, least first; none twice.

    `looks` is of that place only. Photos that cannot say are left out.
    """
    usable = np.flatnonzero(looks.usable[:, 0])
    sigmas = looks.sigmas[usable, 0]
    by_strength = usable[np.argsort(-sign * sigmas, kind="stable")].tolist()
    best = by_strength[: min(BEST, max(len(by_strength) - 1, 1))]
    by_silence = usable[np.argsort(np.abs(sigmas), kind="stable")].tolist()
    least = [n for n in by_silence if n not in best][:LEAST]
    return [looks.digests[n] for n in best], [looks.digests[n] for n in least]


def charge(exposure: Exposure) -> float:
    """Return time times gain, that of an ordinary photo where a file does not say."""
    return (exposure.exposure_s or 1 / 50) * (exposure.gain or 4.0)

"""By which law the known places of a sensor's broken pixels lie in a zoom's straightened photos.

For a map of RAW files, whose places are the sensor's own: few photos are then enough. Never sees a
photo, only its spots.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..evidence.spots import Spots
from ..maps.lens_laws import LensLaw
from .sliding import SMALL, SMOOTH, Seen, basis_of, laid_by, scale_of, seen_in

FEWEST_PHOTOS = 4
FEWEST_PLACES = 4  # broken pixels that must show
MOST_RATIO = 0.12  # of the radius that a place may have moved
BESIDE = 3.0  # px beside the radius through a place at which a spot may lie
TRIALS, OF_TRIAL = 1500, 4  # laws tried, each through so many pairs of place and spot
AGREES = 4.0  # px within which a pair agrees with a trial
# Px within which a spot is a place's, step by step; but for the last ones more in larger pictures.
SHRINKING, WITHIN = (3.0, 2.5, 2.0, 1.5, 1.5), 1.5
MOST_KNOTS = 5
# Times as many matches as where all places are shifted alike, and as by chance.
LEAST_LEAD, LEAST_OVER_CHANCE = 1.25, 3.0
LEAST_SLIDE = 1.5  # px that places must move

Floats = NDArray[np.float64]
Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]  # numbers of places and of their spots


def law_at(
    photos: Sequence[tuple[float, Spots]], places: Floats, lens: str, size: tuple[int, int]
) -> LensLaw | None:
    """Return the law by which places lie in a lens's photos; None where it cannot be told.

    Args:
        photos: focal length in mm and spots (x, y, sigmas) of each.
        places: x and y of each broken pixel, (places, 2), where an uncorrected picture has it.
        lens: as the photos name it.
        size: width and height of the pictures in px.
    """
    if len(photos) < FEWEST_PHOTOS or len(places) < FEWEST_PLACES:
        return None
    seen = seen_in(photos, size)
    middle = (np.array(size, np.float64) - 1) / 2
    known = (places - middle) / seen.half_diagonal
    knots = np.unique([focal_mm for focal_mm, _ in photos])
    if knots.size > MOST_KNOTS:
        knots = np.linspace(knots[0], knots[-1], MOST_KNOTS).round(3)
    terms = _tried(seen, known, knots)
    for within in SHRINKING:
        reach = within if within <= WITHIN else within * scale_of(seen)
        matches = _matched(seen, known, laid_by(seen, knots, terms), reach)
        if np.unique(matches[0]).size < FEWEST_PLACES:
            return None
        terms = _fitted(seen, known, knots, matches)
    rows = tuple((float(a), float(b), float(c)) for a, b, c in terms.round(7))
    law = LensLaw(lens, tuple(knots.tolist()), rows)
    return law if law.is_one_to_one() and _holds(seen, known, knots, terms) else None


def _tried(seen: Seen, known: Floats, knots: Floats) -> Floats:
    """Return the terms at each knot, linear in focal length, that most pairs agree with."""
    place, spot = _pairs(seen, known)
    if spot.size < OF_TRIAL:
        return np.zeros((knots.size, 3))
    radius = np.sqrt(seen.squared[spot])
    span = max(float(np.ptp(knots)), 1.0)
    share = (seen.focal_mm[spot] - knots[0]) / span
    rows = np.stack([radius, radius * share, radius**3, radius**3 * share], axis=1)
    moved = np.hypot(*known[place].T) - radius
    rng = np.random.default_rng(spot.size)
    best, most, agrees = np.zeros(4), -1, AGREES * scale_of(seen)
    for _ in range(TRIALS):
        chosen = rng.choice(spot.size, OF_TRIAL, replace=False)
        trial = np.linalg.lstsq(rows[chosen], moved[chosen], rcond=1e-6)[0]
        if np.abs(trial).max() > 2 * MOST_RATIO:
            continue
        agree = int((np.abs(rows @ trial - moved) * seen.half_diagonal < agrees).sum())
        if agree > most:
            best, most = trial, agree
    at = (knots - knots[0]) / span
    return np.stack([best[0] + best[1] * at, best[2] + best[3] * at, np.zeros_like(at)], axis=1)


def _pairs(seen: Seen, known: Floats) -> Pairs:
    """Return which spots lie on the radius through which places, and not far along it."""
    radius = np.hypot(*known.T)
    along = known / np.maximum(radius, 1e-9)[:, None]
    ahead = along @ seen.at.T
    beside = np.abs(along[:, :1] * seen.at[:, 1] - along[:, 1:] * seen.at[:, 0])
    near = np.abs(ahead - radius[:, None]) < MOST_RATIO * radius[:, None]
    place, spot = np.nonzero(near & (beside * seen.half_diagonal < BESIDE))
    return place, spot


def _matched(seen: Seen, known: Floats, laid: Floats, within: float) -> Pairs:
    """Return which spots lie within some px of a place, each with the nearest."""
    away = np.hypot(*np.moveaxis(laid[:, None] - known[None], -1, 0)) * seen.half_diagonal
    nearest = away.argmin(axis=1)
    spot = np.flatnonzero(away[np.arange(len(laid)), nearest] < within)
    return nearest[spot], spot


def _fitted(seen: Seen, known: Floats, knots: Floats, matches: Pairs) -> Floats:
    """Return the terms, (knots, 3), by least squares through the matches."""
    place, spot = matches
    radius = np.sqrt(seen.squared[spot])
    basis = basis_of(knots, seen.focal_mm[spot])
    rows = np.concatenate([basis * (radius**power)[:, None] for power in (1, 3, 5)], axis=1)
    number, ties = knots.size, []
    for term in range(3):
        tie = np.zeros((number, rows.shape[1]))
        tie[:, term * number : (term + 1) * number] = np.eye(number)
        ties += [tie * SMALL[term], np.diff(tie, n=2, axis=0) * SMOOTH[term]]
    weak = np.concatenate(ties) / seen.half_diagonal
    moved = np.hypot(*known[place].T) - radius
    weight, solution = np.ones(spot.size), np.zeros(rows.shape[1])
    for _ in range(6):
        left = np.concatenate([rows * weight[:, None], weak])
        right = np.concatenate([moved * weight, np.zeros(len(weak))])
        solution = np.linalg.lstsq(left, right, rcond=None)[0]
        error = (rows @ solution - moved) * seen.half_diagonal
        spread = max(1.4826 * float(np.median(np.abs(error))), 0.3)
        weight = 1 / (1 + (error / (2 * spread)) ** 2)
    return np.asarray(solution.reshape(3, number).T)


def _holds(seen: Seen, known: Floats, knots: Floats, terms: Floats) -> bool:
    """Return whether spots lie at the places by the law alone: not without it, nor by chance."""
    within, laid = WITHIN, laid_by(seen, knots, terms)
    place, spot = _matched(seen, known, laid, within)
    slides = np.hypot(*(laid - seen.at)[spot].T) * seen.half_diagonal
    without = _most_shifted(seen, known, within)
    turned = seen.turned()
    chance = _matched(turned, known, laid_by(turned, knots, terms), within)[1].size
    enough = np.unique(place).size >= FEWEST_PLACES and slides.max(initial=0.0) >= LEAST_SLIDE
    return bool(enough and spot.size >= max(LEAST_LEAD * without, LEAST_OVER_CHANCE * chance))


def _most_shifted(seen: Seen, known: Floats, within: float) -> int:
    """Return how many spots lie at places that are all shifted alike, at the best shift."""
    apart = (seen.at[:, None] - known[None]).reshape(-1, 2) * seen.half_diagonal
    most = 0
    for offset in (0.0, 0.5):
        cells = np.floor(apart / (2 * within) + offset).astype(np.int64)
        _, number = np.unique(cells[:, 0] << 32 | (cells[:, 1] & 0xFFFFFFFF), return_counts=True)
        most = max(most, int(number.max(initial=0)))
    return most

"""Do the spots of photos slide along the radius with the focal length, and by which law?

A broken pixel is at one place of the sensor in all photos. So the law is right under which the
spots of photos of different focal lengths fall together. Never sees a photo.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..evidence.spots import Spots
from ..maps.lens_laws import LensLaw, ratio_at

FEWEST_PHOTOS = 8
LEAST_ZOOM = 1.1  # longest focal length over the shortest
FEWEST_TRACKS, FEWEST_OF_TRACK = 4, 6  # broken pixels, and photos that show each
MOST_STRENGTH, STRENGTHS = 0.16, 161  # of a correction, as a share of the radius in the corner
MOST_KNOTS, PHOTOS_PER_KNOT = 10, 4
OUTER = 0.5  # half diagonals from the middle; nearer, places hardly slide and say little of a law
COARSE, BETTER = 41, 1.05  # strengths at a first look, and how much more pairs one must have
USUAL_WIDTH = 640  # px: in larger pictures places slide farther, and spots are fewer in as many px
WITHIN = 1.5  # px from a track's place to its spots
SHRINKING = (4.0, 3.0, 2.5, 2.0, 1.5, 1.0, 1.0, 1.0)  # times what is looked within, step by step
LEAST_SLIDE = 1.5  # px that the outermost track must move
# Times as many pairs of spots in tracks as without a law, and as where each photo is turned.
LEAST_LEAD, LEAST_OVER_CHANCE = 1.3, 3.0
# The same where a law moves places by so many px, of so many tracks; it is asked of fewer spots.
LEAST_OUTSIDE, FEWEST_OUTSIDE, LEAST_LEAD_OUTSIDE = 3.0, 2, 2.0
RADII = 101  # at which it is looked how far a law moves places
GOLDEN = 2.399963  # radians: no two photos are turned alike
# Weights, in 1/px, that keep a law smooth and small where no track tells it.
SMOOTH, SMALL = (30.0, 30.0, 60.0), (3.0, 1.0, 3.0)
WIDER = 1.0005  # a picture that shows so much more of the sensor becomes the one of the law

Floats = NDArray[np.float64]
SHAPES: tuple[Callable[[Floats], Floats], ...] = (lambda f: f, np.log, lambda f: -1 / f)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The spots of a lens's photos."""

    at: Floats  # (spots, 2): x and y from the middle, in half diagonals
    focal_mm: Floats  # (spots,)
    photo: NDArray[np.intp]  # (spots,)
    half_diagonal: float  # px

    @property
    def squared(self) -> Floats:
        """Return the square of each spot's radius."""
        return np.asarray((self.at**2).sum(axis=1))

    def turned(self) -> Seen:
        """Return the same, each photo turned by another angle: no pixel has one place there."""
        cosine, sine = np.cos(GOLDEN * self.photo), np.sin(GOLDEN * self.photo)
        x, y = self.at.T
        at = np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=1)
        return Seen(at, self.focal_mm, self.photo, self.half_diagonal)


def law_of(
    photos: Sequence[tuple[float, Spots]], lens: str, size: tuple[int, int]
) -> LensLaw | None:
    """Return the law by which a lens's spots slide; None where they do not, or it cannot be told.

    Args:
        photos: focal length in mm and spots (x, y, sigmas) of each.
        lens: as the photos name it.
        size: width and height of the pictures in px.

    The map's places are those of the picture, of all focal lengths, that shows most of the sensor.
    """
    focal = np.array([focal_mm for focal_mm, _ in photos])
    if len(photos) < FEWEST_PHOTOS or focal.max() < LEAST_ZOOM * focal.min():
        return None
    seen = seen_in(photos, size)
    if not _may_slide(seen):
        return None
    knots = _knots_of(focal)
    terms, strength = _voted(seen, knots)
    if not strength:
        return None
    terms, tracks = _refined(seen, knots, terms, reference=len(knots) - 1)
    widest = int(np.argmax(terms.sum(axis=1)))
    if len(tracks) and terms[widest].sum() > WIDER - 1:
        ratio = 1 + terms[widest].sum()
        terms, tracks = _refined(seen, knots, (terms - terms[widest]) / ratio, reference=widest)
    law = LensLaw(
        lens,
        tuple(float(each) for each in knots),
        tuple((float(a), float(b), float(c)) for a, b, c in terms.round(7)),
    )
    return law if law.is_one_to_one() and _holds(seen, knots, terms, tracks) else None


def seen_in(photos: Sequence[tuple[float, Spots]], size: tuple[int, int]) -> Seen:
    """Return the spots of some photos, each a focal length and spots, from the middle."""
    middle = (np.array(size, np.float64) - 1) / 2
    half = float(np.hypot(*middle))
    numbers = [np.full(len(spots), n, np.intp) for n, (_, spots) in enumerate(photos)]
    focal = [np.full(len(spots), focal_mm) for focal_mm, spots in photos]
    at = np.concatenate([spots[:, :2] for _, spots in photos]).astype(np.float64)
    return Seen((at - middle) / half, np.concatenate(focal), np.concatenate(numbers), half)


def _knots_of(focal: Floats) -> Floats:
    """Return the focal lengths between which a law is interpolated."""
    different = np.unique(focal)
    most = int(np.clip(focal.size // PHOTOS_PER_KNOT, 2, MOST_KNOTS))
    if different.size <= most:
        return different
    return np.linspace(different[0], different[-1], most).round(3)


def _may_slide(seen: Seen) -> bool:
    """Return whether outer spots agree better under some law than without any, at a coarse look."""
    within = 2 * WITHIN * scale_of(seen) / seen.half_diagonal
    outer = seen.squared >= OUTER**2
    at, log = seen.at[outer], np.log(seen.focal_mm)
    less = ((log - log.max()) / np.ptp(log) * seen.squared)[outer]
    strengths = np.linspace(-MOST_STRENGTH, MOST_STRENGTH, COARSE)
    pairs = [_pairs(at * (1 + strength * less)[:, None], within) for strength in strengths]
    return max(pairs) > BETTER * pairs[COARSE // 2]


def _voted(seen: Seen, knots: Floats) -> tuple[Floats, float]:
    """Return the terms at each knot, of a law of one strength, that most spots agree on."""
    within = WITHIN * scale_of(seen) / seen.half_diagonal
    best = (-1.0, 0.0, 0)
    for number, shape in enumerate(SHAPES):
        low, high = shape(knots[:1])[0], shape(knots[-1:])[0]
        less = (shape(seen.focal_mm) - high) / (high - low) * seen.squared
        for strength in np.linspace(-MOST_STRENGTH, MOST_STRENGTH, STRENGTHS):
            pairs = _pairs(seen.at * (1 + strength * less)[:, None], within)
            if pairs > best[0]:
                best = (pairs, float(strength), number)
    _, strength, number = best
    shape = SHAPES[number]
    share = (shape(knots) - shape(knots[-1:])) / (shape(knots[-1:]) - shape(knots[:1]))
    zero = np.zeros_like(knots)
    return np.stack([zero, strength * share, zero], axis=1), strength


def scale_of(seen: Seen) -> float:
    """Return how many times larger than USUAL_WIDTH the pictures are; 1 at least."""
    return max(1.0, 1.6 * seen.half_diagonal / USUAL_WIDTH)


def _pairs(at: Floats, within: float) -> float:
    """Return how many pairs of places share a cell, on two grids of cells."""
    total = 0
    for offset in (0.0, 0.5):
        cells = np.floor(at / (2 * within) + offset).astype(np.int64)
        _, number = np.unique(cells[:, 0] << 32 | (cells[:, 1] & 0xFFFFFFFF), return_counts=True)
        total += int((number * (number - 1) // 2).sum())
    return float(total)


def basis_of(knots: Floats, focal: Floats) -> Floats:
    """Return the share that each knot has in the terms at some focal lengths, (spots, knots)."""
    right = np.clip(np.searchsorted(knots, focal), 1, knots.size - 1)
    share = (focal - knots[right - 1]) / (knots[right] - knots[right - 1])
    basis = np.zeros((focal.size, knots.size))
    each = np.arange(focal.size)
    basis[each, right - 1], basis[each, right] = 1 - share, share
    return basis


def laid_by(seen: Seen, knots: Floats, terms: Floats) -> Floats:
    """Return where the spots lie in the map, from the middle and in half diagonals."""
    a, b, c = (basis_of(knots, seen.focal_mm) @ terms).T
    squared = seen.squared
    return np.asarray(seen.at * (1 + a + squared * (b + squared * c))[:, None])


def _refined(
    seen: Seen, knots: Floats, terms: Floats, reference: int
) -> tuple[Floats, list[NDArray[np.intp]]]:
    """Return the terms under which tracks agree best, (knots, 3), and the spots of each track.

    At the knot `reference` the map is the picture.
    """
    tracks: list[NDArray[np.intp]] = []
    for times in SHRINKING:
        within = max(times * scale_of(seen), 1.0) * WITHIN / seen.half_diagonal
        tracks = _tracks(laid_by(seen, knots, terms), seen.photo, within)
        if len(tracks) < FEWEST_TRACKS:
            return terms, []
        terms = _fitted(seen, knots, tracks, reference)
    last = WITHIN / seen.half_diagonal
    return terms, _tracks(laid_by(seen, knots, terms), seen.photo, last)


def _tracks(at: Floats, photo: NDArray[np.intp], within: float) -> list[NDArray[np.intp]]:
    """Return the spots that fall together, FEWEST_OF_TRACK photos or more, the fullest first."""
    cells: dict[tuple[int, int], list[int]] = {}
    for i, (column, row) in enumerate(np.floor(at / within).astype(np.int64).tolist()):
        cells.setdefault((column, row), []).append(i)
    full = []
    for (column, row), own in cells.items():
        near = [
            i for c in (-1, 0, 1) for r in (-1, 0, 1) for i in cells.get((column + c, row + r), ())
        ]
        if len(own) > 1 and np.unique(photo[near]).size >= FEWEST_OF_TRACK:
            full.append((-np.unique(photo[near]).size, column, row, near))
    taken = np.zeros(len(at), np.bool_)
    tracks = []
    for *_, near in sorted(full):
        left = np.array([i for i in near if not taken[i]], np.intp)
        for _ in range(3):
            if left.size < FEWEST_OF_TRACK:
                break
            left = left[np.hypot(*(at[left] - np.median(at[left], axis=0)).T) < within]
        if left.size and np.unique(photo[left]).size >= FEWEST_OF_TRACK:
            taken[left] = True
            tracks.append(left)
    return tracks


def _fitted(
    seen: Seen, knots: Floats, tracks: Sequence[NDArray[np.intp]], reference: int
) -> Floats:
    """Return the terms, (knots, 3), and with them each track's radius, by robust least squares."""
    spots = np.concatenate(tracks)
    radius = np.sqrt(seen.squared[spots])
    basis = basis_of(knots, seen.focal_mm[spots])
    powers = [basis * (radius**power)[:, None] for power in (1, 3, 5)]
    of_track = np.repeat(np.arange(len(tracks)), [len(track) for track in tracks])
    own = -(of_track[:, None] == np.arange(len(tracks))).astype(np.float64)
    rows = np.concatenate([*powers, own], axis=1)
    ties = np.zeros((0, rows.shape[1]))
    for term in range(3):
        first = term * knots.size
        tie = np.zeros((knots.size, rows.shape[1]))
        tie[:, first : first + knots.size] = np.eye(knots.size)
        bends = np.diff(tie, n=2, axis=0) * SMOOTH[term]
        ties = np.concatenate([ties, tie * SMALL[term], tie[[reference]] * 1e4, bends])
    ties /= seen.half_diagonal
    weight = np.ones(spots.size)
    solution = np.zeros(rows.shape[1])
    for _ in range(6):
        left = np.concatenate([rows * weight[:, None], ties])
        right = np.concatenate([-radius * weight, np.zeros(len(ties))])
        solution = np.linalg.lstsq(left, right, rcond=None)[0]
        error = (rows @ solution + radius) * seen.half_diagonal
        spread = max(1.4826 * float(np.median(np.abs(error))), 0.15)
        weight = 1 / (1 + (error / (2 * spread)) ** 2)
    return np.asarray(solution[: 3 * knots.size].reshape(3, knots.size).T)


def _holds(seen: Seen, knots: Floats, terms: Floats, tracks: Sequence[NDArray[np.intp]]) -> bool:
    """Return whether spots fall together by the law alone: not without it, and not by chance."""
    if len(tracks) < FEWEST_TRACKS:
        return False
    laid = laid_by(seen, knots, terms)
    slides = np.hypot(*(laid - seen.at).T) * seen.half_diagonal
    reach = max(float(np.ptp(slides[track])) for track in tracks)
    explained = _pairs_in(tracks)
    without = _pairs_in(_beyond(0.0, seen, seen.at))
    turned = seen.turned()
    chance = _pairs_in(_beyond(0.0, turned, laid_by(turned, knots, terms)))
    leads = explained >= LEAST_LEAD * without or _leads_outside(seen, terms, laid)
    return reach >= LEAST_SLIDE and leads and explained >= LEAST_OVER_CHANCE * chance


def _leads_outside(seen: Seen, terms: Floats, laid: Floats) -> bool:
    """Return whether spots fall together by the law where it moves them, and not without it.

    Where most tracks are near the middle they agree with any law, and hide what the others say.
    """
    radius = np.linspace(0, 1, RADII)
    moved = np.ptp([radius * ratio_at(each, radius) for each in terms], axis=0)
    far = radius[moved * seen.half_diagonal >= LEAST_OUTSIDE]
    if not far.size:
        return False
    by_law, without = _beyond(far[0], seen, laid), _beyond(far[0], seen, seen.at)
    enough = len(by_law) >= FEWEST_OUTSIDE
    return enough and _pairs_in(by_law) >= LEAST_LEAD_OUTSIDE * _pairs_in(without)


def _beyond(radius: float, seen: Seen, at: Floats) -> list[NDArray[np.intp]]:
    """Return the tracks of the spots that lie at a radius or beyond, in half diagonals."""
    far = np.hypot(*at.T) >= radius
    return _tracks(at[far], seen.photo[far], WITHIN / seen.half_diagonal)


def _pairs_in(tracks: Sequence[NDArray[np.intp]]) -> int:
    return sum(len(track) * (len(track) - 1) // 2 for track in tracks)

"""Which photos to look at again, so that few of them tell when the defects of a map began.

A photo can tell most where it is as likely as not that the defect had begun by then, and nothing
outside the time in which it can have begun. Never reads photos, and never decides what is broken.
docs/statistics.md, section 9, says how it was measured.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from ..evidence.measures import Place
from ..evidence.sightings import DatedSightings, Sightings
from ..maps.records import Defect, DefectMap
from .dates import Course, courses_of, unlooked_course

MOST_PHOTOS = 12  # looked at again for the sake of one beginning (and its end), at most
FIRST_PHOTOS = 6  # for those that were there before the first photo, all together
BEGAN = 0.8  # probability from which a defect is taken to have begun within the photos
MOST_PLACES = 300  # that photos are chosen for, the surest: the others get what these say
ALIKE = 0.5  # of the most that any photo can tell of a place: a photo of this much serves it, too
DULLEST = 0.2  # what the photo of the least charge tells, beside that of the most
END_KNOWN = 0.02  # probability that it ended from which photos are looked at for its end
SETTLED = 1e-4  # what a photo can tell, below which it is not worth reading

Floats = NDArray[np.float64]


def next_looks(
    found: Sequence[Defect], log: Sightings, at_hand: Collection[str]
) -> dict[str, list[Place]]:
    """Return the photos to look at next, by digest, each with the places it is looked at for.

    They are some of those `at_hand`, the same ones whatever order the photos came in. None: all
    is settled, or as many were looked at as dates are worth.
    """
    sightings = log.dated()
    numbers = {place: number for number, place in enumerate(log.places)}
    listed = [one for one in found if (one.x, one.y) in numbers][:MOST_PLACES]
    if not listed or not sightings.taken:
        return {}
    places = [(one.x, one.y) for one in listed]
    told = courses_of(DefectMap(log.sensor, tuple(listed)), log)
    unlooked = unlooked_course(sightings.taken)
    courses = [told.get(place, unlooked) for place in places]
    index = np.array([numbers[place] for place in places])
    unseen = sightings.looked[:, None] <= index
    unseen &= np.array([digest in at_hand for digest in sightings.digests], np.bool_)[:, None]
    unseen &= np.array([log.sought.get(place, 0) < MOST_PHOTOS for place in places], np.bool_)
    worth = np.stack([_worth(course) for course in courses], axis=1)
    worth *= _telling(sightings)[:, None] * unseen
    left = FIRST_PHOTOS + MOST_PHOTOS * _beginnings(courses) - log.again
    return {
        sightings.digests[photo]: [places[number] for number in served]
        for photo, served in _fewest(worth, left).items()
    }


def _worth(course: Course) -> Floats:
    """Return what each photo can tell of a beginning and an end, 0 to 1/4 each.

    That is the variance of "had begun by then": half of it is gone once the photo has said yes or
    no for sure. Photos outside the interval that is told anyway could hardly make it shorter.
    """
    first, last = course.steps()
    begun = np.cumsum(course.began) / course.began.sum()
    beginning = begun * (1 - begun)
    beginning[: max(first - 1, 0)] = beginning[last + 1 :] = 0
    if first == last:
        beginning[:] = 0
    gone = np.concatenate([[0.0], np.cumsum(course.ended)[:-1]])
    if gone[-1] < END_KNOWN:
        return np.asarray(beginning, np.float64)
    return np.asarray(np.maximum(beginning, gone * (1 - gone)), np.float64)


def _telling(sightings: DatedSightings) -> Floats:
    """Return what each photo tells beside the others by its exposure, DULLEST to 1: by its rank."""
    charge = sightings.charge
    rank = np.searchsorted(np.sort(charge), charge, side="right") / charge.size
    return np.asarray(DULLEST + (1 - DULLEST) * rank, np.float64)


def _beginnings(courses: Sequence[Course]) -> int:
    """Return how many defects surely began within the photos."""
    return sum(course.began[0] < (1 - BEGAN) * course.began.sum() for course in courses)


def _fewest(worth: Floats, most: int) -> dict[int, list[int]]:
    """Return few photos that together serve all places, with the places that each serves.

    The photo that tells most in all comes first. `worth` is (photos, places).

    >>> _fewest(np.array([[0.2, 0.0, 0.0], [0.2, 0.25, 0.0], [0.0, 0.0, 0.1]]), 12)
    {1: [0, 1], 2: [2]}
    """
    best = worth.max(axis=0)
    waiting = best > SETTLED
    chosen: dict[int, list[int]] = {}
    while waiting.any() and len(chosen) < most:
        photo = int((worth * waiting).sum(axis=1).argmax())
        served = waiting & (worth[photo] >= ALIKE * best)
        if not served.any():  # it tells a little of many: take the best one of the neediest
            neediest = int((best * waiting).argmax())
            photo = int(worth[:, neediest].argmax())
            served = waiting & (worth[photo] >= ALIKE * best)
        chosen[photo] = [int(place) for place in np.flatnonzero(served)]
        waiting &= ~served
    return chosen

"""When defects began, and when some ended: from what each photo says at their places to dates.

Sees the log of sightings, never photos. Never decides whether a pixel is broken: it takes the
map's word for that. docs/statistics.md explains each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from ..evidence.measures import LEVEL, RESIDUAL, RESPONSE, SLOPE, Place
from ..evidence.sightings import DatedSightings, Sightings
from ..evidence.templates import USUAL_GAIN
from ..maps.merging import with_dates
from ..maps.records import DefectMap

MASS = 0.9  # of the probability that the interval of dates holds
BEFORE = 0.5  # prior: it began before the first photo; as likely in as long a time as they span
ENDED = 0.1  # prior: it ended within the photos
ENDED_ODDS = 10.0  # to one, from which an end is stated
STEADY = 3.0  # times longer than any silence before: the silence that is an end
SHORTEST_GAP_DAYS = 1 / 1440  # between photos: in a burst, too, something may begin

# What a sound pixel's residual is in sigmas: Student's t, as measured on real and simulated photos.
NULL_FREEDOM, NULL_SCALE = 5.0, 0.8
MOST_SIGMAS = 8.0  # that count: a glint of 100 sigmas says no more than one of 8
SPREAD = 0.3  # of a defect's own excess: temperature, demosaicing, the camera's tone curve
# How often a photo that should show the defect does not, and how likely each is: JPEG's
# quantisation, a hand that repaired it; the last for those that blink.
MISSES = ((0.01, 0.7), (0.1, 0.2), (0.5, 0.1))
FAINTEST = 0.6  # sigmas in the photo that should show most: less could not be told
STRONGEST = 100.0  # sigmas in the middle one of the photos
LEAST_WEIGHT = 1e-6  # of the likeliest hypothesis: those below are left out
STUCK_LEVELS = (0.1, 0.25, 0.5, 0.75, 1.0)  # of white
STUCK_SHARES = (0.15, 0.35, 0.7)  # of a photosite's excess that luma and the cross filter leave
MOST_SHARE = 0.75  # of the way to white or black that the filtered excess can go

CLEARLY = 2.0  # log odds from which one photo is said to show a defect
HARDLY = -0.5  # log odds down from which it is said not to, though it could have
SHOWS, ABSENT, SILENT, UNSEEN = "#", "o", ".", " "  # what one photo says of one place
SUPPRESSED = -6.0  # log odds, over all defects: long exposures in which the camera hides them

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What became of one place from photo to photo, the earliest first."""

    taken: tuple[datetime, ...]
    began: Floats  # (photos,): how likely it began after the photo before this one and up to it
    ended: Floats  # (photos,): how likely this is the last photo that can show it
    odds: Floats  # (photos,): log odds that this photo shows it; NaN: it was not looked at
    has_ended: bool

    def since(self) -> tuple[datetime | None, datetime]:
        """Return the last photo before and the first after it began, at 90 %.

        None: it may have begun before the first photo.
        """
        low, high = self.steps()
        return self.taken[low - 1] if low else None, self.taken[high]

    def steps(self) -> tuple[int, int]:
        """Return the first and last photo of those up to which it began, at 90 %."""
        days = _days(self.taken)
        return shortest(self.began, np.diff(days, prepend=days[0]))

    def until(self) -> tuple[datetime, datetime] | None:
        """Return the last photo before and the first after it ended, at 90 %; None: it has not."""
        if not self.has_ended:
            return None
        ended = self.ended[:-1] / self.ended[:-1].sum()
        low, high = shortest(ended, np.diff(_days(self.taken)))
        return self.taken[low], self.taken[high + 1]

    def says(self) -> str:
        """Return one mark a photo: it shows it, could have and does not, or cannot say.

        UNSEEN where the photo was not looked at.
        """
        return "".join(
            UNSEEN if np.isnan(odds) else SHOWS if odds > CLEARLY
            else ABSENT if odds < HARDLY else SILENT
            for odds in self.odds
        )  # fmt: skip


def dated(found: DefectMap, log: Sightings) -> DefectMap:
    """Return the map with `since` and `until` of every defect that the log tells of.

    Where it can have begun before there were photos, the earlier date is the first photo's of
    all. The other defects keep the dates they have.
    """
    courses = courses_of(found, log)
    dates = {}
    for place, course in courses.items():
        (low, high), until = course.since(), course.until()
        first = low or min(course.taken[0], found.evidence.first or course.taken[0])
        since = first.date(), high.date()
        ends = until and (until[0].date(), until[1].date())
        dates[place] = since, ends
    return with_dates(found, dates)


def courses_of(found: DefectMap, log: Sightings) -> dict[Place, Course]:
    """Return what became of each place of a map that dated photos were looked at for."""
    sightings = log.dated()
    at = {place: index for index, place in enumerate(log.places)}
    indices = {
        (defect.x, defect.y): at[defect.x, defect.y]
        for defect in found
        if (defect.x, defect.y) in at
    }
    asked = np.ones(len(sightings.taken), np.bool_)
    courses = _courses(sightings, indices, asked)
    asked = asked_photos(sightings.exposure_s, [course.odds for course in courses.values()])
    return courses if asked.all() else _courses(sightings, indices, asked)


def unlooked_course(taken: tuple[datetime, ...]) -> Course:
    """Return what is known of a place before any photo was looked at."""
    began, ended = map(np.exp, priors(_days(taken)))
    return Course(taken, began, ended, np.full(len(taken), np.nan), has_ended=False)


def _courses(
    sightings: DatedSightings, indices: dict[Place, int], asked: Flags
) -> dict[Place, Course]:
    gain, charge = np.nan_to_num(sightings.gain, nan=USUAL_GAIN), sightings.charge
    courses = {}
    for place, index in indices.items():
        said = sightings.said[:, index].astype(np.float64)
        usable = asked & (said[:, SLOPE] > 0)  # neither near white nor NaN
        if usable.any():
            expected, prior = hypotheses(said[usable], gain[usable], charge[usable])
            shows = log_ratio(said[usable, RESIDUAL], expected)
            course = _course(sightings.taken, usable, shows, prior)
            course.odds[np.isnan(said[:, SLOPE])] = np.nan
            courses[place] = course
    return courses


def _course(taken: tuple[datetime, ...], usable: Flags, shows: Floats, prior: Floats) -> Course:
    """Return the posterior of one place, marginal over what may be wrong with it and how much.

    `shows` is (hypotheses, usable photos), `prior` the hypotheses' log weight.
    """
    shares = np.exp(shows)
    said = np.log(np.concatenate([(1 - miss) * shares + miss for miss, _ in MISSES]))
    weight = np.concatenate([prior + np.log(probability) for _, probability in MISSES])
    likely = _likely(said, weight)
    ratio = np.zeros((np.count_nonzero(likely), usable.size))
    ratio[:, usable] = said[likely]
    began, ended = _joint(ratio, *priors(_days(taken)))
    starts = _normalised(began + weight[likely, None])
    ends = _normalised(ended + weight[likely, None]).sum(0)
    odds = starts.sum(1) @ ratio
    return Course(taken, starts.sum(0), ends, odds, _has_ended(starts.sum(0), ends, odds))


def _likely(ratio: Floats, weight: Floats) -> Flags:
    """Return which hypotheses can matter: by the best that each could say of any interval."""
    running = np.cumsum(ratio, axis=1)
    before = np.minimum(np.minimum.accumulate(running, axis=1), 0)
    best = (running - before).max(1) + weight
    return np.asarray(best > best.max() + np.log(LEAST_WEIGHT), np.bool_)


def _normalised(log_weights: Floats) -> Floats:
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum(), np.float64)


def _joint(ratio: Floats, start: Floats, end: Floats) -> tuple[Floats, Floats]:
    """Return the log weights of each start and of each end, (hypotheses, photos) both.

    The weight of a start at photo k and an end after photo e is start[k] end[e] exp(sum of the
    ratios from k to e): a product, so that each margin takes one pass over the photos.
    """
    until = np.cumsum(ratio, axis=1)
    opens, closes = start - (until - ratio), end + until
    closed_later = np.logaddexp.accumulate(closes[:, ::-1], axis=1)[:, ::-1]
    opened_earlier = np.logaddexp.accumulate(opens, axis=1)
    return opens + closed_later, closes + opened_earlier


def hypotheses(said: Floats, gain: Floats, charge: Floats) -> tuple[Floats, Floats]:
    """Return what each kind of defect should show, in sigmas, (hypotheses, photos), and log priors.

    Excesses that grow with the gain, with the charge (gain times time) or with its root, wrong
    responses to light, each to both sides (a hot blue photosite darkens luma in many cameras),
    and constant values. The kinds are equally likely beforehand, and so are the steps within,
    each twice the one before.
    """
    slope, response, level = said[:, SLOPE], said[:, RESPONSE], said[:, LEVEL]
    per_level = np.where(level > 0.004, 255 * response / np.maximum(8 * level, 0.01), 255.0)
    room_above = MOST_SHARE * np.maximum(1 - level, 0) * per_level
    room_below = MOST_SHARE * np.maximum(level, 0) * per_level
    kinds = []
    for shape in (gain * slope, charge * slope, np.sqrt(gain * charge) * slope, response):
        most = max(float(shape.max()), 1e-9)
        span = STRONGEST / FAINTEST * most / max(float(np.median(shape)), 1e-3 * most)
        steps = FAINTEST * 2.0 ** np.arange(np.ceil(np.log2(span)))
        excess = np.multiply.outer(steps, shape / most)
        kinds += [np.minimum(excess, room_above), -np.minimum(excess, room_below)]
    kinds.append(
        np.stack([s * (v - level) * per_level for v in STUCK_LEVELS for s in STUCK_SHARES])
    )
    prior = np.concatenate([np.full(len(kind), -np.log(len(kind))) for kind in kinds])
    return np.concatenate(kinds), prior


def log_ratio(residual: Floats, expected: Floats) -> Floats:
    """Return log f(residual | defect) - log f(residual | sound), for each of some expectations.

    Both are Student's t; that of a defect stands where it is expected and is wider in proportion.
    At most MOST_SIGMAS count on either side.

    >>> log_ratio(np.array([0.0, 4.0, 90.0]), np.array([[4.0, 4.0, 90.0]])).round(1).tolist()
    [[-3.8, 4.9, 5.8]]
    """
    seen = np.clip(residual, -MOST_SIGMAS, MOST_SIGMAS)
    middle = np.clip(expected, -MOST_SIGMAS, MOST_SIGMAS)
    variance = NULL_SCALE**2 * (1 + (SPREAD * expected) ** 2)
    sound = 1 + (seen / NULL_SCALE) ** 2 / NULL_FREEDOM
    broken = 1 + (seen - middle) ** 2 / (NULL_FREEDOM * variance)
    ratio = (NULL_FREEDOM + 1) * np.log(sound / broken) - np.log(variance / NULL_SCALE**2)
    return np.asarray(ratio / 2, np.float64)


def priors(days: Floats) -> tuple[Floats, Floats]:
    """Return the log priors of starts and ends, (photos,) both, of photos taken on some days.

    A defect begins at any time with equal chance, and the time before the first photo counts as
    much as all that they span. The last of the ends is "not yet".

    >>> start, end = priors(np.array([0.0, 1.0, 4.0]))
    >>> np.exp(start).round(3).tolist(), np.exp(end).round(3).tolist()
    ([0.5, 0.125, 0.375], [0.025, 0.075, 0.9])
    """
    gaps = np.maximum(np.diff(days), SHORTEST_GAP_DAYS)
    shares = gaps / max(gaps.sum(), SHORTEST_GAP_DAYS)
    start = np.concatenate([[BEFORE], (1 - BEFORE) * shares])
    end = np.concatenate([ENDED * shares, [1 - ENDED]])
    return np.log(start), np.log(end)


def shortest(probability: Floats, lengths: Floats) -> tuple[int, int]:
    """Return the first and last step of the shortest run of steps that holds MASS.

    >>> shortest(np.array([0.02, 0.5, 0.45, 0.03]), np.array([1.0, 1.0, 1.0, 9.0]))
    (1, 2)
    """
    held = np.concatenate([[0.0], np.cumsum(probability)])
    along = np.concatenate([[0.0], np.cumsum(np.maximum(lengths, SHORTEST_GAP_DAYS))])
    aims = held[:-1] + MASS * held[-1]
    ends = np.searchsorted(held, aims - 1e-12)  # the least end from each start, or one too many
    starts = np.flatnonzero(ends < held.size)
    best = starts[np.argmin(along[ends[starts]] - along[starts])]
    return int(best), int(ends[best]) - 1


def asked_photos(exposure_s: Floats, odds: Sequence[Floats]) -> Flags:
    """Return which photos can be asked at all: the others were exposed so long that nothing shows.

    Many cameras repair hot pixels themselves above some shutter time; that must not look like
    an end. Left out are photos longer than all that clearly show any defect, and from the time on
    from which, over all defects, photos between two clear sightings show none.
    """
    time_s = np.nan_to_num(exposure_s)
    asked = np.ones(time_s.size, np.bool_)
    clear = np.zeros(time_s.size, np.bool_)
    between = np.zeros(time_s.size)
    for each in map(np.nan_to_num, odds):
        sure = np.flatnonzero(each > CLEARLY)
        clear[sure] = True
        if sure.size:
            between[sure[0] : sure[-1]] += each[sure[0] : sure[-1]]
    if not clear.any():
        return asked
    longest_first = np.argsort(-time_s, kind="stable")
    running = np.cumsum(between[longest_first])
    last = np.append(np.diff(time_s[longest_first]) != 0, True)  # photos of one time stand together
    least = int(np.where(last, running, np.inf).argmin())
    if running[least] < SUPPRESSED:
        asked &= time_s < time_s[longest_first[least]]
    telling = clear & asked & ~np.isnan(exposure_s)
    if telling.any():
        asked &= time_s <= time_s[telling].max()
    return asked


def _has_ended(began: Floats, ended: Floats, odds: Floats) -> bool:
    """Return whether it is broken no more, rather than silent for a while as it was before.

    A pixel that blinks, or is hot in summer only, was silent before as well.
    """
    if ended[-1] * (1 + ENDED_ODDS) > 1:
        return False
    first, last = int(began.argmax()), int(ended[:-1].argmax())
    running = np.concatenate([[0.0], np.cumsum(odds)])
    within = running[first : last + 2]
    before = float((np.maximum.accumulate(within) - within).max()) if within.size else 0.0
    return bool(running[last + 1] - running[-1] > STEADY * before)


def _days(taken: Sequence[datetime]) -> Floats:
    return np.array([(moment - taken[0]).total_seconds() / 86400 for moment in taken])

"""What is wrong with one pixel that stands out: its kind, its strength, how often it shows.

Never decides whether a pixel is broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median

import numpy as np
from numpy.typing import NDArray

from ..evidence.evidence import Evidence
from ..evidence.mosaic_kernels import LIMIT
from ..evidence.sum_kernels import BLOCK, CLIP, UNIT, UNIT_INFORMATION
from ..evidence.templates import TEMPLATES
from ..frame import Exposure
from ..maps.records import Defect, Kind
from .explanations import is_explained
from .hot_or_offset import Limits
from .views import FEWEST_DARKS, View, near_by

# The first rows of TEMPLATES, whose scores tell the kind together.
OFFSET, HOT_TEMPERED, HOT, RESPONSE = range(4)
EITHER = Limits()
MUTE = 0.25  # photos: a template by which all of them together say less is not heard
CLEARLY = 3.0  # null sigmas between two templates that tell one kind from another
DEEP = 40.0  # grey levels from which a hole is called dead rather than of low response
BLAZING = 80.0  # grey levels from which a spot in nearly all photos is called stuck
ALWAYS = 0.7  # share of the photos that are nearly all: highlights hide even a stuck pixel
FEWEST_PHOTOS = 4  # that must agree, whatever the score
FEWEST_BURSTS = 2  # photos that are too few, however much they say
# photos that its loudest template itself takes, in a mosaic, or one nearly as loud
FEWEST_OF_LOUDEST, NEARLY_AS_LOUD = 3, 0.8
LEAST_SIZE = 8  # of a candidate among few photos; what stands out less is noise, wherever it is
FEW_CANDIDATES = 20
RING_FROM, RING_TO = 3, 5  # px, Chebyshev: outside a single pixel's response
RING_NOISE = 1.25  # null sigmas: the median |score| of sound pixels is 0.67
RING_SHARE = 0.16  # of the middle's score: strong defects stayed below 0.14, dust above 0.2
# In a mosaic a broken photosite is one value, and the 24 around it are as sound ones are. A star
# that stands still lights those beside it, whatever their colour, and darkens what they predict.
SQUARE = 2  # px
SQUARE_NOISE = 1.4  # null sigmas: four of its standard errors above 0.67
SQUARE_SHARE = 0.06  # of the middle's score
# Of a series that hardly moved, stars pass the same photosite in a few of the pictures that count.
OFTEN = 0.6  # of the photos that could show a find, where half of the photos are repeats
OFTEN_ALONE = 0.4  # of them, where none of those beside it shows more than noise does
TRAIL = 0.5  # of what all photos can say: a star's trail stays below it
# In few of all photos, repeats counted, and those beside it show as often.
FEW_BESIDE, BESIDE_SHARE = 2, 0.25  # of the 8 photosites around, share of the photos that show it
# Share of the photos in which noise shows one photosite, to one side, and its standard errors.
NOISE_SHOWS, NOISE_ERRORS = 0.023, 2.0
TWICE = 2.0  # photos that must show a neighbour, however few there are
# Standard deviations of the sum of those beside a photosite. Without a colour filter these are
# predicted from it, among others, and say the opposite: -2.2 of them, give or take 0.7.
BLOB_NOISE, BLOB_NOISE_OF_MONO = 3.0, 1.0
BLOB_BELOW = 0.8  # of what all photos can say: a star near the pole of a turning field stays below
MANY_ALIKE, ALIKE_SHARE, ALIKE_SCORE = 3, 0.5, 2.5  # of the 24, share of its score, null sigmas
# Of the four photosites beside a sound one the middle two tell its texture: where three of them
# blaze it looks dark. Share of its score that each of the three has, to the other side.
BETWEEN, BETWEEN_SHARE = 3, 0.3


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect as described, and what speaks for it."""

    defect: Defect
    effect: float  # mean sigmas in photos that should fully show it
    convincing: bool  # False: its surroundings stand out with it, or too few photos say it


def describe(
    evidence: Evidence, views: Sequence[View], limits: Limits | None, x: int, y: int,
    number: int = 0, *, sign: int = 1,
) -> Finding:  # fmt: skip
    """Return what is at one place, as the view `number` says; the first view is of all photos.

    Its kind all photos tell, since a window of time has one template. `limits` are those of their
    exposures. `sign` is -1 where more light shows as less, as green does in chroma.
    """
    view = views[number]
    around, full = view.around(x, y, RING_TO), view.full(x, y)
    scores = around[:, RING_TO, RING_TO]
    loudest = int(np.abs(scores).argmax())
    template = view.templates[loudest]
    shown = abs(int(evidence.shown[y, x]))
    strength = exposure = None
    if shown >= 2 and np.sign(evidence.shown[y, x]) == np.sign(evidence.excess[y, x]):
        per_level = evidence.rules.counts * abs(evidence.shown[y, x]) * sign
        strength = float(evidence.excess[y, x] / per_level)
        exposure = _typical(evidence, template, shown)
    could = min(max(round(float(full[loudest]) / CLIP**2), shown), evidence.scenes)
    # a mosaic is linear: there a strong hot pixel grows where a tone curve lets it look constant
    always = evidence.rules.toned and shown >= ALWAYS * view.photos
    told = scores if number == 0 else views[0].around(x, y, 0)[:, 0, 0]
    defect = Defect(
        x=x, y=y,
        kind=evidence.templates[template].kind or kind_of(
            sign * _by_template(evidence, told), strength or 0.0, always=always,
            lit=is_lit(evidence, x, y),
            limits=limits,
        ),
        strength=None if strength is None else strength * evidence.white / evidence.rules.levels,
        exposure_s=exposure.exposure_s if exposure else None,
        gain=exposure.gain if exposure else None,
        seen=(shown / could, could) if could else None,
    )  # fmt: skip
    convincing = bool(is_single(evidence, around[loudest], view.photos))
    convincing = convincing and _enough_say_so(evidence, view, x, y)
    if convincing and evidence.again:
        convincing = _stays(evidence, x, y, could / evidence.scenes)
    convincing = convincing and not is_explained(evidence, x, y)
    effect = abs(float(view.told(x, y)[loudest] / full[loudest])) * CLIP
    return Finding(defect, max(effect, _unrest(evidence, x, y)), convincing)


def _by_template(evidence: Evidence, told: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return scores in the order of TEMPLATES, 0 by those that the evidence has not."""
    if not evidence.of_chroma:
        return told
    scores = np.zeros(len(TEMPLATES))
    scores[[TEMPLATES.index(template) for template in evidence.templates]] = told
    return scores


def is_lit(evidence: Evidence, x: int, y: int) -> bool:
    """Return whether photos show enough light at a place to tell a kind that needs it.

    Chroma is no light.
    """
    if evidence.of_chroma:
        return False
    across = min(x // BLOCK, evidence.information.shape[2] - 1)
    told = evidence.information[RESPONSE, y // BLOCK, across]
    return bool(told >= MUTE * CLIP**2 * UNIT_INFORMATION) and not only_darks(evidence)


def _unrest(evidence: Evidence, x: int, y: int) -> float:
    """Return how many sigmas a mosaic's photosite departs beyond the usual, in the fourth mean."""
    if not evidence.rules.bursts:
        return 0.0
    mean = float(evidence.bursts[y, x]) / UNIT / evidence.scenes
    return float(max(mean * LIMIT**2, 0.0) ** 0.25)


def _bursts_say_so(evidence: Evidence, x: int, y: int) -> bool:
    """Return whether few photos of a mosaic say it each by itself, and loudly."""
    told = float(evidence.bursts[y, x]) / UNIT / LIMIT**2
    shown = abs(int(evidence.shown[y, x]))
    return told > FEWEST_BURSTS or (told > 1 and shown > FEWEST_BURSTS)


def _stays(evidence: Evidence, x: int, y: int, could: float) -> bool:
    """Return whether a place of a mosaic shows in repeats, too, and those beside it do not.

    `could` is the share of the photos that can show it.
    """
    shown, photos = _shown_around(evidence, x, y)
    beside = count_beside(shown, photos)
    share = OFTEN if beside else OFTEN_ALONE
    often = share * min(evidence.again / evidence.scenes, 1.0)
    return beside <= FEW_BESIDE and abs(int(shown[1, 1])) >= often * could * photos


def is_passing(evidence: Evidence, x: int, y: int) -> bool:
    """Return whether what a mosaic shows at a place moves on: False where there are no repeats."""
    return evidence.again > 0 and count_beside(*_shown_around(evidence, x, y)) > FEW_BESIDE


def _shown_around(evidence: Evidence, x: int, y: int) -> tuple[NDArray[np.int64], int]:
    """Return in how many of all photos each of 3x3 photosites shows, signed, and their number."""
    shown = near_by(evidence.shown, x, y)
    if evidence.again:
        shown += near_by(evidence.shown_again, x, y)
    return shown, evidence.scenes + evidence.again


def count_beside(shown: NDArray[np.int64], photos: int) -> int:
    """Return how many of the 8 around a photosite show nearly as often, and more than noise does.

    `shown` is (3, 3): in how many of all photos each clearly shows, signed. A star that moves,
    however slowly, lights up those beside its way in as many photos, and two stars that meet at
    one place are still two stars. Beside a broken photosite there is noise.

    >>> shown = np.array([[1, 0, 2], [1, 58, 3], [0, 2, 1]])
    >>> count_beside(shown, 60), count_beside(shown + 20, 60)
    (0, 8)
    """
    own = int(shown[1, 1])
    noise = NOISE_SHOWS * photos
    least = max(noise + NOISE_ERRORS * noise**0.5, BESIDE_SHARE * abs(own), TWICE)
    beside = np.delete(shown.ravel() * (1 if own >= 0 else -1), 4)
    return int((beside >= least).sum())


def _enough_say_so(evidence: Evidence, view: View, x: int, y: int) -> bool:
    """Return whether several photos agree; of dark frames alone two, for they hide nothing.

    Several photos of a mosaic must say the kind that is loudest, or one nearly as loud.
    """
    dark = only_darks(evidence)
    if dark and abs(int(evidence.shown[y, x])) < FEWEST_DARKS:
        return False
    if evidence.rules.bursts:
        if _bursts_say_so(evidence, x, y):
            return True
        loud = np.abs(view.around(x, y, 0)[:, 0, 0])
        nearly = loud >= NEARLY_AS_LOUD * loud.max()
        if view.takes(x, y, nearly) < min(FEWEST_OF_LOUDEST, view.photos):
            return False
    return dark or bool(view.takes(x, y) >= (view.fewest or FEWEST_PHOTOS))


def kind_of(
    scores: NDArray[np.float64], strength: float, *, always: bool, lit: bool = True,
    limits: Limits | None = EITHER,
) -> Kind:  # fmt: skip
    """Tell the kind from the first templates' scores, the strength (DN), and whether all show it.

    Dark frames are not `lit` and tell no kind that needs light. Without `limits` exposure times
    hardly differ: hot and offset are not told apart, nor from what blazes in all photos.

    >>> kind_of(np.array([6.0, 9.0, 12.0, 1.0]), 25.0, always=False)
    'hot'
    >>> kind_of(np.array([-9.0, -8.0, -7.0, -20.0]), -60.0, always=True)
    'dead'
    >>> kind_of(np.array([6.0, 9.0, 12.0, 1.0]), 25.0, always=False, limits=None)
    'bright'
    """
    offset, hot, response = scores[OFFSET], max(scores[HOT_TEMPERED], scores[HOT]), scores[RESPONSE]
    loudest = int(np.abs(scores[: RESPONSE + 1 if lit else RESPONSE]).argmax())
    told: Kind = "bright" if limits is None else limits.told(hot, offset)
    blazes = limits is not None and always and strength >= BLAZING and response < offset
    if scores[loudest] < 0:
        in_proportion = lit and response <= scores[loudest] + CLEARLY
        dark: Kind = "low" if in_proportion else "dark"
        return "dead" if lit and strength <= -DEEP else dark
    if not lit or (told == "hot" and hot > max(offset + CLEARLY, response)):
        return told
    if response < -CLEARLY or blazes:
        return "stuck"
    return "high" if response > max(offset, hot) else told


def is_point(around: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether scores around a place, (..., odd, odd), are those of one pixel.

    Sensor dust, a date stamp's edge or a car's hood stay in place too, but their surroundings
    stand out with them. The median bears a second defect nearby.

    >>> lonely = np.zeros((11, 11))
    >>> lonely[5, 5] = 7.0
    >>> is_point(np.stack([lonely, lonely + 2.0])).tolist()
    [True, False]
    """
    middle = around.shape[-1] // 2
    ring = np.abs(around[..., _ring(middle)])
    allowed = np.maximum(RING_NOISE, RING_SHARE * np.abs(around[..., middle, middle]))
    return np.asarray(np.median(ring, axis=-1) <= allowed)


@cache
def _ring(reach: int) -> NDArray[np.bool_]:
    rows, columns = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    return np.asarray(np.maximum(abs(rows), abs(columns)) >= RING_FROM)


def _beside(around: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Return the scores within `reach` of the middle but its own, (..., number)."""
    middle = around.shape[-1] // 2
    near = slice(middle - reach, middle + reach + 1)
    square = around[..., near, near]
    return np.delete(square.reshape(*square.shape[:-2], -1), 2 * reach * (reach + 1), axis=-1)


def is_alone(around: NDArray[np.float64], most: float) -> NDArray[np.bool_]:
    """Return whether scores around a photosite, (..., odd, odd), say that it stands out alone.

    `most` is what all photos together can say. What says less than TRAIL of it may be a star that
    drifted by, and then others say the same before and behind it. A cluster says more.

    >>> star = 9.0 * np.exp(-np.hypot(*np.mgrid[-5:6, -5:6]) ** 2 / 2)
    >>> is_alone(np.stack([np.where(star == 9.0, star, 0.5), star + 0.5]), 16.0).tolist()
    [True, False]
    """
    middle = around.shape[-1] // 2
    beside = np.abs(_beside(around, SQUARE))
    own = np.abs(around[..., middle, middle])
    alike = (beside >= np.maximum(ALIKE_SHARE * own, ALIKE_SCORE)[..., None]).sum(axis=-1)
    trail = (own < TRAIL * most) & (alike >= MANY_ALIKE)
    quiet = np.median(beside, axis=-1) <= np.maximum(SQUARE_NOISE, SQUARE_SHARE * own)
    return np.asarray(quiet & ~trail)


def is_blob(
    around: NDArray[np.float64], most: float, noise: float = BLOB_NOISE
) -> NDArray[np.bool_]:
    """Return whether a star is there: those beside a photosite, (..., odd, odd), share its score.

    The sum of the eight beside it has the deviation of noise, the root of eight, and a star is more
    than `noise` of them. Those louder than itself do not count, nor does one that would be as much
    by itself: they may be broken. `most` as in `is_alone`: a star moves on, and says less than
    BLOB_BELOW of it.

    >>> star = 16.0 * np.exp(-np.hypot(*np.mgrid[-5:6, -5:6]) ** 2 / 2)
    >>> beside_others = np.where(star == 16.0, star, 0.3)
    >>> beside_others[4, 5:7], beside_others[6, 6] = 29.0, 15.0
    >>> is_blob(np.stack([star, beside_others]), 40.0).tolist()
    [True, False]
    """
    middle = around.shape[-1] // 2
    own = around[..., middle, middle]
    beside = _beside(around, 1) * np.where(own >= 0, 1, -1)[..., None]
    beside = np.where(beside > np.abs(own)[..., None], 0.0, beside)
    much, loudest = noise * beside.shape[-1] ** 0.5, beside.max(axis=-1)
    shared = beside.sum(axis=-1) - np.where(loudest > much, loudest, 0.0) > much
    return np.asarray((np.abs(own) < BLOB_BELOW * most) & shared)


def is_between(around: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether scores around a place, (..., odd, odd), are explained by those beside it.

    These stand out to the other side. Beyond the frame, where scores are 0, photos are mirrored.

    >>> three, two = np.zeros((2, 11, 11))
    >>> three[5, 5], three[4, 5], three[6, 5], three[5, 6] = -9.0, 9.0, 8.0, 9.0
    >>> two[5, 5], two[4, 5], two[6, 5] = -9.0, 9.0, 8.0
    >>> is_between(np.stack([three, two])).tolist()
    [True, False]
    """
    at = around.shape[-1] // 2
    own = around[..., at, at]
    above, below = around[..., at - 1, at], around[..., at + 1, at]
    left, right = around[..., at, at - 1], around[..., at, at + 1]
    pairs = ((above, below), (below, above), (left, right), (right, left))
    beside = np.stack([np.where(one == 0, other, one) for one, other in pairs], axis=-1)
    opposite = -np.sign(own)[..., None] * beside >= BETWEEN_SHARE * np.abs(own)[..., None]
    return np.asarray(opposite.sum(axis=-1) >= BETWEEN)


def is_single(evidence: Evidence, around: NDArray[np.float64], photos: int) -> NDArray[np.bool_]:
    """Return whether scores around a place, (..., odd, odd), are of one pixel and of no star.

    One defect of rendered photos shows around it, and no star passes in dark frames. `photos` is
    the number of those that the scores are of.
    """
    if evidence.rules.spreads or only_darks(evidence):
        return is_point(around)
    most = LIMIT * photos**0.5
    noise = BLOB_NOISE_OF_MONO if evidence.rules.period == 1 else BLOB_NOISE
    one = is_point(around) & is_alone(around, most) & ~is_blob(around, most, noise)
    return np.asarray(one & ~is_between(around))


def only_darks(evidence: Evidence) -> bool:
    """Return whether all photos are dark frames."""
    return 0 < evidence.darks == evidence.scenes


def heard_in(evidence: Evidence) -> NDArray[np.intp]:
    """Return the numbers of the templates that count: of rendered photos those that hear enough.

    Where all photos but one are black, what that one says of a wrong response is stretched to many
    sigmas.
    """
    heard = evidence.information.mean(axis=(1, 2)) >= MUTE * CLIP**2 * UNIT_INFORMATION
    if not evidence.rules.spreads or not heard.any():
        heard[:] = True
    return np.flatnonzero(heard)


def _typical(evidence: Evidence, template: int, shown: int) -> Exposure | None:
    """Return the median exposure of as many photos as show it, those that should show it most."""
    known = [e for e in evidence.exposures if e.exposure_s and e.gain]
    if not known:
        return None
    known.sort(key=evidence.templates[template].factor, reverse=True)
    most = known[:shown] if evidence.templates[template].weight == "slope" else known
    times = median(e.exposure_s for e in most if e.exposure_s)
    return Exposure(times, median(e.gain for e in most if e.gain))


def single_scene_candidates(evidence: Evidence) -> tuple[Defect, ...]:
    """Return the few most point-like places of a set too small to prove anything.

    Ranked by how far each stands out against its surroundings, in every photo alike.
    """
    scenes = evidence.scenes
    if not scenes:
        return ()
    size = np.abs(evidence.excess).astype(np.float32) / np.float32(evidence.rules.counts * scenes)
    always = np.abs(evidence.shown) == scenes
    rows, columns = np.nonzero(always & (size > LEAST_SIZE))
    order = np.argsort(-size[rows, columns], kind="stable")[:4000]
    ranked = []
    for y, x in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        around = size[max(y - 6, 0) : y + 7, max(x - 6, 0) : x + 7].copy()
        if size[y, x] < around.max():
            continue
        around[max(y - 2, 0) - max(y - 6, 0) :][:5, max(x - 2, 0) - max(x - 6, 0) :][:, :5] = 0
        ranked.append((float(size[y, x] / (around.max() + LEAST_SIZE)), x, y))
    ranked.sort(reverse=True)
    per_level = evidence.white / evidence.rules.levels
    return tuple(
        Defect(
            x=x, y=y, kind="unknown",
            strength=float(evidence.excess[y, x] / evidence.rules.counts / scenes) * per_level,
            seen=(1.0, scenes),
        )
        for _, x, y in ranked[:FEW_CANDIDATES]
    )  # fmt: skip

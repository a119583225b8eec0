"""Which photosite a response comes from: its colour, and the Bayer pattern that many of them tell.

Never decides what is broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..evidence.chroma import PITCH
from ..frame import BAYER, Layout, Sensor
from .colours import LUMA, Response, Source, cell_of

COLOURS = "RGB"
SHARES = np.array([0.25, 0.5, 0.25])  # of a Bayer sensor's photosites
# Degrees from Cb towards Cr at which a photosite shows, bright or dark alike, and their spread; by
# the definition of Cb and Cr they are 109, 52 and 171, and colour matrices turn them a little.
ANGLES, SPREADS = np.array([101.0, 48.0, 178.0]), np.array([11.0, 20.0, 13.0])
ASTRAY = 0.1  # share of the responses whose angle says nothing
# In luma a photosite is the louder of both: so often, by colour.
LOUDER_IN_LUMA, LOUDER = np.array([0.35, 0.85, 0.25]), 0.8
EXACT = 0.9  # chance that a peak in luma is the very photosite, and not one beside it
BESIDE = 0.2  # what a photosite beside the loudest sample of the chroma counts
SURE = 0.9  # probability from which a colour is told
FEWEST, ODDS = 5, 7.0  # responses that tell a pattern, and its log odds against all else


@dataclass(frozen=True, slots=True)
class Site:
    """The photosite of a response."""

    x: int
    y: int
    colour: str | None  # "R", "G" or "B"; None: not told


def sites_of(sources: Sequence[Source], responses: Sequence[Response]) -> tuple[list[Site], str]:
    """Return each response's photosite, and the Bayer pattern as "RGGB"; "" where not told."""
    if len(sources) < 3:
        return [_of_layout(sources[LUMA].evidence.sensor, each) for each in responses], ""
    told = [_likelihoods(sources, each) for each in responses]
    pattern = pattern_of(
        [
            (int(sources[LUMA].found.x[each.luma]), int(sources[LUMA].found.y[each.luma]), likely)
            for each, likely in zip(responses, told, strict=True)
            if each.luma is not None
        ]
    )
    sites = [
        _site(sources, each, likely, pattern) for each, likely in zip(responses, told, strict=True)
    ]
    return sites, pattern


def pattern_of(told: Sequence[tuple[int, int, NDArray[np.float64]]]) -> str:
    """Return the Bayer pattern that many places tell, "" where they do not agree on one.

    `told` are x, y and how likely each colour (R, G, B) is by what shows there.

    >>> blue, green = np.array([0.1, 0.1, 3.0]), np.array([0.1, 2.0, 0.1])
    >>> places = [(2, 2, blue), (4, 8, blue), (5, 8, green), (6, 0, blue), (7, 2, green)]
    >>> pattern_of(2 * places)
    'BGGR'
    >>> pattern_of(places[:2])
    ''
    """
    if len(told) < FEWEST:
        return ""
    odds = dict.fromkeys(BAYER, 0.0)
    for x, y, likely in told:
        otherwise = float(SHARES @ likely)
        for pattern in BAYER:
            own = float(likely[COLOURS.index(colour_at(pattern, x, y))])
            odds[pattern] += np.log((EXACT * own + (1 - EXACT) * otherwise) / otherwise)
    first, second = sorted(odds, key=lambda pattern: -odds[pattern])[:2]
    return first if odds[first] - max(odds[second], 0.0) > ODDS else ""


def colour_at(pattern: str, x: int, y: int) -> str:
    """Return the colour of a photosite.

    >>> colour_at("RGGB", 1, 1)
    'B'
    """
    return pattern[y % 2 * 2 + x % 2]


def site_in(layout: Layout, x: int, y: int) -> str | None:
    """Return the colour of a photosite of a mosaic, None where it has none or it is not known.

    >>> site_in("bayer-GRBG", 1, 0), site_in("mono", 1, 0)
    ('R', None)
    """
    letters = layout.removeprefix("bayer-")
    return colour_at(letters, x, y) if letters in BAYER else None


def _of_layout(sensor: Sensor, response: Response) -> Site:
    x, y = int(response.x), int(response.y)
    return Site(x, y, site_in(sensor.layout, x, y))


def _likelihoods(sources: Sequence[Source], response: Response) -> NDArray[np.float64]:
    """Return how likely what shows at a response is for a photosite of each colour."""
    column, row = cell_of(response)
    cb, cr = (each.views[0].around(column, row, 0)[:, 0, 0] for each in sources[1:3])
    size = np.hypot(cb, cr)
    loudest = int(size.argmax())
    angle = np.degrees(np.arctan2(cr[loudest], cb[loudest]))
    away = np.abs((angle - ANGLES + 90) % 180 - 90)
    spread = np.hypot(SPREADS, np.degrees(1 / max(float(size[loudest]), 1.0)))
    at_angle = np.exp(-((away / spread) ** 2) / 2) / (spread * np.sqrt(2 * np.pi))
    likely = (1 - ASTRAY) * at_angle + ASTRAY / 180
    luma = 0.0
    if response.luma is not None:
        luma = float(sources[LUMA].found.score[response.luma])
    louder = luma > LOUDER * float(size[loudest])
    return np.asarray(likely * (LOUDER_IN_LUMA if louder else 1 - LOUDER_IN_LUMA) * 180)


def _site(
    sources: Sequence[Source], response: Response, likely: NDArray[np.float64], pattern: str
) -> Site:
    """Return the likeliest photosite."""
    places, chances = _places(sources, response)
    if not pattern:
        shares = SHARES * likely / (SHARES @ likely)
        best = int(shares.argmax())
        x, y = places[int(np.argmax(chances))]
        return Site(x, y, COLOURS[best] if shares[best] >= SURE else None)
    colours = [COLOURS.index(colour_at(pattern, x, y)) for x, y in places]
    chances = chances * likely[colours]
    best = int(chances.argmax())
    of_colour = sum(
        chance for chance, one in zip(chances, colours, strict=True) if one == colours[best]
    )
    sure = of_colour >= SURE * chances.sum()
    return Site(*places[best], COLOURS[colours[best]] if sure else None)


def _places(
    sources: Sequence[Source], response: Response
) -> tuple[list[tuple[int, int]], NDArray[np.float64]]:
    """Return the photosites that a response may come from, and the chance of each by its place."""
    evidence = sources[LUMA].evidence
    height, width = evidence.excess.shape
    column, row = cell_of(response)
    in_luma = response.luma is not None
    if in_luma:
        peaks = sources[LUMA].found
        x, y = int(peaks.x[response.luma]), int(peaks.y[response.luma])
        near = [(x + dx, y + dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    else:
        near = [
            (PITCH * column + dx, PITCH * row + dy) for dy in range(PITCH) for dx in range(PITCH)
        ]
    places = [(px, py) for px, py in near if 0 <= px < width and 0 <= py < height]
    chances = np.ones(len(places))
    loud = [abs(int(evidence.excess[py, px])) for px, py in places]
    chances += 0.1 * np.array(loud) / max(*loud, 1)  # of equals, what departs most in luma
    for i, (px, py) in enumerate(places):
        if in_luma:
            chances[i] *= EXACT if (px, py) == (x, y) else (1 - EXACT) / 8
        if response.source != LUMA and (px // PITCH, py // PITCH) != (column, row):
            chances[i] *= BESIDE
    return places, chances

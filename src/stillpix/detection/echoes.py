"""Echoes of broken pixels in videos: a codec copies what it saw to where the scene moved.

A frame is coded as pieces of earlier ones, moved with the scene, and a broken pixel moves with its
piece. Where the camera pans steadily, each broken pixel has its echo at the same distance.
"""

from __future__ import annotations

from math import exp

import numpy as np
from numpy.typing import NDArray

from .null import Peaks

WITHIN = 96  # px that a scene moves between a frame and those it is coded from, at most
FAINTER = 0.6  # of the excess of the pixel that it echoes, at most
FEWEST = 3  # pixels with an echo at the same distance
CHANCE = 0.01  # that any distance comes up so often where nothing is an echo
MOST = 2000  # peaks, the loudest, that are compared with one another


def without_echoes(found: Peaks, excess: NDArray[np.integer]) -> Peaks:
    """Return peaks, loudest first, without those that echo louder ones.

    `excess` is what each has beyond its surroundings, summed over the frames.

    >>> x, y = np.array([30, 90, 200, 18, 78, 188, 60]), np.array([40, 80, 20, 34, 74, 14, 50])
    >>> score = np.array([9.0, 9.0, 9.0, 6.0, 6.0, 6.0, 5.0], np.float32)
    >>> excess = np.array([90, 80, 70, 20, 20, 15, 9])
    >>> without_echoes(Peaks.of(x, y, score), excess).x.tolist()
    [30, 90, 200, 60]
    """
    number = min(found.score.size, MOST)
    x, y, told = found.x[:number], found.y[:number], excess[:number].astype(np.float64)
    dx, dy = x - x[:, None], y - y[:, None]  # of each, from each
    fainter = (told * told[:, None] > 0) & (abs(told) < FAINTER * abs(told[:, None]))
    near = fainter & (np.maximum(abs(dx), abs(dy)) <= WITHIN)
    source, echo = np.nonzero(near)
    side = 2 * WITHIN + 1
    steps = (dy[source, echo] + WITHIN) * side + dx[source, echo] + WITHIN
    pairs = np.bincount(steps, minlength=side * side)
    least = fewest_pairs(steps.size / side**2, side**2)
    kept = np.ones(found.score.size, np.bool_)
    kept[echo[pairs[steps] >= least]] = False
    return found.only(kept)


def fewest_pairs(mean: float, distances: int) -> int:
    """Return how many pairs at one distance are more than chance, where there are `mean` at each.

    >>> fewest_pairs(0.0001, 37249), fewest_pairs(0.05, 37249)
    (3, 4)
    """
    term = below = exp(-mean)  # Poisson: the share of distances with no pair
    number = 1
    while number < FEWEST or (1 - below) * distances > CHANCE:
        term *= mean / number
        below += term
        number += 1
    return number

"""How many false finds to expect above a score, from the decoys: they align nowhere by design.

Sees peaks alone, never sums or photos.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log

import numpy as np
from numpy.typing import NDArray

from .null import Peaks

TAIL = 300  # decoy peaks to which the tail is fitted


@dataclass(frozen=True, slots=True)
class Tail:
    """How many false peaks to expect above a score: a Gaussian tail fitted to the decoys' peaks."""

    peaks: NDArray[np.float32]  # ascending
    start: float
    number: float  # peaks above start
    variance: float
    share: float = 1.0  # of the sensor's pixels that have decoys

    def expected(self, score: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the expected number of false peaks at or above each score.

        Never less than the decoys really had there.

        >>> tail = Tail(np.array([4.5, 5.0], np.float32), 4.0, 2.0, 1.0)
        >>> [round(float(n), 3) for n in tail.expected(np.array([4.0, 5.0, 6.0], np.float32))]
        [2.0, 1.0, 0.0]
        """
        counted = self.peaks.size - np.searchsorted(self.peaks, score, side="left")
        return np.maximum(self.fitted(score), counted / self.share)

    def score_of(self, expected: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return at which score the fitted tail expects so many false peaks; 0 below its start.

        >>> tail = Tail(np.array([4.5, 5.0], np.float32), 4.0, 2.0, 1.0)
        >>> tail.score_of(np.array([2.0, 0.02222, 3.0])).round(2).tolist()
        [4.0, 5.0, 0.0]
        """
        least = np.finfo(np.float64).tiny
        ahead = np.log(self.number) - np.log(np.maximum(expected * self.share, least))
        score = np.sqrt(self.start**2 + 2 * self.variance * np.maximum(ahead, 0))
        return np.where(ahead >= 0, score, 0).astype(np.float32)

    def fitted(self, score: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what the tail alone says, whatever decoys there are."""
        above = np.maximum(score.astype(np.float64), self.start)
        fallen = np.exp(-(above**2 - self.start**2) / (2 * self.variance))
        return np.asarray(self.number * fallen / self.share)


def tail_of(decoys: Peaks, floor: float, share: float = 1.0) -> Tail:
    """Fit the decoys' tail: the squares of Gaussian peaks above a start are exponential."""
    scores = np.sort(decoys.score)
    start = float(scores[-TAIL]) if scores.size >= TAIL else floor
    beyond = scores[scores >= start].astype(np.float64)
    # One peak of unit variance is added: with few decoys (a tiny frame) the fit leans on theory.
    # One standard error is added too: the estimate is used far beyond the peaks it comes from.
    variance = ((beyond**2 - start**2).sum() / 2 + 1.0) / (beyond.size + 1)
    variance *= 1 + (beyond.size + 1) ** -0.5
    return Tail(scores, start, beyond.size + 1.0, float(variance), share)


def not_steeper(tail: Tail, most: float, pixels: int) -> Tail:
    """Return a tail of bursts that falls, from n photos that say the most to n + 1, as chance does.

    Single photos that say all they can are as loud as one another and no louder: a tail fitted to
    them alone would never expect two at one place, of which there are number^2 / (2 pixels).

    >>> single = Tail(np.full(300, 4.0, np.float32), 3.99, 300.0, 0.01)
    >>> twice = np.array([(3.99**2 + 16) ** 0.5], np.float32)
    >>> not_steeper(single, 16.0, 1_000_000).expected(twice).round(3).tolist()
    [0.045]
    """
    chance = log(2 * pixels / tail.number)
    return replace(tail, variance=max(tail.variance, most / 2 / chance))


def tail_of_few(decoys: Peaks, pixels: int, share: float = 1.0) -> Tail:
    """Return the tail of two or three dark frames.

    In their decoys every hot pixel stands once a frame, as loud as one frame can be and no louder:
    no Gaussian. What is louder takes two frames, and by chance two agree as often as their spots
    fall together.

    >>> spots = np.linspace(4.5, 6.0, 100, dtype=np.float32)
    >>> few = tail_of_few(Peaks.of(np.zeros(100, int), np.zeros(100, int), spots), 1_000_000)
    >>> few.expected(np.array([5.9, 9.0], np.float32)).round(2).tolist()
    [7.0, 0.01]
    """
    return Tail(np.sort(decoys.score), 0.0, decoys.score.size**2 / pixels, float("inf"), share)

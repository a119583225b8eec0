"""How many of the finds on a list are likely wrong: the sum of each one's own chance to be so.

Sees expected numbers of false finds alone, never scores, sums or photos.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEAREST = 40  # finds nearest to the limit of a list that tell how many true ones there are near it
REACH = 2.0  # times as loud as the limit: what is louder tells nothing of how many are near it
UNSEEN = 0.5  # of a find more: where no other is near the limit, few are


def likely_false(expected: NDArray[np.float64], pixels: int, fdr: float) -> float:
    """Return how many of the finds on a list are likely wrong.

    `expected` (finds,), ascending, is how many false peaks are at least as loud as each, of as many
    `pixels`; the list ends at the false-discovery rate `fdr`.

    The number expected above the weakest find is too small for a short list: of ten lists with ten
    strong finds, one has a false find, too, and only that one says that a few hundredths of one are
    to be expected. So each find counts with its own chance to be false (the local false-discovery
    rate of Efron, Tibshirani, Storey and Tusher, "Empirical Bayes analysis of a microarray
    experiment", Journal of the American Statistical Association 96, 2001): the density of false
    finds where it stands, over that of false and of true ones. The other finds near the limit tell
    the density of true ones, which is taken as even in the logarithm of loudness. For long lists
    both numbers are the same, and the larger one is returned.

    >>> strong = np.array([1e-90, 1e-60, 1e-40])
    >>> likely_false(strong, 1_000_000, 0.01) < 1e-30
    True
    >>> round(likely_false(np.append(strong, 0.03), 1_000_000, 0.01), 2)
    0.59
    """
    if not expected.size:
        return 0.0
    rare = np.maximum(expected, np.finfo(np.float64).tiny)
    # A peak as rare as `expected` has a score of about the root of 2 v log(pixels / expected).
    loudness = np.sqrt(np.maximum(np.log(pixels) - np.log(rare), 1.0))
    limit = max(float(np.log(pixels / (fdr * (expected.size + 1)))), 1.0) ** 0.5
    farthest = REACH * limit
    if expected.size >= NEAREST:
        farthest = min(farthest, max(float(np.sort(loudness)[NEAREST - 1]), 1.005 * limit))
    near = loudness <= farthest
    others = near.sum() - near + UNSEEN
    true = others / np.log(farthest / limit) / (2 * loudness**2)  # per unit of log(expected)
    return max(float((rare / (rare + true)).sum()), float(expected[-1]))

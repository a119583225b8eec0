"""A defect weighed against the scene for all amplitudes and widths at once, compiled.

`separation` says what is computed. Never touches a photo, and never allocates: the caller lends
the space.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiling import compiled, compiled_inside

WIDE = 4  # numbers that go side by side


class Lanes(NamedTuple):
    """Room to work in: one system of equations a lane, a lane an amplitude and width."""

    matrix: NDArray[np.float64]  # (n + 2, n, lanes): two right-hand sides are the last rows
    pivots: NDArray[np.float64]  # (n, lanes), one over each
    variances: NDArray[np.float64]  # (n, lanes) of the defect, with what a mute sample has more
    likelihood: NDArray[np.float64]  # (lanes,)
    rise: NDArray[np.float64]  # (lanes,)


def lanes_for(samples: int, amplitudes: int, widths: int) -> Lanes:
    """Return room for so many samples; no defect at all is the same for all widths."""
    lanes = -(-((amplitudes - 1) * widths + 1) // WIDE) * WIDE
    return Lanes(
        np.zeros((samples + 2, samples, lanes)), np.zeros((samples, lanes)),
        np.zeros((samples, lanes)), np.zeros(lanes), np.zeros(lanes),
    )  # fmt: skip


@compiled_inside
def _lay_out(
    observed: Any, own: Any, mean: Any, covariance: Any, squared: Any, widths: Any,
    amplitudes: Any, variances: Any, space: Any,
) -> None:  # fmt: skip
    """Fill in each lane's variances and covariance, and what is to be solved for.

    What is not the place's own is taken to be as predicted, so that it tells nothing at all.
    """
    matrix, lanes, (noise, mute) = space.matrix, space.likelihood.size, variances
    samples, loud = observed.size, amplitudes.size - 1
    for i in range(samples):
        off, blind = (observed[i] - mean[i], 0.0) if own[i] else (0.0, mute)
        for lane in range(lanes):
            space.variances[i, lane] = blind
            matrix[samples, i, lane] = off
            matrix[samples + 1, i, lane] = 0.0
        for number in range(widths.size):
            shape = (1.0 + squared[i] / widths[number] ** 2) ** -1.5
            for k in range(loud):
                space.variances[i, 1 + number * loud + k] += (amplitudes[1 + k] * shape) ** 2
        for j in range(i):
            for lane in range(lanes):
                matrix[i, j, lane] = covariance[i, j]
        for lane in range(lanes):
            matrix[i, i, lane] = covariance[i, i] + noise + space.variances[i, lane]


@compiled_inside
def _eliminate(matrix: Any, pivots: Any) -> None:
    """Factorise each lane's covariance (Cholesky), and solve with the factor for the last rows."""
    samples, lanes = pivots.shape
    for i in range(samples + 2):
        for j in range(min(i + 1, samples)):
            for k in range(0, j - 3, 4):
                for lane in range(lanes):
                    matrix[i, j, lane] -= (
                        matrix[i, k, lane] * matrix[j, k, lane]
                        + matrix[i, k + 1, lane] * matrix[j, k + 1, lane]
                        + matrix[i, k + 2, lane] * matrix[j, k + 2, lane]
                        + matrix[i, k + 3, lane] * matrix[j, k + 3, lane]
                    )
            for k in range(j // 4 * 4, j):
                for lane in range(lanes):
                    matrix[i, j, lane] -= matrix[i, k, lane] * matrix[j, k, lane]
            if i == j:
                for lane in range(lanes):
                    pivots[j, lane] = 1.0 / np.sqrt(matrix[j, j, lane])
            for lane in range(lanes):
                matrix[i, j, lane] *= pivots[j, lane]


@compiled_inside
def _judge(space: Any, middle: int) -> None:
    """Fill in how likely each lane is; what is solved for becomes C^-1 times what was observed."""
    matrix, pivots, likelihood = space.matrix, space.pivots, space.likelihood
    samples, lanes = pivots.shape
    solved, column, rise = matrix[samples], matrix[samples + 1], space.rise
    for lane in range(lanes):
        likelihood[lane] = rise[lane] = 0.0
    for i in range(samples):
        for lane in range(lanes):
            likelihood[lane] += np.log(pivots[i, lane]) - 0.5 * solved[i, lane] ** 2
            rise[lane] += column[i, lane] ** 2
    for j in range(samples - 1, -1, -1):
        for lane in range(lanes):
            solved[j, lane] *= pivots[j, lane]
        for k in range(j):
            for lane in range(lanes):
                solved[k, lane] -= matrix[j, k, lane] * solved[j, lane]
    for lane in range(lanes):
        signal = space.variances[middle, lane]
        left = signal * (1.0 - signal * rise[lane])
        rise[lane] = signal * solved[middle, lane] / np.sqrt(max(left, 1e-9))


@compiled_inside
def _likeliest(likelihood: Any, widths: int, loud: int) -> int:
    """Return the number of the width that explains best what is observed, over all amplitudes."""
    best, most = 0, 0.0
    top = likelihood[0]
    for k in range(widths * loud):
        top = max(top, likelihood[1 + k])
    for number in range(widths):
        total = np.exp(likelihood[0] - top)
        for k in range(loud):
            total += np.exp(likelihood[1 + number * loud + k] - top)
        if number == 0 or total > most:
            best, most = number, total
    return best


@compiled_inside
def _tell(
    observed: Any, own: Any, mean: Any, space: Any, likelihood: Any, scene: Any, rise: Any,
    best: int,
) -> None:  # fmt: skip
    """Fill in what is told of one place by the lanes of the width that fits best."""
    loud, samples = likelihood.size - 1, observed.size
    for k in range(loud + 1):
        lane = 0 if k == 0 else best * loud + k
        likelihood[k], rise[k] = space.likelihood[lane], space.rise[lane]
        for i in range(samples):
            level = observed[i] if own[i] else mean[i]
            scene[k, i] = level - space.variances[i, lane] * space.matrix[samples, i, lane]


@compiled
def weigh_amplitudes(
    observed: Any, own: Any, means: Any, covariances: Any, squared: Any, widths: Any,
    amplitudes: Any, variances: Any, space: Any, likelihood: Any, scenes: Any, rises: Any,
    best: Any,
) -> None:  # fmt: skip
    """Fill in what separation.Separated holds, of some places.

    Arrays and numbers:
        observed, own: (places, n) levels, and which of them say something.
        means, covariances: (places, n), (places, n, n) what is predicted there.
        squared: (places, n) distance from the defect.
        widths: of responses.
        amplitudes: the first is 0.
        variances: of noise, and of what says nothing.
        space: room to work in.
        likelihood, rises: (places, amplitudes), filled in.
        scenes: (places, amplitudes, n), filled in.
        best: (places,) the numbers of the widths that fit best, filled in.
    """
    samples = observed.shape[1]
    for n in range(best.size):
        middle = 0
        for i in range(samples):
            middle = i if squared[n, i] < squared[n, middle] else middle
        _lay_out(
            observed[n], own[n], means[n], covariances[n], squared[n], widths, amplitudes,
            variances, space,
        )  # fmt: skip
        for lane in range(space.likelihood.size):
            space.matrix[samples + 1, middle, lane] = 1.0
        _eliminate(space.matrix, space.pivots)
        _judge(space, middle)
        best[n] = _likeliest(space.likelihood, widths.size, amplitudes.size - 1)
        _tell(observed[n], own[n], means[n], space, likelihood[n], scenes[n], rises[n], best[n])

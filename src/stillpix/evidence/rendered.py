"""What is particular to rendered photos: a tone curve, and a camera that spread each defect.

Looks at one photo at a time and never adds anything up.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import StillpixError
from ..frame import Frame
from .rendered_kernels import LEAST_NOISE, SHOWS, accumulate
from .rules import (
    TOGETHER,
    AddRows,
    Pass,
    Rules,
    ShowRows,
    Sums,
    continuation,
    continued_rows,
    groups_of,
    native,
    spread_of,
)
from .sum_kernels import CLIP, EDGE, GRID, PAD, REACH, STRIP, UNIT_EXCESS
from .templates import factors_of, weights_of

NEARLY_WHITE = 0.95  # of white: above it nothing is said, as in the kernels
LEAST_LEVEL = 0.03  # below it the tone curve's slope is taken for what it is there


class RenderedRules(Rules):
    """How developed photos are judged: by luma of 0 to 255, whatever their depth."""

    grid, strip = GRID, STRIP
    levels, says, counts = 255.0, CLIP, UNIT_EXCESS
    toned, spreads, shows = True, True, float(SHOWS)
    bursts, found_within, stretches_s = False, 8, (1800.0,)
    pitch, period = 2, 1

    def likeness(self, frame: Frame) -> tuple[Any, ...]:
        """Return what photos must have in common to be added in one pass."""
        return frame.pixels.dtype.str, frame.white

    def adder(self, photos: Pass, pool: Executor | None) -> AddRows:  # noqa: ARG002 - as all rules
        """Return what adds rows of some photos to the sums."""
        frames = photos.frames
        factors = factors_of([frame.exposure for frame in frames], photos.templates)
        known = (
            len(frames), 255.0 / frames[0].white, factors.astype(np.float32),
            weights_of(photos.templates), photos.turns, photos.thin, *groups_of(photos),
        )  # fmt: skip

        def add(first: int, last: int, sums: Sums) -> None:
            wide = [continued_rows(frame, first, last) for frame in frames]
            wide += wide[:1] * (TOGETHER - len(wide))  # kernels are compiled for tuples of one type
            accumulate(tuple(wide), *known, first, last, *sums.values())

        return add

    def shower(self, frame: Frame) -> ShowRows:
        """Refuse: no repeat of a rendered photo is asked what it shows."""
        raise StillpixError(f"{frame.origin}: repeats of rendered photos show nothing more")

    def flat_below(
        self,
        frame: Frame,
        samples: NDArray[np.float32],  # noqa: ARG002 - as all rules
    ) -> tuple[float, float]:
        """Return one grey level: JPEG and rounding leave less."""
        return frame.white / 255, 0.0

    def measure(self, frame: Frame, at: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return what a photo says at places; NaN outside the frame."""
        said = np.full((len(at), 5), np.nan, np.float32)
        height, width = frame.pixels.shape
        inside = (at >= 0).all(1) & (at < (width, height)).all(1)
        if inside.any():
            steps, (rows, columns) = np.arange(PAD - EDGE, PAD + EDGE + 1), continuation(frame)
            down, across = (
                at[inside, 1, None, None] + steps[:, None],
                at[inside, 0, None, None] + steps,
            )
            around = native(frame)[rows[down], columns[across]].astype(np.float32)
            around *= np.float32(255 / frame.white)
            said[inside] = _judge_middles(around).T
        return said


def _judge_middles(around: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the measures, (5, places), of windows of EDGE px around each place."""
    beside = around[:, 1:-1, :-2] + around[:, 1:-1, 2:] + around[:, :-2, 1:-1] + around[:, 2:, 1:-1]
    level: NDArray[np.float32] = (4 * around[:, 1:-1, 1:-1] + beside) * np.float32(0.125)
    side = level.shape[1] - 2 * REACH

    def moved(dx: int, dy: int) -> NDArray[np.float32]:
        return level[:, REACH + dy : REACH + dy + side, REACH + dx : REACH + dx + side]

    pairs, weights = np.zeros_like(moved(0, 0)), np.zeros_like(moved(0, 0))
    for dx, dy in ((REACH, 0), (0, REACH), (REACH, REACH), (REACH, -REACH)):
        one, other = moved(dx, dy), moved(-dx, -dy)
        weight = 1 / (abs(one - other) + 1)
        pairs += weight * (one + other) / 2
        weights += weight
    residual = moved(0, 0) - pairs / weights
    middle = residual[:, REACH, REACH]
    neighbours = np.delete(abs(residual[:, ::REACH, ::REACH]).reshape(-1, 9), 4, axis=1)
    sigma = np.sqrt(spread_of(neighbours, 8) ** 2 + LEAST_NOISE**2)
    predicted = level[:, 2 * REACH, 2 * REACH] - middle
    share = predicted / 255
    usable = share <= NEARLY_WHITE
    slope = usable * 0.4545 * np.maximum(share, LEAST_LEVEL) ** -1.2 / sigma
    response = usable * 8 * np.maximum(share, 0) / sigma
    sigmas = middle / sigma
    excess = around[:, EDGE, EDGE] - predicted
    return np.stack([sigmas, slope, response, share, excess]).astype(np.float32)

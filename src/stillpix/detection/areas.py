"""The outline of a part of the frame, as few rectangles.

Never decides what that part is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..evidence.sum_kernels import BLOCK
from ..maps.records import Area

MOST_AREAS = 200  # rectangles; where there are more, they are of blocks twice as large

Mask = NDArray[np.bool_]


def areas_of(mask: Mask) -> tuple[Area, ...]:
    """Return the rectangles that a mask, (height, width), is roughly made of.

    They are joined from blocks, each of which counts where half of it or more is masked.

    >>> mask = np.zeros((48, 64), np.bool_)
    >>> mask[:12] = mask[:, 60:] = True
    >>> areas_of(mask)
    ((0, 0, 64, 12), (60, 12, 4, 36))
    """
    if not mask.any():
        return ()
    side = BLOCK
    while len(found := _joined(_blocks(mask, side))) > MOST_AREAS:
        side *= 2
    height, width = mask.shape
    return tuple(
        (
            x * side,
            y * side,
            min((x + across) * side, width) - x * side,
            min((y + down) * side, height) - y * side,
        )
        for x, y, across, down in found
    )


def _blocks(mask: Mask, side: int) -> Mask:
    """Return in which blocks half or more is masked."""
    height, width = mask.shape
    rows = np.array([np.count_nonzero(mask[y : y + side], axis=0) for y in range(0, height, side)])
    masked = np.add.reduceat(rows, np.arange(0, width, side), axis=1)
    down, across = (np.diff([*range(0, length, side), length]) for length in mask.shape)
    return np.asarray(2 * masked >= np.outer(down, across))


def _joined(blocks: Mask) -> list[Area]:
    """Return the stretches of each row of blocks, joined with equal ones below."""
    done: list[Area] = []
    above: dict[tuple[int, int], Area] = {}
    for y, row in enumerate(blocks):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]))).tolist()
        here: dict[tuple[int, int], Area] = {}
        for first, end in zip(edges[::2], edges[1::2], strict=True):
            _, top, _, down = above.pop((first, end), (first, y, end - first, 0))
            here[first, end] = first, top, end - first, down + 1
        done += above.values()
        above = here
    return sorted([*done, *above.values()], key=lambda area: (area[1], area[0]))

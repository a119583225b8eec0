"""The compiled inner loops that add up which structure stands still.

Works on arrays only; knows nothing of what stillness means. Every kernel has a slow twin in the
tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiling import compiled, compiled_within

SIDE = 4  # samples that a block has down and across
LENGTH = 64.0  # of the vector that one photo's structure in one block is
AROUND = 2  # samples on each side of one whose mean is its surroundings

_TYPICAL = np.float32(2.0)  # times the mean size beyond which a sample does not count in it
_MOST = np.float32(1.5)  # of a block's typical size, that one sample counts at most


@compiled_within
def _middle_of_three(a: Any, b: Any, c: Any) -> Any:
    return max(min(a, b), min(max(a, b), c))


@compiled_within
def _beside(at: int, step: int, length: int) -> Any:
    """Return the places `step` before and behind one; beyond the frame it is the other one."""
    before = at - step if at >= step else at + step
    behind = at + step if at + step < length else at - step
    return before, behind


@compiled
def sample_rows(photo: Any, pitch: int, step: int, first: int, last: int, out: Any) -> None:
    """Sample a photo every `pitch` px, into rows first..last of out (rows, columns).

    A sample is the middle of three middles of three values, `step` px apart: a broken pixel moves
    none, not even as the cross that demosaicing makes of it. All samples of a mosaic are of one
    place in its pattern, to the frame's edges: of another colour they would look like structure.
    """
    height, width = photo.shape
    middles = np.empty(width, np.float32)
    for i in range(first, last):
        y = i * pitch + pitch // 2
        before, behind = _beside(y, step, height)
        above, row, below = photo[before], photo[y], photo[behind]
        for x in range(width):
            middles[x] = np.float32(_middle_of_three(above[x], row[x], below[x]))
        for j in range(out.shape[1]):
            x = j * pitch + pitch // 2
            before, behind = _beside(x, step, width)
            out[i, j] = _middle_of_three(middles[before], middles[x], middles[behind])


@compiled_within
def _less_surroundings(samples: Any, i: int, sums: Any, out: Any) -> None:
    """One row of samples, each less the mean of those AROUND it; sums has room for one row."""
    rows, columns = samples.shape
    first, last = max(i - AROUND, 0), min(i + AROUND + 1, rows)
    for x in range(columns):
        sums[x] = 0
    for y in range(first, last):
        row = samples[y]
        for x in range(columns):
            sums[x] += row[x]
    for x in range(columns):
        left, right = max(x - AROUND, 0), min(x + AROUND + 1, columns)
        total = np.float32(0.0)
        for near in range(left, right):
            total += sums[near]
        out[x] = samples[i, x] - total / np.float32((right - left) * (last - first))


@compiled_within
def _add_vector(v: Any, least: Any, sums: Any) -> int:
    """Add one block's structure to its sums as a vector of LENGTH; 0 where it is flat, else 1."""
    typical = np.float32(np.inf)
    for _ in range(3):
        total = np.float32(0.0)
        for k in range(v.size):
            total += min(abs(v[k]), _TYPICAL * typical)
        typical = total / np.float32(v.size)
    most, square = _MOST * typical, np.float32(0.0)
    for k in range(v.size):
        v[k] = min(max(v[k], -most), most)
        square += v[k] * v[k]
    if square <= np.float32(v.size) * least * least:
        return 0
    scale, rounding = np.float32(LENGTH) / np.sqrt(square), np.float32(32768.5)
    for k in range(v.size):
        sums[k] += np.int32(scale * v[k] + rounding) - np.int32(32768)
    return 1


@compiled
def add_structure(
    samples: Any, least: Any, share: Any, first: int, last: int, sums: Any, told: Any
) -> None:
    """Add each block's structure to its sums and count it, unless it is flat.

    Rows first..last of blocks. sums is (blocks down, blocks across, SIDE * SIDE), told (blocks
    down, blocks across). A block is flat where the root mean square of its samples, less their
    surroundings, is below `least` and below `share` of their mean.
    """
    rest = np.empty((SIDE, samples.shape[1]), np.float32)
    room, v = np.empty(samples.shape[1], np.float32), np.empty(SIDE * SIDE, np.float32)
    for by in range(first, last):
        for i in range(SIDE):
            _less_surroundings(samples, by * SIDE + i, room, rest[i])
        for bx in range(sums.shape[1]):
            mean = np.float32(0.0)
            for k in range(SIDE * SIDE):
                v[k] = rest[k // SIDE, bx * SIDE + k % SIDE]
                mean += samples[by * SIDE + k // SIDE, bx * SIDE + k % SIDE]
            floor = max(least, share * mean / np.float32(SIDE * SIDE))
            told[by, bx] += _add_vector(v, floor, sums[by, bx])

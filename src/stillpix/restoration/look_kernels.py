"""What one plane says of several places, compiled: which samples count, and what they tell.

Places of one call are looked at one after the other and know nothing of each other's outcome.
Never changes a photo.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiling import compiled, compiled_inside
from .regression_kernels import nth_smallest

QUARTER = 0.25  # of a mosaic's noise is its unit


class Plane(NamedTuple):
    """What does not change from place to place of a plane."""

    shape: NDArray[np.int64]  # rows and columns
    reaches: NDArray[np.int64]  # of a hole, in samples, down and across
    scale: NDArray[np.float64]  # samples a pixel, down and across
    positions: NDArray[np.float64]  # (places, 2) row and column, in samples, of all that are listed
    margin: int  # samples from a hole's middle to its window's rim
    period: int
    noise_is_unit: bool


class Views(NamedTuple):
    """What is known of some places before anything is learned, the first axis of each array."""

    sound: NDArray[np.bool_]  # (places, side, side): in the plane, and not another place's
    own: NDArray[np.bool_]  # (places, n): samples of the hole that are this place's
    squared: NDArray[np.float64]  # (places, n) distance in pixels from the place
    unit: NDArray[np.float64]  # (places,) levels that were taken as one
    windows: NDArray[np.float64]  # (places, samples) units, in the order of prediction.Layout
    usable: NDArray[np.uint8]  # (places, samples), the same of `sound`
    observed: NDArray[np.float64]  # (places, n) units in the hole


@compiled_inside
def _others(plane: Any, number: int, row: int, column: int, near: Any, found: Any) -> int:
    """List the positions of other places whose holes may reach into a window; count them."""
    far = plane.margin + max(plane.reaches[0], plane.reaches[1]) + 0.5  # positions are rounded
    count = 0
    for k in range(near.size):
        down = abs(plane.positions[near[k], 0] - row)
        across = abs(plane.positions[near[k], 1] - column)
        if near[k] != number and max(down, across) <= far:
            found[count, 0] = plane.positions[near[k], 0]
            found[count, 1] = plane.positions[near[k], 1]
            count += 1
    return count


@compiled_inside
def _mark_sound(plane: Any, top: int, left: int, others: Any, count: int, sound: Any) -> None:
    """Mark the samples of a window that lie in the plane and out of reach of other places."""
    side, down, across = sound.shape[0], plane.reaches[0], plane.reaches[1]
    for i in range(side):
        for j in range(side):
            in_rows = 0 <= top + i < plane.shape[0]
            sound[i, j] = in_rows and 0 <= left + j < plane.shape[1]
    for n in range(count):
        row = int(np.floor(others[n, 0] + 0.5)) - top
        column = int(np.floor(others[n, 1] + 0.5)) - left
        for i in range(max(row - down, 0), min(row + down + 1, side)):
            for j in range(max(column - across, 0), min(column + across + 1, side)):
                sound[i, j] = False


@compiled_inside
def _mark_own(
    plane: Any, number: int, top: int, left: int, others: Any, count: int, squared: Any, own: Any
) -> None:
    """Fill in a hole's squared distances in pixels, and which of its samples are this place's.

    Each belongs to the nearest place, and of two that are as near to the one that comes first: so
    no place depends on the repair of another.
    """
    width, position = 2 * plane.reaches[1] + 1, plane.positions[number]
    for k in range(own.size):
        row, column = top + k // width, left + k % width
        down, across = (row - position[0]) / plane.scale[0], (column - position[1]) / plane.scale[1]
        here = down * down + across * across
        squared[k] = here
        own[k] = 0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]
        for n in range(count):
            down = (row - others[n, 0]) / plane.scale[0]
            across = (column - others[n, 1]) / plane.scale[1]
            there = down * down + across * across
            first = position[0] < others[n, 0] or (
                position[0] == others[n, 0] and position[1] <= others[n, 1]
            )
            if there < here or (there == here and not first):
                own[k] = False


@compiled_inside
def _noise(levels: Any, sound: Any, margin: int, period: int, work: Any) -> float:
    """Return the noise in levels: from second differences along rows, of which few meet edges.

    What stands in the middle, the one sample of a mosaic's hole, is left out.
    """
    side, count = levels.shape[0], 0
    for i in range(side):
        for j in range(side - 2 * period):
            off = margin - j
            in_hole = i == margin and 0 <= off <= 2 * period and off % period == 0
            if not in_hole and sound[i, j] and sound[i, j + period] and sound[i, j + 2 * period]:
                bend = levels[i, j] - 2.0 * levels[i, j + period] + levels[i, j + 2 * period]
                work[count] = abs(bend)
                count += 1
    if count == 0:
        return 1.0
    upper = nth_smallest(work, count, count // 2)
    lower = upper if count % 2 else nth_smallest(work, count, count // 2 - 1)
    return float(max(0.5 * (lower + upper) / (0.6745 * np.sqrt(6.0)), 0.01))


@compiled_inside
def _arrange(levels: Any, sound: Any, unit: float, order: Any, window: Any, usable: Any) -> None:
    """Copy a window, in units, into the order in which places that teach follow each other."""
    flat, sure = levels.reshape(-1), sound.reshape(-1)
    for k in range(order.size):
        here = order[k]
        window[k] = flat[here] / unit if here >= 0 else 0.0
        usable[k] = here < 0 or sure[here]  # no place has a sample that is none


@compiled
def view(
    windows: Any, middles: Any, numbers: Any, firsts: Any, near: Any, plane: Any, kept: Any,
    others: Any, work: Any, views: Any,
) -> None:  # fmt: skip
    """Fill in what is known of some places of a plane before anything is learned.

    Arrays and numbers:
        windows: (places, side, side) levels.
        middles: (places, 2) row and column of each hole's middle sample.
        numbers: (places,) of each in plane.positions.
        firsts, near: near[firsts[n] : firsts[n + 1]] are the places within sight of place n.
        plane: what is the same for all.
        kept: the layout of prediction.
        others, work: room for so many places, and for a window.
        views: filled in.
    """
    margin, down, across = plane.margin, plane.reaches[0], plane.reaches[1]
    for n in range(numbers.size):
        number, row, column = numbers[n], middles[n, 0], middles[n, 1]
        seen, sound = near[firsts[number] : firsts[number + 1]], views.sound[n]
        count = _others(plane, number, row, column, seen, others)
        _mark_sound(plane, row - margin, column - margin, others, count, sound)
        _mark_own(
            plane, number, row - down, column - across, others, count, views.squared[n],
            views.own[n],
        )  # fmt: skip
        unit = 1.0
        if plane.noise_is_unit:
            unit = QUARTER * _noise(windows[n], sound, margin, plane.period, work)
        views.unit[n] = unit
        _arrange(windows[n], sound, unit, kept.order, views.windows[n], views.usable[n])
        for k in range(kept.hole.size):
            views.observed[n, k] = views.windows[n, kept.hole[k]]

"""The middles of holes, compiled; `middle` says what they are.

Never looks at what stands in a middle, and never changes a photo.
"""

from __future__ import annotations

from typing import Any

from ..compiling import compiled, compiled_inside
from .regression_kernels import nth_smallest


@compiled_inside
def _cut(window: Any, sound: Any, unit: float, margin: int, flat: Any, usable: Any) -> None:
    """Copy the square about the middle of a window, in units."""
    start, side = window.shape[0] // 2 - margin, 2 * margin + 1
    for i in range(side):
        for j in range(side):
            flat[i * side + j] = window[start + i, start + j] / unit
            usable[i * side + j] = sound[start + i, start + j]


@compiled_inside
def _put_in(scene: Any, own: Any, reaches: Any, margin: int, flat: Any, usable: Any) -> None:
    """Put the scene in the hole where it is this place's; what is not says nothing."""
    across, side = 2 * reaches[1] + 1, 2 * margin + 1
    for k in range(own.size):
        row, column = margin - reaches[0] + k // across, margin - reaches[1] + k % across
        at = row * side + column
        usable[at] = own[k]
        if own[k]:
            flat[at] = scene[k]


@compiled_inside
def _median_about(flat: Any, usable: Any, margin: int, ring: int, work: Any) -> Any:
    """Return whether any sample about the middle says something, and their median."""
    count, side = 0, 2 * margin + 1
    for i in range(margin - ring, margin + ring + 1):
        for j in range(margin - ring, margin + ring + 1):
            at = i * side + j
            if usable[at] and not (i == margin and j == margin):
                work[count] = flat[at]
                count += 1
    if count == 0:
        return False, 0.0
    upper = nth_smallest(work, count, count // 2)
    lower = upper if count % 2 else nth_smallest(work, count, count // 2 - 1)
    return True, 0.5 * (lower + upper)


@compiled
def view_middles(
    windows: Any, units: Any, sounds: Any, owns: Any, scenes: Any, reaches: Any, margin: int,
    ring: int, work: Any, flats: Any, usables: Any, found: Any, medians: Any,
) -> None:  # fmt: skip
    """Fill in what is about the middles of some holes.

    Arrays and numbers:
        windows, sounds: (places, side, side) levels, and whether a sample says anything.
        units: (places,) levels that are taken as one.
        owns, scenes: (places, n) which samples of the hole are the place's, and its scene there.
        reaches: rows and columns of the hole.
        margin, ring: samples about the middle to learn from, and to take the median of.
        work: room for the latter.
        flats, usables: (places, samples) those to learn from, in units; filled in.
        found, medians: (places,), filled in.
    """
    for n in range(units.size):
        _cut(windows[n], sounds[n], units[n], margin, flats[n], usables[n])
        _put_in(scenes[n], owns[n], reaches, margin, flats[n], usables[n])
        found[n], medians[n] = _median_about(flats[n], usables[n], margin, ring, work)

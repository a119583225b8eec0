"""Repairs the same places of one frame after another: each of them, whether it shows or not.

Several frames are looked at together, each of them once. Only what was learned about where the
places lie is kept: nothing of one frame is used for another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import numpy as np

from .canvas import Canvas, Corners, Filling
from .looking import Looker, Numbers, scenes_of
from .prediction import Floats
from .repairing import VISIBLE, Place, Repairer, departures, neighbours, sight_of

AT_ONCE: Final = 128  # places, of all frames together, whose windows are kept meanwhile
MOST_FRAMES: Final = 8  # that are kept


def frames_together(places: int) -> int:
    """Return how many frames with so many places should be repaired together.

    >>> frames_together(20), frames_together(1000)
    (6, 1)
    """
    return min(MOST_FRAMES, max(1, AT_ONCE // max(places, 1)))


class FrameCanvas(Canvas, Protocol):
    """What a frame must offer to be repaired together with others."""

    def fill(self, fillings: Sequence[Filling]) -> bool:
        """Fill holes of places that do not see each other; say whether anything changed."""


class _Frames:
    """Some frames to look at as if they were one."""

    def __init__(self, canvases: Sequence[Canvas], frame_of: Numbers) -> None:
        self._canvases, self._frame_of = canvases, frame_of  # that of each place

    def windows(self, plane: int, corners: Corners, side: int) -> Floats:
        """Return squares of a plane, each of its place's frame."""
        found = np.empty((len(corners), side, side))
        for number in np.unique(self._frame_of).tolist():
            mine = self._frame_of == number
            found[mine] = self._canvases[number].windows(plane, corners[mine], side)
        return found


class SteadyRepair:
    """Repairs all places in each frame.

    A frame is looked at once, so that to repair the result may change it a little again.
    """

    def __init__(self, canvas: Canvas, places: Sequence[Place]) -> None:
        """Take the places, and one of the frames, or one of the same planes."""
        self._places = sorted(places, key=lambda place: (place.y, place.x))
        self._near = neighbours(self._places, sight_of(canvas.lattices))
        at = [(place.x, place.y) for place in self._places]
        self._looker = Looker(canvas, at, self._near, coarse=True)
        everyone = range(len(self._places))
        self._turns = list(_turns(self._near)) if canvas.spreads else [np.array(everyone)]

    def repair(self, canvases: Sequence[FrameCanvas]) -> list[bool]:
        """Repair some frames of the same planes; say which of them changed."""
        changed = [False] * len(canvases)
        for turn in self._turns:
            frame_of = np.repeat(np.arange(len(canvases)), turn.size)
            numbers = np.tile(turn, len(canvases))
            for start in range(0, numbers.size, AT_ONCE):
                part = slice(start, start + AT_ONCE)
                for number in self._fill(canvases, frame_of[part], numbers[part]):
                    changed[number] = True
        return changed

    def _fill(
        self, canvases: Sequence[FrameCanvas], frame_of: Numbers, numbers: Numbers
    ) -> Iterator[int]:
        """Repair places, each in its frame; yield the frames that changed."""
        looker = self._looker.on(_Frames(canvases, frame_of))
        looks = looker.look(numbers)
        one = Repairer(canvases[0], looker, self._places, self._near, frozenset(), always=True)
        chosen, weights = one.choose(numbers.tolist(), looks)
        scenes = scenes_of(looks, chosen, weights)
        visible = departures(looks, chosen, scenes) >= VISIBLE
        for number in np.unique(frame_of[visible]).tolist():
            mine = np.flatnonzero(visible & (frame_of == number))
            fillings = [
                Filling(
                    plane, look.lattice.reaches, look.middles[mine], look.own[mine], scene[mine]
                )
                for plane, (look, scene) in enumerate(zip(looks, scenes, strict=True))
            ]
            if canvases[number].fill(fillings):
                yield number


def _turns(near: Sequence[Sequence[int]]) -> Iterator[Numbers]:
    """Yield places whose earlier neighbours have had their turn, so that no two see each other.

    >>> [each.tolist() for each in _turns([[0, 1], [0, 1, 2], [1, 2], [3]])]
    [[0, 3], [1], [2]]
    """
    turn_of = np.zeros(len(near), np.int64)
    for number, others in enumerate(near):
        earlier = [turn_of[each] + 1 for each in others if each < number]
        turn_of[number] = max(earlier, default=0)
    for turn in range(int(turn_of.max(initial=-1)) + 1):
        yield np.flatnonzero(turn_of == turn)

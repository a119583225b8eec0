"""A person's decisions about defects, saved in the library's map as they are made.

Never decides anything, and never takes back a change that another program has made meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from ..errors import LibraryBusyError
from ..frame import Sensor
from ..maps import write_map
from ..maps.library import Library, body_name
from ..maps.merging import with_defect
from ..maps.records import Defect, DefectMap, State
from .refusal import Refused

MOST_STEPS = 1000  # that can be undone
WAIT_S = 2.0  # for another stillpix that has the map
Along: TypeAlias = Literal["row", "column"]
Judgement: TypeAlias = Literal["accepted", "rejected"]


@dataclass(frozen=True, slots=True)
class Spot:
    """Which defect of a map: a pixel, or a run of them that begins there."""

    x: int
    y: int
    along: Along | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One decision: what stood in the map before, and what after; None: not in it."""

    spot: Spot
    before: Defect | None
    after: Defect


@dataclass(slots=True)
class _Steps:
    """The decisions about one map that can be undone, and those that can be made again."""

    done: list[Step] = field(default_factory=list)
    undone: list[Step] = field(default_factory=list)


class Judge:
    """Changes maps in a library; one decision at a time, from any thread."""

    def __init__(self, library: Library) -> None:
        self._library = Library(library.root, lock_wait_s=WAIT_S)
        self._steps: dict[str, _Steps] = {}
        self._lock = threading.Lock()

    def decide(self, sensor: Sensor, spot: Spot, state: Judgement) -> Defect:
        """Accept or reject a defect that is in the map, and return what stands there now.

        Raises:
            Refused: the map has no such defect (404), or is in use (409).
            WriteError: the map cannot be written; it is as it was.
        """
        with self._lock, _refuse_while_busy():
            found = self._map_of(sensor)
            before = defect_at(found, spot)
            if before is None:
                raise Refused(404, f"the map has no defect at {spot.x},{spot.y}; add it there")
            return self._note(found, Step(spot, before, replace(before, state=state)))

    def add(self, sensor: Sensor, spot: Spot) -> Defect:
        """Add a pixel that a person saw; one that is in the map already is accepted."""
        with self._lock, _refuse_while_busy():
            found = self._map_of(sensor)
            before = defect_at(found, spot)
            after = replace(before or Defect(x=spot.x, y=spot.y), state="accepted")
            return self._note(found, Step(spot, before, after))

    def undo(self, sensor: Sensor) -> Spot:
        """Undo the last decision, and return which defect it was about.

        Raises Refused (409) where there is none, or a newer scan has made it void.
        """
        with self._lock, _refuse_while_busy():
            steps = self._of(sensor)
            if not steps.done:
                raise Refused(409, "there is nothing to undo")
            step = steps.done.pop()
            self._replace(sensor, step.spot, step.before.state if step.before else None)
            steps.undone.append(step)
            return step.spot

    def redo(self, sensor: Sensor) -> Spot:
        """Redo the decision that was undone last; raises as `undo` does."""
        with self._lock, _refuse_while_busy():
            steps = self._of(sensor)
            if not steps.undone:
                raise Refused(409, "there is nothing to redo")
            step = steps.undone.pop()
            self._replace(sensor, step.spot, step.after.state, missing=step.after)
            steps.done.append(step)
            return step.spot

    def depth(self, sensor: Sensor) -> tuple[int, int]:
        """Return how many decisions can be undone, and how many made again."""
        steps = self._steps.get(body_name(sensor), _Steps())
        return len(steps.done), len(steps.undone)

    def _of(self, sensor: Sensor) -> _Steps:
        return self._steps.setdefault(body_name(sensor), _Steps())

    def _map_of(self, sensor: Sensor) -> DefectMap:
        return self._library.find(sensor) or DefectMap(sensor)

    def _note(self, found: DefectMap, step: Step) -> Defect:
        self._save(found.sensor, step.spot, step.after)
        steps = self._of(found.sensor)
        steps.done = [*steps.done[-MOST_STEPS:], step]
        steps.undone = []
        return step.after

    def _replace(
        self, sensor: Sensor, spot: Spot, state: State | None, *, missing: Defect | None = None
    ) -> None:
        """Give a defect its state as the map has it now, or (None) take it out of the map."""
        now = defect_at(self._map_of(sensor), spot) or missing
        if now is None:
            raise Refused(409, f"the newer map no longer has a defect at {spot.x},{spot.y}")
        self._save(sensor, spot, None if state is None else replace(now, state=state))

    def _save(self, sensor: Sensor, spot: Spot, defect: Defect | None) -> None:
        """Write the map with one defect replaced, added (last) or taken out."""
        # Not with Library.save: that keeps a person's earlier marks, which is what changes here.
        with self._library.lock(sensor):
            found = self._map_of(sensor)
            path = self._library.map_path(sensor)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_map(with_defect(found, defect_at(found, spot), defect), path)


@contextmanager
def _refuse_while_busy() -> Iterator[None]:
    """Turn a map that is in use into a refusal."""
    try:
        yield
    except LibraryBusyError as error:
        reason = "a scan of this camera is under way; judge when it has ended"
        raise Refused(409, reason) from error


def spot_of(defect: Defect) -> Spot:
    """Return what tells a defect from all others of its map."""
    return Spot(defect.x, defect.y, defect.run.along if defect.run else None)


def defect_at(found: DefectMap, spot: Spot) -> Defect | None:
    """Return the defect of a map that a spot names, or None."""
    return next((defect for defect in found if spot_of(defect) == spot), None)

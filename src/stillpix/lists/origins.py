"""Where other programs count from: the part of the full frame that a list can name.

Never reads or writes a file, and never rounds a place to make it fit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from ..frame import Sensor
from ..maps.records import Defect, Run

Origin: TypeAlias = Literal["full frame", "visible area", "LibRaw's visible area"]


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of the full stored frame; its upper left pixel is a program's (0, 0)."""

    x: int
    y: int
    width: int
    height: int

    def inside(self, defect: Defect) -> Defect | None:
        """Return a defect of the full frame as the area counts it; None where it lies outside.

        The part of a run that lies inside stays.

        >>> area = Area(8, 4, 20, 10)
        >>> seen = area.inside(Defect(x=9, y=0, run=Run("column", 0, 6)))
        >>> seen.x, seen.y, seen.run
        (1, 0, Run(along='column', first=0, last=2))
        >>> area.inside(Defect(x=7, y=5)) is None
        True
        """
        x, y, run = defect.x - self.x, defect.y - self.y, defect.run
        if run is None:
            return replace(defect, x=x, y=y) if self.holds(x, y) else None
        start, length = (self.x, self.width) if run.along == "row" else (self.y, self.height)
        first, last = max(run.first - start, 0), min(run.last - start, length - 1)
        across = y if run.along == "row" else x
        if first > last or not 0 <= across < (self.height if run.along == "row" else self.width):
            return None
        left, top = (first, y) if run.along == "row" else (x, first)
        return replace(defect, x=left, y=top, run=Run(run.along, first, last))

    def outside(self, defect: Defect) -> Defect:
        """Return a defect that the area counts as the full frame does.

        >>> Area(8, 4, 20, 10).outside(Defect(x=1, y=0)).x
        9
        """
        run = defect.run
        if run is not None:
            start = self.x if run.along == "row" else self.y
            run = Run(run.along, run.first + start, run.last + start)
        return replace(defect, x=defect.x + self.x, y=defect.y + self.y, run=run)

    def holds(self, x: int, y: int) -> bool:
        """Return whether the area has a pixel there, by its own count."""
        return 0 <= x < self.width and 0 <= y < self.height

    def spans(self, run: Run) -> bool:
        """Return whether a run, by the area's count, goes from edge to edge."""
        length = self.width if run.along == "row" else self.height
        return run.first == 0 and run.last == length - 1

    def is_near_edge(self, defect: Defect, border: int) -> bool:
        """Return whether all of a defect, by the area's count, lies within `border` of an edge."""
        return not any(
            border <= x < self.width - border and border <= y < self.height - border
            for x, y in defect.pixels()
        )


def area_of(sensor: Sensor, origin: Origin) -> Area:
    """Return the part of a sensor's frame that a program counts in.

    The visible area of a DNG is its ActiveArea. LibRaw begins at even places, so that the colour
    pattern stays: its area loses the first column or row of an odd one, and ends where that ends.

    >>> sensor = Sensor("Canon", "EOS R", "7", 620, 420, "bayer-RGGB", (23, 11, 588, 402))
    >>> area_of(sensor, "LibRaw's visible area")
    Area(x=24, y=12, width=587, height=401)
    """
    if origin == "full frame":
        return Area(0, 0, sensor.width, sensor.height)
    x, y, width, height = sensor.visible_area
    if origin == "LibRaw's visible area":
        odd_x, odd_y = x % 2, y % 2
        return Area(x + odd_x, y + odd_y, width - odd_x, height - odd_y)
    return Area(x, y, width, height)

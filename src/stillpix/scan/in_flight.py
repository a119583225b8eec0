"""How many photos are in memory at once while they are looked at.

Never fewer than there are threads to read them, so that none waits for memory.
"""

from __future__ import annotations

from typing import NamedTuple

from ..evidence.rules import TOGETHER
from ..frame import Sensor

ROOM = 64_000_000  # pixels of all photos in memory; one of colours takes 3.5 bytes a pixel
# Of photos so large that more would not fit. Two in one pass take as much time as four but for a
# fiftieth: the sums of a photo are then read from memory and written once in two photos.
TOGETHER_OF_LARGE = 2


class InFlight(NamedTuple):
    """How many photos are added up together, and how many are read ahead meanwhile."""

    together: int
    ahead: int

    @property
    def number(self) -> int:
        """Return how many photos are in memory at once."""
        return self.together + self.ahead


def in_flight(sensor: Sensor, threads: int) -> InFlight:
    """Return how many photos of a sensor so many threads look at.

    >>> in_flight(Sensor("a", "b", "c", 1500, 1000), 2)
    InFlight(together=4, ahead=2)
    >>> in_flight(Sensor("a", "b", "c", 6000, 4000), 2)
    InFlight(together=2, ahead=0)
    """
    busy = min(TOGETHER, threads)
    number = ROOM // (sensor.width * sensor.height)
    number = min(max(number, busy, TOGETHER_OF_LARGE), TOGETHER + busy)
    together = TOGETHER if number > TOGETHER else TOGETHER_OF_LARGE
    return InFlight(together, number - together)

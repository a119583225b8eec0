"""How a long scan reports its progress, and asks whether to go on.

Says nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .frame import Sensor

PREPARING = "preparing (first run only)"


class StoppedError(Exception):
    """A person asked to end amid one long file; nothing of it was written."""


class Watch:
    """Is told how a scan goes; this one says nothing. A command line or a page inherits it."""

    def body(self, sensor: Sensor, photos: int) -> None:
        """The photos of this body are read next."""

    def again(self, sensor: Sensor, photos: int) -> None:
        """So many photos of this body are read a second time, to tell dates.

        What they say may make it more: then this is called again.
        """
        self.body(sensor, photos)

    def crops(self, sensor: Sensor, photos: int) -> None:
        """So many photos of this body are read again next, for the pictures of a report."""
        self.body(sensor, photos)

    def preparing(self, *, begins: bool) -> None:
        """Code is being compiled, as on the first run only, or that is done; in any thread."""

    def so_far(self, sure: Sequence[tuple[int, int]], photos: int) -> None:
        """So many different photos of this body tell that the pixels at (x, y) are broken.

        Told now and then while more photos are read. The map at the end may have more of them.
        """

    def photos(self, done: int) -> None:
        """So many photos of this body are done."""

    def skipped(self, path: str, reason: str) -> None:
        """A photo could not be used, and why; the summary names it again."""

    def message(self, text: str) -> None:
        """Something a person should know has happened."""

    def stop(self) -> bool:
        """Return whether to end after the photos being read, and keep what is done."""
        return False

"""Which photos of some folders are new, and whole: nobody has written to them for a while.

Lists names, sizes and times again and again, which works on any disk and any network. Never opens
a photo.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ..errors import ReadError
from ..images.remote import Status, status_of
from ..images.searching import photos_below

SETTLED_S = 10.0  # without a change, after which a photo is whole
OLD_S = 60.0  # since its last change, after which a photo is whole when it is first seen


class Following:
    """The photos in some folders, as they come.

    `clock` tells seconds that only ever grow, `today` those since 1970, as the files' times.
    """

    def __init__(
        self,
        paths: Sequence[str | os.PathLike[str]],
        *,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], float] = time.time,
    ) -> None:
        self.paths, self.clock, self.today = list(paths), clock, today
        self.done: dict[Path, Status] = {}
        self._waiting: dict[Path, tuple[Status, float]] = {}

    def ready(self) -> dict[Path, Status]:
        """List the folders, and return the photos that are new or changed, and whole."""
        now, before, self._waiting = self.clock(), self._waiting, {}
        found: dict[Path, Status] = {}
        for path in photos_below(self.paths):
            stamp = _stamp_of(path)
            if stamp is None or self.done.get(path) == stamp:
                continue
            seen, since = before.get(path, (stamp, now))
            since = since if seen == stamp else now
            if now - since >= SETTLED_S or self.today() - stamp.modified_ns / 1e9 >= OLD_S:
                found[path] = stamp
            self._waiting[path] = stamp, since
        return found

    def are_waiting(self, ready: Mapping[Path, Status]) -> bool:
        """Return whether there are photos beside those that are ready."""
        return self._waiting.keys() > ready.keys()

    def take(self, photos: Mapping[Path, Status]) -> None:
        """Note photos as done: they come again only if they change."""
        self.done |= photos

    def try_again(self, paths: Iterable[Path]) -> None:
        """Let photos come again, since what came of them could not be kept."""
        for path in paths:
            self.done.pop(path, None)


def _stamp_of(path: Path) -> Status | None:
    try:
        return status_of(path)
    except (OSError, ReadError):
        return None

"""What happens on the server, in order, so that every open tab sees the same.

Never keeps more than its last events: a page that missed more has to load everything again.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

KEPT = 2000  # events
KEEP_ALIVE_S = 15.0  # so often a quiet stream says that it is still there
MISSED = "missed"  # the kind of event that stands for those no longer kept


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; versions count up by one."""

    version: int
    kind: str
    content: Mapping[str, Any]


class Journal:
    """The events of one server; told from any thread, followed from the event loop.

    >>> journal = Journal()
    >>> journal.tell("map", {"map": "a1"})
    >>> [(event.version, event.kind) for event in journal.after(0)]
    [(1, 'map')]
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._events: deque[Event] = deque(maxlen=kept)
        self._version = 0
        self._lock = threading.Lock()
        self._followers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._closed = False

    @property
    def version(self) -> int:
        """Return the version of the last event."""
        with self._lock:
            return self._version

    def tell(self, kind: str, content: Mapping[str, Any]) -> None:
        """Note what happened and wake those who follow."""
        with self._lock:
            self._version += 1
            self._events.append(Event(self._version, kind, content))
            self._wake()

    def after(self, version: int) -> list[Event]:
        """Return the events since a version; one of kind MISSED first where some are gone.

        >>> short = Journal(kept=1)
        >>> for name in ("a1", "b2"):
        ...     short.tell("map", {"map": name})
        >>> [(event.version, event.kind) for event in short.after(0)]
        [(1, 'missed'), (2, 'map')]
        """
        with self._lock:
            events = [event for event in self._events if event.version > version]
            first = self._version + 1 - len(self._events)
        if version + 1 < first:
            return [Event(first - 1, MISSED, {}), *events]
        return events

    async def follow(self, version: int) -> AsyncIterator[Event | None]:
        """Yield each event since a version, and None now and then while nothing happens."""
        follower = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._followers.add(follower)
        try:
            while not self._closed:
                follower[1].clear()
                for event in self.after(version):
                    yield event
                    version = event.version
                try:
                    await asyncio.wait_for(follower[1].wait(), KEEP_ALIVE_S)
                except TimeoutError:
                    yield None
        finally:
            with self._lock:
                self._followers.discard(follower)

    def close(self) -> None:
        """End every stream."""
        with self._lock:
            self._closed = True
            self._wake()

    def _wake(self) -> None:
        for loop, woken in self._followers:
            with suppress(RuntimeError):  # its loop has ended
                loop.call_soon_threadsafe(woken.set)

"""How a long command shows where it is: a bar on a terminal, plain lines elsewhere.

All of it goes to standard error: standard output is for results.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from ..frame import Sensor
from ..watch import Watch
from .output import complain, counted, printable

PLAIN_EVERY_S = 10.0


class Progress(Watch):
    """Photos done, photos/s and time left, for each body in turn."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._bar: Any = None
        self._task: Any = None
        self._sensor: Sensor | None = None
        self._total = 0
        self._begun = self._told = time.monotonic()

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
                console=Console(stderr=True), transient=True,
            )  # fmt: skip
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._bar is not None:
            self._bar.stop()

    def body(self, sensor: Sensor, photos: int) -> None:
        """Begin the bar of one body."""
        self._sensor, self._total = sensor, photos
        self._begun = self._told = time.monotonic()
        if self._bar is not None:
            name = printable(sensor.name)
            self._task = self._bar.add_task(name, total=photos, rate="")

    def photos(self, done: int) -> None:
        """Move the bar; without a terminal, a line now and then."""
        now = time.monotonic()
        rate = done / max(now - self._begun, 1e-3)
        if self._bar is not None:
            self._bar.update(self._task, completed=done, rate=f"{rate:.1f} photos/s")
        elif now - self._told > PLAIN_EVERY_S and self._sensor is not None:
            self._told = now
            left = (self._total - done) / max(rate, 1e-3)
            complain(
                f"{self._sensor.name}: {done} of {counted(self._total, 'photo')}, "
                f"{rate:.1f} photos/s, {left:.0f} s left"
            )

    def message(self, text: str) -> None:
        """Print one line above the bar."""
        if self._bar is not None:
            self._bar.console.print(f"stillpix: {printable(text)}", markup=False, highlight=False)
        else:
            complain(text)

    def end(self) -> None:
        """Ask the scan to end after the photos in work."""
        self._stop.set()

    def stop(self) -> bool:
        """Return whether it was asked to end."""
        return self._stop.is_set()


@contextmanager
def stopping_on_interrupt(watch: Progress) -> Iterator[None]:
    """Let the first Ctrl-C end the scan in good order, and a second one at once."""

    def on_interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # its signature
        signal.signal(signal.SIGINT, signal.default_int_handler)
        watch.end()
        watch.message("stopping after the photos in work; Ctrl-C again stops at once")

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

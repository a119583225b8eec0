"""Shows how far a long command is: a bar on a terminal, plain lines elsewhere.

All of it goes to standard error: standard output is for results.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..watch import PREPARING, Watch
from .output import complain, counted, detail, is_quiet, printable

if TYPE_CHECKING:
    from ..frame import Sensor

PLAIN_EVERY_S = 10.0
ROOMY = 80  # columns of a terminal that has room for the speed, and for a long bar
BAR, SHORT_BAR = 20, 10  # columns
BELL, BELL_AFTER_S = "\a", 20.0  # a terminal rings, or marks its window, after so long a run


def bar_on(console: Any) -> Any:
    """Return a bar of which a narrow terminal shows count and time left, and cuts the name."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.table import Column

    roomy = console.width >= ROOMY
    name = Column(no_wrap=True, overflow="ellipsis", ratio=1)
    rate = [TextColumn("{task.fields[rate]}", table_column=Column(no_wrap=True))]
    return Bar(
        TextColumn("{task.description}", markup=False, table_column=name),
        BarColumn(BAR if roomy else SHORT_BAR),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        *(rate if roomy else []),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
        console=console, transient=True, expand=True,
    )  # fmt: skip


class Progress(Watch):
    """Photos done, photos/s and time left, for each body in turn."""

    def __init__(self, *, repairs: bool = False) -> None:
        """`repairs` counts a clip as one file, not each frame of it."""
        self._repairs, self._noun = repairs, "photo"
        self._stop = threading.Event()
        self._bar: Any = None
        self._task: Any = None
        self._name = ""
        self._total = self._done = self._before = 0  # photos; those done when the pace began
        self._sure = ""
        self._entered = self._begun = self._told = time.monotonic()
        self._prepares, self._has_told = False, False

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and not is_quiet() and os.environ.get("TERM") != "dumb":
            from rich.console import Console

            self._bar = bar_on(Console(stderr=True))
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._bar is not None:
            self._bar.stop()
            if time.monotonic() - self._entered >= BELL_AFTER_S:
                sys.stderr.write(BELL)  # who waited so long looks at something else by now
                sys.stderr.flush()

    def heads(self, done: int) -> None:
        """Show how many files have been looked at; how many there are is not known."""
        if self._bar is not None:
            if self._task is None:
                self._task = self._bar.add_task("looking for photos", total=None, rate="")
            self._bar.update(self._task, completed=done)

    def body(self, sensor: Sensor, photos: int) -> None:
        """Begin the bar of one body."""
        self._sure = ""
        self._begin(sensor.name, photos, sensor)

    def again(self, sensor: Sensor, photos: int) -> None:
        """Begin the bar of a body's second look, and say what would save it; or make it longer."""
        self._sure = ""
        name = f"{sensor.name}, again for dates (--fast skips this)"
        if name != self._name:
            self._begin(name, photos, sensor)
        elif photos > self._total:
            self._total = photos
            if self._bar is not None:
                self._bar.update(self._task, total=photos)

    def crops(self, sensor: Sensor, photos: int) -> None:
        """Begin the bar of the photos that a report shows."""
        self._begin(f"{sensor.name}, pictures for the report", photos, sensor)

    def _begin(self, name: str, photos: int, sensor: Sensor) -> None:
        self._noun = sensor.recording if self._repairs else sensor.picture
        detail(f"{name}: {counted(photos, self._noun)} to read")
        self._name, self._total, self._done, self._before = name, photos, 0, 0
        self._begun = self._told = time.monotonic()
        if self._bar is not None:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(printable(name), total=photos, rate="")

    def preparing(self, *, begins: bool) -> None:
        """Say once that code is compiled; the pace is counted from the end of it."""
        self._prepares = begins
        if not begins:
            self._begun = self._told = time.monotonic()
            self._before = self._done
        if self._bar is not None and self._task is not None:
            name = printable(self._sure + self._name)
            self._bar.update(self._task, description=PREPARING if begins else name)
            if not begins:
                self._bar.reset(self._task, total=self._total, completed=self._done)
        elif begins and not self._has_told and not is_quiet():
            self._has_told = True
            complain(PREPARING)

    def so_far(self, sure: Sequence[tuple[int, int]], photos: int) -> None:
        """Show how many pixels are surely broken; with --verbose, which."""
        self._sure = f"{len(sure)} sure so far, "
        places = " ".join(f"{x},{y}" for x, y in sure)
        told = counted(photos, f"different {self._noun}")
        detail(f"{self._name}: {len(sure)} sure after {told}" + (f": {places}" if places else ""))
        if self._bar is not None and self._task is not None and not self._prepares:
            self._bar.update(self._task, description=printable(self._sure + self._name))

    def photos(self, done: int) -> None:
        """Move the bar; without a terminal, a line now and then."""
        self._done = done
        if self._prepares:
            return  # how fast it goes now says nothing of what is left
        now = time.monotonic()
        rate = (done - self._before) / max(now - self._begun, 1e-3)
        if self._bar is not None:
            self._bar.update(self._task, completed=done, rate=f"{rate:.1f} {self._noun}s/s")
        elif now - self._told > PLAIN_EVERY_S and not is_quiet():
            self._told = now
            left_s = (self._total - done) / max(rate, 1e-3)
            complain(
                f"{self._name}: {done} of {counted(self._total, self._noun)}, "
                f"{rate:.1f} {self._noun}s/s, {self._sure}{left_s:.0f} s left"
            )

    def skipped(self, path: str, reason: str) -> None:
        """Note a photo that could not be used; the summary names it again."""
        detail(f"skipped: {path}: {reason}")

    def message(self, text: str) -> None:
        """Print one line above the bar."""
        if self._bar is None or is_quiet():
            complain(text)
        else:
            line = f"stillpix: {printable(text)}"
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def end(self) -> None:
        """Ask the scan to end after the photos being read."""
        self._stop.set()

    def stop(self) -> bool:
        """Return whether it was asked to end."""
        return self._stop.is_set()


@contextmanager
def stopping_on_terminate(watch: Progress) -> Iterator[None]:
    """Let a service manager's request end the scan in good order, too."""
    before = signal.signal(signal.SIGTERM, lambda *_: watch.end())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def stopping_on_interrupt(watch: Progress) -> Iterator[None]:
    """Let the first Ctrl-C end the scan in good order, and a second one at once."""

    def on_interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # its signature
        signal.signal(signal.SIGINT, signal.default_int_handler)
        watch.end()
        # This may have come amid another line being printed, which a thread waits for.
        said = "stopping after the photos being read; press Ctrl-C again to stop at once"
        threading.Thread(target=watch.message, args=(said,)).start()

    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:  # in the background: a Ctrl-C there is meant for another program
        yield
        return
    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

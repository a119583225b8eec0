"""Work that stands still where a test wants it to, however slow or fast the machine is.

As a program, the command line: python holding.py MODULE.FUNCTION AFTER FILE [ARGUMENTS OF STILLPIX]
lets the function be called AFTER times, and holds later calls until FILE is there.

A find reads six photos or more before it counts the first four, by the same threads: one that is
held after fewer than six may hold up the counting, too.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
from pathlib import Path

from support import costs, starting

AGAIN = "stopping after the photos being read; press Ctrl-C again to stop at once"
TESTS = str(Path(__file__).parents[1])
BEGUN = [
    "-c",
    f"import sys; sys.path.insert(0, {TESTS!r}); from support.holding import main; main()",
]
EACH_S = 0.01
CORES = 2  # so many photos are worked on at once, whatever the machine has


class Held:
    """A function that may be called a few times; later calls wait until they are let go."""

    def __init__(self, work, after, until=lambda: False):
        self.work, self.after, self.until = work, after, until
        self.stands_still = threading.Event()
        self._let_go = threading.Event()
        self._calls, self._latest = 0, float("inf")
        self._lock = threading.Lock()

    def __call__(self, *arguments, **options):
        with self._lock:
            self._calls += 1
            waits = self._calls > self.after
        if waits:
            self._wait()
        return self.work(*arguments, **options)

    def _wait(self):
        if not self.stands_still.is_set():
            self._latest = time.monotonic() + costs.LONGEST_S
            self.stands_still.set()
        while not self.until() and time.monotonic() < self._latest:
            if self._let_go.wait(EACH_S):
                break

    def let_go(self):
        self._let_go.set()


def command(held, after, file, *arguments):
    """Return the command line that runs stillpix with one of its functions held."""
    return [sys.executable, *BEGUN, held, str(after), str(file), *map(str, arguments)]


def started(held, after, file, *arguments):
    """Start stillpix with one of its functions held."""
    return starting.started(main, BEGUN, held, after, file, *arguments)


def interrupted(go_on, *arguments, held, after, times=1, once=" of "):
    """Run stillpix with a function held, and press Ctrl-C once it says a word.

    It may go on, by the file `go_on`, when that has been pressed `times` and has been told of.
    """
    ran = started(held, after, go_on, *arguments)
    lines = []
    for pressed, awaited in enumerate((once, AGAIN)):
        lines += said_until(ran, awaited)
        if pressed < times:
            ran.send_signal(signal.SIGINT)
    go_on.touch()
    printed, complained = ran.communicate(timeout=costs.LONGEST_S)
    return ran.returncode, printed, "".join(lines) + complained


def said_until(ran, awaited):
    """Return what a program complains of up to a line with this text in it."""
    lines = []
    for line in ran.stderr:
        lines.append(line)
        if awaited in line:
            return lines
    raise AssertionError(f"ended before it said {awaited!r}: {lines}")


def main():
    held, after, file = sys.argv[1:4]
    del sys.argv[1:4]
    where, _, name = held.rpartition(".")
    module = importlib.import_module(where)
    setattr(module, name, Held(getattr(module, name), int(after), Path(file).exists))

    os.cpu_count = lambda: CORES
    from stillpix.__main__ import main as stillpix
    from stillpix.cli import progress

    progress.PLAIN_EVERY_S = -1.0  # each batch is told of
    stillpix()

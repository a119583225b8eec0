"""How long a test waits for what may hang, and how much memory a piece of work takes.

Nothing here depends on how fast the machine is, or on what else it does.
"""

from __future__ import annotations

import gc
import tracemalloc
from contextlib import contextmanager

# What hangs takes hours. How long the rest takes is the machine's business: it may be busy, and a
# first run compiles.
LONGEST_S = 300


class Memory:
    """The bytes that Python held: at most, and now."""

    most = 0

    @staticmethod
    def now():
        gc.collect()  # else it is chance what is still held by rings of objects
        return tracemalloc.get_traced_memory()[0]


@contextmanager
def memory():
    """Count the memory that is taken in this block.

    Do the same work once before: what is imported and compiled for it counts, too. What was there
    before does not count, and is not gone through each time that garbage is collected.
    """
    gc.freeze()
    tracemalloc.start()
    counted = Memory()
    try:
        yield counted
        counted.most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.unfreeze()

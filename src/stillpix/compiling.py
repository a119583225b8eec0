"""Compiles every kernel, and keeps the result for the next start if it can.

Knows nothing of what the kernels do. Never fails because the compiled code cannot be kept.
"""

from __future__ import annotations

import gc
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from numba import njit
from numba.core import event as numba_event
from numba.core.runtime.nrt import rtsys

NOT_KEPT = (
    "compiled code could not be kept ({}), so each start takes some seconds longer; set"
    " NUMBA_CACHE_DIR to a folder that you may write into"
)
# No kernel is handed to C code: the wrapper for that would cost a twentieth of the time.
_WAYS: dict[str, Any] = {
    "nogil": True,
    "fastmath": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
}
_EVENT = "numba:compile"
_GUARD = "_guard_against_spurious_io_errors"


def compiled(function: Any) -> Any:
    """Compile as every kernel here is: outside the interpreter's lock, cached on disk."""
    return _compiled(function, _WAYS)


def compiled_within(function: Any) -> Any:
    """Compile a kernel that only other kernels call: Python has no way in, which saves time."""
    return _compiled(function, {**_WAYS, "no_cpython_wrapper": True})


@contextmanager
def told_of_compiling(tell: Callable[[bool], None]) -> Iterator[None]:
    """Tell when the compiling of a kernel begins (True) and ends (False), in whatever thread.

    A kernel that needs others is told of once. Code that was kept is not compiled, so nothing is
    told.
    """
    listener, events = _Listener(tell), cast(Any, numba_event)
    events.register(_EVENT, listener)
    try:
        yield
    finally:
        events.unregister(_EVENT, listener)


class _Listener(numba_event.Listener):
    """Counts kernels that are being compiled, each within the one that needs it."""

    def __init__(self, tell: Callable[[bool], None]) -> None:
        self.tell, self.depth, self.lock = tell, 0, threading.Lock()

    def on_start(self, event: Any) -> None:  # noqa: ARG002  # numba gives it
        """Count a kernel that is begun."""
        with self.lock:
            self.depth += 1
            if self.depth == 1:
                self.tell(True)

    def on_end(self, event: Any) -> None:  # noqa: ARG002  # numba gives it
        """Count a kernel that is done; one that was begun before all this does not count."""
        with self.lock:
            self.depth -= 1
            if self.depth == 0:
                self.tell(False)
            self.depth = max(self.depth, 0)


class _Garbage:
    """Looks for no garbage while a kernel is compiled: that makes millions of objects in use.

    It takes an eighth of the time to look through them again and again.
    """

    def __init__(self) -> None:
        self.looked_for = False

    def __call__(self, begun: bool) -> None:  # noqa: FBT001  # as `told_of_compiling` tells
        if begun:
            self.looked_for = gc.isenabled()
            gc.disable()
        elif self.looked_for:
            gc.enable()


cast(Any, numba_event).register(_EVENT, _Listener(_Garbage()))


def _compiled(function: Any, ways: dict[str, Any]) -> Any:
    try:
        kernel = njit(cache=True, **ways)(function)
    except RuntimeError:  # numba found no folder that it may write into
        _tell("there is no folder for it")
        return njit(**ways)(function)
    _keep_if_possible(kernel)
    _load_alone(kernel)
    return kernel


def _keep_if_possible(kernel: Any) -> None:
    """Make a kernel run although its code cannot be written to the disk."""
    cache: Any = getattr(kernel, "_cache", None)
    if not hasattr(cache, "save_overload"):
        return
    save = cache.save_overload

    def save_overload(*arguments: Any) -> None:
        try:
            save(*arguments)
        except OSError as error:
            _tell(error.strerror or type(error).__name__)

    cache.save_overload = save_overload


def _load_alone(kernel: Any) -> None:
    """Load a kernel that was kept without what numba needs for compiling others.

    That takes half a second, and more where SciPy is installed. Whoever compiles loads it, too.
    """
    cache: Any = getattr(kernel, "_cache", None)
    if not (hasattr(cache, "_load_overload") and hasattr(cache, _GUARD)):
        return

    def load_overload(signature: Any, target: Any) -> Any:
        rtsys.initialize(target)  # the memory of arrays that kernels make
        with getattr(cache, _GUARD)():
            return cache._load_overload(signature, target)

    cache.load_overload = load_overload


def _tell(reason: str) -> None:
    warnings.warn(NOT_KEPT.format(reason), RuntimeWarning, stacklevel=3)

"""Compiles every kernel, and keeps the result for the next start if it can.

Knows nothing of what the kernels do. Never fails because the compiled code cannot be kept.
"""

from __future__ import annotations

import warnings
from typing import Any

from numba import njit

NOT_KEPT = (
    "compiled code could not be kept ({}), so each start takes some seconds longer; set"
    " NUMBA_CACHE_DIR to a folder that you may write into"
)


def compiled(function: Any) -> Any:
    """Compile as every kernel here is: outside the interpreter's lock, cached on disk."""
    try:
        kernel = njit(nogil=True, cache=True, fastmath=True, error_model="numpy")(function)
    except RuntimeError:  # numba found no folder that it may write into
        _tell("there is no folder for it")
        return njit(nogil=True, fastmath=True, error_model="numpy")(function)
    _keep_if_possible(kernel)
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


def _tell(reason: str) -> None:
    warnings.warn(NOT_KEPT.format(reason), RuntimeWarning, stacklevel=3)

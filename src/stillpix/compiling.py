"""How every kernel is compiled.

Knows nothing of what the kernels do.
"""

from __future__ import annotations

from typing import Any

from numba import njit


def compiled(function: Any) -> Any:
    """Compile as every kernel here is: outside the interpreter's lock, cached on disk."""
    return njit(nogil=True, cache=True, fastmath=True, error_model="numpy")(function)

"""How every kernel is compiled.

Knows nothing of what the kernels do.
"""

from __future__ import annotations

from typing import Any

from numba import njit

_AS_ALL: dict[str, Any] = {
    "nogil": True, "cache": True, "fastmath": True, "error_model": "numpy",
}  # fmt: skip
_NOT_FROM_PYTHON: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def compiled(function: Any) -> Any:
    """Compile as every kernel here is: outside the interpreter's lock, cached on disk."""
    return njit(**_AS_ALL)(function)


def compiled_inside(function: Any) -> Any:
    """Compile what only kernels call: without the way in from Python, which takes long to make.

    To call it from Python ends the process; kernels that tests call are `compiled`.
    """
    return njit(**_AS_ALL, **_NOT_FROM_PYTHON)(function)

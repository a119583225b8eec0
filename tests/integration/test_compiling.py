"""Kernels run where their compiled code cannot be kept."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from stillpix import compiling

PROGRAM = """
import errno, sys
from numba.core import caching
from stillpix import __main__, compiling

if sys.argv[1] == "no folder":
    def refuse(*_):
        raise RuntimeError("cannot cache function 'twice': no locator available")
    caching.FunctionCache.__init__ = refuse
else:
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")
    caching.FunctionCache.save_overload = refuse

def twice(number):
    return 2 * number

def thrice(number):
    return 3 * number

__main__._tell_in_one_line()
print(compiling.compiled(twice)(21), compiling.compiled(thrice)(2))
"""


@pytest.mark.parametrize(
    ("way", "reason"),
    [("no folder", "there is no folder for it"), ("full", "No space left on device")],
)
def test_kernels_run_and_one_line_says_that_they_are_not_kept(tmp_path, way, reason):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM, encoding="utf-8")

    ran = subprocess.run(
        [sys.executable, script, way], capture_output=True, text=True, check=True,
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")},
    )  # fmt: skip

    assert ran.stdout == "42 6\n"
    assert ran.stderr == f"stillpix: note: {compiling.NOT_KEPT.format(reason)}\n"

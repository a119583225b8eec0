"""Kernels run where their compiled code cannot be kept."""

from __future__ import annotations

import errno
import gc
import sys

import pytest
from numba.core import caching

from stillpix import __main__, compiling
from support import costs, starting

FULL = OSError(errno.ENOSPC, "No space left on device")
NOWHERE = RuntimeError("cannot cache function 'twice': no locator available")


def twice(number):
    return 2 * number


def thrice(number):
    return 3 * number


def refusing(refusal):
    """Return what numba may call in the place of something that fails."""

    def refuse(*_):
        raise refusal

    return refuse


def without_folder():
    caching.FunctionCache.__init__ = refusing(NOWHERE)
    work()


def on_a_full_disk():
    caching.FunctionCache.save_overload = refusing(FULL)
    work()


def work():
    __main__._tell_in_one_line()
    sys.stdout.write(f"{compiling.compiled(twice)(21)} {compiling.compiled(thrice)(2)}\n")


@pytest.mark.parametrize(
    ("program", "reason"),
    [(without_folder, "there is no folder for it"), (on_a_full_disk, FULL.strerror)],
)
def test_kernels_run_and_one_line_says_that_they_are_not_kept(program, reason):
    code = f"import sys; sys.path[:0] = {sys.path}; import {__name__} as t; t.{program.__name__}()"

    with starting.started(program, ["-c", code]) as ran:
        printed, complained = ran.communicate(costs.LONGEST_S)

    assert printed == "42 6\n"
    assert complained == f"stillpix: note: {compiling.NOT_KEPT.format(reason)}\n"


@pytest.mark.slow
def test_warm_up_compiles_what_find_and_fix_need_and_leaves_nothing_else(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from stillpix.cli import app

    monkeypatch.setenv("STILLPIX_LIBRARY", str(tmp_path / "library"))
    monkeypatch.chdir(tmp_path)

    ran = CliRunner().invoke(app, ["warm-up"])

    assert ran.exit_code == 0, ran.output
    assert ran.stdout.startswith("ready: compiled in ")
    assert list(tmp_path.iterdir()) == []


def test_no_garbage_is_looked_for_while_a_kernel_is_compiled(tmp_path, monkeypatch):
    from numba.core import config, event

    seen = []
    watch = event.TimingListener()
    watch.on_start = watch.on_end = lambda _: seen.append(gc.isenabled())
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    with event.install_listener("numba:run_pass", watch):
        assert compiling.compiled(thrice)(2) == 6

    assert gc.isenabled()
    assert set(seen) == {False}


def test_a_kept_kernel_is_loaded_without_what_compiling_needs(tmp_path, monkeypatch):
    from numba.core import config
    from numba.core.cpu import CPUContext

    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    assert compiling.compiled(twice)(21) == 42
    monkeypatch.setattr(CPUContext, "refresh", refusing(AssertionError("loads all of numba")))

    kept, told = compiling.compiled(twice), []
    with compiling.told_of_compiling(told.append):
        assert kept(21) == 42

    assert told == []
    with pytest.raises(AssertionError, match="loads all of numba"):
        kept(2.5)  # was not kept

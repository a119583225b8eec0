"""What several tests of the command line stand on: a library of their own, and a long series."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
import tempfile
from functools import cache

# Before numpy: repairs solve many small systems, for which threads of BLAS only wait on each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
import typer.testing
from hypothesis import HealthCheck, settings

from stillpix.maps.library import Library
from support import effort, series

# Each process and each program that tests start would compile the same modules all anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# What is started in the background ignores Ctrl-C, and so would the programs that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Else the parameters of all commands would be read anew for each command that a test runs here.
typer.testing._get_command = cache(typer.testing._get_command)

# No test cuts the power, so none waits for the disk; a closed file is refused as by the other.
os.fsync = os.fstat


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="try all examples, not a part of them")


def pytest_configure(config):
    effort.long = config.getoption("--long")
    # How long an example takes is the machine's business. Who changes something else is not to
    # meet an example that nobody met before: new ones are for --long.
    settings.register_profile(
        "unhurried",
        max_examples=effort.some(100),
        deadline=None,
        derandomize=not effort.long,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("unhurried")
    if _begins_all_tests(config):
        from support import warming

        if not warming.is_compiled():
            warming.compile_all()


def pytest_collection():
    """Look for no garbage while the tests are collected: nothing of them ever is any."""
    gc.disable()


def pytest_collection_finish():
    """Spare each full collection of garbage the tests themselves, too."""
    gc.freeze()
    gc.enable()


def _begins_all_tests(config):
    """Return whether this is the process that starts others to run all tests."""
    starts_others = config.getoption("numprocesses", None) and not hasattr(config, "workerinput")
    all_of_them = config.args_source is config.ArgsSource.TESTPATHS
    return starts_others and all_of_them and not config.option.collectonly


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """A slow machine's lines of progress are not what the tests of messages are about."""
    monkeypatch.setattr("stillpix.cli.progress.PLAIN_EVERY_S", 3600.0)


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setenv("STILLPIX_LIBRARY", str(tmp_path / "library"))
    return Library()


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    series.write(folder, range(40))
    return folder


@pytest.fixture
def site(library):
    from support import pages

    with pages.serving(library) as found:
        yield found


@pytest.fixture
def locked(monkeypatch):
    """Let no folder take a new file, whatever its permissions say, as a share may do."""

    def refuse(*_, **__):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)


@pytest.fixture
def held(monkeypatch):
    """Give a way to hold a run at a photo; whatever is still held at the end is let go."""
    from stillpix.restoration import fix as mend
    from stillpix.scan import looking
    from stillpix.web import jobs
    from support.holding import CORES, Held

    monkeypatch.setattr(jobs, "TOLD_EVERY_S", -1.0)
    monkeypatch.setattr(os, "cpu_count", lambda: CORES)
    gates = []

    def hold(what, after):
        module, name = {"find": (looking, "read_frame"), "fix": (mend, "repaired_pictures")}[what]
        gates.append(Held(getattr(module, name), after))
        monkeypatch.setattr(module, name, gates[-1])
        return gates[-1]

    yield hold
    for gate in gates:
        gate.let_go()


@pytest.fixture(scope="session")
def demo_series(tmp_path_factory):
    """Photos of the demo's camera; one of them is cut short."""
    from stillpix.simulate import CameraSettings, SimulatedCamera, write_series
    from support import browsing

    shown = os.environ.get(browsing.PICTURES)  # then the documentation shows these photos
    width, height = (1200, 800) if shown else (600, 400)
    folder = tmp_path_factory.mktemp("series") / "demo"
    camera = SimulatedCamera(CameraSettings(width=width, height=height, defects=60), seed=1)
    write_series(folder, camera, photos=20)
    whole = (folder / "IMG_0005.JPG").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 3])
    return folder

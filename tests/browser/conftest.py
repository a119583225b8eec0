"""One Chromium for all tests of this folder: to start it costs more than most of them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from support import browsing

HERE = Path(__file__).parent
running = ExitStack()
started = []


@pytest.fixture
def browser():
    if not started:
        started.append(running.enter_context(browsing.chromium()))
    return started[0]


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem):
    """End it with the last test here: Playwright's event loop would stop others from having one."""
    if nextitem is None or HERE not in nextitem.path.parents:
        started.clear()
        running.close()

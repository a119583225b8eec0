"""A terminal rings after a long run, and only a terminal."""

from __future__ import annotations

import io

import pytest

from stillpix.cli import progress


class Screen(io.StringIO):
    """What a program wrote to a terminal, or to a file."""

    def __init__(self, *, is_terminal):
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self):
        return self._is_terminal


@pytest.mark.parametrize(
    ("is_terminal", "long_s", "rings"), [(True, 0.0, 1), (True, 3600.0, 0), (False, 0.0, 0)]
)
def test_a_terminal_rings_once_after_a_long_run(monkeypatch, is_terminal, long_s, rings):
    screen = Screen(is_terminal=is_terminal)
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "BELL_AFTER_S", long_s)
    with progress.Progress():
        pass

    assert screen.getvalue().count("\a") == rings

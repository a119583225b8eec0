"""Runs a find as it is imported: its kernels and libraries take a program more than a second.

Only what others are forked from imports this: see `starting`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from typer.testing import CliRunner

from stillpix.cli import app
from support import warming

with tempfile.TemporaryDirectory() as made:
    photos = warming.photos(Path(made))
    CliRunner().invoke(app, ["find", *map(str, photos), "--out", f"{made}/maps"])

"""The man pages are what the help says, whole, and `man` shows them without a warning."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tomllib

import pytest
import typer

from stillpix.cli import app
from support.places import ROOT

FOLDER = ROOT / "docs" / "man"


@pytest.fixture(scope="module")
def pages():
    spec = importlib.util.spec_from_file_location("pages", ROOT / "docs" / "make_man_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pages()


def test_the_man_pages_are_up_to_date(pages):
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}

    assert there == pages, "run python docs/make_man_pages.py"


def test_every_option_of_every_command_is_on_its_page(pages):
    commands = typer.main.get_command(app).commands
    missing = [
        f"{name} {flag}"
        for name, command in commands.items()
        for each in command.params
        for flag in each.opts
        if flag.startswith("-") and flag.replace("-", r"\-") not in pages[f"stillpix-{name}.1"]
    ]

    assert sum(len(command.params) for command in commands.values()) > 60
    assert missing == []


@pytest.mark.slow
def test_man_shows_each_page_without_a_warning(pages):
    if shutil.which("man") is None:
        pytest.skip("no man here")
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}
    for name in pages:
        shown = subprocess.run(
            ["man", "--warnings", "-E", "UTF-8", "-l", FOLDER / name], env=environment,
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert (shown.returncode, shown.stderr) == (0, ""), name
        words = " ".join(re.sub(".\b", "", shown.stdout).split())
        assert name.removesuffix(".1") in words


def test_the_wheel_puts_the_pages_where_man_looks():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shared = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]

    assert shared == {"docs/man": "share/man/man1"}

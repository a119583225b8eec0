"""Follows the README word by word, as somebody who has just cloned it: `make smoke`.

    python docs/try_readme.py [--keep]

Copies the files of the checkout that git knows, makes a new environment there, and types the
commands of the README in their order: those of its fenced blocks, those in backquotes that begin
with `stillpix`, and its Python. `Pictures` are eight photos of the demo. So a dependency that only
the tests install, and a file that the wheel forgot, are found here. Left out, and named, are the
commands that need what is not there (real photos, RawTherapee, a container engine), other ways to
install, and the tests, which `.ci/run` runs.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$|`(stillpix [^`]+)`", re.MULTILINE | re.DOTALL)
INSTALL = "pip install . && stillpix demo"
PICTURES = 8  # photos of the demo that stand for a person's own
# Words of commands that cannot be tried here, and why.
LEFT_OUT = {
    "pytest": "the tests run elsewhere",
    "docker": "needs a container engine",
    "dataset_banana": "needs the real photos",
    "D3200": "needs the map of the real photos",
    "D750": "needs a map of that camera",
    "rawtherapee": "needs RawTherapee",
    "serve": "runs until it is stopped",
    "watch": "runs until it is stopped",
}
LONGEST_S = 600  # that a command may take
NO_COMMAND = frozenset(
    {"stillpix demo", "stillpix find", "stillpix import", "stillpix shard"}
)  # run before, or only named


def commands(text: str) -> Iterator[tuple[str, str]]:
    r"""Yield what a page tells to type, in its order: "sh" or "python", and the words.

    >>> list(commands("Try `stillpix show`:\\n```\\n$ stillpix find a\\nfound\\n```"))
    [('sh', 'stillpix show'), ('sh', 'stillpix find a')]
    """
    for language, block, inline in BLOCK.findall(text):
        if inline:
            yield "sh", inline
        elif language == "python":
            yield "python", block
        elif block.startswith("$ "):  # what follows is what it prints
            yield "sh", block.splitlines()[0].removeprefix("$ ")
        else:
            yield from (("sh", line) for line in block.splitlines() if line)


def why_left_out(command: str) -> str | None:
    """Return why a command is not tried; None if it is."""
    if command in NO_COMMAND:
        return "was run before, or is only named"
    return next((why for word, why in LEFT_OUT.items() if word in command), None)


def checkout(folder: Path) -> Path:
    """Copy the files that git knows."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """Make a new environment, and return the variables of a shell in which it is active."""
    venv.create(folder / "venv", with_pip=True, symlinks=os.name != "nt")
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return kept | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "STILLPIX_LIBRARY": str(folder / "library"),
        "NUMBA_CACHE_DIR": str(folder / "kernels"),
    }


def make_pictures(project: Path) -> None:
    """Let some photos of the demo be a person's own."""
    photos = sorted((project / "stillpix-demo").glob("*.JPG"))[:PICTURES]
    (project / "Pictures").mkdir()
    for photo in photos:
        shutil.copy2(photo, project / "Pictures")


def follow(folder: Path) -> int:
    """Type everything; return the number of commands that failed."""
    project, shell = checkout(folder / "stillpix"), environment(folder)
    failed = 0
    for kind, command in commands((ROOT / "README.md").read_text(encoding="utf-8")):
        shown = command if kind == "sh" else "python: " + command.strip().splitlines()[-1]
        why = why_left_out(command)
        if why:
            print(f"   left out ({why}): {shown}", flush=True)
            continue
        words = ["bash", "-euc", command] if kind == "sh" else ["python", "-c", command]
        began = time.monotonic()
        try:
            ran = subprocess.run(words, cwd=project, env=shell, text=True, check=False,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 timeout=LONGEST_S)  # fmt: skip
        except subprocess.TimeoutExpired:
            failed += 1
            print(f"{LONGEST_S} s and not done: {shown}", flush=True)
            continue
        print(f"{time.monotonic() - began:6.1f} s  {shown}", flush=True)
        if ran.returncode:
            failed += 1
            print(ran.stdout)
        elif command == INSTALL:
            make_pictures(project)
    return failed


def main() -> int:
    """Follow the README, and say what failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    options = parser.parse_args()
    folder = Path(mkdtemp(prefix="readme-"))
    try:
        failed = follow(folder)
    finally:
        if options.keep:
            print(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{failed} commands of the README failed" if failed else "the README can be followed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

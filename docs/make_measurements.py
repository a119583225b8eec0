"""Runs the commands whose output the pages show, and puts into the pages what they print.

    python docs/make_measurements.py [--photos FOLDER] [--times] [--check]

A measured block stands between `<!-- measured: COMMAND -->` and `<!-- end -->`. FOLDER is a copy
of github.com/pierotofy/dataset_banana (its JPEGs); without it, blocks that need these photos stay
as they are and are named. Durations stay, too, unless `--times` is given: run that on the machine
that the README names, when nothing else runs there. `--check` writes nothing, and ends with
status 1 if a page is out of date.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
ROOT = HERE.parent
PAGES = (ROOT / "README.md", HERE / "quickstart.md")
PHOTOS = "dataset_banana"
BANANA = ROOT.parent / "shared" / "data" / "banana"  # where the tests look for these photos
PART = re.compile(
    r"<!-- measured: (?P<command>[^\n]+) -->\n\n```\n(?P<shown>.*?)```\n\n<!-- end -->", re.DOTALL
)
DURATION = re.compile(r"^\d+(?:\.\d+)? (?:s|min) in all$", re.MULTILINE)
USUAL_LIBRARY = "~/.local/share/stillpix"


def needs_photos(commands: list[str]) -> bool:
    """Return whether the last of some commands needs the real photos: by name, or by their map.

    >>> needs_photos(["stillpix demo"]), needs_photos(["stillpix find dataset_banana"])
    (False, True)
    >>> needs_photos(["stillpix find dataset_banana", "stillpix show D3200"])
    True
    """
    reads = commands[-1].split()[1:2] == ["show"]
    return PHOTOS in commands[-1] or (reads and any(PHOTOS in each for each in commands))


def with_durations_of(old: str, new: str) -> str:
    """Return new output with the old one's durations, where both have as many."""
    kept = DURATION.findall(old)
    if len(kept) != len(DURATION.findall(new)):
        return new
    return DURATION.sub(lambda _: kept.pop(0), new)


class Runner:
    """Runs a page's commands in their order, in one empty folder and with one empty library."""

    def __init__(self, folder: Path, photos: Path | None) -> None:
        self._folder = folder
        self._library = folder / "library"
        self._commands: list[str] = []
        self._photos = photos
        self.left_out: list[str] = []
        if photos:
            (folder / PHOTOS).symlink_to(photos.resolve())

    def output(self, command: str) -> str | None:
        """Return a command with what it prints; None where it needs photos that are not there."""
        self._commands.append(command)
        if needs_photos(self._commands) and not self._photos:
            self.left_out.append(command)
            return None
        printed = self.run(command, self._folder, {"STILLPIX_LIBRARY": str(self._library)})
        return f"$ {command}\n{printed.replace(str(self._library), USUAL_LIBRARY)}"

    def run(self, command: str, folder: Path, environment: dict[str, str]) -> str:
        """Run a command in a folder, and return what it prints."""
        return subprocess.run(
            [sys.executable, "-m", *command.split()], cwd=folder, capture_output=True, text=True,
            check=True, env={**os.environ, **environment},
        ).stdout  # fmt: skip


def measured(text: str, photos: Path | None, *, times: bool = False) -> tuple[str, list[str]]:
    """Return the page with its blocks renewed, and the commands that could not be run."""
    with TemporaryDirectory() as folder:
        runner = Runner(Path(folder), photos)

        def renewed(part: re.Match[str]) -> str:
            printed = runner.output(part["command"])
            if printed is None:
                return part[0]
            shown = printed if times else with_durations_of(part["shown"], printed)
            return f"<!-- measured: {part['command']} -->\n\n```\n{shown}```\n\n<!-- end -->"

        return PART.sub(renewed, text), runner.left_out


def main() -> int:
    """Renew or check the pages."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    usual = BANANA if BANANA.is_dir() else None
    parser.add_argument("--photos", type=Path, default=usual, help="the real photos")
    parser.add_argument("--times", action="store_true", help="renew durations, too")
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    stale = False
    for page in PAGES:
        old = page.read_text(encoding="utf-8")
        new, left_out = measured(old, options.photos, times=options.times)
        for command in left_out:
            print(f"{page.name}: not run, since its photos are not here: {command}")
        if new != old:
            stale = True
            print(f"{page.name}: {'out of date' if options.check else 'renewed'}")
            if not options.check:
                page.write_text(new, encoding="utf-8")
    return int(stale and options.check)


if __name__ == "__main__":
    sys.exit(main())

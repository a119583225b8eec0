"""Runs the commands whose output the pages show, and puts what they print there.

    python docs/make_measurements.py PHOTOS

PHOTOS is a copy of github.com/pierotofy/dataset_banana (its JPEGs). To be run on the machine that
the README names, when nothing else runs there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
PAGES = (HERE.parent / "README.md", HERE / "quickstart.md")
PART = re.compile(r"(<!-- measured: ([^\n]+) -->\n).*?(<!-- end -->)", re.DOTALL)
USUAL_LIBRARY = "~/.local/share/stillpix"


def measured(text: str, photos: Path) -> str:
    """Return the page with its measured parts made anew, in their order."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "dataset_banana").symlink_to(photos.resolve())
        library = Path(folder) / "library"
        environment = {**os.environ, "STILLPIX_LIBRARY": str(library)}

        def made(part: re.Match[str]) -> str:
            command = part[2].split()
            result = subprocess.run(
                [sys.executable, "-m", *command],
                cwd=folder, env=environment, capture_output=True, text=True, check=True,
            )  # fmt: skip
            printed = result.stdout.replace(str(library), USUAL_LIBRARY)
            shown = f"$ {part[2]}\n{printed}"
            return f"{part[1]}\n```\n{shown}```\n\n{part[3]}"

        return PART.sub(made, text)


if __name__ == "__main__":
    for page in PAGES:
        old = page.read_text(encoding="utf-8")
        page.write_text(measured(old, Path(sys.argv[1])), encoding="utf-8")

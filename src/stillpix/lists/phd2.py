"""PHD2's defect map: `x y` per line under a heading, counted in the guide camera's frame.

Never writes a file without its heading, by which PHD2 recognises it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..maps.records import Defect
from .entries import ListedDefect, Target, lines_of, pixel, pixels_of, refuse, require_words, whole

HEADING = "# PHD2 Defect Map v1"


def encode(defects: Sequence[Defect], target: Target) -> bytes:
    """Return the file's content."""
    del target
    lines = [f"{x} {y}" for x, y, _ in pixels_of(defects)]
    head = [HEADING, "# written by stillpix", f"# Defect count: {len(lines)}"]
    return ("\n".join([*head, *lines]) + "\n").encode()


def decode(content: bytes, path: Path, target: Target) -> Iterator[ListedDefect]:
    """Yield the entries."""
    del target
    if not content.removeprefix(b"\xef\xbb\xbf").startswith(HEADING.encode()):
        raise refuse(path, "line 1", f"is not {HEADING!r}", "check --from, or add that line")
    for where, words in lines_of(content, path):
        require_words(words, 2, 2, where, path)
        yield pixel(where, *(whole(word, where, path) for word in words))

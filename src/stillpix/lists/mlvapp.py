"""MLV App's map of bad pixels: x, a tab and y per line, counted in the camera's whole raw buffer.

Never writes a heading or a comment: MLV App reads numbers up to the end, and would not end there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..maps.records import Defect
from .entries import ListedDefect, Target, lines_of, pixel, pixels_of, require_words, whole


def encode(defects: Sequence[Defect], target: Target) -> bytes:
    """Return the file's content."""
    del target
    return "".join(f"{x} \t{y}\n" for x, y, _ in pixels_of(defects)).encode()


def decode(content: bytes, path: Path, target: Target) -> Iterator[ListedDefect]:
    """Yield the entries; what follows x and y on a line is for people."""
    del target
    for where, words in lines_of(content, path):
        require_words(words[:2], 2, 2, where, path)
        yield pixel(where, *(whole(word, where, path) for word in words[:2]))

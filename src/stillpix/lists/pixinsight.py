"""PixInsight's defect list for CosmeticCorrection: `Col x first last`, `Row y first last`.

A single pixel is a stretch of length one. The format follows the lists that PixInsight's script
LinearDefectDetection writes; it was not tried in PixInsight itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..maps.records import Defect, Run
from .entries import (
    ListedDefect,
    Target,
    line,
    lines_of,
    pixel,
    pixels_of,
    refuse,
    require_words,
    whole,
)


def encode(defects: Sequence[Defect], target: Target) -> bytes:
    """Return the file's content."""
    del target
    lines = []
    for defect in defects:
        run = defect.run
        if run is not None and run.along == "row":
            lines.append(f"Row {defect.y} {run.first} {run.last}\n")
        elif run is not None:
            lines.append(f"Col {defect.x} {run.first} {run.last}\n")
    points = pixels_of([defect for defect in defects if defect.run is None])
    lines += [f"Col {x} {y} {y}\n" for x, y, _ in points]
    return "".join(lines).encode()


def decode(content: bytes, path: Path, target: Target) -> Iterator[ListedDefect]:
    """Yield the entries; a line without a range is a whole column or row."""
    for where, (kind, *words) in lines_of(content, path):
        if kind not in ("Col", "Row"):
            raise refuse(path, where, f"begins with {kind[:20]!r}, not with Col or Row")
        require_words(words, 1, 3, where, path)
        at, *ends = (whole(word, where, path) for word in words)
        along = target.area.height if kind == "Col" else target.area.width
        first, last = ends if len(ends) == 2 else (0, along - 1)
        if len(ends) == 1 or first > last:
            raise refuse(path, where, "has no range from a first to a last pixel")
        if kind == "Col" and first == last:
            yield pixel(where, at, first)
        else:
            yield line(where, Run("column" if kind == "Col" else "row", first, last), at)

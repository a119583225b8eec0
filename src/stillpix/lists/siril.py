"""Siril's `.lst` for `cosme` and `cosme_cfa`: `P x y`, `L y` for a row, `C x` for a column.

There are two variants, because Siril counts y from the last row in a FITS file, and from the first
row in a RAW file. Never writes an empty line: Siril stops there.
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

HOT = "H"  # the mean of the neighbours; C is their median
METHODS = frozenset({"H", "C"})


def encode(defects: Sequence[Defect], target: Target) -> bytes:
    """Return the list for photos that Siril opens through LibRaw."""
    return _encode_lines(defects, target, from_last_row=False)


def encode_fits(defects: Sequence[Defect], target: Target) -> bytes:
    """Return the list for FITS files."""
    return _encode_lines(defects, target, from_last_row=True)


def decode(content: bytes, path: Path, target: Target) -> Iterator[ListedDefect]:
    """Yield the entries of a list for photos that Siril opens through LibRaw."""
    return _decode_lines(content, path, target, from_last_row=False)


def decode_fits(content: bytes, path: Path, target: Target) -> Iterator[ListedDefect]:
    """Yield the entries of a list for FITS files."""
    return _decode_lines(content, path, target, from_last_row=True)


def _encode_lines(defects: Sequence[Defect], target: Target, *, from_last_row: bool) -> bytes:
    height = target.area.height
    texts = ["# written by stillpix"]
    for defect in defects:
        y = height - 1 - defect.y if from_last_row else defect.y
        if defect.run is None:
            continue
        texts.append(f"L {y} 0 {HOT}" if defect.run.along == "row" else f"C {defect.x} 0 {HOT}")
    for x, row, _ in pixels_of([defect for defect in defects if defect.run is None]):
        texts.append(f"P {x} {height - 1 - row if from_last_row else row} {HOT}")
    return ("\n".join(texts) + "\n").encode()


def _decode_lines(
    content: bytes, path: Path, target: Target, *, from_last_row: bool
) -> Iterator[ListedDefect]:
    area = target.area
    for where, (kind, *words) in lines_of(content, path):
        if words and words[-1] in METHODS:
            words.pop()
        if kind == "P":
            require_words(words, 2, 2, where, path)
            x, y = (whole(word, where, path) for word in words)
            yield pixel(where, x, area.height - 1 - y if from_last_row else y)
        elif kind in ("L", "C"):
            require_words(words, 1, 2, where, path)  # a second number has no meaning there
            at = whole(words[0], where, path)
            if kind == "C":
                yield line(where, Run("column", 0, area.height - 1), at)
            else:
                y = area.height - 1 - at if from_last_row else at
                yield line(where, Run("row", 0, area.width - 1), y)
        else:
            raise refuse(path, where, f"begins with {kind[:20]!r}, not with P, L or C")

"""Teledyne DALSA's XML: `<DefectivePixel OffsetX= OffsetY=/>`, sorted by rows.

Read without a tree, and never with a document type: that is where XML bombs are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.parsers import expat

from ..maps.records import Defect
from .entries import MOST_TEXT_BYTES, ListedDefect, Target, pixel, pixels_of, refuse, whole

ELEMENT = "DefectivePixel"


def encode(defects: Sequence[Defect], target: Target) -> bytes:
    """Return the file's content; by row, then by column, as the cameras ask for."""
    del target
    places = sorted((y, x) for x, y, _ in pixels_of(defects))
    lines = [f'<{ELEMENT} OffsetX="{x}" OffsetY="{y}"/>' for y, x in places]
    head = ['<?xml version="1.0" encoding="UTF-8" ?>', "<!-- written by stillpix -->"]
    return ("\n".join([*head, "<Coordinates>", *lines, "</Coordinates>"]) + "\n").encode()


def decode(content: bytes, path: Path, target: Target) -> Iterator[ListedDefect]:
    """Yield the entries; other elements are passed over."""
    del target
    if len(content) > MOST_TEXT_BYTES:
        raise refuse(path, "", f"is longer than {MOST_TEXT_BYTES >> 20} MB", "check --from")
    found: list[ListedDefect] = []
    parser = expat.ParserCreate()

    def where() -> str:
        return f"line {parser.CurrentLineNumber}"

    def begin(name: str, attributes: dict[str, str]) -> None:
        if name != ELEMENT:
            return
        for key in ("OffsetX", "OffsetY"):
            if key not in attributes:
                raise refuse(path, where(), f"has a {ELEMENT} without {key}")
        x, y = (whole(attributes[key], where(), path) for key in ("OffsetX", "OffsetY"))
        found.append(pixel(where(), x, y))

    def refuse_document_type(*_: object) -> None:
        raise refuse(path, where(), "declares a document type, which no list needs",
                     "delete that line if you trust the file")  # fmt: skip

    parser.StartElementHandler = begin
    parser.StartDoctypeDeclHandler = refuse_document_type
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # LookupError: its encoding
        said = expat.ErrorString(error.code) if isinstance(error, expat.ExpatError) else str(error)
        raise refuse(path, where(), f"is not XML ({said})", "copy it again") from error
    yield from found

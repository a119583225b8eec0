"""The arguments and options that several commands take.

Never acts on them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import typer

Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH...",
        help="Photos, folders (with their subfolders), patterns in quotes, URLs such as "
        "s3://bucket/photos, or - to read a list from standard input.",
        show_default=False,
    ),
]


def map_argument(words: str) -> Any:
    """Return the argument that names a map, explained by some words."""
    return typer.Argument(metavar="MAP", help=words, show_default=False)


OnlyMap = Annotated[
    str | None,
    map_argument(
        "A map file, or part of a camera's name. Without it, use the only map in your library."
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Number of threads that read photos: 1 or more. The default is as "
        "many as the machine allows.",
    ),
]
Pattern = Annotated[
    Literal["RGGB", "BGGR", "GRBG", "GBRG", "mono"] | None,
    typer.Option(
        metavar="RGGB|BGGR|GRBG|GBRG|mono",
        help="The sensor's colour pattern, beginning at the first stored pixel, for FITS and grey "
        "TIFF files that do not name it. Without this flag, stillpix looks for a pattern in a few "
        "photos.",
    ),
]


def as_name(name: str | None) -> str | None:
    """Return the camera's name as a person means it; refuse one that names nothing."""
    from ..frame import UNKNOWN

    words = None if name is None else " ".join(name.split())
    if words is not None and words.casefold() in {"", UNKNOWN}:
        raise typer.BadParameter("give the camera a name, such as Attic")
    return words


Camera = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        callback=as_name,
        help="The name of the camera in photos that do not name it, and of the lens in photos of a "
        "phone that do not say which one took them. Without this flag, photos without a camera's "
        "name in one PATH count as one camera's.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def listed(paths: list[str]) -> Iterator[str]:
    """Yield the paths, and instead of - those that standard input lists, one per line."""
    for path in paths:
        if path != "-":
            yield path
        elif sys.stdin is not None:
            # As bytes: a name need not be of the terminal's encoding.
            lines = sys.stdin.buffer.read().split(b"\n")
            yield from (os.fsdecode(name) for line in lines if (name := line.rstrip(b"\r")))

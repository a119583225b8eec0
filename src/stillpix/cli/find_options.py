"""The options of `stillpix find`, which other commands that read photos have, too.

Reads no file: it says what the options are, and what was meant by them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .output import printable

if TYPE_CHECKING:
    from ..images.headless import Shape

PERCENT = "%"
SHAPE = re.compile(r"(\d{1,5})x(\d{1,5})")

Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE|DIR",
        help="Write the map to this .json file, or one map per camera into this folder. Without "
        "it, maps go to your library, and the next find reads only new photos.",
    ),
]
Fdr = Annotated[
    str,
    typer.Option(
        metavar="SHARE",
        help="Share of false finds that you accept in the list: between 0 and 1, or in percent.",
    ),
]
Method = Annotated[
    Literal["scores", "variance"],
    typer.Option(
        metavar="scores|variance",
        help="scores finds every kind of broken pixel, and says how certain each is. variance "
        "only prints the values that vary least, as an article of 2011 did.",
    ),
]
Least = Annotated[
    int,
    typer.Option(
        min=1, metavar="N", help="With --method variance, print this many values: 1 or more."
    ),
]
Fast = Annotated[
    bool,
    typer.Option(
        "--fast",
        help="Read each photo only once. This is quicker, but does not tell when new defects "
        "began.",
    ),
]
Enough = Annotated[
    bool,
    typer.Option(
        "--enough",
        help="Stop reading when more photos would change nothing that matters, and say why. The "
        "map is that of the photos that were read.",
    ),
]
Dark = Annotated[
    bool,
    typer.Option(
        "--dark",
        help="The RAW or FITS files are dark frames, taken with the lens covered. Two are enough.",
    ),
]
ShapeText = Annotated[
    str | None,
    typer.Option(
        "--shape",
        metavar="WxH",
        help="The size in pixels of .raw files without a header, such as 1920x1080: values of 16 "
        "bits, the low byte first.",
    ),
]


def share_of(text: str) -> float:
    """Return a share that is given as one, or in percent.

    >>> share_of("1%"), share_of(" 0.5 %"), share_of("0.05")
    (0.01, 0.005, 0.05)
    """
    number, percent, rest = text.strip().partition(PERCENT)
    try:
        share = float(number.replace(",", ".")) / (100 if percent else 1)
    except ValueError:
        share = 0.0
    if rest or not 0 < share < 1:
        reason = f"must lie between 0 and 1, such as 0.01 or 1%, and is '{printable(text)}'"
        raise typer.BadParameter(reason, param_hint="--fdr")
    return share


def shape_of(text: str | None) -> Shape | None:
    """Return the size of files without a header, as a person wrote it."""
    from ..images import headless

    if text is None:
        return None
    found = SHAPE.fullmatch(text.lower())
    if found is None:
        reason = f"'{printable(text)}' is no size; give width and height such as 1920x1080"
        raise typer.BadParameter(reason, param_hint="--shape")
    return headless.Shape(int(found[1]), int(found[2]))

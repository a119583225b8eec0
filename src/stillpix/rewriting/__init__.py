"""Puts changed samples back into a file's own bytes, and leaves all else as it was.

Never judges what is broken, and never writes a file.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import cast

from stillpix.images import Header, explained, format_named, reader_required
from stillpix.rewriting.patch import Patch

__all__ = ["Patch", "rewrite"]


def rewrite(header: Header, content: bytes, patches: Sequence[Patch]) -> bytes:
    """Return the file of a PNG, TIFF or FITS with some pixels replaced and all else as it was.

    Raises ReadError where the file cannot be written back without loss. JPEGs are changed by
    their coefficients (see stillpix.rewriting.jpeg): a ValueError here.

    >>> from io import BytesIO
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from stillpix.frame import UNKNOWN, Exposure, Sensor
    >>> from stillpix.images import decode_colour
    >>> file = BytesIO()
    >>> Image.new("L", (64, 48)).save(file, "PNG")
    >>> sensor = Sensor(UNKNOWN, UNKNOWN, UNKNOWN, 64, 48)
    >>> header = Header(Path("a.png"), "png", sensor, Exposure(), None, 1, 255)
    >>> import numpy as np
    >>> dot = Patch(3, 2, np.array([[200]], np.uint8), np.array([[True]]))
    >>> int(decode_colour(header, rewrite(header, file.getvalue(), [dot]))[2, 3])
    200
    """
    form = format_named(header.format)
    if form.rewriting is None:
        raise ValueError(f"single pixels of a {form.name} file cannot be replaced")
    with explained(header.path), reader_required(form, header.path):
        module = importlib.import_module(form.rewriting)
        place = () if header.part is None else (header.part.place,)
        return cast("bytes", module.rewritten(content, header.path, patches, *place))

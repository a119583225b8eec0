"""A toy photo format that can be read and not repaired: what a new row of images.FORMATS needs.

A file is the eight bytes of its signature, and then an npy array of grey levels.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np

from stillpix.images import Format
from stillpix.images.exif import Exif
from stillpix.images.outline import Outline

SIGNATURE = b"TOYPHOTO"
REASON = "is a toy photo, which is never written; export it as a PNG and repair that"
ROW = Format(
    name="toy", suffixes=frozenset({".toy"}), signatures=(SIGNATURE,), module="support.toy_photos",
    why_unrepaired=REASON,
)  # fmt: skip


def written(pixels):
    """Return the file of some grey levels."""
    file = BytesIO()
    np.save(file, pixels)
    return SIGNATURE + file.getvalue()


def read_outline(file, path):
    height, width = decode(file.read(), path, None).shape
    return Outline(width, height, 255, Exif(make="Toy Works", model="Toy One", exposure_s=0.02))


def decode(content, path, buffer):
    return np.load(BytesIO(content[len(SIGNATURE) :]))


decode_colour = decode


def require_decodable(content, path):
    decode(content, path, None)

"""The quantised coefficients of a JPEG, read and written back with some blocks changed.

All else in the file stays byte for byte: marker segments, fill bytes, restart intervals, and
whatever follows the picture. Never decodes to colours, and never opens or writes a file.
"""

from __future__ import annotations

from .decoding import read_coefficients
from .picture import Component, JpegImage
from .rewriting import Rewritten, rewritten
from .transform import basis_of_waves, samples_of, waves

__all__ = [
    "Component",
    "JpegImage",
    "Rewritten",
    "basis_of_waves",
    "read_coefficients",
    "rewritten",
    "samples_of",
    "waves",
]

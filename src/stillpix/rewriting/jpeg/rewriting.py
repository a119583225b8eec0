"""Writes a JPEG back with some blocks changed and all else as it was.

Never changes a block that was not named, and never alters or drops a marker segment: a
progressive file may gain Huffman tables, nothing else.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import progressive_writing, sequential_writing
from .changes import Changes, Key, Piece, changes_of, keys_of, unlike
from .picture import JpegImage


@dataclass(frozen=True, slots=True, eq=False)
class Rewritten:
    """A file written back."""

    content: bytes
    substituted: frozenset[Key]  # blocks that could not be coded and became the nearest that can
    new_tables: bool  # whether Huffman tables were added


def rewritten(
    image: JpegImage, content: bytes, path: Path, changes: Mapping[Key, NDArray[np.int16]]
) -> Rewritten:
    """Return a JPEG with some blocks changed, every other bit that can stay being copied.

    content is what `image` was read from. changes holds, by component, block row and block column,
    the 64 new quantised coefficients in natural order, of int16; padding blocks cannot be changed.
    Without a change that is one, content itself is returned.

    A value without a code becomes the nearest that has one: in sequential files, which keep their
    tables, what the table lacks; in all, what 8-bit pictures cannot hold.

    Raises ValueError for a block that is not there, or for another file's content.
    """
    if zlib.crc32(content) != image._check:
        raise ValueError(f"{path}: these are not the bytes that the coefficients were read from")
    if not changes:
        return Rewritten(content, frozenset(), new_tables=False)
    wanted = unlike(image, changes_of(image, changes))
    coded = wanted.values.copy()
    writing = progressive_writing if image.progressive else sequential_writing
    for scan in image._scans:
        writing.make_codable(image, scan, wanted, coded)
    final = unlike(image, Changes(wanted.indices, wanted.components, coded))
    final.values.flags.writeable = False  # as the picture's own blocks: the kernels mix them
    pieces = writing.pieces_of(image, content, final)
    other = wanted.only((coded != wanted.values).any(axis=1))
    added = any(first == last for first, last, _ in pieces)
    return Rewritten(_join_pieces(content, pieces), frozenset(keys_of(image, other)), added)


def _join_pieces(content: bytes, pieces: Iterable[Piece]) -> bytes:
    """Return the content with the pieces in it, which do not overlap."""
    whole: list[bytes] = []
    at = 0
    for first, last, piece in sorted(pieces):
        whole += [content[at:first], piece]
        at = last
    return b"".join([*whole, content[at:]]) if whole else content

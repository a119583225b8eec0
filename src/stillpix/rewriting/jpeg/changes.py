"""The blocks that are to change, as arrays.

Never looks at how a file codes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .order import Indices
from .picture import JpegImage

Key: TypeAlias = tuple[int, int, int]  # component, row and column of a block
Piece: TypeAlias = tuple[int, int, bytes]  # from, to: offsets in the file; what stands there now


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """The blocks to change, sorted by their index among all blocks."""

    indices: Indices  # (n,)
    components: Indices  # (n,)
    values: NDArray[np.int16]  # (n, 64)

    def of(self, component: int) -> NDArray[np.bool_]:
        """Return which of them belong to a component."""
        theirs: NDArray[np.bool_] = self.components == component
        return theirs

    def only(self, kept: NDArray[np.bool_]) -> Changes:
        """Return some of them."""
        return Changes(self.indices[kept], self.components[kept], self.values[kept])


def changes_of(image: JpegImage, changes: Mapping[Key, NDArray[np.int16]]) -> Changes:
    """Return the changes, one at least, as arrays.

    Raises ValueError for blocks that are not in the picture, TypeError for others than integers
    that int16 holds.
    """
    keys = np.array(sorted(changes), np.int64).reshape(-1, 3)
    blocks = [changes[component, row, column] for component, row, column in keys.tolist()]
    values = np.stack(blocks, dtype=np.int16, casting="safe").reshape(-1, 64)
    limits = np.array([[c.coded_rows, c.coded_columns] for c in image.components])
    known = (keys >= 0).all(axis=1) & (keys[:, 0] < len(limits))
    known[known] = (keys[known, 1:] < limits[keys[known, 0]]).all(axis=1)
    if not known.all():
        raise ValueError(f"there is no block {tuple(keys[~known][0].tolist())} in this picture")
    firsts, columns = _layout(image)
    indices = firsts[keys[:, 0]] + keys[:, 1] * columns[keys[:, 0]] + keys[:, 2]
    return Changes(indices, keys[:, 0], values)


def _layout(image: JpegImage) -> tuple[Indices, Indices]:
    """Return the index of each component's first block among all, and its blocks in a row."""
    sizes = [c.blocks.shape[0] * c.blocks.shape[1] for c in image.components]
    columns = np.array([c.blocks.shape[1] for c in image.components], np.int64)
    return np.cumsum([0, *sizes[:-1]], dtype=np.int64), columns


def keys_of(image: JpegImage, changes: Changes) -> Iterable[Key]:
    """Return component, row and column of each block to change."""
    firsts, columns = _layout(image)
    inside = changes.indices - firsts[changes.components]
    rows, across = np.divmod(inside, columns[changes.components])
    return zip(changes.components.tolist(), rows.tolist(), across.tolist(), strict=True)


def unlike(image: JpegImage, changes: Changes) -> Changes:
    """Return the changes that differ from what the file has."""
    return changes.only((changes.values != image._all_blocks[changes.indices]).any(axis=1))

"""Coefficients to samples and back, by the exact discrete cosine transform.

Knows nothing of files. Never rounds and never clamps: what a viewer shows differs by at most its
own rounding, up to 1 DN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .picture import BLOCK, Component

MIDDLE = 128.0  # DN that 8-bit samples are lowered by before their transform


def samples_of(
    component: Component, first_row: int, last_row: int, first_column: int, last_column: int
) -> NDArray[np.float64]:
    """Return the samples of a window of blocks, ((rows) * 8, (columns) * 8), in DN.

    Rows and columns are of blocks; the last ones are not included. The samples are those of
    ITU-T T.81, A.3.3, before they are rounded and clamped to 0..255.

    >>> blocks = np.zeros((1, 1, 64), np.int16)
    >>> blocks[0, 0, 0] = -8
    >>> plane = Component(1, 1, 8, 8, np.full(64, 2, np.uint16), blocks)
    >>> float(samples_of(plane, 0, 1, 0, 1)[3, 5])
    126.0
    """
    blocks = component.blocks[first_row:last_row, first_column:last_column]
    rows, columns = blocks.shape[:2]
    scaled = (blocks * component.steps.astype(np.float64)).reshape(rows, columns, BLOCK, BLOCK)
    basis = basis_of_waves()
    samples = basis.T @ scaled @ basis + MIDDLE
    return samples.transpose(0, 2, 1, 3).reshape(rows * BLOCK, columns * BLOCK)


def waves() -> NDArray[np.float64]:
    """Return the samples of each wave that a coefficient stands for, (64 waves, 64 samples).

    They are of amplitude 1 and orthonormal; waves and samples both row by row, as in a block.

    >>> every = waves()
    >>> bool(np.allclose(every @ every.T, np.eye(64))), round(float(every[0, 0]), 3)
    (True, 0.125)
    """
    basis = basis_of_waves()
    return np.asarray(np.einsum("vy,ux->vuyx", basis, basis).reshape(BLOCK**2, BLOCK**2))


def basis_of_waves() -> NDArray[np.float64]:
    """Return the orthonormal DCT-II, (8 frequencies, 8 samples)."""
    frequencies, places = np.mgrid[0:BLOCK, 0:BLOCK]
    basis: NDArray[np.float64] = np.cos((2 * places + 1) * frequencies * np.pi / (2 * BLOCK)) / 2
    basis[0] /= np.sqrt(2)
    return basis

"""Samples of any type as DN: signed and wide whole numbers, floats, and places without a value.

Decides by the one picture at hand, so that a photo reads the same whatever was read before it.
Never cuts noise off at zero: where values are negative, or finer than whole numbers, the DN are
floats.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stillpix.errors import ReadError
from stillpix.frame import Pixels

WHITE = 65535
FULL_FLOAT = 1.0  # floats that count light as a share of white hardly go beyond it
NEARLY_ALL = 99.0  # per cent of the values: hot pixels and glints may go beyond
SAMPLED = 1_000_000  # values from which that is told
# Old programs stored whole numbers up to 65535 as if they were signed. What is signed by right are
# differences of frames, and noise does not reach so far below zero.
WRAPPED = -(1 << 14)
PERIOD = 2  # px at which a Bayer mosaic's colours come again; in all else neighbours, too
NO_VALUES = "holds no values at all, only NaN; leave it out"


class Scaling(NamedTuple):
    """How a picture's samples become DN, and DN its samples."""

    factor: float = 1.0  # DN of one unit of what is stored
    wrapped: bool = False  # 16 bits that are signed only by name

    def stored(self, dn: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
        """Return DN as samples of a type.

        >>> Scaling(0.5).stored(np.array([35000.0]), np.int32).tolist()
        [70000]
        """
        kind = np.dtype(dtype).newbyteorder("=")
        if self.wrapped:
            return np.asarray(np.rint(dn).astype(np.uint16).view(kind))
        values = dn / self.factor
        if kind.kind == "f":
            return np.asarray(values, kind)
        limits = np.iinfo(kind)
        return np.asarray(np.clip(np.rint(values), limits.min, limits.max), kind)


def scaling_of(values: NDArray[Any], path: Path) -> Scaling:
    """Return how a picture's samples become DN; raise ReadError where it has none.

    >>> scaling_of(np.array([[5, 70000]], np.int32), Path("a.fits")).factor
    0.5
    """
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        return Scaling()
    if values.dtype.kind == "i" and values.dtype.itemsize == 2 and int(values.min()) < WRAPPED:
        return Scaling(wrapped=True)
    factor = 1.0
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
        if not values.size:
            raise ReadError(path, NO_VALUES)
        factor = float(WHITE) if _are_shares(values) else 1.0
    most = factor * max(float(values.max()), -float(values.min()))
    return Scaling(factor / 2.0 ** math.ceil(math.log2(most / WHITE)) if most > WHITE else factor)


def mosaic_of(values: NDArray[Any], path: Path) -> Pixels:
    """Return a sensor's values as DN up to 65535; raise ReadError where there are none.

    Unsigned values of 8 and 16 bits are returned as they are. Floats of at most 1 are shares of
    white. What goes beyond 16 bits, as sums of frames do, is divided by a power of two. Places
    without a value take what lies between their neighbours: there a photo says nothing unusual.

    >>> mosaic_of(np.array([[-3, 5]], np.int16), Path("a.fits")).tolist()
    [[-3.0, 5.0]]
    >>> mosaic_of(np.array([[5, 70000]], np.int32), Path("a.fits")).tolist()
    [[2.5, 35000.0]]
    >>> mosaic_of(np.array([[0.25, 1.0]]), Path("a.fits")).tolist()
    [[16383.75, 65535.0]]
    """
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        return np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    if values.dtype.kind == "f":
        values = values.astype(np.promote_types(values.dtype, np.float32), copy=False)
    scaling = scaling_of(values, path)
    if scaling.wrapped:
        return values.astype(np.uint16)
    if values.dtype.kind == "f":
        values = filled(values, path)
    if scaling.factor != 1.0:
        values = values * scaling.factor
    most, least = float(values.max()), float(values.min())
    whole = least >= 0 and most <= WHITE and bool((np.rint(values) == values).all())
    return values.astype(np.uint16) if whole else np.ascontiguousarray(values, np.float32)


def picture_of(values: NDArray[Any], path: Path) -> NDArray[Any]:
    """Return a rendered picture's samples, of any shape, as unsigned numbers of 8 or 16 bits.

    >>> picture_of(np.array([[[0.0, 0.5, 1.0]]], np.float32), Path("a.tif")).tolist()
    [[[0, 32768, 65535]]]
    """
    flat = values.reshape(values.shape[0], -1)
    found = mosaic_of(flat, path).reshape(values.shape)
    if found.dtype.kind == "u":
        return found
    return np.clip(np.rint(found), 0, WHITE).astype(np.uint16)


def _are_shares(values: NDArray[Any]) -> bool:
    step = max(1, values.size // SAMPLED)
    return float(np.percentile(values.ravel()[::step], NEARLY_ALL)) <= FULL_FLOAT


def filled(values: NDArray[Any], path: Path) -> NDArray[Any]:
    """Return the values with what is not finite taken from between its neighbours in its row."""
    finite = np.isfinite(values)
    if finite.all():
        return values
    if not finite.any():
        raise ReadError(path, NO_VALUES)
    result = values.copy()
    for top in range(PERIOD):
        for left in range(PERIOD):
            part = np.s_[top::PERIOD, left::PERIOD]
            _fill(result[part], finite[part], float(values[finite].mean()))
    return result


def _fill(values: NDArray[Any], finite: NDArray[np.bool_], otherwise: float) -> None:
    columns = np.arange(values.shape[1])
    some = finite.any(1)
    for row in np.flatnonzero(some & ~finite.all(1)):
        known = finite[row]
        values[row, ~known] = np.interp(columns[~known], columns[known], values[row, known])
    if not some.any():
        values[:] = otherwise
        return
    rows = np.flatnonzero(some)
    for row in np.flatnonzero(~some):
        values[row] = values[rows[np.abs(rows - row).argmin()]]

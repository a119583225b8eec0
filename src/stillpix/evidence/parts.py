"""Arrays that are handed on part by part, since whole they would be in memory twice.

Knows nothing of what is in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Parts:
    """An array as parts that follow each other in C order; they can be asked for once."""

    shape: tuple[int, ...]
    kind: np.dtype[Any]
    each: Iterable[NDArray[Any]]

    @classmethod
    def of(cls, array: NDArray[Any]) -> Self:
        """Return an array as one part."""
        return cls(array.shape, array.dtype, (array,))

    def whole(self) -> NDArray[Any]:
        """Return the array.

        >>> Parts((2, 2), np.dtype(np.int16), map(np.array, ([1, 2], [3, 4]))).whole().tolist()
        [[1, 2], [3, 4]]
        """
        flat = [np.zeros(0, self.kind), *(part.reshape(-1) for part in self.each)]
        return np.concatenate(flat, dtype=self.kind).reshape(self.shape)

    def save(self, path: Path) -> None:
        """Write the file that `numpy.save` would write."""
        facts = {
            "descr": npy.dtype_to_descr(self.kind), "fortran_order": False, "shape": self.shape
        }  # fmt: skip
        with path.open("wb") as file:
            npy.write_array_header_1_0(file, facts)
            for part in self.each:
                file.write(np.ascontiguousarray(part).data)

    def blocks(self, size: int) -> Iterator[NDArray[Any]]:
        """Yield the array flat, `size` values at a time.

        >>> parts = Parts((2, 3), np.dtype(np.int16), map(np.array, ([1, 2, 3], [4, 5, 6])))
        >>> [block.tolist() for block in parts.blocks(4)]
        [[1, 2, 3, 4], [5, 6]]
        """
        rest = np.zeros(0, self.kind)
        for part in self.each:
            flat = np.ascontiguousarray(part).reshape(-1)
            if rest.size:
                taken = size - rest.size
                rest, flat = np.concatenate([rest, flat[:taken]]), flat[taken:]
                if rest.size < size:
                    continue
                yield rest
            whole = flat.size // size * size
            for start in range(0, whole, size):
                yield flat[start : start + size]
            rest = flat[whole:]
        if rest.size:
            yield rest

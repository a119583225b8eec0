"""Arrays in files without a name, so that large sums need not be in memory all at once.

What was done with leaves memory, and comes back when it is asked for. Never keeps a file: the
system deletes it with the array, or with the program.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import DTypeLike, NDArray

LARGE = 6_000_000  # pixels: of sensors with as many, sums that few photos are added to lie in files
MOST = 160  # arrays that have files: some systems let a program open 256 at once


class Room:
    """Room for arrays in a folder; raises OSError where there is none, or gives memory instead.

    It gives memory `or_memory`, also where MOST arrays have files.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     room = Room(Path(folder))
    ...     array = room.zeros((2, 3), np.int16)
    ...     array += 7
    ...     room.leave(array)
    ...     array.tolist()
    [[7, 7, 7], [7, 7, 7]]
    """

    def __init__(self, folder: Path, *, or_memory: bool = False) -> None:
        self.folder, self.or_memory = folder, or_memory
        # By the address of their array, each for as long as there is that.
        self._maps: WeakValueDictionary[int, mmap.mmap] = WeakValueDictionary()

    def zeros(self, shape: tuple[int, ...], kind: DTypeLike) -> NDArray[Any]:
        """Return an array of zeros."""
        if self.or_memory and len(self._maps) >= MOST:
            return np.zeros(shape, kind)
        try:
            mapped = self._mapped(max(int(np.prod(shape)) * np.dtype(kind).itemsize, 1))
        except OSError:
            if self.or_memory:
                return np.zeros(shape, kind)
            raise
        array: NDArray[Any] = np.ndarray(shape, kind, mapped)
        self._maps[array.ctypes.data] = mapped
        return array

    def _mapped(self, size: int) -> mmap.mmap:
        """Return so many bytes of zeros in a file without a name."""
        with tempfile.TemporaryFile(dir=self.folder, prefix=".stillpix-") as file:
            if hasattr(os, "posix_fallocate"):  # a full disk is told now, not when it is written to
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
            return mmap.mmap(file.fileno(), size)

    def leave(self, array: NDArray[Any]) -> None:
        """Let an array's pages leave memory, where the system can; another array stays as it is."""
        mapped = self._maps.get(array.ctypes.data)
        if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)

    def forget(self, array: NDArray[Any]) -> None:
        """Give an array's room back with the array itself; another array stays as it is."""
        self.leave(array)
        self._maps.pop(array.ctypes.data, None)

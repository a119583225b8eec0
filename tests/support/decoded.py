"""Photos written into a folder and read back, and the luma that their colours should give."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stillpix.frame import Frame
from stillpix.images import read_frame, read_header

ROUNDED = 0.501  # DN: half a level, and what weights of 16 bits lack


def saved(folder: Path, content: bytes, name: str = "photo.jpg") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def frame_of(folder: Path, content: bytes, name: str = "photo.jpg") -> Frame:
    return read_frame(read_header(saved(folder, content, name)))


def luma_by_hand(colours: np.ndarray) -> np.ndarray:
    red, green, blue = (colours[..., each].astype(np.float64) for each in range(3))
    return 0.299 * red + 0.587 * green + 0.114 * blue


def assert_luma(frame: Frame, expected: np.ndarray, *, within: float = 0) -> None:
    assert frame.pixels.shape == expected.shape
    assert frame.pixels.flags.c_contiguous
    assert np.abs(frame.pixels.astype(np.float64) - expected).max() <= within

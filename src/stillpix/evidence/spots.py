"""The brightest spots of single photos, by which a place that moves with the focal length is told.

Kept of a few photos only, those whose digests come first: any order of the photos, and any split of
them, ends in the same ones. Never decides anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import StateFormatError
from ..frame import Frame
from .by_layout import rules_of
from .measures import RESIDUAL
from .rules import native
from .spot_kernels import count_rises, list_bright

SPOTS_NAME = "spots.npz"  # in the folder of a body's evidence
MOST_PHOTOS = 64  # of a lens, of which spots are kept
MOST_SPOTS = 64  # of a photo
MOST_LISTED, MOST_MEASURED = 4096, 2000  # pixels of a photo: listed, and of those looked at
LEAST_RISE = 6  # grey levels of 0..255
SAMPLED = 64  # rows, that tell how high to look
AIMED = 2000  # pixels to list
LEAST_SIGMAS = 3.0
BORDER = 8  # px along the edges where there are none
APART = 2  # px: the response of a defect

Spots = NDArray[np.float32]  # (spots, 3): x, y, sigmas

_DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, IndexError)


def spots_of(frame: Frame) -> Spots:
    """Return the loudest single bright spots of a photo, (spots, 3): x, y in px, and sigmas.

    >>> from stillpix.frame import Exposure, Sensor
    >>> pixels = np.full((40, 40), 50, np.uint8)
    >>> pixels[19, 22] = 150
    >>> sensor = Sensor("a", "b", "c", 40, 40)
    >>> spots_of(Frame(pixels, sensor, Exposure(), "a.jpg", "5"))[:, :2].tolist()
    [[22.0, 19.0]]
    """
    pixels = native(frame)
    counts = np.zeros(256, np.int64)
    every = max(1, frame.sensor.height // SAMPLED)
    count_rises(pixels, BORDER, every, frame.white, counts)
    above = np.cumsum(counts[::-1])[::-1] * every
    rise = max(int((above > AIMED).sum()), LEAST_RISE)
    found = np.zeros((MOST_LISTED, 3), np.int32)
    number = list_bright(pixels, rise * frame.white // 255, BORDER, found)
    listed = found[: min(number, MOST_LISTED)].astype(np.intp)
    if not len(listed):
        return np.zeros((0, 3), np.float32)
    at = listed[np.lexsort((*listed.T[:2], -listed[:, 2]))[:MOST_MEASURED], :2]
    sigmas = rules_of(frame.sensor.layout).measure(frame, at)[:, RESIDUAL]
    order = np.lexsort((at[:, 0], at[:, 1], -sigmas))
    kept = _loudest_apart(at[order], sigmas[order])
    return np.array([(*_centre(pixels, x, y), sigma) for x, y, sigma in kept], np.float32).reshape(
        -1, 3
    )


def _loudest_apart(
    at: NDArray[np.intp], sigmas: NDArray[np.float32]
) -> list[tuple[int, int, float]]:
    """Return the first places that are not beside one before them."""
    taken: set[tuple[int, int]] = set()
    kept: list[tuple[int, int, float]] = []
    steps = range(-APART, APART + 1)
    for (x, y), sigma in zip(at.tolist(), sigmas.tolist(), strict=True):
        if not sigma >= LEAST_SIGMAS or len(kept) >= MOST_SPOTS:
            break
        if (x, y) not in taken:
            kept.append((x, y, sigma))
        taken.update((x + dx, y + dy) for dx in steps for dy in steps)
    return kept


def _centre(pixels: NDArray[Any], x: int, y: int) -> tuple[float, float]:
    """Return where a spot is brightest between pixels, by parabolas."""
    near = pixels[y - 2 : y + 3, x - 2 : x + 3].astype(np.float64)
    level = 4 * near[1:-1, 1:-1] + near[:-2, 1:-1] + near[2:, 1:-1] + near[1:-1, :-2]
    level = level + near[1:-1, 2:]
    across, down = level[1], level[:, 1]
    return x + _top_of(*across.tolist()), y + _top_of(*down.tolist())


def _top_of(before: float, here: float, after: float) -> float:
    """Return where a parabola through three values is highest, from the middle one.

    >>> _top_of(0.0, 4.0, 2.0)
    0.16666666666666666
    """
    curve = before - 2 * here + after
    return 0.0 if curve >= 0 else min(max((before - after) / (2 * curve), -0.5), 0.5)


@dataclass(slots=True, eq=False)
class Spotted:
    """The spots of some photos by digest, with lens and focal length.

    >>> some = Spotted()
    >>> some.note("5", "24-70mm", 35.0, np.zeros((1, 3), np.float32))
    >>> some.of_lens("24-70mm")[0][0], some.lenses()
    (35.0, ['24-70mm'])
    """

    photos: dict[str, tuple[str, float, Spots]] = field(default_factory=dict)

    def wants(self, digest: str, lens: str) -> bool:
        """Return whether a photo's spots would be kept; threads may ask while one is noted."""
        now = tuple(self.photos.items())  # at once: a dict that grows cannot be gone through
        digests = [each for each, (own, _, _) in now if own == lens]
        return len(digests) < MOST_PHOTOS or digest < max(digests)

    def note(self, digest: str, lens: str, focal_mm: float, spots: Spots) -> None:
        """Keep a photo's spots; of more than MOST_PHOTOS of a lens, those of the last digest go."""
        self.photos[digest] = (lens, focal_mm, spots)
        digests = sorted(each for each, (own, _, _) in self.photos.items() if own == lens)
        for late in digests[MOST_PHOTOS:]:
            del self.photos[late]

    def lenses(self) -> list[str]:
        """Return the lenses, that with most photos first."""
        of_lens: dict[str, int] = {}
        for lens, _, _ in self.photos.values():
            of_lens[lens] = of_lens.get(lens, 0) + 1
        return sorted(of_lens, key=lambda lens: (-of_lens[lens], lens))

    def of_lens(self, lens: str) -> list[tuple[float, Spots]]:
        """Return focal length and spots of a lens's photos, in the order of their digests."""
        mine = [digest for digest, (own, _, _) in self.photos.items() if own == lens]
        return [self.photos[digest][1:] for digest in sorted(mine)]

    def save(self, path: Path) -> None:
        """Write them into a file; `load` reads it."""
        photos = [
            [digest, lens, focal_mm, len(spots)]
            for digest, (lens, focal_mm, spots) in sorted(self.photos.items())
        ]
        listed = [spots for _, (_, _, spots) in sorted(self.photos.items())]
        state = np.frombuffer(json.dumps(photos).encode(), np.uint8)
        np.savez(path, photos=state, spots=np.concatenate([np.zeros((0, 3), np.float32), *listed]))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; nothing where there is no file. Raises StateFormatError."""
        found = cls()
        if not path.exists():
            return found
        try:
            with np.load(path) as arrays:
                photos = json.loads(arrays["photos"].tobytes())
                found._fill(photos, np.asarray(arrays["spots"], np.float32))
        except _DAMAGE as error:
            reason = f"{path}: the saved spots cannot be used ({error}); they are made anew"
            raise StateFormatError(reason) from error
        return found

    def _fill(self, photos: Iterable[tuple[str, str, float, int]], spots: Spots) -> None:
        first = 0
        for digest, lens, focal_mm, number in photos:
            own = spots[first : first + int(number)]
            if own.shape != (int(number), 3) or not np.isfinite(own).all():
                raise ValueError("a photo has other spots")
            self.photos[str(digest)] = (str(lens), float(focal_mm), own)
            first += int(number)

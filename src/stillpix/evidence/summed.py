"""What sums of photos look like from outside, in memory or in a file, so that they can be merged.

Never adds a photo.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..frame import Exposure, Sensor
from .groups import GroupSums
from .periods import Interval, Period
from .repeats import Signature
from .room import Room
from .templates import Template


@dataclass(frozen=True, slots=True)
class PhotoRecord:
    """What is remembered of one photo."""

    exposure: Exposure
    counted: bool  # False: the same picture as one that was counted (a burst, a tripod)
    white: int = 255  # DN at which a pixel of its file is full
    dark: bool = False  # taken without light
    coloured: bool = False  # its chroma was counted, too


class Summed(Protocol):
    """The sums of some photos of one sensor, in memory or in a file: what can be merged."""

    @property
    def sensor(self) -> Sensor:
        """Return the sensor."""

    @property
    def templates(self) -> tuple[Template, ...]:
        """Return the templates that the sums are of."""

    @property
    def photos(self) -> dict[str, PhotoRecord]:
        """Return the photos by digest."""

    @property
    def signatures(self) -> dict[str, Signature]:
        """Return what counted photos looked like, by digest."""

    @property
    def planes(self) -> Mapping[str, Summed]:
        """Return what the chroma says, by name; nothing where no photo had any."""

    @property
    def files(self) -> set[str]:
        """Return the names on disk of the photos."""

    @property
    def again(self) -> int:
        """Return how many repeats were asked what they show."""

    def blocks(self, name: str) -> Iterator[NDArray[Any]]:
        """Yield the sums of one name, flat and in parts."""

    def group_sums(self) -> tuple[int, Iterable[tuple[int, GroupSums]]]:
        """Return how many bits tell a group, and the sums of each."""

    def period_sums(self) -> tuple[tuple[int, int], Iterable[tuple[Interval, Period]]]:
        """Return the seconds of the oldest and the newest photo, and the sums of each period."""


def add_blocks(
    blocks: Iterable[NDArray[Any]], sums: NDArray[Any], room: Room | None = None
) -> None:
    """Add flat parts of some sums, which follow each other, to others of the same shape.

    Those that lie in a room leave memory part by part.
    """
    flat, done = sums.reshape(-1), 0
    for block in blocks:
        own = flat[done : done + block.size]
        np.add(own, block, out=own, casting="same_kind")
        done += block.size
        if room is not None:
            room.leave(sums)


def record_to_json(record: PhotoRecord) -> dict[str, Any]:
    """Return a record as it is saved."""
    exposure = record.exposure
    taken = exposure.taken.isoformat() if exposure.taken else None
    return {
        "exposure_s": exposure.exposure_s,
        "gain": exposure.gain,
        "taken": taken,
        "counted": record.counted,
        "white": record.white,
        "dark": record.dark,
        "coloured": record.coloured,
    }


def record_from_json(saved: dict[str, Any]) -> PhotoRecord:
    """Return a record that was saved."""
    taken = datetime.fromisoformat(saved["taken"]) if saved["taken"] else None
    exposure = Exposure(saved["exposure_s"], saved["gain"], taken)
    return PhotoRecord(
        exposure, counted=bool(saved["counted"]), white=int(saved["white"]),
        dark=bool(saved.get("dark", False)), coloured=bool(saved.get("coloured", False)),
    )  # fmt: skip

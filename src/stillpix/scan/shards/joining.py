"""Merges the sums of any number of shards, FAN_IN at a time, and keeps what lies between.

Each file between is named by what it is made of. So a merge that was killed goes on where it was,
and one with some more shards makes anew only what they belong to. Holds one evidence in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3

from ...atomic import replacing
from ...errors import StateFormatError
from ...evidence.evidence import Evidence
from ...evidence.packed import Packed, facts_in, pack
from ...frame import Sensor

FAN_IN = 16


class Sums(NamedTuple):
    """A file of sums, and its digest."""

    path: Path
    digest: str


def join(
    sums: Sequence[Sums], sensor: Sensor, folder: Path, stop: Callable[[], bool] = lambda: False
) -> tuple[Evidence | None, list[Path]]:
    """Return the evidence of all sums, None where it was stopped, and the files between.

    Raises StateFormatError where sums are damaged, and WriteError.
    """
    between: list[Path] = []
    while len(sums) > FAN_IN:
        level = []
        for first in range(0, len(sums), FAN_IN):
            if stop():
                return None, between
            level.append(_node(sums[first : first + FAN_IN], sensor, folder))
        between += [each.path for each in level]
        sums = level
    return (None if stop() else _merged(sums, sensor)), between


def _node(parts: Sequence[Sums], sensor: Sensor, folder: Path) -> Sums:
    """Return the sums of some others: those kept in the folder, or made and kept."""
    if len(parts) == 1:
        return parts[0]
    name = blake3(" ".join(part.digest for part in parts).encode()).hexdigest(length=16)
    path = folder / f"{name}.zip"
    try:
        return Sums(path, facts_in(path)[1])
    except (FileNotFoundError, StateFormatError):
        evidence = _merged(parts, sensor)
    with replacing(path) as file:
        pack(evidence, file)
    return Sums(path, facts_in(path)[1])


def _merged(parts: Sequence[Sums], sensor: Sensor) -> Evidence:
    evidence = Evidence(sensor)
    for part in parts:
        evidence.merge(Packed(part.path, sensor))
    return evidence

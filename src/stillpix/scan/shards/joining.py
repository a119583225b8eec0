"""Merges the sums of any number of shards, FAN_IN at a time, and keeps what lies between.

Each file between is named by what it is made of. So a merge that was killed goes on where it was,
and one with some more shards makes anew only what they belong to. Holds one evidence, of which the
largest sums lie on the disk, beside the files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3

from ...atomic import replacing, write_error
from ...errors import StateFormatError
from ...evidence.evidence import Evidence
from ...evidence.packed import Packed, facts_in, pack
from ...evidence.room import Room
from ...frame import Sensor

FAN_IN = 16


class Sums(NamedTuple):
    """A file of sums, and its digest."""

    path: Path
    digest: str


class Node(NamedTuple):
    """A file of merged sums that is to be made, and what it is made of."""

    path: Path
    sensor: Sensor
    parts: tuple[Sums, ...]


def join(
    sums: Sequence[Sums], sensor: Sensor, folder: Path,
    make: Callable[[Sequence[Node]], None] | None = None, stop: Callable[[], bool] = lambda: False,
) -> tuple[Evidence | None, list[Path]]:  # fmt: skip
    """Return the evidence of all sums, None where it was stopped, and the files between.

    `make` makes such files, in any order; without it, they are made here. Raises StateFormatError
    where sums are damaged, and WriteError.
    """
    between: list[Path] = []
    while len(sums) > FAN_IN:
        groups = [tuple(sums[first : first + FAN_IN]) for first in range(0, len(sums), FAN_IN)]
        nodes = [_node(group, sensor, folder) for group in groups if len(group) > 1]
        missing = [node for node in nodes if not _is_there(node)]
        if make is None:
            make = _make_all
        if missing and not stop():
            make(missing)
        if stop():
            return None, between
        made = [Sums(node.path, facts_in(node.path)[1]) for node in nodes]
        between += [each.path for each in made]
        sums = made + [group[0] for group in groups if len(group) == 1]
    return (None if stop() else _merged(sums, sensor, folder)), between


def make_node(node: Node) -> None:
    """Merge the parts of a file, and write it; raises StateFormatError, and WriteError."""
    evidence = _merged(node.parts, node.sensor, node.path.parent)
    with replacing(node.path) as file:
        pack(evidence, file)


def _make_all(nodes: Sequence[Node]) -> None:
    for node in nodes:
        make_node(node)


def _node(parts: tuple[Sums, ...], sensor: Sensor, folder: Path) -> Node:
    name = blake3(" ".join(part.digest for part in parts).encode()).hexdigest(length=16)
    return Node(folder / f"{name}.zip", sensor, parts)


def _is_there(node: Node) -> bool:
    try:
        facts_in(node.path)
    except (FileNotFoundError, StateFormatError):
        return False
    return True


def _merged(parts: Sequence[Sums], sensor: Sensor, folder: Path) -> Evidence:
    try:
        evidence = Evidence.in_room(sensor, Room(folder))
        for part in parts:
            evidence.merge(Packed(part.path, sensor))
    except OSError as error:
        raise write_error(folder, error) from error
    return evidence

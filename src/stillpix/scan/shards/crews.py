"""Who adds up shards and merges sums: this process, one after the other, or workers elsewhere.

Only names go to them. What they make is in the files of the plan, whoever made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ...watch import Watch
from .joining import Node, make_node
from .plans import Shard
from .running import run_shard


class Crew(Protocol):
    """What does the work of a merge."""

    def run(self, shards: Sequence[Shard], watch: Watch) -> None:
        """Add up some shards of one sensor, as far as the watch lets it."""

    def join(self, nodes: Sequence[Node], watch: Watch) -> None:
        """Make some files of merged sums, as far as the watch lets it."""


@dataclass(frozen=True, slots=True)
class OneByOne:
    """This process, with so many threads."""

    jobs: int | None = None

    def run(self, shards: Sequence[Shard], watch: Watch) -> None:
        """Add up one shard after the other."""
        for shard in shards:
            if watch.stop():
                return
            run_shard(shard, jobs=self.jobs, watch=watch)

    def join(self, nodes: Sequence[Node], watch: Watch) -> None:
        """Make one file after the other."""
        for node in nodes:
            if watch.stop():
                return
            make_node(node)

"""What becomes of each photo: counted, a repeat of one that was counted, a copy, or not used.

Photos are judged by their digests and signatures in the order in which one scan would read them.
Never sees a photo.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...evidence.repeats import RECENT, SAMPLES, KnownPictures, Signature
from ...frame import Layout

COUNTED, REPEAT, COPY, NOT_USED = "crd-"
SEEN_PHOTO = np.dtype([("digest", "S64"), ("dark", "?"), ("signature", "i1", (SAMPLES,))])

Seen = NDArray[Any]  # of SEEN_PHOTO, one row per photo of a shard; without a digest: not used


class Judge:
    """Judges photo after photo, as the first look of a scan does."""

    def __init__(self, layout: Layout) -> None:
        self.known = KnownPictures(layout)
        self.met: set[bytes] = set()
        self.latest: deque[tuple[str, Signature]] = deque(maxlen=RECENT)  # counted, and its digest

    def judge(self, digest: bytes, signature: Signature, *, dark: bool) -> str:
        """Return what becomes of the next photo."""
        if not digest:
            return NOT_USED
        if digest in self.met:
            return COPY
        self.met.add(digest)
        if not dark and self.known.shows(signature):
            return REPEAT
        self.known.add(signature)
        self.latest.append((digest.decode(), signature))
        return COUNTED


@dataclass(slots=True)
class Verdicts:
    """The verdicts on all photos of a body: of each shard a letter per photo."""

    of_shards: list[str] = field(default_factory=list)
    latest: list[tuple[str, Signature]] = field(default_factory=list)

    def count(self, verdict: str) -> int:
        """Return how many photos have a verdict."""
        return sum(letters.count(verdict) for letters in self.of_shards)


def verdicts_on(
    seen: Sequence[Seen], numbers: Sequence[NDArray[np.int64]], layout: Layout
) -> Verdicts:
    """Return what becomes of each photo of all shards; `numbers` tell their order."""
    judge = Judge(layout)
    letters = [[NOT_USED] * len(rows) for rows in seen]
    for shard, row in _in_order(numbers):
        photo = seen[shard][row]
        letters[shard][row] = judge.judge(
            bytes(photo["digest"]), np.array(photo["signature"]), dark=bool(photo["dark"])
        )
    return Verdicts(["".join(each) for each in letters], list(judge.latest))


def _in_order(numbers: Sequence[NDArray[np.int64]]) -> Iterator[tuple[int, int]]:
    """Yield the shard and the row of each photo, in the order of their numbers."""
    shards = np.repeat(np.arange(len(numbers)), [len(each) for each in numbers])
    rows = np.concatenate([np.arange(len(each)) for each in numbers])
    order = np.argsort(np.concatenate(numbers), kind="stable")
    yield from zip(shards[order].tolist(), rows[order].tolist(), strict=True)

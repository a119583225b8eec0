"""Sums of groups of photos, from which decoys are made: the same photos, aligned nowhere.

A decoy must keep all that is content and scatter all that is the sensor's. So photos are summed in
groups, and only when a map is made each group is moved along its rows by another multiple of the
grid: by then it is known what never moves and what is surely broken, and both are left out. Groups
of one stretch of time are moved alike, so that a star's trail stays whole. Never decides what is a
defect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..frame import Frame
from .group_kernels import add_moved, add_moved_narrow
from .narrow import Narrow, NarrowSums
from .parts import Parts
from .room import Room
from .sum_kernels import BLOCK, UNIT, UNIT_INFORMATION, blocks_along

FEWEST_OF_MANY, MOST = 16, 64  # groups at most, of a large sensor and of a small one
ALL_PIXELS = 16_000_000  # of all groups together: small sensors have room for more
KEY_BITS, STRETCH_BITS = 64, 21  # of a key, and of each stretch of time in it
ENOUGH_STRETCHES = 5  # of a length, for groups of one to be moved alike
ROUNDS = 3  # times that the groups are moved: decoys that hardly share a pair of groups
MOVED_HALF = 0.5  # share of the groups that must reach a decoy, for it to count

# scores (templates, rows, width), information (templates, blocks), a mosaic's bursts (rows, width)
GroupSums: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]
# The same as kernels add to it.
OwnSums: TypeAlias = tuple[Narrow, NDArray[np.int64], NDArray[np.int32]]
Shapes: TypeAlias = tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Decoys:
    """The sums of photos as a sensor without defects would give them."""

    scores: NDArray[np.int32]  # (templates, rows, width)
    information: NDArray[np.int64]  # (templates, blocks down, blocks across)
    bursts: NDArray[np.int32]  # (rows, width); (0, width) of rendered photos
    masked: NDArray[np.bool_]  # (rows, width): reached by too few groups
    shown: NDArray[np.int32]  # (rows, width): groups that clearly show it, signed; or (0, width)


class Groups:
    """The sums of some rows of a sensor, by group of photos.

    A photo's group is told by the first bits of its key: as many as keep the number of groups at
    `most`. More photos can only make them fewer, so that any order and any split of the photos ends
    in the same groups. Scores are a third of all memory, and held narrowly.
    """

    def __init__(
        self, templates: int, rows: int, width: int, *,
        says: int, bursts: bool, most: int | None = None,
    ) -> None:  # fmt: skip
        """Take the shape of the sums, and how much a photo adds to a score at most."""
        self.rows, self.bits, self.says = rows, KEY_BITS, says
        self.most = most_of(rows * width) if most is None else most
        self.shapes: Shapes = (
            (templates, rows, width),
            (templates, blocks_along(rows), blocks_along(width)),
            (rows if bursts else 0, width),
        )
        self.room: Room | None = None  # for scores of groups to come; without one, in memory
        self._own: dict[int, _Group] = {}

    def __len__(self) -> int:
        return len(self._own)

    def expect(self, frames: Sequence[Frame], stretches_s: Sequence[float]) -> None:
        """Make room for some photos before any is added; see `key_of`."""
        keys = [key_of(frame, stretches_s) for frame in frames]
        for key in keys:
            if self._group(key) not in self._own:
                self._own[self._group(key)] = _Group(self.shapes, self.room)
                self._join_some()
        for group, number in Counter(map(self._group, keys)).items():
            self._own[group].scores.make_room(number * self.says)
        self._make_alike()

    def of(self, frames: Sequence[Frame], stretches_s: Sequence[float]) -> tuple[OwnSums, ...]:
        """Return for each of some photos that were expected the sums it is to be added to."""
        groups = (self._own[self._group(key_of(frame, stretches_s))] for frame in frames)
        return tuple((group.scores.arrays, group.information, group.bursts) for group in groups)

    def leave(self) -> None:
        """Let the scores leave memory until they are asked for, where they lie in a room."""
        for group in self._own.values():
            group.scores.leave()

    def each(self) -> list[_Group]:
        """Return the groups in the order of their numbers."""
        return [group for _, group in sorted(self._own.items())]

    def items(self) -> Iterator[tuple[int, GroupSums]]:
        """Yield each group's number and sums, the scores in one array, which is a copy."""
        for number, group in sorted(self._own.items()):
            yield number, (group.whole(), group.information, group.bursts)

    def told(self, x: int, row: int) -> NDArray[np.int64]:
        """Return the scores at one place by group and template, (groups, templates).

        `row` is counted among those that have such sums.
        """
        return np.array([group.scores.at(row, x) for group in self.each()], np.int64)

    def add(self, bits: int, sums: Iterable[tuple[int, GroupSums]]) -> None:
        """Add the sums of other photos, by group; `bits` tell those groups."""
        self._shorten(min(self.bits, bits))
        for group, theirs in sums:
            own = group >> (bits - self.bits)
            if own not in self._own:
                self._own[own] = _Group(self.shapes, self.room)
            self._own[own].add(theirs)
            self._join_some()  # each time: so there are never many
        self._make_alike()

    def subtract(self, other: Groups) -> None:
        """Take off the sums of photos that were added; a group without photos is none."""
        for group, (scores, information, bursts) in other.items():
            own = group >> (other.bits - self.bits)
            self._own[own].add((-scores, -information, -bursts))
            if not self._own[own].information.any():
                del self._own[own]
        self._make_alike()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all sums by name, the groups in the order of their keys."""
        return {name: parts.whole() for name, parts in self.each_parts()}

    def each_parts(self) -> Iterator[tuple[str, Parts]]:
        """Yield what `arrays` returns, group by group."""
        groups = self.each()
        scores, information, bursts = ((len(groups), *shape) for shape in self.shapes)
        keys = np.array([self.bits, *sorted(self._own)], np.uint64)
        yield "group_keys", Parts.of(keys)
        yield (
            "group_scores",
            Parts(scores, np.dtype(np.int32), (group.whole() for group in groups)),
        )
        yield (
            "group_information",
            Parts(information, np.dtype(np.int64), (group.information for group in groups)),
        )
        yield "group_bursts", Parts(bursts, np.dtype(np.int32), (group.bursts for group in groups))

    def take(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take up what `arrays` gave; raises ValueError where it does not fit."""
        if arrays["group_keys"].dtype != np.uint64:
            raise ValueError("the groups have another type")
        self.bits, *groups = (int(number) for number in arrays["group_keys"])
        parts = [arrays[name] for name in ("group_scores", "group_information", "group_bursts")]
        for part, shape, kind in zip(
            parts, self.shapes, (np.int32, np.int64, np.int32), strict=True
        ):
            if part.shape != (len(groups), *shape) or part.dtype != kind:
                raise ValueError("the groups have another shape")
        if (
            not 0 <= self.bits <= KEY_BITS
            or len(groups) > self.most
            or groups != sorted(set(groups))
        ):
            raise ValueError("the groups cannot be")
        self._own = {}
        self.add(self.bits, zip(groups, zip(*parts, strict=True), strict=True))

    def moved(
        self, masked: NDArray[np.bool_], grid: int, pool: Executor | None = None,
        shows: float | None = None,
    ) -> Decoys:  # fmt: skip
        """Return the decoys, ROUNDS times as high as the rows: all groups, each moved elsewhere.

        `masked` (rows, width) counts nowhere, wherever it is moved to. If each group is a single
        photo, `shows` is the number of sigmas from which it clearly shows a defect, to be counted.
        """
        moving = Moving(self, masked, grid, shows)
        moving.add(self, pool)
        return moving.decoys()

    def stretches(self) -> list[int]:
        """Return for each group, in the order of their numbers, the number of its stretch of time.

        That is the longest of which there are enough: frames of a few minutes are told apart by
        shorter ones, or singly, since what moves with all photos would be as loud as they are.
        """
        groups = sorted(self._own)
        for bits in (STRETCH_BITS, 2 * STRETCH_BITS):
            of_stretch = [group >> max(self.bits - bits, 0) for group in groups]
            numbers = {stretch: number for number, stretch in enumerate(dict.fromkeys(of_stretch))}
            if len(numbers) >= ENOUGH_STRETCHES:
                return [numbers[stretch] for stretch in of_stretch]
        return list(range(len(groups)))

    def _group(self, key: int) -> int:
        return key >> (KEY_BITS - self.bits)

    def _make_alike(self) -> None:
        """Let all scores be of one type: kernels are compiled for each."""
        if len({group.scores.kind for group in self._own.values()}) > 1:
            for group in self._own.values():
                group.scores.widen()

    def _join_some(self) -> None:
        """Join groups until there are `most`: by the largest number of bits that does it."""
        bits = self.bits
        while len({group >> (self.bits - bits) for group in self._own}) > self.most:
            bits -= 1
        self._shorten(bits)

    def _shorten(self, bits: int) -> None:
        joined: dict[int, _Group] = {}
        for number, group in self._own.items():
            own = number >> (self.bits - bits)
            if own in joined:
                joined[own].add((group.whole(), group.information, group.bursts))
            else:
                joined[own] = group
        self._own, self.bits = joined, bits


class _Group:
    """The sums of one group."""

    __slots__ = ("bursts", "information", "scores")

    def __init__(self, shapes: Shapes, room: Room | None) -> None:
        self.scores = NarrowSums(shapes[0], room)
        self.information = np.zeros(shapes[1], np.int64)
        self.bursts = np.zeros(shapes[2], np.int32)

    def add(self, more: GroupSums) -> None:
        """Add the sums of other photos."""
        scores, information, bursts = more
        self.scores.add(scores)
        self.information += information
        self.bursts += bursts
        self.scores.leave()

    def whole(self) -> NDArray[np.int32]:
        """Return all scores in one array, a copy; they leave memory where they lie in a room."""
        whole = self.scores.whole()
        self.scores.leave()
        return whole


class Moving:
    """The sums of groups that were moved along their rows so far, ROUNDS times over."""

    def __init__(
        self, like: Groups, masked: NDArray[np.bool_], grid: int, shows: float | None = None
    ) -> None:
        """Move groups of the shapes of `like`; `masked`, (rows, width), counts nowhere."""
        (templates, rows, width), (_, down, across), (burst_rows, _) = like.shapes
        self.grid, self.groups, self.stretches, self.shows = grid, 0, 0, shows
        cells = max(width // grid, 1)
        counted = ~masked
        self.blocks = _blocks_of(counted, down, across)
        counted &= self.blocks.repeat(BLOCK, 0).repeat(BLOCK, 1)[:rows, :width]
        self.counted = counted
        rng = np.random.default_rng((width, rows))
        self.steps = [rng.permutation(cells) * grid for _ in range(ROUNDS)]
        self.scores = np.zeros((templates, ROUNDS, rows, width), np.int32)
        self.information = np.zeros((templates, ROUNDS, down, across), np.int64)
        self.bursts = np.zeros((ROUNDS, burst_rows, width), np.int32)
        self.reached = np.zeros((ROUNDS, rows, width), np.int32)
        self.shown = np.zeros((ROUNDS, rows if shows else 0, width), np.int32)

    def add(self, groups: Groups, pool: Executor | None = None) -> None:
        """Add some groups, those of each stretch of time by steps of their own."""
        stretches = groups.stretches()
        numbered = list(zip(groups.each(), stretches, strict=True))
        one = np.ones(self.counted.shape, np.int32)

        def add_round(n: int) -> None:
            for group, stretch in numbered:
                shift = int(self.steps[n][(self.stretches + stretch) % len(self.steps[n])])
                self._add_moved(n, group, one, shift)

        list((map if pool is None else pool.map)(add_round, range(ROUNDS)))
        self.groups += len(stretches)
        self.stretches += max(stretches, default=-1) + 1

    def _add_moved(self, n: int, group: _Group, one: NDArray[np.int32], shift: int) -> None:
        """Add one group to the decoys of round `n`, moved by `shift` px."""
        told, burst, counted, grid = group.information, group.bursts, self.counted, self.grid
        for low, high, into in zip(*group.scores.arrays, self.scores[:, n], strict=True):
            add_moved_narrow(low, high, counted, shift, grid, into)
        whole, step = told.shape[2] // (grid // BLOCK) * (grid // BLOCK), shift // BLOCK
        wanted, moved = (told * self.blocks)[..., :whole], self.information[:, n]
        moved[..., step:whole] += wanted[..., : whole - step]
        moved[..., :step] += wanted[..., whole - step :]
        if len(burst):
            add_moved(burst, counted, shift, grid, self.bursts[n])
        add_moved(one, counted, shift, grid, self.reached[n])
        if self.shows:
            add_moved(_clearly(group, self.shows), counted, shift, grid, self.shown[n])

    def decoys(self) -> Decoys:
        """Return the decoys of all groups so far; they go on changing with the next one."""
        templates, width = len(self.scores), self.counted.shape[1]
        across = self.information.shape[-1]
        few = self.reached <= MOVED_HALF * self.groups
        return Decoys(
            self.scores.reshape(templates, -1, width),
            self.information.reshape(templates, -1, across),
            self.bursts.reshape(-1, width), few.reshape(-1, width),
            self.shown.reshape(-1, width),
        )  # fmt: skip


def most_of(pixels: int) -> int:
    """Return how many groups there are at most, of so many pixels with decoys.

    >>> most_of(160_000), most_of(480_000), most_of(24_000_000)
    (64, 33, 16)
    """
    return min(max(ALL_PIXELS // max(pixels, 1), FEWEST_OF_MANY), MOST)


def key_of(frame: Frame, stretches_s: Sequence[float]) -> int:
    """Return the number that tells a photo's group: the photo's own where no stretches are asked.

    Else its first bits tell the stretch of time it is of, the next ones the shorter stretch in it.
    Dark frames hold nothing that passes, and have numbers of their own.
    """
    own, second = _bits_of(frame.digest, KEY_BITS), second_of(frame.exposure.taken)
    if not stretches_s or second is None or frame.dark:
        return own
    key = 0
    for length in stretches_s:
        key = key << STRETCH_BITS | _bits_of(f"{length} {int(second // length)}", STRETCH_BITS)
    rest = KEY_BITS - len(stretches_s) * STRETCH_BITS
    return key << rest | own >> (KEY_BITS - rest)


def second_of(taken: datetime | None) -> int | None:
    """Return the second of the camera's clock at which a photo was taken.

    >>> second_of(datetime(1, 1, 2, 0, 0, 5)) - second_of(datetime(1, 1, 1))
    86405
    """
    if taken is None:
        return None
    return taken.toordinal() * 86400 + taken.hour * 3600 + taken.minute * 60 + taken.second


def _bits_of(name: str, bits: int) -> int:
    digest = blake2b(name.encode(), digest_size=KEY_BITS // 8).digest()
    return int.from_bytes(digest, "big") >> (KEY_BITS - bits)


def _clearly(group: _Group, shows: float) -> NDArray[np.int32]:
    """Return where a group of one photo departs by so many sigmas: 1 or -1 there, (rows, width).

    By the template that says most: its sum is m psi, and m^2 is known.
    """
    told = group.information
    most = int(told.sum((1, 2)).argmax())
    said = group.scores.template(most)
    rows, width = said.shape
    expected = np.sqrt(told[most] / UNIT_INFORMATION).repeat(BLOCK, 0).repeat(BLOCK, 1)
    least = (shows * UNIT * expected[:rows, :width]).clip(1)
    return np.asarray((said >= least).astype(np.int32) - (said <= -least), np.int32)


def _blocks_of(counted: NDArray[np.bool_], down: int, across: int) -> NDArray[np.bool_]:
    """Return which blocks of BLOCK px are counted: those of which more than half is."""
    rows, width = counted.shape
    around = ((0, down * BLOCK - rows), (0, across * BLOCK - width))
    padded = np.pad(counted, around, mode="edge")
    return np.asarray(padded.reshape(down, BLOCK, across, BLOCK).mean((1, 3)) > 0.5)

"""Sums of groups of photos, from which decoys are made: the same photos, aligned nowhere.

A decoy must keep all that is content and scatter all that is the sensor's. So photos are summed in
groups, and only when a map is made each group is moved along its rows by another multiple of the
grid: by then it is known what never moves and what is surely broken, and both are left out. Groups
of one stretch of time are moved alike, so that a star's trail stays whole. Never decides what is a
defect.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..frame import Frame
from .group_kernels import add_moved
from .sum_kernels import BLOCK, UNIT, UNIT_INFORMATION, blocks_along

FEWEST_OF_MANY, MOST = 16, 64  # groups at most, of a large sensor and of a small one
ALL_PIXELS = 16_000_000  # of all groups together: small sensors have room for more
KEY_BITS, STRETCH_BITS = 64, 21  # of a key, and of each stretch of time in it
ENOUGH_STRETCHES = 5  # of a length, for groups of one to be moved alike
ROUNDS = 3  # times that the groups are moved: decoys that hardly share a pair of groups
MOVED_HALF = 0.5  # share of the groups that must reach a decoy, for it to count

# scores (templates, rows, width), information (templates, blocks), a mosaic's bursts (rows, width)
GroupSums: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]


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
    in the same groups.
    """

    def __init__(
        self, templates: int, rows: int, width: int, *, bursts: bool, most: int | None = None
    ) -> None:
        self.rows, self.bits = rows, KEY_BITS
        self.most = most_of(rows * width) if most is None else most
        self.shapes = (
            (templates, rows, width),
            (templates, blocks_along(rows), blocks_along(width)),
            (rows if bursts else 0, width),
        )
        self.sums: dict[int, GroupSums] = {}

    def of(self, frames: Sequence[Frame], stretches_s: Sequence[float]) -> tuple[GroupSums, ...]:
        """Return for each of some photos the sums it is to be added to; see `key_of`."""
        keys = [key_of(frame, stretches_s) for frame in frames]
        for key in keys:
            if self._group(key) not in self.sums:
                self.sums[self._group(key)] = self._zeros()
                self._join_some()
        return tuple(self.sums[self._group(key)] for key in keys)

    def told(self, x: int, row: int) -> NDArray[np.int64]:
        """Return the scores at one place by group and template, (groups, templates).

        `row` is counted among those that have such sums.
        """
        return np.array([self.sums[key][0][:, row, x] for key in sorted(self.sums)], np.int64)

    def add(self, bits: int, sums: Iterable[tuple[int, GroupSums]]) -> None:
        """Add the sums of other photos, by group; `bits` tell those groups."""
        self._shorten(min(self.bits, bits))
        for group, theirs in sums:
            own = group >> (bits - self.bits)
            if own not in self.sums:
                self.sums[own] = self._zeros()
            _add(theirs, self.sums[own])
            self._join_some()  # each time: so there are never many

    def subtract(self, other: Groups) -> None:
        """Take off the sums of photos that were added; a group without photos is none."""
        for group, theirs in other.sums.items():
            own = group >> (other.bits - self.bits)
            for part in range(len(theirs)):
                np.subtract(self.sums[own][part], theirs[part], out=self.sums[own][part])
            if not self.sums[own][1].any():
                del self.sums[own]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all sums by name, the groups in the order of their keys."""
        groups = sorted(self.sums)
        stacked = {
            name: np.array([self.sums[group][part] for group in groups], kind).reshape(
                len(groups), *self.shapes[part]
            )
            for part, (name, kind) in enumerate(
                (("group_scores", np.int32), ("group_information", np.int64),
                 ("group_bursts", np.int32))
            )
        }  # fmt: skip
        return {"group_keys": np.array([self.bits, *groups], np.uint64), **stacked}

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
        self.sums = {
            group: tuple(np.array(part[n]) for part in parts)  # type: ignore[misc]  # three
            for n, group in enumerate(groups)
        }

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
        groups = sorted(self.sums)
        for bits in (STRETCH_BITS, 2 * STRETCH_BITS):
            of_stretch = [group >> max(self.bits - bits, 0) for group in groups]
            numbers = {stretch: number for number, stretch in enumerate(dict.fromkeys(of_stretch))}
            if len(numbers) >= ENOUGH_STRETCHES:
                return [numbers[stretch] for stretch in of_stretch]
        return list(range(len(groups)))

    def _group(self, key: int) -> int:
        return key >> (KEY_BITS - self.bits)

    def _zeros(self) -> GroupSums:
        scores, information, bursts = self.shapes
        return (
            np.zeros(scores, np.int32),
            np.zeros(information, np.int64),
            np.zeros(bursts, np.int32),
        )

    def _join_some(self) -> None:
        """Join groups until there are `most`: by the largest number of bits that does it."""
        bits = self.bits
        while len({group >> (self.bits - bits) for group in self.sums}) > self.most:
            bits -= 1
        self._shorten(bits)

    def _shorten(self, bits: int) -> None:
        joined: dict[int, GroupSums] = {}
        for group, sums in self.sums.items():
            own = group >> (self.bits - bits)
            if own in joined:
                _add(sums, joined[own])
            else:
                joined[own] = sums
        self.sums, self.bits = joined, bits


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
        numbered = list(zip(sorted(groups.sums), stretches, strict=True))
        one = np.ones(self.counted.shape, np.int32)

        def add_round(n: int) -> None:
            for group, stretch in numbered:
                shift = int(self.steps[n][(self.stretches + stretch) % len(self.steps[n])])
                self._add_moved(n, groups.sums[group], one, shift)

        list((map if pool is None else pool.map)(add_round, range(ROUNDS)))
        self.groups += len(stretches)
        self.stretches += max(stretches, default=-1) + 1

    def _add_moved(self, n: int, sums: GroupSums, one: NDArray[np.int32], shift: int) -> None:
        """Add one group to the decoys of round `n`, moved by `shift` px."""
        (own, told, burst), counted, grid = sums, self.counted, self.grid
        for scores, into in zip(own, self.scores[:, n], strict=True):
            add_moved(scores, counted, shift, grid, into)
        whole, step = told.shape[2] // (grid // BLOCK) * (grid // BLOCK), shift // BLOCK
        wanted, moved = (told * self.blocks)[..., :whole], self.information[:, n]
        moved[..., step:whole] += wanted[..., : whole - step]
        moved[..., :step] += wanted[..., whole - step :]
        if len(burst):
            add_moved(burst, counted, shift, grid, self.bursts[n])
        add_moved(one, counted, shift, grid, self.reached[n])
        if self.shows:
            add_moved(_clearly(sums, self.shows), counted, shift, grid, self.shown[n])

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


def _add(sums: GroupSums, into: GroupSums) -> None:
    parts: Any = zip(sums, into, strict=True)
    for part, own in parts:
        np.add(own, part, out=own)


def _clearly(sums: GroupSums, shows: float) -> NDArray[np.int32]:
    """Return where a group of one photo departs by so many sigmas: 1 or -1 there, (rows, width).

    By the template that says most: its sum is m psi, and m^2 is known.
    """
    scores, told, _ = sums
    most = int(told.sum((1, 2)).argmax())
    rows, width = scores[most].shape
    expected = np.sqrt(told[most] / UNIT_INFORMATION).repeat(BLOCK, 0).repeat(BLOCK, 1)
    least = (shows * UNIT * expected[:rows, :width]).clip(1)
    said = scores[most]
    return np.asarray((said >= least).astype(np.int32) - (said <= -least), np.int32)


def _blocks_of(counted: NDArray[np.bool_], down: int, across: int) -> NDArray[np.bool_]:
    """Return which blocks of BLOCK px are counted: those of which more than half is."""
    rows, width = counted.shape
    around = ((0, down * BLOCK - rows), (0, across * BLOCK - width))
    padded = np.pad(counted, around, mode="edge")
    return np.asarray(padded.reshape(down, BLOCK, across, BLOCK).mean((1, 3)) > 0.5)

"""What a stream of frames says of every pixel, in memory that does not grow with their number.

Never reads photos and never keeps one. All sums are integers: any order and any split of the photos
gives the same bits.

Each photo says of each pixel how far it stands from what its neighbours predict, in sigmas and
clipped at three (psi), and how far a defect of each kind should stand there (the weight m, clipped
likewise). Kept are the sums of m psi and of m^2; see docs/statistics.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from itertools import pairwise
from pathlib import Path
from tokenize import TokenError
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ..arguments import wrong
from ..errors import SensorMismatchError, StateFormatError, StillpixError
from ..frame import Exposure, Frame, Sensor
from .by_layout import rules_of
from .chroma import PITCH, PLANES, half_of, plane_of
from .groups import ROUNDS, Decoys, Groups, GroupSums, Moving, most_of
from .parts import Parts
from .periods import Interval, Period, Periods
from .repeats import RECENT, SAMPLES, Signature
from .room import Room
from .rules import TOGETHER, Pass
from .stillness import Stillness
from .sum_kernels import BLOCK, EDGE, blocks_along
from .summed import PhotoRecord, Summed, add_blocks, record_from_json, record_to_json
from .templates import TEMPLATES, Template, chroma_templates

# Of a sensor with more pixels, only every so many strips of rows have decoys.
ENOUGH_DECOYS = 1_000_000
ENOUGH_OF_CHROMA = 250_000  # the same rows of the photo, at half the pitch
# Photos of which the narrower sums hold whatever they say, and of which 32 bits of scores do.
NARROW, MOST_PHOTOS = 25_000, 100_000
WIDER = {"shown": np.int32, "shown_again": np.int32, "excess": np.int64, "bursts": np.int64}
STATE_VERSION, OLDEST_VERSION = 3, 2  # before 3, no chroma
DN_TYPES = frozenset(map(np.dtype, (np.uint8, np.uint16, np.float32)))  # of frames
DIGEST = re.compile(r"[0-9a-fA-F]{12}")

# What numpy and json raise at damaged files: a mangled array head is tokenized as Python's text
# and its shape allocated before it is doubted.
_DAMAGE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, MemoryError, SyntaxError,
    TokenError, BadZipFile,
)  # fmt: skip


class Evidence:
    """The sums of one sensor.

    Arrays are indexed [template, row, column] or, averaged over BLOCK x BLOCK pixels,
    [template, row // BLOCK, column // BLOCK]. The photos are added up once more in `groups`, from
    which decoys are made. Of a large sensor one strip of rows in `thin` has them. In `planes` is
    what the chroma of colour photos says, Cb and Cr: sums like these, without periods, and without
    what never moves, which the luma tells.
    """

    def __init__(
        self, sensor: Sensor, templates: tuple[Template, ...] = TEMPLATES, *,
        of_chroma: bool = False,
    ) -> None:  # fmt: skip
        self.sensor, self.templates, self.of_chroma = sensor, templates, of_chroma
        self.planes: dict[str, Evidence] = {}
        self.room: Room | None = None  # for the largest sums; without one, they are in memory
        self.rules = rules_of(sensor.layout)
        self.photos: dict[str, PhotoRecord] = {}  # by digest
        # By digest, what the counted ones looked like: RECENT of them, the latest last.
        self.signatures: dict[str, Signature] = {}
        self.files: set[str] = set()  # names, sizes and times of files that need no second reading
        height, width = sensor.height, sensor.width
        blocks = (len(templates), blocks_along(height), blocks_along(width))
        self.scores = np.zeros((len(templates), height, width), np.int32)
        self.information = np.zeros(blocks, np.int64)
        strips = -(-height // self.rules.strip)
        self.thin = max(1, height * width // (ENOUGH_OF_CHROMA if of_chroma else ENOUGH_DECOYS))
        rows = min(-(-strips // self.thin) * self.rules.strip, height)
        most = most_of(rows * width * (PITCH**2 if of_chroma else 1))
        says, bursts = self.rules.most_counts, self.rules.bursts
        self.groups = Groups(len(templates), rows, width, says=says, bursts=bursts, most=most)
        self.periods = Periods(
            (height, width), rows, templates, self.rules.stretches_s, kept=not of_chroma
        )
        self.still = Stillness(sensor)
        # Photos that clearly show it, signed, and in counts the excess summed over those.
        self.shown: NDArray[np.signedinteger] = np.zeros((height, width), np.int16)
        self.excess: NDArray[np.signedinteger] = np.zeros((height, width), np.int32)
        # And of a mosaic's repeats those that clearly show it, signed: they add no evidence, but
        # tell what stays in place from stars that pass.
        shapes = self.rules.shapes(sensor)
        self.shown_again: NDArray[np.signedinteger] = np.zeros(shapes["shown_again"], np.int16)
        self.again = 0  # repeats that were asked
        # Of mosaics: sums of psi^4 / LIMIT^2 beyond the usual.
        self.bursts: NDArray[np.signedinteger] = np.zeros(shapes["bursts"], np.int32)

    @classmethod
    def of(cls, frames: Iterable[Frame]) -> Self:
        """Return the evidence of some frames of one sensor (one at least)."""
        if isinstance(frames, Frame) or not isinstance(frames, Iterable):
            raise wrong("frames", "several frames; for arrays there is find_in", frames)
        rest = iter(frames)
        first = next(rest, None)
        if not isinstance(first, Frame):
            raise wrong("frames", "one frame or more; for arrays there is find_in", first)
        evidence = cls(first.sensor).update(first)
        for frame in rest:
            evidence.update(frame)
        return evidence

    @classmethod
    def in_room(cls, sensor: Sensor, room: Room) -> Self:
        """Return evidence without a photo, to merge others into; its largest sums lie on a disk."""
        evidence = cls(sensor)
        evidence.room = evidence.periods.room = room
        evidence.scores = room.zeros(evidence.scores.shape, evidence.scores.dtype)
        return evidence

    @property
    def scenes(self) -> int:
        """Return how many different pictures were counted."""
        return sum(record.counted for record in self.photos.values())

    @property
    def repeats(self) -> int:
        """Return how many photos showed what others had shown, and were not counted."""
        return len(self.photos) - self.scenes

    @property
    def darks(self) -> int:
        """Return how many dark frames were counted."""
        if self.rules.toned:
            return 0
        return sum(record.counted and record.dark for record in self.photos.values())

    @property
    def exposures(self) -> list[Exposure]:
        """Return the exposures of the photos that were counted."""
        return [record.exposure for record in self.photos.values() if record.counted]

    @property
    def white(self) -> int:
        """Return the DN at which a pixel is full, in the deepest of the photos' files."""
        return max((record.white for record in self.photos.values()), default=255)

    @property
    def edges(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the rows and columns along the visible area's edges: neighbours on one side."""
        left, top, width, height = self.sensor.visible_area
        return _along_edges(top, height), _along_edges(left, width)

    @property
    def edges_of_decoys(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the rows of the decoys that come from such rows; columns move away from edges."""
        along = np.zeros(self.sensor.height, np.bool_)
        along[self.edges[0]] = True
        return np.flatnonzero(np.tile(along[self._with_decoys()], ROUNDS)), np.zeros(0, np.intp)

    def knows(self, digest: str) -> bool:
        """Return whether the photo with this digest has been seen."""
        return digest in self.photos

    def update(self, frame: Frame) -> Self:
        """Add one frame; a frame that is known already changes nothing."""
        return self.update_all([frame])

    def note_repeat(self, frame: Frame, pool: Executor | None = None) -> Self:
        """Remember a frame that shows the same picture as one already counted.

        Of a mosaic's, what it shows is counted apart. A frame that is known changes nothing.
        """
        self._require_frame(frame)
        if self.knows(frame.digest):
            return self
        self._widen_for(len(self.photos) + 1)
        if self.rules.bursts:
            self._show_again(frame, pool)
        self.photos[frame.digest] = PhotoRecord(
            frame.exposure, counted=False, white=frame.white, dark=frame.dark
        )
        return self

    def _show_again(self, frame: Frame, pool: Executor | None) -> None:
        show = self.rules.shower(frame)
        calls = [(*band, self.shown_again) for band in self._bands(pool)]
        list((map if pool is None else pool.map)(lambda call: show(*call), calls))
        self.again += 1

    def update_all(self, frames: Sequence[Frame], pool: Executor | None = None) -> Self:
        """Add several frames at once: faster than one by one, to the same bits.

        With a pool, each of its two or more threads takes a band of rows.
        """
        fresh: dict[str, Frame] = {}
        for frame in frames:
            self._require_frame(frame)
            if not self.knows(frame.digest):
                fresh.setdefault(frame.digest, frame)
        self._widen_for(len(self.photos) + len(fresh), self.scenes + len(fresh))
        self.periods.expect(list(fresh.values()))
        alike: dict[tuple[Any, ...], list[Frame]] = {}
        for frame in fresh.values():
            _, _, scores, _, (_, high), _ = self.periods.of(frame)
            wide = scores.dtype.str, high.dtype.str
            alike.setdefault((wide, *self.rules.likeness(frame)), []).append(frame)
        for _, those in sorted(alike.items(), key=lambda item: item[0]):
            for start in range(0, len(those), TOGETHER):
                self._add(those[start : start + TOGETHER], pool)
        for digest, frame in fresh.items():
            coloured = frame.chroma is not None
            self.photos[digest] = PhotoRecord(
                frame.exposure, counted=True, white=frame.white, dark=frame.dark, coloured=coloured
            )
        coloured_ones = [frame for frame in fresh.values() if frame.chroma is not None]
        for number, name in enumerate(PLANES if coloured_ones else ()):
            plane = self._plane(name)
            plane.update_all([plane_of(frame, number) for frame in coloured_ones], pool)
            plane.photos |= {frame.digest: self.photos[frame.digest] for frame in coloured_ones}
        return self

    def _plane(self, name: str) -> Evidence:
        """Return what the chroma of one name says, nothing at first."""
        if name not in self.planes:
            plane = Evidence(half_of(self.sensor), chroma_templates(self.templates), of_chroma=True)
            self.planes[name], plane.groups.room = plane, self.groups.room
        return self.planes[name]

    def remember(self, digest: str, signature: Signature) -> None:
        """Keep what a counted photo looks like, for as long as later ones are compared with it."""
        self.signatures[digest] = signature
        while len(self.signatures) > RECENT:
            del self.signatures[next(iter(self.signatures))]

    def merge(self, other: Summed) -> Self:
        """Add another evidence of the same sensor, of other photos."""
        self._require(other.sensor)
        if other.templates != self.templates:
            raise SensorMismatchError(
                f"{self.sensor.name}: the two evidences are of other templates; make both anew"
            )
        both = self.photos.keys() & other.photos.keys()
        if both:
            raise SensorMismatchError(
                f"{self.sensor.name}: {len(both)} photos are in both of the two evidences; "
                "merge evidence of different photos only"
            )
        counted = self.scenes + sum(record.counted for record in other.photos.values())
        self._widen_for(len(self.photos) + len(other.photos), counted)
        for name, sums in self.own_arrays().items():
            add_blocks(other.blocks(name), sums, self.room)
        self.groups.add(*other.group_sums())
        self.periods.add(*other.period_sums())
        for name, plane in other.planes.items():
            self._plane(name).merge(plane)
        self.again += other.again
        self.photos.update(other.photos)
        for digest, signature in other.signatures.items():
            self.remember(digest, signature)
        self.files |= other.files
        return self

    def subtract(self, other: Evidence) -> Self:
        """Take photos out again that were added: what is left is the evidence of the rest.

        Periods of time stay as long as they were. Raises SensorMismatchError.
        """
        self._require(other.sensor)
        if not other.photos.keys() <= self.photos.keys():
            raise SensorMismatchError(f"{self.sensor.name}: some photos are not in the evidence")
        for name, sums in self.own_arrays().items():
            np.subtract(sums, other.own_arrays()[name], out=sums, casting="same_kind")
        self.groups.subtract(other.groups)
        self.periods.subtract(other.periods)
        for name, plane in other.planes.items():
            if not self.planes[name].subtract(plane).photos:
                del self.planes[name]
        self.again -= other.again
        for digest in other.photos:
            del self.photos[digest]
            self.signatures.pop(digest, None)
        return self

    def blocks(self, name: str) -> Iterator[NDArray[Any]]:
        """Yield the sums of one name, one after the other: here all of them at once."""
        yield self.own_arrays()[name].reshape(-1)

    def group_sums(self) -> tuple[int, Iterable[tuple[int, GroupSums]]]:
        """Return how many bits tell a group, and the sums of each."""
        return self.groups.bits, self.groups.items()

    def period_sums(self) -> tuple[tuple[int, int], Iterable[tuple[Interval, Period]]]:
        """Return the seconds of the oldest and the newest photo, and the sums of each period."""
        periods = self.periods
        return (periods.oldest, periods.newest), periods.sums.items()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Evidence):
            return NotImplemented
        mine, theirs = self.all_arrays(), other.all_arrays()
        told = [(each.sensor, each.templates, each.photos, each.again) for each in (self, other)]
        same = told[0] == told[1] and mine.keys() == theirs.keys()
        return same and all(np.array_equal(mine[name], theirs[name]) for name in mine)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def save(self, folder: Path) -> None:
        """Write the sums into an existing, empty folder: one .npy an array, and evidence.json.

        The JSON file is written last: a folder without it was not finished.
        """
        for name, parts in self.each_parts():
            parts.save(folder / f"{name}.npy")
        signatures = np.array(list(self.signatures.values()), np.int8).reshape(-1, SAMPLES)
        np.save(folder / "signatures.npy", signatures)
        photos = {digest: record_to_json(record) for digest, record in self.photos.items()}
        state = {
            "version": STATE_VERSION,
            "templates": [template.name for template in self.templates],
            "sensor": self.sensor.facts,
            "photos": photos,
            "signatures": list(self.signatures),
            "files": sorted(self.files),
            "again": self.again,
            "planes": list(self.planes),
        }
        (folder / "evidence.json").write_text(json.dumps(state), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, sensor: Sensor, room: Room | None = None) -> Self:
        """Read what `save` wrote, periods into a room; raises StateFormatError if unusable."""
        try:
            state = json.loads((folder / "evidence.json").read_text(encoding="utf-8"))
            if not OLDEST_VERSION <= state["version"] <= STATE_VERSION:
                raise ValueError(f"version {state['version']}")
            if state["sensor"] != json.loads(json.dumps(sensor.facts)):
                raise ValueError("it is another sensor's")
            if state["templates"] != [each.name for each in TEMPLATES]:
                raise ValueError("it is of other templates")
            evidence = cls(sensor)  # the shapes to expect; untouched zeros cost nothing
            evidence.periods.room = room
            evidence.photos = {
                key: record_from_json(value) for key, value in state["photos"].items()
            }
            evidence._take(lambda name: np.load(folder / f"{name}.npy"))
            for plane in PLANES if state.get("planes") else ():
                evidence._take_plane(plane, folder)
            signatures = np.load(folder / "signatures.npy")
            if signatures.shape[1:] != (SAMPLES,) or signatures.dtype != np.int8:
                raise ValueError("signatures have another shape")
            evidence.signatures = dict(zip(state["signatures"], signatures, strict=True))
            evidence.files = set(state["files"])
            evidence.again = int(state.get("again", 0))
        except _DAMAGE as error:
            reason = f"{folder}: the saved evidence cannot be used ({error}); it is made anew"
            raise StateFormatError(reason) from error
        return evidence

    def _take(self, saved: Callable[[str], NDArray[Any]]) -> None:
        """Take up saved sums of the photos that are known; raises ValueError if they do not fit."""
        self._widen_for(len(self.photos))
        for name, sums in self.own_arrays().items():
            array = saved(name)
            if array.shape != sums.shape or array.dtype != sums.dtype:
                raise ValueError(f"{name} has another shape")
            sums[...] = array
        self.groups.take({name: saved(name) for name, _ in self.groups.each_parts()})
        if self.periods.kept:
            self.periods.take(saved)

    def _take_plane(self, name: str, folder: Path) -> None:
        """Take up what the chroma says, of the photos that had any."""
        plane = self._plane(name)
        plane.photos = {digest: record for digest, record in self.photos.items() if record.coloured}
        plane._take(lambda array: np.load(folder / f"{name}_{array}.npy"))

    def _add(self, frames: Sequence[Frame], pool: Executor | None) -> None:
        turns = np.array([int(frame.digest[:12], 16) % 2 for frame in frames])
        self.groups.expect(frames, self.rules.stretches_s)
        groups = self.groups.of(frames, self.rules.stretches_s)
        periods = tuple(self.periods.of(frame) for frame in frames)
        photos = Pass(frames, self.templates, groups, periods, turns, self.thin)
        add = self.rules.adder(photos, pool)
        calls = [(*band, self._sums()) for band in self._bands(pool)]
        list((map if pool is None else pool.map)(lambda call: add(*call), calls))
        self.groups.leave()
        if not self.of_chroma:
            self.still.add(frames, pool)

    def _bands(self, pool: Executor | None) -> list[tuple[int, int]]:
        """Return the first row and the row after the last of each band that a thread takes."""
        height = self.sensor.height
        bands = 1 if pool is None else 2 * TOGETHER
        edges = [height * band // bands // BLOCK * BLOCK for band in range(bands)] + [height]
        return list(pairwise(edges))

    def decoys(self, left_out: NDArray[np.bool_], pool: Executor | None = None) -> Decoys:
        """Return the decoys; what is left out, (height, width), counts nowhere.

        Of dark frames that have a group each, they tell how many clearly show a place, too.
        """
        alone = 0 < self.darks == self.scenes == len(self.groups)
        shows = self.rules.shows if alone else None
        return self.groups.moved(left_out[self._with_decoys()], self.rules.grid, pool, shows)

    def decoys_of(
        self, windows: Iterable[Sequence[Period]], left_out: NDArray[np.bool_]
    ) -> Iterator[Decoys]:
        """Yield the decoys of windows of time, each the periods that it adds to the one before.

        A group of photos is moved alike in all windows that hold it. Use each before the next.
        """
        moving: Moving | None = None
        for window in windows:
            for period in window:
                if moving is None:
                    moving = Moving(period.groups, left_out[self._with_decoys()], self.rules.grid)
                moving.add(period.groups)
            if moving is not None:
                yield moving.decoys()

    def _with_decoys(self) -> NDArray[np.bool_]:
        """Return which rows have decoys."""
        return np.asarray(np.arange(self.sensor.height) // self.rules.strip % self.thin == 0)

    def _widen_for(self, photos: int, counted: int = 0) -> None:
        """Give the narrower sums twice their bits if so many photos need them, or refuse them."""
        if counted > MOST_PHOTOS:
            reason = f"the sums hold {MOST_PHOTOS} photos at most; add up each year by itself"
            raise StillpixError(f"{self.sensor.name}: {reason}")
        if photos > NARROW:
            for name, kind in WIDER.items():
                setattr(self, name, getattr(self, name).astype(kind, copy=False))

    def _require(self, sensor: Sensor) -> None:
        if sensor != self.sensor:
            raise SensorMismatchError(
                f"{sensor.name}: not the sensor of this evidence ({self.sensor.name}); "
                "photos of different sensors are never added up"
            )

    def _require_frame(self, frame: Frame) -> None:
        """Refuse what the kernels were not made for."""
        if not isinstance(frame, Frame):
            raise wrong("frame", "a Frame; for arrays there is find_in", frame)
        self._require(frame.sensor)
        if frame.pixels.dtype.newbyteorder("=") not in DN_TYPES:
            raise wrong(f"{frame.origin}: pixels", "uint8, uint16 or float32", frame.pixels)
        if not DIGEST.match(frame.digest):
            raise wrong(f"{frame.origin}: digest", "12 hexadecimal digits or more", frame.digest)
        if frame.pixels.shape != (self.sensor.height, self.sensor.width):
            raise SensorMismatchError(  # the kernels would write past their sums
                f"{frame.origin}: its pixels are not of its sensor's size ({self.sensor.name})"
            )

    def own_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the sums by name, but for those of groups and periods."""
        again = {"shown_again": self.shown_again} if self.rules.bursts else {}
        return self._sums() | again | ({} if self.of_chroma else self.still.arrays())

    def all_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that is saved of the sums, by name."""
        return {name: parts.whole() for name, parts in self.each_parts()}

    def each_parts(self) -> Iterator[tuple[str, Parts]]:
        """Yield what `all_arrays` returns, one after the other and in parts: none is copied."""
        for name, sums in self.own_arrays().items():
            yield name, Parts.of(sums)
        yield from self.groups.each_parts()
        if self.periods.kept:
            yield from self.periods.each_parts()
        for plane, evidence in self.planes.items():
            for name, parts in evidence.each_parts():
                yield f"{plane}_{name}", parts

    def _sums(self) -> dict[str, NDArray[Any]]:
        """Return the sums by name, in the order in which the kernel takes them."""
        of_mosaics = {"bursts": self.bursts}
        return {
            "scores": self.scores,
            "information": self.information,
            "shown": self.shown,
            "excess": self.excess,
            **(of_mosaics if self.rules.bursts else {}),
        }


def _along_edges(first: int, length: int) -> NDArray[np.intp]:
    beside = np.arange(min(EDGE, length // 2))
    return np.concatenate([first + beside, first + length - 1 - beside])

"""The sums of some photos in one compressed file, which is merged without being held in memory.

A ZIP archive: one member per array, in blocks that Blosc2 has compressed (bitshuffle, Zstandard),
and facts.json, written last, with the shape, type and digest of each array. The file is checked as
a whole before any of it is used.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import IO, Any, BinaryIO
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import imagecodecs
import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from ..errors import StateFormatError
from ..frame import Exposure, Sensor
from .chroma import PLANES, half_of
from .evidence import Evidence
from .groups import Groups, GroupSums
from .parts import Parts
from .periods import (
    GROUPS_OF_PERIOD,
    SAYS,
    Interval,
    Period,
    Periods,
    kind_of_scores,
    name_of,
)
from .repeats import Signature
from .summed import PhotoRecord, Summed
from .templates import TEMPLATES, Template, chroma_templates

VERSION = 2  # 1 had no chroma
FACTS = "facts.json"
BLOCK_BYTES = 1 << 23  # of an array, compressed at once
LEVEL = 1  # of Zstandard: higher ones gain a hundredth and take half as long again
LENGTH = struct.Struct("<I")
DATE_OF_MEMBERS = (1980, 1, 1, 0, 0, 0)  # the same sums give the same file, whenever they are made
GROUP_PARTS = ("group_scores", "group_information", "group_bursts")
PHOTO = [
    ("digest", "S64"), ("exposure_s", "f8"), ("gain", "f8"), ("taken", "i8"), ("white", "i8"),
    ("counted", "?"), ("dark", "?"), ("coloured", "?"),
]  # fmt: skip
PHOTO_OF = {1: PHOTO[:-1], 2: PHOTO}  # by version
NO_DATE = -1  # else microseconds since the year 1

# What zipfile, numpy, json and Blosc2 raise at damaged files.
_DAMAGE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, MemoryError, RuntimeError,
    OverflowError, IndexError, struct.error, BadZipFile, NotImplementedError,
)  # fmt: skip


def pack(evidence: Evidence, file: BinaryIO, facts: Mapping[str, Any] | None = None) -> None:
    """Write an evidence, and some facts about it, to an open file.

    Signatures are left out: whoever merges evidence has judged all repeats before.

    >>> import io
    >>> evidence = Evidence(Sensor("a", "b", "c", 64, 48))
    >>> file = io.BytesIO()
    >>> pack(evidence, file)
    >>> Packed(file, evidence.sensor).photos
    {}
    """
    photos = ("photos", Parts.of(_photos_as_array(evidence.photos)))
    told: dict[str, Any] = {}
    with ZipFile(file, "w", ZIP_STORED) as archive:
        for name, parts in chain(evidence.each_parts(), [photos]):
            digest = blake3()
            with archive.open(ZipInfo(name, DATE_OF_MEMBERS), "w", force_zip64=True) as member:
                for part in _compressed(parts):
                    digest.update(part)
                    member.write(part)
            told[name] = [list(parts.shape), _kind_as_json(parts.kind), digest.hexdigest()]
        state = {
            "version": VERSION,
            "sensor": evidence.sensor.facts,
            "templates": [template.name for template in evidence.templates],
            "again": evidence.again,
            "files": sorted(evidence.files),
            "arrays": told,
            "facts": dict(facts or {}),
        }
        archive.writestr(ZipInfo(FACTS, DATE_OF_MEMBERS), json.dumps(state))


def facts_in(source: Path) -> tuple[dict[str, Any], str]:
    """Return the facts that `pack` was given, and the file's digest, without checking its arrays.

    Raises StateFormatError where the file cannot be used, and FileNotFoundError.
    """
    try:
        with closing(ZipFile(source)) as archive:
            content = archive.read(FACTS)
        facts: dict[str, Any] = json.loads(content)["facts"]
    except FileNotFoundError:
        raise
    except _DAMAGE as error:
        raise _unusable(source, error) from error
    return facts, blake3(content).hexdigest()


class Packed:
    """A file that `pack` wrote: read part by part, as it is merged.

    Raises StateFormatError, here only, where the file is damaged or of something else.
    """

    again: int
    templates: tuple[Template, ...] = TEMPLATES

    def __init__(self, source: Path | BinaryIO, sensor: Sensor) -> None:
        self.source, self.sensor = source, sensor
        self.signatures: dict[str, Signature] = {}
        try:
            with closing(ZipFile(source)) as archive:
                content = archive.read(FACTS)
                state = json.loads(content)
                self._require(state)
                self.version = int(state["version"])
                self.arrays = {
                    name: (tuple(map(int, shape)), np.dtype(_kind_of_json(kind, self.version)))
                    for name, (shape, kind, _) in state["arrays"].items()
                }
                for name, (_, _, digest) in state["arrays"].items():
                    _require_digest(archive, name, digest)
            self.digest: str = blake3(content).hexdigest()  # it holds those of all arrays
            self.again, self.files = int(state["again"]), set(map(str, state["files"]))
            self.facts: dict[str, Any] = state["facts"]
            self._require_shapes()
        except _DAMAGE as error:
            raise _unusable(source, error) from error

    @cached_property
    def planes(self) -> Mapping[str, Summed]:
        """Return what the chroma says, by name."""
        return {name: _PackedPlane(self, name) for name in PLANES if self._has(name)}

    @cached_property
    def photos(self) -> dict[str, PhotoRecord]:
        """Return the photos by digest."""
        return _photos_of_array(self.array("photos"))

    def unpacked(self) -> Evidence:
        """Return the evidence."""
        return Evidence(self.sensor).merge(self)

    def array(self, name: str) -> NDArray[Any]:
        """Return a whole array."""
        shape, kind = self.arrays[name]
        whole, done = np.empty(int(np.prod(shape)), kind), 0
        for block in self.blocks(name):
            whole[done : done + block.size] = block
            done += block.size
        if done != whole.size:
            raise ValueError(f"{name} is cut short")
        return whole.reshape(shape)

    def blocks(self, name: str) -> Iterator[NDArray[Any]]:
        """Yield an array's blocks, flat, in their order."""
        _, kind = self.arrays[name]
        with closing(ZipFile(self.source)) as archive, archive.open(name) as member:
            for part in _parts_of(member):
                yield np.frombuffer(imagecodecs.blosc2_decode(part), kind)

    def items(self, name: str) -> Iterator[NDArray[Any]]:
        """Yield what lies along an array's first axis, one after the other."""
        (number, *shape), kind = self.arrays[name]
        size, blocks = int(np.prod(shape)), self.blocks(name)
        rest = np.zeros(0, kind)
        for _ in range(number):
            whole, done = np.empty(size, kind), 0
            while done < size:
                if not rest.size:
                    rest = next(blocks)
                taken = rest[: size - done]
                whole[done : done + taken.size] = taken
                rest, done = rest[taken.size :], done + taken.size
            yield whole.reshape(shape)

    def group_sums(self) -> tuple[int, Iterable[tuple[int, GroupSums]]]:
        """Return how many bits tell a group, and the sums of each, as they are read."""
        return self.groups_named("")

    def period_sums(self) -> tuple[tuple[int, int], Iterable[tuple[Interval, Period]]]:
        """Return the seconds of the oldest and the newest photo, and each period, as it is read."""
        (oldest, newest, _), *periods = self.array("periods").tolist()
        intervals = (((level, number), photos) for level, number, photos in periods)
        return (oldest, newest), ((each, self._period(each, photos)) for each, photos in intervals)

    def groups_named(self, prefix: str) -> tuple[int, Iterable[tuple[int, GroupSums]]]:
        """Return the bits and the sums of the groups whose names begin so."""
        bits, *groups = self.array(f"{prefix}group_keys").tolist()
        parts = zip(*(self.items(f"{prefix}{part}") for part in GROUP_PARTS), strict=True)
        return bits, zip(groups, parts, strict=True)

    def _period(self, interval: Interval, photos: int) -> Period:
        scores, information = (
            self.array(name_of(interval, part)) for part in ("scores", "information")
        )
        rows, width = self._empty.groups.rows, self.sensor.width
        groups = Groups(1, rows, width, says=SAYS, bursts=False, most=GROUPS_OF_PERIOD)
        groups.add(*self.groups_named(name_of(interval, "")))
        return Period(photos, scores, information, groups)

    @cached_property
    def _empty(self) -> Evidence:
        """Return evidence without a photo: it has the shapes to expect, and takes no memory."""
        return Evidence(self.sensor)

    def _require(self, state: dict[str, Any]) -> None:
        if state["version"] not in PHOTO_OF:
            raise ValueError(f"version {state['version']}")
        if state["sensor"] != json.loads(json.dumps(self.sensor.facts)):
            raise ValueError("it is another sensor's")
        if state["templates"] != [template.name for template in TEMPLATES]:
            raise ValueError("it is of other templates")

    def _require_shapes(self) -> None:
        """Refuse arrays that would not fit the sums of the sensor."""
        self._require_sums(self._empty, "")
        for name in PLANES if any(map(self._has, PLANES)) else ():
            half = Evidence(half_of(self.sensor), chroma_templates(), of_chroma=True)
            self._require_sums(half, f"{name}_")
        periods = Periods(
            self._empty.periods.shape, self._empty.groups.rows, TEMPLATES,
            self._empty.periods.stretches_s,
        )  # fmt: skip
        for level, number, photos in self.array("periods")[1:].tolist():
            shape, kind = self.arrays[name_of((level, number), "scores")]
            if shape != periods.shape or kind != kind_of_scores(photos):
                raise ValueError("a period has another shape")

    def _has(self, plane: str) -> bool:
        return f"{plane}_scores" in self.arrays

    def _require_sums(self, empty: Evidence, prefix: str) -> None:
        """Refuse sums whose names begin so, if they are not of the shapes of an empty evidence."""
        expected = {f"{prefix}{name}": array.shape for name, array in empty.own_arrays().items()}
        number = self.arrays[f"{prefix}group_keys"][0][0] - 1
        for name, shape in zip(GROUP_PARTS, empty.groups.shapes, strict=True):
            expected[f"{prefix}{name}"] = (number, *shape)
        if {name: self.arrays[name][0] for name in expected} != expected:
            raise ValueError("an array has another shape")


class _PackedPlane:
    """What the chroma says in a file that `pack` wrote."""

    again: int = 0

    def __init__(self, packed: Packed, name: str) -> None:
        self._packed, self._prefix = packed, f"{name}_"
        self.sensor = half_of(packed.sensor)
        self.templates = chroma_templates(packed.templates)
        self.signatures: dict[str, Signature] = {}
        self.files: set[str] = set()
        self.planes: Mapping[str, Summed] = {}
        photos = packed.photos.items()
        self.photos = {digest: record for digest, record in photos if record.coloured}

    def blocks(self, name: str) -> Iterator[NDArray[Any]]:
        """Yield an array's blocks, flat, in their order."""
        return self._packed.blocks(f"{self._prefix}{name}")

    def group_sums(self) -> tuple[int, Iterable[tuple[int, GroupSums]]]:
        """Return how many bits tell a group, and the sums of each, as they are read."""
        return self._packed.groups_named(self._prefix)

    def period_sums(self) -> tuple[tuple[int, int], Iterable[tuple[Interval, Period]]]:
        """Return that there are none."""
        return (0, -1), ()


def _unusable(source: Path | BinaryIO, error: Exception) -> StateFormatError:
    return StateFormatError(
        f"{source}: the packed evidence cannot be used ({error}); delete it and make it again"
    )


def _compressed(parts: Parts) -> Iterator[bytes]:
    """Yield an array's blocks, each behind its length."""
    size = parts.kind.itemsize
    typesize = min(size, 255)
    for block in parts.blocks(max(BLOCK_BYTES // size, 1)):
        part = imagecodecs.blosc2_encode(
            block.tobytes(),
            LEVEL,
            compressor="zstd",
            shuffle="bitshuffle",
            typesize=typesize,
            numthreads=1,
        )
        yield LENGTH.pack(len(part)) + part


def _parts_of(member: IO[bytes]) -> Iterator[bytes]:
    while head := member.read(LENGTH.size):
        (length,) = LENGTH.unpack(head)
        yield member.read(length)


def _require_digest(archive: ZipFile, name: str, digest: str) -> None:
    found = blake3()
    with archive.open(name) as member:
        while content := member.read(BLOCK_BYTES):
            found.update(content)
    if found.hexdigest() != digest:
        raise ValueError(f"{name} is damaged")


def _kind_as_json(kind: np.dtype[Any]) -> Any:
    return kind.str if kind.names is None else PHOTO


def _kind_of_json(saved: Any, version: int) -> Any:
    return saved if isinstance(saved, str) else PHOTO_OF[version]


def _photos_as_array(photos: Mapping[str, PhotoRecord]) -> NDArray[Any]:
    """Return records of photos as an array, in the order of their digests."""
    rows = [
        (
            digest.encode(), _number(record.exposure.exposure_s), _number(record.exposure.gain),
            _as_microseconds(record.exposure.taken), record.white, record.counted, record.dark,
            record.coloured,
        )
        for digest, record in sorted(photos.items())
    ]  # fmt: skip
    return np.array(rows, PHOTO)


def _photos_of_array(array: NDArray[Any]) -> dict[str, PhotoRecord]:
    return {
        digest.decode(): PhotoRecord(
            Exposure(_known(exposure_s), _known(gain), _as_date(taken)),
            counted=counted, white=white, dark=dark, coloured=any(coloured),
        )
        for digest, exposure_s, gain, taken, white, counted, dark, *coloured in array.tolist()
    }  # fmt: skip


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _known(number: float) -> float | None:
    return None if np.isnan(number) else number


def _as_microseconds(taken: datetime | None) -> int:
    if taken is None:
        return NO_DATE
    return (taken - datetime.min) // timedelta(microseconds=1)


def _as_date(microseconds: int) -> datetime | None:
    if microseconds == NO_DATE:
        return None
    return datetime.min + timedelta(microseconds=microseconds)

"""The files of a plan: which shards there are, and which photos each one holds.

Never reads a photo.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from blake3 import blake3

from ...atomic import write_atomically, write_error
from ...errors import StateFormatError
from ...frame import Sensor, sensor_of
from ...images.gather import Skipped
from ...images.searching import name_of

PLAN, PHOTOS = "plan.json", "photos.json.gz"  # in the plan's folder, and in each shard's
SEEN, SUMS, VERDICTS = "seen.npy", "sums.zip", "verdicts.json"  # in each shard's, too
MERGED = "merged"  # folder in the plan's: sums of many shards
VERSION = 1

# What gzip and json raise at damaged files.
_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError)


class PlannedPhoto(NamedTuple):
    """One picture that a shard adds up."""

    path: str  # absolute
    part: int  # its number in its file; 0: the only one
    size: int  # of the file, in bytes
    modified_ns: int
    dark: bool
    number: int  # in the order in which one scan would read the body's photos

    @property
    def name(self) -> str:
        """Return what tells the unchanged picture; see `searching.name_of`."""
        return name_of(Path(self.path).name, self.size, self.modified_ns, self.part)


@dataclass(frozen=True)
class Shard:
    """Some photos of one sensor, and the folder in which they are listed."""

    folder: Path
    sensor: Sensor
    photos: tuple[PlannedPhoto, ...]  # in the order of their numbers
    form: str  # the format of the body's first file
    headless: bool = False  # .raw files without a header, of the sensor's size

    @cached_property
    def digest(self) -> str:
        """Return what tells the same shard: photos may come in between others' without a change."""
        photos = [photo[:-1] for photo in self.photos]
        told = json.dumps([self.sensor.facts, self.headless, self.form, photos])
        return blake3(told.encode()).hexdigest(length=16)

    def as_bytes(self) -> bytes:
        """Return the content of the file that lists the photos."""
        state = {
            "format": "stillpix-shard",
            "version": VERSION,
            "sensor": self.sensor.facts,
            "files": self.form,
            "headless": self.headless,
            "photos": self.photos,
        }
        return gzip.compress(json.dumps(state).encode(), mtime=0)


@dataclass(frozen=True, slots=True)
class Plan:
    """All shards of some photos, by name, and what was left out."""

    folder: Path
    shards: dict[str, str]  # by name: the digest
    skipped: Sequence[Skipped] = ()

    def path(self, name: str) -> Path:
        """Return the folder of a shard."""
        return self.folder / name


def write_plan(folder: Path, shards: Iterable[Shard], skipped: Iterable[Skipped]) -> Plan:
    """Write the shards into their folders, and last the plan; raises WriteError."""
    digests = {}
    for shard in shards:
        try:
            shard.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(shard.folder, error) from error
        write_atomically(shard.folder / PHOTOS, shard.as_bytes())
        digests[shard.folder.name] = shard.digest
    plan = Plan(folder, digests, tuple(skipped))
    state = {
        "format": "stillpix-plan",
        "version": VERSION,
        "shards": plan.shards,
        "not_used": [[each.path, each.reason] for each in plan.skipped],
    }
    write_atomically(folder / PLAN, json.dumps(state, indent=1).encode())
    return plan


def read_plan(folder: Path) -> Plan:
    """Return the plan in a folder; raises StateFormatError."""
    try:
        state = _checked(json.loads((folder / PLAN).read_bytes()), "stillpix-plan")
        shards = {str(name): str(digest) for name, digest in state["shards"].items()}
        if any(os.path.basename(name) != name for name in shards):  # noqa: PTH119  # of any system
            raise ValueError("a shard's name is no name")
        skipped = [Skipped(str(path), str(reason)) for path, reason in state["not_used"]]
    except FileNotFoundError as error:
        raise StateFormatError(
            f"{folder}: holds no plan; make one with `stillpix shard plan PHOTOS --out {folder}`"
        ) from error
    except _DAMAGE as error:
        raise StateFormatError(
            f"{folder / PLAN}: the plan cannot be used ({error}); plan again"
        ) from error
    return Plan(folder, shards, skipped)


def read_shard(folder: Path) -> Shard:
    """Return the shard in a folder; raises StateFormatError."""
    path = folder / PHOTOS
    try:
        state = _checked(json.loads(gzip.decompress(path.read_bytes())), "stillpix-shard")
        photos = tuple(_photo_of(row) for row in state["photos"])
        shard = Shard(
            folder, sensor_of(state["sensor"]), photos, str(state["files"]),
            headless=bool(state["headless"]),
        )  # fmt: skip
    except FileNotFoundError as error:
        raise StateFormatError(
            f"{folder}: is no shard; name a folder that `stillpix shard plan` printed"
        ) from error
    except _DAMAGE as error:
        raise StateFormatError(f"{path}: cannot be used ({error}); plan again") from error
    return shard


def _photo_of(row: Any) -> PlannedPhoto:
    path, part, size, modified_ns, dark, number = row
    return PlannedPhoto(
        str(path), int(part), int(size), int(modified_ns), bool(dark), int(number)
    )  # fmt: skip


def _checked(state: Any, form: str) -> dict[str, Any]:
    if state["format"] != form:
        raise ValueError(f"it is no {form}")
    if state["version"] != VERSION:
        raise ValueError(f"version {state['version']}")
    return dict(state)

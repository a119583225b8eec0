"""Adds up the photos of one shard, and writes what came of them: whole, or not at all.

Photos are judged as if there were no other shard, unless a merge has told better.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
from blake3 import blake3

from ...atomic import replacing, write_atomically, write_error
from ...errors import ReadError, StateFormatError
from ...evidence.evidence import Evidence
from ...evidence.packed import facts_in, pack
from ...evidence.room import LARGE, Room
from ...frame import Frame, Sensor
from ...images import Header, read_headers
from ...images.cores import usable_cores
from ...images.gather import Skipped
from ...images.headless import Shape
from ...images.layouts import with_layout
from ...images.read_ahead import read_ahead, threads
from ...images.remote import status_of
from ...watch import Watch
from ..first_look import SeenPhoto, look_first
from ..in_flight import in_flight
from .plans import SEEN, SUMS, VERDICTS, PlannedPhoto, Shard
from .verdicts import COUNTED, NOT_USED, REPEAT, SEEN_PHOTO, Judge, Seen

CHANGED = "has changed since the plan was made; plan again"


@dataclass(frozen=True, slots=True)
class Result:
    """What is known of a shard that was added up; the sums themselves stay in its file."""

    sums: Path
    digest: str  # of the sums
    seen: str  # digest of what was seen
    verdicts: str  # a letter per photo
    skipped: tuple[Skipped, ...]


@dataclass(slots=True)
class _Adding:
    """One shard while it is added up."""

    shard: Shard
    evidence: Evidence
    seen: Seen
    expected: Seen | None  # what was seen before, where verdicts are given
    verdicts: list[str]
    judge: Judge
    given: str | None  # verdicts of a merge
    skipped: list[Skipped] = field(default_factory=list)


def run_shard(
    shard: Shard, *, jobs: int | None = None, watch: Watch | None = None
) -> Result | None:
    """Add up a shard's photos and return what came of them; None where the watch stopped it.

    A shard that is done is not read again. Raises WriteError.
    """
    done = result_of(shard)
    if done is not None:
        return done
    watch = watch or Watch()
    given, expected = _given(shard)
    rows = len(shard.photos)
    evidence = Evidence(shard.sensor)
    if shard.sensor.width * shard.sensor.height >= LARGE:
        _lay_in(Room(Path(gettempdir()), or_memory=True), evidence)
    adding = _Adding(
        shard, evidence, np.zeros(rows, SEEN_PHOTO), expected, [NOT_USED] * rows,
        Judge(shard.sensor.layout), given,
    )  # fmt: skip
    if not _add_all(adding, jobs, watch):
        return None
    return _written(adding)


def _lay_in(room: Room, evidence: Evidence) -> None:
    """Let sums lie in a room to which only some photos are added, or few at a time."""
    evidence.groups.room = evidence.periods.room = evidence.periods.room_of_groups = room


def result_of(shard: Shard) -> Result | None:
    """Return what came of a shard, or None where it is to be added up yet, or again."""
    path = shard.folder / SUMS
    try:
        facts, digest = facts_in(path)
        seen = blake3((shard.folder / SEEN).read_bytes()).hexdigest(length=16)
    except (OSError, StateFormatError):
        return None
    if facts.get("shard") != shard.digest or facts.get("seen") != seen:
        return None
    given, _ = _given(shard)
    if given not in (None, facts["verdicts"]):
        return None
    skipped = tuple(Skipped(str(name), str(reason)) for name, reason in facts["not_used"])
    return Result(path, digest, seen, str(facts["verdicts"]), skipped)


def give_verdicts(shard: Shard, verdicts: str, seen: str) -> None:
    """Tell a shard what becomes of its photos, given all others; raises WriteError."""
    told = {"shard": shard.digest, "seen": seen, "verdicts": verdicts}
    write_atomically(shard.folder / VERDICTS, json.dumps(told).encode())


def seen_in(shard: Shard) -> Seen:
    """Return what was seen of each photo, as far as it is asked for; raises StateFormatError."""
    path = shard.folder / SEEN
    try:
        seen: Seen = np.load(path, mmap_mode="r")
        if seen.dtype != SEEN_PHOTO or seen.shape != (len(shard.photos),):
            raise ValueError("it has another shape")
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise StateFormatError(f"{path}: cannot be used ({error}); run the shard again") from error
    return seen


def headers_of(
    photos: Sequence[PlannedPhoto], shard: Shard, pool: Any
) -> Iterator[tuple[PlannedPhoto, Header | ReadError]]:
    """Yield the headers of planned photos, or why there is none."""
    read = partial(_header_of, sensor=shard.sensor, headless=shard.headless)
    yield from zip(photos, pool.map(read, photos), strict=True)


def _given(shard: Shard) -> tuple[str | None, Seen | None]:
    """Return the verdicts of a merge on what was seen in this shard, and that."""
    try:
        told = json.loads((shard.folder / VERDICTS).read_bytes())
        content = (shard.folder / SEEN).read_bytes()
        seen = blake3(content).hexdigest(length=16)
        if (told["shard"], told["seen"]) != (shard.digest, seen):
            return None, None
        return str(told["verdicts"]), np.load(io.BytesIO(content))
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None, None


def _header_of(photo: PlannedPhoto, *, sensor: Sensor, headless: bool) -> Header | ReadError:
    path = Path(photo.path)
    shape = Shape(sensor.width, sensor.height) if headless else None
    try:
        if status_of(path) != (photo.size, photo.modified_ns):
            return ReadError(path, CHANGED)
        headers = read_headers(path, shape=shape)
    except OSError:
        return ReadError(path, "is gone since the plan was made; plan again")
    except ReadError as error:
        return error
    for header in headers:
        if (header.part.number if header.part else 0) == photo.part:
            known = with_layout(header, sensor.layout)
            return replace(known, sensor=sensor, dark=photo.dark)
    return ReadError(path, CHANGED)


def _add_all(adding: _Adding, jobs: int | None, watch: Watch) -> bool:
    """Add all photos; return whether they came to their end."""
    shard = adding.shard
    watch.body(shard.sensor, len(shard.photos))
    rows: dict[tuple[Path, int], int] = {}
    with threads(jobs) as pool:
        headers = []
        for row, (photo, header) in enumerate(headers_of(shard.photos, shard, pool)):
            if isinstance(header, ReadError):
                _skip(adding, header, watch)
            else:
                rows[Path(photo.path), photo.part] = row
                headers.append(header)
        done = len(shard.photos) - len(headers)
        at_once = in_flight(shard.sensor, jobs or usable_cores())
        batches = read_ahead(headers, look_first, pool, **at_once._asdict())
        with closing(batches):
            for batch in batches:
                fresh = [
                    frame
                    for header, photo in batch
                    if (frame := _judged(adding, rows[header.key], photo, pool, watch)) is not None
                ]
                adding.evidence.update_all(fresh, pool)
                done += len(batch)
                watch.photos(done)
                if watch.stop():
                    return False
    return True


def _judged(
    adding: _Adding, row: int, photo: SeenPhoto | ReadError, pool: Any, watch: Watch
) -> Frame | None:
    """Note what was seen of a photo, and return it if it is to be added."""
    if isinstance(photo, ReadError):
        _skip(adding, photo, watch)
        return None
    frame, signature, _ = photo
    digest = frame.digest.encode()
    adding.seen[row] = (digest, frame.dark, signature)
    adding.verdicts[row] = verdict = _verdict(adding, row)
    adding.evidence.files.add(adding.shard.photos[row].name)
    if verdict == REPEAT:
        adding.evidence.note_repeat(frame, pool)
    return frame if verdict == COUNTED else None


def _verdict(adding: _Adding, row: int) -> str:
    """Return what becomes of a photo that was seen: a given verdict holds for what it was on."""
    digest, dark, signature = adding.seen[row]
    if adding.given is None or adding.expected is None:
        return adding.judge.judge(digest, signature, dark=bool(dark))
    return adding.given[row] if adding.expected[row]["digest"] == digest else NOT_USED


def _skip(adding: _Adding, error: ReadError, watch: Watch) -> None:
    adding.skipped.append(Skipped(error.path, error.reason))
    watch.skipped(error.path, error.reason)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def _written(adding: _Adding) -> Result:
    """Write what was seen, then the sums that it belongs to."""
    shard, file = adding.shard, io.BytesIO()
    if adding.given is None:  # verdicts on what was seen before, which is lost
        _remove(shard.folder / VERDICTS)
    np.save(file, adding.seen)
    content = file.getvalue()
    write_atomically(shard.folder / SEEN, content)
    facts = {
        "shard": shard.digest,
        "seen": blake3(content).hexdigest(length=16),
        "verdicts": "".join(adding.verdicts),
        "not_used": [[each.path, each.reason] for each in adding.skipped],
    }
    with replacing(shard.folder / SUMS) as sums:
        pack(adding.evidence, sums, facts)
    _, digest = facts_in(shard.folder / SUMS)
    return Result(
        shard.folder / SUMS, digest, str(facts["seen"]), str(facts["verdicts"]),
        tuple(adding.skipped),
    )  # fmt: skip

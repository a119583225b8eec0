"""One clip's way through a repair: what is repaired in it, and the new file whole or not at all.

Never holds more of a clip than some frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from blake3 import blake3

from ..errors import ReadError, SensorMismatchError
from ..images import Header, explained
from ..images.clip_reader import FIELD_WORDS
from ..watch import Watch
from .clips import MASTER_SUFFIX, ClipWay, Field, frames_in, judged, repaired_clip, way_of
from .destinations import Route
from .placer import Placer
from .targets import Lister, Listing
from .verdicts import Verdict

IN_PLACE: Final = "is a video, which is never changed in place; give --out DIR for a repaired copy"
NO_FIELD_MAP: Final = "of its {} no map was found, so the rows of that field stay as they are"


@dataclass(frozen=True, slots=True)
class RepairedClip:
    """What was done to one clip; on a dry run, what would be."""

    target: Path | None
    result: Literal["repaired", "copied"]
    verdicts: tuple[Verdict, ...]
    before: str
    after: str
    notes: tuple[str, ...]


def repair_clip(
    way: Route, listing: Listing, lister: Lister | None, placer: Placer, watch: Watch, *,
    always: bool, changed_only: bool = False,
) -> RepairedClip:  # fmt: skip
    """Repair one clip, and write it where it goes; say first whether that is lossless."""
    path, placement = way.header.path, placer.placement
    if placement.in_place:
        raise ReadError(path, IN_PLACE)
    with explained(path):
        how = way_of(path, lossless=placement.lossless)
    watch.message(f"{path.name}: {how.words}")
    fields, notes = _fields_of(way, listing, lister)
    with explained(path):
        verdicts = judged(path, fields, always=always)
    flat = tuple(
        replace(each, picture=None if field.number is None else field.number + 1)
        for field, alike in zip(fields, verdicts, strict=True)
        for each in alike
    )
    meant = [_meant(*each) for each in zip(fields, verdicts, strict=True)]
    target = _target_of(way, how)
    before = _digest_of(path)
    if not any(field.defects for field in meant):
        target = None if changed_only else way.target
        if target is not None:
            placer.copy_as_it_is(path, target)
        return RepairedClip(target, "copied", flat, before, before, notes)
    after = before
    if target is not None and not placement.dry_run:
        with placer.making(path, target) as new:
            notes += _write(path, new, how, meant, watch)
            after = _digest_of(new)
    return RepairedClip(target, "repaired", flat, before, after, notes)


def _write(
    path: Path, new: Path, how: ClipWay, fields: Sequence[Field], watch: Watch
) -> tuple[str, ...]:
    watch.body(replace(fields[0].header.sensor, which=path.name), frames_in(path))
    return repaired_clip(path, new, how, fields, watch.photos, watch.stop)


def _target_of(way: Route, how: ClipWay) -> Path | None:
    """Return the new file's path; a master's name is that of the clip and its own suffix."""
    if way.target is None or how.suffix == way.target.suffix or how.suffix != MASTER_SUFFIX:
        return way.target
    return way.target.with_name(way.target.name + MASTER_SUFFIX)


def _fields_of(
    way: Route, listing: Listing, lister: Lister | None
) -> tuple[list[Field], tuple[str, ...]]:
    """Return the fields of a clip's frames with the defects of each, and notes on what is missing.

    `listing` is that of the first one; a frame that is not interlaced is its own.
    """
    first = way.header
    headers: dict[str, Header] = {first.sensor.which: first}
    for header in way.pictures:
        headers.setdefault(header.sensor.which, header)
    fields, notes = list[Field](), list[str]()
    for which, header in sorted(headers.items()):
        number = next((n for n, words in enumerate(FIELD_WORDS) if words in which), None)
        mine = listing.defects if header is first else ()
        if header is not first and lister is not None:
            try:
                mine = lister(header.sensor, [header]).defects
            except SensorMismatchError:
                notes.append(NO_FIELD_MAP.format(FIELD_WORDS[number or 0]))
        fields.append(Field(number, header, mine))
    return fields, tuple(notes)


def _meant(field: Field, verdicts: Sequence[Verdict]) -> Field:
    """Return a field with the defects that are repaired in all frames."""
    shown = {(each.x, each.y) for each in verdicts if each.outcome == "repaired"}
    kept = [one for one in field.defects if not shown.isdisjoint(one.pixels())]
    return field._replace(defects=kept)


def _digest_of(path: Path) -> str:
    return blake3().update_mmap(path).hexdigest(length=16)

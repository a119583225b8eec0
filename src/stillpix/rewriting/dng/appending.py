"""Adds tags to a DNG's directory by appending a new copy of the directory; nothing moves.

The file grows at its end, and the one pointer to the directory changes. Every other byte stays
where and as it was; this is checked before the result is returned. Never opens a file.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

from ...errors import ReadError, WriteError
from ...images.directories import BrokenStructureError, Directory, Structure
from .mosaic_directory import (
    OFFSETS,
    SUB_DIRECTORIES,
    PlacedDirectory,
    directories_in,
    explained,
    length_of,
    mosaic_directory,
    size_of,
)
from .opcodes import BadPixels, extended

OPCODE_LIST_1 = 51008
UNDEFINED = 7  # field type
CLASSIC_BYTES = 1 << 32  # the offsets of a classic TIFF have 32 bits
MOST_OPCODES = 1 << 26  # bytes: eight million bad pixels
SUB_CHAINS = (34665, 34853, 40965)  # EXIF, GPS, interoperability
TOO_LONG = (
    "would become longer than 4 GB, the limit for this kind of DNG; develop it and repair the "
    "picture"
)
DAMAGED_LIST = (
    "holds a list of operations that is damaged ({}), so nothing is added to it; replace the "
    "pixels' values instead"
)
NOT_KEPT = (
    "would have been changed beyond its list of bad pixels, so nothing was written; please report"
    " it with this photo"
)

_Told: TypeAlias = dict[int, tuple[int, int, bytes | int]]


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag to be written: its values as they lie in the file."""

    code: int
    kind: int  # TIFF field type
    count: int
    octets: bytes


def opcodes_of(content: bytes, path: Path) -> bytes | None:
    """Return the OpcodeList1 of a DNG's mosaic, or None where it has none; raise ReadError."""
    placed = mosaic_directory(content, path)
    if OPCODE_LIST_1 not in placed.entries:
        return None
    with explained(path):
        entry = placed.entries[OPCODE_LIST_1]
        return Structure.of(BytesIO(content)).content(entry, MOST_OPCODES)


def with_bad_pixels(content: bytes, path: Path, bad: BadPixels) -> bytes:
    """Return a DNG whose own list names more bad pixels; where all are listed, `content` itself.

    The list is OpcodeList1 of the mosaic's directory, made where there is none. Pixels, previews
    and all other tags stay byte for byte in their places.

    Raises:
        ReadError: the file is damaged, or no DNG with a sensor's mosaic.
        ValueError: a place lies outside the mosaic.
        WriteError: the result does not read back as meant.
    """
    placed, before = mosaic_directory(content, path), opcodes_of(content, path)
    width, height = size_of(Structure.of(BytesIO(content)), placed)
    try:
        after = extended(None, bad, width, height)  # the places, before the list is looked at
        if before is not None:
            extended(before, BadPixels(), width, height)
    except ValueError as error:
        if before is None or "frame of" in str(error):
            raise
        raise ReadError(path, DAMAGED_LIST.format(error)) from error
    after = extended(before, bad, width, height)
    if after == before or not (bad.points or bad.rects):
        return content
    result = with_tags(content, path, placed, [Tag(OPCODE_LIST_1, UNDEFINED, len(after), after)])
    with explained(path):
        require_only_added(content, result, path, placed, {OPCODE_LIST_1})
    if opcodes_of(result, path) != after:
        raise WriteError(path, NOT_KEPT)
    return result


def with_tags(
    content: bytes,
    path: Path,
    placed: PlacedDirectory,
    tags: Sequence[Tag],
    *,
    without: Collection[int] = (),
) -> bytes:
    """Return a file whose one directory, copied to the end, has other tags; raise ReadError.

    Tags that are there already get the new values; those of `without` are left out of the copy.
    """
    entries, following = _entries(content, placed)
    result = bytearray(content)
    replaced = {tag.code for tag in tags}
    packed = [each for each in entries if each[0] not in replaced and each[0] not in without]
    for tag in tags:
        _pad(result, placed)
        at = next((n for n, each in enumerate(packed) if each[0] > tag.code), len(packed))
        packed.insert(at, (tag.code, _pack_value(result, placed, tag, path)))
    _pad(result, placed)
    start = len(result)
    _require_address(placed, start, path)
    result += placed.counter.pack(len(packed)) + b"".join(octets for _, octets in packed)
    result += following
    placed.address.pack_into(result, placed.pointer, start)
    return bytes(result)


def _entries(content: bytes, placed: PlacedDirectory) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return a directory's entries, tag and bytes, and the bytes of the pointer after them."""
    start, size = placed.offset + placed.counter.size, placed.entry.size
    end = placed.end - placed.address.size
    raw = [content[at : at + size] for at in range(start, end, size)]
    order = placed.order + "H"
    entries = [(int(struct.unpack_from(order, each)[0]), each) for each in raw]
    return entries, content[end : end + placed.address.size]


def _pack_value(result: bytearray, placed: PlacedDirectory, tag: Tag, path: Path) -> bytes:
    """Return a tag's entry; values that do not fit into it are appended to the file."""
    inline = placed.address.size
    if len(tag.octets) <= inline:
        field = tag.octets.ljust(inline, b"\0")
    else:
        _require_address(placed, len(result) + len(tag.octets), path)
        field = placed.address.pack(len(result))
        result += tag.octets
    return placed.entry.pack(tag.code, tag.kind, tag.count, field)


def _pad(result: bytearray, placed: PlacedDirectory) -> None:
    result += bytes(-len(result) % placed.address.size)


def _require_address(placed: PlacedDirectory, end: int, path: Path) -> None:
    room = (placed.counter.size + 4096 * placed.entry.size) if not placed.big else 0
    if not placed.big and end + room >= CLASSIC_BYTES:
        raise ReadError(path, TOO_LONG)


def require_only_added(
    before: bytes, after: bytes, path: Path, placed: PlacedDirectory, codes: Collection[int]
) -> None:
    """Refuse a result that differs in more than one directory's pointer and some of its tags.

    Both files are read again: byte for byte, and tag by tag in all directories, EXIF and GPS too.
    """
    start, end = placed.pointer, placed.pointer + placed.address.size
    kept = after[:start] == before[:start] and after[end : len(before)] == before[end:]
    if not kept or not _same_tags(before, after, placed, set(codes)):
        raise WriteError(path, NOT_KEPT)


def _same_tags(before: bytes, after: bytes, placed: PlacedDirectory, codes: set[int]) -> bool:
    """Compare all tags of two files of which the second begins with the first."""
    one, other = list(_list_values(before, len(before))), list(_list_values(after, len(before)))
    place = [number for number, told in enumerate(one) if told[0] == placed.offset]
    if len(one) != len(other) or len(place) != 1:
        return False
    for number, ((_, old), (_, new)) in enumerate(zip(one, other, strict=True)):
        free = codes if number == place[0] else set()
        if any(old.get(tag) != new.get(tag) for tag in (old.keys() | new.keys()) - free):
            return False
    return True


def _list_values(content: bytes, shared: int) -> Iterator[tuple[int, _Told]]:
    """Yield the offset of each directory and what its tags say; pointers say nothing here."""
    structure = Structure.of(BytesIO(content))
    for placed in directories_in(content):
        yield placed.offset, _values(structure, placed.entries, placed.address.size, shared)
        for tag in SUB_CHAINS:
            entry = placed.entries.get(tag)
            if entry is None or entry.kind not in OFFSETS or not entry.count:
                continue
            with suppress(BrokenStructureError):  # readers leave out damaged EXIF, too
                offset = int(structure.numbers(entry, 1)[0])
                below = structure.directory(offset)
                yield offset, _values(structure, below, placed.address.size, shared)


def _values(structure: Structure, entries: Directory, inline: int, shared: int) -> _Told:
    """Return type, count and values of tags: values that both files hold by where they are."""
    found: _Told = {}
    for tag, entry in entries.items():
        length = length_of(entry)
        if tag == SUB_DIRECTORIES:
            found[tag] = (entry.kind, entry.count, b"")
        elif length > inline and entry.where + length <= shared:
            found[tag] = (entry.kind, entry.count, entry.where)
        else:
            found[tag] = (entry.kind, entry.count, structure.content(entry, inline))
    return found

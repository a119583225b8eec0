"""One page of a TIFF as a file of its own: its directory, and the strips or tiles it names.

Never takes along what belongs to other pages, nor EXIF and other directories below the page.
"""

from __future__ import annotations

import struct
from itertools import accumulate

from stillpix.images.directories import BrokenStructureError, Directory, Structure

SEGMENTS = ((273, 279), (324, 325))  # offsets and lengths of strips, and of tiles
POINTERS = frozenset({330, 34665, 34853, 40965})  # directories below, EXIF, GPS, interoperability
MOST_SEGMENTS = 1 << 20
MOST_VALUES = 1 << 24  # bytes of one tag
LONG = 4  # field type
BIG_ONLY = frozenset({16, 17, 18})  # field types that a classic TIFF does not have


def page_alone(structure: Structure, offset: int) -> bytes:
    """Return a classic TIFF of the one page whose directory is at an offset.

    Raises BrokenStructureError where the page points past the end of the file.
    """
    directory, order = structure.directory(offset), structure.order
    fields = {
        tag: (entry.kind, entry.count, structure.content(entry, MOST_VALUES))
        for tag, entry in directory.items()
        if tag not in POINTERS and entry.kind not in BIG_ONLY
    }
    tags = next((tags for tags in SEGMENTS if tags[0] in directory), None)
    if tags is None or tags[1] not in directory:
        raise BrokenStructureError("does not say where its pixels are")
    segments = _segments(structure, directory, *tags)
    lengths = [len(segment) for segment in segments]
    fields[tags[1]] = LONG, len(segments), struct.pack(f"{order}{len(segments)}I", *lengths)
    fields[tags[0]] = LONG, len(segments), bytes(4 * len(segments))  # until it is known
    starts = accumulate(lengths[:-1], initial=len(_head(fields, order)))
    fields[tags[0]] = LONG, len(segments), struct.pack(f"{order}{len(segments)}I", *starts)
    return _head(fields, order) + b"".join(segments)


def _segments(structure: Structure, directory: Directory, starts: int, sizes: int) -> list[bytes]:
    pairs = zip(
        structure.numbers(directory[starts], MOST_SEGMENTS),
        structure.numbers(directory[sizes], MOST_SEGMENTS),
        strict=False,
    )
    segments = [structure.at(int(start), int(size)) for start, size in pairs]
    if not segments:
        raise BrokenStructureError("does not say where its pixels are")
    return segments


def _head(fields: dict[int, tuple[int, int, bytes]], order: str) -> bytes:
    """Return a file's head, its one directory, and the values that do not fit into that."""
    mark = b"II" if order == "<" else b"MM"
    entries = [struct.pack(order + "H", len(fields))]
    values, at = list[bytes](), 8 + 2 + 12 * len(fields) + 4
    for tag, (kind, count, value) in sorted(fields.items()):
        slot = value.ljust(4, b"\0")
        if len(value) > 4:
            slot = struct.pack(order + "I", at)
            values.append(value + bytes(len(value) % 2))
            at += len(values[-1])
        entries.append(struct.pack(order + "HHI", tag, kind, count) + slot)
    return mark + struct.pack(order + "HI", 42, 8) + b"".join(entries) + bytes(4) + b"".join(values)

"""Copies the metadata of a photo's file as it is.

Takes whole fields, type and bytes, from the main directory, EXIF and GPS, and writes them into new
directories. Leaves out fields that hold offsets into the old file, mainly maker notes. Never
interprets a field.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from ...images.directories import BrokenStructureError, Directory, Structure
from .mosaic_directory import length_of

EXIF, GPS = 34665, 34853
# Image description, artist, XMP, IPTC, copyright: what a person wrote, wherever the pixels go.
MAIN_TAGS = frozenset({270, 315, 700, 33432, 33723})
# Maker note, related sound file, size of the compressed picture, interoperability.
NOT_COPIED = frozenset({37500, 40964, 40962, 40963, 40965})
MOST_FIELD = 1 << 20  # bytes
MOST_FIELDS = 512
ASCII, SHORT, LONG, RATIONAL, SRATIONAL = 2, 3, 4, 5, 10


@dataclass(frozen=True, slots=True)
class Field:
    """A tag's values as bytes, in the byte order of the file that they are for."""

    kind: int  # TIFF field type
    count: int
    octets: bytes


@dataclass(frozen=True, slots=True)
class Metadata:
    """The fields of three directories, by tag."""

    order: Literal["<", ">"] = "<"  # byte order of the fields, "<" or ">"
    main: dict[int, Field] = field(default_factory=dict)
    exif: dict[int, Field] = field(default_factory=dict)
    gps: dict[int, Field] = field(default_factory=dict)


def metadata_in(file: BinaryIO) -> Metadata:
    r"""Return what can be copied from a TIFF structure: a RAW file of that kind, or an EXIF block.

    Fields that are damaged are left out; what is no TIFF structure has none.

    >>> from io import BytesIO
    >>> block = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHI4s", 315, 2, 4, b"Ada\0") + bytes(4)
    >>> metadata_in(BytesIO(block)).main
    {315: Field(kind=2, count=4, octets=b'Ada\x00')}
    """
    try:
        structure = Structure.of(file)
        file.seek(0)
        order: Literal["<", ">"] = "<" if file.read(2) == b"II" else ">"
        first = next(structure.chain(), {})
    except BrokenStructureError:
        return Metadata()
    return Metadata(
        order,
        _fields(structure, {tag: first[tag] for tag in MAIN_TAGS & first.keys()}),
        _below(structure, first, EXIF),
        _below(structure, first, GPS),
    )


def _below(structure: Structure, first: Directory, tag: int) -> dict[int, Field]:
    if tag not in first:
        return {}
    try:
        directory = structure.directory(int(structure.numbers(first[tag], 1)[0]))
    except (BrokenStructureError, IndexError):
        return {}
    return _fields(structure, directory)


def _fields(structure: Structure, directory: Directory) -> dict[int, Field]:
    found: dict[int, Field] = {}
    for tag, entry in sorted(directory.items())[:MOST_FIELDS]:
        length = length_of(entry)
        if tag in NOT_COPIED or not 0 < length <= MOST_FIELD:
            continue
        try:
            found[tag] = Field(entry.kind, entry.count, structure.content(entry, length))
        except BrokenStructureError:  # of one field; the others stand
            continue
    return found


def text(words: str) -> Field:
    r"""Return a field of text.

    >>> text("Ada")
    Field(kind=2, count=4, octets=b'Ada\x00')
    """
    octets = words.encode("utf-8") + b"\0"
    return Field(ASCII, len(octets), octets)


def numbers(order: str, kind: int, values: Iterable[int]) -> Field:
    r"""Return a field of whole numbers, or of numerators and denominators by turns.

    >>> numbers(">", SHORT, [7]), numbers("<", RATIONAL, [1, 50]).count
    (Field(kind=3, count=1, octets=b'\x00\x07'), 1)
    """
    given = list(values)
    code = {SHORT: "H", LONG: "I", RATIONAL: "I", SRATIONAL: "i"}.get(kind, "B")
    octets = struct.pack(f"{order}{len(given)}{code}", *given)
    return Field(kind, len(given) // 2 if kind in {RATIONAL, SRATIONAL} else len(given), octets)


def directory_at(start: int, order: str, fields: dict[int, Field]) -> bytes:
    r"""Return a directory of fields for an even offset of a classic TIFF file, values after it.

    >>> directory_at(100, "<", {1: Field(2, 2, b"N\0")})[2:14].hex(" ", 4)
    '01000200 02000000 4e000000'
    """
    entries, behind = [struct.pack(order + "H", len(fields))], bytearray()
    after = start + 2 + 12 * len(fields) + 4
    for tag, each in sorted(fields.items()):
        value = each.octets.ljust(4, b"\0")
        if len(each.octets) > 4:
            value = struct.pack(order + "I", after + len(behind))
            behind += each.octets + bytes(len(each.octets) % 2)
        entries.append(struct.pack(order + "HHI", tag, each.kind, each.count) + value)
    return b"".join(entries) + bytes(4) + behind

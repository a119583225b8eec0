"""What a HEIF or AVIF file says of its main picture: size, depth, how it is shown, and its EXIF.

ISO/IEC 23008-12 (items and their properties). Looks at the boxes of the file's head and at the EXIF
block alone. Never decodes, and never follows an offset past the end of the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stillpix.frame import Pixels
from stillpix.images.boxes import boxes_in

MOST_META = 4 << 20  # bytes; tiled pictures have an item a tile
MOST_BLOCK = 1 << 20  # bytes of one EXIF block
ASSOCIATIONS_OF_TWO_BYTES = 1  # flag of an ipma box
ESSENTIAL = 0x80
EXIF_OFFSET = 4  # bytes before the EXIF block, that say how many more follow
# EXIF orientation by quarter turns to the left, without a mirror and with one.
TURNED, MIRRORED = (1, 8, 3, 6), (2, 5, 4, 7)


class BrokenItemsError(ValueError):
    """The boxes contradict themselves or the length of the file."""


class Shown(NamedTuple):
    """One step from the stored picture to the one that is shown."""

    turns: int = 0  # quarter turns to the left
    mirror: int | None = None  # 0: top to bottom, 1: left to right


@dataclass(frozen=True, slots=True)
class Picture:
    """What the file says of its main picture."""

    width: int  # px, as stored
    height: int
    bits: int
    steps: tuple[Shown, ...]
    exif: bytes | None
    xmp: bytes | None = None
    profile: bytes | None = None  # ICC
    codes: tuple[int, int] | None = None  # of its colours: primaries and transfer

    @property
    def orientation(self) -> int:
        """Return how the picture is shown, as EXIF counts it."""
        turns, mirrored = 0, False
        for step in self.steps:
            turns += -step.turns if mirrored else step.turns
            if step.mirror is not None:
                turns += 2 * (step.mirror == 0)
                mirrored = not mirrored
        return (MIRRORED if mirrored else TURNED)[turns % 4]

    def as_stored(self, shown: Pixels) -> Pixels:
        """Return what a decoder gave as it is shown, the way it is stored."""
        pixels: NDArray[np.generic] = shown
        for step in reversed(self.steps):
            if step.mirror is not None:
                pixels = np.flip(pixels, axis=step.mirror)
            else:
                pixels = np.rot90(pixels, -step.turns)
        stored: Pixels = np.ascontiguousarray(pixels)
        return stored


def picture_in(file: BinaryIO) -> Picture:
    """Return what an open file says of its main picture; raise BrokenItemsError."""
    end = file.seek(0, 2)
    try:
        whole = next((at, until) for name, at, until in boxes_in(file, 0, end) if name == b"meta")
        return _of_meta(file, *whole)
    except (StopIteration, struct.error, IndexError, KeyError) as error:
        raise BrokenItemsError("does not say where its picture is") from error


def _of_meta(file: BinaryIO, start: int, until: int) -> Picture:
    if until - start > MOST_META:
        raise BrokenItemsError("has a head that is longer than any picture's")
    parts = {name: (at, end) for name, at, end in boxes_in(file, start + 4, until)}
    version, _, body = _full_box(file, parts[b"pitm"])
    main = int.from_bytes(body[: 2 if version == 0 else 4], "big")
    properties = list(_properties_of(file, parts[b"iprp"], main))
    size: tuple[int, int] | None = None
    bits, steps = 8, list[Shown]()
    profile, codes = None, None
    for name, content in properties:
        if name == b"ispe":
            size = struct.unpack(">II", content[4:12])
        elif name == b"pixi":
            bits = max(content[5 : 5 + content[4]], default=8)
        elif name == b"av1C":
            bits = max(bits, 8 + 2 * (content[2] >> 6 & 1) * (1 + (content[2] >> 5 & 1)))
        elif name == b"clap":
            wide, wide_of, high, high_of = struct.unpack(">IIII", content[:16])
            size = wide // max(wide_of, 1), high // max(high_of, 1)
        elif name == b"colr" and content[:4] in {b"prof", b"rICC"}:
            profile = content[4:]
        elif name == b"colr" and content[:4] == b"nclx":
            codes = struct.unpack(">HH", content[4:8])
        elif name == b"irot":
            steps.append(Shown(turns=content[0] & 3))
        elif name == b"imir":
            steps.append(Shown(mirror=content[0] & 1))
    if size is None:
        raise BrokenItemsError("does not say how large its picture is")
    exif, xmp = _exif_in(file, parts), _xmp_in(file, parts)
    return Picture(*size, bits, tuple(steps), exif, xmp, profile, codes)


def _full_box(file: BinaryIO, place: tuple[int, int]) -> tuple[int, int, bytes]:
    """Return the version, the flags and the rest of a box."""
    start, end = place
    file.seek(start)
    content = file.read(min(end - start, MOST_META))
    return content[0], int.from_bytes(content[1:4], "big"), content[4:]


def _properties_of(
    file: BinaryIO, place: tuple[int, int], item: int
) -> Iterator[tuple[bytes, bytes]]:
    """Yield the names and contents of an item's properties, in the order in which they apply."""
    parts = {name: (at, end) for name, at, end in boxes_in(file, *place)}
    listed = list(boxes_in(file, *parts[b"ipco"]))
    version, flags, body = _full_box(file, parts[b"ipma"])
    wide = flags & ASSOCIATIONS_OF_TWO_BYTES
    (count,), at = struct.unpack(">I", body[:4]), 4
    for _ in range(min(count, len(body))):
        length = 2 if version == 0 else 4
        number = int.from_bytes(body[at : at + length], "big")
        many = body[at + length]
        at += length + 1
        for place_of_one in range(at, at + many * (1 + wide), 1 + wide):
            index = int.from_bytes(body[place_of_one : place_of_one + 1 + wide], "big")
            index &= (ESSENTIAL << 8 * wide) - 1
            if number == item and 0 < index <= len(listed):
                name, start, end = listed[index - 1]
                file.seek(start)
                yield name, file.read(min(end - start, MOST_BLOCK))
        at += many * (1 + wide)


def _exif_in(file: BinaryIO, parts: dict[bytes, tuple[int, int]]) -> bytes | None:
    """Return the EXIF block, a TIFF structure; None where there is none to be read."""
    try:
        number = next(_items_of_kind(file, parts[b"iinf"], b"Exif"))
        start, length = _place_of(file, parts, number)
    except (StopIteration, KeyError, IndexError, struct.error, ValueError):
        return None
    file.seek(start)
    block = file.read(min(length, MOST_BLOCK))
    skipped = int.from_bytes(block[:EXIF_OFFSET], "big")
    return block[EXIF_OFFSET + skipped :]


def _xmp_in(file: BinaryIO, parts: dict[bytes, tuple[int, int]]) -> bytes | None:
    """Return the XMP packet; None where there is none to be read."""
    try:
        for number in _items_of_kind(file, parts[b"iinf"], b"mime"):
            start, length = _place_of(file, parts, number)
            file.seek(start)
            packet = file.read(min(length, MOST_BLOCK))
            if b"xmpmeta" in packet:
                return packet
    except (KeyError, IndexError, struct.error, ValueError):
        pass
    return None


def _items_of_kind(file: BinaryIO, place: tuple[int, int], kind: bytes) -> Iterator[int]:
    version, _, _ = _full_box(file, place)
    begin = place[0] + 4 + (2 if version == 0 else 4)
    for name, start, end in boxes_in(file, begin, place[1]):
        if name == b"infe":
            its_version, _, body = _full_box(file, (start, end))
            length = 4 if its_version >= 3 else 2
            if body[length + 2 : length + 6] == kind:
                yield int.from_bytes(body[:length], "big")


def _place_of(file: BinaryIO, parts: dict[bytes, tuple[int, int]], item: int) -> tuple[int, int]:
    """Return where an item of one piece begins in the file, and its length."""
    version, _, body = _full_box(file, parts[b"iloc"])
    sizes = (body[0] >> 4, body[0] & 15, body[1] >> 4, body[1] & 15 if version else 0)
    offset_size, length_size, base_size, index_size = sizes
    wide = 4 if version == 2 else 2
    count, at = int.from_bytes(body[2 : 2 + wide], "big"), 2 + wide
    for _ in range(min(count, len(body))):
        number = int.from_bytes(body[at : at + wide], "big")
        at += wide
        method = int.from_bytes(body[at : at + 2], "big") & 15 if version else 0
        at += (2 if version else 0) + 2  # and the number of the file
        base = int.from_bytes(body[at : at + base_size], "big")
        pieces = int.from_bytes(body[at + base_size : at + base_size + 2], "big")
        at += base_size + 2
        first = at + index_size
        offset = int.from_bytes(body[first : first + offset_size], "big")
        length = int.from_bytes(body[first + offset_size :][:length_size], "big")
        if number == item:
            return base + offset + (parts[b"idat"][0] if method == 1 else 0), length
        at += pieces * (index_size + offset_size + length_size)
    raise KeyError(item)

"""Which camera took a clip: what containers and makers write of make, model and serial number.

Reads the common tags of a container, the device block of GoPro (KLV, as its gpmf-parser describes
it) and the XML of Sony (NonRealTimeMeta). Never decodes a frame, and never raises on broken tags.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from stillpix.images.boxes import boxes_in
from stillpix.images.exif import Exif

MAKES: Final = (
    "make", "com.apple.quicktime.make", "com.android.manufacturer", "manufacturer", "mak",
)  # fmt: skip
MODELS: Final = ("model", "com.apple.quicktime.model", "com.android.model", "mod")
SERIALS: Final = ("serial", "serial_number", "serialnumber", "com.apple.quicktime.serial")
TIMES: Final = ("com.apple.quicktime.creationdate", "creation_time", "date")
SOFTWARE: Final = ("com.apple.quicktime.software", "software", "encoder")
MOST_TEXT = 128  # characters of a name
MOST_XML = 1 << 20  # bytes that a maker's description has
SONY: Final = re.compile(rb"<Device\s[^>]{1,500}>")
ATTRIBUTE: Final = re.compile(rb'(manufacturer|modelName|serialNo)="([^"]{1,128})"')
TO_SAMPLES: Final = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
DESCRIPTIONS: Final = frozenset({b"meta", b"uuid", b"xml ", b"udta"})


def facts_of(file: BinaryIO, path: Path, tags: Mapping[str, str]) -> Exif:
    """Return what a clip says of its camera: the container's tags, then its maker's."""
    told = {key.lower().lstrip("©"): text for key, text in tags.items()}
    found = Exif(
        make=_first(told, MAKES),
        model=_first(told, MODELS),
        serial=_first(told, SERIALS),
        software=_first(told, SOFTWARE),
        taken=time_of(_first(told, TIMES)),
    )
    for maker in (_gopro, _sony):
        with suppress(struct.error, OSError):
            found = found.completed_by(maker(file))
    beside = path.with_name(f"{path.stem}M01.XML")  # Sony's cameras write C0001M01.XML
    if found.model is None and beside.is_file():
        found = found.completed_by(_in_xml(_content(beside)))
    return found


def time_of(text: str | None) -> datetime | None:
    """Return the time of a tag, as the file counts it.

    >>> str(time_of("2024-05-01T10:20:30.000000Z"))
    '2024-05-01 10:20:30'
    >>> time_of("1904-01-01T00:00:00Z") is None
    True
    """
    try:
        found = datetime.fromisoformat(text or "").replace(tzinfo=None)
    except ValueError:
        return None
    return found if found.year >= 1980 else None  # an unset clock counts from 1904 or 1970


def _first(told: Mapping[str, str], keys: tuple[str, ...]) -> str | None:
    texts = (" ".join(told.get(key, "").replace("\0", " ").split()) for key in keys)
    return next((text[:MOST_TEXT] for text in texts if text), None)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_XML)
    except OSError:
        return b""


def _sony(file: BinaryIO) -> Exif:
    """Return what Sony's description says, which lies in a box of its own."""
    for name, start, end in _described(file):
        if name in DESCRIPTIONS and b"NonRealTimeMeta" in (content := _at(file, start, end)):
            return _in_xml(content)
    return Exif()


def _in_xml(content: bytes) -> Exif:
    device = SONY.search(content)
    told = dict(ATTRIBUTE.findall(device[0])) if device else {}
    words = {key: value.decode("utf-8", "replace") for key, value in told.items()}
    return Exif(
        make=words.get(b"manufacturer"),
        model=words.get(b"modelName"),
        serial=words.get(b"serialNo"),
    )


def _gopro(file: BinaryIO) -> Exif:
    """Return model (MINF) and serial number (CASN) of GoPro's block in the user data."""
    for name, start, end in _described(file):
        if name != b"GPMF":
            continue
        told = dict(_klv(_at(file, start, end)))
        if b"MINF" in told:
            return Exif(make="GoPro", model=told[b"MINF"], serial=told.get(b"CASN"))
    return Exif()


def _klv(content: bytes, depth: int = 0) -> Iterator[tuple[bytes, str]]:
    """Yield the texts of a block of GoPro's: four letters, a type, the size, then the value."""
    at = 0
    while at + 8 <= len(content) and depth < 8:
        key, kind, size = content[at : at + 4], content[at + 4], content[at + 5]
        length = size * int.from_bytes(content[at + 6 : at + 8], "big")
        value = content[at + 8 : at + 8 + length]
        if kind == 0:
            yield from _klv(value, depth + 1)
        elif chr(kind) == "c":
            yield key, value.rstrip(b"\0 ").decode("latin-1")[:MOST_TEXT]
        at += 8 + -(-length // 4) * 4


def _described(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield the boxes of a clip in which makers describe it, and their contents' start and end."""
    file.seek(0, 2)
    for name, start, end in boxes_in(file, 0, file.tell()):
        if name in DESCRIPTIONS:
            yield name, start, end
        if name not in {b"moov", b"udta"}:
            continue
        for inner, begins, ends in boxes_in(file, start, end):
            yield inner, begins, ends
            if inner == b"udta":
                yield from boxes_in(file, begins, ends)


def _at(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(min(end - start, MOST_XML))


def sample_kinds(file: BinaryIO) -> frozenset[str]:
    """Return the four letters of each kind of sample that a movie's tables name; "" of others."""
    file.seek(0, 2)
    found, pending = set[str](), [(0, file.tell())]
    with suppress(struct.error, OSError):
        while pending:
            for name, start, end in boxes_in(file, *pending.pop()):
                if name in TO_SAMPLES:
                    pending.append((start, end))
                elif name == b"stsd":  # a version and a count come first
                    found |= {kind.decode("latin-1") for kind, *_ in boxes_in(file, start + 8, end)}
    return frozenset(found)

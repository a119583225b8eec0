"""Other pictures and data in a JPEG's file, and the numbers by which other programs find them.

Pictures after the end of the image are found through the Multi-Picture index (CIPA DC-007) and
through offsets in the EXIF block. Others count from the end of the file or of the picture: those
that XMP lists (Google's containers, Motion Photo), and Samsung's trailer, which is recognised by
itself. Never raises on a broken index: an entry that leads nowhere is no companion. Never changes a
file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from .heads import ORDERS, Segment, end_of_picture, fields_of, head_of, number_at
from .pointers import EXIF_HEAD, PICTURE, Number, pointers_of

APP1, APP2 = 0xE1, 0xE2
MPF_HEAD, XMP_HEADS = b"MPF\0", (b"http://ns.adobe.com/xap/", b"http://ns.adobe.com/xmp/")
MPF_ENTRIES, MPF_ENTRY_BYTES = 0xB002, 16
MOST_PICTURES = 256  # of one index
FIRST_OF_ITEM = re.compile(rb"<[\w.-]+:Item[\s>]")
OF_ITEM = re.compile(rb"[\w.-]+:(Semantic|Length|Padding)\s*(?:=\s*[\"']|>)\s*([\w.-]+)")
WHOLE_NUMBER = re.compile(rb"0|[1-9]\d{0,9}")
VIDEO = b"ftyp"  # behind the length of an MP4's first box
MICRO_VIDEO = re.compile(rb"MicroVideoOffset\s*(?:=\s*[\"']|>)\s*(\d{1,10})\b")
SAMSUNG_HEAD, SAMSUNG_TAIL = b"SEFH", b"SEFT"
MOST_BLOCKS = 1024  # of a Samsung trailer


class Span(NamedTuple):
    """Some bytes of the file."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Companions:
    """What is beside the picture."""

    pictures: tuple[Span, ...]  # each as long as its index says, in the head's order
    numbers: tuple[Number, ...]  # that lead to them, or give the picture's own length
    told_from_end: tuple[Span, ...]  # found by counting from the file's or the picture's end
    doubtful: tuple[int, ...]  # offsets behind the first scan where a number of the head may lead
    bases: frozenset[int]  # what offsets may count from
    head: int  # offset of the first scan


def companions_of(content: bytes, end: int) -> Companions:
    """Return what a JPEG holds beside the picture whose EOI marker ends at `end`."""
    head = head_of(content)
    if not head:
        return Companions((), (), (), (), frozenset(), 0)
    scan = head[-1].first
    pictures: list[Span] = []
    numbers: list[Number] = []
    doubtful, bases = list[int](), {0}
    for segment in head:
        if segment.marker == APP2 and content.startswith(MPF_HEAD, segment.first):
            bases.add(segment.first + len(MPF_HEAD))
            for place, size in _read_picture_index(content, segment):
                numbers += [size] if place.value == 0 else [place]
                if place.target >= scan:
                    pictures.append(Span(place.target, place.target + size.value))
        elif segment.marker == APP1 and content.startswith(EXIF_HEAD, segment.first):
            bases.add(segment.first + len(EXIF_HEAD))
            for number, length in pointers_of(content, segment.first + len(EXIF_HEAD), scan):
                last = end_of_picture(content, number.target) if length == 0 else None
                if length is None:
                    doubtful.append(number.target)
                else:
                    numbers.append(number)
                    pictures.append(Span(number.target, last or number.target + length))
    items = list(_items(content, head))
    numbers += [item.length for item in items if item.is_primary and item.length.value == end]
    bases |= {number.base for number in numbers if number.base is not None}
    once = {number.at: number for number in numbers}
    return Companions(
        tuple(pictures), tuple(once.values()), tuple(_spans_by_counting(content, end, head, items)),
        tuple(doubtful), frozenset(bases), scan,
    )  # fmt: skip


def _read_picture_index(content: bytes, segment: Segment) -> Iterator[tuple[Number, Number]]:
    """Yield place and size of each picture that a Multi-Picture index names and the file holds.

    Offsets count from the index's byte order mark; that of the first picture is 0.
    """
    base = segment.first + len(MPF_HEAD)
    order = ORDERS.get(content[base : base + 2])
    directory = number_at(content, base + 4, f"{order}I") if order else None
    if directory is None:
        return
    code = f"{order}I"
    for field in fields_of(content, order or "", base + directory):
        if field.tag != MPF_ENTRIES or field.length <= 4:
            continue
        first = base + (number_at(content, field.at, code) or 0)
        for n in range(min(field.length // MPF_ENTRY_BYTES, MOST_PICTURES)):
            at = first + MPF_ENTRY_BYTES * n
            size, offset = number_at(content, at + 4, code), number_at(content, at + 8, code)
            if not size or offset is None or at + MPF_ENTRY_BYTES > segment.last:
                continue
            if (base + offset if offset else 0) + size <= len(content):
                length = Number(at + 4, code, size, None)
                yield Number(at + 8, code, offset, base), length


class _Item(NamedTuple):
    """One item of a Google container."""

    is_primary: bool
    length: Number
    padding: int


def _items(content: bytes, head: Sequence[Segment]) -> Iterator[_Item]:
    for segment in _xmp(content, head):
        starts = [each.end() for each in FIRST_OF_ITEM.finditer(content, *segment[1:])]
        for start, last in pairwise([*starts, segment.last]):
            told = {each[1]: each for each in OF_ITEM.finditer(content, start, last)}
            semantic, length, padding = (
                told.get(name) for name in (b"Semantic", b"Length", b"Padding")
            )
            if semantic and length and WHOLE_NUMBER.fullmatch(length[2]):
                more = int(padding[2]) if padding and WHOLE_NUMBER.fullmatch(padding[2]) else 0
                number = Number(length.start(2), "", int(length[2]), None)
                yield _Item(semantic[2] == b"Primary", number, more)


def _xmp(content: bytes, head: Sequence[Segment]) -> Iterator[Segment]:
    for segment in head:
        if segment.marker == APP1 and content.startswith(XMP_HEADS, segment.first):
            yield segment


def _spans_by_counting(
    content: bytes, end: int, head: Sequence[Segment], items: Sequence[_Item]
) -> Iterator[Span]:
    """Yield what is found by counting from the picture's end or from the file's."""
    size, total = len(content), sum(item.length.value for item in items if not item.is_primary)
    padding = sum(item.padding for item in items if item.is_primary)
    videos = [
        int(found[1])
        for segment in _xmp(content, head)
        for found in MICRO_VIDEO.finditer(content, *segment[1:])
    ]
    spans = [Span(end + padding, end + padding + total), Span(size - total, size)]
    spans += [Span(size - video, size) for video in videos]
    for span in spans:
        if end <= span.first < span.last <= size and (
            content.startswith(PICTURE, span.first) or content.startswith(VIDEO, span.first + 4)
        ):
            yield span
    yield from (span for span in _samsung(content) if span.first >= end)


def _samsung(content: bytes) -> Iterator[Span]:
    """Yield Samsung's trailer: blocks, a directory of how far before it they lie, its length."""
    size = number_at(content, len(content) - 8, "<I")
    if not content.endswith(SAMSUNG_TAIL) or size is None:
        return
    directory = len(content) - 8 - size
    count = number_at(content, directory + 8, "<I")
    if not count or count > MOST_BLOCKS or not content.startswith(SAMSUNG_HEAD, directory):
        return
    back = [number_at(content, directory + 12 + 12 * n + 4, "<I") or 0 for n in range(count)]
    if max(back) <= directory:
        yield Span(directory - max(back), len(content))

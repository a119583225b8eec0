"""The marker segments of a JPEG: its headers, its tables, and where its scans lie.

Takes in what decoding needs and passes over everything else. Never allocates by a claim that the
file's size does not bear out, and never decodes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import bits
from .headers import FrameHeader, ScanHeader, colours_of, frame_header
from .huffman import HuffmanTable
from .picture import BLOCK, Colours, Scan
from .refusal import Refusal

MAX_SCANS = 100  # real progressive files have about ten
MAX_SEGMENTS = 65_536
LEAST_BITS = {False: 2, True: 1}  # of one block: a DC code, and an end of block if sequential

SOF0, SOF1, SOF2, DHT, SOI, EOI, SOS, DQT, DNL, DRI = (
    0xC0, 0xC1, 0xC2, 0xC4, 0xD8, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD,
)  # fmt: skip
DHP, EXP, APP0, APP14 = 0xDE, 0xDF, 0xE0, 0xEE
FILL = re.compile(b"\xff+")  # a marker's first byte may be repeated (T.81, B.1.1.2)
ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
KINDS_NOT_WRITTEN = {
    0xC3: "a lossless", 0xC5: "a hierarchical", 0xC6: "a hierarchical", 0xC7: "a lossless",
    **dict.fromkeys(range(0xC9, 0xD0), "an arithmetic-coded"),
    DHP: "a hierarchical", EXP: "a hierarchical",
}  # fmt: skip


def _zigzag() -> NDArray[np.int64]:
    """Return v * 8 + u of each position of the bitstream (T.81, figure 5).

    The diagonals follow each other, the odd ones from above, the even ones from below.
    """
    places = [(v + u, v if (v + u) % 2 else u, v * BLOCK + u) for v in range(8) for u in range(8)]
    return np.array([place for _, _, place in sorted(places)], np.int64)


NATURAL = _zigzag()


@dataclass(frozen=True, slots=True)
class MarkerSegments:
    """All that the marker segments say."""

    frame: FrameHeader
    colours: Colours
    steps: tuple[NDArray[np.uint16], ...]  # one per component, in natural order
    scans: tuple[Scan, ...]
    intervals: tuple[bits.Intervals, ...]  # one per scan
    fill: int  # offset of the end-of-image marker, or of the fill bytes before it
    end: int  # offset after that marker


def marker_segments_of(content: bytes, path: Path) -> MarkerSegments:
    """Walk over all segments up to the end of the image; raise ReadError."""
    return _Walk(content, Refusal(path)).read()


class _Walk:
    """The tables in force at one place of the file, and what stood before it."""

    def __init__(self, content: bytes, refusal: Refusal) -> None:
        self.content = content
        self.refusal = refusal
        self.frame: FrameHeader | None = None
        self.quantisation: dict[int, NDArray[np.uint16]] = {}
        self.huffman: dict[int, HuffmanTable] = {}  # by class * 16 + number
        self.fresh: set[int] = set()  # tables defined since the last scan
        self.restart = 0
        self.jfif = False
        self.transform: int | None = None  # of Adobe's APP14
        self.colours: Colours = "other"
        self.steps: dict[int, NDArray[np.uint16]] = {}
        self.scans: list[Scan] = []
        self.intervals: list[bits.Intervals] = []

    def read(self) -> MarkerSegments:
        if self.content[:2] != b"\xff\xd8":
            self.refusal.damaged("it does not begin as a JPEG does")
        begin, marker, at = self._next_marker(2)
        segments = 0
        while marker != EOI:
            segments += 1
            if segments > MAX_SEGMENTS:
                self.refusal.damaged(f"it has more than {MAX_SEGMENTS} segments")
            if marker not in ALONE:
                at = self._segment(begin, marker, at)
            begin, marker, at = self._next_marker(at)
        return self._whole(begin, at)

    def _whole(self, fill: int, end: int) -> MarkerSegments:
        if self.frame is None or not self.scans:
            self.refusal.damaged("it holds no picture")
        if len(self.steps) < len(self.frame.components):
            self.refusal.damaged("the scans of some components are missing")
        steps = tuple(self.steps[index] for index in range(len(self.frame.components)))
        scans, intervals = tuple(self.scans), tuple(self.intervals)
        return MarkerSegments(self.frame, self.colours, steps, scans, intervals, fill, end)

    def _next_marker(self, at: int) -> tuple[int, int, int]:
        """Return where the next marker begins, the marker, and the offset after it.

        Stray bytes before it are passed over, as libjpeg does.
        """
        content = self.content
        while True:
            fill = FILL.search(content, at)
            if fill is None or fill.end() >= len(content):
                self.refusal.cut_short()
            begin, at = fill.span()
            if content[at] != 0:
                return begin, content[at], at + 1

    def _segment(self, begin: int, marker: int, at: int) -> int:
        """Take in one segment and return the offset after it, and after its scan."""
        length = int.from_bytes(self.content[at : at + 2], "big")
        if at + max(length, 2) > len(self.content):
            self.refusal.cut_short()
        if length < 2 or marker == SOI:
            self.refusal.damaged(f"no segment follows the marker at byte {begin}")
        if marker in KINDS_NOT_WRITTEN:
            self.refusal.not_written(f"{KINDS_NOT_WRITTEN[marker]} JPEG")
        body, end = self.content[at + 2 : at + length], at + length
        if marker == SOS:
            return self._scan(body, begin, end)
        takers = {
            SOF0: self._sequential, SOF1: self._sequential, SOF2: self._progressive,
            DHT: self._huffman_tables, DQT: self._quantisation_tables,
            DRI: self._restart_interval, DNL: self._number_of_lines,
            APP0: self._jfif, APP14: self._adobe,
        }  # fmt: skip
        if marker in takers:
            takers[marker](body)
        return end

    def _sequential(self, body: bytes) -> None:
        self._take_frame(frame_header(body, self.refusal, progressive=False))

    def _progressive(self, body: bytes) -> None:
        self._take_frame(frame_header(body, self.refusal, progressive=True))

    def _take_frame(self, frame: FrameHeader) -> None:
        if self.frame is not None:
            self.refusal.damaged("it has two frame headers")
        blocks = sum(-(-c.width // BLOCK) * -(-c.height // BLOCK) for c in frame.components)
        if blocks * LEAST_BITS[frame.progressive] > 8 * len(self.content):
            size = f"{frame.width}x{frame.height} pixels"
            self.refusal.damaged(f"{size} cannot be in {len(self.content)} bytes")
        self.frame = frame

    def _huffman_tables(self, body: bytes) -> None:
        at = 0
        while at < len(body):
            counts = body[at + 1 : at + 17]
            table = HuffmanTable(counts, body[at + 17 : at + 17 + sum(counts)])
            if len(counts) < 16 or not table.is_possible or body[at] & 0xEC:
                self.refusal.damaged("a Huffman table is impossible")
            self.huffman[body[at]] = table
            self.fresh.add(body[at])
            at += 17 + len(table.symbols)

    def _quantisation_tables(self, body: bytes) -> None:
        at = 0
        while at < len(body):
            size = 2 if body[at] >> 4 else 1
            values = body[at + 1 : at + 1 + 64 * size]
            if body[at] & 0xEC or len(values) < 64 * size:
                self.refusal.damaged("a quantisation table is garbled")
            steps = np.zeros(64, np.uint16)
            steps[NATURAL] = np.frombuffer(values, ">u2" if size == 2 else np.uint8)
            if not steps.all():
                self.refusal.damaged("a quantisation table has a step of 0")
            self.quantisation[body[at] & 15] = steps
            at += 1 + 64 * size

    def _restart_interval(self, body: bytes) -> None:
        if len(body) != 2:
            self.refusal.damaged("its restart interval is garbled")
        self.restart = int.from_bytes(body, "big")

    def _number_of_lines(self, _body: bytes) -> None:
        self.refusal.not_written("a JPEG that tells its height after the picture (DNL)")

    def _jfif(self, body: bytes) -> None:
        self.jfif = self.jfif or (len(body) >= 14 and body.startswith(b"JFIF\0"))

    def _adobe(self, body: bytes) -> None:
        if len(body) >= 12 and body.startswith(b"Adobe"):
            self.transform = body[11]

    def _scan(self, body: bytes, header: int, start: int) -> int:
        frame = self.frame
        if frame is None:
            self.refusal.damaged("a scan stands before the frame header")
        if not self.scans:
            names = bytes(each.name for each in frame.components)
            self.colours = colours_of(names, jfif=self.jfif, transform=self.transform)
        if len(self.scans) == MAX_SCANS:
            self.refusal.damaged(f"it has more than {MAX_SCANS} scans")
        fresh = frozenset(self.fresh)
        self.fresh.clear()
        header_of = ScanHeader(frame, self.refusal, self.huffman, fresh, self.restart)
        scan = header_of.scan(body, header, start)
        for member in scan.members:
            self._note_steps(member, frame.components[member].table)
        if 2 * scan.intervals > len(self.content) - start:
            self.refusal.cut_short()
        status, end, intervals = bits.split(self.content, start, scan.intervals)
        if status == bits.WRONG_RESTART:
            self.refusal.damaged("its restart markers are out of order")
        if status == bits.CUT_SHORT or intervals.first.size < scan.intervals:
            self.refusal.cut_short()
        self.scans.append(replace(scan, end=end))
        self.intervals.append(intervals)
        return end

    def _note_steps(self, member: int, table: int) -> None:
        """Keep the steps in force at a component's first scan: later ones do not count."""
        if member in self.steps:
            if not self.frame or not self.frame.progressive:
                self.refusal.damaged("two scans of one component")
        elif table not in self.quantisation:
            self.refusal.damaged("a quantisation table is missing")
        else:
            self.steps[member] = self.quantisation[table]

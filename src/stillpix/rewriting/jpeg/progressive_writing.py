"""Writes the scans of a progressive file back; each scan with a changed bit is encoded again.

Keeps the scans, their order, and which bits each sends. The tables of a progressive file are made
for its own scans, so a change often needs a symbol that they lack. Then the scan gets the best
tables for it, in a DHT segment before it. All of the file's own segments stay. If a later scan
relies on them, they are written again. Never touches a scan that did not change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import bits, progressive_encoding, sequential
from .changes import Changes, Piece
from .codable import codable_dc
from .headers import AC_CLASS
from .huffman import HuffmanTable, optimal_table
from .order import Indices, MemberOrder
from .picture import BitOffsets, JpegImage, Scan
from .segments import NATURAL

MOST_AC = (1 << sequential.MOST_AC_BITS) - 1
ALL_SIZES = np.ones(sequential.MOST_DC_BITS + 1, np.bool_)
BITS_OF_COEFFICIENT = 28  # at most: code and number; the corrections are fewer
BITS_OF_RUN = 40  # at most: an end-of-band symbol with its number

Tables = dict[int, HuffmanTable]  # by class * 16 + number


class Coded(NamedTuple):
    """One scan encoded."""

    words: NDArray[np.uint64]
    edges: Indices  # (intervals written, 2): first and last bit of each
    counts: NDArray[np.int64]  # (tables, 256): how often each symbol occurs


def make_codable(image: JpegImage, scan: Scan, wanted: Changes, coded: NDArray[np.int16]) -> None:
    """Replace in `coded` what no table can code: what is beyond the range of 8-bit pictures."""
    np.clip(coded[:, 1:], -MOST_AC, MOST_AC, out=coded[:, 1:])
    if scan.band[0] > 0 or scan.high > 0:
        return
    for slot, member in enumerate(scan.members):
        mine = np.flatnonzero(wanted.of(member))
        if mine.size:
            coded[mine, 0] = codable_dc(
                MemberOrder.of(scan, slot), wanted.indices[mine], coded[mine, 0],
                image._all_blocks, ALL_SIZES, scan.low,
            )  # fmt: skip


def pieces_of(image: JpegImage, content: bytes, changes: Changes) -> list[Piece]:
    """Return what stands anew in the file: intervals, and tables put before a scan."""
    pieces: list[Piece] = []
    said: Tables = {}  # tables in force that are not those the file has there
    for scan, offsets in zip(image._scans, image._offsets, strict=True):
        own = _tables_of(scan)
        said = {slot: table for slot, table in said.items() if slot not in scan.fresh}
        touched = _find_touched(image, scan, changes)
        tables = own
        if touched.size:
            writer = _ScanWriter.of(image, content, scan, offsets, changes)
            tables, rewritten = writer.written(own, touched)
            pieces += rewritten
        added = [
            table.segment(slot)
            for slot, table in tables.items()
            if table != said.get(slot, own[slot])
        ]
        if added:
            pieces.append((scan.header, scan.header, b"".join(added)))
        said |= tables
    return pieces


def _tables_of(scan: Scan) -> Tables:
    """Return the tables that a scan uses."""
    tables: Tables = {}
    for (dc, ac), dc_table, ac_table in zip(
        scan.slots, scan.dc_tables, scan.ac_tables, strict=True
    ):
        if dc_table is not None:
            tables[dc] = dc_table
        if ac_table is not None:
            tables[AC_CLASS + ac] = ac_table
    return tables


def _find_touched(image: JpegImage, scan: Scan, changes: Changes) -> Indices:
    """Return the restart intervals of a scan that send a changed bit."""
    found = [np.zeros(0, np.int64)]
    for slot, member in enumerate(scan.members):
        mine = changes.only(changes.of(member))
        before, after = (
            _bits_to_send(scan, blocks) for blocks in (image._all_blocks[mine.indices], mine.values)
        )
        order = MemberOrder.of(scan, slot)
        changed = mine.indices[(before != after).any(axis=1)]
        found.append(order.positions_of(changed) // order.restart)
    return np.unique(np.concatenate(found))


def _bits_to_send(scan: Scan, blocks: NDArray[np.int16]) -> NDArray[np.int32]:
    """Return what a scan tells of blocks, (n, coefficients), so that the same is coded the same."""
    values = blocks.astype(np.int32)
    if scan.band[0] == 0:
        dc = values[:, :1] >> scan.low
        return dc & 1 if scan.high else dc
    band = values[:, NATURAL[scan.band[0] : scan.band[1] + 1]]
    cut: NDArray[np.int32] = np.sign(band) * (np.abs(band) >> scan.low)
    return cut


@dataclass(frozen=True, slots=True, eq=False)
class _ScanWriter:
    """One scan of the file, ready to be encoded with one set of tables or another."""

    image: JpegImage
    scan: Scan
    offsets: BitOffsets
    changes: Changes
    intervals: bits.Intervals

    @classmethod
    def of(
        cls, image: JpegImage, content: bytes, scan: Scan, offsets: BitOffsets, changes: Changes
    ) -> _ScanWriter:
        _, _, intervals = bits.split(content, scan.start, scan.intervals)
        return cls(image, scan, offsets, changes, intervals)

    def written(self, own: Tables, touched: Indices) -> tuple[Tables, list[Piece]]:
        """Return the tables that serve, and the intervals encoded with them.

        The file's own tables serve if they know all symbols of the intervals touched; if not, all
        intervals are encoded with new ones.
        """
        coded = self._code_intervals(own, touched)
        if not self._lacks_a_code(own, coded.counts):
            return own, self._pieces(touched, coded)
        every = np.arange(self.scan.intervals, dtype=np.int64)
        if touched.size < every.size:
            coded = self._code_intervals(own, every)
        best = {
            slot: optimal_table(counts)
            for slot, counts in zip(own, coded.counts, strict=True)
        }  # fmt: skip
        return best, self._pieces(every, self._code_intervals(best, every))

    @staticmethod
    def _lacks_a_code(tables: Tables, counts: NDArray[np.int64]) -> bool:
        pairs = zip(tables.values(), counts, strict=False)
        return any(bool(((table.lengths == 0) & (count > 0)).any()) for table, count in pairs)

    def _code_intervals(self, tables: Tables, touched: Indices) -> Coded:
        scan = self.scan
        blocks = min(touched.size * scan.restart, scan.mcus) * len(scan.order)
        a_block = (scan.band[1] - scan.band[0] + 1) * BITS_OF_COEFFICIENT + BITS_OF_RUN
        stray = int((self.intervals.last - self.intervals.first)[touched].sum())
        room = blocks * a_block + stray + 64 * touched.size + bits.SLACK_BITS
        coded = Coded(
            np.zeros(room // 64, np.uint64),
            np.zeros((touched.size, 2), np.int64),
            np.zeros((max(len(tables), 1), 256), np.int64),
        )
        codes, lengths, dc_tables = self._codes(tables)
        where = (
            self.intervals.words, self.intervals.last, scan.order, scan.mcus_across, scan.mcus,
            scan.restart,
        )  # fmt: skip
        what = (
            self.image._all_blocks, self.changes.indices, self.changes.values, self.offsets.last,
            touched, bits.filling_of(self.intervals, self.offsets.last), coded.words, coded.edges,
        )  # fmt: skip
        if scan.band[0] == 0:
            progressive_encoding.encode_dc(
                *where, codes, lengths, coded.counts, dc_tables, scan.high, scan.low, *what
            )
        else:
            band = NATURAL[scan.band[0] : scan.band[1] + 1]
            progressive_encoding.encode_ac(
                *where, codes[0], lengths[0], coded.counts[0], scan.high, scan.low, band, *what
            )
        return coded

    def _codes(
        self, tables: Tables
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint8], NDArray[np.int64]]:
        """Return codes and lengths of the tables, and which of them codes each member's DC."""
        slots = list(tables)
        uses = [slots.index(dc) if dc in tables else -1 for dc, _ in self.scan.slots]
        codes, lengths = np.zeros((2, max(len(slots), 1), 256), np.uint64)
        for n, table in enumerate(tables.values()):
            codes[n], lengths[n] = table.codes, table.lengths
        return codes, lengths.astype(np.uint8), np.array(uses, np.int64)

    def _pieces(self, touched: Indices, coded: Coded) -> list[Piece]:
        raw_first, raw_last = self.intervals.raw_first.tolist(), self.intervals.raw_last.tolist()
        return [
            (raw_first[interval], raw_last[interval], bits.stuffed(coded.words, first, last))
            for interval, (first, last) in zip(touched.tolist(), coded.edges.tolist(), strict=True)
        ]

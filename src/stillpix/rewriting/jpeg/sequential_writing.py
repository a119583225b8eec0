"""Writes a sequential scan back: changed blocks are encoded, and the bits between them copied.

Never changes a Huffman table: a block without codes becomes the nearest one that has them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from . import bits, sequential
from .changes import Changes, Piece
from .codable import codable_dc, have_codes, nearest_block
from .decoding import unlike_tables, uses_of
from .order import Indices, MemberOrder
from .picture import BitOffsets, JpegImage, Scan
from .segments import NATURAL

MOST_BITS = 1728  # of one block: 64 codes of 16 bits with their numbers, and some
SIZES = sequential.MOST_DC_BITS + 1


def make_codable(image: JpegImage, scan: Scan, wanted: Changes, coded: NDArray[np.int16]) -> None:
    """Replace in `coded` what the tables of a sequential scan have no code for."""
    for slot, member in enumerate(scan.members):
        mine = np.flatnonzero(wanted.of(member))
        dc, ac = scan.dc_tables[slot], scan.ac_tables[slot]
        if not mine.size or dc is None or ac is None:
            continue
        steps = image.components[member].steps
        for n in mine[~have_codes(coded[mine], ac.lengths)]:
            coded[n] = nearest_block(coded[n], steps, ac.lengths)
        coded[mine, 0] = codable_dc(
            MemberOrder.of(scan, slot), wanted.indices[mine], coded[mine, 0], image._all_blocks,
            dc.lengths[:SIZES] > 0,
        )  # fmt: skip


def pieces_of(image: JpegImage, content: bytes, changes: Changes) -> list[Piece]:
    """Return what stands anew in the file: the restart intervals that hold a changed block."""
    return [
        piece
        for scan, offsets in zip(image._scans, image._offsets, strict=True)
        for piece in _pieces(image, content, scan, offsets, changes)
    ]


def _pieces(
    image: JpegImage, content: bytes, scan: Scan, offsets: BitOffsets, changes: Changes
) -> Iterable[Piece]:
    """Yield the restart intervals of a sequential scan that hold a changed block, written anew."""
    stale = _stale_mcus(scan, changes)
    touched = np.unique(np.flatnonzero(stale) // scan.restart)
    if not touched.size:
        return
    _, _, intervals = bits.split(content, scan.start, scan.intervals)
    words, edges = _rewritten_intervals(image, scan, offsets, changes, intervals, stale, touched)
    for interval, (first, last) in zip(touched.tolist(), edges.tolist(), strict=True):
        raw = int(intervals.raw_first[interval]), int(intervals.raw_last[interval])
        yield *raw, bits.stuffed(words, first, last)


def _stale_mcus(scan: Scan, changes: Changes) -> NDArray[np.bool_]:
    """Return which MCUs are to be encoded: the changed ones, and those predicted from them."""
    stale = np.zeros(scan.mcus, np.bool_)
    for slot, member in enumerate(scan.members):
        mcus = MemberOrder.of(scan, slot).mcus_of(changes.indices[changes.of(member)])
        stale[mcus] = True
        following = mcus + 1
        stale[following[(following < scan.mcus) & (following % scan.restart != 0)]] = True
    return stale


def _rewritten_intervals(
    image: JpegImage, scan: Scan, offsets: BitOffsets, changes: Changes, intervals: bits.Intervals,
    stale: NDArray[np.bool_], touched: Indices,
) -> tuple[NDArray[np.uint64], Indices]:  # fmt: skip
    """Return the bits of the touched intervals, and where the first and last one of each lie."""
    filling = bits.filling_of(intervals, offsets.last)
    copied = int((intervals.last - intervals.first)[touched].sum()) + 16 * touched.size
    room = copied + int(stale.sum()) * len(scan.order) * MOST_BITS + bits.SLACK_BITS
    words = np.zeros(room // 64, np.uint64)
    edges = np.zeros((touched.size, 2), np.int64)
    tables = unlike_tables(scan)
    coding = (
        np.stack([table.codes for table in tables]),
        np.stack([table.lengths for table in tables]),
        uses_of(scan, tables),
    )
    status = sequential.rewrite_intervals(
        intervals.words, intervals.last, scan.order, scan.mcus_across, scan.mcus, scan.restart,
        coding, NATURAL, (image._all_blocks, changes.indices, changes.values),
        offsets.mcus, offsets.last, stale, touched, filling, words, edges,
    )  # fmt: skip
    if status != sequential.DECODED:
        raise ValueError("a block has no code in the tables of its scan")
    return words, edges

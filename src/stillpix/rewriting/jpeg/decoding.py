"""From the bytes of a JPEG to its coefficients.

Never guesses what a damaged file may have held.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import bits, progressive, sequential
from .huffman import LONGEST_CODE, HuffmanTable, number_entries, quick_entries
from .picture import BitOffsets, Component, JpegImage, Scan
from .refusal import Refusal
from .segments import NATURAL, MarkerSegments, marker_segments_of

KEPT: Final = 8  # look-up tables: all frames of a clip, and most photos of a camera, have the same
COMPLAINTS = {
    sequential.OVERRUN: "its picture ends too early",
    sequential.NO_SUCH_CODE: "its picture holds a code that is in no table",
    sequential.BEYOND_BLOCK: "its picture holds a block of more than 64 coefficients",
    sequential.OUT_OF_RANGE: "its picture holds a coefficient beyond the range of 8-bit pictures",
}


def read_coefficients(content: bytes, path: Path) -> JpegImage:
    """Return the quantised coefficients of a JPEG, given as the whole file's bytes.

    Baseline, extended sequential and progressive JPEGs of 8 bits with Huffman codes, 1 to 4
    components and any sampling factors are read; only the first picture of several in one file.

    Raises ReadError, which names `path`, for other kinds, for damage, and for a file cut short.
    """
    markers = marker_segments_of(content, path)
    blocks = np.zeros((markers.frame.blocks, 64), np.int16)
    refusal = Refusal(path)
    if markers.frame.progressive:
        _require_every_bit(markers, refusal)
    decoded = _decoded_progressive if markers.frame.progressive else _decoded_sequential
    offsets = tuple(
        decoded(scan, intervals, blocks, refusal)
        for scan, intervals in zip(markers.scans, markers.intervals, strict=True)
    )
    blocks.flags.writeable = False
    return JpegImage(
        markers.frame.width, markers.frame.height, markers.colours,
        _components(markers, blocks), markers.frame.progressive, markers.fill, markers.end,
        markers.scans, offsets, blocks, zlib.crc32(content),
    )  # fmt: skip


def _components(markers: MarkerSegments, blocks: NDArray[np.int16]) -> tuple[Component, ...]:
    return tuple(
        Component(
            each.across, each.down, each.width, each.height, steps,
            blocks[each.first : each.first + each.rows * each.columns].reshape(
                each.rows, each.columns, 64
            ),
        )
        for each, steps in zip(markers.frame.components, markers.steps, strict=True)
    )  # fmt: skip


def _require_every_bit(markers: MarkerSegments, refusal: Refusal) -> None:
    """Raise ReadError unless the scans send each bit of each coefficient once, highest first."""
    low = np.full((len(markers.frame.components), 64), -1)  # bits not sent yet; -1: nothing was
    for scan in markers.scans:
        first, last = scan.band
        for member in scan.members:
            before = low[member, first : last + 1]
            if (before != (scan.high or -1)).any():
                refusal.damaged("its progressive scans are out of order")
            before[:] = scan.low
    if low.any():
        refusal.not_written("a progressive JPEG that leaves out some of the picture's detail")


def _decoded_sequential(
    scan: Scan, intervals: bits.Intervals, blocks: NDArray[np.int16], refusal: Refusal
) -> BitOffsets:
    offsets = BitOffsets(np.zeros(scan.mcus, np.uint64), np.zeros(scan.intervals, np.uint64))
    (quick, entries, numbers), which = look_ups(scan)
    status = sequential.decode_scan(
        intervals.words, intervals.first, intervals.last, scan.order, scan.mcus_across,
        scan.mcus, scan.restart, quick, entries, numbers, which, NATURAL, blocks,
        offsets.mcus, offsets.last,
    )  # fmt: skip
    _require_decoded(status, refusal)
    return offsets


def _decoded_progressive(
    scan: Scan, intervals: bits.Intervals, blocks: NDArray[np.int16], refusal: Refusal
) -> BitOffsets:
    offsets = BitOffsets(np.zeros(0, np.uint64), np.zeros(scan.intervals, np.uint64))
    (quick, entries, _), which = look_ups(scan)
    where = (
        intervals.words, intervals.first, intervals.last, scan.order, scan.mcus_across,
        scan.mcus, scan.restart,
    )  # fmt: skip
    if scan.band[0] > 0:
        status = progressive.decode_ac(
            *where, quick, entries, *scan.band, scan.high, scan.low, NATURAL, blocks, offsets.last
        )
    elif scan.high > 0:
        status = progressive.refine_dc(*where, scan.low, blocks, offsets.last)
    else:
        status = progressive.decode_dc(
            *where, quick, entries, which, scan.low, blocks, offsets.last
        )
    _require_decoded(status, refusal)
    return offsets


class LookUps(NamedTuple):
    """What the next bits mean by each of some tables; not to be written to."""

    quick: NDArray[np.uint16]
    entries: NDArray[np.uint16]
    numbers: NDArray[np.int32]


def look_ups(scan: Scan) -> tuple[LookUps, NDArray[np.int64]]:
    """Return a scan's look-up tables, and which of them each member uses."""
    every = unlike_tables(scan)
    return _look_ups_of(tuple(every)), uses_of(scan, every)


@lru_cache(maxsize=KEPT)
def _look_ups_of(tables: tuple[HuffmanTable, ...]) -> LookUps:
    entries = np.zeros((max(len(tables), 1), 1 << LONGEST_CODE), np.uint16)
    for n, table in enumerate(tables):
        entries[n] = table.entries()
    quick = np.stack([quick_entries(each) for each in entries])
    return LookUps(quick, entries, np.stack([number_entries(each) for each in entries]))


def unlike_tables(scan: Scan) -> list[HuffmanTable]:
    """Return the tables that a scan uses, each once."""
    both = [*scan.dc_tables, *scan.ac_tables]
    return list(dict.fromkeys(table for table in both if table is not None))


def uses_of(scan: Scan, tables: list[HuffmanTable]) -> NDArray[np.int64]:
    """Return which of the tables code DC and AC of each member, (members, 2); -1 for none."""
    pairs = zip(scan.dc_tables, scan.ac_tables, strict=True)
    return np.array(
        [[-1 if table is None else tables.index(table) for table in pair] for pair in pairs],
        np.int64,
    )


def _require_decoded(status: int, refusal: Refusal) -> None:
    if status != sequential.DECODED:
        refusal.damaged(COMPLAINTS[status])

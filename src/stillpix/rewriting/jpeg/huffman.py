"""Huffman tables of a JPEG: as stored, as look-ups for decoding, as codes for encoding.

Never reads entropy-coded bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

QUICK_BITS = 10  # of a code that the small look-up table knows
NUMBER_BITS = 11  # of a code and the number after it, where a table knows both at once
LONGEST_CODE = 16


@dataclass(frozen=True)
class HuffmanTable:
    """One table of a DHT segment: how many codes of each length, and the symbols in that order.

    >>> table = HuffmanTable(bytes([0, 2, 1] + 13 * [0]), bytes([5, 6, 7]))
    >>> [f"{table.codes[s]:0{table.lengths[s]}b}" for s in table.symbols]
    ['00', '01', '100']
    """

    counts: bytes  # 16: of codes of 1 to 16 bits
    symbols: bytes

    @property
    def is_possible(self) -> bool:
        """Return whether codes of these lengths exist and each has its symbol."""
        room = sum(count << (LONGEST_CODE - n) for n, count in enumerate(self.counts, 1))
        return 0 < room <= 1 << LONGEST_CODE and sum(self.counts) == len(self.symbols) <= 256

    @cached_property
    def lengths(self) -> NDArray[np.uint8]:
        """Return the length of each symbol's code, (256,); 0 where it has none."""
        lengths = np.zeros(256, np.uint8)
        lengths[self._by_code] = self._lengths_by_code
        return lengths

    @cached_property
    def codes(self) -> NDArray[np.uint64]:
        """Return the code of each symbol in its low bits, (256,)."""
        spans = self._spans
        codes = np.zeros(256, np.uint64)
        codes[self._by_code] = (np.cumsum(spans) - spans) // spans
        return codes

    def entries(self) -> NDArray[np.uint16]:
        """Return the look-up table of the next 16 bits, (65536,): symbol * 256 + length of code.

        0 stands where no code begins so. Canonical codes, seen as numbers of 16 bits, follow each
        other without a gap (ITU-T T.81, annex C), so each fills the span after the one before.
        """
        entries = np.zeros(1 << LONGEST_CODE, np.uint16)
        every = (self._by_code.astype(np.uint16) << 8) | self._lengths_by_code
        spans = self._spans
        entries[: spans.sum()] = np.repeat(every, spans)
        return entries

    def segment(self, slot: int) -> bytes:
        """Return the DHT segment that defines this table as `slot` (class * 16 + number)."""
        body = bytes([slot]) + self.counts + self.symbols
        return b"\xff\xc4" + (len(body) + 2).to_bytes(2, "big") + body

    @property
    def _by_code(self) -> NDArray[np.uint8]:
        return np.frombuffer(self.symbols, np.uint8)

    @property
    def _lengths_by_code(self) -> NDArray[np.uint8]:
        counts = np.frombuffer(self.counts, np.uint8)
        return np.repeat(np.arange(1, LONGEST_CODE + 1, dtype=np.uint8), counts)

    @property
    def _spans(self) -> NDArray[np.int64]:
        return np.int64(1) << (LONGEST_CODE - self._lengths_by_code.astype(np.int64))


def quick_entries(entries: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return the look-up table of the next QUICK_BITS bits; 0 where the code may be longer."""
    quick = entries[:: 1 << (LONGEST_CODE - QUICK_BITS)]
    return np.where((quick & 0xFF) <= QUICK_BITS, quick, 0).astype(np.uint16)


def number_entries(entries: NDArray[np.uint16]) -> NDArray[np.int32]:
    """Return the look-up table of what the next NUMBER_BITS bits say of an AC coefficient.

    Takes the table of the next LONGEST_CODE bits, symbol * 256 + length. An entry is value * 65536
    + run * 256 + bits, of code and value together; 0 where these are more than NUMBER_BITS or no
    coefficient follows.
    """
    entry = entries[:: 1 << (LONGEST_CODE - NUMBER_BITS)].astype(np.int64)
    length, size, run = entry & 0xFF, (entry >> 8) & 15, entry >> 12
    known = (length > 0) & (size > 0) & (length + size <= NUMBER_BITS)
    bits = np.arange(1 << NUMBER_BITS) >> np.where(known, NUMBER_BITS - length - size, 0)
    number = bits & ((1 << size) - 1)
    value = np.where(number >> np.maximum(size - 1, 0), number, number - (1 << size) + 1)
    packed = value * 65536 + run * 256 + length + size
    return np.where(known, packed, 0).astype(np.int32)


def optimal_table(counts: NDArray[np.int64]) -> HuffmanTable:
    """Return the best table for symbols of these frequencies, (256,), one at least above 0.

    Follows ITU-T T.81, annex K.2: Huffman's lengths, the longest code of all ones left free, and
    codes beyond 16 bits made shorter at the cost of others.

    >>> table = optimal_table(np.bincount([7] * 5 + [3] * 2 + [4], minlength=256))
    >>> list(table.symbols), list(table.counts[:4])
    ([7, 3, 4], [1, 1, 1, 0])
    """
    symbols = np.flatnonzero(counts).tolist()
    lengths = _huffman_lengths([*(int(counts[symbol]) for symbol in symbols), 0])
    codes = [0] * (max(lengths) + 1)
    for length in lengths:
        codes[length] += 1
    _shorten(codes)
    codes = (codes + [0] * LONGEST_CODE)[: LONGEST_CODE + 1]
    longest = max(length for length, number in enumerate(codes) if number)
    codes[longest] -= 1  # the code of all ones
    by_length = sorted(range(len(symbols)), key=lambda n: (lengths[n], symbols[n]))
    return HuffmanTable(bytes(codes[1:]), bytes(symbols[n] for n in by_length))


def _huffman_lengths(frequencies: list[int]) -> list[int]:
    """Return the length of each code of Huffman's tree; of equals, the last is the longest."""
    nodes: list[tuple[int, int, tuple[int, ...]]] = [
        (frequency, -n, (n,)) for n, frequency in enumerate(frequencies)
    ]
    heapify(nodes)
    lengths = [0] * len(frequencies)
    while len(nodes) > 1:
        one, other = heappop(nodes), heappop(nodes)
        leaves = one[2] + other[2]
        for n in leaves:
            lengths[n] += 1
        heappush(nodes, (one[0] + other[0], max(one[1], other[1]), leaves))
    return lengths


def _shorten(codes: list[int]) -> None:
    """Bring codes of more than LONGEST_CODE bits down, pair by pair (T.81, figure K.3).

    codes[n] is the number of codes of n bits. Of two of the longest, which differ in their last
    bit, one takes their common beginning; the other and a shorter code become its extensions.
    """
    for length in range(len(codes) - 1, LONGEST_CODE, -1):
        while codes[length] > 0:
            shorter = next(n for n in range(length - 2, 0, -1) if codes[n])
            codes[length] -= 2
            codes[length - 1] += 1
            codes[shorter + 1] += 2
            codes[shorter] -= 1

"""The entropy coding of sequential scans (ITU-T T.81, annex F), both ways, as compiled loops.

Works on arrays only. What it decodes may be hostile: every place in every array is checked or
follows from the geometry, and no block reads more than bits.SLACK_BITS bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stillpix.compiling import compiled

from .bits import copy_bits, finish, peek, put
from .huffman import NUMBER_BITS, QUICK_BITS
from .picture import ACROSS, DOWN, FIRST, MEMBER, STRIDE, X, Y

DECODED, OVERRUN, NO_SUCH_CODE, BEYOND_BLOCK, OUT_OF_RANGE, NOT_CODABLE = range(6)
MOST_DC_BITS, MOST_AC_BITS = 11, 10  # of a difference and a coefficient (T.81, tables F.1, F.2)
LARGEST = 32767  # of a DC coefficient that int16 holds

_0, _1, _8, _15, _48, _63, _64 = (np.uint64(number) for number in (0, 1, 8, 15, 48, 63, 64))
_FF = np.uint64(0xFF)
_QUICK = np.uint64(64 - QUICK_BITS)
_NUMBER = np.uint64(64 - NUMBER_BITS)


@compiled
def block_of(order: Any, row: int, mcu: int, mcus_across: int) -> int:
    """Return the index, among all blocks, of the block that a row of Scan.order has in an MCU."""
    y, x = mcu // mcus_across, mcu % mcus_across
    line = y * order[row, DOWN] + order[row, Y]
    column = x * order[row, ACROSS] + order[row, X]
    return int(order[row, FIRST] + line * order[row, STRIDE] + column)


@compiled
def entry_of(quick: Any, entries: Any, table: int, word: Any) -> Any:
    """Return symbol * 256 + length of the code that a word begins with; 0 if there is none."""
    entry = quick[table, word >> _QUICK]
    if entry == 0:
        entry = entries[table, word >> _48]
    return np.uint64(entry)


@compiled
def extended(bits: Any, size: Any) -> Any:
    """Return the number that the first `size` bits of a word stand for (T.81, F.2.2.1)."""
    if size == _0:
        return np.int64(0)
    value = np.int64(bits >> (_64 - size))
    if bits >> _63 == _0:
        value -= (np.int64(1) << np.int64(size)) - 1
    return value


@compiled
def _decode_ac(
    words: Any, at: Any, quick: Any, entries: Any, numbers: Any, table: int, natural: Any,
    blocks: Any, block: int,
) -> Any:  # fmt: skip
    """Decode one block's AC coefficients; returns the place after them and a status."""
    k: Any = 1  # Any, here and below: an integer of whichever kind the compiler makes it
    while k < 64:
        word = peek(words, at)
        number = np.int64(numbers[table, word >> _NUMBER])
        if number != 0:
            k += (number >> 8) & 15
            if k > 63:
                return at, BEYOND_BLOCK
            blocks[block, natural[k]] = number >> 16
            at += np.uint64(number & 0xFF)
            k += 1
            continue
        entry = entry_of(quick, entries, table, word)
        length, size = entry & _FF, (entry >> _8) & _15
        run = np.int64(entry >> np.uint64(12))
        if size == _0:
            at += length
            if run == 0:
                return at, NO_SUCH_CODE if entry == _0 else DECODED
            k += 16
            if run != 15 or k > 63:
                return at, NO_SUCH_CODE if run != 15 else BEYOND_BLOCK
            continue
        k += run
        if k > 63 or size > np.uint64(MOST_AC_BITS):
            return at, BEYOND_BLOCK if k > 63 else OUT_OF_RANGE
        blocks[block, natural[k]] = extended(word << length, size)
        at += length + size
        k += 1
    return at, DECODED


@compiled
def decode_scan(
    words: Any, first: Any, last: Any, order: Any, mcus_across: int, mcus: int, restart: int,
    quick: Any, entries: Any, numbers: Any, tables: Any, natural: Any, blocks: Any, places: Any,
    ends: Any,
) -> Any:  # fmt: skip
    """Decode a sequential scan into `blocks` (all blocks, 64), which are 0.

    tables is (members, 2): which of the look-up tables code DC and AC. Notes where each MCU begins
    and where the last one of each interval ends. Returns a status.
    """
    predicted = np.zeros(4, np.int64)
    for interval in range(first.size):
        at, end = np.uint64(first[interval]), np.uint64(last[interval])
        predicted[:] = 0
        for mcu in range(interval * restart, min((interval + 1) * restart, mcus)):
            places[mcu] = at
            for row in range(order.shape[0]):
                member = order[row, MEMBER]
                block = block_of(order, row, mcu, mcus_across)
                word = peek(words, at)
                entry = entry_of(quick, entries, tables[member, 0], word)
                length, size = entry & _FF, entry >> _8
                if entry == _0 or size > np.uint64(MOST_DC_BITS):
                    return NO_SUCH_CODE
                predicted[member] += extended(word << length, size)
                if abs(predicted[member]) > LARGEST:
                    return OUT_OF_RANGE
                blocks[block, 0] = predicted[member]
                at, status = _decode_ac(
                    words, at + length + size, quick, entries, numbers, tables[member, 1],
                    natural, blocks, block,
                )  # fmt: skip
                if at > end:
                    return OVERRUN
                if status != DECODED:
                    return status
        ends[interval] = at
    return DECODED


@compiled
def bits_of(value: Any) -> Any:
    """Return how many bits the magnitude of a number has: its size category.

    >>> [int(bits_of(value)) for value in (0, 1, -3, 4)]
    [0, 1, 2, 3]
    """
    size, rest = 0, abs(value)
    while rest > 0:
        rest >>= 1
        size += 1
    return size


@compiled
def put_number(words: Any, at: Any, code: Any, length: Any, value: Any, size: Any) -> Any:
    """Lay a symbol's code and the `size` bits of a number (T.81, F.1.2.1) at bit `at`."""
    low = value if value >= 0 else value + (np.int64(1) << size) - 1
    both = (code << np.uint64(size)) | np.uint64(low)
    return put(words, at, both, np.uint64(length) + np.uint64(size))


@compiled
def _encode_block(
    words: Any, at: Any, blocks: Any, block: int, predicted: int, natural: Any, coding: Any,
    dc: int, ac: int,
) -> Any:  # fmt: skip
    """Encode one block; returns the place after it and a status. coding: all codes, lengths."""
    codes, lengths = coding
    difference = np.int64(blocks[block, 0]) - predicted
    size = bits_of(difference)
    if size > MOST_DC_BITS or lengths[dc, size] == 0:
        return at, NOT_CODABLE
    at = put_number(words, at, codes[dc, size], lengths[dc, size], difference, size)
    run = 0
    for k in range(1, 64):
        value = np.int64(blocks[block, natural[k]])
        if value == 0:
            run += 1
            continue
        while run > 15:
            if lengths[ac, 0xF0] == 0:
                return at, NOT_CODABLE
            at = put(words, at, codes[ac, 0xF0], np.uint64(lengths[ac, 0xF0]))
            run -= 16
        size = bits_of(value)
        symbol = run * 16 + size
        if size > MOST_AC_BITS or lengths[ac, symbol] == 0:
            return at, NOT_CODABLE
        at = put_number(words, at, codes[ac, symbol], lengths[ac, symbol], value, size)
        run = 0
    if run > 0:
        if lengths[ac, 0] == 0:
            return at, NOT_CODABLE
        at = put(words, at, codes[ac, 0], np.uint64(lengths[ac, 0]))
    return at, DECODED


@compiled
def place_in(changed: Any, block: int) -> int:
    """Return where an index stands among sorted ones, or -1.

    >>> [int(place_in(np.array([3, 5, 9]), index)) for index in (3, 9, 4, 10)]
    [0, 2, -1, -1]
    """
    first, last = 0, changed.size
    while first < last:
        middle = (first + last) // 2
        if changed[middle] < block:
            first = middle + 1
        else:
            last = middle
    return first if first < changed.size and changed[first] == block else -1


@compiled
def _encode_mcu(
    words: Any, at: Any, order: Any, mcus_across: int, mcu: int, predicted: Any, tables: Any,
    natural: Any, picture: Any,
) -> Any:  # fmt: skip
    """Encode one MCU; predicted (members,) is that of the MCU before and is brought up to date."""
    codes, lengths, which = tables
    blocks, changed, values = picture
    for row in range(order.shape[0]):
        member = order[row, MEMBER]
        block = block_of(order, row, mcu, mcus_across)
        source, place = blocks, place_in(changed, block)
        if place >= 0:
            source, block = values, place
        at, status = _encode_block(
            words, at, source, block, predicted[member], natural, (codes, lengths),
            which[member, 0], which[member, 1],
        )  # fmt: skip
        if status != DECODED:
            return at, status
        predicted[member] = source[block, 0]
    return at, DECODED


@compiled
def _predict(order: Any, mcus_across: int, mcu: int, picture: Any, predicted: Any) -> None:
    """Set the DC coefficients that come before an MCU: each member's last in the one before."""
    blocks, changed, values = picture
    for row in range(order.shape[0]):
        block = block_of(order, row, mcu - 1, mcus_across)
        place = place_in(changed, block)
        predicted[order[row, MEMBER]] = blocks[block, 0] if place < 0 else values[place, 0]


@compiled
def rewrite_intervals(
    source: Any, last: Any, order: Any, mcus_across: int, mcus: int, restart: int, tables: Any,
    natural: Any, picture: Any, places: Any, ends: Any, stale: Any, touched: Any, filling: Any,
    words: Any, edges: Any,
) -> Any:  # fmt: skip
    """Write the touched restart intervals one after the other, each from a whole byte on.

    MCUs that are stale are encoded from `picture`; the bits of the others are copied from the
    source, and so are the bits of padding and the stray bytes after the last MCU. stale is
    (mcus,), touched lists intervals, edges (touched, 2) takes their first and last bits. words are
    0 and large enough. Returns a status.
    """
    predicted = np.zeros(4, np.int64)
    at = _0
    for number in range(touched.size):
        interval = touched[number]
        edges[number, 0] = at
        begin, behind = interval * restart, min((interval + 1) * restart, mcus)
        mcu = begin
        while mcu < behind:
            run = mcu
            while run < behind and stale[run] == stale[mcu]:
                run += 1
            if stale[mcu]:
                predicted[:] = 0
                if mcu > begin:
                    _predict(order, mcus_across, mcu, picture, predicted)
                for each in range(mcu, run):
                    at, status = _encode_mcu(
                        words, at, order, mcus_across, each, predicted, tables, natural, picture
                    )
                    if status != DECODED:
                        return status
            else:
                end = places[run] if run < behind else ends[interval]
                at = copy_bits(source, places[mcu], end, words, at)
            mcu = run
        at = finish(source, ends[interval], last[interval], words, at, filling)
        edges[number, 1] = at
    return DECODED

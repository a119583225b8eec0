"""The decoding of progressive scans (ITU-T T.81, annex G), as compiled loops.

Works on arrays only. What it decodes may be hostile: every place in every array is checked or
follows from the geometry, and no block reads more than bits.SLACK_BITS bits. No tuple of arrays is
handed about: taking one apart costs more than decoding a block.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stillpix.compiling import compiled

from .bits import peek
from .picture import MEMBER
from .sequential import (
    BEYOND_BLOCK,
    DECODED,
    LARGEST,
    MOST_AC_BITS,
    MOST_DC_BITS,
    NO_SUCH_CODE,
    OUT_OF_RANGE,
    OVERRUN,
    block_of,
    entry_of,
    extended,
)

_0, _1, _8, _12, _15, _63, _64 = (np.uint64(number) for number in (0, 1, 8, 12, 15, 63, 64))
_FF = np.uint64(0xFF)


@compiled
def decode_dc(
    words: Any, first: Any, last: Any, order: Any, mcus_across: int, mcus: int, restart: int,
    quick: Any, entries: Any, tables: Any, low: int, blocks: Any, ends: Any,
) -> int:  # fmt: skip
    """Decode the first scan of DC coefficients, without their `low` lowest bits.

    Takes and returns the same as sequential.decode_scan; ends takes where each interval ends.
    """
    predicted = np.zeros(4, np.int64)
    for interval in range(first.size):
        at, end = np.uint64(first[interval]), np.uint64(last[interval])
        predicted[:] = 0
        for mcu in range(interval * restart, min((interval + 1) * restart, mcus)):
            for row in range(order.shape[0]):
                member = order[row, MEMBER]
                word = peek(words, at)
                entry = entry_of(quick, entries, tables[member, 0], word)
                length, size = entry & _FF, entry >> _8
                if entry == _0 or size > np.uint64(MOST_DC_BITS):
                    return NO_SUCH_CODE
                predicted[member] += extended(word << length, size)
                value = predicted[member] << low
                if abs(value) > LARGEST:
                    return OUT_OF_RANGE
                blocks[block_of(order, row, mcu, mcus_across), 0] = value
                at += length + size
                if at > end:
                    return OVERRUN
        ends[interval] = at
    return DECODED


@compiled
def refine_dc(
    words: Any, first: Any, last: Any, order: Any, mcus_across: int, mcus: int, restart: int,
    low: int, blocks: Any, ends: Any,
) -> int:  # fmt: skip
    """Decode a scan of one more bit of the DC coefficients, bit `low`."""
    for interval in range(first.size):
        at = np.uint64(first[interval])
        begin, behind = interval * restart, min((interval + 1) * restart, mcus)
        if (behind - begin) * order.shape[0] > last[interval] - first[interval]:
            return OVERRUN
        for mcu in range(begin, behind):
            for row in range(order.shape[0]):
                if peek(words, at) >> _63 == _1:
                    blocks[block_of(order, row, mcu, mcus_across), 0] |= 1 << low
                at += _1
        ends[interval] = at
    return DECODED


@compiled
def decode_ac(
    words: Any, first: Any, last: Any, order: Any, mcus_across: int, mcus: int, restart: int,
    quick: Any, entries: Any, band_first: int, band_last: int, high: int, low: int, natural: Any,
    blocks: Any, ends: Any,
) -> int:  # fmt: skip
    """Decode a scan of a band of AC coefficients: their first bits, or (high > 0) one more."""
    for interval in range(first.size):
        at, end = np.uint64(first[interval]), np.uint64(last[interval])
        ended, status = 0, DECODED  # ended counts the blocks whose band is over
        for mcu in range(interval * restart, min((interval + 1) * restart, mcus)):
            if high > 0:
                at, ended, status = _refine_band(
                    words, at, quick, entries, band_first, band_last, low, natural, ended,
                    blocks, block_of(order, 0, mcu, mcus_across),
                )  # fmt: skip
            elif ended > 0:
                ended -= 1
            else:
                at, ended, status = _decode_band(
                    words, at, quick, entries, band_first, band_last, low, natural,
                    blocks, block_of(order, 0, mcu, mcus_across),
                )  # fmt: skip
            if at > end:
                return OVERRUN
            if status != DECODED:
                return status
        ends[interval] = at
    return DECODED


@compiled
def _end_of_bands(word: Any, run: Any) -> Any:
    """Return how many blocks an end-of-band symbol ends, whose `run` bits begin a word."""
    more = word >> (_64 - run) if run > _0 else _0
    return np.int64((_1 << run) + more)


@compiled
def _decode_band(
    words: Any, at: Any, quick: Any, entries: Any, first: int, last: int, low: int, natural: Any,
    blocks: Any, block: int,
) -> Any:  # fmt: skip
    """Decode the first bits of one block's band.

    Returns the place after it, how many blocks that follow are over with this one, and a status.
    """
    k: Any = first
    while k <= last:
        word = peek(words, at)
        entry = entry_of(quick, entries, 0, word)
        length, size, run = entry & _FF, (entry >> _8) & _15, entry >> _12
        if entry == _0:
            return at, 0, NO_SUCH_CODE
        word, at = word << length, at + length
        if size == _0 and run < _15:
            return at + run, _end_of_bands(word, run) - 1, DECODED
        k += np.int64(run) + (1 if size == _0 else 0)
        if k > last:
            return at, 0, BEYOND_BLOCK
        if size > _0:
            value = extended(word, size) << low
            if size > np.uint64(MOST_AC_BITS) or abs(value) > LARGEST:
                return at, 0, OUT_OF_RANGE
            blocks[block, natural[k]] = value
            at, k = at + size, k + 1
    return at, 0, DECODED


@compiled
def _correct(
    words: Any, at: Any, k: int, last: int, zeros: int, low: int, natural: Any, blocks: Any,
    block: int,
) -> Any:  # fmt: skip
    """Read one bit for each coefficient that is not 0, up to behind `zeros` that are.

    Returns the place after it, and the position of the zero after those, or last + 1.
    """
    while k <= last:
        value = np.int64(blocks[block, natural[k]])
        if value == 0:
            if zeros == 0:
                break
            zeros -= 1
        else:
            if peek(words, at) >> _63 == _1:
                blocks[block, natural[k]] = value + (1 << low if value > 0 else -(1 << low))
            at += _1
        k += 1
    return at, k


@compiled
def _refine_band(
    words: Any, at: Any, quick: Any, entries: Any, first: int, last: int, low: int, natural: Any,
    ended: Any, blocks: Any, block: int,
) -> Any:  # fmt: skip
    """Decode the next bit of one block's band (T.81, G.1.2.3); returns as _decode_band does."""
    k = first
    while k <= last and ended == 0:
        word = peek(words, at)
        entry = entry_of(quick, entries, 0, word)
        length, size, run = entry & _FF, (entry >> _8) & _15, entry >> _12
        if entry == _0 or size > _1:
            return at, 0, NO_SUCH_CODE
        word, at = word << length, at + length
        if size == _0 and run < _15:
            ended = _end_of_bands(word, run)
            at += run
            break
        value = 0
        if size == _1:
            value = 1 << low if word >> _63 == _1 else -(1 << low)
            at += _1
        at, k = _correct(words, at, k, last, np.int64(run), low, natural, blocks, block)
        if k > last:
            return at, 0, BEYOND_BLOCK
        if value != 0:
            blocks[block, natural[k]] = value
        k += 1
    if ended > 0:
        at, k = _correct(words, at, k, last, 64, low, natural, blocks, block)
        ended -= 1
    return at, ended, DECODED

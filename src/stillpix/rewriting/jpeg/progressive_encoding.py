"""The encoding of progressive scans (ITU-T T.81, annex G), as compiled loops.

Works on arrays only. Counts the symbols as it writes them, so that a table can be made for them;
one without a code is counted and not written.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stillpix.compiling import compiled

from .bits import finish, put
from .picture import MEMBER
from .sequential import bits_of, block_of, place_in

LONGEST_RUN = 0x7FFF  # blocks that one end-of-band symbol can end
# An encoder may end a run earlier, to keep its corrections in little memory. libjpeg does so at
# this number of bits, and what it wrote shall be written the same again.
MOST_CORRECTIONS = 937
SIXTEEN_ZEROS = 0xF0

_0, _1 = np.uint64(0), np.uint64(1)


@compiled
def encode_dc(
    source: Any, last: Any, order: Any, mcus_across: int, mcus: int, restart: int,
    codes: Any, lengths: Any, counts: Any, tables: Any, high: int, low: int,
    blocks: Any, changed: Any, values: Any,
    ends: Any, touched: Any, filling: Any, words: Any, edges: Any,
) -> None:  # fmt: skip
    """Encode the touched restart intervals of a DC scan, each from a whole byte on.

    codes, lengths and counts are (tables, 256); tables says which of them codes each member; high
    is 0 for a first scan. changed holds sorted indices among all blocks, values (changed, 64) the
    new ones. The bits of padding and stray bytes are those of the source, whose intervals end at
    bits `ends`, their last bytes at `last`. touched lists intervals, edges (touched, 2) takes
    their first and last bits. words are 0 and large enough.
    """
    predicted = np.zeros(4, np.int64)
    at = _0
    for number in range(touched.size):
        interval = touched[number]
        edges[number, 0] = at
        predicted[:] = 0
        for mcu in range(interval * restart, min((interval + 1) * restart, mcus)):
            for row in range(order.shape[0]):
                member = order[row, MEMBER]
                block = block_of(order, row, mcu, mcus_across)
                place = place_in(changed, block)
                dc = np.int64(blocks[block, 0] if place < 0 else values[place, 0]) >> low
                if high > 0:
                    at = put(words, at, np.uint64(dc & 1), _1)
                    continue
                table, difference = tables[member], dc - predicted[member]
                predicted[member] = dc
                size = bits_of(difference)
                at = _put_symbol(words, at, codes[table], lengths[table], counts[table], size)
                at = _put_low_bits(words, at, difference - (1 if difference < 0 else 0), size)
        at = finish(source, ends[interval], last[interval], words, at, filling)
        edges[number, 1] = at


@compiled
def encode_ac(
    source: Any, last: Any, order: Any, mcus_across: int, mcus: int, restart: int,
    codes: Any, lengths: Any, counts: Any, high: int, low: int, band: Any,
    blocks: Any, changed: Any, values: Any,
    ends: Any, touched: Any, filling: Any, words: Any, edges: Any,
) -> None:  # fmt: skip
    """Encode the touched restart intervals of an AC scan, as encode_dc those of a DC scan.

    codes, lengths and counts are (256,), for there is one component; band holds the places of the
    scan's coefficients in a block.
    """
    run = np.zeros(2 + MOST_CORRECTIONS + 64, np.int64)
    sent = np.zeros(band.size, np.int64)  # of one block: the coefficients without their low bits
    at = _0
    for number in range(touched.size):
        interval = touched[number]
        edges[number, 0] = at
        for mcu in range(interval * restart, min((interval + 1) * restart, mcus)):
            block = block_of(order, 0, mcu, mcus_across)
            place = place_in(changed, block)
            if place < 0:
                _drop_low_bits(blocks, block, band, low, sent)
            else:
                _drop_low_bits(values, place, band, low, sent)
            if high > 0:
                at = _put_refinement(words, at, codes, lengths, counts, sent, run)
            else:
                at = _put_band(words, at, codes, lengths, counts, sent, run)
        at = _put_run(words, at, codes, lengths, counts, run)
        at = finish(source, ends[interval], last[interval], words, at, filling)
        edges[number, 1] = at


@compiled
def _drop_low_bits(blocks: Any, block: int, band: Any, low: int, sent: Any) -> None:
    """Set sent to a block's band without its `low` lowest bits, each towards 0."""
    for k in range(band.size):
        value = np.int64(blocks[block, band[k]])
        sent[k] = value >> low if value >= 0 else -(-value >> low)


@compiled
def _put_symbol(words: Any, at: Any, codes: Any, lengths: Any, counts: Any, symbol: int) -> Any:
    """Count a symbol and lay its code, if it has one."""
    counts[symbol] += 1
    return put(words, at, codes[symbol], np.uint64(lengths[symbol]))


@compiled
def _put_low_bits(words: Any, at: Any, value: int, size: int) -> Any:
    mask = (np.int64(1) << size) - 1
    return put(words, at, np.uint64(value & mask), np.uint64(size))


@compiled
def _put_run(words: Any, at: Any, codes: Any, lengths: Any, counts: Any, run: Any) -> Any:
    """Lay the end-of-band symbol of the blocks that wait for it, and their corrections.

    run is (2 + MOST_CORRECTIONS + 64,): how many blocks wait, how many corrections, and those.
    """
    if run[0] > 0:
        size = bits_of(run[0]) - 1
        at = _put_symbol(words, at, codes, lengths, counts, size << 4)
        at = _put_low_bits(words, at, run[0], size)
        at = _put_corrections(words, at, run, 0, run[1])
        run[0] = run[1] = 0
    return at


@compiled
def _put_corrections(words: Any, at: Any, run: Any, first: int, last: int) -> Any:
    for n in range(first, last):
        at = put(words, at, np.uint64(run[2 + n]), _1)
    return at


@compiled
def _wait(words: Any, at: Any, codes: Any, lengths: Any, counts: Any, run: Any) -> Any:
    """Let one more block wait for an end-of-band symbol."""
    run[0] += 1
    if run[0] == LONGEST_RUN or run[1] > MOST_CORRECTIONS:
        at = _put_run(words, at, codes, lengths, counts, run)
    return at


@compiled
def _put_band(
    words: Any, at: Any, codes: Any, lengths: Any, counts: Any, sent: Any, run: Any
) -> Any:  # fmt: skip
    """Encode the first bits of one block's band (T.81, G.1.2.2)."""
    zeros = 0
    for k in range(sent.size):
        value = sent[k]
        if value == 0:
            zeros += 1
            continue
        at = _put_run(words, at, codes, lengths, counts, run)
        while zeros > 15:
            at = _put_symbol(words, at, codes, lengths, counts, SIXTEEN_ZEROS)
            zeros -= 16
        size = bits_of(value)
        at = _put_symbol(words, at, codes, lengths, counts, zeros * 16 + size)
        at = _put_low_bits(words, at, value - (1 if value < 0 else 0), size)
        zeros = 0
    return _wait(words, at, codes, lengths, counts, run) if zeros > 0 else at


@compiled
def _last_new(sent: Any) -> int:
    """Return the last position whose coefficient ceases to be 0 with this bit; -1 if none."""
    for k in range(sent.size - 1, -1, -1):
        if abs(sent[k]) == 1:
            return k
    return -1


@compiled
def _put_refinement(
    words: Any, at: Any, codes: Any, lengths: Any, counts: Any, sent: Any, run: Any
) -> Any:  # fmt: skip
    """Encode the next bit of one block's band (T.81, G.1.2.3).

    A correction, which is that bit of a coefficient known not to be 0, follows the symbol that
    passes it. Those of this block are kept after those of the blocks that wait: mine to waiting.
    """
    last = _last_new(sent)
    zeros, mine, waiting = 0, run[1], run[1]
    for k in range(sent.size):
        magnitude = abs(sent[k])
        if magnitude == 0:
            zeros += 1
            continue
        while zeros > 15 and k <= last:
            at = _put_run(words, at, codes, lengths, counts, run)
            at = _put_symbol(words, at, codes, lengths, counts, SIXTEEN_ZEROS)
            at = _put_corrections(words, at, run, mine, waiting)
            zeros, mine, waiting = zeros - 16, 0, 0
        if magnitude > 1:
            run[2 + waiting] = magnitude & 1
            waiting += 1
            continue
        at = _put_run(words, at, codes, lengths, counts, run)
        at = _put_symbol(words, at, codes, lengths, counts, zeros * 16 + 1)
        at = put(words, at, np.uint64(sent[k] > 0), _1)
        at = _put_corrections(words, at, run, mine, waiting)
        zeros, mine, waiting = 0, 0, 0
    if zeros > 0 or waiting > mine:
        run[1] = waiting
        at = _wait(words, at, codes, lengths, counts, run)
    return at

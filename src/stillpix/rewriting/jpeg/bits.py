"""Entropy-coded bytes as strings of bits: the stuffing taken out and put back, bits read and laid.

A string of bits is an array of 64-bit words, the first bit uppermost, and a place in it is the
number of bits before. Never knows what the bits mean. No index is checked by the compiler: who
reads holds a place at most SLACK_BITS beyond the end, who writes has made the room.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stillpix.compiling import compiled

SLACK_BITS = 4096  # zeros after the last bit: more than any one block can take
SPLIT, CUT_SHORT, WRONG_RESTART = 0, 1, 2

_LITTLE = np.dtype(np.uint64)
_BIG = np.dtype(">u8")
_0, _1, _6, _63, _64 = (np.uint64(number) for number in (0, 1, 6, 63, 64))


class Intervals(NamedTuple):
    """The entropy-coded bytes of one scan without their stuffing, and where each interval lies."""

    words: NDArray[np.uint64]
    first: NDArray[np.int64]  # bit at which each restart interval begins
    last: NDArray[np.int64]  # bit after its last byte
    raw_first: NDArray[np.int64]  # the same as offsets in the file
    raw_last: NDArray[np.int64]


def split(content: bytes, start: int, expected: int) -> tuple[int, int, Intervals]:
    """Take the entropy-coded bytes from `start` on apart into their restart intervals.

    Returns a status, the offset of the marker that ends the scan, and the intervals: as many as
    were found, at most `expected`. What stands between the last of them and the marker is not
    looked at. The status is SPLIT, CUT_SHORT (no marker ends the scan) or WRONG_RESTART.
    """
    raw = np.frombuffer(content, np.uint8)
    plain = np.empty((raw.size - start + SLACK_BITS // 8 + 16) // 8 * 8, np.uint8)
    edges = np.zeros((4, expected), np.int64)
    status, found, filled, end = _split_intervals(raw, start, plain, edges)
    size = -(-(filled + SLACK_BITS // 8) // 8) * 8
    plain[filled:size] = 0
    words = plain[:size].view(_BIG).astype(_LITTLE)
    first, last, raw_first, raw_last = edges[:, :found]
    return status, end, Intervals(words, 8 * first, 8 * last, raw_first, raw_last)


@compiled
def _split_intervals(raw: Any, start: int, plain: Any, edges: Any) -> tuple[int, int, int, int]:
    expected = edges.shape[1]
    found, filled, at, inside = 0, 0, start, True
    edges[2, 0] = start
    while at < raw.size:
        if raw[at] != 0xFF:
            if inside:
                plain[filled] = raw[at]
                filled += 1
            at += 1
            continue
        marker = at + 1
        while marker < raw.size and raw[marker] == 0xFF:
            marker += 1
        if marker == raw.size:
            break
        if raw[marker] == 0:
            if inside:
                plain[filled] = 0xFF
                filled += 1
            at = marker + 1
            continue
        if inside:
            edges[1, found], edges[3, found] = filled, at
            found += 1
            inside = False
        if raw[marker] < 0xD0 or raw[marker] > 0xD7:
            return SPLIT, found, filled, at
        if found < expected:
            if raw[marker] - 0xD0 != (found - 1) % 8:
                return WRONG_RESTART, found, filled, at
            edges[0, found], edges[2, found] = filled, marker + 1
            inside = True
        at = marker + 1
    return CUT_SHORT, found, filled, at


def stuffed(words: NDArray[np.uint64], first: int, last: int) -> bytes:
    """Return the bits from `first` to `last`, both at whole bytes, as entropy-coded bytes.

    >>> stuffed(np.array([0x12FF340000000000], np.uint64), 0, 24).hex()
    '12ff0034'
    """
    begin, end = first // 64, -(-last // 64)
    plain = words[begin:end].astype(_BIG).tobytes()
    return plain[first // 8 - 8 * begin : last // 8 - 8 * begin].replace(b"\xff", b"\xff\x00")


def filling_of(intervals: Intervals, last: NDArray[np.uint64]) -> np.uint64:
    """Return the bit that fills up bytes in a scan whose intervals end at these bits.

    It is 1, as the standard has it, unless the first byte that was filled up says otherwise.
    """
    padded = last[last % np.uint64(8) > 0]
    if not padded.size:
        return np.uint64(1)
    at = int(padded[0]) // 8 * 8 + 7
    return np.uint64(int(intervals.words[at // 64]) >> (63 - at % 64) & 1)


@compiled
def peek(words: Any, at: Any) -> Any:
    """Return the 64 bits from bit `at` on; both that word and the next one must exist."""
    word, shift = at >> _6, at & _63
    return (words[word] << shift) | ((words[word + _1] >> _1) >> (_63 - shift))


@compiled
def put(words: Any, at: Any, value: Any, length: Any) -> Any:
    """Lay the `length` low bits (0 to 64) of a value, the others 0, at bit `at` of cleared words.

    Returns the place after them.
    """
    if length > _0:
        word, room = at >> _6, _64 - (at & _63)
        if length <= room:
            words[word] |= value << (room - length)
        else:
            words[word] |= value >> (length - room)
            words[word + _1] |= value << (_64 - (length - room))
    return at + length


@compiled
def copy_bits(source: Any, first: Any, last: Any, words: Any, at: Any) -> Any:
    """Lay the bits from `first` to `last` of another string at bit `at`; as put."""
    while first < last:
        length = min(last - first, _64)
        at = put(words, at, peek(source, first) >> (_64 - length), length)
        first += length
    return at


@compiled
def finish(source: Any, end: Any, last: Any, words: Any, at: Any, filling: Any) -> Any:
    """Fill up the byte after an interval's last bit and add stray bytes, as the source has them.

    The source's last bit is at `end`, its last byte ends at `last`. Where it fills up as many
    bits, they are copied; else its last one is repeated, or `filling` where it needed none.
    Returns the place after them.
    """
    seven = np.uint64(7)
    old, new = (_0 - end) & seven, (_0 - at) & seven
    whole = end + old
    if old == new:
        at = copy_bits(source, end, whole, words, at)
    else:
        bit = filling
        if old > _0:
            bit = peek(source, whole - _1) >> _63
        for _ in range(new):
            at = put(words, at, bit, _1)
    return copy_bits(source, whole, np.uint64(last), words, at)

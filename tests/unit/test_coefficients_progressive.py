"""Progressive JPEGs: scans and tables of any kind, read and written back."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stillpix.errors import ReadError
from stillpix.rewriting.jpeg import read_coefficients, rewritten
from stillpix.rewriting.jpeg.huffman import optimal_table
from support import jpegs
from support.effort import some
from support.jpegs import PROGRESSIVE_AC, Plane, Recipe, Scan, some_blocks

PATH = Path("a.jpg")
PLANES = [
    Plane(some_blocks(4, 6), 2, 2),
    Plane(some_blocks(2, 3, seed=1)),
    Plane(some_blocks(2, 3, seed=2, busy=0.9)),
]


def scan(planes, first, last, high, low, **tables):
    """A scan that defines what it needs, or (dc or ac None) relies on an earlier definition."""
    needed = {"dc": jpegs.DC if first == 0 and high == 0 else None}
    needed["ac"] = PROGRESSIVE_AC if last > 0 else None
    known = {"dc": jpegs.DC, "ac": tables.pop("known", PROGRESSIVE_AC)}
    return Scan(planes, first, last, high, low, **(needed | tables), known=known)


def script(*, depth, split, together, **tables):
    """Scans that send DC and AC with `depth` bits left to the refinements, AC in two bands."""
    groups = [(0, 1, 2)] if together else [(0,), (1,), (2,)]
    scans = [scan(group, 0, 0, 0, depth) for group in groups]
    bands = [(1, split), (split + 1, 63)]
    for n in range(3):
        scans += [scan((n,), *band, 0, depth, **tables) for band in bands]
    for high in range(depth, 0, -1):
        scans += [scan(group, 0, 0, high, high - 1) for group in groups]
        for n in range(3):
            scans += [scan((n,), *band, high, high - 1, **tables) for band in bands]
    return scans


scripts = st.builds(
    script, depth=st.integers(0, 4), split=st.integers(1, 62), together=st.booleans()
)


def wishes(image, number, seed):
    rng = np.random.default_rng(seed)
    changes = {}
    for _ in range(number):
        index = int(rng.integers(3))
        blocks = image.components[index].blocks
        row, column = int(rng.integers(2)), int(rng.integers(3))
        block = np.where(rng.random(64) < 0.1, rng.integers(-20, 21, 64), blocks[row, column])
        changes[index, row, column] = block.astype(np.int16)
    return changes


def assert_changed(content, result, changes):
    for index, (old, new) in enumerate(
        zip(jpegs.stored(content), jpegs.stored(result.content), strict=True)
    ):
        for key, block in changes.items():
            if key[0] == index:
                old[key[1:]] = block
        assert np.array_equal(old, new)


@pytest.mark.slow
@given(scripts, st.integers(0, 4), st.integers(1, 9), st.integers(0, 99))
@settings(max_examples=some(60))
def test_any_script_of_scans_is_read_and_written_back(scans, restart, number, seed):
    recipe = Recipe(41, 31, PLANES, 0xC2, scans, restart, trailer=b"trailer", fill=b"\xff")
    content = jpegs.built(recipe)
    image = read_coefficients(content, PATH)
    changes = wishes(image, number, seed)

    result = rewritten(image, content, PATH, changes)

    assert_changed(content, result, changes)
    for plane, component in zip(PLANES, image.components, strict=True):
        rows, columns = -(-component.height // 8), -(-component.width // 8)
        assert np.array_equal(plane.blocks[:rows, :columns], component.blocks[:rows, :columns])
    assert not result.substituted
    assert not result.new_tables  # the tables of these scans know all symbols
    assert jpegs.segments(result.content) == jpegs.segments(content)


def is_within(some, every):
    """Whether all of some stand in every, in that order."""
    rest = iter(every)
    return all(each in rest for each in some)


FEW = jpegs.Table(
    {symbol: 8 for symbol in PROGRESSIVE_AC.lengths if symbol % 16 < 11 and symbol != 0xE7}
)


@pytest.mark.parametrize("restart", [0, 2])
@pytest.mark.parametrize("once", [False, True], ids=["a table a scan", "one table for all scans"])
def test_a_scan_that_lacks_a_symbol_gets_tables_and_the_next_ones_keep_theirs(once, restart):
    """The change needs 14 zeros and a number of 7 bits, which the file's tables have no code for.

    Where they are defined once for all scans, those behind need them again.
    """
    planes = [Plane(some_blocks(4, 6, busy=0), 2, 2), *PLANES[1:]]
    scans = script(depth=1, split=20, together=True, ac=None if once else FEW, known=FEW)
    if once:
        scans[0] = scan((0, 1, 2), 0, 0, 0, 1, before=FEW.segment(0x10))
    content = jpegs.built(Recipe(41, 31, planes, 0xC2, scans, restart))
    image = read_coefficients(content, PATH)
    block = image.components[0].blocks[1, 2].copy()
    block[jpegs.ZIGZAG[15]] = 2 * 100

    result = rewritten(image, content, PATH, {(0, 1, 2): block})

    assert result.new_tables
    assert not result.substituted
    assert_changed(content, result, {(0, 1, 2): block})
    own, now = jpegs.segments(content), jpegs.segments(result.content)
    assert is_within(own, now)
    assert len(now) == len(own) + (2 if once else 1)
    again = read_coefficients(result.content, PATH)
    assert np.array_equal(again.components[0].blocks[1, 2], block)


def test_scans_that_send_no_changed_bit_are_the_same_bytes():
    scans = script(depth=2, split=20, together=True)
    content = jpegs.built(Recipe(41, 31, PLANES, 0xC2, scans))
    image = read_coefficients(content, PATH)
    block = image.components[1].blocks[0, 0].copy()
    block[jpegs.ZIGZAG[30]] ^= 1  # of the second band the last bit

    result = rewritten(image, content, PATH, {(1, 0, 0): block})

    pairs = zip(jpegs.entropy_coded(content), jpegs.entropy_coded(result.content), strict=True)
    changed = [n for n, (old, new) in enumerate(pairs) if old != new]
    assert [(scans[n].planes, scans[n].first, scans[n].low) for n in changed] == [((1,), 21, 0)]


def test_what_no_table_can_code_becomes_the_nearest_that_can():
    content = jpegs.saved(progressive=True)
    image = read_coefficients(content, PATH)
    block = np.zeros(64, np.int16)
    block[:2] = 20_000, -5000

    result = rewritten(image, content, PATH, {(0, 0, 0): block})

    stored = jpegs.stored(result.content)[0][0]
    assert result.substituted == {(0, 0, 0)}
    assert stored[0, 1] == -1023
    # Without its last bit, a DC is at most 2047 more than the one before (here 0) and behind it.
    assert stored[0, 0] == 2 * min(2047, int(stored[1, 0]) // 2 + 2047) + 1


@pytest.mark.parametrize(
    ("scans", "reason"),
    [
        ([scan((0,), 0, 0, 0, 0)], "leaves out some of the picture's detail"),
        ([scan((0,), 0, 0, 0, 1), scan((0,), 1, 63, 0, 0)], "leaves out some"),
        ([scan((0,), 0, 0, 0, 0), scan((0,), 1, 63, 0, 1)], "leaves out some"),
        ([scan((0,), 0, 0, 0, 0), scan((0,), 0, 0, 0, 0)], "scans are out of order"),
        ([scan((0,), 0, 0, 1, 0)], "scans are out of order"),
        ([scan((0,), 0, 0, 0, 2), scan((0,), 0, 0, 1, 0)], "scans are out of order"),
        ([scan((0,), 0, 0, 0, 2), scan((0,), 0, 0, 2, 0)], "impossible parameters"),
        ([scan((0,), 0, 63, 0, 0)], "impossible parameters"),
        ([scan((0,), 9, 4, 0, 0)], "impossible parameters"),
        ([scan((0,), 1, 64, 0, 0)], "impossible parameters"),
        ([scan((0,), 0, 0, 0, 14)], "impossible parameters"),
        ([scan((0,), 0, 0, 0, 0), scan((0,), 1, 63, 0, 0, ac=None)], "Huffman table is missing"),
        ([scan((0,), 0, 0, 0, 0)] * 101, "more than 100 scans"),
    ],
)  # fmt: skip
def test_scans_that_do_not_make_a_picture_are_refused(scans, reason):
    content = jpegs.built(Recipe(8, 8, [Plane(some_blocks(1, 1))], 0xC2, scans))

    with pytest.raises(ReadError, match=reason):
        read_coefficients(content, PATH)


@given(st.integers(0, 999), st.integers(0, 999), st.floats(0.05, 1), st.integers(1, 4))
@settings(max_examples=some(60))
def test_a_block_alone_is_encoded_as_an_encoder_without_runs_does(before, after, busy, depth):
    old, new = (some_blocks(1, 1, seed=seed, busy=busy) for seed in (before, after))
    scans = [scan((0,), 0, 0, 0, 0), scan((0,), 1, 63, 0, depth)]
    scans += [scan((0,), 1, 63, low + 1, low) for low in range(depth - 1, -1, -1)]
    content, expected = (
        jpegs.built(Recipe(8, 8, [Plane(blocks)], 0xC2, scans)) for blocks in (old, new)
    )

    image = read_coefficients(content, PATH)
    result = rewritten(image, content, PATH, {(0, 0, 0): new[0, 0]})

    assert result.content == expected


def coded_by_hand(symbols, *, high):
    """One block whose AC scan, of positions 1 to 20, holds these symbols and then ones."""
    last_bit = [scan((0,), 1, 20, 1, 0)] if high else []
    scans = [scan((0,), 0, 0, 0, 0), scan((0,), 1, 20, 0, 1 if high else 0), *last_bit]
    empty = Plane(np.zeros((1, 1, 64), np.int16))
    content = jpegs.built(Recipe(8, 8, [empty], 0xC2, scans))
    bits = "".join(PROGRESSIVE_AC.codes()[symbol] + "1" * (symbol % 16) for symbol in symbols)
    bits += "1" * 64
    bits += "1" * (-len(bits) % 8)
    coded = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    rest = Scan((0,), 21, 63, dc=None, ac=PROGRESSIVE_AC)
    last = jpegs.built(Recipe(8, 8, [empty], 0xC2, [rest]))
    last = last[last.index(b"\xff\xc4") :]
    return content[: content.rindex(b"\xff\xda") + 10] + coded + last


@pytest.mark.parametrize("high", [False, True])
def test_a_band_of_exactly_its_coefficients_is_read_and_a_longer_one_refused(high):
    fits, too_long = [0xF1, 0x31], [0xF1, 0x41]

    image = read_coefficients(coded_by_hand(fits, high=high), PATH)

    assert np.flatnonzero(image.components[0].blocks[0, 0]).tolist() == sorted(
        [jpegs.ZIGZAG[16], jpegs.ZIGZAG[20]]
    )
    for symbols in (too_long, [0xF0, 0xF0], [0xF1, 0xF1]):
        with pytest.raises(ReadError, match="more than 64 coefficients"):
            read_coefficients(coded_by_hand(symbols, high=high), PATH)


def test_every_kind_of_scan_is_encoded_as_libjpeg_encodes_it():
    """What only length and order of codes tell: a change and its undoing give the same bytes."""
    content = jpegs.saved(400, 300, quality=97, progressive=True)
    image = read_coefficients(content, PATH)
    blocks = image.components[0].blocks
    large = (blocks >= 8) & (blocks < 16)
    low, high = (list(jpegs.ZIGZAG[first:last]) for first, last in ((1, 6), (6, 64)))
    row, column = np.argwhere(large[..., low].any(-1) & large[..., high].any(-1))[0].tolist()
    block = blocks[row, column].copy()
    for band in (low, high):
        block[band[int(large[row, column, band].argmax())]] ^= 7  # all bits but the highest
    block[0] += np.int16(3)

    first = rewritten(image, content, PATH, {(0, row, column): block})

    other = read_coefficients(first.content, PATH)
    own = {(0, row, column): blocks[row, column]}
    changed = sum(
        old != new
        for old, new in zip(
            jpegs.entropy_coded(content), jpegs.entropy_coded(first.content), strict=True
        )
    )
    assert changed == 6  # of ten: all of luma
    assert not first.new_tables
    assert rewritten(other, first.content, PATH, own).content == content


def test_runs_with_many_corrections_are_ended_where_libjpeg_ends_them():
    """Blocks all alike, none with a coefficient of 1: the last scan holds corrections alone."""
    tile = np.random.default_rng(5).integers(0, 256, (8, 8)).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(np.tile(tile, (40, 40))).save(file, "JPEG", quality=100, progressive=True)
    content = file.getvalue()
    image = read_coefficients(content, PATH)
    own = image.components[0].blocks[3, 3]
    block = own ^ (np.abs(own) > 20).astype(np.int16)

    first = rewritten(image, content, PATH, {(0, 3, 3): block})

    assert not (np.abs(own[1:]) == 1).any()
    assert not first.new_tables
    other = read_coefficients(first.content, PATH)
    assert rewritten(other, first.content, PATH, {(0, 3, 3): own}).content == content


def least_bits(counts):
    """How many bits Huffman's code takes when one more symbol, which never occurs, has a code."""
    heap = [*counts, 0]
    heapify(heap)
    total = 0
    while len(heap) > 1:
        both = heappop(heap) + heappop(heap)
        total += both
        heappush(heap, both)
    return total


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=256), st.randoms())
@settings(max_examples=some(100))
def test_a_table_is_the_best_for_its_counts(numbers, random):
    symbols = random.sample(range(256), len(numbers))
    counts = np.zeros(256, np.int64)
    counts[symbols] = numbers

    table = optimal_table(counts)

    lengths = table.lengths.astype(int)
    assert table.is_possible
    assert sorted(table.symbols) == sorted(symbols)
    assert (counts * lengths).sum() == least_bits(numbers)
    all_ones = (1 << lengths[symbols]) - 1
    assert (table.codes[symbols].astype(int) != all_ones).all()


def test_codes_are_no_longer_than_16_bits_however_rare_a_symbol():
    numbers = [1, 1]
    while len(numbers) < 40:
        numbers.append(numbers[-1] + numbers[-2])
    counts = np.zeros(256, np.int64)
    counts[:40] = numbers

    table = optimal_table(counts)

    lengths = table.lengths[:40].astype(int)
    assert table.is_possible
    assert lengths.max() == 16
    assert (np.diff(lengths) <= 0).all()
    assert sum(0.5**n for n in lengths) < 1

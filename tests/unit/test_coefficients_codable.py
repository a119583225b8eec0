"""The nearest block that a file's tables can code, against searches of everything."""

from __future__ import annotations

from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillpix.rewriting.jpeg import read_coefficients, rewritten
from stillpix.rewriting.jpeg.codable import have_codes, nearest_block
from support import jpegs
from support.effort import some
from support.jpegs import AC, DC, ZIGZAG, Plane, Recipe, Scan, some_blocks

PATH = Path("a.jpg")
NEVER = float("inf")


def lengths_of(symbols):
    lengths = np.zeros(256, np.uint8)
    lengths[list(symbols)] = 8
    return lengths


def symbols_of(band):
    """The symbols that code a band, in zigzag order."""
    zeros = 0
    for value in band:
        if value == 0:
            zeros += 1
            continue
        yield from [0xF0] * (zeros // 16)
        yield zeros % 16 * 16 + int(abs(value)).bit_length()
        zeros = 0
    if zeros:
        yield 0


def cost_of(band, wanted, steps):
    return sum(step**2 * (a - b) ** 2 for a, b, step in zip(band, wanted, steps, strict=True))


short_symbols = [16 * run + size for run in range(4) for size in (1, 2)]


@pytest.mark.slow
@given(
    st.lists(st.integers(-4, 4), min_size=5, max_size=5),
    st.sets(st.sampled_from(short_symbols)),
    st.lists(st.integers(1, 9), min_size=5, max_size=5),
)
@settings(max_examples=some(25))
def test_no_block_that_the_table_can_code_is_nearer(values, symbols, few_steps):
    """All blocks whose first five coefficients are -3 to 3: one further on would only add error."""
    wanted, steps = np.zeros(64, np.int16), np.full(64, 9, np.uint16)
    wanted[list(ZIGZAG[1:6])], steps[list(ZIGZAG[1:6])] = values, few_steps
    symbols = symbols | {0}

    found = nearest_block(wanted, steps, lengths_of(symbols))

    rest = (0,) * 58
    least = min(
        cost_of(band, values, few_steps)
        for band in product(range(-3, 4), repeat=5)
        if set(symbols_of(band + rest)) <= symbols
    )
    band = [int(found[at]) for at in ZIGZAG[1:]]
    assert set(symbols_of(band)) <= symbols
    assert cost_of(band[:5], values, few_steps) == least
    assert not any(band[5:])


def least_cost(wanted, steps, symbols):
    """The least cost by position and zeros before it, over all values from -31 to 31."""
    by_zeros = {0: 0}
    for value, step in zip(wanted, steps, strict=True):
        after = {}
        for zeros, cost in by_zeros.items():
            options = [(zeros + 1, cost + step**2 * value**2)]
            if zeros < 16 or 0xF0 in symbols:
                options += [
                    (0, cost + step**2 * (value - other) ** 2)
                    for other in range(-31, 32)
                    if other and zeros % 16 * 16 + abs(other).bit_length() in symbols
                ]
            for state, total in options:
                after[state] = min(total, after.get(state, NEVER))
        by_zeros = after
    return min(cost for zeros, cost in by_zeros.items() if zeros == 0 or 0 in symbols)


all_symbols = [16 * run + size for run in range(16) for size in range(1, 6)]


@pytest.mark.slow
@given(
    st.dictionaries(st.integers(0, 62), st.integers(-31, 31), max_size=9),
    st.sets(st.sampled_from([*all_symbols, *all_symbols, 0xF0]), min_size=5),
    st.lists(st.integers(1, 30), min_size=63, max_size=63),
    st.booleans(),
)
@settings(max_examples=some(40))
def test_the_cost_is_the_least_over_all_bands(values, symbols, steps, must_end):
    """Where a table has no end of block, the band must reach to its last coefficient."""
    band = [values.get(k, 0) for k in range(63)]
    symbols = symbols | ({1, 0x31, 0x21} if must_end else {0})
    wanted, natural_steps = np.zeros(64, np.int16), np.ones(64, np.uint16)
    wanted[list(ZIGZAG[1:])], natural_steps[list(ZIGZAG[1:])] = band, steps
    wanted[0] = 77

    found = nearest_block(wanted, natural_steps, lengths_of(symbols))

    coded = [int(found[at]) for at in ZIGZAG[1:]]
    assert set(symbols_of(coded)) <= symbols
    assert cost_of(coded, band, steps) == least_cost(band, steps, symbols)
    assert found[0] == 77


@given(st.integers(0, 999), st.sampled_from([0.02, 0.2, 0.9]))
@settings(max_examples=some(40))
def test_blocks_that_have_codes_are_told(seed, busy):
    blocks = some_blocks(1, 20, seed=seed, busy=busy)[0]
    rng = np.random.default_rng(seed)
    symbols = {s for s in AC.lengths if rng.random() < 0.98}

    able = have_codes(blocks, lengths_of(symbols))

    bands = [[int(block[at]) for at in ZIGZAG[1:]] for block in blocks]
    assert able.tolist() == [set(symbols_of(band)) <= symbols for band in bands]


def test_a_value_beyond_ten_bits_has_no_code_whatever_the_table_says():
    blocks = np.zeros((3, 64), np.int16)
    blocks[:, 5] = 1023, 1024, -32768

    assert have_codes(blocks, np.full(256, 8, np.uint8)).tolist() == [True, False, False]
    assert nearest_block(blocks[2], np.ones(64, np.uint16), np.full(256, 8, np.uint8))[5] == -1023


PLANES = [
    Plane(some_blocks(4, 6), 2, 2),
    Plane(some_blocks(2, 3, seed=1)),
    Plane(some_blocks(2, 3, seed=2)),
]


def used(planes):
    """The AC symbols that the planes' blocks need."""
    bands = (
        [int(block[at]) for at in ZIGZAG[1:]]
        for plane in planes
        for block in plane.blocks.reshape(-1, 64)
    )
    return {symbol for band in bands for symbol in symbols_of(band)}


def with_tables(dc=DC, ac=AC, **ways):
    return jpegs.built(Recipe(41, 31, PLANES, scans=[Scan((0, 1, 2), dc=dc, ac=ac)], **ways))


ONLY_USED = AC.without(*(AC.lengths.keys() - used(PLANES)))


@pytest.mark.slow
@given(st.integers(0, 999), st.integers(1, 9))
@settings(max_examples=some(50))
def test_with_a_table_of_few_symbols_the_nearest_block_is_written(seed, number):
    content = with_tables(ac=ONLY_USED)
    image = read_coefficients(content, PATH)
    rng = np.random.default_rng(seed)
    changes = {}
    for n in range(number):
        key = (n % 3, int(rng.integers(2)), int(rng.integers(3)))
        block = np.where(
            rng.random(64) < 0.1, rng.integers(-1500, 1500, 64), PLANES[0].blocks[0, 0]
        )
        block[0] = image.components[key[0]].blocks[key[1:]][0]
        changes[key] = block.astype(np.int16)

    result = rewritten(image, content, PATH, changes)

    lengths = lengths_of(ONLY_USED.lengths)
    expected = {
        key: nearest_block(block, image.components[0].steps, lengths)
        for key, block in changes.items()
    }
    for index, (old, new) in enumerate(
        zip(jpegs.stored(content), jpegs.stored(result.content), strict=True)
    ):
        for key, block in expected.items():
            if key[0] == index:
                old[key[1:]] = block
        assert np.array_equal(old, new)
    assert result.substituted == {
        key for key, block in changes.items() if not np.array_equal(block, expected[key])
    }
    assert jpegs.segments(result.content) == jpegs.segments(content)
    assert not result.new_tables


def in_order(restart):
    """The places of the first component's blocks, in the order of the scan, by interval."""
    order = [
        (2 * y + v, 2 * x + u) for y in range(2) for x in range(3) for v in (0, 1) for u in (0, 1)
    ]
    each = 4 * (restart or 6)
    return [order[at : at + each] for at in range(0, 24, each)]


def differences(blocks, restart):
    for interval in in_order(restart):
        dc = [0, *(int(blocks[place][0]) for place in interval)]
        yield from (b - a for a, b in pairwise(dc))


@pytest.mark.slow
@pytest.mark.parametrize("restart", [0, 2])
@given(st.integers(0, 3), st.integers(0, 5), st.integers(-2500, 2500))
@settings(max_examples=some(40))
def test_a_dc_that_has_no_code_becomes_the_nearest_that_has_with_its_follower(
    restart, row, column, dc
):
    blocks = PLANES[0].blocks
    needed = {abs(d).bit_length() for plane in PLANES for d in differences_of(plane, restart)}
    content = with_tables(dc=DC.without(*(set(range(12)) - needed)), restart=restart)
    image = read_coefficients(content, PATH)
    block = blocks[row, column].copy()
    block[0] = dc

    result = rewritten(image, content, PATH, {(0, row, column): block})

    def is_coded(value):
        tried = blocks.copy()
        tried[row, column, 0] = value
        return all(abs(d).bit_length() in needed for d in differences(tried, restart))

    least = next(n for n in range(9999) if is_coded(dc - n) or is_coded(dc + n))
    stored = jpegs.stored(result.content)[0]
    assert abs(int(stored[row, column, 0]) - dc) == least
    assert is_coded(stored[row, column, 0])
    assert ((0, row, column) in result.substituted) == (least > 0)
    stored[row, column] = blocks[row, column]
    assert np.array_equal(stored, jpegs.stored(content)[0])


def differences_of(plane, restart):
    if plane.across == 2:
        return list(differences(plane.blocks, restart))
    dc = plane.blocks[..., 0].ravel().tolist()
    each = restart or 6
    return [b - a for at in range(0, 6, each) for a, b in pairwise([0, *dc[at : at + each]])]


@given(st.integers(0, 999))
@settings(max_examples=some(40))
def test_neighbours_whose_dcs_have_no_codes_are_all_written_and_no_other_block_changes(seed):
    rng = np.random.default_rng(seed)
    needed = {abs(d).bit_length() for plane in PLANES for d in differences_of(plane, 3)}
    content = with_tables(dc=DC.without(*(set(range(12)) - needed)), restart=3)
    image = read_coefficients(content, PATH)
    changes = {}
    for interval in in_order(3):
        first = int(rng.integers(len(interval)))
        for place in interval[first : first + int(rng.integers(1, 9))]:
            block = image.components[0].blocks[place].copy()
            block[0] += np.int16(rng.integers(-1500, 1500) if rng.random() < 0.8 else 0)
            changes[0, *place] = block

    result = rewritten(image, content, PATH, changes)

    before, after = jpegs.stored(content), jpegs.stored(result.content)
    assert {abs(d).bit_length() for d in differences(after[0], 3)} <= needed
    for place in np.ndindex(4, 6):
        if (0, *place) in result.substituted:
            assert not np.array_equal(after[0][place], changes[0, *place])
        else:
            wanted = changes.get((0, *place), before[0][place])
            assert np.array_equal(after[0][place], wanted)
    assert all(np.array_equal(a, b) for a, b in zip(before[1:], after[1:], strict=True))

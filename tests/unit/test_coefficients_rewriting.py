"""JPEGs written back: what was asked for has changed, and nothing else, byte for byte."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from stillpix.rewriting.jpeg import read_coefficients, rewritten
from support import jpegs
from support.effort import some
from support.jpegs import Plane, Recipe, Scan, some_blocks

PATH = Path("a.jpg")
TRAILER = b"\xff\xd8\xff\xe1\0\4ab\xff\xd9" * 3

options = st.fixed_dictionaries(
    {
        "width": st.integers(1, 70),
        "height": st.integers(1, 50),
        "mode": st.sampled_from(["L", "RGB", "CMYK"]),
        "quality": st.sampled_from([5, 40, 75, 92, 100]),
        "subsampling": st.sampled_from(["4:4:4", "4:2:2", "4:2:0"]),
        "optimize": st.booleans(),
        "progressive": st.booleans(),
        "restart_marker_blocks": st.sampled_from([0, 1, 3]),
        "exif": st.sampled_from([b"", b"Exif\0\0" + b"\xff\0\xd8note" * 9]),
        "comment": st.sampled_from([b"", b"comment"]),
    }
)


def wishes(image, number, seed):
    """Return new values for some blocks, by component, row and column."""
    rng = np.random.default_rng(seed)
    changes = {}
    for _ in range(number):
        index = int(rng.integers(len(image.components)))
        component = image.components[index]
        row, column = (
            int(rng.integers(-(-side // 8))) for side in (component.height, component.width)
        )
        block = component.blocks[row, column].copy()
        block[rng.integers(64, size=5)] += rng.integers(-3, 4, 5).astype(np.int16)
        block[0] += np.int16(rng.integers(-40, 41))
        changes[index, row, column] = block
    return changes


def assert_only_changed(before, after, changes, substituted):
    """By libjpeg's word, the blocks are those before, but for the wishes that were granted."""
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        expected = old.copy()
        for key, block in changes.items():
            if key[0] == index:
                granted = key not in substituted
                expected[key[1:]] = block if granted else new[key[1:]]
        assert np.array_equal(expected, new)


@pytest.mark.slow
@given(options, st.integers(1, 20), st.integers(0, 99))
@settings(max_examples=some(150))
def test_the_wanted_blocks_change_and_nothing_else(options, number, seed):
    content = jpegs.saved(**options) + TRAILER
    image = read_coefficients(content, PATH)
    changes = wishes(image, number, seed)

    result = rewritten(image, content, PATH, changes)

    stored = jpegs.stored(content), jpegs.stored(result.content)
    assert_only_changed(*stored, changes, result.substituted)
    kept = jpegs.segments(result.content)
    if result.new_tables:
        assert options["progressive"]
        kept = [each for each in kept if each[:2] != b"\xff\xc4"]
    own = jpegs.segments(content)
    assert kept == [each for each in own if not result.new_tables or each[:2] != b"\xff\xc4"]
    assert result.substituted <= changes.keys()
    if not options["optimize"]:
        assert not result.substituted


@given(options, st.integers(1, 20), st.integers(0, 99))
@settings(max_examples=some(60))
def test_a_change_undone_gives_the_file_as_it_was(options, number, seed):
    content = jpegs.saved(**options) + TRAILER
    image = read_coefficients(content, PATH)
    first = rewritten(image, content, PATH, wishes(image, number, seed))
    other = read_coefficients(first.content, PATH)
    own = {key: image.components[key[0]].blocks[key[1:]] for key in wishes(image, number, seed)}

    back = rewritten(other, first.content, PATH, own)

    if not first.new_tables:
        assert back.content == content
    assert not back.substituted


@given(options)
@settings(max_examples=some(20))
def test_without_a_change_the_file_stays_as_it_is(options):
    content = jpegs.saved(**options)
    image = read_coefficients(content, PATH)
    same = {
        (index, row, column): component.blocks[row, column]
        for index, component in enumerate(image.components)
        for row in range(-(-component.height // 8))
        for column in range(-(-component.width // 8))
    }

    assert rewritten(image, content, PATH, {}).content is content
    result = rewritten(image, content, PATH, same)
    assert result.content == content
    assert (result.substituted, result.new_tables) == (frozenset(), False)


PLANES = [
    Plane(some_blocks(4, 6), 2, 2),
    Plane(some_blocks(2, 3, seed=1)),
    Plane(some_blocks(2, 3, seed=2)),
]
recipes = st.fixed_dictionaries(
    {
        "scans": st.sampled_from(["one", "three", "two with other restarts"]),
        "restart": st.integers(0, 7),
        "padding": st.sampled_from("01"),
        "fill": st.sampled_from([b"", b"\xff", b"\xff\xff\xff"]),
        "stray": st.sampled_from([b"", b"ab", b"\xff\0\xff\0"]),
        "head": st.sampled_from([b"", b"\xff\xef\0\5abc"]),
        "trailer": st.sampled_from([b"", TRAILER]),
    }
)
TABLES = jpegs.DC.segment(0) + jpegs.AC.segment(16)
SCANS = {
    "one": (),
    "three": (Scan((0,)), Scan((1,)), Scan((2,))),
    "two with other restarts": (
        Scan((1,), dc=None, ac=None, before=TABLES),
        Scan((0, 2), before=b"\xff\xfe\0\7Hello\xff\xdd\0\4\0\1", restart=1),
    ),
}


def tells_its_padding(recipe):
    """Whether each scan has an interval that padding fills up."""
    with_0, with_1 = (
        jpegs.built(replace(recipe, padding=bit, stray=b"")).split(b"\xff\xda") for bit in "01"
    )
    return all(zero != one for zero, one in zip(with_0[1:], with_1[1:], strict=True))


@pytest.mark.slow
@given(recipes, st.integers(1, 12), st.integers(0, 99))
@settings(max_examples=some(150))
def test_the_file_is_what_its_encoder_would_have_made_of_the_changed_blocks(ways, number, seed):
    recipe = Recipe(41, 31, PLANES, **(ways | {"scans": SCANS[ways["scans"]]}))
    assume(tells_its_padding(recipe))
    content = jpegs.built(recipe)
    image = read_coefficients(content, PATH)
    changes = wishes(image, number, seed)
    planes = [replace(plane, blocks=plane.blocks.copy()) for plane in PLANES]
    for key, block in changes.items():
        planes[key[0]].blocks[key[1:]] = block

    result = rewritten(image, content, PATH, changes)

    assert result.content == jpegs.built(replace(recipe, planes=planes))
    assert not result.substituted


def test_intervals_without_a_change_are_the_same_bytes():
    content = jpegs.saved(200, 150, restart_marker_blocks=4)
    image = read_coefficients(content, PATH)
    block = image.components[1].blocks[2, 3] + np.int16(1)

    result = rewritten(image, content, PATH, {(1, 2, 3): block})

    pairs = zip(
        jpegs.entropy_coded(content), jpegs.entropy_coded(result.content), strict=True
    )  # MCU 2 * 13 + 3 of 13 in a row, 4 an interval
    assert [n for n, (old, new) in enumerate(pairs) if old != new] == [(2 * 13 + 3) // 4]


def bits_of(content):
    """Return the entropy-coded bits of a file without restart markers."""
    (coded,) = jpegs.entropy_coded(content)
    return "".join(f"{byte:08b}" for byte in coded.replace(b"\xff\0", b"\xff"))


def test_bits_beside_the_changed_mcu_and_its_follower_are_copied_even_where_not_canonical():
    """Two trailing runs of 16 zeros before the end of block: legal, and no encoder's choice."""
    zeros, end = jpegs.AC.codes()[0xF0], jpegs.AC.codes()[0]
    plane = Plane(some_blocks(4, 4, busy=0))
    content = jpegs.built(Recipe(32, 32, [plane]))
    odd = [jpegs.DC.codes()[1] + "1" + zeros * 2 + end for _ in range(16)]
    bits = "".join(odd)
    coded = int(bits + "1" * (-len(bits) % 8), 2).to_bytes(-(-len(bits) // 8), "big")
    start = content.index(b"\xff\xda") + 10
    content = content[:start] + coded.replace(b"\xff", b"\xff\0") + b"\xff\xd9"
    image = read_coefficients(content, PATH)

    result = rewritten(
        image, content, PATH, {(0, 1, 2): image.components[0].blocks[1, 2] + np.int16(1)}
    )

    after = bits_of(result.content)
    before, behind = "".join(odd[:6]), "".join(odd[8:])
    assert after.startswith(before)
    assert after[: after.rindex(behind) + len(behind)].endswith(behind)
    assert zeros not in after[len(before) : after.rindex(behind)]


@pytest.mark.parametrize("component", [0, 1])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
def test_pixels_beyond_a_changed_blocks_reach_are_decoded_as_before(
    component, subsampling, progressive
):
    content = jpegs.saved(96, 80, subsampling=subsampling, progressive=progressive)
    image = read_coefficients(content, PATH)
    block = image.components[component].blocks[2, 1].copy()
    block[:8] += np.int16(9)

    result = rewritten(image, content, PATH, {(component, 2, 1): block})

    before, after = (
        np.array(Image.open(BytesIO(each))).astype(int) for each in (content, result.content)
    )
    side = 16 if component == 1 and subsampling == "4:2:0" else 8
    reach = 2 if side == 16 else 0  # libjpeg smooths chroma over the neighbours when it enlarges
    rows, columns = np.nonzero((before != after).any(axis=2))
    assert rows.size > 0
    assert rows.min() >= 2 * side - reach
    assert rows.max() < 3 * side + reach
    assert columns.min() >= side - reach
    assert columns.max() < 2 * side + reach


def test_a_block_that_is_not_in_the_picture_is_refused():
    content = jpegs.saved(17, 9)
    image = read_coefficients(content, PATH)
    block = np.zeros(64, np.int16)

    for key in ((0, 2, 0), (0, 0, 3), (3, 0, 0), (1, -1, 0), (-1, 0, 0)):
        with pytest.raises(ValueError, match="no block"):
            rewritten(image, content, PATH, {(0, 0, 0): block, key: block})


def test_other_numbers_than_int16_are_refused():
    content = jpegs.saved()
    image = read_coefficients(content, PATH)

    with pytest.raises(TypeError):
        rewritten(image, content, PATH, {(0, 0, 0): np.zeros(64)})


def test_another_files_content_is_refused():
    image = read_coefficients(jpegs.saved(), PATH)

    with pytest.raises(ValueError, match=r"a\.jpg: these are not the bytes"):
        rewritten(image, jpegs.saved(quality=3), PATH, {})

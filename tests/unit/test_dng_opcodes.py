"""Opcode lists of DNG files: bad pixels to bytes and back, and added to what is there."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillpix.rewriting.dng.opcodes import (
    BadPixels,
    bad_pixels_in,
    bad_pixels_of,
    extended,
    fix_bad_pixels,
    opcode_list,
    opcodes_in,
)

WIDTH, HEIGHT = 60, 40
CONSTANT = struct.pack(">I4sIIII", 4, bytes((1, 3, 0, 0)), 1, 8, 0, 1)
WARP = struct.pack(">I4sII", 1, bytes((1, 3, 0, 0)), 1, 4) + b"\1\2\3\4"

points = st.lists(st.tuples(st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1)), max_size=8)
rects = st.lists(
    st.tuples(
        st.integers(0, 29), st.integers(0, 19), st.integers(30, WIDTH), st.integers(20, HEIGHT)
    ),
    max_size=2,
)
bads = st.builds(
    lambda dots, areas, phase: BadPixels(tuple(dots), tuple(areas), phase),
    points, rects, st.integers(0, 3),
)  # fmt: skip
foreign = st.builds(
    lambda number, version, flags, content: (
        struct.pack(">I4sII", number, version, flags, len(content)) + content
    ),
    st.integers(1, 30).filter(lambda number: number != 5),
    st.binary(min_size=4, max_size=4), st.integers(0, 7), st.binary(max_size=30),
)  # fmt: skip


def listed(content):
    """Return what a reader of the specification reads, told apart from stillpix's own reader."""
    (count,), at, found = struct.unpack_from(">I", content), 4, []
    for _ in range(count):
        number, _, _, length = struct.unpack_from(">I4sII", content, at)
        at += 16
        body = content[at : at + length]
        at += length
        if number == 5:
            phase, dots, areas = struct.unpack_from(">III", body)
            numbers = struct.unpack_from(f">{2 * dots + 4 * areas}I", body, 12)
            pairs = [(numbers[n + 1], numbers[n]) for n in range(0, 2 * dots, 2)]
            rest = numbers[2 * dots :]
            quads = [tuple(rest[n : n + 4]) for n in range(0, len(rest), 4)]
            found.append((phase, pairs, [(left, top, r, b) for top, left, b, r in quads]))
        else:
            found.append((number, body))
    assert at == len(content)
    return found


def test_a_list_is_what_the_specification_says():
    bad = BadPixels(points=((7, 2), (50, 39)), rects=((1, 2, 3, 4),), phase=1)

    content = opcode_list([fix_bad_pixels(bad)])

    assert content.hex(" ", 4) == (
        "00000001 00000005 01030000 00000001 0000002c 00000001 00000002 00000001"
        " 00000002 00000007 00000027 00000032 00000002 00000001 00000004 00000003"
    )
    assert listed(content) == [(1, [(7, 2), (50, 39)], [(1, 2, 3, 4)])]


@given(bads)
def test_bad_pixels_come_back_from_their_bytes(bad):
    assert bad_pixels_of(fix_bad_pixels(bad)) == bad
    assert bad_pixels_in(opcode_list([fix_bad_pixels(bad)])) == bad


@given(st.lists(foreign, max_size=4), bads, bads)
def test_what_a_list_holds_stays_byte_for_byte_and_in_order(others, there, new):
    before = (
        struct.pack(">I", len(others) + 1) + b"".join(others[:1]) + fix_bad_pixels(there).packed
    )
    before += b"".join(others[1:])

    after = extended(before, new, WIDTH, HEIGHT)

    kept = [opcode.packed for opcode in opcodes_in(after)]
    old = [*others[:1], fix_bad_pixels(there).packed, *others[1:]]
    added = [each for each in kept if each not in old]
    assert [each for each in kept if each not in added] == old
    assert len(added) <= 1
    both = [(dots, areas) for each in listed(after) if len(each) == 3 for _, dots, areas in [each]]
    every = {dot for dots, _ in both for dot in dots}
    areas = {area for _, more in both for area in more}
    inside = {
        dot for dot in new.points for a, b, c, d in areas if a <= dot[0] < c and b <= dot[1] < d
    }
    assert set(new.points) <= every | inside
    assert set(new.rects) <= areas


@given(bads, bads)
def test_nothing_is_listed_twice(there, new):
    once = extended(None, there, WIDTH, HEIGHT)
    twice = extended(once, new, WIDTH, HEIGHT)

    assert extended(twice, new, WIDTH, HEIGHT) is twice
    dots = [dot for _, dots, _ in listed(twice) for dot in dots]
    areas = [area for _, _, areas in listed(twice) for area in areas]
    assert len(dots) == len(set(dots))
    assert len(areas) == len(set(areas))


def test_a_point_in_a_listed_rectangle_is_not_listed_again():
    before = opcode_list([fix_bad_pixels(BadPixels(rects=((5, 0, 6, HEIGHT),)))])

    after = extended(before, BadPixels(((5, 9), (6, 9))), WIDTH, HEIGHT)

    assert bad_pixels_in(after).points == ((6, 9),)
    assert extended(before, BadPixels(((5, 9),)), WIDTH, HEIGHT) is before


def test_the_list_goes_before_an_opcode_that_mends_a_constant():
    before = struct.pack(">I", 3) + WARP + CONSTANT + WARP

    after = extended(before, BadPixels(((7, 2),)), WIDTH, HEIGHT)

    assert [opcode.number for opcode in opcodes_in(after)] == [1, 5, 4, 1]


@pytest.mark.parametrize(
    "bad",
    [
        BadPixels(points=((WIDTH, 2),)),
        BadPixels(points=((2, HEIGHT),)),
        BadPixels(points=((-1, 2),)),
        BadPixels(rects=((0, 0, WIDTH + 1, 2),)),
        BadPixels(rects=((5, 5, 5, 9),)),
        BadPixels(rects=((-1, 5, 5, 9),)),
    ],
)
def test_a_place_outside_the_frame_is_refused(bad):
    with pytest.raises(ValueError, match="outside the frame of 60x40"):
        extended(None, bad, WIDTH, HEIGHT)


@given(bads, st.data())
def test_a_damaged_list_is_refused(bad, data):
    content = opcode_list([fix_bad_pixels(bad)])
    short = content[: data.draw(st.integers(0, len(content) - 1))]

    with pytest.raises(ValueError, match="opcode list is cut short"):
        opcodes_in(short)
    with pytest.raises(ValueError, match="longer than its opcodes"):
        opcodes_in(content + b"\1")


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(content):
    try:
        assert opcode_list(opcodes_in(content)) == content.rstrip(b"\0").ljust(
            len(opcode_list(opcodes_in(content))), b"\0"
        )
        bad_pixels_in(content)
    except ValueError:
        pass


def test_a_list_that_claims_more_points_than_it_holds_is_refused():
    content = struct.pack(">I4sII", 5, bytes(4), 0, 12) + struct.pack(">III", 0, 1 << 31, 0)

    with pytest.raises(ValueError, match="says more or less than it holds"):
        bad_pixels_in(struct.pack(">I", 1) + content)

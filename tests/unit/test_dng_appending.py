"""A list put into a DNG: one directory copied to the end, one pointer changed, nothing moved."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillpix.errors import ReadError, WriteError
from stillpix.rewriting.dng import appending
from stillpix.rewriting.dng.appending import Tag, opcodes_of, with_bad_pixels, with_tags
from stillpix.rewriting.dng.mosaic_directory import mosaic_directory
from stillpix.rewriting.dng.opcodes import BadPixels, bad_pixels_in, fix_bad_pixels, opcode_list
from support import mosaic_files, tiffs
from support.effort import some

NAME = Path("photo.dng")
PLACES = ("first", "second", "alone below", "last below")
PIXELS = np.arange(40 * 48, dtype=np.uint16).reshape(40, 48)
BAD = BadPixels(((7, 2), (47, 39)), phase=1)

kinds = st.sampled_from([1, 2, 3, 4, 7, 9, 12])


@st.composite
def some_tags(draw):
    """Return tags of codes that mean nothing, from below all others to above them."""
    tags = {}
    for code in draw(
        st.sets(st.sampled_from([3, 4, 37510, 51007, 51009, 60001, 65000]), max_size=4)
    ):
        kind = draw(kinds)
        count = draw(st.integers(1, 9))
        width = tiffs.WIDTHS[kind] * count
        octets = draw(st.binary(min_size=width, max_size=width))
        if kind == 2:
            octets = bytes(32 + each % 90 for each in octets[:-1]) + b"\0"
        if kind == 12:
            octets = bytes(width)
        tags[code] = (kind, count, octets)
    return tags


def changed_bytes(before, after):
    old, new = (np.frombuffer(each, np.uint8, len(before)) for each in (before, after))
    return np.flatnonzero(old != new)


@pytest.mark.slow
@settings(max_examples=some(150))
@given(
    st.sampled_from("<>"), st.booleans(), st.sampled_from(PLACES), some_tags(),
    st.lists(some_tags(), max_size=2), some_tags(),
)  # fmt: skip
def test_whatever_directories_a_dng_has_all_that_they_say_stays(
    order, big, place, extra, others, more
):
    before = tiffs.laid_out(
        PIXELS, order=order, big=big, place=place, extra=extra, others=others, more=more
    )

    after = with_bad_pixels(before, NAME, BAD)

    old, new = tiffs.told(before), tiffs.told(after)
    lists = [page.pop(51008, None) for page in new]
    assert new == old
    assert [page[262][2] for page, found in zip(new, lists, strict=True) if found] == [32803]
    (found,) = (each for each in lists if each)
    assert found == (7, len(found[2]), opcode_list([fix_bad_pixels(BAD)]))
    width = 8 if big else 4
    where = changed_bytes(before, after)
    assert 0 < len(where) <= width
    assert where[-1] - where[0] < width
    for page in tiffs.pages_in(after):
        codes = [tag.code for tag in page.tags]
        assert codes == sorted(codes)
        if page.photometric == 32803:
            assert np.array_equal(page.asarray(), PIXELS)


@pytest.mark.parametrize("place", PLACES)
def test_a_list_that_is_there_is_kept_and_extended_and_twice_changes_nothing(place):
    warp = struct.pack(">I4sII", 1, bytes((1, 3, 0, 0)), 1, 4) + b"\1\2\3\4"
    there = struct.pack(">I", 1) + warp
    before = tiffs.laid_out(PIXELS, place=place, extra={51008: (7, len(there), there)})

    once = with_bad_pixels(before, NAME, BAD)
    more = with_bad_pixels(once, NAME, BadPixels(((7, 2), (8, 2)), phase=1))

    assert with_bad_pixels(more, NAME, BAD) is more
    assert opcodes_of(more, NAME)[4 : 4 + len(warp)] == warp
    assert bad_pixels_in(opcodes_of(more, NAME)).points == ((7, 2), (47, 39), (8, 2))


def test_nothing_to_list_changes_nothing():
    before = tiffs.laid_out(PIXELS)

    assert with_bad_pixels(before, NAME, BadPixels()) is before
    assert opcodes_of(before, NAME) is None


def test_a_damaged_list_is_left_alone_with_the_remedy():
    before = tiffs.laid_out(PIXELS, extra={51008: (7, 8, b"\0\0\0\1\0\0\0\5")})

    with pytest.raises(
        ReadError, match=r"operations that is damaged .*; replace the pixels' values"
    ):
        with_bad_pixels(before, NAME, BAD)


def test_a_place_outside_the_mosaic_is_refused():
    with pytest.raises(ValueError, match="48,3 lies outside the frame of 48x40"):
        with_bad_pixels(tiffs.laid_out(PIXELS), NAME, BadPixels(((48, 3),)))


# What is refused


@pytest.mark.parametrize("place", PLACES)
def test_a_file_cut_anywhere_is_refused_or_its_bytes_are_kept(place):
    whole = tiffs.laid_out(PIXELS, place=place, others=({},))

    for end in [*range(0, 200, 7), *range(3800, len(whole))]:
        cut = whole[:end]
        try:
            after = with_bad_pixels(cut, NAME, BAD)
        except ReadError as error:
            assert "\n" not in str(error)
            assert ";" in error.reason
        else:
            assert len(changed_bytes(cut, after)) <= 4


def test_directories_in_a_circle_are_refused():
    file = bytearray(tiffs.laid_out(PIXELS))
    (first,) = struct.unpack_from("<I", file, 4)
    (count,) = struct.unpack_from("<H", file, first)
    struct.pack_into("<I", file, first + 2 + 12 * count, first)

    with pytest.raises(
        ReadError, match=r"DNG that cannot be changed, .*: it has directories .* circle"
    ):
        with_bad_pixels(bytes(file), NAME, BAD)


def test_one_directory_that_two_point_at_is_refused():
    below = tiffs.laid_out(PIXELS, place="last below", others=({},))
    page = next(tiffs.pages_in(below))
    first, second = page.tags[330].value
    twice = below.replace(struct.pack("<II", first, second), struct.pack("<II", second, second))

    with pytest.raises(ReadError, match="point in a circle"):
        with_bad_pixels(twice, NAME, BAD)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no TIFF header"),
        (b"not a DNG at all, and long enough", "has no TIFF header"),
        (b"II*\0" + struct.pack("<I", 1 << 30), "points past its own end"),
        (tiffs.laid_out(PIXELS).replace(b"\x12\xc6\1\0\4\0", b"\x11\xc6\1\0\4\0"), "is no DNG"),
        (tiffs.laid_out(PIXELS, extra={254: tiffs.long("<", 1)}), "without a sensor's mosaic"),
        (tiffs.laid_out(PIXELS, extra={262: tiffs.short("<", 34892), 277: tiffs.short("<", 3)}),
         "is a linear DNG: its colours are computed already"),
        (tiffs.laid_out(PIXELS, others=({262: tiffs.short("<", 32803), 254: tiffs.long("<", 0)},)),
         "a DNG with several mosaics"),
        (tiffs.laid_out(PIXELS, extra={256: tiffs.long("<", 1 << 31)}), "to be 2147483648x40"),
    ],
)  # fmt: skip
def test_what_is_no_dng_with_a_mosaic_is_refused_in_one_line(content, words):
    with pytest.raises(ReadError, match=words) as caught:
        with_bad_pixels(content, NAME, BAD)
    assert "\n" not in str(caught.value)
    assert caught.value.path == "photo.dng"
    assert ";" in caught.value.reason


def test_a_sensor_without_colours_is_a_mosaic_too():
    mono = tiffs.laid_out(PIXELS, extra={262: tiffs.short("<", 34892)})

    assert bad_pixels_in(opcodes_of(with_bad_pixels(mono, NAME, BAD), NAME)) == BAD


def test_a_file_that_would_grow_beyond_its_offsets_is_refused(monkeypatch):
    monkeypatch.setattr(appending, "CLASSIC_BYTES", 4096)

    with pytest.raises(ReadError, match="longer than 4 GB"):
        with_bad_pixels(tiffs.laid_out(PIXELS), NAME, BAD)
    with_bad_pixels(tiffs.laid_out(PIXELS, big=True), NAME, BAD)


def test_a_result_that_changed_more_is_not_handed_out(monkeypatch):
    def careless(content, *arguments, **options):
        after = bytearray(with_tags(content, *arguments, **options))
        after[100] ^= 1
        return bytes(after)

    monkeypatch.setattr(appending, "with_tags", careless)

    with pytest.raises(WriteError, match="beyond its list of bad pixels, so nothing was written"):
        with_bad_pixels(tiffs.laid_out(PIXELS), NAME, BAD)


def test_a_result_that_lost_a_tag_is_not_handed_out(monkeypatch):
    def careless(content, *arguments, **options):
        return with_tags(content, *arguments, **options, without={33422})

    monkeypatch.setattr(appending, "with_tags", careless)

    with pytest.raises(WriteError, match="beyond its list"):
        with_bad_pixels(tiffs.laid_out(PIXELS), NAME, BAD)


def test_values_that_fit_into_their_entry_lie_there():
    before = tiffs.laid_out(PIXELS, order=">")

    after = with_tags(before, NAME, mosaic_directory(before, NAME), [Tag(60000, 7, 3, b"abc")])

    assert tiffs.told(after)[0][60000] == (7, 3, b"abc")


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_dng_of_tifffile_is_extended(order):
    before = mosaic_files.dng(mosaic_files.noise(), byteorder=order)

    after = with_bad_pixels(before, NAME, BAD)

    old, new = tiffs.told(before)[0], tiffs.told(after)[0]
    assert new.pop(51008)[2] == opcode_list([fix_bad_pixels(BAD)])
    assert new == old

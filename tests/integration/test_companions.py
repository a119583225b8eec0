"""What a JPEG's file holds beside its picture is found after a repair as before, to the byte.

Truth is what the test put into the file, and what Pillow and exiftool find in the result.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillpix.errors import ReadError, WriteError
from stillpix.images import read_header
from stillpix.maps.records import Defect
from stillpix.restoration import (
    repaired_file,
    repaired_pictures,
    require_companions,
    verified,
)
from stillpix.restoration.fix import fix
from stillpix.restoration.heads import end_of_picture
from support import companioned, costs
from support.companioned import end_of_first, picture, striped
from support.effort import chosen, some
from support.fixing import header_of
from support.places import REAL as DATA

DOTS = ((20, 18), (50, 33))
LISTED = tuple(Defect(x=x, y=y, state="confirmed") for x, y in DOTS)
EXAMPLES = int(os.environ.get("STILLPIX_EXAMPLES", some(30)))  # files that are made at random
SHORTER, LONGER = picture(DOTS), striped(DOTS)
EXIFTOOL = shutil.which("exiftool")
needs_exiftool = pytest.mark.skipif(EXIFTOOL is None, reason="exiftool is not installed")
both_ways = pytest.mark.parametrize("primary", [SHORTER, LONGER], ids=["shorter", "longer"])


def jpeg_header(content):
    return replace(header_of(content), format="jpeg")  # Pillow calls some of them MPO


def repaired(content, *, always=False):
    """Return a file after its repair, which is verified and is no longer changed by another."""
    header = jpeg_header(content)
    mended = repaired_file(content, header, LISTED, always=always)
    again = repaired_file(mended.content, header, LISTED, always=always)
    verified(content, mended.content, header, mended.verdicts)
    require_companions(content, mended.content, header)

    assert again.content is mended.content
    return mended.content


def assert_found_as_before(before, after):
    """Assert that Pillow finds and decodes the same pictures, and all behind the first is there."""
    assert companioned.pictures(after) == companioned.pictures(before)
    for old, new in zip(companioned.frames(before), companioned.frames(after), strict=True):
        assert np.array_equal(old, new)
    assert after[end_of_first(after) :] == before[end_of_first(before) :]


def by_exiftool(content, path, *options):
    path.write_bytes(content)
    ran = subprocess.run(
        [EXIFTOOL, *options, path], capture_output=True, check=False, timeout=costs.LONGEST_S,
    )  # fmt: skip
    return ran.stdout


def test_the_pictures_of_these_tests_become_shorter_and_longer():
    after = [len(repaired(content)) for content in (SHORTER, LONGER)]

    assert after[0] < len(SHORTER)
    assert after[1] > len(LONGER)


@both_ways
@pytest.mark.parametrize("told", [None, 1], ids=["own length left out", "own length told"])
def test_the_gain_map_of_an_ultra_hdr_photo_is_found_as_before(primary, told):
    before, gain_map = companioned.ultra_hdr(primary, own_length=told)

    after = repaired(before)

    assert companioned.pictures(after) == [gain_map]
    assert_found_as_before(before, after)
    assert companioned.own_size(after) == end_of_first(after)
    length = b'Semantic="Primary" Item:Length="%d"'
    assert (length % end_of_first(after) in after) == (told is not None)


@both_ways
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("copies", [1, 2])
def test_both_eyes_of_a_stereo_photo_are_found_as_before(primary, order, copies):
    other = companioned.with_segments(
        picture(seed=5), companioned.segment(0xE2, b"MPF\0II*\0\x08\0\0\0\0\0\0\0\0\0")
    )
    before = companioned.indexed(
        primary, [other], order=order, gap=bytes(7), copies=copies,
        kinds=(companioned.DISPARITY, companioned.DISPARITY),
    )  # fmt: skip

    after = repaired(before)

    assert companioned.pictures(after) == [other]
    assert_found_as_before(before, after)
    assert (len(after) > len(before)) == (primary is LONGER)


@both_ways
def test_a_picture_with_an_index_and_nothing_behind_it_has_its_own_size_right(primary):
    before = companioned.indexed(primary, [])

    after = repaired(before)

    assert struct.pack(">I", len(after)) in after[:300]
    assert (len(after) > len(before)) == (primary is LONGER)


@both_ways
@pytest.mark.parametrize("order", "<>")
@needs_exiftool
def test_a_preview_that_a_maker_note_leads_to_is_found_as_before(primary, order, tmp_path):
    preview = picture(size=(40, 32), seed=8)
    before = companioned.with_preview_of_notes(primary, preview, order=order, gap=bytes(5))
    option = ("-b", "-PreviewImage")

    after = repaired(before)

    assert by_exiftool(before, tmp_path / "before.jpg", *option) == preview
    assert by_exiftool(after, tmp_path / "after.jpg", *option) == preview
    assert_found_as_before(before, after)


@both_ways
@needs_exiftool
def test_what_a_samsung_trailer_holds_is_found_as_before(primary, tmp_path):
    film, sound = companioned.video(), b"made of sound" * 9
    trailer = companioned.samsung_trailer(
        [(0x0A30, b"MotionPhoto_Data", film), (0x0100, b"SoundShot_000", sound)]
    )
    before = primary + trailer

    after = repaired(before)

    assert after.endswith(trailer)
    for content in (before, after):
        told = by_exiftool(content, tmp_path / "a.jpg", "-b", "-EmbeddedVideoFile")
        assert told == film


@both_ways
@pytest.mark.parametrize("told", [None, 1], ids=["own length left out", "own length told"])
def test_the_video_of_a_motion_photo_is_found_as_before(primary, told):
    film = companioned.video()
    before = companioned.contained(
        primary, [("MotionPhoto", "video/mp4", film)], own_length=told, padding=6,
        attributes=f'GCamera:MotionPhoto="1" GCamera:MicroVideoOffset="{len(film)}"',
    )  # fmt: skip

    after = repaired(before)

    assert after[end_of_first(after) :] == bytes(6) + film
    length = b'Semantic="Primary" Item:Length="%d"'
    assert (length % end_of_first(after) in after) == (told is not None)


@needs_exiftool
@both_ways
def test_exiftool_has_no_new_warning(primary, tmp_path):
    before, _ = companioned.ultra_hdr(primary, tail=companioned.samsung_trailer([(1, b"a", b"b")]))
    options = ("-validate", "-warning", "-error", "-a")

    after = repaired(before)

    first = by_exiftool(before, tmp_path / "a.jpg", *options)
    assert by_exiftool(after, tmp_path / "a.jpg", *options) == first


def test_a_shorter_picture_keeps_its_length_and_a_later_repair_uses_what_it_gained():
    before = companioned.indexed(SHORTER, [picture(seed=5)])
    header = jpeg_header(before)
    once = repaired_file(before, header, LISTED[:1]).content

    twice = repaired_file(once, header, LISTED).content

    assert len(before) == len(once) == len(twice)
    assert twice == repaired(before)


def test_fill_bytes_that_are_there_are_used_before_anything_moves():
    padded = LONGER[:-2] + b"\xff" * 200 + LONGER[-2:]
    before = companioned.indexed(padded, [picture(seed=5)])

    after = repaired(before)

    assert len(after) == len(before)
    assert after[:300] == before[:300]


def test_a_file_with_nothing_behind_its_picture_is_not_filled_up():
    assert repaired(SHORTER)[-3:-2] != b"\xff"


@both_ways
@pytest.mark.parametrize("tail", [b"\0" * 50, b"\xff" * 9, b"what nobody knows"])
def test_bytes_that_nothing_leads_to_stay_behind_the_picture(primary, tail):
    assert repaired(primary + tail).endswith(b"\xff\xd9" + tail)


def test_a_picture_becomes_no_longer_where_an_unknown_number_may_lead_behind_it():
    secret = b"unknown to all" * 30
    before = companioned.with_preview_of_notes(
        LONGER, secret, field=((0x1234, 4, 1), lambda start: start + 14)
    )
    header = jpeg_header(before)

    after = repaired_file(before, header, LISTED)

    assert (len(after.content), after.repaired > 0) == (len(before), True)
    assert repaired_file(after.content, header, LISTED).content is after.content
    assert after.content.endswith(secret)


@both_ways
@pytest.mark.parametrize(("mark", "order"), [(b"AXS!", ">"), (b"AXS*", "<")])
@needs_exiftool
def test_a_trailer_that_counts_from_the_files_start_does_not_move(primary, mark, order, tmp_path):
    title = b"\x1c\x02\x05\x00\x04Test"
    start = len(primary)
    entry = b"IPTC" + struct.pack(order + "II", len(title), start + 24)
    trailer = mark + struct.pack(order + "HHI", 1, 1, 0) + entry + title
    before = primary + trailer + mark + struct.pack(order + "II", start, 0)

    after = repaired(before)

    assert len(after) == len(before)
    first = by_exiftool(before, tmp_path / "a.jpg", "-a", "-G1", "-warning", "-IPTC:all")
    assert b"Test" in first
    assert by_exiftool(after, tmp_path / "a.jpg", "-a", "-G1", "-warning", "-IPTC:all") == first


def test_a_photo_is_refused_if_it_must_not_become_longer_and_cannot_but(monkeypatch):
    monkeypatch.setattr("stillpix.restoration.files.SHORTER", (0.3,))
    before = companioned.with_preview_of_notes(
        LONGER, b"unknown to all" * 30, field=((0x1234, 4, 1), lambda start: start + 14)
    )

    with pytest.raises(ReadError, match=r"unknown kind counts on its length \(420 bytes follow"):
        repaired_file(before, jpeg_header(before), LISTED)


def test_a_length_in_xmp_that_would_get_another_digit_stays():
    padding = 9_999 - len(companioned.contained(LONGER, [], own_length=1)) - 3
    padded = companioned.with_segments(LONGER, companioned.segment(0xFE, bytes(padding - 4)))
    before = companioned.contained(padded, [], own_length=1)
    assert b'Item:Length="9996"' in before

    after = repaired(before + companioned.video())

    assert end_of_first(after) == 9996


@both_ways
def test_verified_refuses_a_file_whose_index_leads_elsewhere(primary):
    before, _ = companioned.ultra_hdr(primary)
    header = jpeg_header(before)
    mended = repaired_file(before, header, LISTED)
    sound, end = mended.content, end_of_first(mended.content)
    moved = sound[: end - 2] + b"\xff" + sound[end - 2 :]
    at = sound.index(b"hdrgm:Version", end)
    changed = sound[:at] + b"x" + sound[at + 1 :]

    for content in (moved, changed):
        with pytest.raises(WriteError, match="changed beyond the repaired places"):
            verified(before, content, header, mended.verdicts)
        with pytest.raises(WriteError, match="would have lost another picture"):
            require_companions(before, content, header)


def test_an_index_that_was_broken_before_does_not_hinder_the_repair():
    before = companioned.indexed(SHORTER, [picture(seed=5)])
    cut = before[: end_of_first(before)] + before[end_of_first(before) + 40 :]

    assert len(repaired(cut)) == len(cut)


def test_the_end_of_a_picture_is_where_the_test_walks_to():
    content = picture(progressive=True) + b"\xff\xd9 and more"

    assert end_of_picture(content, 0) == end_of_first(content) == len(content) - 11


@st.composite
def files(draw):
    """Return a file of several pictures and a trailer, made by chance."""
    make = draw(st.sampled_from([picture, striped]))
    options = draw(
        st.sampled_from(
            [{}, {"progressive": True}, {"optimize": True}, {"restart_marker_blocks": 3},
             {"subsampling": "4:4:4"}, {"quality": 60}]
        )
    )  # fmt: skip
    primary = make(DOTS, size=(67, 45), seed=draw(st.integers(0, 99)), **options)
    if draw(st.booleans()):
        primary = primary[:-2] + b"\xff" * draw(st.integers(1, 40)) + primary[-2:]
    others = [
        picture(size=(24, 17), seed=seed, progressive=seed % 2 == 1)
        for seed in draw(st.lists(st.integers(0, 9), max_size=3))
    ]
    film = companioned.video(draw(st.integers(0, 9)))
    tail = draw(
        st.sampled_from(
            [b"", bytes(30), b"\xff" * 20, film, companioned.samsung_trailer([(2, b"name", film)])]
        )
        | st.binary(max_size=60)
    )
    gap = bytes(draw(st.integers(0, 9)))
    order, copies = draw(st.sampled_from("<>")), draw(st.integers(0, 2))
    if copies == 0:
        return primary + gap.join([*others, tail])
    return companioned.indexed(primary, others, order=order, gap=gap, copies=copies, tail=tail)


@settings(max_examples=EXAMPLES)
@given(files(), st.booleans())
def test_whatever_follows_a_picture_is_found_as_before(before, always):
    after = repaired(before, always=always)

    assert_found_as_before(before, after)
    shorter = end_of_first(after) <= end_of_first(before)
    assert (
        not shorter or end_of_first(after) == end_of_first(before) or before.endswith(b"\xff\xd9")
    )


@pytest.mark.real
@needs_exiftool
@pytest.mark.parametrize("number", chosen(range(423, 439), 423, 431))
def test_real_photos_keep_their_previews(number, tmp_path):
    photo = DATA / "banana" / f"DSC_0{number}.JPG"
    if not photo.exists():
        pytest.skip(f"{photo} is not there")
    before = photo.read_bytes()
    header = read_header(photo)
    places = [(2797, 791), (2330, 1250), (2507, 1367), (625, 1206)]
    listed = [Defect(x=x, y=y) for x, y in places]

    after = repaired_file(before, header, listed).content

    option = ("-b", "-PreviewImage")
    preview = by_exiftool(before, tmp_path / "before.jpg", *option)
    assert after != before
    assert len(preview) > 190_000
    assert by_exiftool(after, tmp_path / "after.jpg", *option) == preview
    assert_found_as_before(before, after)
    warnings = [
        by_exiftool(each, tmp_path / "a.jpg", "-validate", "-warning", "-a")
        for each in (before, after)
    ]
    assert warnings[0] == warnings[1]


def test_the_second_eye_that_stays_as_it_is_is_told_of(tmp_path):
    kinds = (companioned.DISPARITY, companioned.DISPARITY)
    path = tmp_path / "a.jpg"
    path.write_bytes(companioned.indexed(SHORTER, [picture(DOTS, seed=5)], kinds=kinds))

    fixed = repaired_pictures(path.read_bytes(), [read_header(path)], LISTED)

    assert [note.partition(":")[0] for note in fixed.notes] == [
        "only its first picture is repaired"
    ]


def test_a_signature_that_a_repair_breaks_is_told_of(tmp_path):
    store = b"\0\x11\0\x10\x80\0\0\xaa\x008\x9bq\x03c2pa\0"
    description = struct.pack(">I", 12 + len(store)) + b"jumdc2pa" + store
    jumbf = struct.pack(">I", 8 + len(description)) + b"jumb" + description
    signed = companioned.with_segments(
        SHORTER, companioned.segment(0xEB, b"JP" + struct.pack(">HI", 1, 1) + jumbf)
    )
    header = jpeg_header(signed)

    changed = repaired_pictures(signed, [header], LISTED)
    same = repaired_pictures(signed, [header], [])

    assert jumbf in changed.content
    assert [note.partition(" (C2PA)")[0] for note in changed.notes] == ["its Content Credentials"]
    assert same.notes == ()


def test_a_copy_that_fix_writes_holds_all_pictures(tmp_path):
    from stillpix.maps.records import DefectMap

    before, gain_map = companioned.ultra_hdr(LONGER)
    photo, out = tmp_path / "a.jpg", tmp_path / "b.jpg"
    photo.write_bytes(before)

    fix(photo, DefectMap(read_header(photo).sensor, LISTED), out)

    assert companioned.pictures(Path(out).read_bytes()) == [gain_map]

"""Packed evidence: the same bits come back, however it is merged, and damage is told in time."""

from __future__ import annotations

import errno
import io
import os
import zipfile
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from stillpix.errors import SensorMismatchError, StateFormatError, WriteError
from stillpix.evidence import packed, periods
from stillpix.evidence.evidence import Evidence
from stillpix.evidence.packed import FACTS, Packed, pack
from stillpix.evidence.room import Room
from stillpix.frame import Exposure
from stillpix.scan.shards.joining import join
from support import mosaics
from support.frames import evidence_of, some_frames

DATES = [None, *(datetime(2026, 1, 1, 0, 0, 0, 7) + timedelta(days=9 * n) for n in range(9))]
FRAMES = [
    replace(frame, exposure=Exposure(frame.exposure.exposure_s, frame.exposure.gain, taken))
    for frame, taken in zip(some_frames(10), DATES, strict=True)
]


def packed_of(evidence):
    file = io.BytesIO()
    pack(evidence, file)
    return Packed(file, evidence.sensor)


def full_evidence():
    evidence = evidence_of(FRAMES).note_repeat(some_frames(1, seed=2)[0])
    evidence.files = {"IMG_1.JPG|7|8"}
    return evidence


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Cut arrays of small frames into several blocks, too."""
    monkeypatch.setattr(packed, "BLOCK_BYTES", 1000)


def test_what_is_packed_and_unpacked_is_equal():
    evidence = full_evidence()

    back = packed_of(evidence)

    assert back.unpacked() == evidence
    assert (back.photos, back.files, back.again) == (
        evidence.photos, evidence.files, evidence.again,
    )  # fmt: skip


@pytest.mark.slow
def test_mosaics_come_back_too():
    frames = mosaics.some_frames(5, "bayer-RGGB")
    evidence = evidence_of(frames[:4]).note_repeat(frames[4])

    assert packed_of(evidence).unpacked() == evidence


def test_evidence_without_a_photo_comes_back():
    empty = Evidence(FRAMES[0].sensor)

    assert packed_of(empty).unpacked() == empty


def test_merging_packed_parts_gives_the_bits_of_all_at_once():
    merged = Evidence(FRAMES[0].sensor)

    for part in (FRAMES[6:], FRAMES[:1], FRAMES[1:6]):
        merged.merge(packed_of(evidence_of(part)))

    assert merged == evidence_of(FRAMES)


def test_the_same_sums_give_the_same_file():
    first, again = io.BytesIO(), io.BytesIO()
    pack(evidence_of(FRAMES), first)
    pack(evidence_of(FRAMES[4:]).merge(evidence_of(FRAMES[:4])), again)

    assert first.getvalue() == again.getvalue()


def test_packed_photos_in_both_are_refused():
    with pytest.raises(SensorMismatchError, match="1 photos are in both"):
        evidence_of(FRAMES[:2]).merge(packed_of(evidence_of(FRAMES[1:3])))


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_bit_that_flips_is_told_before_anything_is_merged(part):
    file = io.BytesIO()
    pack(full_evidence(), file)
    content = bytearray(file.getvalue())
    content[int(part * len(content))] ^= 16

    with pytest.raises(StateFormatError, match="cannot be used"):
        Packed(io.BytesIO(content), FRAMES[0].sensor)


@pytest.mark.parametrize("kept", [0, 1, 1000, -1])
def test_a_file_that_is_cut_short_is_told(kept):
    file = io.BytesIO()
    pack(full_evidence(), file)

    with pytest.raises(StateFormatError, match="cannot be used"):
        Packed(io.BytesIO(file.getvalue()[:kept]), FRAMES[0].sensor)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'"version": 2', b'"version": 9', "version 9"),
        (b'"serial": "7"', b'"serial": "8"', "another sensor's"),
        (b'"hot-tempered"', b'"hot-headed--"', "other templates"),
        (b'"scores": [[', b'"scores": [[1', "another shape"),
    ],
)
def test_a_file_of_something_else_is_told(old, new, said):
    file, other = io.BytesIO(), io.BytesIO()
    pack(full_evidence(), file)
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(other, "w") as changed:
        for name in archive.namelist():
            content = archive.read(name)
            changed.writestr(name, content.replace(old, new) if name == FACTS else content)
    assert other.getvalue() != file.getvalue()

    with pytest.raises(StateFormatError, match=said):
        Packed(other, FRAMES[0].sensor)


def test_a_file_that_is_gone_is_told(tmp_path):
    with pytest.raises(StateFormatError, match="cannot be used"):
        Packed(tmp_path / "gone.zip", FRAMES[0].sensor)


def test_items_are_those_along_the_first_axis():
    evidence = full_evidence()
    scores = evidence.all_arrays()["group_scores"]

    items = list(packed_of(evidence).items("group_scores"))

    assert len(items) == len(scores)
    assert all(np.array_equal(*pair) for pair in zip(items, scores, strict=True))


def test_sums_on_a_disk_have_the_bits_of_sums_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(periods, "NARROW", 4)  # so that scores are widened, too
    parts = [packed_of(evidence_of(FRAMES[first : first + 4])) for first in (0, 4, 8)]
    memory, disk = Evidence(FRAMES[0].sensor), Evidence.in_room(FRAMES[0].sensor, Room(tmp_path))

    for part in parts:
        memory.merge(part)
        disk.merge(part)

    assert disk == memory
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system cannot ask for room")
def test_a_disk_without_room_for_sums_is_told_before_they_are_written(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)

    with pytest.raises(WriteError, match="the disk is full"):
        join([], FRAMES[0].sensor, tmp_path)

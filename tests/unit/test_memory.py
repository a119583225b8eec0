"""How much memory sums and photos take, in bytes a pixel: what a photo of 24 megapixels takes, too.

Sums are of the shape that those of 24 megapixels have: one strip of rows in 24 has decoys, in at
most 16 groups.
"""

from __future__ import annotations

import gc
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from test_chroma import colourful

from stillpix.evidence import evidence as of_evidence
from stillpix.evidence import room as of_room
from stillpix.evidence.evidence import Evidence
from stillpix.evidence.groups import FEWEST_OF_MANY
from stillpix.evidence.narrow import NarrowSums
from stillpix.evidence.packed import BLOCK_BYTES, pack
from stillpix.evidence.parts import Parts
from stillpix.evidence.room import Room
from stillpix.frame import Exposure, Frame, Sensor
from stillpix.images import read_frame, read_header
from stillpix.images.read_ahead import read_ahead
from stillpix.scan.in_flight import in_flight
from support import costs
from support.frames import some_frames, texture

WIDTH, HEIGHT, THIN = 96, 4000, 24
PIXELS = WIDTH * HEIGHT


@pytest.fixture
def as_of_24_megapixels(monkeypatch):
    monkeypatch.setattr(of_evidence, "ENOUGH_DECOYS", PIXELS // THIN)
    monkeypatch.setattr(of_evidence, "ENOUGH_OF_CHROMA", PIXELS // 4 // THIN)
    monkeypatch.setattr(of_evidence, "most_of", lambda _: FEWEST_OF_MANY)


def coloured_photos(number):
    rng = np.random.default_rng(7)
    sensor = Sensor("a", "b", "c", WIDTH, HEIGHT)
    planes = [texture(rng, WIDTH, HEIGHT), *(texture(rng, WIDTH // 2, HEIGHT // 2) for _ in "br")]
    for n in range(number):
        luma, *chroma = (np.roll(plane, 5 * n, axis=0) for plane in planes)
        yield Frame(
            luma, sensor, Exposure(), f"{n}", f"{n * 53 % 256:02x}" * 16, chroma=tuple(chroma)
        )


def summed(number, room=None):
    photos = list(coloured_photos(number))
    evidence = Evidence(photos[0].sensor)
    evidence.groups.room = room
    with ThreadPoolExecutor(2) as pool:
        for start in range(0, number, 2):
            evidence.update_all(photos[start : start + 2], pool)
    return evidence


@pytest.mark.parametrize(("number", "most"), [(20, 46.5), (80, 50.5)])
def test_sums_of_colour_photos_take_few_bytes_a_pixel(as_of_24_megapixels, number, most):
    summed(2)
    frames = sum(plane.nbytes for plane in next(coloured_photos(1)).chroma) + PIXELS

    with costs.memory() as counted:
        evidence = summed(number)

    assert len(evidence.groups) > FEWEST_OF_MANY // 2
    assert counted.most - number * frames <= most * PIXELS


@pytest.mark.parametrize("files", [200, 5, 0])
def test_groups_in_files_take_no_memory_and_have_the_same_bits(
    as_of_24_megapixels, tmp_path, monkeypatch, files
):
    evidence = summed(80)  # more than 16 groups, which were joined, and sums of more than 16 bits
    frames = sum(plane.nbytes for plane in next(coloured_photos(1)).chroma) + PIXELS
    monkeypatch.setattr(of_room, "MOST", files)

    with costs.memory() as counted:
        again = summed(80, Room(tmp_path, or_memory=True))

    assert again == evidence
    assert (counted.most - 80 * frames < 38.5 * PIXELS) == (files == 200)
    assert list(tmp_path.iterdir()) == []


def test_arrays_that_are_gone_give_back_their_files(tmp_path):
    room = Room(tmp_path)
    array = room.zeros((2, 3), np.int16)
    view = array[1:]
    del array
    gc.collect()
    view += 7

    assert (view.tolist(), len(room._maps)) == ([[7, 7, 7]], 1)
    del view
    gc.collect()
    assert len(room._maps) == 0


def test_keeping_sums_takes_hardly_any_memory_beside_them(as_of_24_megapixels, tmp_path):
    evidence = summed(20)
    evidence.save(tmp_path)
    pack(evidence, io.BytesIO())

    with costs.memory() as counted:
        evidence.save(tmp_path)
    saving = counted.most
    with costs.memory() as counted, (tmp_path / "packed").open("wb") as file:
        pack(evidence, file)

    group = 4 * 192 * WIDTH * 4  # bytes of the scores of one of 16: templates, rows
    assert saving < 4 * group
    assert counted.most < 4 * group + 3 * BLOCK_BYTES


def test_a_photo_in_memory_takes_few_bytes_a_pixel(tmp_path):
    colourful(1200, 800).save(tmp_path / "a.jpg")
    header = read_header(tmp_path / "a.jpg")

    def look(each, buffer):
        return read_frame(each, buffer=buffer)

    with ThreadPoolExecutor(2) as pool, costs.memory() as counted:
        for _ in read_ahead([header] * 6, look, pool, together=2, ahead=0):
            pass

    files = 2 * header.path.stat().st_size
    assert counted.most <= 2 * 3.6 * 1200 * 800 + 2 * files


def test_fewer_large_photos_are_in_memory_but_one_for_each_thread():
    sensor = Sensor("a", "b", "c", 6000, 4000)

    assert in_flight(sensor, 2).number == 2
    assert in_flight(sensor, 4).number == 4
    assert in_flight(replace(sensor, width=600, height=400), 2).number == 6


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("most", [9, 9_000, 5_000_000, 400_000_000])
def test_narrow_sums_are_those_of_32_bits(most, on_disk, tmp_path):
    rng = np.random.default_rng(most)
    room = Room(tmp_path) if on_disk else None
    sums, twin = NarrowSums((2, 3, 40), room), np.zeros((2, 3, 40), np.int64)
    for _ in range(5):
        more = rng.integers(-most, most, twin.shape, np.int32, endpoint=True)
        sums.add(more)
        twin += more
        sums.make_room(most)
        sums.leave()

        assert np.array_equal(sums.whole(), twin)
    wide = sum(array.nbytes for array in sums.arrays) / twin.size
    assert wide == {9: 2, 9_000: 3, 5_000_000: 4, 400_000_000: 4}[most]


def test_what_photos_add_to_narrow_sums_is_what_they_add_to_wide_ones():
    frames = [
        replace(frame, digest=f"{number:04x}" * 8)
        for number, frame in enumerate(some_frames(20, 64, 48) * 20)
    ]
    evidence = Evidence(frames[0].sensor)
    for start in range(0, len(frames), 4):
        evidence.update_all(frames[start : start + 4])

    several = [group.scores.arrays[1].size > 0 for group in evidence.groups.each()]
    groups = [scores for _, (scores, _, _) in evidence.groups.items()]
    assert any(several)
    assert not all(several)
    assert np.array_equal(sum(groups), evidence.scores)


def test_parts_are_cut_into_blocks_of_one_size_wherever_they_end():
    array = np.arange(60, dtype=np.int16).reshape(6, 10)
    for size in (1, 7, 10, 25, 60, 100):
        parts = Parts(array.shape, array.dtype, iter(array))
        blocks = list(parts.blocks(size))

        assert [block.size for block in blocks[:-1]] == [size] * (len(blocks) - 1)
        assert np.array_equal(np.concatenate(blocks), array.reshape(-1))


def test_parts_are_saved_as_numpy_saves_the_array(tmp_path):
    array = np.arange(60, dtype=np.int64).reshape(6, 10)
    np.save(tmp_path / "whole.npy", array)

    Parts(array.shape, array.dtype, iter(array)).save(tmp_path / "parts.npy")

    assert (tmp_path / "parts.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()

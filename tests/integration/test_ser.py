"""SER videos of planets: frames of a sensor's own values."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from stillpix.errors import ReadError
from stillpix.images import read_colour, read_frame, read_headers, repair_of

TICKS = 638_500_000_000_000_000  # in 2024


def ser(path, frames, colours=0, bits=8, *, big=0, instrument=b"ASI120", count=None):
    height, width = frames[0].shape[:2]
    dtype = "u1" if bits <= 8 else ">u2" if big else "<u2"
    texts = (b"", instrument, b"")
    head = struct.pack(
        "<14s7i40s40s40s2q", b"LUCAM-RECORDER", 0, colours, big, width, height, bits,
        len(frames) if count is None else count, *texts, TICKS, TICKS,
    )  # fmt: skip
    path.write_bytes(head + b"".join(frame.astype(dtype).tobytes() for frame in frames))
    return path


def frames_of(bits, number=3, shape=(40, 60)):
    rng = np.random.default_rng(bits)
    return [rng.integers(0, 1 << bits, shape) for _ in range(number)]


@pytest.mark.parametrize(("bits", "big"), [(8, 0), (12, 0), (16, 0), (16, 1)])
def test_frames_are_the_values_of_the_file(tmp_path, bits, big):
    frames = frames_of(bits)
    headers = read_headers(ser(tmp_path / "a.ser", frames, bits=bits, big=big))
    assert {header.sensor.layout for header in headers} == {"mono"}
    assert headers[0].sensor.model == "ASI120"
    assert headers[0].exposure.taken.year == 2024
    for header in headers:
        assert np.array_equal(read_frame(header).pixels, frames[header.part.number - 1])


@pytest.mark.parametrize(
    ("colours", "layout"),
    [(8, "bayer-RGGB"), (9, "bayer-GRBG"), (10, "bayer-GBRG"), (11, "bayer-BGGR")],
)
def test_the_head_names_the_pattern(tmp_path, colours, layout):
    headers = read_headers(ser(tmp_path / "a.ser", frames_of(8), colours))
    assert headers[0].sensor.layout == layout


def test_colours_are_in_the_order_of_the_head(tmp_path):
    frames = frames_of(8, 1, (40, 60, 3))
    (rgb,) = read_headers(ser(tmp_path / "a.ser", frames, 100))
    (bgr,) = read_headers(ser(tmp_path / "b.ser", frames, 101))
    assert np.array_equal(read_colour(rgb), frames[0])
    assert np.array_equal(read_colour(bgr), frames[0][..., ::-1])


def test_of_a_file_that_was_cut_short_the_whole_frames_are_read(tmp_path):
    path = ser(tmp_path / "a.ser", frames_of(8), count=0)
    path.write_bytes(path.read_bytes()[:-7])
    assert len(read_headers(path)) == 2


@pytest.mark.parametrize(("length", "words"), [(100, "cut short"), (178, "no whole frame")])
def test_a_file_without_a_frame_is_refused(tmp_path, length, words):
    path = ser(tmp_path / "a.ser", frames_of(8))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ReadError, match=words):
        read_headers(path)


def test_other_colours_are_refused(tmp_path):
    with pytest.raises(ReadError, match="ColorID 16"):
        read_headers(ser(tmp_path / "a.ser", frames_of(8), 16))


def test_a_repair_says_why_there_is_none(tmp_path):
    (header, *_) = read_headers(ser(tmp_path / "a.ser", frames_of(8)))
    with pytest.raises(ReadError, match="does not repair"):
        repair_of(header)

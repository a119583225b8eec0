"""The log of what photos say at listed places, against plain loops and the kernels' own sums."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from stillpix.errors import StateFormatError
from stillpix.evidence.evidence import Evidence
from stillpix.evidence.measures import EXCESS, LEVEL, MEASURES, RESIDUAL, RESPONSE, SLOPE, measured
from stillpix.evidence.sightings import Sightings
from stillpix.evidence.sum_kernels import CLIP, LARGEST, REACH, UNIT
from stillpix.evidence.templates import template_factors
from stillpix.frame import Exposure
from support import naive
from support.frames import EXPOSURES, frame_of, sensor_of, some_frames
from support.places import EARLIER

STATE = EARLIER / "sightings-v1.npz"
WIDTH, HEIGHT = 48, 40
RULES = {
    "reach": REACH,
    "clip": CLIP,
    "floor": 2.0,
    "white": 0.95 * 255,
    "largest": LARGEST,
}
EVERYWHERE = [(x, y) for y in range(HEIGHT) for x in range(WIDTH)]
HALF = 2e-3  # relative error of 16 bits, rounded twice


def spread_out(said):
    """Return what was said everywhere as maps, (MEASURES, HEIGHT, WIDTH)."""
    return said.T.reshape(MEASURES, HEIGHT, WIDTH).astype(float)


def log_of(frames, places):
    log = Sightings(frames[0].sensor)
    log.list_places(places)
    for frame in frames:
        log.note(frame.digest, frame.exposure, measured(frame, log.places))
    return log


def same(one, other):
    assert (one.places, one.files) == (other.places, other.files)
    assert list(one.photos) == list(other.photos)
    for digest, sighting in one.photos.items():
        assert sighting.exposure == other.photos[digest].exposure
        assert_array_equal(sighting.said, other.photos[digest].said)


# What one photo says


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_photo_says_what_the_plain_loops_find(seed):
    (frame,) = some_frames(1, WIDTH, HEIGHT, seed=seed)
    frame.pixels[:] = np.minimum(frame.pixels * 1.3, 255)
    frame.pixels[20, 20] = 255 - frame.pixels[20, 20]
    excess, psi, slope, response = naive.judged(frame.pixels, 1.0, **RULES)

    said = spread_out(measured(frame, EVERYWHERE))

    sayable = said[SLOPE] > 0
    assert_array_equal(sayable, slope > 0)
    assert sayable.mean() > 0.7
    clipped = np.clip(said[RESIDUAL], -CLIP, CLIP)
    assert_allclose(clipped[sayable], psi[sayable], rtol=HALF, atol=HALF)
    assert_allclose(said[SLOPE], slope, rtol=HALF, atol=HALF)
    assert_allclose(said[RESPONSE], response, rtol=HALF, atol=HALF)
    assert_allclose(said[EXCESS], excess, rtol=HALF, atol=0.01)
    level = frame.pixels - excess
    assert_allclose(said[LEVEL], level / 255, rtol=HALF, atol=HALF)
    assert np.abs(said[RESIDUAL]).max() > CLIP + 0.5  # what is kept is not clipped


@pytest.mark.parametrize("exposure", EXPOSURES[::4])
def test_what_is_said_is_what_the_kernels_add_up(exposure):
    (frame,) = some_frames(1, WIDTH, HEIGHT, seed=7)
    frame = replace(frame, exposure=exposure)
    said = spread_out(measured(frame, EVERYWHERE))
    *light, last = template_factors(exposure)
    weights = np.stack([*(factor * said[SLOPE] for factor in light), last * said[RESPONSE]])
    psi = np.clip(said[RESIDUAL], -CLIP, CLIP)
    expected = UNIT * np.minimum(weights, CLIP) * psi

    scores = Evidence.of([frame]).scores

    # the kernels' tone slope is a quadratic within 2 %
    assert (np.abs(scores - expected) <= 0.025 * np.abs(expected) + 20).all()
    assert np.abs(expected).max() > 4 * UNIT


def test_sixteen_bits_say_what_eight_do():
    (frame,) = some_frames(1, WIDTH, HEIGHT)
    deep = frame_of(frame.pixels.astype(np.uint16) * 257)

    assert_allclose(measured(deep, EVERYWHERE), measured(frame, EVERYWHERE), rtol=HALF, atol=HALF)


def test_nothing_is_said_outside_the_frame():
    (frame,) = some_frames(1, WIDTH, HEIGHT)
    outside = [(-1, 20), (20, -1), (WIDTH, 20), (20, HEIGHT)]

    said = measured(frame, [*outside, (0, 0), (WIDTH - 1, HEIGHT - 1)])

    assert_array_equal(np.isnan(said).all(1), [True] * 4 + [False] * 2)
    assert measured(frame, []).shape == (0, MEASURES)


@pytest.mark.parametrize("height", range(40, 45))
def test_something_is_said_where_the_kernels_say_something(height):
    (frame,) = some_frames(1, WIDTH, height)
    column = [(20, y) for y in range(height)]

    said = ~np.isnan(measured(frame, column)[:, 0])

    judged = (Evidence.of([frame]).scores != 0).any((0, 2))
    assert_array_equal(said, judged)


def test_a_blown_sky_can_say_nothing_and_a_black_frame_can():
    white, black = (np.full((HEIGHT, WIDTH), level, np.uint8) for level in (250, 0))
    black[20, 20] = 60

    ((_, slope, response, level, _),) = measured(frame_of(white), [(20, 20)])
    ((residual, black_slope, _, _, excess),) = measured(frame_of(black), [(20, 20)])

    assert (slope, response) == (0, 0)
    assert level > 0.95
    assert (black_slope > 10, residual > 5, round(float(excess))) == (True, True, 60)


# The log


def test_photos_are_handed_out_by_date_and_those_without_are_left_out():
    frames = some_frames(4)
    days = (9, None, 3, 5)
    dated = [
        replace(frame, exposure=Exposure(0.1, 2.0, day and datetime(2020, 1, day)))
        for frame, day in zip(frames, days, strict=True)
    ]

    sightings = log_of(dated, [(10, 12), (20, 15)]).dated()

    assert [moment.day for moment in sightings.taken] == [3, 5, 9]
    assert_array_equal(sightings.said[0], measured(frames[2], [(10, 12), (20, 15)]))
    assert_array_equal(sightings.gain, [2.0] * 3)


def test_places_listed_later_are_unseen_in_the_photos_before():
    one, other = (
        replace(frame, exposure=Exposure(taken=datetime(2020, 1, day)))
        for day, frame in enumerate(some_frames(2), start=1)
    )
    log = log_of([one], [(10, 12)])
    log.list_places([(20, 15), (10, 12), (20, 15)])
    log.note(other.digest, other.exposure, measured(other, log.places))

    assert log.places == [(10, 12), (20, 15)]
    assert log.has_looked(one.digest, [(10, 12)])
    assert not log.has_looked(one.digest, log.places)
    assert log.has_looked(other.digest, log.places)
    assert not log.has_looked("never seen", [])
    assert_array_equal(np.isnan(log.dated().said).all(2), [[False, True], [False, False]])


def test_places_that_are_dropped_take_nothing_else_with_them(tmp_path):
    frames = some_frames(3)
    wanted = [(20, 15), (30, 30)]
    log = log_of(frames[:2], [(10, 12), (20, 15), (9, 9)])
    log.list_places([(30, 30), (31, 20)])
    log.note(frames[2].digest, frames[2].exposure, measured(frames[2], log.places))

    log.keep_places([(30, 30), (20, 15), (1, 1)])

    expected = log_of(frames[:2], wanted[:1])
    expected.list_places(wanted[1:])
    expected.note(frames[2].digest, frames[2].exposure, measured(frames[2], wanted))
    same(log, expected)
    assert not log.has_looked(frames[0].digest, wanted)
    log.save(tmp_path / "log.npz")
    same(Sightings.load(tmp_path / "log.npz", log.sensor), expected)


def test_a_log_is_read_as_it_was_saved(tmp_path):
    frames = some_frames(5)
    log = log_of(frames[:3], [(10, 12)])
    log.list_places([(20, 15)])
    log.note(frames[4].digest, frames[4].exposure, measured(frames[4], log.places))
    log.files = {"a.jpg|5|7": frames[0].digest, "\udcff.jpg|5|7": frames[1].digest}
    path = tmp_path / "log.npz"

    log.save(path)

    same(Sightings.load(path, log.sensor), log)
    same(Sightings.load(tmp_path / "none.npz", log.sensor), Sightings(log.sensor))
    Sightings(log.sensor).save(path)
    same(Sightings.load(path, log.sensor), Sightings(log.sensor))


ONE = {"digest": "5", "exposure_s": 0.1, "gain": 2.0, "taken": None, "places": 1}


def changed(content, **changes):
    """Return a saved log with some of its arrays, or entries of its state, replaced."""
    with np.load(io.BytesIO(content)) as saved:
        arrays = dict(saved)
    state = json.loads(arrays["state"].tobytes())
    for name, value in changes.items():
        if name in arrays:
            arrays[name] = value
        else:
            state[name] = value
    arrays["state"] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"sensor": {"make": "another"}},
        {"photos": []},
        {"files": [1]},
        {"said": np.zeros((3, 1, MEASURES))},
        {"places": np.zeros((1, 3), np.int32)},
        {"said": np.array([{}], object)},
        {"said": np.full((3, 1, MEASURES), np.inf, np.float16)},
        {"said": np.full((3, 1, MEASURES), -1, np.float16)},
        {"said": np.array(3 * [[[np.nan, 1, 1, 0.3, 5]]], np.float16)},
        *(
            {"photos": 3 * [{**ONE, **wrong}]}
            for wrong in (
                {"places": 2},
                {"places": -1},
                {"places": 1e999},
                {"taken": "yesterday"},
                {"taken": "2020-01-01T00:00:00+00:00"},
                {"taken": 5},
                {"exposure_s": -1},
                {"exposure_s": 1e999},
                {"gain": "ISO 400"},
                {"gain": float("nan")},
            )
        ),
        {"photos": [5, 5, 5]},
    ],
)
def test_a_log_that_cannot_be_used_is_named(tmp_path, changes):
    path = tmp_path / "log.npz"
    log = log_of(some_frames(3), [(10, 12)])
    path.write_bytes(changed(log.as_bytes(), **changes))

    with pytest.raises(StateFormatError, match=r"log\.npz: the saved sightings cannot be used"):
        Sightings.load(path, log.sensor)


def test_a_log_that_is_cut_short_or_hit_anywhere_is_refused_or_read_whole(tmp_path):
    path = tmp_path / "log.npz"
    log = log_of(some_frames(3), [(10, 12), (20, 15)])
    content = log.as_bytes()
    rng = np.random.default_rng(1)
    refused = 0
    for number in range(200):
        at = int(rng.integers(len(content)))
        if number % 2:
            path.write_bytes(content[:at])
        else:
            flipped = content[at] ^ (1 << int(rng.integers(8)))
            path.write_bytes(content[:at] + bytes([flipped]) + content[at + 1 :])
        try:
            same(Sightings.load(path, log.sensor), log)
        except StateFormatError:
            refused += 1

    assert refused > 150


def test_a_log_whose_files_claim_to_be_encrypted_or_compressed_is_refused(tmp_path):
    """A bit of the archive's directory says so; decompressors have errors of their own."""
    path = tmp_path / "log.npz"
    log = log_of(some_frames(1), [(10, 12)])
    content = bytearray(log.as_bytes())
    entry = content.index(b"PK\x01\x02")
    for offset, value in ((8, 1), (10, 8), (10, 12), (10, 14), (10, 99)):
        path.write_bytes(content[: entry + offset] + bytes([value]) + content[entry + offset + 1 :])

        with pytest.raises(StateFormatError, match="the saved sightings cannot be used"):
            Sightings.load(path, log.sensor)


def test_a_log_saved_by_version_1_is_still_read():
    log = Sightings.load(STATE, sensor_of(WIDTH, HEIGHT))

    assert log.places == [(10, 12), (20, 15)]
    assert log.files == {"a.jpg|5|7": next(iter(log.photos))}
    assert [each.exposure for each in log.photos.values()] == [
        Exposure(0.1, 2.0, datetime(2020, 1, 2, 3, 4, 5)),
        Exposure(),
        Exposure(0.02, None, datetime(2020, 3, 1)),
    ]
    assert [each.said[0, RESIDUAL] for each in log.photos.values()] == [
        -1.7001953125,
        1.6494140625,
        -1.7265625,
    ]
    assert [len(each.said) for each in log.photos.values()] == [1, 1, 2]
    assert log.dated().said[1, 1].tolist() == [
        -1.57421875, 0.12042236328125, 0.1856689453125, 0.33056640625, -31.296875
    ]  # fmt: skip


def test_another_sensors_log_is_refused(tmp_path):
    path = tmp_path / "log.npz"
    log_of(some_frames(1), [(10, 12)]).save(path)

    with pytest.raises(StateFormatError, match="another sensor's"):
        Sightings.load(path, sensor_of(WIDTH, HEIGHT, serial="8"))

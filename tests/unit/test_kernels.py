"""The compiled loops against plain ones in support/naive.py, which share no code with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from stillpix.evidence import evidence as evidence_module
from stillpix.evidence import rendered_kernels as kernels
from stillpix.evidence.evidence import Evidence
from stillpix.evidence.sum_kernels import (
    BLOCK,
    CLIP,
    LARGEST,
    REACH,
    STRIP,
    UNIT,
    UNIT_EXCESS,
    UNIT_INFORMATION,
)
from stillpix.evidence.templates import TEMPLATES, template_factors
from stillpix.frame import Exposure, Frame, Sensor
from support import naive
from support.effort import some
from support.frames import EXPOSURES, evidence_of, frame_of, some_frames, texture

FLOOR = 2.0  # grey levels: the least noise that docs/statistics.md assumes
WHITE = 0.95 * 255  # predicted level above which nothing is said
CURVE = 0.02  # relative error allowed to the kernel's quadratic stand-in for the tone slope
RULES = {
    "reach": REACH,
    "clip": CLIP,
    "floor": FLOOR,
    "white": WHITE,
    "largest": LARGEST,
}
SIZES = ((48, 40), (32, 32), (33, 35), (50, 70), (47, 61), (63, 34), (17, 19))


def twin(frame):
    """Return what one frame says, its weights and its counts, after plain loops."""
    said = naive.judged(frame.pixels, 255 / frame.white, **RULES)
    m = naive.weights(said, template_factors(frame.exposure), CLIP)
    return said, m, naive.counts(said, m, UNIT)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_photo_adds_what_the_plain_loops_find(width, height):
    (frame,) = some_frames(1, width, height, seed=width)
    _, _, expected = twin(frame)

    scores = Evidence.of([frame]).scores

    assert np.abs(scores[-1] - expected[-1]).max() <= 1  # the response needs no tone curve
    assert (np.abs(scores - expected) <= CURVE * np.abs(expected) + 1).all()
    assert np.abs(expected).max() > UNIT  # or there was nothing to compare


@pytest.mark.slow
def test_a_blazing_neighbour_counts_so_many_times_the_others_at_most():
    (frame,) = some_frames(1)
    pixels = frame.pixels.copy()
    pixels[20, 20], pixels[18, 20] = 250, 250
    frame = replace(frame, pixels=pixels)
    _, _, expected = twin(frame)
    hidden = naive.judged(frame.pixels, 255 / frame.white, **RULES | {"largest": np.inf})

    scores = Evidence.of([frame]).scores

    assert np.abs(scores[-1] - expected[-1]).max() <= 1
    assert abs(twin(frame)[0][1] - hidden[1]).max() > 0.5  # or no neighbour was limited


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), SIZES[:4])
def test_blocks_hold_the_mean_squared_weight_of_one_of_their_two_middle_rows(width, height):
    (frame,) = some_frames(1, width, height, seed=height)
    _, m, _ = twin(frame)
    row = 1 + int(frame.digest[:12], 16) % 2
    expected = naive.information(m, BLOCK, (row,), UNIT_INFORMATION)

    information = Evidence.of([frame]).information

    down, across = expected.shape[1:]  # whole blocks
    assert information.shape[1:] == (-(-height // BLOCK), -(-width // BLOCK))
    got, wanted = information[:, :down, :across], expected
    assert_allclose(got, wanted, rtol=2.1 * CURVE, atol=len(TEMPLATES))
    assert wanted.max() > 0
    assert (information >= 0).all()


@pytest.mark.slow
def test_several_photos_add_up_to_what_each_says():
    frames = some_frames(6)
    expected = sum(twin(frame)[2] for frame in frames)

    scores = evidence_of(frames).scores

    assert np.abs(scores[-1] - expected[-1]).max() <= len(frames)
    assert (np.abs(scores - expected) <= CURVE * 6 * UNIT * CLIP * CLIP + 6).all()


@pytest.mark.slow
def test_photos_that_clearly_show_a_place_are_counted_with_what_they_show():
    frames, shows = some_frames(5), float(kernels.SHOWS)
    shown, excess = np.zeros((40, 48), int), np.zeros((40, 48), int)
    for frame in frames:
        above, psi, *_ = twin(frame)[0]
        sign = (psi >= shows).astype(int) - (psi <= -shows)
        shown += sign
        excess += np.abs(sign) * np.floor(UNIT_EXCESS * above + 0.5).astype(int)

    evidence = evidence_of(frames)

    assert np.count_nonzero(shown) > 20
    assert_array_equal(evidence.shown, shown)
    assert np.abs(evidence.excess - excess).max() <= len(frames)


def test_the_stand_in_for_the_tone_slope_is_within_two_percent_of_the_power_law():
    levels = np.arange(8, 243)
    quotients = []
    for level in levels:
        # a flat photo has no noise but the floor, and its factor keeps the weight off the clip
        width = height = 24
        ones = np.ones(width, np.float32)
        flat, still = ones * np.float32(level), np.zeros(width, np.float32)
        slope, psi, response = (np.zeros(width, np.float32) for _ in range(3))
        kernels._judge_row(still, still, still, flat, psi, slope, response)
        quotients.append(slope[height // 2] * FLOOR / naive.tone_slope(level))

    assert_allclose(quotients, 1, atol=CURVE)


@pytest.mark.parametrize("level", [0, 3, 7])
def test_below_three_percent_of_white_the_tone_slope_grows_no_more(level):
    still, slope = np.zeros(9, np.float32), np.zeros(9, np.float32)
    level_row = np.full(9, level, np.float32)

    kernels._judge_row(still, still, still, level_row, still.copy(), slope, still.copy())

    assert slope[4] * FLOOR == pytest.approx(naive.tone_slope(0), rel=CURVE)


def test_a_photo_near_white_says_nothing():
    evidence = evidence_of([frame_of(np.full((40, 48), level, np.uint8)) for level in (250, 255)])

    assert not evidence.scores.any()
    assert not evidence.information.any()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_something_is_said_of_the_very_edge(width, height):
    evidence = evidence_of(some_frames(3, width, height))

    said = evidence.scores.any(axis=0)
    for edge in (said[0], said[-1], said[:, 0], said[:, -1]):
        assert edge.mean() > 0.7


@pytest.mark.parametrize("height", [130, 190, 200, 323])
@pytest.mark.parametrize("enough", [900, 1500, 3000])
def test_a_group_holds_every_so_many_strips_of_rows(monkeypatch, height, enough):
    monkeypatch.setattr(evidence_module, "ENOUGH_DECOYS", enough)
    (frame,) = some_frames(1, 48, height)
    evidence = Evidence.of([frame])
    ((_, (scores, _, _)),) = evidence.groups.items()
    rows = np.arange(height) // STRIP % evidence.thin == 0

    assert evidence.thin > 1
    assert_array_equal(scores[:, : rows.sum()], evidence.scores[:, rows])
    assert not scores[:, rows.sum() :].any()


@pytest.mark.parametrize(("width", "height"), [(48, 40), (33, 35)])
def test_sixteen_bits_say_what_eight_bits_say(width, height):
    rng = np.random.default_rng(2)
    pixels = [texture(rng, width, height) for _ in range(3)]
    shallow = evidence_of([frame_of(p, name=f"{n}") for n, p in enumerate(pixels)])
    deep = evidence_of(
        # one digest, one shift of the decoys and one choice of rows
        [
            replace(frame_of(p.astype(np.uint16) * 257), digest=frame_of(p, name=f"{n}").digest)
            for n, p in enumerate(pixels)
        ]
    )

    assert np.abs(deep.scores - shallow.scores).max() <= 2 * len(pixels)
    assert_allclose(deep.information, shallow.information, rtol=1e-4, atol=100)
    assert_array_equal(deep.shown, shallow.shown)


def test_white_says_what_a_full_pixel_is():
    rng = np.random.default_rng(3)
    pixels = texture(rng, 48, 40).astype(np.uint16)

    twelve = evidence_of([frame_of(pixels * 16, white=255 * 16)])
    ten = evidence_of([frame_of(pixels * 4, white=255 * 4)])

    assert_array_equal(twelve.scores, ten.scores)


@settings(max_examples=some(25))
@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.integers(1, 5),
    st.sampled_from([np.uint8, np.uint16]),
)
def test_no_size_of_frame_writes_past_its_sums(width, height, count, depth):
    """Every array gets a guard of known values on each side, in the same memory."""
    rng = np.random.default_rng(width)
    shape = (count, height, width)
    pixels = rng.integers(0, np.iinfo(depth).max, shape, depth, endpoint=True)
    frames = [frame_of(p, EXPOSURES[n], name=str(n)) for n, p in enumerate(pixels)]
    evidence, guards = Evidence(frames[0].sensor), []
    for name, sums in evidence.own_arrays().items():
        memory = np.full(sums.size + 512, 77, sums.dtype)
        memory[256:-256] = 0
        guards.append(memory)
        setattr(evidence, name, memory[256:-256].reshape(sums.shape))

    evidence.update_all(frames)

    for memory in guards:
        assert (memory[:256] == 77).all()
        assert (memory[-256:] == 77).all()


def test_the_edges_of_values_stay_on_the_scale():
    rng = np.random.default_rng(4)
    checks = np.where(rng.random((40, 48)) < 0.5, 0, 65535).astype(np.uint16)
    frames = [frame_of(np.roll(checks, n, 1), EXPOSURES[-1], name=str(n)) for n in range(9)]

    evidence = evidence_of(frames)

    assert np.abs(evidence.scores).max() <= len(frames) * (UNIT * CLIP * CLIP + 1)
    assert evidence.information.max() <= len(frames) * UNIT_INFORMATION * CLIP * CLIP
    assert np.abs(evidence.shown).max() <= len(frames)


@pytest.mark.parametrize("digit", ["0", "1"])
@pytest.mark.parametrize("height", range(64, 72))
def test_where_something_is_said_its_block_has_information(height, digit):
    pixels = np.random.default_rng(height).integers(40, 200, (height, 80)).astype(np.uint8)
    sensor = Sensor("unknown", "unknown", "unknown", 80, height)
    evidence = Evidence(sensor)

    evidence.update(Frame(pixels, sensor, Exposure(), "a.png", digit * 32))

    rows, columns = np.nonzero(evidence.scores.any(axis=0))
    assert (rows.max(), columns.max()) == (height - 1, 79)
    assert evidence.information[:, rows // BLOCK, columns // BLOCK].min() > 0

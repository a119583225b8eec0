"""Sensor mosaics: what a photo says of each photosite, against plain loops, and what is found."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from stillpix.detection.decide import detect
from stillpix.errors import SensorMismatchError, StateFormatError
from stillpix.evidence import evidence as evidence_module
from stillpix.evidence import mosaic
from stillpix.evidence.evidence import MOST_PHOTOS, NARROW, Evidence
from stillpix.evidence.mosaic_kernels import LIMIT, PER_WHITE, USUAL_BURST
from stillpix.evidence.sum_kernels import BLOCK, CLIP, LARGEST, UNIT, UNIT_INFORMATION
from stillpix.evidence.templates import TEMPLATES, template_factors
from support import naive
from support.effort import some, spread
from support.frames import EXPOSURES
from support.mosaics import (
    LAYOUTS,
    PATTERNS,
    evidence_of,
    frame_of,
    mosaic_of,
    sensor_of,
    some_frames,
)

SIZES = ((48, 40), (33, 35), (50, 70), (63, 34), (17, 19))
FULL = 0.95  # share of the range from black to white above which nothing is said
SHOWS = 2.0  # of LIMIT, from which a photo is counted as one that shows a defect
PHASES = st.tuples(st.integers(-7, 12), st.integers(0, 11))
ARRAYS = ("scores", "information", "shown", "excess", "bursts")


def twin(frame):
    """Return what one frame says, its weights and its counts, after plain loops."""
    sensor, span = frame.sensor, frame.white - frame.black
    pattern, edges = PATTERNS[sensor.layout], (0, 0, sensor.width, sensor.height)
    said = naive.mosaic_judged(
        frame.pixels, pattern, mosaic.noise_of(frame), limit=LIMIT, largest=LARGEST,
        black=frame.black, dim=span / 128, full=frame.black + FULL * span, edges=edges,
    )  # fmt: skip
    *light, share = np.array(template_factors(frame.exposure)) * [1.0, 1.0, 0.2, 80.0] / 255
    even = naive.evened(said, edges) if sensor.layout != "mono" else said
    m = naive.weights(even, (*(factor * span for factor in light), share), CLIP)
    return said, m, naive.counts(said, m, UNIT)


@given(st.sampled_from(sorted(PATTERNS)), PHASES, st.integers(0, 5), st.integers(0, 5))
def test_what_predicts_a_photosite_is_of_its_colour_near_and_around_it(layout, phase, y, x):
    steps, numbers = mosaic.neighbours(layout, phase if layout == "xtrans" else (0, 0))
    pattern = PATTERNS[layout]
    dx, dy = phase if layout == "xtrans" else (0, 0)
    place = y % numbers.shape[0], x % numbers.shape[1]

    used = steps[place][: numbers[place]].tolist()

    expected = naive.predicting(pattern, y - dy, x - dx)
    assert {tuple(step) for step in used} == set(expected)
    assert np.sum(used, axis=0).tolist() == [0, 0]
    assert numbers[place] in {5, 8}


def test_only_red_and_blue_of_xtrans_have_five_neighbours():
    numbers = mosaic.neighbours("xtrans")[1]

    green = np.array([[letter == "G" for letter in row] for row in PATTERNS["xtrans"]])
    assert_array_equal(numbers, np.where(green, 8, 5))


@pytest.mark.slow
@pytest.mark.parametrize(("size", "layout"), spread(SIZES, LAYOUTS))
def test_a_mosaic_adds_what_the_plain_loops_find(size, layout):
    width, height = size
    (frame,) = some_frames(1, layout, width, height, seed=width)
    _, _, expected = twin(frame)

    scores = Evidence.of([frame]).scores

    assert np.abs(scores - expected).max() <= 4 + 1e-3 * np.abs(expected).max()
    assert np.abs(expected).max() > UNIT  # or there was nothing to compare


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layout", "depth"), spread(LAYOUTS, ((255, 0), (4095, 256), (65535, 0), (16383, 8000)))
)
def test_any_depth_says_what_the_plain_loops_find(layout, depth):
    white, black = depth
    (frame,) = some_frames(1, layout, 33, 35, white=white, black=black)
    _, _, expected = twin(frame)

    scores = Evidence.of([frame]).scores

    assert np.abs(scores - expected).max() <= 8 + 1e-3 * np.abs(expected).max()
    assert np.abs(expected).max() > UNIT


@pytest.mark.slow
@settings(max_examples=some(12))
@given(PHASES)
def test_an_xtrans_pattern_may_begin_anywhere(phase):
    (frame,) = some_frames(1, "xtrans", 36, 36)
    rolled = np.roll(frame.pixels, phase[::-1], axis=(0, 1))

    here = Evidence.of([frame]).scores
    there = Evidence.of([replace(frame, pixels=rolled, phase=phase, digest="00" * 32)]).scores

    back = np.roll(there, (-phase[1], -phase[0]), axis=(1, 2))
    both = np.zeros(here.shape, bool)
    both[:, 8:-8, 8:-8] = True  # away from the edges of both
    both &= np.roll(both, (-phase[1], -phase[0]), axis=(1, 2))
    assert both.sum() > 200
    # not equal: the noise is sampled at other places
    assert np.corrcoef(here[both], back[both])[0, 1] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_blocks_hold_the_mean_squared_weight_of_one_of_their_two_middle_rows(layout):
    (frame,) = some_frames(1, layout)
    _, m, _ = twin(frame)
    evidence = Evidence.of([frame])
    row = 1 + int(frame.digest[:12], 16) % 2
    expected = naive.information(m, BLOCK, (row,), UNIT_INFORMATION)

    assert_allclose(evidence.information, expected, rtol=2e-3, atol=len(TEMPLATES))
    assert expected.max() > 0


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["bayer-RGGB", "bayer-GBRG", "xtrans"])
def test_where_a_colour_is_dim_its_photosites_score_no_more_than_the_others(layout):
    """Left all is cyan, right all is yellow: dim photosites have less noise, and more weight."""
    rng, (width, height) = np.random.default_rng(1), (480, 240)
    pattern = np.array([list(row) for row in PATTERNS[layout]])
    y, x = np.mgrid[0:height, 0:width]
    site = pattern[y % pattern.shape[0], x % pattern.shape[1]]
    dim = ((site == "R") & (x < width // 2)) | ((site == "B") & (x >= width // 2))
    electrons = np.where(dim, 300.0, 3000.0)
    noisy = [electrons + np.sqrt(electrons + 9) * rng.standard_normal(dim.shape) for _ in range(8)]
    sensor = sensor_of(layout, width, height)

    frames = [frame_of(np.rint(each + 512), sensor, name=str(n)) for n, each in enumerate(noisy)]
    evidence = evidence_of(frames)

    seen = evidence.information.repeat(BLOCK, 1).repeat(BLOCK, 2) / UNIT_INFORMATION
    scores = evidence.scores / UNIT / np.sqrt(np.maximum(seen, 1e-9))
    inner = (x >= 8) & (x < width - 8) & (y >= 8) & (y < height - 8) & (abs(x - width // 2) > 8)
    for one in scores:
        assert_allclose(one[inner & dim].std(), one[inner & ~dim].std(), rtol=0.12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "layout", "visible", "digit"),
    spread((0, 1, 2, 3, 1), LAYOUTS, (None, (8, 6, 120, 100), (3, 9, 121, 101)), "01"),
)
def test_along_the_edges_information_is_what_it_is_elsewhere(layout, digit, more, visible):
    """Whichever of their rows stands for the blocks: the first digit of a digest says which."""
    width, height = 144 + more, 127 - more
    rng = np.random.default_rng(more)
    sensor, masked = sensor_of(layout, width, height, visible), np.ones((height, width), bool)
    x, y, across, down = sensor.visible_area
    masked[y : y + down, x : x + across] = False
    evidence = Evidence(sensor)
    for n in range(24):
        pixels = np.where(masked, 0, rng.normal(3000, 50, (height, width)).round())
        evidence.update(replace(frame_of(pixels, sensor), digest=f"{digit * 12}{n}"))

    rows, columns = (np.unique(each) // BLOCK for each in np.nonzero(evidence.scores.any(axis=0)))
    kept = evidence.information[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    usual = kept.mean(axis=(1, 2))
    for edge in (kept[:, 0], kept[:, -1], kept[:, :, 0], kept[:, :, -1]):
        assert_allclose(edge.mean(axis=1), usual, rtol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("layout", "white"), spread(LAYOUTS, (255, 16383, 65535)))
def test_photos_that_clearly_show_a_place_are_counted_with_what_they_show(layout, white):
    frames = some_frames(5, layout, 36, 30, white=white, black=white // 32)
    shown, excess, doubtful = (np.zeros((30, 36)) for _ in range(3))
    for frame in frames:
        above, psi, *_ = twin(frame)[0]
        sign = (psi >= SHOWS).astype(int) - (psi <= -SHOWS)
        doubtful += np.abs(np.abs(psi) - SHOWS) < 1e-3
        shown += sign
        excess += np.abs(sign) * above * PER_WHITE / white

    evidence = evidence_of(frames)

    clear = doubtful == 0
    assert np.count_nonzero(shown) > 1  # or there was nothing to compare
    assert_array_equal(evidence.shown[clear], shown[clear])
    assert_allclose(evidence.excess[clear], excess[clear], rtol=2e-3, atol=8 * len(frames))


@pytest.mark.slow
@pytest.mark.parametrize(("layout", "size"), spread(LAYOUTS, ((48, 40), (33, 35), (70, 131))))
def test_what_repeats_show_is_counted_as_that_of_other_photos_and_apart(layout, size):
    width, height = size
    frames = some_frames(5, layout, width, height)
    counted, repeated = evidence_of(frames), Evidence(frames[0].sensor)
    with ThreadPoolExecutor(2) as pool:
        for number, frame in enumerate([*frames, frames[0]]):
            repeated.note_repeat(frame, pool if number % 2 else None)

    assert_array_equal(repeated.shown_again, counted.shown)
    assert (repeated.again, counted.again) == (5, 0)
    assert not repeated.scores.any()
    assert not counted.shown_again.any()


def test_repeats_of_the_wrong_size_are_refused():
    frame = some_frames(1, "mono")[0]
    small = replace(frame, pixels=frame.pixels[:20])

    with pytest.raises(SensorMismatchError, match="not of its sensor's size"):
        Evidence(frame.sensor).note_repeat(small)


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_fourth_powers_of_what_photos_say_are_summed_wherever_they_say_anything(layout):
    frames = some_frames(3, layout)
    expected = np.zeros((40, 48))
    for frame in frames:
        _, psi, inverse, _ = twin(frame)[0]
        expected += np.where(inverse > 0, psi**4 / LIMIT**2 - USUAL_BURST, 0) * UNIT

    evidence = evidence_of(frames)

    assert_allclose(evidence.bursts, expected, rtol=5e-3, atol=4 * len(frames))
    assert expected.max() > 2 * UNIT  # or there was nothing to compare
    assert expected.min() < -0.9 * len(frames) * USUAL_BURST * UNIT


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("enough", [900, 3000, 10**9])
def test_a_group_holds_what_its_photos_say_in_every_so_many_strips(monkeypatch, layout, enough):
    monkeypatch.setattr(evidence_module, "ENOUGH_DECOYS", enough)
    (frame,) = some_frames(1, layout, 48, 200)
    evidence = Evidence.of([frame])
    strip = mosaic.strip_of(layout)
    rows = np.arange(200) // strip % evidence.thin == 0
    ((_, (scores, information, bursts)),) = evidence.groups.items()

    assert (evidence.thin > 1) == (enough < 10**9)
    assert strip % evidence.rules.grid == 0
    assert_array_equal(scores[:, : rows.sum()], evidence.scores[:, rows])
    assert_array_equal(bursts[: rows.sum()], evidence.bursts[rows])
    blocks = evidence.information[:, rows[::BLOCK]]
    assert_array_equal(information[:, : blocks.shape[1]], blocks)
    assert not scores[:, rows.sum() :].any()


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_masked_photosites_are_not_judged_and_change_nothing(layout):
    visible = (10, 7, 60, 50)
    sensor = sensor_of(layout, 80, 64, visible)
    rng = np.random.default_rng(4)
    plain = [mosaic_of(rng, layout, 80, 64) for _ in range(3)]
    masked = np.ones((64, 80), bool)
    masked[7:57, 10:70] = False

    def evidence(border):
        pixels = [np.where(masked, border(p), p) for p in plain]
        frames = [frame_of(p, sensor, name=str(n)) for n, p in enumerate(pixels)]
        # one digest each: the same moves of the decoys and the same rows of the blocks
        return evidence_of([replace(f, digest=f"{n}0" * 32) for n, f in enumerate(frames)])

    dark, wild = evidence(lambda p: 0 * p + 512), evidence(lambda p: p[::-1, ::-1])

    for sums in (dark.scores, dark.shown, dark.excess):
        assert not sums[..., masked].any()
        assert sums[..., ~masked].any()
    assert_array_equal(dark.scores, wild.scores)
    assert_array_equal(dark.shown, wild.shown)


@pytest.mark.slow
@settings(max_examples=some(25))
@given(
    st.sampled_from(LAYOUTS), st.integers(1, 70), st.integers(1, 70), st.integers(1, 5),
    st.sampled_from([255, 65535]), st.integers(0, 9), st.integers(0, 9),
)  # fmt: skip
def test_no_size_of_mosaic_writes_past_its_sums(layout, width, height, count, white, left, top):
    """Every array gets a guard of known values on each side, in the same memory."""
    rng = np.random.default_rng(width)
    visible = (min(left, width - 1), min(top, height - 1))
    visible += (width - visible[0], height - visible[1])
    sensor = sensor_of(layout, width, height, visible)
    pixels = rng.integers(0, white, (count, height, width), endpoint=True)
    frames = [
        frame_of(p, sensor, EXPOSURES[n], white=white, black=0, name=str(n))
        for n, p in enumerate(pixels)
    ]
    evidence, guards = Evidence(sensor), []
    for name, sums in evidence.own_arrays().items():
        memory = np.full(sums.size + 512, 77, sums.dtype)
        memory[256:-256] = 0
        guards.append(memory)
        setattr(evidence, name, memory[256:-256].reshape(sums.shape))

    evidence.update_all(frames)

    for memory in guards:
        assert (memory[:256] == 77).all()
        assert (memory[-256:] == 77).all()


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("width", "height"), [(33, 35), (21, 9), (70, 131)])
def test_threads_change_nothing_at_any_size(layout, width, height):
    frames = some_frames(5, layout, width, height)
    with ThreadPoolExecutor(3) as pool:
        threaded = Evidence(frames[0].sensor).update_all(frames, pool)

    assert threaded == evidence_of(frames)


MIXED = [
    *some_frames(4, "xtrans"),
    *some_frames(2, "xtrans", white=65535, black=2048),
    *some_frames(2, "xtrans", seed=2, white=16383, black=0),
]


@cache
def whole():
    """Return the evidence of all frames; no test adds to it."""
    return evidence_of(MIXED)


@pytest.mark.slow
@settings(max_examples=some(20))
@given(
    st.permutations(range(len(MIXED))),
    st.lists(st.integers(0, len(MIXED)), max_size=3).map(sorted),
)
def test_any_order_and_any_split_of_mosaics_merges_to_the_same_bits(order, splits):
    merged = Evidence(whole().sensor)
    for a, b in pairwise([0, *splits, len(order)]):
        merged.merge(Evidence(whole().sensor).update_all([MIXED[n] for n in order[a:b]]))

    assert merged == whole()


@pytest.mark.slow
def test_saved_evidence_of_mosaics_goes_on_as_if_it_had_never_been_put_down(tmp_path):
    evidence_of(MIXED[:5]).save(tmp_path)

    assert Evidence.load(tmp_path, whole().sensor).update_all(MIXED) == whole()


@pytest.mark.slow
def test_what_repeats_show_is_saved_and_merged_with_the_rest(tmp_path):
    one, other = some_frames(2, "xtrans", seed=9)
    together = evidence_of(MIXED).note_repeat(one).note_repeat(other)
    evidence_of(MIXED[:5]).note_repeat(one).save(tmp_path)

    half = Evidence.load(tmp_path, together.sensor)
    half.merge(evidence_of(MIXED[5:]).note_repeat(other))

    assert half == together
    assert (half.again, half.shown_again.any()) == (2, True)
    assert together != evidence_of(MIXED)


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_loudest_photos_fit_the_sums_as_often_as_there_may_be_photos(layout):
    rng = np.random.default_rng(4)
    pixels = np.where(rng.random((40, 48)) < 0.02, 65535, 0)
    pixels[20, 20:26] = 65535
    frame = frame_of(pixels, sensor_of(layout, 48, 40), EXPOSURES[-1], white=65535, black=0)

    one = Evidence.of([frame])

    largest = np.iinfo(np.int32).max
    assert np.abs(one.excess).max() > 60_000
    assert int(np.abs(one.excess).max()) * NARROW <= PER_WHITE * NARROW <= largest
    assert int(np.abs(one.scores).max()) <= UNIT * CLIP * LIMIT + 1 <= largest / MOST_PHOTOS


@pytest.mark.slow
def test_values_above_the_white_that_was_told_stay_within_the_sums():
    rng = np.random.default_rng(4)
    pixels = np.where(rng.random((40, 48)) < 0.02, 65535, 100)

    one = Evidence.of([frame_of(pixels, sensor_of("mono", 48, 40), white=1023, black=64)])

    assert np.abs(one.excess).max() == PER_WHITE


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("level", [0, 512, 15_900, 16_383])
def test_photos_that_show_nothing_say_nothing(layout, level):
    frames = [
        frame_of(np.full((40, 48), level), sensor_of(layout, 48, 40), e, name=str(e))
        for e in EXPOSURES
    ]
    evidence = evidence_of(frames)

    assert not evidence.scores.any()
    assert level < 15_000 or not evidence.information[:, 2:-2, 2:-2].any()
    assert len(detect(evidence)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("gain", "read"), [(0.5, 3.0), (8.0, 20.0), (40.0, 60.0)])
@pytest.mark.parametrize("black", [512, 0])
def test_the_noise_is_read_off_the_photo_itself(layout, gain, read, black):
    rng = np.random.default_rng(7)
    light = 9000 * (np.linspace(0, 1, 300)[:, None] * np.linspace(0.7, 1, 300)[None, :]) ** 3
    noise = np.sqrt(gain * light + read**2) * rng.standard_normal(light.shape)
    pixels = np.clip(np.rint(light + noise + 512), 0, 16383)

    slope, zero, least = mosaic.noise_of(frame_of(pixels, sensor_of(layout, 300, 300), black=black))

    for level in (0, 500, 3000, 8000):
        true = gain * level + read**2
        assert max(slope * (512 + level) + zero, least) == pytest.approx(true, rel=0.25)


def test_on_the_curve_noise_is_one_at_every_level():
    rng = np.random.default_rng(8)
    noise = (2.0, -900.0, 130.0)
    for level in (520, 600, 1500, 12_000):
        values = level + np.sqrt(max(2.0 * level - 900, 130)) * rng.standard_normal(4000)
        units = [naive.noise_units(value, *noise) for value in values]
        assert np.std(units) == pytest.approx(1, rel=0.06)
        assert naive.dn_of(units[0], *noise) == pytest.approx(values[0])


@pytest.mark.slow
def test_evidence_of_mosaics_without_the_sums_of_bursts_is_made_anew(tmp_path):
    """Such as was kept before there were any."""
    evidence = evidence_of(some_frames(3, "bayer-RGGB"))
    evidence.save(tmp_path)

    assert Evidence.load(tmp_path, evidence.sensor) == evidence
    (tmp_path / "bursts.npy").unlink()
    with pytest.raises(StateFormatError, match="made anew"):
        Evidence.load(tmp_path, evidence.sensor)

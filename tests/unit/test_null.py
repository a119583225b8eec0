"""The empirical null and the peaks above it, against exhaustive twins on small sums."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from stillpix.detection.null import BALLAST, null_of, peaks_of, window
from stillpix.evidence.sum_kernels import BLOCK, GRID, UNIT, UNIT_INFORMATION
from stillpix.evidence.templates import TEMPLATES
from support import naive
from support.effort import some
from support.frames import evidence_of, some_frames

UNITS = {"block": BLOCK, "unit": UNIT, "unit_information": UNIT_INFORMATION}


def random_sums(width=96, height=80, seed=1, *, loud=1.0):
    """Return scores and information as many photos of noise would give them, in some places 0."""
    rng = np.random.default_rng(seed)
    shape = (len(TEMPLATES), -(-height // BLOCK), -(-width // BLOCK))
    information = np.rint(UNIT_INFORMATION * rng.uniform(1, 30, shape)).astype(np.int64)
    information[:, :, -2:] = 0
    information[:, 3, 4] = 0
    column = np.arange(width) // BLOCK
    spread = np.sqrt(information[:, np.arange(height)[:, None] // BLOCK, column] / UNIT_INFORMATION)
    pattern = np.tile(rng.normal(0, 0.6, (GRID, GRID)), (height // GRID + 1, width // GRID + 1))
    values = loud * rng.standard_normal((len(TEMPLATES), height, width)) + pattern[:height, :width]
    scores = np.ascontiguousarray(np.rint(UNIT * spread * values).astype(np.int32))
    scores[scores == 0] = 1  # by chance 0: kept apart from what nothing was said of
    scores[..., (shape[2] - 2) * BLOCK :] = 0
    scores[:, 3 * BLOCK : 4 * BLOCK, 4 * BLOCK : 5 * BLOCK] = 0
    return scores, information


def loudest_of(scores, information, null):
    """Return the largest |score| over the templates at each place, by plain loops."""
    _, height, width = scores.shape
    loudest = np.zeros((height, width))
    for k in range(len(TEMPLATES)):
        weight = naive.weight(information[k], BALLAST)
        values = naive.standardised(scores[k], weight, **UNITS)
        for y in range(height):
            strip = min(y // null.zone, null.zones.shape[1] - 1)
            for x in range(width):
                value = (values[y, x] - null.middle[k, y % GRID, x]) * null.scale[k, y % GRID, x]
                zone = null.zones[k, strip, x] * null.lines[k, y]
                loudest[y, x] = max(loudest[y, x], abs(value) * zone)
    return loudest


@pytest.mark.slow
def test_each_phase_of_the_grid_gets_its_median_and_spread():
    scores, information = random_sums(320, 288)
    null = null_of(scores, information)

    for k in range(len(TEMPLATES)):
        weight = naive.weight(information[k], BALLAST)
        values = naive.standardised(scores[k], weight, **UNITS)
        middle, spread = naive.phase_spread(values, GRID)

        assert null.weight.dtype == np.float32
        assert_allclose(null.weight[k], weight, rtol=1e-6)
        assert_allclose(null.middle[k, :, :GRID], middle, atol=0.03)
        assert_allclose(1 / null.scale[k, :, :GRID], spread, atol=0.04)
        assert_array_equal(null.middle[k, :, GRID : 2 * GRID], null.middle[k, :, :GRID])


@pytest.mark.slow
def test_a_noisy_part_of_the_frame_gets_a_scale_of_its_own():
    scores, information = random_sums(512, 256)
    scores[:, :128, 256:384] *= 3

    null = null_of(scores, information)

    quiet, noisy = 1 / null.zones[:, 0, 100], 1 / null.zones[:, 0, 300]
    assert_allclose(noisy / quiet, 3, rtol=0.1)
    assert_allclose(null.zones[:, 1, 300], null.zones[:, 1, 100], rtol=0.1)
    assert null.zone == 128


@pytest.mark.slow
def test_scores_of_pure_noise_come_out_with_median_0_and_unit_spread():
    scores, information = random_sums(320, 288, loud=4.0)
    null = null_of(scores, information)

    loudest = loudest_of(scores, information, null)

    sound = loudest[:, : -2 * BLOCK]
    of_four = np.abs(np.random.default_rng(2).standard_normal((4, 100_000))).max(0)
    assert_allclose(np.median(sound), np.median(of_four), rtol=0.05)
    assert_allclose(np.quantile(sound, 0.99), np.quantile(of_four, 0.99), rtol=0.05)


@pytest.mark.slow
@settings(max_examples=some(8))
@given(st.integers(24, 60), st.integers(24, 50), st.integers(0, 99), st.sampled_from([1.0, 2.5]))
def test_peaks_are_those_of_an_exhaustive_search(width, height, seed, floor):
    scores, information = random_sums(width, height, seed)
    null = null_of(scores, information)
    loudest = loudest_of(scores, information, null)

    found = peaks_of(scores, null, floor)

    expected = naive.peaks(loudest, floor)
    assert set(zip(found.x.tolist(), found.y.tolist(), strict=True)) == set(expected)
    assert found.x.size == len(expected)
    assert_allclose(found.score, loudest[found.y, found.x], rtol=1e-4)
    assert (np.diff(found.score) <= 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("height", [40, 41, 63, 97])
def test_threads_find_the_same_peaks(height):
    scores, information = random_sums(80, height)
    null = null_of(scores, information)
    alone = peaks_of(scores, null, 1.0)

    with ThreadPoolExecutor(3) as pool:
        together = peaks_of(scores, null, 1.0, pool)

    assert_array_equal(together.x, alone.x)
    assert_array_equal(together.y, alone.y)
    assert_array_equal(together.score, alone.score)


@pytest.mark.slow
def test_of_equal_neighbours_the_first_in_reading_order_is_the_peak():
    scores = np.zeros((len(TEMPLATES), 48, 48), np.int32)
    information = np.full((len(TEMPLATES), 12, 12), round(UNIT_INFORMATION), np.int64)
    scores[:, 20:22, 20:23] = 50 * round(UNIT)
    null = null_of(scores, information)
    null.middle[:], null.scale[:], null.zones[:] = 0, 1, 1

    found = peaks_of(scores, null, 4.0)

    assert (found.x.tolist(), found.y.tolist()) == ([20], [20])


@pytest.mark.slow
def test_nothing_seen_means_no_peaks():
    evidence = evidence_of(some_frames(1))
    scores, information = np.zeros_like(evidence.scores), np.zeros_like(evidence.information)

    assert peaks_of(scores, null_of(scores, information), 0.0).x.size == 0


@pytest.mark.slow
def test_a_phase_in_which_nothing_was_seen_does_not_stand_out():
    scores, information = random_sums()
    scores[:, 3::GRID, 5::GRID] = 0

    null = null_of(scores, information)

    assert_array_equal(null.middle[:, 3, 5::GRID], 0)
    assert_array_equal(null.scale[:, 3, 5::GRID], 1)
    assert_array_equal(loudest_of(scores, information, null)[3::GRID, 5::GRID], 0)


@pytest.mark.slow
@pytest.mark.parametrize("place", [(30, 20), (0, 0), (47, 39), (43, 36), (5, 34), (4, 4)])
def test_a_window_holds_the_scores_the_peaks_are_made_of(place):
    evidence = evidence_of(some_frames(5, 48, 39))
    null = null_of(evidence.scores, evidence.information)
    loudest = np.pad(loudest_of(evidence.scores, evidence.information, null), 20)
    x, y = place

    around = window([evidence.scores], null, x, y, 6)

    assert around.shape == (len(TEMPLATES), 13, 13)
    expected = loudest[y + 14 : y + 27, x + 14 : x + 27]
    assert_allclose(np.abs(around).max(0), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_rows_and_columns_along_the_edges_are_zones_of_their_own():
    scores, information = random_sums(320, 288)
    scores[:, 1], scores[:, :, 3] = 3 * scores[:, 1], 2 * scores[:, :, 3]
    edges = np.array([0, 1, 286, 287]), np.array([2, 3, 318, 319])

    null = null_of(scores, information, edges=edges)

    plain = null_of(scores, information)
    assert_allclose(1 / null.lines[:, 1], 3, rtol=0.25)
    assert_allclose(plain.zones[:, 0, 3] / null.zones[:, 0, 3], 2, rtol=0.25)
    assert_allclose(null.lines[:, [0, 286, 287]], 1, atol=0.15)
    assert_array_equal(null.lines[:, 2:286], 1)
    assert_array_equal(null.zones[:, :, 4:300], plain.zones[:, :, 4:300])
    assert null.lines.max() <= 1  # never less strict than elsewhere


@pytest.mark.slow
def test_a_short_edge_is_no_zone_of_its_own():
    scores, information = random_sums(36, 32)

    null = null_of(scores, information, edges=(np.array([0]), np.array([35])))

    assert_array_equal(null.lines, 1)

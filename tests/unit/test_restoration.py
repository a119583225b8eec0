"""Repairs of pictures in memory: what is filled in, what is left, and that it comes to rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillpix.frame import Exposure
from stillpix.maps.records import Defect, Run
from stillpix.restoration import repair
from stillpix.restoration.expectation import Expectation, expect, priors
from stillpix.restoration.prediction import Prediction, Stencil, predict
from stillpix.restoration.separation import AMPLITUDES, NOISE, separate
from support import effort
from support.effort import some

LAYOUTS = ["rendered", "mono", "xtrans", "bayer-RGGB", "bayer-BGGR", "bayer-GRBG", "bayer-GBRG"]
COLOUR_REACH = 4  # px: the farthest that a repair of a rendered picture changes


def noisy(height=60, width=70, *, sigma=2.0, seed=1, colours=False):
    """Return a smooth scene with noise, uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    scene = 100 + 0.5 * x + 20 * np.sin(y / 9)
    if colours:
        scene = np.stack([scene, 0.8 * scene, 200 - scene], axis=-1)
    return np.clip(scene + rng.normal(0, sigma, scene.shape), 0, 255).astype(np.uint8)


def window_of(stencil, *, seed=3):
    side = stencil.side
    return np.random.default_rng(seed).normal(100, 5, (side, side)) + np.arange(side)


def distances(defects, shape):
    """Return each pixel's Chebyshev distance from the nearest listed place."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    return np.min([np.maximum(abs(y - d.y), abs(x - d.x)) for d in defects], axis=0)


def test_what_stands_in_the_hole_does_not_matter_to_its_prediction():
    stencil = Stencil((2, 2))
    window, sound = window_of(stencil), np.ones((stencil.side, stencil.side), bool)
    wild, hole = window.copy(), slice(stencil.margin - 2, stencil.margin + 3)
    wild[hole, hole] = 1e6

    one, other = predict(window, sound, stencil), predict(wild, sound, stencil)

    assert np.array_equal(one.mean, other.mean)
    assert np.array_equal(one.covariance, other.covariance)


def test_an_unsound_sample_is_never_a_source():
    stencil = Stencil((2, 2))
    window, sound = window_of(stencil), np.ones((stencil.side, stencil.side), bool)
    middle = stencil.margin
    sound[middle + 3, middle - 1] = sound[middle - 9, middle + 8] = False
    wild = np.where(sound, window, -1e6)

    assert np.array_equal(predict(window, sound, stencil).mean, predict(wild, sound, stencil).mean)


def test_few_places_to_learn_from_leave_the_mean_of_the_ring():
    stencil = Stencil((2, 2))
    window, sound = window_of(stencil), np.zeros((stencil.side, stencil.side), bool)
    middle = stencil.margin
    sound[middle - 3, middle - 3 : middle + 4] = True

    mean = window[middle - 3, middle - 3 : middle + 4].mean()
    assert np.allclose(predict(window, sound, stencil).mean, mean)


def test_separation_is_the_conditional_mean_of_a_joint_normal():
    rng = np.random.default_rng(7)
    root = rng.normal(size=(3, 3))
    predicted = Prediction(rng.normal(50, 5, 3), root @ root.T + np.eye(3))
    observed, squared = np.array([90.0, 60.0, 48.0]), np.array([0.0, 1.0, 4.0])

    told = separate(observed, np.zeros(3, bool), predicted, squared, [1.0])

    scene = predicted.covariance + NOISE * np.eye(3)
    for number, amplitude in enumerate(AMPLITUDES):
        signal = np.diag((amplitude * (1 + squared) ** -1.5) ** 2)
        inverse = np.linalg.inv(scene + signal)
        off = observed - predicted.mean
        expected = predicted.mean + scene @ inverse @ off
        log = -0.5 * (off @ inverse @ off + np.log(np.linalg.det(scene + signal)))
        assert np.allclose(told.scene[number], expected)
        assert np.isclose(told.likelihood[number], log)


def test_what_is_mute_says_nothing():
    predicted = Prediction(np.full(2, 50.0), np.eye(2))
    mute, squared = np.array([True, False]), np.array([0.0, 4.0])

    told = [
        separate(np.array([level, 51.0]), mute, predicted, squared, [1.0])
        for level in (200.0, 255.0)
    ]

    assert np.array_equal(told[0].scene, told[1].scene)
    assert np.array_equal(told[0].likelihood, told[1].likelihood)


@pytest.mark.parametrize(
    ("kind", "factor"),
    [("hot", 1 / 8), ("offset", 1 / 2), ("bright", 1 / 2), ("stuck", 1), ("dark", 1)],
)
def test_strength_is_expected_to_grow_as_the_kind_does(kind, factor):
    listed = Defect(x=1, y=1, kind=kind, strength=-64.0, exposure_s=0.25, gain=4.0)

    assert expect(listed, Exposure(0.0625, 2.0), 255, "bayer-RGGB").amplitude(90.0) == 64 * factor


@pytest.mark.parametrize("kind", ["hot", "bright", "offset", "unknown"])
@given(st.floats(0, 250), st.floats(1, 60), st.floats(0.05, 4))
def test_what_is_added_to_the_signal_passes_through_the_tone_curve(kind, level, strength, gain):
    listed = Defect(x=1, y=1, kind=kind, strength=strength, exposure_s=0.25, gain=1.0)
    expected = expect(listed, Exposure(0.25, gain), 255)

    def light(encoded):  # of sRGB
        share = encoded / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    seen = level + expected.amplitude(level)
    added = gain * (light(64 + strength) - light(64))
    assert light(seen) == pytest.approx(min(light(level) + added, 1.0), abs=1e-6)


def test_a_photosite_of_another_sensitivity_takes_its_share_of_the_level():
    listed = Defect(x=1, y=1, kind="low", strength=-16.0)
    expected = expect(listed, Exposure(), 255)

    assert [expected.amplitude(level) for level in (32.0, 64.0, 128.0)] == [8.0, 16.0, 32.0]


def test_a_defect_that_the_exposure_cannot_show_is_left_and_a_like_dot_where_it_can_is_not():
    level = noisy()
    level[30:33, 40:43] += np.array([[0, 2, 0], [2, 5, 2], [0, 2, 0]], np.uint8)
    hot = Defect(x=41, y=31, kind="hot", strength=20.0, exposure_s=1.0, gain=4.0, seen=(0.5, 9))

    changed = [
        bool((repair(level, [hot], exposure=Exposure(time, 4.0)) != level).any())
        for time in (1 / 4000, 1 / 3)
    ]

    assert changed == [False, True]


@given(st.floats(0.1, 0.9), st.one_of(st.none(), st.floats(0.01, 255)))
def test_chances_add_up_to_one(shows, strength):
    (prior,) = priors([Expectation(shows, strength)], AMPLITUDES[None], np.array([64.0]))

    assert prior.min() >= 0
    assert np.isclose(prior.sum(), 1)


@pytest.mark.slow
@pytest.mark.parametrize("colours", [False, True])
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("place", [(35, 30), (0, 0), (69, 59), (0, 31), (1, 58)])
def test_a_dot_becomes_what_stood_there(place, colours, wide):
    whole = noisy(colours=colours)
    whole = whole.astype(np.uint16) * 257 if wide else whole
    white = 65535 if wide else 255
    broken = whole.copy()
    broken[place[1], place[0]] = white
    listed = [Defect(x=place[0], y=place[1])]

    mended = repair(broken, listed)

    off = np.abs(mended.astype(float) - whole).max() / white * 255
    assert off < 12  # the noise has a standard deviation of 2
    changed = (mended != broken).reshape(*broken.shape[:2], -1).any(axis=2)
    assert distances(listed, broken.shape)[changed].max() <= COLOUR_REACH
    assert np.array_equal(repair(mended, listed), mended)


@pytest.mark.parametrize("apart", [(1, 0), (2, 0), (1, 1), (3, 2)])
def test_of_a_pair_neither_is_a_source_of_the_other(apart):
    whole = noisy()
    broken = whole.copy()
    broken[30, 35], broken[30 + apart[1], 35 + apart[0]] = 255, 0
    listed = [Defect(x=35, y=30), Defect(x=35 + apart[0], y=30 + apart[1])]

    mended = repair(broken, listed)

    assert np.abs(mended.astype(float) - whole).max() < 12
    # A sample as near to one place as to the other is mended by both in turn.
    assert np.abs(repair(broken, listed[::-1]).astype(float) - mended).max() < 6


def test_a_broken_column_is_mended_along_its_run():
    whole = noisy()
    broken = whole.copy()
    broken[10:50, 33] = 250
    mended = repair(broken, [Defect(x=33, y=10, run=Run("column", 10, 49))])

    assert np.abs(mended[10:50, 33].astype(float) - whole[10:50, 33]).mean() < 4
    assert np.array_equal(mended[:, :30], broken[:, :30])


@pytest.mark.parametrize("layout", LAYOUTS[1:])
def test_a_mosaic_changes_at_the_photosite_alone(layout):
    rng = np.random.default_rng(5)
    whole = rng.normal(2000, 30, (80, 90)).astype(np.uint16)
    period = {"mono": 1, "xtrans": 6}.get(layout, 2)
    whole[::period, ::period] *= 2  # another colour
    broken = whole.copy()
    broken[40, 43] = 9000

    mended = repair(broken, [Defect(x=43, y=40)], layout=layout, white=16383)

    assert np.argwhere(mended != broken).tolist() == [[40, 43]]
    assert abs(int(mended[40, 43]) - int(whole[40, 43])) < 200


def test_a_sound_place_is_left_alone_and_an_unexpected_one_mostly():
    picture = noisy()
    hot = Defect(x=35, y=30, kind="hot", strength=20.0, exposure_s=1.0, gain=16.0)

    assert np.array_equal(repair(picture, [Defect(x=35, y=30)]), picture)
    assert np.array_equal(repair(picture, [hot], exposure=Exposure(0.001, 1.0)), picture)


def test_always_changes_nothing_beyond_reach():
    picture = noisy(sigma=12)
    listed = [Defect(x=35, y=30), Defect(x=0, y=3)]

    changed = repair(picture, listed, always=True) != picture

    assert distances(listed, picture.shape)[changed].max(initial=0) <= 2


@settings(max_examples=some(40))
@given(
    st.integers(0, 10_000), st.sampled_from(LAYOUTS), st.booleans(),
    st.lists(st.tuples(st.integers(0, 49), st.integers(0, 41)), min_size=1, max_size=12),
)  # fmt: skip
def test_to_repair_twice_is_to_repair_once(seed, layout, always, places):
    rng = np.random.default_rng(seed)
    picture = noisy(42, 50, sigma=rng.choice([0, 1, 5, 30]), seed=seed)
    for x, y in places[::2]:
        picture[y, x] = rng.integers(256)
    listed = [Defect(x=x, y=y) for x, y in places]

    once = repair(picture, listed, layout=layout, always=always)

    assert np.array_equal(repair(once, listed, layout=layout, always=always), once)
    reach = 2 if layout == "rendered" else 0
    assert distances(listed, picture.shape)[once != picture].max(initial=0) <= reach


@pytest.mark.slow
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_picture_stays_flat(level):
    size = 40 if effort.long else 16
    flat = np.full((size, size), level, np.uint8)
    listed = [Defect(x=x, y=y) for x in range(0, size, 3) for y in range(0, size, 3)]

    assert np.array_equal(repair(flat, listed), flat)


@pytest.mark.parametrize(
    "pixels", [np.zeros((40, 40), bool), np.zeros((40, 40, 4), np.uint8), np.zeros(40), [[1, 2]]]
)
def test_pixels_of_another_kind_are_refused(pixels):
    with pytest.raises(ValueError, match="pixels"):
        repair(pixels, [])

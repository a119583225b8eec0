"""What is stored in a block of a JPEG: nearest by its own measure, and nothing for nothing."""

from __future__ import annotations

from math import cos, pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillpix.restoration.storing import (
    ELSEWHERE,
    FOREMOST,
    LARGEST,
    LEANING,
    WORTH,
    weighed,
)
from stillpix.restoration.storing import stored as stored_blocks
from support.effort import some


def wave(number):
    """The 64 samples of one wave, by the formula of ITU-T T.81, A.3.3."""
    v, u = divmod(number, 8)
    norm = (1 / sqrt(2) if u == 0 else 1) * (1 / sqrt(2) if v == 0 else 1) / 4
    return np.array([
        norm * cos((2 * x + 1) * u * pi / 16) * cos((2 * y + 1) * v * pi / 16)
        for y in range(8) for x in range(8)
    ])  # fmt: skip


WAVES = np.array([wave(number) for number in range(64)])


def stored(wanted, weight, before, steps):
    """What is stored in one block, alone and in the company of others."""
    (alone,) = stored_blocks(
        wanted.reshape(1, 64), weight.reshape(1, 64), before[None], steps[None]
    )
    other = np.full(64, 90.0), np.ones(64), np.zeros(64, np.int16)
    together = zip(other, (wanted.ravel(), weight.ravel(), before), other, strict=True)
    assert np.array_equal(stored_blocks(*map(np.array, together), np.array([steps] * 3))[1], alone)
    return alone


def samples(coefficients, steps):
    return 128 + ((coefficients * steps) @ WAVES).reshape(8, 8)


def error(coefficients, wanted, weight, steps):
    total = float((weight * (samples(coefficients, steps) - wanted) ** 2).sum())
    for number in range(1, 64):
        own = float((weight.ravel() * (steps[number] * WAVES[number]) ** 2).sum())
        total += 2 * LEANING * own * abs(coefficients[number])
    return total


def block(seed):
    """Some coefficients, their steps, how much each sample counts, and levels wanted in a hole."""
    rng = np.random.default_rng(seed)
    steps = rng.integers(1, 60, 64).astype(float)
    before = np.where(rng.random(64) < 0.3, rng.integers(-4, 5, 64), 0).astype(np.int16)
    before[0] = rng.integers(-200, 200) // steps[0]
    meant = np.zeros((8, 8), bool)
    y, x = rng.integers(-1, 7, 2)
    meant[max(y, 0) : y + 5, max(x, 0) : x + 5] = True
    wanted = samples(before, steps)
    wanted[meant] += rng.normal(0, rng.choice([1, 10, 60]), int(meant.sum()))
    weight = np.where(meant, 1.0, ELSEWHERE)
    if y + 2 < 8 and x + 2 < 8:
        weight[y + 2, x + 2] = FOREMOST
    return before, steps, weight, wanted


@pytest.mark.slow
@given(st.integers(0, 10_000))
@settings(max_examples=some(40))
def test_no_single_step_of_a_coefficient_comes_nearer(seed):
    before, steps, weight, wanted = block(seed)

    after = stored(wanted, weight, before, steps)

    here = error(after, wanted, weight, steps)
    if (after == before).all():
        return
    assert here <= WORTH * error(before, wanted, weight, steps) + 1e-6
    for number in range(64):
        for step in (-1, 1):
            other = after.copy()
            other[number] += step
            assert error(other, wanted, weight, steps) >= here - 1e-3 * steps[number] ** 2


def test_a_block_that_is_as_wanted_stays():
    before = np.zeros(64, np.int16)
    before[[0, 1, 9]] = 5, -3, 2

    after = stored(samples(before, np.ones(64)), np.ones((8, 8)), before, np.ones(64))

    assert np.array_equal(after, before)


def test_a_change_too_small_for_the_steps_is_not_made():
    before, steps = np.zeros(64, np.int16), np.full(64, 80.0)
    wanted = np.full((8, 8), 128.0)
    wanted[3, 3] += 12

    weight = np.where(wanted != 128, 1.0, ELSEWHERE)

    assert np.array_equal(stored(wanted, weight, before, steps), before)


def test_waves_that_a_dot_left_in_the_rest_of_its_block_go_with_it():
    steps = np.full(64, 24.0)
    dot = np.zeros((8, 8))
    dot[3, 3] = 120
    before = np.round((WAVES @ dot.ravel()) / steps).astype(np.int16)
    levels, meant = samples(before, steps), np.zeros((8, 8), bool)
    meant[1:6, 1:6] = True
    assert np.abs(levels - 128)[~meant].max() > 5

    weight = weighed(meant, (3, 3))
    after = samples(stored(np.where(meant, 128.0, levels), weight, before, steps), steps)

    assert np.abs(after - 128).max() < 3


@pytest.mark.parametrize("sign", [-1, 1])
def test_no_coefficient_leaves_the_range_of_8_bit_pictures(sign):
    wanted = np.full((8, 8), 128.0 + sign * 140)

    after = stored(wanted, np.ones((8, 8)), np.zeros(64, np.int16), np.ones(64))

    assert after[0] == sign * LARGEST


def test_the_sample_with_the_defect_comes_nearest_of_all():
    rng = np.random.default_rng(4)
    off = {"foremost": [], "as the others": []}
    for _ in range(40):
        levels = 128 + rng.normal(0, 12, (8, 8))
        steps, meant = np.full(64, 24.0), np.zeros((8, 8), bool)
        meant[1:6, 1:6] = True
        broken = levels.copy()
        broken[3, 3] += 90
        before = np.round((WAVES @ (broken - 128).ravel()) / steps).astype(np.int16)
        wanted = np.where(meant, levels, samples(before, steps))
        weights = {"foremost": weighed(meant, (3, 3)), "as the others": weighed(meant, (-2, 3))}
        for name, weight in weights.items():
            after = samples(stored(wanted, weight, before, steps), steps)
            off[name].append(abs(after[3, 3] - wanted[3, 3]))

    assert np.mean(off["foremost"]) < 0.5 * np.mean(off["as the others"])


@pytest.mark.parametrize("middle", [(3, 3), (0, 7), (-1, 3), (3, 8)])
def test_a_sample_that_is_to_stay_is_never_foremost(middle):
    meant = np.zeros((8, 8), bool)
    meant[2:5, 2:5] = True

    weight = weighed(meant, middle)

    foremost = [tuple(at) for at in np.argwhere(weight == FOREMOST).tolist()]
    assert foremost == ([middle] if middle == (3, 3) else [])
    assert (weight[~meant] == ELSEWHERE).all()

"""How many finds of a list are likely wrong, against lists whose false finds are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillpix.detection.likely_false import likely_false
from stillpix.detection.ranking import q_values

PIXELS, RATE, WIDTH = 300_000, 0.01, 1.4
LISTS = 2000


def log_uniform(rng, number):
    """Return scores as broken pixels have them: many faint, few loud."""
    return np.exp(rng.uniform(np.log(3), np.log(30), number))


def listed(rng, scores):
    """Return the expected numbers of one list's finds, and how many of these are false.

    False peaks come as decoys say: one is expected at or below 1, two at or below 2, and so on.
    """
    chance = rng.uniform(0, 20, rng.poisson(20))
    true = PIXELS * np.exp(-(scores**2) / (2 * WIDTH))
    expected = np.concatenate([true, chance])
    order = np.argsort(expected)
    q = q_values(expected[order], np.ones(order.size, np.bool_))
    number = int((q <= RATE).sum())
    return expected[order[:number]], int((order[:number] >= true.size).sum())


@pytest.mark.parametrize(
    ("scores", "number"),
    [
        (log_uniform, 4), (log_uniform, 12), (log_uniform, 100),
        (lambda rng, number: rng.uniform(12, 40, number), 12),
        (lambda rng, number: rng.uniform(3, 10, number), 12),
        (lambda rng, number: 4 + rng.exponential(2, number), 500),
    ],
    ids=["4", "12", "100", "strong", "weak", "crowd"],
)  # fmt: skip
def test_as_many_are_false_as_is_stated(scores, number):
    rng = np.random.default_rng(number)
    lists = [listed(rng, scores(rng, number)) for _ in range(LISTS if number < 100 else 400)]

    stated = sum(likely_false(expected, PIXELS, RATE) for expected, _ in lists)
    false = sum(wrong for _, wrong in lists)

    assert false > 20  # else nothing is shown
    assert false / 2 <= stated <= 1.5 * false


def test_the_number_above_the_weakest_find_alone_is_too_small_for_short_lists():
    rng = np.random.default_rng(7)
    lists = [listed(rng, rng.uniform(12, 40, 12)) for _ in range(LISTS)]

    assert sum(expected[-1] for expected, _ in lists) < sum(wrong for _, wrong in lists) / 8


@given(
    st.lists(st.floats(0, 1e6), max_size=60),
    st.integers(64, 10**9),
    st.floats(1e-6, 1.0),
)
def test_it_lies_between_the_number_expected_and_all(expected, pixels, rate):
    ascending = np.sort(np.array(expected, np.float64))

    stated = likely_false(ascending, pixels, rate)

    assert np.isfinite(stated)
    assert stated >= (ascending[-1] if ascending.size else 0)
    assert stated <= max(ascending.size, *ascending, 0)


@pytest.mark.parametrize("number", [1, 5, 60])
def test_loud_finds_are_sure(number):
    assert likely_false(np.zeros(number), 24_000_000, 0.01) < 1e-9

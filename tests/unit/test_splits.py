"""Photos of two sensors under one name are told by their pixels, and one sensor is never split."""

from __future__ import annotations

import numpy as np

from stillpix.detection.splits import split_of


def said_of(rng, shown):
    """Return residuals, (photos, places), of photos that show so many sigmas at each place."""
    return rng.normal(0, 1, shown.shape) + shown


def split(rng, shown, in_first):
    ones = np.ones(shown.shape)
    return split_of(said_of(rng, shown), ones, np.ones(shown.shape[1]), in_first)


def test_two_sensors_share_no_pixels():
    in_first = np.arange(48) < 24
    shown = np.zeros((48, 12))
    shown[:24, :6] = shown[24:, 6:] = 1.6

    told = [
        split(np.random.default_rng(seed), shown, in_first).is_of_two_sensors for seed in range(40)
    ]

    assert sum(told) >= 34


def test_one_sensor_is_never_split_whatever_the_groups_are():
    rng = np.random.default_rng(1)
    told = 0
    for _ in range(300):
        in_first = rng.random(40) < rng.uniform(0.2, 0.8)
        strength = rng.uniform(0.5, 3.0, 14)
        darker = np.where(in_first, 1.0, rng.uniform(0.0, 1.0))[:, None]
        told += split(rng, strength * darker, in_first).is_of_two_sensors
    assert told == 0


def test_pixels_that_began_between_two_folders_split_nothing():
    in_first = np.arange(48) < 24
    shown = np.full((48, 9), 1.5)
    shown[:24, 3:] = 0.0

    assert not split(np.random.default_rng(2), shown, in_first).is_of_two_sensors

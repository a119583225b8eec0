"""Pixels close to a louder one in rendered photos: which are broken, and which are its lobes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from stillpix.detection.close_pixels import WITHIN, with_close_pixels
from stillpix.detection.null import Peaks

SIDE, MIDDLE = 40, 20
# What sharpening and demosaicing make of a broken pixel: a cross, corners, a ring, and lobes.
LONE = {(0, 0): 1.0, (1, 0): 0.5, (1, 1): 0.25, (2, 0): -0.2, (2, 2): -0.1, (4, 0): 0.02}
STEPS = [
    (dx, dy)
    for dx in range(-WITHIN, WITHIN + 1)
    for dy in range(-WITHIN, WITHIN + 1)
    if max(abs(dx), abs(dy)) >= 3
]
KNIGHTS = [(dx, dy) for dx in (-2, -1, 1, 2) for dy in (-2, -1, 1, 2) if 2 in (abs(dx), abs(dy))]


def spread_out(pixels, strength=10_000):
    """Return what some pixels (x, y, share) leave, (SIDE, SIDE): of residuals, or of scores."""
    sums = np.zeros((SIDE, SIDE))
    for x, y, share in pixels:
        for (far, near), part in LONE.items():
            steps = {(sx * a, sy * b) for a, b in ((far, near), (near, far)) for sx in (-1, 1)
                     for sy in (-1, 1)}  # fmt: skip
            for dx, dy in steps:
                sums[y + dy, x + dx] += strength * share * part
    return sums.round().astype(np.int32)


def listed(excess, *, shown=None, scores=20.0, faintest=5.0, closed=None):
    """Return the places that are listed where the middle is the loudest peak.

    `shown` says of some places, (x, y), how many photos show them; the middle's number is 50.
    """
    counts = np.zeros(excess.shape, np.int16)
    for (x, y), number in {(MIDDLE, MIDDLE): 50, **(shown or {})}.items():
        counts[y, x] = number
    peaks = Peaks.of(
        np.array([MIDDLE, 3]), np.array([MIDDLE, 36]), np.array([20.0, faintest], np.float32)
    )
    loud = np.broadcast_to(scores, excess.shape)
    whole = SimpleNamespace(around_all=lambda x, y, _: loud[y, x][:, None, None, None])
    if closed is None:
        closed = np.zeros(excess.shape, np.bool_)
    found = with_close_pixels(peaks, SimpleNamespace(excess=excess, shown=counts), whole, closed)
    assert (np.diff(found.score) <= 0).all()
    return set(zip(found.x.tolist(), found.y.tolist(), strict=True)) - {(3, 36)}


@pytest.mark.parametrize("side", [1, -1])
def test_what_a_lone_pixel_spreads_is_no_second_one(side):
    assert listed(side * spread_out([(MIDDLE, MIDDLE, 1.0)])) == {(MIDDLE, MIDDLE)}


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("steps", "share"), [(STEPS, 0.8), (STEPS, 0.4), (KNIGHTS, 0.8)])
def test_a_second_pixel_two_to_six_px_away_is_listed_where_it_is(side, steps, share):
    for dx, dy in steps:
        second = MIDDLE + dx, MIDDLE + dy
        excess = side * spread_out([(MIDDLE, MIDDLE, 1.0), (*second, share)])

        assert listed(excess) == {(MIDDLE, MIDDLE), second}


def test_a_faint_one_is_listed_where_nothing_is_spread():
    excess = spread_out([(MIDDLE, MIDDLE, 1.0), (MIDDLE + 3, MIDDLE - 4, 0.1)])

    assert listed(excess) == {(MIDDLE, MIDDLE), (MIDDLE + 3, MIDDLE - 4)}


def test_nothing_is_listed_that_is_no_louder_than_chance_or_at_a_closed_place():
    excess = spread_out([(MIDDLE, MIDDLE, 1.0), (MIDDLE + 4, MIDDLE, 0.5)])
    closed = np.zeros(excess.shape, np.bool_)
    closed[:, MIDDLE + 4] = True

    assert listed(excess, scores=4.9) == {(MIDDLE, MIDDLE)}
    assert listed(excess, closed=closed) == {(MIDDLE, MIDDLE)}


@pytest.mark.parametrize("side", [1, -1])
def test_a_dark_one_beside_a_bright_one_is_listed_where_many_photos_show_it(side):
    second = MIDDLE, MIDDLE + 4
    excess = spread_out([(MIDDLE, MIDDLE, 1.0)])
    excess[second[::-1]] = -3000
    excess *= side

    assert listed(excess, shown={second: -side * 10}) == {(MIDDLE, MIDDLE), second}
    assert listed(excess, shown={second: -side * 9}) == {(MIDDLE, MIDDLE)}


def test_a_dark_one_two_px_from_a_bright_one_is_its_ring():
    excess = spread_out([(MIDDLE, MIDDLE, 1.0)])

    assert listed(excess, shown={(MIDDLE, MIDDLE + 2): -50}) == {(MIDDLE, MIDDLE)}


def test_three_pixels_at_the_frames_edge_are_three():
    excess = spread_out([(MIDDLE, MIDDLE, 1.0)])
    excess[MIDDLE + 3, MIDDLE + 2] = 3000
    edge = excess[:, : MIDDLE + 3]

    assert listed(edge) == {(MIDDLE, MIDDLE), (MIDDLE + 2, MIDDLE + 3)}

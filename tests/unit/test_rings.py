"""In a field, the ring of a broken pixel is not listed in its place."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from stillpix.detection.null import Peaks
from stillpix.detection.rings import at_their_pixels

HEIGHT, WIDTH = 12, 40


def where_settled(peaks, excess, loud):
    """Return the peaks (x, y, score) where they belong, by the excess and scores of some places."""
    sums = np.zeros((HEIGHT, WIDTH), np.int32)
    for (x, y), value in excess.items():
        sums[y, x] = value
    view = SimpleNamespace(around=lambda x, y, _: np.full((4, 1, 1), loud.get((x, y), 0.0)))
    x, y, score = (np.array(each) for each in zip(*peaks, strict=True))
    kept = at_their_pixels(Peaks.of(x, y, score.astype(np.float32)), [view], sums)
    scores = [round(value, 1) for value in kept.score.tolist()]
    return list(zip(kept.x.tolist(), kept.y.tolist(), scores, strict=True))


def test_both_sides_of_a_ring_are_one_peak_at_the_pixel():
    ring = [(18, 5, 13.3), (22, 5, 12.4)]
    excess = {(18, 5): -3430, (20, 5): 9043, (22, 5): -2580}

    assert where_settled(ring, excess, {(20, 5): 10.6}) == [(20, 5, 10.6)]


@pytest.mark.parametrize(
    ("excess", "loud"),
    [
        ({(18, 5): -3430, (20, 5): 5000}, 10.6),  # nearly as strong: a broken pixel of its own
        ({(18, 5): -3430, (20, 5): -9043}, 10.6),  # to the same side
        ({(18, 5): -3430, (20, 5): 9043}, 5.0),  # what hardly stands out is no cause of a ring
        ({(18, 5): -3430, (22, 5): 9043}, 10.6),  # too far
    ],
)
def test_what_is_no_ring_stays(excess, loud):
    pixels = {place: loud for place in excess if place != (18, 5)}

    assert where_settled([(18, 5, 13.3)], excess, pixels) == [(18, 5, 13.3)]


def test_peaks_stay_in_the_order_of_their_scores():
    peaks = [(0, 5, 13.0), (30, 7, 12.0)]

    moved = where_settled(peaks, {(0, 5): -90, (2, 5): 300}, {(2, 5): 9.0})

    assert moved == [(30, 7, 12.0), (2, 5, 9.0)]

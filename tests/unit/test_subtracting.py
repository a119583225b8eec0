"""Photos that are taken out of evidence leave that of the rest, to the bit."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from stillpix.errors import SensorMismatchError
from stillpix.evidence.evidence import Evidence
from stillpix.frame import Exposure, Frame, Sensor


def frames(layout, number):
    rng = np.random.default_rng(3)
    white = 255 if layout == "rendered" else 65535
    kind = np.uint8 if white == 255 else np.uint16
    sensor = Sensor("a", "b", "c", 96, 64, layout)
    for n in range(number):
        pixels = rng.normal(white / 3, white / 40, (64, 96)).clip(0, white).astype(kind)
        taken = datetime(2020, 1, 1) + timedelta(days=9 * n)
        yield Frame(pixels, sensor, Exposure(0.1, 2.0, taken), f"{n}", f"{n * 7919:064x}", white)


@pytest.mark.parametrize("layout", ["rendered", "bayer-RGGB"])
def test_what_is_left_is_the_evidence_of_the_rest(layout):
    photos = list(frames(layout, 9))
    rest = [photo for n, photo in enumerate(photos) if n not in (2, 5)]

    left = Evidence.of(photos).subtract(Evidence.of([photos[2], photos[5]]))

    assert left == Evidence.of(rest)


def test_a_photo_that_was_never_added_cannot_be_taken_out():
    photos = list(frames("rendered", 4))

    with pytest.raises(SensorMismatchError, match="not in the evidence"):
        Evidence.of(photos[:3]).subtract(Evidence.of(photos[3:]))

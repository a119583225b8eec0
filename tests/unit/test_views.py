"""How many photos must agree: more of a video's frames, since they follow one another."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from stillpix.detection.views import fewest_of
from stillpix.frame import Sensor


@pytest.mark.parametrize(
    ("which", "pictures", "fewest"),
    [
        ("", 48, 0),
        ("4.2 mm", 48, 0),
        ("video", 200, 8),
        ("video, top field", 24, 6),
        ("video", 9, 4),
    ],
)
def test_more_frames_of_a_video_must_agree_than_photos(which, pictures, fewest):
    sensor = Sensor("Acme", "Cam", "1", 640, 480, which=which)

    assert fewest_of(SimpleNamespace(sensor=sensor, scenes=pictures)) == fewest

"""What a photo says at single photosites of a mosaic, against plain loops that share no code."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from stillpix.evidence import mosaic
from stillpix.evidence.measures import EXCESS, LEVEL, MEASURES, RESIDUAL, RESPONSE, SLOPE, measured
from stillpix.evidence.sum_kernels import LARGEST
from support import naive
from support.mosaics import LAYOUTS, PATTERNS, frame_of, mosaic_of, sensor_of

FAR = 1e9  # sigmas: no limit


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_photosites_say_what_the_plain_loops_find(layout):
    rng = np.random.default_rng(7)
    pixels = mosaic_of(rng, layout, 48, 40)
    pixels[20, 20:24] = 16383, 600, 9000, 16383
    frame = frame_of(pixels, sensor_of(layout, 48, 40))
    places = [(x, y) for y in range(40) for x in range(48)]

    said = measured(frame, places).astype(float).reshape(40, 48, MEASURES)

    left, top, right, bottom = edges = mosaic.judged(frame.sensor)
    span = frame.white - frame.black
    excess, psi, inverse, light = naive.mosaic_judged(
        frame.pixels, PATTERNS[layout], mosaic.noise_of(frame), limit=FAR, largest=LARGEST,
        black=frame.black, dim=span / 128, full=frame.black + 0.95 * span, edges=edges,
    )  # fmt: skip
    outside = np.ones((40, 48), bool)
    outside[top:bottom, left:right] = False
    assert np.isnan(said[outside]).all()
    inside = ~outside
    usable = inside & (inverse > 0)
    assert_allclose(said[usable, RESIDUAL], psi[usable].clip(-1000, 1000), rtol=2e-3, atol=2e-3)
    assert_allclose(said[inside, SLOPE], (inverse * span / 255)[inside], rtol=2e-3)
    assert_allclose(said[inside, RESPONSE], (8 * light / 255)[inside], rtol=2e-3)
    assert_allclose(said[inside, EXCESS], excess[inside] * 255 / span, rtol=2e-3, atol=2e-3)
    expected = (frame.pixels - excess - frame.black)[inside] / span
    assert_allclose(said[inside, LEVEL], expected, rtol=2e-3, atol=2e-4)


def test_no_places_are_no_trouble():
    frame = frame_of(mosaic_of(np.random.default_rng(1), "mono", 40, 40), sensor_of("mono", 40, 40))

    assert measured(frame, []).shape == (0, MEASURES)

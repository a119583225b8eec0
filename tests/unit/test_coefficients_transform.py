"""Coefficients to samples and back, against the formula of the standard and against libjpeg."""

from __future__ import annotations

from io import BytesIO
from math import cos, pi, sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stillpix.rewriting.jpeg import Component, read_coefficients, samples_of, waves
from support import jpegs
from support.effort import some

PATH = Path("a.jpg")


def sample(block, steps, x, y):
    """One sample by the double sum of ITU-T T.81, A.3.3."""
    total = 0.0
    for v in range(8):
        for u in range(8):
            norm = (1 / sqrt(2) if u == 0 else 1) * (1 / sqrt(2) if v == 0 else 1) / 4
            waves = cos((2 * x + 1) * u * pi / 16) * cos((2 * y + 1) * v * pi / 16)
            total += norm * int(block[8 * v + u]) * int(steps[8 * v + u]) * waves
    return total + 128


@given(st.integers(0, 99))
@settings(max_examples=some(15))
def test_samples_are_the_sum_that_the_standard_gives(seed):
    rng = np.random.default_rng(seed)
    blocks = jpegs.some_blocks(3, 4, seed=seed)
    steps = rng.integers(1, 200, 64).astype(np.uint16)
    component = Component(1, 1, 32, 24, steps, blocks)

    samples = samples_of(component, 1, 3, 2, 4)

    assert samples.shape == (16, 16)
    for y, x in rng.integers(16, size=(6, 2)).tolist():
        block = blocks[1 + y // 8, 2 + x // 8]
        assert samples[y, x] == pytest.approx(sample(block, steps, x % 8, y % 8))


@given(st.integers(0, 99))
@settings(max_examples=some(15))
def test_samples_are_sums_of_the_waves(seed):
    blocks = jpegs.some_blocks(1, 1, seed=seed)
    steps = np.random.default_rng(seed).integers(1, 65_536, 64).astype(np.uint16)
    component = Component(1, 1, 8, 8, steps, blocks)

    samples = samples_of(component, 0, 1, 0, 1) - 128

    assert samples.ravel() == pytest.approx((blocks[0, 0] * steps.astype(float)) @ waves())
    assert (waves() @ samples.ravel()) / steps == pytest.approx(blocks[0, 0], abs=1e-6)


@pytest.mark.parametrize("progressive", [False, True])
def test_samples_rounded_and_clamped_are_what_libjpeg_decodes(progressive):
    content = jpegs.saved(90, 70, "L", quality=60, progressive=progressive)
    (component,) = read_coefficients(content, PATH).components

    samples = samples_of(component, 0, 9, 0, 12)[:70, :90]

    decoded = np.array(Image.open(BytesIO(content))).astype(float)
    assert np.abs(np.clip(samples, 0, 255) - decoded).max() <= 1


def test_samples_of_colour_planes_are_what_libjpeg_decodes():
    content = jpegs.saved(64, 48, "RGB", quality=95, subsampling="4:4:4")
    image = read_coefficients(content, PATH)
    decoder = Image.open(BytesIO(content))
    decoder.draft("YCbCr", None)

    decoded = np.array(decoder).astype(float)

    assert decoder.mode == "YCbCr"
    for n, component in enumerate(image.components):
        samples = np.clip(samples_of(component, 0, 6, 0, 8), 0, 255)
        assert np.abs(samples - decoded[..., n]).max() <= 1

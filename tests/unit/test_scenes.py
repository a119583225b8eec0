"""Whether two photos show the same picture, on pictures whose relation is known."""

from __future__ import annotations

import numpy as np
import pytest

import stars
from stillpix.evidence.repeats import RECENT, SAMPLES, signature_of
from support.frames import is_repeat, smooth_light
from support.mosaics import PATTERNS


def picture(seed, *, width=160, height=120, noise=0.01, moved=0):
    """Return a photo of scene `seed`, with noise of its own, moved by some pixels."""
    rng = np.random.default_rng([seed, 1])
    wide = smooth_light(rng, width + 20, height) + 0.05 * rng.standard_normal((height, width + 20))
    light = wide[:, 10 + moved : 10 + moved + width]
    light = light + noise * np.random.default_rng([seed, moved, 2]).standard_normal(light.shape)
    return np.rint(255 * np.clip(light, 0, 1) ** 0.4545).astype(np.uint8)


def again(seed, number):
    """Return another photo of scene `seed`: its noise differs, nothing else."""
    noise = np.random.default_rng([seed, number]).normal(0, 3, (120, 160))
    return np.clip(picture(seed).astype(float) + noise, 0, 255).astype(np.uint8)


def test_photos_from_a_tripod_are_repeats():
    known = [signature_of(picture(1))]

    assert all(is_repeat(signature_of(again(1, n)), known) for n in range(2, 8))


def test_a_brighter_photo_of_the_same_picture_is_a_repeat():
    brighter = (picture(1) // 2 + 60).astype(np.uint8)

    assert is_repeat(signature_of(brighter), [signature_of(picture(1))])


def test_photos_of_other_scenes_are_no_repeats():
    signatures = [signature_of(picture(seed)) for seed in range(20)]

    assert not any(is_repeat(s, signatures[:n]) for n, s in enumerate(signatures))


def test_a_scene_moved_by_many_pixels_is_another_picture():
    assert not is_repeat(signature_of(picture(3, moved=9)), [signature_of(picture(3))])


def test_a_defect_that_photos_share_makes_them_no_repeats():
    first, second = picture(4), picture(5)
    for photo in (first, second):
        photo[60:63, 80:83] = 255

    assert not is_repeat(signature_of(second), [signature_of(first)])


@pytest.mark.parametrize("level", [0, 255])
def test_photos_without_any_structure_are_never_repeats(level):
    flat = signature_of(np.full((60, 80), level, np.uint8))

    assert not is_repeat(flat, [flat])
    assert not is_repeat(flat, [])
    assert not is_repeat(signature_of(picture(1)), [flat])


def test_sixteen_bits_give_the_signature_of_eight():
    photo = picture(6)

    deep = signature_of(photo.astype(np.uint16) * 257)

    assert np.abs(deep.astype(int) - signature_of(photo)).max() <= 1


@pytest.mark.parametrize("shape", [(11, 11), (12, 300), (33, 50)])
def test_small_photos_have_signatures_too(shape):
    pixels = np.random.default_rng(1).integers(0, 255, shape, np.uint8)

    signature = signature_of(pixels)

    assert (signature.shape, signature.dtype) == ((SAMPLES,), np.int8)
    assert signature.any()


def test_only_the_latest_signatures_are_compared():
    rng = np.random.default_rng(7)
    old = signature_of(picture(8))
    others = [rng.integers(-126, 126, SAMPLES, np.int8) for _ in range(RECENT)]

    assert is_repeat(old, [old, *others[:-1]])
    assert not is_repeat(old, [old, *others])


BODIES = ("mono", "bayer-GBRG", "xtrans")


def raw(seed, layout, *, moved=0, noise=40.0, number=0):
    """Return a mosaic of scene `seed` moved by some px, with noise of its own."""
    rng = np.random.default_rng(seed)
    wide = smooth_light(rng, 260, 160)
    texture = 0.2 * rng.standard_normal(wide.shape)
    wide = (
        wide + sum(np.roll(texture, (dy, dx), (0, 1)) for dy in (0, 1, 2) for dx in (0, 1, 2)) / 3
    )
    light = wide[:, 20 + moved : 220 + moved]
    dn = 600 + 9000 * light * np.resize(cell(layout), (160, 200))
    dn = dn + noise * np.random.default_rng([seed, number, 3]).standard_normal(dn.shape)
    return np.clip(dn, 0, 16383).astype(np.uint16)


def cell(layout):
    shares = {"R": 0.5, "G": 1.0, "g": 1.0, "B": 0.6, "W": 1.0}
    pattern = np.array([[shares[letter] for letter in row] for row in PATTERNS[layout]])
    return np.tile(pattern, (-(-160 // len(pattern)), -(-200 // len(pattern))))[:160, :200]


@pytest.mark.slow
@pytest.mark.parametrize("layout", BODIES)
def test_mosaics_from_a_tripod_are_repeats(layout):
    known = [signature_of(raw(1, layout), layout)]

    assert all(
        is_repeat(signature_of(raw(1, layout, number=n), layout), known, layout)
        for n in range(1, 6)
    )


@pytest.mark.slow
@pytest.mark.parametrize("layout", BODIES)
def test_mosaics_of_other_scenes_are_no_repeats(layout):
    signatures = [signature_of(raw(seed, layout), layout) for seed in range(15)]

    assert all(signature.any() for signature in signatures)
    assert not any(is_repeat(s, signatures[:n], layout) for n, s in enumerate(signatures))


@pytest.mark.parametrize("layout", BODIES)
def test_dark_frames_are_no_repeats_though_their_pattern_is_the_same(layout):
    rng = np.random.default_rng(4)
    pattern = 512 + rng.normal(0, 30, (160, 200)) + rng.normal(0, 20, (160, 1))
    darks = [
        np.rint(pattern + rng.normal(0, 10, pattern.shape)).astype(np.uint16) for _ in range(6)
    ]
    signatures = [signature_of(dark, layout) for dark in darks]

    assert not any(is_repeat(s, signatures[:n], layout) for n, s in enumerate(signatures))


@pytest.mark.slow
def test_all_frames_of_stars_that_a_mount_follows_count():
    """What they pin to the pixels never moves, and is left out as that."""
    sky = stars.Sky(3, drift=(0, 0))
    known = []
    for number in range(6):
        signature = signature_of(sky.light_frame(number), "mono")
        if not is_repeat(signature, known, "mono"):
            known.append(signature)

    assert len(known) == 6


@pytest.mark.slow
def test_of_stars_that_drift_as_many_frames_count_as_tell_something_new():
    sky = stars.Sky(3, drift=(3.0, 1.0))
    known = []
    for number in range(6):
        signature = signature_of(sky.light_frame(number), "mono")
        if not is_repeat(signature, known, "mono"):
            known.append(signature)

    assert len(known) >= 5


@pytest.mark.parametrize("layout", BODIES)
def test_tiny_mosaics_have_signatures_too(layout):
    assert signature_of(np.full((32, 32), 99, np.uint16), layout).shape == (SAMPLES,)

"""Whether two photos show the same picture, on pictures whose relation is known."""

from __future__ import annotations

import numpy as np
import pytest

from frames import smooth_light
from stillpix.scenes import RECENT, SAMPLES, is_repeat, signature_of


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

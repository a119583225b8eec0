"""Real photographs read and written back, where they are at hand beside the checkout."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stillpix.rewriting.jpeg import read_coefficients, rewritten
from support import jpegs
from support.places import REAL as DATA

PHOTOS = [*sorted((DATA / "banana").glob("*.JPG"))[:3], DATA / "single" / "nikon-d200.jpg"]
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not all(photo.is_file() for photo in PHOTOS) or len(PHOTOS) < 4,
        reason="the photos of ../shared/data/banana and ../shared/data/single are not there",
    ),
]


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo.name)
def test_some_blocks_of_a_photo_change_and_nothing_else(photo):
    content = photo.read_bytes()
    image = read_coefficients(content, photo)
    rng = np.random.default_rng(1)
    changes = {}
    for _ in range(200):
        index = int(rng.integers(3))
        component = image.components[index]
        row, column = (int(rng.integers(side // 8)) for side in (component.height, component.width))
        block = component.blocks[row, column].copy()
        block[:9] += rng.integers(-2, 3, 9).astype(np.int16)
        changes[index, row, column] = block

    result = rewritten(image, content, photo, changes)

    before, after = jpegs.stored(content), jpegs.stored(result.content)
    for index, component in enumerate(image.components):
        rows, columns = before[index].shape[:2]
        assert np.array_equal(component.blocks[:rows, :columns], before[index])
        for key, block in changes.items():
            if key[0] == index:
                before[index][key[1:]] = block
        assert np.array_equal(before[index], after[index])
    assert jpegs.segments(content) == jpegs.segments(result.content)
    own = {key: image.components[key[0]].blocks[key[1:]] for key in changes}
    again = read_coefficients(result.content, photo)
    assert rewritten(again, result.content, photo, own).content == content


def test_a_photo_saved_as_progressive_is_written_back_too():
    """Its runs of blocks without detail are long, unlike those of small pictures."""
    file = BytesIO()
    Image.open(PHOTOS[0]).save(file, "JPEG", quality=80, progressive=True)
    content, path = file.getvalue(), Path("a.jpg")
    image = read_coefficients(content, path)
    block = image.components[0].blocks[100, 100].copy()
    block[[0, 1, 62]] += np.array([9, -2, 3], np.int16)

    result = rewritten(image, content, path, {(0, 100, 100): block})

    before, after = jpegs.stored(content), jpegs.stored(result.content)
    rows, columns = before[0].shape[:2]
    assert np.array_equal(image.components[0].blocks[:rows, :columns], before[0])
    before[0][100, 100] = block
    assert all(np.array_equal(old, new) for old, new in zip(before, after, strict=True))

"""Repaired files: the dots are gone, and by libjpeg's own word nothing else has changed."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stillpix.errors import WriteError
from stillpix.images import read_header
from stillpix.maps.records import Defect
from stillpix.restoration import repaired_file, verified
from stillpix.simulate import SimulatedCamera, random_settings
from support import jpegs
from support.effort import chosen, some
from support.fixing import header_of
from support.places import REAL as DATA

SUBSAMPLINGS = {"4:4:4": (1, 1), "4:2:2": (2, 1), "4:2:0": (2, 2), "grey": (1, 1)}
DHT = b"\xff\xc4"


def luma(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"), np.float64)


def dotted(dots, *, size=(83, 61), subsampling="4:2:0", quality=90, seed=0, **options):
    """Return a JPEG of a smooth scene with bright dots."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    scene = 90 + 30 * np.sin(x / 15) + 20 * np.cos(y / 11) + rng.normal(0, 2, x.shape)
    for dot_x, dot_y in dots:
        scene[dot_y, dot_x] += 120
    grey = np.clip(scene, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    if subsampling == "grey":
        Image.fromarray(grey).save(file, "JPEG", quality=quality, **options)
    else:
        colours = np.stack([grey, grey // 2 + 40, 255 - grey], axis=-1)
        Image.fromarray(colours).save(
            file, "JPEG", quality=quality, subsampling=subsampling, **options
        )
    return file.getvalue()


def without_fill(part):
    """Return a segment or marker without fill bytes before it."""
    return b"\xff" + part.lstrip(b"\xff")


def assert_only_near(before, after, places, sampling, *, tables=True):
    """Assert that blocks differ at the places alone, and segments nowhere.

    Behind a picture that became longer all moves: what the Multi-Picture index says of that is
    looked at in test_companions.py.
    """
    moved = (DHT,) * (not tables) + (b"\xff\xe2",) * (len(after) > len(before))
    kept = [
        [without_fill(part) for part in jpegs.segments(f) if not part.startswith(moved)]
        for f in (before, after)
    ]
    assert kept[0] == kept[1]
    for number, (old, new) in enumerate(
        zip(jpegs.stored(before), jpegs.stored(after), strict=True)
    ):
        across, down = (8, 8) if number == 0 else (8 * sampling[0], 8 * sampling[1])
        reach = 2 if number == 0 else 4 + 2  # a chroma sample's middle lies between pixels
        for row, column in np.argwhere((old != new).any(axis=2)).tolist():
            assert any(
                row * down - reach < y + 1 and y < (row + 1) * down + reach
                and column * across - reach < x + 1 and x < (column + 1) * across + reach
                for x, y in places
            ), (number, row, column)  # fmt: skip


@settings(max_examples=some(40))
@given(
    st.sampled_from(sorted(SUBSAMPLINGS)), st.integers(50, 97), st.integers(0, 99),
    st.sampled_from([{}, {"optimize": True}, {"progressive": True}, {"restart_marker_blocks": 3}]),
    st.lists(st.tuples(st.integers(0, 82), st.integers(0, 60)), max_size=5, unique=True),
    st.booleans(),
)  # fmt: skip
def test_only_blocks_at_the_places_change(subsampling, quality, seed, options, places, always):
    before = dotted(places, subsampling=subsampling, quality=quality, seed=seed, **options)
    before += b"what follows the picture"
    header, listed = header_of(before), [Defect(x=x, y=y) for x, y in places]

    mended = repaired_file(before, header, listed, always=always)

    assert_only_near(
        before, mended.content, places, SUBSAMPLINGS[subsampling],
        tables="progressive" not in options,
    )  # fmt: skip
    assert mended.content.endswith(b"what follows the picture")
    verified(before, mended.content, header, mended.verdicts)
    again = repaired_file(mended.content, header, listed, always=always)
    assert again.content is mended.content


def test_no_defects_no_change():
    content = dotted([])

    assert repaired_file(content, header_of(content), []).content is content


@pytest.mark.parametrize("subsampling", sorted(SUBSAMPLINGS))
def test_dots_are_gone(subsampling):
    places = [(20, 17), (41, 40), (70, 8)]
    broken, whole = (dotted(dots, subsampling=subsampling) for dots in (places, []))

    mended = repaired_file(broken, header_of(broken), [Defect(x=x, y=y) for x, y in places])

    assert mended.repaired == 3
    for (x, y), verdict in zip(places, mended.verdicts, strict=True):
        assert abs(luma(mended.content)[y, x] - luma(whole)[y, x]) < 10
        assert verdict.strength > 40


def test_repaired_photos_are_nearer_to_those_of_a_whole_sensor():
    before, after = [], []
    for seed in (81, 82, 83):
        its = replace(random_settings(seed, width=360, height=240), defects=12, photos=2)
        camera, whole = SimulatedCamera(its, seed), SimulatedCamera(its, seed)
        whole.defects = ()
        for number in range(2):
            photo, truth = camera.photograph(number), luma(whole.photograph(number).jpeg())
            content = photo.jpeg()
            listed = [Defect(x=each.x, y=each.y) for each in camera.defects]
            header = header_of(content, photo.exposure)
            mended = luma(repaired_file(content, header, listed).content)
            for each in camera.defects:
                area = slice(each.y - 2, each.y + 3), slice(each.x - 2, each.x + 3)
                if np.abs(luma(content)[area] - truth[area]).max() > 20:
                    before.append(np.abs(luma(content)[area] - truth[area]).mean())
                    after.append(np.abs(mended[area] - truth[area]).mean())

    assert len(before) > 10
    assert np.mean(after) < 0.6 * np.mean(before)


@pytest.mark.parametrize("change", ["block", "segment", "trailer"])
def test_a_file_changed_elsewhere_is_not_verified(change):
    places = [(20, 17)]
    before = dotted(places, comment=b"a comment") + b"trailer"
    header = header_of(before)
    mended = repaired_file(before, header, [Defect(x=20, y=17)])
    doctored = {
        "block": repaired_file(mended.content, header, [Defect(x=60, y=50)], always=True).content,
        "segment": mended.content.replace(b"a comment", b"a c0mment"),
        "trailer": mended.content[:-1],
    }[change]
    if change == "block" and doctored == mended.content:
        doctored = dotted([(60, 50)], comment=b"a comment") + b"trailer"

    verified(before, mended.content, header, mended.verdicts)
    with pytest.raises(WriteError, match="beyond the repaired places"):
        verified(before, doctored, header, mended.verdicts)


@pytest.mark.parametrize("suffix", ["PNG", "TIFF"])
def test_a_picture_changed_elsewhere_is_not_verified(suffix):
    grey = np.random.default_rng(1).normal(90, 2, (48, 64)).astype(np.uint8)
    grey[20, 30] = 250
    files = []
    for extra in ((), ((5, 5),)):
        picture = grey.copy()
        for y, x in extra:
            picture[y, x] += 1
        file = io.BytesIO()
        Image.fromarray(picture).save(file, suffix)
        files.append(file.getvalue())
    header, listed = header_of(files[0]), [Defect(x=30, y=20)]
    mended, other = (repaired_file(file, header, listed) for file in files)

    verified(files[0], mended.content, header, mended.verdicts)
    assert mended.repaired == 1
    with pytest.raises(WriteError, match="beyond the repaired places"):
        verified(files[0], other.content, header, mended.verdicts)


def departure(picture, x, y):
    """Return how far a place is from the ring around it, in standard deviations of that ring."""
    rows, columns = np.mgrid[y - 4 : y + 5, x - 4 : x + 5]
    ring = picture[rows, columns][np.maximum(abs(rows - y), abs(columns - x)) >= 3]
    return abs(picture[y, x] - np.median(ring)) / max(ring.std(), 1.0)


@pytest.mark.real
@pytest.mark.skipif(
    not ((DATA / "banana").is_dir() and (DATA / "single").is_dir()),
    reason="the photos of ../shared/data/banana and ../shared/data/single are not there",
)
@pytest.mark.parametrize("name", ["banana", "single"])
def test_the_dots_of_real_photos_are_gone(name):
    truth = json.loads((DATA / f"{name}.truth.json").read_text())
    places = [(each["x"], each["y"]) for each in truth]
    shown = gone = 0
    photos = sorted([*(DATA / name).glob("*.JPG"), *(DATA / name).glob("*.jpg")])
    for path in chosen(photos, *photos[::4]):
        before, header = path.read_bytes(), read_header(path)
        mended = repaired_file(before, header, [Defect(x=x, y=y) for x, y in places])
        progressive = name == "single"
        assert_only_near(before, mended.content, places, (2, 1), tables=not progressive)
        old, new = luma(before), luma(mended.content)
        for x, y in places:
            if departure(old, x, y) > 3:
                shown += 1
                gone += departure(new, x, y) < 2
        again = repaired_file(mended.content, header, [Defect(x=x, y=y) for x, y in places])
        assert again.content is mended.content

    assert shown >= 4
    assert gone >= 0.9 * shown

"""What never changes in the photos, as the map, the commands and the report say it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillpix.detection.areas import MOST_AREAS, areas_of
from stillpix.detection.decide import detect
from stillpix.evidence.repeats import signature_of
from stillpix.evidence.sum_kernels import BLOCK
from stillpix.frame import Sensor
from stillpix.maps.records import Defect, DefectMap, EvidenceSummary
from stillpix.report import sensor_map
from stillpix.wording import remarks
from support.frames import evidence_of, frame_of, is_repeat, smooth_light

SENSOR = Sensor("a", "b", "c", 640, 480)


def drawn_mask(areas, shape):
    mask = np.zeros(shape, np.int64)
    for x, y, width, height in areas:
        mask[y : y + height, x : x + width] += 1
    return mask


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 99))
def test_few_blocks_are_outlined_exactly_and_once(height, width, seed):
    rng = np.random.default_rng(seed)
    blocks = rng.random((-(-height // BLOCK), -(-width // BLOCK))) < 0.2
    mask = blocks.repeat(BLOCK, 0).repeat(BLOCK, 1)[:height, :width]

    assert (drawn_mask(areas_of(mask), mask.shape) == mask).all()


def test_a_frame_of_many_scattered_parts_has_a_coarse_outline():
    mask = (np.random.default_rng(1).random((100, 150)) < 0.5).repeat(BLOCK, 0).repeat(BLOCK, 1)

    areas = areas_of(mask)

    assert 0 < len(areas) <= MOST_AREAS
    assert drawn_mask(areas, mask.shape).max() == 1


def test_a_border_on_four_sides_is_four_rectangles():
    mask = np.ones((480, 640), np.bool_)
    mask[40:440, 20:620] = False

    assert areas_of(mask) == (
        (0, 0, 640, 40), (0, 40, 20, 400), (620, 40, 20, 400), (0, 440, 640, 40),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (EvidenceSummary(80, 80), []),
        (EvidenceSummary(80, 80, left_out=0.004), []),
        (EvidenceSummary(80, 80, left_out=0.25), ["25 % of the frame never changes"]),
        (EvidenceSummary(80, 1), ["nearly all photos repeat the same pictures"]),
        (EvidenceSummary(3, 1), []),  # too few in any case
        (EvidenceSummary(88, 9), []),  # one scene and eight lens caps
    ],
)
def test_what_was_left_out_and_what_would_help_is_said(evidence, words):
    told = list(remarks(DefectMap(SENSOR, evidence=evidence)))

    assert [line.startswith(word) for line, word in zip(told, words, strict=True)] == [True] * len(
        words
    )


def test_which_photos_would_tell_a_bright_pixels_kind_is_said():
    found = DefectMap(SENSOR, (Defect(x=1, y=2, kind="bright", state="confirmed"),))

    assert "other exposure times" in next(remarks(found))


def test_what_was_left_out_is_hatched_within_its_bounds():
    areas = ((0, 0, 640, 48), (320, 48, 100, 200))

    drawing = sensor_map.drawn(SENSOR, (), (), "a sensor", areas)

    (path,) = re.findall(r'class="left-out" d="([^"]*)"', drawing)
    ends = np.array(re.findall(r"[ML]([\d.]+) ([\d.]+)", path), float) / (1000 / 640)
    inside = [
        ((ends >= (x - 0.1, y - 0.1)) & (ends <= (x + width + 0.1, y + height + 0.1))).all(1)
        for x, y, width, height in areas
    ]
    assert len(ends) > 100
    assert np.logical_or.reduce(inside).all()
    assert "hatched" in sensor_map.legend((), left_out=True)
    assert "left-out" not in sensor_map.drawn(SENSOR, (), (), "a sensor")


def lens_caps(rng, number, defects, shape=(160, 200)):
    """Yield black photos in which some pixels blaze, as a JPEG's luma holds them."""
    for _ in range(number):
        pixels = np.abs(rng.normal(0, 1.5, shape))
        for x, y in defects:
            pixels[y, x] = 120
        yield frame_of(np.rint(pixels).astype(np.uint8))


def test_lens_caps_beside_one_lit_scene_are_no_repeats_and_show_its_defects():
    rng = np.random.default_rng(5)
    defects = {(30, 40), (90, 70), (150, 120), (60, 130)}
    scene = 255 * smooth_light(rng, 200, 160) ** 0.45
    lit = frame_of(np.rint(np.clip(scene + rng.normal(0, 1, scene.shape), 0, 255)).astype(np.uint8))
    frames = [lit, *lens_caps(rng, 12, defects)]
    signatures = [signature_of(frame.pixels) for frame in frames]

    assert not any(is_repeat(each, signatures[:n]) for n, each in enumerate(signatures))

    found = detect(evidence_of(frames)).in_state("confirmed")
    assert {(one.x, one.y) for one in found} == defects
    assert {one.kind for one in found} == {"bright"}

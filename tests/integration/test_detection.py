"""Detection on simulated cameras whose defects are known, and on traps that are no defects."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from stillpix.detection import decide as detection
from stillpix.detection import ranking
from stillpix.detection.decide import detect
from stillpix.detection.null import Peaks
from stillpix.detection.ranking import one_a_response
from stillpix.detection.settings import DetectionSettings
from stillpix.detection.tail import TAIL, Tail, tail_of
from stillpix.evidence.evidence import Evidence
from stillpix.frame import Exposure
from support import naive
from support.effort import chosen, long, some
from support.frames import (
    EXPOSURES,
    Pictures,
    evidence_of,
    frame_of,
    photos_of_light,
    sensor_of,
    some_frames,
)

HANDHELD = 2 * tuple(
    Exposure(exposure_s, gain)
    for gain in (1.0, 2.0, 4.0, 8.0)
    for exposure_s in (0.01, 0.1, 0.25, 1)
)
STRONG = 10  # noise sigmas at the reference exposure
SIZE = {"width": 600, "height": 400} if long else {"width": 420, "height": 280}


@pytest.fixture(scope="module", params=chosen((1, 2), 1))
def broken(request):
    return Pictures.of(40, request.param, **SIZE, defects=25)


@pytest.fixture(scope="module")
def seen(broken):
    """Return the evidence of the broken camera's JPEGs; no test changes it."""
    return broken.evidence()


@pytest.fixture(scope="module")
def untouched(seen):
    """Return a copy of the evidence from before anything was found in it."""
    return deepcopy(seen)


@pytest.fixture(scope="module")
def found(seen, untouched):  # the copy is made first
    return detect(seen)


@pytest.fixture(scope="module", params=chosen((11, 12, 13), 11))
def sound(request):
    return Pictures.of(24, request.param, width=400, height=300, defects=0)


def near(defect, other, reach=1):
    return max(abs(defect.x - other.x), abs(defect.y - other.y)) <= reach


def places(defects):
    return {(defect.x, defect.y) for defect in defects}


def confirmed_of(evidence, **changes):
    return detect(evidence, DetectionSettings(**changes)).in_state("confirmed")


def found_at(defects, x, y, reach=1):
    return any(abs(d.x - x) <= reach and abs(d.y - y) <= reach for d in defects)


@pytest.mark.parametrize("jpeg", [True, False], ids=["jpeg", "lossless"])
def test_strong_defects_are_found_and_little_else(broken, found, jpeg):
    if not jpeg:
        found = detect(broken.evidence(jpeg=False))
    confirmed = found.in_state("confirmed")
    lasting = {"hot", "offset", "stuck", "dead"}
    strong = [d for d in broken.defects if abs(d.amplitude_sigma) > STRONG and d.kind in lasting]

    missed = [d for d in strong if not any(near(d, c) for c in confirmed)]
    false = [c for c in confirmed if not any(near(c, d) for d in broken.defects)]
    assert len(strong) >= 8
    assert len(missed) <= 0.1 * len(strong), missed
    assert len(false) <= 1, false
    assert found.detection.expected_false <= 1
    assert found.evidence.photos == found.evidence.scenes == 40


def test_no_response_is_listed_twice(found):
    confirmed = found.in_state("confirmed")

    apart = [a for a in confirmed for b in confirmed if a is not b and near(a, b, 2)]
    assert apart == []


def test_bright_defects_are_called_bright_and_dark_ones_dark(broken, found):
    confirmed = found.in_state("confirmed")
    bright, dark = {"hot", "offset", "bright", "high", "stuck"}, {"low", "dead", "dark"}

    for truth in broken.defects:
        told = {c.kind for c in confirmed if near(c, truth)}
        if truth.kind in {"hot", "offset", "high"}:
            assert told <= bright
        if truth.kind in {"low", "dead"}:
            assert told <= dark


def test_sensors_without_defects_get_none_confirmed(sound):
    assert confirmed_of(sound.evidence()) == ()


@pytest.fixture(scope="module")
def at_rates(seen, found):
    """Return what is found at some rates, the usual one among them, strict ones first."""
    others = {f: detect(seen, DetectionSettings(fdr=f)) for f in (1e-4, 0.001, 0.1, 0.5)}
    return dict(sorted((others | {DetectionSettings().fdr: found}).items()))


def test_what_is_found_changes_no_evidence(seen, untouched, found):
    assert len(found) > 0
    assert seen == untouched


def test_what_is_confirmed_at_a_stricter_rate_is_confirmed_at_a_laxer_one(at_rates):
    maps = at_rates.values()

    confirmed = [places(m.in_state("confirmed")) for m in maps]
    listed = [places(m.defects) for m in maps]
    assert all(a <= b for a, b in pairwise(confirmed))
    assert all(a <= b for a, b in pairwise(listed))
    assert all(a <= b for a, b in zip(confirmed, listed, strict=True))
    falses = [m.detection.expected_false for m in maps]
    assert falses == sorted(falses)


def test_a_map_says_by_q_what_each_rate_would_list(at_rates):
    everything = at_rates[0.5].defects

    for fdr in (0.001, 0.01, 0.1):
        expected = {(d.x, d.y) for d in everything if d.q <= fdr}
        assert places(at_rates[fdr].in_state("confirmed")) == expected


def test_the_loudest_comes_first(found):
    scores = [defect.score for defect in found.defects]

    assert scores == sorted(scores, reverse=True)


def test_fewer_than_four_scenes_give_candidates_only():
    def stuck(light, _):
        light[60, 100] = 1.0

    frames = photos_of_light(stuck, HANDHELD)
    three = evidence_of(frames[:3])
    for frame in frames[3:]:
        three.note_repeat(frame)

    found = detect(three)

    assert found.in_state("confirmed") == ()
    assert found_at(found.in_state("candidate")[:1], 100, 60)
    assert found.detection.expected_false is None
    assert (found.evidence.photos, found.evidence.scenes) == (len(frames), 3)


def test_evidence_of_no_photos_gives_an_empty_map():
    found = detect(Evidence(some_frames(1)[0].sensor))

    assert (len(found), found.evidence.photos, found.evidence.first) == (0, 0, None)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "shape", [(1, 1), (3, 12), (10, 40), (40, 10), (11, 11), (17, 31), (33, 50)]
)
def test_tiny_frames_confirm_nothing_and_do_not_fail(shape):
    rng = np.random.default_rng(1)
    frames = [frame_of(rng.integers(0, 255, shape, np.uint8), e, name=str(e)) for e in EXPOSURES]

    assert confirmed_of(evidence_of(frames)) == ()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("level", [0, 128, 255])
def test_photos_that_show_nothing_confirm_nothing(level):
    plain = np.full((60, 80), level, np.uint8)

    found = detect(evidence_of([frame_of(plain, e, name=str(e)) for e in EXPOSURES]))

    assert (len(found), found.evidence.scenes) == (0, len(EXPOSURES))


@pytest.mark.parametrize("depth", chosen([0.05, 0.15, 0.3], 0.15, 0.3))
def test_dust_on_the_sensor_is_not_taken_for_a_broken_pixel(sound, depth):
    y, x = np.mgrid[0:300, 0:400]
    edge = np.clip((13.5 - np.hypot(x - 200, y - 150)) / 10, 0, 1)
    shadow = 1 - depth * edge * edge * (3 - 2 * edge)

    evidence = sound.evidence(
        lambda picture, _: np.rint(picture * shadow[..., None]).astype(np.uint8)
    )

    confirmed = confirmed_of(evidence)
    at_the_edge = [d for d in confirmed if found_at([d], 200, 150, reach=30)]
    # a shadow of 30 % is rare, and its edge can leave one: docs/statistics.md, Limits
    assert len(at_the_edge) <= (depth >= 0.3)
    assert len(confirmed) <= 1 + len(at_the_edge)


def stamped(picture, number):
    """Return a picture with a date in its lower right corner; the day and minute differ."""
    image = Image.fromarray(picture)
    text = f"2024-{1 + number % 12:02}-{1 + 7 * number % 28:02} 09:{13 * number % 60:02}"
    ImageDraw.Draw(image).text((280, 275), text, fill=(255, 160, 0))
    return np.array(image)


STAMP = (275, 270, 390, 292)  # left, top, right, bottom, with what JPEG spreads around it


def in_stamp(defect):
    left, top, right, bottom = STAMP
    return left <= defect.x <= right and top <= defect.y <= bottom


def test_a_date_stamp_is_not_taken_for_broken_pixels(sound):
    """Its strokes are as narrow as a pixel's response: what moves of it stays a crowd."""
    found = detect(sound.evidence(stamped))

    assert [defect for defect in found.in_state("confirmed") if in_stamp(defect)] == []
    assert len([d for d in found.in_state("candidate") if in_stamp(d)]) <= 35
    assert len([defect for defect in found.defects if not in_stamp(defect)]) <= 2
    assert len(found.in_state("confirmed")) <= 1


def test_a_date_stamp_hides_no_broken_pixel_elsewhere(broken, found):
    right, below = SIZE["width"] - 120, SIZE["height"] - 25

    def dated(picture, number):
        image = Image.fromarray(picture)
        ImageDraw.Draw(image).text((right, below), f"2024-05-{10 + number}", fill=(255, 160, 0))
        return np.array(image)

    def elsewhere(defects):
        return {(d.x, d.y) for d in defects if d.x < right - 60 or d.y < below - 55}

    stamped_too = detect(broken.evidence(dated))

    before, after = (elsewhere(m.in_state("confirmed")) for m in (found, stamped_too))
    assert len(before) >= 8
    assert len(before - after) <= len(before) // 10


@settings(max_examples=some(60))
@given(st.integers(0, 10_000), st.integers(0, 60), st.sampled_from([30, 90, 400]))
def test_a_crowd_is_that_of_a_comparison_of_all_with_all(seed, count, spread):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, spread, (2, count))
    x[: count // 3] = rng.integers(0, 4, count // 3)  # a column, or nearly one
    sensor = sensor_of(1500, 1000)

    found = detection.crowded(x, y, sensor)

    expected = naive.crowded(
        list(zip(x.tolist(), y.tolist(), strict=True)),
        area=1500 * 1000,
        crowd=detection.CROWD,
        within=detection.CROWD_WITHIN,
        in_line=detection.IN_LINE,
        denser=5,
    )
    assert found.tolist() == expected


@pytest.mark.parametrize(("number", "crowd"), [(7, False), (8, True)])
def test_eight_finds_are_a_crowd_and_seven_are_none(number, crowd):
    x, y = 4 * np.arange(number), 4 * np.arange(number)[::-1]

    assert detection.crowded(x, y, sensor_of(6000, 4000)).tolist() == number * [crowd]


@pytest.mark.parametrize("wide", [1, 2, 3])
def test_a_bad_column_or_row_is_no_crowd(wide):
    along, across = np.arange(40), np.arange(40) % wide

    for x, y in ((along, across), (across, along)):
        assert not detection.crowded(x, y, sensor_of(6000, 4000)).any()


def test_on_a_sensor_full_of_defects_none_is_in_a_crowd():
    x, y = np.random.default_rng(1).integers(0, 400, (2, 600))

    assert not detection.crowded(x, y, sensor_of(400, 400)).any()


PAIRS = tuple(
    ((40 + 80 * column, 50 + 80 * row), (40 + 80 * column + dx, 50 + 80 * row + dy))
    for column, distance in enumerate((3, 4, 5, 6))
    for row, (dx, dy) in enumerate(((distance, 0), (0, distance), (distance, distance)))
)


def test_two_defects_three_to_six_pixels_apart_are_both_found():
    def offsets(light, exposure):
        for x, y in (spot for pair in PAIRS for spot in pair):
            light[y, x] += 0.03 * exposure.gain

    frames = photos_of_light(offsets, HANDHELD, width=400, height=300)
    confirmed = confirmed_of(evidence_of(frames))

    missed = [spot for pair in PAIRS for spot in pair if not found_at(confirmed, *spot)]
    assert missed == []
    assert len(confirmed) <= 2 * len(PAIRS) + 1


@pytest.mark.parametrize(
    ("width", "height"), chosen([(400, 300), (401, 299), (398, 301)], (401, 299))
)
def test_defects_are_found_to_the_very_edge(width, height):
    spots = (
        (0, 50), (1, 90), (3, 130), (width - 1, 30), (width - 2, 70), (70, 0), (140, 1), (210, 4),
        (40, height - 1), (90, height - 2), (150, height - 4), (width - 1, height - 40), (4, 3),
    )  # fmt: skip

    def offsets(light, exposure):
        for x, y in spots:
            light[y, x] += 0.03 * exposure.gain

    frames = photos_of_light(offsets, HANDHELD, width=width, height=height)
    confirmed = confirmed_of(evidence_of(frames))

    assert [spot for spot in spots if not found_at(confirmed, *spot)] == []
    assert len(confirmed) <= len(spots) + 1


def dark_frames(hot, seed=5):
    """Return frames behind a closed shutter; `hot` is (x, y, DN per second at gain 1)."""
    rng = np.random.default_rng(seed)
    frames = []
    for n in range(24):
        exposure = Exposure((0.1, 1.0, 4.0)[n % 3], (1.0, 4.0)[n // 3 % 2])
        dark = rng.normal(6, 2, (300, 400))
        for x, y, rate in hot:
            dark[y, x] += rate * exposure.gain * exposure.exposure_s
        pixels = np.clip(np.rint(dark), 0, 255).astype(np.uint8)
        frames.append(frame_of(pixels, exposure, name=str(n)))
    return frames


def test_hot_pixels_of_dark_frames_are_found():
    hot = ((20, 20, 4), (100, 50, 6), (150, 90, 12), (60, 110, 3), (170, 130, 40))

    confirmed = confirmed_of(evidence_of(dark_frames(hot)))

    assert all(found_at(confirmed, x, y) for x, y, _ in hot)
    assert len(confirmed) == len(hot)


@pytest.mark.parametrize("seed", chosen(range(4), 3))
def test_noise_alone_confirms_nothing(seed):
    assert confirmed_of(evidence_of(dark_frames((), seed))) == ()


@settings(max_examples=some(40))
@given(
    st.lists(st.floats(4, 12, width=32), max_size=60),
    st.lists(st.floats(4, 20, width=32), min_size=1, max_size=5),
    st.sampled_from([1.0, 0.25]),
)
def test_false_peaks_to_expect_are_those_of_the_plain_formula(decoys, scores, share):
    loudest_first = np.array(sorted(decoys, reverse=True), np.float32)
    nowhere = np.zeros(loudest_first.size, np.intp)

    tail = tail_of(Peaks.of(nowhere, nowhere, loudest_first), 4.0, share)

    rules = {"tail": TAIL, "floor": 4.0, "share": share}
    expected = [naive.false_above(decoys, s, **rules) for s in scores]
    assert tail.expected(np.array(scores, np.float32)) == pytest.approx(expected, rel=1e-6)


def test_with_many_decoys_only_the_loudest_of_them_make_the_tail():
    decoys = np.sort(4 + np.random.default_rng(1).exponential(0.3, 2 * TAIL))
    nowhere = np.zeros(decoys.size, np.intp)
    scores = np.float32([4.0, 4.5, 5.5, 7.0])

    tail = tail_of(Peaks.of(nowhere, nowhere, decoys[::-1].astype(np.float32)), 4.0)

    rules = {"tail": TAIL, "floor": 4.0, "share": 1.0}
    exact = decoys.astype(np.float32).astype(float)
    expected = [naive.false_above(exact.tolist(), float(s), **rules) for s in scores]
    assert tail.expected(scores) == pytest.approx(expected, rel=1e-6)


def test_a_tail_never_rises():
    tail = Tail(np.float32([4.2, 4.9, 6.3]), 4.0, 4.0, 1.2)

    expected = tail.expected(np.linspace(3, 12, 500, dtype=np.float32))

    assert (np.diff(expected) <= 0).all()


@settings(max_examples=some(40))
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_one_peak_a_response_is_kept_as_in_a_comparison_of_all_with_all(seed, count):
    rng = np.random.default_rng(seed)
    evidence = Evidence(replace(some_frames(1)[0].sensor, width=64, height=48))
    cells = rng.choice(64 * 48, count, replace=False)
    y, x = np.divmod(cells, 64)
    evidence.excess[y, x] = (10 ** rng.uniform(0, 5, count) * rng.choice([-1, 1], count)).astype(
        int
    )
    score = np.sort(4 * np.exp(rng.exponential(0.7, count)))[::-1].astype(np.float32)

    kept = one_a_response(Peaks.of(x, y, score), evidence)

    found = list(
        zip(
            x.tolist(),
            y.tolist(),
            score.tolist(),
            np.abs(evidence.excess[y, x]).tolist(),
            strict=True,
        )
    )
    standing = naive.one_a_response(
        found,
        near=(ranking.EXPLAINED_WITHIN, *ranking.EXPLAINED_BELOW),
        far=(ranking.BLOCK_WITHIN, ranking.BLOCK_BELOW),
    )
    assert list(zip(kept.x.tolist(), kept.y.tolist(), strict=True)) == [
        found[n][:2] for n in standing
    ]

"""What is said of one pixel, on photos that were broken there in one known way."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillpix.detection.hot_or_offset import limits_of
from stillpix.detection.kinds import (
    BLOB_NOISE_OF_MONO,
    FEW_BESIDE,
    FEW_CANDIDATES,
    RING_FROM,
    count_beside,
    describe,
    is_blob,
    is_point,
    kind_of,
    single_scene_candidates,
)
from stillpix.detection.null import null_of
from stillpix.detection.views import whole_of
from stillpix.evidence.evidence import Evidence
from stillpix.evidence.sum_kernels import UNIT
from stillpix.frame import Exposure
from support.frames import evidence_of, frame_of, photos_of_light, smooth_light

EXPOSURES = 2 * tuple(
    Exposure(exposure_s, gain)
    for gain in (1.0, 2.0, 4.0, 8.0)
    for exposure_s in (1 / 500, 1 / 60, 1 / 15, 1 / 4)
)
SEEDS = (1, 2, 3)
BREAKS = {
    "hot": ((30, 20), lambda light, exposure: light + 0.2 * exposure.gain * exposure.exposure_s),
    "offset": ((70, 20), lambda light, exposure: light + 0.02 * exposure.gain),
    "stuck": ((110, 20), lambda *_: 1.0),
    "dead": ((150, 20), lambda *_: 0.0),
    "low": ((30, 60), lambda light, _: 0.8 * light),
    "high": ((70, 60), lambda light, _: 1.2 * light),
}
SOUND = (110, 60)
CONFUSED = {
    "offset": "in smooth photos it is at the clip from a gain of 4 on: each photo says three "
    "sigmas, its growth with the gain is lost, and it is taken for hot or high",
    "stuck": "in smooth photos white is beyond the clip in every photo, as a much too strong "
    "response to light is: the size of the step would tell them apart, but is clipped",
}
TOLD = [
    pytest.param(kind, marks=pytest.mark.xfail(reason=CONFUSED[kind], strict=True))
    if kind in CONFUSED
    else kind
    for kind in BREAKS
]


def break_all(light, exposure):
    for (x, y), value in BREAKS.values():
        light[y, x] = value(light[y, x], exposure)


@cache
def evidence_and_views(seed):
    evidence = evidence_of(photos_of_light(break_all, EXPOSURES, seed=seed))
    views = [whole_of(evidence, null_of(evidence.scores, evidence.information))]
    return evidence, views, limits_of(EXPOSURES, rendered=True)


def finding(kind, seed):
    return describe(*evidence_and_views(seed), *BREAKS[kind][0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", TOLD)
def test_a_kind_is_told_from_the_others(kind):
    assert [finding(kind, seed).defect.kind for seed in SEEDS] == [kind] * len(SEEDS)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_bright_and_dark_defects_are_never_mistaken_for_each_other(seed):
    kinds = {kind: finding(kind, seed).defect.kind for kind in BREAKS}

    assert {kinds["dead"], kinds["low"]} <= {"dead", "low"}
    assert {kinds[kind] for kind in ("hot", "offset", "stuck", "high")} <= {
        "hot", "offset", "stuck", "high", "bright",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["stuck", "dead"])
def test_what_every_photo_shows_is_seen_in_all_of_them(kind, seed):
    defect = finding(kind, seed).defect

    assert defect.seen == (1.0, len(EXPOSURES))


@pytest.mark.parametrize("kind", BREAKS)
def test_strength_is_signed_and_at_the_exposures_that_show_it(kind):
    defect = finding(kind, 1).defect

    assert (defect.strength < 0) == (kind in {"dead", "low"})
    assert {defect.exposure_s, defect.gain} != {None}
    assert 0 <= defect.seen[0] <= 1
    assert defect.seen[1] <= len(EXPOSURES)


def test_a_hot_pixels_strength_goes_with_long_exposures():
    defect, usual = finding("hot", 1).defect, np.median([e.exposure_s for e in EXPOSURES])

    assert defect.exposure_s > usual


def test_the_stuck_pixels_strength_is_what_the_frames_hold():
    (x, y), _ = BREAKS["stuck"]
    frames = photos_of_light(break_all, EXPOSURES, seed=1)
    excess = [255 - np.median(f.pixels[y - 3 : y + 4, x - 3 : x + 4]) for f in frames]

    assert finding("stuck", 1).defect.strength == pytest.approx(np.mean(excess), rel=0.1)


@pytest.mark.parametrize("seed", SEEDS)
def test_broken_pixels_are_points_with_an_effect(seed):
    for kind in BREAKS:
        assert finding(kind, seed).convincing
        assert finding(kind, seed).effect > 0.25

    assert describe(*evidence_and_views(seed), *SOUND).effect < finding("hot", seed).effect


@pytest.mark.slow
@pytest.mark.parametrize(
    ("photos", "convincing"), [(3, False), (3.01, True), (-3, False), (-4, True)]
)
def test_less_than_four_photos_convince_nobody(photos, convincing):
    """Three can say 27 squared sigmas at most, each clipped at three: more takes a fourth."""
    evidence = evidence_of(photos_of_light(break_all, EXPOSURES))
    null = null_of(evidence.scores, evidence.information)
    (x, y), _ = BREAKS["stuck"]
    assert describe(evidence, [whole_of(evidence, null)], None, x, y).convincing

    evidence.scores[:, y, x] = int(photos * 9 * UNIT)
    around = np.s_[:, y - 5 : y + 6, x - 5 : x + 6]
    middle = evidence.scores[:, y, x].copy()
    evidence.scores[around] = 0  # a point whatever it says
    evidence.scores[:, y, x] = middle

    assert describe(evidence, [whole_of(evidence, null)], None, x, y).convincing is convincing


@pytest.mark.slow
def test_a_place_whose_surroundings_stand_out_is_not_convincing():
    evidence = evidence_of(photos_of_light(break_all, EXPOSURES))
    null = null_of(evidence.scores, evidence.information)
    (x, y), _ = BREAKS["stuck"]

    evidence.scores[:, y - 5 : y + 6, x - 5 : x + 6] = evidence.scores[:, y, x, None, None] // 2

    assert not describe(evidence, [whole_of(evidence, null)], None, x, y).convincing


@pytest.mark.parametrize(
    ("scores", "strength", "always", "kind"),
    [
        ((5, 5, 9, 2), 20, False, "hot"),
        ((5, 9, 5, 2), 20, False, "hot"),
        ((9, 5, 5, 2), 20, False, "offset"),
        ((6, 5, 7, 2), 20, False, "hot"),  # not clearly, but rather than an offset
        ((5, 5, 5, 9), 20, False, "high"),
        ((5, 5, 9, 10), 20, False, "high"),
        ((9, 5, 5, 2), 85, True, "stuck"),
        ((9, 5, 5, 2), 85, False, "offset"),  # not in all photos
        ((9, 5, 5, 2), 75, True, "offset"),  # too weak
        ((5, 5, 9, 2), 85, True, "hot"),  # clearly more of the longer exposures
        ((9, 5, 5, -4), 20, False, "stuck"),  # brighter, and less so where there is more light
        ((-5, -5, -5, -9), -38, True, "low"),
        ((-9, -5, -5, -4), -42, False, "dead"),
        ((4, 4, 4, -9), -42, True, "dead"),
    ],
)
def test_scores_strength_and_constancy_tell_the_kind(scores, strength, always, kind):
    assert kind_of(np.array(scores, float), strength, always=always) == kind


@pytest.mark.parametrize(
    ("scores", "strength", "kind"),
    [
        ((5, 5, 9, 10), 20, "hot"),
        ((9, 5, 5, -9), 85, "offset"),
        ((9, 9, 9, 20), 85, "bright"),
        ((-9, -5, -5, -40), -90, "dark"),
    ],
)
def test_dark_frames_tell_no_kind_that_needs_light(scores, strength, kind):
    assert kind_of(np.array(scores, float), strength, always=True, lit=False) == kind


@pytest.mark.parametrize("scores", [(5, 5, 9, 2), (5, 9, 5, 2), (9, 5, 5, 2), (20, 20, 29, 2)])
def test_without_times_that_differ_hot_and_offset_are_bright(scores):
    assert kind_of(np.array(scores, float), 85, always=True, limits=None) == "bright"


def test_what_is_dark_but_not_in_proportion_to_the_light_is_called_dark():
    assert kind_of(np.array((-9.0, -5.0, -5.0, -4.0)), -20, always=False) == "dark"


GAINS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
ALL_ALIKE = [Exposure(1 / 60, gain) for gain in GAINS for _ in range(10)]
OF_ONE_OCTAVE = [Exposure(2.0**time, gain) for gain in GAINS for time in (-7, -6.5, -6, -5.5, -5)]
WITH_THE_GAIN = [Exposure(gain / 400, gain) for gain in GAINS for _ in range(10)]
OF_ALL_KINDS = [Exposure(2.0**time, gain) for gain in GAINS for time in range(-9, 2)]


@pytest.mark.parametrize("exposures", [[], ALL_ALIKE, OF_ONE_OCTAVE])
def test_times_that_hardly_differ_tell_no_hot_pixel_from_an_offset(exposures):
    assert limits_of(exposures, rendered=True) is None


def test_times_that_go_with_the_gain_ask_for_more_than_free_ones():
    free = limits_of(OF_ALL_KINDS, rendered=True)
    coupled = limits_of(WITH_THE_GAIN, rendered=True)

    assert coupled.of_offset > 1.1 > free.of_offset
    assert coupled.of_hot < free.of_hot


@pytest.mark.slow
@given(
    st.sampled_from([OF_ALL_KINDS, WITH_THE_GAIN]), st.floats(0.02, 10), st.floats(0.5, 2),
    st.sampled_from(["offset", "hot"]),
)  # fmt: skip
def test_a_clipped_word_of_each_photo_never_names_the_wrong_one(exposures, strength, unit, truth):
    """Each photo says what it can of a pixel whose growth is known, without any noise."""
    gain, time_s = np.array([(each.gain, each.exposure_s) for each in exposures]).T
    grows = {"offset": gain, "tempered": 5 * np.sqrt(gain * time_s), "hot": 60 * gain * time_s}
    said = np.minimum(strength * unit * grows[truth], 3)
    weights = {name: np.minimum(unit * growth, 3) for name, growth in grows.items()}
    scores = {name: (w * said).sum() / np.sqrt((w * w).sum()) for name, w in weights.items()}

    hot = max(scores["hot"], scores["tempered"])
    told = limits_of(exposures, rendered=True).told(hot, scores["offset"])

    assert told in (truth, "bright")


@pytest.mark.parametrize("place", [(0, 0), (199, 119), (199, 3), (2, 60)])
def test_any_place_of_the_frame_can_be_described(place):
    described = describe(*evidence_and_views(1), *place).defect

    assert (described.x, described.y) == place


@pytest.mark.slow
@given(st.floats(4, 60), st.integers(-60, 60), st.integers(0, 9))
def test_a_second_defect_nearby_leaves_a_point_a_point(score, other, seed):
    around = np.random.default_rng(seed).normal(0, 1, (11, 11))
    around[5, 5] = score
    around[0:3, 1:4] = other  # its core and its arms

    assert is_point(around)


@given(st.floats(4, 9), st.sampled_from([-1, 1]), st.integers(0, 9))
def test_a_place_whose_surroundings_stand_out_with_it_is_no_point(score, sign, seed):
    around = np.random.default_rng(seed).normal(0, 1, (11, 11)) + sign * 3
    around[5, 5] = score

    assert not is_point(around)


def test_what_is_next_to_the_middle_belongs_to_it():
    around = np.zeros((11, 11))
    inner = slice(6 - RING_FROM, 5 + RING_FROM)
    around[inner, inner] = 8.0

    assert is_point(around)


def single_photo(spots, seed=1):
    rng = np.random.default_rng(seed)
    pixels = 255 * smooth_light(rng, 120, 90) ** 0.4545 + rng.normal(0, 1, (90, 120))
    pixels = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    for x, y in spots:
        pixels[y, x] = 255
    return frame_of(pixels)


@pytest.mark.slow
def test_the_spots_of_a_single_photo_are_its_first_candidates():
    spots = {(20, 30), (60, 45), (100, 70)}

    found = single_scene_candidates(Evidence.of([single_photo(spots)]))

    assert {(defect.x, defect.y) for defect in found[:3]} == spots
    assert {(defect.kind, defect.state, defect.seen) for defect in found} == {
        ("unknown", "candidate", (1.0, 1))
    }
    assert all(defect.strength > 0 for defect in found[:3])


@pytest.mark.slow
def test_candidates_of_a_single_photo_are_few():
    rng = np.random.default_rng(1)
    noise = frame_of(rng.integers(0, 255, (90, 120), np.uint8))

    assert len(single_scene_candidates(Evidence.of([noise]))) <= FEW_CANDIDATES


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 1), (9, 12), (11, 11), (13, 40)])
def test_tiny_frames_have_few_candidates_or_none(shape):
    rng = np.random.default_rng(1)
    evidence = Evidence.of([frame_of(rng.integers(0, 255, shape, np.uint8))])

    assert len(single_scene_candidates(evidence)) <= FEW_CANDIDATES


def test_no_photos_give_no_candidates():
    assert single_scene_candidates(Evidence(single_photo([]).sensor)) == ()


def around(middle, *beside, elsewhere=1):
    shown = np.full(9, elsewhere)
    shown[4] = middle
    shown[[1, 3, 5, 7, 0, 2, 6, 8][: len(beside)]] = beside
    return shown.reshape(3, 3)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_star_lights_up_more_of_its_neighbours_than_two_broken_ones(sign):
    assert count_beside(sign * around(60, 60, 60), 60) == FEW_BESIDE
    assert count_beside(sign * around(60, 60, 60, -60), 60) == FEW_BESIDE
    assert count_beside(sign * around(60, 30, 30, 20), 60) > FEW_BESIDE


@pytest.mark.parametrize("photos", [5, 25, 60, 1000])
def test_the_noise_of_neighbours_is_no_star(photos):
    shown = np.random.default_rng(photos).binomial(photos, 0.023, (2000, 3, 3))
    shown[:, 1, 1] = photos // 2

    assert np.mean([count_beside(each, photos) <= FEW_BESIDE for each in shown]) > 0.995


# 5x5 null sigmas of three faint stars that a mount kept to the pixel (simulated, 60 frames).
FAINT_STARS = (
    ((-1.1, -0.2, -0.2, -0.7, 0.0), (-0.3, 0.3, 1.2, 0.7, 1.7), (1.7, 2.9, 5.2, -0.8, 0.8),
     (0.8, 1.6, 3.4, 1.9, -0.7), (-0.6, 1.9, 1.2, 0.4, -0.2)),
    ((-0.5, -0.7, -1.7, -1.1, 0.2), (0.6, 2.0, 0.7, 1.5, -0.4), (0.9, 4.6, 4.8, 1.0, 0.6),
     (0.1, 3.4, 1.9, -1.2, -0.4), (-0.4, 1.0, 1.4, -0.4, -1.8)),
    ((-0.3, 0.7, 0.9, -0.1, -0.5), (-0.2, 0.2, 1.4, -1.9, -0.7), (1.0, 3.3, 4.7, 1.6, 1.5),
     (0.5, 2.1, 4.4, 1.6, 0.2), (0.4, 2.2, 1.7, 1.8, 1.1)),
)  # fmt: skip


@pytest.mark.parametrize("star", FAINT_STARS)
def test_a_faint_star_lights_those_beside_it_and_noise_does_not(star):
    alone = np.array(star)
    alone[1:4, 1:4] = np.where(alone[1:4, 1:4] == alone[2, 2], alone[2, 2], 0.5)

    assert is_blob(np.array(star), 31.0)
    assert not is_blob(alone, 31.0)


# The same of still fainter ones, of which only a sensor without a colour filter tells.
FAINTEST_STARS = (
    ((-0.7, 1.3, -1.4, 1.5, 0.8), (0.1, -0.7, -1.0, 1.0, -0.6), (1.0, 1.6, 4.7, 2.1, 0.4),
     (0.6, 0.3, 2.1, 0.7, 0.7), (0.9, 0.7, 1.6, 1.4, 1.2)),
    ((-1.6, 2.6, 0.6, 0.9, -1.3), (-0.7, 0.8, 1.5, 1.5, 1.1), (0.2, 0.8, 5.0, 1.1, -0.2),
     (-0.4, -0.5, 1.2, -0.2, -0.5), (-2.0, -0.3, -0.2, 0.5, 0.4)),
    ((-0.4, 1.2, 0.6, -0.2, 0.5), (-1.4, -0.2, 0.5, 0.6, -1.1), (1.7, 0.7, 4.7, 2.0, -0.4),
     (1.3, -0.4, -0.4, 2.1, 0.4), (0.6, 0.4, 2.5, -0.6, -1.0)),
)  # fmt: skip


@pytest.mark.parametrize("star", FAINTEST_STARS)
def test_without_a_colour_filter_those_beside_a_broken_photosite_say_the_opposite(star):
    alone = np.array(star)
    alone[1:4, 1:4] = np.where(alone[1:4, 1:4] == alone[2, 2], alone[2, 2], -0.13 * alone[2, 2])

    assert is_blob(np.array(star), 31.0, BLOB_NOISE_OF_MONO)
    assert not is_blob(alone, 31.0, BLOB_NOISE_OF_MONO)

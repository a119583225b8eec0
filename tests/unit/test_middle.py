"""The middle of a hole: from what is around it, and from nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from stillpix.frame import Exposure
from stillpix.maps.records import Defect
from stillpix.restoration import repair
from stillpix.restoration.expectation import MOSTLY, expect
from stillpix.restoration.middle import AROUND, middle_of
from stillpix.restoration.prediction import ALIKE, FEWEST, RIDGE, TRUST
from support import naive_repair
from support.effort import some

SIDE = 39


def window_of(seed):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    return 100 + 40 * (x + 2 * y > 58) + rng.normal(0, 3, (SIDE, SIDE))


@pytest.mark.parametrize("seed", range(4))
def test_the_middle_is_halfway_between_a_regression_and_a_median(seed):
    window, sound = window_of(seed), np.ones((SIDE, SIDE), bool)
    sound[17 : 17 + seed, 20] = False
    sound[5, 30] = False
    window[19, 19] = 255.0
    middle, margin = SIDE // 2, AROUND.margin
    area = np.s_[middle - margin : middle + margin + 1, middle - margin : middle + margin + 1]

    regressed, _ = naive_repair.predicted(
        window[area], sound[area], (0, 0), ring=2, search=8, period=1, alike=ALIKE, ridge=RIDGE,
        fewest=FEWEST, trust=TRUST,
    )  # fmt: skip
    about = [
        window[middle + r, middle + c]
        for r, c in naive_repair.offsets(2, 2)
        if (r, c) != (0, 0) and sound[middle + r, middle + c]
    ]
    expected = (float(regressed[0]) + float(np.median(about))) / 2

    assert middle_of(window, sound) == pytest.approx(expected)


def test_what_stands_in_the_middle_does_not_matter():
    window, sound = window_of(7), np.ones((SIDE, SIDE), bool)
    wild = window.copy()
    wild[19, 19] = 1e6

    assert middle_of(window, sound) == middle_of(wild, sound)


def test_a_middle_with_nothing_sound_about_it_has_no_level():
    sound = np.ones((SIDE, SIDE), bool)
    sound[17:22, 17:22] = False

    assert middle_of(window_of(8), sound) is None


def test_beside_an_edge_two_thirds_of_a_defect_are_gone():
    rng = np.random.default_rng(5)
    whole = np.clip(window_of(5) + rng.normal(0, 1, (SIDE, SIDE)), 0, 255).astype(np.uint8)
    for amplitude in (25, 60, -60):
        broken = whole.astype(float)
        broken[19, 19] += amplitude
        mended = repair(broken.astype(np.uint8), [Defect(x=19, y=19)], always=True)
        assert abs(float(mended[19, 19]) - whole[19, 19]) < abs(amplitude) / 3


@pytest.mark.slow
@pytest.mark.parametrize("dot", [8, -8])
def test_a_defect_that_brightens_is_seldom_found_in_a_dark_dot(dot):
    exposure = Exposure(1.0, 4.0)
    found = {8.0: 0, -8.0: 0}
    for seed in range(some(20)):
        rng = np.random.default_rng(seed)
        photo = np.clip(100 + rng.normal(0, 4, (60, 70, 3)), 0, 255).astype(np.uint8)
        photo[30, 40] = 100 + dot
        for strength in found:
            listed = Defect(
                x=40, y=30, kind="bright", strength=strength, exposure_s=1.0, gain=4.0,
                seen=(0.1, 10),
            )  # fmt: skip
            found[strength] += bool((repair(photo, [listed], exposure=exposure) != photo).any())

    assert found[-float(dot)] < 0.8 * found[float(dot)]


@pytest.mark.parametrize(
    ("kind", "strength", "shows", "sign"),
    [
        ("hot", 20.0, MOSTLY, 1),
        ("dead", -70.0, MOSTLY, -1),
        ("stuck", 60.0, MOSTLY, 0),
        ("bright", 20.0, MOSTLY, 1),
        ("dark", -20.0, MOSTLY, -1),
        ("unknown", 20.0, 0.3, 0),
        ("hot", None, 0.3, 0),
    ],
)
def test_how_often_it_was_seen_matters_where_the_exposure_does_not_tell(
    kind, strength, shows, sign
):
    expected = expect(
        Defect(x=1, y=1, kind=kind, strength=strength, seen=(0.3, 10)), Exposure(), 255
    )

    assert (expected.shows, expected.sign) == (shows, sign)

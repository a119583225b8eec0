"""Groups of photos and the decoys that are made of them, against a twin in plain loops."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from stillpix.evidence.evidence import Evidence
from stillpix.evidence.groups import KEY_BITS, MOST, ROUNDS, STRETCH_BITS, key_of
from stillpix.evidence.sum_kernels import BLOCK
from stillpix.frame import Exposure
from support import naive
from support.effort import some
from support.frames import some_frames
from support.mosaics import frame_of, sensor_of

FRAMES = some_frames(90, width=80, height=48)
NIGHT = datetime(2024, 3, 1, 22)


def evidence_of(frames):
    return Evidence(FRAMES[0].sensor).update_all(frames)


def shifts_of(decoys, sums, grid):
    """Return by which multiple of the grid some sums, (rows, width), were moved in each round."""
    whole = sums.shape[1] // grid * grid
    rounds = decoys.reshape(ROUNDS, *sums.shape)
    return [
        [step for step in range(0, whole, grid) if (naive.moved(sums, step, grid) == here).all()]
        for here in rounds
    ]


def moved_and_added(alone, steps):
    return sum(naive.moved(sums, 16 * n, 16) for sums, n in zip(alone, steps, strict=True))


@pytest.mark.slow
def test_decoys_of_one_photo_are_its_own_counts_moved_by_whole_cells():
    evidence = evidence_of(FRAMES[:1])
    decoys = evidence.decoys(np.zeros((48, 80), np.bool_))

    found = shifts_of(decoys.scores[0], evidence.scores[0], 16)

    assert all(len(steps) == 1 for steps in found)
    moved = [naive.moved(evidence.information, steps[0] // BLOCK, 16 // BLOCK) for steps in found]
    assert_array_equal(decoys.information, np.concatenate(moved, axis=1))


@pytest.mark.slow
def test_groups_are_moved_to_different_places_in_each_round():
    """No two of them meet as they were: then a defect would stand at its own place's double."""
    evidence = evidence_of(FRAMES[:3])
    alone = [evidence_of([frame]).scores[0] for frame in FRAMES[:3]]
    decoys = evidence.decoys(np.zeros((48, 80), np.bool_)).scores[0].reshape(ROUNDS, 48, 80)

    for here in decoys:
        ways = [
            steps for steps in np.ndindex(5, 5, 5) if (moved_and_added(alone, steps) == here).all()
        ]
        assert len(ways) == 1
        assert len(set(ways[0])) == 3


@pytest.mark.slow
def test_what_is_left_out_is_in_no_decoy():
    evidence = evidence_of(FRAMES[:1])
    left_out = np.zeros((48, 80), np.bool_)
    left_out[12:28, 28:44] = True
    counted = np.where(left_out, 0, evidence.scores[0])

    found = shifts_of(evidence.decoys(left_out).scores[0], counted, 16)

    assert (counted != evidence.scores[0]).any()
    assert all(len(steps) == 1 for steps in found)


@pytest.mark.slow
def test_a_row_that_is_left_out_as_a_whole_has_no_decoys():
    left_out = np.zeros((48, 80), np.bool_)
    left_out[16:32] = True

    decoys = evidence_of(FRAMES[:6]).decoys(left_out)

    assert decoys.masked.reshape(ROUNDS, 48, 80)[:, 16:32].all()
    assert not decoys.scores.reshape(-1, ROUNDS, 48, 80)[:, :, 16:32].any()


@pytest.mark.slow
@settings(max_examples=some(20))
@given(st.permutations(range(90)), st.lists(st.integers(0, 90), max_size=4).map(sorted))
def test_any_order_and_any_split_ends_in_the_same_groups(order, splits):
    whole, merged = evidence_of(FRAMES), Evidence(FRAMES[0].sensor)
    edges = [0, *splits, 90]
    for first, last in pairwise(edges):
        merged.merge(evidence_of([FRAMES[n] for n in order[first:last]]))

    ours, theirs = merged.groups.arrays(), whole.groups.arrays()

    assert MOST // 2 <= len(whole.groups) <= MOST
    for name, sums in ours.items():
        assert_array_equal(sums, theirs[name], err_msg=name)


@pytest.mark.slow
def test_few_photos_have_a_group_each():
    assert len(evidence_of(FRAMES[:MOST]).groups) == MOST


@pytest.mark.slow
def test_the_groups_hold_all_that_was_added():
    evidence = evidence_of(FRAMES)
    totals = [sum(sums[part] for _, sums in evidence.groups.items()) for part in range(2)]

    assert_array_equal(totals[0], evidence.scores)
    assert_array_equal(totals[1], evidence.information)


@pytest.mark.parametrize(("minutes", "same"), [(1, True), (30, False)])
def test_frames_of_one_stretch_of_time_share_a_group(minutes, same):
    one, other = (
        replace(frame, exposure=Exposure(taken=NIGHT + timedelta(minutes=minutes * n)))
        for n, frame in enumerate(FRAMES[:2])
    )

    stretches = [key_of(frame, (360.0, 45.0)) >> KEY_BITS - STRETCH_BITS for frame in (one, other)]

    assert (stretches[0] == stretches[1]) is same
    assert key_of(one, ()) != key_of(other, ())


def dark_frames(number):
    rng = np.random.default_rng(8)
    frames = []
    for n in range(number):
        dn = 512 + 12 * rng.standard_normal((64, 96))
        dn[20, 30 + 2 * n] += 900  # a cosmic ray
        frame = frame_of(np.rint(dn), sensor_of("mono", 96, 64), Exposure(2.0, 1.0), name=str(n))
        frames.append(replace(frame, dark=True))
    return frames


def test_decoys_of_dark_frames_tell_how_many_clearly_show_a_place():
    frames = dark_frames(4)
    evidence = Evidence(frames[0].sensor).update_all(frames)
    decoys = evidence.decoys(np.zeros((64, 96), np.bool_))
    alone = [Evidence(frames[0].sensor).update_all([frame]).shown for frame in frames]

    assert any((shown > 0).any() and (shown < 0).any() for shown in alone)
    shown = decoys.shown.reshape(ROUNDS, 64, 96)
    assert shown.sum((1, 2)).tolist() == [sum(int(own.sum()) for own in alone)] * ROUNDS
    assert abs(shown).max() <= 4


def test_decoys_of_photos_do_not_count_what_shows_a_place():
    evidence = evidence_of(FRAMES[:2])

    assert evidence.decoys(np.zeros((48, 80), np.bool_)).shown.size == 0

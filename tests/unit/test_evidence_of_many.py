"""Sums of very many photos of one body stay exact: no overflow, whatever the layout."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from stillpix.errors import StillpixError
from stillpix.evidence import evidence as evidence_module
from stillpix.evidence.evidence import Evidence
from support import mosaics
from support.frames import frame_of, some_frames


def loud(frames, *, dark=False):
    """Return photos of one day with a pixel that says as much as one can."""
    for frame in frames:
        frame.pixels[18:23, 18:23] = frame.black + 40
        frame.pixels[20, 20] = frame.white * 3 // 4
        exposure = replace(frame.exposure, exposure_s=30.0, taken=datetime(2026, 1, 1))
        yield replace(frame, exposure=exposure, dark=dark)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["rendered", "bayer-RGGB", "mono"])
def test_forty_thousand_photos_of_one_body_add_up_without_overflow(layout):
    """Doubled 13 times, with other digests: each sum is exactly 8,192 times the first one."""
    of_mosaics = layout != "rendered"
    some = mosaics.some_frames(4, layout, seed=9) if of_mosaics else some_frames(4, seed=9)
    frames = list(loud(some, dark=layout == "mono"))
    evidence = Evidence(frames[0].sensor).update_all(frames)
    evidence.merge(Evidence(evidence.sensor).update_all([named(frames[0], "another")]))
    once = {name: sums.astype(object) for name, sums in evidence.own_arrays().items()}
    decoys = evidence.groups.arrays()["group_scores"].astype(object).sum(0)
    dated = [period.scores.astype(object) for period in evidence.periods.newest_first()]

    for turn in range(13):
        other = copy.deepcopy(evidence)
        other.photos = {f"{turn:04x}{digest}": kept for digest, kept in other.photos.items()}
        evidence.merge(other)

    assert len(evidence.photos) == 40_960
    assert dated
    for name, sums in evidence.own_arrays().items():
        assert (sums == once[name] * 8192).all(), name
    assert (evidence.groups.arrays()["group_scores"].astype(object).sum(0) == decoys * 8192).all()
    for period, scores in zip(evidence.periods.newest_first(), dated, strict=True):
        assert (period.scores == scores * 8192).all()
    assert np.abs(evidence.scores).max() > 2**28


@pytest.mark.parametrize("way", ["added", "merged"])
def test_more_photos_than_the_sums_hold_are_refused_and_change_nothing(way, monkeypatch):
    monkeypatch.setattr(evidence_module, "MOST_PHOTOS", 5)
    frames = some_frames(6, seed=3)
    evidence, before = (Evidence(frames[0].sensor).update_all(frames[:3]) for _ in range(2))
    with pytest.raises(StillpixError, match="the sums hold 5 photos at most; add up each year"):
        if way == "added":
            evidence.update_all(frames[3:])
        else:
            evidence.merge(Evidence(evidence.sensor).update_all(frames[3:]))

    assert evidence == before
    assert len(evidence.update_all(frames[3:5]).photos) == 5


def named(frame, name):
    return replace(frame, digest=frame_of(frame.pixels, name=name).digest)

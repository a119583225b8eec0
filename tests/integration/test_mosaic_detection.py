"""Sensor mosaics: which defects are found, what is said of them, and that nothing else is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stillpix.detection.decide import detect
from stillpix.detection.kinds import describe
from stillpix.detection.null import null_of, peaks_of
from stillpix.detection.views import whole_of
from stillpix.frame import Exposure
from stillpix.simulate import CameraSettings, SimulatedCamera
from support.effort import chosen, long
from support.frames import EXPOSURES
from support.mosaics import LAYOUTS, evidence_of, frame_of, sensor_of
from support.places import REAL

WIDTH, HEIGHT = (360, 240) if long else (300, 200)


def camera_frames(layout, photos, seed, **changes):
    cfa = {"xtrans": "XTRANS", "mono": "MONO"}.get(layout, layout[-4:])
    camera = SimulatedCamera(
        CameraSettings(width=WIDTH, height=HEIGHT, cfa=cfa, output="tiff", **changes), seed
    )
    return [camera.photograph(n).frame() for n in range(photos)], camera.defects


@pytest.mark.parametrize("layout", LAYOUTS)
def test_most_defects_of_a_simulated_sensor_are_found_where_they_are_and_nothing_else(layout):
    frames, planted = camera_frames(layout, 24, 3, defects=20)

    found = detect(evidence_of(frames))

    confirmed = {(d.x, d.y) for d in found.in_state("confirmed")}
    true = {(d.x, d.y) for d in planted}
    strong = {(d.x, d.y) for d in planted if abs(d.amplitude_sigma) > 3 and d.kind != "blinking"}
    assert len(confirmed - true) <= 2
    assert len(strong & confirmed) >= 0.8 * len(strong) >= 5
    assert found.detection.expected_false < 1


@pytest.mark.parametrize("layout", ["bayer-RGGB", "xtrans"])
def test_sensors_without_defects_get_none_confirmed(layout):
    frames, _ = camera_frames(layout, 20, 5, defects=0)

    assert detect(evidence_of(frames)).in_state("confirmed") == ()


def flat_fields(photos, rng, sensor, break_it, *, prnu=0.0):
    """Return photos of a plain grey wall, unevenly lit, after `break_it(light, exposure)`."""
    shape = (sensor.height, sensor.width)
    uneven = 1 + prnu * rng.standard_normal(shape)
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]] / 100
    frames = []
    for n in range(photos):
        exposure = EXPOSURES[n % len(EXPOSURES)]
        light = rng.uniform(500, 9000) * (1 + 0.3 * np.sin(x + n) * np.cos(y)) * uneven
        break_it(light, exposure)
        dn = light + np.sqrt(exposure.gain * light + 9) * rng.standard_normal(shape) + 512
        frames.append(frame_of(np.clip(np.rint(dn), 0, 16383), sensor, exposure, name=str(n)))
    return frames


def test_a_sound_photosite_among_three_that_blaze_is_no_dark_one():
    sensor = sensor_of("bayer-RGGB", 240, 160)
    rng = np.random.default_rng(4)
    hot = {(x + dx, y + dy) for x in range(20, 240, 40) for y in range(20, 160, 40)
           for dx, dy in ((-1, 0), (0, -1), (0, 1))}  # fmt: skip
    frames = []
    for n in range(10):
        dn = 512 + 8 * rng.standard_normal((160, 240))
        for x, y in hot:
            dn[y, x] += 2000
        frames.append(frame_of(np.rint(dn).astype(np.uint16), sensor, name=str(n)))

    confirmed = {(d.x, d.y) for d in detect(evidence_of(frames)).in_state("confirmed")}

    assert confirmed <= hot
    assert len(confirmed) >= 0.9 * len(hot)


def test_sensitivity_that_differs_by_a_per_cent_is_no_defect_however_many_photos():
    def low(light, _):
        light[60, 80] *= 0.85

    sensor = sensor_of("bayer-GBRG", 240, 160)
    frames = flat_fields(200 if long else 100, np.random.default_rng(1), sensor, low, prnu=0.01)

    confirmed = detect(evidence_of(frames)).in_state("confirmed")

    assert [(d.x, d.y, d.kind) for d in confirmed] == [(80, 60, "low")]


@pytest.mark.parametrize(("shows", "expected"), [(1, False), (2, False), (4, True)])
def test_what_shows_in_four_of_forty_photos_is_a_defect_and_in_two_is_not(shows, expected):
    taken = iter(range(40))

    def blink(light, exposure):
        number = next(taken)
        if number % 7 == 3 and number < 7 * shows:
            light[60, 80] += 40 * (exposure.gain * 9000) ** 0.5

    frames = flat_fields(40, np.random.default_rng(6), sensor_of("bayer-RGGB", 160, 120), blink)

    confirmed = {(d.x, d.y) for d in detect(evidence_of(frames)).in_state("confirmed")}

    assert confirmed == ({(80, 60)} if expected else set())


@pytest.mark.parametrize("layout", ["bayer-GBRG", "xtrans"])
def test_what_is_neither_always_brighter_nor_always_darker_is_found(layout):
    """Stuck at a level that lies amid those of the scenes."""

    def stuck(light, _):
        light[60, 80] = 4000

    frames = flat_fields(24, np.random.default_rng(7), sensor_of(layout, 160, 120), stuck)

    confirmed = {(d.x, d.y) for d in detect(evidence_of(frames)).in_state("confirmed")}

    assert confirmed == {(80, 60)}


def test_beside_a_blazing_photosite_those_of_other_colours_are_found_sound():
    def hot(light, exposure):
        light[60, 80] += 3000 * exposure.gain

    frames = flat_fields(40, np.random.default_rng(8), sensor_of("bayer-RGGB", 160, 120), hot)

    confirmed = {(d.x, d.y) for d in detect(evidence_of(frames)).in_state("confirmed")}

    assert confirmed == {(80, 60)}


@pytest.mark.parametrize(("layout", "step"), [("mono", 1), ("bayer-RGGB", 2)])
def test_a_faint_photosite_beside_a_blazing_one_of_its_colour_is_found(layout, step):
    """What the blazing one departs by is no noise of its neighbours'."""
    faint = {(60 + step, 50), (100, 80 - step), (60 - step, 110 + step), (20 + step, 20)}
    blazing = {(60, 50), (100, 80), (60, 110)}

    def hot(light, exposure):
        for places, excess in ((faint, 120), (blazing, 8000)):
            for x, y in places:
                light[y, x] += excess * exposure.gain

    frames = flat_fields(24, np.random.default_rng(4), sensor_of(layout, 160, 140), hot)

    confirmed = {(d.x, d.y) for d in detect(evidence_of(frames)).in_state("confirmed")}

    assert confirmed == faint | blazing


@pytest.mark.parametrize("layout", LAYOUTS)
def test_neighbouring_defects_are_each_found(layout):
    cluster = {(60, 50), (61, 50), (61, 51), (64, 50), (100, 80), (101, 81)}

    def hot(light, exposure):
        for x, y in cluster:
            light[y, x] += 400 * exposure.gain

    frames = flat_fields(24, np.random.default_rng(2), sensor_of(layout, 160, 120), hot)

    found = evidence_of(frames)
    null = null_of(found.scores, found.information, None, found.rules.grid)
    peaks = peaks_of(found.scores, null, 8.0, None, 0)

    bright = {
        (int(x), int(y))
        for x, y in zip(peaks.x, peaks.y, strict=True)
        if found.scores[:, y, x].max() > 0
    }
    assert cluster <= bright


@pytest.mark.parametrize("white", [4095, 16383, 65535])
def test_the_strength_is_in_the_files_own_numbers(white):
    def bright(light, _):
        light[60, 80] += 1500

    sensor = sensor_of("bayer-RGGB", 160, 120)
    frames = flat_fields(16, np.random.default_rng(3), sensor, bright)
    scale = (white + 1) // 4096 / 4
    scaled = [
        frame_of(
            np.floor(f.pixels * scale), sensor, f.exposure, white=white, black=int(512 * scale)
        )
        for f in frames
    ]
    evidence = evidence_of(scaled)

    defect = describe(
        evidence, [whole_of(evidence, null_of(evidence.scores, evidence.information))],
        None, 80, 60,
    ).defect  # fmt: skip

    assert defect.strength == pytest.approx(1500 * scale, rel=0.05)
    assert defect.seen == (1.0, 16)


def dark_frames(photos, hot, seed=5, layout="bayer-RGGB"):
    rng = np.random.default_rng(seed)
    sensor, frames = sensor_of(layout, 200, 160), []
    for n in range(photos):
        exposure = Exposure(1.0 + n % 3, 8.0)
        dn = 512 + 12 * rng.standard_normal((160, 200))
        for x, y, rate in hot:
            dn[y, x] += rate * exposure.exposure_s
        frames.append(frame_of(np.clip(np.rint(dn), 0, 16383), sensor, exposure, name=str(n)))
    return frames


HOT = ((20, 20, 100), (100, 50, 150), (150, 90, 400), (60, 110, 1000), (170, 130, 5000))


def test_six_dark_frames_confirm_hot_pixels_and_two_suggest_them():
    six, two = (detect(evidence_of(dark_frames(n, HOT))) for n in (6, 2))

    places = {(x, y) for x, y, _ in HOT}
    assert {(d.x, d.y) for d in six.in_state("confirmed")} == places
    assert two.in_state("confirmed") == ()
    suggested = two.in_state("candidate")
    assert {(d.x, d.y) for d in suggested} <= places
    assert len(suggested) >= 3
    strengths = {(d.x, d.y): d.strength for d in suggested}
    assert strengths[170, 130] == pytest.approx(7500, rel=0.05)  # after 1 and 2 s


@pytest.mark.parametrize("seed", chosen(range(3), 0))
def test_noise_alone_confirms_nothing(seed):
    assert detect(evidence_of(dark_frames(12, (), seed))).in_state("confirmed") == ()


@pytest.mark.parametrize("layout", ["mono", "bayer-RGGB"])
def test_chance_among_dark_frames_is_what_two_of_them_show(layout):
    """What only one of ten shows is never listed, and is not stated to be among the false finds.

    Nor are sound photosites listed that have broken ones of other colours around them.
    """
    rng = np.random.default_rng(3)
    rows, columns = np.nonzero(rng.random((160, 200)) < 0.03)
    hot = [(int(x), int(y), 400) for x, y in zip(columns, rows, strict=True)]

    frames = [replace(frame, dark=True) for frame in dark_frames(10, hot, layout=layout)]
    found = detect(evidence_of(frames))

    wrong = {(d.x, d.y) for d in found.in_state("confirmed")} - {(x, y) for x, y, _ in hot}
    assert len(found.in_state("confirmed")) >= 0.95 * len(hot)
    assert len(wrong) <= 1
    assert found.detection.expected_false < 0.5  # five peaks of chance are loud enough


OPENISP = REAL / "cfa/openisp-1920x1080-rggb12.raw"


@pytest.mark.real
@pytest.mark.skipif(not OPENISP.is_file(), reason=f"{OPENISP.name} is not in ../shared/data/cfa")
@pytest.mark.parametrize("excess", chosen([0, 40], 40))
def test_of_crops_of_a_real_mosaic_only_what_was_planted_is_confirmed(excess):
    """Its pixels move with the crops: what is broken in it stands in no one place."""
    whole = np.fromfile(OPENISP, "<u2").reshape(1080, 1920).astype(np.int64)
    rng, sensor, frames = np.random.default_rng(5), sensor_of("bayer-RGGB", 1280, 720), []
    rows, columns = rng.integers(10, 710, 30), rng.integers(10, 1270, 30)
    for n in range(16):
        top, left = 2 * rng.integers(0, 180), 2 * rng.integers(0, 320)
        crop = whole[top : top + 720, left + n % 2 : left + n % 2 + 1280][
            :, :: 1 - n % 2 * 2
        ].copy()
        crop[rows, columns] += excess
        frames.append(frame_of(np.minimum(crop, 4095), sensor, white=4095, black=0, name=str(n)))

    confirmed = {(d.x, d.y) for d in detect(evidence_of(frames)).in_state("confirmed")}

    assert confirmed == (
        set(zip(columns.tolist(), rows.tolist(), strict=True)) if excess else set()
    )


@pytest.mark.parametrize(("said", "convincing"), [(8.0, False), (24.0, True)])
def test_one_dim_photo_of_a_bright_place_convinces_nobody(said, convincing):
    """A hot pixel shows in it alone; that all photos say a little of another kind proves nothing.

    Information is a mean over a block: an edge in it makes one photosite of it look certain.
    """
    frames = flat_fields(
        24, np.random.default_rng(6), sensor_of("bayer-RGGB", 160, 120), lambda *_: None
    )
    evidence = evidence_of(frames)
    evidence.scores[:, 60, 80] = np.array([2.0, said, said, 30.0]) * 1024
    evidence.information[1:3, 15, 20] = 0

    null = null_of(evidence.scores, evidence.information, None, evidence.rules.grid)

    assert describe(evidence, [whole_of(evidence, null)], None, 80, 60).convincing == convincing

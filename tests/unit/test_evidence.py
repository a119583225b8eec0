"""Evidence adds up exactly, in any order and any split; what is saved is resumed or refused."""

from __future__ import annotations

import gc
import json
import shutil
import tempfile
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillpix.detection.decide import detect
from stillpix.detection.settings import DetectionSettings
from stillpix.errors import SensorMismatchError, StateFormatError
from stillpix.evidence.evidence import Evidence, PhotoRecord
from stillpix.evidence.groups import MOST
from stillpix.evidence.repeats import SAMPLES, signature_of
from stillpix.evidence.templates import (
    TEMPLATES,
    USUAL_EXPOSURE_S,
    USUAL_GAIN,
    Template,
    template_factors,
)
from stillpix.frame import Exposure
from support.effort import some
from support.frames import (
    EXPOSURES,
    evidence_of,
    frame_of,
    npy_bytes,
    photos_of_light,
    sensor_of,
    some_frames,
    texture,
)
from support.places import EARLIER

STATE = EARLIER / "evidence-v2"
STATE_SENSOR = sensor_of(32, 32)
SURE_OF_TWO = DetectionSettings(fewest_scenes=2)
ARRAYS = (
    "scores", "information", "shown", "excess", "structure", "structure_told", "group_scores",
    "group_information", "group_bursts",
)  # fmt: skip
FILES = (*(f"{name}.npy" for name in (*ARRAYS, "group_keys")), "signatures.npy", "evidence.json")


def mixed_frames():
    """Return frames of one sensor and of different depths, white levels and exposures."""
    rng = np.random.default_rng(9)
    shallow = some_frames(5)
    deep = [
        frame_of(
            texture(rng, 48, 40).astype(np.uint16) * 16, EXPOSURES[n], name=f"deep{n}", white=w
        )
        for n, w in enumerate((4095, 4095, 65535))
    ]
    return [*deep[:1], *shallow, *deep[1:], frame_of(texture(rng, 48, 40), Exposure(), name="bare")]


FRAMES = mixed_frames()
ORDERS = st.permutations(range(len(FRAMES)))
SPLITS = st.lists(st.integers(0, len(FRAMES)), max_size=4).map(sorted)


@cache
def whole():
    """Return the evidence of all frames; no test adds to it."""
    return evidence_of(FRAMES)


def parts_of(frames, splits):
    edges = [0, *splits, len(frames)]
    return [frames[a:b] for a, b in pairwise(edges)]


def arrays_of(evidence):
    """Return all sums by name, those of the groups too."""
    return evidence.own_arrays() | evidence.groups.arrays()


def bits(evidence):
    return {name: sums.tobytes() for name, sums in arrays_of(evidence).items()}


@pytest.mark.slow
@settings(max_examples=some(30))
@given(ORDERS, SPLITS)
def test_any_order_and_any_split_of_the_photos_merges_to_the_same_bits(order, splits):
    merged = Evidence(whole().sensor)
    for part in parts_of([FRAMES[n] for n in order], splits):
        merged.merge(Evidence(whole().sensor).update_all(part))

    assert merged == whole()
    assert bits(merged) == bits(whole())


@settings(max_examples=some(20))
@given(ORDERS, SPLITS, st.integers(0, 5))
def test_any_batches_with_any_number_of_threads_give_the_bits_of_one_by_one(order, splits, threads):
    one_by_one, in_batches = Evidence(whole().sensor), Evidence(whole().sensor)
    for frame in FRAMES:
        one_by_one.update(frame)

    with ThreadPoolExecutor(max(threads, 1)) as pool:
        for part in parts_of([FRAMES[n] for n in order], splits):
            in_batches.update_all(part, pool if threads else None)

    assert in_batches == one_by_one
    assert bits(in_batches) == bits(one_by_one)


@pytest.mark.parametrize(("width", "height"), [(32, 32), (33, 35), (50, 70), (21, 9), (70, 131)])
def test_threads_change_nothing_at_any_size(width, height):
    frames = some_frames(5, width, height)
    with ThreadPoolExecutor(3) as pool:
        threaded = Evidence(frames[0].sensor).update_all(frames, pool)

    assert threaded == evidence_of(frames)


@given(st.lists(st.integers(0, len(FRAMES) - 1), max_size=6))
@settings(max_examples=some(20))
def test_a_known_frame_changes_nothing(again):
    evidence = evidence_of(FRAMES)

    evidence.update_all([FRAMES[n] for n in again])

    assert evidence == whole()
    assert evidence.scenes == len(FRAMES)


def test_a_frame_that_is_twice_in_a_batch_counts_once():
    assert evidence_of([FRAMES[2], FRAMES[1], FRAMES[2]]) == evidence_of(FRAMES[1:3])


def test_a_renamed_copy_of_a_photo_is_the_same_photo():
    copy = replace(FRAMES[0], origin="copy.jpg")

    assert evidence_of([FRAMES[0], copy]) == evidence_of(FRAMES[:1])


def test_a_repeat_is_remembered_and_adds_nothing():
    evidence = evidence_of(FRAMES[:3]).note_repeat(FRAMES[3])

    assert bits(evidence) == bits(evidence_of(FRAMES[:3]))
    assert (len(evidence.photos), evidence.scenes, len(evidence.exposures)) == (4, 3, 3)
    assert evidence.update(FRAMES[3]).scenes == 3


def test_a_counted_photo_noted_as_a_repeat_stays_counted():
    assert evidence_of(FRAMES[:2]).note_repeat(FRAMES[1]).scenes == 2


def test_merging_evidence_of_the_same_photo_is_refused_and_changes_nothing():
    left, right = evidence_of(FRAMES[:4]), evidence_of(FRAMES[3:])

    with pytest.raises(SensorMismatchError, match="1 photos are in both"):
        left.merge(right)

    assert left == evidence_of(FRAMES[:4])
    assert right == evidence_of(FRAMES[3:])


def test_evidence_is_not_merged_with_itself():
    with pytest.raises(SensorMismatchError):
        evidence_of(FRAMES[:2]).merge(evidence_of(FRAMES[:2]))


def test_merging_leaves_the_other_evidence_as_it_was():
    other = evidence_of(FRAMES[2:])

    evidence_of(FRAMES[:2]).merge(other)

    assert other == evidence_of(FRAMES[2:])


@pytest.mark.parametrize(
    "stranger",
    [some_frames(1, 40, 48)[0], replace(FRAMES[0], sensor=sensor_of(48, 40, "8"))],
    ids=["size", "serial"],
)
def test_frames_of_another_sensor_are_refused_and_nothing_is_added(stranger):
    evidence = evidence_of(FRAMES[:2])

    for refused in (
        lambda: evidence.update(stranger),
        lambda: evidence.update_all([FRAMES[3], stranger]),
        lambda: evidence.note_repeat(stranger),
        lambda: evidence.merge(Evidence.of([stranger])),
    ):
        with pytest.raises(SensorMismatchError, match="serial 7, 48x40"):
            refused()

    assert evidence == evidence_of(FRAMES[:2])


@pytest.mark.parametrize("shape", [(40, 47), (41, 48), (48, 40), (40, 48, 3), (1, 1)])
def test_pixels_that_are_not_the_sensors_size_are_refused(shape):
    frame = replace(FRAMES[1], pixels=np.zeros(shape, np.uint8), digest="00" * 16)

    with pytest.raises(SensorMismatchError, match="48x40"):
        Evidence(frame.sensor).update(frame)


def test_pixels_lie_in_memory_as_they_like():
    plain = some_frames(4)
    read_only, strided, upside_down, foreign = (frame.pixels.copy() for frame in plain)
    read_only.flags.writeable = False
    strided = np.repeat(strided, 2, axis=1)[:, ::2]
    upside_down = upside_down[::-1].copy()[::-1]
    odd = [
        replace(frame, pixels=pixels)
        for frame, pixels in zip(plain, (read_only, strided, upside_down, foreign), strict=True)
    ]

    assert evidence_of(odd) == evidence_of(plain)


def test_either_byte_order_says_the_same():
    native = [replace(f, pixels=f.pixels.astype(np.uint16), white=255) for f in FRAMES[1:4]]
    swapped = [replace(f, pixels=f.pixels.astype(f.pixels.dtype.newbyteorder())) for f in native]

    assert evidence_of(swapped) == evidence_of(native)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_photos_and_none_is_kept():
    frames = some_frames(12)
    few = Evidence(frames[0].sensor).update_all(frames[:MOST])
    before = sum(sums.nbytes for sums in arrays_of(few).values())
    pixels = [weakref.ref(frame.pixels) for frame in frames]

    evidence = evidence_of(frames)
    del frames
    gc.collect()

    assert sum(sums.nbytes for sums in arrays_of(evidence).values()) <= before
    assert [ref() for ref in pixels] == [None] * 12


def test_a_photo_that_does_not_say_how_it_was_exposed_counts_as_a_usual_one():
    usual = Exposure(USUAL_EXPOSURE_S, USUAL_GAIN)

    assert template_factors(Exposure()) == template_factors(usual)
    assert template_factors(Exposure(None, 2.0)) == template_factors(
        Exposure(USUAL_EXPOSURE_S, 2.0)
    )


def test_templates_grow_as_the_physics_says():
    once = np.array(template_factors(Exposure(0.01, 2.0)))

    longer = np.array(template_factors(Exposure(0.04, 2.0))) / once
    louder = np.array(template_factors(Exposure(0.01, 8.0))) / once

    assert longer == pytest.approx([1, 2, 4, 1])
    assert louder == pytest.approx([4, 2, 4, 1])


def full_evidence():
    """Return evidence with everything that is saved: repeats, dates, signatures, known files."""
    evidence = evidence_of(FRAMES[:5]).note_repeat(FRAMES[6])
    dated = replace(FRAMES[7], exposure=Exposure(1 / 3, None, datetime(2024, 2, 3, 4, 5, 6)))
    evidence.update(dated)
    evidence.signatures = {frame.digest: signature_of(frame.pixels) for frame in FRAMES[:5]}
    evidence.files = {"a.jpg|12|34", "ä\n.jpg|1|2"}
    return evidence


def saved_state(folder):
    state = folder / "state"
    state.mkdir()
    full_evidence().save(state)
    return state


@pytest.mark.parametrize("make", [full_evidence, lambda: Evidence(sensor_of(48, 40))])
def test_what_is_saved_and_loaded_is_equal(tmp_path, make):
    evidence = make()
    evidence.save(tmp_path)

    loaded = Evidence.load(tmp_path, evidence.sensor)

    assert loaded == evidence
    assert loaded.files == evidence.files
    assert loaded.signatures.keys() == evidence.signatures.keys()
    for digest, signature in evidence.signatures.items():
        assert np.array_equal(loaded.signatures[digest], signature)


def test_saved_evidence_goes_on_as_if_it_had_never_been_put_down(tmp_path):
    evidence_of(FRAMES[:5]).save(tmp_path)

    assert Evidence.load(tmp_path, whole().sensor).update_all(FRAMES) == whole()


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_makes_the_state_unusable(tmp_path, name):
    state = saved_state(tmp_path)
    (state / name).unlink()

    with pytest.raises(StateFormatError, match="made anew"):
        Evidence.load(state, whole().sensor)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_file_makes_the_state_unusable(tmp_path, name, kept):
    state = saved_state(tmp_path)
    content = (state / name).read_bytes()
    (state / name).write_bytes(content[: int(kept * len(content))])

    with pytest.raises(StateFormatError, match="made anew"):
        Evidence.load(state, whole().sensor)


@pytest.mark.slow
@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize(
    "change",
    [
        lambda a: a[..., :-1],
        lambda a: a.astype(np.float64),
        lambda a: a.reshape(-1),
        lambda a: a.astype(object),
    ],
    ids=["shape", "type", "flat", "objects"],
)
def test_an_array_of_another_shape_or_type_makes_the_state_unusable(tmp_path, name, change):
    state = saved_state(tmp_path)
    (state / f"{name}.npy").write_bytes(npy_bytes(change(np.load(state / f"{name}.npy"))))

    with pytest.raises(StateFormatError, match="made anew"):
        Evidence.load(state, whole().sensor)


@pytest.mark.parametrize(
    "signatures", [np.zeros((5, SAMPLES - 1), np.int8), np.zeros((4, SAMPLES), np.int8)]
)
def test_signatures_that_do_not_fit_make_the_state_unusable(tmp_path, signatures):
    state = saved_state(tmp_path)
    np.save(state / "signatures.npy", signatures)

    with pytest.raises(StateFormatError, match="made anew"):
        Evidence.load(state, whole().sensor)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 0},
        {"version": 1},
        {"version": 4},
        {"planes": ["cb", "cr"]},
        {"version": None},
        {"photos": []},
        {"photos": {"ab": {}}},
        {"photos": {"ab": {"exposure_s": 1, "gain": 1, "taken": "never", "counted": True}}},
        {"files": None},
        {"sensor": None},
    ],
)
def test_another_version_or_other_contents_make_the_state_unusable(tmp_path, change):
    state = saved_state(tmp_path)
    path = state / "evidence.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")

    with pytest.raises(StateFormatError, match="made anew"):
        Evidence.load(state, whole().sensor)


@pytest.mark.parametrize("text", ["", "[]", "null", "1", '{"version": 1}', "\0", "{" * 5000])
def test_a_state_that_is_no_state_is_unusable(tmp_path, text):
    state = saved_state(tmp_path)
    (state / "evidence.json").write_text(text)

    with pytest.raises(StateFormatError, match="made anew"):
        Evidence.load(state, whole().sensor)


@pytest.mark.parametrize("sensor", [sensor_of(40, 48), sensor_of(48, 40, "8")])
def test_the_state_of_another_sensor_is_unusable(tmp_path, sensor):
    with pytest.raises(StateFormatError, match="made anew"):
        Evidence.load(saved_state(tmp_path), sensor)


@settings(max_examples=some(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(FILES), st.integers(0, 140), st.binary(min_size=1, max_size=3))
def test_bytes_damaged_at_a_files_head_make_no_other_error(name, at, damage):
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder, "state")
        shutil.copytree(STATE, state)
        content = bytearray((state / name).read_bytes())
        content[at : at + len(damage)] = damage
        (state / name).write_bytes(content)
        try:
            Evidence.load(state, STATE_SENSOR)
        except StateFormatError as error:
            assert "made anew" in str(error)


@pytest.mark.parametrize("shape", ["(4, 32, 999999999999999)", "(4, -2, 32)", "(4, 32", "x" * 9])
def test_an_absurd_shape_in_an_arrays_head_makes_the_state_unusable(tmp_path, shape):
    state = tmp_path / "state"
    shutil.copytree(STATE, state)
    content = (state / "scores.npy").read_bytes()
    head, rest = content[:128], content[128:]
    damaged = head.replace(b"(4, 32, 32)", shape.encode()).strip().ljust(127) + b"\n"
    (state / "scores.npy").write_bytes(damaged[:128] + rest)

    with pytest.raises(StateFormatError, match="made anew"):
        Evidence.load(state, STATE_SENSOR)


def test_evidence_saved_by_version_1_is_not_misread():
    """Its decoys were moved when photos were added, and it knows of nothing that never moves."""
    with pytest.raises(StateFormatError, match="version 1"):
        Evidence.load(EARLIER / "evidence-v1", STATE_SENSOR)


def test_evidence_saved_by_version_2_is_still_read():
    evidence = Evidence.load(STATE, STATE_SENSOR)

    assert [record.counted for record in evidence.photos.values()] == [True, True, True, False]
    assert evidence.photos["00" * 16] == PhotoRecord(
        Exposure(0.01, 4.0, datetime(2024, 1, 6, 9, 30)), counted=True
    )
    assert evidence.files == {"IMG_0001.JPG|1234|1704533400000000000"}
    assert list(evidence.signatures) == ["00" * 16, "01" * 16, "02" * 16]
    assert (int(evidence.shown[16, 20]), evidence.scenes) == (3, 3)
    assert evidence.scores[:, 16, 20].tolist() == [12059, 5180, 18380, 3356]
    assert int(evidence.excess[16, 20]) == 4369
    assert len(evidence.groups) == 3


def test_a_map_is_made_of_evidence_saved_by_version_2():
    found = detect(Evidence.load(STATE, STATE_SENSOR))

    assert (found.evidence.photos, found.evidence.scenes) == (4, 3)
    first = found.defects[0]
    assert (first.x, first.y, first.state, first.seen) == (20, 16, "candidate", (1.0, 3))


# Of a defect that shows in the shortest exposures alone: most photos of a series say nothing of it.
FLEETING = Template(name="fleeting", scale=0.004, by_charge=-1.0, weight="slope", kind="unknown")


def short_and_long_frames():
    """Return a series in which a pixel is too bright in the few shortest exposures alone."""
    exposures = [Exposure(0.001 if n % 6 == 0 else 0.25, 1.0) for n in range(48)]

    def brighten(light, exposure):
        if exposure.exposure_s < 0.01:
            light[51, 70] += 0.05

    return photos_of_light(brighten, exposures)


@pytest.mark.slow
def test_a_new_row_of_templates_finds_a_defect_that_only_it_can():
    frames = short_and_long_frames()
    with_row = Evidence(frames[0].sensor, (*TEMPLATES, FLEETING)).update_all(frames)

    found = detect(with_row).in_state("confirmed")
    assert [(one.x, one.y, one.kind) for one in found] == [(70, 51, "unknown")]
    without_row = detect(evidence_of(frames)).defects
    assert [one for one in without_row if max(abs(one.x - 70), abs(one.y - 51)) <= 2] == []
    assert np.array_equal(with_row.scores[:4], evidence_of(frames).scores)


def test_evidence_of_other_templates_is_never_misread(tmp_path, monkeypatch):
    frames = mixed_frames()
    evidence_of(frames).save(tmp_path)
    monkeypatch.setattr("stillpix.evidence.evidence.TEMPLATES", (*TEMPLATES, FLEETING))

    with pytest.raises(StateFormatError, match="it is of other templates"):
        Evidence.load(tmp_path, frames[0].sensor)


def test_evidence_of_other_templates_is_not_merged():
    frames = mixed_frames()
    other = Evidence(frames[0].sensor, (*TEMPLATES, FLEETING))

    with pytest.raises(SensorMismatchError, match="of other templates"):
        evidence_of(frames).merge(other)

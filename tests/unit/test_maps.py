"""The map file: what is written is read again, and nothing wrong comes through the door."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillpix.errors import MapFormatError
from stillpix.frame import Sensor
from stillpix.maps import read_map, write_map
from stillpix.maps.map_file import KINDS, LAYOUTS, STATES, as_text, from_text
from stillpix.maps.records import Defect, DefectMap, DetectionSummary, EvidenceSummary, Run
from support.places import EARLIER

STATE = EARLIER / "map-v1.stillpix.json"
SENSOR = Sensor("NIKON CORPORATION", "NIKON D3200", "8964244", 30, 20)
MINIMAL = {
    "format": "stillpix-map",
    "version": 1,
    "sensor": {"make": "Canon", "model": "EOS R", "serial": "7", "width": 30, "height": 20},
    "defects": [{"x": 3, "y": 4}],
}

dates = st.dates()
spans = st.none() | st.tuples(dates, dates).map(lambda pair: tuple(sorted(pair)))
numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
positive = numbers.map(abs)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=5,
)
extras = st.dictionaries(st.text().map(lambda key: "later " + key), json_values, max_size=2)


@st.composite
def sensors(draw):
    width, height = draw(st.integers(1, 70_000)), draw(st.integers(1, 70_000))
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    area = (x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))
    visible = None if area == (0, 0, width, height) else draw(st.sampled_from([None, area]))
    words = st.text(max_size=20)
    layout = draw(st.sampled_from(LAYOUTS))
    facts = (draw(words), draw(words), draw(words), width, height, layout, visible)
    return Sensor(*facts, which=draw(st.just("") | words))


@st.composite
def runs(draw, sensor):
    along = draw(st.sampled_from(["row", "column"]))
    end = (sensor.width if along == "row" else sensor.height) - 1
    first = draw(st.integers(0, end))
    return Run(along, first, draw(st.integers(first, end)))


def defects(sensor):
    return st.builds(
        Defect,
        x=st.integers(0, sensor.width - 1),
        y=st.integers(0, sensor.height - 1),
        kind=st.sampled_from(KINDS),
        site=st.none() | st.sampled_from("RGB"),
        strength=st.none() | numbers,
        exposure_s=st.none() | positive,
        gain=st.none() | positive,
        score=numbers,
        q=st.floats(0, 1),
        seen=st.none() | st.tuples(st.floats(0, 1), st.integers(0, 10**6)),
        since=spans,
        until=spans,
        state=st.sampled_from(STATES),
        run=st.none() | runs(sensor),
        extra=extras,
    )


@st.composite
def areas(draw, sensor):
    x, y = draw(st.integers(0, sensor.width - 1)), draw(st.integers(0, sensor.height - 1))
    sides = st.integers(1, sensor.width - x), st.integers(1, sensor.height - y)
    return x, y, draw(sides[0]), draw(sides[1])


@st.composite
def maps(draw):
    sensor = draw(sensors())
    moments = st.none() | st.datetimes()
    counts = st.integers(0, 10**6)
    return DefectMap(
        sensor,
        tuple(draw(st.lists(defects(sensor), max_size=4, unique_by=lambda d: (d.x, d.y, d.run)))),
        draw(
            st.builds(
                EvidenceSummary,
                counts,
                counts,
                moments,
                moments,
                extras,
                left_out=st.floats(0, 1),
                areas=st.lists(areas(sensor), max_size=3).map(tuple),
            )
        ),
        draw(
            st.builds(
                DetectionSummary,
                method=st.text(),
                fdr=st.floats(0, 1),
                expected_false=st.none() | positive,
                stillpix=st.text(),
                extra=extras,
            )
        ),
        draw(extras),
        draw(extras),
    )


@pytest.mark.slow
@given(maps())
def test_reading_what_was_written_and_writing_it_again_gives_the_same_bytes(defect_map):
    written = as_text(defect_map)
    read = from_text(written, "a map")

    assert as_text(read) == written
    assert from_text(as_text(read), "a map") == read


@pytest.mark.slow
@given(maps())
def test_reading_what_was_written_changes_nothing_but_the_last_digits(defect_map):
    read = from_text(as_text(defect_map), "a map")

    assert read.sensor == defect_map.sensor
    assert (read.extra, read.sensor_extra) == (defect_map.extra, defect_map.sensor_extra)
    assert replace(read.evidence, left_out=0.0) == replace(defect_map.evidence, left_out=0.0)
    assert read.evidence.left_out == pytest.approx(defect_map.evidence.left_out, rel=0.0051)
    for before, after in zip(defect_map, read, strict=True):
        for name in ("x", "y", "kind", "site", "since", "until", "state", "run", "extra"):
            assert getattr(before, name) == getattr(after, name)
        assert math.isclose(before.score, after.score, rel_tol=1e-6, abs_tol=0.005001)
        assert math.isclose(before.q, after.q, rel_tol=0.051, abs_tol=1e-320)


def test_a_map_of_version_1_saved_earlier_is_read_whole():
    saved = read_map(STATE)
    hot, column, corner, blinking = saved

    assert saved.sensor == Sensor(
        "NIKON CORPORATION", "NIKON D3200", "8964244", 3008, 2000, "bayer-RGGB", (8, 4, 2992, 1992)
    )
    assert saved.evidence == EvidenceSummary(
        16,
        15,
        datetime(2019, 7, 11, 15, 7, 32),
        datetime(2019, 7, 11, 15, 9),
        {"hours": {"night": 3}},
    )
    assert saved.detection == DetectionSummary("scores", 0.01, 0.04, "0.1.0", {"decoys": [64, 0]})
    assert (saved.extra, saved.sensor_extra) == ({"note": "Größe, 日本語, ü"}, {"bits": 12})
    assert hot == Defect(
        x=2797,
        y=791,
        kind="hot",
        site="G",
        strength=20.9,
        exposure_s=0.01667,
        gain=4.0,
        score=22.6,
        q=1e-9,
        seen=(0.94, 16),
        since=(date(2019, 7, 11), date(2019, 7, 11)),
        until=(date(2020, 1, 1), date(2020, 2, 29)),
        state="confirmed",
        extra={"temperature_c": 31},
    )
    assert column.run == Run("column", 0, 1999)
    assert (corner.x, corner.y, corner.strength, corner.seen) == (0, 1999, None, None)
    assert (blinking.state, blinking.strength) == ("rejected", -3.5)
    assert blinking.kind == "unknown"  # nothing ever told that kind


def test_a_map_saved_earlier_is_written_again_to_the_same_bytes_but_a_kind_never_told(tmp_path):
    write_map(read_map(STATE), tmp_path / "again.stillpix.json")

    expected = STATE.read_bytes().replace(b'"blinking"', b'"unknown"')
    assert (tmp_path / "again.stillpix.json").read_bytes() == expected


def test_the_file_has_one_defect_a_line(tmp_path):
    write_map(DefectMap(SENSOR, (Defect(x=1, y=2), Defect(x=3, y=4))), tmp_path / "a.json")
    lines = (tmp_path / "a.json").read_text(encoding="utf-8").splitlines()

    assert lines[1] == '  "format": "stillpix-map", "version": 1,'
    assert [json.loads(line.rstrip(","))["x"] for line in lines if '"x"' in line] == [1, 3]


def test_only_a_map_of_one_of_several_sensors_is_of_a_version_that_earlier_programs_refuse(
    tmp_path,
):
    one = DefectMap(replace(SENSOR, which="5.7 mm"), (Defect(x=1, y=2),))
    write_map(one, tmp_path / "a.json")
    document = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))

    assert (document["version"], document["sensor"]["which"]) == (2, "5.7 mm")
    assert read_map(tmp_path / "a.json") == one


def test_numbers_are_rounded_to_what_they_can_say(tmp_path):
    defect = Defect(
        x=1, y=2, strength=-20.94999, score=22.60449, q=1.2345e-9, seen=(15 / 16, 16), gain=4.0
    )
    write_map(DefectMap(SENSOR, (defect,)), tmp_path / "a.json")
    entry = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["defects"][0]

    assert (entry["strength"], entry["score"], entry["q"]) == (-20.9, 22.6, 1.2e-9)
    assert entry["seen"] == [0.94, 16]
    assert "site" not in entry and "exposure_s" not in entry


def test_a_lone_surrogate_in_a_name_survives(tmp_path):
    odd = DefectMap(Sensor("Canon", "EOS \udc80", "\ud800", 3, 3))
    write_map(odd, tmp_path / "a.json")

    assert read_map(tmp_path / "a.json") == odd


def test_a_byte_order_mark_does_no_harm(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + STATE.read_bytes())

    assert read_map(tmp_path / "a.json") == read_map(STATE)


def test_the_visible_area_is_always_written_and_all_of_it_reads_as_none():
    assert '"visible": [0, 0, 30, 20]' in as_text(DefectMap(SENSOR))
    assert from_text(as_text(DefectMap(SENSOR)), "a map").sensor.visible is None


def test_a_map_of_ours_is_read_whatever_its_name(tmp_path):
    write_map(DefectMap(SENSOR), tmp_path / "map.csv")

    assert read_map(tmp_path / "map.csv") == DefectMap(SENSOR)


def changed(**changes):
    return {**MINIMAL, **changes}


def with_defect(**values):
    return changed(defects=[{"x": 3, "y": 4, **values}])


def with_sensor(**values):
    return changed(sensor={**MINIMAL["sensor"], **values})


WRONG = {
    "another format": (changed(format="badpixels"), 'its "format" is not "stillpix-map"'),
    "no format": ({"defects": []}, 'its "format" is not "stillpix-map"'),
    "newer": (changed(version=3), "was written by a newer stillpix (map version 3); update"),
    "version as text": (changed(version="1"), "version must be 1"),
    "version 0": (changed(version=0), "version must be 1"),
    "a list": ([1, 2], "the map must be an object, not a list of 2"),
    "a number": (7, "the map must be an object, not 7"),
    "no sensor": ({**MINIMAL, "sensor": None}, "sensor is missing"),
    "sensor as text": (changed(sensor="D3200"), 'sensor must be an object, not "D3200"'),
    "no width": (with_sensor(width=None), "sensor.width is missing"),
    "no height at all": (with_sensor(height=0), "sensor.height must be at least 1, not 0"),
    "unknown layout": (with_sensor(layout="foveon"), "sensor.layout must be one of rendered, mono"),
    "serial as number": (with_sensor(serial=8964244), "sensor.serial must be text, not 8964244"),
    "visible outside": (with_sensor(visible=[0, 0, 31, 20]), "sensor.visible must be from 1 to 30"),
    "visible short": (with_sensor(visible=[0, 0]), "sensor.visible must be a list of 4 values"),
    "no defects": ({**MINIMAL, "defects": None}, "defects is missing"),
    "defects as object": (changed(defects={}), "defects must be a list"),
    "defect as list": (changed(defects=[[3, 4]]), "defects[0] must be an object, not a list of 2"),
    "no x": (changed(defects=[{"y": 4}]), "defects[0].x is missing"),
    "x as text": (with_defect(x="3"), 'defects[0].x must be a whole number, not "3"'),
    "x as fraction": (with_defect(x=3.5), "defects[0].x must be a whole number, not 3.5"),
    "x as truth": (with_defect(x=True), "defects[0].x must be a whole number, not true"),
    "x outside": (with_defect(x=30), "defects[0].x must be from 0 to 29, not 30"),
    "y below 0": (with_defect(y=-1), "defects[0].y must be from 0 to 19, not -1"),
    "left out beyond the frame": (
        changed(evidence={"left_out_areas": [[28, 0, 3, 5]]}),
        "evidence.left_out_areas[0] must be from 1 to 2, not 3",
    ),
    "left out is no rectangle": (
        changed(evidence={"left_out_areas": [[1, 2, 3]]}),
        "evidence.left_out_areas[0] must be a list of 4 values",
    ),
    "unknown kind": (
        with_defect(kind="warm"),
        "defects[0].kind must be one of hot, offset, bright",
    ),
    "unknown state": (with_defect(state="sure"), "defects[0].state must be one of confirmed"),
    "site as number": (with_defect(site=1), "defects[0].site must be text"),
    "score as text": (with_defect(score="22"), "defects[0].score must be a finite number"),
    "score too big": (with_defect(score=10**400), "defects[0].score must be a finite number"),
    "q above 1": (with_defect(q=1.5), "defects[0].q must be from 0 to 1, not 1.5"),
    "exposure below 0": (with_defect(exposure_s=-1), "defects[0].exposure_s must be at least 0"),
    "seen alone": (with_defect(seen=[0.5]), "defects[0].seen must be a list of 2 values"),
    "seen above 1": (with_defect(seen=[1.5, 2]), "defects[0].seen must be from 0 to 1, not 1.5"),
    "seen of none": (with_defect(seen=[0.5, -2]), "defects[0].seen must be at least 0, not -2"),
    "no date": (with_defect(since=["2019-02-30", "2019-03-01"]), "must hold dates such as"),
    "short date": (with_defect(since=["20190211", "20190211"]), "must hold dates such as"),
    "dates turned": (with_defect(since=["2020-01-01", "2019-01-01"]), "the earlier date first"),
    "run slanted": (with_defect(run=["diagonal", 0, 3]), 'must begin with "row" or "column"'),
    "run outside": (with_defect(run=["row", 0, 30]), "defects[0].run must be from 0 to 29"),
    "run turned": (with_defect(run=["row", 9, 3]), "defects[0].run must be from 9 to 29"),
    "twice": (
        changed(defects=[{"x": 3, "y": 4}, {"x": 5, "y": 4}, {"x": 3, "y": 4, "kind": "hot"}]),
        "defects[2] is at x 3, y 4, as defects[0] is already",
    ),
    "evidence as list": (changed(evidence=[]), "evidence must be an object, not a list of 0"),
    "photos below 0": (changed(evidence={"photos": -1}), "evidence.photos must be at least 0"),
    "no moment": (changed(evidence={"first": "yesterday"}), "evidence.first must be a date and"),
    "moment as number": (changed(evidence={"last": 2019}), "evidence.last must be a date and"),
    "fdr above 1": (changed(detection={"fdr": 7}), "detection.fdr must be from 0 to 1, not 7"),
    "expected below 0": (changed(detection={"expected_false": -1}), "must be at least 0, not -1"),
}


@pytest.mark.parametrize(("document", "reason"), WRONG.values(), ids=WRONG)
def test_a_wrong_map_is_refused_with_its_place_and_the_remedy(tmp_path, document, reason):
    path = tmp_path / "wrong.stillpix.json"
    path.write_text(json.dumps(document), encoding="utf-8")

    with pytest.raises(MapFormatError) as refused:
        read_map(path)

    message = str(refused.value)
    assert message.startswith(f"{path}: ")
    assert reason in message
    assert "; " in message and "\n" not in message


def test_the_smallest_map_is_read_with_defaults(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(MINIMAL), encoding="utf-8")

    assert read_map(tmp_path / "a.json") == DefectMap(
        Sensor("Canon", "EOS R", "7", 30, 20), (Defect(x=3, y=4),)
    )


NOT_JSON = {
    "empty": (b"", "the file ends too early"),
    "text": (b"x y\n3 4\n", "is not valid JSON, line 1, column 1"),
    "photo": (b"\xff\xd8\xff\xe0" + bytes(range(256)), "it is not UTF-8 text"),
    "nan": (json.dumps(with_defect(score=math.nan)).encode(), "holds NaN, which is not a number"),
    "infinity": (json.dumps(with_defect(q=-math.inf)).encode(), "holds -Infinity"),
    "overflow": (b'{"format": "stillpix-map", "version": 1, "note": 1e999}', "holds 1e999"),
    "endless brackets": (b"[" * 200_000, "is not valid JSON"),
    "endless digits": (b"[" + b"9" * 10_000 + b"]", "is not valid JSON"),
}


@pytest.mark.parametrize(("content", "reason"), NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_refused_in_one_line(tmp_path, content, reason):
    path = tmp_path / "wrong.stillpix.json"
    path.write_bytes(content)

    with pytest.raises(MapFormatError) as refused:
        read_map(path)

    assert str(refused.value).startswith(f"{path}: ")
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
@given(st.integers(0, STATE.stat().st_size - 3))
def test_a_map_cut_off_anywhere_is_refused(length):
    with pytest.raises(MapFormatError, match=r"^a map: is not "):
        from_text(STATE.read_bytes()[:length].decode("utf-8", errors="ignore"), "a map")


@pytest.mark.slow
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_give_a_map_or_one_clear_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.stillpix.json"
    path.write_bytes(content)

    with pytest.raises(MapFormatError, match=r"any\.stillpix\.json: "):
        read_map(path)


@given(json_values, st.sampled_from(["sensor", "evidence", "detection", "defects", "version"]))
def test_any_value_in_any_place_gives_a_map_or_one_clear_error(value, key):
    try:
        from_text(json.dumps(changed(**{key: value})), "a map")
    except MapFormatError as error:
        assert str(error).startswith("a map: ")


@pytest.mark.parametrize("name", ["no such.json", "."])
def test_a_missing_file_and_a_folder_are_refused(tmp_path, name):
    with pytest.raises(MapFormatError, match=r"there is no such file|is not a file"):
        read_map(tmp_path / name)


BROKEN_RULES = {
    "outside": (Defect(x=30, y=0),),
    "twice": (Defect(x=3, y=4), Defect(x=3, y=4, kind="hot")),
    "no number": (Defect(x=3, y=4, score=math.nan),),
}


@pytest.mark.parametrize("broken", BROKEN_RULES.values(), ids=BROKEN_RULES)
def test_what_could_not_be_read_again_is_not_written(tmp_path, broken):
    path = tmp_path / "a.stillpix.json"

    with pytest.raises(MapFormatError, match=r"a\.stillpix\.json: "):
        write_map(DefectMap(SENSOR, broken), path)

    assert list(tmp_path.iterdir()) == []

"""A body's sensors that its files tell apart never share evidence, a map or a repair."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.images import read_header
from stillpix.maps.records import DefectMap
from support import photos, series
from support.fixing import at, decoded

pytestmark = pytest.mark.usefixtures("library")
FOCAL_LENGTH = 37386


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


def phone(focal: tuple[int, int], **tags) -> dict[int, photos.ExifValue]:
    return {271: "HTC", 272: "One M8", 42033: None, FOCAL_LENGTH: focal, **tags}


def test_photos_of_two_sensors_of_a_phone_make_two_maps(tmp_path):
    series.write(tmp_path / "wide", range(4), tags=phone((22, 10)))
    series.write(tmp_path / "main", range(4, 10), tags=phone((38, 10)))

    ran = run("find", tmp_path, "--json", "--fast")

    maps = [entry["map"] for entry in json.loads(ran.stdout)["maps"]]
    found = {each["sensor"]["which"]: each["evidence"]["photos"] for each in maps}
    assert found == {"2.2 mm": 4, "3.8 mm": 6}


def test_two_lenses_on_a_body_make_one_map_of_the_name_that_it_had_before(tmp_path, library):
    for number, lens in enumerate(("EF50mm f/1.8 STM", "EF24-105mm f/4L")):
        tags = {FOCAL_LENGTH: (50 + number, 1), 42036: lens}
        series.write(tmp_path, range(4 * number, 4 * number + 4), tags=tags)

    run("find", tmp_path, "--fast")

    names = [path.name for path, _ in library.maps()]
    assert names == [
        "Example_Works__Example_One__0012345__160x120__rendered__e6a9288cf1.stillpix.json"
    ]


def test_a_photo_is_repaired_only_where_its_own_sensor_is_broken(tmp_path, library):
    (wide,) = series.write(tmp_path / "wide", range(1), tags=phone((22, 10)))
    (main,) = series.write(tmp_path / "main", range(1), tags=phone((38, 10)))
    broken, other = series.HOT[0], series.HOT[1]
    library.save(DefectMap(read_header(wide).sensor, at([broken])))
    library.save(DefectMap(read_header(main).sensor, at([other])))

    ran = run("fix", wide, "--out", tmp_path / "fixed")

    before, after = (
        decoded(wide.read_bytes()),
        decoded((tmp_path / "fixed" / wide.name).read_bytes()),
    )
    changed = abs(after - before).max(axis=2) > 20
    assert ran.exit_code == 0
    assert changed[broken[1], broken[0]]
    assert not changed[other[1], other[0]]


def test_a_map_of_another_sensor_of_the_phone_is_refused(tmp_path, library):
    (wide,) = series.write(tmp_path / "wide", range(1), tags=phone((22, 10)))
    (main,) = series.write(tmp_path / "main", range(1), tags=phone((38, 10)))
    sensor = read_header(main).sensor
    library.save(DefectMap(sensor, at(series.HOT)))

    by_library = run("fix", wide, "--out", tmp_path / "fixed")
    by_name = run("fix", wide, "--out", tmp_path / "fixed", "--map", library.map_path(sensor))

    assert "of which the library has no map" in by_library.stderr
    assert "is of One M8, 2.2 mm, 160x120, but the map is of One M8, 3.8 mm" in by_name.stderr

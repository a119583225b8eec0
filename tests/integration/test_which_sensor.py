"""A body's sensors that its files tell apart never share evidence, a map or a repair."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from stillpix import find, fix
from stillpix.cli import app
from stillpix.errors import SensorMismatchError
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


# Maps that were made before the sensors of a body were told apart


def earlier_map(photo, places):
    return DefectMap(replace(read_header(photo).sensor, which=""), at(places))


def test_the_only_map_of_before_is_used_and_said_to_be_found_again(tmp_path, library):
    (main,) = series.write(tmp_path / "main", range(1), tags=phone((38, 10)))
    library.save(earlier_map(main, series.HOT))

    ran = run("fix", main, "--out", tmp_path / "fixed")

    assert ran.exit_code == 0
    assert "the map was made before stillpix told the sensors of this camera apart" in ran.stderr


def test_a_map_of_before_is_not_used_if_photos_of_two_sensors_are_given(tmp_path, library):
    (main,) = series.write(tmp_path / "main", range(1), tags=phone((38, 10)))
    series.write(tmp_path / "wide", range(1, 2), tags=phone((22, 10)))
    library.save(earlier_map(main, series.HOT))

    ran = run("fix", tmp_path, "--out", tmp_path / "fixed")

    assert ran.exit_code == 3
    assert "it lists the broken pixels of several" in " ".join(ran.stderr.split())


def test_a_map_of_before_is_not_used_beside_a_map_of_one_of_the_sensors(tmp_path, library):
    (main,) = series.write(tmp_path / "main", range(1), tags=phone((38, 10)))
    (wide,) = series.write(tmp_path / "wide", range(1, 2), tags=phone((22, 10)))
    library.save(earlier_map(main, series.HOT))
    library.save(DefectMap(read_header(wide).sensor, at(series.HOT[:1])))

    ran = run("fix", main, "--out", tmp_path / "fixed")

    assert "it lists the broken pixels of several" in " ".join(ran.stderr.split())


def test_find_begins_anew_where_a_map_of_before_is_and_leaves_that_map(tmp_path, library):
    (main, *_) = series.write(tmp_path, range(4), tags=phone((38, 10)))
    before = library.save(earlier_map(main, series.HOT))

    first, second = run("find", tmp_path, "--fast"), run("find", tmp_path, "--fast")

    told = "was made before stillpix told this sensor from others"
    assert (told in first.stderr, told in second.stderr) == (True, False)
    assert library.find(before.sensor) == before
    assert library.find(read_header(main).sensor).evidence.photos == 4


# Phones whose photos do not say which of the lenses took them


def phone_of_unknown_lens() -> dict[int, photos.ExifValue]:
    return {271: "HTC", 272: "One M8", 42033: None}


def written(folder):
    """Write photos of two lenses of a phone, and of some that do not say which."""
    series.write(folder / "wide", range(4), tags=phone((22, 10)))
    series.write(folder / "main", range(4, 10), tags=phone((38, 10)))
    return series.write(folder / "app", range(10, 15), tags=phone_of_unknown_lens())


def test_photos_of_an_unknown_lens_beside_those_of_known_ones_make_no_map(tmp_path, library):
    written(tmp_path)

    ran = run("find", tmp_path, "--fast")

    assert ran.exit_code == 1
    assert sorted(found.sensor.which for _, found in library.maps()) == ["2.2 mm", "3.8 mm"]
    (line,) = [line for line in ran.stderr.splitlines() if "not used" in line]
    assert "IMG_0010.JPG and 4 more: does not say which of the phone's lenses took it" in line
    assert "--camera NAME" in line


def test_python_leaves_out_photos_of_an_unknown_lens_until_it_is_named(tmp_path):
    app = written(tmp_path)

    with pytest.warns(UserWarning, match="does not say which of the phone's lenses") as told:
        without = find(tmp_path, fast=True)
    named = find(tmp_path, fast=True, camera="3.8 mm")

    assert len(told) == len(app)
    assert sorted(found.evidence.photos for found in without) == [4, 6]
    assert sorted(found.evidence.photos for found in named) == [4, 6 + len(app)]


def test_photos_of_an_unknown_lens_are_not_repaired_by_a_map_of_all_lenses(tmp_path, library):
    (photo, *_) = written(tmp_path)
    for which in ("", "2.2 mm", "lens unknown"):
        library.save(DefectMap(replace(read_header(photo).sensor, which=which), at(series.HOT)))

    ran = run("fix", photo, "--out", tmp_path / "fixed")

    assert ran.exit_code == 3
    assert "does not say which of the phone's lenses took it" in ran.stderr
    assert not (tmp_path / "fixed" / photo.name).exists()


def test_photos_of_an_unknown_lens_are_repaired_where_a_person_says_so(tmp_path, library):
    (photo, *_) = written(tmp_path)
    unknown = read_header(photo).sensor
    library.save(DefectMap(unknown, at(series.HOT)))
    library.save(DefectMap(replace(unknown, which="Main"), at(series.HOT)))

    ran = [
        run("fix", photo, "--dry-run", "--at", "40,30"),
        run("fix", photo, "--dry-run", "--map", library.map_path(unknown)),
        run("fix", photo, "--dry-run", "--camera", "Main"),
    ]

    assert [each.exit_code for each in ran] == [0, 0, 0]


def test_a_phone_of_which_no_photo_names_a_lens_gets_a_map_that_fix_does_not_take(tmp_path):
    series.write(tmp_path, range(4), tags=phone_of_unknown_lens())

    found = run("find", tmp_path, "--fast")
    fixed = run("fix", tmp_path, "--dry-run")

    assert found.exit_code == 0
    assert "One M8, lens unknown: no broken pixels" in found.stdout
    assert "4 photos of a phone do not say which of its lenses took them" in found.stderr
    assert "stillpix fix" not in found.stdout
    assert fixed.exit_code == 3


def test_an_unlisted_phone_is_known_by_its_other_photos(tmp_path, library):
    words = {271: "Acme", 272: "A9", 42033: None}
    lens = {42036: "A9 back camera 4.2mm f/1.6", FOCAL_LENGTH: (42, 10)}
    series.write(tmp_path / "main", range(4), tags=words | lens)
    (photo, *_) = series.write(tmp_path / "app", range(4, 8), tags=words)

    run("find", tmp_path, "--fast")
    fixed = run("fix", tmp_path, "--dry-run")

    assert [found.sensor.which for _, found in library.maps()] == ["4.2 mm"]
    assert f"{photo} and 3 more: does not say which of the phone's lenses" in fixed.stderr
    assert fixed.exit_code == 1


def test_a_phones_photo_is_repaired_by_python_under_the_name_of_its_lens(tmp_path):
    (photo,) = series.write(tmp_path, range(1), tags=phone_of_unknown_lens())
    main = DefectMap(replace(read_header(photo).sensor, which="Main"), at(series.HOT[:1]))

    with pytest.raises(SensorMismatchError):
        fix(photo, main, tmp_path / "fixed.jpg")
    verdicts = fix(photo, main, tmp_path / "fixed.jpg", camera="Main")

    assert [verdict.outcome for verdict in verdicts] == ["repaired"]

"""Photos that name no camera belong to their folder's, or to the one that a person names."""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.images import read_header
from stillpix.maps import read_map, write_map
from stillpix.maps.records import DefectMap
from stillpix.web.desk import Desk
from support import series
from support.fixing import at

pytestmark = pytest.mark.usefixtures("library")
NAMELESS = {271: None, 272: None, 42033: None}


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


def found(*arguments):
    """Return how many photos the map of each sensor is of, by the sensor's name."""
    ran = run("find", *arguments, "--json", "--fast")
    maps = [entry["map"] for entry in json.loads(ran.stdout)["maps"]]
    return {
        (each["sensor"]["model"], each["sensor"].get("which", "")): each["evidence"]["photos"]
        for each in maps
    }


def of_folder(folder):
    return "unknown", f"folder {os.path.realpath(folder)}"


def nameless(folder, numbers):
    return series.write(folder, numbers, tags=NAMELESS)


def test_two_folders_are_of_two_cameras(tmp_path):
    nameless(tmp_path / "a", range(4))
    nameless(tmp_path / "b", range(4, 9))

    assert found(tmp_path / "a", tmp_path / "b") == {
        of_folder(tmp_path / "a"): 4, of_folder(tmp_path / "b"): 5,
    }  # fmt: skip


def test_two_folders_that_are_given_on_two_days_are_not_mixed(tmp_path, library):
    nameless(tmp_path / "a", range(4))
    nameless(tmp_path / "b", range(4, 9))

    found(tmp_path / "a")
    found(tmp_path / "b")

    assert sorted(kept.evidence.photos for _, kept in library.maps()) == [4, 5]


def test_folders_below_the_one_that_is_given_are_of_one_camera(tmp_path):
    nameless(tmp_path / "2021", range(4))
    nameless(tmp_path / "2022" / "may", range(4, 9))

    assert found(tmp_path) == {of_folder(tmp_path): 9}


def test_a_folder_is_the_same_by_every_name(tmp_path, monkeypatch):
    (photo, *_) = nameless(tmp_path / "a", range(4))
    (tmp_path / "link").symlink_to(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    name = of_folder(tmp_path / "a")

    assert found("a") == found(tmp_path / "link") == found(tmp_path / "a" / ".." / "a")
    assert set(found(photo)) == {name}


def test_a_person_can_name_the_camera(tmp_path):
    nameless(tmp_path / "a", range(4))
    nameless(tmp_path / "b", range(4, 9))
    series.write(tmp_path / "c", range(9, 13))

    assert found(tmp_path / "a", "--camera", "Attic") == {("Attic", ""): 4}
    assert found(tmp_path / "b", tmp_path / "c", "--camera", " Attic ") == {
        ("Attic", ""): 9, ("Example One", ""): 4,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["", " ", "unknown"])
def test_a_name_that_names_nothing_is_refused(name, tmp_path):
    ran = run("find", tmp_path, "--camera", name)

    assert ran.exit_code == 2
    assert "give the camera a name" in " ".join(ran.stderr.split())


def test_find_says_that_photos_name_no_camera_and_what_to_give(tmp_path):
    nameless(tmp_path, range(4))

    assert "do not name the camera that took them" in run("find", tmp_path, "--fast").stderr
    assert "do not name" not in run("find", tmp_path, "--fast", "--camera", "Attic").stderr


def test_fix_takes_the_map_of_the_nearest_folder_above(tmp_path, library):
    (photo,) = nameless(tmp_path / "deep" / "in" / "it", range(1))
    sensor = read_header(photo).sensor
    library.save(DefectMap(sensor.in_folder(os.path.realpath(tmp_path)), at(series.HOT[:1])))
    library.save(
        DefectMap(sensor.in_folder(os.path.realpath(tmp_path / "deep")), at(series.HOT[1:2]))
    )
    library.save(
        DefectMap(sensor.in_folder(os.path.realpath(tmp_path / "beside")), at(series.HOT[2:]))
    )

    ran = run("fix", photo.parent, "--dry-run", "--json")

    [told] = json.loads(ran.stdout)["photos"]
    assert [(place["x"], place["y"]) for place in told["places"]] == [series.HOT[1]]


def test_fix_takes_no_map_of_a_folder_beside_or_below(tmp_path, library):
    (photo,) = nameless(tmp_path / "a", range(1))
    sensor = read_header(photo).sensor
    for folder in ("ab", "b", "a/deep"):
        library.save(
            DefectMap(sensor.in_folder(os.path.realpath(tmp_path / folder)), at(series.HOT))
        )

    assert "of which the library has no map" in run("fix", photo, "--dry-run").stderr


def test_fix_takes_the_map_of_the_camera_that_is_named(tmp_path, library):
    (photo,) = nameless(tmp_path / "a", range(1))
    named = replace(read_header(photo).sensor, model="Attic")
    library.save(DefectMap(named, at(series.HOT)))

    by_name = run("fix", photo, "--out", tmp_path / "fixed", "--camera", "Attic")
    without = run("fix", photo, "--out", tmp_path / "others")

    assert (by_name.exit_code, without.exit_code) == (0, 3)
    assert (tmp_path / "fixed" / photo.name).read_bytes() != photo.read_bytes()


def test_a_map_that_is_named_fits_nameless_photos_of_any_folder(tmp_path):
    (photo,) = nameless(tmp_path / "a", range(1))
    sensor = read_header(photo).sensor.in_folder("/elsewhere")
    write_map(DefectMap(sensor, at(series.HOT)), tmp_path / "m.stillpix.json")

    ran = run("fix", photo, "--out", tmp_path / "fixed", "--map", tmp_path / "m.stillpix.json")

    assert ran.exit_code == 0


def test_a_nameless_photo_is_repaired_in_place_twice(tmp_path, library):
    (photo,) = nameless(tmp_path / "a", range(1))
    sensor = read_header(photo).sensor.in_folder(os.path.realpath(tmp_path / "a"))
    library.save(DefectMap(sensor, at(series.HOT[:1])))
    first = run("fix", photo, "--in-place")
    library.save(DefectMap(sensor, at(series.HOT)))

    second = run("fix", photo, "--in-place")

    assert (first.exit_code, second.exit_code) == (0, 0)


def test_a_list_is_added_to_the_map_that_fix_uses(tmp_path, library):
    (photo,) = nameless(tmp_path / "a", range(1))
    (tmp_path / "list.csv").write_text("x,y\n40,30\n")

    ran = run("import", tmp_path / "list.csv", "--from", "csv", "--photo", photo)

    assert ran.exit_code == 0
    [(path, _)] = library.maps()
    assert read_map(path).sensor.folder == os.path.realpath(tmp_path / "a")
    assert run("fix", photo, "--dry-run").exit_code == 0


def test_the_page_takes_the_name_of_a_camera_too(tmp_path, library):
    nameless(tmp_path / "a", range(4))

    with closing(Desk(library, camera="Attic")) as desk:
        desk.jobs.wait(desk.open(str(tmp_path / "a")))

        assert [sensor.model for sensor in desk.folders.sensors()] == ["Attic"]


def _write_nameless(folder, numbers, *, mirrored):
    """Write photos that name no camera; mirrored, the hot pixels are another sensor's."""
    folder.mkdir(parents=True)
    for number in numbers:
        pixels = series.scene(number)
        pixels = pixels[:, ::-1].copy() if mirrored else pixels
        (folder / f"{number}.jpg").write_bytes(series.jpeg(pixels, NAMELESS))


@pytest.mark.parametrize("two", [True, False])
def test_two_cameras_under_one_name_are_told_by_their_pixels(tmp_path, two):
    _write_nameless(tmp_path / "pool" / "A", range(10), mirrored=False)
    _write_nameless(tmp_path / "pool" / "B", range(10, 20), mirrored=two)

    ran = CliRunner().invoke(
        app,
        ["find", str(tmp_path / "pool"), "--camera", "Attic", "--out", str(tmp_path / "a.json"),
         "--fast"],
    )  # fmt: skip

    said = " ".join(ran.output.split())
    assert ran.exit_code == 0, ran.output
    assert ("these are two cameras" in said) is two
    assert ("with another --camera NAME for each" in said) is two


def test_photos_of_another_camera_are_taken_out_again(tmp_path, library):
    _write_nameless(tmp_path / "pool" / "A", range(10), mirrored=False)
    _write_nameless(tmp_path / "pool" / "B", range(10, 20), mirrored=True)
    run("find", tmp_path / "pool", "--camera", "Attic", "--fast")
    alone = run("find", tmp_path / "pool" / "A", "--camera", "Attic", "--out", tmp_path / "a.json",
                "--fast")  # fmt: skip

    ran = run("library", "Attic", "--take-out", tmp_path / "pool" / "B")

    assert (alone.exit_code, ran.exit_code) == (0, 0), ran.output
    assert "10 photos taken out" in ran.output
    ((_, left),) = library.maps()
    assert left.evidence.photos == 10
    assert left.defects == read_map(tmp_path / "a.json").defects


def test_two_folders_of_one_camera_are_made_one(tmp_path, library):
    for name, numbers in (("One", range(8)), ("Two", range(8, 16))):
        _write_nameless(tmp_path / name, numbers, mirrored=False)
        run("find", tmp_path / name, "--camera", name, "--fast")
    run("find", tmp_path / "One", tmp_path / "Two", "--camera", "One", "--out",
        tmp_path / "a.json", "--fast")  # fmt: skip

    ran = run("library", "One", "--merge", "Two")

    assert ran.exit_code == 0, ran.output
    ((_, left),) = library.maps()
    assert left.sensor.model == "One"
    assert left.evidence.photos == 16
    assert [(one.x, one.y, one.score) for one in left] == [
        (one.x, one.y, one.score) for one in read_map(tmp_path / "a.json")
    ]


def test_photos_that_are_none_of_its_own_take_nothing_out(tmp_path, library):
    _write_nameless(tmp_path / "A", range(6), mirrored=False)
    _write_nameless(tmp_path / "B", range(6, 8), mirrored=False)
    run("find", tmp_path / "A", "--camera", "Attic", "--fast")
    before = library.maps()

    ran = run("library", "Attic", "--take-out", tmp_path / "B")

    assert ran.exit_code != 0
    assert "none of these photos is in its evidence" in " ".join(ran.output.split())
    assert library.maps() == before

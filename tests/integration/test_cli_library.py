"""`stillpix library` as a person sees it: the list, names for the nameless, and forgetting."""

from __future__ import annotations

import json
import shutil

import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.frame import Sensor
from stillpix.maps.records import DefectMap
from support import series

pytestmark = pytest.mark.usefixtures("library")
NAMELESS = {271: None, 272: None, 42033: None}


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture(scope="module")
def found_once(tmp_path_factory):
    """Return a folder with photos of a nameless camera and of another, and a library of both."""
    base = tmp_path_factory.mktemp("two")
    series.write(base / "named", range(4))
    series.write(base / "nameless", range(4, 9), tags=NAMELESS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILLPIX_LIBRARY", str(base / "library"))
        run("find", base / "named", base / "nameless")
    return base


@pytest.fixture
def photos_of_two(found_once, library):
    """Return a folder of a nameless camera; the library has its map, and that of another."""
    shutil.copytree(found_once / "library", library.root, dirs_exist_ok=True)
    assert len(library.maps()) == 2
    return found_once / "nameless"


def kept(library):
    return {found.sensor.model: found for _, found in library.maps()}


def files(library):
    return sorted(path for path in library.root.rglob("*") if path.suffix != ".lock")


def test_an_empty_library_says_how_to_fill_it(library):
    ran = run("library")

    assert ran.exit_code == 0
    assert f"the library {library.root} has no maps yet" in ran.stdout


def test_the_list_names_each_sensor_with_its_sizes_on_disk(photos_of_two, library):
    told = json.loads(run("library", "--json").stdout)

    rows = {row["name"]: row for row in told["sensors"]}
    for path, found in library.maps():
        folder = library.evidence_path(found.sensor)
        row = rows[found.sensor.name]
        assert row["photos"] == found.evidence.photos
        assert row["map"] == len(path.read_bytes())
        assert row["evidence"] == sum(len(f.read_bytes()) for f in folder.rglob("*") if f.is_file())
        assert found.sensor.name in run("library").stdout


def test_a_nameless_camera_gets_a_name_and_keeps_what_it_has(photos_of_two, library):
    before = kept(library)["unknown"]

    ran = run("library", "nameless", "--rename", "Attic")

    after = kept(library)["Attic"]
    assert ran.exit_code == 0
    assert after.defects == before.defects
    assert "unknown" not in kept(library)
    again = json.loads(run("find", photos_of_two, "--camera", "Attic", "--json").stdout)["maps"][0]
    assert (again["read"], again["known"], again["looked"]) == (0, 5, 0)
    assert run("fix", photos_of_two, "--camera", "Attic", "--dry-run").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("Example One", "--rename", "Attic"), "its photos name the camera"),
        (("nothing", "--forget"), "no map of 'nothing'"),
        (("Example One",), "say what to do with it"),
        (("--forget",), "name the camera"),
        (("Example One", "--rename", "Attic", "--forget"), "give one of them"),
        (("Example One", "--forget", "--json"), "works only for the list"),
        (("nameless", "--rename", " "), "give the camera a name"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    arguments, words, photos_of_two, library
):
    before = files(library)

    ran = run("library", *arguments)

    assert ran.exit_code in {2, 3}
    assert words in " ".join(ran.stderr.split())
    assert files(library) == before


def test_two_cameras_are_never_joined_by_one_name(photos_of_two, library):
    run("find", photos_of_two, "--camera", "Attic")
    before = files(library)

    ran = run("library", "nameless", "--rename", "Attic")

    assert "the library has Attic, 160x120 already" in ran.stderr
    assert files(library) == before


@pytest.mark.parametrize("named", [("nameless",), ()])
def test_cleaning_frees_the_evidence_and_keeps_every_map_and_mark(named, photos_of_two, library):
    before, keeps = kept(library), {found.sensor for _, found in library.maps()}
    listed = json.loads(run("library", "--json").stdout)["sensors"]

    ran = run("library", *named, "--clean")

    assert ran.exit_code == 0
    assert "freed; the map is kept" in ran.stdout
    assert kept(library) == before
    left = {sensor for sensor in keeps if library.evidence_path(sensor).exists()}
    assert {sensor.model for sensor in left} == ({"Example One"} if named else set())
    assert all(row["evidence"] > 0 for row in listed)
    again = json.loads(run("find", photos_of_two, "--json").stdout)["maps"][0]
    assert (again["read"], again["known"]) == (5, 0)


def test_a_camera_that_is_forgotten_leaves_nothing_and_the_others_stay(photos_of_two, library):
    named = kept(library)["Example One"]

    ran = run("library", "nameless", "--forget")

    assert ran.exit_code == 0
    assert kept(library) == {"Example One": named}
    assert [path.name for path in (library.root / "evidence").iterdir()] == [
        library.evidence_path(named.sensor).name
    ]
    assert len(list(photos_of_two.iterdir())) == 5


def test_a_name_of_several_maps_forgets_none_and_each_is_named(library):
    sensors = [
        Sensor("Phone", "Phone 9", "77", 400, 300, which=which) for which in ("2 mm", "6 mm")
    ]
    for sensor in sensors:
        library.save(DefectMap(sensor))

    ran = run("library", "Phone 9", "--forget")

    assert ran.exit_code == 2
    assert "means 2 maps; give one of" in " ".join(ran.stderr.split())
    assert len(library.maps()) == 2
    for sensor in sensors:
        assert sensor.name in " ".join(ran.stderr.split())
    assert run("library", sensors[0].name, "--forget").exit_code == 0
    assert [found.sensor.which for _, found in library.maps()] == ["6 mm"]


def test_unknown_is_no_name(photos_of_two, library):
    ran = run("library", "unknown", "--rename", "Attic")

    assert ran.exit_code == 0, ran.stderr
    assert set(kept(library)) == {"Attic", "Example One"}

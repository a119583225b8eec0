"""`stillpix show --fleet`: many bodies, those that got worse first."""

from __future__ import annotations

import json
from datetime import date, datetime

import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.frame import Sensor
from stillpix.maps.fleet import standing_of, worst_first
from stillpix.maps.records import Defect, DefectMap, EvidenceSummary, Run

LAST = datetime(2026, 6, 30)
OLD = (date(2026, 1, 1), date(2026, 1, 3))
NEW = (date(2026, 6, 20), date(2026, 6, 24))
UNSURE = (date(2026, 5, 1), date(2026, 6, 29))


def body(serial, *since, width=1000, height=1000, **more):
    pixels = [
        Defect(x=x, y=5, state="confirmed", since=days, **more) for x, days in enumerate(since)
    ]
    summary = EvidenceSummary(9, 9, first=datetime(2026, 1, 1), last=LAST)
    sensor = Sensor("Example Works", "Example One", serial, width, height)
    return DefectMap(sensor, tuple(pixels), summary)


def run(*arguments):
    return CliRunner().invoke(app, ["show", *map(str, arguments), "--fleet"])


@pytest.fixture
def fleet(library):
    for each in (body("1", OLD, OLD, OLD), body("2", OLD, NEW), body("3"), body("4", UNSURE)):
        library.save(each)
    return library


def test_bodies_that_got_worse_come_first_then_those_with_more_broken_pixels(fleet):
    result = run("--json")

    bodies = json.loads(result.stdout)["bodies"]
    assert [each["name"].partition("serial ")[2][0] for each in bodies] == ["2", "1", "4", "3"]
    assert [(each["broken"], each["lately"]) for each in bodies] == [(2, 1), (3, 0), (1, 0), (0, 0)]


def test_the_table_has_one_row_per_body(fleet):
    result = run()

    first, heads, *rows = result.stdout.splitlines()
    assert first == "4 maps; 1 got worse in the last 30 days of photos"
    assert heads.split()[:2] == ["body", "MP"]
    assert len(rows) == 4
    assert "2026-06-30" in rows[0]


def test_more_days_count_more_as_lately(fleet):
    document = json.loads(run("--json", "--days", "90").stdout)

    assert sorted(each["lately"] for each in document["bodies"]) == [0, 0, 1, 1]


def test_the_course_counts_what_was_broken_by_each_day():
    one = standing_of(body("1", OLD, NEW, NEW, None), 30)

    assert one.course == ((date(2026, 1, 2), 2), (date(2026, 6, 22), 4))
    assert (one.broken, one.undated) == (4, 1)


def test_all_pixels_of_a_column_count_and_candidates_do_not():
    column = Defect(x=3, y=0, state="accepted", run=Run("column", 0, 99))
    found = DefectMap(body("1").sensor, (column, Defect(x=1, y=1)))

    one = standing_of(found, 30)

    assert (one.broken, one.per_megapixel, one.last) == (100, 100.0, None)


def test_the_order_does_not_depend_on_that_of_the_files():
    fleet = [standing_of(body(serial, OLD), 30) for serial in "312"]

    assert worst_first(fleet) == worst_first(reversed(fleet))


def test_a_folder_of_maps_is_a_fleet_and_a_damaged_map_is_named(fleet):
    folder = fleet.root / "maps"
    (folder / "a.stillpix.json").write_text("{")

    result = run(folder)

    assert result.exit_code == 1
    assert "a.stillpix.json" in result.stderr
    assert result.stdout.startswith("4 maps")


def test_a_thousand_bodies_are_shown(tmp_path, library):
    from stillpix.maps import write_map

    for number in range(1000):
        write_map(body(str(number), OLD), tmp_path / f"{number}.stillpix.json")

    assert len(json.loads(run(tmp_path, "--json").stdout)["bodies"]) == 1000


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--timeline",), 2, "shows many maps; leave out --timeline and --report"),
        (("no-such-folder",), 2, "takes a folder of maps, and no-such-folder is none"),
        ((".",), 3, "no map in .; `stillpix find PHOTOS` makes one"),
    ],
)
def test_what_makes_no_fleet_is_one_line(arguments, status, said, library, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    result = run(*arguments)

    assert result.exit_code == status
    assert said in " ".join(result.stderr.split())


def test_lately_is_before_the_last_photo_not_before_today():
    long_ago = body("1", (date(1999, 6, 20), date(1999, 6, 21)))
    found = DefectMap(
        long_ago.sensor, long_ago.defects, EvidenceSummary(9, 9, last=datetime(1999, 6, 22))
    )

    assert standing_of(found, 30).lately == 1
    assert standing_of(found, 1).lately == 0

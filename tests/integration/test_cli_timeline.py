"""`stillpix show MAP --timeline`: what is drawn with a log, without one, and on any terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from typer.testing import CliRunner

from stillpix.cli import app, timeline
from stillpix.cli.timeline import ASCII_MARKS, MARKS, Axis
from stillpix.detection.dates import dated
from stillpix.evidence.measures import MEASURES
from stillpix.evidence.sightings import LOG_NAME, Sighting, Sightings
from stillpix.frame import Exposure, Sensor
from stillpix.maps import write_map
from stillpix.maps.records import Defect, DefectMap, EvidenceSummary
from support import costs

SENSOR = Sensor("NIKON CORPORATION", "NIKON D3200", "8964244", 3008, 2000)
FIRST = datetime(2019, 7, 11, 12)
DAYS = range(0, 900, 30)
BROKE, MENDED = 300, 600  # days
OLD, NEW, GONE, GUESS, REFUSED = (2797, 791), (55, 60), (1200, 9), (700, 700), (8, 8)


def log_of(tmp_days=DAYS):
    """Return a log of photos a month apart: one pixel always broken, one since, one until."""
    log = Sightings(SENSOR)
    log.list_places([OLD, NEW, GONE, GUESS])
    for number, day in enumerate(tmp_days):
        sigmas = (9.0, 9.0 * (day >= BROKE), 9.0 * (day < MENDED), 0.0)
        said = np.array([(each, 0.4, 0.6, 0.3, 4 * each) for each in sigmas], np.float16)
        assert said.shape == (4, MEASURES)
        if day == 60:
            said[:, 1:3] = 0  # a photo of nothing but white
        if day == 390:
            said[:] = np.nan  # not looked at
        taken = FIRST + timedelta(days=day)
        log.photos[f"{number:03}"] = Sighting(Exposure(0.02, 4.0, taken), said)
    return log


def map_of(log):
    kinds = ((OLD, "hot"), (NEW, "offset"), (GONE, "stuck"))
    defects = [Defect(x=x, y=y, kind=kind, state="confirmed") for (x, y), kind in kinds]
    defects += [
        Defect(x=GUESS[0], y=GUESS[1]),
        Defect(x=REFUSED[0], y=REFUSED[1], state="rejected"),
    ]
    last = FIRST + timedelta(days=DAYS[-1])
    return dated(DefectMap(SENSOR, tuple(defects), EvidenceSummary(30, 30, FIRST, last)), log)


@pytest.fixture
def filled(library):
    log = log_of()
    library.save(map_of(log))
    folder = library.evidence_path(SENSOR)
    folder.mkdir(parents=True)
    log.save(folder / LOG_NAME)
    return library


def shown(*arguments, columns=80):
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(app, ["show", *map(str, arguments)])


def rows_of(output):
    """Return what is drawn of each place."""
    found = {}
    for line in output.splitlines():
        place, *rest = line.strip().split(" ", 1)
        if place.replace(",", "").isdigit() and "," in place:
            kind = rest[0].split()[0]
            start = line.index(kind) + len("unknown") + 2
            found[tuple(map(int, place.split(",")))] = line[start:]
    return found


def test_a_row_shows_what_each_stretch_of_time_said(filled):
    drawn = shown("D3200", "--timeline")
    rows = rows_of(drawn.output)
    old, new, gone = rows[OLD], rows[NEW], rows[GONE]

    assert drawn.exit_code == 0
    assert set(old) <= set("▓█· ")
    assert old.startswith("▓")
    assert new.strip("○· ").startswith("░░▓")
    assert set(new.partition("░")[0]) == {"○", "·", " "}
    assert "○" not in new.partition("▓")[2]
    assert set(gone.rpartition("○")[0]) >= {"█", "○"}
    assert gone.rstrip().endswith("○")
    assert len(old.rstrip()) == len(gone.rstrip())


def test_years_stand_where_they_begin(filled):
    heading, first, *_ = shown("D3200", "--timeline").output.splitlines()[1:]
    column = heading.index("|2020") - first.index("▓")

    days = (datetime(2020, 1, 1) - FIRST).days / DAYS[-1]
    width = len(rows_of(shown("D3200", "--timeline").output)[OLD])
    assert "|2021" in heading
    assert abs(column - days * width) <= 2


def test_the_broken_come_first_the_oldest_before_the_newest_and_rejected_ones_not_at_all(filled):
    assert list(rows_of(shown("D3200", "--timeline").output)) == [OLD, GONE, NEW, GUESS]


@pytest.mark.parametrize("columns", [20, 60, 80, 300])
def test_it_fits_the_terminal(filled, columns):
    lines = shown("D3200", "--timeline", columns=columns).output.splitlines()[1:]

    assert max(map(len, lines[:-2])) <= max(columns, 45)
    assert max(map(len, lines)) <= max(columns, 60)


def test_a_terminal_without_the_letters_gets_plain_ones(filled):
    said = subprocess.run(
        [sys.executable, "-m", "stillpix", "show", "D3200", "--timeline"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "60"},
        check=True,
        timeout=costs.LONGEST_S,
    )

    lines = said.stdout.decode("ascii").splitlines()
    rows = rows_of("\n".join(lines))
    assert set("".join(rows.values())) <= set(ASCII_MARKS)
    assert rows[OLD].startswith("%#")
    assert "# shows it  o could show it, but does not" in lines
    assert b"\x1b" not in said.stdout


def test_marks_that_mean_different_things_look_different():
    for marks in (MARKS, ASCII_MARKS):
        shapes = {marks[index] for index in (0, 1, 2, 3, 4, 6, 8)}
        assert len(shapes) == 7
        assert marks[5] == marks[1]
        assert all(len(mark) == 1 for mark in marks)


def test_a_map_file_alone_shows_the_dates_it_holds(tmp_path, library):
    path = tmp_path / "alone.stillpix.json"
    write_map(map_of(log_of()), path)

    drawn = shown(path, "--timeline", columns=60)

    rows = rows_of(drawn.output)
    assert drawn.exit_code == 0
    assert rows[OLD].rstrip() == "░" + "─" * (len(rows[OLD].rstrip()) - 1)
    assert rows[NEW].strip().strip("─").strip("░") == ""
    assert rows[NEW].index("░") == pytest.approx(len(rows[OLD]) / 3, abs=2)
    assert rows[GONE].strip().startswith("░─") and rows[GONE].strip().endswith("─░░"[-2:])
    assert "─ broken" in drawn.output


def test_a_damaged_log_is_named_and_the_dates_are_shown(filled):
    path = filled.evidence_path(SENSOR) / LOG_NAME
    path.write_bytes(b"PK")

    drawn = shown("D3200", "--timeline")

    assert drawn.exit_code == 0
    assert "the saved sightings cannot be used" in drawn.stderr
    assert rows_of(drawn.stdout)[OLD].startswith("░─")


def test_a_map_without_dates_says_how_to_get_them(library):
    library.save(DefectMap(SENSOR, (Defect(x=3, y=4, state="confirmed"),)))

    drawn = shown("D3200", "--timeline")

    assert drawn.exit_code == 0
    assert "stillpix does not know when they began; run `stillpix find`" in drawn.output


def test_json_holds_the_dates_and_a_mark_a_photo(filled):
    document = json.loads(shown("D3200", "--timeline", "--json").stdout)

    entry = next(one for one in document["timeline"] if (one["x"], one["y"]) == GONE)
    assert document["format"] == "stillpix-map"
    assert entry["since"] == ["2019-07-11", "2019-07-11"]
    assert entry["until"] == ["2021-01-31", "2021-03-02"]
    assert entry["photos"][0] == "2019-07-11T12:00:00"
    assert entry["says"] == "##.##########" + " " + "######" + "o" * 10
    assert len(entry["photos"]) == len(entry["says"]) == len(DAYS)


def test_the_timeline_of_the_only_map_needs_no_name(filled):
    assert shown("--timeline").stdout == shown("--timeline", "D3200").stdout


def test_the_timeline_is_of_one_map(filled):
    filled.save(replace(map_of(log_of()), sensor=replace(SENSOR, serial="2")))

    refused = shown("--timeline")

    assert refused.exit_code == 2
    assert "--timeline shows one map" in refused.stderr


def test_photos_of_one_hour_have_an_axis(library):
    log = log_of([0.001 * number for number in range(8)])
    found = map_of(log)
    evidence = EvidenceSummary(8, 8, FIRST, FIRST + timedelta(minutes=10))

    labels = Axis(evidence.first, evidence.last, 40).labels()
    library.save(replace(found, evidence=evidence))

    assert labels == "|2019-07-11 12:00"
    assert rows_of(shown("D3200", "--timeline").output)[OLD].strip("░─ ") == ""


@pytest.mark.parametrize("days", [0, 1, 30, 400, 2000])
def test_the_last_day_of_the_calendar_can_be_drawn(library, days):
    last = date(9999, 12, 31)
    since = last - timedelta(days=days)
    library.save(DefectMap(SENSOR, (Defect(x=3, y=4, state="confirmed", since=(since, last)),)))

    drawn = shown("D3200", "--timeline")

    assert drawn.exit_code == 0, drawn.exception
    assert set(rows_of(drawn.output)[3, 4].strip()) == {"░"}


def test_a_moment_on_or_beyond_the_ends_is_drawn_at_the_ends():
    axis = Axis(FIRST, FIRST + timedelta(days=10), 50)

    days = [axis.column(FIRST + timedelta(days=day)) for day in (-3, 0, 5, 10, 99)]

    assert days == [0, 0, 25, 49, 49]
    assert Axis(FIRST, FIRST, 30).column(FIRST) == 0


@pytest.mark.parametrize(
    ("since", "until", "row"),
    [
        ((0, 0), None, "░─────────"),
        ((3, 5), None, "   ░░░────"),
        ((0, 2), (6, 7), "░░░───░░  "),
    ],
)
def test_dates_alone_are_drawn_as_whole_days(since, until, row):
    def days(span):
        return span and tuple(date(2020, 5, 1) + timedelta(days=day) for day in span)

    axis = Axis(datetime(2020, 5, 1), datetime(2020, 5, 11), 10)
    defect = Defect(x=1, y=2, since=days(since), until=days(until))

    drawn = timeline._row(axis, defect, None, MARKS)

    assert drawn == row

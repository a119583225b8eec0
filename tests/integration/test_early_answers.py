"""What find says before its end, and where it stops: with and without `--enough`."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.images.gather import gather
from stillpix.maps.library import Library
from stillpix.maps.map_file import as_text
from stillpix.scan import early, scan
from stillpix.scan.early import spread
from stillpix.watch import Watch
from support import series

PHOTOS, JUDGED = 140, [16, 32, 64, 128]  # the last judgement tells that they are enough
CHEAP = 0.5  # photos that a judgement costs: so that a short series is judged as a long one is


class Told(Watch):
    """Keeps what was said early, and may stop a scan at that."""

    def __init__(self, *, stops=False):
        self.sure, self.stops = [], stops

    def so_far(self, sure, photos):
        self.sure.append((photos, sorted(sure)))

    def stop(self):
        return self.stops and bool(self.sure)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    series.write(folder, range(PHOTOS))
    return folder


@pytest.fixture
def cheap(monkeypatch):
    monkeypatch.setattr(early, "OF_LARGE", CHEAP)
    monkeypatch.setattr(early, "OF_SMALL", 0.0)


def scanned(folder, watch=None, library=None, **options):
    (body,) = scan(
        gather([folder]), watch=watch, library=library, fast=True, with_evidence=True, **options
    )
    return body


# What is told


def test_what_is_sure_is_told_while_photos_are_read(folder, cheap):
    watch = Told()

    body = scanned(folder, watch)

    assert [photos for photos, _ in watch.sure] == JUDGED
    assert watch.sure[-1][1] == sorted(series.HOT)
    assert (body.read, body.spared, body.left) == (PHOTOS, 0, 0)


def test_sums_and_map_are_the_same_with_and_without_early_answers(folder, monkeypatch):
    def of_a_scan():
        kept = []
        for body in scan(gather([folder]), fast=True, with_evidence=True):
            arrays = {name: sums.copy() for name, sums in body.evidence.all_arrays().items()}
            kept.append((as_text(body.map), arrays))
        return kept[0]

    monkeypatch.setattr(early, "SHARE", 0.0)
    plain, sums = of_a_scan()
    monkeypatch.setattr(early, "SHARE", 1.0)
    monkeypatch.setattr(early, "OF_SMALL", 0.0)
    told, again = of_a_scan()

    assert told == plain
    assert sums.keys() == again.keys()
    assert all(np.array_equal(sums[name], again[name]) for name in sums)


# Where it stops


@pytest.mark.parametrize("jobs", [1, 3])
def test_enough_stops_where_more_photos_change_nothing_that_matters(folder, cheap, jobs):
    watch = Told()

    body = scanned(folder, watch, enough=True, jobs=jobs)

    assert (body.read, body.spared, body.left) == (JUDGED[-1], PHOTOS - JUDGED[-1], 0)
    assert body.missed <= early.MISSED
    assert {(one.x, one.y) for one in body.map.in_state("confirmed")} == set(series.HOT)
    assert body.map.evidence.photos == JUDGED[-1]


def test_photos_that_tell_too_little_are_all_read(tmp_path, cheap):
    series.write(tmp_path, range(60))

    body = scanned(tmp_path, enough=True)

    assert (body.read, body.spared, body.missed) == (60, 0, None)


def test_the_map_of_enough_photos_is_that_of_these_photos(folder, cheap):
    chosen = spread(gather([folder]).bodies.popitem()[1])[: JUDGED[-1]]

    body = scanned(folder, enough=True)
    (alone,) = scan(gather([each.path for each in chosen]), fast=True)

    assert as_text(body.map) == as_text(alone.map)


def test_a_second_run_reads_nothing_and_one_without_the_option_reads_the_rest(
    folder, cheap, tmp_path, monkeypatch
):
    library = Library(tmp_path / "library")
    scanned(folder, library=library, enough=True)
    monkeypatch.setattr(early, "FIRST", 4)  # few photos are left, and asked about all the same

    again = scanned(folder, library=library, enough=True)
    rest = scanned(folder, library=library)

    assert (again.read, again.spared) == (0, PHOTOS - JUDGED[-1])
    assert (rest.read, rest.spared, rest.known) == (PHOTOS - JUDGED[-1], 0, JUDGED[-1])
    assert rest.map.evidence.photos == PHOTOS


def test_newer_photos_are_read_although_older_ones_were_enough(folder, cheap, tmp_path):
    library = Library(tmp_path / "library")
    scanned(folder, library=library, enough=True)
    newer = tmp_path / "newer"
    series.write(newer, range(PHOTOS, PHOTOS + 40), tags={0x9003: "2031:01:01 12:00:00"})

    body = scanned(newer, library=library, enough=True)

    assert body.read >= 16


def test_a_scan_that_a_person_stops_is_no_scan_of_enough_photos(folder, cheap):
    body = scanned(folder, Told(stops=True), enough=True)

    assert (body.read, body.left, body.spared) == (20, PHOTOS - 20, 0)  # those being read, too


def test_each_body_is_judged_by_its_own_photos(folder, cheap, tmp_path):
    series.write(tmp_path, range(20), tags={42033: "777"})

    bodies = list(scan(gather([folder, tmp_path]), fast=True, enough=True))

    assert sorted((body.read, body.spared) for body in bodies) == [
        (20, 0), (JUDGED[-1], PHOTOS - JUDGED[-1]),
    ]  # fmt: skip


def test_the_command_says_why_it_stopped(folder, cheap, tmp_path):
    out = tmp_path / "a.stillpix.json"

    ran = CliRunner().invoke(app, ["find", str(folder), "--enough", "--fast", "--out", str(out)])
    as_json = CliRunner().invoke(
        app, ["find", str(folder), "--enough", "--fast", "--json", "--out", str(out), "--verbose"]
    )

    assert ran.exit_code == 0
    assert f"{PHOTOS - JUDGED[-1]} photos not read: of the pixels that show clearly" in ran.stdout
    assert json.loads(as_json.stdout)["maps"][0]["spared"] == PHOTOS - JUDGED[-1]
    assert f"3 sure after {JUDGED[-1]} different photos: " in as_json.stderr

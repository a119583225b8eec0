"""A zoom whose distortion the camera corrects: one map, whatever the focal length."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from stillpix import find
from stillpix.cli import app
from stillpix.images import read_header
from stillpix.maps import read_map, write_map
from stillpix.maps.map_file import as_text
from stillpix.maps.records import DefectMap
from stillpix.scan import first_look
from stillpix.scan import straightened as scan_straightened
from support import straightened
from support.fixing import at, decoded

PHOTOS = 36


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return a zoom's photos, and their map as `find` writes it."""
    folder = tmp_path_factory.mktemp("straightened")
    paths = straightened.write(folder / "photos", PHOTOS)
    ran = run("find", folder / "photos", "--out", folder / "a.json", "--fast", "--verbose")
    assert ran.exit_code == 0, ran.output
    return folder, paths, ran


@pytest.mark.slow
def test_each_broken_pixel_is_one_entry_where_the_law_says(found):
    folder, _, _ = found
    told = read_map(folder / "a.json")

    places = np.array([(one.x, one.y) for one in told.in_state("confirmed")], float)
    for focal in (24.0, 35.0, 50.0, 70.0):
        in_picture = told.laws[0].in_picture(places, focal, straightened.SIZE)
        for x, y in straightened.ALL:
            true = straightened.stored_at(x, y, focal)
            assert (np.hypot(*(in_picture - true).T) < 1.5).sum() == 1
    assert len(places) <= len(straightened.ALL) + 2


@pytest.mark.slow
def test_find_says_what_the_places_are(found):
    _, _, ran = found

    assert "corrects its lens's distortion" in ran.output
    assert straightened.LENS in ran.output


@pytest.mark.slow
def test_each_photo_is_repaired_where_its_focal_length_shows_the_pixel(found, tmp_path):
    folder, paths, _ = found
    x, y = straightened.BROKEN[-2]

    ran = run("fix", *paths[:6], "--map", folder / "a.json", "--out", tmp_path)

    assert ran.exit_code == 0, ran.output
    for n, path in enumerate(paths[:6]):
        at_x, at_y = map(round, straightened.stored_at(x, y, 24.0 + (n * 17) % 47))
        before, after = decoded(path.read_bytes()), decoded((tmp_path / path.name).read_bytes())
        near = slice(at_y - 1, at_y + 2), slice(at_x - 1, at_x + 2)
        assert after[near].max() < before[near].max() - 25


@pytest.mark.slow
def test_a_photo_that_tells_no_focal_length_is_left_with_the_reason(found, tmp_path):
    folder, _, _ = found
    (untold,) = straightened.write(tmp_path / "photos", 1, named=False)

    ran = run("fix", untold, "--map", folder / "a.json", "--out", tmp_path / "out")

    assert ran.exit_code == 3
    assert "tells no focal length" in ran.output


@pytest.mark.slow
def test_no_list_is_written_of_places_that_move(found, tmp_path):
    folder, _, _ = found

    ran = run("export", folder / "a.json", "--to", "csv", "--out", tmp_path / "a.csv")

    assert ran.exit_code != 0
    assert "moves with the focal length" in " ".join(ran.output.split())
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.slow
def test_what_a_first_find_leaves_out_is_told_once_and_not_as_an_earlier_photo(tmp_path):
    straightened.write(tmp_path / "photos", PHOTOS)
    stranger = straightened.series.jpeg(straightened.picture(PHOTOS, 35.0), {})
    (tmp_path / "photos" / "stranger.jpg").write_bytes(stranger)

    ran = run("find", tmp_path / "photos", "--out", tmp_path / "a.json", "--fast")

    said = " ".join(ran.output.split())
    assert "left out: 1 photo of another lens or focal length" in said
    assert "earlier finds" not in said


@pytest.mark.slow
def test_later_photos_join_the_map_and_none_is_read_twice(tmp_path, library):
    straightened.write(tmp_path / "photos", PHOTOS)
    run("find", tmp_path / "photos", "--fast")
    straightened.write(tmp_path / "photos", PHOTOS + 2)

    ran = run("find", tmp_path / "photos", "--fast", "--json")

    (told,) = json.loads(ran.stdout)["maps"]
    assert told["map"]["evidence"]["photos"] == PHOTOS + 2
    assert len(told["map"]["laws"]) == 1


@pytest.mark.slow
def test_a_zoom_whose_places_stay_gets_the_map_it_had_to_the_bit(tmp_path, monkeypatch):
    straightened.write(tmp_path, 20, corrected_as=24.0)
    (now,) = find(tmp_path, fast=True)

    for module in (first_look, scan_straightened):
        monkeypatch.setattr(module, "has_zoom", lambda _: False)
    (before,) = find(tmp_path, fast=True)

    assert len(now) >= len(straightened.ALL)
    assert as_text(now) == as_text(before)


@pytest.mark.slow
def test_a_raw_map_is_laid_on_ten_jpegs_by_the_law_that_they_show(tmp_path):
    paths = straightened.write(tmp_path / "photos", 10)
    jpegs = read_header(paths[0]).sensor
    margins = replace(jpegs, layout="bayer-RGGB", width=jpegs.width + 16, height=jpegs.height + 8)
    places = [(x + 8, y + 4) for x, y in straightened.ALL]
    raw = DefectMap(margins, at(places))
    write_map(raw, tmp_path / "raw.json")

    ran = run("fix", *paths, "--map", tmp_path / "raw.json", "--out", tmp_path / "fixed")

    assert ran.exit_code == 0, ran.output
    assert "learned from 10 of them" in ran.output
    x, y = straightened.BROKEN[-2]
    for n, path in enumerate(paths):
        at_x, at_y = map(round, straightened.stored_at(x, y, 24.0 + (n * 17) % 47))
        before = decoded(path.read_bytes())
        after = decoded((tmp_path / "fixed" / path.name).read_bytes())
        near = slice(at_y - 1, at_y + 2), slice(at_x - 1, at_x + 2)
        assert after[near].max() < before[near].max() - 15

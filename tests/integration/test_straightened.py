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
from stillpix.maps.lens_laws import LensLaw
from stillpix.maps.map_file import as_text
from stillpix.maps.records import DefectMap
from stillpix.scan import first_look, standing
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

    for module in (first_look, scan_straightened, standing):
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


@pytest.mark.slow
def test_where_no_law_can_be_told_the_map_is_of_one_focal_length_and_says_so(tmp_path, library):
    """Too few photos of other focal lengths: they join once there are more."""
    focal = [24] * 10 + [50, 66]
    paths = straightened.write(tmp_path / "photos", len(focal), focal_lengths=focal)

    ran = run("find", tmp_path / "photos", "--json")

    (told,) = json.loads(ran.stdout)["maps"]
    assert told["map"]["evidence"]["photos"] == 10
    assert told["map"]["laws"][0]["focal_mm"] == [24]
    left = run("fix", *paths[-2:], "--out", tmp_path / "fixed")
    assert "not known whether its camera straightens the lens" in " ".join(left.output.split())
    assert left.exit_code == 3
    fixed = run("fix", *paths[:2], "--out", tmp_path / "fixed")
    assert fixed.exit_code == 0

    more = [*focal, 30, 38, 46, 54, 60, 70]
    straightened.write(tmp_path / "photos", len(more), focal_lengths=more)
    again = run("find", tmp_path / "photos", "--fast", "--json")

    (told,) = json.loads(again.stdout)["maps"]
    assert told["map"]["evidence"]["photos"] == len(more)
    assert len(told["map"]["laws"][0]["focal_mm"]) > 2


@pytest.mark.slow
def test_few_photos_say_that_they_do_not_tell(tmp_path):
    straightened.write(tmp_path / "photos", 6)

    ran = run("find", tmp_path / "photos", "--out", tmp_path / "a.json", "--fast")

    assert "do not tell whether this camera straightens its lens" in " ".join(ran.output.split())


@pytest.mark.slow
def test_shards_of_a_camera_that_corrects_make_no_map(tmp_path):
    straightened.write(tmp_path / "photos", 24)
    run("shard", "plan", tmp_path / "photos", "--out", tmp_path / "plan", "--photos", "12")
    run("shard", "run", *sorted((tmp_path / "plan").glob("*__0*")))

    ran = run("merge", tmp_path / "plan", "--out", tmp_path / "maps", "--fast")

    assert "sums of shards do not know where" in " ".join(ran.output.split())
    assert not list((tmp_path / "maps").glob("*.json"))


@pytest.fixture
def opened(site, tmp_path):
    """Return a page with two photos, of 24 and 70 mm, and a map whose places move."""
    paths = straightened.write(tmp_path / "photos", 2, focal_lengths=[24, 70])
    sensor = read_header(paths[0]).sensor
    law = LensLaw(straightened.LENS, (24.0, 70.0), ((0.0, straightened.WIDE, 0.0), (0.0,) * 3))
    site.desk.library.save(DefectMap(sensor, at(straightened.BROKEN), laws=(law,)))
    site.open(tmp_path / "photos")
    return law, site.state()["maps"][0]["id"]


def test_the_page_is_told_where_places_lie_in_each_photo(site, opened):
    law, name = opened

    photos = site.get(f"api/maps/{name}/photos").json()

    assert [each["terms"] for each in photos] == [list(law.terms[0]), list(law.terms[1])]


def test_a_pixel_that_is_added_on_the_page_is_where_the_sensor_has_it(site, opened):
    _, name = opened
    photos = site.get(f"api/maps/{name}/photos").json()
    x, y = straightened.BROKEN[-2]
    at_x, at_y = map(round, straightened.stored_at(x, y, 24.0))

    told = site.post(
        f"api/maps/{name}/defects", {"x": at_x, "y": at_y, "photo": photos[0]["id"]}
    ).json()

    assert abs(told["x"] - x) <= 1
    assert abs(told["y"] - y) <= 1


def test_a_list_is_not_imported_where_places_move(tmp_path, found):
    folder, paths, _ = found
    kept = (folder / "a.json").read_bytes()
    listed = tmp_path / "a.badpixels"
    listed.write_text("5 7 0\n", encoding="utf-8")

    ran = run("import", listed, "--from", "csv", "--photo", paths[0], "--out", folder / "a.json")

    assert ran.exit_code != 0
    assert "moves with the focal length" in " ".join(ran.output.split())
    assert (folder / "a.json").read_bytes() == kept

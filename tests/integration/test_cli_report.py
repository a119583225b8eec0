"""`--report` as a person sees it: what is refused, what is written, and what it is never over."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest
from PIL import Image

from stillpix import report as report_package
from stillpix.errors import WriteError
from stillpix.maps import read_map
from stillpix.maps.library import Library
from support import costs, holding, late, mosaic_files, mosaics, reports, series, starting
from support.reports import run

POSIX = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
pytestmark = pytest.mark.usefixtures("library")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    series.write(folder, range(12))
    return folder


@pytest.fixture
def unread(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("pixels were read")

    monkeypatch.setattr("stillpix.scan.looking.read_frame", refuse)


def words(path):
    return reports.words_of(path.read_text(encoding="utf-8"))


def elements(path):
    return reports.Elements(path.read_text(encoding="utf-8"))


def crops(path):
    return [each for each in elements(path).named("img") if each["alt"].startswith("crop")]


def complaint(ran):
    return " ".join(ran.stderr.split())


# What is refused before any photo is read


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("folder", "is a folder; name a file in it"),
        ("photo.jpg", "a report is an HTML file"),
        ("x.stillpix.json", "a report is an HTML file"),
        ("report", "a report is an HTML file"),
        ("page.html", "is not a report of stillpix, so it will not be overwritten"),
        ("photo.html", "is not a report of stillpix, so it will not be overwritten"),
        ("nowhere/r.html", "its folder does not exist"),
        ("photo.jpg/r.html", "its folder is a file"),
        ("r" * 300 + ".html", "the name is too long"),
    ],
)
def test_a_place_that_is_not_for_a_report_is_refused(photos, unread, tmp_path, name, why):
    (tmp_path / "folder").mkdir()
    photo = (photos / "IMG_0001.JPG").read_bytes()
    for file in ("photo.jpg", "photo.html"):
        (tmp_path / file).write_bytes(photo)
    (tmp_path / "page.html").write_text("<html>my own page</html>", encoding="utf-8")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    for command in (("find", photos), ("show",)):
        ran = run(*command, "--report", tmp_path / name)

        assert ran.exit_code == 2
        assert why in complaint(ran)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_folder_one_may_not_write_to_is_refused(photos, unread, tmp_path, locked):
    ran = run("find", photos, "--report", tmp_path / "r.html")

    assert ran.exit_code == 2
    assert "you may not write there" in complaint(ran)


def test_a_report_of_the_least_varying_values_is_refused(photos, unread, tmp_path):
    ran = run("find", photos, "--method", "variance", "--report", tmp_path / "r.html")

    assert ran.exit_code == 2
    assert "--method variance only prints and makes no map; leave this out" in complaint(ran)


# What is written


def test_a_find_writes_the_report_of_its_map(photos, tmp_path):
    path = tmp_path / "r.html"

    ran = run("find", photos, "--out", tmp_path / "m.json", "--report", path)

    found = read_map(tmp_path / "m.json")
    assert ran.exit_code == 0
    assert f"\nreport: {path}\n" in ran.stdout
    rows = [each for each in elements(path).named("tr") if "id" in each]
    assert len(rows) == len(found.defects) >= len(series.HOT)
    for defect in found:
        assert f"{defect.x}, {defect.y}: {defect.kind}" in words(path)
    assert len(crops(path)) == 5 * len(found.defects)
    assert "12 different pictures in all. This find read 12 new photos" in words(path)
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["m.json", "r.html"]


def test_the_crops_show_the_photos_pixels(photos, tmp_path):
    run("find", photos, "--out", tmp_path / "m.json", "--report", tmp_path / "r.html")
    place = series.HOT[0]
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    article = text.partition(f" {place[0]}, {place[1]}: ")[2].partition("</article>")[0]
    shown = article.partition('<figure class="crop">')[2]
    name = shown.partition("</strong>: ")[2].partition(",")[0]
    address = shown.partition('src="')[2].partition('"')[0]

    crop = np.asarray(reports.decoded(address)).astype(float)
    x, y = place
    colours = np.asarray(Image.open(photos / name)).astype(float)
    own = colours[y - 12 : y + 13, x - 12 : x + 13]
    stretched = np.corrcoef(crop.ravel(), own.ravel())[0, 1]
    assert crop.shape == own.shape
    assert stretched > 0.99


def test_an_older_report_is_replaced(photos, tmp_path):
    path = tmp_path / "r.html"
    run("find", photos, "--out", tmp_path / "m.json", "--report", path)
    before = path.read_bytes()
    path.write_bytes(before.replace(b"</main>", b"<!-- old --></main>"))

    assert run("find", photos, "--out", tmp_path / "m.json", "--report", path).exit_code == 0
    assert path.read_bytes() == before


def test_a_second_find_reports_what_the_library_knows(photos, tmp_path):
    run("find", photos)
    ran = run("find", photos, "--report", tmp_path / "r.html")

    assert ran.exit_code == 0
    assert "This find read no new photos; 12 were known before." in words(tmp_path / "r.html")
    assert len(crops(tmp_path / "r.html")) >= 5 * len(series.HOT)


def test_several_cameras_are_in_one_report(photos, tmp_path):
    series.write(tmp_path / "b", range(6), tags={42033: "777"})

    run("find", photos, tmp_path / "b", "--report", tmp_path / "r.html")

    heads = elements(tmp_path / "r.html").named("h2")
    assert [each["id"] for each in heads if "id" in each] == ["s0", "s1"]
    assert "serial 777" in words(tmp_path / "r.html")
    assert "serial 0012345" in words(tmp_path / "r.html")


def test_photos_that_were_not_used_are_named_with_the_reason(photos, tmp_path):
    (tmp_path / "<b>bold.jpg").write_bytes(b"no photo")

    ran = run("find", photos, tmp_path, "--report", tmp_path / "r.html")

    assert ran.exit_code == 1
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;bold.jpg" in text
    assert "<b>" not in text
    assert "1 file not used" in words(tmp_path / "r.html")
    assert "is not a photo" in words(tmp_path / "r.html")


def test_without_any_photo_the_report_says_why(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no photo")

    ran = run("find", tmp_path, "--report", tmp_path / "r.html")

    assert ran.exit_code == 3
    assert "No photo could be used." in words(tmp_path / "r.html")
    assert "is not a photo" in words(tmp_path / "r.html")


@pytest.mark.parametrize("option", [(), ("--fast",)])
def test_photos_without_dates_have_crops_and_courses(tmp_path, option):
    series.write(tmp_path / "p", range(12), tags={36867: None, 306: None})

    run("find", tmp_path / "p", "--report", tmp_path / "r.html", *option)

    assert len(crops(tmp_path / "r.html")) >= 5 * len(series.HOT)
    assert "Value against neighbours in 12 photos" in words(tmp_path / "r.html")


def test_a_pixel_that_broke_later_has_its_dates(tmp_path):
    late.write(tmp_path / "p", range(late.PHOTOS))

    run("find", tmp_path / "p", "--fdr", "0.1", "--report", tmp_path / "r.html")

    assert "It broke " in words(tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert '<rect class="began"' in text


@pytest.mark.parametrize("form", ["dng", "fits"])
def test_mosaics_have_a_report_in_grey(tmp_path, form):
    rng = np.random.default_rng(1)
    (tmp_path / "p").mkdir()
    for number in range(12):
        pixels = mosaics.mosaic_of(rng, "bayer-RGGB", 160, 120).astype(np.uint16)
        pixels[30, 40] += 2500
        if form == "dng":
            content = mosaic_files.dng(pixels)
        else:
            content = mosaic_files.fits(
                pixels, INSTRUME="One", EXPTIME=0.02, GAIN=400, BAYERPAT="RGGB"
            )
        (tmp_path / "p" / f"{number}.{form}").write_bytes(content)

    ran = run("find", tmp_path / "p", "--report", tmp_path / "r.html")

    assert ran.exit_code == 0, ran.output
    assert "40, 30: " in words(tmp_path / "r.html")
    shown = crops(tmp_path / "r.html")
    assert shown

    assert {reports.decoded(each["src"]).mode for each in shown} == {"L"}
    middle = np.asarray(reports.decoded(shown[0]["src"]))
    assert middle[12, 12] == middle.max()


def test_a_json_document_stays_alone_on_standard_output(photos, tmp_path):
    import json

    ran = run("find", photos, "--json", "--report", tmp_path / "r.html")

    assert json.loads(ran.stdout)["maps"]
    assert (tmp_path / "r.html").exists()


@POSIX
def test_a_reader_that_has_had_enough_loses_no_report(photos, tmp_path):
    path = tmp_path / "r.html"
    ran = starting.stillpix("find", photos, "--report", path)
    ran.stdout.close()

    assert ran.wait(costs.LONGEST_S) != 0
    assert "12 different pictures in all" in words(path)


def test_a_full_disk_leaves_the_older_report_and_the_map(photos, tmp_path, monkeypatch):
    path = tmp_path / "r.html"
    run("find", photos, "--report", path)
    before = path.read_bytes()

    def full(path_, _):
        raise WriteError(path_, "the disk is full; free some space and run again")

    monkeypatch.setattr("stillpix.report.destination.write_atomically", full)
    ran = run("find", photos, "--report", path)

    assert ran.exit_code == 1
    assert "the disk is full; free some space and run again (the report" in complaint(ran)
    assert path.read_bytes() == before


def test_little_memory_leaves_the_pictures_out(photos, tmp_path, monkeypatch):
    def no_memory(*_):
        raise MemoryError

    monkeypatch.setattr("stillpix.report.section.stamps_of", no_memory)
    ran = run("find", photos, "--report", tmp_path / "r.html")

    assert ran.exit_code == 0
    assert "There was not enough memory for pictures and charts." in words(tmp_path / "r.html")


@POSIX
def test_after_ctrl_c_what_was_scanned_is_reported(many, tmp_path):
    path = tmp_path / "r.html"
    status, _, _ = holding.interrupted(
        tmp_path / "go",
        "find",
        many,
        "--report",
        path,
        held="stillpix.scan.looking.read_frame",
        after=6,
    )

    ((_, partly),) = Library().maps()
    assert status == 130
    assert 0 < partly.evidence.photos < 40
    left = 40 - partly.evidence.photos
    assert f"The scan was stopped: {left} photos not read." in words(path)
    assert f"Judged from {partly.evidence.photos} photos" in words(path)


# The report of a map


def test_a_map_of_the_library_has_a_report_without_its_photos(photos, tmp_path):
    run("find", photos)

    ran = run("show", "--report", tmp_path / "r.html")

    assert ran.exit_code == 0
    assert re.search(r"Value against neighbours in \d+ photos?", words(tmp_path / "r.html"))
    assert "mean response" in words(tmp_path / "r.html")
    assert crops(tmp_path / "r.html") == []


def test_the_report_of_a_map_stands_alone(photos, tmp_path):
    run("find", photos)

    for option in ("--json", "--timeline"):
        ran = run("show", option, "--report", tmp_path / "r.html")

        assert ran.exit_code == 2
        assert "cannot be combined" in complaint(ran)
    assert not (tmp_path / "r.html").exists()


def test_a_map_file_alone_has_a_report_of_what_it_says(photos, tmp_path):
    run("find", photos, "--out", tmp_path / "m.json")

    ran = run("show", tmp_path / "m.json", "--report", tmp_path / "r.html")

    assert ran.exit_code == 0
    assert elements(tmp_path / "r.html").named("img") == []
    assert f"{series.HOT[0][0]}, {series.HOT[0][1]}: " in words(tmp_path / "r.html")


def test_damaged_evidence_is_told_of_and_the_rest_is_reported(photos, tmp_path, library):
    run("find", photos)
    ((_, found),) = library.maps()
    (library.evidence_path(found.sensor) / "evidence.json").write_text("{", encoding="utf-8")

    ran = run("show", "--report", tmp_path / "r.html")

    assert ran.exit_code == 0
    assert "the saved evidence cannot be used" in words(tmp_path / "r.html")
    assert "Value against neighbours" in words(tmp_path / "r.html")


def test_what_the_package_gives_is_named():
    assert [name for name in report_package.__all__ if not hasattr(report_package, name)] == []

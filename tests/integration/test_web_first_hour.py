"""What the page's first screen asks for: folders to choose from, thumbnails, demo photos, lists."""

from __future__ import annotations

import io
import json
import os
import sys

import numpy as np
import pytest
from PIL import Image

from stillpix.images import FORMATS, read_header
from stillpix.maps.library import Library
from stillpix.maps.records import Defect, DefectMap
from stillpix.web import runs
from support import pages, photos, series


def test_a_folder_lists_the_folders_in_it_but_no_hidden_ones_and_no_files(site, tmp_path):
    for name in ("Zoo", "art", ".secret"):
        (tmp_path / "home" / name).mkdir(parents=True)
    for name in ("a.jpg", "b.NEF", "notes.txt"):
        (tmp_path / "home" / name).touch()

    told = site.get("api/places", params={"path": str(tmp_path / "home")}).json()

    assert [each["name"] for each in told["folders"]] == ["art", "Zoo"]
    assert told["photos"] == 2
    assert told["above"] == str(tmp_path)
    assert "notes.txt" not in json.dumps(told)


def test_without_a_path_it_begins_at_home_and_at_the_root_nothing_is_above(
    site, tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))

    if sys.platform != "win32":
        assert site.get("api/places").json()["path"] == os.path.realpath(tmp_path)
        assert site.get("api/places", params={"path": "/"}).json()["above"] is None
    assert site.get("api/places", params={"path": str(tmp_path / "none")}).status_code == 404
    assert site.get("api/places", params={"path": "Pictures"}).status_code == 422


def test_folders_are_remembered_from_one_start_to_the_next_while_they_are_there(tmp_path):
    library = Library(tmp_path / "library")
    for name in ("one", "two", "gone"):
        series.write(tmp_path / name, range(1))
        with pages.serving(library) as site:
            site.open(tmp_path / name)
    for path in (tmp_path / "gone").iterdir():
        path.unlink()
    (tmp_path / "gone").rmdir()
    with pages.serving(library) as site:
        assert site.state()["recent"] == [str(tmp_path / "two"), str(tmp_path / "one")]
        (library.root / "recent-folders.json").write_text('{"broken": ', encoding="utf-8")
        assert site.state()["recent"] == []
        site.open(tmp_path / "one")
        assert site.state()["recent"] == [str(tmp_path / "one")]


def test_a_folder_says_what_was_skipped_and_shows_some_of_its_photos(site, tmp_path):
    paths = series.write(tmp_path / "photos", range(20))
    (tmp_path / "photos" / "none.jpg").write_bytes(b"no photo")
    site.open(tmp_path / "photos")
    (folder,) = site.state()["folders"]

    assert [each["path"] for each in folder["skipped"]] == ["none.jpg"]
    assert folder["skipped"][0]["reason"]
    assert len({each["id"] for each in folder["examples"]}) == 8
    photo = folder["examples"][-1]
    shown = Image.open(io.BytesIO(site.get(f"api/photos/{photo['id']}/thumbnail").content))
    stored = Image.open(next(path for path in paths if path.name == photo["name"]))
    small = np.asarray(stored.resize(shown.size)).astype(float)
    assert np.abs(np.asarray(shown) - small).mean() < 12


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_a_photo_of_another_format_has_a_thumbnail_too(site, tmp_path, form):
    pixels = np.full((600, 900, 3), (200, 90, 30), np.uint8)
    path = tmp_path / f"a.{form.lower()}"
    path.write_bytes(photos.encoded(Image.fromarray(pixels), form))
    site.open(tmp_path)

    shown = np.asarray(Image.open(io.BytesIO(site.get("api/photos/f1-0/thumbnail").content)))

    assert max(shown.shape) < 300
    assert np.abs(shown.astype(int) - (200, 90, 30)).max() < 6


def test_demo_photos_are_taken_once_and_their_pixels_can_be_found(site, monkeypatch):
    monkeypatch.setattr(runs, "DEMO_SIZE", (240, 160))
    for _ in range(2):
        told = site.ended(site.post("api/folders", {"demo": True}))
        assert (told["state"], told["result"]["photos"]) == ("done", 16)
    (folder,) = site.state()["folders"]

    assert folder["title"] == "demo photos"
    assert site.state()["recent"] == []
    told = site.ended(site.post("api/finds", {"folder": folder["id"]}))
    assert "Simulated" in told["result"]["bodies"][0]["sentence"]


@pytest.mark.parametrize("body", [{}, {"demo": True, "dropped": True}, {"path": "/", "demo": True}])
def test_what_is_opened_is_one_thing(site, body):
    assert site.post("api/folders", body).status_code == 422


def test_the_chooser_takes_every_format_that_can_be_read(site):
    suffixes = set(site.state()["suffixes"])

    assert {".jpg", ".nef", ".cr3", ".dng", ".fits", ".heic"} <= suffixes
    assert suffixes == set().union(*(form.suffixes for form in FORMATS if not form.is_clip))


def test_progress_counts_over_all_cameras(site, tmp_path):
    series.write(tmp_path / "photos" / "one", range(6))
    series.write(tmp_path / "photos" / "two", range(6, 16), tags={42033: "77"})
    told = site.ended(site.post("api/finds", {"folder": site.open(tmp_path / "photos")}))
    seen = [
        e.content for e in site.desk.journal.after(0) if e.kind == "job" and e.content["cameras"]
    ]

    assert (told["camera"], told["cameras"]) == (2, 2)
    assert (told["all_done"], told["all_total"]) == (16, 16)
    counts = [each["all_done"] for each in seen]
    assert counts == sorted(counts)
    assert {each["camera"] for each in seen} >= {1, 2}


# Lists and the report


@pytest.fixture
def mapped(tmp_path):
    """A server with a map of a camera that takes JPEGs, of which the photos are open."""
    library = Library(tmp_path / "library")
    paths = series.write(tmp_path / "photos", range(8))
    x, y = series.HOT[0]
    found = DefectMap(
        read_header(paths[0]).sensor, (Defect(x=x, y=y, score=9.0, state="rejected"),)
    )
    library.save(found)
    with pages.serving(library) as site:
        site.open(tmp_path / "photos")
        yield site, site.state()["maps"][0]


def test_formats_are_named_by_their_programs_and_say_why_they_do_not_fit(mapped):
    _, brief = mapped
    by_name = {each["name"]: each for each in brief["formats"]}

    assert by_name["stillpix"]["why_not"] is None
    assert by_name["csv"]["why_not"] is None
    assert by_name["rawtherapee"]["program"] == "RawTherapee"
    assert "RAW files" in by_name["rawtherapee"]["why_not"]
    fits = [each["why_not"] is None for each in brief["formats"]]
    assert fits == sorted(fits, reverse=True)


def test_a_list_is_added_as_accepted_but_what_was_rejected_stays_so(mapped):
    site, brief = mapped
    x, y = series.HOT[0]
    address = f"api/maps/{brief['id']}/lists"

    told = site.client.post(
        address, params={"format": "csv"}, content=f"x,y\n{x},{y}\n70,60\n".encode()
    )

    assert told.json() == {"added": 1, "accepted": 0, "known": 0, "still_rejected": 1}
    states = {(d["x"], d["y"]): d["state"] for d in site.map(brief["id"])["defects"]}
    assert states == {(x, y): "rejected", (70, 60): "accepted"}
    for form, content, status in (
        ("csv", b"\xff\xfe", 409), ("none", b"x", 404), ("csv", b"x,y\n", 409),
        ("rawtherapee", b"1 2\n", 409), ("csv", b"x,y\n9999,1\n", 409),
    ):  # fmt: skip
        refused = site.client.post(address, params={"format": form}, content=content)
        assert (refused.status_code, form) == (status, form), refused.text
        assert ".part" not in refused.json()["reason"]
    assert list(site.desk.uploads.root.iterdir()) == []


def test_the_report_brings_its_own_policy_and_can_be_kept(mapped):
    site, brief = mapped
    shown = site.get(f"api/maps/{brief['id']}/report")
    kept = site.get(f"api/maps/{brief['id']}/report", params={"download": "yes"})

    assert "<h1>" in shown.text
    assert "data:image/png" in shown.text
    policy = shown.headers["content-security-policy"]
    assert "script-src 'sha256-" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "content-disposition" not in shown.headers
    assert kept.headers["content-disposition"].endswith(".html")

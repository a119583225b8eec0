"""One row a photo format: a new one is read everywhere, and repaired nowhere but with a reason."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from stillpix import images
from stillpix.cli import app
from stillpix.restoration.files import WAYS
from support import series, toy_photos

REPAIRS = {*WAYS, "raw", "clip"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "FORMATS", (*images.FORMATS, toy_photos.ROW))
    (tmp_path / "in").mkdir()
    for number in range(12):
        content = toy_photos.written(series.scene(number)[..., 1])
        (tmp_path / "in" / f"{number:02}.toy").write_bytes(content)
    return tmp_path / "in"


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)


@pytest.mark.parametrize("row", images.FORMATS, ids=lambda row: row.name)
def test_every_row_says_how_it_is_repaired_or_why_not(row):
    assert (row.repair in REPAIRS) != bool(row.why_unrepaired)
    assert (row.repair == "samples") == (row.rewriting is not None)


def test_a_format_that_is_read_alone_goes_through_find_show_and_fix(folder, tmp_path, library):
    found = run("find", folder)
    shown = run("show", "--json")
    fixed = run("fix", folder, "--out", tmp_path / "out")

    assert found.exit_code == 0, found.stderr
    ((_, kept),) = library.maps()
    assert json.loads(shown.stdout)["maps"][0]["sensor"]["model"] == "Toy One"
    assert set(series.HOT) <= {(one.x, one.y) for one in kept}
    assert fixed.exit_code == 3
    assert f"00.toy and 11 more: {toy_photos.REASON}" in fixed.stderr
    assert "Traceback" not in found.stderr + shown.stderr + fixed.stderr
    assert not list(tmp_path.glob("out/*.toy"))


def test_the_page_finds_in_a_format_that_is_read_alone_and_says_why_it_repairs_none(
    folder, tmp_path, site
):
    opened = site.open(folder)
    site.find(opened)
    tile = site.get(f"api/photos/{opened}-0/tiles/0/0/0")
    told = site.ended(site.post("api/repairs", {"folder": opened, "out": str(tmp_path / "copies")}))

    assert tile.status_code == 200
    assert {each["reason"] for each in told["not_used"]} == {toy_photos.REASON}
    assert told["not_used_count"] == 12

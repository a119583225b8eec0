"""What goes along with a repaired copy: sidecars, attributes, and what cannot be repaired."""

from __future__ import annotations

import ctypes
import json
import os
import sys

import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.restoration import attributes
from support import series
from support.fixing import names, shot, sound

pytestmark = pytest.mark.usefixtures("library")
HERE = f"--at={series.HOT[0][0]},{series.HOT[0][1]}"


def fix(*arguments):
    return CliRunner().invoke(app, ["fix", *map(str, arguments)])


def said(ran):
    return " ".join(ran.stderr.split())


def test_sidecars_go_along_with_copies(tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    shot(folder / "IMG_1.jpg")
    shot(folder / "deep" / "IMG_2.JPG", 1)
    mine = [
        "IMG_1.jpg.xmp", "IMG_1.xmp", "IMG_1_01.jpg.xmp", "IMG_1.jpg.pp3", "IMG_1.jpg.dop",
        "IMG_1.on1", "IMG_1.AAE", "IMG_1.acr", "IMG_1.jpg.arp", "IMG_1.jpg.json",
        "IMG_1.jpg.supplemental-metada.json",
    ]  # fmt: skip
    others = ["IMG_10.xmp", "IMG_1.txt", "IMG_1.json", "notes.json"]
    for name in [*mine, *others]:
        (folder / name).write_text(f"of {name}", encoding="utf-8")
    (folder / "deep" / "IMG_2.xmp").write_text("deep", encoding="utf-8")

    ran = fix(folder, "--out", out, HERE)

    assert ran.exit_code == 0
    wanted = [*mine, "IMG_1.jpg", "deep/IMG_2.JPG", "deep/IMG_2.xmp", "stillpix-fix.json"]
    assert names(out) == sorted(wanted)
    assert (out / "IMG_1.xmp").read_text(encoding="utf-8") == "of IMG_1.xmp"


def test_one_other_file_is_said_to_be_copied_as_it_is(tmp_path):
    shot(tmp_path / "in" / "a.jpg")
    (tmp_path / "in" / "c.MP4").write_bytes(b"video")

    ran = fix(tmp_path / "in", "--out", tmp_path / "out", "--complete", HERE)

    assert "1 other file copied as it is" in ran.stdout


def test_a_sidecar_that_was_changed_in_the_copies_is_kept_and_it_is_said(tmp_path):
    shot(tmp_path / "in" / "a.jpg")
    (tmp_path / "in" / "a.xmp").write_text("old", encoding="utf-8")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.xmp").write_text("edited", encoding="utf-8")

    ran = fix(tmp_path / "in", "--out", tmp_path / "out", HERE)

    assert ran.exit_code == 0
    assert "its a.xmp was not copied" in said(ran)
    assert (tmp_path / "out" / "a.xmp").read_text(encoding="utf-8") == "edited"


@pytest.fixture
def mixed(tmp_path):
    """Return a folder of a photo, one that is cut short, a video and a note."""
    shot(tmp_path / "in" / "a.jpg")
    _, content = sound(tmp_path / "in" / "deep" / "b.jpg")
    (tmp_path / "in" / "deep" / "b.jpg").write_bytes(content[:200])
    (tmp_path / "in" / "deep" / "c.MP4").write_bytes(b"video")
    (tmp_path / "in" / "notes.txt").write_bytes(b"note")
    return tmp_path / "in"


def test_complete_copies_hold_what_cannot_be_repaired(mixed, tmp_path):
    ran = fix(mixed, "--out", tmp_path / "out", "--complete", HERE)

    assert ran.exit_code == 1
    assert "2 other files copied as they are" in ran.stdout
    assert names(tmp_path / "out") == ["a.jpg", "deep/b.jpg", "deep/c.MP4", "stillpix-fix.json"]
    for name in ("deep/b.jpg", "deep/c.MP4"):
        assert (tmp_path / "out" / name).read_bytes() == (mixed / name).read_bytes()


def test_without_complete_videos_are_named_and_left(mixed, tmp_path):
    ran = fix(mixed, "--out", tmp_path / "out", HERE)

    assert "note: left out: 1 video" in said(ran)
    assert names(tmp_path / "out") == ["a.jpg", "stillpix-fix.json"]


def test_a_photo_without_a_map_is_copied_where_all_are_to_be_there(tmp_path):
    _, content = shot(tmp_path / "in" / "a.jpg")

    ran = fix(tmp_path / "in", "--out", tmp_path / "out", "--complete")

    assert "the library has no map" in said(ran)
    assert "(copied as it is)" in said(ran)
    assert (tmp_path / "out" / "a.jpg").read_bytes() == content


def test_a_dry_run_of_a_complete_copy_writes_nothing(mixed, tmp_path):
    ran = fix(mixed, "--out", tmp_path / "out", "--complete", "--dry-run", "--json", HERE)

    copied = [os.fspath(tmp_path / "out" / "deep" / name) for name in ("c.MP4", "b.jpg")]
    assert json.loads(ran.stdout)["copied"] == copied
    assert not (tmp_path / "out").exists()


def test_complete_is_refused_without_copies(mixed):
    ran = fix(mixed, "--in-place", "--complete", HERE)

    assert ran.exit_code == 2
    assert "--complete: works only on copies" in said(ran)


def test_on_macos_its_own_function_copies_attributes(tmp_path, monkeypatch):
    """There is no macOS here: what is asked of it is what its manual page copyfile(3) names."""
    asked = []

    class System:
        @staticmethod
        def copyfile(*arguments):
            asked.append(arguments)

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: System)

    attributes.copy_attributes(tmp_path / "a", tmp_path / "b")

    assert asked == [(os.fsencode(tmp_path / "a"), os.fsencode(tmp_path / "b"), None, 0b101)]

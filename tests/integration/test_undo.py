"""Repairs in place taken back, and photos that find tells from fresh ones."""

from __future__ import annotations

import json
import os

import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from support import series
from support.fixing import shot, sound, tree

pytestmark = pytest.mark.usefixtures("library")
HERE = [f"--at={x},{y}" for x, y in series.HOT]


def run(command, *arguments):
    return CliRunner().invoke(app, [command, *map(str, arguments)])


def said(ran):
    return " ".join(ran.stderr.split())


@pytest.fixture
def repaired(tmp_path):
    """Return a folder of two photos that were repaired in place, and what it was before."""
    folder = tmp_path / "in"
    for number in range(2):
        shot(folder / f"{number}.jpg", number)
    before = tree(folder)
    assert run("fix", folder, "--in-place", *HERE).exit_code == 0
    return folder, before


def test_undo_gives_each_photo_its_bytes_time_and_inode_back(repaired):
    folder, before = repaired

    ran = run("fix", folder, "--undo")

    assert (ran.exit_code, ran.stdout) == (0, "2 photos are their originals again\n")
    after = tree(folder)
    assert {name: after[name] for name in before} == before
    assert sorted(after) == ["0.jpg", "1.jpg", "stillpix-fix.json"]


def test_what_was_taken_back_can_be_repaired_and_taken_back_again(repaired):
    folder, before = repaired
    after = (folder / "0.jpg").read_bytes()
    run("fix", folder / "0.jpg", "--undo")

    run("fix", folder, "--in-place", *HERE)
    assert (folder / "0.jpg").read_bytes() == after
    run("fix", folder / "0.jpg.orig", "--undo")  # the original names its photo, too

    assert (folder / "0.jpg").read_bytes() == before["0.jpg"][0]
    log = json.loads((folder / "stillpix-fix.json").read_text(encoding="utf-8"))["photos"]
    of_it = [entry["result"] for entry in log if entry["target"] == "0.jpg"]
    assert of_it[:2] == ["repaired", "taken back"]


def test_two_repairs_one_after_the_other_are_taken_back_to_the_first_original(tmp_path):
    path, before = shot(tmp_path / "a.jpg")
    for place in HERE[:2]:
        run("fix", path, "--in-place", place)

    assert run("fix", tmp_path, "--undo").exit_code == 0
    assert path.read_bytes() == before


def test_a_dry_run_says_what_would_be_taken_back_and_changes_nothing(repaired):
    folder, _ = repaired
    before = tree(folder)

    ran = run("fix", folder, "--undo", "--dry-run")

    assert (ran.exit_code, ran.stdout) == (0, "2 photos would be their originals again\n")
    assert tree(folder) == before


def test_where_nothing_was_repaired_it_is_said(tmp_path):
    shot(tmp_path / "a.jpg")

    ran = run("fix", tmp_path, "--undo")

    assert (ran.exit_code, ran.stdout) == (3, "")
    assert "there is no repair to take back" in ran.stderr


def _edit(folder):
    (folder / "0.jpg").write_bytes((folder / "1.jpg").read_bytes())


def _swap_the_original(folder):
    (folder / "0.jpg.orig").write_bytes((folder / "1.jpg.orig").read_bytes())


def _forget(folder):
    (folder / "stillpix-fix.json").unlink()


def _remove_the_original(folder):
    (folder / "0.jpg.orig").unlink()


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_edit, "was changed after it was repaired"),
        (_swap_the_original, "has an original that is not the one in its log"),
        (_forget, "is in no log of a repair"),
        (_remove_the_original, "has no kept original beside it"),
    ],
)
def test_what_is_not_certain_is_left_and_named(repaired, harm, words):
    folder, _ = repaired
    harm(folder)
    before = (folder / "0.jpg").read_bytes()

    ran = run("fix", folder / "0.jpg", "--undo")

    assert ran.exit_code == 3
    assert words in said(ran)
    assert (folder / "0.jpg").read_bytes() == before


def test_a_photo_that_is_gone_gets_its_original_back(repaired):
    folder, before = repaired
    (folder / "0.jpg").unlink()

    assert run("fix", folder / "0.jpg", "--undo").exit_code == 0
    assert (folder / "0.jpg").read_bytes() == before["0.jpg"][0]


def test_flags_of_a_repair_are_refused_beside_undo(repaired):
    folder, _ = repaired

    ran = run("fix", folder, "--undo", "--in-place")

    assert ran.exit_code == 2
    assert "give only --dry-run and --json with it" in said(ran)


def test_undo_as_json_names_what_was_done(repaired):
    folder, _ = repaired
    (folder / "1.jpg.orig").write_bytes(b"")

    document = json.loads(run("fix", folder, "--undo", "--json").stdout)

    assert document["taken_back"] == [os.fspath(folder / "0.jpg")]
    assert [each["path"] for each in document["not_taken_back"]] == [os.fspath(folder / "1.jpg")]


def test_find_tells_photos_repaired_in_place_from_fresh_ones(repaired):
    folder, _ = repaired
    shot(folder / "2.jpg", 2)

    ran = run("find", folder)

    assert "2 photos were repaired by stillpix before, such as 0.jpg" in said(ran)
    run("fix", folder, "--undo")
    assert "repaired by stillpix before" not in said(run("find", folder))


def test_find_tells_repaired_copies_by_the_log_above_them(tmp_path):
    shot(tmp_path / "in" / "deep" / "a.jpg")
    sound(tmp_path / "in" / "b.jpg")
    run("fix", tmp_path / "in", "--out", tmp_path / "out", *HERE[:1])

    ran = run("find", tmp_path / "out" / "deep")

    assert "1 photo was repaired by stillpix before, such as a.jpg" in said(ran)

"""`stillpix shard` and `stillpix merge` as a person and a queue see them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from support import series

pytestmark = pytest.mark.usefixtures("library")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    series.write(folder / "a", range(6))
    series.write(folder / "b", range(5), tags={42033: "777"})
    return folder


def run(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


def planned(photos, out):
    return run("shard", "plan", photos, "--out", out, "--photos", 4)


def test_plan_run_and_merge_give_the_files_of_find(photos, tmp_path):
    plan = planned(photos, tmp_path / "plan")
    shards = plan.stdout.split()
    added = [run("shard", "run", shard) for shard in shards]
    merged = run("merge", tmp_path / "plan", "--out", tmp_path / "maps")
    run("find", photos, "--out", tmp_path / "found")

    assert len(shards) == 4
    assert {result.exit_code for result in (plan, *added, merged)} == {0}
    found = {path.name: path.read_bytes() for path in (tmp_path / "found").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "maps").iterdir()} == found
    assert len(found) == 2


def test_one_command_runs_all_shards_and_says_what_it_added(photos, tmp_path):
    shards = planned(photos, tmp_path).stdout.split()

    result = run("shard", "run", *shards)

    assert result.exit_code == 0
    assert result.stdout.count("different picture") == len(shards)


def test_merge_as_json_is_one_document(photos, tmp_path):
    run("shard", "run", *planned(photos, tmp_path / "plan").stdout.split())

    result = run("merge", tmp_path / "plan", "--fast", "--json")

    assert [each["read"] for each in json.loads(result.stdout)["maps"]] == [6, 5]


def test_a_body_with_a_missing_shard_has_no_map_and_the_other_one_has(photos, tmp_path):
    missing, *others = planned(photos, tmp_path / "plan").stdout.split()
    run("shard", "run", *others)

    result = run("merge", tmp_path / "plan", "--out", tmp_path / "maps")

    assert result.exit_code == 1
    assert f"run `stillpix shard run {missing}`" in result.stderr
    assert len(list((tmp_path / "maps").iterdir())) == 1


def test_photos_that_cannot_be_used_are_told_by_plan_run_and_merge(photos, tmp_path):
    bad = tmp_path / "photos"
    series.write(bad, range(4))
    cut = min(bad.iterdir())
    cut.write_bytes(cut.read_bytes()[:-2000])
    (bad / "empty.jpg").write_bytes(b"")

    plan = planned(bad, tmp_path / "plan")
    added = run("shard", "run", *plan.stdout.split())
    merged = run("merge", tmp_path / "plan", "--out", tmp_path / "maps")

    assert [result.exit_code for result in (plan, added, merged)] == [1, 1, 1]
    assert "empty.jpg: is empty" in plan.stderr
    assert cut.name in added.stderr
    assert "empty.jpg: is empty" in merged.stderr
    assert cut.name in merged.stderr


def test_nothing_to_plan_is_one_line(tmp_path):
    (tmp_path / "photos").mkdir()

    result = run("shard", "plan", tmp_path / "photos", "--out", tmp_path / "plan")

    assert result.exit_code == 3
    assert "no photo there" in result.stderr
    assert not (tmp_path / "plan").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("shard", "run", "{}/nowhere"), "is no shard; name a folder"),
        (("merge", "{}/nowhere"), "holds no plan; make one with `stillpix shard plan"),
    ],
)
def test_a_folder_of_something_else_is_one_line(tmp_path, words, said):
    result = run(*(word.format(tmp_path) for word in words))

    assert result.exit_code in {1, 3}
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_plan_that_cannot_be_written_is_one_line(photos, tmp_path):
    Path(tmp_path, "file").write_bytes(b"")

    result = planned(photos, tmp_path / "file")

    assert result.exit_code == 3
    assert "its folder is a file; choose another place" in result.stderr


def test_the_group_by_itself_shows_its_help_and_no_error():
    ran = run("shard")

    assert ran.exit_code == 2
    assert ran.output.startswith("Usage: ")
    assert "Error" not in ran.output
    assert ran.output.count("Usage: ") == 1

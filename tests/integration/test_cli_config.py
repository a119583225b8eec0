"""The config file sets defaults, never gets in the way, and its mistakes are told in one line."""

from __future__ import annotations

import json
import tomllib

import platformdirs
import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from support import series


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("STILLPIX_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("STILLPIX_CONFIG", str(tmp_path / "own.toml"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "own.toml"


def test_the_file_is_where_the_system_keeps_such_files(monkeypatch, tmp_path):
    monkeypatch.delenv("STILLPIX_CONFIG", raising=False)
    monkeypatch.setattr(platformdirs, "user_config_path", lambda name: tmp_path / name)

    assert f"# {tmp_path / 'stillpix' / 'config.toml'} (not there yet" in run("config").stdout


def test_what_config_prints_is_a_file_that_changes_nothing(file):
    before = run("config").stdout
    file.write_text(before, encoding="utf-8")
    after = run("config").stdout

    assert tomllib.loads(before) == {table: {} for table in ("find", "fix", "export", "serve")}
    assert after.splitlines()[1:] == before.splitlines()[1:]


def test_what_config_prints_is_what_the_file_says(file):
    said = {"jobs": 2, "find": {"fdr": 0.02, "fast": True}, "show": {"quiet": True}}
    file.write_text("jobs = 2\nshow.quiet = true\n[find]\nfdr = 0.02\nfast = true\n")

    printed = tomllib.loads(run("config").stdout)

    assert {key: value for key, value in printed.items() if value} == said


def test_find_takes_its_defaults_from_the_file_and_the_command_line_goes_before(file, tmp_path):
    series.write(tmp_path / "photos", range(6))
    file.write_text("[find]\nfdr = 0.02\nfast = true\n", encoding="utf-8")

    by_file = json.loads(run("find", "photos", "--out", "a", "--json").stdout)
    typed = json.loads(run("find", "photos", "--out", "b", "--json", "--fdr", "5%").stdout)
    without = json.loads(run("--no-config", "find", "photos", "--out", "c", "--json").stdout)

    shares = [each["maps"][0]["map"]["detection"]["fdr"] for each in (by_file, typed, without)]
    assert shares == [0.02, 0.05, 0.01]


def test_a_setting_outside_tables_is_of_every_command_that_has_it(file):
    file.write_text('log = "said.txt"\n', encoding="utf-8")

    run("show")
    run("find", "nowhere")

    assert "nowhere: does not exist" in (file.parent / "said.txt").read_text(encoding="utf-8")


def test_what_is_typed_goes_before_quiet_and_verbose_of_the_file(file):
    file.write_text("quiet = true\n", encoding="utf-8")
    assert "library " in run("find", "nowhere", "--verbose").stderr

    file.write_text("verbose = true\n", encoding="utf-8")
    assert run("show", "--quiet").stderr == ""


@pytest.mark.parametrize("command", ["find", "fix", "show", "library", "demo", "serve"])
def test_a_file_that_cannot_be_read_stops_no_help_and_no_completion(file, command):
    file.write_text("jobs =", encoding="utf-8")

    assert run(command, "--help").exit_code == 0
    assert run("completion", "bash").exit_code == 0
    assert run(command, "nowhere").exit_code == 2


def test_a_folder_in_the_place_of_the_file_is_told(file):
    file.mkdir()

    assert "own.toml: cannot be read (Is a directory); mend or delete it" in run("show").stderr


def test_a_file_that_is_not_utf8_is_told(file):
    file.write_bytes(b'log = "\xff"\n')

    assert "own.toml: is not UTF-8 text; save it as UTF-8" in run("show").stderr


def test_nothing_that_deletes_overwrites_or_names_one_photo_can_be_set(file):
    never = ("in-place", "force", "no-backup", "undo", "forget", "install", "map", "at", "out")
    for command in ("find", "fix", "export", "import", "library"):
        file.write_text("\n".join(f'{command}.{key} = "x"' for key in never), encoding="utf-8")
        said = run(command, "nowhere").stderr
        assert said.count("there is no setting") == len(never)

"""`stillpix demo`: the main job on a simulated camera, and nobody's files touched."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.maps import read_map
from support import costs, starting

SIZE = (240, 160)


def run(*arguments):
    return CliRunner().invoke(app, ["demo", *map(str, arguments)])


def demo_files(photos):
    names = {f"IMG_{number + 1:04}.JPG" for number in range(photos)}
    return names | {"truth.json", "demo.stillpix.json", ".stillpix-demo"}


def there(folder):
    return {path.name for path in folder.iterdir()}


@pytest.fixture(scope="module", autouse=True)
def small():
    """Photos of a small sensor do; docs/quickstart.md shows what the whole demo prints."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stillpix.cli.demo.SIZE", SIZE)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "new"
    return folder, run(folder, "--photos", "8")


def test_a_demo_finds_pixels_and_compares_them_with_the_truth(made):
    folder, ran = made
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    (last_row,) = [line.split() for line in ran.stdout.splitlines() if line.startswith("all ")]

    assert ran.exit_code == 0, ran.output
    assert there(folder) == demo_files(8)
    assert int(last_row[1]) + int(last_row[2]) == len(truth["defects"]) == 60
    assert f"found {last_row[1]} of 60, missed {last_row[2]}, false " in ran.stdout
    assert f"map: {folder / 'demo.stillpix.json'}" in ran.stdout
    assert read_map(folder / "demo.stillpix.json").evidence.photos == 8


def test_a_demo_keeps_nothing_in_the_library(made, tmp_path, monkeypatch):
    monkeypatch.setenv("STILLPIX_LIBRARY", str(tmp_path / "library"))

    run(tmp_path / "demo", "--photos", "4")

    assert not (tmp_path / "library").exists()


def test_a_second_demo_takes_the_place_of_the_first(made):
    folder, _ = made

    ran = run(folder, "--photos", "4", "--seed", "2")

    assert ran.exit_code == 0, ran.output
    assert there(folder) == demo_files(4)


@pytest.mark.parametrize("name", ["IMG_0001.JPG", "truth.json", "letter.txt", ".hidden"])
def test_a_folder_that_holds_something_else_is_refused_and_left_alone(tmp_path, name):
    (tmp_path / name).write_bytes(b"mine")

    ran = run(tmp_path)

    assert ran.exit_code == 2
    assert f"holds something else ('{name}'); name a new folder" in " ".join(ran.stderr.split())
    assert there(tmp_path) == {name}


def test_a_demos_folder_with_a_foreign_file_is_refused_and_left_alone(made):
    folder, _ = made
    before = there(folder)
    (folder / "mine.jpg").write_bytes(b"mine")

    ran = run(folder)
    (folder / "mine.jpg").unlink()

    assert ran.exit_code == 2
    assert there(folder) == before


def test_a_place_that_is_a_file_or_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")

    on_file, below_file = run(tmp_path / "file"), run(tmp_path / "file" / "demo")

    assert on_file.exit_code == 2
    assert below_file.exit_code == 3
    assert "stillpix: " in below_file.stderr
    assert below_file.stderr.count("\n") == 1


def test_a_disk_that_fills_up_is_named(tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stillpix.simulate.write_series", full)

    ran = run(tmp_path / "demo")

    assert ran.exit_code == 3
    assert "the disk is full; free some space and run again" in ran.stderr


def take_many():
    """Run the command line with a sensor of which 500 photos take some seconds."""
    from stillpix.__main__ import main
    from stillpix.cli import demo

    demo.SIZE = (2 * SIZE[0], 2 * SIZE[1])
    main()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_demo_that_was_stopped_can_be_run_again(tmp_path):
    folder = tmp_path / "demo"
    running = starting.Program(take_many, "demo", folder, "--photos", "500")
    while not (folder / "IMG_0001.JPG").exists():
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, complained = running.communicate(timeout=costs.LONGEST_S)

    assert running.returncode == 130
    assert complained == "stillpix: stopped\n"
    assert run(folder, "--photos", "4").exit_code == 0
    assert there(folder) == demo_files(4)

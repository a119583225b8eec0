"""`stillpix watch`: photos as they come, what is told of them, and restarts at any moment."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stillpix.cli import app, rounds
from stillpix.maps import read_map
from stillpix.scan import following
from support import effort, series, starting

pytestmark = pytest.mark.usefixtures("library")
POSIX = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
START = datetime(2026, 3, 1, 12)
LATE = (70, 90)  # x, y of a pixel that breaks
EARLY, LATER = range(24), range(24, 60)


def take(folder, numbers, *, broken=(), tags=None):
    """Let a camera take some photos, a minute ago."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        pixels = series.scene(number)
        for x, y in broken:
            pixels[y, x] = (pixels[y, x].astype(int) + 90).clip(0, 255)
        taken = START + timedelta(days=number)
        photo = series.jpeg(pixels, {36867: f"{taken:%Y:%m:%d %H:%M:%S}", **(tags or {})})
        beside = folder / f".IMG_{number:04}.tmp"
        beside.write_bytes(photo)
        os.utime(beside, (time.time() - 100,) * 2)
        beside.rename(folder / f"IMG_{number:04}.JPG")


def once(*arguments):
    result = CliRunner().invoke(app, ["watch", *map(str, arguments), "--once", "--json"])
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def named(events, name):
    return [event for event in events if event["event"] == name]


@pytest.fixture
def camera(tmp_path):
    take(tmp_path / "camera", EARLY)
    return tmp_path / "camera"


def test_what_is_broken_from_the_first_is_no_news_and_what_breaks_later_is(camera):
    first = once(camera)
    take(camera, LATER, broken=[LATE])
    second = once(camera)
    third = once(camera)

    (photos,) = named(first, "photos")
    assert (photos["read"], photos["broken"], photos["first"]) == (24, 3, True)
    assert named(first, "broken") == []
    (broken,) = named(second, "broken")
    assert (broken["x"], broken["y"], broken["after_first_photo"]) == (*LATE, True)
    assert named(third, "broken") == []


def test_a_map_that_was_there_before_is_no_news(camera):
    CliRunner().invoke(app, ["find", str(camera)])

    assert named(once(camera), "broken") == []


def test_the_command_reads_what_broke_and_is_run_again_if_it_fails(camera, tmp_path):
    once(camera)
    take(camera, LATER, broken=[LATE])
    script = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read()); sys.exit(sys.argv[2])"
    command = f'{sys.executable} -c "{script}" {tmp_path}/told'

    failed = once(camera, "--run", f"{command} no")
    done = once(camera, "--run", f"{command} ''".replace("''", "0"))

    assert "ended with status 1; it is run again" in named(failed, "trouble")[0]["text"]
    assert named(done, "photos")
    assert len(named(failed, "broken")) == 1
    told = [json.loads(line) for line in (tmp_path / "told").read_text().splitlines()]
    assert {(each["x"], each["y"]) for each in told} == {LATE}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-command", "no-such-command: cannot be run (No such file or directory)"),
        (f"{sys.executable} -c 'import time; time.sleep(9)'", "did not end within 0.1 s"),
    ],
)
def test_a_command_that_cannot_be_run_is_one_line(camera, monkeypatch, command, said):
    once(camera)
    take(camera, LATER, broken=[LATE])
    monkeypatch.setattr(rounds, "HOOK_S", 0.1)

    assert said in named(once(camera, "--run", command), "trouble")[0]["text"]


def test_lists_are_written_and_renewed_when_the_map_changes(camera, tmp_path):
    lists = ("--export", f"csv={tmp_path}/a.csv", "--export", f"csv={tmp_path}")
    first = once(camera, *lists)
    before = (tmp_path / "a.csv").read_bytes()
    take(camera, LATER, broken=[LATE])
    once(camera, *lists)

    assert [Path(event["path"]).suffix for event in named(first, "exported")] == [".csv", ".csv"]
    assert b"70,90" not in before
    assert b"70,90" in (tmp_path / "a.csv").read_bytes()
    assert len(list(tmp_path.glob("*.csv"))) == 2


def test_one_file_for_the_lists_of_two_cameras_is_refused_in_one_line(camera, tmp_path):
    take(camera, EARLY, tags={42033: "777"})
    take(camera.parent / "camera/other", LATER)

    events = once(camera, "--export", f"csv={tmp_path}/a.csv")

    assert "for several cameras, give a folder" in named(events, "trouble")[0]["text"]


def test_a_photo_that_cannot_be_used_is_told_once(camera, monkeypatch):
    cut = camera / "IMG_0003.JPG"
    cut.write_bytes(cut.read_bytes()[:3000])
    monkeypatch.setattr(following, "OLD_S", 0.0)

    (told,) = named(once(camera), "not_used")

    assert told["path"] == str(cut)
    assert "cut short" in told["reason"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--every", "soon"), "must be a time such as 90s, 10m or 6h, and is 'soon'"),
        (("--export", "csv"), "must be FORMAT=PATH"),
        (("--run", "mail 'me"), "a quote is not closed in 'mail 'me'"),
        (("--export", "nonsense=a.txt"), "nonsense"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, arguments, said):
    result = CliRunner().invoke(app, ["watch", str(tmp_path), *arguments])

    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


@contextmanager
def started(camera):
    with starting.stillpix("watch", camera, "--every", "0s", "--json") as program:
        try:
            yield program
        finally:
            program.kill()


def events_until(program, name):
    for line in program.stdout:
        event = json.loads(line)
        yield event
        if event["event"] == name:
            return


@POSIX
@pytest.mark.slow
def test_photos_are_taken_as_they_come_and_a_service_manager_ends_it(camera):
    with started(camera) as program:
        list(events_until(program, "photos"))
        take(camera, LATER, broken=[LATE])
        *_, broken = events_until(program, "broken")
        program.send_signal(signal.SIGTERM)
        rest, said = program.communicate(timeout=60)

    assert (broken["x"], broken["y"]) == LATE
    assert (program.returncode, said) == (0, "")
    assert json.loads(rest.splitlines()[-1])["event"] == "stopped"


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize("after_s", effort.chosen([0.3, 0.7, 1.5, 3.0], 0.3, 0.7))
def test_killed_at_any_moment_it_goes_on_and_tells_what_broke(camera, after_s, library):
    once(camera)
    take(camera, LATER, broken=[LATE])
    with started(camera) as program:
        time.sleep(after_s)
        program.kill()
        before = [json.loads(line) for line in program.communicate()[0].splitlines()]

    again = once(camera)

    told = {(event["x"], event["y"]) for event in named(before + again, "broken")}
    assert told == {LATE}
    ((path, _),) = library.maps()
    assert read_map(path).evidence.photos == 60


def test_a_folder_that_is_not_there_is_told_and_looked_for(tmp_path):
    result = CliRunner().invoke(app, ["watch", str(tmp_path / "disk"), "--once"])

    assert result.exit_code == 0
    assert "disk: is not there; stillpix goes on looking for it" in result.stderr


def test_a_url_is_watched_too(camera):
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").put(str(camera), "/camera", recursive=True)

    (photos,) = named(once("memory://camera"), "photos")

    assert photos["read"] == 24

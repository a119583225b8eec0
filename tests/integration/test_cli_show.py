"""`stillpix show` as a person and a program see it, and what every command shares."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date, datetime

import pytest
from typer.testing import CliRunner

from stillpix import cli, wording
from stillpix.cli import app
from stillpix.cli.output import sentence
from stillpix.errors import NothingUsableError
from stillpix.frame import Sensor
from stillpix.maps import read_map, write_map
from stillpix.maps.library import Library
from stillpix.maps.records import Defect, DefectMap, DetectionSummary, EvidenceSummary, Run
from support import costs

D3200 = Sensor("NIKON CORPORATION", "NIKON D3200", "8964244", 3008, 2000)
D320 = Sensor("NIKON CORPORATION", "NIKON D320", "1", 3008, 2000)
ODD = Sensor("富士", "カメラ\x1b[2J", "unknown", 30, 20)
HOT = Defect(
    x=2797,
    y=791,
    kind="hot",
    site="G",
    strength=20.9,
    exposure_s=1 / 60,
    gain=4.0,
    score=22.6,
    q=1e-9,
    seen=(0.94, 16),
    since=(date(2019, 7, 11), date(2019, 8, 1)),
    state="confirmed",
)
COLUMN = Defect(x=9, y=0, run=Run("column", 0, 1999), state="accepted")
NIKON = DefectMap(
    D3200,
    (HOT, Defect(x=5, y=7), COLUMN),
    EvidenceSummary(16, 16, datetime(2019, 7, 11, 15, 7, 32), datetime(2019, 8, 1, 15, 9)),
    DetectionSummary(expected_false=0.04),
)


@pytest.fixture
def library(tmp_path, monkeypatch):
    root = tmp_path / "library"
    monkeypatch.setenv("STILLPIX_LIBRARY", str(root))
    return Library(root)


@pytest.fixture
def filled(library):
    library.save(NIKON)
    library.save(DefectMap(D320))
    library.save(DefectMap(ODD, (Defect(x=1, y=2, state="rejected"),)))
    return library


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def stillpix(*arguments, **changes):
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", **changes}
    return subprocess.run(
        [sys.executable, "-m", "stillpix", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        check=False,
        timeout=costs.LONGEST_S,
    )


# The library


def test_an_empty_library_says_how_to_fill_it(library):
    shown = run("show")

    assert shown.exit_code == 0
    assert shown.output == f"No maps in {library.root} yet; `stillpix find PHOTOS` makes one.\n"


def test_the_library_is_a_table_of_bodies_with_their_defects_by_state(filled):
    shown = run("show")
    heading, *rows = [line.split() for line in shown.output.splitlines()[1:]]
    nikon = next(row for row in rows if "D3200," in row)

    assert shown.exit_code == 0
    assert heading[:6] == ["body", "size", "confirmed", "candidate", "accepted", "rejected"]
    assert nikon[4:] == [
        *("3008x2000", "1", "1", "1", "0", "16", "2019-08-01"),
        filled.map_path(D3200).name,
    ]
    assert len(rows) == 3


def test_the_library_as_json_is_one_document(filled):
    shown = run("show", "--json")
    document = json.loads(shown.output)
    nikon = next(entry for entry in document["maps"] if entry["sensor"]["model"] == "NIKON D3200")

    assert shown.exit_code == 0
    assert document["library"] == str(filled.root)
    assert nikon == {
        "path": str(filled.map_path(D3200)),
        "sensor": {
            "make": "NIKON CORPORATION",
            "model": "NIKON D3200",
            "serial": "8964244",
            "which": "",
            "width": 3008,
            "height": 2000,
            "layout": "rendered",
        },
        "defects": {"confirmed": 1, "candidate": 1, "accepted": 1, "rejected": 0},
        "photos": 16,
        "last": "2019-08-01T15:09:00",
    }


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["table", "json"])
def test_a_damaged_map_is_named_and_the_others_are_shown(filled, options):
    damaged = filled.map_path(D320)
    damaged.write_text("{", encoding="utf-8")

    shown = run("show", *options)

    assert shown.exit_code == 1
    assert "D3200" in shown.stdout
    assert f"stillpix: {damaged}: is not valid JSON" in shown.stderr


# One map


def test_a_map_is_a_sentence_and_a_table_of_its_defects(filled):
    shown = run("show", filled.map_path(D3200))
    lines = shown.output.splitlines()

    assert shown.exit_code == 0
    assert lines[0] == (
        "NIKON D3200, serial 8964244: 1 broken pixel and 1 bad column in 6.0 MP, found in "
        "16 photos; expect 0.04 of them to be wrong; and 1 candidate"
    )
    assert lines[2].split("  ")[-1] == "confirmed"
    for words in ("2797", "791", "hot", "+20.9 at 1/60 s, ISO 400", "22.6", "94 % of 16"):
        assert words in lines[2]
    assert "  by 2019-08-01  " in lines[2]  # and perhaps before there were photos
    assert lines[4].split()[:2] == ["9", "0..1999"]


@pytest.mark.parametrize(
    "part", ["d3200", "8964244", "Nikon D3200", "NIKON CORPORATION NIKON D3200"]
)
def test_a_map_is_found_by_part_of_its_bodys_name(filled, part):
    assert run("show", part).output.startswith("NIKON D3200, serial 8964244: 1 broken pixel")


def test_a_folder_of_maps_means_the_map_in_it(library, tmp_path):
    (tmp_path / "maps").mkdir()
    write_map(NIKON, tmp_path / "maps" / "mine.stillpix.json")

    assert run("show", tmp_path / "maps").output.startswith("NIKON D3200, serial 8964244: 1 broken")

    write_map(DefectMap(D320), tmp_path / "maps" / "other.stillpix.json")
    assert "holds maps of several cameras: NIKON D" in run("show", tmp_path / "maps").stderr


def test_a_whole_model_name_wins_over_a_longer_one(filled):
    assert run("show", "nikon d320").output == (
        "NIKON D320, serial 1: no broken pixels in 6.0 MP, after no photos\n"
    )


def test_a_part_of_several_names_is_wrong_usage_and_names_them(filled):
    shown = run("show", "nikon")

    assert shown.exit_code == 2
    assert "'nikon' is part of 2 names: NIKON D3200, serial 8964244, 3008x2000;" in shown.stderr
    assert "NIKON D320, serial 1, 3008x2000; give a longer part of one" in shown.stderr


def test_a_part_of_no_name_is_wrong_usage(filled):
    shown = run("show", "leica")

    assert shown.exit_code == 2
    assert "no map of 'leica'; `stillpix show` lists the maps you have" in shown.stderr


def test_a_map_as_json_is_the_map_file(filled, tmp_path):
    shown = run("show", "d3200", "--json")
    (tmp_path / "copy.json").write_text(shown.output, encoding="utf-8")

    assert read_map(tmp_path / "copy.json") == read_map(filled.map_path(D3200))


@pytest.mark.parametrize("name", ["no such.stillpix.json", "folder/map"])
def test_a_path_that_is_not_there_is_named(library, name):
    shown = run("show", name)

    assert shown.exit_code == 3
    assert "there is no such file; `stillpix show` lists the maps you have" in shown.stderr


@pytest.mark.parametrize(
    ("exposure_s", "words"),
    [(1 / 8000, "1/8000 s"), (0.3, "0.3 s"), (30.0, "30 s"), (0.0, "0 s")],
)
def test_exposure_times_read_as_photographers_write_them(exposure_s, words):
    assert wording.exposure_time(exposure_s) == words


@pytest.mark.parametrize(
    ("defects", "detection", "end"),
    [
        ((HOT,), DetectionSummary(expected_false=0.0), "1 photo; expect 0 of them to be wrong"),
        ((HOT,), DetectionSummary(), "1 photo; it is not known how many of them are wrong"),
        ((Defect(x=1, y=1),), DetectionSummary(), "after 1 photo; and 1 candidate"),
        ((), DetectionSummary(expected_false=0.0), "no broken pixels in 6.0 MP, after 1 photo"),
    ],
)
def test_the_sentence_says_how_sure_the_map_is(defects, detection, end):
    assert sentence(DefectMap(D3200, defects, EvidenceSummary(1), detection)).endswith(end)


# What every command shares


def test_a_real_run_prints_plain_uncut_lines_into_a_pipe(filled):
    shown = stillpix("show", COLUMNS="20", FORCE_COLOR="1")

    assert (shown.returncode, shown.stderr) == (0, "")
    assert "\x1b" not in shown.stdout
    assert filled.map_path(D3200).name in shown.stdout
    assert "カメラ\\x1b[2J" in shown.stdout


def test_a_terminal_that_knows_only_ascii_still_gets_an_answer(filled):
    assert stillpix("show", PYTHONIOENCODING="ascii").returncode == 0
    shown = stillpix("show", "--json", PYTHONIOENCODING="ascii")

    assert any(entry["sensor"]["make"] == "富士" for entry in json.loads(shown.stdout)["maps"])


@pytest.mark.skipif(os.name == "nt", reason="pipes as on POSIX")
def test_a_closed_pipe_is_quiet(library, tmp_path):
    path = tmp_path / "long.json"
    defects = tuple(Defect(x=x, y=y) for x in range(100) for y in range(100))
    write_map(DefectMap(D3200, defects), path)
    shown = subprocess.run(
        f'"{sys.executable}" -m stillpix show "{path}" | head -n 1; echo "${{PIPESTATUS[0]}}"',
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=False,
    )

    assert shown.stderr == ""
    assert shown.stdout.splitlines()[1] == "141"


def test_the_version_is_printed():
    shown = stillpix("--version")

    assert (shown.returncode, shown.stdout.split()[0]) == (0, "stillpix")


@pytest.mark.parametrize("arguments", [["shwo"], ["show", "--jsno"], ["show", "a", "b"]])
def test_wrong_usage_is_status_2(arguments):
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (NothingUsableError("there is no photo in a"), 3, "stillpix: there is no photo in a\n"),
        (KeyboardInterrupt(), 130, "stillpix: stopped\n"),
    ],
)
def test_what_stops_a_command_becomes_one_line_and_a_status(
    library, monkeypatch, error, status, line
):
    def stop(*_, **__):
        raise error

    monkeypatch.setattr(Library, "maps", stop)
    shown = run("show")

    assert (shown.exit_code, shown.stderr) == (status, line)


HEAVY = {"numba", "scipy", "simplejpeg", "PIL", "tifffile", "imagecodecs", "exifread"}


@pytest.mark.parametrize("arguments", [["--help"], ["show"], ["show", "d3200"]])
def test_help_and_show_import_nothing_heavy(filled, arguments):
    code = (
        "import sys; sys.argv = ['stillpix', *sys.argv[1:]]\n"
        "from stillpix.__main__ import main\n"
        "try: main()\n"
        "finally: print(*sorted(sys.modules), file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )

    assert HEAVY & set(ran.stderr.split()) == set()


def test_the_commands_are_all_described():
    shown = run("--help")

    for command in cli.app.registered_commands:
        assert command.name in shown.output

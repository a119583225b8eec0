"""The command line as a person meets it in the first hour: words tried, names pasted, hints."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace

import pytest
from rich.console import Console
from typer.testing import CliRunner

from stillpix.cli import app, progress
from stillpix.frame import Sensor
from stillpix.maps import write_map
from stillpix.maps.library import Library
from stillpix.maps.records import Defect, DefectMap, EvidenceSummary
from support import series

JPEG = Sensor("NIKON CORPORATION", "NIKON D3200", "8964244", 6016, 4000)
RAW = Sensor("NIKON CORPORATION", "NIKON D3200", "8964244", 6080, 4012, "bayer-RGGB")
BROKEN = (Defect(x=5, y=6, kind="hot", state="confirmed"),)
PYTHON_TYPES = re.compile(r"<(?:int|str|float|bool|Path|list)|\blist\[|x>=|INTEGER|TEXT\b|FLOAT")


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def said(ran):
    return " ".join((ran.stdout + ran.stderr).split())


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setenv("STILLPIX_LIBRARY", str(tmp_path / "library"))
    monkeypatch.chdir(tmp_path)
    return Library()


@pytest.fixture
def photos(tmp_path):
    series.write(tmp_path / "My photos", range(12))
    return tmp_path / "My photos"


# Words that people try


@pytest.mark.parametrize(
    ("word", "command"), [("repair", "fix"), ("list", "show"), ("maps", "show"), ("gui", "serve")]
)
def test_another_word_for_a_command_is_that_command(word, command):
    assert run(word, "--help").stdout == run(command, "--help").stdout


def test_help_and_the_version_answer_to_every_spelling():
    assert run("help").stdout == run("--help").stdout
    assert run("help", "fix").stdout == run("fix", "-h").stdout
    assert run("-V").stdout == run("--version").stdout


@pytest.mark.parametrize(("typo", "meant"), [("fnd", "find"), ("exprot", "export")])
def test_a_misspelt_command_is_suggested(typo, meant):
    ran = run(typo)

    assert ran.exit_code == 2
    assert f"did you mean '{meant}'?" in said(ran)


def test_the_list_of_commands_cuts_no_sentence():
    listed = run("--help").stdout.partition("Commands:")[2].strip().splitlines()

    assert len(listed) > 10
    assert [line for line in listed if not line.endswith(".") or "..." in line] == []


@pytest.mark.parametrize(
    ("tried", "does_it"), [("undo", "fix --undo"), ("forget", "library MAP --forget")]
)
def test_a_command_that_is_a_flag_elsewhere_is_named(tried, does_it):
    ran = run(tried, "x")

    assert ran.exit_code == 2
    assert f"there is no command '{tried}'; use stillpix {does_it}" in said(ran)


@pytest.mark.parametrize("command", [command.name for command in app.registered_commands])
def test_help_has_no_types_of_a_language_and_one_example_that_is_right(command):
    shown = run(command, "--help").stdout
    example = shown.partition("\nExample:\n  ")[2].splitlines()[0]

    assert PYTHON_TYPES.findall(shown) == []
    assert shlex.split(example)[:2] == ["stillpix", command]
    flags = [word for word in shlex.split(example) if word.startswith("--")]
    assert [flag for flag in flags if f"{flag} " not in shown] == []
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("share", ["1%", "1 %", "0.01", "1,0%"])
def test_a_share_is_taken_in_percent(library, photos, share):
    ran = run("find", photos, "--fdr", share, "--json")

    assert '"fdr": 0.01' in ran.stdout


@pytest.mark.parametrize("share", ["0", "100%", "2", "much", "1%%", "nan", ""])
def test_a_share_that_is_none_is_refused(library, photos, share):
    ran = run("find", photos, "--fdr", share)

    assert ran.exit_code == 2
    assert "must lie between 0 and 1, such as 0.01 or 1%" in said(ran)


# Names


NAMES = [
    "NIKON D3200", "8964244", "NIKON D3200, serial 8964244", "NIKON D3200, serial 8964244:",
    "NIKON D3200, serial 8964244, 6016x4000", "NIKON D3200, serial 8964244  6016x4000",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_name_that_is_printed_can_be_pasted_into_every_command(library, tmp_path, name):
    library.save(DefectMap(JPEG, BROKEN))
    listed = tmp_path / "list.csv"

    for words in (
        ("show", name),
        ("report", name, "--out", tmp_path / "r.html"),
        ("export", name, "--to", "csv", "--out", listed),
        ("import", listed, "--from", "csv", "--map", name),
    ):
        ran = run(*words)
        assert ran.exit_code == 0, said(ran)


def test_the_file_that_show_prints_can_be_pasted(library):
    library.save(DefectMap(JPEG, BROKEN))
    file = run("show").stdout.split()[-1]

    assert run("show", file).stdout == run("show", "D3200").stdout


@pytest.mark.parametrize(
    ("jpeg", "raw", "chosen"),
    [
        (DefectMap(JPEG, BROKEN), DefectMap(RAW), JPEG),
        (DefectMap(JPEG), DefectMap(RAW, BROKEN), RAW),
        (DefectMap(JPEG, evidence=EvidenceSummary(9)), DefectMap(RAW), JPEG),
        (DefectMap(JPEG), DefectMap(RAW, evidence=EvidenceSummary(9)), RAW),
    ],
)
def test_of_two_maps_of_one_camera_the_fullest_is_meant(library, jpeg, raw, chosen):
    library.save(jpeg)
    library.save(raw)

    shown = run("show", "D3200", "--json")

    assert f'"width": {chosen.width}' in shown.stdout
    assert f"there are 2 maps of this camera, and this is {chosen.name}" in said(shown)


def test_a_list_is_never_added_to_one_of_two_maps_by_guess(library, tmp_path):
    library.save(DefectMap(JPEG, BROKEN))
    library.save(DefectMap(RAW))
    (tmp_path / "list.csv").write_text("x,y\n7,8\n")

    doubtful = run("import", tmp_path / "list.csv", "--from", "csv", "--map", "D3200")
    named = run("import", tmp_path / "list.csv", "--from", "csv", "--map", RAW.name)

    assert doubtful.exit_code == 2
    assert f"'D3200' means 2 maps; give one of '{JPEG.name}'; '{RAW.name}'" in said(doubtful)
    assert named.exit_code == 0, said(named)
    assert [(each.x, each.y) for each in library.find(RAW).defects] == [(7, 8)]


def test_of_two_maps_of_one_camera_fix_takes_the_one_of_the_photos(library, photos, tmp_path):
    run("find", photos)
    ((_, found),) = library.maps()
    mono = replace(found.sensor, layout="mono")
    library.save(DefectMap(mono, tuple(replace(BROKEN[0], x=x) for x in range(40, 90))))

    ran = run("fix", photos, "--map", "Example One", "--dry-run")

    assert f"map: {library.map_path(found.sensor)}" in ran.stdout
    assert ran.exit_code == 0, said(ran)


def test_fix_takes_the_name_of_a_camera(library, photos, tmp_path):
    run("find", photos)

    ran = run("fix", photos, "--map", "Example One", "--out", tmp_path / "out")

    assert ran.exit_code == 0, said(ran)
    assert "repaired, in" in ran.stdout


# What comes next


def test_find_ends_with_whether_to_do_anything_and_with_commands_that_run(library, photos):
    ran = run("find", photos)
    verdict, first, second = ran.stdout.splitlines()[-3:]

    assert verdict == "3 broken pixels: repair the photos in which they show."
    for line in (first, second):
        words = shlex.split(line.removeprefix("Next:"), comments=True)
        assert words[0] == "stillpix"
        assert run(*words[1:]).exit_code == 0


def test_the_next_command_keeps_the_name_that_was_given_to_the_camera(library, tmp_path):
    series.write(tmp_path / "p", range(9), tags={271: None, 272: None, 42033: None})

    ran = run("find", tmp_path / "p", "--camera", "The attic's")

    (line,) = [line for line in ran.stdout.splitlines() if "stillpix fix" in line]
    words = shlex.split(line.removeprefix("Next:"), comments=True)
    assert words[-4:-2] == ["--camera", "The attic's"]
    assert run(*words[1:], "--dry-run").exit_code == 0


def test_of_two_maps_with_one_name_each_can_be_named(library):
    colour, grey = replace(RAW, layout="bayer-RGGB"), replace(RAW, layout="mono")
    library.save(DefectMap(colour, BROKEN))
    library.save(DefectMap(grey))

    names = re.findall(r"'([^']+)'", said(run("show", "D3200")))

    assert f'"layout": "{grey.layout}"' in run("show", names[-1], "--json").stdout


def test_find_says_that_too_few_photos_tell_nothing(library, photos):
    ran = run("find", min(photos.iterdir()))

    assert ran.stdout.splitlines()[-1] == (
        "Too few different pictures to tell: give more photos before you repair anything."
    )


def test_the_map_beside_photos_is_used_and_one_in_the_folder_is_listed(library, photos, tmp_path):
    run("find", photos, "--out", photos / "mine.stillpix.json")
    assert run("show").stdout.startswith("No maps in ")

    ran = run("fix", photos, "--out", tmp_path / "out")
    (photos / "mine.stillpix.json").rename(tmp_path / "mine.stillpix.json")

    assert f"map: {photos / 'mine.stillpix.json'} (3 broken pixels)" in ran.stdout
    assert "and 1 map in this folder" in run("show").stdout
    assert run("show", "example one").exit_code == 0


def test_a_map_of_another_camera_is_refused_once_before_any_work(library, photos, tmp_path):
    write_map(DefectMap(JPEG, BROKEN), tmp_path / "other.json")

    ran = run("fix", photos, "--map", tmp_path / "other.json", "--out", tmp_path / "out")

    assert ran.exit_code == 2
    assert said(ran).count("but the map is of NIKON D3200") == 1
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_refused_before_heads_are_read(
    library, photos, tmp_path, monkeypatch
):
    def read(*_, **__):
        raise AssertionError("photos were looked for")

    monkeypatch.setattr("stillpix.images.gather.gather", read)
    (tmp_path / "file").write_bytes(b"")

    ran = run("find", photos, "--out", tmp_path / "file" / "maps")

    assert ran.exit_code == 2
    assert "is a file; name a folder" in said(ran)


# How much is said


def test_quiet_says_only_errors(library, photos, tmp_path):
    (photos / "bad.jpg").write_bytes(b"no photo")

    ran = run("find", photos, "--quiet")

    assert ran.stdout == ""
    assert ran.stderr.splitlines()[0].startswith("stillpix: not used: ")
    assert all("note:" not in line for line in ran.stderr.splitlines())


def test_verbose_and_a_log_tell_each_step(library, photos, tmp_path):
    log = tmp_path / "run.log"

    loud = run("find", photos, "--verbose", "--log", log)
    again = run("show", "--log", log)
    lines = log.read_text(encoding="utf-8").splitlines()

    assert "Example One, serial 0012345, 160x120: 12 photos to read" in loud.stderr
    assert [line for line in lines if not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d ", line)] == []
    for line in (loud.stdout + again.stdout).splitlines():
        assert any(each.endswith(line) for each in lines), line
    assert sum("; library " in line for line in lines) == 2


def test_a_log_that_cannot_be_written_is_refused(library, photos, tmp_path):
    ran = run("find", photos, "--log", tmp_path / "nowhere" / "x.log")

    assert ran.exit_code == 2
    assert "cannot be written" in said(ran)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_count_and_time_left_stay_visible_in_a_narrow_terminal(width):
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system=None)
    bar = progress.bar_on(console)
    task = bar.add_task(
        "NIKON D3200, serial 8964244, 6016x4000, again for dates (--fast skips this)",
        total=3000, completed=1234, rate="12.3 photos/s",
    )  # fmt: skip
    bar.update(task, completed=1234)
    console.print(bar.get_renderable())
    (line,) = [row for row in out.getvalue().splitlines() if "1234/3000" in row]

    assert re.search(r"1234/3000.*(-:--:--|\d:\d\d:\d\d)", line)
    assert ("12.3 photos/s" in line) == (width >= progress.ROOMY)


# Completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_each_shell_gets_a_script_that_asks_stillpix(shell):
    ran = run("completion", shell)

    assert ran.exit_code == 0
    assert "_STILLPIX_COMPLETE" in ran.stdout
    assert "stillpix" in ran.stderr


def test_the_script_of_bash_completes_commands_and_flags():
    def completed(words, index):
        environment = {**os.environ, "_STILLPIX_COMPLETE": "complete_bash", "COMP_WORDS": words,
                       "COMP_CWORD": str(index)}  # fmt: skip
        ran = subprocess.run(
            [sys.executable, "-m", "stillpix"], env=environment, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip
        return ran.stdout.split()

    assert completed("stillpix ex", 1) == ["export"]
    assert "--in-place" in completed("stillpix fix --in", 2)

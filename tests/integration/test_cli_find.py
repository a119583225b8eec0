"""`stillpix find` as a person and a program see it: what is refused, written, printed, and kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from stillpix.cli import app, progress
from stillpix.maps import read_map, write_map
from stillpix.maps.records import DefectMap, EvidenceSummary
from support import costs, holding, photos, series

POSIX = pytest.mark.skipif(os.name == "nt", reason="signals and terminals of POSIX")
pytestmark = pytest.mark.usefixtures("library")


@pytest.fixture(scope="module")
def five(tmp_path_factory):
    folder = tmp_path_factory.mktemp("five")
    series.write(folder, range(5))
    return folder


@pytest.fixture(scope="module")
def two_bodies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    series.write(folder / "a", range(6))
    series.write(folder / "b", range(5), tags={42033: "777"})
    return folder


def run(*arguments, **options):
    return CliRunner().invoke(app, ["find", *map(str, arguments)], **options)


def said(ran):
    """Return what went to standard error as one line, whatever the width it was folded to."""
    return " ".join(ran.stderr.split())


# What is refused before any photo is read


@pytest.fixture
def unread(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("pixels were read")

    monkeypatch.setattr("stillpix.scan.looking.read_frame", refuse)


@pytest.mark.parametrize("fdr", ["0", "1", "2", "-0.1", "nan", "inf", "much"])
def test_a_share_of_false_finds_that_is_none_is_refused(five, unread, fdr):
    assert run(five, "--fdr", fdr).exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [(), ("--nonsense",), ("--jobs", "0"), ("--method", "magic"), ("--least", "0")],
)
def test_wrong_arguments_are_wrong_usage(five, unread, arguments):
    assert run(*((five, *arguments) if arguments else ())).exit_code == 2


def test_one_file_for_several_bodies_is_refused_and_names_them(two_bodies, unread, tmp_path):
    ran = run(two_bodies, "--out", tmp_path / "x.stillpix.json")

    assert ran.exit_code == 2
    assert "Example One, serial 0012345, 160x120; Example One, serial 777, 160x120" in said(ran)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_map_is_never_overwritten(five, unread, tmp_path):
    for name in ("notes.json", "notes.txt"):
        (tmp_path / name).write_text('{"dear": "diary"}', encoding="utf-8")

        ran = run(five, "--out", tmp_path / name)

        assert ran.exit_code == 2
        assert "it will not be overwritten" in said(ran)
        assert (tmp_path / name).read_text(encoding="utf-8") == '{"dear": "diary"}'


def test_another_bodys_map_is_never_overwritten(five, two_bodies, tmp_path):
    out = tmp_path / "x.json"
    assert run(two_bodies / "b", "--out", out).exit_code == 0
    before = out.read_bytes()

    ran = run(five, "--out", out)

    assert ran.exit_code == 2
    assert "is the map of Example One, serial 777, 160x120, not of Example One" in said(ran)
    assert out.read_bytes() == before


def test_a_place_that_cannot_be_is_refused(five, unread, tmp_path):
    (tmp_path / "file").write_bytes(b"")

    below_file = run(five, "--out", tmp_path / "file" / "maps")
    nowhere = run(five, "--out", tmp_path / "nowhere" / "x.json")

    assert (below_file.exit_code, nowhere.exit_code) == (2, 2)
    assert "file is a file; name a folder" in said(below_file)
    assert "make it first" in said(nowhere)


def test_a_place_one_may_not_write_to_is_refused(five, unread, tmp_path, locked):
    ran = run(five, "--out", tmp_path / "x.json")

    assert ran.exit_code == 2
    assert "you may not write into" in said(ran)


# Where maps go


def test_maps_go_to_the_library_and_say_where(five, library):
    ran = run(five)
    ((path, found),) = library.maps()

    assert ran.exit_code == 0
    assert f"  map: {path}\n" in ran.stdout
    assert found.evidence.photos == 5


def test_a_second_find_says_what_was_known(five):
    run(five)

    ran = run(five)

    assert "  no new photos read, 5 known from before; 5 different pictures in all\n" in ran.stdout


def test_out_with_a_json_name_is_that_file_and_the_library_stays_as_it_was(five, tmp_path, library):
    ran = run(five, "--out", tmp_path / "x.stillpix.json")

    assert ran.exit_code == 0
    assert read_map(tmp_path / "x.stillpix.json").evidence.photos == 5
    assert not library.root.exists()


def test_out_with_another_name_is_a_folder_with_a_map_a_body(two_bodies, tmp_path):
    out = tmp_path / "deep" / "maps"

    ran = run(two_bodies, "--out", out)

    assert ran.exit_code == 0
    assert [read_map(path).evidence.photos for path in sorted(out.iterdir())] == [6, 5]


def test_an_earlier_map_is_updated_and_a_persons_marks_stay(tmp_path):
    series.write(tmp_path / "photos", range(12))
    out = tmp_path / "x.json"
    run(tmp_path / "photos", "--out", out)
    first = read_map(out)
    marked = [replace(each, state="rejected") for each in first]
    write_map(replace(first, defects=tuple(marked)), out)

    ran = run(tmp_path / "photos", "--out", out)

    assert ran.exit_code == 0
    assert {each.state for each in read_map(out)} == {"rejected"}
    assert ran.stdout.startswith("Example One, serial 0012345: no broken pixels")


# What is printed


def test_json_is_one_document_and_nothing_else(two_bodies, library):
    ran = run(two_bodies, "nix", "--json")
    document = json.loads(ran.stdout)

    assert ran.exit_code == 1
    assert [made["read"] for made in document["maps"]] == [6, 5]
    assert [Path(made["path"]) for made in document["maps"]] == [
        library.map_path(sensor) for sensor in map(_sensor, document["maps"])
    ]
    assert document["not_used"] == [{"path": "nix", "reason": "does not exist; check the spelling"}]
    assert (document["left"], document["notes"], document["troubles"]) == (0, [], [])


def _sensor(made):
    return read_map(made["path"]).sensor


def test_json_of_nothing_is_a_document_too(tmp_path):
    ran = run(tmp_path, "--json")

    assert ran.exit_code == 3
    assert json.loads(ran.stdout)["maps"] == []
    assert (
        ran.stderr == "stillpix: no photo there; give photos, or a folder of them "
        "(JPEG, PNG, TIFF, RAW or FITS)\n"
    )


def test_a_path_that_does_not_exist_costs_the_others_nothing(five):
    ran = run("nix.jpg", five, f"{five}/*.png")

    assert ran.exit_code == 1
    assert "5 new photos read" in ran.stdout
    assert ran.stderr.splitlines() == [
        "stillpix: not used: nix.jpg: does not exist; check the spelling",
        f"stillpix: not used: {five}/*.png: no file matches this pattern; check the spelling",
    ]


def test_a_pattern_in_quotes_and_a_list_on_standard_input_are_photos(five):
    assert "2 new photos read" in run(f"{five}/IMG_000[12].JPG").stdout
    listed = "\n".join(str(path) for path in sorted(five.iterdir()))

    assert "3 new photos read, 2 known" in run("-", input=listed).stdout
    assert run("-", input="").exit_code == 3


def test_without_a_terminal_progress_is_a_plain_line_now_and_then(five, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", -1.0)

    lines = run(five).stderr.splitlines()

    assert len(lines) == 2
    assert lines[0].startswith("stillpix: Example One, serial 0012345, 160x120: 4 of 5 photos, ")
    assert "photos/s, " in lines[0]


@POSIX
def test_on_a_terminal_progress_is_a_bar_with_rate_and_time_left(five, tmp_path):
    import pty

    main_end, terminal = pty.openpty()
    ran = subprocess.Popen(
        holding.command("stillpix.scan.looking.read_frame", 4, tmp_path / "go", "find", five),
        stdout=subprocess.PIPE, stderr=terminal,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "99"},
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    while part := _read_terminal(main_end):
        shown += part
        if b"4/5" in shown:
            (tmp_path / "go").touch()
    printed, _ = ran.communicate(timeout=costs.LONGEST_S)

    assert ran.returncode == 0, shown.decode()
    assert b"photos/s" in shown
    assert b"5/5" in shown
    assert b"0:00:0" in shown
    assert b"map: " in printed
    assert b"\x1b" not in printed


def _read_terminal(end):
    try:
        return os.read(end, 4096)
    except OSError:  # Linux says so when the other end is closed
        return b""


def test_a_camera_without_a_broken_pixel_has_a_map_and_is_no_failure(five, tmp_path, monkeypatch):
    def nothing(evidence, *_):
        return DefectMap(evidence.sensor, (), EvidenceSummary(5, 5))

    monkeypatch.setattr("stillpix.scan.concluding.detect", nothing)

    ran = run(five, "--out", tmp_path / "x.json")

    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [
        "Example One, serial 0012345: no broken pixels in 0.019 MP, after 5 photos",
        "  5 new photos read; 5 different pictures in all",
        f"  map: {tmp_path / 'x.json'}",
        "No pixel is broken as far as these photos show: there is nothing to repair.",
    ]


# A full disk


def test_a_map_that_cannot_be_written_is_printed_and_the_old_one_stays(many, tmp_path, monkeypatch):
    out = tmp_path / "x.json"
    run(many, "--out", out)
    before = out.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    ran = run(many, "--out", out)

    assert ran.exit_code == 1
    assert f"{out}: the disk is full; free some space and run again" in ran.stderr
    assert "strength (grey levels)" in ran.stdout
    assert out.read_bytes() == before
    assert list(tmp_path.iterdir()) == [out]


FILL = """
import json, os, sys
from pathlib import Path
from stillpix.__main__ import main
root = Path(sys.argv[1])
room = int(sys.argv[2])
with open(root / "filler", "wb") as file:
    free = os.statvfs(root).f_bavail * os.statvfs(root).f_frsize
    file.write(bytes(max(free - room, 0)))
os.environ["STILLPIX_LIBRARY"] = str(root / "library")
sys.argv = ["stillpix", "find", sys.argv[3]]
try:
    main()
finally:
    print(json.dumps(sorted(path.name for path in root.rglob("*") if path.is_file())))
"""


@pytest.mark.parametrize(
    ("room", "kept"), [(0, []), (200_000, [".json"])], ids=["no room", "room for the map only"]
)
def test_a_library_on_a_full_disk_costs_no_find(five, tmp_path, room, kept):
    if not shutil.which("unshare") or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("a small file system of one's own needs unshare and root")
    mount = 'mount -t tmpfs -o size=400k tmpfs "$1" || exit 77; exec "$2" -c "$3" "$1" "$4" "$5"'
    command = ["unshare", "--mount", "sh", "-c", mount, "sh", tmp_path, sys.executable, FILL]
    ran = subprocess.run(
        [*command, str(room), five],
        capture_output=True,
        text=True,
        check=False,
        timeout=costs.LONGEST_S,
    )
    if ran.returncode == 77 or "unshare failed" in ran.stderr:
        pytest.skip("no file systems can be mounted here")

    assert ran.returncode == 1 if kept else ran.returncode in {1, 3}
    assert "the disk is full; free some space and run again" in ran.stderr
    assert "Traceback" not in ran.stderr
    left = json.loads(ran.stdout.splitlines()[-1])
    assert {Path(name).suffix for name in left} - {"", ".lock"} == set(kept)


def test_a_library_that_cannot_be_made_is_said_before_any_photo_is_read(
    five, unread, tmp_path, monkeypatch
):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("STILLPIX_LIBRARY", str(tmp_path / "file" / "library"))

    ran = run(five)

    assert ran.exit_code == 3
    assert ran.stderr.splitlines() == [
        f"stillpix: {tmp_path}/file/library/locks: its folder is a file; choose another place",
        "stillpix: to save maps outside the library, give --out FILE or --out DIR",
    ]


# Two at once


def test_two_finds_at_once_both_end_well_and_the_map_has_all_photos(tmp_path, library):
    series.write(tmp_path / "a", range(8))
    series.write(tmp_path / "b", range(8, 16))
    running = []
    for name, awaited in (("a", "4 of 8 photos"), ("b", "waiting for it to end")):
        ran = holding.started(
            "stillpix.scan.looking.read_frame", 6, tmp_path / "go", "find", tmp_path / name
        )
        running.append(ran)
        holding.said_until(ran, awaited)
    (tmp_path / "go").touch()
    outputs = [each.communicate(timeout=costs.LONGEST_S) for each in running]

    ((_, found),) = library.maps()
    assert [each.returncode for each in running] == [0, 0], outputs
    assert found.evidence.photos == 16
    assert {(one.x, one.y) for one in found.in_state("confirmed")} >= set(series.HOT)


# The article's method


@pytest.fixture
def still(tmp_path):
    """Return a folder of lossless photos in which one subpixel of one photosite never varies."""
    for number in range(4):
        picture = series.scene(number, (64, 48))
        picture[20, 30, 1] = 77
        (tmp_path / f"{number}.png").write_bytes(
            photos.encoded(photos.Image.fromarray(picture), "PNG")
        )
    return tmp_path


def test_variance_prints_the_least_with_its_index_and_value(still):
    ran = run(still, "--method", "variance")
    title, headings, row = ran.stdout.splitlines()

    assert ran.exit_code == 0
    assert (
        title
        == f"unknown camera, folder {os.path.realpath(still)}, 64x48: least varying over 4 photos"
    )
    assert headings.split() == [
        *("index", "x", "y", "channel", "sum", "of", "squares", "mean", "(DN)", "ties")
    ]
    assert row.split() == [str((20 * 64 + 30) * 3 + 1), "30", "20", "G", "0", "77", "1"]


def test_variance_prints_the_ten_least_on_request_as_a_naive_sum_has_them(still):
    pictures = [photos.Image.open(path) for path in sorted(still.glob("*.png"))]
    stack = np.stack([np.asarray(picture, np.float64) for picture in pictures])
    spread = ((stack - stack.mean(0)) ** 2).sum(0).ravel()

    ran = run(still, "--method", "variance", "--least", "10", "--json")
    ((listed,),) = ([body["least"]] for body in json.loads(ran.stdout)["bodies"])

    assert [one["index"] for one in listed] == np.argsort(spread, kind="stable")[:10].tolist()
    assert [one["sum_of_squares"] for one in listed] == pytest.approx(np.sort(spread)[:10])


def test_variance_says_how_many_more_vary_as_little(tmp_path):
    for number in range(3):
        flat = photos.Image.new("L", (40, 40), 10 * number)
        (tmp_path / f"{number}.png").write_bytes(photos.encoded(flat, "PNG"))

    ran = run(tmp_path, "--method", "variance", "--least", "3")

    assert ran.stdout.splitlines()[-1].startswith("1597 more vary exactly as little as the last")


def test_variance_skips_photos_of_another_shape_or_depth_by_name(still):
    grey = photos.Image.fromarray(series.scene(9, (64, 48))).convert("L")
    (still / "0 grey.png").write_bytes(photos.encoded(grey, "PNG"))
    (still / "0 deep.png").write_bytes(photos.png_of_words(photos.scene(64, 48, deep=True)))
    (still / "cut.png").write_bytes(photos.png()[:-200])
    (still / "small.png").write_bytes(photos.png())

    ran = run(still, "--method", "variance")

    assert ran.exit_code == 1
    assert "64x48: least varying over 4 photos" in ran.stdout
    assert "0 grey.png: is 8-bit grey, most are 8-bit colour; only photos of one kind" in ran.stderr
    assert "0 deep.png: is 16-bit colour, most are 8-bit colour" in ran.stderr
    assert "61x47: 1 photo, too few to compare; give at least two" in ran.stdout


def test_variance_of_one_photo_is_nothing_usable(still):
    ran = run(still / "0.png", "--method", "variance")

    assert ran.exit_code == 3
    name = f"unknown camera, folder {os.path.realpath(still)}, 64x48"
    assert ran.stdout == f"{name}: 1 photo, too few to compare; give at least two\n"
    assert "give two or more photos of one camera, of one size" in ran.stderr


def test_variance_makes_no_map(still, unread, library):
    ran = run(still, "--method", "variance", "--out", still / "x.json")

    assert ran.exit_code == 2
    assert "--method variance only prints and makes no map" in said(ran)
    run(still, "--method", "variance")
    assert not library.root.exists()


# Start-up


def test_help_comes_at_once_and_names_every_option():
    begun = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "stillpix", "find", "--help"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert time.monotonic() - begun < 20  # half a second where nothing else runs
    assert not {"numpy", "numba", "PIL", "simplejpeg"} & set(ran.stderr.replace("|", " ").split())
    for option in ("--out", "--fdr", "--method", "--least", "--jobs", "--json"):
        assert option in ran.stdout

"""`stillpix fix` as a person and a program see it: what is refused, written, printed, and noted."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from blake3 import blake3
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.maps import read_map, write_map
from stillpix.maps.records import DefectMap, EvidenceSummary
from stillpix.restoration import RepairedFile
from support import photos, series
from support.fixing import map_of, names, shot, sound, tree

pytestmark = pytest.mark.usefixtures("library")
SENSOR = "Example One, serial 0012345, 160x120"


@pytest.fixture
def folder(tmp_path):
    """Return a folder of three photos, one of them deeper, one in which nothing shows."""
    shot(tmp_path / "in" / "a.jpg")
    shot(tmp_path / "in" / "deep" / "b.jpg", 1)
    sound(tmp_path / "in" / "c.jpg")
    return tmp_path / "in"


@pytest.fixture
def map_file(folder, tmp_path):
    write_map(map_of(folder / "a.jpg"), tmp_path / "m.stillpix.json")
    return tmp_path / "m.stillpix.json"


def run(*arguments, **options):
    return CliRunner().invoke(app, ["fix", *map(str, arguments)], **options)


def said(ran):
    """Return what went to standard error as one line, whatever the width it was folded to."""
    return " ".join(ran.stderr.split())


def log_of(folder):
    return json.loads((folder / "stillpix-fix.json").read_text(encoding="utf-8"))


def digest(path):
    return blake3(path.read_bytes()).hexdigest(length=16)


# What is refused before any photo is read


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--out: say where the repaired photos go: --out DIR for copies, --in-place to"),
        (
            ("--out", "OUT", "--in-place"),
            "--out: writes copies, and --in-place replaces the photos",
        ),
        (("--out", "OUT", "--at", "12"), "--at: '12' is no place; give X,Y such as 2797,791"),
        (("--out", "OUT", "--at", "-1,2"), "'-1,2' is no place"),
        (("--out", "OUT", "--at", "1,2,3"), "'1,2,3' is no place"),
        (("--out", "OUT", "--at", "1.5,2"), "'1.5,2' is no place"),
        (("--out", "OUT", "--at", ""), "'' is no place"),
        (("--out", "OUT", "--at", "1,2", "--map", "m.json"), "--map those of a map; give one"),
        (("--in-place", "--changed-only"), "--changed-only: works only on copies; give --out DIR"),
        (("--in-place", "--force"), "--force: works only on copies; give --out DIR"),
        (("--out", "OUT", "--no-backup"), "--no-backup: works only with --in-place; give"),
        (("--out", "OUT", "--jobs", "0"), "--jobs"),
        (("--out", "in/a.jpg"), "in/a.jpg is a file; name a folder"),
        (("--out", "in/a.jpg/deep"), "in/a.jpg is a file; name a folder"),
        (("--out", "in"), "in is the folder of a.jpg itself; name another folder, or use --in-pl"),
    ],
)
def test_wrong_usage_is_refused_with_the_remedy_and_writes_nothing(
    folder, tmp_path, monkeypatch, arguments, words
):
    monkeypatch.chdir(tmp_path)
    before = tree(tmp_path)

    ran = run("in", *arguments)

    assert ran.exit_code == 2
    assert words in said(ran)
    assert tree(tmp_path) == before


def test_a_folder_one_may_not_write_into_is_refused(folder, tmp_path, locked):
    ran = run(folder, "--out", tmp_path / "out" / "deep")

    assert ran.exit_code == 2
    assert f"you may not write into {tmp_path}; name another folder" in said(ran)


def test_a_folder_that_cannot_be_made_is_refused_before_photos_are_read(folder, tmp_path):
    before = tree(tmp_path)

    ran = run(folder, "--out", tmp_path / "new" / ("x" * 300))

    assert ran.exit_code == 2
    assert "cannot be made (File name too long); name another" in said(ran)
    assert tree(tmp_path) == before


def test_a_map_that_is_missing_or_damaged_is_named(folder, tmp_path):
    (tmp_path / "half.json").write_text('{"format": "stillpix-map", "ver', encoding="utf-8")

    missing = run(folder, "--map", tmp_path / "nix.json", "--in-place")
    damaged = run(folder, "--map", tmp_path / "half.json", "--in-place")

    assert (missing.exit_code, damaged.exit_code) == (3, 3)
    assert f"{tmp_path}/nix.json: there is no such file" in missing.stderr
    assert f"{tmp_path}/half.json: is not valid JSON" in damaged.stderr
    assert names(folder) == ["a.jpg", "c.jpg", "deep/b.jpg"]


def test_without_a_map_the_remedy_is_to_find_first(folder, tmp_path):
    ran = run(folder, "--out", tmp_path / "out")

    assert ran.exit_code == 3
    assert ran.stderr.splitlines()[0] == (
        f"stillpix: not repaired: {folder}/a.jpg and 2 more: is of {SENSOR}, of which the library "
        "has no map; run `stillpix find` on its photos first, or give --map or --at X,Y"
    )
    assert not (tmp_path / "out").exists()


def test_a_damaged_map_in_the_library_is_named(folder, library, tmp_path):
    path = library.map_path(map_of(folder / "a.jpg").sensor)
    path.parent.mkdir(parents=True)
    path.write_text("{}", encoding="utf-8")

    ran = run(folder, "--out", tmp_path / "out")

    assert ran.exit_code == 3
    assert f"{path}: is not a stillpix map" in ran.stderr


def test_no_photo_is_nothing_usable(tmp_path):
    ran = run(tmp_path, "--in-place")

    assert ran.exit_code == 3
    assert ran.stderr == (
        "stillpix: no photo there; give photos, or a folder of them "
        "(JPEG, PNG, TIFF, RAW or FITS)\n"
    )


# What is written


def test_photos_are_repaired_from_the_library_into_a_folder(folder, library, tmp_path):
    library.save(map_of(folder / "a.jpg"))
    before = tree(folder)
    out = tmp_path / "out"

    ran = run(folder, "--out", out)

    assert ran.exit_code == 0, ran.stderr
    assert names(out) == ["a.jpg", "c.jpg", "deep/b.jpg", "stillpix-fix.json"]
    assert tree(folder) == before
    assert ran.stdout.splitlines() == [
        f"{SENSOR}: 2 of 3 photos repaired, in 6 places",
        f"  map: {library.map_path(map_of(folder / 'a.jpg').sensor)} (3 broken pixels)",
        "  no broken pixel shows in 1 photo: copied byte for byte",
        f"log: {out}/stillpix-fix.json",
        f"Next: stillpix serve {folder}  # compare before and after",
    ]
    assert ran.stderr == ""


def test_a_second_run_finds_the_copies_there(folder, map_file, tmp_path):
    out = tmp_path / "out"
    run(folder, "--map", map_file, "--out", out)
    before = tree(out)

    ran = run(folder, "--map", map_file, "--out", out)

    assert ran.exit_code == 0
    assert f"  3 photos in {out} already\n" in ran.stdout
    assert tree(out) == before


def test_in_place_keeps_originals_and_says_so(folder, map_file):
    first = run(folder, "--map", map_file, "--in-place")
    before = tree(folder)
    second = run(folder, "--map", map_file, "--in-place")

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "  2 originals kept beside the photo, as NAME.orig\n" in first.stdout
    assert "  no broken pixel shows in 1 photo: left alone\n" in first.stdout
    assert f"log: {folder}/stillpix-fix.json\nlog: {folder}/deep/stillpix-fix.json" in first.stdout
    assert names(folder) == [
        "a.jpg", "a.jpg.orig", "c.jpg", "deep/b.jpg", "deep/b.jpg.orig",
        "deep/stillpix-fix.json", "stillpix-fix.json",
    ]  # fmt: skip
    assert second.stdout.startswith(f"{SENSOR}: 3 photos, nothing to repair\n")
    assert tree(folder) == before


def test_given_places_are_repaired_and_no_others(folder, tmp_path):
    ran = run(folder / "a.jpg", "--at", "40,30", "--at", " 101, 77 ", "--out", tmp_path / "out")

    rows = [row.split()[1:4] for row in ran.stdout.splitlines() if "a.jpg " in row]
    assert ran.exit_code == 0
    assert rows == [["40", "30", "repaired"], ["101", "77", "repaired"]]
    assert log_of(tmp_path / "out")["photos"][0]["map"] == {"at": [[40, 30], [101, 77]]}


@pytest.mark.parametrize(
    ("options", "always"), [((), False), (("--all",), True), (("--at", "7,9"), True)]
)
def test_only_all_and_given_places_repair_what_does_not_show(
    folder, library, monkeypatch, options, always
):
    library.save(map_of(folder / "a.jpg"))
    asked = []

    def recorded(content, _, defects, *, always, raw):
        asked.append((len(defects), always))
        return RepairedFile(content, ())

    monkeypatch.setattr("stillpix.restoration.fix.repaired_pictures", recorded)
    run(folder / "a.jpg", "--in-place", *options)

    assert asked == [(1 if "--at" in options else 3, always)]


def test_a_dry_run_lists_each_place_and_writes_nothing(folder, map_file, tmp_path):
    before = tree(tmp_path)

    for where in ((), ("--out", tmp_path / "out"), ("--in-place",)):
        ran = run(folder, "--map", map_file, "--dry-run", *where)

        assert ran.exit_code == 0
        assert ran.stdout.startswith(f"{SENSOR}: 2 of 3 photos would be repaired, in 6 places\n")
        rows = [re.split(r"\s{2,}", row) for row in ran.stdout.splitlines() if ".jpg" in row]
        assert [row[:3] for row in rows[:3]] == [
            [f"{folder}/a.jpg", str(x).rjust(3).strip(), str(y)] for x, y in series.HOT
        ]
        assert {row[3] for row in rows[:3]} == {"repaired"}
        assert all(float(row[4]) > 30 for row in rows[:3])
        *_, said, command = ran.stdout.splitlines()
        assert said == "nothing was written: this was a dry run"
        assert command.startswith(f"Next: stillpix fix {folder} --map {map_file} --out fixed")
    assert tree(tmp_path) == before


def test_a_dry_run_says_what_would_be_refused(folder, map_file, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.jpg").write_bytes(b"precious")

    ran = run(folder, "--map", map_file, "--dry-run", "--out", tmp_path / "out")

    assert ran.exit_code == 1
    assert "out/a.jpg: exists already and differs" in ran.stderr


def test_paths_come_from_standard_input_too(folder, map_file, tmp_path):
    listed = f"{folder}/a.jpg\n{folder}/c.jpg\n"

    ran = run("-", "--map", map_file, "--out", tmp_path / "out", "--changed-only", input=listed)

    assert ran.exit_code == 0
    assert names(tmp_path / "out") == ["a.jpg", "stillpix-fix.json"]


def test_files_in_out_are_left_out_with_a_note(folder, map_file, tmp_path):
    out = folder / "fixed"
    run(folder, "--map", map_file, "--out", out)

    ran = run(folder, "--map", map_file, "--out", out)

    assert ran.exit_code == 0
    assert ran.stderr == (
        f"stillpix: note: 3 photos in {out} left out: photos in --out are repaired already\n"
    )


def test_candidates_are_left_alone_and_it_is_said(folder, tmp_path):
    found = map_of(folder / "a.jpg")
    candidates = tuple(replace(defect, state="candidate") for defect in found)
    write_map(replace(found, defects=candidates), tmp_path / "m.json")

    ran = run(folder / "a.jpg", "--map", tmp_path / "m.json", "--in-place")

    assert ran.stdout.splitlines()[1] == (
        f"  map: {tmp_path}/m.json (no broken pixels; 3 candidates left alone until you accept "
        "them in the map)"
    )
    assert names(folder) == ["a.jpg", "c.jpg", "deep/b.jpg"]


# What goes wrong


BAD = {
    "cut.jpg": (lambda: series.jpeg(series.scene(9))[:-2000], "is cut short; "),
    "empty.jpg": (lambda: b"", "is empty; "),
    "text.jpg": (lambda: b"Dear diary,\n" * 50, "is not a photo: "),
    "huge.jpg": (lambda: photos.jpeg_of_claimed_size(65535, 65535), "claims to be 65535x65535 "),
    "huge.png": (lambda: photos.png_of_claimed_size(65534, 65535), "claims to be 65534x65535 "),
    "cut.png": (lambda: photos.png()[:-200], "is "),
    "other.jpg": (
        lambda: series.jpeg(series.scene(9), {42033: "777"}),
        f"is of Example One, serial 777, 160x120, but the map is of {SENSOR}; give its own "
        "map, or --at X,Y",
    ),
    "small.jpg": (
        lambda: series.jpeg(series.scene(9, (80, 60))),
        "is of another size than the map of this camera (160x120), and a map fits no other size, ",
    ),
    "odd.jpg": (photos.jpeg_of_odd_sampling, "is "),
}


def test_each_bad_file_is_one_line_and_the_others_are_repaired(folder, map_file, tmp_path):
    for name, (make, _) in BAD.items():
        (folder / name).write_bytes(make())

    ran = run(folder, "--map", map_file, "--out", tmp_path / "out")

    assert ran.exit_code == 1
    lines = {
        Path(line.split(": ")[2]).name: line.split(": ", 3)[3] for line in ran.stderr.splitlines()
    }
    assert lines.keys() == BAD.keys()
    for name, (_, reason) in BAD.items():
        assert lines[name].startswith(reason)
    assert names(tmp_path / "out") == ["a.jpg", "c.jpg", "deep/b.jpg", "stillpix-fix.json"]


def test_equal_refusals_are_one_line(tmp_path):
    for number in range(23):
        sound(tmp_path / "in" / f"{number:02}.jpg")

    ran = run(tmp_path / "in", "--in-place")

    (line,) = ran.stderr.splitlines()
    assert line.startswith(f"stillpix: not repaired: {tmp_path}/in/00.jpg and 22 more: is of ")


def test_photos_of_many_sizes_are_refused_in_a_line_that_names_the_fullest_map(
    folder, map_file, library, tmp_path
):
    full = library.save(read_map(map_file))
    crop = replace(full.sensor, width=90, height=70)
    library.save(DefectMap(crop, evidence=EvidenceSummary(1)))
    for number in range(3):
        size = (100 + number, 80)
        (tmp_path / "crops").mkdir(exist_ok=True)
        content = series.jpeg(series.scene(number, size))
        (tmp_path / "crops" / f"{number}.jpg").write_bytes(content)

    ran = run(tmp_path / "crops", "--out", tmp_path / "out")

    (line,) = ran.stderr.splitlines()
    assert "0.jpg and 2 more: is of another size than the map of this camera (160x120)" in line


def test_many_different_refusals_are_counted_in_the_end(tmp_path):
    for number in range(23):
        photo, _ = sound(tmp_path / "in" / f"{number:02}.jpg")
        photo.write_bytes(series.jpeg(series.scene(0), {272: f"Model {number}"}))

    ran = run(tmp_path / "in", "--in-place")

    assert len(ran.stderr.splitlines()) == 21
    assert ran.stderr.endswith("not repaired: 3 more of 23; --json names them all\n")


# What is noted


def test_the_log_says_what_was_done_to_which_photo_by_which_map(folder, map_file, tmp_path):
    out = tmp_path / "out"
    run(folder, "--map", map_file, "--out", out, "--jobs", "1")

    log = log_of(out)
    by_target = {entry["target"]: entry for entry in log["photos"]}
    first = by_target["a.jpg"]
    assert (log["format"], log["version"]) == ("stillpix-fix", 1)
    assert set(by_target) == {"a.jpg", "c.jpg", "deep/b.jpg"}
    assert {target: entry["result"] for target, entry in by_target.items()} == {
        "a.jpg": "repaired", "c.jpg": "copied", "deep/b.jpg": "repaired",
    }  # fmt: skip
    assert first["source"] == str(folder / "a.jpg")
    assert (first["before"], first["after"]) == (digest(folder / "a.jpg"), digest(out / "a.jpg"))
    assert [(place["x"], place["y"]) for place in first["places"]] == list(series.HOT)
    assert {place["outcome"] for place in first["places"]} == {"repaired"}
    assert first["map"] == {
        "path": str(map_file), "make": "Example Works", "model": "Example One",
        "serial": "0012345", "width": 160, "height": 120, "layout": "rendered",
    }  # fmt: skip
    assert first["options"]["all"] is False
    assert first["stillpix"]
    assert first["time"][:2] == "20"


def test_a_log_grows_over_runs_and_keeps_what_it_does_not_know(folder, map_file, tmp_path):
    out = tmp_path / "out"
    run(folder / "a.jpg", "--map", map_file, "--out", out)
    log = {**log_of(out), "colour": "green"}
    log["photos"][0]["mood"] = "good"
    (out / "stillpix-fix.json").write_text(json.dumps(log), encoding="utf-8")

    run(folder, "--map", map_file, "--out", out)

    grown = log_of(out)
    assert grown["colour"] == "green"
    assert [entry["target"] for entry in grown["photos"]].count("a.jpg") == 1
    assert grown["photos"][0]["mood"] == "good"
    assert len(grown["photos"]) == 3


def test_what_is_no_log_is_put_aside_and_a_log_that_cannot_be_written_is_said(
    folder, map_file, tmp_path
):
    out = tmp_path / "out"
    out.mkdir()
    (out / "stillpix-fix.json").write_text("dear diary", encoding="utf-8")

    ran = run(folder / "a.jpg", "--map", map_file, "--out", out)

    aside = out / "stillpix-fix.json.unusable1"
    assert ran.exit_code == 1
    assert f"is not a log of stillpix; it was moved to {aside}" in ran.stderr
    assert aside.read_text(encoding="utf-8") == "dear diary"
    assert len(log_of(out)["photos"]) == 1

    (out / "stillpix-fix.json").unlink()
    (out / "stillpix-fix.json").mkdir()
    ran = run(folder / "c.jpg", "--map", map_file, "--out", out)
    assert ran.exit_code == 1
    assert "(this concerns only the log; the photos are written as reported)" in ran.stderr
    assert (out / "c.jpg").exists()


def test_json_is_one_document_and_nothing_else(folder, map_file, tmp_path):
    (folder / "empty.jpg").write_bytes(b"")

    ran = run(folder, "--map", map_file, "--out", tmp_path / "out", "--json")

    document = json.loads(ran.stdout)
    assert ran.exit_code == 1
    assert [(Path(each["source"]).name, each["result"]) for each in document["photos"]] == [
        ("a.jpg", "repaired"), ("c.jpg", "copied"), ("b.jpg", "repaired"),
    ]  # fmt: skip
    assert [Path(each["path"]).name for each in document["not_repaired"]] == ["empty.jpg"]
    assert (document["dry_run"], document["left"], document["troubles"]) == (False, 0, [])
    assert document["logs"] == [str(tmp_path / "out" / "stillpix-fix.json")]

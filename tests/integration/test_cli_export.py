"""`stillpix export` and `stillpix import` as a photographer uses them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

import pytest
from PIL import Image
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.frame import Exposure, Sensor
from stillpix.images import Header
from stillpix.lists import FORMATS
from stillpix.maps import read_map, write_map
from stillpix.maps.records import Defect, DefectMap, EvidenceSummary
from support import mosaic_files

RAW = Sensor("NIKON CORPORATION", "NIKON D750", "601", 600, 400, "bayer-RGGB", (11, 7, 560, 380))
JPEGS = Sensor("NIKON CORPORATION", "NIKON D750", "601", 560, 380)
FOUND = DefectMap(
    RAW,
    (
        Defect(x=100, y=50, kind="hot", state="confirmed"),
        Defect(x=200, y=60, state="accepted"),
        Defect(x=300, y=70),
        Defect(x=400, y=80, state="rejected"),
        Defect(x=5, y=90, state="confirmed"),
        Defect(x=12, y=90, state="confirmed"),
    ),
    EvidenceSummary(photos=20, first=datetime(2020, 1, 1)),
)


@pytest.fixture
def filled(library):
    library.save(FOUND)
    return library


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def lines_of(path):
    text = path.read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


# Export


def test_the_only_map_is_exported_and_what_does_not_fit_is_told(filled, tmp_path):
    shown = run("export", "--to", "rawtherapee", "--out", tmp_path)
    path = tmp_path / "Nikon D750 601.badpixels"

    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        "NIKON D750, serial 601: 3 pixels for RawTherapee",
        f"  list: {path}",
    ]
    assert shown.stderr.splitlines() == [
        "stillpix: note: 1 pixel left out, outside the area that RawTherapee sees: 5,90",
        "stillpix: note: 1 pixel listed in the outer 2 rows and columns, which RawTherapee "
        "never repairs: 12,90",
    ]
    assert lines_of(path) == ["89 43", "189 53", "1 83"]


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_every_format_is_exported_and_imported_again(filled, tmp_path, form):
    if form.module == "fits":
        pytest.importorskip("astropy")
    path = tmp_path / f"list{form.suffixes[0]}"
    exported = run("export", "d750", "--to", form.name, "--out", path)
    imported = run("import", path, "--from", form.name, "--out", tmp_path / "again.json")
    again = read_map(tmp_path / "again.json")

    assert (exported.exit_code, imported.exit_code) == (0, 0), exported.output + imported.output
    assert {(100, 50), (200, 60)} <= {(one.x, one.y) for one in again}
    assert {one.state for one in again} == {"accepted"}


@pytest.mark.parametrize(
    ("origin", "lines"),
    [
        ("10,4", ["90 46 0", "190 56 0", "2 86 0"]),  # as of a raw crop of RawTherapee's camconst
        ("10,4,100,200", ["90 46 0", "2 86 0"]),
        ("0,0,600,400", ["100 50 0", "200 60 0", "5 90 0", "12 90 0"]),
    ],
)
def test_another_origin_can_be_told(filled, tmp_path, origin, lines):
    run("export", "--to", "dcraw", "--out", tmp_path / "a.txt", "--origin", origin)

    assert lines_of(tmp_path / "a.txt") == lines


def test_candidates_are_exported_when_asked_for(filled, tmp_path):
    run("export", "--to", "phd2", "--out", tmp_path / "a.txt", "--candidates")

    assert "300 70" in lines_of(tmp_path / "a.txt")
    assert "400 80" not in lines_of(tmp_path / "a.txt")


def test_the_json_of_export_is_one_document(filled, tmp_path):
    shown = run("export", "--to", "dcraw", "--out", tmp_path / "a.txt", "--json")

    assert json.loads(shown.stdout) == {
        "format": "dcraw",
        "path": str(tmp_path / "a.txt"),
        "sensor": "NIKON D750, serial 601, 600x400 RAW",
        "listed": 4 - 1,
        "left_out": [[5, 90]],
        "unrepaired": [],
    }


def test_a_file_that_is_there_is_overwritten_only_when_told_to(filled, tmp_path):
    path = tmp_path / "mine.badpixels"
    path.write_text("7 7 0\n", encoding="utf-8")

    refused = run("export", "--to", "dcraw", "--out", path)
    kept = path.read_text(encoding="utf-8")
    forced = run("export", "--to", "dcraw", "--out", path, "--force")

    assert (refused.exit_code, kept) == (2, "7 7 0\n")
    assert "exists already; --force overwrites it" in " ".join(refused.stderr.split())
    assert forced.exit_code == 0 and lines_of(path)[0] == "89 43 0"


def test_the_formats_are_listed(library):
    shown = run("export", "--to", "list")

    assert shown.exit_code == 0
    assert [line.split()[0] for line in shown.stdout.splitlines()[1:]] == [f.name for f in FORMATS]
    assert len(json.loads(run("export", "--to", "list", "--json").stdout)) == len(FORMATS)


WRONG = {
    "format": (["--to", "lightroom", "--out", "a"], "there is no format 'lightroom'; `stillpix"),
    "no place": (["--to", "csv"], "say where the list goes: --out FILE, such as list.csv"),
    "install": (["--to", "csv", "--install"], "works only with --to rawtherapee"),
    "both": (["--to", "rawtherapee", "--install", "--out", "a"], "give either"),
    "map": (["d300", "--to", "csv", "--out", "a"], "no map of 'd300'"),
    "origin": (["--to", "csv", "--out", "a.csv", "--origin", "4"], "'4' is no place; give X,Y"),
    "far origin": (
        ["--to", "csv", "--out", "a.csv", "--origin", "600,1"],
        "600,1 is no part of NI",
    ),
    "folder": (
        ["--to", "csv", "--out", "nowhere/"],
        "there is no folder nowhere; make it first, or give a file",
    ),
}


@pytest.mark.parametrize(("arguments", "reason"), WRONG.values(), ids=WRONG)
def test_wrong_usage_is_status_2_and_says_what_to_do(
    filled, tmp_path, monkeypatch, arguments, reason
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    before = sorted(tmp_path.rglob("*"))
    shown = run("export", *arguments)

    assert shown.exit_code == 2
    assert reason in " ".join(shown.stderr.split())
    assert sorted(tmp_path.rglob("*")) == before


def test_a_map_of_jpegs_is_not_exported_to_a_raw_program(library, tmp_path):
    library.save(DefectMap(JPEGS, (Defect(x=1, y=2, state="confirmed"),)))
    shown = run("export", "--to", "rawtherapee", "--out", tmp_path)

    assert shown.exit_code == 2
    assert "give a map of its RAW files" in " ".join(shown.stderr.split())


def test_a_list_of_photosites_is_not_imported_for_jpegs(library, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    library.save(DefectMap(JPEGS))
    (tmp_path / "a.txt").write_text("1 1 0\n", encoding="utf-8")
    shown = run("import", tmp_path / "a.txt", "--from", "dcraw")

    assert shown.exit_code == 2
    assert "dcraw counts photosites of RAW files, but NIKON D750" in " ".join(shown.stderr.split())
    assert len(library.find(JPEGS)) == 0


def test_an_empty_map_is_status_3_and_names_the_candidates(library, tmp_path):
    library.save(DefectMap(RAW, (Defect(x=1, y=2), Defect(x=3, y=2))))
    shown = run("export", "--to", "csv", "--out", tmp_path / "a.csv")

    assert shown.exit_code == 3
    assert "nothing confirmed or accepted to list; --candidates lists its 2 candidates" in (
        shown.stderr
    )
    assert not (tmp_path / "a.csv").exists()


def test_an_empty_library_says_how_to_fill_it(library, tmp_path):
    shown = run("export", "--to", "csv", "--out", tmp_path / "a.csv")

    assert shown.exit_code == 2
    assert "there is no map yet; `stillpix find PHOTOS` makes one" in " ".join(shown.stderr.split())


def header(path, sensor):
    return Header(path, "dng", sensor, Exposure(), None, 1, 65535)


def test_a_photo_tells_the_visible_area(filled, tmp_path, monkeypatch):
    """Readers of RAW are other tests' work: the header stands in for a file."""
    cropped = Sensor(
        "NIKON CORPORATION", "NIKON D750", "601", 600, 400, "bayer-RGGB", (20, 10, 500, 300)
    )
    monkeypatch.setattr("stillpix.images.read_header", lambda path: header(path, cropped))
    shown = run("export", "--to", "dcraw", "--out", tmp_path / "a.txt", "--photo", "a.dng")

    assert shown.exit_code == 0
    assert lines_of(tmp_path / "a.txt") == ["80 40 0", "180 50 0"]


def test_a_photo_finds_its_map_among_several(filled, tmp_path, monkeypatch):
    filled.save(DefectMap(JPEGS, (Defect(x=1, y=2, state="confirmed"),)))
    monkeypatch.setattr("stillpix.images.read_header", lambda path: header(path, RAW))
    shown = run("export", "--to", "dcraw", "--out", tmp_path / "a.txt", "--photo", "a.dng")

    assert shown.exit_code == 0
    assert lines_of(tmp_path / "a.txt")[0] == "89 43 0"


def test_a_photo_of_another_size_is_refused_by_name(filled, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    Image.new("L", (64, 48)).save(tmp_path / "small.png")
    out = tmp_path / "a.txt"
    shown = run("export", "d750", "--to", "dcraw", "--out", out, "--photo", tmp_path / "small.png")

    assert shown.exit_code == 2
    assert "is of unknown camera, 64x48 (rendered), but the map is of NIKON D750, serial 601" in (
        " ".join(shown.stderr.split())
    )
    assert not out.exists()


# RawTherapee's own folder


def test_a_list_is_installed_where_rawtherapee_looks(filled, tmp_path, monkeypatch):
    dark = tmp_path / "dark frames"
    dark.mkdir()
    text = f"[Profiles]\nDarkFramesPath=/nowhere\n[General]\nDarkFramesPath={dark}\n"
    (tmp_path / "options").write_text(text, encoding="utf-8")
    monkeypatch.setenv("RT_SETTINGS", str(tmp_path))
    shown = run("export", "--to", "rawtherapee", "--install")

    assert shown.exit_code == 0
    assert [path.name for path in dark.iterdir()] == ["Nikon D750 601.badpixels"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (None, "RawTherapee's settings were not found"),
        ("[General]\nTheme=x\n", "names no folder for dark frames; choose one in RawTherapee"),
        ("[General]\nDarkFramesPath=/no/such\n", "names /no/such, which is no folder"),
    ],
)
def test_where_rawtherapee_has_no_folder_it_is_said(filled, tmp_path, monkeypatch, options, reason):
    if options is not None:
        (tmp_path / "options").write_text(options, encoding="utf-8")
    monkeypatch.setenv("RT_SETTINGS", str(tmp_path))
    shown = run("export", "--to", "rawtherapee", "--install")

    assert shown.exit_code == 3
    assert reason in shown.stderr and shown.stderr.count("\n") == 1


# Import


def test_an_imported_list_is_added_and_what_a_person_rejected_stays(filled, tmp_path):
    (tmp_path / "a.txt").write_text("89 43 0\n289 63 0\n389 73 0\n0 0 86400\n", encoding="utf-8")
    shown = run("import", tmp_path / "a.txt", "--from", "dcraw")
    states = {(one.x, one.y): (one.state, one.kind) for one in filled.find(RAW)}

    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        "NIKON D750, serial 601: 1 pixel added",
        "  1 pixel known as candidate or rejected, and now accepted",
        "  1 pixel in the map already",
        f"  map: {filled.map_path(RAW)}",
    ]
    assert shown.stderr == (
        "stillpix: note: 1 pixel still rejected by your mark; --accept-rejected accepts them\n"
    )
    assert states == {
        (100, 50): ("confirmed", "hot"),
        (200, 60): ("accepted", "unknown"),
        (300, 70): ("accepted", "unknown"),
        (400, 80): ("rejected", "unknown"),
        (5, 90): ("confirmed", "unknown"),
        (12, 90): ("confirmed", "unknown"),
        (11, 7): ("accepted", "unknown"),
    }
    assert str(filled.find(RAW).defects[-1].since[0]) == "1970-01-02"
    assert filled.find(RAW).evidence == FOUND.evidence


def test_rejected_pixels_are_accepted_when_told_to(filled, tmp_path):
    (tmp_path / "a.txt").write_text("389 73 0\n", encoding="utf-8")
    shown = run("import", tmp_path / "a.txt", "--from", "dcraw", "--accept-rejected", "--json")

    assert json.loads(shown.stdout)["accepted"] == [[400, 80]]
    assert {one.state for one in filled.find(RAW) if one.x == 400} == {"accepted"}


def test_a_photo_tells_the_camera_of_a_list(library, tmp_path):
    Image.new("L", (64, 48)).save(tmp_path / "a.png")
    (tmp_path / "a.csv").write_text("x,y,kind\n63,47,hot\n", encoding="utf-8")
    shown = run("import", tmp_path / "a.csv", "--from", "csv", "--photo", tmp_path / "a.png")
    ((_, found),) = library.maps()

    assert shown.exit_code == 0, shown.output
    assert [(one.x, one.y, one.kind, one.state) for one in found] == [(63, 47, "hot", "accepted")]
    assert found.detection.method == "imported"


def test_a_map_file_tells_the_camera_of_a_list(library, tmp_path):
    write_map(FOUND, tmp_path / "d750.json")
    (tmp_path / "a.lst").write_text("P 0 0 H\n", encoding="utf-8")
    run("import", tmp_path / "a.lst", "--from", "siril", "--map", tmp_path / "d750.json")

    assert [(one.x, one.y) for one in library.find(RAW)] == [(12, 8)]


IMPORTS = {
    "nothing": (b"# nothing\n", [], 3, "lists no pixels; check --from"),
    "outside": (b"1 1 0\n999 1 0\n", [], 3, "line 2 names 999,1, but the list counts in an area"),
    "format": (b"", ["--from", "excel"], 2, "there is no format 'excel'"),
    "both": (
        b"",
        ["--map", "d750", "--photo", "a.png"],
        2,
        "with --photo or with --map, not with both",
    ),
    "map": (b"", ["--map", "d300"], 2, "no map of 'd300'"),
    "out": (b"1 1 0\n", ["--out", "list.txt/x/a.json"], 2, "there is no folder"),
}


@pytest.mark.parametrize(("content", "more", "status", "reason"), IMPORTS.values(), ids=IMPORTS)
def test_an_import_that_fails_says_why_and_changes_nothing(
    filled, tmp_path, monkeypatch, content, more, status, reason
):
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "list.txt").write_bytes(content)
    before = filled.map_path(RAW).read_bytes()
    shown = run("import", tmp_path / "list.txt", "--from", "dcraw", *more)

    assert shown.exit_code == status, shown.output
    assert reason in " ".join(shown.stderr.split())
    assert filled.map_path(RAW).read_bytes() == before


def test_several_maps_and_no_camera_named_is_wrong_usage(filled, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    filled.save(DefectMap(JPEGS))
    (tmp_path / "a.txt").write_text("1 1 0\n", encoding="utf-8")
    shown = run("import", tmp_path / "a.txt", "--from", "dcraw")

    assert shown.exit_code == 2
    assert "there are 2 maps: NIKON D750, serial 601, 560x380; NIKON D750" in " ".join(
        shown.stderr.split()
    )


def test_what_was_imported_outlasts_the_next_scan(filled, tmp_path):
    (tmp_path / "a.txt").write_text("11 13 0\n", encoding="utf-8")
    run("import", tmp_path / "a.txt", "--from", "dcraw")
    filled.save(DefectMap(RAW, (Defect(x=100, y=50, state="confirmed"),)))

    assert (22, 20, "accepted") in {(one.x, one.y, one.state) for one in filled.find(RAW)}


# Maps of FITS files, and of RAW files

COUNTS_RAW = ("rawtherapee", "dcraw", "libraw", "siril", "dng", "darktable")


@pytest.mark.parametrize("name", COUNTS_RAW)
def test_a_list_for_raw_files_is_refused_to_a_map_of_fits_files(tmp_path, name):
    found = replace(FOUND, sensor_extra={"files": "fits"})
    write_map(found, tmp_path / "m.stillpix.json")

    ran = run("export", tmp_path / "m.stillpix.json", "--to", name, "--out", tmp_path / "a.lst")

    said = " ".join(ran.stderr.split())
    assert ran.exit_code == 2
    assert "would look for the pixels elsewhere" in said
    assert ("give siril-fits" in said) == (name == "siril")
    assert not (tmp_path / "a.lst").exists()


def test_a_list_for_fits_files_is_refused_to_a_map_of_raw_files(tmp_path):
    write_map(replace(FOUND, sensor_extra={"files": "raw"}), tmp_path / "m.stillpix.json")

    ran = run("export", tmp_path / "m.stillpix.json", "--to", "siril-fits", "--out", "a.lst")

    assert ran.exit_code == 2
    assert "made from RAW files" in " ".join(ran.stderr.split())
    assert "give siril" in " ".join(ran.stderr.split())


def test_a_list_of_siril_for_raw_files_is_not_imported_into_a_map_of_fits_files(tmp_path):
    write_map(replace(FOUND, sensor_extra={"files": "fits"}), tmp_path / "m.stillpix.json")
    (tmp_path / "a.lst").write_text("P 3 4 H\n", encoding="utf-8")

    ran = run(
        "import", tmp_path / "a.lst", "--from", "siril", "--map", tmp_path / "m.stillpix.json"
    )

    assert ran.exit_code == 2
    assert "give siril-fits" in " ".join(ran.stderr.split())


@pytest.mark.parametrize("name", ["pixinsight", "dalsa"])
def test_where_a_program_may_cut_margins_off_a_person_says_where_it_counts_from(tmp_path, name):
    write_map(replace(FOUND, sensor_extra={"files": "raw"}), tmp_path / "m.stillpix.json")
    arguments = ["export", tmp_path / "m.stillpix.json", "--to", name, "--out", tmp_path / "a.lst"]

    refused = run(*arguments)

    assert refused.exit_code == 2
    assert "say with --origin" in " ".join(refused.stderr.split())
    assert run(*arguments, "--origin", "0,0").exit_code == 0
    bare = replace(FOUND, sensor=replace(FOUND.sensor, visible=None))
    write_map(replace(bare, sensor_extra={"files": "raw"}), tmp_path / "m.stillpix.json")
    assert run(*arguments, "--force").exit_code == 0


def test_a_guide_cameras_list_is_made_of_fits_files_only(tmp_path):
    write_map(replace(FOUND, sensor_extra={"files": "tiff"}), tmp_path / "m.stillpix.json")
    arguments = [
        "export",
        tmp_path / "m.stillpix.json",
        "--to",
        "phd2",
        "--out",
        tmp_path / "a.txt",
    ]

    refused = run(*arguments)

    assert refused.exit_code == 2
    assert "made from TIFF files" in " ".join(refused.stderr.split())
    write_map(replace(FOUND, sensor_extra={"files": "fits"}), tmp_path / "m.stillpix.json")
    assert run(*arguments).exit_code == 0


def test_darktable_is_another_name_of_its_list(filled, tmp_path):
    for name in ("dng", "darktable"):
        assert run("export", "--to", name, "--out", tmp_path / f"{name}.bin").exit_code == 0

    assert (tmp_path / "dng.bin").read_bytes() == (tmp_path / "darktable.bin").read_bytes()


def test_find_says_in_the_map_of_which_files_it_was_made(tmp_path):
    pytest.importorskip("astropy")
    for number in range(4):
        pixels = mosaic_files.noise(64, 64, seed=number)
        (tmp_path / f"{number}.fits").write_bytes(mosaic_files.fits(pixels, INSTRUME="Cam"))

    run("find", tmp_path, "--fast", "--out", tmp_path / "m.stillpix.json")

    assert read_map(tmp_path / "m.stillpix.json").files == "fits"

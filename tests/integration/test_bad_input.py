"""Everything bad a folder can hold: one clear line each, and the photos beside it are all used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import BytesIO

import pytest
import tifffile
from typer.testing import CliRunner

from stillpix.cli import app
from support import costs, mosaic_files, photos, series, starting

GOOD = 5  # photos that stand beside each bad one


@pytest.fixture(autouse=True)
def _own_library(tmp_path, monkeypatch):
    monkeypatch.setenv("STILLPIX_LIBRARY", str(tmp_path / "library"))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photos"
    series.write(folder, range(GOOD))
    return folder


def run(*arguments, **options):
    return CliRunner().invoke(app, ["find", *map(str, arguments)], **options)


def complaints(ran):
    return [line for line in ran.stderr.splitlines() if "not used" in line]


BAD = {
    "truncated.jpg": (
        lambda: series.jpeg(series.scene(99))[:-2000],
        "is cut short; copy it again from the card, or leave it out",
    ),
    "cut in its head.jpg": (
        lambda: series.jpeg(series.scene(99))[:200],
        "is cut short; copy it again from the card, or leave it out",
    ),
    "empty.jpg": (lambda: b"", "is empty; copy it again from the card, or delete it"),
    "text.jpg": (
        lambda: b"Dear diary,\n" * 50,
        "is not a photo: its first bytes are not those of a JPEG, PNG, TIFF, RAW, FITS, HEIF, "
        "AVIF, JXL or video; leave it out",
    ),
    "huge.jpg": (
        lambda: photos.jpeg_of_claimed_size(65535, 65535),
        "claims to be 65535x65535 pixels, more than any sensor has (at most 500 MP are read); "
        "leave it out",
    ),
    "huge.png": (
        lambda: photos.png_of_claimed_size(65535, 65535),
        "claims to be 65535x65535 pixels, more than any sensor has (at most 500 MP are read); "
        "leave it out",
    ),
    "icon.png": (
        lambda: photos.encoded(photos.Image.new("L", (16, 16)), "PNG"),
        "is 16x16 pixels, too small to be a photo from a sensor; leave it out",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_with_the_remedy_and_the_others_are_used(folder, name):
    make, reason = BAD[name]
    (folder / name).write_bytes(make())

    ran = run(folder)

    assert ran.exit_code == 1
    assert complaints(ran) == [f"stillpix: not used: {folder / name}: {reason}"]
    assert f"found in {GOOD} photos" in ran.stdout or f"after {GOOD} photos" in ran.stdout


def test_all_bad_files_together_are_told_of_in_a_line_for_each_reason(folder):
    for name, (make, _) in BAD.items():
        (folder / name).write_bytes(make())

    ran = run(folder)

    assert ran.exit_code == 1
    assert len(complaints(ran)) == len({reason for _, reason in BAD.values()})


def test_files_of_one_reason_share_a_line(folder):
    for number in range(30):
        (folder / f"{number:02}.jpg").write_bytes(b"")

    ran = run(folder)

    (line,) = complaints(ran)
    assert line.startswith(f"stillpix: not used: {folder / '00.jpg'} and 29 more: is empty")
    assert len(json.loads(run(folder, "--json").stdout)["not_used"]) == 30


def test_only_so_many_reasons_are_named_and_the_rest_counted(folder):
    for number in range(30):
        icon = photos.Image.new("L", (8 + number % 24, 8 + number % 7))
        (folder / f"{number:02}.png").write_bytes(photos.encoded(icon, "PNG"))

    ran = run(folder)

    assert len(complaints(ran)) == 21
    assert complaints(ran)[-1].endswith("not used: 10 more of 30; --json names them all")
    assert len(json.loads(run(folder, "--json").stdout)["not_used"]) == 30


def test_nothing_but_bad_files_is_nothing_usable(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")

    ran = run(tmp_path / "a.jpg")

    assert ran.exit_code == 3
    assert "a.jpg: is empty" in ran.stderr


@pytest.mark.parametrize("name", ["folder", "other.jpg"])
def test_links_that_lead_nowhere_or_round_in_circles_stop_nothing(folder, name):
    (folder / name).symlink_to(folder / name)
    (folder / "round").symlink_to(folder)
    (folder / "nowhere.jpg").symlink_to(folder / "gone.jpg")

    ran = run(folder)

    assert ran.exit_code == 1
    gone = f"{folder / 'nowhere.jpg'}: is gone, or is a link that leads nowhere; leave it out"
    assert gone in ran.stderr


# Photos of unusual kinds are photos


@pytest.mark.parametrize(
    ("mode", "options"),
    [("L", {}), ("CMYK", {}), ("RGB", {"progressive": True})],
    ids=["grey", "CMYK", "progressive"],
)
def test_grey_cmyk_and_progressive_jpegs_are_photos(tmp_path, mode, options):
    for number in range(4):
        picture = photos.Image.fromarray(series.scene(number)).convert(mode)
        block = b"Exif\0\0" + photos.exif_block(series.CAMERA)
        content = photos.encoded(picture, "JPEG", quality=92, exif=block, **options)
        (tmp_path / f"{number}.jpg").write_bytes(content)

    ran = run(tmp_path, "--out", tmp_path)

    assert ran.exit_code == 0
    assert "4 new photos read" in ran.stdout


NO_EXIF = dict.fromkeys(series.CAMERA)


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        (NO_EXIF, "unknown camera, folder "),
        ({33434: (0, 1)}, "Example One, serial 0012345: "),
        ({33434: (1, 0), 34855: 0}, "Example One, serial 0012345: "),
        ({306: "9999:99:99 99:99:99", 36867: "0000:00:00 00:00:00"}, "Example One, serial"),
        ({306: "2999:01:01 00:00:00", 36867: "1066:10:14 09:00:00"}, "Example One, serial"),
        ({42033: None}, "Example One: "),
        ({42033: "0000000"}, "Example One: "),
        ({271: "富士", 272: "カメラ Ünïcödé"}, "カメラ Ünïcödé, serial 0012345: "),
    ],
    ids=["no EXIF", "zero exposure", "no exposure", "no dates", "absurd dates", "no serial",
         "serial of zeros", "another script"],
)  # fmt: skip
def test_photos_that_say_little_or_nonsense_of_themselves_are_used(tmp_path, tags, name):
    series.write(tmp_path / "photos", range(GOOD), tags=tags)

    ran = run(tmp_path / "photos")

    assert ran.exit_code == 0
    assert ran.stdout.startswith(name)
    document = json.loads(run(tmp_path / "photos", "--json").stdout)
    first = document["maps"][0]["map"]["evidence"].get("first")
    assert first == ("2020-01-02T03:04:05" if {306, 36867}.isdisjoint(tags) else None)


def test_one_photo_gives_candidates_and_says_why(tmp_path):
    series.write(tmp_path, range(1))

    ran = run(tmp_path)

    assert ran.exit_code == 0
    assert "no broken pixels" in ran.stdout
    assert "too few to be sure of anything; give at least 4 different photos" in ran.stdout


def test_the_same_photo_twice_counts_once(folder):
    first = folder / "IMG_0000.JPG"
    (folder / "copy.jpg").write_bytes(first.read_bytes())
    (folder / "hard.jpg").hardlink_to(first)
    (folder / "soft.jpg").symlink_to(first)

    ran = run(folder, first, folder)

    assert ran.exit_code == 0
    assert "5 new photos read, 1 left out as exact copies; 5 different pictures" in ran.stdout


def test_two_bodies_and_three_sizes_in_one_folder_are_four_maps(folder, tmp_path):
    for number in range(4):
        small = series.jpeg(series.scene(number, (80, 60)))
        turned = series.jpeg(series.scene(number, (120, 160)))
        other = series.jpeg(series.scene(number), {42033: "777"})
        for kind, content in (("small", small), ("turned", turned), ("other", other)):
            (folder / f"{kind}{number}.jpg").write_bytes(content)

    ran = run(folder, "--out", tmp_path / "maps")

    assert ran.exit_code == 0
    assert len(list((tmp_path / "maps").glob("*.stillpix.json"))) == 4
    assert ran.stderr.count("note: ") == 2
    assert "rotated on export" in ran.stderr


# Names


def stillpix(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "stillpix", "find", *arguments],
        capture_output=True, check=False, timeout=costs.LONGEST_S, **options,
    )  # fmt: skip


def test_what_libraries_print_about_a_damaged_file_does_not_reach_the_terminal(folder):
    content = mosaic_files.dng(mosaic_files.noise(400, 600), compression=7)
    with tifffile.TiffFile(BytesIO(content)) as file:
        first = file.pages[0].dataoffsets[0]
    damaged = content[: first + 5000] + b"\xff\xc4" * 1000 + content[first + 7000 :]
    (folder / "damaged.dng").write_bytes(damaged)

    ran = starting.run("find", folder, text=False)

    said = [line for line in ran.stderr.decode().splitlines() if "damaged" in line]
    assert len(said) == 1 and said[0].startswith("stillpix: not used: "), ran.stderr
    assert ran.stderr.decode().count("\n") == ran.stderr.decode().count("stillpix: ")


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are always text there")
def test_what_astropy_warns_of_does_not_reach_the_terminal(tmp_path):
    """Threads share the setting that silences it: for a moment, one undoes it for another."""
    program = (
        "from stillpix import __main__; __main__._tell_in_one_line(); "
        "from astropy.io.fits.util import decode_ascii; decode_ascii(b'\\xff')"
    )

    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert ran.stderr == ""


def test_names_that_are_no_text_break_neither_lines_nor_json(folder):
    odd = os.fsencode(folder) + b"/sch\xf6n \xff.jpg"
    empty = os.fsencode(folder) + b"/leer \xff.jpg"
    with open(odd, "wb") as file:  # noqa: PTH123  # a name of bytes is no Path
        file.write(series.jpeg(series.scene(50)))
    with open(empty, "wb"):  # noqa: PTH123  # as above
        pass

    plain = starting.run("find", folder, text=False)
    listed = stillpix("-", "--json", input=odd + b"\r\n" + empty + b"\n\n")

    assert plain.returncode == 1
    assert b"leer \\udcff.jpg: is empty" in plain.stderr
    assert b"6 new photos read" in plain.stdout
    document = json.loads(listed.stdout)
    assert os.fsencode(document["not_used"][0]["path"]) == empty
    assert document["maps"][0]["known"] == 1


@pytest.mark.parametrize("name", ["写真 一", "фото", "عکس‌ها", "a\nb", "-x", "café\u3000é", "🙂‍↔️"])
def test_names_of_any_script_are_printed_as_they_are(folder, name):
    (folder / f"{name}.jpg").write_bytes(b"")

    ran = run(folder)

    assert complaints(ran)[0].count("\n") == 0
    assert name.replace("\n", "\\n") in complaints(ran)[0]


def test_a_terminal_of_another_encoding_breaks_nothing(folder):
    (folder / "写真.jpg").write_bytes(b"")

    ran = stillpix(folder, env={**os.environ, "PYTHONIOENCODING": "latin-1"})

    assert ran.returncode == 1
    assert b"\\u5199\\u771f.jpg: is empty" in ran.stderr

"""The catalogue: known photos are told without opening them, and nothing else changes."""

from __future__ import annotations

import importlib
import os
import sqlite3
import sys
from contextlib import ExitStack
from datetime import datetime, timedelta

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.frame import Sensor
from stillpix.images import searching
from stillpix.images.gather import gather, without_odd_sizes
from stillpix.maps.catalogue import CataloguedPhoto, opened
from stillpix.maps.library import Library
from stillpix.maps.map_file import as_text
from stillpix.scan import scan
from stillpix.scan.known import known_photos
from support.frames import texture

START = datetime(2026, 3, 1, 12)
SENSOR = Sensor("Example Works", "Example One", "unknown", 96, 80)


def write_photo(path, number, *, model="Example One", lens=None, focal_mm=None, hot=True):
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if model is not None:
        exif[0x010F], exif[0x0110] = "Example Works", model
    inner = exif.get_ifd(0x8769)
    inner[0x9003] = f"{START + timedelta(days=number):%Y:%m:%d %H:%M:%S}"
    inner[0x829A], inner[0x8827] = 0.02, 400
    if focal_mm is not None:
        inner[0xA434], inner[0x920A] = lens, focal_mm
    pixels = texture(np.random.default_rng(number), 96, 80)
    if hot:
        pixels[40, 31] = 255
    Image.fromarray(pixels).save(path, exif=exif)


def write_photos(folder, numbers, **facts):
    for number in numbers:
        write_photo(folder / f"{number:02}.png", number, **facts)


@pytest.fixture
def library(tmp_path):
    return Library(tmp_path / "library")


def scanned(folder, library, *, by_catalogue):
    """Scan a folder, and return the outcomes, and what was gathered."""
    with ExitStack() as stack:
        known = stack.enter_context(known_photos(library)) if by_catalogue else None
        found = without_odd_sizes(gather([folder], known=known))
        outcomes = list(scan(found, library=library, known=known))
    return outcomes, found


def told(outcome):
    return outcome.read, outcome.known, outcome.duplicates, outcome.repeats, as_text(outcome.map)


def test_photos_that_are_known_are_not_opened(library, tmp_path, monkeypatch):
    write_photos(tmp_path / "photos", range(8))
    scanned(tmp_path / "photos", library, by_catalogue=True)
    write_photos(tmp_path / "photos", [8])
    heads = []
    monkeypatch.setattr(
        "stillpix.images.gather.read_headers", _noting(heads, "stillpix.images.gather")
    )

    (outcome,), found = scanned(tmp_path / "photos", library, by_catalogue=True)

    assert [path.name for path in heads] == ["08.png"]
    assert (outcome.read + outcome.repeats, outcome.known, found.photos) == (1, 8, 9)
    assert outcome.map.evidence.photos == 9


def _noting(heads, module):
    real = importlib.import_module(module).read_headers

    def read_headers(path, **options):
        heads.append(path)
        return real(path, **options)

    return read_headers


@pytest.mark.parametrize("case", ["one lens", "a zoom", "late", "two sizes"])
def test_a_find_with_the_catalogue_has_the_bits_of_one_without(case, tmp_path):
    results = []
    for by_catalogue in (False, True):
        library = Library(tmp_path / f"library{by_catalogue}")
        folder = tmp_path / "photos"
        facts = {"focal_mm": 35.0, "lens": "Zoom"} if case == "a zoom" else {}
        write_photos(folder, range(6), **facts, hot=case != "late")
        scanned(folder, library, by_catalogue=by_catalogue)
        facts = {"focal_mm": 70.0, "lens": "Zoom"} if case == "a zoom" else {}
        write_photos(folder, range(6, 16), **facts)
        if case == "two sizes":
            Image.open(folder / "01.png").resize((48, 40)).save(
                folder / "small.png", exif=Image.open(folder / "01.png").getexif()
            )
        outcomes, _ = scanned(folder, library, by_catalogue=by_catalogue)
        results.append([told(each) for each in outcomes])
        for path in folder.iterdir():
            path.unlink()

    assert results[0] == results[1]


def test_a_library_without_a_catalogue_is_taken_over(library, tmp_path):
    write_photos(tmp_path / "photos", range(8))
    scanned(tmp_path / "photos", library, by_catalogue=True)
    library.catalogue_path.unlink()

    (first,), found = scanned(tmp_path / "photos", library, by_catalogue=True)
    (second,), again = scanned(tmp_path / "photos", library, by_catalogue=True)

    assert (first.known, found.known) == (8, {})
    assert (second.known, again.known) == (8, {first.sensor: 8})
    assert told(first) == told(second)


@pytest.mark.parametrize("damage", ["other evidence", "no evidence", "no database"])
def test_a_catalogue_that_does_not_fit_is_not_believed(damage, library, tmp_path):
    write_photos(tmp_path / "photos", range(6))
    (before,), _ = scanned(tmp_path / "photos", library, by_catalogue=True)
    state = library.evidence_path(before.sensor) / "evidence.json"
    if damage == "other evidence":
        os.utime(state, (1, 1))
    elif damage == "no evidence":
        state.parent.rename(tmp_path / "away")
    else:
        library.catalogue_path.write_bytes(b"SQLite format 3\0" + b"broken" * 1000)

    (outcome,), found = scanned(tmp_path / "photos", library, by_catalogue=True)

    assert found.known == {}
    assert as_text(outcome.map) == as_text(before.map)
    assert outcome.troubles == []
    assert scanned(tmp_path / "photos", library, by_catalogue=True)[1].known == {before.sensor: 6}


def test_a_folder_of_several_cameras_is_told_part_by_part(library, tmp_path, monkeypatch):
    folder = tmp_path / "photos"
    write_photos(folder, range(5))
    write_photos(folder, range(5, 9), model="Example Two")
    odd = folder / os.fsdecode(b"sch\xf6n.png")
    (folder / "00.png").rename(odd)
    scanned(folder, library, by_catalogue=True)
    write_photos(folder, [9])
    (folder / "linked.png").symlink_to("01.png")
    heads = []
    monkeypatch.setattr(searching, "AT_ONCE", 3)
    monkeypatch.setattr(
        "stillpix.images.gather.read_headers", _noting(heads, "stillpix.images.gather")
    )

    with known_photos(library) as known:
        found = gather([folder], known=known)
        met = {sensor.model: {*known.paths(sensor)} for sensor in known.numbers}
        dated = {path for sensor in known.numbers for _, path in known.dated(sensor)}

    assert [path.name for path in heads] == ["09.png"]
    assert {sensor.model: number for sensor, number in found.known.items()} == {
        "Example One": 5, "Example Two": 4
    }  # fmt: skip
    assert odd in met["Example One"]
    assert set().union(*met.values()) == dated == {*folder.iterdir()} - {
        folder / "09.png", folder / "linked.png"
    }  # fmt: skip


def test_cameras_that_heads_do_not_name_are_opened(library, tmp_path):
    write_photos(tmp_path / "photos", range(6), model=None)
    scanned(tmp_path / "photos", library, by_catalogue=True)

    (outcome,), found = scanned(tmp_path / "photos", library, by_catalogue=True)

    assert (outcome.known, found.known) == (6, {})


def test_the_catalogue_says_what_each_photo_is(library, tmp_path):
    write_photos(tmp_path / "photos", range(6))
    scanned(tmp_path / "photos", library, by_catalogue=True)
    with opened(library.catalogue_path) as catalogue:
        rows = list(catalogue.rows())

    assert [row[0].partition("|")[0] for row in rows] == [f"{number:02}.png" for number in range(6)]
    assert [row[3:5] for row in rows[:2]] == [
        ("2026-03-01 12:00:00", "2026-03"), ("2026-03-02 12:00:00", "2026-03")
    ]  # fmt: skip
    assert sorted(row[8] for row in rows) == list(range(6))  # each signature has its place


def test_a_camera_that_is_forgotten_is_known_no_more(library, tmp_path):
    write_photos(tmp_path / "photos", range(6))
    (outcome,), _ = scanned(tmp_path / "photos", library, by_catalogue=True)

    with library.lock(outcome.sensor):
        library.forget(outcome.sensor)

    with opened(library.catalogue_path) as catalogue:
        assert list(catalogue.rows()) == []


def test_what_is_written_by_halves_is_not_kept(tmp_path):
    def photos():
        yield CataloguedPhoto("a.jpg|1|1", "12", None, None, None, True, True)
        raise sqlite3.OperationalError("disk full")

    with opened(tmp_path / "catalogue.sqlite") as catalogue:
        with pytest.raises(sqlite3.OperationalError):
            catalogue.keep(SENSOR, "jpeg", "stamp", photos())

        assert (list(catalogue.rows()), catalogue.bodies()) == ([], [])


def test_the_catalogue_is_written_as_parquet(library, tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setenv("STILLPIX_LIBRARY", str(library.root))
    write_photos(tmp_path / "photos", range(6))
    scanned(tmp_path / "photos", library, by_catalogue=True)
    out = tmp_path / "photos.parquet"

    done = CliRunner().invoke(app, ["library", "--parquet", str(out)])

    table = parquet.read_table(out).to_pylist()
    assert done.exit_code == 0, done.output
    assert [row["name"] for row in table] == [f"{number:02}.png" for number in range(6)]
    assert {(row["model"], row["width"], row["exposure_s"], row["part"]) for row in table} == {
        ("Example One", 96, 0.02, 0)
    }


def test_without_pyarrow_one_line_says_what_to_install(library, tmp_path, monkeypatch):
    monkeypatch.setenv("STILLPIX_LIBRARY", str(library.root))
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    done = CliRunner().invoke(app, ["library", "--parquet", str(tmp_path / "photos.parquet")])

    assert done.exit_code == 2
    assert "pip install 'stillpix[parquet]'" in " ".join(done.output.split())

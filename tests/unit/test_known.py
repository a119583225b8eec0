"""Known photos of folders: all of them, no other ones, and each where it lies."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillpix.frame import Sensor
from stillpix.images import searching
from stillpix.images.searching import Search
from stillpix.maps.catalogue import CataloguedPhoto, opened
from stillpix.maps.library import STATE_NAME, Library
from stillpix.scan.known import known_photos
from support.effort import some

SENSORS = [Sensor("Example Works", f"Example {number}", "unknown", 96, 80) for number in range(3)]
STALE = 2  # its evidence has changed since the catalogue was written
FOLDERS = ["", "a", "a/b", "schön"]
FILES = [
    "1.jpg", "2.jpg", "3.JPG", 'a "b" \\ c.png', "a|7|1.jpg", "schön.jpg", "\\u00f6.jpg",
    os.fsdecode(b"sch\xf6n.jpg"), os.fsdecode(b"\xff.png"),
]  # fmt: skip

# Of each file: its camera in the catalogue, if it is there; if it has a date; if it changed since.
facts = st.tuples(st.sampled_from([0, 0, 0, 1, STALE, None]), st.booleans(), st.booleans())
trees = st.dictionaries(
    st.tuples(st.sampled_from(FOLDERS), st.sampled_from(FILES)), facts, max_size=20
)


def row_of(path, *, dated):
    """The row of a file, with its name as the catalogue has written it since its first version."""
    status = path.stat()
    file = "".join(f"\\u{ord(c):x}" if 0xD800 <= ord(c) < 0xE000 else c for c in path.name)
    name, taken = f"{file}|{status.st_size}|{status.st_mtime_ns}", "2026-07-01 12:00:00"
    return CataloguedPhoto(name, "12", taken if dated else None, 0.01, 1.0, True, True)


def write(root, tree):
    """Write files and a library; return what each file must be told as: its camera and if dated."""
    library, rows, must = Library(root / "library"), {}, {}
    for number, ((folder, file), (camera, dated, changed)) in enumerate(tree.items()):
        path = root / "photos" / folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(number * b"x")
        if camera is not None:
            rows.setdefault(camera, []).append(row_of(path, dated=dated))
        if changed:
            os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))
        is_known = camera not in (None, STALE) and not changed
        must[path] = (camera, dated) if is_known else None
    (root / "photos").mkdir(exist_ok=True)
    for camera, photos in rows.items():
        state = library.evidence_path(SENSORS[camera]) / STATE_NAME
        state.parent.mkdir(parents=True)
        state.write_text("{}")
        stamp = "another" if camera == STALE else library.stamp_of(SENSORS[camera])
        with opened(library.catalogue_path) as catalogue:
            catalogue.keep(SENSORS[camera], "jpeg", stamp, photos)
    return library, must


def told(library, *paths):
    """The files that a search opens, how many of each camera it knows, where, and with a date."""
    with known_photos(library) as known:
        to_open = list(Search([], clips=False, known=known).files(paths))
        numbers = known.numbers if known else {}
        met = {sensor: list(known.paths(sensor)) for sensor in numbers}
        dated = {path for sensor in numbers for _, path in known.dated(sensor)}
    return to_open, numbers, met, dated


@pytest.mark.parametrize("by", ["number", "path"])
@pytest.mark.parametrize("at_once", [2, 1000])
@given(tree=trees)
@settings(max_examples=some(60), deadline=None)
def test_exactly_the_known_files_are_not_opened_and_found_again(by, at_once, tree):
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "AT_ONCE", at_once)
        if by == "path":  # as on Windows
            patch.setattr(os, "supports_fd", set())
        library, must = write(Path(name), tree)

        to_open, numbers, met, dated = told(library, Path(name, "photos"))

    assert sorted(to_open) == sorted(path for path, what in must.items() if what is None)
    for camera, sensor in enumerate(SENSORS):
        own = sorted(path for path, what in must.items() if what and what[0] == camera)
        assert (numbers.get(sensor, 0), sorted(met.get(sensor, []))) == (len(own), own)
    assert dated == {path for path, what in must.items() if what and what[1]}


def test_known_files_of_the_folder_one_is_in_are_found_again(tmp_path, monkeypatch):
    library, _ = write(tmp_path, {("a", "1.jpg"): (0, True, False)})
    monkeypatch.chdir(tmp_path / "photos/a")

    assert told(library, ".") == (
        [], {SENSORS[0]: 1}, {SENSORS[0]: [Path("1.jpg")]}, {Path("1.jpg")}
    )  # fmt: skip


def test_two_files_whose_names_are_written_alike_are_both_opened(tmp_path):
    files = [os.fsdecode(b"\xf6.jpg"), "\\udcf6.jpg"]
    library, _ = write(tmp_path, {("", files[0]): (0, True, False)})
    paths = [tmp_path / "photos" / file for file in files]
    paths[1].write_bytes(b"")
    os.utime(paths[1], ns=(1, paths[0].stat().st_mtime_ns))

    to_open, numbers, _, _ = told(library, tmp_path / "photos")

    assert (sorted(to_open), numbers) == (sorted(paths), {})


def test_a_link_to_a_known_file_counts_once(tmp_path):
    library, _ = write(tmp_path, {("a", "1.jpg"): (0, True, False)})
    (tmp_path / "photos/z").mkdir()
    (tmp_path / "photos/z/link.jpg").symlink_to(tmp_path / "photos/a/1.jpg")
    (tmp_path / "photos/z/gone.jpg").symlink_to(tmp_path / "nothing.jpg")

    to_open, numbers, met, _ = told(library, tmp_path / "photos")

    assert (to_open, numbers) == ([], {SENSORS[0]: 1})
    assert met == {SENSORS[0]: [tmp_path / "photos/a/1.jpg"]}

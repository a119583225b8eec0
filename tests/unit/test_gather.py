"""From what a person points at to photos by sensor: nothing twice, and nothing left unnamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stillpix.images import read_header
from stillpix.images.gather import gather, is_export, without_odd_sizes
from support import companioned, photos, series


def names(found):
    return [header.path.name for headers in found.bodies.values() for header in headers]


def reasons(found):
    return {Path(skipped.path).name: skipped.reason for skipped in found.skipped}


def small(path, tags=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(photos.camera_jpeg(tags))
    return path


@pytest.fixture
def bound() -> Iterator[Path]:
    """Return a folder, and make permissions bind for a while even if root runs the tests."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        if not hasattr(os, "geteuid"):
            pytest.skip("permissions are another system's here")
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            for path in folder.iterdir():
                path.chmod(0o777)


# Where photos are looked for


def test_a_folder_is_searched_in_depth_and_in_a_stable_order(tmp_path):
    for name in ("b/2.jpg", "b/1.JPG", "a/deep/er/9.jpeg", "3.jpg"):
        small(tmp_path / name)

    assert names(gather([tmp_path])) == ["3.jpg", "9.jpeg", "1.JPG", "2.jpg"]


def test_what_is_hidden_or_no_photo_by_its_name_is_passed_over(tmp_path):
    small(tmp_path / "._1.jpg")
    small(tmp_path / ".Trash" / "1.jpg")
    small(tmp_path / "notes.txt")

    found = gather([tmp_path])

    assert (found.bodies, found.skipped) == ({}, [])


def test_a_file_that_is_named_is_looked_into_whatever_its_name(tmp_path):
    assert names(gather([small(tmp_path / "no-suffix")])) == ["no-suffix"]


def test_a_pattern_stands_for_the_files_that_match_it(tmp_path):
    small(tmp_path / "a1.jpg")
    small(tmp_path / "deep" / "a2.jpg")
    small(tmp_path / "deep" / "b.jpg")

    assert names(gather([f"{tmp_path}/a*.jpg"])) == ["a1.jpg"]
    assert sorted(names(gather([f"{tmp_path}/**/a?.jpg"]))) == ["a1.jpg", "a2.jpg"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path):
    small(tmp_path / "a[1].jpg")
    small(tmp_path / "a1.jpg")

    assert names(gather([tmp_path / "a[1].jpg"])) == ["a[1].jpg"]


def test_a_tilde_is_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    small(tmp_path / "1.jpg")

    assert names(gather(["~/1.jpg"])) == ["1.jpg"]


@pytest.mark.parametrize("name", ["nix.jpg", "~nobody-at-all/x.jpg", "a\0b.jpg", "a\0*.jpg", ""])
def test_a_path_that_does_not_exist_is_named_and_the_others_go_on(tmp_path, name):
    found = gather([name, small(tmp_path / "1.jpg")])

    assert names(found) == ["1.jpg"]
    assert [skipped.path for skipped in found.skipped] == [name]
    assert found.skipped[0].reason.endswith("check the spelling")


def test_a_pattern_that_matches_nothing_says_so(tmp_path):
    (skipped,) = gather([f"{tmp_path}/*.jpg"]).skipped

    assert skipped.reason == "no file matches this pattern; check the spelling"


def test_one_file_under_several_names_is_one_photo(tmp_path):
    first = small(tmp_path / "1.jpg")
    (tmp_path / "hard.jpg").hardlink_to(first)
    (tmp_path / "soft.jpg").symlink_to(first)
    (tmp_path / "folder").symlink_to(tmp_path)

    assert names(gather([tmp_path, first, tmp_path / "folder", f"{tmp_path}/*.jpg"])) == ["1.jpg"]


def test_files_that_a_file_system_does_not_number_are_told_by_their_path(tmp_path, monkeypatch):
    small(tmp_path / "1.jpg")
    small(tmp_path / "2.jpg")
    stat = Path.stat

    def unnumbered(path, **options):
        status = list(stat(path, **options))
        status[1] = 0
        return os.stat_result(status)

    monkeypatch.setattr(Path, "stat", unnumbered)

    assert names(gather([tmp_path, tmp_path / "1.jpg"])) == ["1.jpg", "2.jpg"]


def test_links_in_a_circle_are_followed_once(tmp_path):
    small(tmp_path / "a" / "1.jpg")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "self.jpg").symlink_to(tmp_path / "self.jpg")

    found = gather([tmp_path])

    assert names(found) == ["1.jpg"]
    assert reasons(found) == {
        "self.jpg": "is a link that leads back to itself; remove the link",
    }


def test_a_link_to_nothing_is_named(tmp_path):
    (tmp_path / "1.jpg").symlink_to(tmp_path / "gone.jpg")

    assert reasons(gather([tmp_path])) == {
        "1.jpg": "is gone, or is a link that leads nowhere; leave it out"
    }


def test_folders_and_files_that_may_not_be_read_are_named_and_the_others_go_on(bound):
    small(bound / "closed" / "1.jpg")
    small(bound / "listed" / "2.jpg")
    small(bound / "3.jpg").chmod(0)
    small(bound / "4.jpg")
    (bound / "closed").chmod(0)
    (bound / "listed").chmod(0o400)

    found = gather([bound, bound / "closed" / "1.jpg"])

    assert names(found) == ["4.jpg"]
    assert reasons(found).keys() == {"closed", "2.jpg", "3.jpg", "1.jpg"}
    assert {why for why in reasons(found).values() if "permission" not in why} == set()


def test_files_of_formats_that_are_not_read_are_counted_with_what_to_do(tmp_path):
    for name in ("1.WEBP", "2.webp", "3.jp2"):
        (tmp_path / name).write_bytes(b"II*\0")

    assert reasons(gather([tmp_path])) == {
        "*.jp2": "1 JPEG 2000 picture, which is not read yet; use the camera's JPEGs or RAW"
        " files, or export",
        "*.webp": "2 WebP pictures, which are not read yet; use the camera's JPEGs or RAW"
        " files, or export",
    }


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (companioned.DISPARITY, "holds pictures of other lenses, too"), (0x020001, "holds"),
        (0x020003, "holds"), (companioned.DEPENDENT, ""), (0x010002, ""),
    ],
)  # fmt: skip
def test_a_photo_of_several_lenses_is_told_of_and_one_with_a_preview_is_not(tmp_path, kind, told):
    first, other = companioned.picture(), companioned.picture(seed=5)
    content = companioned.indexed(first, [other], kinds=(companioned.BASELINE, kind))
    (tmp_path / "a.jpg").write_bytes(content)

    warnings = gather([tmp_path]).warnings

    assert bool(told) == bool(warnings)
    assert all(told in warning for warning in warnings)


def test_files_of_one_kind_share_a_line_whatever_their_endings(tmp_path):
    for name in ("1.czi", "2.CZI", "3.nd2"):
        (tmp_path / name).write_bytes(b"content")

    assert reasons(gather([tmp_path])) == {
        "*.czi, *.nd2": "3 pictures of microscopes and scanners, which are not read yet; save them"
        " as 16-bit TIFF"
    }


def test_what_is_no_photo_is_called_what_it_is_in_one_line(tmp_path):
    for name in ("a.LRV", "b.lrv", "c.cine", "d.txt", "e.xmp"):
        (tmp_path / name).write_bytes(b"")

    found = gather([tmp_path])

    assert found.skipped == []
    assert found.warnings == [
        "left out: 1 high-speed video (save single frames as TIFF or FITS), "
        "2 small copies of videos (GoPro)"
    ]


def test_folders_of_thumbnails_are_left_out_in_one_line(tmp_path):
    series.write(tmp_path / "own", range(4))
    for folder in ("@eaDir", "own/@eaDir", "__MACOSX"):
        series.write(tmp_path / folder, range(3), size=(80, 60))

    found = gather([tmp_path])

    assert found.photos == 4
    assert found.warnings == ["left out: 3 folders of thumbnails, such as @eaDir"]
    assert gather([tmp_path / "@eaDir"]).photos == 3


def test_sizes_with_few_photos_make_no_map_beside_one_with_enough(tmp_path):
    series.write(tmp_path / "own", range(6))
    for number in range(12):
        series.write(tmp_path / f"cut{number}", range(1), size=(80 + number, 60))

    found = without_odd_sizes(gather([tmp_path]))

    assert [(sensor.width, len(photos)) for sensor, photos in found.bodies.items()] == [(160, 6)]
    (warning,) = found.warnings
    assert warning.endswith("12 photos of other sizes left out: too few of each for a map")


def test_a_photo_of_an_odd_size_that_is_named_stays(tmp_path):
    series.write(tmp_path / "own", range(6))
    series.write(tmp_path / "cut", range(2), size=(80, 60))
    (named, _) = sorted((tmp_path / "cut").iterdir())

    found = without_odd_sizes(gather([tmp_path / "own", named, tmp_path / "cut"]))

    assert [len(photos) for photos in found.bodies.values()] == [6, 1]


def test_few_photos_of_a_camera_stay_where_no_size_has_enough(tmp_path):
    series.write(tmp_path / "own", range(3))
    series.write(tmp_path / "cut", range(2), size=(80, 60))

    assert without_odd_sizes(gather([tmp_path])).photos == 5


def test_how_many_heads_were_read_is_reported(tmp_path):
    original = small(tmp_path / "0.jpg").read_bytes()
    for number in range(1, 120):
        (tmp_path / f"{number}.jpg").write_bytes(original)
    told = []

    gather([tmp_path], report=told.append)

    assert told == [50, 100]


# Whose photos they are


def test_bodies_and_sizes_are_kept_apart_the_largest_group_first(tmp_path):
    series.write(tmp_path / "a", range(2))
    series.write(tmp_path / "b", range(3), tags={42033: "777"})
    series.write(tmp_path / "c", range(1), size=(80, 60))

    found = gather([tmp_path])

    assert [(sensor.serial, sensor.width, len(h)) for sensor, h in found.bodies.items()] == [
        ("777", 160, 3),
        ("0012345", 160, 2),
        ("0012345", 80, 1),
    ]
    assert found.photos == 6


def test_photos_of_an_unusual_size_are_used_with_a_warning(tmp_path):
    series.write(tmp_path / "own", range(6))
    series.write(tmp_path / "small", range(2), size=(80, 60))
    series.write(tmp_path / "turned", range(1), size=(120, 160))

    small_ones, turned = gather([tmp_path]).warnings

    assert "2 photos of 80x60 look resized, cropped or of a smaller picture size" in small_ones
    assert "1 photo of 120x160 look" in turned
    assert "rotated on export" in turned


def test_exports_of_a_converter_are_used_with_a_warning(tmp_path):
    small(tmp_path / "1.jpg", {305: "Adobe Photoshop Lightroom Classic 9.2 (Windows)"})
    small(tmp_path / "2.jpg")

    (warning,) = gather([tmp_path]).warnings

    assert warning.startswith("Example One, serial 0012345, 61x47: 1 photo written by Adobe")
    assert "1.jpg" in warning


@pytest.mark.parametrize(
    ("software", "export"),
    [("darktable 4.6", True), ("Paint.NET v5", True), ("ON1 Photo RAW", True), ("DxO 7", True),
     ("Version1.0", False), ("ILCE-7M3 v3.10", False), ("Firmware 1.2", False), (None, False)],
)  # fmt: skip
def test_a_cameras_own_software_is_no_converter(tmp_path, software, export):
    assert is_export(read_header(small(tmp_path / "1.jpg", {305: software}))) == export


def test_photos_that_do_not_name_their_camera_are_taken_for_one_cameras(tmp_path):
    for number in range(2):
        (tmp_path / f"{number}.jpg").write_bytes(photos.jpeg())

    (warning,) = gather([tmp_path]).warnings

    assert "2 photos do not name the camera that took them" in warning

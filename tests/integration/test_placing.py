"""Where repaired photos go: nothing is overwritten, nothing half-written, no original lost."""

from __future__ import annotations

import errno
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from stillpix.errors import WriteError
from stillpix.images import read_header
from stillpix.images.gather import Gathering, gather
from stillpix.restoration.destinations import Placement, routes
from stillpix.restoration.log import FixLog
from stillpix.restoration.targets import listed_at
from support import series
from support.fixing import IN_PLACE, MOMENT, copies, names, run, shot, sound, tree

# Where copies go


def test_a_folders_structure_is_kept_below_it_and_a_single_photo_goes_straight(tmp_path):
    shot(tmp_path / "in" / "deep" / "er" / "a.jpg")
    shot(tmp_path / "in" / "b.jpg", 1)
    shot(tmp_path / "elsewhere" / "c.jpg", 2)

    run([tmp_path / "in", tmp_path / "elsewhere" / "c.jpg"], None, copies(tmp_path / "out"))

    assert names(tmp_path / "out") == ["b.jpg", "c.jpg", "deep/er/a.jpg"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("in/*/a.jpg", ["x/a.jpg", "y/a.jpg"]),
        ("in/?", ["x/a.jpg", "y/a.jpg"]),
        ("in/x/*", ["a.jpg"]),
        ("./in/../in/x", ["a.jpg"]),
        (".", ["in/x/a.jpg", "in/y/a.jpg"]),
    ],
)
def test_a_patterns_structure_counts_from_where_it_begins_to_be_one(
    tmp_path, monkeypatch, given, kept
):
    shot(tmp_path / "in" / "x" / "a.jpg")
    shot(tmp_path / "in" / "y" / "a.jpg", 1)
    monkeypatch.chdir(tmp_path)

    run([given], None, copies(Path("../out")))

    out = tmp_path.parent / "out"
    assert names(out) == kept
    shutil.rmtree(out)


def test_a_folder_above_the_present_one_keeps_its_structure_inside_the_copies(
    tmp_path, monkeypatch
):
    shot(tmp_path / "a.jpg")
    shot(tmp_path / "here" / "b.jpg", 1)
    monkeypatch.chdir(tmp_path / "here")

    run([".", ".."], None, copies(Path("out")))

    assert names(tmp_path / "here" / "out") == ["a.jpg", "b.jpg"]


def test_two_photos_of_one_name_are_refused_by_name_and_the_others_go_on(tmp_path):
    shot(tmp_path / "x" / "a.jpg")
    shot(tmp_path / "y" / "a.jpg", 1)
    shot(tmp_path / "y" / "b.jpg", 2)

    done, skipped = run([tmp_path / "x", tmp_path / "y"], None, copies(tmp_path / "out"))

    assert [photo.source.name for photo in done] == ["b.jpg"]
    assert f"would become {tmp_path}/out/a.jpg, and so would {tmp_path}" in skipped["a.jpg"]
    assert names(tmp_path / "out") == ["b.jpg"]


def test_copies_of_an_earlier_run_are_not_fixed_again(tmp_path):
    shot(tmp_path / "a.jpg")
    out = tmp_path / "out"
    run([tmp_path], None, copies(out))
    (out / "broken.jpg").write_bytes(b"")
    before = tree(out)

    given = [str(tmp_path)]
    ways = routes(gather(given), given, copies(out))

    assert (ways.photos, ways.left_out, ways.refused) == (1, 1, [])
    run([tmp_path], None, copies(out))
    assert tree(out) == before


def test_the_photos_own_folder_is_no_folder_for_copies_whatever_it_is_called(tmp_path):
    path, before = shot(tmp_path / "in" / "a.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "in")

    for given, out in (("in", "in"), ("in/a.jpg", "in"), ("in", "link"), ("in", "in/../in")):
        with pytest.raises(WriteError, match=r"is the folder of a\.jpg itself"):
            run([tmp_path / given], None, copies(tmp_path / out))
    assert path.read_bytes() == before


def test_a_folder_below_the_one_for_copies_can_be_copied_up(tmp_path):
    shot(tmp_path / "out" / "in" / "a.jpg")

    run([tmp_path / "out" / "in"], None, copies(tmp_path / "out"))

    assert names(tmp_path / "out") == ["a.jpg", "in/a.jpg"]


def test_no_copy_ever_takes_the_place_of_a_photo(tmp_path):
    path, before = shot(tmp_path / "in" / "a.jpg")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "a.jpg").symlink_to(path)

    done, skipped = run([path], None, copies(tmp_path / "linked", force=True))

    assert done == []
    assert "which is one of the photos itself" in skipped["a.jpg"]
    assert path.read_bytes() == before


def test_no_copy_takes_the_place_of_another_photo_that_is_to_be_copied(tmp_path):
    upper, before = shot(tmp_path / "out" / "in" / "a.jpg")
    shot(tmp_path / "out" / "in" / "in" / "a.jpg", 1)

    done, skipped = run([upper.parent], None, copies(tmp_path / "out", force=True))

    assert [photo.source for photo in done] == [upper]
    assert f"would overwrite {upper}, which is one of the photos" in skipped["a.jpg"]
    assert upper.read_bytes() == before


def test_what_fix_left_beside_the_photos_is_none_of_them(tmp_path):
    path, before = shot(tmp_path / "in" / "a.jpg")
    log = FixLog()
    log.add(path.parent, {"target": "a.jpg", "before": "0", "after": "1"})
    log.close()
    run([path], None, IN_PLACE)

    for placement in (IN_PLACE, copies(tmp_path / "out")):
        done, skipped = run(sorted(path.parent.iterdir()), None, placement)
        assert [photo.source for photo in done] == [path]
        assert skipped == {}

    run([tmp_path / "in" / "a.jpg.orig"], None, copies(tmp_path / "again"))
    assert (tmp_path / "again" / "a.jpg.orig").read_bytes() == path.read_bytes() != before


def test_thousands_of_photos_named_one_by_one_are_routed_at_once(tmp_path):
    path, _ = shot(tmp_path / "a.jpg")
    header = read_header(path)
    listed = [tmp_path / f"{number}.jpg" for number in range(1500)]
    for each in listed:
        each.touch()
    found = Gathering({header.sensor: [replace(header, path=each) for each in listed]})

    begun = time.process_time()
    ways = routes(found, [str(each) for each in listed], copies(tmp_path / "out"))

    assert ways.photos == 1500
    assert time.process_time() - begun < 10


# What a copy keeps, and what it overwrites


def test_a_copy_keeps_time_and_permissions_to_the_nanosecond(tmp_path):
    path, _ = shot(tmp_path / "in" / "a.jpg", mode=0o444)

    run([path], None, copies(tmp_path / "out"))

    status = (tmp_path / "out" / "a.jpg").stat()
    assert (status.st_mtime_ns, status.st_mode & 0o777) == (MOMENT, 0o444)
    assert path.stat().st_mtime_ns == MOMENT


def test_a_files_tags_go_with_it(tmp_path):
    path, _ = shot(tmp_path / "in" / "a.jpg")
    try:
        os.setxattr(path, "user.rating", b"5")
    except (AttributeError, OSError):
        pytest.skip("no tags on files here")

    run([path], None, copies(tmp_path / "out"))
    run([path], None, IN_PLACE)

    assert os.getxattr(tmp_path / "out" / "a.jpg", "user.rating") == b"5"
    assert os.getxattr(path, "user.rating") == b"5"


def test_a_photo_in_which_nothing_shows_is_copied_to_the_byte(tmp_path):
    path, before = sound(tmp_path / "in" / "a.jpg")

    done, _ = run([path], None, copies(tmp_path / "out"))

    assert [(photo.result, photo.repaired) for photo in done] == [("copied", 0)]
    assert (tmp_path / "out" / "a.jpg").read_bytes() == before
    assert (tmp_path / "out" / "a.jpg").stat().st_mtime_ns == MOMENT


def test_changed_only_leaves_out_what_is_not_changed(tmp_path):
    sound(tmp_path / "in" / "a.jpg")
    shot(tmp_path / "in" / "b.jpg")

    done, _ = run([tmp_path / "in"], None, copies(tmp_path / "out"), changed_only=True)

    assert [(photo.result, photo.target is None) for photo in done] == [
        ("left", True), ("repaired", False),
    ]  # fmt: skip
    assert names(tmp_path / "out") == ["b.jpg"]


def test_the_same_copy_is_done_and_another_file_is_refused_without_force(tmp_path):
    path, _ = shot(tmp_path / "in" / "a.jpg")
    copy = tmp_path / "out" / "a.jpg"
    run([path], None, copies(copy.parent))
    fixed, status = copy.read_bytes(), copy.stat()

    again, _ = run([path], None, copies(copy.parent))
    assert (again[0].there, again[0].result) == (True, "repaired")
    assert (copy.stat().st_ino, copy.stat().st_ctime_ns) == (status.st_ino, status.st_ctime_ns)

    copy.write_bytes(b"another's")
    done, skipped = run([path], None, copies(copy.parent))
    assert done == []
    assert skipped["a.jpg"] == (
        f"{copy}: exists already and differs; --force overwrites it, or name another --out"
    )
    assert copy.read_bytes() == b"another's"

    run([path], None, copies(copy.parent, force=True))
    assert copy.read_bytes() == fixed


@pytest.mark.parametrize("there", ["link", "folder", "link to nothing"])
def test_what_is_no_file_is_not_overwritten_even_by_force(tmp_path, there):
    path, _ = shot(tmp_path / "in" / "a.jpg")
    other = tmp_path / "other"
    (tmp_path / "out").mkdir()
    if there == "folder":
        (tmp_path / "out" / "a.jpg").mkdir()
    else:
        (tmp_path / "out" / "a.jpg").symlink_to(other)
        if there == "link":
            other.write_bytes(b"precious")
    before = tree(tmp_path)

    done, skipped = run([path], None, copies(tmp_path / "out", force=True))

    assert done == []
    assert "is a" in skipped["a.jpg"]
    assert tree(tmp_path) == before


def test_a_file_where_a_folder_is_needed_is_named(tmp_path):
    shot(tmp_path / "in" / "x" / "a.jpg")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").write_bytes(b"a file")

    _, skipped = run([tmp_path / "in"], None, copies(tmp_path / "out"))

    assert skipped["a.jpg"].startswith(f"{tmp_path}/out/x: is a file, not a folder")


# In place


def test_in_place_the_original_stays_beside_its_photo_and_permissions_stay(tmp_path):
    path, before = shot(tmp_path / "a.jpg")
    inode, begun = path.stat().st_ino, time.time() - 2  # clocks of disks are coarse

    done, _ = run([tmp_path], None, IN_PLACE)

    original = tmp_path / "a.jpg.orig"
    assert (done[0].original, done[0].earlier) == (original, False)
    assert names(tmp_path) == ["a.jpg", "a.jpg.orig"]
    assert original.read_bytes() == before
    assert original.stat().st_ino == inode
    assert path.read_bytes() != before
    assert original.stat().st_mtime_ns == MOMENT
    assert path.stat().st_mtime >= begun
    assert {each.stat().st_mode & 0o777 for each in (path, original)} == {0o640}


def test_in_place_the_time_of_change_stays_where_it_is_asked_for(tmp_path):
    path, before = shot(tmp_path / "a.jpg")

    run([tmp_path], None, replace(IN_PLACE, keep_times=True))

    assert path.read_bytes() != before
    assert path.stat().st_mtime_ns == MOMENT


def test_repairing_twice_changes_nothing_the_second_time(tmp_path):
    shot(tmp_path / "a.jpg")
    run([tmp_path], None, IN_PLACE)
    before = tree(tmp_path)

    done, skipped = run([tmp_path], None, IN_PLACE)

    assert ([photo.result for photo in done], skipped) == (["left"], {})
    assert tree(tmp_path) == before


def test_a_photo_in_which_nothing_shows_is_left_alone_in_place(tmp_path):
    sound(tmp_path / "a.jpg")
    before = tree(tmp_path)

    done, _ = run([tmp_path], None, IN_PLACE)

    assert [photo.result for photo in done] == ["left"]
    assert tree(tmp_path) == before


def test_an_earlier_original_is_the_true_one_and_stays(tmp_path):
    path, before = shot(tmp_path / "a.jpg")
    run([path], listed_at(series.HOT[:1]), IN_PLACE)

    done, _ = run([path], listed_at(series.HOT), IN_PLACE)

    assert (done[0].repaired, done[0].earlier) == (2, True)
    assert (tmp_path / "a.jpg.orig").read_bytes() == before


@pytest.mark.parametrize("kind", ["another photo", "no photo"])
def test_what_another_photo_left_is_not_taken_for_the_original(tmp_path, kind):
    path, before = shot(tmp_path / "a.jpg")
    other = series.jpeg(series.scene(1), {36867: "2021:01:02 03:04:05"})
    (tmp_path / "a.jpg.orig").write_bytes(other if kind == "another photo" else b"notes")

    done, skipped = run([path], None, IN_PLACE)

    assert done == []
    assert skipped["a.jpg"].startswith("cannot keep its original: a.jpg.orig exists already")
    assert path.read_bytes() == before
    assert run([path], None, replace(IN_PLACE, backup=False))[1] == {}


def test_without_backup_no_original_is_kept(tmp_path):
    path, before = shot(tmp_path / "a.jpg")

    run([path], None, Placement(in_place=True, backup=False))

    assert names(tmp_path) == ["a.jpg"]
    assert path.read_bytes() != before


def test_a_disk_without_second_names_gets_a_copy_of_the_original(tmp_path, monkeypatch):
    path, before = shot(tmp_path / "a.jpg")

    def refuse(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    run([path], None, IN_PLACE)

    original = tmp_path / "a.jpg.orig"
    assert original.read_bytes() == before
    assert original.stat().st_mtime_ns == MOMENT
    assert names(tmp_path) == ["a.jpg", "a.jpg.orig"]


def test_a_link_stays_a_link_and_the_photo_it_leads_to_is_repaired(tmp_path):
    path, before = shot(tmp_path / "real" / "b.jpg")
    (tmp_path / "a.jpg").symlink_to(path)

    run([tmp_path / "a.jpg"], None, IN_PLACE)

    assert (tmp_path / "a.jpg").is_symlink()
    assert path.read_bytes() != before
    assert (tmp_path / "real" / "b.jpg.orig").read_bytes() == before


def test_a_write_protected_photo_and_a_kept_original_are_not_replaced(tmp_path):
    path, _ = shot(tmp_path / "a.jpg", mode=0o444)
    original, _ = shot(tmp_path / "b.jpg.orig", 1)
    before = tree(tmp_path)

    _, skipped = run([path, original], None, IN_PLACE)

    assert skipped == {
        "a.jpg": "is write-protected; allow writing to it, or use --out",
        "b.jpg.orig": "is the kept original of a repaired photo; give it its own name back first, "
        "or use --out",
    }
    assert tree(tmp_path) == before

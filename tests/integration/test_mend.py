"""From photos and a map to repaired photos: what is repaired, refused, stopped, and told."""

from __future__ import annotations

import errno
import os
import threading
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from stillpix.errors import ReadError, SensorMismatchError, WriteError
from stillpix.images import read_header
from stillpix.images.gather import gather
from stillpix.maps import write_map
from stillpix.maps.library import Library
from stillpix.maps.records import DefectMap
from stillpix.restoration import fix as mending
from stillpix.restoration import placer as placing
from stillpix.restoration.destinations import Placement, Route, routes
from stillpix.restoration.fix import fix, repair_bodies
from stillpix.restoration.log import FixLog
from stillpix.restoration.placer import Placer
from stillpix.restoration.targets import listed_at, listed_in, listed_in_library
from stillpix.watch import Watch
from support import costs, photos, series
from support.fixing import FAR, IN_PLACE, at, copies, decoded, map_of, names, run, shot, tree

# The repair


def test_the_listed_places_are_repaired_and_nothing_else_is_touched(tmp_path):
    path, before = shot(tmp_path / "a.jpg")

    verdicts = fix(path, map_of(path), tmp_path / "out" / "a.jpg")

    after = (tmp_path / "out" / "a.jpg").read_bytes()
    change = np.abs(decoded(after) - decoded(before)).max(axis=2)
    near = np.zeros(change.shape, bool)
    for x, y in series.HOT:
        near[max(y - FAR, 0) : y + FAR, max(x - FAR, 0) : x + FAR] = True
        assert change[y, x] > 30
    assert [(each.x, each.y, each.outcome) for each in verdicts] == [
        (x, y, "repaired") for x, y in series.HOT
    ]
    assert not change[~near].any()
    assert path.read_bytes() == before


def test_confirmed_and_accepted_defects_are_repaired_and_no_others(tmp_path):
    path, _ = shot(tmp_path / "a.jpg")
    states = ("rejected", "accepted", "candidate")
    marked = [replace(one, state=state) for one, state in zip(at(series.HOT), states, strict=True)]

    verdicts = fix(path, DefectMap(read_header(path).sensor, tuple(marked)), tmp_path / "b.jpg")

    assert [(each.x, each.y) for each in verdicts] == [series.HOT[1]]


def test_a_photo_of_another_body_or_size_is_refused_by_name(tmp_path):
    path, _ = shot(tmp_path / "a.jpg")
    sensor = read_header(path).sensor
    other = DefectMap(replace(sensor, serial="777"), at([(1, 1)]))
    larger = DefectMap(replace(sensor, width=320, height=240), at([(1, 1)]))

    with pytest.raises(SensorMismatchError, match=r"a\.jpg: is of Example One, serial 0012345, "
                       "160x120, but the map is of Example One, serial 777"):  # fmt: skip
        fix(path, other, tmp_path / "b.jpg")
    with pytest.raises(SensorMismatchError, match=r"of another size than the map of this "
                       r"camera \(320x240\), and a map fits no other size"):  # fmt: skip
        fix(path, larger, tmp_path / "b.jpg")
    assert names(tmp_path) == ["a.jpg"]


def test_two_readers_may_disagree_about_the_visible_area(tmp_path):
    path, _ = shot(tmp_path / "a.jpg")
    sensor = replace(read_header(path).sensor, visible=(0, 0, 150, 110))

    assert len(fix(path, DefectMap(sensor, at(series.HOT)), tmp_path / "b.jpg")) == 3


def test_a_photo_is_never_fixed_into_itself(tmp_path):
    path, before = shot(tmp_path / "a.jpg")
    (tmp_path / "link.jpg").symlink_to(path)

    for name in ("a.jpg", "link.jpg"):
        with pytest.raises(WriteError, match="is the photo itself"):
            fix(path, map_of(path), tmp_path / name)
    assert path.read_bytes() == before


def test_the_library_knows_the_map_and_says_what_is_missing(library, tmp_path):
    path, _ = shot(tmp_path / "a.jpg")
    sensor = read_header(path).sensor
    lister = listed_in_library(library)

    with pytest.raises(SensorMismatchError, match="the library has no map; run `stillpix find`"):
        lister(sensor, [])
    library.save(DefectMap(replace(sensor, width=320, height=240), at([(1, 1)])))
    with pytest.raises(SensorMismatchError, match=r"map of this camera \(320x240\), and a map"):
        lister(sensor, [])
    library.save(map_of(path))
    assert len(lister(sensor, []).defects) == 3
    assert lister(sensor, []).path == library.map_path(sensor)


def test_a_place_outside_a_photo_costs_the_other_sizes_nothing(tmp_path):
    shot(tmp_path / "in" / "a.jpg", size=(64, 48))
    shot(tmp_path / "in" / "b.jpg")

    done, skipped = run([tmp_path / "in"], listed_at([(131, 52)]), copies(tmp_path / "out"))

    assert [photo.source.name for photo in done] == ["b.jpg"]
    assert skipped["a.jpg"].startswith("has no pixel 131,52: it is 64x48 in size")


# What goes wrong


def way_of(path, target):
    return Route(read_header(path), target)


def test_a_photo_that_changes_meanwhile_is_not_replaced(tmp_path):
    path, _ = shot(tmp_path / "a.jpg")
    status = path.stat()
    path.write_bytes(b"edited")

    with pytest.raises(ReadError, match="changed while it was being repaired; run again"):
        Placer(IN_PLACE).place(
            Route(replace_header(path), path), status, b"repaired", lambda _: None
        )
    assert path.read_bytes() == b"edited"
    assert names(tmp_path) == ["a.jpg"]


def replace_header(path):
    """Return the header the photo had before it was edited."""
    header_of, _ = shot(path.parent / "before.jpg")
    header = replace(read_header(header_of), path=path)
    header_of.unlink()
    return header


@pytest.mark.parametrize("placement", ["in place", "copies"])
def test_a_disk_that_gives_back_something_else_costs_no_photo(tmp_path, monkeypatch, placement):
    path, before = shot(tmp_path / "in" / "a.jpg")
    monkeypatch.setattr(placing, "_fill", lambda new, content: new.write_bytes(content[:-1]))

    where = IN_PLACE if placement == "in place" else copies(tmp_path / "out")
    _, skipped = run([path], None, where)

    assert "read-back check failed: the disk returned other bytes" in skipped["a.jpg"]
    assert path.read_bytes() == before
    assert names(tmp_path) == ["in/a.jpg"]


@pytest.mark.parametrize("placement", ["in place", "dry run"])
def test_a_repair_that_touched_something_else_replaces_nothing(tmp_path, monkeypatch, placement):
    path, _ = shot(tmp_path / "in" / "a.jpg")
    before = tree(tmp_path)

    def refuse(_, __, header, ___):
        raise ReadError(header.path, "would be changed elsewhere, too")

    monkeypatch.setattr(mending, "verified", refuse)
    where = {"in place": IN_PLACE, "dry run": Placement(dry_run=True)}
    _, skipped = run([path], None, where[placement])

    assert skipped == {"a.jpg": "would be changed elsewhere, too"}
    assert names(tmp_path) == ["in/a.jpg"]
    assert tree(tmp_path / "in") == {"a.jpg": before["in/a.jpg"]}


@pytest.mark.parametrize(
    ("content", "reason"),
    [(lambda photo: photo[:-2000], "is cut short"), (lambda _: b"", "is empty")],
)
def test_a_damaged_photo_is_named_and_costs_the_others_nothing(tmp_path, content, reason):
    path, before = shot(tmp_path / "in" / "a.jpg")
    shot(tmp_path / "in" / "b.jpg", 1)
    path.write_bytes(content(before))

    done, skipped = run([tmp_path / "in"], None, copies(tmp_path / "out"))

    assert [photo.source.name for photo in done] == ["b.jpg"]
    assert skipped["a.jpg"].startswith(reason)
    assert names(tmp_path / "out") == ["b.jpg"]


def test_a_photo_that_is_gone_or_unreadable_by_then_is_named(tmp_path, monkeypatch):
    for name in ("a.jpg", "b.jpg"):
        shot(tmp_path / "in" / name)
    given = [str(tmp_path / "in")]
    ways = routes(gather(given), given, copies(tmp_path / "out"))
    (tmp_path / "in" / "a.jpg").unlink()
    (tmp_path / "in" / "b.jpg").unlink()
    (tmp_path / "in" / "b.jpg").mkdir()

    (body,) = repair_bodies(ways, listed_at(series.HOT), copies(tmp_path / "out"))

    assert [each.reason.partition(";")[0] for each in body.skipped] == [
        "is gone", "cannot be read (Is a directory)",
    ]  # fmt: skip


def test_too_little_memory_for_one_photo_is_said_of_that_photo(tmp_path, monkeypatch):
    shot(tmp_path / "a.jpg")

    def huge(*_, **__):
        raise MemoryError

    monkeypatch.setattr(mending, "repaired_pictures", huge)
    _, skipped = run([tmp_path], None, IN_PLACE)

    assert skipped["a.jpg"] == (
        "needs more memory than there is; close other programs, or use --jobs 1"
    )


def test_a_full_disk_ends_the_run_with_the_first_photo_that_finds_it_full(tmp_path, monkeypatch):
    for number in range(6):
        shot(tmp_path / "in" / f"{number}.jpg", number)
        shot(tmp_path / "in" / f"small {number}.jpg", number, size=(64, 48))
    before = tree(tmp_path / "in")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    given = [str(tmp_path / "in")]
    ways = routes(gather(given), given, copies(tmp_path / "out"))
    first, second = repair_bodies(ways, listed_at([(40, 30)]), copies(tmp_path / "out"), jobs=1)

    assert len(first.skipped) == 1
    assert first.skipped[0].reason.endswith("the disk is full; free some space and run again")
    assert (first.left, second.left) == (5, 6)
    assert (first.out_of_room, second.out_of_room) == (True, True)
    assert names(tmp_path / "out") == []
    assert tree(tmp_path / "in") == before


def test_a_killed_runs_leftovers_go_when_they_are_old(tmp_path, monkeypatch):
    path, _ = shot(tmp_path / "a.jpg")
    (tmp_path / ".stillpix-0123456789ab.tmp").write_bytes(b"half")
    (tmp_path / ".stillpix-notes.tmp").write_bytes(b"not of ours")

    run([path], None, replace(IN_PLACE, dry_run=True))
    run([path], listed_at(series.HOT[:1]), IN_PLACE)
    assert ".stillpix-0123456789ab.tmp" in names(tmp_path)

    monkeypatch.setattr("stillpix.atomic.LEFTOVER_AGE_S", -1.0)
    run([path], None, IN_PLACE)
    assert names(tmp_path) == [".stillpix-notes.tmp", "a.jpg", "a.jpg.orig"]


# Many photos


class Stopping(Watch):
    """Asks to end after the photos in work, once some are done."""

    def __init__(self, after):
        self.after, self.done, self.told = after, 0, []

    def body(self, sensor, photos):
        self.told.append((sensor.width, photos))

    def photos(self, done):
        self.done = done

    def stop(self):
        return self.done >= self.after


def test_a_run_that_is_stopped_keeps_what_is_done_and_goes_on_from_there(tmp_path):
    for number in range(6):
        shot(tmp_path / "in" / f"{number}.jpg", number)
    given = [str(tmp_path / "in")]
    ways = routes(gather(given), given, copies(tmp_path / "out"))
    watch, log = Stopping(2), FixLog()

    (body,) = repair_bodies(
        ways, listed_at(series.HOT), copies(tmp_path / "out"), jobs=1, watch=watch, log=log
    )

    assert (len(body.photos), body.left, watch.told) == (2, 4, [(160, 6)])
    assert names(tmp_path / "out") == ["0.jpg", "1.jpg", "stillpix-fix.json"]
    done, _ = run([tmp_path / "in"], None, copies(tmp_path / "out"))
    assert [photo.there for photo in done] == [True, True, False, False, False, False]


def test_never_more_photos_are_in_memory_than_jobs(tmp_path, monkeypatch):
    for number in range(9):
        shot(tmp_path / "in" / f"{number}.jpg", number, size=(64, 48))
    repair, lock = mending.repaired_pictures, threading.Lock()
    three = threading.Barrier(3, timeout=costs.LONGEST_S)
    now, most = [], []

    def counted(content, *arguments, **options):
        with lock:
            now.append(1)
            most.append(len(now))
        three.wait()
        try:
            return repair(content, *arguments, **options)
        finally:
            with lock:
                now.pop()

    monkeypatch.setattr(mending, "repaired_pictures", counted)
    done, _ = run([tmp_path / "in"], listed_at([(40, 30)]), copies(tmp_path / "out"), jobs=3)

    assert len(done) == 9
    assert max(most) == 3


def test_photos_come_in_order_however_many_threads(tmp_path):
    for number in range(8):
        shot(tmp_path / "in" / f"{number}.jpg", number, size=(64, 48))

    done, _ = run([tmp_path / "in"], listed_at([(40, 30)]), copies(tmp_path / "out"), jobs=4)

    assert [photo.source.name for photo in done] == [f"{number}.jpg" for number in range(8)]


@pytest.mark.parametrize("form", ["png", "tiff"])
def test_lossless_photos_are_repaired_to_the_pixel(tmp_path, form):
    pixels = series.scene(1)
    make = {
        "png": lambda: photos.encoded(Image.fromarray(pixels), "PNG"),
        "tiff": lambda: photos.tiff(pixels),
    }
    path = tmp_path / f"a.{form}"
    path.write_bytes(make[form]())

    verdicts = fix(path, map_of(path), tmp_path / f"b.{form}")

    change = np.abs(decoded((tmp_path / f"b.{form}").read_bytes()) - pixels).max(axis=2)
    far = np.ones(change.shape, bool)
    for x, y in series.HOT:
        far[y - 9 : y + 10, x - 9 : x + 10] = False
    assert [each.outcome for each in verdicts] == ["repaired"] * 3
    assert not change[far].any()


def test_a_map_file_and_the_library_give_the_same(tmp_path, library):
    path, _ = shot(tmp_path / "a.jpg")
    found = map_of(path)
    library.save(found)
    write_map(found, tmp_path / "m.stillpix.json")

    run([path], listed_in_library(Library()), copies(tmp_path / "one"))
    run([path], listed_in(found), copies(tmp_path / "two"))

    assert (tmp_path / "one/a.jpg").read_bytes() == (tmp_path / "two/a.jpg").read_bytes()

"""From photos to maps: what is read, what counts once, and what is kept when something fails."""

from __future__ import annotations

import errno
import threading
import warnings
from dataclasses import replace

import numpy as np
import pytest

import stillpix
from stillpix.errors import NothingUsableError
from stillpix.evidence.evidence import Evidence
from stillpix.images.gather import gather
from stillpix.maps.library import Library
from stillpix.maps.records import Defect, DefectMap
from stillpix.scan import find, looking, scan
from stillpix.simulate import CameraSettings, SimulatedCamera, write_series
from stillpix.watch import Watch
from support import costs, photos, series


@pytest.fixture
def library(tmp_path):
    return Library(tmp_path / "library")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "photos"


@pytest.fixture
def reads(monkeypatch):
    """Return the names of the photos whose pixels are read, in no certain order."""
    names, read = [], looking.read_frame

    def counting(header, **options):
        names.append(header.path.name)
        return read(header, **options)

    monkeypatch.setattr(looking, "read_frame", counting)
    return names


def scanned(folder, library=None, watch=None, *, fast=False):
    (body,) = scan(gather([folder]), library=library, watch=watch, fast=fast)
    return body


class StopAfter(Watch):
    """Stops a scan once so many photos are done."""

    def __init__(self, photos):
        self.most, self.done, self.messages = photos, 0, []

    def photos(self, done):
        self.done = done

    def message(self, text):
        self.messages.append(text)

    def stop(self):
        return self.done >= self.most


# What is found


def test_the_hot_pixels_of_a_camera_are_found(folder):
    series.write(folder, range(12))

    (found,) = find([folder])

    places = {(one.x, one.y) for one in found.in_state("confirmed")}
    assert places >= set(series.HOT)
    assert len(places) <= len(series.HOT) + 1
    assert (found.evidence.photos, found.evidence.scenes) == (12, 12)


def test_each_body_has_a_map_of_its_own(folder):
    series.write(folder / "a", range(5))
    series.write(folder / "b", range(5, 11), tags={42033: "777"})

    assert [(one.sensor.serial, one.evidence.photos) for one in find([folder])] == [
        ("777", 6),
        ("0012345", 5),
    ]


def test_one_photo_gives_candidates_only(folder):
    series.write(folder, range(1))

    (found,) = find([folder])

    assert found.in_state("confirmed") == ()
    assert found.evidence.scenes == 1


def test_the_smallest_pictures_that_are_read_break_nothing(folder):
    series.write(folder / "a", range(5), size=(32, 32))
    series.write(folder / "b", range(4), size=(33, 47))

    assert [one.evidence.photos for one in find([folder])] == [5, 4]


def test_a_file_that_cannot_be_used_becomes_a_warning(folder):
    series.write(folder, range(1))
    (folder / "a.jpg").write_bytes(b"")

    with pytest.warns(UserWarning, match=r"a\.jpg: is empty"):
        assert len(find([folder])) == 1


def test_no_photo_at_all_is_an_error(folder):
    folder.mkdir()

    with pytest.raises(NothingUsableError, match="no photo there; give"):
        find([folder])


def test_photos_none_of_which_can_be_used_are_an_error_that_names_the_first(folder):
    folder.mkdir()
    (folder / "a.jpg").write_bytes(series.jpeg(series.scene(1))[:-900])

    with pytest.raises(NothingUsableError, match=r"a\.jpg: is cut short"):
        find([folder])


# What counts once


def test_copies_of_a_photo_count_once(folder):
    first, *_ = series.write(folder, range(5))
    (folder / "copy of it.jpg").write_bytes(first.read_bytes())
    (folder / "hard.jpg").hardlink_to(first)
    (folder / "soft.jpg").symlink_to(first)

    body = scanned(folder)

    assert (body.read, body.duplicates, body.repeats) == (5, 1, 0)
    assert body.map == find([folder / f"IMG_{n:04}.JPG" for n in range(5)])[0]


def test_shots_of_one_picture_are_one_scene(folder):
    series.write(folder, range(1, 5))
    still = series.scene(0).astype(float)
    for number in range(6):
        noise = np.random.default_rng(number).normal(0, 4, still.shape)
        shot = (still + noise).clip(0, 255).astype(np.uint8)
        (folder / f"tripod{number}.jpg").write_bytes(series.jpeg(shot))

    body = scanned(folder)

    assert (body.read, body.repeats) == (5, 5)
    assert (body.map.evidence.photos, body.map.evidence.scenes) == (10, 5)


def test_the_shots_of_a_simulated_burst_are_one_scene_but_where_the_camera_moved(folder):
    settings = CameraSettings(width=240, height=160, defects=0, burst_share=1.0)
    write_series(folder, SimulatedCamera(settings, seed=4), photos=6)

    body = scanned(folder)

    assert body.read + body.repeats == 6
    assert body.map.evidence.scenes == body.read <= 4


def test_shots_of_one_picture_in_later_finds_are_one_scene_too(folder, library):
    series.write(folder, range(1))
    scanned(folder, library)
    again = series.jpeg(series.scene(0), quality=80)
    (folder / "again.jpg").write_bytes(again)

    body = scanned(folder, library)

    assert (body.known, body.read, body.repeats) == (1, 0, 1)


# Going on from earlier finds


def test_a_grown_folder_costs_the_new_photos_only(folder, library, reads):
    """Dates of new defects apart: see test_second_look."""
    series.write(folder, range(5))
    scanned(folder, library, fast=True)
    series.write(folder, range(5, 8))
    reads.clear()

    body = scanned(folder, library, fast=True)

    assert sorted(reads) == ["IMG_0005.JPG", "IMG_0006.JPG", "IMG_0007.JPG"]
    assert (body.known, body.read) == (5, 3)
    assert body.map == find([folder], fast=True)[0]


def test_a_folder_that_has_moved_is_not_read_again(folder, library, reads, tmp_path):
    series.write(folder, range(5))
    scanned(folder, library)
    folder.rename(tmp_path / "elsewhere")
    reads.clear()

    assert scanned(tmp_path / "elsewhere", library).known == 5
    assert reads == []


def test_a_photo_whose_date_on_disk_has_changed_is_known_by_its_content(folder, library):
    path, *_ = series.write(folder, range(5))
    first = scanned(folder, library)
    path.touch()

    body = scanned(folder, library)

    assert (body.known, body.read, body.duplicates) == (5, 0, 0)
    assert body.map == first.map


def test_a_copy_is_not_read_in_later_finds(folder, library, reads):
    first, *_ = series.write(folder, range(4))
    (folder / "copy.jpg").write_bytes(first.read_bytes())
    scanned(folder, library)
    reads.clear()

    assert scanned(folder, library).known == 5
    assert reads == []


def test_a_scan_that_was_stopped_goes_on_to_the_same_map(folder, library):
    series.write(folder, range(12))
    stopped = scanned(folder, library, StopAfter(4))
    assert (stopped.read, stopped.left, stopped.map.evidence.photos) == (4, 8, 4)

    body = scanned(folder, library)

    assert (body.known, body.read, body.left) == (4, 8, 0)
    assert body.map == find([folder])[0]


def test_bodies_that_were_not_begun_when_it_stopped_are_left(folder, library):
    series.write(folder / "a", range(6))
    series.write(folder / "b", range(5), tags={42033: "777"})

    first, second = scan(gather([folder]), library=library, watch=StopAfter(4))

    assert (first.left, second.left, second.map, second.troubles) == (2, 5, None, [])


def test_a_persons_marks_outlast_a_find(folder, library):
    series.write(folder, range(12))
    body = scanned(folder, library)
    x, y = series.HOT[0]
    marked = [replace(d, state="rejected") if (d.x, d.y) == (x, y) else d for d in body.map]
    library.save(replace(body.map, defects=tuple(marked)))

    again = scanned(folder, library)

    assert [(one.x, one.y) for one in again.map.in_state("rejected")] == [(x, y)]


# When something fails


def test_a_photo_that_is_gone_or_changed_when_its_turn_comes_is_named(folder, library):
    gone, changed, *_ = series.write(folder, range(6))
    found = gather([folder])
    gone.unlink()
    changed.write_bytes(photos.jpeg())

    (body,) = scan(found, library=library)

    assert [(each.path, each.reason) for each in body.skipped] == [
        (str(gone), "is not there; check its name and folder"),
        (str(changed), "changed while it was being read; read it again"),
    ]
    assert (body.read, body.map.evidence.photos) == (4, 4)


@pytest.mark.parametrize("content", ["{", '{"format": "stillpix-map", "version": 9}'])
def test_a_map_that_cannot_be_read_costs_no_evidence_and_no_other_body(folder, library, content):
    series.write(folder / "a", range(6))
    series.write(folder / "b", range(5), tags={42033: "777"})
    (first, second) = gather([folder]).bodies
    path = library.map_path(first)
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")

    one, other = scan(gather([folder]), library=library)

    assert (one.path, one.map.evidence.photos, one.read) == (None, 6, 6)
    assert len(one.troubles) == 1
    assert f"move {path.name} away and run again: no photo is read twice" in one.troubles[0]
    assert path.read_text(encoding="utf-8") == content
    assert (other.path, other.troubles) == (library.map_path(second), [])

    path.unlink()
    again, _ = scan(gather([folder]), library=library)
    assert (again.known, again.read, again.path) == (6, 0, path)


def test_evidence_that_cannot_be_used_is_put_aside_and_made_anew(folder, library):
    series.write(folder, range(5))
    before = scanned(folder, library)
    kept = library.evidence_path(before.sensor)
    (kept / "evidence.json").write_text("{", encoding="utf-8")

    body = scanned(folder, library)

    assert body.map == before.map
    assert (body.read, len(body.troubles)) == (5, 1)
    assert body.troubles[0].endswith(f"the old one is now {kept}.unusable1")
    assert kept.with_name(kept.name + ".unusable1").is_dir()
    assert scanned(folder, library).troubles == []


def test_evidence_that_cannot_be_kept_costs_no_map(folder, library, monkeypatch):
    def full(self, folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    series.write(folder, range(5))
    monkeypatch.setattr(Evidence, "save", full)

    body = scanned(folder, library)

    assert library.find(body.sensor).evidence == body.map.evidence
    (trouble,) = body.troubles
    assert "the disk is full; free some space and run again" in trouble
    assert "the next find reads these photos again" in trouble
    assert list((library.root / "evidence").iterdir()) == []


def test_evidence_that_cannot_be_kept_leaves_the_old_one(folder, library, monkeypatch):
    def full(self, folder):
        (folder / "scores.npy").write_bytes(b"half")
        raise OSError("1000 requested and 10 written")

    series.write(folder, range(5))
    scanned(folder, library)
    series.write(folder, range(5, 7))
    monkeypatch.setattr(Evidence, "save", full)
    scanned(folder, library)
    monkeypatch.undo()

    body = scanned(folder, library)

    assert (body.known, body.read, body.map.evidence.photos) == (5, 2, 7)


def test_a_picture_too_large_for_the_memory_is_named_and_the_other_bodies_go_on(
    folder, monkeypatch
):
    series.write(folder / "a", range(6))
    series.write(folder / "b", range(5), size=(80, 60))
    real = Evidence.__init__

    def small(self, sensor, *templates, **how):
        if sensor.width > 100:
            raise MemoryError
        real(self, sensor, *templates, **how)

    monkeypatch.setattr(Evidence, "__init__", small)

    large, other = scan(gather([folder]))

    assert "there is not enough memory" in large.troubles[0]
    assert other.map.evidence.photos == 5
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert len(find([folder])) == 1
    assert "not enough memory" in str(told[0].message)


def test_no_memory_is_held_from_one_body_to_the_next(folder):
    for number, serial in enumerate(("1", "2", "3")):
        tags = {42033: serial}
        series.write(folder / serial, range(5 * number, 5 * number + 5), size=(480, 320), tags=tags)
    found = gather([folder])
    list(scan(found))  # compiles and imports what there is to

    with costs.memory() as counted:
        held = [counted.now() for _ in scan(found)]

    assert counted.most > 5e6  # the evidence of one such body alone
    assert max(held) < 1.5e6  # a thread may not have let go of the last photo yet


def test_memory_that_runs_out_amid_the_photos_is_no_stop_by_a_person(folder, monkeypatch):
    def exhausted(*_):
        raise MemoryError

    series.write(folder, range(9))
    monkeypatch.setattr(Evidence, "update_all", exhausted)

    body = scanned(folder)

    assert (body.left, body.map, len(body.troubles)) == (0, None, 1)


# Two at once


def test_a_body_that_another_find_has_is_waited_for(folder, library):
    series.write(folder, range(5))
    (sensor,) = gather([folder]).bodies
    other, waits, messages = Library(library.root), threading.Event(), []

    class Waiting(Watch):
        def message(self, text):
            messages.append(text)
            waits.set()

    def hold():
        with other.lock(sensor):
            held.set()
            waits.wait(costs.LONGEST_S)
            other.save(DefectMap(sensor, (Defect(x=3, y=4, state="accepted"),)))

    held = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(costs.LONGEST_S)

    body = scanned(folder, library, Waiting())
    holder.join()

    assert len(messages) == 1
    assert "another stillpix is adding photos of this camera" in messages[0]
    assert (3, 4) in {(one.x, one.y) for one in body.map}


def test_waiting_for_another_find_can_be_stopped(folder, library):
    series.write(folder, range(5))
    (sensor,) = gather([folder]).bodies

    class Impatient(Watch):
        asked = False

        def message(self, text):  # noqa: ARG002  # as Watch
            self.asked = True

        def stop(self):
            return self.asked

    with Library(library.root).lock(sensor):
        body = scanned(folder, library, Impatient())

    assert (body.left, body.map, body.troubles) == (5, None, [])


def test_stillpix_find_is_the_same_find():
    assert stillpix.find is find

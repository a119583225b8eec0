"""Photos looked at again for dates: which are, what is kept of it, and what if one cannot be."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from typer.testing import CliRunner

import series
from stillpix import scan as scan_module
from stillpix.cli import app
from stillpix.defects import Defect
from stillpix.detection import DetectionSettings
from stillpix.gather import gather
from stillpix.images import read_frame
from stillpix.maps import write_map
from stillpix.scan import find, scan
from stillpix.sightings import LOG_NAME, Sightings
from stillpix.watch import Watch

PHOTOS, BROKE = 24, 10
LATE = series.HOT[1]  # not there before photo BROKE
FIRST = date(2021, 3, 1)
WEEK = timedelta(days=7)
LENIENT = DetectionSettings(fdr=0.1)  # so that the late one is confirmed on so small a sensor


def taken(number):
    return FIRST + number * WEEK


def write(folder, numbers):
    """Write photos a week apart; one pixel is sound before photo BROKE."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        pixels = series.scene(number)
        if number < BROKE:
            x, y = LATE
            pixels[y, x] = (pixels[y, x - 1].astype(int) + pixels[y, x + 1]) // 2
        stamp = f"{taken(number):%Y:%m:%d} 10:00:{number:02}"
        content = series.jpeg(pixels, {36867: stamp, 306: stamp})
        (folder / f"IMG_{number:04}.JPG").write_bytes(content)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "photos", range(PHOTOS))
    return tmp_path / "photos"


@pytest.fixture
def reads(monkeypatch):
    names = []

    def counting(header, **options):
        names.append(header.path.name)
        return read_frame(header, **options)

    monkeypatch.setattr(scan_module, "read_frame", counting)
    return names


def scanned(folder, library=None, **options):
    (body,) = scan(gather([folder]), settings=LENIENT, library=library, **options)
    return body


def dates(found, place):
    (one,) = [one for one in found if max(abs(one.x - place[0]), abs(one.y - place[1])) <= 1]
    return one.since


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


class StopInSecondPass(Watch):
    """Stops a scan once some photos were looked at again."""

    passes = done = 0

    def body(self, sensor, photos):  # noqa: ARG002
        self.passes += 1

    def photos(self, done):
        self.done = done if self.passes > 1 else 0

    def stop(self):
        return self.done > 0


def test_each_pixel_is_dated(folder):
    (found,) = find([folder], fdr=0.1)

    assert dates(found, LATE) == (taken(BROKE - 1), taken(BROKE))
    assert dates(found, series.HOT[0]) == dates(found, series.HOT[2]) == (FIRST, FIRST)
    assert [one.until for one in found.in_state("confirmed")] == [None] * len(
        found.in_state("confirmed")
    )


def test_each_photo_is_read_twice_or_with_fast_once(folder, reads):
    (dated,) = find([folder], fdr=0.1)
    assert sorted(reads) == sorted(2 * [path.name for path in folder.iterdir()])
    reads.clear()

    (fast,) = find([folder], fdr=0.1, fast=True)

    assert len(reads) == PHOTOS
    assert {one.since for one in fast} == {None}
    assert fast.defects == tuple(replace(one, since=None, until=None) for one in dated.defects)


def test_another_find_looks_at_nothing_again(folder, library, reads):
    before = scanned(folder, library)
    reads.clear()

    again = scanned(folder, library)

    assert (reads, again.looked, again.map) == ([], 0, before.map)
    assert before.looked == PHOTOS


def test_new_photos_are_looked_at_as_they_are_read(folder, library, reads):
    """No candidate comes or goes here, so the photos of before are not needed."""
    scanned(folder, library)
    write(folder, range(PHOTOS, PHOTOS + 2))
    reads.clear()

    body = scanned(folder, library)

    assert set(reads) == {"IMG_0024.JPG", "IMG_0025.JPG"}
    assert dates(body.map, LATE) == (taken(BROKE - 1), taken(BROKE))


def test_dates_that_fast_left_out_are_told_by_the_next_find(folder, library, reads):
    scanned(folder, library, fast=True)
    reads.clear()

    body = scanned(folder, library)

    assert (body.read, body.looked, len(reads)) == (0, PHOTOS, PHOTOS)
    assert body.map == find([folder], fdr=0.1)[0]


def test_what_photos_said_that_are_gone_is_kept(folder, library):
    scanned(folder, library)
    for number in range(PHOTOS):
        (folder / f"IMG_{number:04}.JPG").unlink()
    write(folder, range(PHOTOS, PHOTOS + 2))

    body = scanned(folder, library)

    assert body.map.evidence.photos == PHOTOS + 2
    assert dates(body.map, LATE) == (taken(BROKE - 1), taken(BROKE))


def test_a_pixel_that_is_new_in_the_map_is_looked_for_in_the_photos_of_before(folder, library):
    """It broke with photo BROKE; three photos later it is confirmed."""
    early, late = folder.parent / "early", folder.parent / "all"
    write(early, range(BROKE))
    write(late, range(PHOTOS))
    assert LATE not in {(one.x, one.y) for one in scanned(early, library).map}

    body = scanned(late, library)

    assert body.known == BROKE
    assert body.looked == PHOTOS
    assert dates(body.map, LATE) == (taken(BROKE - 1), taken(BROKE))


def test_of_photos_that_are_gone_by_then_nothing_is_known(folder, library):
    early, late = folder.parent / "early", folder.parent / "late"
    write(early, range(BROKE))
    write(late, range(BROKE, PHOTOS))
    scanned(early, library)

    body = scanned(late, library)

    first, last = dates(body.map, LATE)
    assert first == FIRST
    assert taken(BROKE // 2) < last <= taken(BROKE)  # 90 % of that time, and of any before


def test_copies_and_repeats_are_not_looked_at(folder, library, reads):
    still = series.scene(3).astype(int)
    (folder / "again.jpg").write_bytes(series.jpeg((still + 1).clip(0, 255).astype(np.uint8)))
    (folder / "copy.jpg").write_bytes((folder / "IMG_0005.JPG").read_bytes())
    body = scanned(folder, library)
    assert (body.repeats, body.duplicates, body.looked) == (1, 1, PHOTOS)
    reads.clear()

    assert scanned(folder, library).looked == 0
    assert reads == []


def test_photos_without_a_date_are_not_looked_at(tmp_path, reads):
    series.write(tmp_path / "photos", range(6), tags={36867: None, 306: None})

    (found,) = find([tmp_path / "photos"])

    assert len(reads) == 6
    assert {one.since for one in found} == {None}


def test_two_photos_are_looked_at_and_tell_no_more_than_they_can(tmp_path, library):
    write(tmp_path / "photos", [BROKE - 1, BROKE])

    body = scanned(tmp_path / "photos", library)

    assert (body.read, body.troubles) == (2, [])
    assert {one.state for one in body.map} <= {"candidate"}
    for one in body.map:
        assert taken(BROKE - 1) <= one.since[0] <= one.since[1] <= taken(BROKE)


def test_photos_of_one_second_date_everything_from_that_day(tmp_path):
    same = {36867: "2021:03:01 10:00:00", 306: "2021:03:01 10:00:00"}
    series.write(tmp_path / "photos", range(8), tags=same)

    (found,) = find([tmp_path / "photos"], fdr=0.1)

    assert {one.since for one in found} == {(FIRST, FIRST)}
    assert {one.until for one in found} == {None}


def test_where_some_photos_have_no_date_the_others_tell(folder):
    for number in range(0, PHOTOS, 3):
        pixels = series.scene(100 + number)
        content = series.jpeg(pixels, {36867: None, 306: None})
        (folder / f"UNDATED_{number}.JPG").write_bytes(content)

    (found,) = find([folder], fdr=0.1)

    assert found.evidence.photos > PHOTOS
    assert dates(found, LATE) == (taken(BROKE - 1), taken(BROKE))


def test_of_very_many_photos_some_are_looked_at_each_time(folder, library, monkeypatch):
    monkeypatch.setattr(scan_module, "MOST_LOOKS", 9)

    looked = [scanned(folder, library).looked for _ in range(4)]
    log = Sightings.load(
        library.evidence_path(scanned(folder).sensor) / LOG_NAME, scanned(folder).sensor
    )

    assert looked == [9, 9, 6, 0]
    assert len(log.photos) == PHOTOS


def test_of_very_many_pixels_the_surest_have_dates(folder, library, monkeypatch):
    whole = {(one.x, one.y): one.since for one in find([folder], fdr=0.1)[0]}
    monkeypatch.setattr(scan_module, "MOST_PLACES", 2)

    body = scanned(folder, library)

    loudest = [(one.x, one.y) for one in body.map.in_state("confirmed")][:2]
    told = {(one.x, one.y): one.since for one in body.map if one.since}
    assert told == {place: whole[place] for place in loudest}


def test_a_log_full_of_places_that_came_and_went_keeps_those_of_the_map(
    folder, library, monkeypatch
):
    before = scanned(folder, library)
    path = library.evidence_path(before.sensor) / LOG_NAME
    log = Sightings.load(path, before.sensor)
    log.list_places((x, 20) for x in range(6, 100))
    log.save(path)
    monkeypatch.setattr(scan_module, "MOST_PLACES", 40)
    write(folder, [PHOTOS])

    body = scanned(folder, library)

    kept = Sightings.load(path, before.sensor).places
    assert set(kept) == {(one.x, one.y) for found in (before, body) for one in found.map}
    assert dates(body.map, LATE) == dates(before.map, LATE)


# Marks of a person


def test_a_marked_pixel_that_is_found_no_more_is_dated_too(folder, library):
    body = scanned(folder, library)
    marked = Defect(x=20, y=100, state="accepted")
    library.save(replace(body.map, defects=(*body.map.defects, marked)))

    again = scanned(folder, library)

    (kept,) = again.map.in_state("accepted")
    assert (kept.x, kept.y, again.looked) == (20, 100, PHOTOS)
    assert kept.since is not None


def test_a_find_without_a_log_keeps_the_dates_of_marked_pixels(folder, library):
    body = scanned(folder, library)
    accepted = tuple(replace(one, state="accepted") for one in body.map)
    library.save(replace(body.map, defects=accepted))
    (library.evidence_path(body.sensor) / LOG_NAME).unlink()

    again = scanned(folder, library, fast=True)

    assert [one.since for one in again.map] == [one.since for one in body.map]


def test_a_find_without_a_log_keeps_the_dates_of_all_pixels_that_are_found_again(folder, library):
    body = scanned(folder, library)
    assert any(one.since for one in body.map)
    (library.evidence_path(body.sensor) / LOG_NAME).write_bytes(b"not a log")

    again = scanned(folder, library, fast=True)

    assert again.map.defects == body.map.defects


# When something fails


def test_a_log_that_is_damaged_is_made_anew(folder, library):
    before = scanned(folder, library)
    path = library.evidence_path(before.sensor) / LOG_NAME
    path.write_bytes(path.read_bytes()[:500])

    body = scanned(folder, library)

    (trouble,) = body.troubles
    assert f"{path}: the saved sightings cannot be used" in trouble
    assert (body.looked, body.map) == (PHOTOS, before.map)
    assert scanned(folder, library).troubles == []


def test_a_log_that_cannot_be_kept_costs_neither_map_nor_evidence(folder, library, monkeypatch):
    def full(self, path):
        if not path.parent.name.startswith(".stillpix"):  # not in the evidence's new folder
            raise scan_module.WriteError(path, "the disk is full")

    monkeypatch.setattr(Sightings, "save", full)

    body = scanned(folder, library)

    (trouble,) = body.troubles
    assert "the disk is full" in trouble
    assert "the next find looks at these photos again" in trouble
    assert dates(library.find(body.sensor), LATE) == (taken(BROKE - 1), taken(BROKE))


def test_where_evidence_cannot_be_kept_nothing_more_is_said_of_the_log(
    folder, library, monkeypatch
):
    def full(self, folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scan_module.Evidence, "save", full)

    body = scanned(folder, library)

    (trouble,) = body.troubles
    assert "the evidence of" in trouble
    assert body.looked == PHOTOS
    assert dates(library.find(body.sensor), LATE) == (taken(BROKE - 1), taken(BROKE))


def test_a_photo_that_can_be_read_only_once_is_named(folder, monkeypatch):
    read = []

    def failing(header, **options):
        if header.path.name in read and header.path.name in {"IMG_0002.JPG", "IMG_0004.JPG"}:
            raise scan_module.ReadError(header.path, "is gone")
        read.append(header.path.name)
        return read_frame(header, **options)

    monkeypatch.setattr(scan_module, "read_frame", failing)

    body = scanned(folder)

    (trouble,) = body.troubles
    assert "IMG_0002.JPG: is gone (photos that could be read only once: 2" in trouble
    assert body.looked == PHOTOS - 2
    assert dates(body.map, LATE) == (taken(BROKE - 1), taken(BROKE))


def deleting(monkeypatch, *names):
    """Have photos deleted between the two looks."""
    look = scan_module._look

    def looking(header, buffer, **options):
        if header.path.name in names:
            header.path.unlink()
        return look(header, buffer, **options)

    monkeypatch.setattr(scan_module, "_look", looking)


def test_photos_deleted_between_the_two_looks_are_named_and_stay_counted(
    folder, library, monkeypatch
):
    deleting(monkeypatch, "IMG_0003.JPG", "IMG_0017.JPG")

    said = run("find", folder, "--fdr", 0.1)

    (_, found), *others = library.maps()
    assert (said.exit_code, others) == (1, [])
    assert "IMG_0003.JPG: is not there" in said.stderr
    assert "(photos that could be read only once: 2; " in said.stderr
    assert found.evidence.photos == PHOTOS
    assert dates(found, LATE) == (taken(BROKE - 1), taken(BROKE))


def test_where_all_photos_are_deleted_between_the_looks_the_map_has_no_dates(
    folder, library, monkeypatch
):
    deleting(monkeypatch, *(path.name for path in folder.iterdir()))

    body = scanned(folder, library)

    assert body.map is not None
    assert body.map.in_state("confirmed")
    assert {one.since for one in library.find(body.sensor)} == {None}


def test_a_photo_replaced_between_the_looks_by_one_of_another_size_says_nothing(
    folder, monkeypatch
):
    look = scan_module._look

    def looking(header, buffer, **options):
        if header.path.name == "IMG_0003.JPG":
            header.path.write_bytes(series.jpeg(series.scene(3, (96, 80))))
        return look(header, buffer, **options)

    monkeypatch.setattr(scan_module, "_look", looking)

    body = scanned(folder)

    (trouble,) = body.troubles
    assert "IMG_0003.JPG: " in trouble
    assert body.looked == PHOTOS - 1


def test_where_memory_ends_in_the_second_look_the_map_is_kept_without_dates(
    folder, library, monkeypatch
):
    def too_much(found, log):
        raise MemoryError

    monkeypatch.setattr(scan_module, "dated", too_much)

    body = scanned(folder, library)

    (trouble,) = body.troubles
    assert "not enough memory to tell when defects began" in trouble
    assert "--fast" in trouble
    assert len(library.find(body.sensor).in_state("confirmed")) == len(series.HOT)


def test_each_find_writes_the_map_once(folder, library, monkeypatch):
    written = []

    def counting(found, path):
        written.append(path.name)
        write_map(found, path)

    monkeypatch.setattr("stillpix.library.write_map", counting)

    for options in ([], ["--fast"], ["--out", folder.parent / "a.json"]):
        assert run("find", folder, "--fdr", 0.1, *options).exit_code == 0
        assert len(written) == 1, options
        written.clear()


def test_a_scan_stopped_amid_its_second_look_goes_on_from_there(folder, library):
    stopped = scanned(folder, library, watch=StopInSecondPass(), jobs=1)
    assert (stopped.left, stopped.looked + stopped.unlooked) == (0, PHOTOS)
    assert 0 < stopped.looked < PHOTOS

    body = scanned(folder, library)

    assert (body.looked, body.unlooked) == (stopped.unlooked, 0)
    assert body.map == find([folder], fdr=0.1)[0]


# On the command line


def test_find_says_what_came_later_and_what_was_read_again(folder, library):
    said = run("find", folder, "--fdr", 0.1)

    assert said.exit_code == 0
    assert (
        "  1 came after the first photo (`stillpix show MAP --timeline` draws when)" in said.output
    )
    assert (
        f"  {PHOTOS} new photos read, {PHOTOS} read again for dates (`--fast` leaves that out)"
        in said.output
    )
    assert "for dates" not in run("find", folder, "--fdr", 0.1).output


def test_find_fast_reads_once(folder, library):
    document = json.loads(run("find", folder, "--fdr", 0.1, "--fast", "--json").stdout)

    (entry,) = document["maps"]
    assert (entry["read"], entry["looked"], document["unlooked"]) == (PHOTOS, 0, 0)
    assert not any("since" in one for one in entry["map"]["defects"])


def test_a_find_stopped_amid_its_second_look_says_how_to_go_on(folder, library, monkeypatch):
    from stillpix.cli import progress

    class Stopping(progress.Progress):
        passes = done = 0

        def again(self, sensor, photos):
            self.passes += 1
            super().again(sensor, photos)

        def photos(self, done):
            super().photos(done)
            if self.passes:
                self.end()

    monkeypatch.setattr("stillpix.cli.find.Progress", Stopping)

    said = run("find", folder, "--fdr", 0.1, "--jobs", 1)

    assert said.exit_code == 130
    assert "photos not read again for dates; what was read is kept" in said.output

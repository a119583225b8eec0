"""Photos looked at again for dates: which are, and what is kept of it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from stillpix.evidence.sightings import LOG_NAME, Sightings
from stillpix.images import read_frame
from stillpix.maps.records import Defect
from stillpix.scan import find, looking, second_look
from support import late, series
from support.late import (
    BROKE,
    FIRST,
    LATE,
    MOST_AGAIN,
    PHOTOS,
    broke_in,
    dates,
    run,
    scanned,
    taken,
    write,
)


@pytest.fixture
def folder(tmp_path):
    late.write(tmp_path / "photos", range(PHOTOS))
    return tmp_path / "photos"


@pytest.fixture
def reads(monkeypatch):
    names = []

    def counting(header, **options):
        names.append(header.path.name)
        return read_frame(header, **options)

    monkeypatch.setattr(looking, "read_frame", counting)
    return names


def test_each_pixel_is_dated(folder):
    (found,) = find([folder], fdr=0.1)

    assert broke_in(dates(found, LATE))
    assert dates(found, series.HOT[0]) == dates(found, series.HOT[2]) == (FIRST, FIRST)
    assert [one.until for one in found.in_state("confirmed")] == [None] * len(
        found.in_state("confirmed")
    )


def test_few_photos_are_read_twice_or_with_fast_none(folder, reads):
    (dated,) = find([folder], fdr=0.1)
    names = {path.name for path in folder.iterdir()}
    assert {name: reads.count(name) for name in names if reads.count(name) not in (1, 2)} == {}
    assert len(reads) - PHOTOS <= MOST_AGAIN
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
    assert 0 < before.looked <= MOST_AGAIN


def test_new_photos_are_looked_at_as_they_are_read(folder, library, reads):
    """Nothing new is confirmed here, so the photos of before are not needed."""
    scanned(folder, library)
    write(folder, [PHOTOS])
    reads.clear()

    body = scanned(folder, library)

    assert set(reads) == {"IMG_0024.JPG"}
    assert broke_in(dates(body.map, LATE))


def test_dates_that_fast_left_out_are_told_by_the_next_find(folder, library, reads):
    scanned(folder, library, fast=True)
    reads.clear()

    body = scanned(folder, library)

    assert (body.read, body.looked) == (0, len(reads))
    assert 0 < body.looked <= MOST_AGAIN
    assert body.map == find([folder], fdr=0.1)[0]


def test_what_photos_said_that_are_gone_is_kept(folder, library):
    scanned(folder, library)
    for number in range(PHOTOS):
        (folder / f"IMG_{number:04}.JPG").unlink()
    write(folder, range(PHOTOS, PHOTOS + 2))

    body = scanned(folder, library)

    assert body.map.evidence.photos == PHOTOS + 2
    assert broke_in(dates(body.map, LATE))


def test_a_pixel_that_is_new_in_the_map_is_looked_for_in_the_photos_of_before(folder, library):
    """It broke with photo BROKE; three photos later it is confirmed."""
    early, late = folder.parent / "early", folder.parent / "all"
    write(early, range(BROKE))
    write(late, range(PHOTOS))
    assert LATE not in {(one.x, one.y) for one in scanned(early, library).map}

    body = scanned(late, library)

    assert body.known == BROKE
    assert 0 < body.looked <= MOST_AGAIN
    assert broke_in(dates(body.map, LATE))


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
    assert (body.repeats, body.duplicates) == (1, 1)
    assert reads.count("again.jpg") == reads.count("copy.jpg") == 1
    reads.clear()

    assert scanned(folder, library).looked == 0
    assert reads == []


def test_photos_without_a_date_are_not_looked_at(tmp_path, reads):
    series.write(tmp_path / "photos", range(12), tags={36867: None, 306: None})

    (found,) = find([tmp_path / "photos"])

    assert len(reads) == 12
    assert {one.since for one in found} == {None}


def test_for_candidates_alone_no_photo_is_looked_at_again(tmp_path, library, reads):
    write(tmp_path / "photos", [BROKE - 1, BROKE])

    body = scanned(tmp_path / "photos", library)

    assert (body.read, body.looked, len(reads), body.troubles) == (2, 0, 2, [])
    assert {(one.state, one.since) for one in body.map} <= {("candidate", None)}


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
    assert broke_in(dates(found, LATE))


def test_photos_of_a_lost_log_are_all_looked_at_anew(folder, library):
    before = scanned(folder, library)
    (library.evidence_path(before.sensor) / LOG_NAME).unlink()

    looked = [scanned(folder, library).looked for _ in range(2)]

    assert looked == [PHOTOS, 0]
    assert broke_in(dates(scanned(folder, library).map, LATE))


def test_of_very_many_pixels_the_surest_have_dates(folder, library, monkeypatch):
    whole = {(one.x, one.y): one.since for one in find([folder], fdr=0.1)[0]}
    monkeypatch.setattr(second_look, "MOST_PLACES", 2)

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
    monkeypatch.setattr(second_look, "MOST_PLACES", 40)
    write(folder, [PHOTOS])

    body = scanned(folder, library)

    kept = Sightings.load(path, before.sensor).places
    assert {(one.x, one.y) for one in body.map.in_state("confirmed")} <= set(kept)
    assert set(kept) <= {(one.x, one.y) for found in (before, body) for one in found.map}
    assert broke_in(dates(body.map, LATE))


# Marks of a person


def test_a_marked_pixel_that_is_found_no_more_is_dated_too(folder, library):
    body = scanned(folder, library)
    marked = Defect(x=20, y=100, state="accepted")
    library.save(replace(body.map, defects=(*body.map.defects, marked)))

    again = scanned(folder, library)

    (kept,) = again.map.in_state("accepted")
    assert (kept.x, kept.y) == (20, 100)
    assert 0 < again.looked <= MOST_AGAIN
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


# On the command line


def test_find_says_what_came_later_and_what_was_read_again(folder, library):
    looked = scanned(folder).looked

    said = run("find", folder, "--fdr", 0.1)

    assert said.exit_code == 0
    assert (
        "  1 broke after the first photo (`stillpix show MAP --timeline` shows when)" in said.output
    )
    assert (
        f"  {PHOTOS} new photos read, {looked} read again for dates (`--fast` skips this)"
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
    assert "not read again for dates; run the same command again" in said.output

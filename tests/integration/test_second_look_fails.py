"""Photos looked at again for dates: what if one is gone, the disk full, the scan stopped."""

from __future__ import annotations

import pytest

from stillpix.errors import ReadError, WriteError
from stillpix.evidence.evidence import Evidence
from stillpix.evidence.sightings import LOG_NAME, Sightings
from stillpix.images import read_frame
from stillpix.maps import write_map
from stillpix.scan import concluding, find, looking, second_look
from stillpix.watch import Watch
from support import late, series
from support.late import LATE, MOST_AGAIN, PHOTOS, broke_in, dates, run, scanned


@pytest.fixture
def folder(tmp_path):
    late.write(tmp_path / "photos", range(PHOTOS))
    return tmp_path / "photos"


# The photo that is looked at again first, and the one that then is if that one is gone.
CHOSEN = ("IMG_0000.JPG", "IMG_0001.JPG")


class StopInSecondPass(Watch):
    """Stops a scan once some photos were looked at again."""

    passes = done = 0

    def body(self, sensor, photos):  # noqa: ARG002  # as Watch
        self.passes += 1

    def photos(self, done):
        self.done = done if self.passes > 1 else 0

    def stop(self):
        return self.done > 0


def test_a_log_that_is_damaged_is_made_anew(folder, library):
    before = scanned(folder, library)
    path = library.evidence_path(before.sensor) / LOG_NAME
    path.write_bytes(path.read_bytes()[:500])

    body = scanned(folder, library)

    (trouble,) = body.troubles
    assert f"{path}: the saved sightings cannot be used" in trouble
    assert body.looked == PHOTOS
    assert broke_in(dates(body.map, LATE))
    assert scanned(folder, library).troubles == []


def test_a_log_that_cannot_be_kept_costs_neither_map_nor_evidence(folder, library, monkeypatch):
    def full(self, path):
        if not path.parent.name.startswith(".stillpix"):  # not in the evidence's new folder
            raise WriteError(path, "the disk is full")

    monkeypatch.setattr(Sightings, "save", full)

    body = scanned(folder, library)

    (trouble,) = body.troubles
    assert "the disk is full" in trouble
    assert "the next find reads these photos again" in trouble
    assert broke_in(dates(library.find(body.sensor), LATE))


def test_where_evidence_cannot_be_kept_nothing_more_is_said_of_the_log(
    folder, library, monkeypatch
):
    def full(self, folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Evidence, "save", full)

    body = scanned(folder, library)

    (trouble,) = body.troubles
    assert "the evidence of" in trouble
    assert 0 < body.looked <= MOST_AGAIN
    assert broke_in(dates(library.find(body.sensor), LATE))


def test_a_photo_that_can_be_read_only_once_is_named(folder, monkeypatch):
    read = []

    def failing(header, **options):
        if header.path.name in read and header.path.name in CHOSEN:
            raise ReadError(header.path, "is gone")
        read.append(header.path.name)
        return read_frame(header, **options)

    monkeypatch.setattr(looking, "read_frame", failing)

    body = scanned(folder)

    (trouble,) = body.troubles
    assert f"{CHOSEN[0]}: is gone (photos that could be read only once: 2" in trouble
    assert broke_in(dates(body.map, LATE))


def test_a_photo_that_is_cut_short_is_named_once_and_not_looked_at_again(folder):
    path = folder / "IMG_0002.JPG"
    path.write_bytes(path.read_bytes()[:-2000])

    body = scanned(folder)

    assert [each.path for each in body.skipped] == [str(path)]
    assert body.troubles == []
    assert 0 < body.looked <= MOST_AGAIN


def deleting(monkeypatch, *names):
    """Have photos deleted between the two looks."""
    look = second_look._look_once_more

    def looking(header, buffer, **options):
        if header.path.name in names:
            header.path.unlink()
        return look(header, buffer, **options)

    monkeypatch.setattr(second_look, "_look_once_more", looking)


def test_photos_deleted_between_the_two_looks_are_named_and_stay_counted(
    folder, library, monkeypatch
):
    deleting(monkeypatch, *CHOSEN)

    said = run("find", folder, "--fdr", 0.1)

    (_, found), *others = library.maps()
    assert (said.exit_code, others) == (1, [])
    assert f"{CHOSEN[0]}: is not there" in said.stderr
    assert "(photos that could be read only once: 2; " in said.stderr
    assert found.evidence.photos == PHOTOS
    assert broke_in(dates(found, LATE))


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
    look = second_look._look_once_more

    def looking(header, buffer, **options):
        if header.path.name == CHOSEN[0]:
            header.path.write_bytes(series.jpeg(series.scene(3, (96, 80))))
        return look(header, buffer, **options)

    monkeypatch.setattr(second_look, "_look_once_more", looking)

    body = scanned(folder)

    (trouble,) = body.troubles
    assert f"{CHOSEN[0]}: " in trouble
    assert 0 < body.looked <= MOST_AGAIN


def test_where_memory_ends_in_the_second_look_the_map_is_kept_without_dates(
    folder, library, monkeypatch
):
    def too_much(found, log):
        raise MemoryError

    monkeypatch.setattr(concluding, "dated", too_much)

    body = scanned(folder, library)

    (trouble,) = body.troubles
    assert "not enough memory to tell when defects began" in trouble
    assert "--fast" in trouble
    confirmed = {(d.x, d.y) for d in library.find(body.sensor).in_state("confirmed")}
    assert confirmed >= set(series.HOT)


def test_each_find_writes_the_map_once(folder, library, monkeypatch):
    written = []

    def counting(found, path):
        written.append(path.name)
        write_map(found, path)

    monkeypatch.setattr("stillpix.maps.library.write_map", counting)

    for options in ([], ["--fast"], ["--out", folder.parent / "a.json"]):
        assert run("find", folder, "--fdr", 0.1, *options).exit_code == 0
        assert len(written) == 1, options
        written.clear()


def test_a_scan_stopped_amid_its_second_look_goes_on_from_there(folder, library):
    stopped = scanned(folder, library, watch=StopInSecondPass(), jobs=1)
    assert stopped.left == 0
    assert stopped.looked > 0 < stopped.unlooked

    body = scanned(folder, library)

    assert body.looked >= stopped.unlooked
    assert body.unlooked == 0
    assert body.map == find([folder], fdr=0.1)[0]

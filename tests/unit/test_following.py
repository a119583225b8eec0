"""Which photos of a folder are new and whole, by clocks that the test moves."""

from __future__ import annotations

import os

import pytest

from stillpix.errors import WriteError
from stillpix.frame import Sensor
from stillpix.maps.records import Defect, DefectMap, Run
from stillpix.scan.following import OLD_S, SETTLED_S, Following
from stillpix.scan.news import Told

SENSOR = Sensor("a", "b", "c", 40, 32)


class Clock:
    """Seconds that only the test lets pass."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def following(tmp_path, clock):
    return Following([tmp_path], clock=clock, today=clock)


def write(path, content=b"photo", *, at):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (at, at))
    return path


def test_an_old_photo_is_ready_at_once(following, clock, tmp_path):
    photo = write(tmp_path / "night/a.jpg", at=clock.now - OLD_S)

    assert list(following.ready()) == [photo]


def test_a_photo_that_is_being_written_is_waited_for(following, clock, tmp_path):
    photo = write(tmp_path / "a.jpg", at=clock.now)
    assert not following.ready()
    clock.now += SETTLED_S - 1
    write(photo, b"more of the photo", at=clock.now)
    assert not following.ready()
    clock.now += SETTLED_S - 1
    assert not following.ready()
    clock.now += 1

    assert list(following.ready()) == [photo]


def test_a_photo_of_a_clock_that_is_ahead_is_ready_once_it_stays_as_it_is(
    following, clock, tmp_path
):
    photo = write(tmp_path / "a.jpg", at=clock.now + 86400)
    following.ready()
    clock.now += SETTLED_S

    assert list(following.ready()) == [photo]


def test_a_photo_that_is_done_comes_again_only_if_it_changes(following, clock, tmp_path):
    photo = write(tmp_path / "a.jpg", at=clock.now - OLD_S)
    following.take(following.ready())
    assert not following.ready()

    write(photo, b"another", at=clock.now - OLD_S)

    assert list(following.ready()) == [photo]


def test_a_photo_whose_results_were_lost_comes_again(following, clock, tmp_path):
    photo = write(tmp_path / "a.jpg", at=clock.now - OLD_S)
    following.take(following.ready())

    following.try_again([photo])

    assert list(following.ready()) == [photo]


def test_photos_that_wait_are_told_from_those_that_are_ready(following, clock, tmp_path):
    write(tmp_path / "a.jpg", at=clock.now - OLD_S)
    assert not following.are_waiting(following.ready())

    write(tmp_path / "b.jpg", at=clock.now)

    assert following.are_waiting(following.ready())


def test_a_folder_that_is_not_there_yet_has_no_photos(tmp_path, clock):
    following = Following([tmp_path / "disk"], clock=clock, today=clock)
    assert not following.ready()

    photo = write(tmp_path / "disk/a.jpg", at=0)

    assert list(following.ready()) == [photo]


def a_map(*defects):
    return DefectMap(SENSOR, tuple(defects))


def test_what_was_told_is_no_news_after_a_restart(tmp_path):
    one, other = (Defect(x=x, y=4, state="confirmed") for x in (3, 5))
    Told(tmp_path / "watched/a.json").note(a_map(one))

    assert Told(tmp_path / "watched/a.json").news(a_map(one, other)) == [other]


def test_candidates_and_rejected_pixels_are_no_news(tmp_path):
    found = a_map(Defect(x=3, y=4), Defect(x=5, y=4, state="rejected"))

    assert Told(tmp_path / "a.json").news(found) == []


def test_a_pixel_that_a_later_map_drops_is_no_news_when_it_is_back(tmp_path):
    told, found = Told(tmp_path / "a.json"), a_map(Defect(x=3, y=4, state="confirmed"))
    told.note(found)
    told.note(a_map())

    assert told.news(found) == []


def test_a_column_that_grows_is_no_news(tmp_path):
    told = Told(tmp_path / "a.json")
    told.note(a_map(Defect(x=3, y=4, state="accepted", run=Run("column", 4, 9))))

    longer = Defect(x=3, y=2, state="accepted", run=Run("column", 2, 20))
    row = Defect(x=3, y=2, state="accepted", run=Run("row", 3, 20))

    assert told.news(a_map(longer, row)) == [row]


@pytest.mark.parametrize("content", [b"", b"[", b"7", b"[7]"])
def test_a_file_that_cannot_be_used_counts_as_none(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    told = Told(tmp_path / "a.json")

    assert told.is_new
    told.note(a_map(Defect(x=3, y=4, state="confirmed")))
    assert not told.is_new


def test_a_note_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(WriteError, match="choose another place"):
        Told(tmp_path / "file/a.json").note(a_map())

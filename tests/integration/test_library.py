"""The library: one map a body, a person's marks kept, and nothing lost between two programs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stillpix.errors import LibraryBusyError, MapFormatError, SensorMismatchError, WriteError
from stillpix.frame import Sensor
from stillpix.maps import write_map
from stillpix.maps.library import Library, body_name, library_root
from stillpix.maps.merging import adopted, with_marks_of
from stillpix.maps.records import Defect, DefectMap, EvidenceSummary, Run
from support import costs, starting

SENSOR = Sensor("NIKON CORPORATION", "NIKON D3200", "8964244", 3008, 2000)
OTHER = Sensor("Canon", "EOS R", "unknown", 6720, 4480)
HOT = Defect(x=2797, y=791, kind="hot", score=22.6, state="confirmed")

names = st.text(max_size=60) | st.sampled_from(["unknown", "UNKNOWN", "Canon", "CANON", ".", ".."])
sensors = st.builds(
    Sensor, names, names, names, st.integers(1, 3), st.integers(1, 3), which=st.just("") | names
)


@pytest.fixture
def library(tmp_path):
    return Library(tmp_path / "library")


# Where things are kept


def test_the_library_lies_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("STILLPIX_LIBRARY", str(tmp_path))

    assert Library().root == library_root() == tmp_path


def test_the_library_lies_in_the_users_folder_otherwise(monkeypatch):
    monkeypatch.setenv("STILLPIX_LIBRARY", "")

    assert library_root().name == "stillpix"
    assert library_root().is_absolute()


def test_a_plain_body_has_a_file_name_that_can_be_read(library):
    name = "NIKON_CORPORATION__NIKON_D3200__8964244__3008x2000__rendered"

    assert library.map_path(SENSOR) == library.root / "maps" / f"{name}.stillpix.json"
    assert library.evidence_path(SENSOR) == library.root / "evidence" / name


@given(sensors)
@example(Sensor("../..", "/etc/passwd", "..", 1, 1))
@example(Sensor("CON", "nul.txt", "C:\\x", 1, 1))
@example(Sensor("富士フイルム", "कैमरा\u200d", "\udc80\x00\n", 1, 1))
@example(Sensor("M" * 5000, "🙂" * 300, "語" * 300, 1, 1))
@example(Sensor("", " ", "\t", 1, 1))
def test_every_bodys_file_name_suits_every_file_system(sensor):
    name = body_name(sensor)

    assert len(name.encode("utf-8")) < 200
    assert not set(name) & set('/\\:*?"<>|. \0\n')
    assert all(mark.isprintable() for mark in name)


@given(sensors, sensors)
@example(replace(SENSOR, make="A_B"), replace(SENSOR, make="A B"))
@example(replace(SENSOR, make="A", model="B__C"), replace(SENSOR, make="A__B", model="C"))
@example(replace(SENSOR, make="SAMSUNG"), replace(SENSOR, make="samsung"))
@example(replace(SENSOR, serial="unknown"), replace(SENSOR, serial="UNKNOWN"))
@example(replace(SENSOR, serial=""), replace(SENSOR, serial="-"))
@example(replace(SENSOR, model="\u212a-5"), replace(SENSOR, model="K-5"))
@example(replace(SENSOR, model="X" * 90 + "1"), replace(SENSOR, model="X" * 90 + "2"))
@example(replace(SENSOR, layout="mono"), replace(SENSOR, layout="xtrans"))
@example(replace(SENSOR, which="5.7 mm"), replace(SENSOR, which="5-7 mm"))
@example(replace(SENSOR, which="band red"), replace(SENSOR, which="band Red"))
@example(replace(SENSOR, which="3008x2000"), SENSOR)
def test_two_bodies_never_share_a_file_name_even_where_case_does_not_count(one, other):
    same = body_name(one).casefold() == body_name(other).casefold()

    assert same == (one == other)


def test_the_visible_area_is_no_part_of_a_bodys_name():
    assert body_name(SENSOR) == body_name(replace(SENSOR, visible=(1, 1, 10, 10)))


# Maps


def test_an_empty_library_has_no_maps(library):
    assert library.maps() == []
    assert library.find(SENSOR) is None


def test_saved_maps_are_found_again_by_body(library):
    one, other = DefectMap(SENSOR, (HOT,)), DefectMap(OTHER)
    library.save(one)
    library.save(other)

    assert library.find(SENSOR) == one
    assert library.find(replace(OTHER, serial="8")) is None
    assert library.maps() == [(library.map_path(OTHER), other), (library.map_path(SENSOR), one)]


def test_a_damaged_map_is_reported_and_the_others_are_returned(library):
    library.save(DefectMap(SENSOR, (HOT,)))
    library.map_path(OTHER).write_text("{", encoding="utf-8")
    reported = []

    maps = library.maps(report=reported.append)

    assert [path for path, _ in maps] == [library.map_path(SENSOR)]
    assert [str(error).split(":")[0] for error in reported] == [str(library.map_path(OTHER))]
    with pytest.warns(UserWarning, match="is not valid JSON"):
        library.maps()


@pytest.mark.parametrize("content", ["{", '{"format": "stillpix-map", "version": 9}'])
def test_a_damaged_or_newer_map_is_never_replaced(library, content):
    path = library.map_path(SENSOR)
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")

    with pytest.raises(MapFormatError):
        library.save(DefectMap(SENSOR, (HOT,)))

    assert path.read_text(encoding="utf-8") == content


def test_another_bodys_map_in_the_place_of_ours_is_noticed(library):
    library.save(DefectMap(SENSOR))
    write_map(DefectMap(OTHER), library.map_path(SENSOR))

    with pytest.raises(SensorMismatchError, match=r"is the map of EOS R.*, not of NIKON D3200"):
        library.save(DefectMap(SENSOR, (HOT,)))


def test_a_library_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(WriteError, match=r"file.*: "):
        Library(tmp_path / "file" / "library").save(DefectMap(SENSOR))


# A person's marks


def merged(old, new):
    return list(with_marks_of(DefectMap(SENSOR, tuple(old)), DefectMap(SENSOR, tuple(new))))


@pytest.mark.parametrize("state", ["accepted", "rejected"])
@pytest.mark.parametrize("step", [(0, 0), (1, 0), (-1, 1), (0, -1)])
def test_a_mark_stays_on_a_defect_found_again_within_one_pixel(state, step):
    marked = replace(HOT, state=state)
    again = Defect(x=HOT.x + step[0], y=HOT.y + step[1], score=30.0, state="confirmed")

    assert merged([marked], [again]) == [replace(again, state=state)]


@pytest.mark.parametrize("state", ["accepted", "rejected"])
def test_a_marked_defect_stays_where_a_later_scan_does_not_find_it(state):
    marked = replace(HOT, state=state)
    far = Defect(x=HOT.x + 2, y=HOT.y, state="confirmed")

    assert merged([marked], [far]) == [far, marked]


def test_what_nobody_marked_gives_way_to_the_later_scan():
    assert merged([HOT, Defect(x=1, y=1)], [Defect(x=5, y=5)]) == [Defect(x=5, y=5)]


def test_of_two_finds_beside_a_marked_defect_only_the_nearest_takes_its_mark():
    marked = replace(HOT, state="rejected")
    here, beside = replace(HOT, score=9.0), replace(HOT, x=HOT.x + 1)

    assert merged([marked], [beside, here]) == [beside, replace(here, state="rejected")]


def test_two_marked_neighbours_each_keep_their_own_mark():
    left, right = replace(HOT, state="accepted"), replace(HOT, x=HOT.x + 1, state="rejected")
    found = [replace(HOT, x=HOT.x + 1), HOT]

    assert [(one.x, one.state) for one in merged([left, right], found)] == [
        (right.x, "rejected"),
        (left.x, "accepted"),
    ]


def test_a_mark_on_a_column_is_not_taken_by_a_pixel_in_it():
    column = Defect(x=9, y=0, run=Run("column", 0, 1999), state="accepted")
    pixel = Defect(x=9, y=0, state="confirmed")

    assert merged([column], [pixel]) == [pixel, column]
    assert merged([column], [replace(column, state="confirmed", score=7.0)]) == [
        replace(column, score=7.0)
    ]


@st.composite
def crowded(draw, states):
    places = st.tuples(st.integers(0, 5), st.integers(0, 5))
    return [
        Defect(x=x, y=y, state=draw(st.sampled_from(states)))
        for x, y in draw(st.lists(places, unique=True, max_size=12))
    ]


@given(crowded(["accepted", "rejected", "candidate"]), crowded(["confirmed", "candidate"]))
def test_no_mark_is_lost_or_doubled_and_no_find_is_lost(old, new):
    kept = merged(old, new)
    marks = sorted(one.state for one in old if one.state in {"accepted", "rejected"})

    assert [(one.x, one.y) for one in kept[: len(new)]] == [(one.x, one.y) for one in new]
    assert sorted(one.state for one in kept if one.state in {"accepted", "rejected"}) == marks
    assert len({(one.x, one.y) for one in kept}) == len(kept)


def test_keys_of_a_later_version_outlast_a_scan(library):
    marked = replace(HOT, state="accepted", extra={"note": "seen by eye"})
    library.save(DefectMap(SENSOR, (marked,), extra={"owner": "Ö"}, sensor_extra={"bits": 12}))

    kept = library.save(DefectMap(SENSOR, (HOT,), EvidenceSummary(photos=3)))

    assert kept == library.find(SENSOR)
    assert (kept.extra, kept.sensor_extra) == ({"owner": "Ö"}, {"bits": 12})
    assert kept.defects == (marked,)
    assert kept.evidence.photos == 3


# Two at once


def add_one(root, x):
    library = Library(root)
    with library.lock(SENSOR):
        before = library.find(SENSOR) or DefectMap(SENSOR)
        time.sleep(0.05)
        library.save(DefectMap(SENSOR, (*before.defects, Defect(x=x, y=x))))


def test_programs_that_save_at_once_lose_nothing(tmp_path):
    made = starting.processes()
    writers = [made.Process(target=add_one, args=(tmp_path, x)) for x in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(costs.LONGEST_S)

    assert [writer.exitcode for writer in writers] == [0] * 4
    assert {one.x for one in Library(tmp_path).find(SENSOR)} == {0, 1, 2, 3}


@pytest.mark.parametrize("shared", [True, False], ids=["one library", "two libraries"])
def test_threads_that_save_at_once_lose_nothing(tmp_path, shared):
    one = Library(tmp_path)

    def add(x):
        library = one if shared else Library(tmp_path)
        with library.lock(SENSOR):
            before = library.find(SENSOR) or DefectMap(SENSOR)
            library.save(DefectMap(SENSOR, (*before.defects, Defect(x=x, y=x))))

    threads = [threading.Thread(target=add, args=(x,)) for x in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(costs.LONGEST_S)

    assert {defect.x for defect in one.find(SENSOR)} == set(range(6))


def test_who_waits_too_long_is_told_what_to_do(tmp_path):
    impatient = Library(tmp_path, lock_wait_s=0.2)

    with Library(tmp_path).lock(SENSOR):
        start = time.monotonic()
        with pytest.raises(LibraryBusyError, match=r"NIKON D3200.* 0\.2 s; wait until it is done"):
            impatient.save(DefectMap(SENSOR))
        assert time.monotonic() - start >= 0.2
        impatient.save(DefectMap(OTHER))

    impatient.save(DefectMap(SENSOR))


def test_the_holder_may_take_its_lock_again(library):
    with library.lock(SENSOR), library.lock(SENSOR, wait_s=0):
        library.save(DefectMap(SENSOR))

    with Library(library.root).lock(SENSOR, wait_s=0):
        pass


def test_a_lock_ends_with_its_block_whatever_happens(library):
    with pytest.raises(KeyboardInterrupt), library.lock(SENSOR):
        raise KeyboardInterrupt

    with Library(library.root).lock(SENSOR, wait_s=0):
        pass


HOLD = """
import sys, time
from stillpix.frame import Sensor
from stillpix.maps.library import Library
with Library(sys.argv[1]).lock(Sensor("NIKON CORPORATION", "NIKON D3200", "8964244", 3008, 2000)):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_lock_ends_with_its_program_even_when_it_is_killed(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE)
    assert holder.stdout.readline().strip() == b"held"
    with pytest.raises(LibraryBusyError), Library(tmp_path).lock(SENSOR, wait_s=0):
        pass

    holder.kill()
    holder.communicate()

    with Library(tmp_path).lock(SENSOR, wait_s=costs.LONGEST_S):
        pass


@pytest.mark.skipif(
    os.name == "nt" or (hasattr(os, "geteuid") and os.geteuid() == 0),
    reason="needs a user whom permissions bind",
)
def test_a_library_one_may_not_write_to_says_so(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(WriteError, match="you may not write there"):
            Library(tmp_path / "library").save(DefectMap(SENSOR))
    finally:
        Path(tmp_path).chmod(0o700)


# Lists of other programs


places = st.integers(0, 5)
states = st.sampled_from(["confirmed", "candidate", "accepted", "rejected"])
some = st.lists(
    st.builds(Defect, x=places, y=places, state=states, kind=st.sampled_from(["hot", "unknown"])),
    unique_by=lambda one: (one.x, one.y),
)


@given(some, some, st.booleans())
def test_a_list_adds_and_accepts_and_takes_nothing_away(before, listed, accept_rejected):
    known = {(one.x, one.y): one for one in before}
    after = adopted(DefectMap(SENSOR, tuple(before)), listed, accept_rejected=accept_rejected)
    there = {(one.x, one.y): one for one in after.map}

    assert there.keys() == known.keys() | {(one.x, one.y) for one in listed}
    assert all(there[place].kind == one.kind for place, one in known.items())
    for one in listed:
        old = known.get((one.x, one.y))
        stays = old is not None and (
            old.state == "confirmed" or (old.state == "rejected" and not accept_rejected)
        )
        assert there[one.x, one.y].state == (old.state if stays else "accepted")
    kinds = (after.added, after.accepted, after.known, after.still_rejected)
    assert sum(map(len, kinds)) == len(listed)


@given(some, some)
def test_a_list_that_is_added_twice_adds_nothing_the_second_time(before, listed):
    once = adopted(DefectMap(SENSOR, tuple(before)), listed)
    twice = adopted(once.map, listed)

    assert twice.map == once.map
    assert (twice.added, twice.accepted) == ((), ())


def test_a_list_dates_what_the_map_does_not():
    day = (date(2020, 1, 1), date(2020, 1, 1))
    other = (date(2019, 1, 1), date(2019, 2, 1))
    before = (Defect(x=1, y=1, state="confirmed"), Defect(x=2, y=2, since=other))
    listed = [Defect(x=at, y=at, since=day) for at in (1, 2)]

    assert [one.since for one in adopted(DefectMap(SENSOR, before), listed).map] == [day, other]


def test_a_run_is_known_by_its_stretch_wherever_it_is_anchored():
    run = Run("column", 0, 9)
    found = DefectMap(SENSOR, (Defect(x=3, y=7, run=run, state="confirmed"),))

    assert len(adopted(found, [Defect(x=3, y=0, run=run)]).map) == 1

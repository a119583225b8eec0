"""The HTTP interface: opening, finding, judging, repairing, and what every tab is told."""

from __future__ import annotations

import io
import json
import shutil
import threading
from dataclasses import replace

import httpx
import numpy as np
import pytest
from PIL import Image

from stillpix import lists, maps, scan
from stillpix.frame import Sensor
from stillpix.images.gather import gather
from stillpix.maps import read_map
from stillpix.maps.library import Library
from stillpix.maps.records import Defect, DefectMap
from stillpix.wording import remarks
from support import costs, pages, series


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("photos")
    series.write(found, range(16))
    return found


@pytest.fixture
def opened(site, folder):
    return site.open(folder)


@pytest.fixture(scope="module")
def scanned(folder, tmp_path_factory):
    """Return a library in which the folder has been scanned."""
    library = Library(tmp_path_factory.mktemp("scanned"))
    list(scan.scan(gather([folder]), library=library))
    return library


@pytest.fixture
def found(site, opened, scanned):
    """Return the id of a map that was found."""
    shutil.copytree(scanned.root, site.desk.library.root, dirs_exist_ok=True)
    return site.state()["maps"][0]["id"]


def saved(site):
    ((_, kept),) = site.desk.library.maps()
    return kept


def states(kept):
    return {(defect.x, defect.y): defect.state for defect in kept}


def test_the_page_finds_what_the_command_line_finds(site, opened, scanned):
    site.find(opened)
    ((path, kept),) = site.desk.library.maps()
    ((elsewhere, _),) = scanned.maps()

    assert path.read_bytes() == elsewhere.read_bytes()
    assert set(series.HOT) <= {(defect.x, defect.y) for defect in kept}


def test_the_state_tells_of_folders_maps_and_jobs(site, found, folder):
    told = site.state()

    assert [each["path"] for each in told["folders"]] == [str(folder)]
    assert [(each["id"], each["photos"], each["has_map"]) for each in told["maps"]] == [
        (found, 16, True)
    ]
    assert [(job["kind"], job["state"]) for job in told["jobs"]] == [("open", "done")]


def test_a_map_is_told_of_in_the_words_of_the_terminal(site, found):
    kept = saved(site)
    untold = replace(kept, evidence=replace(kept.evidence, untold_mm=(24.0, 70.0)))
    site.desk.library.save(untold)

    (brief,) = site.state()["maps"]

    assert brief["remarks"] == list(remarks(untold)) == site.map(found)["remarks"]
    assert any("straightens its lens (24-70 mm)" in each for each in brief["remarks"])


def test_a_closed_folder_is_looked_at_no_longer(site, found, opened):
    assert site.client.delete(f"api/folders/{opened}").status_code == 200

    assert site.get(f"api/maps/{found}/photos").json() == []
    assert site.get(f"api/photos/{opened}-0/tiles/0/0/0").status_code == 404


# Jobs


def test_only_one_run_is_under_way_at_a_time_and_it_can_be_stopped(site, opened, held):
    scan_at_six = held("find", after=6)
    first = site.post("api/finds", {"folder": opened})
    second = site.post("api/finds", {"folder": opened})
    site.post(f"api/jobs/{first.json()['id']}/stop")
    scan_at_six.let_go()
    told = site.ended(first)

    assert second.status_code == 409
    assert told["state"] == "stopped"
    assert told["result"]["bodies"][0]["left"] > 0


def test_files_that_cannot_be_used_are_told_of_as_they_come(site, tmp_path, monkeypatch):
    folder = tmp_path / "photos"
    series.write(folder, range(8))
    cut = series.jpeg(series.scene(99))
    (folder / "cut.jpg").write_bytes(cut[: len(cut) // 2])
    (folder / "none.jpg").write_bytes(b"no photo")
    opened = site.open(folder)
    at_opening = site.state()["jobs"][-1]
    site.find(opened)
    at_finding = site.state()["jobs"][-1]
    events = site.desk.journal.after(0)

    assert [each["path"] for each in at_opening["not_used"]] == [str(folder / "none.jpg")]
    assert [each["path"] for each in at_finding["not_used"]] == [str(folder / "cut.jpg")]
    assert any(e.content.get("state") == "running" and e.content["not_used"] for e in events)


def test_a_run_that_cannot_do_its_work_says_why(site, tmp_path, folder):
    opened = site.open(folder)
    out = tmp_path / "copies"

    told = site.ended(site.post("api/repairs", {"folder": opened, "out": str(out)}))

    assert told["not_used_count"] == 16
    assert "has no map" in told["not_used"][0]["reason"]
    assert not out.exists()


def test_judging_waits_for_a_scan_of_the_same_camera(
    site, found, opened, tmp_path, monkeypatch, held
):
    monkeypatch.setattr(site.desk.judge._library, "lock_wait_s", 0.1)
    more = tmp_path / "more"
    series.write(more, range(30, 38))
    scan_at_four = held("find", after=4)
    running = site.post("api/finds", {"folder": site.open(more)})
    assert scan_at_four.stands_still.wait(costs.LONGEST_S)
    x, y = series.HOT[0]

    refused = site.post(f"api/maps/{found}/decisions", {"x": x, "y": y, "state": "rejected"})
    site.post(f"api/jobs/{running.json()['id']}/stop")
    scan_at_four.let_go()
    site.ended(running)

    assert refused.status_code == 409
    assert "scan of this camera" in refused.json()["reason"]


# Judging


def test_a_decision_is_in_the_saved_map_at_once(site, found):
    x, y = series.HOT[0]
    before = saved(site)

    told = site.post(f"api/maps/{found}/decisions", {"x": x, "y": y, "state": "rejected"}).json()

    assert told["state"] == "rejected"
    after = states(saved(site))
    assert after[x, y] == "rejected"
    assert {**after, (x, y): "confirmed"} == {**states(before), (x, y): "confirmed"}


def test_undo_and_redo_give_the_map_back_to_the_byte(site, found):
    path = site.desk.library.map_path(saved(site).sensor)
    contents = [path.read_bytes()]
    for (x, y), state in zip(series.HOT, ("rejected", "accepted", "rejected"), strict=True):
        site.post(f"api/maps/{found}/decisions", {"x": x, "y": y, "state": state})
        contents.append(path.read_bytes())
    site.post(f"api/maps/{found}/defects", {"x": 7, "y": 8})
    contents.append(path.read_bytes())

    undone = []
    for _ in contents[1:]:
        assert site.post(f"api/maps/{found}/undo").status_code == 200
        undone.append(path.read_bytes())
    assert undone == contents[-2::-1]
    assert site.post(f"api/maps/{found}/undo").status_code == 409

    redone = []
    for _ in contents[1:]:
        assert site.post(f"api/maps/{found}/redo").status_code == 200
        redone.append(path.read_bytes())
    assert redone == contents[1:]
    assert site.post(f"api/maps/{found}/redo").status_code == 409


def test_a_new_decision_takes_the_place_of_those_undone(site, found):
    x, y = series.HOT[0]
    for state in ("rejected", "accepted"):
        site.post(f"api/maps/{found}/decisions", {"x": x, "y": y, "state": state})
    site.post(f"api/maps/{found}/undo")
    site.post(f"api/maps/{found}/decisions", {"x": x, "y": y, "state": "accepted"})

    assert site.post(f"api/maps/{found}/redo").status_code == 409
    assert site.map(found)["undo"] == 2


def test_an_accepted_pixel_can_be_rejected_and_a_later_find_keeps_it(site, found, opened):
    x, y = series.HOT[0]
    for state in ("accepted", "rejected"):
        site.post(f"api/maps/{found}/decisions", {"x": x, "y": y, "state": state})
    site.find(opened)

    assert states(saved(site))[x, y] == "rejected"


def test_undo_keeps_what_a_later_find_has_changed(site, found, opened):
    x, y = series.HOT[0]
    site.post(f"api/maps/{found}/decisions", {"x": x, "y": y, "state": "rejected"})
    kept = saved(site)
    newer = replace(kept, defects=(*kept.defects, Defect(x=2, y=2, score=9.0)))
    maps.write_map(newer, site.desk.library.map_path(kept.sensor))

    site.post(f"api/maps/{found}/undo")

    assert states(saved(site)) == {**states(newer), (x, y): "confirmed"}


def test_an_added_pixel_is_the_extreme_one_within_two(site, found, folder, opened):
    x, y = series.HOT[1]
    photo = f"{opened}-3"
    pixels = np.asarray(Image.open(folder / "IMG_0003.JPG")).astype(int)
    around = np.median(pixels[y - 4 : y + 5, x - 4 : x + 5].reshape(-1, 3), axis=0)
    near = {
        (column, row): np.abs(pixels[row, column] - around).max()
        for row in range(y - 3, y + 2)
        for column in range(x - 1, x + 4)
    }
    expected = max(near, key=near.get)
    body = {"x": x + 1, "y": y - 1, "photo": photo}

    told = site.post(f"api/maps/{found}/defects", body).json()

    assert (told["x"], told["y"]) == expected == (x, y)
    assert told["state"] == "accepted"
    assert states(saved(site))[x, y] == "accepted"


def test_a_pixel_can_be_added_where_nothing_was_found_yet(site, opened):
    (brief,) = site.state()["maps"]

    answer = site.post(f"api/maps/{brief['id']}/defects", {"x": 3, "y": 4})

    assert answer.status_code == 201
    assert states(saved(site)) == {(3, 4): "accepted"}


@pytest.mark.parametrize(("x", "y"), [(160, 5), (5, 120), (-1, 5), (1.5, 5), ("5", 5), (None, 5)])
def test_a_pixel_outside_the_sensor_is_refused(site, found, x, y):
    assert site.post(f"api/maps/{found}/defects", {"x": x, "y": y}).status_code == 422


def test_two_decisions_at_the_same_time_are_both_kept(site, found):
    def decide(place):
        body = {"x": place[0], "y": place[1], "state": "rejected"}
        httpx.post(f"{site.address}api/maps/{found}/decisions", json=body, timeout=costs.LONGEST_S)

    threads = [threading.Thread(target=decide, args=(place,)) for place in series.HOT]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [states(saved(site))[place] for place in series.HOT] == ["rejected"] * 3
    assert site.map(found)["undo"] == 3


# Photos


def pixels_of(site, photo, variant="stored", *, level):
    answer = site.get(f"api/photos/{photo}/tiles/{level}/0/0", params={"variant": variant})
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def test_a_tile_at_full_size_holds_the_stored_pixels(site, opened, folder):
    shown = pixels_of(site, f"{opened}-2", level=8)

    assert np.array_equal(shown, np.asarray(Image.open(folder / "IMG_0002.JPG")))


def test_tiles_of_every_level_together_make_the_photo(site, tmp_path):
    size = (1300, 700)
    folder = tmp_path / "photos"
    (path,) = series.write(folder, range(1), size=size)
    opened, whole = site.open(folder), Image.open(path)
    for level in (11, 10, 9, 3, 0):
        scale = 1 << (11 - level)
        width, height = -(-size[0] // scale), -(-size[1] // scale)
        found = np.zeros((height, width, 3), np.uint8)
        for row in range(-(-height // 512)):
            for column in range(-(-width // 512)):
                answer = site.get(f"api/photos/{opened}-0/tiles/{level}/{column}/{row}")
                tile = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))
                part = found[row * 512 : row * 512 + 512, column * 512 : column * 512 + 512]
                part[:] = tile
        expected = np.asarray(whole.reduce(scale)).astype(int)
        # JPEG tells little of a picture of a few pixels.
        assert np.abs(found - expected).mean() < (2.5 if level > 8 else 12), level
    assert site.get(f"api/photos/{opened}-0/tiles/12/0/0").status_code == 404
    assert site.get(f"api/photos/{opened}-0/tiles/11/3/0").status_code == 404


def test_the_repaired_photo_is_what_fix_writes(site, found, opened, tmp_path):
    from stillpix import fix

    photo = site.desk.folders.photo(f"{opened}-4").header.path
    fix(photo, saved(site), tmp_path / "fixed.jpg")

    answer = site.get(f"api/photos/{opened}-4/repaired")
    shown = pixels_of(site, f"{opened}-4", "repaired", level=8)

    assert answer.content == (tmp_path / "fixed.jpg").read_bytes() != photo.read_bytes()
    assert "IMG_0004-repaired.JPG" in answer.headers["content-disposition"]
    assert np.array_equal(shown, np.asarray(Image.open(tmp_path / "fixed.jpg")))


def test_the_repaired_view_follows_the_judged_map(site, found, opened):
    x, y = series.HOT[0]
    before = pixels_of(site, f"{opened}-4", "repaired", level=8)
    site.post(f"api/maps/{found}/decisions", {"x": x, "y": y, "state": "rejected"})
    after = pixels_of(site, f"{opened}-4", "repaired", level=8)

    assert after[y, x].max() > before[y, x].max() + 20


def test_a_folder_is_repaired_as_the_command_line_does(site, found, opened, folder, tmp_path):
    dry = site.ended(site.post("api/repairs", {"folder": opened, "dry_run": True}))["result"]
    assert not (tmp_path / "copies").exists()
    body = {"folder": opened, "out": str(tmp_path / "copies")}
    told = site.ended(site.post("api/repairs", body))["result"]
    again = site.ended(site.post("api/repairs", body))

    assert (told["photos"], told["repaired"], told["left"]) == (16, dry["repaired"], 0)
    assert told["repaired"] > 0
    assert again["state"] == "done"
    names = sorted(path.name for path in (tmp_path / "copies").iterdir())
    assert names == [*sorted(path.name for path in folder.iterdir()), "stillpix-fix.json"]


@pytest.mark.parametrize("form", lists.FORMATS, ids=lambda form: form.name)
def test_a_map_is_exported_in_every_format_there_is(site, found, form, tmp_path):
    answer = site.get(f"api/maps/{found}/export/{form.name}")
    if answer.status_code == 409:  # the format has no room for what this map holds
        assert form.name in answer.json()["reason"]
        return
    assert answer.status_code == 200
    assert len(answer.content) > 0


def test_the_exported_map_is_the_saved_one(site, found, tmp_path):
    path = tmp_path / "exported.stillpix.json"
    path.write_bytes(site.get(f"api/maps/{found}/export/stillpix").content)

    assert read_map(path) == saved(site)


def test_a_damaged_map_in_the_library_is_told_of_and_costs_nothing_else(site, found):
    bad = site.desk.library.root / "maps" / "bad.stillpix.json"
    bad.write_text("{", encoding="utf-8")
    told = site.state()

    assert any("bad.stillpix.json" in trouble for trouble in told["troubles"])
    assert [each["id"] for each in told["maps"]] == [found]


# What every tab is told


def events_of(site, since, count):
    """Return the next events, as a browser reads them."""
    found, event = [], {}
    with site.client.stream("GET", "api/events", params={"since": since}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            name, _, text = line.partition(": ")
            if name in {"id", "event", "data"}:
                event[name] = text
            elif not line and event.get("data"):
                found.append((int(event["id"]), event["event"], json.loads(event["data"])))
                event = {}
                if len(found) == count:
                    return found
    return found


def test_a_late_tab_is_told_the_same_as_an_early_one(site, found):
    version = site.state()["version"]
    early = events_of(site, 0, version)

    assert [number for number, _, _ in early] == list(range(1, version + 1))
    assert events_of(site, version - 2, 2) == early[-2:]
    assert early[-1][1:] == ("job", site.state()["jobs"][-1])


def test_a_stream_tells_of_what_another_tab_does(site, found):
    version = site.state()["version"]
    x, y = series.HOT[0]
    body = {"x": x, "y": y, "state": "accepted"}
    site.post(f"api/maps/{found}/decisions", body)

    ((_, kind, content),) = events_of(site, version, 1)

    assert (kind, content) == ("map", {"map": found, "x": x, "y": y})


def test_the_streams_end_with_the_server(tmp_path):
    begins, ended = threading.Event(), []

    def follow(address):
        with httpx.stream("GET", f"{address}api/events", timeout=costs.LONGEST_S) as answer:
            begins.set()
            for _ in answer.iter_lines():
                pass
        ended.append(address)

    with pages.serving(Library(tmp_path)) as site:
        thread = threading.Thread(target=follow, args=(site.address,))
        thread.start()
        assert begins.wait(costs.LONGEST_S)
        site.end()
        thread.join()

    assert ended == [site.address]


def test_a_run_is_ended_in_good_order_with_the_server(tmp_path, folder, held):
    scan_at_six = held("find", after=6)
    library = Library(tmp_path / "library")
    with pages.serving(library) as site:
        run = site.post("api/finds", {"folder": site.open(folder)}).json()["id"]
        scan_at_six.until = site.desk.jobs.named(run).stop
        assert scan_at_six.stands_still.wait(costs.LONGEST_S)
        site.end()

    ((_, kept),) = library.maps()
    assert 0 < kept.evidence.photos < 16
    assert not list(tmp_path.rglob("*.tmp"))
    assert not site.desk.uploads.root.exists()


def test_a_map_of_another_layout_is_shown_as_any_other(site, library):
    sensor = Sensor("Example", "One", "7", 64, 48, "bayer-RGGB")
    library.save(DefectMap(sensor, (Defect(x=3, y=4),)))
    (brief,) = site.state()["maps"]

    assert site.map(brief["id"])["sensor"]["layout"] == "bayer-RGGB"
    assert site.get(f"api/maps/{brief['id']}/crops?x=3&y=4&number=0").status_code == 404

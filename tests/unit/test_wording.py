"""What was counted is called by its name: photos, frames of videos and FITS, fields."""

from __future__ import annotations

import pytest

from stillpix.cli.next_steps import verdict
from stillpix.cli.progress import Progress
from stillpix.frame import Sensor
from stillpix.maps.records import Defect, DefectMap, EvidenceSummary
from stillpix.report.reasons import reasons
from stillpix.report.verdict import certainty, next_steps
from stillpix.wording import picture_of, remarks, sentence

BRIGHT = Defect(x=3, y=4, kind="bright", seen=(0.5, 12), state="confirmed")


def found_in(which="", files=""):
    sensor = Sensor("Example", "One", "7", 64, 48, which=which)
    extra = {"files": files} if files else {}
    return DefectMap(sensor, (BRIGHT,), EvidenceSummary(60, 60), sensor_extra=extra)


@pytest.mark.parametrize(
    ("which", "files", "called"),
    [
        ("", "jpeg", "photos"),
        ("", "fits", "frames"),
        ("video", "video", "frames"),
        ("video, folder /clips", "", "frames"),
        ("video, top field", "", "fields"),
        ("video, bottom field, folder /clips", "", "fields"),
    ],
)
def test_a_map_says_what_it_was_found_in(which, files, called):
    found = found_in(which, files)

    assert f"found in 60 {called}" in sentence(found)
    assert certainty(found).startswith(f"Judged from 60 {called}")
    assert f"{called} with other exposure times" in " ".join(remarks(found))
    told = " ".join(reasons(BRIGHT, 0.01, None, (4.2, 4.1, 4.0, 0.0), picture=picture_of(found)))
    assert f"The {called} hardly show" in told
    assert f"of the 12 {called} that could show it" in told


def test_what_to_do_is_said_of_the_files_that_a_person_has():
    photos, clip = found_in(), found_in("video")

    assert verdict([clip]) == "1 broken pixel: repair the clips in which it shows."
    assert "repair the photos and clips in which they show" in verdict([clip, photos])


def test_a_report_of_clips_offers_what_can_be_done_with_clips():
    (step,) = next_steps(found_in("video"))

    assert step == ("stillpix fix CLIPS --out fixed", "repaired copies of your clips")
    assert [command for command, _ in next_steps(found_in())][1] == "stillpix serve PHOTOS"


@pytest.mark.parametrize(("repairs", "called"), [(False, "3 of 8 frames"), (True, "3 of 8 clips")])
def test_progress_counts_frames_that_are_read_and_clips_that_are_repaired(
    repairs, called, monkeypatch, capsys
):
    monkeypatch.setattr("stillpix.cli.progress.PLAIN_EVERY_S", -1.0)
    with Progress(repairs=repairs) as watch:
        watch.body(found_in("video").sensor, 8)
        watch.photos(3)

    assert called in capsys.readouterr().err

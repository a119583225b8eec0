"""What is in a report: stamps, crops, courses and reasons, and that all else is only text."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from stillpix.detection.null import BALLAST, null_of
from stillpix.evidence.evidence import Evidence
from stillpix.evidence.sum_kernels import BLOCK, CLIP, GRID, UNIT, UNIT_INFORMATION
from stillpix.frame import Exposure, Sensor
from stillpix.images import read_frame, read_header
from stillpix.images.gather import Skipped
from stillpix.maps.records import Defect, DefectMap, Kind, Run, State
from stillpix.report import Report, Subject, chart, page_of, pictures, section_of, sensor_map
from stillpix.report.crops import cut, read_crops
from stillpix.report.reasons import KINDS, reasons
from stillpix.report.section import MOST_DETAILS, Detail, Section
from stillpix.report.stamps import mean_response, stamps_of
from stillpix.report.verdict import next_steps, verdict
from stillpix.watch import Watch
from support import mosaic_files, naive, photos, reports
from support.frames import some_frames
from support.places import AXE

TODAY = date(2026, 1, 2)
MOST_BYTES = 3_000_000
HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>&\x1b[2J\u202e.jpg"


def page(*sections, **rest):
    return page_of(Report(sections, **rest), TODAY)


def confirmed(**facts):
    return Defect(**{"x": 20, "y": 21, "kind": "hot", "state": "confirmed", "score": 9.0, **facts})


# Stamps


@pytest.mark.parametrize("template", range(4))
@pytest.mark.parametrize("place", [(20, 21), (2, 3), (46, 38)])
def test_a_stamp_is_the_mean_response_of_the_twin(template, place):
    evidence = Evidence.of(some_frames(5, 52, 44))
    null = null_of(evidence.scores, evidence.information, grid=GRID)
    weight = naive.weight(evidence.information[template], BALLAST)
    whole = naive.standardised(
        evidence.scores[template], weight,
        block=BLOCK, unit=UNIT, unit_information=UNIT_INFORMATION,
    ) / 5**0.5  # fmt: skip
    padded = np.pad(whole.clip(-CLIP, CLIP), 3)

    found = mean_response(evidence, null, template, place, reach=3)

    x, y = place
    assert_allclose(found, padded[y : y + 7, x : x + 7], rtol=1e-4)
    assert np.abs(found).max() > 0


def test_a_stamp_never_says_more_than_a_photo_can():
    evidence = Evidence.of(some_frames(5, 52, 44))

    for stamp in stamps_of(evidence, [(20, 21), (10, 30)]):
        assert np.abs(stamp.response).max() <= CLIP


def test_the_stamp_of_one_bright_pixel_is_a_point():
    frames = some_frames(6, 52, 44)
    bright = []
    for frame in frames:
        pixels = frame.pixels.copy()
        pixels[15:28, 14:27] = 60
        pixels[21, 20] = 160
        bright.append(replace(frame, pixels=pixels, digest=frame.digest[::-1]))

    (stamp,) = stamps_of(Evidence.of(bright), [(20, 21)])

    middle = len(stamp.response) // 2
    assert np.unravel_index(stamp.response.argmax(), stamp.response.shape) == (middle, middle)
    assert stamp.response[middle, middle] > 2
    assert np.median(np.abs(stamp.response)) < 0.3
    assert len(stamp.scores) == 4


# Crops


@pytest.fixture
def png(tmp_path):
    path = tmp_path / "a.png"
    pixels = photos.scene(90, 70)
    Image.fromarray(pixels).save(path)
    return path, pixels


def read(path, places, digest=None):
    header = read_header(path)
    known = digest or read_frame(header).digest
    return known, read_crops({known: header}, places, jobs=1, watch=Watch())


def test_a_crop_is_the_photos_own_pixels_in_colour(png):
    path, pixels = png

    digest, reading = read(path, [(40, 30), (0, 0)])
    inner, corner = reading.cuts[digest]

    assert_array_equal(inner, pixels[18:43, 28:53])
    assert_array_equal(corner[12:, 12:], pixels[:13, :13])
    assert np.isnan(corner[:12]).all()
    assert np.isnan(corner[:, :12]).all()


def test_a_crop_of_a_mosaic_is_its_light_in_grey(tmp_path):
    mosaic = mosaic_files.noise()
    path = tmp_path / "a.dng"
    path.write_bytes(mosaic_files.dng(mosaic))

    digest, reading = read(path, [(40, 30)])

    expected = (mosaic[18:43, 28:53].astype(float) - 512) * 255 / (16383 - 512)
    assert_allclose(reading.cuts[digest][0], expected, atol=0.01)


def test_a_photo_that_has_changed_since_is_not_shown(png):
    _, reading = read(png[0], [(40, 30)], digest="another")

    assert (reading.cuts, reading.said, reading.failed) == ({}, {}, [])


def test_a_photo_that_cannot_be_read_any_more_is_told_of(png):
    header = read_header(png[0])
    png[0].unlink()
    found = DefectMap(header.sensor, (confirmed(),))

    section = section_of(Subject(found, photos={"a": header}))

    assert "a.png: is not there; check its name and folder" in section.notes[0]
    assert section.details[0].best == ()


def test_a_stopped_report_reads_no_photo_and_says_so(png):
    class Stopped(Watch):
        def stop(self):
            return True

    header = read_header(png[0])
    found = DefectMap(header.sensor, (confirmed(),))

    section = section_of(Subject(found, photos={"a": header}), watch=Stopped())

    assert section.details[0].best == ()
    assert "stopped" in section.notes[0]


def test_beyond_the_frame_there_is_nothing():
    assert np.isnan(cut(np.zeros((4, 4), np.uint8), (400, 400))).all()


def test_a_crops_contrast_is_raised_but_noise_stays_noise():
    rng = np.random.default_rng(1)
    flat = (100 + rng.normal(0, 1, (25, 25, 3))).astype(np.float32)
    rough = rng.uniform(20, 180, (25, 25, 3)).astype(np.float32)

    quiet, loud = (np.asarray(pictures.of_crop(each)) for each in (flat, rough))

    assert quiet.std() < 8
    assert (loud.min(), loud.max()) == (0, 255)


def test_a_stamps_colours_tell_brighter_from_darker():
    response = np.zeros((15, 15))
    response[7, 7], response[3, 3] = 2.0, -2.0
    picture = pictures.of_stamp(response).convert("RGB")

    assert picture.getpixel((7, 7)) == pictures.BRIGHTER
    assert picture.getpixel((3, 3)) == pictures.DARKER
    assert picture.getpixel((0, 0)) == pictures.SAME


def test_a_pictures_address_holds_the_picture():
    picture = pictures.of_crop(np.random.default_rng(1).uniform(0, 255, (25, 25, 3)))

    assert_array_equal(reports.decoded(pictures.data_address(picture)), picture)


# Words


@pytest.mark.parametrize("state", get_args(State))
@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_and_state_has_its_reason(kind, state):
    defect = Defect(x=1, y=2, kind=kind, state=state, score=7.0, seen=(0.5, 8), q=0.2)

    for scores in (None, (6.0, 9.0, 12.0, 1.0), (-6.0, -9.0, -2.0, -12.0), (9.0, 4.0, 4.0, 9.5)):
        text = " ".join(reasons(defect, 0.01, None, scores))

        assert text.startswith(KINDS[kind])
        assert "50 % of the 8 photos" in text
        assert re.search({"accepted": "accepted", "rejected": "rejected"}.get(state, "7.0"), text)


def test_the_reason_of_a_hot_pixel_names_what_speaks_for_it():
    told = list(reasons(confirmed(), 0.01, None, (6.0, 9.0, 12.0, 1.0)))

    assert "better (score 12.0) than adding the same to each photo (6.0)" in told[1]


@pytest.mark.parametrize(
    ("same", "words"), [(21.1, "hardly show"), (19.9, "a little better"), (9.0, "photos better")]
)
def test_how_well_the_photos_tell_hot_from_offset_is_said(same, words):
    assert words in list(reasons(confirmed(), 0.01, None, (same, 20.8, 21.3, 20.9)))[1]


def test_photos_exposed_alike_hardly_tell_the_kind():
    told = list(reasons(confirmed(), 0.01, None, (21.0, 20.8, 21.1, 20.9)))

    assert "hardly show" in told[1]


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ((2, 2), None, "It broke on 2024-01-02."),
        ((2, 9), None, "It broke between 2024-01-02 and 2024-01-09."),
        ((1, 9), None, "It was broken by 2024-01-09, and perhaps before the first photo."),
        ((2, 2), (5, 6), "It stopped showing between 2024-01-05 and 2024-01-06."),
    ],
)
def test_dates_are_told_in_a_sentence(since, until, words):
    days = [dates and tuple(date(2024, 1, day) for day in dates) for dates in (since, until)]
    defect = confirmed(since=days[0], until=days[1])

    assert words in list(reasons(defect, 0.01, date(2024, 1, 1)))


# Pictures of the sensor and of the course


def test_each_defect_is_on_the_sensor_where_it_is():
    sensor = Sensor("a", "b", "c", 2000, 1000)
    defects = (confirmed(x=0, y=0), confirmed(x=999, y=499, kind="dead"))

    drawing = sensor_map.drawn(sensor, defects, ["#a", "#b"], "a sensor")

    moved = re.findall(r"translate\(([\d.]+) ([\d.]+)\)", drawing)
    assert [tuple(map(float, each)) for each in moved] == [(499.8, 249.8), (0.2, 0.2)]
    assert {each["href"] for each in reports.Elements(drawing).named("a")} == {"#a", "#b"}


@pytest.mark.parametrize(
    ("run", "path"), [(Run("row", 0, 1999), "M0.0 10.2H1000.0"), (Run("column", 0, 9), "M10.2")]
)
def test_a_broken_row_or_column_is_a_line(run, path):
    sensor = Sensor("a", "b", "c", 2000, 1000)

    drawing = sensor_map.drawn(sensor, (confirmed(x=20, y=20, run=run),), ["#a"], "a sensor")

    assert path in drawing


def test_every_kind_has_a_shape_of_its_own():
    assert len(set(sensor_map.SHAPES.values())) == len(get_args(Kind))


def some_looks(photos_, **facts):
    (detail,) = reports.noisy_section(1, photos_).details
    return replace(detail.looks, **facts)


def points(drawing, kind):
    paths = re.findall(rf'class="points {kind}" d="([^"]*)"', drawing)
    return [path.count("h0") for path in paths]


def test_the_course_has_a_point_a_photo_by_what_it_says():
    looks = some_looks(12)
    looks.said[:, 0, :] = 0.5
    looks.said[:4, 0, 0] = 4.0  # shows it
    looks.said[10:, 0, 1] = 0.0  # near white

    drawing = chart.drawn(looks, 1, None)

    assert points(drawing, "shows") == [4]
    assert points(drawing, "not") == points(drawing, "inner") == [6]
    assert points(drawing, "cannot") == [2]
    assert points(drawing, "other") == [12, 12]
    assert "12 photos: 4 clearly show it" in chart.said(looks, 1)


def test_the_course_of_many_photos_is_thinned():
    assert sum(points(chart.drawn(some_looks(2000), 1, None), "other")) == 2 * chart.MOST_POINTS


def test_the_course_shades_when_it_began():
    looks = some_looks(10)
    day = [shot.taken.date() for shot in looks.exposures]

    inside = chart.drawn(looks, 1, (day[3], day[5]))
    before = chart.drawn(looks, 1, (day[0], day[2]))

    (x, width) = re.search(r'class="began" x="([\d.]+)" y="\d+" width="([\d.]+)"', inside).groups()
    step = (chart.WIDE - chart.LEFT - chart.RIGHT) / 10
    assert abs(float(x) - (chart.LEFT + 3.5 * step)) < 0.1
    assert abs(float(width) - 2 * step) < 0.1
    assert "began" not in before


def test_the_course_of_photos_without_dates_or_exposures_is_drawn():
    looks = some_looks(5, exposures=(Exposure(),) * 5)

    drawing = chart.drawn(looks, -1, (TODAY, TODAY))

    assert points(drawing, "other") == [5]  # the brightness alone
    assert "first photo" in drawing


def test_one_photo_makes_a_course():
    assert "NaN" not in chart.drawn(some_looks(1), 1, (TODAY, TODAY)).replace("nan", "NaN")


# The page


def test_what_comes_from_outside_is_only_text():
    sensor = Sensor(HOSTILE, HOSTILE, HOSTILE, 640, 480)
    section = reports.noisy_section(2, 9)
    crop = replace(section.details[0].best[0], photo=HOSTILE)
    details = (replace(section.details[0], best=(crop,)), *section.details[1:])
    section = replace(
        section, map=replace(section.map, sensor=sensor), details=details,
        facts=(HOSTILE,), notes=(HOSTILE,),
    )  # fmt: skip

    found = reports.Elements(
        page(section, section, skipped=[Skipped(HOSTILE, HOSTILE)], notes=[HOSTILE])
    )

    assert len(found.named("script")) == 1
    assert [name for _, each in found.elements for name in each if name.startswith("on")] == []
    assert all(each["src"].startswith("data:image/png;base64,") for each in found.named("img"))
    text = "".join(found.text)
    assert text.count("alert(1)") >= 7
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_report_asks_for_nothing_from_elsewhere():
    text = page(reports.noisy_section(3, 9))
    found = reports.Elements(text)

    links = {each[key] for _, each in found.elements for key in ("src", "href") if key in each}
    assert {link for link in links if not link.startswith(("#", "data:image/png;base64,"))} == set()
    assert re.findall(r"https?://", text) == []
    assert "url(" not in text
    (policy,) = [each["content"] for each in found.named("meta") if "http-equiv" in each]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")


def test_links_within_a_report_lead_somewhere_and_no_id_comes_twice():
    found = reports.Elements(page(reports.noisy_section(3, 9), reports.noisy_section(2, 9)))
    ids = [each["id"] for _, each in found.elements if "id" in each]
    links = {each["href"] for _, each in found.elements if each.get("href", "").startswith("#")}

    assert len(set(ids)) == len(ids)
    assert {link[1:] for link in links} <= set(ids)


def test_a_hundred_defects_of_many_photos_stay_under_three_megabytes():
    section = reports.noisy_section(MOST_DETAILS, photos=2000)
    text = page(section, skipped=[Skipped(f"IMG_{n:04}.JPG", "is empty") for n in range(100)])

    assert len(text.encode()) < MOST_BYTES
    assert text.count("<img ") == 6 * MOST_DETAILS


def test_of_more_than_a_hundred_all_are_listed_and_the_surest_are_shown():
    listed = tuple(
        confirmed(
            x=n % 60, y=n // 60, score=float(n), state="candidate" if n > 199 else "confirmed"
        )
        for n in range(250)
    )
    section = section_of(Subject(DefectMap(Sensor("a", "b", "c", 64, 48), listed)))

    found = reports.Elements(page(section))

    rows = [each for each in found.named("tr") if re.fullmatch(r"s0r\d+", each.get("id", ""))]
    assert len(rows) == len(found.named("title")) - 1 == 250
    assert len(found.named("article")) == MOST_DETAILS
    assert [detail.defect.score for detail in section.details] == [199.0 - n for n in range(100)]
    assert "The 100 most certain, one by one" in "".join(found.text)


def test_the_summary_is_a_sentence():
    sensor = Sensor("NIKON CORPORATION", "NIKON D3200", "8964244", 3008, 2000)
    found = DefectMap(sensor, (confirmed(),))
    found = replace(
        found,
        evidence=replace(
            found.evidence, photos=16, first=datetime(2019, 7, 11), last=datetime(2019, 7, 12)
        ),
        detection=replace(found.detection, expected_false=0.04),
    )

    text = reports.words_of(page(section_of(Subject(found))))

    begun = (
        "NIKON D3200, serial 8964244, 3008x2000 1 broken pixel in 6 million. Judged from 16 photos;"
    )
    assert begun in text
    assert "expect 0.04 of them to be wrong." in text
    assert (
        text.index("stillpix fix PHOTOS --out fixed")
        < text.index("How to read")
        < text.index("One by one")
    )
    assert text.index("One by one") < text.index("All defects") < text.index("on the sensor")
    assert "Taken from 2019-07-11 to 2019-07-12." in text


@pytest.mark.parametrize(
    ("exposure_s", "sigmas", "words"),
    [
        (1 / 250, (0.5, 8.0), "1 of 2 shows in your daylight photos."),
        (1 / 250, (0.5, 0.5), "none shows in your daylight photos."),
        (1 / 250, (8.0, 8.0), "all 2 show in your daylight photos."),
        (2.0, (8.0, 8.0), "2 broken pixels in 0.31 million."),
    ],
)
def test_the_verdict_says_whether_daylight_photos_show_a_pixel(exposure_s, sigmas, words):
    pixels = tuple(confirmed(x=8 * n + 9, score=9.0 - n) for n in range(2))
    shots = (Exposure(exposure_s, 4.0),) * 6
    details = tuple(Detail(pixel, looks=some_looks(6, exposures=shots)) for pixel in pixels)
    for detail, by in zip(details, sigmas, strict=True):
        detail.looks.said[:, 0, :2] = by, 1.0  # how far it stands out; and it is not near white
    found = DefectMap(reports.SENSOR, pixels)

    assert verdict(Section(found, pixels, details)).endswith(words)


def test_the_next_commands_name_a_map_that_is_not_in_the_library():
    found = DefectMap(reports.SENSOR, (confirmed(),))

    commands = [command for command, _ in next_steps(found, "My maps/a.stillpix.json")]

    assert commands == ["stillpix fix PHOTOS --map 'My maps/a.stillpix.json' --out fixed"]


def test_a_report_of_nothing_says_so():
    text = reports.words_of(page(skipped=[Skipped("a.jpg", "is empty; delete it")]))

    assert "No photo could be used." in text
    assert "1 file not used file why a.jpg is empty; delete it" in text


def test_a_camera_without_defects_has_no_table():
    found = DefectMap(Sensor("a", "b", "c", 64, 48))

    assert "<table" not in page(section_of(Subject(found)))


def test_dates_of_undated_and_dated_photos_do_not_mix_up_the_axis():
    start = datetime(2024, 1, 1)
    shots = (*(Exposure(taken=start + timedelta(days=n)) for n in range(4)), Exposure())

    drawing = chart.drawn(some_looks(5, exposures=shots), 1, None)

    assert ">2024-01-01<" in drawing
    assert ">2024-01-04<" in drawing


def test_the_assets_are_part_of_the_package():
    folder = Path(page_of.__code__.co_filename).parent

    assert {path.name for path in folder.glob("report.*")} == {"report.css", "report.js"}


def test_axe_core_is_here_with_its_licence():
    licence = AXE.with_name("axe-core-LICENSE").read_text(encoding="utf-8")

    assert "Mozilla Public License" in licence

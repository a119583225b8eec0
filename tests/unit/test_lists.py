"""Defect lists of other programs: what is written is read again, as far as a format can hold it.

The twin counts pixels naively: in which part of the frame a program counts is told here once more.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from test_maps import defects as any_defects

from stillpix.errors import MapFormatError, WriteError
from stillpix.frame import Sensor
from stillpix.lists import FORMATS, Area, format_named, rawtherapee, read_list, write_list
from stillpix.lists.rawtherapee import file_name
from stillpix.maps.records import Defect, DefectMap, EvidenceSummary, Run
from support.effort import some

NAMES = [form.name for form in FORMATS]
MASKS = ("fits", "ccddata", "png", "npy", "ffmpeg")
FIRST = datetime(2019, 7, 11, 15, 7)
BAYER = Sensor("Canon", "EOS R", "7", 30, 20, "bayer-RGGB", (3, 5, 24, 14))
days = st.dates(date(2000, 1, 1), date(2030, 1, 1))


@st.composite
def sensors(draw):
    width, height = draw(st.integers(8, 60)), draw(st.integers(8, 60))
    x, y = draw(st.integers(0, 5)), draw(st.integers(0, 5))
    visible = (x, y, draw(st.integers(2, width - x)), draw(st.integers(2, height - y)))
    layout = "bayer-" + draw(st.sampled_from(["RGGB", "BGGR", "GRBG", "GBRG"]))
    return Sensor("Canon", "EOS R", "7", width, height, layout, draw(st.none() | st.just(visible)))


@st.composite
def runs(draw, sensor):
    along = draw(st.sampled_from(["row", "column"]))
    across = sensor.height if along == "row" else sensor.width
    end = (sensor.width if along == "row" else sensor.height) - 1
    first = draw(st.sampled_from([0, end // 2]))
    last = draw(st.sampled_from([end, max(first, end - 2)]))
    at = draw(st.integers(0, across - 1))
    x, y = (first, at) if along == "row" else (at, first)
    return Defect(x=x, y=y, run=Run(along, first, last), state="confirmed")


@st.composite
def found_maps(draw):
    sensor = draw(sensors())
    points = st.builds(
        Defect,
        x=st.integers(0, sensor.width - 1),
        y=st.integers(0, sensor.height - 1),
        since=st.none() | st.tuples(days, days).map(lambda two: tuple(sorted(two))),
        state=st.sampled_from(["confirmed", "accepted", "candidate", "rejected"]),
    )
    places = draw(st.lists(points, max_size=12, unique_by=lambda one: (one.x, one.y)))
    lines = draw(st.lists(runs(sensor), max_size=2))
    return DefectMap(sensor, (*places, *lines), EvidenceSummary(first=FIRST))


def counted_by(name, sensor):
    """Return the columns and rows of the full frame in which a program counts."""
    x, y, width, height = sensor.visible or (0, 0, sensor.width, sensor.height)
    columns, rows = range(x, x + width), range(y, y + height)
    if name in ("rawtherapee", "dcraw"):
        return columns, rows
    if name in ("libraw", "siril"):
        return range(x + 1 if x % 2 else x, x + width), range(y + 1 if y % 2 else y, y + height)
    return range(sensor.width), range(sensor.height)


def broken_pixels(found, candidates):
    pixels = set()
    for one in found:
        if one.state in ("confirmed", "accepted") or (candidates and one.state == "candidate"):
            if one.run is None:
                pixels.add((one.x, one.y))
            for step in range(one.run.first, one.run.last + 1) if one.run else ():
                pixels.add((step, one.y) if one.run.along == "row" else (one.x, step))
    return pixels


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=some(60))
@given(found=found_maps(), candidates=st.booleans())
def test_a_list_reads_back_as_the_pixels_that_it_was_written_of(
    tmp_path_factory, name, found, candidates
):
    path = tmp_path_factory.getbasetemp() / f"round-{name}"
    columns, rows = counted_by(name, found.sensor)
    pixels = broken_pixels(found, candidates)
    expected = {(x, y) for x, y in pixels if x in columns and y in rows}
    size = found.sensor.width * found.sensor.height
    assume(name not in MASKS or len(expected) < 0.1 * size)

    written = write_list(found, path, format_named(name), candidates=candidates)
    read = read_list(path, format_named(name), found.sensor)

    assert {place for one in read for place in one.pixels()} == expected
    # Left out is a defect of which the program can see no pixel.
    assert expected == {
        (x, y) for one in written.listed for x, y in one.pixels() if x in columns and y in rows
    }
    assert not expected & {place for one in written.left_out for place in one.pixels()}


@pytest.mark.slow
@settings(max_examples=some(60))
@given(found=st.lists(any_defects(BAYER), max_size=6, unique_by=lambda one: (one.x, one.y)))
def test_a_table_holds_all_that_the_map_says_of_its_defects(tmp_path_factory, found):
    from stillpix.maps.map_file import as_text, from_text

    path = tmp_path_factory.getbasetemp() / "round.csv"
    plain = [Defect(**{name: getattr(one, name) for name in one.__slots__ if name != "extra"})
             for one in found if one.run is None or (one.x, one.y) == begin(one)]  # fmt: skip
    kept = DefectMap(BAYER, tuple(plain)).in_state("confirmed", "accepted", "candidate")

    write_list(DefectMap(BAYER, tuple(plain)), path, format_named("csv"), candidates=True)
    read = read_list(path, format_named("csv"), BAYER)

    assert read == from_text(as_text(DefectMap(BAYER, kept)), "a map").defects


def begin(one):
    return (one.run.first, one.y) if one.run.along == "row" else (one.x, one.run.first)


def written(name, *defects, sensor=BAYER, folder, **options):
    path = folder / f"list.{name}"
    found = DefectMap(sensor, defects, EvidenceSummary(first=FIRST))
    return write_list(found, path, format_named(name), **options), path


HOT = Defect(x=10, y=9, state="confirmed", since=(date(2020, 1, 11), date(2020, 3, 1)))
LATE = int(datetime(2020, 1, 10).timestamp() - datetime(1970, 1, 1).timestamp())
ROW = Defect(x=0, y=7, run=Run("row", 0, 29), state="confirmed")
PART = Defect(x=12, y=2, run=Run("column", 2, 6), state="accepted")
TEXTS = {
    "rawtherapee": ["7 4", *(f"{x} 2" for x in range(24)), "9 0", "9 1"],
    "dcraw": [f"7 4 {LATE}", *(f"{x} 2 0" for x in range(24)), "9 0 0", "9 1 0"],
    "libraw": [f"6 3 {LATE}", *(f"{x} 1 0" for x in range(23)), "8 0 0"],
    "siril": ["L 1 0 H", "P 6 3 H", "P 8 0 H"],
    "siril-fits": ["L 12 0 H", "P 10 10 H", *(f"P 12 {y} H" for y in (17, 16, 15, 14, 13))],
    "pixinsight": ["Row 7 0 29", "Col 12 2 6", "Col 10 9 9"],
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_text_lists_are_these_lines(name, tmp_path):
    _, path = written(name, HOT, ROW, PART, folder=tmp_path)
    lines = path.read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if not line.startswith("#")] == TEXTS[name]
    assert "" not in lines


def test_the_opcode_list_is_laid_out_as_the_standard_says(tmp_path):
    _, path = written("dng", HOT, ROW, PART, folder=tmp_path)

    expected = struct.pack(">I", 1) + struct.pack(">I4BII", 5, 1, 3, 0, 0, 1, 12 + 8 + 2 * 16)
    expected += struct.pack(">III", 1, 1, 2) + struct.pack(">II", 9, 10)
    expected += struct.pack(">IIII", 7, 0, 8, 30) + struct.pack(">IIII", 2, 12, 7, 13)
    assert path.read_bytes() == expected


@pytest.mark.parametrize(
    ("layout", "phase"),
    [("bayer-GRBG", 0), ("bayer-RGGB", 1), ("bayer-BGGR", 2), ("bayer-GBRG", 3)],
)
def test_the_opcode_list_tells_the_pattern_at_the_full_frames_corner(layout, phase, tmp_path):
    sensor = Sensor("Canon", "EOS R", "7", 30, 20, layout, (3, 5, 24, 14))
    _, path = written("dng", HOT, sensor=sensor, folder=tmp_path)

    assert struct.unpack_from(">I", path.read_bytes(), 20) == (phase,)


def test_other_opcodes_are_passed_over_and_rectangles_are_rows_and_columns(tmp_path):
    constant = struct.pack(">I4BIIII", 4, 1, 3, 0, 0, 0, 8, 0, 1)
    other = struct.pack(">I4BII", 9, 1, 3, 0, 0, 1, 5) + b"12345"
    body = struct.pack(">III", 1, 1, 1) + struct.pack(">6I", 3, 4, 0, 8, 20, 10)
    listed = struct.pack(">I4BII", 5, 1, 3, 0, 0, 0, len(body)) + body
    (tmp_path / "a.bin").write_bytes(struct.pack(">I", 3) + constant + other + listed)

    read = read_list(tmp_path / "a.bin", format_named("dng"), BAYER)

    assert [(one.x, one.y, one.run) for one in read] == [
        (4, 3, None), (8, 0, Run("column", 0, 19)), (9, 0, Run("column", 0, 19)),
    ]  # fmt: skip


def test_masks_mark_the_pixel_as_other_libraries_see_it(tmp_path):
    fits = pytest.importorskip("astropy.io.fits")
    expected = np.zeros((20, 30), bool)
    expected[9, 10] = True
    paths = {name: written(name, HOT, folder=tmp_path)[1] for name in MASKS}

    assert np.array_equal(np.asarray(Image.open(paths["png"])) == 255, expected)
    assert np.array_equal(np.load(paths["npy"]), expected)
    assert np.array_equal(fits.getdata(paths["fits"]) == 1, expected)
    assert np.array_equal(fits.getdata(paths["ccddata"], "MASK") == 1, expected)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])
def test_a_mask_may_be_a_png_of_any_kind(mode, tmp_path):
    grey = Image.new("L", (30, 20))
    grey.putpixel((8, 3), 255)
    image = grey.convert("I").convert("I;16") if mode == "I;16" else grey.convert(mode)
    image.save(tmp_path / "a.png")

    read = read_list(tmp_path / "a.png", format_named("png"), BAYER)

    assert [(one.x, one.y) for one in read] == [(8, 3)]


@pytest.mark.slow
def test_ccdproc_takes_the_mask(tmp_path):
    nddata = pytest.importorskip("astropy.nddata")
    _, path = written("ccddata", HOT, folder=tmp_path)

    photo = nddata.CCDData.read(path, format="fits")

    assert [(int(x), int(y)) for y, x in np.argwhere(photo.mask)] == [(10, 9)]


@pytest.mark.slow
def test_a_mask_that_ccdproc_wrote_is_read(tmp_path):
    nddata = pytest.importorskip("astropy.nddata")
    mask = np.zeros((20, 30), bool)
    mask[3, 8] = True
    nddata.CCDData(np.ones((20, 30)), unit="adu", mask=mask).write(tmp_path / "a.fits")

    read = read_list(tmp_path / "a.fits", format_named("fits"), BAYER)

    assert [(one.x, one.y) for one in read] == [(8, 3)]


def test_the_cameras_xml_is_sorted_by_rows(tmp_path):
    _, path = written("dalsa", ROW, HOT, Defect(x=1, y=1, state="accepted"), folder=tmp_path)
    found = [tuple(map(int, one.attrib.values())) for one in ElementTree.parse(path).getroot()]

    assert found == sorted(found, key=lambda place: place[::-1])
    assert found[0] == (1, 1) and found[-1] == (10, 9)


def test_phd2s_map_begins_with_its_heading_and_tells_its_count(tmp_path):
    _, path = written("phd2", HOT, folder=tmp_path)
    lines = path.read_text(encoding="utf-8").splitlines()

    assert lines[0] == "# PHD2 Defect Map v1"
    assert lines[-2:] == ["# Defect count: 1", "10 9"]


def test_candidates_are_listed_only_when_asked_for_and_rejected_ones_never(tmp_path):
    states = ("confirmed", "candidate", "accepted", "rejected")
    defects = [Defect(x=9 + n, y=9, state=state) for n, state in enumerate(states)]
    listed = {
        wanted: [one.x for one in written("csv", *defects, folder=tmp_path, candidates=wanted)[0]
                 .listed]
        for wanted in (False, True)
    }  # fmt: skip

    assert listed == {False: [9, 11], True: [9, 10, 11]}


def test_what_a_program_cannot_name_or_never_repairs_is_told(tmp_path):
    margin = Defect(x=2, y=9, state="confirmed")
    edge = Defect(x=4, y=9, state="confirmed")
    told, _ = written("rawtherapee", margin, edge, HOT, folder=tmp_path)

    assert (told.left_out, told.unrepaired, told.listed) == ((margin,), (edge,), (edge, HOT))


def test_another_origin_can_be_told(tmp_path):
    area = Area(9, 8, 21, 12)
    told, path = written("dcraw", HOT, PART, folder=tmp_path, area=area)

    assert path.read_text(encoding="utf-8").splitlines()[1:] == [f"1 1 {LATE}"]
    assert told.left_out == (PART,)
    assert read_list(path, format_named("dcraw"), BAYER, area=area)[0].x == 10


@pytest.mark.parametrize("before", [date(2019, 7, 11), date(2019, 7, 10)])
def test_a_defect_that_may_be_older_than_the_photos_is_repaired_in_all(before, tmp_path):
    one = Defect(x=10, y=9, since=(before, date(2020, 1, 1)), state="confirmed")
    _, path = written("dcraw", one, folder=tmp_path)

    assert path.read_text(encoding="utf-8").splitlines()[1:] == ["7 4 0"]


@given(begun=st.datetimes(datetime(2019, 7, 12), datetime(2035, 1, 1)), zone=st.integers(-14, 14))
def test_no_photo_with_the_defect_is_older_than_the_time_in_the_list(begun, zone):
    """Whatever the zone of the camera's clock against the one the photo's time is read in."""
    from stillpix.lists.dcraw import onset

    time = onset((begun.date(), begun.date() + timedelta(days=90)), FIRST.date())

    assert (begun + timedelta(hours=zone) - datetime(1970, 1, 1)).total_seconds() >= time


def test_a_number_alone_in_the_first_line_is_added_as_rawtherapee_does(tmp_path):
    (tmp_path / "a.badpixels").write_text("-2\n5 6\n", encoding="utf-8")

    read = read_list(tmp_path / "a.badpixels", format_named("rawtherapee"), BAYER)

    assert [(one.x, one.y) for one in read] == [(3 + 3, 4 + 5)]


# RawTherapee 5.9 said so itself, with Verbose=true, of DNGs of these makes and models.
NAMED_BY_RAWTHERAPEE = {
    ("NIKON CORPORATION", "NIKON D750"): "Nikon D750",
    ("Canon", "Canon EOS 5D Mark III"): "Canon EOS 5D Mark III",
    ("SONY", "ILCE-7M3"): "Sony ILCE-7M3",
    ("FUJIFILM", "FinePix X100"): "Fujifilm X100",
    ("OLYMPUS IMAGING CORP.", "E-M1"): "Olympus E-M1",
    ("PENTAX", "PENTAX K-5"): "Pentax K-5",
    ("RICOH IMAGING COMPANY, LTD.", "PENTAX K-1"): "Pentax K-1",
    ("RICOH IMAGING COMPANY, LTD.", "GR III"): "Ricoh GR III",
    ("Panasonic", "DMC-GX7"): "Panasonic DMC-GX7",
    ("LEICA CAMERA AG", "LEICA Q"): "Leica Q",
    ("Leica Camera AG", "M8 Digital Camera"): "Leica M8",
    ("OM Digital Solutions", "OM-1"): "OM Digital Solutions OM-1",
    ("EASTMAN KODAK COMPANY", "KODAK EASYSHARE Z980 DIGITAL CAMERA"): "Kodak EASYSHARE Z980",
    ("Konica Minolta Camera, Inc.", "DiMAGE A2"): "Minolta DiMAGE A2",
    ("SEIKO EPSON CORP.", "R-D1"): "Epson R-D1",
    ("SAMSUNG TECHWIN CO., LTD.", "SAMSUNG GX10"): "Samsung GX10",
    ("CASIO COMPUTER CO.,LTD.", "EX-F1"): "Casio EX-F1",
    ("Hasselblad", "Hasselblad H3D"): "Hasselblad H3D",
    ("Phase One A/S", "IQ140"): "Phase One IQ140",
    ("SIGMA", "SIGMA fp"): "Sigma fp",
    ("HUAWEI", "P20"): "HUAWEI P20",
    ("Mamiya-OP Co.,Ltd.", "MAMIYA ZD"): "Mamiya ZD",
    ("YI TECHNOLOGY", "M1"): "YI M1",
    ("Digital Bolex", "Digital Camera X"): "Digital Bolex X",
    ("LG Electronics", "LG-H815"): "LG Electronics LG-H815",
}


@pytest.mark.parametrize(("body", "name"), NAMED_BY_RAWTHERAPEE.items())
def test_the_file_is_named_as_rawtherapee_looks_for_it(body, name):
    assert file_name(Sensor(*body, "unknown", 30, 20)) == f"{name}.badpixels"
    assert file_name(Sensor(*body, "0012", 30, 20)) == f"{name} 0012.badpixels"


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("/pictures/dark frames", "/pictures/dark frames"),
        (r"C:\\shots\\darks", r"C:\shots\darks"),
        (r"\sdarks", " darks"),
    ],
)
def test_the_folder_in_rawtherapees_settings_is_read_as_it_writes_it(written, named):
    options = f"[General]\nTheme=x\nDarkFramesPath={written}\n[File Browser]\nDarkFramesPath=no\n"

    assert rawtherapee._dark_frames_path(options) == named


def test_a_models_name_never_leads_out_of_the_folder():
    assert "/" not in file_name(Sensor("Canon", "../../x", "7/8", 30, 20))


@pytest.mark.parametrize("name", [form.name for form in FORMATS if form.mosaic])
def test_the_pixels_of_jpegs_are_not_listed_for_programs_that_count_photosites(name, tmp_path):
    jpegs = Sensor("Canon", "EOS R", "7", 30, 20)

    with pytest.raises(MapFormatError, match=r"give a map of its (RAW|FITS) files"):
        written(name, HOT, sensor=jpegs, folder=tmp_path)
    _, path = written(name, HOT, folder=tmp_path)
    with pytest.raises(MapFormatError, match=r"give a map of its (RAW|FITS) files"):
        read_list(path, format_named(name), jpegs)


def test_xtrans_sensors_have_no_opcode_list(tmp_path):
    with pytest.raises(MapFormatError, match="is for Bayer sensors"):
        written("dng", HOT, sensor=Sensor("FUJI", "X", "7", 30, 20, "xtrans"), folder=tmp_path)


def test_a_folder_that_is_not_there_is_a_write_error(tmp_path):
    with pytest.raises(WriteError, match="its folder does not exist"):
        written("csv", HOT, folder=tmp_path / "nowhere")


@pytest.mark.slow
def test_maps_and_text_lists_need_neither_pillow_nor_astropy():
    code = (
        "import sys, stillpix.lists as m\n"
        "for name in ('dcraw', 'siril', 'dng', 'csv', 'dalsa'): m._decoder(m.format_named(name))\n"
        "print({'PIL', 'astropy', 'numba'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "set()"


def test_without_astropy_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "astropy.io.fits", None)

    with pytest.raises(MapFormatError, match=r"pip install 'stillpix\[fits\]'"):
        written("fits", HOT, folder=tmp_path)
    assert list(Path(tmp_path).iterdir()) == []

"""What a photo says of its camera is believed only where a camera can mean it."""

from __future__ import annotations

import math
import struct
from datetime import datetime, timedelta
from pathlib import Path

import exifread
import pytest

from stillpix.frame import Exposure
from stillpix.images import Header, read_frame, read_header
from support import photos
from support.places import REAL


def header_of(folder: Path, content: bytes, name: str = "photo.jpg") -> Header:
    path = folder / name
    path.write_bytes(content)
    return read_header(path)


def header_with(folder: Path, changes: dict[int, photos.ExifValue]) -> Header:
    return header_of(folder, photos.camera_jpeg(changes))


def assert_camera(header: Header) -> None:
    sensor = header.sensor
    assert (sensor.make, sensor.model) == ("Example Works", "Example One")
    assert sensor.serial == "0012345"
    assert (sensor.width, sensor.height) == (61, 47)
    assert header.exposure == Exposure(1 / 80, 4.0, datetime(2020, 1, 2, 3, 4, 5))
    assert header.software == "Firmware 1.2"
    assert header.orientation == 6


def test_a_jpeg_says_its_camera_and_exposure(tmp_path):
    assert_camera(header_of(tmp_path, photos.camera_jpeg()))


def test_a_png_says_its_camera_and_exposure(tmp_path):
    content = photos.png(exif=photos.exif_block(photos.CAMERA))

    assert_camera(header_of(tmp_path, content, "photo.png"))


def test_a_png_whose_exif_follows_the_pixels_says_them_too(tmp_path):
    content, exif = photos.png(), photos.chunk(b"eXIf", photos.exif_block(photos.CAMERA))

    assert_camera(header_of(tmp_path, content[:-12] + exif + content[-12:], "photo.png"))


def test_a_tiff_says_its_camera_and_exposure(tmp_path):
    second = [photos.field(tag, value) for tag, value in photos.CAMERA.items() if tag > 33000]
    content = photos.tiff(photometric="rgb", software="Firmware 1.2", extratags=[
        (271, "s", 0, "Example Works", True), (272, "s", 0, "Example One  ", True),
        (274, "H", 1, 6, True), (65000, "I", 1, 0, True),
    ])  # fmt: skip
    where = len(content) + len(content) % 2
    placeholder = struct.pack("<HHII", 65000, 4, 1, 0)  # tifffile writes no EXIF directory
    content = content.replace(placeholder, struct.pack("<HHII", 34665, 4, 1, where))
    content = content.ljust(where, b"\0") + photos.directory(second, where)

    assert_camera(header_of(tmp_path, content, "photo.tif"))


def test_a_photo_without_exif_is_of_an_unknown_camera(tmp_path):
    header = header_of(tmp_path, photos.jpeg())

    assert (header.sensor.make, header.sensor.model, header.sensor.serial) == ("unknown",) * 3
    assert header.exposure == Exposure()
    assert (header.software, header.orientation) == (None, 1)


def test_orientation_is_told_and_never_applied(tmp_path):
    header = header_of(tmp_path, photos.camera_jpeg())

    assert header.orientation == 6
    assert read_frame(header).pixels.shape == (47, 61)


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_the_usual_one(tmp_path, value):
    assert header_with(tmp_path, {274: value}).orientation == 1


@pytest.mark.parametrize("value", [(0, 1), (0, 0), (1, 0), (-1, 80), (90_000, 1), None])
def test_an_exposure_no_camera_makes_is_unknown(tmp_path, value):
    assert header_with(tmp_path, {33434: value}).exposure.exposure_s is None


def test_a_long_exposure_is_believed(tmp_path):
    assert header_with(tmp_path, {33434: (1800, 1)}).exposure.exposure_s == 1800


@pytest.mark.parametrize(("iso", "gain"), [(100, 1.0), (25600, 256.0), (50, 0.5)])
def test_gain_is_iso_over_100(tmp_path, iso, gain):
    assert math.isclose(header_with(tmp_path, {34855: iso}).exposure.gain, gain)


@pytest.mark.parametrize("value", [0, 65535, None])
def test_an_iso_that_is_not_set_is_unknown(tmp_path, value):
    assert header_with(tmp_path, {34855: value}).exposure.gain is None


def test_an_iso_beyond_16_bits_is_found_in_its_own_tag(tmp_path):
    assert header_with(tmp_path, {34855: 65535, 34866: 102400}).exposure.gain == 1024.0


@pytest.mark.parametrize(
    "value",
    ["0000:00:00 00:00:00", "2020:13:45 03:04:05", "1970:01:01 00:00:00", "    :  :     :  :  ",
     "", "yesterday", "9999:12:31 23:59:59"],
)  # fmt: skip
def test_an_absurd_date_is_unknown(tmp_path, value):
    assert header_with(tmp_path, {36867: value, 306: value}).exposure.taken is None


def test_a_date_next_week_is_unknown_and_one_of_tomorrow_a_time_zone(tmp_path):
    form = "%Y:%m:%d %H:%M:%S"
    tomorrow, next_week = (datetime.now() + timedelta(days=days) for days in (1, 7))

    late = {36867: next_week.strftime(form), 306: None}
    assert header_with(tmp_path, late).exposure.taken is None
    taken = header_with(tmp_path, {36867: tomorrow.strftime(form)}).exposure.taken
    assert taken == tomorrow.replace(microsecond=0)


def test_the_date_of_the_file_stands_in_for_that_of_the_exposure(tmp_path):
    taken = header_with(tmp_path, {36867: None}).exposure.taken

    assert taken == datetime(2020, 2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    ("make", "note"), [("Panasonic", photos.panasonic_note), ("SIGMA", photos.sigma_note)]
)
def test_a_note_whose_offsets_count_from_the_block_gives_the_serial_number(tmp_path, make, note):
    changes = {271: make, 42033: None}
    length = len(photos.exif_block({**photos.CAMERA, **changes, 37500: b"\0" * 8}))

    written = header_with(tmp_path, {**changes, 37500: note("F350807010058", length - 8)})

    assert written.sensor.serial == "F350807010058"


@pytest.mark.parametrize("value", [None, "", "   ", "0000000"])
def test_a_serial_number_never_set_is_unknown(tmp_path, value):
    assert header_with(tmp_path, {42033: value}).sensor.serial == "unknown"


def test_padding_and_what_follows_a_nul_are_no_part_of_a_name(tmp_path):
    sensor = header_with(tmp_path, {272: "Example One \0rest", 271: "Ex\tample\n"}).sensor

    assert (sensor.make, sensor.model) == ("Ex ample", "Example One")


def test_names_of_any_alphabet_are_read(tmp_path):
    assert header_with(tmp_path, {272: "カメラ Ⅱ"}).sensor.model == "カメラ Ⅱ"


@pytest.mark.parametrize(
    ("make", "note", "serial"),
    [
        ("NIKON CORPORATION", photos.nikon_note("8964244"), "8964244"),
        ("NIKON CORPORATION", photos.nikon_note("D50", older="NO= 4006a5c0"), "4006a5c0"),
        ("FUJIFILM", photos.fujifilm_note("FC A1234567"), "FC A1234567"),
        ("Canon", photos.canon_note(1234567890), "1234567890"),
        ("Canon", photos.canon_note(0), "unknown"),
        ("OLYMPUS CORPORATION", photos.olympus_note("BHT123456"), "BHT123456"),
        ("Example Works", b"\0" * 40, "unknown"),
    ],
)
def test_a_maker_note_gives_the_serial_number_that_the_standard_tag_does_not(
    tmp_path, make, note, serial
):
    changes = {271: make, 42033: None, 37500: note}

    assert header_with(tmp_path, changes).sensor.serial == serial


def test_the_standard_tag_goes_before_the_maker_note(tmp_path):
    changes = {271: "NIKON CORPORATION", 37500: photos.nikon_note("8964244")}

    assert header_with(tmp_path, changes).sensor.serial == "0012345"


@pytest.mark.parametrize("length", [0, 1, 7, 8, 20, 60, 150])
def test_a_cut_exif_block_leaves_the_photo_usable(tmp_path, length):
    block = photos.exif_block(photos.CAMERA)[:length]

    header = header_of(tmp_path, photos.jpeg_with_exif(block))

    assert read_frame(header).pixels.shape == (47, 61)


def test_a_directory_that_points_at_itself_is_left(tmp_path):
    pointer = (34665, 4, 1, struct.pack("<I", 8))
    block = b"II*\0" + struct.pack("<I", 8) + photos.directory([pointer], 8)[:-4]

    assert header_of(tmp_path, photos.jpeg_with_exif(block + struct.pack("<I", 8))).sensor


@pytest.mark.real
@pytest.mark.skipif(not (REAL / "banana").is_dir(), reason="real photos: no banana folder")
def test_the_real_photos_say_what_exifread_finds_in_them():
    for path in sorted((REAL / "banana").glob("*.JPG"))[:3]:
        with path.open("rb") as file:
            twin = exifread.process_file(file, details=True)
        header = read_header(path)

        assert header.sensor.serial == str(twin["MakerNote SerialNumber"])
        assert header.sensor.model == str(twin["Image Model"])
        assert header.exposure.gain == twin["EXIF ISOSpeedRatings"].values[0] / 100
        taken = header.exposure.taken
        assert taken is not None
        assert f"{taken:%Y:%m:%d %H:%M:%S}" == str(twin["EXIF DateTimeOriginal"])

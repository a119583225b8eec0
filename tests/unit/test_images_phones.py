"""The sensors of one phone are told apart, and those of a camera never are."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from stillpix.frame import Sensor
from stillpix.images import read_header
from support import photos

MAKE, MODEL, SERIAL, LENS_MAKE, LENS_MODEL = 271, 272, 42033, 42035, 42036
FOCAL_LENGTH, ZOOM_RATIO, FOCAL_LENGTH_IN_35MM = 37386, 41988, 41989


class Shot(NamedTuple):
    """What a phone writes of one photo."""

    lens: str | None
    focal: tuple[int, int]
    as_35mm: int | None


# A phone's sensors in the order of the maker's habits: lens model, focal length, 35 mm equivalent.
PHONES = {
    ("Apple", "iPhone 13 Pro"): (
        Shot("iPhone 13 Pro back triple camera 5.7mm f/1.5", (57, 10), 26),
        Shot("iPhone 13 Pro back triple camera 1.57mm f/1.8", (157, 100), 13),
        Shot("iPhone 13 Pro back triple camera 9mm f/2.8", (9, 1), 77),
        Shot("iPhone 13 Pro front camera 2.71mm f/2.2", (271, 100), 30),
    ),
    ("samsung", "SM-G991B"): (
        Shot(None, (540, 100), 26), Shot(None, (220, 100), 13), Shot(None, (332, 100), 25),
    ),
    ("samsung", "Galaxy S24 Ultra"): (
        Shot("", (630, 100), 24), Shot("", (220, 100), 13), Shot("", (1860, 100), 111),
    ),
    ("Google", "Pixel 6"): (
        Shot("Pixel 6 back camera 6.81mm f/1.85", (6810, 1000), 24),
        Shot("Pixel 6 back camera 2.35mm f/2.2", (2350, 1000), 16),
        Shot("Pixel 6 front camera 2.74mm f/2.0", (2740, 1000), 24),
    ),
    ("HUAWEI", "ELE-L29"): (
        Shot(None, (5580, 1000), 27), Shot(None, (2200, 1000), 17), Shot(None, (7480, 1000), 80),
    ),
    ("Xiaomi", "M2102K1G"): (
        Shot(None, (815, 100), 24), Shot(None, (235, 100), 13), Shot(None, (2420, 100), 120),
    ),
    ("OnePlus", "IN2023"): (Shot(None, (7060, 1000), 25), Shot(None, (2680, 1000), 13)),
    ("OPPO", "CPH2025"): (Shot(None, (7060, 1000), 25), Shot(None, (3290, 1000), 26)),
    ("Sony", "XQ-AT52"): (
        Shot(None, (511, 100), 24), Shot(None, (267, 100), 16), Shot(None, (614, 100), 70),
    ),
    ("motorola", "XT2201-1"): (Shot(None, (5590, 1000), None), Shot(None, (1640, 1000), None)),
    ("Acme", "Phone 9"): (Shot(None, (154, 100), 13), Shot(None, (42, 10), 26)),
    ("Acme", "A9"): (
        Shot("A9 back camera 4.2mm f/1.6", (42, 10), 26),
        Shot("A9 front camera 4.2mm f/2.2", (42, 10), 26),
    ),
}  # fmt: skip
# Cameras: a serial number or none, a lens model or none, and two of their focal lengths.
CAMERAS = {
    ("NIKON CORPORATION", "NIKON D3200"): ("8964244", None, (18, 1), (55, 1)),
    ("Canon", "Canon EOS R5"): ("1", "RF24-105mm F4 L IS USM", (24, 1), (105, 1)),
    ("SONY", "ILCE-7M3"): (None, "FE 24-70mm F2.8 GM", (24, 1), (70, 1)),
    ("SONY", "DSC-RX100M7"): (None, "24-200mm F2.8-4.5", (9, 1), (72, 1)),
    ("SONY", "DSC-W830"): (None, None, (45, 10), (360, 10)),
    ("Canon", "Canon PowerShot SX50 HS"): (None, None, (43, 10), (215, 1)),
    ("Panasonic", "DMC-TZ60"): (None, None, (43, 10), (129, 1)),
    ("SAMSUNG", "WB850F"): (None, None, (4, 1), (84, 1)),
    ("SAMSUNG", "NX500"): (None, "SAMSUNG NX 16-50mm F3.5-5.6", (16, 1), (50, 1)),
    ("SAMSUNG", "EK-GC100"): (None, None, (41, 10), (86, 1)),
    ("SAMSUNG", "SM-C101"): (None, None, (43, 10), (43, 1)),
    ("asus", "ASUS_Z00XS"): (None, None, (364, 100), (1092, 100)),
    ("Sony", "XQ-CT54"): (None, None, (141, 10), (207, 10)),
    ("NIKON", "COOLPIX P900"): (None, None, (43, 10), (357, 1)),
    ("OLYMPUS CORPORATION", "TG-6"): ("2", None, (45, 10), (18, 1)),
    ("RICOH IMAGING COMPANY, LTD.", "RICOH GR III"): ("3", "GR LENS", (183, 10), (183, 10)),
    ("FUJIFILM", "X100V"): (None, None, (23, 1), (23, 1)),
    ("DJI", "FC6540"): (None, "DJI DL 24mm F2.8 LS ASPH", (24, 1), (50, 1)),
}


def sensor_of(folder: Path, make: str, model: str, **tags: photos.ExifValue) -> Sensor:
    codes = {"lens": LENS_MODEL, "focal": FOCAL_LENGTH, "as_35mm": FOCAL_LENGTH_IN_35MM,
             "zoom": ZOOM_RATIO, "serial": SERIAL, "lens_make": LENS_MAKE}  # fmt: skip
    said = {MAKE: make, MODEL: model, SERIAL: None, **{codes[key]: tags[key] for key in tags}}
    path = folder / "photo.jpg"
    path.write_bytes(photos.camera_jpeg(said))
    return read_header(path).sensor


@pytest.mark.parametrize(("make", "model"), PHONES)
def test_each_sensor_of_a_phone_is_one_of_its_own(make, model, tmp_path):
    shots = PHONES[make, model]

    sensors = {sensor_of(tmp_path, make, model, **shot._asdict()) for shot in shots}

    assert len(sensors) == len(shots)
    assert {sensor.model for sensor in sensors} == {model}


@pytest.mark.parametrize(("make", "model"), PHONES)
def test_a_digital_zoom_does_not_split_a_phones_sensor(make, model, tmp_path):
    lens, focal, as_35mm = PHONES[make, model][0]
    zooms = [(1, 1), (2, 1), (52, 10)]

    sensors = {
        sensor_of(
            tmp_path, make, model, lens=lens, focal=focal, zoom=zoom,
            as_35mm=round((as_35mm or 26) * zoom[0] / zoom[1]),
        )
        for zoom in zooms
    }  # fmt: skip

    assert len(sensors) == 1


def test_the_language_of_a_phone_does_not_split_its_sensor(tmp_path):
    words = (
        "iPhone X back dual camera 4mm f/1.8",
        "Rückseitige Dual-Kamera des iPhone X 4 mm f/1.8",
        None,
    )

    sensors = {
        sensor_of(tmp_path, "Apple", "iPhone X", lens=each, focal=(4, 1), lens_make="Apple")
        for each in words
    }

    assert [sensor.which for sensor in sensors] == ["4.0 mm"]


@pytest.mark.parametrize(
    "focal", [(425, 100), (17, 4), (4250001, 1000000), (4249999, 1000000), (43, 10)]
)
def test_a_focal_length_written_a_little_otherwise_is_the_same(focal, tmp_path):
    assert sensor_of(tmp_path, "Apple", "iPhone 11", focal=focal).which == "4.3 mm"


def test_a_lens_model_tells_the_focal_length_that_the_file_does_not(tmp_path):
    lens = "Pixel 6 back camera 6.81mm f/1.85"

    assert sensor_of(tmp_path, "Google", "Pixel 6", lens=lens).which == "6.8 mm"


@pytest.mark.parametrize("focal", [None, (0, 1), (0, 0), (9999, 1)])
def test_a_phones_photo_without_a_focal_length_says_that_its_lens_is_unknown(focal, tmp_path):
    assert sensor_of(tmp_path, "samsung", "SM-G991B", focal=focal).which == "lens unknown"


@pytest.mark.parametrize(("make", "model"), CAMERAS)
def test_a_cameras_focal_length_never_splits_it(make, model, tmp_path):
    serial, lens, *focals = CAMERAS[make, model]

    sensors = {
        sensor_of(tmp_path, make, model, serial=serial, lens=lens, focal=focal, as_35mm=35)
        for focal in focals
    }

    assert [sensor.which for sensor in sensors] == [""]


def test_two_lenses_on_one_body_are_one_sensor(tmp_path):
    lenses = ("EF50mm f/1.8 STM", "EF70-200mm f/2.8L IS II USM", "")

    sensors = {
        sensor_of(tmp_path, "Canon", "Canon EOS 6D", serial="77", lens=lens, focal=(50 + n, 1))
        for n, lens in enumerate(lenses)
    }

    assert [sensor.name for sensor in sensors] == ["Canon EOS 6D, serial 77, 61x47"]

"""One map for both kinds of file: a camera's RAW files, and the JPEGs that it cut of them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.errors import SensorMismatchError
from stillpix.frame import Sensor
from stillpix.images import read_header
from stillpix.maps import write_map
from stillpix.maps.records import Defect, DefectMap, Run
from stillpix.restoration import targets
from stillpix.restoration.alignment import framed
from stillpix.restoration.fix import fix
from stillpix.scan import find
from stillpix.simulate import SimulatedCamera, random_settings
from stillpix.simulate.processing import exif_block, jpeg_file
from support import mosaic_files

TOP, LEFT, BELOW, RIGHT = 4, 6, 2, 2  # margins of the RAW files, px: each more is more shifts
CUT = 2  # px that the camera's JPEG lacks on each side
WIDTH, HEIGHT = 420, 300
PHOTOS = 12


@pytest.fixture(scope="module")
def camera():
    settings = random_settings(52, width=WIDTH, height=HEIGHT)
    return SimulatedCamera(
        replace(settings, cfa="RGGB", output="tiff", defects=60, amplitude_sigma=(10.0, 100.0)), 52
    )


@pytest.fixture(scope="module")
def folders(camera, tmp_path_factory):
    """Return the folders of one camera's RAW files and of the JPEGs it made of them."""
    raws, jpegs = (tmp_path_factory.mktemp(name) for name in ("raw", "jpeg"))
    settings = camera.settings
    for index in range(PHOTOS):
        photo = camera.photograph(index)
        rng = np.random.default_rng(index)
        shape = (settings.height + TOP + BELOW, settings.width + LEFT + RIGHT)
        full = np.rint(rng.normal(settings.black_dn, 3, shape)).astype(np.uint16)
        full[TOP:-BELOW, LEFT:-RIGHT] = photo.mosaic
        time = Fraction(photo.shot.exposure_s).limit_denominator(8000)
        body = camera.sensor
        content = mosaic_files.dng(
            full, "bayer-RGGB", active=(TOP, LEFT, TOP + settings.height, LEFT + settings.width),
            black=settings.black_dn, white=settings.white_dn, make=body.make, model=body.model,
            serial=body.serial, exposure_s=(time.numerator, time.denominator),
            iso=round(100 * photo.shot.gain), taken=photo.taken.strftime("%Y:%m:%d %H:%M:%S"),
        )  # fmt: skip
        (raws / f"{index:02d}.dng").write_bytes(content)
        exif = exif_block(photo.shot, photo.taken, (body.make, body.model, body.serial))
        picture = np.ascontiguousarray(photo.picture()[CUT:-CUT, CUT:-CUT])
        (jpegs / f"{index:02d}.jpg").write_bytes(jpeg_file(picture, settings, exif))
    return raws, jpegs


@pytest.fixture(scope="module")
def raw_map(folders):
    return find([folders[0]], fast=True)[0]


def headers(folder):
    return [read_header(path) for path in sorted(folder.iterdir())]


def test_a_map_of_raw_files_lies_on_the_cameras_jpegs(raw_map, folders, camera):
    photos = headers(folders[1])

    laid, note = framed(raw_map, photos[0].sensor, photos)

    x, y = -LEFT - CUT, -TOP - CUT
    assert f"fits these photos shifted by {x:+d},{y:+d}" in note
    truth = {(defect.x - CUT, defect.y - CUT) for defect in camera.defects}
    placed = {(defect.x, defect.y) for defect in laid.in_state("confirmed")}
    assert len(placed) >= 40
    assert len(placed - truth) <= 1
    assert laid.sensor == photos[0].sensor


def test_a_map_of_jpegs_lies_on_the_cameras_raw_files(folders, camera):
    [jpeg_map] = find([folders[1]], fast=True)
    photos = headers(folders[0])

    laid, note = framed(jpeg_map, photos[0].sensor, photos)

    assert f"fits these photos shifted by {LEFT + CUT:+d},{TOP + CUT:+d}" in note
    truth = {(defect.x + LEFT, defect.y + TOP) for defect in camera.defects}
    placed = {(defect.x, defect.y) for defect in laid.in_state("confirmed")}
    assert len(placed & truth) >= 0.95 * len(placed) >= 9


def test_a_pixel_of_a_jpeg_map_becomes_the_photosite_that_shows(raw_map, folders, camera):
    photos, margin = headers(folders[0]), (LEFT + CUT, TOP + CUT)
    jpeg_sensor = headers(folders[1])[0].sensor
    strong = raw_map.in_state("confirmed")
    displaced = ((0, 0), (1, 0), (0, 0), (-1, 1))
    beside = [
        replace(one, x=one.x - margin[0] + across, y=one.y - margin[1] + down)
        for one, (across, down) in zip(strong, displaced * len(strong), strict=False)
        if margin[0] < one.x < margin[0] + jpeg_sensor.width - 1
        and margin[1] < one.y < margin[1] + jpeg_sensor.height - 1
    ]
    sound = [Defect(x=x, y=201, state="accepted") for x in range(100, 400, 10)]
    jpeg_map = replace(raw_map, sensor=jpeg_sensor, defects=(*beside, *sound))

    laid, note = framed(jpeg_map, photos[0].sensor, photos)

    truth = {(defect.x + LEFT, defect.y + TOP) for defect in camera.defects}
    placed = {(defect.x, defect.y) for defect in laid}
    assert len(placed & truth) >= 0.85 * len(beside)
    assert len(placed - truth) <= 2
    left_out = len(beside) + len(sound) - len(laid.defects)
    assert note.endswith(
        f"; {left_out} pixels that show in none of the photos looked at are left out"
    )


def test_a_jpeg_is_repaired_by_the_map_of_the_raw_files(raw_map, folders, tmp_path):
    photo = sorted(folders[1].iterdir())[3]

    listed = replace(raw_map, defects=raw_map.in_state("confirmed")[:24])

    verdicts = fix(photo, listed, tmp_path / "fixed.jpg")

    assert sum(verdict.outcome == "repaired" for verdict in verdicts) >= 5


def test_photos_of_another_body_of_the_same_name_are_refused(raw_map, folders, tmp_path):
    size = {"width": WIDTH - 2 * CUT, "height": HEIGHT - 2 * CUT}
    other = SimulatedCamera(replace(random_settings(53, **size), defects=60), 53)
    photos = []
    for index in range(3):
        path = tmp_path / f"{index}.jpg"
        path.write_bytes(other.photograph(index).jpeg())
        photos.append(replace(read_header(path), sensor=replace(
            raw_map.sensor, **size, layout="rendered", visible=None,
        )))  # fmt: skip

    with pytest.raises(SensorMismatchError, match="do not show at any one shift in the 3 photos"):
        framed(raw_map, photos[0].sensor, photos)


def test_a_map_that_is_named_is_fitted_to_the_photos_once(raw_map, folders, tmp_path, monkeypatch):
    fitted = []
    monkeypatch.setattr(targets, "framed", lambda *given: fitted.append(1) or framed(*given))
    write_map(raw_map, tmp_path / "raw.json")

    ran = CliRunner().invoke(
        app, ["fix", str(folders[1]), "--map", str(tmp_path / "raw.json"), "--dry-run"]
    )

    assert ran.exit_code == 0
    assert len(fitted) == 1


@pytest.mark.parametrize("size", [(150, 100), (2 * WIDTH, 2 * HEIGHT), (480, 240)])
def test_a_resized_picture_is_refused(raw_map, size):
    sensor = replace(raw_map.sensor, width=size[0], height=size[1], layout="rendered")

    with pytest.raises(SensorMismatchError, match="a map fits no resized or rotated picture"):
        framed(raw_map, sensor, [])


def test_two_broken_pixels_are_too_few(raw_map, folders):
    few = replace(raw_map, defects=raw_map.in_state("confirmed")[:2])
    photos = headers(folders[1])

    with pytest.raises(SensorMismatchError, match="2 broken pixels are too few to tell"):
        framed(few, photos[0].sensor, photos)


def test_runs_are_moved_and_cut_to_the_frame(raw_map, folders):
    column = Defect(x=100, y=0, run=Run("column", 0, HEIGHT + TOP + BELOW - 1), state="accepted")
    row = Defect(
        x=0, y=50, run=Run("row", 0, LEFT + CUT - 2), state="accepted"
    )  # all of it in the margin
    more = replace(raw_map, defects=(*raw_map.defects, column, row))
    photos = headers(folders[1])

    laid, _ = framed(more, photos[0].sensor, photos)

    [run] = [defect for defect in laid if defect.run is not None]
    assert (run.x, run.y, run.run) == (100 - LEFT - CUT, 0, Run("column", 0, HEIGHT - 2 * CUT - 1))
    assert isinstance(laid, DefectMap)
    assert isinstance(laid.sensor, Sensor)

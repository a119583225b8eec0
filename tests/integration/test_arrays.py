"""Maps of pictures that a program has in memory: arrays of every kind, CCDData, frames."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

import stillpix
from stillpix import Evidence, Exposure, Frame, Sensor, StillpixError

HEIGHT, WIDTH = 120, 160
X, Y = 50, 41
SMALL = Sensor("unknown", "unknown", "unknown", WIDTH, HEIGHT)


def noise(number=0, *, level=100, sigma=3.0, shape=(HEIGHT, WIDTH)):
    return np.random.default_rng(number).normal(level, sigma, shape)


def pictures(count=8, kind=np.uint16, *, value=250.0, colours=None, scale=1.0):
    """Return noise in which one pixel blazes."""
    for number in range(count):
        shape = (HEIGHT, WIDTH) if colours is None else (HEIGHT, WIDTH, colours)
        picture = noise(number, shape=shape)
        picture[Y, X] = value
        yield (picture * scale).astype(kind)


def places(found, state="confirmed"):
    return [(defect.x, defect.y) for defect in found.in_state(state)]


# Which arrays


@pytest.mark.parametrize(
    ("kind", "scale"),
    [
        ("u1", 1), ("<u2", 1), (">u2", 9), ("<i2", 9), (">i2", 9), ("<i4", 900), ("<f4", 1),
        (">f4", 1 / 300), ("<f8", 1.7), (">f8", 1e-3),
    ],
)  # fmt: skip
def test_arrays_of_every_kind_of_number_show_the_same_pixel(kind, scale):
    found = stillpix.find_in(pictures(kind=kind, scale=scale))

    assert places(found) == [(X, Y)]
    assert found.evidence.photos == 8


@pytest.mark.parametrize(
    ("kind", "scale"), [("u1", 1), ("<u2", 200), (">u2", 200), ("f4", 1 / 300)]
)
@pytest.mark.parametrize("colours", [3, 4])
def test_colours_are_read_by_their_luma(kind, scale, colours):
    found = stillpix.find_in(pictures(kind=kind, colours=colours, scale=scale))

    assert places(found) == [(X, Y)]
    assert found.sensor.layout == "rendered"


def test_frames_of_opencv_have_blue_first():
    green_apart = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    green_apart[..., 0] = 200  # blue, in OpenCV's order
    blue, red = (
        list(stillpix.images.arrays.frame_in(green_apart, "a", facts)[0].pixels[0, :1])
        for facts in (
            stillpix.images.arrays.Facts(order="BGR"), stillpix.images.arrays.Facts()
        )
    )  # fmt: skip

    assert (blue, red) == ([round(0.114 * 200)], [round(0.299 * 200)])


def test_a_stack_a_list_and_a_generator_give_the_same_map():
    maps = [
        stillpix.find_in(given)
        for given in (np.array(list(pictures())), list(pictures()), pictures())
    ]

    assert maps[0] == maps[1] == maps[2]


def test_a_program_may_fill_one_array_again_and_again():
    def reused():
        held = np.empty((HEIGHT, WIDTH), np.uint16)
        for picture in pictures():
            held[...] = picture
            yield held

    assert stillpix.find_in(reused()) == stillpix.find_in(pictures())


def test_lists_of_lists_and_a_third_axis_of_one_are_read():
    nested = [picture[..., None].tolist() for picture in pictures(4, np.uint16)]

    assert stillpix.find_in(nested).evidence.photos == 4


def test_ccddata_says_its_exposure_its_camera_and_what_is_no_value():
    nddata = pytest.importorskip("astropy.nddata")
    header = {"EXPTIME": 30.0, "EGAIN": 0.5, "INSTRUME": "Example Cam", "DATE-OBS": "2024-05-01"}
    frames = []
    for picture in pictures(kind=np.float32):
        mask = np.zeros(picture.shape, bool)
        mask[90, 20], picture[90, 20] = True, 60000
        frames.append(nddata.CCDData(picture, unit="adu", mask=mask, meta=dict(header)))

    found = stillpix.find_in(frames)

    assert found.sensor.model == "Example Cam"
    assert places(found) == [(X, Y)]
    assert (found.defects[0].exposure_s, found.defects[0].gain) == (30.0, 2.0)
    assert found.evidence.first == datetime(2024, 5, 1)


def test_a_colour_pattern_that_shows_is_used_and_named():
    mosaics = [np.kron(np.ones((60, 80)), [[1, 0.4], [0.4, 2]]) * each for each in pictures()]
    with pytest.warns(UserWarning, match="show a colour pattern, which stillpix reads as"):
        seen = stillpix.find_in(mosaics)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        named = stillpix.find_in(mosaics, layout="BGGR")

    assert seen.sensor.layout.startswith("bayer-")
    assert named.sensor.layout == "bayer-BGGR"
    assert places(named) == [(X, Y)]


# Which photos count


def test_without_digests_the_pixels_tell_copies():
    twice = [*pictures(5), *pictures(5)]

    assert stillpix.find_in(twice).evidence.photos == 5
    assert stillpix.find_in(twice, digests=map(str, range(10))).evidence.photos == 10


@pytest.mark.parametrize("form", ["{:032x}", "run 7, photo {}"])
def test_digests_that_begin_alike_hide_no_pixel(form):
    found = stillpix.find_in(pictures(), digests=map(form.format, range(8)))

    assert places(found) == [(X, Y)]
    assert 0 < found.detection.expected_false < 0.01


def test_frames_whose_digests_share_their_first_twelve_digits_hide_no_pixel():
    sensor = replace(SMALL, layout="mono")
    frames = (
        Frame(picture, sensor, Exposure(), str(n), f"0123456789ab{n:020x}", 65535)
        for n, picture in enumerate(pictures())
    )

    found = stillpix.detect(Evidence.of(frames))

    assert (X, Y) in places(found)
    assert found.detection.expected_false > 0


def test_one_picture_again_and_again_proves_nothing():
    still = noise(1)
    still[Y, X] = 250

    def burst():
        for number in range(8):
            yield (still + noise(number + 9, level=0, sigma=0.3)).astype(np.uint16)

    found = stillpix.find_in(burst(), layout="rendered")

    assert (found.evidence.photos, found.evidence.scenes) == (8, 1)
    assert found.detection.expected_false is None
    assert places(found) == []


def test_two_dark_frames_are_enough():
    darks = (noise(n, level=10, sigma=2).astype(np.uint16) for n in range(2))
    found = stillpix.find_in((with_pixel(dark) for dark in darks), dark=True, exposure_s=60)

    assert (X, Y) in places(found)


def with_pixel(picture, value=2000):
    picture[Y, X] = value
    return picture


def test_exposures_are_those_of_each_array():
    taken = [datetime(2024, 1, day) for day in range(1, 9)]
    found = stillpix.find_in(
        pictures(), exposure_s=[0.02] * 8, gain=itertools.repeat(4), taken=taken, camera="Lab 7"
    )

    assert (found.evidence.first, found.evidence.last) == (taken[0], taken[-1])
    assert (found.defects[0].exposure_s, found.defects[0].gain) == (0.02, 4.0)
    assert found.sensor.model == "Lab 7"


def test_every_error_is_one_of_ours_and_a_value_error():
    with pytest.raises(StillpixError) as caught:
        stillpix.find_in("photos")

    assert isinstance(caught.value, ValueError)


def test_a_black_level_that_is_an_array_is_refused_by_name():
    with pytest.raises(stillpix.ArgumentError, match="black"):
        stillpix.find_in([np.full((60, 80), 100, np.uint8)] * 4, black=np.array([1, 2]))


def test_a_number_of_numpy_without_dimensions_is_one_of_all_arrays():
    found = stillpix.find_in(pictures(), exposure_s=np.array(0.02), gain=np.float32(4))

    assert (found.defects[0].exposure_s, found.defects[0].gain) == (0.02, 4.0)


@pytest.mark.parametrize(("black", "white"), [(500, 300), (300, 300), (255, None)])
def test_a_black_level_that_is_no_lower_than_a_full_pixel_is_refused(black, white):
    array = np.full((60, 80), 100, np.uint8 if white is None else np.uint16)

    with pytest.raises(stillpix.ArgumentError, match=r"black must be below \d+, the value"):
        stillpix.find_in([array] * 4, black=black, white=white)

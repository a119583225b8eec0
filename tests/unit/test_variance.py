"""The least variance finder against numpy in float64, which keeps all photos and shares no code."""

from __future__ import annotations

from functools import reduce
from io import BytesIO

import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from PIL import Image

from stillpix.errors import NothingUsableError, ReadError, SensorMismatchError, StillpixError
from stillpix.evidence.least_variance import SubpixelVariance
from stillpix.frame import Sensor
from stillpix.images import Buffer, read_colour, read_frame, read_header
from support import photos

SENSOR = Sensor("Example Works", "Example One", "7", 13, 11)
DEPTHS = (np.uint8, np.uint16)
SHAPES = ((11, 13), (11, 13, 3))


def pictures(count, depth=np.uint8, shape=(11, 13, 3), seed=5):
    rng = np.random.default_rng(seed)
    return list(rng.integers(0, np.iinfo(depth).max, (count, *shape), depth, endpoint=True))


def naive_ranking(stack):
    """Return the sum of squared differences of each subpixel, and their indices by it."""
    values = np.array(stack, np.float64).reshape(len(stack), -1)
    sums = ((values - values.mean(axis=0)) ** 2).sum(axis=0)
    return sums, values.mean(axis=0), np.argsort(sums, kind="stable")


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("shape", SHAPES)
def test_ranks_and_measures_as_two_passes_in_float64_do(depth, shape):
    stack = pictures(9, depth, shape)
    sums, means, order = naive_ranking(stack)

    least = SubpixelVariance(SENSOR).update_all(stack).least(order.size)

    assert [each.index for each in least] == order.tolist()
    assert_allclose([each.sum_of_squares for each in least], sums[order], rtol=1e-12)
    assert_allclose([each.mean for each in least], means[order], rtol=1e-12)


def repeated(picture, times):
    """Return the sums of a picture added many times over."""
    result, power = SubpixelVariance(SENSOR), SubpixelVariance(SENSOR).update(picture)
    for bit in reversed(f"{times:b}"):
        if bit == "1":
            result.merge(power)
        if 2 * power.photos <= times:
            power.merge(power)
    return result


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("whites", [0, 1, 50_000, 99_999, 100_000])
def test_a_hundred_thousand_photos_black_or_white_are_added_exactly(depth, whites):
    white, total = int(np.iinfo(depth).max), 100_000
    light, dark = np.full((11, 13), white, depth), np.zeros((11, 13), depth)

    both = repeated(light, whites).merge(repeated(dark, total - whites))
    (first,) = both.least(1)

    assert both.photos == total
    assert first.sum_of_squares == whites * (total - whites) * white**2 / total
    assert first.mean == whites * white / total


@pytest.mark.parametrize("depth", DEPTHS)
def test_more_photos_than_can_be_added_exactly_are_refused_and_nothing_changes(depth):
    many = SubpixelVariance(SENSOR).update(pictures(1, depth)[0])
    with pytest.raises(StillpixError, match="photos at most"):
        while True:
            many.merge(many)

    assert 65_536 <= many.photos <= 131_072
    assert many.least(1)[0].sum_of_squares == 0


@given(data=st.data())
def test_any_order_and_any_split_gives_the_same_bits(data):
    depth, shape = data.draw(st.sampled_from(DEPTHS)), data.draw(st.sampled_from(SHAPES))
    stack = pictures(data.draw(st.integers(1, 8)), depth, shape, data.draw(st.integers(0, 99)))
    shuffled = data.draw(st.permutations(stack))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stack)), max_size=3)))
    edges = zip([0, *cuts], [*cuts, len(stack)], strict=True)

    parts = [SubpixelVariance(SENSOR).update_all(shuffled[a:b]) for a, b in edges]
    merged = reduce(SubpixelVariance.merge, parts, SubpixelVariance(SENSOR))

    assert merged == SubpixelVariance(SENSOR).update_all(stack)
    assert merged.least(5) == SubpixelVariance(SENSOR).update_all(stack).least(5)


@given(values=st.lists(st.integers(0, 3), min_size=40, max_size=40), count=st.integers(1, 45))
def test_ties_stand_in_the_order_of_the_array_and_are_counted(values, count):
    sensor = Sensor("Example Works", "Example One", "7", 8, 5)
    picture = np.array(values, np.uint8).reshape(5, 8)
    sums, _, order = naive_ranking([picture, 3 * picture])

    least = SubpixelVariance(sensor).update_all([picture, 3 * picture]).least(count)

    assert [each.index for each in least] == order[:count].tolist()
    assert [each.ties for each in least] == [int((sums == sums[k]).sum()) for k in order[:count]]


def test_memory_does_not_grow_with_the_number_of_photos():
    one = SubpixelVariance(SENSOR).update_all(pictures(1))
    many = SubpixelVariance(SENSOR).update_all(pictures(40))

    assert many.nbytes == one.nbytes == 8 * 11 * 13 * 3


@pytest.mark.parametrize("level", [0, 97, 255])
def test_a_stuck_subpixel_is_the_first(level):
    stack = pictures(12)
    for picture in stack:
        picture[6, 4, 1] = level

    first, second = SubpixelVariance(SENSOR).update_all(stack).least(2)

    assert (first.x, first.y, first.channel, first.index) == (4, 6, 1, (6 * 13 + 4) * 3 + 1)
    assert (first.sum_of_squares, first.mean, first.ties) == (0, level, 1)
    assert second.sum_of_squares > 0


def test_a_grey_pixel_has_no_channel():
    (first,) = SubpixelVariance(SENSOR).update_all(pictures(3, shape=(11, 13))).least(1)

    assert first.channel is None
    assert first.index == first.y * 13 + first.x


def test_a_picture_that_is_not_contiguous_counts_the_same():
    upright = np.transpose(pictures(1, shape=(13, 11))[0])

    assert SubpixelVariance(SENSOR).update(upright) == SubpixelVariance(SENSOR).update(
        upright.copy()
    )


@pytest.mark.parametrize("other", [(13, 11, 3), (11, 13, 4), (11, 12), (11, 13, 1)])
def test_a_picture_of_another_shape_is_refused(other):
    with pytest.raises(SensorMismatchError, match="not what this set is of"):
        SubpixelVariance(SENSOR).update(np.zeros(other, np.uint8))


@pytest.mark.parametrize(
    "other", [np.zeros((11, 13), np.uint8), np.zeros((11, 13, 3), np.uint16)], ids=["grey", "deep"]
)
def test_a_set_is_of_one_kind_and_a_refusal_changes_nothing(other):
    variance = SubpixelVariance(SENSOR).update_all(pictures(3))

    with pytest.raises(SensorMismatchError, match="13x11 pixels of 3 values, uint8"):
        variance.update(other)
    with pytest.raises(SensorMismatchError):
        variance.merge(SubpixelVariance(SENSOR).update(other))

    assert variance == SubpixelVariance(SENSOR).update_all(pictures(3))


def test_two_sensors_do_not_merge():
    with pytest.raises(SensorMismatchError):
        SubpixelVariance(SENSOR).merge(SubpixelVariance(Sensor("A", "B", "C", 13, 11)))


def test_no_photo_has_no_least_subpixel():
    with pytest.raises(NothingUsableError, match="no photo"):
        SubpixelVariance(SENSOR).least()


def colours_of(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    return read_colour(read_header(path))


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_the_colours_of_a_jpeg_are_libjpegs(tmp_path, mode):
    content = photos.jpeg(mode)
    with Image.open(BytesIO(content)) as image:
        expected = np.array(image.convert("RGB"))

    colours = colours_of(tmp_path, "a.jpg", content)

    assert colours.shape == (47, 61, 3)
    assert np.abs(colours.astype(int) - expected).max() <= 1


def test_a_jpeg_of_odd_sampling_has_colours(tmp_path):
    assert np.all(colours_of(tmp_path, "a.jpg", photos.jpeg_of_odd_sampling()) == 128)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rgb.png", photos.png()),
        ("alpha.png", photos.png("RGBA")),
        ("interlaced.png", photos.interlaced_png(photos.scene())),
        ("deep.png", photos.png_of_words(photos.scene(deep=True))),
        ("rgb.tif", photos.tiff()),
        ("deep.tif", photos.tiff(photos.scene(deep=True))),
        (
            "planes.tif",
            photos.tiff(
                np.moveaxis(photos.scene(), -1, 0), photometric="rgb", planarconfig="separate"
            ),
        ),
    ],
)
def test_the_colours_of_lossless_photos_are_as_stored(tmp_path, name, content):
    colours = colours_of(tmp_path, name, content)

    np.testing.assert_array_equal(colours, photos.scene(deep=name.startswith("deep")))


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_palettes_are_looked_up(tmp_path, form):
    image = Image.fromarray(photos.scene()).quantize(64)

    colours = colours_of(tmp_path, f"a.{form.lower()}", photos.encoded(image, form))

    np.testing.assert_array_equal(colours, np.array(image.convert("RGB")))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jpg", photos.jpeg("L")),
        ("a.png", photos.png("L")),
        ("b.png", photos.png("LA")),
        ("a.tif", photos.tiff(photos.scene()[..., 0])),
    ],
)
def test_a_grey_photo_comes_without_colours(tmp_path, name, content):
    colours = colours_of(tmp_path, name, content)

    np.testing.assert_array_equal(colours, read_frame(read_header(tmp_path / name)).pixels)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.jpg", photos.jpeg()), ("a.png", photos.png()), ("a.tif", photos.tiff())],
)
def test_a_photo_that_is_cut_short_has_no_colours(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    header = read_header(tmp_path / name)
    (tmp_path / name).write_bytes(content[: len(content) * 3 // 4])

    with pytest.raises(ReadError, match="cut short"):
        read_colour(header)


@pytest.mark.parametrize("other", [photos.png(), photos.jpeg_of_claimed_size(64, 64)])
def test_a_file_that_became_another_is_refused(tmp_path, other):
    (tmp_path / "a.jpg").write_bytes(photos.jpeg())
    header = read_header(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes(other)

    with pytest.raises(ReadError):
        read_colour(header)


def test_a_jpegs_colours_lie_in_the_callers_buffer(tmp_path):
    (tmp_path / "a.jpg").write_bytes(photos.jpeg())
    buffer = Buffer()

    colours = read_colour(read_header(tmp_path / "a.jpg"), buffer=buffer)

    assert np.shares_memory(colours, buffer.room(colours.nbytes))


def test_the_set_of_jpegs_ranks_as_pillow_and_float64_do(tmp_path):
    sensor = Sensor("Example Works", "Example One", "7", 61, 47)
    rng, stack, variance = np.random.default_rng(2), [], SubpixelVariance(sensor)
    for number in range(6):
        noisy = np.clip(photos.scene() + rng.normal(0, 30, (47, 61, 3)), 0, 255).astype(np.uint8)
        content = simplejpeg.encode_jpeg(noisy, 92, "RGB", "444")
        with Image.open(BytesIO(content)) as image:
            stack.append(np.array(image))
        variance.update(colours_of(tmp_path, f"{number}.jpg", content))
    _, _, order = naive_ranking(stack)

    assert [each.index for each in variance.least(10)] == order[:10].tolist()

"""Photos are read as the values that other programs read from them."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from blake3 import blake3
from PIL import Image

from stillpix import images
from stillpix.errors import MissingReaderError, ReadError
from stillpix.images import Buffer, Format, is_photo, open_frames, read_frame, read_header
from support import photos
from support.decoded import ROUNDED, assert_luma, frame_of, luma_by_hand, saved
from support.places import REAL

# --- JPEG


def luma_where_no_colour_is_cut_off(file):
    """Return libjpeg's own luma, and -1 where R, G or B is 0 or 255: there it cannot be told."""
    with Image.open(file) as picture:
        colours = np.asarray(picture)
    with Image.open(file) as picture:
        picture.draft("L", None)  # not that of colours decoded and mixed again
        luma = np.asarray(picture).astype(int)
    cut_off = ((colours == 0) | (colours == 255)).any(-1)
    assert cut_off.mean() < 0.1
    return np.where(cut_off, -1, luma)


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}, {"optimize": True}]
)
def test_a_jpeg_has_the_luma_that_its_file_stores(tmp_path, options):
    content = photos.jpeg(**options)
    expected = luma_where_no_colour_is_cut_off(BytesIO(content))

    frame = frame_of(tmp_path, content)

    assert_luma(frame, np.where(expected < 0, frame.pixels, expected))
    assert (frame.pixels.dtype, frame.white) == (np.uint8, 255)


def test_a_grey_jpeg_has_the_pixels_that_pillow_decodes(tmp_path):
    content = photos.jpeg("L")

    assert_luma(frame_of(tmp_path, content), np.asarray(Image.open(BytesIO(content))))


def test_a_jpeg_of_rgb_components_becomes_luma(tmp_path):
    content = photos.jpeg(keep_rgb=True)
    expected = luma_by_hand(np.asarray(Image.open(BytesIO(content))))

    assert_luma(frame_of(tmp_path, content), expected, within=1)


def test_a_cmyk_jpeg_becomes_luma_through_pillow(tmp_path):
    content = photos.jpeg("CMYK")
    expected = np.asarray(Image.open(BytesIO(content)).convert("L"))

    assert_luma(frame_of(tmp_path, content), expected)


def test_a_cut_short_cmyk_jpeg_is_refused(tmp_path):
    with pytest.raises(ReadError, match="is cut short"):
        frame_of(tmp_path, photos.jpeg("CMYK")[:-200])


def test_a_jpeg_of_a_chroma_sampling_that_turbojpeg_does_not_know_is_read(tmp_path):
    frame = frame_of(tmp_path, photos.jpeg_of_odd_sampling())

    assert_luma(frame, np.full((48, 48), 128))


def test_a_jpeg_with_the_harmless_fault_of_some_phones_is_read(tmp_path):
    content = bytearray(photos.jpeg())
    expected = frame_of(tmp_path, bytes(content)).pixels
    scan = content.index(b"\xff\xda")
    content[scan + 12] = 0  # "Invalid SOS parameters for sequential JPEG"

    assert_luma(frame_of(tmp_path, bytes(content)), expected)


def test_a_harmless_fault_does_not_hide_that_a_jpeg_is_cut_short(tmp_path):
    content = bytearray(photos.jpeg())
    content[content.index(b"\xff\xda") + 12] = 0

    with pytest.raises(ReadError, match="is cut short"):
        frame_of(tmp_path, bytes(content[:-300]))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [20, 300, 1000])
def test_a_cut_short_jpeg_is_refused_rather_than_half_grey(tmp_path, progressive, missing):
    content = photos.jpeg(progressive=progressive, quality=95)

    with pytest.raises(ReadError, match=r"photo\.jpg: is cut short; copy it again from the card"):
        frame_of(tmp_path, content[:-missing])


def test_what_follows_the_end_of_a_jpeg_is_left_alone(tmp_path):
    content = photos.jpeg()

    frame = frame_of(tmp_path, content + photos.jpeg("L"))

    assert_luma(frame, frame_of(tmp_path, content).pixels)


def test_jpeg_luma_lies_in_the_buffer_that_the_caller_owns(tmp_path):
    header = read_header(saved(tmp_path, photos.jpeg()))
    buffer = Buffer()
    buffer.room(61 * 47 + 1000)

    frame = read_frame(header, buffer=buffer)

    assert np.shares_memory(frame.pixels, buffer.room(frame.pixels.nbytes))
    assert_luma(frame, read_frame(header).pixels)


def test_a_frame_keeps_its_memory_when_its_buffer_is_grown_for_another(tmp_path):
    larger = photos.encoded(Image.fromarray(photos.scene(80, 60)), "JPEG")
    small = read_header(saved(tmp_path, photos.jpeg(), "small.jpg"))
    large = read_header(saved(tmp_path, larger, "large.jpg"))
    buffer = Buffer()

    first = read_frame(small, buffer=buffer)
    second = read_frame(large, buffer=buffer)

    assert_luma(first, read_frame(small).pixels)
    assert_luma(second, read_frame(large).pixels)


# --- PNG


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA"])
def test_an_8_bit_png_has_the_luma_that_pillow_gives(tmp_path, mode):
    content = photos.png(mode)
    image = Image.open(BytesIO(content))
    expected = np.asarray(image.convert("RGB").convert("L"))

    frame = frame_of(tmp_path, content, "photo.png")

    assert_luma(frame, expected)
    assert (frame.pixels.dtype, frame.white) == (np.uint8, 255)


@pytest.mark.parametrize("colours", [2, 4, 16])
def test_a_png_palette_of_fewer_bits_is_looked_up(tmp_path, colours):
    content = photos.encoded(Image.fromarray(photos.scene()).quantize(colours), "PNG")
    expected = np.asarray(Image.open(BytesIO(content)).convert("RGB").convert("L"))

    assert_luma(frame_of(tmp_path, content, "photo.png"), expected)


def test_transparent_palette_colours_are_read_as_colours(tmp_path):
    content = photos.png("P", transparency=3)
    expected = np.asarray(Image.open(BytesIO(content)).convert("RGB").convert("L"))

    assert_luma(frame_of(tmp_path, content, "photo.png"), expected)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_16_bit_png_keeps_its_16_bits(tmp_path, channels):
    deep = photos.scene(deep=True)
    rows = np.concatenate([deep, deep[..., :1]], axis=-1)[..., :channels]
    expected = luma_by_hand(rows) if channels > 2 else rows[..., 0]

    frame = frame_of(tmp_path, photos.png_of_words(rows), "photo.png")

    assert_luma(frame, expected, within=1 if channels > 2 else 0)
    assert (frame.pixels.dtype, frame.white) == (np.uint16, 65535)


def test_full_16_bit_white_stays_white(tmp_path):
    white = np.full((40, 40, 3), 65535, np.uint16)

    assert_luma(frame_of(tmp_path, photos.png_of_words(white), "photo.png"), white[..., 0])


def test_an_interlaced_png_is_read(tmp_path):
    pixels = photos.scene()

    frame = frame_of(tmp_path, photos.interlaced_png(pixels), "photo.png")

    assert_luma(frame, luma_by_hand(pixels), within=ROUNDED)


@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_interlacing_changes_no_pixel_and_libpng_stays_silent(tmp_path, capfd, mode):
    pixels = np.asarray(Image.fromarray(photos.scene()).convert(mode).convert("RGB"))

    frame = frame_of(tmp_path, photos.interlaced_png(pixels), "photo.png")

    assert_luma(frame, luma_by_hand(pixels), within=ROUNDED)
    assert capfd.readouterr().err == ""


def test_a_1_bit_png_is_refused(tmp_path):
    with pytest.raises(ReadError, match="1-bit PNG"):
        frame_of(tmp_path, photos.png("1"), "photo.png")


@pytest.mark.parametrize("missing", [30, 300, 2000])
def test_a_cut_short_png_is_refused(tmp_path, missing):
    with pytest.raises(ReadError, match="is cut short"):
        frame_of(tmp_path, photos.png()[:-missing], "photo.png")


# --- All formats


def test_the_format_is_what_the_content_says(tmp_path):
    header = read_header(saved(tmp_path, photos.png(), "photo.jpg"))

    assert header.format == "png"
    assert read_frame(header).pixels.shape == (47, 61)


def test_a_format_that_shares_its_signature_is_told_by_the_suffix(tmp_path, monkeypatch):
    raw = Format(
        name="raw", suffixes=frozenset({".dng"}), signatures=(b"II*\0",), module="no_such_reader",
        extra="raw",
    )  # fmt: skip
    monkeypatch.setattr(images, "FORMATS", (*images.FORMATS, raw))

    assert is_photo("a.DNG")
    assert read_header(saved(tmp_path, photos.tiff(photometric="rgb"), "a.tif")).format == "tiff"
    with pytest.raises(MissingReaderError, match=r"needs no_such_reader.*'stillpix\[raw\]'"):
        read_header(saved(tmp_path, photos.tiff(photometric="rgb"), "a.dng"))


@pytest.mark.parametrize("name", ["a.jpg", "A.JPG", "a.jpeg", "a.jpe", "a.jfif", "a.PNG", "a.tif"])
def test_a_photo_is_known_by_its_suffix(name):
    assert is_photo(name)
    assert is_photo(Path("folder") / name)


@pytest.mark.parametrize("name", ["a.txt", "jpg", "a.jpg.part", "a.webp", ".jpg", "a"])
def test_other_names_are_not_photos(name):
    assert not is_photo(name)


def test_a_frame_says_where_it_came_from_and_what_its_bytes_were(tmp_path):
    content = photos.camera_jpeg()

    frame = frame_of(tmp_path, content, "日光 été.jpg")

    assert frame.origin == "日光 été.jpg"
    assert frame.digest == blake3(content).hexdigest(length=16)
    assert (frame.sensor.width, frame.sensor.height, frame.sensor.layout) == (61, 47, "rendered")


def test_open_frames_yields_photos_in_order_and_raises_at_the_first_bad_one(tmp_path):
    good = [saved(tmp_path, photos.jpeg(), "a.jpg"), saved(tmp_path, photos.png(), "b.png")]
    frames = open_frames([*good, saved(tmp_path, b"", "c.jpg"), good[0]])

    assert [next(frames).origin, next(frames).origin] == ["a.jpg", "b.png"]
    with pytest.raises(ReadError, match=r"c\.jpg"):
        next(frames)


def test_frames_are_the_same_from_several_threads(tmp_path):
    contents = [photos.jpeg(), photos.png(), photos.tiff(photometric="rgb", compression="lzw")]
    paths = [saved(tmp_path, each, f"{at}.jpg") for at, each in enumerate(contents)]
    expected = [read_frame(read_header(path)).pixels for path in paths]

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda path: read_frame(read_header(path)).pixels, paths * 20))

    assert all(np.array_equal(each, expected[at % 3]) for at, each in enumerate(found))


def test_a_file_that_changes_between_header_and_frame_is_refused(tmp_path):
    header = read_header(saved(tmp_path, photos.jpeg()))
    other = photos.encoded(Image.fromarray(photos.scene(80, 60)), "JPEG")

    for content in (other, photos.png()):
        saved(tmp_path, content)
        with pytest.raises(ReadError, match="changed while it was being read"):
            read_frame(header)


@pytest.mark.slow
def test_importing_images_imports_no_decoder():
    heavy = "{'PIL', 'simplejpeg', 'imagecodecs', 'tifffile', 'exifread', 'numba'}"
    code = f"import sys, stillpix.images; print(sorted({heavy} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.real
@pytest.mark.skipif(not (REAL / "banana").is_dir(), reason="real photos: no banana folder")
def test_the_real_photos_are_of_one_body_and_have_libjpegs_luma():
    paths = sorted((REAL / "banana").glob("*.JPG"))
    headers = [read_header(path) for path in paths]

    assert len(headers) == 16
    (sensor,) = {header.sensor for header in headers}
    assert (sensor.make, sensor.model) == ("NIKON CORPORATION", "NIKON D3200")
    assert (sensor.serial, sensor.width, sensor.height) == ("8964244", 3008, 2000)
    assert {(each.exposure.exposure_s, each.exposure.gain) for each in headers} == {(1 / 80, 4.0)}
    expected, frame = luma_where_no_colour_is_cut_off(paths[0]), read_frame(headers[0])
    assert_luma(frame, np.where(expected < 0, frame.pixels, expected))

"""Photos are read as the values that other programs read from them."""

from __future__ import annotations

import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from blake3 import blake3
from PIL import Image

from stillpix import images
from stillpix.errors import MissingReaderError, ReadError
from stillpix.frame import Frame
from stillpix.images import Buffer, Format, is_photo, open_frames, read_frame, read_header
from support import photos
from support.places import REAL

VOLUME = {"photometric": "minisblack", "volumetric": True, "tile": (16, 64, 64)}
ROUNDED = 0.501  # DN: half a level, and what weights of 16 bits lack


def saved(folder: Path, content: bytes, name: str = "photo.jpg") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def frame_of(folder: Path, content: bytes, name: str = "photo.jpg") -> Frame:
    return read_frame(read_header(saved(folder, content, name)))


def luma_by_hand(colours: np.ndarray) -> np.ndarray:
    red, green, blue = (colours[..., each].astype(np.float64) for each in range(3))
    return 0.299 * red + 0.587 * green + 0.114 * blue


def assert_luma(frame: Frame, expected: np.ndarray, *, within: float = 0) -> None:
    assert frame.pixels.shape == expected.shape
    assert frame.pixels.flags.c_contiguous
    assert np.abs(frame.pixels.astype(np.float64) - expected).max() <= within


# --- JPEG


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}, {"optimize": True}]
)
def test_a_jpeg_has_the_luma_that_its_file_stores(tmp_path, options):
    content = photos.jpeg(**options)
    with Image.open(BytesIO(content)) as twin:
        twin.draft("L", None)  # libjpeg's own luma, not that of colours decoded and mixed again
        expected = np.asarray(twin)

    frame = frame_of(tmp_path, content)

    assert_luma(frame, expected)
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


# --- TIFF


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"planarconfig": "separate"},
        {"compression": "lzw", "predictor": True},
        {"compression": "deflate", "tile": (16, 32)},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"rowsperstrip": 7},
    ],
)
def test_a_tiff_has_the_luma_of_its_colours(tmp_path, options, deep):
    pixels = photos.scene(deep=deep)
    if options.get("planarconfig") == "separate":
        stored = np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
    else:
        stored = pixels

    frame = frame_of(tmp_path, photos.tiff(stored, photometric="rgb", **options), "photo.tif")

    assert_luma(frame, luma_by_hand(pixels), within=1 if deep else ROUNDED)
    assert frame.white == (65535 if deep else 255)
    assert frame.pixels.dtype == pixels.dtype


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_a_grey_tiff_is_read_whichever_end_is_black(tmp_path, photometric, deep):
    grey = photos.scene(deep=deep)[..., 1]
    full = 65535 if deep else 255

    frame = frame_of(tmp_path, photos.tiff(grey, photometric=photometric), "photo.tif")

    assert_luma(frame, full - grey if photometric == "miniswhite" else grey)


def test_alpha_in_a_tiff_is_left_out(tmp_path):
    pixels = photos.scene()
    four = np.concatenate([pixels, pixels[..., :1]], axis=-1)

    content = photos.tiff(four, photometric="rgb", extrasamples=["unassalpha"])

    assert_luma(frame_of(tmp_path, content, "photo.tif"), luma_by_hand(pixels), within=ROUNDED)


def test_a_palette_tiff_is_looked_up(tmp_path):
    image = Image.fromarray(photos.scene()).quantize(64)
    expected = np.asarray(image.convert("RGB").convert("L"))

    assert_luma(frame_of(tmp_path, photos.encoded(image, "TIFF"), "photo.tif"), expected)


def test_a_jpeg_compressed_tiff_is_read(tmp_path):
    content = photos.encoded(Image.fromarray(photos.scene()), "TIFF", compression="jpeg")
    expected = np.asarray(Image.open(BytesIO(content)).convert("RGB").convert("L"))

    assert_luma(frame_of(tmp_path, content, "photo.tif"), expected, within=1)


def test_the_first_full_size_page_of_a_tiff_is_read(tmp_path):
    pixels, file = photos.scene(), BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(pixels[::2, ::2].copy(), subfiletype=1, photometric="rgb", metadata=None)
        writer.write(pixels, photometric="rgb", metadata=None)
        writer.write(255 - pixels[:-1], photometric="rgb", metadata=None)

    frame = frame_of(tmp_path, file.getvalue(), "photo.tif")

    assert_luma(frame, luma_by_hand(pixels), within=ROUNDED)


def test_a_tiff_of_previews_alone_is_refused(tmp_path):
    with pytest.raises(ReadError, match="holds no full-size page"):
        frame_of(tmp_path, photos.tiff(subfiletype=1, photometric="rgb"), "photo.tif")


@pytest.mark.parametrize(
    ("pixels", "options", "reason"),
    [
        (np.zeros((40, 40), np.complex64), {}, "complex"),
        (np.zeros((40, 40), bool), {}, "1-bit"),
        (np.zeros((40, 40), np.uint64), {}, "64-bit"),
        (np.zeros((40, 40), np.float32), {"photometric": "miniswhite"}, "inverted"),
        (np.zeros((40, 40, 4), np.uint8), {"photometric": "separated"}, "CMYK"),
        (np.zeros((40, 40, 3), np.uint8), {"photometric": "cielab"}, "CIELab"),
        (np.zeros((16, 64, 64), np.uint8), VOLUME, "layer"),
    ],
)
def test_a_tiff_of_another_layout_is_refused_by_name(tmp_path, pixels, options, reason):
    with pytest.raises(ReadError, match=f"{reason}.*; save it as"):
        frame_of(tmp_path, photos.tiff(pixels, **options), "photo.tif")


@pytest.mark.parametrize(("number", "told"), [(2, "2"), (40, "40"), (90, "64 or more")])
def test_a_stack_is_refused_rather_than_its_first_page_taken(tmp_path, number, told):
    file = BytesIO()
    tifffile.imwrite(file, np.zeros((number, 40, 40), np.uint16), photometric="minisblack")

    with pytest.raises(ReadError, match=f"is a TIFF of {told} pictures; save each as a file"):
        frame_of(tmp_path, file.getvalue(), "photo.tif")


@pytest.mark.parametrize("kind", ["i1", "i2", "i4", "u4", "f2", "f4", "f8"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_grey_of_any_kind_of_number_is_a_sensors_own_values(tmp_path, kind, byteorder):
    pixels = np.arange(40 * 50).reshape(40, 50).astype(kind)
    content = photos.tiff(pixels, photometric="minisblack", byteorder=byteorder)

    frame = frame_of(tmp_path, content, "photo.tif")

    assert np.array_equal(frame.pixels, pixels)
    assert (frame.sensor.layout, frame.white) == ("mono", 65535)


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(
    ("options", "layout"),
    [
        ({}, "mono"),
        ({"software": "Andor Solis"}, "mono"),
        ({"software": "Adobe Photoshop 24.0"}, "rendered"),
        ({"iccprofile": b"a profile"}, "rendered"),
    ],
)
def test_deep_grey_is_a_sensors_own_unless_a_profile_or_editor_is_named(
    tmp_path, options, layout, deep
):
    pixels = np.zeros((40, 40), np.uint16 if deep else np.uint8)
    path = tmp_path / "a.tif"
    path.write_bytes(photos.tiff(pixels, photometric="minisblack", **options))

    header = read_header(path)

    assert header.sensor.layout == (layout if deep else "rendered")
    assert header.layout_told == (not deep or layout == "rendered")


def test_colours_of_16_bits_stay_a_rendered_picture(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(photos.tiff(np.zeros((40, 40, 3), np.uint16), photometric="rgb"))

    assert read_header(path).sensor.layout == "rendered"


@pytest.mark.parametrize("chunk", [None, b"gAMA"])
def test_deep_grey_in_png_is_a_sensors_own_unless_a_gamma_is_named(tmp_path, chunk):
    content = imagecodecs.png_encode(np.zeros((40, 40), np.uint16))
    if chunk:
        body = chunk + (45455).to_bytes(4, "big")
        content = (
            content[:33] + b"\0\0\0\4" + body + zlib.crc32(body).to_bytes(4, "big") + content[33:]
        )
    path = tmp_path / "a.png"
    path.write_bytes(content)

    assert read_header(path).sensor.layout == ("rendered" if chunk else "mono")


def test_a_float_picture_of_three_colours_is_of_shares_of_white(tmp_path):
    pixels = np.linspace(0, 1, 40 * 50 * 3, dtype=np.float32).reshape(40, 50, 3)

    frame = frame_of(tmp_path, photos.tiff(pixels, photometric="rgb"), "photo.tif")

    assert frame.sensor.layout == "rendered"
    assert_luma(frame, luma_by_hand(pixels * 65535.0), within=2)


def test_a_black_level_of_a_tiff_is_read(tmp_path):
    tags = [(50714, "H", 4, (4800, 4802, 4800, 4798), True)]
    path = tmp_path / "a.tif"
    path.write_bytes(photos.tiff(np.zeros((40, 40), np.uint16), extratags=tags))

    assert read_header(path).black == 4800


def test_a_tiff_whose_pixels_are_cut_short_is_refused_rather_than_filled_with_zeros(tmp_path):
    with pytest.raises(ReadError, match="is cut short"):
        frame_of(tmp_path, photos.tiff(photometric="rgb")[:-500], "photo.tif")


def test_a_cr2_under_the_name_of_a_tiff_is_refused(tmp_path):
    head = b"II*\0\x10\0\0\0CR\x02\0\0\0\0\0"
    content = head + photos.directory([(256, 3, 1, b"\x40\0"), (257, 3, 1, b"\x40\0")], 16)

    with pytest.raises(ReadError, match="is no RAW file that LibRaw knows"):
        read_header(saved(tmp_path, content, "photo.tif"))


def test_a_raw_suffix_is_enough_to_refuse_a_tiff_inside(tmp_path):
    with pytest.raises(ReadError, match="is no RAW file that LibRaw knows"):
        read_header(saved(tmp_path, photos.tiff(photometric="rgb"), "photo.NEF"))


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
    with Image.open(paths[0]) as twin:
        twin.draft("L", None)
        assert_luma(read_frame(headers[0]), np.asarray(twin))

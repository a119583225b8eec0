"""HEIC, AVIF and JPEG XL pictures as frames: as stored, never rotated, by other encoders' files."""

from __future__ import annotations

import struct
from datetime import datetime
from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from stillpix.errors import ReadError
from stillpix.images import read_colour, read_frame, read_header
from stillpix.images.gather import gather

pillow_heif = pytest.importorskip("pillow_heif")

HEIGHT, WIDTH = 48, 64
FACTS = {271: "Acme", 272: "One", 306: "2024:05:06 07:08:09"}
# A turn of the shown picture, and an EXIF orientation that says the same.
TURNS = {0: 1, 1: 8, 2: 3, 3: 6}


def scene(dtype=np.uint8, scale=1):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return (np.stack([x * 3, y * 4, x + y], axis=-1) * scale).astype(dtype)


def exif():
    block = Image.Exif()
    block.update(FACTS)
    block.get_ifd(34665).update({33434: IFDRational(1, 50), 34855: 400, 42033: "SN7"})
    return block


def heic(pixels=None):
    picture = Image.fromarray(scene() if pixels is None else pixels)
    file = BytesIO()
    pillow_heif.from_pillow(picture).save(file, quality=95, exif=exif().tobytes())
    return file.getvalue()


def turned(content, name, value):
    """Return a HEIC file with one more property (a turn or a mirror) of its main picture.

    The item's data then begins as many bytes later, which iloc has to say.
    """
    box = struct.pack(">I4sB", 9, name, value)
    whole = bytearray(content)
    ipma = whole.index(b"ipma") - 4
    entry = whole.index(b"pitm") + 8
    main = whole[entry : entry + 2]
    at = whole.index(main, ipma + 16)  # item, count, properties
    properties = whole.index(b"ipco") - 4
    (length,) = struct.unpack_from(">I", whole, properties)
    number, inside = 0, properties + 8
    while inside < properties + length:
        number += 1
        inside += struct.unpack_from(">I", whole, inside)[0]
    for start, more in ((whole.index(b"meta") - 4, 10), (whole.index(b"iprp") - 4, 10),
                        (properties, 9), (ipma, 1)):  # fmt: skip
        struct.pack_into(">I", whole, start, struct.unpack_from(">I", whole, start)[0] + more)
    count = whole[at + 2]
    whole[at + 2] = count + 1
    whole[at + 3 + count : at + 3 + count] = bytes([0x80 | (number + 1)])
    whole[properties + length : properties + length] = box
    return bytes(_with_moved_items(whole, 10))


def _with_moved_items(whole, more):
    """iloc of version 0 or 1 with offsets of four bytes, as libheif writes it."""
    at = whole.index(b"iloc") + 4
    version, sizes = whole[at], whole[at + 4 : at + 6]
    assert sizes[0] >> 4 == 4
    base, index = sizes[1] >> 4, (sizes[1] & 15) if version else 0
    (count,) = struct.unpack_from(">H", whole, at + 6)
    place = at + 8
    for _ in range(count):
        place += 2 + (2 if version else 0) + 2 + base
        (pieces,) = struct.unpack_from(">H", whole, place)
        place += 2
        for _ in range(pieces):
            start = place + index
            struct.pack_into(">I", whole, start, struct.unpack_from(">I", whole, start)[0] + more)
            place = start + 4 + (sizes[0] & 15)
    return whole


def saved(path, content):
    path.write_bytes(content)
    return path


def test_a_heic_says_its_camera_and_exposure_and_is_read_as_stored(tmp_path):
    header = read_header(saved(tmp_path / "a.heic", heic()))

    sensor = header.sensor
    assert (sensor.make, sensor.model, sensor.serial) == ("Acme", "One", "SN7")
    assert (sensor.width, sensor.height, sensor.layout) == (WIDTH, HEIGHT, "rendered")
    exposure = header.exposure
    assert (exposure.exposure_s, exposure.gain) == (0.02, 4.0)
    assert exposure.taken == datetime(2024, 5, 6, 7, 8, 9)
    assert np.abs(read_colour(header).astype(int) - scene()).max() < 12
    assert read_frame(header).pixels.shape == (HEIGHT, WIDTH)


@pytest.mark.slow
@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_heic_is_the_same_sensor_and_its_pixels_are_where_they_were(tmp_path, turn):
    flat = read_colour(read_header(saved(tmp_path / "flat.heic", heic())))
    header = read_header(saved(tmp_path / "a.heic", turned(heic(), b"irot", turn)))

    shown = pillow_heif.open_heif(BytesIO(turned(heic(), b"irot", turn)))
    assert shown.size == ((WIDTH, HEIGHT) if turn % 2 == 0 else (HEIGHT, WIDTH))
    assert (header.sensor.width, header.sensor.height) == (WIDTH, HEIGHT)
    assert header.orientation == TURNS[turn]
    assert np.array_equal(read_colour(header), flat)


@pytest.mark.parametrize(("axis", "orientation"), [(0, 4), (1, 2)])
def test_a_mirrored_heic_is_read_as_stored(tmp_path, axis, orientation):
    flat = read_colour(read_header(saved(tmp_path / "flat.heic", heic())))
    header = read_header(saved(tmp_path / "a.heic", turned(heic(), b"imir", axis)))

    assert header.orientation == orientation
    assert np.array_equal(read_colour(header), flat)


def test_a_heic_of_ten_bits_keeps_them(tmp_path):
    deep = scene(np.uint16, 257)
    file = BytesIO()
    pillow_heif.from_bytes("RGB;16", (WIDTH, HEIGHT), deep.tobytes()).save(file, quality=95)
    header = read_header(saved(tmp_path / "a.heic", file.getvalue()))

    pixels = read_colour(header)

    assert (header.white, pixels.dtype) == (65535, np.uint16)
    assert np.abs(pixels.astype(int) - deep).max() < 12 * 257


def test_a_grey_heic_has_no_colours(tmp_path):
    header = read_header(saved(tmp_path / "a.heic", heic(scene()[..., 0])))

    assert read_colour(header).shape == (HEIGHT, WIDTH)


def test_an_avif_is_read_as_stored_whatever_its_orientation(tmp_path):
    file = BytesIO()
    block = exif()
    block[274] = 6
    Image.fromarray(scene()).save(file, "AVIF", quality=95, exif=block)
    header = read_header(saved(tmp_path / "a.avif", file.getvalue()))

    assert (header.sensor.model, header.sensor.serial) == ("One", "SN7")
    assert (header.sensor.width, header.sensor.height) == (WIDTH, HEIGHT)
    assert header.orientation == 6  # as the EXIF block that was given to Pillow says
    assert np.abs(read_colour(header).astype(int) - scene()).max() < 12


@pytest.mark.parametrize("bits", [10, 12])
def test_an_avif_of_more_bits_keeps_them(tmp_path, bits):
    deep = scene(np.uint16, 1 << (bits - 8))
    content = imagecodecs.avif_encode(deep, bitspersample=bits, level=95)
    header = read_header(saved(tmp_path / "a.avif", content))

    assert header.white == (1 << bits) - 1
    assert np.abs(read_colour(header).astype(int) - deep).max() < 12 << (bits - 8)


@pytest.mark.slow
@pytest.mark.parametrize("container", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(48, 64), (200, 301), (64, 64), (640, 480), (33, 4000)])
def test_a_jpeg_xl_picture_is_read_to_the_bit(tmp_path, container, dtype, size):
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, np.iinfo(dtype).max, (*size, 3)).astype(dtype)
    content = imagecodecs.jpegxl_encode(pixels, lossless=True, effort=1, usecontainer=container)
    header = read_header(saved(tmp_path / "a.jxl", content))

    assert (header.sensor.height, header.sensor.width) == size
    assert np.array_equal(read_colour(header), pixels)


def test_a_jpeg_xl_picture_says_what_its_exif_box_says(tmp_path):
    content = imagecodecs.jpegxl_encode(scene(), lossless=True, usecontainer=True)
    block = bytes(4) + exif().tobytes().removeprefix(b"Exif\0\0")
    box = struct.pack(">I4s", 8 + len(block), b"Exif") + block
    header = read_header(saved(tmp_path / "a.jxl", content + box))

    assert (header.sensor.model, header.sensor.serial) == ("One", "SN7")


@pytest.mark.parametrize("name", ["a.heic", "a.avif", "a.jxl"])
def test_a_damaged_picture_is_named_in_one_line_wherever_it_is_cut(tmp_path, name):
    file = BytesIO()
    Image.fromarray(scene()).save(file, "AVIF", exif=exif())
    contents = {"a.heic": heic(), "a.avif": file.getvalue(), "a.jxl": imagecodecs.jpegxl_encode(
        scene(), usecontainer=True)}  # fmt: skip
    content = contents[name]
    for end in range(12, len(content) - 8, 37):
        path = saved(tmp_path / name, content[:end])
        with pytest.raises(ReadError) as caught:
            read_frame(read_header(path))
        assert "\n" not in caught.value.reason
        assert ";" in caught.value.reason


def test_folders_are_searched_for_them(tmp_path):
    saved(tmp_path / "a.HEIC", heic())
    saved(tmp_path / "b.jxl", imagecodecs.jpegxl_encode(scene()))

    assert gather([tmp_path]).photos == 2

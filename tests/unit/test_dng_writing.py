"""New DNG files: what LibRaw, tifffile and exifread read in them is what was meant."""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

import exifread
import numpy as np
import pytest
import rawpy
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from stillpix.errors import ReadError, WriteError
from stillpix.images import read_frame, read_header
from stillpix.rewriting.dng import conversion
from stillpix.rewriting.dng.conversion import metadata_of, negative_of, new_dng
from stillpix.rewriting.dng.metadata import Field, Metadata, metadata_in
from stillpix.rewriting.dng.opcodes import BadPixels, extended
from stillpix.rewriting.dng.writing import Negative, dng_of
from support import mosaic_files, series
from support.effort import some

BAYER = ("bayer-RGGB", "bayer-BGGR", "bayer-GRBG", "bayer-GBRG")
MATRIX = ((0.8, -0.2, 0.0), (-0.4, 1.25, 0.125), (0.0, 0.25, 0.5))
ADA = Field(2, 4, b"Ada\0")


def pattern_of(layout):
    return () if layout == "mono" else mosaic_files.cell_of(layout)


def noise(width=196, height=128, seed=1):
    return mosaic_files.noise(height, width, seed)


def libraw(content):
    raw = rawpy.RawPy()
    raw.open_buffer(BytesIO(content))
    raw.unpack()
    return raw


def tags_of(content):
    with tifffile.TiffFile(BytesIO(content)) as file:
        return {tag.code: tag.value for tag in file.pages[0].tags}


@pytest.mark.slow
@pytest.mark.parametrize("layout", [*BAYER, "xtrans", "mono"])
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "active", [None, (24, 12, 150, 100), (25, 13, 150, 99), (25, 12, 151, 100)]
)
def test_libraw_reads_the_same_mosaic_colours_and_levels(layout, compressed, order, active):
    pixels = noise()
    negative = Negative(
        pixels, 16000, pattern_of(layout), black=((512.0,),), active=active,
        metadata=Metadata(order), matrices={21: MATRIX} if layout != "mono" else {},
    )  # fmt: skip

    raw = libraw(dng_of(negative, compressed=compressed))

    assert np.array_equal(raw.raw_image, pixels)
    assert raw.white_level == 16000
    assert set(raw.black_level_per_channel) == {512}
    if layout != "mono":
        letters, cell = raw.color_desc.decode(), pattern_of(layout)
        top, left = raw.sizes.top_margin, raw.sizes.left_margin
        assert all(
            letters[raw.raw_color(y, x)] == cell[y % len(cell)][x % len(cell)]
            for y in range(top, top + 12)
            for x in range(left, left + 12)
        )


@settings(max_examples=some(60))
@given(st.integers(32, 560), st.integers(32, 300), st.booleans())
def test_mosaics_of_any_size_are_read_back(width, height, compressed):
    pixels = noise(width, height, seed=width)

    raw = libraw(dng_of(Negative(pixels, 16383, ("RG", "GB")), compressed=compressed))

    assert np.array_equal(raw.raw_image, pixels)


@pytest.mark.parametrize("width", [512, 128, 64, 32, 256, 257])
def test_tiles_of_half_the_frames_width_are_read_back(width):
    """LibRaw 0.22 takes some of those for twice as high."""
    pixels = noise(width, 300)

    assert np.array_equal(libraw(dng_of(Negative(pixels, 16383, ("GR", "BG")))).raw_image, pixels)


def test_all_that_is_known_stands_in_the_file():
    negative = Negative(
        noise(), 16000, ("GR", "BG"), black=((500.0, 501.0), (502.0, 503.5)),
        active=(25, 12, 150, 100), make="Acme", model="One", serial="SN77",
        matrices={17: MATRIX, 21: MATRIX}, neutral=(0.5, 1.0, 0.625), orientation=6,
        baseline_exposure=-0.5, exposure_s=1 / 60, iso=400, f_number=5.6, focal_mm=50.0,
        lens="Acme 50 mm", taken=datetime(2024, 5, 6, 7, 8, 9),
        opcodes=extended(None, BadPixels(((3, 4),)), 196, 128),
    )  # fmt: skip

    content = dng_of(negative)

    tags = tags_of(content)
    assert tags[50706] == bytes((1, 4, 0, 0))
    assert tags[50707] == bytes((1, 3, 0, 0))
    assert (tags[271], tags[272], tags[50708], tags[50735]) == ("Acme", "One", "Acme One", "SN77")
    assert (tags[258], tags[262], tags[274], tags[306]) == (16, 32803, 6, "2024:05:06 07:08:09")
    assert bytes(tags[33422]) == bytes((0, 1, 1, 2))  # GRBG from one column farther right
    assert tags[50829] == (12, 25, 112, 175)
    assert tags[50714] == (501, 1, 500, 1, 1007, 2, 502, 1)
    assert tags[50720] == (150, 100)
    assert (tags[50778], tags[50779]) == (17, 21)
    parts = np.reshape(tags[50721], (9, 2))
    assert np.allclose(parts[:, 0] / parts[:, 1], np.ravel(MATRIX))
    assert tags[50728] == (1, 2, 1, 1, 5, 8)
    assert tags[50730] == (-1, 2)
    assert tags[51008] == negative.opcodes
    exif = {name: str(value) for name, value in exifread.process_file(BytesIO(content)).items()}
    assert exif["EXIF ExposureTime"] == "1/60"
    assert exif["EXIF FNumber"] == "28/5"
    assert exif["EXIF ISOSpeedRatings"] == "400"
    assert exif["EXIF FocalLength"] == "50"
    assert exif["EXIF LensModel"] == "Acme 50 mm"
    assert exif["EXIF BodySerialNumber"] == "SN77"
    assert exif["EXIF DateTimeOriginal"] == "2024:05:06 07:08:09"
    raw = libraw(content)
    assert raw.camera_whitebalance[:3] == pytest.approx([2, 1, 1.6])
    assert sorted(raw.black_level_per_channel)[:1] == [500]


def test_without_a_list_older_programs_may_read_it():
    assert tags_of(dng_of(Negative(noise(), 16000, ("GR", "BG"))))[50707] == bytes((1, 1, 0, 0))


@pytest.mark.parametrize("order", ["<", ">"])
def test_fields_of_the_photos_own_file_are_copied_and_win(order):
    def rational(*parts):
        return Field(5, len(parts) // 2, struct.pack(f"{order}{len(parts)}I", *parts))

    metadata = Metadata(
        order,
        main={315: ADA, 33432: Field(2, 9, b"(c) Ada.\0")},
        exif={33434: rational(1, 125), 37510: Field(7, 12, b"ASCII\0\0\0note")},
        gps={1: Field(2, 2, b"N\0"), 2: rational(48, 1, 8, 1, 0, 1)},
    )
    negative = Negative(noise(), 16000, ("GR", "BG"), exposure_s=1 / 60, iso=400, metadata=metadata)

    content = dng_of(negative)

    exif = {name: str(value) for name, value in exifread.process_file(BytesIO(content)).items()}
    assert exif["Image Artist"] == "Ada"
    assert exif["Image Copyright"] == "(c) Ada."
    assert exif["EXIF ExposureTime"] == "1/125"
    assert exif["EXIF ISOSpeedRatings"] == "400"
    assert exif["GPS GPSLatitudeRef"] == "N"
    assert exif["GPS GPSLatitude"] == "[48, 8, 0]"
    again = metadata_in(BytesIO(content))
    assert (again.order, again.main, again.gps) == (order, metadata.main, metadata.gps)
    assert again.exif.items() >= metadata.exif.items()


@pytest.mark.parametrize("order", ["<", ">"])
def test_words_of_any_alphabet_and_packed_blocks_are_copied(order):
    main = {
        270: Field(2, 5, "Fraß\0".encode("latin-1")), 315: Field(2, 5, b"\xc3\xa4da\0"),
        700: Field(1, 9, b"<x:xmp/>\n"), 33723: Field(4, 2, bytes(range(8))),
    }  # fmt: skip
    negative = Negative(noise(), 16000, ("GR", "BG"), metadata=Metadata(order, main=main))

    assert metadata_in(BytesIO(dng_of(negative))).main == main


def test_maker_notes_and_what_is_damaged_are_not_copied():
    def entry(tag, kind, count, value):
        return struct.pack("<HHII", tag, kind, count, value)

    below = struct.pack("<H", 3) + entry(37500, 7, 8, 8) + entry(34855, 3, 1, 400)
    below += entry(42036, 2, 90, 1 << 30) + bytes(4)
    main = struct.pack("<H", 2) + entry(34665, 4, 1, 38) + entry(34853, 4, 1, 1 << 30) + bytes(4)
    block = b"II*\0" + struct.pack("<I", 8) + main + below

    metadata = metadata_in(BytesIO(block))

    assert metadata.exif == {34855: Field(3, 1, b"\x90\1")}
    assert metadata.gps == {}
    assert metadata_in(BytesIO(b"no structure at all")) == Metadata()


def test_the_exif_of_a_raf_is_that_of_its_jpeg():
    jpeg = series.jpeg(np.full((64, 64, 3), 90, np.uint8))
    raf = b"FUJIFILMCCD-RAW 0201".ljust(84, b"\0") + struct.pack(">II", 160, len(jpeg))
    raf = raf.ljust(160, b"\0") + jpeg

    assert metadata_of(raf).exif[33434].kind == 5
    assert metadata_of(raf[:90]) == Metadata()
    assert metadata_of(raf[:200]) == Metadata()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pixels": np.zeros((32, 32), np.uint8)}, "uint8"),
        ({"pixels": np.zeros((32, 32, 3), np.uint16)}, "two axes"),
        ({"active": (0, 0, 197, 10)}, "not within the frame"),
        ({"active": (-1, 0, 10, 10)}, "not within the frame"),
        ({"active": (1, 1, 0, 10)}, "not within the frame"),
        ({"pattern": ("RG", "G")}, "no pattern"),
        ({"pattern": ("RG", "GC")}, "no pattern"),
        ({"white": 0}, "white level of 0"),
        ({"white": 65536}, "white level of 65536"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        dng_of(replace(Negative(noise(), 16000, ("RG", "GB")), **change))


# From a camera's file


def no_dng(content):
    """Return a TIFF-like RAW file that is no DNG: the tag of its version is another."""
    return content.replace(struct.pack("<HHI", 50706, 1, 4), struct.pack("<HHI", 50705, 1, 4))


@pytest.mark.parametrize("layout", [*BAYER, "xtrans"])
@pytest.mark.parametrize("active", [None, (12, 24, 120, 180)])
def test_a_raw_file_becomes_a_dng_of_the_same_sensor_mosaic_and_exposure(tmp_path, layout, active):
    source = tmp_path / "a.nef"
    source.write_bytes(no_dng(mosaic_files.dng(noise(), layout, active=active, orientation=8)))
    header = read_header(source)

    content = new_dng(negative_of(header, source.read_bytes()), source)

    (tmp_path / "b.dng").write_bytes(content)
    frame, made = read_frame(header), read_frame(read_header(tmp_path / "b.dng"))
    assert np.array_equal(made.pixels, frame.pixels)
    facts = ("exposure", "white", "black", "phase")
    assert [getattr(made, fact) for fact in facts] == [getattr(frame, fact) for fact in facts]
    assert replace(made.sensor, visible=None) == replace(frame.sensor, visible=None)
    assert made.sensor.visible_area == frame.sensor.visible_area
    assert read_header(tmp_path / "b.dng").orientation == 8


@pytest.mark.parametrize(("left", "top"), [(1, 0), (0, 4), (5, 2)])
def test_an_x_trans_pattern_that_begins_elsewhere_is_kept(tmp_path, left, top):
    cell = mosaic_files.XTRANS
    moved = tuple("".join(cell[(y - top) % 6][(x - left) % 6] for x in range(6)) for y in range(6))
    source = tmp_path / "a.raf"
    source.write_bytes(no_dng(dng_of(Negative(noise(), 16000, moved, matrices={21: MATRIX}))))
    header = read_header(source)

    negative = negative_of(header, source.read_bytes())

    assert header.phase != (0, 0)
    assert negative.pattern == moved
    new_dng(negative, source)


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_of_a_raw_file_of_its_own_structure_is_that_of_the_new_dng(tmp_path, order):
    gps = {1: Field(2, 2, b"N\0"), 5: Field(1, 1, b"\0")}
    old = Negative(
        noise(), 16000, ("GR", "BG"), make="Acme", model="One", serial="7", exposure_s=0.02,
        iso=800, f_number=2.8, focal_mm=35, lens="Acme 35 mm", taken=datetime(2024, 5, 6, 7, 8, 9),
        matrices={21: MATRIX}, metadata=Metadata(order, main={315: ADA}, gps=gps),
    )  # fmt: skip
    whole = dng_of(old)
    version = struct.pack(f"{order}HHI", 50706, 1, 4)
    source = tmp_path / "a.nef"
    source.write_bytes(whole.replace(version, struct.pack(f"{order}HHI", 50705, 1, 4)))

    made = new_dng(negative_of(read_header(source), source.read_bytes()), source)

    was, now = (exifread.process_file(BytesIO(each)) for each in (whole, made))
    told = [name for name in was if name.startswith(("EXIF", "GPS")) or name == "Image Artist"]
    assert len(told) > 8
    assert {name: str(was[name]) for name in told} == {name: str(now.get(name)) for name in told}


def test_black_levels_of_four_photosites_stay_where_they_were(tmp_path):
    source = tmp_path / "a.nef"
    levels = (500, 510, 520, 530)
    source.write_bytes(no_dng(mosaic_files.dng(noise(), "bayer-GRBG", black=levels)))

    negative = negative_of(read_header(source), source.read_bytes())

    assert negative.black == ((500, 510), (520, 530))
    made = libraw(dng_of(negative)).black_level_per_channel
    assert made == libraw(source.read_bytes()).black_level_per_channel == [510, 500, 520, 530]


def test_a_picture_without_a_mosaic_becomes_no_dng(tmp_path):
    source = tmp_path / "a.dng"
    source.write_bytes(mosaic_files.dng(np.dstack([noise()] * 3), "linear"))

    with pytest.raises(ReadError, match="holds computed colours instead"):
        negative_of(read_header(source), source.read_bytes())


def test_a_damaged_raw_file_is_refused(tmp_path):
    source = tmp_path / "a.nef"
    source.write_bytes(no_dng(mosaic_files.dng(noise())))
    header = read_header(source)

    with pytest.raises(ReadError, match="no RAW file that LibRaw knows, or is damaged"):
        negative_of(header, source.read_bytes()[:60])


@pytest.mark.parametrize("part", ["pixels", "pattern"])
def test_a_dng_that_libraw_reads_otherwise_is_not_handed_out(monkeypatch, part):
    negative = Negative(noise(), 16000, ("RG", "GB"), matrices={21: MATRIX})
    other = {"pixels": noise(seed=2), "pattern": ("GR", "BG")}[part]
    wrong = dng_of(replace(negative, **{part: other}))
    monkeypatch.setattr(conversion, "dng_of", lambda _: wrong)

    with pytest.raises(WriteError, match="LibRaw reads as another mosaic, so nothing was written"):
        new_dng(negative, Path("a.nef"))

"""RAW files: the mosaic as stored, what it says of itself, and what is refused."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import rawpy
import tifffile

from stillpix.errors import ReadError
from stillpix.images import Buffer, decode_colour, is_photo, read_colour, read_frame, read_header
from stillpix.images.raw_tags import raw_tags
from stillpix.rewriting.dng.writing import Negative, dng_of
from support import mosaic_files, photos
from support.mosaic_files import noise

REAL = Path(__file__).parents[2] / "shared" / "data"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="no real photographs beside the checkout")
BAYER = ("bayer-RGGB", "bayer-BGGR", "bayer-GRBG", "bayer-GBRG")


def saved(tmp_path, content, name="a.dng"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def read(tmp_path, content, name="a.dng"):
    return read_frame(read_header(saved(tmp_path, content, name)))


@pytest.mark.parametrize("layout", [*BAYER, "xtrans"])
@pytest.mark.parametrize("active", [None, (8, 12, 60, 92), (3, 5, 61, 90), (3, 4, 61, 90)])
def test_the_whole_stored_mosaic_is_read_with_its_pattern_from_the_first_photosite_on(
    tmp_path, layout, active
):
    pixels = noise()
    if layout == "xtrans" and active is not None:
        active = (active[0] // 2 * 2, active[1] // 2 * 2, *active[2:])  # LibRaw moves odd ones

    frame = read(tmp_path, mosaic_files.dng(pixels, layout, active=active))

    assert np.array_equal(frame.pixels, pixels)
    letters = mosaic_files.cell_of(layout)
    seen = mosaic_files.cell_of(frame.sensor.layout)
    left, top = frame.phase
    size = len(letters)
    assert all(
        letters[y][x] == seen[(y - top) % size][(x - left) % size]
        for y in range(size)
        for x in range(size)
    )
    if active is not None:
        top, left, bottom, right = active
        assert frame.sensor.visible == (left, top, right - left, bottom - top)
    with rawpy.imread(str(tmp_path / "a.dng")) as raw:
        assert np.array_equal(raw.raw_image, frame.pixels)


def test_the_facts_of_a_dng_are_read(tmp_path):
    header = read_header(saved(tmp_path, mosaic_files.dng(noise(), black=511, white=4095)))

    assert header.format == "raw"
    assert (header.sensor.make, header.sensor.model) == ("Acme", "Acme One")
    assert (header.sensor.serial, header.black, header.white) == ("SN77", 511, 4095)
    assert (header.exposure.exposure_s, header.exposure.gain) == (0.02, 4.0)
    assert str(header.exposure.taken) == "2024-05-06 07:08:09"


def test_the_black_level_is_the_mean_of_the_channels(tmp_path):
    content = mosaic_files.dng(noise(), black=(500, 510, 512, 518))

    assert read_header(saved(tmp_path, content)).black == 510


def test_the_buffer_of_the_caller_holds_the_mosaic(tmp_path):
    buffer = Buffer()
    header = read_header(saved(tmp_path, mosaic_files.dng(noise())))

    frame = read_frame(header, buffer=buffer)

    assert np.shares_memory(frame.pixels, buffer.room(frame.pixels.nbytes))


@pytest.mark.parametrize("name", ["a.jpg", "a.tif", "a.dng", "a.NEF", "a"])
def test_a_dng_under_a_wrong_name_is_read_as_what_it_is(tmp_path, name):
    pixels = noise()

    assert np.array_equal(read(tmp_path, mosaic_files.dng(pixels), name).pixels, pixels)


def test_a_linear_dng_counts_as_rendered(tmp_path):
    pixels = np.stack([noise(seed=seed) for seed in (1, 2, 3)], -1)
    path = saved(tmp_path, mosaic_files.dng(pixels, "linear"))

    header = read_header(path)

    assert header.sensor.layout == "rendered"
    assert np.array_equal(read_colour(header), pixels)
    weights = np.array([0.299, 0.587, 0.114])
    assert np.abs(read_frame(header).pixels - pixels @ weights).max() <= 1
    assert np.array_equal(decode_colour(header, path.read_bytes()), pixels)


def test_two_bodies_of_one_model_with_other_patterns_are_told_apart(tmp_path):
    layouts = [
        read_header(saved(tmp_path, mosaic_files.dng(noise(), layout), f"{layout}.dng")).sensor
        for layout in BAYER
    ]

    assert [sensor.layout for sensor in layouts] == list(BAYER)


def test_a_mosaic_in_a_sub_directory_is_read_and_not_its_preview(tmp_path):
    pixels, file = noise(), BytesIO()
    with tifffile.TiffWriter(file) as writer:
        version = [(50706, "B", 4, bytes((1, 4, 0, 0)), True), (50708, "s", 0, "A", True)]
        writer.write(
            photos.scene(), photometric="rgb", subifds=1, subfiletype=1, metadata=None,
            extratags=version,
        )  # fmt: skip
        writer.write(
            pixels, photometric=32803, subfiletype=0, metadata=None,
            extratags=[(33421, "H", 2, (2, 2), True), (33422, "B", 4, bytes((0, 1, 1, 2)), True)],
        )  # fmt: skip

    assert np.array_equal(read(tmp_path, file.getvalue()).pixels, pixels)


@pytest.mark.parametrize("compression", [None, 7])
def test_a_dng_that_is_cut_short_is_refused(tmp_path, compression, capfd):
    content = mosaic_files.dng(noise(400, 600), compression=compression)

    for length in (len(content) - 1, len(content) // 2, 300, 20):
        with pytest.raises(ReadError, match=r"a\.dng: .*(cut short|damaged)"):
            read(tmp_path, content[:length])
    assert capfd.readouterr().err == ""


def test_a_dng_that_is_cut_short_between_head_and_pixels_is_refused(tmp_path):
    content = mosaic_files.dng(noise(400, 600))
    path = saved(tmp_path, content)
    header = read_header(path)
    path.write_bytes(content[:9000])

    with pytest.raises(ReadError, match="cut short"):
        read_frame(header)


def test_a_tile_that_is_no_jpeg_is_refused(tmp_path):
    content = bytearray(mosaic_files.dng(noise(400, 600), compression=7))
    with tifffile.TiffFile(BytesIO(content)) as file:
        first = file.pages[0].dataoffsets[0]
    content[first : first + 20] = bytes(20)

    with pytest.raises(
        ReadError, match=r"a\.dng: is a damaged RAW file \(its lossless JPEG data is broken"
    ):
        read(tmp_path, bytes(content))


def test_a_mosaic_that_was_not_filled_to_its_end_is_refused():
    from stillpix.images.raw import require_decodable

    pixels = noise(400, 600)
    pixels[-16:] = 0
    with pytest.raises(ReadError, match="cut short"):
        require_decodable(mosaic_files.dng(pixels), Path("a.dng"))

    pixels[-16, 300] = 1
    require_decodable(mosaic_files.dng(pixels), Path("a.dng"))


def test_iso_and_serial_number_of_an_rw2_are_those_of_its_jpeg():
    jpeg = photos.jpeg_with_exif(photos.exif_block(facts("F35") | {271: "Panasonic"}))
    fields = [photos.field(271, "Panasonic"), (46, 7, len(jpeg), jpeg)]
    content = b"IIU\0" + struct.pack("<I", 8) + photos.directory(fields[::-1], 8)

    exif = raw_tags(BytesIO(content)).exif

    assert (exif.make, exif.serial, exif.gain) == ("Panasonic", "F35", 8.0)


@pytest.mark.parametrize(("missing", "cut_short"), [(0, False), (1, True), (9000, True)])
def test_an_rw2_without_room_for_its_pixels_is_cut_short(missing, cut_short):
    facts = [(2, 140), (3, 100), (45, 4), (280, 512)]
    fields = [(tag, 4, 1, struct.pack("<I", value)) for tag, value in facts]
    head = b"IIU\0" + struct.pack("<I", 8) + photos.directory(fields, 8)
    content = head.ljust(512, b"\0") + bytes(16000 - missing)  # blocks of 16 bytes for 14

    assert raw_tags(BytesIO(content)).cut_short is cut_short


@pytest.mark.parametrize(("told", "serial"), [("0012345678", "12345678"), ("AB01", "AB01")])
def test_the_serial_number_of_a_converted_dng_is_read(tmp_path, told, serial):
    content = mosaic_files.dng(noise(), serial="", extra=[(50735, "s", 0, told, True)])

    assert read_header(saved(tmp_path, content)).sensor.serial == serial


def test_text_under_a_raw_name_is_refused(tmp_path):
    with pytest.raises(ReadError, match=r"a\.cr3: is no RAW file that LibRaw knows, or is damaged"):
        read_header(saved(tmp_path, b"dear diary, no photo today" * 99, "a.cr3"))


def test_a_sensor_of_four_colours_is_refused_by_its_pattern(tmp_path):
    from stillpix.images.raw import colours_of_pattern

    with pytest.raises(ReadError, match=r"has an unknown colour pattern \(RE/GB"):
        colours_of_pattern(["RE", "GB"], Path("a.srf"), 4)


def facts(serial="FX1"):
    return {
        271: "FUJIFILM", 272: "X-T9", 33434: (1, 125), 34855: 800, 42033: serial,
        36867: "2023:01:02 03:04:05",
    }  # fmt: skip


def test_the_exif_of_a_raf_is_that_of_its_jpeg():
    jpeg = photos.jpeg_with_exif(photos.exif_block(facts()))
    head = b"FUJIFILMCCD-RAW 0201".ljust(84, b"\0") + struct.pack(">II", 160, len(jpeg))

    exif = raw_tags(BytesIO(head.ljust(160, b"\0") + jpeg)).exif

    assert (exif.model, exif.serial, exif.exposure_s, exif.gain) == ("X-T9", "FX1", 0.008, 8.0)


def box(name, content):
    return struct.pack(">I4s", 8 + len(content), name) + content


CANON = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")


def test_the_exif_of_a_cr3_is_that_of_its_boxes():
    main = photos.exif_block({271: "Canon", 272: "Canon EOS R9"})
    fields = [photos.field(tag, value) for tag, value in facts("0123").items()]
    shot = b"II*\0" + struct.pack("<I", 8) + photos.directory(sorted(fields), 8)
    boxes = box(b"free", b"x") + box(b"uuid", CANON + box(b"CMT1", main) + box(b"CMT2", shot))
    content = box(b"ftyp", b"crx \0\0\0\1") + box(b"moov", boxes)

    exif = raw_tags(BytesIO(content)).exif

    assert (exif.model, exif.serial, exif.exposure_s) == ("Canon EOS R9", "0123", 0.008)
    assert str(exif.taken) == "2023-01-02 03:04:05"


@pytest.mark.parametrize("keep", range(0, 200, 7))
def test_a_cr3_that_is_cut_anywhere_says_what_it_can(keep):
    main = photos.exif_block({271: "Canon", 272: "Canon EOS R9"})
    boxes = box(b"uuid", CANON + box(b"CMT1", main))
    content = box(b"ftyp", b"crx \0\0\0\1") + box(b"moov", boxes)

    assert raw_tags(BytesIO(content[:keep])).exif.model in {None, "Canon EOS R9"}


def test_raw_names_are_photos():
    assert all(is_photo(f"a.{each}") for each in ("NEF", "cr2", "CR3", "raf", "dng", "fits", "FIT"))


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"rowsperstrip": 7}, {"tile": (32, 32)}])
def test_plain_dngs_are_read_as_libraw_reads_them(tmp_path, byteorder, options):
    pixels = noise(70, 90)

    frame = read(tmp_path, mosaic_files.dng(pixels, byteorder=byteorder, **options))

    assert np.array_equal(frame.pixels, pixels)
    assert frame.pixels.dtype.isnative
    with rawpy.imread(str(tmp_path / "a.dng")) as raw:
        assert np.array_equal(raw.raw_image, pixels)


def test_a_linearisation_table_is_left_to_libraw(tmp_path):
    table = np.minimum(np.arange(4096) * 4, 16383).astype(np.uint16)
    stored = noise(64, 96, low=10, high=4000)
    extra = [(50712, "H", table.size, tuple(table.tolist()), True)]

    frame = read(tmp_path, mosaic_files.dng(stored, extra=extra))

    assert np.array_equal(frame.pixels, table[stored])


def test_a_mosaic_of_eight_bits_is_read(tmp_path):
    pixels = noise(low=10, high=250).astype(np.uint8)

    frame = read(tmp_path, mosaic_files.dng(pixels, black=8, white=255))

    assert np.array_equal(frame.pixels, pixels)
    assert frame.white == 255


def test_a_lossless_jpeg_that_claims_more_than_its_tile_is_refused_at_once(tmp_path):
    values = noise()
    content = bytearray(dng_of(Negative(values, 16383, ("RG", "GB")), compressed=True))
    frame = content.index(b"\xff\xc3")
    content[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"

    with pytest.raises(ReadError, match="its lossless JPEG data is broken"):
        read_header(saved(tmp_path, bytes(content)))


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["bayer-GBRG", "xtrans", "mono"])
def test_lossless_dngs_are_read_as_libraw_reads_them(tmp_path, layout):
    pixels = noise(300, 520)
    pattern = {"mono": (), "xtrans": mosaic_files.XTRANS}.get(layout, ("GB", "RG"))

    frame = read(tmp_path, dng_of(Negative(pixels, 16383, pattern), compressed=True))

    assert np.array_equal(frame.pixels, pixels)
    assert frame.sensor.layout == layout
    with rawpy.imread(str(tmp_path / "a.dng")) as raw:
        assert np.array_equal(raw.raw_image, pixels)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"rowsperstrip": 7}, {"tile": (32, 32)}])
def test_a_mosaic_read_into_a_buffer_is_the_one_read_without(tmp_path, byteorder, options):
    pixels, buffer = noise(70, 90), Buffer()
    path = saved(tmp_path, mosaic_files.dng(pixels, byteorder=byteorder, **options))
    larger = saved(tmp_path, mosaic_files.dng(noise(90, 120, 2)), "b.dng")

    for _ in range(2):  # a buffer that another photo was read into, too
        frame = read_frame(read_header(path), buffer=buffer)
        assert np.array_equal(frame.pixels, pixels)
        assert frame.digest == read_frame(read_header(path)).digest
        del frame
        assert read_frame(read_header(larger), buffer=buffer).pixels.shape == (90, 120)


def test_a_frame_that_lives_keeps_its_buffer(tmp_path):
    paths = [
        saved(tmp_path, mosaic_files.dng(noise(60 + 20 * n, 90, n)), f"{n}.dng") for n in (1, 2)
    ]
    buffer = Buffer()

    first = read_frame(read_header(paths[0]), buffer=buffer)
    second = read_frame(read_header(paths[1]), buffer=buffer)

    assert np.array_equal(first.pixels, noise(80, 90, 1))
    assert np.array_equal(second.pixels, noise(100, 90, 2))


def test_a_mosaic_that_changed_since_its_head_was_read_is_refused(tmp_path):
    path = saved(tmp_path, mosaic_files.dng(noise()))
    header = read_header(path)
    path.write_bytes(mosaic_files.dng(noise(80, 100)))

    with pytest.raises(ReadError, match="changed while it was being read"):
        read_frame(header, buffer=Buffer())


def ciff(values, *, order="<"):
    """Return a CIFF heap of {tag: bytes or a heap's dictionary}."""
    body, entries = b"", b""
    for tag, value in values.items():
        if tag & 0x4000:
            entries += struct.pack("<H", tag) + value.ljust(8, b"\0")
            continue
        content = ciff(value) if isinstance(value, dict) else value
        entries += struct.pack("<HII", tag, len(content), len(body))
        body += content
    return body + struct.pack("<H", len(values)) + entries + struct.pack("<I", len(body))


def crw(values):
    return b"II" + struct.pack("<I", 26) + b"HEAPCCDR" + bytes(12) + ciff(values)


def test_make_model_and_serial_number_of_a_crw_stand_in_its_ciff_structure():
    camera = {0x080A: b"Canon\0Canon EOS D30\0", 0x3004: {0x580B: struct.pack("<I", 305465770)}}
    content = crw({0x2005: bytes(100), 0x300A: {0x2807: camera}})

    exif = raw_tags(BytesIO(content)).exif

    assert (exif.make, exif.model, exif.serial) == ("Canon", "Canon EOS D30", "305465770")


@pytest.mark.parametrize("length", [0, 20, 30, 60])
def test_a_crw_that_is_cut_short_leaves_its_camera_unknown(length):
    content = crw({0x300A: {0x2807: {0x080A: b"Canon\0Canon EOS D30\0"}}, 0x2005: bytes(100)})

    assert raw_tags(BytesIO(content[:length])).exif.model is None


def test_a_ciff_heap_that_holds_itself_ends():
    content = bytearray(crw({0x300A: {0x080A: b"Canon\0A\0"}}))
    heap = 26
    table = struct.unpack("<I", content[-4:])[0] + heap
    content[table + 4 : table + 12] = struct.pack("<II", len(content) - heap, 0)

    assert raw_tags(BytesIO(bytes(content))).exif.make is None


def test_a_dng_without_model_is_of_its_unique_camera_model(tmp_path):
    content = mosaic_files.dng(noise(), model="")

    assert read_header(saved(tmp_path, content, "a.dng")).sensor.model == "Acme One"


def test_a_raw_file_without_a_head_is_refused_rather_than_its_shape_guessed(tmp_path):
    path = saved(tmp_path, bytes(1920 * 1080 * 2), "a.raw")

    with pytest.raises(ReadError, match=r"is a \.raw file without a header"):
        read_header(path)


@pytest.mark.parametrize(("number", "name"), [(9, "GoPro VC-5")])
def test_a_coding_that_libraw_lacks_is_named_and_the_file_is_not_called_damaged(
    tmp_path, number, name
):
    content = bytearray(mosaic_files.dng(noise()))
    entry = content.index(struct.pack("<HHIH", 259, 3, 1, 1))
    content[entry + 8 : entry + 10] = struct.pack("<H", number)

    with pytest.raises(ReadError, match=f"is coded as {name}, which LibRaw does not read"):
        read_frame(read_header(saved(tmp_path, bytes(content), "a.dng")))


@pytest.mark.parametrize(("number", "name"), [(13, "High Efficiency"), (14, "High Efficiency*")])
def test_nikons_high_efficiency_is_named_apart_from_other_codings(tmp_path, number, name):
    field = struct.pack("<HHII", 0x0093, 3, 1, number)
    note = b"Nikon\0\2\x11\0\0" + b"II*\0" + struct.pack("<IH", 8, 1) + field + bytes(4)
    content = bytearray(mosaic_files.dng(noise(), extra=[(37500, "B", len(note), note, True)]))
    entry = content.index(struct.pack("<HHIH", 259, 3, 1, 1))
    content[entry + 8 : entry + 10] = struct.pack("<H", 34713)

    with pytest.raises(ReadError) as refused:
        read_frame(read_header(saved(tmp_path, bytes(content), "a.nef")))

    assert f"is coded as Nikon's {name}, which LibRaw does not read" in refused.value.reason


@pytest.mark.real
@needs_real
def test_real_files_name_their_body_and_their_coding():
    sensor = read_header(REAL / "crw" / "CRW.CRW").sensor

    assert (sensor.make, sensor.model, sensor.serial) == ("Canon", "Canon EOS D30", "305465770")
    with pytest.raises(ReadError, match="GoPro VC-5"):
        read_header(REAL / "gpr" / "GPBK7066.GPR")

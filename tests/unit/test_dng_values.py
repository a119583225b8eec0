"""Values of a DNG's mosaic replaced: read back by LibRaw and tifffile, all else byte for byte."""

from __future__ import annotations

import struct
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import rawpy
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from stillpix.errors import ReadError, WriteError
from stillpix.images.directories import BrokenStructureError
from stillpix.rewriting.dng import mosaic_values
from stillpix.rewriting.dng.lossless_jpeg import Tile, lossless_decoded, lossless_encoded
from stillpix.rewriting.dng.mosaic_values import with_values
from stillpix.rewriting.patch import Patch
from support import mosaic_files, tiffs
from support.effort import some

NAME = Path("photo.dng")
HEIGHT, WIDTH = 64, 96


def mosaic(bits=16, seed=1, width=WIDTH):
    rng = np.random.default_rng(seed)
    return rng.integers(0, (1 << bits) - 1, (HEIGHT, width), np.uint16, endpoint=True)


def patches(bits=16, seed=2, width=WIDTH):
    """Return new values here and there, in the corners and over the edges of tiles too."""
    rng, found = np.random.default_rng(seed), []
    corners = [(0, 0), (0, width - 3), (HEIGHT - 2, 0), (HEIGHT - 2, width - 3), (15, 15), (31, 47)]
    for y, x in [
        *corners,
        *((rng.integers(0, HEIGHT - 2), rng.integers(0, width - 3)) for _ in range(4)),
    ]:
        pixels = rng.integers(0, (1 << bits) - 1, (2, 3), np.uint16, endpoint=True)
        found.append(Patch(int(x), int(y), pixels, rng.random((2, 3)) < 0.7))
    return found


def patched(pixels, new):
    wanted = pixels.copy()
    for patch in new:
        for row, column in np.argwhere(patch.where):
            wanted[patch.y + row, patch.x + column] = patch.pixels[row, column]
    return wanted


def by_libraw(content):
    with rawpy.RawPy() as raw:
        raw.open_buffer(BytesIO(content))
        raw.unpack()
        return raw.raw_image.copy()


def by_tifffile(content):
    return next(page for page in tiffs.pages_in(content) if page.photometric != 1).asarray()


def changed_bytes(before, after):
    old, new = (np.frombuffer(each, np.uint8, len(before)) for each in (before, after))
    return np.flatnonzero(old != new)


def spans(content):
    page = next(tiffs.pages_in(content))
    return list(zip(page.dataoffsets, page.databytecounts, strict=True))


def packed_dng(pixels, bits, order):
    """Return a DNG of rows of bits without gaps, the highest first."""
    rows = ["".join(f"{value:0{bits}b}" for value in row) for row in pixels.tolist()]
    stored = b"".join(int(row, 2).to_bytes(len(row) // 8, "big") for row in rows)
    file = tiffs.Layout(order)
    tags = tiffs.mosaic_tags(order, pixels, file.put(stored)) | {
        258: tiffs.short(order, bits), 279: tiffs.long(order, len(stored)),
        50706: (1, 4, bytes((1, 4, 0, 0))),
    }  # fmt: skip
    start, _ = file.directory(tags)
    file.point(file.first, start)
    return bytes(file.bytes)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("cut", [{}, {"rowsperstrip": 7}, {"tile": (16, 32)}])
def test_uncompressed_values_are_replaced_in_place(order, bits, cut):
    pixels, new = mosaic(bits), patches(bits)
    stored = pixels.astype(np.uint8) if bits == 8 else pixels
    options = cut | ({"bitspersample": bits} if bits not in {8, 16} else {})
    before = mosaic_files.dng(stored, white=(1 << bits) - 1, byteorder=order, **options)
    if order == ">" and bits not in {8, 16}:
        before = packed_dng(pixels, bits, order)  # tifffile swaps bytes before it packs
    assert np.array_equal(by_libraw(before), pixels)

    after = with_values(before, NAME, new)

    wanted = patched(pixels, new)
    assert np.array_equal(by_libraw(after), wanted)
    assert len(after) == len(before)
    inside = [(at, at + size) for at, size in spans(before)]
    assert all(any(a <= n < b for a, b in inside) for n in changed_bytes(before, after).tolist())
    assert with_values(after, NAME, new) is after
    assert tiffs.told(after) == tiffs.told(before)
    if bits in {8, 16}:
        assert np.array_equal(by_tifffile(after), wanted)


@pytest.mark.slow
@pytest.mark.parametrize("bits", [10, 12, 14])
def test_a_packed_value_changes_no_neighbour(bits):
    """Every position in the pattern of bytes, of all ones and of all zeros."""
    full = (1 << bits) - 1
    for x in range(9):
        for old, value in ((full, 0), (0, full), (full, full >> 1), (0, 1)):
            pixels = np.full((HEIGHT, WIDTH), old, np.uint16)
            before = mosaic_files.dng(pixels, white=full, bitspersample=bits)
            dot = Patch(x, 3, np.array([[value]], np.uint16), np.ones((1, 1), bool))
            pixels[3, x] = value
            assert np.array_equal(by_libraw(with_values(before, NAME, [dot])), pixels)


def jpeg_dng(pixels, bits, *, components=2, predictor=1, tile=(32, 32), order="<"):
    """Return a DNG of lossless JPEG tiles by the tests' own encoder."""
    rows, columns = tile
    height, width = pixels.shape
    padded = np.pad(pixels, ((0, -height % rows), (0, -width % columns)), mode="edge")
    tiles = [
        tiffs.lossless_jpeg(
            padded[y : y + rows, x : x + columns].reshape(rows, columns // components, components),
            bits, predictor,
        )
        for y in range(0, height, rows)
        for x in range(0, width, columns)
    ]  # fmt: skip
    file = tiffs.Layout(order)
    starts = [file.put(each) for each in tiles]
    tags = tiffs.mosaic_tags(order, pixels, 0)
    for code in (273, 278, 279):
        del tags[code]
    tags |= {
        259: tiffs.short(order, 7), 322: tiffs.long(order, columns), 323: tiffs.long(order, rows),
        324: tiffs.long(order, *starts), 325: tiffs.long(order, *map(len, tiles)),
        50706: (1, 4, bytes((1, 4, 0, 0))), 50708: (2, 4, b"One\0"),
        50717: tiffs.long(order, (1 << bits) - 1),
        50721: (10, 9, struct.pack(f"{order}18i", *(1, 1, 0, 1, 0, 1), *(0, 1, 1, 1, 0, 1),
                                   *(0, 1, 0, 1, 1, 1))),
    }  # fmt: skip
    start, _ = file.directory(tags)
    file.point(file.first, start)
    return bytes(file.bytes)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("bits", "components", "predictor"),
    [(14, 2, 1), (14, 1, 1), (16, 2, 6), (12, 1, 6), (12, 4, 1)],
)
def test_of_lossless_jpeg_only_tiles_with_a_new_value_are_packed_anew(
    order, bits, components, predictor
):
    pixels = mosaic(bits)
    before = jpeg_dng(pixels, bits, components=components, predictor=predictor, order=order)
    assert np.array_equal(by_libraw(before), pixels)
    new = patches(bits)[:1]

    after = with_values(before, NAME, new)

    wanted = patched(pixels, new)
    assert np.array_equal(by_libraw(after), wanted)
    assert np.array_equal(by_tifffile(after), wanted)
    assert spans(after)[1:] == spans(before)[1:]
    assert spans(after)[0][0] >= len(before)
    assert spans(after)[0][0] % 2 == 0
    assert len(changed_bytes(before, after)) <= 8  # one offset, one byte count
    told, kept = tiffs.told(after)[0], tiffs.told(before)[0]
    assert {code for code in kept if told[code] != kept[code]} == {324, 325}
    assert with_values(after, NAME, new) is after


def test_all_tiles_may_change_and_the_edges_beyond_the_frame_stay():
    pixels = mosaic(14, width=90)
    before, new = jpeg_dng(pixels, 14), patches(14, width=90)

    after = with_values(before, NAME, new)

    assert np.array_equal(by_libraw(after), patched(pixels, new))


def test_a_mosaic_below_a_preview_is_replaced():
    pixels, new = mosaic(), patches()
    before = tiffs.laid_out(pixels, place="last below", others=({},), order=">")

    after = with_values(before, NAME, new)

    wanted = pixels.copy()
    assert np.array_equal(
        next(page.asarray() for page in tiffs.pages_in(after) if page.photometric == 32803),
        patched(wanted, new),
    )


def test_codes_of_a_linearisation_table_are_the_nearest():
    curve = (np.arange(256) ** 2 // 16).astype(np.uint16)
    codes = mosaic(8).astype(np.uint8)
    table = (50712, "H", 256, tuple(curve.tolist()), True)
    before = mosaic_files.dng(codes, white=4064, extra=[table])
    assert np.array_equal(by_libraw(before), curve[codes])
    new = patches(12)

    after = with_values(before, NAME, new)

    wanted = codes.copy()
    for patch in new:
        for row, column in np.argwhere(patch.where):
            distance = np.abs(curve.astype(int) - int(patch.pixels[row, column]))
            here = by_tifffile(after)[patch.y + row, patch.x + column]
            assert distance[here] == distance.min()
            wanted[patch.y + row, patch.x + column] = here
    assert np.array_equal(by_tifffile(after), wanted)
    assert with_values(after, NAME, new) is after


@pytest.mark.parametrize("place", ["first", "alone below"])
def test_digests_of_the_pixels_as_they_were_are_left_out(place):
    digests = {
        50781: (1, 16, bytes(range(16))),
        50972: (1, 16, b"d" * 16),
        51111: (1, 16, b"n" * 16),
    }
    before = tiffs.laid_out(mosaic(), place=place, more=digests)

    after = with_values(before, NAME, patches())

    told, kept = tiffs.told(after), tiffs.told(before)
    assert digests.keys() & kept[0].keys() == digests.keys()
    assert told == [
        {code: value for code, value in page.items() if code not in digests} for page in kept
    ]
    assert with_values(before, NAME, []) is before


# What is refused


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (
            {259: tiffs.short("<", 8)},
            "is a DNG of deflate compression, whose values are not replaced",
        ),
        ({259: tiffs.short("<", 34892)}, "is a DNG of lossy JPEG compression"),
        ({259: tiffs.short("<", 52546)}, "is a DNG of JPEG XL compression"),
        ({259: tiffs.short("<", 99)}, r"is a DNG of unknown \(99\) compression"),
        ({258: tiffs.short("<", 11)}, "is a DNG of 11-bit values"),
        ({277: tiffs.short("<", 2)}, "is a DNG of 2 samples a pixel"),
        ({339: tiffs.short("<", 3)}, "is a DNG of signed or floating-point values"),
        ({266: tiffs.short("<", 2)}, "is a DNG of bytes of reversed bits"),
        ({317: tiffs.short("<", 2)}, "is a DNG of values less their neighbours"),
        ({50975: tiffs.long("<", 2)}, "is a DNG of interleaved rows"),
    ],
)
def test_what_cannot_be_written_without_loss_is_refused_with_the_remedy(tags, words):
    before = tiffs.laid_out(mosaic(), extra=tags)

    with pytest.raises(ReadError, match=words) as caught:
        with_values(before, NAME, patches())
    assert "list its broken pixels in the file instead" in caught.value.reason


def test_a_lossy_tile_is_refused():
    before = jpeg_dng(mosaic(14), 14)
    at = before.index(b"\xff\xc3")
    lossy = before[:at] + b"\xff\xc0" + before[at + 2 :]

    with pytest.raises(ReadError, match="is a DNG of lossy JPEG tiles"):
        with_values(lossy, NAME, patches(14)[:1])


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({273: tiffs.long("<", 1 << 30)}, "points past its own end"),
        ({278: tiffs.long("<", 2)}, "holds fewer pixels than it claims"),
        ({279: tiffs.long("<", 9)}, "holds fewer pixels than it claims"),
        ({278: tiffs.long("<", 0)}, "strips or tiles of impossible size"),
        ({322: tiffs.long("<", 1 << 30), 323: tiffs.long("<", 1 << 30),
          324: tiffs.long("<", 8), 325: tiffs.long("<", 9)}, "strips or tiles of impossible size"),
        ({50712: tiffs.short("<", 9, 5)}, "linearisation table that does not rise"),
        ({50712: tiffs.short("<", 9)}, "linearisation table that does not rise"),
        ({273: (2, 4, b"abc\0")}, "in no whole numbers"),
    ],
)  # fmt: skip
def test_a_damaged_dng_is_refused(tags, words):
    before = tiffs.laid_out(mosaic(), extra=tags)

    with pytest.raises(ReadError, match=f"DNG that cannot be changed, .*: it .*{words}"):
        with_values(before, NAME, patches())


def test_a_tile_of_another_size_or_damaged_is_refused():
    before = jpeg_dng(mosaic(14), 14)
    at = before.index(b"\xff\xc3")
    wider = before[: at + 7] + struct.pack(">H", 17) + before[at + 9 :]
    no_frame = before[:at] + b"\xff\xfe" + before[at + 2 :]
    no_jpeg = before.replace(b"\xff\xd8", b"\0\0")

    for content, words in (
        (wider, "another size"),
        (no_frame, "frame header"),
        (no_jpeg, "no JPEG"),
    ):
        with pytest.raises(ReadError, match=words):
            with_values(content, NAME, patches(14)[:1])


def test_strips_that_share_their_bytes_are_not_changed_in_place():
    pixels = mosaic()
    file = tiffs.Layout()
    start = file.put(pixels[:32].tobytes())
    tags = tiffs.mosaic_tags("<", pixels, start) | {
        273: tiffs.long("<", start, start), 278: tiffs.long("<", 32),
        279: tiffs.long("<", 32 * WIDTH * 2, 32 * WIDTH * 2), 50706: (1, 4, bytes((1, 4, 0, 0))),
    }  # fmt: skip
    first, _ = file.directory(tags)
    file.point(file.first, first)

    with pytest.raises(ReadError, match="strips or tiles share bytes"):
        with_values(bytes(file.bytes), NAME, patches())


def test_a_value_beyond_the_depth_becomes_the_most_that_the_file_holds():
    before = mosaic_files.dng(mosaic(12), white=65535, bitspersample=12)
    bright = Patch(1, 1, np.array([[4096]], np.uint16), np.ones((1, 1), bool))

    assert by_libraw(with_values(before, NAME, [bright]))[1, 1] == 4095


def test_a_patch_beyond_the_frame_is_refused():
    outside = Patch(WIDTH, 1, np.array([[9]], np.uint16), np.ones((1, 1), bool))

    with pytest.raises(ValueError, match="outside the frame"):
        with_values(mosaic_files.dng(mosaic()), NAME, [outside])


def test_a_result_that_changed_more_is_not_handed_out(monkeypatch):
    original = mosaic_values._in_place

    def careless(content, layout, changed, path):
        after = bytearray(original(content, layout, changed, path))
        after[layout.starts[0] + 5] ^= 1
        return bytes(after)

    monkeypatch.setattr(mosaic_values, "_in_place", careless)

    with pytest.raises(WriteError, match="beyond the replaced values, so nothing was written"):
        with_values(mosaic_files.dng(mosaic()), NAME, patches()[1:])


def test_a_tile_goes_to_an_even_place_behind_an_odd_end():
    before = jpeg_dng(mosaic(14), 14) + b"!"
    before += b"!" * (1 - len(before) % 2)

    assert spans(with_values(before, NAME, patches(14)[:1]))[0][0] % 2 == 0


def test_a_result_with_another_byte_outside_its_strips_is_not_handed_out(monkeypatch):
    original = mosaic_values._in_place

    def careless(content, *arguments):
        return original(content, *arguments).replace(b"Acme One", b"Acme Two")

    monkeypatch.setattr(mosaic_values, "_in_place", careless)

    with pytest.raises(WriteError, match="beyond the replaced values"):
        with_values(mosaic_files.dng(mosaic()), NAME, patches())


@settings(max_examples=some(60))
@given(st.integers(2, 16), st.integers(1, 20), st.integers(1, 30), st.integers(0, 1 << 30))
def test_any_tile_is_packed_without_loss(bits, rows, columns, seed):
    values = np.random.default_rng(seed).integers(
        0, (1 << bits) - 1, (rows, columns), np.uint16, endpoint=True
    )

    packed = lossless_encoded(Tile(values, bits), NAME)

    assert np.array_equal(lossless_decoded(packed, rows, columns, NAME).pixels, values)


@settings(max_examples=some(100))
@given(st.data())
def test_a_damaged_tile_is_decoded_or_refused(data):
    whole = bytearray(tiffs.lossless_jpeg(mosaic(12)[:8, :12].reshape(8, 6, 2), 12))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(whole[: data.draw(st.integers(0, len(whole)))])

    with suppress(BrokenStructureError, ReadError):
        assert lossless_decoded(content, 8, 12, NAME).pixels.shape == (8, 12)


def test_tifffile_reads_what_the_tests_own_encoder_packs():
    pixels = mosaic(14)

    with tifffile.TiffFile(BytesIO(jpeg_dng(pixels, 14))) as file:
        assert np.array_equal(file.pages[0].asarray(), pixels)


@pytest.mark.slow
@settings(max_examples=some(200))
@given(st.sampled_from("<>"), st.booleans(), st.sampled_from(["first", "last below"]), st.data())
def test_damage_of_any_kind_is_refused_in_one_line_or_survived(order, big, place, data):
    whole = bytearray(tiffs.laid_out(mosaic(), order=order, big=big, place=place, others=({},)))
    directories = st.one_of(st.integers(0, 20), st.integers(len(whole) - 900, len(whole) - 1))
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(directories)] = data.draw(st.sampled_from([0, 1, 3, 4, 5, 12, 255]))
    end = data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))

    try:
        with_values(bytes(whole[:end]), NAME, patches()[1:2])
    except (ReadError, WriteError) as error:
        assert "\n" not in str(error)
    except ValueError as error:
        assert "outside the frame" in str(error)

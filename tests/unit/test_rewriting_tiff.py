"""Pixels of a TIFF are replaced, and nothing else in its file is another than it was."""

from __future__ import annotations

import itertools
import struct
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stillpix.errors import ReadError
from stillpix.rewriting import tiff as tiff_rewriting
from stillpix.rewriting.patch import Patch
from stillpix.rewriting.tiff import rewritten
from support import costs, photos
from support.effort import some, spread
from support.tiffs import damaged

NAME = Path("photo.tif")
PACKED = ("lzw", "deflate", "adobe_deflate", "packbits", "zstd", "lzma")
NOTES = [(34675, "B", 300, b"any profile " * 25, False), (37500, "B", 40, b"my note " * 5, True)]
CUTS = [
    {"planarconfig": planes, **cut}
    for planes in ("contig", "separate")
    for cut in ({}, {"rowsperstrip": 7}, {"tile": (16, 48)}, {"tile": (32, 16)})
]


def picture_of(channels, *, deep=False, width=41, height=35) -> np.ndarray:
    three = photos.scene(width, height, deep=deep)
    return np.concatenate([three, three[..., :1]], axis=-1)[..., :channels].copy()


def written(writer: tifffile.TiffWriter, samples: np.ndarray, **options) -> None:
    """Write a page of (height, width, samples), in planes if the options say so."""
    channels, grey = samples.shape[2], samples.shape[2] < 3
    options.setdefault("photometric", "minisblack" if grey else "rgb")
    if channels in {2, 4}:
        options["extrasamples"] = ["unassalpha"]
    if channels == 1:
        samples = samples[..., 0]
        options.pop("planarconfig", None)
    elif options.get("planarconfig") == "separate":
        samples = np.moveaxis(samples, -1, 0)
    else:
        options["planarconfig"] = "contig"
    writer.write(np.ascontiguousarray(samples), metadata=None, extratags=NOTES, **options)


def tiff_of(samples, *, bigtiff=False, byteorder="<", **options) -> bytes:
    file = BytesIO()
    with tifffile.TiffWriter(file, bigtiff=bigtiff, byteorder=byteorder) as writer:
        written(writer, samples, **options)
    return file.getvalue()


def pages_in(file: tifffile.TiffFile) -> list[tifffile.TiffPage]:
    return [*file.pages, *(below for page in file.pages for below in page.pages or ())]


def pages_of(content: bytes) -> list[np.ndarray]:
    """Return the samples of all pages and of what hangs below them."""
    with tifffile.TiffFile(BytesIO(content)) as file:
        return [page.asarray() for page in pages_in(file)]


def samples_of(content: bytes, page: int = 0) -> np.ndarray:
    """Return one page's samples, (height, width, samples)."""
    picture = np.atleast_3d(pages_of(content)[page])
    return np.moveaxis(picture, 0, -1) if picture.shape[0] < 5 else picture


def patch_at(x: int, y: int, pixels: np.ndarray, where: np.ndarray | None = None) -> Patch:
    return Patch(x, y, pixels, np.ones(pixels.shape[:2], bool) if where is None else where)


def random_patches(samples: np.ndarray, seed: int) -> list[Patch]:
    """Return patches at random, over edges and over each other."""
    rng, (height, width, channels) = np.random.default_rng(seed), samples.shape
    full, patches = np.iinfo(samples.dtype).max, []
    for _ in range(rng.integers(1, 6)):
        rows, columns = rng.integers(1, 7, 2)
        y = np.clip(rng.integers(-9, height + 9), 0, height - rows)
        x = np.clip(rng.integers(-9, width + 9), 0, width - columns)
        shape = (rows, columns, 3) if channels > 2 else (rows, columns)
        pixels = rng.integers(0, full, shape, samples.dtype, endpoint=True)
        patches.append(Patch(int(x), int(y), pixels, rng.random((rows, columns)) < 0.5))
    return patches


def patched(samples: np.ndarray, patches: list[Patch], *, inverted: bool = False) -> np.ndarray:
    """Return the samples that are meant, pixel by pixel."""
    picture, full = samples.copy(), np.iinfo(samples.dtype).max
    for patch in patches:
        for row, column in np.argwhere(patch.where):
            new = np.atleast_1d(patch.pixels[row, column])
            picture[patch.y + row, patch.x + column, : len(new)] = full - new if inverted else new
    return picture


def where_stored(page: tifffile.TiffPage, y: int, x: int, sample: int) -> int:
    """Return the offset of one uncompressed sample."""
    separate = page.planarconfig == 2 and page.samplesperpixel > 1
    across = page.tilewidth if page.is_tiled else page.imagewidth
    down = page.tilelength if page.is_tiled else page.rowsperstrip
    beside, below = -(-page.imagewidth // across), -(-page.imagelength // down)
    segment = y // down * beside + x // across + (sample * beside * below if separate else 0)
    step, inside = (1, 0) if separate else (page.samplesperpixel, sample)
    at = ((y % down) * across + x % across) * step + inside
    return page.dataoffsets[segment] + at * page.bitspersample // 8


def with_samples(content: bytes, new: np.ndarray, place: int = 0) -> bytes:
    """Return an uncompressed file with samples overwritten one by one where they differ."""
    expected, old = bytearray(content), samples_of(content, place)
    with tifffile.TiffFile(BytesIO(content)) as file:
        page, order = file.pages[place], {"<": "little", ">": "big"}[file.byteorder]
        for y, x, sample in np.argwhere(old != new):
            at = where_stored(page, int(y), int(x), int(sample))
            expected[at : at + new.itemsize] = int(new[y, x, sample]).to_bytes(new.itemsize, order)
    return bytes(expected)


def spans_of(content: bytes, place: int = 0) -> list[tuple[int, int]]:
    """Return where each strip or tile is, and how long."""
    with tifffile.TiffFile(BytesIO(content)) as file:
        page = file.pages[place]
        return list(zip(page.dataoffsets, page.databytecounts, strict=True))


def assert_the_rest_is_kept(content: bytes, after: bytes, place: int = 0) -> None:
    """Hold that only changed strips or tiles, and the lists of where they are, are written."""
    with tifffile.TiffFile(BytesIO(content)) as old, tifffile.TiffFile(BytesIO(after)) as new:
        pages = old.pages[place], new.pages[place]
        tags = [tag for tag in pages[0].tags if tag.code in {273, 279, 324, 325}]
        free = [(tag.valueoffset, tag.valuebytecount) for tag in tags]
        parts = [[part for part, *_ in page.segments(maxworkers=1)] for page in pages]
    parts += [spans_of(content, place), spans_of(after, place)]
    for before, here, was, now in zip(*parts, strict=True):
        if np.array_equal(before, here):
            assert now == was
        else:
            free.append(was)
            assert now[0] < len(content) or now[0] % 2 == 0
    for start, length in free:
        content = content[:start] + after[start : start + length] + content[start + length :]
    assert after.startswith(content)


def with_values(content: bytes, page: int, code: int, values: list[int]) -> bytes:
    """Return a file with the values of one tag overwritten where they are."""
    changed = bytearray(content)
    with tifffile.TiffFile(BytesIO(content)) as file:
        tag = pages_in(file)[page].tags[code]
        form = file.byteorder + str(tag.count) + {3: "H", 4: "I", 16: "Q"}[int(tag.dtype)]
        struct.pack_into(form, changed, tag.valueoffset, *values)
    return bytes(changed)


heads = st.fixed_dictionaries({"byteorder": st.sampled_from("<>"), "bigtiff": st.booleans()})
sizes = {"width": st.integers(32, 45), "height": st.integers(32, 37)}
pictures = st.builds(picture_of, st.sampled_from([3, 1, 4, 2]), deep=st.booleans(), **sizes)


# --- What is replaced, and what stays


@pytest.mark.slow
@pytest.mark.parametrize("cut", CUTS, ids=str)
@settings(max_examples=some(20))
@given(before=pictures, head=heads, seed=st.integers(0, 2**32), white=st.booleans())
def test_of_an_uncompressed_file_the_bytes_of_patched_samples_change_and_no_others(
    cut, before, head, seed, white
):
    inverted = white and before.shape[2] == 1
    photometric = {"photometric": "miniswhite"} if inverted else {}
    content, patches = tiff_of(before, **cut, **head, **photometric), random_patches(before, seed)

    after = rewritten(content, NAME, patches)

    assert after == with_samples(content, patched(before, patches, inverted=inverted))
    assert rewritten(after, NAME, patches) is after


@pytest.mark.slow
@pytest.mark.parametrize(("packing", "cut"), spread(PACKED, CUTS), ids=str)
@settings(max_examples=some(6))
@given(before=pictures, head=heads, seed=st.integers(0, 2**32), predictor=st.booleans())
def test_of_a_packed_file_exactly_the_patched_pixels_and_the_strips_they_are_in_change(
    cut, packing, before, head, seed, predictor
):
    predictor = predictor and packing != "packbits"
    content = tiff_of(before, compression=packing, predictor=predictor, **cut, **head)
    patches = random_patches(before, seed)

    after = rewritten(content, NAME, patches)

    assert np.array_equal(samples_of(after), patched(before, patches))
    assert rewritten(after, NAME, patches) is after
    assert rewritten(content, NAME, patches) == after
    assert_the_rest_is_kept(content, after)


@pytest.mark.parametrize("byteorder", "<>")
@pytest.mark.parametrize("options", [{}, {"compression": "lzw", "predictor": True}])
def test_other_pages_and_previews_keep_their_samples_and_tags(options, byteorder):
    before, file = picture_of(3, deep=True), BytesIO()
    with tifffile.TiffWriter(file, byteorder=byteorder) as writer:
        written(writer, before[::2, ::2], subfiletype=1, **options)
        written(writer, before, subifds=1, **options)
        written(writer, before[::2, ::2], subfiletype=1, **options)
        written(writer, 65535 - before, **options)
    content, patches = file.getvalue(), random_patches(before, 1)

    after = rewritten(content, NAME, patches)

    old, new = pages_of(content), pages_of(after)
    same = [np.array_equal(*each) for each in zip(old, new, strict=True)]
    assert same == [True, False, True, True]
    assert np.array_equal(new[1], patched(before, patches))
    assert_the_rest_is_kept(content, after, 1)
    if not options:
        assert after == with_samples(content, patched(before, patches), 1)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("packing", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_pillow_reads_the_new_pixels_and_the_old_tags_of_its_own_files(mode, packing):
    deep = Image.fromarray(photos.scene(deep=True)[..., 1])
    image = deep if mode == deep.mode else Image.fromarray(photos.scene()).convert(mode)
    predictor = {317: 2} if packing in {"tiff_lzw", "tiff_adobe_deflate"} else {}
    tags = {"tiffinfo": {**predictor, 270: "a text"}, "icc_profile": b"a profile"}
    content = photos.encoded(image, "TIFF", compression=packing, **tags)
    before = np.array(image).reshape(47, 61, -1)
    patches = random_patches(before, 2)

    with Image.open(BytesIO(content)) as old:
        tags = dict(old.tag_v2)
    with Image.open(BytesIO(rewritten(content, NAME, patches))) as new:
        assert np.array_equal(np.array(new).reshape(before.shape), patched(before, patches))
        assert {tag for tag in tags if tags[tag] != new.tag_v2[tag]} <= {273, 279}


@pytest.mark.parametrize("packing", [None, "lzw"])
def test_no_patches_and_those_that_change_nothing_give_the_content_itself(packing):
    before = picture_of(3)
    content = tiff_of(before, compression=packing, rowsperstrip=5)
    other = patch_at(0, 0, 255 - before[:4, :4], np.zeros((4, 4), bool))

    assert rewritten(content, NAME, [patch_at(9, 8, before[8:12, 9:13]), other]) is content
    assert rewritten(content[:9], NAME, []) == content[:9]


# --- Where changed strips go


NOISE = [patch_at(2, 1, np.random.default_rng(4).integers(0, 256, (3, 30), np.uint8))]
FLAT, COLOURS = np.full((40, 40, 1), 77, np.uint8), picture_of(3)


def test_a_strip_that_fits_stays_in_its_place():
    content = tiff_of(picture_of(1), compression="lzw", rowsperstrip=7)

    after = rewritten(content, NAME, [patch_at(1, 1, np.full((4, 30), 77, np.uint8))])

    (old, *others), (new, *rest) = spans_of(content), spans_of(after)
    assert (len(after), new[0], rest) == (len(content), old[0], others)


def test_rows_that_a_strip_holds_below_the_picture_are_kept():
    before = picture_of(3, height=48)
    whole = tiff_of(before, compression="lzw", predictor=2, rowsperstrip=16)
    patches = [patch_at(5, 34, 255 - before[34:38, 5:9])]

    after = rewritten(with_values(whole, 0, 257, [40]), NAME, patches)

    assert np.array_equal(samples_of(with_values(after, 0, 257, [48])), patched(before, patches))


def test_pixels_that_follow_the_head_of_the_file_stay_there():
    content = by_hand(1, FLAT.tobytes())

    assert rewritten(content, NAME, NOISE) == with_samples(content, patched(FLAT, NOISE))


def test_a_strip_that_does_not_fit_goes_to_the_end_at_an_even_offset():
    content = tiff_of(FLAT, compression="lzw", rowsperstrip=10) + b"x"
    content += b"y" * (1 - len(content) % 2)  # of odd length

    after = rewritten(content, NAME, NOISE)

    assert spans_of(after)[0][0] == len(content) + 1
    assert spans_of(after)[1:] == spans_of(content)[1:]


def test_the_last_strip_of_a_file_grows_where_it_is():
    content = tiff_of(FLAT, compression="lzw")

    after = rewritten(content, NAME, NOISE)

    ((start, length),) = spans_of(after)
    assert start == spans_of(content)[0][0]
    assert start + length == len(after) > len(content)


def test_places_that_strips_leave_are_taken_by_others():
    rng = np.random.default_rng(1)
    before = rng.integers(0, 9, (200, 300, 1), np.uint8)
    content = tiff_of(before, compression="deflate", rowsperstrip=4)
    patches = [patch_at(50, 4 * at, rng.integers(0, 9, (2, 2), np.uint8)) for at in range(50)]

    after = rewritten(content, NAME, patches)

    assert np.array_equal(samples_of(after), patched(before, patches))
    old, new = spans_of(content), spans_of(after)
    moved = {here for (here, _), (there, _) in zip(new, old, strict=True) if here != there}
    assert moved & {start for start, _ in old}
    assert all(a + length <= b for (a, length), (b, _) in itertools.pairwise(sorted(new)))


def two_pages(*, subifds: int = 0, **options) -> tuple[np.ndarray, bytes]:
    before, file = picture_of(3), BytesIO()
    with tifffile.TiffWriter(file) as writer:
        written(writer, before, rowsperstrip=9, subifds=subifds, **options)
        written(writer, before, rowsperstrip=9, **options)
    starts, lengths = map(list, zip(*spans_of(file.getvalue()), strict=True))
    return before, with_values(with_values(file.getvalue(), 1, 273, starts), 1, 279, lengths)


@pytest.mark.parametrize("subifds", [0, 1])
@pytest.mark.parametrize("packing", [None, "lzw", "packbits"])
def test_a_page_that_shares_its_pixels_with_the_changed_one_keeps_them(packing, subifds):
    before, content = two_pages(compression=packing, subifds=subifds)
    patches = random_patches(before, 3)

    after = rewritten(content, NAME, patches)

    assert np.array_equal(samples_of(after, 0), patched(before, patches))
    assert np.array_equal(samples_of(after, 1), before)


@pytest.mark.parametrize("packing", [None, "zstd"])
def test_tiles_that_share_their_bytes_with_a_changed_one_keep_them(packing):
    before = np.tile(picture_of(3)[:16, :16], (3, 3, 1))
    content = tiff_of(before, tile=(16, 16), compression=packing)
    (start, length), *_ = spans_of(content)
    shared = with_values(with_values(content, 0, 324, [start] * 9), 0, 325, [length] * 9)
    patches = [patch_at(20, 20, before[1:4, 1:4])]

    assert np.array_equal(samples_of(rewritten(shared, NAME, patches)), patched(before, patches))


def test_pages_that_share_their_list_of_offsets_are_refused():
    before, content = two_pages()
    with tifffile.TiffFile(BytesIO(content)) as file:
        first, second = (page.tags[273] for page in file.pages)
    changed = bytearray(content)
    struct.pack_into("<I", changed, second.offset + 8, first.valueoffset)

    assert "share one list of offsets" in refusal(bytes(changed), random_patches(before, 3))


def test_a_tag_whose_values_lie_among_the_pixels_keeps_them():
    content = bytearray(tiff_of(COLOURS, rowsperstrip=9))
    with tifffile.TiffFile(BytesIO(content)) as file:
        tag, start = file.pages[0].tags[34675], file.pages[0].dataoffsets[0]
    content[tag.offset + 8 : tag.offset + 12] = struct.pack("<I", start + 50)
    patches = [patch_at(20, 1, 255 - COLOURS[1:4, 20:30])]

    after = rewritten(bytes(content), NAME, patches)

    assert np.array_equal(samples_of(after), patched(COLOURS, patches))
    assert after[start : start + 350] == content[start : start + 350]


# --- What is refused


def refusal(content: bytes, patches: list[Patch] | None = None) -> str:
    with pytest.raises(ReadError) as caught:
        rewritten(content, NAME, patches or NOISE)
    assert str(caught.value).startswith("photo.tif: ")
    assert ("\n" in caught.value.reason, "; " in caught.value.reason) == (False, True)
    return caught.value.reason


def by_hand(packing: int, packed: bytes, *more: tuple, kind: int = 4, gap: int = 0) -> bytes:
    """Return a grey 40x40 TIFF in one strip behind a gap, its offset of a field type."""
    offset = struct.pack({3: "<H", 4: "<I", 5: "<II"}[kind], *((8, 1) if kind == 5 else (8,)))
    fields = [
        (256, 3, 1, struct.pack("<H", 40)), (257, 3, 1, struct.pack("<H", 40)),
        (258, 3, 1, b"\x08\0"), (259, 3, 1, struct.pack("<H", packing)), (262, 3, 1, b"\1\0"),
        (273, kind, 1, offset), (279, 4, 1, struct.pack("<I", len(packed))), *more,
    ]  # fmt: skip
    where = 8 + len(packed) + gap
    directory = photos.directory(fields, where)
    return b"II*\0" + struct.pack("<I", where) + packed + bytes(gap) + directory


PACKED_FLAT = imagecodecs.lzw_encode(FLAT.tobytes())
REFUSED = (
    (photos.encoded(Image.fromarray(COLOURS).quantize(16), "TIFF"), "a palette"),
    (photos.encoded(Image.fromarray(COLOURS), "TIFF", compression="jpeg"), "JPEG compression"),
    (tiff_of(COLOURS, compression="webp"), "WebP compression"),
    (tiff_of(COLOURS, compression="png"), "unknown (34933)"),
    (by_hand(1, FLAT.tobytes(), (317, 3, 1, b"\2\0")), "predictor 2"),
    (with_values(tiff_of(COLOURS, compression="lzw", predictor=2), 0, 317, [3]), "predictor 3"),
    (by_hand(1, FLAT.tobytes(), (266, 3, 1, b"\2\0")), "reversed bits"),
    (by_hand(5, b"\0\1" + bytes(99)), "LZW compression of before 1992"),
    (by_hand(1, FLAT.tobytes(), kind=5), "names impossible places for its pixels"),
    (by_hand(5, PACKED_FLAT, kind=3, gap=70_000), "in 16 bits"),
    (by_hand(5, PACKED_FLAT, (513, 4, 1, bytes(4))), "does not say how long"),
    (by_hand(5, PACKED_FLAT, (513, 4, 1 << 21, bytes(4))), "more strips and tiles than"),
    (photos.tiff(COLOURS[..., 0] > 99), "1-bit"),
    (photos.tiff(photometric="rgb", extratags=[(50706, "B", 4, b"\1\4\0\0", False)]), "RAW"),
    (tiff_of(COLOURS)[:-500], "is cut short"),
    (photos.png(), "damaged or cut short"),
    (b"", "damaged or cut short"),
)


@pytest.mark.parametrize(("content", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_what_is_not_rewritten_is_refused_with_a_remedy(content, reason):
    assert reason in refusal(content)


def test_a_file_of_more_pages_than_are_looked_through_is_refused(monkeypatch):
    monkeypatch.setattr("stillpix.rewriting.tiff_places.MOST_DIRECTORIES", 5)

    assert "more pages than" in refusal(photos.tiff(np.zeros((5, 40, 40), np.uint8)))


def test_a_result_that_does_not_read_back_as_meant_is_refused(monkeypatch):
    black = imagecodecs.lzw_encode(bytes(FLAT.size))
    monkeypatch.setattr(imagecodecs, "lzw_encode", lambda _: black)

    assert "in more ways than one" in refusal(tiff_of(FLAT, compression="lzw"))


def test_a_classic_file_that_would_pass_4_gb_is_refused_and_a_big_one_is_not(monkeypatch):
    files = [tiff_of(FLAT, compression="lzw", bigtiff=big) + b"xx" for big in (False, True)]
    monkeypatch.setattr(tiff_rewriting, "CLASSIC_BYTES", len(files[0]))

    assert "longer than 4 GB" in refusal(files[0])
    assert len(rewritten(files[1], NAME, NOISE)) > len(files[1])


@pytest.mark.parametrize(("x", "y", "dtype"), [(39, 0, "u1"), (0, -1, "u1"), (0, 0, "u2")])
def test_a_patch_that_does_not_fit_is_an_error_of_the_program(x, y, dtype):
    with pytest.raises(ValueError, match="patch of 2x2 pixels"):
        rewritten(tiff_of(FLAT), NAME, [patch_at(x, y, np.zeros((2, 2), dtype))])


@pytest.mark.parametrize("packing", [5, 8, 32773, 34925, 50000])
def test_a_claim_of_many_pixels_takes_no_memory_that_its_bytes_cannot_fill(packing):
    content = bytearray(by_hand(packing, b"\x80" + bytes(range(100))))
    for tag in (256, 257):
        at = content.index(struct.pack("<HHI", tag, 3, 1)) + 8
        content[at : at + 2] = struct.pack("<H", 22_000)
    refusal(bytes(content))

    with costs.memory() as counted:
        refusal(bytes(content))

    assert counted.most < 20_000_000


VALID = {
    "raw": tiff_of(COLOURS, rowsperstrip=9),
    "tiled": tiff_of(COLOURS, tile=(16, 16), compression="deflate", predictor=True),
    "big": tiff_of(COLOURS, bigtiff=True, byteorder=">", compression="lzw", rowsperstrip=9),
    "packbits": tiff_of(COLOURS, compression="packbits", planarconfig="separate"),
    "shared": two_pages(compression="zstd")[1],
    "lzma": tiff_of(COLOURS, compression="lzma"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", VALID)
def test_damage_of_any_kind_raises_nothing_but_a_read_error(name):
    rng, patches, refused = np.random.default_rng(8), random_patches(COLOURS, 9), 0
    for _ in range(some(200)):
        try:
            rewritten(damaged(VALID[name], rng), NAME, patches)
        except ReadError:
            refused += 1
        except ValueError as error:  # the size or the kind it claims is another now
            assert "patch of" in str(error)

    assert refused

"""Pixels of a PNG are replaced, and nothing else in its file is another than it was."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from stillpix.errors import ReadError
from stillpix.rewriting.patch import Patch
from stillpix.rewriting.png import rewritten
from support import costs, photos
from support.effort import some

NAME = Path("photo.png")
COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # PNG's colour type by the samples of a pixel
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
          (0, 1, 1, 2))  # fmt: skip
METADATA = (
    photos.chunk(b"gAMA", struct.pack(">I", 45455)),
    photos.chunk(b"eXIf", photos.exif_block(photos.CAMERA)),
    photos.chunk(b"prVt", b"\0of nobody's business\xff"),
)


# --- A slow PNG writer and reader, a byte at a time


def predicted(kind: int, left: int, above: int, corner: int) -> int:
    if kind == 4:
        guess = left + above - corner
        return min((left, above, corner), key=lambda each: abs(guess - each))
    return (0, left, above, (left + above) // 2)[kind]


def filtered(raw: np.ndarray, kinds: list[int], step: int) -> bytes:
    """Return rows of bytes behind their filters; `raw` is (height, bytes)."""
    lines, before = bytearray(), bytes(raw.shape[1])
    for row, kind in zip((bytes(row) for row in raw), kinds, strict=True):
        lines.append(kind)
        for at, value in enumerate(row):
            left, corner = (row[at - step], before[at - step]) if at >= step else (0, 0)
            lines.append((value - predicted(kind, left, before[at], corner)) % 256)
        before = row
    return bytes(lines)


def unfiltered(lines: bytes, width: int, height: int, step: int) -> np.ndarray:
    rows, before, at = [], bytes(width * step), 0
    for _ in range(height):
        kind, row = lines[at], bytearray()
        for place, value in enumerate(lines[at + 1 : at + 1 + width * step]):
            left, corner = (row[place - step], before[place - step]) if place >= step else (0, 0)
            row.append((value + predicted(kind, left, before[place], corner)) % 256)
        rows.append(row)
        before, at = row, at + 1 + width * step
    return np.array(rows, np.uint8).reshape(height, width * step)


def octets(samples: np.ndarray) -> np.ndarray:
    stored = np.ascontiguousarray(samples.astype(samples.dtype.newbyteorder(">")))
    return stored.view(np.uint8).reshape(len(samples), -1)


def png_of(
    samples: np.ndarray,
    *,
    seed: int = 0,
    interlaced: bool = False,
    longest: int = 1 << 30,
    level: int = 6,
    tail: bytes = b"",
) -> bytes:
    """Return a PNG of (height, width, samples) whose rows have filters at random."""
    height, width, channels = samples.shape
    bits, step = 8 * samples.itemsize, channels * samples.itemsize
    rng, lines = np.random.default_rng(seed), b""
    for x, y, dx, dy in PASSES if interlaced else ((0, 0, 1, 1),):
        part = samples[y::dy, x::dx]
        lines += filtered(octets(part), rng.integers(0, 5, len(part)).tolist(), step)
    stream = zlib.compress(lines, level) + tail
    pieces = [stream[at : at + longest] for at in range(0, len(stream), longest)]
    head = struct.pack(">IIBBBBB", width, height, bits, COLOURS[channels], 0, 0, interlaced)
    return b"".join((
        b"\x89PNG\r\n\x1a\n",
        photos.chunk(b"IHDR", head),
        *METADATA,
        *(photos.chunk(b"IDAT", piece) for piece in pieces),
        photos.chunk(b"tEXt", b"Comment\0after the pixels"),
        photos.chunk(b"IEND", b""),
    ))  # fmt: skip


def chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        found.append((name, content[at : at + 12 + length]))
        at += 12 + length
    return found


def stream_of(content: bytes) -> bytes:
    return b"".join(each[8:-4] for name, each in chunks(content) if name == b"IDAT")


def lines_of(content: bytes) -> bytes:
    return zlib.decompressobj().decompress(stream_of(content))


def samples_of(content: bytes) -> np.ndarray:
    """Return what a PNG holds, (height, width, samples)."""
    width, height, bits, colour = struct.unpack_from(">IIBB", content, 16)
    channels = {number: count for count, number in COLOURS.items()}[colour]
    step, lines = channels * bits // 8, lines_of(content)
    picture = np.empty((height, width, channels), f"u{bits // 8}")
    for x, y, dx, dy in PASSES if content[28] else ((0, 0, 1, 1),):
        rows, columns, _ = picture[y::dy, x::dx].shape
        raw = unfiltered(lines, columns, rows, step)
        lines = lines[raw.size + rows :]
        picture[y::dy, x::dx] = raw.view(f">u{bits // 8}").reshape(rows, columns, channels)
    return picture


# --- Patches


def patch_at(x: int, y: int, pixels: np.ndarray, where: np.ndarray | None = None) -> Patch:
    return Patch(x, y, pixels, np.ones(pixels.shape[:2], bool) if where is None else where)


def random_patches(samples: np.ndarray, seed: int, count: int) -> list[Patch]:
    """Return patches at random, over edges and over each other."""
    rng, (height, width, channels) = np.random.default_rng(seed), samples.shape
    full, patches = np.iinfo(samples.dtype).max, []
    for _ in range(count):
        rows, columns = rng.integers(1, 7, 2)
        y, x = rng.integers(0, height - rows + 1), rng.integers(0, width - columns + 1)
        if rng.random() < 0.3:
            y, x = rng.choice([0, height - rows]), rng.choice([0, width - columns])
        shape = (rows, columns, 3) if channels > 2 else (rows, columns)
        pixels = rng.integers(0, full, shape, samples.dtype, endpoint=True)
        patches.append(Patch(int(x), int(y), pixels, rng.random((rows, columns)) < 0.5))
    return patches


def patched(samples: np.ndarray, patches: list[Patch]) -> np.ndarray:
    """Return the picture that is meant, pixel by pixel."""
    picture = samples.copy()
    for patch in patches:
        for row, column in np.argwhere(patch.where):
            new = np.atleast_1d(patch.pixels[row, column])
            picture[patch.y + row, patch.x + column, : len(new)] = new
    return picture


def picture_of(
    channels: int, *, deep: bool = False, width: int = 41, height: int = 35
) -> np.ndarray:
    three = photos.scene(width, height, deep=deep)
    return np.concatenate([three, three[..., :1]], axis=-1)[..., :channels].copy()


# --- What is replaced, and what stays


@pytest.mark.slow
@settings(max_examples=some(150))
@given(
    channels=st.integers(1, 4),
    deep=st.booleans(),
    interlaced=st.booleans(),
    longest=st.sampled_from([7, 500, 8192, 1 << 30]),
    seed=st.integers(0, 2**32),
    count=st.integers(0, 5),
    width=st.integers(32, 45),
    height=st.integers(32, 37),
)
def test_exactly_the_patched_pixels_are_new_and_all_chunks_but_the_pixels_are_the_same(
    channels, deep, interlaced, longest, seed, count, width, height
):
    before = picture_of(channels, deep=deep, width=width, height=height)
    content = png_of(before, seed=seed, interlaced=interlaced, longest=longest)
    patches = random_patches(before, seed, count)

    after = rewritten(content, NAME, patches)

    assert np.array_equal(samples_of(after), patched(before, patches))
    assert np.array_equal(imagecodecs.png_decode(after).reshape(before.shape), samples_of(after))
    others = [[each for each in chunks(file) if each[0] != b"IDAT"] for file in (content, after)]
    assert others[0] == others[1]
    assert rewritten(after, NAME, patches) is after
    assert rewritten(content, NAME, patches) == after


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_pillow_reads_the_new_pixels_and_the_old_metadata_of_its_own_files(mode):
    image = Image.fromarray(photos.scene()).convert(mode)
    if "A" in mode:
        image.putalpha(Image.fromarray(photos.scene()[..., 2]))
    notes = PngImagePlugin.PngInfo()
    notes.add_itxt("XML:com.adobe.xmp", "<x/>", zip=True)
    profile = b"any profile" * 40
    content = photos.encoded(
        image, "PNG", pnginfo=notes, icc_profile=profile, dpi=(240, 240),
        exif=photos.exif_block(photos.CAMERA),
    )  # fmt: skip
    before = np.array(image).reshape(47, 61, -1)
    patches = random_patches(before, 5, 6)

    after = Image.open(BytesIO(rewritten(content, NAME, patches)))

    assert np.array_equal(np.array(after).reshape(before.shape), patched(before, patches))
    assert after.info == Image.open(BytesIO(content)).info
    assert after.info["icc_profile"] == profile


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("deep", [False, True])
def test_filtered_bytes_change_only_at_the_pixel_and_those_predicted_from_it(interlaced, deep):
    before = picture_of(3, deep=deep)
    content = png_of(before, interlaced=interlaced)
    x, y = (24, 16) if interlaced else (20, 10)  # in the first pass, of 6x5 pixels
    value = np.full((1, 1, 3), 12345 if deep else 3, before.dtype)

    after = rewritten(content, NAME, [patch_at(x, y, value)])

    old, new = (np.frombuffer(lines_of(file), np.uint8) for file in (content, after))
    step = before.itemsize * 3
    row, (column, line) = 1 + (6 if interlaced else 41) * step, (3, 2) if interlaced else (x, y)
    places = np.flatnonzero(old != new)
    assert set(places // row) <= {line, line + 1}
    assert set((places % row - 1) // step) <= {column, column + 1}
    assert places.size
    assert old.size == new.size


def test_of_patches_that_overlap_the_last_holds():
    before = picture_of(1)
    first, second = (np.full((2, 2), value, np.uint8) for value in (1, 2))

    after = samples_of(
        rewritten(png_of(before), NAME, [patch_at(5, 5, first), patch_at(6, 6, second)])
    )

    assert after[5:8, 5:8, 0].tolist() == [
        [1, 1, before[5, 7, 0]], [1, 2, 2], [before[7, 5, 0], 2, 2],
    ]  # fmt: skip


@pytest.mark.parametrize("content", [png_of(picture_of(3)), b"not even a PNG"])
def test_without_patches_the_content_itself_comes_back(content):
    assert rewritten(content, NAME, []) is content


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_patches_that_change_nothing_give_the_content_itself(channels):
    before = picture_of(channels)
    same = before[8:12, 9:13, :3] if channels > 2 else before[8:12, 9:13, 0]
    other = patch_at(0, 0, 255 - same, np.zeros((4, 4), bool))
    content = png_of(before)

    assert rewritten(content, NAME, [patch_at(9, 8, same), other]) is content


@pytest.mark.parametrize(("longest", "many"), [(200, True), (8192, False), (1 << 30, False)])
def test_pixels_come_in_chunks_as_long_as_the_files_own(longest, many):
    before = picture_of(3)
    content = png_of(before, longest=longest)

    after = rewritten(content, NAME, random_patches(before, 1, 3))

    lengths = [len(each) - 12 for name, each in chunks(after) if name == b"IDAT"]
    assert (len(lengths) > 1) == many
    assert set(lengths[:-1]) <= {longest}


@pytest.mark.slow
@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_a_packed_file_does_not_grow_much_whatever_its_level(level):
    before = picture_of(3, width=300, height=200)
    content = png_of(before, level=level)

    after = rewritten(content, NAME, random_patches(before, 2, 3))

    assert len(after) < 1.02 * len(content)


def test_what_follows_the_stream_and_the_end_of_the_file_is_kept():
    before = picture_of(1)
    content = png_of(before, tail=b"loose bytes") + b"and more behind the end"

    after = rewritten(content, NAME, random_patches(before, 3, 2))

    assert stream_of(after[:-23]).endswith(b"loose bytes")
    assert after.endswith(b"and more behind the end")


def test_libpng_says_nothing_of_interlaced_pictures(capfd):
    before = picture_of(3, deep=True)

    rewritten(png_of(before, interlaced=True), NAME, random_patches(before, 4, 4))

    assert capfd.readouterr().err == ""


# --- What is refused


def refusal(content: bytes, patches: list[Patch] | None = None) -> str:
    one = patch_at(1, 1, np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(ReadError) as caught:
        rewritten(content, NAME, patches or [one])
    assert str(caught.value).startswith("photo.png: ")
    assert "\n" not in caught.value.reason
    assert "; " in caught.value.reason
    return caught.value.reason


def with_chunk(name: bytes, body: bytes) -> bytes:
    content = png_of(picture_of(3))
    return content[:33] + photos.chunk(name, body) + content[33:]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (photos.png("P"), "is a palette PNG"),
        (photos.png("1"), "1-bit PNG"),
        (with_chunk(b"acTL", struct.pack(">II", 2, 0)), "is an animated PNG"),
        (with_chunk(b"iDOT", bytes(28)), "Apple's offsets"),
        (with_chunk(b"tRNS", bytes(6)), "marked as transparent"),
        (photos.png()[:-40], "is cut short"),
        (photos.jpeg(), "is a damaged PNG"),
        (b"", "is cut short"),
    ],
)
def test_what_is_not_rewritten_is_refused_with_a_remedy(content, reason):
    assert reason in refusal(content)


def with_stream(stream: bytes) -> bytes:
    before, at = png_of(picture_of(3)), 0
    pieces = [each for name, each in chunks(before) if name != b"IDAT"]
    at = len(pieces) - 2
    pieces.insert(at, photos.chunk(b"IDAT", stream))
    return before[:8] + b"".join(pieces)


LINES = lines_of(png_of(picture_of(3)))


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"x",
        b"no stream",
        zlib.compress(LINES[:-1]),
        zlib.compress(LINES + b"\0"),
        zlib.compress(LINES)[:-2],
        zlib.compress(LINES)[:-4] + b"sums",
        zlib.compress(b"\5" + LINES[1:]),
    ],
    ids=["empty", "short", "none", "few", "many", "cut", "sum", "filter"],
)
def test_a_stream_that_does_not_hold_the_pixels_is_refused(stream):
    assert "its pixels cannot be unpacked" in refusal(with_stream(stream))


@pytest.mark.slow
def test_a_picture_wider_than_libpng_reads_is_refused():
    head = struct.pack(">IIBBBBB", 1_000_001, 32, 8, 0, 0, 0, 0)
    pieces = (b"IHDR", head), (b"IDAT", zlib.compress(bytes(32 * 1_000_002))), (b"IEND", b"")
    content = b"\x89PNG\r\n\x1a\n" + b"".join(photos.chunk(*each) for each in pieces)

    assert "cannot be unpacked" in refusal(content, [patch_at(1, 1, np.ones((1, 1), np.uint8))])


def test_pixels_with_another_chunk_between_are_refused():
    content = png_of(picture_of(3), longest=300)
    pieces = [each for _, each in chunks(content)]
    first = next(at for at, each in enumerate(pieces) if each[4:8] == b"IDAT")
    pieces.insert(first + 1, photos.chunk(b"tEXt", b"a\0b"))

    assert "torn apart" in refusal(content[:8] + b"".join(pieces))


@pytest.mark.parametrize("at", [26, 27, 28])
def test_an_unknown_method_in_the_head_is_refused(at):
    content = bytearray(png_of(picture_of(3)))
    content[at] = 64
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))

    assert "its header is garbled" in refusal(bytes(content))


def test_a_wrong_checksum_anywhere_is_refused():
    content = png_of(picture_of(3))

    for at in range(12, len(content) - 12, 97):
        changed = bytearray(content)
        changed[at] ^= 4
        assert refusal(bytes(changed))


@pytest.mark.parametrize(
    "patch",
    [
        patch_at(-1, 0, np.zeros((2, 2, 3), np.uint8)),
        patch_at(0, -1, np.zeros((2, 2, 3), np.uint8)),
        patch_at(40, 0, np.zeros((2, 2, 3), np.uint8)),
        patch_at(0, 34, np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), bool)),
        patch_at(0, 0, np.zeros((2, 2), np.uint8)),
        patch_at(0, 0, np.zeros((2, 2, 4), np.uint8)),
        patch_at(0, 0, np.zeros((2, 2, 3), np.uint16)),
        patch_at(0, 0, np.zeros((2, 2, 3), np.uint8), np.ones((2, 3), bool)),
    ],
)
def test_a_patch_that_does_not_fit_is_an_error_of_the_program(patch):
    with pytest.raises(ValueError, match="patch of 2x2 pixels"):
        rewritten(png_of(picture_of(3)), NAME, [patch])


def test_a_claim_of_many_pixels_takes_no_memory_that_the_stream_does_not_fill():
    content = bytearray(png_of(picture_of(3)))
    content[16:24] = struct.pack(">II", 22_000, 22_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    refusal(bytes(content))

    with costs.memory() as counted:
        reason = refusal(bytes(content))

    assert "cannot be unpacked" in reason
    assert counted.most < 5_000_000


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a PNG with some bytes changed or cut off; often with the checksums made right."""
    changed = bytearray(content)
    for at in rng.integers(8, len(content), rng.integers(1, 5)):
        changed[at] = rng.integers(256)
    if rng.random() < 0.3:
        return bytes(changed[: rng.integers(len(changed))])
    at = 8
    while rng.random() < 0.95 and at + 12 <= len(changed):
        end = at + 8 + int.from_bytes(changed[at : at + 4], "big")
        changed[end : end + 4] = struct.pack(">I", zlib.crc32(changed[at + 4 : end]))
        at = end + 4
    return bytes(changed)


@pytest.mark.slow
@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("channels", [2, 3])
def test_damage_of_any_kind_raises_nothing_but_a_read_error(channels, interlaced):
    before = picture_of(channels)
    content, rng = png_of(before, interlaced=interlaced, longest=900), np.random.default_rng(8)
    patches, outcomes = random_patches(before, 9, 3), []
    for _ in range(300):
        try:
            outcomes.append(len(rewritten(damaged(content, rng), NAME, patches)))
        except ReadError:
            outcomes.append(0)
        except ValueError as error:  # the size in its head is another now
            assert "patch of" in str(error)

    assert 0 in outcomes

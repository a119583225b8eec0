"""Damaged, foreign and hostile files are refused in one line, and nothing else happens."""

from __future__ import annotations

import contextlib
import gc
import os
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from stillpix.errors import ReadError
from stillpix.images import read_frame, read_header
from stillpix.images import tiff as tiff_module
from support import costs, photos
from support.effort import some

SMALL = photos.scene(40, 33)
NOTE = {271: "NIKON CORPORATION", 42033: None, 37500: photos.nikon_note("8964244")}
VALID = {
    "jpeg": photos.camera_jpeg(NOTE),
    "progressive": photos.jpeg(progressive=True),
    "cmyk": photos.jpeg("CMYK"),
    "png": photos.png(exif=photos.exif_block(photos.CAMERA)),
    "interlaced": photos.interlaced_png(SMALL),
    "palette": photos.png("P"),
    "tiff": photos.tiff(SMALL, photometric="rgb"),
    "lzw": photos.tiff(SMALL, photometric="rgb", compression="lzw", rowsperstrip=5),
    "tiled": photos.tiff(SMALL, photometric="rgb", tile=(16, 16), compression="deflate"),
    "indexed": photos.encoded(Image.fromarray(SMALL).quantize(16), "TIFF"),
}


def saved(folder: Path, content: bytes, name: str = "photo.jpg") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ReadError) as caught:
        read_frame(read_header(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert caught.value.path == str(path)
    assert "\n" not in caught.value.reason
    return caught.value.reason


def test_an_empty_file_is_refused(tmp_path):
    assert refusal(saved(tmp_path, b"")).startswith("is empty; ")


def test_text_under_a_photos_name_is_refused(tmp_path):
    reason = refusal(saved(tmp_path, b"dear diary, today I took no photo at all" * 9))

    assert reason.startswith(
        "is not a photo: its first bytes are not those of a JPEG, PNG, TIFF, RAW, FITS, HEIF, "
        "AVIF, JXL or video; "
    )


def test_a_folder_under_a_photos_name_is_refused(tmp_path):
    (tmp_path / "x.jpg").mkdir()

    assert refusal(tmp_path / "x.jpg").startswith("is a folder")


def test_a_missing_file_is_refused(tmp_path):
    assert refusal(tmp_path / "gone.jpg").startswith("is not there; ")


def test_a_name_that_no_file_can_have_is_refused(tmp_path):
    with pytest.raises(ReadError):
        read_header(f"{tmp_path}/a\0b.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "x.jpg")

    assert refusal(tmp_path / "x.jpg").startswith("is a device or pipe")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all files")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    path = saved(tmp_path, photos.jpeg())
    path.chmod(0)

    assert refusal(path).startswith("may not be read; ")


def test_a_tiny_picture_is_refused(tmp_path):
    content = photos.encoded(Image.new("L", (31, 400)), "PNG")

    assert "31x400 pixels, too small to be a photo" in refusal(saved(tmp_path, content))


def tiff_of_claimed_size(width: int, height: int) -> bytes:
    fields = [
        (256, 4, 1, struct.pack("<I", width)), (257, 4, 1, struct.pack("<I", height)),
        (258, 3, 1, b"\x08\0"), (259, 3, 1, b"\x01\0"), (262, 3, 1, b"\x01\0"),
        (273, 4, 1, struct.pack("<I", 8)), (279, 4, 1, struct.pack("<I", 100)),
    ]  # fmt: skip
    return b"II*\0" + struct.pack("<I", 8) + photos.directory(fields, 8)


@pytest.mark.parametrize(
    "content",
    [
        photos.jpeg_of_claimed_size(65535, 65535),
        photos.png_of_claimed_size(65535, 65535),
        photos.png_of_claimed_size(2**31 - 1, 2**31 - 1),
        tiff_of_claimed_size(65535, 65535),
    ],
    ids=["jpeg", "png", "larger-png", "tiff"],
)
def test_a_claim_of_more_pixels_than_any_sensor_has_is_refused_before_memory_is_taken(
    tmp_path, content
):
    path = saved(tmp_path, content)
    refusal(path)

    with costs.memory() as counted:
        reason = refusal(path)

    assert "more than any sensor has" in reason
    assert counted.most < 20_000_000


def test_a_tiff_that_claims_more_pixels_than_it_stores_is_refused(tmp_path):
    content = tiff_of_claimed_size(5000, 5000).ljust(200, b"\0")

    assert "holds fewer pixels than it claims" in refusal(saved(tmp_path, content))


def test_a_lossless_or_12_bit_jpeg_is_refused_by_name(tmp_path):
    content = bytearray(photos.jpeg())
    frame = content.index(b"\xff\xc0")
    lossless = content.replace(b"\xff\xc0", b"\xff\xc3", 1)
    content[frame + 4] = 12

    assert refusal(saved(tmp_path, bytes(lossless))).startswith("is a lossless JPEG")
    assert refusal(saved(tmp_path, bytes(content))).startswith("is a 12-bit JPEG")


@pytest.mark.parametrize("name", ["jpeg", "png", "tiff"])
def test_a_file_cut_anywhere_is_refused(tmp_path, name):
    content = VALID[name]
    end = len(content) - {"png": 20, "jpeg": 3, "tiff": 1}[name]  # a JPEG's end is completed

    for length in np.linspace(1, end, 40).astype(int):
        refusal(saved(tmp_path, content[:length]))


def with_pixels(content: bytes, packed: bytes) -> bytes:
    """Return a PNG with other packed pixels, its checksums right."""
    end = photos.chunk(b"IEND", b"")
    return content[: content.index(b"IDAT") - 4] + photos.chunk(b"IDAT", packed) + end


@pytest.mark.parametrize("name", ["png", "interlaced", "palette"])
@pytest.mark.parametrize("packed", [b"no stream", zlib.compress(bytes(500))])
def test_a_png_whose_checksums_hold_and_whose_pixels_do_not_is_refused(tmp_path, name, packed):
    content = with_pixels(VALID[name], packed)

    assert refusal(saved(tmp_path, content)).startswith("is a damaged PNG: its pixels cannot")


def test_a_flipped_bit_in_a_png_is_found_by_its_checksum(tmp_path):
    content = bytearray(VALID["png"])
    content[content.index(b"IDAT") + 400] ^= 1

    assert "a checksum in it is wrong" in refusal(saved(tmp_path, bytes(content)))


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is counted no more")
def test_damaged_pngs_do_not_wear_out_the_interpreter(tmp_path):
    path = saved(tmp_path, VALID["png"][:900])
    refusal(path)
    gc.collect()
    gc.disable()  # else what other tests left behind gives back its own references to None
    try:
        before = sys.getrefcount(None)
        for _ in range(400):
            refusal(path)
        gc.collect()
        lost = before - sys.getrefcount(None)
    finally:
        gc.enable()

    assert lost < 200


def test_a_tiff_with_fewer_strips_than_rows_is_refused_at_once(tmp_path):
    content = bytearray(VALID["lzw"])
    at = content.index(struct.pack("<HHI", 257, 4, 1)) + 8
    content[at : at + 4] = struct.pack("<I", 8_000_000)

    assert "holds fewer pixels than it claims" in refusal(saved(tmp_path, bytes(content)))


def test_an_exif_block_of_overlapping_directories_costs_no_time(tmp_path):
    entries = b"".join(struct.pack("<HHII", 0x9000 + at % 900, 5, 999, 8) for at in range(5000))
    block = b"II*\0" + struct.pack("<IH", 8, 5000) + entries + struct.pack("<I", 20)

    header = read_header(saved(tmp_path, photos.jpeg_with_exif(block)))

    assert header.sensor.make == "unknown"


def test_running_out_of_memory_is_explained(tmp_path, monkeypatch):
    def exhausted(*_: object) -> None:
        raise MemoryError

    path = saved(tmp_path, VALID["tiff"])
    monkeypatch.setattr(tiff_module, "decode", exhausted)

    assert refusal(path).startswith("needs more memory than there is; ")


@pytest.mark.slow
@settings(max_examples=some(300), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(VALID)),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=4)), max_size=6
    ),
    in_head=st.booleans(),
    kept=st.one_of(st.just(1.0), st.floats(0, 1)),
)
def test_no_damage_raises_anything_but_a_read_error(tmp_path, name, changes, in_head, kept):
    content = bytearray(VALID[name])
    reach = min(400, len(content)) if in_head else len(content)
    for place, new in changes:
        at = int(place * reach)
        content[at : at + len(new)] = new
    path = saved(tmp_path, bytes(content[: int(len(content) * kept)]))

    with contextlib.suppress(ReadError):
        header = read_header(path)
        frame = read_frame(header)
        assert frame.pixels.shape == (header.sensor.height, header.sensor.width)
        assert frame.pixels.dtype in (np.uint8, np.uint16)

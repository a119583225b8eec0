"""Photos damaged at random: repaired as if they were whole, or refused in one line, and quickly."""

from __future__ import annotations

import io
import struct
import time
import warnings
import zlib
from collections import Counter

import numpy as np
import pytest
import tifffile
from PIL import Image

from stillpix.errors import StillpixError
from stillpix.images import read_frame, read_header
from stillpix.maps.records import Defect, DefectMap
from stillpix.restoration.fix import fix
from support import effort, photos, series

SIZE, PLACE = (96, 80), (20, 18)
HOT = Defect(x=PLACE[0], y=PLACE[1], kind="hot", state="confirmed")
MUTATIONS = 200 if effort.long else 16  # of each kind of file
LONGEST_S = 10.0  # of the processor
BEYOND_PIXELS = 10  # px: farther from the place no pixel of a PNG or TIFF may change
BEYOND_BLOCKS = 18  # px: in a JPEG neither, nor by the blocks that chroma shares and smooths over


def picture(number=0, *, size=SIZE):
    pixels = series.scene(number, size)
    pixels[PLACE[1], PLACE[0]] = 250
    return pixels


def jpeg(**options):
    return series.jpeg(picture(), **options)


def grey_jpeg():
    return photos.encoded(Image.fromarray(picture()).convert("L"), "JPEG", quality=92)


def words():
    return picture().astype(np.uint16) * 257


KINDS = {
    "jpeg": jpeg,
    "jpeg 4:4:4": lambda: jpeg(subsampling=0),
    "grey jpeg": grey_jpeg,
    "progressive jpeg": lambda: jpeg(progressive=True),
    "jpeg with restarts": lambda: jpeg(restart_marker_blocks=3),
    "jpeg with its own tables": lambda: jpeg(optimize=True),
    "png": lambda: photos.encoded(Image.fromarray(picture()), "PNG"),
    "16-bit png": lambda: photos.png_of_words(words()),
    "interlaced png": lambda: photos.interlaced_png(picture()),
    "tiff": lambda: photos.tiff(picture()),
    "deflated 16-bit tiff": lambda: photos.tiff(words(), compression="zlib", predictor=2),
    "lzw tiff": lambda: photos.tiff(picture(), compression="lzw", rowsperstrip=16),
}


def mutated(content, rng):
    """Return the file with one kind of damage: to bits, bytes, its length or its order."""
    damaged = bytearray(content)
    at = int(rng.integers(2, len(damaged)))
    if rng.random() < 0.4:  # the head decides more than the rest
        at = int(rng.integers(2, min(len(damaged), 700)))
    length = int(rng.integers(1, 40))
    kind = rng.integers(0, 7)
    if kind == 0:
        for place in rng.integers(2, len(damaged), rng.integers(1, 9)):
            damaged[place] ^= 1 << int(rng.integers(0, 8))
    elif kind == 1:
        damaged[at] = int(rng.choice([0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF, damaged[at] ^ 1]))
    elif kind == 2:
        damaged[at : at + length] = rng.bytes(length)
    elif kind == 3:
        del damaged[at:]
    elif kind == 4:
        del damaged[at : at + length]
    elif kind == 5:
        damaged[at:at] = damaged[at : at + length]
    else:
        damaged[at : at + 2] = bytes([0xFF, int(rng.integers(0xC0, 0x100))])
    return bytes(damaged)


def mutated_png(content, rng):
    """Return a damaged PNG as somebody would make it who means harm: its checksums are right."""
    if rng.random() < 0.5:  # the lines of pixels, and the filters before them
        at, lines = content.index(b"IDAT") - 4, zlib.decompress(joined_lines(content))
        head, end = content[:at], photos.chunk(b"IEND", b"")
        return head + photos.chunk(b"IDAT", zlib.compress(mutated(lines, rng))) + end
    content = mutated(content, rng)
    pieces, at = [content[:8]], 8
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        body = content[at + 4 : at + 8 + length]
        pieces.append(struct.pack(">I", length) + body + struct.pack(">I", zlib.crc32(body)))
        at += 12 + length
    return b"".join(pieces)


def joined_lines(content):
    """Return the compressed lines of a whole PNG."""
    lines, at = b"", 8
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        if content[at + 4 : at + 8] == b"IDAT":
            lines += content[at + 8 : at + 8 + length]
        at += 12 + length
    return lines


def decoded(content):
    """Return a file's pixels as other programs have them, and their chroma samplings."""
    if content[:2] in {b"II", b"MM"}:
        return tifffile.imread(io.BytesIO(content)).astype(int), None
    with Image.open(io.BytesIO(content)) as opened:
        return np.asarray(opened).astype(int), getattr(opened, "layer", None)


def require_a_right_success(before, after, verdicts):
    """Make sure that other programs see the same picture but around the place."""
    try:
        old, samplings = decoded(before)
    except Exception:  # noqa: BLE001  # they refuse what stillpix reads: nothing to compare
        return "unread by others"
    new, _ = decoded(after)
    assert new.shape == old.shape
    reach = BEYOND_PIXELS
    if samplings is not None:
        reach = BEYOND_BLOCKS * max(max(across, down) for _, across, down, _ in samplings)
    differ = np.abs(new - old).reshape(*old.shape[:2], -1).any(axis=2)
    x, y = PLACE
    differ[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1] = False
    assert not differ.any()
    assert any(verdict.outcome == "repaired" for verdict in verdicts)
    return "repaired"


def outcome_of(path, content):
    """Return what becomes of a damaged file."""
    out = path.with_name("fixed")
    path.write_bytes(content)
    out.unlink(missing_ok=True)
    try:
        broken = DefectMap(read_header(path).sensor, (HOT,))
        verdicts = fix(path, broken, out)
    except StillpixError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
        assert not out.exists()
        return "refused"
    after = out.read_bytes()
    if after == content:
        return "nothing shows"
    assert read_frame(read_header(out)).sensor == broken.sensor
    return require_a_right_success(content, after, verdicts)


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_photo_is_repaired_rightly_or_refused_in_one_line(kind, tmp_path):
    rng = np.random.default_rng(list(KINDS).index(kind))
    whole, path, outcomes = KINDS[kind](), tmp_path / "damaged", Counter()
    assert outcome_of(path, whole) == "repaired"

    for number in range(MUTATIONS):
        content = (mutated_png if "png" in kind and number % 4 else mutated)(whole, rng)
        begun = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the other programs
            outcomes[outcome_of(path, content)] += 1
        assert time.process_time() - begun < LONGEST_S
    assert outcomes["refused"] > MUTATIONS / 10, outcomes

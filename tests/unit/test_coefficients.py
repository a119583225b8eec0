"""The coefficients of JPEGs, against those that libjpeg reads, and the kinds that are refused."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillpix.errors import ReadError
from stillpix.rewriting.jpeg import read_coefficients
from support import jpegs
from support.effort import some
from support.jpegs import AC, DC, Plane, Recipe, Scan, some_blocks

PATH = Path("a.jpg")

options = st.fixed_dictionaries(
    {
        "width": st.integers(1, 70),
        "height": st.integers(1, 50),
        "mode": st.sampled_from(["L", "RGB", "CMYK"]),
        "quality": st.sampled_from([5, 40, 75, 92, 100]),
        "subsampling": st.sampled_from(["4:4:4", "4:2:2", "4:2:0"]),
        "optimize": st.booleans(),
        "progressive": st.booleans(),
        "restart_marker_blocks": st.sampled_from([0, 1, 3]),
    }
)


def assert_like(image, planes):
    """Where a component's samples count, its blocks are those given."""
    assert len(image.components) == len(planes)
    for component, blocks in zip(image.components, planes, strict=True):
        rows, columns = -(-component.height // 8), -(-component.width // 8)
        assert np.array_equal(component.blocks[:rows, :columns], blocks[:rows, :columns])


@given(options)
@settings(max_examples=some(100))
def test_the_coefficients_are_those_that_libjpeg_reads(options):
    content = jpegs.saved(**options)

    assert_like(read_coefficients(content, PATH), jpegs.stored(content))


@pytest.mark.parametrize("restart", [0, 1, 2])
@pytest.mark.parametrize(
    "factors",
    [[(1, 1)], [(2, 2)], [(2, 2), (1, 1), (1, 1)], [(1, 2), (1, 1), (1, 1)],
     [(4, 1), (1, 1), (1, 1)], [(2, 1), (1, 2), (1, 1)], [(2, 2), (1, 1), (1, 1), (2, 2)],
     [(3, 1), (1, 1), (1, 1)]],
)  # fmt: skip
def test_any_sampling_factors_are_read(factors, restart):
    across, down = (max(pair[axis] for pair in factors) for axis in (0, 1))
    planes = [Plane(some_blocks(2 * v, 3 * h, seed=n), h, v) for n, (h, v) in enumerate(factors)]
    content = jpegs.built(Recipe(24 * across - 7, 16 * down - 7, planes, restart=restart))

    image = read_coefficients(content, PATH)

    assert_like(image, [plane.blocks for plane in planes])
    assert [(c.across, c.down) for c in image.components] == factors
    assert (image.width, image.height) == (24 * across - 7, 16 * down - 7)


def test_the_samples_that_count_are_rounded_up():
    planes = [Plane(some_blocks(4, 6), 2, 2), Plane(some_blocks(2, 3)), Plane(some_blocks(2, 3))]

    image = read_coefficients(jpegs.built(Recipe(41, 31, planes)), PATH)

    assert [(c.width, c.height) for c in image.components] == [(41, 31), (21, 16), (21, 16)]
    assert image.components[0].blocks.shape == (4, 6, 64)


THREE = [
    Plane(some_blocks(4, 6), 2, 2),
    Plane(some_blocks(2, 3, seed=1)),
    Plane(some_blocks(2, 3, seed=2)),
]
OTHER_AC = jpegs.Table(dict.fromkeys(AC.lengths, 9))


@pytest.mark.parametrize(
    "oddity",
    [
        {"scans": [Scan((0,)), Scan((1,)), Scan((2,))]},
        {"scans": [Scan((1,)), Scan((0, 2))]},
        {"scans": [Scan((2, 0)), Scan((1,))]},
        {"scans": [Scan((0,)), Scan((1, 2), ac=OTHER_AC)]},
        {"scans": [Scan((0,)), Scan((1,), dc=None, ac=None), Scan((2,), dc=None)]},
        {"scans": [Scan((0,)), Scan((1, 2), before=b"\xff\xfe\0\7Hello")]},
        {"padding": "0", "restart": 2},
        {"fill": b"\xff\xff\xff", "restart": 2},
        {"stray": b"ab\xff\0c", "restart": 3},
        {"stray": b"\xff\xd0"},
        {"trailer": b"\xff\xd8\xff\xc0" + b"trailer" * 20},
        {"frame": 0xC1, "words": True},
        {"head": b"\xff\xe5\0\4\xff\xc0\xff\x01\xff\xfe\0\2"},
    ],
    ids=str,
)
def test_what_few_files_have_is_read_too(oddity):
    content = jpegs.built(Recipe(41, 31, THREE, **oddity))

    assert_like(read_coefficients(content, PATH), [plane.blocks for plane in THREE])


def test_the_steps_are_in_the_order_of_the_coefficients():
    steps = list(range(1, 65))
    plane = Plane(some_blocks(1, 1), steps=steps)

    for words in (False, True):
        content = jpegs.built(Recipe(8, 8, [plane], frame=0xC1, words=words))
        assert read_coefficients(content, PATH).components[0].steps.tolist() == steps


def test_the_steps_that_count_are_those_before_a_components_scan():
    later = b"\xff\xdb\0\x43\0" + b"\7" * 64
    scans = [Scan((0,)), Scan((1,), before=later), Scan((2,))]
    content = jpegs.built(Recipe(41, 31, THREE, scans=scans))
    table_0_everywhere = content.replace(b"\2\x11\1", b"\2\x11\0", 1)

    first, second, _ = read_coefficients(table_0_everywhere, PATH).components

    assert first.steps.tolist() == [3] * 64
    assert second.steps.tolist() == [7] * 64


def test_the_blocks_cannot_be_written_to():
    image = read_coefficients(jpegs.saved(), PATH)

    with pytest.raises(ValueError, match="read-only"):
        image.components[0].blocks[0, 0, 0] = 1


JFIF = b"\xff\xe0\0\x10JFIF\0" + bytes(9)


def adobe(transform):
    return b"\xff\xee\0\x0eAdobe" + bytes(6) + bytes([transform])


@pytest.mark.parametrize(
    ("names", "head", "colours"),
    [
        (b"\1", b"", "grey"),
        (b"\1\2", b"", "other"),
        (b"\1\2\3", b"", "ycbcr"),
        (b"\0\1\2", b"", "ycbcr"),
        (b"RGB", b"", "rgb"),
        (b"RGB", JFIF, "ycbcr"),
        (b"RGB", adobe(1), "ycbcr"),
        (b"\1\2\3", adobe(0), "rgb"),
        (b"\1\2\3", JFIF + adobe(0), "ycbcr"),
        (b"\1\2\3\4", b"", "cmyk"),
        (b"\1\2\3\4", adobe(0), "cmyk"),
        (b"\1\2\3\4", adobe(2), "ycck"),
    ],
)
def test_colours_are_told_as_libjpeg_tells_them(names, head, colours):
    planes = [Plane(some_blocks(1, 1, seed=n)) for n in range(len(names))]
    content = jpegs.built(Recipe(8, 8, planes, head=head))
    for n, name in enumerate(names):
        content = content.replace(bytes([n + 1, 0x11, n]), bytes([name, 0x11, n]), 1)
    start = content.index(b"\xff\xda") + 5
    scan = b"".join(bytes([name, 0]) for name in names)
    content = content[:start] + scan + content[start + len(scan) :]

    assert read_coefficients(content, PATH).colours == colours


WITH_RESTARTS = jpegs.built(Recipe(41, 31, THREE, restart=2))


def frame_with(**changes):
    """A file whose frame header says other things than its scan."""
    content = jpegs.built(Recipe(41, 31, THREE))
    at = content.index(b"\xff\xc0") + 4
    said = {"bits": 8, "height": 31, "width": 41} | changes
    return content[:at] + struct.pack(">BHH", *said.values()) + content[at + 5 :]


def marked(marker):
    return jpegs.built(Recipe(41, 31, THREE, frame=marker))


NOT_WRITTEN = (
    "which cannot be changed in place; save it as a baseline or progressive JPEG of 8 bits"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (marked(0xC3), f"is a lossless JPEG, {NOT_WRITTEN}"),
        (marked(0xC5), f"is a hierarchical JPEG, {NOT_WRITTEN}"),
        (marked(0xC9), f"is an arithmetic-coded JPEG, {NOT_WRITTEN}"),
        (marked(0xCA), f"is an arithmetic-coded JPEG, {NOT_WRITTEN}"),
        (frame_with(bits=12), f"is a JPEG of 12 bits, {NOT_WRITTEN}"),
        (frame_with(height=0), r"tells its height after the picture \(DNL\), which cannot be"),
        (frame_with(height=65500, width=65500), "claims to be 65500x65500 pixels"),
        (frame_with(height=20000, width=20000), "20000x20000 pixels cannot be in"),
        (frame_with(height=200, width=200), "its picture ends too early"),
        (frame_with(width=0), "it claims 0 columns"),
        (b"", "does not begin as a JPEG does"),
        (b"\xff\xd8\xff\xd9", "it holds no picture"),
        (b"\xff\xd8\xff\xfe\0\1", "no segment follows the marker at byte 2"),
        (b"\xff\xd8" + b"\xff\xfe\0\2" * 70_000, "more than 65536 segments"),
        (jpegs.built(Recipe(41, 31, THREE, scans=[Scan((0,)), Scan((2,))])), "scans of some"),
        (jpegs.built(Recipe(41, 31, THREE, scans=[Scan((0,)), Scan((0,))])), "two scans of one"),
        (jpegs.built(Recipe(41, 31, THREE))[:-2], "is cut short; copy it again"),
        (jpegs.built(Recipe(41, 31, THREE))[:-40], "is cut short; copy it again"),
        (jpegs.built(Recipe(41, 31, THREE))[:300], "is cut short; copy it again"),
        (WITH_RESTARTS[: WITH_RESTARTS.index(b"\xff\xd1")] + b"\xff\xd9", "is cut short"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_reason_and_remedy(content, reason):
    with pytest.raises(ReadError, match=reason) as caught:
        read_coefficients(content, PATH)

    assert str(caught.value).startswith("a.jpg: ")
    assert "\n" not in str(caught.value)


def test_restart_markers_out_of_order_are_refused():
    content = jpegs.built(Recipe(41, 31, THREE, restart=1))
    wrong = content.replace(b"\xff\xd1", b"\xff\xd2", 1)

    with pytest.raises(ReadError, match="restart markers are out of order"):
        read_coefficients(wrong, PATH)


def test_a_code_that_is_in_no_table_is_refused():
    content = jpegs.built(Recipe(8, 8, [Plane(some_blocks(1, 1))], trailer=b"."))
    start = content.index(b"\xff\xda") + 10
    wrong = content[:start] + b"\xff\0" * 40 + b"\xff\xd9"

    with pytest.raises(ReadError, match="a code that is in no table"):
        read_coefficients(wrong, PATH)


def test_a_block_of_too_many_coefficients_is_refused():
    bits = DC.codes()[0] + (AC.codes()[0xF1] + "1") * 5 + "1" * 64
    bits += "1" * (-len(bits) % 8)
    content = jpegs.built(Recipe(8, 8, [Plane(some_blocks(1, 1))]))
    start = content.index(b"\xff\xda") + 10
    coded = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")

    with pytest.raises(ReadError, match="a block of more than 64 coefficients"):
        read_coefficients(content[:start] + coded + b"\xff\xd9", PATH)

"""Damaged JPEGs by the thousand: each is refused in one line or read whole, and at once."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from stillpix.errors import ReadError
from stillpix.rewriting.jpeg import read_coefficients, rewritten
from support import jpegs
from support.effort import some
from support.jpegs import PROGRESSIVE_AC, Plane, Recipe, Scan, some_blocks

PATH = Path("a.jpg")
PLANES = [
    Plane(some_blocks(4, 6), 2, 2),
    Plane(some_blocks(2, 3, seed=1)),
    Plane(some_blocks(2, 3, seed=2)),
]
REFINED = [
    Scan((0, 1, 2), 0, 0, 0, 2, ac=None),
    *(Scan((n,), 1, 63, 0, 2, dc=None, ac=PROGRESSIVE_AC) for n in range(3)),
    *(Scan((n,), 1, 63, 2, 1, dc=None, ac=PROGRESSIVE_AC) for n in range(3)),
    Scan((0, 1, 2), 0, 0, 2, 1, dc=None, ac=None),
    Scan((0, 1, 2), 0, 0, 1, 0, dc=None, ac=None),
    *(Scan((n,), 1, 63, 1, 0, dc=None, ac=PROGRESSIVE_AC) for n in range(3)),
]
SOUND = {
    "baseline": jpegs.saved(40, 30),
    "optimised, with restart markers": jpegs.saved(
        40, 30, quality=95, optimize=True, restart_marker_blocks=2
    ),
    "progressive": jpegs.saved(40, 30, progressive=True),
    "three scans": jpegs.built(
        Recipe(41, 31, PLANES, scans=[Scan((0,)), Scan((1,)), Scan((2,))], restart=2)
    ),
    "refined": jpegs.built(Recipe(41, 31, PLANES, 0xC2, REFINED, restart=3)),
}
MUTATIONS = some(400)  # of each
LONGEST_S = 10.0  # what hangs takes hours; the rest is the machine's business


def damaged(content, rng):
    """Return the content with some bytes changed, left out or put in, or its end missing."""
    wreck = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(2, len(wreck)))
        kind = rng.integers(8)
        if kind == 0:
            del wreck[at:]
        elif kind == 1:
            del wreck[at : at + int(rng.integers(1, 9))]
        elif kind == 2:
            wreck[at:at] = rng.bytes(int(rng.integers(1, 9)))
        elif kind == 3:
            wreck[at] = 0xFF
        else:
            wreck[at] = int(rng.integers(256))
        if len(wreck) < 3:
            break
    return bytes(wreck)


def read_and_written(content):
    """Read, change the last block of all, and return what is read of what was written."""
    image = read_coefficients(content, PATH)
    component = image.components[-1]
    last = -(-component.height // 8) - 1, -(-component.width // 8) - 1
    block = (component.blocks[last] // 2 + 1).astype(np.int16)
    result = rewritten(image, content, PATH, {(len(image.components) - 1, *last): block})
    return image, read_coefficients(result.content, PATH)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SOUND)
def test_a_damaged_file_is_refused_or_read_and_never_takes_long(kind):
    rng = np.random.default_rng(2011)
    read_and_written(SOUND[kind])  # compiled before the clock runs
    refused = 0
    for _ in range(MUTATIONS):
        content = damaged(SOUND[kind], rng)
        start = time.thread_time()
        try:
            before, after = read_and_written(content)
        except ReadError as error:
            refused += 1
            assert "\n" not in str(error)
        else:
            assert sum(c.blocks.nbytes for c in before.components) <= 16 * 1024 * len(content)
            assert after.width == before.width
        assert time.thread_time() - start < LONGEST_S
    assert 0 < refused < MUTATIONS


@pytest.mark.slow
@pytest.mark.parametrize("kind", SOUND)
def test_a_file_cut_anywhere_is_refused(kind):
    content = SOUND[kind]
    for length in range(0, len(content), 7):
        with pytest.raises(ReadError):
            read_coefficients(content[:length], PATH)


def test_many_tiny_restart_intervals_do_not_take_long():
    plane = Plane(np.zeros((1, 1, 64), np.int16))
    content = bytearray(jpegs.built(Recipe(8, 8, [plane], restart=1)))
    size = content.index(b"\xff\xc0") + 5
    content[size : size + 4] = b"\x0f\xa0\x0f\xa0"  # 4000x4000: 250,000 blocks
    start = content.index(b"\xff\xda") + 10
    coded = bytes(content[start:-2])
    marks = [coded + bytes([0xFF, 0xD0 + n % 8]) for n in range(250_000)]
    content[start:] = b"".join(marks) + b"\xff\xd9"

    read_and_written(jpegs.saved(40, 30))  # compiled before the clock runs
    start_s = time.thread_time()
    image, _ = read_and_written(bytes(content))

    assert image.components[0].blocks.shape == (500, 500, 64)
    assert time.thread_time() - start_s < LONGEST_S


def test_a_long_run_of_fill_bytes_does_not_take_long():
    content = jpegs.saved(40, 30)
    filled = content[:-2] + b"\xff" * 3_000_000 + content[-2:]

    read_coefficients(content, PATH)  # compiled before the clock runs
    start_s = time.thread_time()
    image = read_coefficients(filled, PATH)

    assert image.width == 40
    assert time.thread_time() - start_s < LONGEST_S

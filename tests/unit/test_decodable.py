"""Whether a file can be decoded to its end, and the table that decodes two things at once."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stillpix.errors import ReadError
from stillpix.frame import Exposure, Sensor
from stillpix.images import Header, require_decodable
from stillpix.rewriting.jpeg.huffman import (  # fmt: skip
    LONGEST_CODE,
    NUMBER_BITS,
    number_entries,
    optimal_table,
)
from support.effort import some


def saved(form, mode="RGB", **options):
    file = BytesIO()
    picture = Image.effect_noise((90, 70), 60).convert(mode)
    picture.save(file, form.upper(), **options)
    sensor = Sensor("unknown", "unknown", "unknown", 90, 70)
    return Header(Path(f"a.{form}"), form, sensor, Exposure(), None, 1, 255), file.getvalue()


@pytest.mark.parametrize("form", ["jpeg", "png", "tiff"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_whole_file_can_be_decoded_and_one_cut_short_cannot(form, mode):
    header, content = saved(form, mode)

    require_decodable(header, content)

    with pytest.raises(ReadError, match=f"a.{form}"):
        require_decodable(header, content[: len(content) * 2 // 3])


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 4}])
def test_a_jpeg_whose_last_codes_are_damaged_is_not_decodable(options):
    header, content = saved("jpeg", **options)
    broken = bytearray(content)
    broken[-40:-20] = b"\xff\xc0" * 10  # markers where there were codes

    with pytest.raises(ReadError):
        require_decodable(header, bytes(broken))


@given(st.integers(0, 10_000))
@settings(max_examples=some(25))
def test_an_entry_of_code_and_number_says_what_reading_them_one_by_one_does(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 1000, 256) ** 2
    counts[rng.random(256) < 0.5] = 0
    counts[0x12] += 1
    entries = optimal_table(counts).entries()

    numbers = number_entries(entries)

    for place in rng.integers(0, 1 << NUMBER_BITS, 300).tolist():
        bits = format(place, f"0{NUMBER_BITS}b")
        entry = int(entries[place << (LONGEST_CODE - NUMBER_BITS)])
        length, size, run = entry & 0xFF, entry >> 8 & 15, entry >> 12
        if not entry or not size or length + size > NUMBER_BITS:
            assert numbers[place] == 0
            continue
        number = int(bits[length : length + size], 2)
        value = number if bits[length] == "1" else number - 2**size + 1
        packed = int(numbers[place])
        assert (packed >> 16, packed >> 8 & 0xFF, packed & 0xFF) == (value, run, length + size)

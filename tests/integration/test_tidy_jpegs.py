"""JPEGs with a writer's slip: read as other decoders read them, and repaired into regular ones."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.errors import ReadError
from stillpix.images import read_colour, read_header
from stillpix.images.tidy_jpeg import STANDARD_TABLES
from stillpix.maps import write_map
from stillpix.maps.records import Defect, DefectMap
from support.companioned import picture

X, Y = 40, 30


def tables_of(content):
    """Return the Huffman tables that a JPEG defines before its scan, by class and number."""
    found, at = {}, 2
    while content[at + 1] != 0xDA:
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        if content[at + 1] == 0xC4:
            held, place = content[at + 4 : at + 2 + length], 0
            while place < len(held):
                size = 17 + sum(held[place + 1 : place + 17])
                found[held[place]] = held[place + 1 : place + size]
                place += size
        at += 2 + length
    return found


def without_tables(content):
    """Return a JPEG without its DHT segments, as frames of Motion JPEG are."""
    result, at = bytearray(content[:2]), 2
    while content[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        result += b"" if content[at + 1] == 0xC4 else content[at:end]
        at = end
    return bytes(result) + content[at:]


def with_junk_between(content):
    at = 4 + int.from_bytes(content[4:6], "big")
    return content[:at] + b"\0\x07junk" + content[at:]


SLIPS = {
    "no tables": without_tables,
    "no end": lambda content: content[:-2],
    "junk before": lambda content: b"boundary\r\n" + content,
    "junk between": with_junk_between,
}


def saved(path, content):
    path.write_bytes(content)
    return path


def colours(content):
    with Image.open(BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"))


def test_the_standard_tables_are_those_that_libjpeg_writes():
    assert tables_of(picture()) == STANDARD_TABLES


@pytest.mark.parametrize("slip", SLIPS)
def test_a_jpeg_with_a_writers_slip_is_read_like_one_without(tmp_path, slip):
    content = picture()
    header = read_header(saved(tmp_path / "a.jpg", SLIPS[slip](content)))

    assert np.array_equal(read_colour(header), colours(content))


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("slip", SLIPS)
def test_such_a_jpeg_is_repaired_into_a_regular_one(tmp_path, slip):
    content = picture([(X, Y)])
    photo = saved(tmp_path / "a.jpg", SLIPS[slip](content))
    arguments = ["fix", str(photo), "--at", f"{X},{Y}", "--out", str(tmp_path / "out")]

    ran = CliRunner().invoke(app, arguments)

    assert ran.exit_code == 0, ran.stderr
    assert "the repaired one is regular" in " ".join(ran.stderr.split())
    before, after = colours(content), colours((tmp_path / "out" / "a.jpg").read_bytes())
    assert abs(int(after[Y, X, 0]) - int(before[Y, X, 0])) > 40
    changed = np.argwhere((before != after).any(axis=2))
    assert np.abs(changed - [Y, X]).max() < 24


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("slip", SLIPS)
def test_where_nothing_shows_such_a_jpeg_is_copied_as_it_is(tmp_path, slip):
    content = SLIPS[slip](picture())
    photo = saved(tmp_path / "a.jpg", content)
    hot = Defect(x=X, y=Y, kind="hot", strength=60.0, state="confirmed")
    write_map(DefectMap(read_header(photo).sensor, (hot,)), tmp_path / "m.stillpix.json")

    ran = CliRunner().invoke(
        app,
        [
            "fix",
            str(photo),
            "--map",
            str(tmp_path / "m.stillpix.json"),
            "--out",
            str(tmp_path / "o"),
        ],
    )

    assert ran.exit_code == 0, ran.stderr
    assert (tmp_path / "o" / "a.jpg").read_bytes() == content


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_jpeg_whose_data_ends_early_stays_cut_short(tmp_path, options):
    content = picture(**options)
    for end in range(len(content) // 3, len(content) - 40, 97):
        path = saved(tmp_path / "a.jpg", content[:end])
        with pytest.raises(ReadError, match=r"is cut short|is a damaged"):
            read_colour(read_header(path))

"""Damaged and hostile defect lists: one clear line each, and nothing of their size is made."""

from __future__ import annotations

import json
import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillpix.errors import MapFormatError
from stillpix.frame import Sensor
from stillpix.lists import FORMATS, format_named, read_list, write_list
from stillpix.maps.records import Defect, DefectMap
from support import costs, photos
from support.effort import some
from support.frames import npy_bytes

SENSOR = Sensor("Canon", "EOS R", "7", 30, 20, "bayer-RGGB", (3, 5, 24, 14))
BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE c [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<Coordinates>&b;</Coordinates>"""


def opcode(code, body, *, count=1, length=None):
    head = struct.pack(">I4BII", code, 1, 3, 0, 0, 0, len(body) if length is None else length)
    return struct.pack(">I", count) + head + body


def npy_of_claimed_shape(shape):
    text = f"{{'descr': '|b1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + text.encode()


def fits_of_claimed_size(width, height, *more):
    cards = ["SIMPLE  =                    T", "BITPIX  =                    8",
             "NAXIS   =                    2", f"NAXIS1  = {width:20}", f"NAXIS2  = {height:20}",
             *more, "END"]  # fmt: skip
    return "".join(card.ljust(80) for card in cards).ljust(2880).encode()


def pickled():
    return npy_bytes(np.array([{"a": 1}], dtype=object))


MASK = np.zeros((20, 30), np.uint8)
HOSTILE = {
    "latin-1": ("rawtherapee", b"# Gr\xf6\xdfe\n3 4\n", "line 1 is not UTF-8 text; save the list"),
    "binary": ("rawtherapee", b"\0\0\0\1", "is not a text list, it holds binary"),
    "a photo": ("phd2", b"\xff\xd8\xff\xe0" + bytes(90), "is not '# PHD2 Defect Map v1'"),
    "nan": ("rawtherapee", b"3 nan\n", "line 1 holds 'nan' where a whole number belongs"),
    "huge": ("rawtherapee", b"1 1\n3 " + b"9" * 9999, "line 2 holds '99999999999999999...' where"),
    "fraction": ("phd2", b"# PHD2 Defect Map v1\n3.5 4\n", "line 2 holds '3.5' where"),
    "other digits": ("phd2", "# PHD2 Defect Map v1\n٣ 4\n".encode(), "line 2 holds '٣' where"),
    "outside": ("rawtherapee", b"\n\n24 0\n", "line 3 names 24,0, but the list counts in an area "
                "of 24x14 that begins at 3,5; check that it is of this camera, and --from"),
    "negative": ("rawtherapee", b"1 1\n-1 0\n", "line 2 names -1,0, but"),
    "one word": ("rawtherapee", b"1 1\n3\n", "line 2 holds 1 words where 2 to 3 belong"),
    "two columns": ("dcraw", b"3 4\n", "line 1 holds 2 words where 3 belong"),
    "text time": ("dcraw", b"3 4 yesterday\n", "line 1 holds 'yesterday' where a time in seconds"),
    "late time": ("dcraw", b"3 4 999999999999\n", "holds a time after the year 9999"),
    "early time": ("dcraw", b"3 4 -5\n", "line 1 holds '-5' where a time"),
    "siril kind": ("siril", b"Q 3 4 H\n", "line 1 begins with 'Q', not with P, L or C"),
    "siril short": ("siril", b"P 3 H\n", "line 1 holds 1 words where 2 belong"),
    "siril column": ("siril", b"C 29 0 H\n", "line 1 names 29,0, but"),
    "pixinsight kind": ("pixinsight", b"3 4\n", "begins with '3', not with Col or Row"),
    "pixinsight range": ("pixinsight", b"Col 3 9 4\n", "has no range from a first to a last"),
    "pixinsight long": ("pixinsight", b"Col 3 0 20\n", "line 1 names 3,20, but"),
    "no opcodes": ("dng", b"", "is not a DNG opcode list, or is damaged"),
    "opcodes cut": ("dng", opcode(5, b"12345678", length=99), "an opcode list is cut short"),
    "opcodes many": ("dng", opcode(9, b"", count=2**32 - 1), "is not a DNG opcode list, or is"),
    "opcode short": ("dng", opcode(5, struct.pack(">III", 1, 2**31, 0)), "or less than it holds"),
    "opcode none": ("dng", opcode(5, b"1234"), "a list of bad pixels is cut short"),
    "rectangles": ("dng", opcode(5, struct.pack(">III4I", 1, 0, 1, 0, 0, 2**31, 2**31)),
                   "rectangle 1 spans 0,0 to 2147483648,2147483648, which is no part"),
    "little-endian": ("dng", struct.pack("<I", 1) + bytes(20), "is not a DNG opcode list"),
    "xml bomb": ("dalsa", BOMB, "line 2 declares a document type"),
    "no xml": ("dalsa", b"OffsetX=3", "is not XML (not well-formed"),
    "xml cut": ("dalsa", b"<Coordinates><DefectivePixel", "is not XML (unclosed token)"),
    "xml empty": ("dalsa", b"", "is not XML (no element found)"),
    "xml of no offset": ("dalsa", b'<C>\n<DefectivePixel OffsetX="3"/></C>', "line 2 has a Defect"),
    "xml of text": ("dalsa", b'<C><DefectivePixel OffsetX="a" OffsetY="1"/></C>', "holds 'a' wher"),
    "xml encoding": ("dalsa", b'<?xml version="1.0" encoding="klingon"?><C/>', "is not XML ("),
    "no png": ("png", b"GIF89a", "is not a PNG file"),
    "png of another size": ("png", photos.png("L"), "is 61x47, not 30x20; a mask fits one camera"),
    "png that claims": ("png", photos.png_of_claimed_size(65535, 65535), "is 65535x65535, not 30"),
    "png cut": ("png", photos.png_of_words(np.zeros((20, 30, 1), np.uint16))[:48], "is a damaged"),
    "png inside out": ("png", photos.png_of_words(np.ones((20, 30, 1), np.uint16)),
                       "marks 100% of all pixels as broken; pixels that are not 0 count as broken"),
    "no npy": ("npy", b"PK\3\4", "is not a NumPy file"),
    "npy that claims": ("npy", npy_of_claimed_shape((10**6, 10**6)), "is 1000000x1000000, not 30x"),
    "npy that claims no size": ("npy", npy_of_claimed_shape("None"), "is not a NumPy file"),
    "npy cut": ("npy", npy_bytes(MASK)[:200], "is a damaged NumPy file"),
    "npy pickled": ("npy", pickled(), "is 1, not 30x20"),
    "npy of text": ("npy", npy_bytes(np.full((20, 30), "a")), "not truth values or numbers"),
    "npy of nan": ("npy", npy_bytes(np.full((20, 30), np.nan)), "holds NaN, which marks nothing"),
    "no fits": ("fits", b"hello", "is not a FITS file"),
    "fits head alone": ("fits", b"SIMPLE  =                    T", "FITS file"),
    "fits that claims": ("fits", fits_of_claimed_size(10**6, 10**6), "is 1000000x1000000, not 30x"),
    "fits cut": ("fits", fits_of_claimed_size(30, 20), "is a damaged FITS file"),
    "fits of odd cards": ("fits", fits_of_claimed_size(30, 20, "EXTNAME = 'never ends"),
                          "is a damaged FITS file (Unparsable card (EXTNAME)"),
    "fits of no picture": ("fits", fits_of_claimed_size(0, 0), "not 30x20"),
    "csv empty": ("csv", b"", "line 1 has no heading x; the first line names the columns"),
    "csv of no y": ("csv", b"x,kind\n3,hot\n", "line 1 has no heading y"),
    "csv nan": ("csv", b"x,y,score\n3,4,NaN\n", "line 2.score must be a finite number"),
    "csv huge": ("csv", b"x,y\n3,1e999\n", "line 2.y must be a whole number"),
    "csv outside": ("csv", b"x,y\n3,4\n30,4\n", "line 3.x must be from 0 to 29, not 30"),
    "csv kind": ("csv", b"x,y,kind\n3,4,warm\n", "line 2.kind must be one of hot, offset"),
    "csv date": ("csv", b"x,y,since_first,since_last\n3,4,2020-01-01,\n", "must hold dates such"),
    "csv wide": ("csv", b"x,y\n3,4,5\n", "line 2 has 3 cells under 2 headings"),
    "csv quote": ("csv", b'x,y\n"3,4\n', "is not CSV ("),
    "csv depth": ("csv", b"x,y\n3," + b"[" * 90_000 + b"\n", "line 2.y must be a whole number"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("name", "content", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_a_wrong_list_is_refused_in_one_line_and_little_memory(tmp_path, name, content, reason):
    if name == "fits":
        pytest.importorskip("astropy")
    path = tmp_path / "a.list"
    path.write_bytes(content)
    with suppress(MapFormatError):
        read_list(path, format_named(name), SENSOR)

    with costs.memory() as counted, pytest.raises(MapFormatError) as refused:
        read_list(path, format_named(name), SENSOR)

    message = str(refused.value)
    assert message.startswith(f"{path}: ")
    assert reason in message
    assert "; " in message and "\n" not in message
    assert counted.most < 30_000_000


@pytest.mark.slow
@pytest.mark.parametrize("name", [form.name for form in FORMATS])
@settings(max_examples=some(150))
@given(noise=st.data())
def test_damage_anywhere_gives_a_list_or_one_clear_error(tmp_path_factory, name, noise):
    path = tmp_path_factory.getbasetemp() / f"damaged-{name}"
    defects = tuple(Defect(x=x, y=9, state="confirmed") for x in range(5, 15))
    write_list(DefectMap(SENSOR, defects), path, format_named(name))
    content = bytearray(path.read_bytes())
    at = noise.draw(st.integers(0, len(content) - 1))
    content[at : at + noise.draw(st.integers(0, 40))] = noise.draw(st.binary(max_size=20))
    path.write_bytes(content)

    try:
        read = read_list(path, format_named(name), SENSOR)
    except MapFormatError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
    else:
        assert all(0 <= one.x < 30 and 0 <= one.y < 20 for one in read)


@pytest.mark.parametrize("name", ["rawtherapee", "dalsa", "csv"])
def test_an_endless_text_is_refused(tmp_path, monkeypatch, name):
    for module in ("entries", "dalsa"):
        monkeypatch.setattr(f"stillpix.lists.{module}.MOST_TEXT_BYTES", 1 << 20)
    (tmp_path / "a.list").write_bytes(b"1 1\n" * (1 << 19))

    with pytest.raises(MapFormatError, match="is longer than 1 MB; check --from"):
        read_list(tmp_path / "a.list", format_named(name), SENSOR)


def test_a_list_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("stillpix.lists.entries.MOST_ENTRIES", 1000)
    (tmp_path / "a.badpixels").write_text("1 1\n" * 1001, encoding="utf-8")

    with pytest.raises(MapFormatError, match="line 1001 is beyond a million entries"):
        read_list(tmp_path / "a.badpixels", format_named("rawtherapee"), SENSOR)


@pytest.mark.parametrize("place", ["nothing", "."])
def test_a_missing_list_and_a_folder_are_refused(tmp_path, place):
    with pytest.raises(MapFormatError, match=r"is not there; check|is not a file; give"):
        read_list(tmp_path / place, format_named("csv"), SENSOR)


def test_the_names_of_formats_are_one_word_each_and_differ():
    names = [form.name for form in FORMATS]

    assert len(set(names)) == len(names)
    assert json.dumps(names).isascii() and not any(" " in name for name in names)

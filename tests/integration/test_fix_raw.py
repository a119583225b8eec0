"""RAW photos repaired: a DNG lists its broken pixels or has them replaced, others become DNGs."""

from __future__ import annotations

import json
import struct
from io import BytesIO

import numpy as np
import pytest
import rawpy
from typer.testing import CliRunner

import stillpix
from stillpix.cli import app
from stillpix.errors import ReadError
from stillpix.images import read_header
from stillpix.maps import write_map
from stillpix.maps.records import Defect, DefectMap, Run
from stillpix.restoration import RawWay, RepairedFile, Verdict
from stillpix.restoration.destinations import Placement
from stillpix.restoration.targets import listed_in
from stillpix.rewriting.dng.appending import opcodes_of
from stillpix.rewriting.dng.opcodes import bad_pixels_in
from support import mosaic_files, tiffs
from support.fixing import at, map_of, names, run, tree
from support.mosaics import mosaic_of

pytestmark = pytest.mark.usefixtures("library")
BAYER = ("bayer-RGGB", "bayer-GBRG")
LAYOUTS = (*BAYER, "xtrans")
WIDTH, HEIGHT, ACTIVE = 320, 240, (12, 24, 232, 312)  # top, left, bottom, right
HOT = ((150, 100), (81, 60), (200, 180))
MASKED = (5, 5)


def mosaic(layout="bayer-GBRG", seed=3, hot=HOT):
    """Return a mosaic with hot pixels, and the same without."""
    sound = mosaic_of(np.random.default_rng(seed), layout, WIDTH, HEIGHT).astype(np.uint16)
    sound[:12], sound[:, :24] = 512, 512
    broken = sound.copy()
    for x, y in hot:
        broken[y, x] = 15000
    return sound, broken


def dng(layout="bayer-GBRG", seed=3, hot=HOT, **options):
    options.setdefault("active", ACTIVE)
    return mosaic_files.dng(mosaic(layout, seed, hot)[1], layout, **options)


def no_dng(content):
    return content.replace(struct.pack("<HHI", 50706, 1, 4), struct.pack("<HHI", 50705, 1, 4))


def saved(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def pixels_of(path):
    with rawpy.imread(str(path)) as raw:
        return raw.raw_image.copy()


def points_of(path):
    return bad_pixels_in(opcodes_of(path.read_bytes(), path)).points


def fixed(*arguments):
    return CliRunner().invoke(app, ["fix", *map(str, arguments)])


def said(ran):
    return " ".join(ran.stderr.split())


@pytest.fixture
def photo(tmp_path):
    return saved(tmp_path / "in" / "a.dng", dng())


@pytest.fixture
def map_file(photo, tmp_path):
    defects = (*at(HOT[:2]), *at(HOT[2:], "accepted"), *at([(99, 99)], "candidate"))
    write_map(DefectMap(read_header(photo).sensor, defects), tmp_path / "m.stillpix.json")
    return tmp_path / "m.stillpix.json"


# A DNG lists its broken pixels


@pytest.mark.parametrize("layout", BAYER)
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_a_dng_lists_the_confirmed_and_accepted_defects_and_nothing_else_changes(
    tmp_path, layout, byteorder
):
    photo = saved(tmp_path / "a.dng", dng(layout, byteorder=byteorder))
    before = photo.read_bytes()
    defects = (*at(HOT), *at([(99, 99)], "candidate"), *at([(98, 99)], "rejected"))
    lister = listed_in(DefectMap(read_header(photo).sensor, defects))

    (done,), skipped = run([photo], lister, Placement(out=tmp_path / "out"))

    assert skipped == {}
    assert (done.result, done.listed, done.repaired) == ("listed", 3, 0)
    after = (tmp_path / "out" / "a.dng").read_bytes()
    assert points_of(tmp_path / "out" / "a.dng") == HOT
    old, new = tiffs.told(before), tiffs.told(after)
    del new[0][51008]
    assert new == old
    assert after[8 : len(before)] == before[8:]
    assert np.array_equal(pixels_of(tmp_path / "out" / "a.dng"), pixels_of(photo))


@pytest.mark.parametrize(
    ("layout", "phase"),
    [("bayer-GRBG", 0), ("bayer-RGGB", 1), ("bayer-BGGR", 2), ("bayer-GBRG", 3)],
)
def test_the_list_says_the_phase_of_the_stored_frame(tmp_path, layout, phase):
    photo = saved(tmp_path / "a.dng", dng(layout, active=(13, 25, 231, 311)))

    stillpix.fix(photo, map_of(photo, HOT), tmp_path / "b.dng")

    assert bad_pixels_in(opcodes_of((tmp_path / "b.dng").read_bytes(), photo)).phase == phase


def test_a_broken_column_is_listed_as_a_rectangle(tmp_path, photo):
    column = Defect(x=77, y=12, state="confirmed", run=Run("column", 12, 231))
    row = Defect(x=24, y=50, state="confirmed", run=Run("row", 24, 40))
    sensor = read_header(photo).sensor

    verdicts = stillpix.fix(photo, DefectMap(sensor, (column, row)), tmp_path / "b.dng")

    found = bad_pixels_in(opcodes_of((tmp_path / "b.dng").read_bytes(), photo))
    assert found.rects == ((77, 12, 78, 232), (24, 50, 41, 51))
    assert [(each.x, each.y, each.outcome) for each in verdicts] == [
        (77, 12, "listed"), (24, 50, "listed"),
    ]  # fmt: skip


def test_in_place_keeps_the_original_and_twice_changes_nothing(photo, map_file):
    before = photo.read_bytes()

    once = fixed(photo, "--map", map_file, "--in-place")
    kept, content = tree(photo.parent), photo.read_bytes()
    twice = fixed(photo, "--map", map_file, "--in-place")

    assert (once.exit_code, twice.exit_code) == (0, 0)
    assert photo.with_name("a.dng.orig").read_bytes() == before
    assert points_of(photo) == HOT
    assert "1 DNG now lists 3 broken pixels, for the program that develops it" in once.stdout
    assert "1 DNG lists all of them already: nothing to change" in twice.stdout
    assert photo.read_bytes() == content
    assert {
        name: told for name, told in tree(photo.parent).items() if name != "stillpix-fix.json"
    } == {name: told for name, told in kept.items() if name != "stillpix-fix.json"}


def test_copies_made_twice_are_there_already(photo, map_file, tmp_path):
    fixed(photo, "--map", map_file, "--out", tmp_path / "out")
    before = tree(tmp_path / "out")

    twice = fixed(photo, "--map", map_file, "--out", tmp_path / "out")

    assert twice.exit_code == 0
    assert "1 photo in" in twice.stdout
    assert tree(tmp_path / "out")["a.dng"] == before["a.dng"]


def test_a_list_that_is_there_is_extended(photo, tmp_path):
    stillpix.fix(photo, map_of(photo, HOT[:1]), tmp_path / "b.dng")

    verdicts = stillpix.fix(tmp_path / "b.dng", map_of(photo, HOT), tmp_path / "c.dng")

    assert points_of(tmp_path / "c.dng") == HOT
    assert [each.why for each in verdicts] == ["in the file's list already", "", ""]


def test_a_dry_run_says_what_would_be_listed_and_writes_nothing(photo, map_file, tmp_path):
    before = tree(tmp_path)

    ran = fixed(photo, "--map", map_file, "--dry-run")
    document = json.loads(fixed(photo, "--map", map_file, "--dry-run", "--json").stdout)

    assert "1 DNG would list 3 broken pixels, for the program that develops it" in ran.stdout
    assert [place["outcome"] for place in document["photos"][0]["places"]] == ["listed"] * 3
    assert document["photos"][0]["result"] == "listed"
    assert tree(tmp_path) == before


def test_the_log_says_what_was_done(photo, map_file, tmp_path):
    fixed(photo, "--map", map_file, "--out", tmp_path / "out")

    log = json.loads((tmp_path / "out" / "stillpix-fix.json").read_text(encoding="utf-8"))

    (entry,) = log["photos"]
    assert (entry["result"], entry["target"]) == ("listed", "a.dng")
    assert (entry["options"]["mosaic"], entry["options"]["to_dng"]) == (False, False)


def test_a_result_that_libraw_cannot_decode_is_not_written(photo, tmp_path, monkeypatch):
    def cut(content, *_, **__):
        return RepairedFile(content[: len(content) // 2], (Verdict(3, 4, "listed"),))

    monkeypatch.setattr("stillpix.restoration.fix.repaired_pictures", cut)

    ran = fixed(photo, "--at", "150,100", "--out", tmp_path / "out")

    assert ran.exit_code == 3
    assert not (tmp_path / "out" / "a.dng").exists()


def test_nothing_broken_is_copied_to_the_byte(photo, tmp_path):
    stillpix.fix(photo, map_of(photo, ()), tmp_path / "b.dng")

    assert (tmp_path / "b.dng").read_bytes() == photo.read_bytes()


@pytest.mark.parametrize("suffix", ["dng", "raf"])
def test_what_is_not_bayer_has_no_list_and_the_remedy_is_named(tmp_path, suffix):
    content = dng("xtrans") if suffix == "dng" else no_dng(dng("xtrans"))
    photo = saved(tmp_path / "in" / f"a.{suffix}", content)
    arguments = (photo, "--at", "150,100", "--to", "dng", "--out", tmp_path / "out")

    ran = fixed(*arguments)
    replaced = fixed(*arguments, "--mosaic")

    assert (ran.exit_code, replaced.exit_code) == (3, 0)
    assert "is of a sensor that is X-Trans, and only Bayer" in said(ran)
    assert "give --mosaic to replace the values" in said(ran)
    changed = np.argwhere(pixels_of(tmp_path / "out" / "a.dng") != mosaic("xtrans")[1])
    assert changed.tolist() == [[100, 150]]


def test_an_x_trans_file_without_defects_becomes_a_dng_without_a_list(tmp_path):
    photo = saved(tmp_path / "a.raf", no_dng(dng("xtrans")))

    stillpix.fix(photo, map_of(photo, ()), tmp_path / "b.dng")

    assert opcodes_of((tmp_path / "b.dng").read_bytes(), photo) is None
    assert np.array_equal(pixels_of(tmp_path / "b.dng"), pixels_of(photo))


# The values of a DNG's mosaic replaced


@pytest.mark.parametrize("layout", LAYOUTS)
def test_hot_values_are_replaced_and_no_other_value_changes(tmp_path, layout):
    sound, broken = mosaic(layout)
    photo = saved(tmp_path / "in" / "a.dng", mosaic_files.dng(broken, layout, active=ACTIVE))
    write_map(map_of(photo, HOT), tmp_path / "m.stillpix.json")
    options = ("--map", tmp_path / "m.stillpix.json", "--mosaic")

    ran = fixed(photo, *options, "--out", tmp_path / "out")
    again = fixed(tmp_path / "out" / "a.dng", *options, "--out", tmp_path / "more")

    assert (ran.exit_code, again.exit_code) == (0, 0)
    assert "1 photo repaired, in 3 places" in ran.stdout
    after = pixels_of(tmp_path / "out" / "a.dng")
    where = np.argwhere(after != broken)
    assert sorted((int(x), int(y)) for y, x in where) == sorted(HOT)
    for x, y in HOT:
        near = np.abs(after[y, x].astype(int) - int(sound[y, x]))
        assert near < 0.25 * abs(int(broken[y, x]) - int(sound[y, x]))
    assert (tmp_path / "more" / "a.dng").read_bytes() == (tmp_path / "out" / "a.dng").read_bytes()
    assert opcodes_of((tmp_path / "out" / "a.dng").read_bytes(), photo) is None


def test_in_place_replaced_values_are_verified_and_the_original_kept(photo, map_file):
    before = photo.read_bytes()

    ran = fixed(photo, "--map", map_file, "--mosaic", "--in-place")

    assert ran.exit_code == 0
    assert photo.with_name("a.dng.orig").read_bytes() == before
    assert (pixels_of(photo) != mosaic()[1]).sum() == 3


def test_a_place_in_the_masked_margin_is_not_repaired_and_is_no_source(photo, tmp_path):
    x, y = ACTIVE[1], ACTIVE[0]  # the visible corner: half of what is around it is masked

    ran = fixed(photo, "--at", f"{MASKED[0]},{MASKED[1]}", "--at", f"{x},{y}", "--mosaic",
                "--out", tmp_path / "out")  # fmt: skip

    assert ran.exit_code == 0
    assert "1 place could not be repaired: it lies in the masked margin" in ran.stdout
    after = pixels_of(tmp_path / "out" / "a.dng")
    assert after[MASKED[1], MASKED[0]] == 512
    assert after[y, x] > 600


def test_a_packing_that_is_not_written_is_refused_with_the_remedy(tmp_path):
    content = mosaic_files.dng(mosaic()[1] >> 3, "bayer-GBRG", white=2047, bitspersample=11)
    photo = saved(tmp_path / "a.dng", content)

    ran = fixed(photo, "--at", "150,100", "--mosaic", "--out", tmp_path / "out")
    listed = fixed(photo, "--at", "150,100", "--out", tmp_path / "out")

    assert (ran.exit_code, listed.exit_code) == (3, 0)
    assert "is a DNG of 11-bit values, whose values are not replaced; list its broken" in said(ran)


# Other RAW files


@pytest.fixture
def nef(tmp_path):
    return saved(tmp_path / "in" / "b.nef", no_dng(dng(orientation=6)))


@pytest.mark.parametrize("way", [(), ("--mosaic",)])
def test_another_raw_file_is_never_rewritten_and_the_remedies_are_named(nef, tmp_path, way):
    before = tree(tmp_path)

    for place in (("--out", tmp_path / "out"), ("--in-place",), ("--dry-run",)):
        ran = fixed(nef, "--at", "150,100", *way, *place)
        assert ran.exit_code == 3
        assert (
            "b.nef: is a RAW file other than DNG, and such files are never rewritten; give --to"
            in said(ran)
        )
        assert "`stillpix export`" in said(ran)

    assert tree(tmp_path) == before


def test_to_dng_writes_a_new_file_that_lists_the_broken_pixels(nef, tmp_path):
    write_map(map_of(nef, HOT), tmp_path / "m.stillpix.json")

    ran = fixed(
        nef, "--map", tmp_path / "m.stillpix.json", "--to", "dng", "--out", tmp_path / "out"
    )

    assert ran.exit_code == 0
    assert names(tmp_path / "out") == ["b.dng", "stillpix-fix.json"]
    made = tmp_path / "out" / "b.dng"
    assert points_of(made) == HOT
    assert np.array_equal(pixels_of(made), pixels_of(nef))
    assert read_header(made).sensor == read_header(nef).sensor
    assert read_header(made).orientation == 6
    assert "1 DNG now lists 3 broken pixels" in ran.stdout
    assert "maker notes and previews are only in the original" in said(ran)


def test_to_dng_with_mosaic_replaces_the_values(nef, tmp_path):
    ran = fixed(nef, "--at", "150,100", "--to", "dng", "--mosaic", "--out", tmp_path / "out")

    assert ran.exit_code == 0
    changed = np.argwhere(pixels_of(tmp_path / "out" / "b.dng") != mosaic()[1])
    assert changed.tolist() == [[100, 150]]
    assert opcodes_of((tmp_path / "out" / "b.dng").read_bytes(), nef) is None


def test_to_dng_twice_writes_the_same_bytes(nef, tmp_path):
    for _ in range(2):
        ran = fixed(nef, "--at", "150,100", "--to", "dng", "--out", tmp_path / "out")
        assert ran.exit_code == 0

    assert "1 photo in" in ran.stdout


def test_a_dng_and_a_raw_file_that_would_get_one_name_are_both_refused(nef, tmp_path):
    saved(nef.with_name("b.dng"), dng())

    ran = fixed(nef.parent, "--at", "150,100", "--to", "dng", "--out", tmp_path / "out")

    assert ran.exit_code == 3
    assert "b.nef: would become" in said(ran)
    assert "b.dng: would become" in said(ran)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--to", "tiff", "--out", "OUT"),
            "'tiff' is not possible; new files are DNG: give --to dng",
        ),
        (("--to", "dng", "--in-place"), "--to: makes new files; give --out DIR with it"),
    ],
)
def test_wrong_usage_is_refused(nef, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)

    ran = fixed(nef, "--at", "150,100", *arguments)

    assert ran.exit_code == 2
    assert words in said(ran)


def test_from_python_the_name_of_the_output_says_what_is_made(nef, tmp_path):
    defect_map = map_of(nef, HOT)

    stillpix.fix(nef, defect_map, tmp_path / "listed.dng")
    stillpix.fix(nef, defect_map, tmp_path / "mended.dng", mosaic=True)

    assert points_of(tmp_path / "listed.dng") == HOT
    assert (pixels_of(tmp_path / "mended.dng") != pixels_of(nef)).sum() == 3
    with pytest.raises(ReadError, match="are never rewritten; give --to dng"):
        stillpix.fix(nef, defect_map, tmp_path / "c.nef")


def test_a_cut_dng_is_refused_and_nothing_is_written(photo, tmp_path):
    whole = photo.read_bytes()
    before = names(tmp_path)

    for end in (100, 1000, len(whole) // 2, len(whole) - 40):
        photo.write_bytes(whole[:end])
        ran = fixed(photo, "--at", "150,100", "--out", tmp_path / "out")
        assert ran.exit_code == 3
    assert names(tmp_path) == before


def test_what_becomes_of_raw_photos_is_a_matter_of_the_placement(nef, tmp_path):
    placement = Placement(out=tmp_path / "out", raw=RawWay(mosaic=True, to_dng=True))

    (done,), _ = run([nef], None, placement)

    assert done.target == tmp_path / "out" / "b.dng"
    assert BytesIO(done.target.read_bytes()).read(4) == b"II*\0"

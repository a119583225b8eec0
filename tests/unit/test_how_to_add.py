"""The examples of docs/how-to-add.md, run as a reader would put them into the package."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import stillpix
from stillpix import images, lists
from stillpix.evidence.evidence import Evidence
from stillpix.evidence.templates import TEMPLATES, Template
from stillpix.lists import ListFormat, read_list, write_list
from stillpix.maps.records import Defect, DefectMap
from stillpix.restoration import files, verified
from stillpix.web import api, serving
from stillpix.web.operations import Answer, Asked, Operation
from stillpix.web.routes import OF_MAP, OPERATIONS
from stillpix.web.schema import ANY_RECORD
from support import series
from support.frames import some_frames

PAGE = Path(__file__).parents[2] / "docs" / "how-to-add.md"
STATIC = Path(stillpix.__file__).parent / "web" / "static"
EXAMPLE = re.compile(r"<!-- example: ([a-z ]+) -->\n```(?:python|js)\n(.*?)```", re.DOTALL)
REACH = 3  # px from a broken pixel that a developed photo shows it in
EXAMPLES = dict(EXAMPLE.findall(PAGE.read_text(encoding="utf-8")))


def module_of(monkeypatch, name, example):
    """Put an example into the package as a module of it."""
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(EXAMPLES[example], module.__dict__)
    return module


def row_of(example, **names):
    return eval(EXAMPLES[example], names)


@pytest.fixture
def pgm(tmp_path, monkeypatch):
    """Return the path of a PGM, after its format was added."""
    module_of(monkeypatch, "stillpix.images.pgm", "format module")
    row = row_of("format row", Format=images.Format)
    monkeypatch.setattr(images, "FORMATS", (*images.FORMATS, row))
    Image.fromarray(series.scene(1)[..., 1]).save(tmp_path / "photo.pgm")
    return tmp_path / "photo.pgm"


def test_the_photo_format_is_read(pgm):
    assert images.is_photo(pgm)
    (frame,) = images.open_frames([pgm])

    assert np.array_equal(frame.pixels, np.asarray(Image.open(pgm)))


def test_a_damaged_file_of_the_photo_format_is_refused_in_one_line(pgm):
    pgm.write_bytes(b"P5\nno size")

    with pytest.raises(stillpix.StillpixError, match=r"photo\.pgm: is damaged"):
        images.read_header(pgm)


def test_the_way_of_repairing_changes_the_broken_pixels_and_their_edge_alone(pgm, monkeypatch):
    module = module_of(monkeypatch, "stillpix.restoration.pgm", "repair module")
    ways = {**files.WAYS}
    exec(EXAMPLES["repair row"], {"WAYS": ways, "repaired_pgm": module.repaired_pgm})
    monkeypatch.setattr(files, "WAYS", ways)
    header, content = images.read_header(pgm), pgm.read_bytes()
    listed = [Defect(x=x, y=y, kind="hot") for x, y in series.HOT]

    fixed = files.repaired_file(content, header, listed)

    before, after = (images.decode_colour(header, each) for each in (content, fixed.content))
    y, x = np.nonzero(before != after)
    apart = np.min([np.maximum(abs(x - hx), abs(y - hy)) for hx, hy in series.HOT], axis=0)
    assert fixed.repaired == len(listed)
    assert all(before[hy, hx] != after[hy, hx] for hx, hy in series.HOT)
    assert apart.max() <= REACH
    verified(content, fixed.content, header, fixed.verdicts)


def test_the_list_format_is_written_and_read(tmp_path, monkeypatch):
    module_of(monkeypatch, "stillpix.lists.pairs", "list module")
    row = row_of("list row", ListFormat=ListFormat)
    monkeypatch.setattr(lists, "FORMATS", (*lists.FORMATS, row))
    sensor = some_frames(1)[0].sensor
    found = DefectMap(sensor, (Defect(x=3, y=4, state="confirmed"),))

    write_list(found, tmp_path / "a.pairs", lists.format_named("pairs"))

    assert (tmp_path / "a.pairs").read_text() == "3;4\n"
    assert [(one.x, one.y) for one in read_list(tmp_path / "a.pairs", row, sensor)] == [(3, 4)]


def test_the_template_is_summed_beside_the_others():
    row = row_of("template row", Template=Template)
    frames = some_frames(3)

    evidence = Evidence(frames[0].sensor, (*TEMPLATES, row)).update_all(frames)

    assert evidence.scores[len(TEMPLATES)].any()


@pytest.mark.slow
def test_the_panel_is_answered(tmp_path, monkeypatch, library):
    from support import pages

    names = {"Desk": object, "Asked": Asked, "Answer": Answer}
    exec(EXAMPLES["panel api"], names)
    row = row_of(
        "panel row", Operation=Operation, counts=names["counts"], OF_MAP=OF_MAP,
        ANY_RECORD=ANY_RECORD,
    )  # fmt: skip
    monkeypatch.setattr(serving, "OPERATIONS", (*OPERATIONS, row))
    series.write(tmp_path / "in", range(10))

    with pages.serving(library) as site:
        found = site.find(site.open(tmp_path / "in"))
        told = site.get(f"api/maps/{found}/counts").json()

    ((_, kept),) = library.maps()
    assert told["confirmed"] == len(kept.in_state("confirmed")) > 0


def test_the_panels_script_uses_what_the_page_has():
    wanted = re.findall(r"import \{ (.*?) \} from \"\./(.*?)\"", EXAMPLES["panel script"])

    for names, file in wanted:
        exported = set(
            re.findall(r"export (?:async )?(?:const|function) (\w+)", (STATIC / file).read_text())
        )
        assert set(names.split(", ")) <= exported
    assert len(wanted) == 3
    assert hasattr(api, "map_")  # beside which the panel's function stands


def test_every_example_is_run():
    assert set(EXAMPLES) == {
        "format module", "format row", "repair module", "repair row", "list module", "list row",
        "template row", "panel api", "panel row", "panel script",
    }  # fmt: skip

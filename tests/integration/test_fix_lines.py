"""`stillpix fix` on a bad column: one printed line, one entry, and nothing to do the next time."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.images import read_header
from stillpix.maps import write_map
from stillpix.maps.records import Defect, DefectMap, Run
from support.frames import smooth_light

pytestmark = pytest.mark.usefixtures("library")


def test_a_column_is_one_line_and_one_entry_and_needs_no_second_repair(tmp_path):
    rng = np.random.default_rng(2)
    levels = 230 * smooth_light(rng, 200, 160) + rng.normal(0, 2, (160, 200))
    levels[20:140, 91] += 12
    photo, out, maps = (tmp_path / name for name in ("a.png", "fixed", "m.stillpix.json"))
    Image.fromarray(np.clip(np.rint(levels), 0, 255).astype(np.uint8)).save(photo)
    column = Defect(x=91, y=20, state="confirmed", run=Run("column", 20, 139))
    write_map(DefectMap(read_header(photo).sensor, (column,)), maps)

    def fix(*arguments):
        return CliRunner().invoke(app, ["fix", *map(str, arguments), "--map", str(maps)])

    told = fix(photo, "--out", out)
    again = fix(out / "a.png", "--dry-run", "--json")

    assert told.exit_code == 0, told.output
    assert "1 photo repaired, in 1 column" in told.stdout
    assert [line.split()[1:4] for line in told.stdout.splitlines() if "20-139" in line] == [
        ["91", "20-139", "repaired"]
    ]
    (place,) = json.loads(again.stdout)["photos"][0]["places"]
    assert (place["outcome"], place["run"]) == ("not showing", ["column", 20, 139])

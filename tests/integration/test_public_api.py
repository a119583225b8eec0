"""The names that people may import from stillpix: there, documented, and cheap to get at."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import stillpix
from stillpix.images import read_header

PUBLIC = {
    "ArgumentError", "Defect", "DefectMap", "DetectionSettings", "Evidence", "Exposure", "Frame",
    "Sensor", "StillpixError", "Verdict", "__version__", "detect", "find", "find_in", "fix",
    "open_frames", "read_map", "repair", "write_map",
}  # fmt: skip


def python(source):
    ran = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def test_the_public_names_are_these_and_no_others():
    assert set(stillpix.__all__) == PUBLIC
    assert sorted(stillpix.__all__) == stillpix.__all__


@pytest.mark.parametrize("name", stillpix.__all__)
def test_a_public_name_is_there_and_documented(name):
    assert name in dir(stillpix)
    assert inspect.getdoc(getattr(stillpix, name))


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = stillpix.nonsense


def test_importing_stillpix_imports_nothing_heavy():
    heavy = python("import sys, stillpix; print({'numpy', 'numba', 'PIL'} & set(sys.modules))")

    assert heavy == "set()"


def test_importing_stillpix_warns_of_nothing_and_takes_no_time():
    code = "import time; t = time.process_time(); import stillpix; print(time.process_time() - t)"
    quickest = min(
        float(subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True,
                             text=True, check=True).stdout)
        for _ in range(3)
    )  # fmt: skip

    assert quickest < 0.15


def test_maps_need_no_compiler():
    names = "Sensor, DefectMap, read_map, write_map, StillpixError"
    heavy = python(
        f"import sys; from stillpix import {names}; print({{'numba', 'PIL'}} & set(sys.modules))"
    )

    assert heavy == "set()"


def test_detect_and_find_are_functions_whatever_was_imported_before():
    said = python(
        "import stillpix.detection.decide, stillpix.evidence.evidence, stillpix.scan\n"
        "import stillpix.restoration.fix\n"
        "from stillpix import detect, find, fix, repair\n"
        "print(callable(find), callable(fix), callable(repair))\n"
        "print(detect is stillpix.detection.decide.detect)"
    )

    assert said.split() == ["True"] * 4


@pytest.mark.parametrize("kind", [str, Path])
def test_one_path_is_taken_for_a_path_and_not_for_its_letters(kind, tmp_path):
    (tmp_path / "note.txt").write_text("no photo")

    with pytest.raises(stillpix.StillpixError, match="no photo there; give photos"):
        stillpix.find(kind(tmp_path))


def test_fix_takes_a_map_or_the_path_of_one(tmp_path):
    photo, path = tmp_path / "a.png", tmp_path / "a.stillpix.json"
    pixels = np.random.default_rng(1).normal(90, 2, (48, 64)).astype(np.uint8)
    pixels[10, 20] = 250
    Image.fromarray(pixels).save(photo)
    sensor = read_header(photo).sensor
    listed = stillpix.DefectMap(
        sensor, (stillpix.Defect(x=20, y=10, kind="hot", state="confirmed"),)
    )
    stillpix.write_map(listed, path)

    said = [
        stillpix.fix(photo, given, tmp_path / f"{n}.png")
        for n, given in enumerate((listed, path, str(path)))
    ]

    assert said[0] == said[1] == said[2]
    assert said[0][0].outcome == "repaired"

"""The names that people may import from stillpix: there, documented, and cheap to get at."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import stillpix

PUBLIC = {
    "Defect", "DefectMap", "DetectionSettings", "Evidence", "Exposure", "Frame", "Sensor",
    "StillpixError", "Verdict", "__version__", "detect", "find", "fix", "open_frames", "read_map",
    "repair", "write_map",
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

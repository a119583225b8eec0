"""The examples in docstrings give what is written beside them.

They are found in the text: to have pytest look for them imports every module before the first test.
"""

from __future__ import annotations

import doctest
import importlib
import re
from types import ModuleType
from typing import Any

import pytest

from support.places import ROOT

EXAMPLE = re.compile(r"^\s*>>> ", re.MULTILINE)
# What each folder's modules are imported by: the path from here on.
FOLDERS = (ROOT / "src", ROOT / "benchmarks", ROOT / "tests", ROOT / "tests" / "unit")

# What only the extra `bench` installs, by the names it is imported by.
RIVALS = ("ccdproc", "cv2", "matplotlib", "scipy", "skimage")


# Those whose examples run kernels, or load a large library: see the mark `slow`.
SLOW = {
    "accuracy.scorer", "stillpix.evidence.least_variance", "stillpix.evidence.resampling",
    "stillpix.evidence.spots", "stillpix.restoration.prediction", "stillpix.rewriting.fits",
    "stillpix.scan", "stillpix.scan.arrays",
}  # fmt: skip


def modules_with_examples() -> list[str]:
    """Return the dotted names of the modules that show what they do."""
    found = {}
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*.py")):
            if EXAMPLE.search(path.read_text(encoding="utf-8")):
                parts = path.relative_to(folder).with_suffix("").parts
                found[path] = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return list(found.values())


def imported(name: str) -> ModuleType:
    """Import a module; skip the test where a benchmark needs a rival that is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if name.startswith("stillpix") or missing.name not in RIVALS:
            raise
        pytest.skip(f"needs stillpix[bench]: {missing.name} is not installed")


def marked(name: str) -> Any:
    """Return a module's name as a parameter, with the mark that it has.

    >>> marked("stillpix.scan").marks[0].name
    'slow'
    """
    return pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])


@pytest.mark.parametrize("module", [marked(name) for name in modules_with_examples()])
def test_examples_give_what_is_written_beside_them(module):
    result = doctest.testmod(imported(module))

    assert result.attempted > 0
    assert result.failed == 0

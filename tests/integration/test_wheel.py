"""What a program sees of stillpix's types when the wheel is installed, read by mypy --strict."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import stillpix

ROOT = Path(__file__).parents[2]

PROGRAM = """
from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

from stillpix import (
    ArgumentError, Defect, DefectMap, DetectionSettings, Evidence, Exposure, Frame, Sensor,
    StillpixError, Verdict, __version__, detect, find, find_in, fix, open_frames, read_map, repair,
    write_map,
)


def broken(folder: Path, given: DefectMap) -> list[tuple[int, int]]:
    \"\"\"Use every public name as the guide does.\"\"\"
    assert_type(__version__, str)
    frames = open_frames([folder])
    assert_type(frames, Iterator[Frame])
    frame = next(frames)
    assert_type(frame.exposure, Exposure)
    assert_type(frame.sensor, Sensor)
    assert_type(frame.exposure.exposure_s, float | None)
    evidence = Evidence(frame.sensor).update(frame).merge(Evidence(given.sensor))
    assert_type(evidence, Evidence)
    assert_type(detect(evidence, DetectionSettings(fdr=0.001)), DefectMap)
    maps = find([folder, "more"], fdr=0.001, jobs=2)
    assert_type(maps, list[DefectMap])
    write_map(maps[0], folder / "map.json")
    assert_type(read_map(folder / "map.json"), DefectMap)
    grey = np.zeros((4, 4), np.uint8)
    repaired = repair(grey, [Defect(x=1, y=2)], exposure=Exposure(exposure_s=1.0))
    assert_type(repaired, NDArray[Any])
    try:
        here = find_in((grey for _ in range(8)), exposure_s=[0.02] * 8, gain=4.0, order="BGR")
    except ArgumentError:
        here = find_in([grey, frame], layout="RGGB", white=4095, digests=["a", "b"])
    assert_type(here, DefectMap)
    assert_type(here.mask("confirmed"), NDArray[np.bool_])
    assert_type(repair(grey, here), NDArray[Any])
    print(here.to_table("astropy"), here.to_ccddata())
    try:
        verdicts = fix(folder / "a.jpg", given, folder / "out", always=True)
    except StillpixError as error:
        raise SystemExit(str(error)) from error
    assert_type(verdicts, tuple[Verdict, ...])
    return [(defect.x, defect.y) for defect in given.in_state("confirmed")]
"""

# Each line is wrong, and mypy must say so by this code.
MISTAKES = {
    "from stillpix import nonsense": "attr-defined",
    "stillpix.Defect(x='left', y=0)": "arg-type",
    "stillpix.find('photos', fds=1)": "call-arg",
    "count: int = stillpix.read_map('map.json')": "assignment",
    "stillpix.Sensor('a', 'b', 'c', 4, 4).width = 5": "misc",
}


def run(*command, **keywords):
    environment = {name: os.environ[name] for name in os.environ if name != "PYTHONPATH"}
    return subprocess.run(
        command, env=environment, text=True, check=False, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, **keywords,
    )  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the wheel, built from this tree."""
    for name in ("build", "hatchling", "mypy"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    base = tmp_path_factory.mktemp("wheel")
    built = run(
        sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", base, ROOT
    )  # fmt: skip
    assert built.returncode == 0, built.stdout
    (found,) = base.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def interpreter(wheel):
    """Return a Python in whose environment the wheel is installed, beside what it depends on."""
    base = wheel.parent
    venv.create(base / "venv", with_pip=False, symlinks=os.name != "nt")
    python = base / "venv" / ("Scripts" if os.name == "nt" else "bin") / Path(sys.executable).name
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout
    # A wheel of Python alone is its files; docs/try_readme.py has pip install one.
    with zipfile.ZipFile(wheel) as files:
        files.extractall(site.strip())
    # numpy and the other dependencies are read where they are; stillpix itself is found first.
    paths = "\n".join(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    (Path(site.strip()) / "dependencies.pth").write_text(paths, encoding="utf-8")
    return python


def test_a_program_that_uses_the_wheel_sees_its_types(interpreter, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    mistakes = ["import stillpix", *MISTAKES]
    (tmp_path / "mistakes.py").write_text("\n".join(mistakes), encoding="utf-8")
    # What numba imports is a third of all that there is to read, and no type of stillpix's.
    skipped = "[mypy]\n[mypy-numba.*,coverage.*]\nfollow_imports = skip\n"
    (tmp_path / "mypy.ini").write_text(skipped, encoding="utf-8")

    checked = run(
        sys.executable, "-m", "mypy", "--strict", "--python-executable", interpreter,
        "--cache-dir", os.devnull, "--no-error-summary", "program.py", "mistakes.py", cwd=tmp_path,
    )  # fmt: skip

    found = re.findall(r"^(\S+\.py):(\d+): error: .*\[([a-z-]+)\]$", checked.stdout, re.MULTILINE)
    assert found == [
        ("mistakes.py", str(number), code) for number, code in enumerate(MISTAKES.values(), 2)
    ], checked.stdout


def test_the_wheel_is_smaller_than_a_megabyte(wheel):
    assert wheel.stat().st_size < 1_000_000


def test_the_program_uses_every_public_name():
    names = {node.id for node in ast.walk(ast.parse(PROGRAM)) if isinstance(node, ast.Name)}

    assert set(stillpix.__all__) - names == set()

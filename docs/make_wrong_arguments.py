"""Writes the page of what wrong arguments are told: makes each mistake, and shows what is said.

    python docs/make_wrong_arguments.py

tests/integration/test_wrong_arguments.py fails if the page is not up to date, if a mistake that the
source knows of is not on it, or if a message is longer than two lines of 80 columns.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

import stillpix

HERE = Path(__file__).parent
PAGE = HERE / "wrong-arguments.md"
PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

# Each is a mistake; grey, sensor, found and evidence are all right.
IN_PYTHON = (
    "find(7)",
    "find([grey])",
    "find(b'photos')",
    "find('photos', fdr='1%')",
    "find('photos', jobs=0)",
    "find('photos', pattern='RGBW')",
    "find('photos', camera=7)",
    "find_in('photos')",
    "find_in(grey)",
    "find_in([])",
    "find_in(['a.jpg'])",
    "find_in([grey > 5])",
    "find_in([grey[0]])",
    "find_in([[[1, 2], [3]]])",
    "find_in([grey[:8, :8]])",
    "find_in([np.zeros((3, 48, 64))])",
    "find_in([np.zeros((48, 64, 2))])",
    "find_in([np.full((48, 64), np.nan)])",
    "find_in([grey, grey[:40]])",
    "find_in([grey, grey.astype(float)])",
    "find_in([np.zeros((48, 64, 3))], layout='RGGB')",
    "find_in([grey], layout='bayer')",
    "find_in([grey], order='RBG')",
    "find_in([grey], white=4095)",
    "find_in([grey], white=-1)",
    "find_in([grey], black='512')",
    "find_in([grey], black=255)",
    "find_in([grey], dark=True)",
    "find_in([grey], camera=7)",
    "find_in([grey], exposure_s='1/60')",
    "find_in([grey], exposure_s=0)",
    "find_in([grey, grey], exposure_s=[1.0])",
    "find_in([grey], gain=-4)",
    "find_in([grey], taken=['2024-05-01'])",
    "find_in([grey], taken=7)",
    "find_in([grey], digests='abc')",
    "find_in([grey], digests=[7])",
    "find_in([grey], fdr=2)",
    "find_in([grey], jobs=-1)",
    "repair([[1, 2]], found)",
    "repair(grey > 5, found)",
    "repair(np.zeros((48, 64, 4)), found)",
    "repair(grey[:40], found)",
    "repair(grey, 'map.json')",
    "repair(grey, [(3, 4)])",
    "repair(grey, found, layout='bayer')",
    "repair(grey, found, order='rgb')",
    "repair(grey, found, white=0)",
    "repair(grey, found, exposure=0.02)",
    "fix(7, found, 'out.jpg')",
    "fix('a.jpg', 7, 'out.jpg')",
    "fix('a.jpg', found, None)",
    "fix('a.jpg', found, 'out.jpg', camera='')",
    "open_frames('a.jpg')",
    "list(open_frames([7]))",
    "read_map(7)",
    "write_map('map.json', found)",
    "write_map(found, 7)",
    "found.mask('broken')",
    "found.to_table('polars')",
    "detect(found)",
    "detect(evidence, 0.01)",
    "DetectionSettings(fdr=1)",
    "DetectionSettings(floor=0)",
    "DetectionSettings(minimum_effect=-1)",
    "DetectionSettings(fewest_scenes=0)",
    "DetectionSettings(fewest_darks=1.5)",
    "Evidence.of(7)",
    "Evidence.of([])",
    "Evidence.of(grey)",
    "Evidence(sensor).update(grey)",
    "Evidence(sensor).update(Frame(grey.astype(float), sensor, Exposure(), 'a', '0' * 12))",
    "Evidence(sensor).update(Frame(grey, sensor, Exposure(), 'a', 'abc'))",
    "Evidence(sensor).update(Frame(grey[:9], sensor, Exposure(), 'a', '0' * 12))",
)


def in_python() -> dict[str, str]:
    """Return what each mistake in Python is told."""
    grey = np.random.default_rng(1).normal(100, 3, (48, 64)).astype(np.uint8)
    sensor = stillpix.Sensor("Example", "One", "7", 64, 48)
    given: dict[str, Any] = {name: getattr(stillpix, name) for name in stillpix.__all__}
    given |= {
        "np": np, "grey": grey, "sensor": sensor, "found": stillpix.DefectMap(sensor),
        "evidence": stillpix.Evidence(sensor),
    }  # fmt: skip
    return {mistake: _told(mistake, given) for mistake in IN_PYTHON}


def _told(mistake: str, given: dict[str, Any]) -> str:
    try:
        eval(mistake, given)
    except stillpix.StillpixError as error:
        return str(error)
    raise AssertionError(f"{mistake} is no mistake")


def table(told: dict[str, str]) -> str:
    """Return a table of mistakes and messages."""
    rows = [f"| `{mistake}` | {message} |" for mistake, message in told.items()]
    return "\n".join(["| wrong | what is said |", "|---|---|", *rows])


def up_to_date(text: str) -> str:
    """Return the page with its tables made anew."""
    tables = {"in_python": table(in_python())}
    return PART.sub(lambda part: f"{part[1]}\n{tables[part[2]]}\n\n{part[3]}", text)


if __name__ == "__main__":
    PAGE.write_text(up_to_date(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

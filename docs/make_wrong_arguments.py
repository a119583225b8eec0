"""Writes the page of what wrong arguments are told: makes each mistake, and shows what is said.

    python docs/make_wrong_arguments.py

tests/integration/test_wrong_arguments.py fails if the page is not up to date, if a mistake that the
source knows of is not on it, or if a message is longer than two lines of 80 columns.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import stillpix

HERE = Path(__file__).parent
PAGE = HERE / "wrong-arguments.md"
MAKE, MODEL = 0x10F, 0x110  # EXIF tags
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

# Each is a mistake; what the names in it mean stands on the page.
ON_THE_COMMAND_LINE = (
    "fnd Pictures",
    "undo Pictures",
    "search Pictures",
    "help search",
    "--colour find Pictures",
    "find",
    "find Pictures --fats",
    "find Pictures --recursive",
    "find Pictures --jobs",
    "find Pictures --jobs 0",
    "find Pictures --jobs two",
    "find Pictures --fast=yes",
    "find Pictures --fdr 2",
    "find Pictures --fdr much",
    "find Pictures --method sum",
    "find Pictures --method variance --out maps",
    "find Pictures --method variance --report r.html",
    "find Pictures --least 0",
    "find Pictures --pattern RGBW",
    "find Pictures --shape 1920",
    "find Pictures --camera ''",
    "find Pictures --out notes.txt/maps",
    "find Pictures --out nowhere/map.json",
    "find Pictures 'Other pictures' --out map.json",
    "find Pictures --out other.json",
    "find Pictures --report notes.txt",
    "find Pictures --report r.pdf",
    "find Pictures --report nowhere/r.html",
    "find Pictures --report maps",
    "find Pictures --report page.html",
    "find Pictures --quiet --verbose",
    "find Pictures --log nowhere/log.txt",
    "find nowhere",
    "find notes.txt",
    "find empty",
    "fix",
    "fix Pictures",
    "fix Pictures --out fixed --in-place",
    "fix Pictures --out notes.txt",
    "fix Pictures --in-place --changed-only",
    "fix Pictures --in-place --force",
    "fix Pictures --in-place --complete",
    "fix Pictures --out fixed --to tiff",
    "fix Pictures --in-place --to dng",
    "fix Pictures --out fixed --no-backup",
    "fix Pictures --out fixed --keep-times",
    "fix Pictures --undo --all",
    "fix Pictures --out fixed --at 7",
    "fix Pictures --out fixed --at 7,9 --map D3200",
    "fix Pictures --out fixed --map D3200",
    "fix Pictures --out fixed --map D90",
    "fix Pictures --out Pictures",
    "show D90",
    "show NIKON D3200",
    "show NIKON",
    "show maps",
    "show nowhere.json",
    "show notes.txt",
    "show --timeline",
    "show D3200 --report r.html --json",
    "report",
    "report D3200 --out notes.txt",
    "export D3200",
    "export --to csv",
    "export D3200 --to",
    "export D3200 --to excel --out list.csv",
    "export D3200 --to csv",
    "export D3200 --to csv --out nowhere/",
    "export D3200 --to csv --out list.csv --install",
    "export D3200 --to rawtherapee --install --out lists",
    "export D3200 --to csv --out new.csv --origin 3",
    "export D3200 --to csv --out new.csv --origin 9000,9000",
    "export D3200 --to csv --out list.csv --photo Pictures/a.jpg",
    "export D3200 --to csv --out notes.txt",
    "export --photo Pictures/a.jpg --to csv --out list.csv",
    "export Phone --to rawtherapee --install",
    "export Fold --to rawtherapee --install",
    "export D3200 --to dng --out list.dng",
    "import",
    "import list.csv",
    "import list.csv --from excel",
    "import list.csv --from csv",
    "import list.csv --from csv --map D3200 --photo Pictures/a.jpg",
    "import nowhere.csv --from csv --map D3200",
    "import notes.txt --from csv --map D3200",
    "import list.csv --from csv --map NIKON",
    "library D90 --forget",
    "library NIKON --forget",
    "library D3200",
    "library --forget",
    "library D3200 --forget --json",
    "library D3200 --forget --rename Attic",
    "library D3200 --clean --json",
    "library D3200 --rename unknown",
    "library D3200 --rename Attic",
    "demo Pictures",
    "demo notes.txt",
    "demo --photos 2",
    "demo --seed -1",
    "serve nowhere",
    "serve --port 99999",
    "show --fleet --timeline",
    "show nowhere --fleet",
    "show --fleet --days 0",
    "find Pictures --out s3://bucket/maps",
    "find Pictures --cluster head:8786",
    "find Pictures --cluster local --report r.html",
    "find Pictures --enough --method variance",
    "find Pictures --store sums",
    "fix Pictures --out https://example.org/fixed",
    "fix s3://bucket/photos --in-place",
    "fix s3://bucket/photos --out fixed --complete",
    "fix s3://bucket/photos --undo",
    "show --parquet table.parquet",
    "library D3200 --parquet table.parquet",
    "shard plan",
    "shard plan Pictures",
    "shard plan nowhere --out plan",
    "shard run",
    "shard run nowhere",
    "shard run Pictures",
    "merge",
    "merge nowhere",
    "merge Pictures",
    "watch",
    'watch Pictures --run "a \'b"',
    "watch Pictures --every soon",
    "watch Pictures --export siril",
    "completion",
    "completion tcsh",
)


# What a config file says wrongly, before `stillpix find Pictures`.
IN_THE_CONFIG_FILE = (
    "jobs",
    "jobs = 0",
    "jobs = 'all'",
    "quiet = 1",
    "quite = true",
    "find.fdr = '5'",
    "find.fats = true",
    "find.pattern = 'RGBW'",
    "fix.in-place = true",
)


def in_the_config_file() -> dict[str, str]:
    """Return what each mistake in the config file is told."""
    from typer.testing import CliRunner

    from stillpix.cli import app

    told = {}
    with _scratch_folder():
        for mistake in IN_THE_CONFIG_FILE:
            Path("config.toml").write_text(mistake, encoding="utf-8")
            ran = CliRunner().invoke(app, ["find", "empty"], prog_name="stillpix")
            told[mistake] = _message(ran.output).partition(" stillpix: no photo there")[0]
    return told


def on_the_command_line() -> dict[str, str]:
    """Return what each mistake on the command line is told."""
    from typer.testing import CliRunner

    from stillpix.cli import app

    told = {}
    with _scratch_folder():
        for mistake in ON_THE_COMMAND_LINE:
            ran = CliRunner().invoke(app, shlex.split(mistake), prog_name="stillpix")
            if not isinstance(ran.exception, SystemExit) or not ran.exit_code:
                raise AssertionError(f"{mistake} is no mistake: {ran.exception}")
            told[f"stillpix {mistake}"] = _message(ran.output.replace(f"{Path.cwd()}/", ""))
    return told


def _message(output: str) -> str:
    """Return what is said, without the lines on how to get help."""
    _, error, message = output.partition("Error: ")
    lines = (message if error else output).strip().splitlines()
    said = [each for each in lines if error or each.startswith("stillpix: ")]
    return " ".join(said or lines[:1]).replace("|", "\\|")


@contextlib.contextmanager
def _scratch_folder() -> Iterator[None]:
    """Work in a folder that holds what the mistakes name."""
    names = ("STILLPIX_LIBRARY", "STILLPIX_CONFIG")
    before, here = {name: os.environ.get(name) for name in names}, Path.cwd()
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        os.environ.update(STILLPIX_LIBRARY="library", STILLPIX_CONFIG="config.toml")
        try:
            _fill()
            yield
        finally:
            os.chdir(here)
            for name in names:
                os.environ.pop(name)
            os.environ.update({name: value for name, value in before.items() if value is not None})


def _fill() -> None:
    from PIL import Image

    from stillpix.maps.library import Library
    from stillpix.maps.records import Defect, DefectMap

    grey = np.random.default_rng(1).normal(100, 3, (48, 64)).astype(np.uint8)
    for folder in ("Pictures", "Other pictures", "empty", "maps"):
        Path(folder).mkdir()
    for folder, model in (("Pictures", "One"), ("Other pictures", "Two")):
        exif = Image.Exif()
        exif[MAKE], exif[MODEL] = "Example", model
        Image.fromarray(grey).save(f"{folder}/a.jpg", exif=exif)
    Path("notes.txt").write_text("milk, bread\n")
    Path("page.html").write_text("<html></html>\n")
    Path("list.csv").write_text("x,y\n7,9\n")
    broken = (Defect(x=7, y=9, kind="hot", state="confirmed"),)
    nikon = ("NIKON CORPORATION", "NIKON D3200", "8964244", 6016, 4000)
    d3200 = stillpix.Sensor(*nikon)
    d5100 = stillpix.Sensor("NIKON CORPORATION", "NIKON D5100", "6012345", 4928, 3264)
    phone = stillpix.Sensor("Example", "Phone", "unknown", 4000, 3000, which="4.2 mm")
    fold = stillpix.Sensor(
        "Example", "Fold", "unknown", 4000, 3000, "bayer-RGGB", which="4.2 mm"
    )  # fmt: skip
    for sensor in (d3200, d5100, phone, fold):
        Library().save(DefectMap(sensor, broken))
    for sensor in (d3200, d5100):
        stillpix.write_map(DefectMap(sensor, broken), f"maps/{sensor.model}.stillpix.json")
    stillpix.write_map(DefectMap(d3200, broken), "other.json")


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
    tables = {
        "in_python": table(in_python()),
        "on_the_command_line": table(on_the_command_line()),
        "in_the_config_file": table(in_the_config_file()),
    }
    return PART.sub(lambda part: f"{part[1]}\n{tables[part[2]]}\n\n{part[3]}", text)


if __name__ == "__main__":
    PAGE.write_text(up_to_date(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

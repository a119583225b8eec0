"""Output and figures that the pages show are what programs print now, or what a named run left."""

from __future__ import annotations

import importlib.util
import re
import sys
from contextlib import chdir
from pathlib import Path
from types import ModuleType

import pytest

import accuracy.page
import accuracy.results
import bench_repair
import repair.results
from accuracy.summary import Table
from support import starting

ROOT = Path(__file__).parents[2]
DOCS, BENCHMARKS = ROOT / "docs", ROOT / "benchmarks"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *BENCHMARKS.glob("*.md")])
MARKER = re.compile(r"^<!-- (?!example)(\w+)(?:: (.+?))? -->$", re.MULTILINE)  # see test_how_to_add
KINDS = {"measured", "long", "generated", "accuracy", "repair", "end"}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


making = script("make_measurements")
BANANA = ROOT.parent / "shared" / "data" / "banana"
linux = pytest.mark.skipif(sys.platform != "linux", reason="the pages show Linux's paths")
banana = pytest.mark.skipif(not BANANA.is_dir(), reason=f"the photos of {BANANA} are not there")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *, real: bool) -> list[tuple[str, str]]:
    """Return commands and what the page says they print: those of real photos, or the others."""
    made, before = [], []
    for part in making.PART.finditer(text_of(page)):
        before.append(part["command"])
        if making.needs_photos(before) == real:
            made.append((part["command"], part["shown"]))
    return made


def assert_printed(page, tmp_path, photos, *, real):
    compared = blocks(page, real=real)
    printed = outputs(tuple(command for command, _ in compared), tmp_path, photos)
    for (_, shown), output in zip(compared, printed, strict=True):
        now = making.with_durations_of(shown, output)
        assert now == shown, f"{name_of(page)} is out of date: run make measured"


class Runner(making.Runner):
    """Starts the commands from a program that has loaded all they need."""

    def run(self, command: str, folder: Path, environment: dict[str, str]) -> str:
        name, *arguments = command.split()
        with chdir(folder):
            ran = starting.run(*arguments, **environment)
        assert (name, ran.returncode) == ("stillpix", 0), ran.stderr
        return ran.stdout


known: dict[tuple[str, ...], list[str]] = {}


def outputs(commands: tuple[str, ...], folder: Path, photos: Path | None) -> list[str]:
    """Return what commands print, one after the other, where nothing was; see `known` before."""
    for earlier, printed in known.items():
        if earlier[: len(commands)] == commands:
            return printed[: len(commands)]
    runner = Runner(folder, photos)
    known[commands] = [runner.output(command) for command in commands]
    return known[commands]


@linux
@pytest.mark.parametrize("page", making.PAGES, ids=name_of)
def test_a_page_shows_what_its_commands_print(page, tmp_path):
    assert_printed(page, tmp_path, None, real=False)


@linux
@banana
@pytest.mark.real
@pytest.mark.parametrize("page", making.PAGES, ids=name_of)
def test_a_page_shows_what_its_commands_print_about_real_photos(page, tmp_path):
    assert_printed(page, tmp_path, BANANA, real=True)


def test_only_durations_may_differ_from_what_is_printed():
    shown = "found 3\n5 s in all\n"

    assert making.with_durations_of(shown, "found 3\n34 s in all\n") == shown
    assert making.with_durations_of(shown, "found 4\n5 s in all\n") != shown
    assert making.with_durations_of(shown, "found 3\n") != shown


def test_every_block_of_a_page_is_of_a_known_kind_and_ends():
    for page in PAGES:
        found = MARKER.findall(text_of(page))
        kinds = [kind for kind, _ in found]

        assert set(kinds) <= KINDS, page
        assert kinds[1::2] == ["end"] * (len(kinds) // 2), page
        assert "end" not in kinds[::2], page
        measured = [words for kind, words in found if kind == "measured"]
        runnable = [part["command"] for part in making.PART.finditer(text_of(page))]
        assert measured == (runnable if page in making.PAGES else []), page


def test_a_block_of_a_long_run_names_a_command_that_there_is():
    found = [pair for page in PAGES for pair in MARKER.findall(text_of(page))]
    commands = [words for kind, words in found if kind == "long"]

    assert commands
    for command in commands:
        python, name, *arguments = command.split()
        flags = [word for word in arguments if word.startswith("--")]
        assert python == "python"
        assert [flag for flag in flags if flag not in text_of(ROOT / name)] == [], command


def test_no_table_of_the_benchmarks_is_without_the_command_that_made_it():
    text = FENCE.sub("", text_of(BENCHMARKS / "README.md"))
    outside = re.sub(r"<!-- long: .*?<!-- end -->", "", text, flags=re.DOTALL)

    figures = r"^\|.*\| *[\d.,%/() -]*\d[\d.,%/() -]* *\|.*$"
    assert re.findall(figures, outside, re.MULTILINE) == []
    assert re.findall(figures, text, re.MULTILINE)


def test_the_page_on_accuracy_holds_what_was_measured():
    kept = accuracy.results.Results.load(BENCHMARKS / "accuracy" / "measured.json.gz")
    text = text_of(DOCS / "accuracy.md")

    assert accuracy.page.renewed(text, Table(kept)) == text, "run make measured"


def test_the_page_on_the_repair_holds_what_was_measured():
    kept = repair.results.Results.load(BENCHMARKS / "repair" / "measured.json.gz")
    text = text_of(DOCS / "repair.md")

    assert bench_repair.renewed(text, kept) == text, "run make measured"


def test_results_of_a_repair_survive_their_file_compressed_or_not(tmp_path):
    kept = repair.results.Results.load(BENCHMARKS / "repair" / "measured.json.gz")

    for name in ("made.json", "made.json.gz"):
        kept.save(tmp_path / name)
        assert repair.results.Results.load(tmp_path / name) == kept

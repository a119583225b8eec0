"""The pages agree with the code, with each other, and with what a reader can try."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import pytest
import test_architecture

import stillpix
from stillpix import images, lists, maps
from stillpix.cli import app, statuses
from stillpix.frame import Sensor
from stillpix.maps.records import Defect, DefectMap
from support.places import ROOT

DOCS = ROOT / "docs"
BESIDE = ("benchmarks", "examples")
PAGES = sorted(
    [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / each / "README.md" for each in BESIDE)]
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
TWO_COMMANDS = ("pip install . && stillpix demo", 'pip install -e ".[test]" && pytest')
MACHINES = re.compile(r"(?<![\w.$~-])/(?:work|root|home|tmp|farm|Users)/|C:\\")
WORKPLACES = re.compile(
    r"\bsessions?\b|(?<!dask )\bworker\b|\bworkplace\b|\bLLM\b|\bprompts?\b", re.IGNORECASE
)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def python_blocks() -> list[tuple[str, str]]:
    return [
        (f"{name_of(page)}:{number}", code)
        for page in PAGES
        for number, (language, code) in enumerate(FENCE.findall(text_of(page)))
        if language == "python" and page.name != "how-to-add.md"  # see test_how_to_add
    ]


def anchors_of(text: str) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def flags() -> list[tuple[str, str]]:
    """Return each command and each flag of it, as the command line itself has them."""
    import typer

    commands = dict(typer.main.get_command(app).commands)
    shards = commands.pop("shard").commands
    commands |= {f"shard {name}": command for name, command in shards.items()}
    return [
        (name, flag)
        for name, command in commands.items()
        for parameter in command.params
        for flag in parameter.opts
        if flag.startswith("--")
    ]


def test_the_readme_holds_the_two_commands():
    lines = text_of(ROOT / "README.md").splitlines()

    assert [command for command in TWO_COMMANDS if command not in lines] == []


def test_the_readmes_picture_is_there_and_small():
    picture = DOCS / "images" / "demo.png"

    assert f"]({picture.relative_to(ROOT).as_posix()})" in text_of(ROOT / "README.md")
    assert picture.stat().st_size < 300_000


@pytest.mark.parametrize("page", ["reference.md", "repair.md", "statistics.md"])
def test_the_generated_parts_are_up_to_date(page):
    text = text_of(DOCS / page)

    assert script("make_reference").up_to_date(text) == text, "run python docs/make_reference.py"


def test_the_statistics_name_constants_that_there_are():
    prose, _, table = text_of(DOCS / "statistics.md").partition("\n## Constants\n")
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", prose))
    there = set(re.findall(r"^\| `\w+\.(\w+)`", table, re.MULTILINE))

    assert named - there == set()


def test_every_flag_of_every_command_is_in_the_reference():
    reference = text_of(DOCS / "reference.md")
    missing = [
        f"{command} {flag}"
        for command, flag in flags()
        for section in [reference.partition(f"\n### stillpix {command}\n")[2].partition("\n#")[0]]
        if not re.search(rf"^\| `{flag}[ `]", section, re.MULTILINE)
    ]

    assert missing == []


def test_every_format_is_in_the_reference():
    reference = text_of(DOCS / "reference.md")
    forms = [*images.FORMATS, *lists.FORMATS]
    suffixes = {suffix for form in forms for suffix in form.suffixes}

    assert [form.name for form in forms if f"| {form.name} |" not in reference] == []
    assert {suffix for suffix in suffixes if f"`{suffix}`" not in reference} == set()


def test_every_list_is_on_the_page_of_programs_with_where_it_counts_from():
    found = re.findall(r"^\| `(.+?)` (\|.*)$", text_of(DOCS / "programs.md"), re.MULTILINE)
    rows = dict(found[::-1])  # of two tables the first

    assert [form.name for form in lists.FORMATS if form.origin not in rows.get(form.name, "")] == []


def test_every_exit_status_is_in_the_reference():
    reference = text_of(DOCS / "reference.md")
    values = {name: value for name, value in vars(statuses).items() if name.isupper()}

    assert [name for name, value in values.items() if f"\n| {value} |" not in reference] == []


def test_every_public_name_is_in_the_reference():
    explained = set(re.findall(r"^\| `(\w+)", text_of(DOCS / "reference.md"), re.MULTILINE))

    assert set(stillpix.__all__) - explained == set()


def test_the_example_of_a_map_in_the_reference_can_be_read(tmp_path):
    (example,) = [
        code
        for language, code in FENCE.findall(text_of(DOCS / "reference.md"))
        if language == "json"
    ]
    path = tmp_path / "example.stillpix.json"
    path.write_text(example, encoding="utf-8")

    assert len(maps.read_map(path)) == 1


def test_every_key_of_a_map_is_in_the_reference():
    reference = text_of(DOCS / "reference.md")
    keys = {field for field in Defect.__dataclass_fields__ if field != "extra"}

    assert {key for key in keys if f"`{key}`" not in reference} == set()


def said_by_the_program() -> list[str]:
    """Return the texts in the source, docstrings left out; {} stands for what is put into one."""
    said = []
    for path in (ROOT / "src").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                node.value.value = ""
            elif isinstance(node, ast.JoinedStr):
                parts = (getattr(part, "value", "{}") for part in node.values)
                said.append("".join(part if isinstance(part, str) else "{}" for part in parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                said.append(node.value)
    return said


def explained() -> list[str]:
    """Return the messages in the headings of the page of messages."""
    headings = re.findall(r"^### (.+)$", text_of(DOCS / "messages.md"), re.MULTILINE)
    return [message for heading in headings for message in re.findall(r"`([^`]+)`", heading)]


@pytest.mark.slow
def test_every_message_that_is_explained_is_one_that_the_program_says():
    said = said_by_the_program()

    def is_said(message: str) -> bool:
        words = [re.escape(part) for part in re.split(r"\.\.\.|\d+x\d+|\b\d+\b", message)]
        form = re.compile(r"[^\n]*?".join(words))
        return any(form.search(text) for text in said)

    assert len(explained()) > 60
    assert [message for message in explained() if not is_said(message)] == []


def test_a_message_is_explained_once():
    assert sorted(explained()) == sorted(set(explained()))


def wrong_in(pages: Iterable[Path], wrong: Callable[[Path], Iterable[str]]) -> dict[str, list[str]]:
    """Return what a rule finds wrong in each page, if anything."""
    return {name_of(page): found for page in pages if (found := sorted(wrong(page)))}


def test_lines_of_prose_are_100_characters_at_most():
    free = ("|", "![", "<!-- ", "#")  # what markdown cannot break

    def too_long(page):
        prose = re.sub(r"<!-- (?:generated|accuracy|repair): .*?<!-- end -->", "", text_of(page),
                       flags=re.DOTALL)  # fmt: skip
        lines = FENCE.sub("", prose).splitlines()
        return [line for line in lines if len(line) > 100 and not line.startswith(free)]

    assert wrong_in(PAGES, too_long) == {}


def test_links_lead_somewhere():
    def broken(page):
        for target in map("".join, LINK.findall(FENCE.sub("", text_of(page)))):
            path, _, anchor = target.partition("#")
            there = (page.parent / path).resolve() if path else page
            known = there.exists() and (not anchor or anchor in anchors_of(text_of(there)))
            if not (known or target.startswith(("https://", "http://"))):
                yield target

    assert wrong_in(PAGES, broken) == {}


def test_source_files_that_a_page_names_are_there():
    def missing(page):
        named = set(re.findall(r"`((?:[\w.-]+/)+[\w.-]*\w\.py)`", FENCE.sub("", text_of(page))))
        named -= set(re.findall(r"`([^`]+)`:\n\n<!-- example", text_of(page)))  # by an example
        homes = (ROOT, ROOT / "src" / "stillpix", page.parent)
        return (path for path in named if not any((home / path).is_file() for home in homes))

    assert wrong_in(PAGES, missing) == {}


def test_a_decision_says_context_options_decision_and_what_would_change_our_mind():
    parts = ("**Context.**", "**Options.**", "**Decision.**", "**What would change our mind.**")
    records = sorted((DOCS / "decisions").glob("0*.md"))

    assert len(records) > 20
    assert (
        wrong_in(records, lambda page: (part for part in parts if part not in text_of(page))) == {}
    )
    listed = text_of(DOCS / "decisions" / "README.md")
    assert [page.name for page in records if f"({page.name})" not in listed] == []


def test_the_layers_in_the_architecture_are_the_ones_that_are_held():
    table = text_of(DOCS / "architecture.md").partition("## Layers")[2].partition("## ")[0]
    shown = [
        set(re.findall(r"`(\w+)`", row.split("|")[1]))
        for row in table.splitlines()
        if row[:3] == "| `"
    ]
    held = [set(layer.split()) for layer in reversed(test_architecture.LAYERS[""])]

    assert shown == held


@pytest.mark.slow
@pytest.mark.parametrize(("place", "code"), python_blocks())
def test_the_python_in_the_pages_runs(place, code, tmp_path, monkeypatch):
    """Photos are stood in for: reading real ones is other tests' work."""
    found = DefectMap(Sensor("Example", "One", "7", 30, 20), (Defect(x=3, y=4),))
    (tmp_path / "found.json").write_text('{"maps": []}', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stillpix, "find", lambda _: [found], raising=False)
    monkeypatch.setattr(stillpix, "fix", lambda *_: (), raising=False)
    monkeypatch.setattr(stillpix, "open_frames", lambda _: frames(), raising=False)

    exec(compile(ast.parse(code), place, "exec"), {})


def frames():
    import numpy as np

    from stillpix.frame import Exposure, Frame

    sensor = Sensor("Example", "One", "7", 64, 48)
    for number in range(4):
        pixels = np.random.default_rng(number).integers(90, 110, (48, 64), np.uint8)
        yield Frame(pixels, sensor, Exposure(), f"{number}.jpg", f"{number:032x}")


def test_no_page_holds_a_machines_paths_or_how_it_came_about():
    def told(page):
        return MACHINES.findall(text_of(page)) + WORKPLACES.findall(text_of(page))

    assert wrong_in([*PAGES, *sorted(DOCS.glob("*.py"))], told) == {}

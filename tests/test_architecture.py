"""The layers of the package, and what holds for each of its modules, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import stillpix

PACKAGE = "stillpix"
SOURCE = Path(stillpix.__file__).parent
# From the bottom up: a module or package imports only from layers below its own.
LAYERS = (
    {"errors"},
    {"kernels", "frame", "atomic"},
    {"images", "coefficients", "simulate", "locks", "watch", "mosaic_kernels"},
    {"scenes", "reading", "mosaic", "dng"},
    {"evidence", "defects", "variance", "sightings"},
    {"null"},  # null and characterise are the two lower floors of detection
    {"characterise", "onset", "tail", "wording"},
    {"detection", "restoration", "maps"},
    {"gather", "library", "fixlog", "framing"},
    {"placing", "listing"},
    {"scan", "mend", "report"},
    {"web"},
    {"cli"},
    {"__init__", "__main__"},
)
ROWS = {name: row for row, layer in enumerate(LAYERS) for name in layer}
TELLS_NOTHING = {"util", "utils", "helper", "helpers", "manager", "common", "misc", "tools"}
LONGEST_FUNCTION = 39
LONGEST_MODULE = 499


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


TREES = {
    module_name(path): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(SOURCE.rglob("*.py"))
}
PACKAGES = {module_name(path) for path in SOURCE.rglob("*/__init__.py")}


def unit(module: str) -> str:
    return module.partition(".")[0]


def imported_by(module: str, tree: ast.Module) -> Iterator[str]:
    """Yield the modules of ours that a module imports, wherever in it the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == PACKAGE:
                    yield alias.name.partition(".")[2] or "__init__"
        elif isinstance(node, ast.ImportFrom):
            base = base_of(module, node)
            if base is not None:
                yield from (named(base, alias.name) for alias in node.names)


def base_of(module: str, node: ast.ImportFrom) -> str | None:
    """Return the dotted module an import is from, "" for the package itself, None for others'."""
    if node.level == 0:
        first, _, rest = (node.module or "").partition(".")
        return rest if first == PACKAGE else None
    here = [] if module in {"__init__", "__main__"} else module.split(".")
    if module not in PACKAGES:
        here = here[:-1]
    folder = here[: len(here) - (node.level - 1)]
    return ".".join([*folder, *(node.module.split(".") if node.module else [])])


def named(base: str, name: str) -> str:
    inside = f"{base}.{name}" if base else name
    return inside if inside in TREES else base or "__init__"


GRAPH = {module: sorted(set(imported_by(module, tree))) for module, tree in TREES.items()}
FUNCTIONS = [
    (module, node)
    for module, tree in TREES.items()
    for node in ast.walk(tree)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
]


def test_every_module_stands_in_a_row():
    assert {unit(module) for module in TREES} <= ROWS.keys()


@pytest.mark.parametrize("module", TREES)
def test_a_module_imports_only_from_rows_below_its_own(module):
    own = unit(module)
    wrong = [
        other for other in GRAPH[module] if unit(other) != own and ROWS[unit(other)] >= ROWS[own]
    ]

    assert wrong == [], f"{module} (row {ROWS[own]}) imports {wrong}"


def test_no_modules_import_each_other_in_a_circle():
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        pytest.fail(f"circle of imports: {' -> '.join(error.args[1])}")


def test_the_reader_of_imports_sees_them_all():
    source = "import stillpix.frame\nfrom . import native\nfrom ..errors import StillpixError\n"
    source += "def late():\n    from stillpix import defects\n    import numpy\n"

    seen = set(imported_by("maps.fields", ast.parse(source)))

    assert seen == {"frame", "maps.native", "errors", "defects"}


@pytest.mark.parametrize("module", TREES)
def test_a_module_says_what_it_is_for(module):
    assert ast.get_docstring(TREES[module])


@pytest.mark.parametrize("module", TREES)
def test_a_modules_name_says_what_is_in_it(module):
    assert not TELLS_NOTHING & set(module.split("."))


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=module_name)
def test_a_module_stays_under_500_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("module", TREES)
def test_a_function_stays_under_40_lines(module):
    lengths = {node.name: length(node) for where, node in FUNCTIONS if where == module}

    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return a function's lines from its `def` to its end, without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        lines -= docstring.end_lineno - docstring.lineno + 1
    return lines


@pytest.mark.parametrize("module", [name for name in TREES if unit(name) != "cli"])
def test_only_the_command_line_prints(module):
    calls = (node for node in ast.walk(TREES[module]) if isinstance(node, ast.Call))
    printing = [
        node.lineno for node in calls if isinstance(node.func, ast.Name) and node.func.id == "print"
    ]

    assert printing == []


@pytest.mark.parametrize("module", TREES)
def test_nothing_is_left_to_asserts(module):
    """Python leaves them out when it is asked to, and they explain nothing to a photographer."""
    asserts = [node.lineno for node in ast.walk(TREES[module]) if isinstance(node, ast.Assert)]

    assert asserts == []

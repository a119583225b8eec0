"""The layers of the package, and what holds for each of its modules, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import stillpix

PACKAGE = "stillpix"
SOURCE = Path(stillpix.__file__).parent
# From the bottom up: what stands in a row imports only from rows below its own. "" is the package
# itself, the others its folders by their dotted names; "__init__" is a folder's own module.
LAYERS = {
    "": (
        "errors",
        "arguments compiling frame",
        "atomic watch",
        "images maps simulate",
        "evidence rewriting wording",
        "detection lists",
        "restoration",
        "scan",
        "report",
        "web",
        "cli",
        "__init__ __main__",
    ),
    "cli": (
        "expecting options output statuses",
        "commands completing destinations find_options naming progress timeline",
        "clusters config joining next_steps parquet reporting undoing variance",
        "clustered demo exporting fixed fleet warming",
        "fix importing library mistakes show",
        "find serve",
        "rounds",
        "merge shard watch",
        "__init__",
    ),
    "detection": (
        "__init__ areas dates explanations hot_or_offset likely_false peak_kernels settings "
        "sliding splits unmoved",
        "laying line_kernels narrowing null standing",
        "echoes tail views",
        "close_pixels kinds rings",
        "lines patterns ranking",
        "colours",
        "sites",
        "decide",
        "reach",
    ),
    "evidence": (
        "__init__ chroma group_kernels least_variance parts repeats room spot_kernels "
        "stillness_kernels sum_kernels templates",
        "narrow",
        "groups period_kernels",
        "mosaic_kernels periods rendered_kernels",
        "rules summed",
        "mosaic rendered",
        "by_layout resampling",
        "measures stillness",
        "evidence spots",
        "packed sightings",
    ),
    "images": (
        "boxes ciff colour_planes cores directories exports failing lattice lossless_dng luma "
        "other_files phones remote rigs samples tidy_jpeg",
        "clip_frames content remote_writing",
        "heif_items maker_notes multi_picture plain_mosaic tiff_pages",
        "exif",
        "outline",
        "clip_tags fits heif_outline jpeg jxl png ser",
        "arrays avif clip_reader clip_writing heif other_dng",
        "raw_tags video",
        "formats headless",
        "raw tiff",
        "__init__",
        "layouts read_ahead searching",
        "gather",
    ),
    "lists": (
        "origins",
        "entries",
        "csv_table dalsa dcraw dng masks mlvapp phd2 pixinsight rawtherapee siril",
        "fits",
        "__init__",
    ),
    "maps": (
        "catalogue fields lens_laws",
        "records",
        "fleet map_file merging",
        "modes",
        "__init__",
        "library",
    ),
    "report": (
        "crops looks markup pictures reasons stamps",
        "choosing sensor_map",
        "chart section table",
        "details verdict",
        "page",
        "destination",
        "__init__",
    ),
    "restoration": (
        "alignment straightened attributes heads kernels sidecars verdicts",
        "prediction",
        "canvas expectation middle pointers profiles separation storing targets weighing",
        "blocks companions lines looking",
        "keeping log pixels repairing",
        "destinations jpeg places planes steady",
        "earlier_runs placer raw undoing verification",
        "arrays completing fits",
        "files",
        "clips repaired",
        "clip_runs",
        "__init__ fix",
    ),
    "rewriting": ("jpeg new_png patch tiff_places", "dng fits png tiff", "__init__"),
    "rewriting.dng": (
        "__init__ lossless_jpeg mosaic_directory opcodes",
        "appending metadata",
        "mosaic_values writing",
        "conversion",
    ),
    "rewriting.jpeg": (
        "bits huffman refusal",
        "picture",
        "headers order sequential transform",
        "changes progressive progressive_encoding segments",
        "codable decoding",
        "progressive_writing sequential_writing",
        "rewriting",
        "__init__",
    ),
    "scan": (
        "arrays following in_flight known looking news",
        "body",
        "early",
        "cataloguing first_look renaming",
        "saved_state second_look",
        "standing suspecting",
        "concluding straightened",
        "regrouping shards",
        "__init__",
    ),
    "scan.shards": (
        "__init__ joining plans verdicts",
        "planning running",
        "cluster crews",
        "merging",
    ),
    "simulate": (
        "filters settings",
        "planting scenes",
        "demosaic folder sensor",
        "processing",
        "camera",
        "series",
        "__init__",
    ),
    "web": (
        "__init__ journal refusal security",
        "exports folders jobs judging photos places schema",
        "documents sights",
        "runs",
        "desk",
        "operations",
        "api",
        "routes",
        "streams",
        "serving",
    ),
}
ROWS = {
    (folder, name): row
    for folder, layers in LAYERS.items()
    for row, layer in enumerate(layers)
    for name in layer.split()
}
MOST_ASKED = 5  # times outside evidence and images what layout a sensor has
MOST_AT_THE_TOP = 20  # names beside __init__.py and py.typed
TELLS_NOTHING = {"util", "utils", "helper", "helpers", "manager", "common", "misc", "tools"}
LONGEST_FUNCTION = 39
LONGEST_MODULE = 499


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


@cache
def trees() -> dict[str, ast.Module]:
    return {
        module_name(path): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(SOURCE.rglob("*.py"))
    }


@cache
def nodes() -> dict[str, list[ast.AST]]:
    """Return all parts of each module, walked through once for all tests."""
    return {module: list(ast.walk(tree)) for module, tree in trees().items()}


PACKAGES = {module_name(path) for path in SOURCE.rglob("*/__init__.py")}


def places_of(module: str) -> list[tuple[str, str]]:
    """Return a module's folders and its name in each, the outermost first.

    >>> places_of("rewriting.jpeg.bits")
    [('', 'rewriting'), ('rewriting', 'jpeg'), ('rewriting.jpeg', 'bits')]
    """
    parts = [*module.split("."), *(["__init__"] if module in PACKAGES else [])]
    return [(".".join(parts[:depth]), name) for depth, name in enumerate(parts)]


def rows_of(module: str, other: str) -> tuple[int, int]:
    """Return the rows of two modules in the first folder in which they part."""
    for (folder, one), (_, another) in zip(places_of(module), places_of(other), strict=False):
        if one != another:
            return ROWS[folder, one], ROWS[folder, another]
    raise AssertionError(f"{module} imports itself")


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
    return inside if inside in trees() else base or "__init__"


@cache
def graph() -> dict[str, list[str]]:
    return {module: sorted(set(imported_by(module, tree))) for module, tree in trees().items()}


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for module, walked in nodes().items():
        for node in walked:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield module, node


def test_every_module_stands_in_a_row():
    there = {place for module in trees() for place in places_of(module)}

    assert there == set(ROWS)


def test_a_module_imports_only_from_rows_below_its_own():
    wrong = [
        f"{module} imports {other}"
        for module, others in graph().items()
        for other in others
        if other != module and (rows := rows_of(module, other))[1] >= rows[0]
    ]

    assert wrong == []


def test_the_top_folder_is_seen_at_a_glance():
    names = {path.name for path in SOURCE.iterdir()} - {"__init__.py", "__pycache__", "py.typed"}

    assert len(names) <= MOST_AT_THE_TOP


def test_no_modules_import_each_other_in_a_circle():
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        pytest.fail(f"circle of imports: {' -> '.join(error.args[1])}")


def test_the_reader_of_imports_sees_them_all():
    source = "import stillpix.frame\nfrom . import map_file\nfrom ..errors import StillpixError\n"
    source += "def late():\n    from stillpix import scan\n    import numpy\n"

    seen = set(imported_by("maps.fields", ast.parse(source)))

    assert seen == {"frame", "maps.map_file", "errors", "scan"}


def test_a_module_says_what_it_is_for():
    assert [module for module, tree in trees().items() if not ast.get_docstring(tree)] == []


def test_a_modules_name_says_what_is_in_it():
    assert [module for module in trees() if TELLS_NOTHING & set(module.split("."))] == []


def test_a_module_stays_under_500_lines():
    lengths = {
        module_name(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in SOURCE.rglob("*.py")
    }

    assert {module: lines for module, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def test_a_function_stays_under_40_lines():
    lengths = {f"{where}.{node.name}:{node.lineno}": length(node) for where, node in functions()}

    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return a function's lines from its `def` to its end, without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        lines -= docstring.end_lineno - docstring.lineno + 1
    return lines


def test_only_the_command_line_prints():
    printing = [
        f"{module}:{node.lineno}"
        for module, walked in nodes().items()
        for node in walked
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id == "print" and not module.startswith("cli")
    ]

    assert printing == []


def test_nothing_is_left_to_asserts():
    """Python leaves them out when it is asked to, and they explain nothing to a photographer."""
    asserts = [
        f"{module}:{node.lineno}"
        for module, walked in nodes().items()
        for node in walked
        if isinstance(node, ast.Assert)
    ]

    assert asserts == []


def asks_for_layout(node: ast.AST) -> bool:
    """Return whether a node compares `.layout` or `.rendered`, or asks how it begins."""
    asked = {"layout", "rendered"}
    if isinstance(node, ast.Compare):
        compared = [node.left, *node.comparators]
        return any(isinstance(each, ast.Attribute) and each.attr in asked for each in compared)
    if isinstance(node, ast.Attribute) and node.attr == "startswith":
        return isinstance(node.value, ast.Attribute) and node.value.attr in asked
    return isinstance(node, ast.Attribute) and node.attr == "rendered"


def test_rendered_or_mosaic_is_decided_in_evidence_and_images():
    asked = [
        f"{module}:{node.lineno}"
        for module, walked in nodes().items()
        if module.split(".")[0] not in {"evidence", "images"}
        for node in walked
        if asks_for_layout(node)
    ]

    assert len(asked) <= MOST_ASKED, asked
    assert "frame:" in " ".join(asked)  # Sensor.is_mosaic: what counts them sees it


def test_merging_alone_changes_maps():
    changes = [
        f"{module}:{node.lineno}"
        for module, walked in nodes().items()
        for node in walked
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id == "replace" and any(each.arg == "defects" for each in node.keywords)
    ]

    assert {change.partition(":")[0] for change in changes} == {"maps.merging"}

"""Writes the generated parts of the pages from the code: commands, formats, constants.

    python docs/make_reference.py

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`; all other text is
written by hand and stays. tests/unit/test_docs.py fails where a part is not up to date.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import stillpix
from stillpix import images, lists
from stillpix.cli import app
from stillpix.detection.settings import DetectionSettings
from stillpix.images.exports import CONVERTERS
from stillpix.images.other_files import KINDS

HERE = Path(__file__).parent
PAGES = (HERE / "reference.md", HERE / "statistics.md", HERE / "repair.md")
CONSTANT_MODULES = (
    "evidence.sum_kernels", "evidence.rendered_kernels", "evidence.mosaic_kernels",
    "evidence.mosaic", "evidence.templates", "evidence.evidence", "evidence.measures",
    "evidence.sightings", "evidence.repeats", "evidence.stillness", "evidence.groups",
    "evidence.periods", "detection.null", "detection.kinds", "detection.hot_or_offset",
    "detection.areas", "detection.dates", "detection.narrowing", "detection.tail",
    "detection.likely_false", "detection.views", "detection.close_pixels", "detection.rings",
    "detection.ranking", "detection.decide", "evidence.spot_kernels", "evidence.spots",
    "detection.sliding", "detection.laying", "detection.standing", "detection.splits",
    "detection.patterns", "evidence.chroma", "detection.colours", "detection.sites",
    "detection.reach", "detection.unmoved", "scan.early",
)  # fmt: skip
REPAIR_MODULES = (
    "expectation", "prediction", "separation", "weighing", "looking", "repairing", "storing",
    "lines", "profiles", "files",
)  # fmt: skip
PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def commands() -> Iterator[str]:
    """Yield each command's usage, its sentence, and a table of what it takes."""
    for path, command in registered(app):
        function = command.callback
        hints = get_type_hints(function, include_extras=True)
        rows, usage = [], [f"stillpix {path}"]
        for parameter in inspect.signature(function).parameters.values():
            if parameter.name == "ctx":
                continue  # of typer, not of the person
            info = hints[parameter.name].__metadata__[0]
            kind = get_args(hints[parameter.name])[0]
            if type(info).__name__ == "ArgumentInfo":
                required = parameter.default is inspect.Parameter.empty
                bare = info.metavar.strip("[]")
                name = bare if required else f"[{bare}]"
                usage.append(name)
            else:
                # Typer takes a flag's first spelling for its default, where that stands elsewhere.
                flags = [info.default, *(info.param_decls or ())]
                named = [flag for flag in flags if isinstance(flag, str)]
                flag = named[0] if named else f"--{parameter.name}"
                name = " ".join(filter(None, (flag, info.metavar or choices_of(kind))))
                usage.append(f"[{name}]")
            shown = name.replace("|", "\\|")
            rows.append(f"| `{shown}` | {info.help} | {default_of(parameter.default)} |")
        yield f"### stillpix {path}\n\n```\n{' '.join(usage)}\n```\n"
        yield f"{inspect.getdoc(function)}\n"
        yield "| | | default |\n|---|---|---|"
        yield "\n".join(rows) + "\n"


def registered(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each command under the words that call it, those of groups last."""
    for command in group.registered_commands:
        yield f"{before}{command.name}", command
    for below in group.registered_groups:
        yield from registered(below.typer_instance, f"{before}{below.name} ")


def choices_of(kind: Any) -> str:
    """Return the words an option takes, scores|variance, or "" where it takes any."""
    return "|".join(get_args(kind)) if get_origin(kind) is Literal else ""


def default_of(value: Any) -> str:
    """Return a default as a person would type it."""
    if value is inspect.Parameter.empty:
        return "(required)"
    return "" if value is None or value is False else f"`{value}`"


def photo_formats() -> Iterator[str]:
    """Yield the table of photo formats."""
    yield "| format | file names end in |\n|---|---|"
    for form in images.FORMATS:
        suffixes = " ".join(f"`{suffix}`" for suffix in sorted(form.suffixes))
        yield f"| {form.name} | {suffixes} |"


def map_formats() -> Iterator[str]:
    """Yield the table of other programs' defect lists."""
    yield "| format | file names end in | read by | counts from | rows and columns |"
    yield "|---|---|---|---|---|"
    for form in lists.FORMATS:
        suffixes = " ".join(f"`{suffix}`" for suffix in form.suffixes)
        yield f"| {form.name} | {suffixes} | {form.readers} | {form.origin} | {form.lines} |"


def unread_formats() -> Iterator[str]:
    """Yield the suffixes that are known but not read, and the programs whose exports are noted."""
    unread = " ".join(f"`{suffix}`" for suffix in sorted(KINDS))
    yield f"Known, counted and not read yet: {unread}.\n"
    yield f"Programs whose exports are noted: {', '.join(sorted(CONVERTERS))}."


def python_names() -> Iterator[str]:
    """Yield a table of the public names and their sentences."""
    yield "| name | |\n|---|---|"
    for name in stillpix.__all__:
        thing = getattr(stillpix, name)
        told = "Version that is installed." if isinstance(thing, str) else inspect.getdoc(thing)
        sentence = (told or "").partition("\n\n")[0].replace("\n", " ")
        shown = signature_of(name, thing) if inspect.isfunction(thing) else name
        yield f"| `{shown}` | {sentence} |"


def signature_of(name: str, function: Any) -> str:
    """Return a function's name and parameters, without their types."""
    parts = []
    keyword_only = False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            parts.append("*")
            keyword_only = True
        default = parameter.default
        if default is parameter.empty:
            parts.append(parameter.name)
        elif isinstance(default, int | float | str | NoneType):
            parts.append(f"{parameter.name}={default!r}")
        else:
            parts.append(f"{parameter.name}={type(default).__name__}()")
    return f"{name}({', '.join(parts)})"


def constants() -> Iterator[str]:
    """Yield a table of the detector's constants, their values, and the words beside them."""
    yield "| name | value | |\n|---|---|---|"
    for module in CONSTANT_MODULES:
        for name, value, words in constants_of(module):
            yield f"| `{module.rpartition('.')[2]}.{name}` | {value!r} | {words} |"
    for setting in fields(DetectionSettings):
        name = f"DetectionSettings.{setting.name}"
        words = setting.metadata.get("help", "") or comment_on("detection.settings", setting.name)
        yield f"| `settings.{name}` | {setting.default!r} | {words} |"


def repair_constants() -> Iterator[str]:
    """Yield a table of the repair's constants, their values, and the words beside them."""
    yield "| name | value | |\n|---|---|---|"
    for module in REPAIR_MODULES:
        for name, value, words in constants_of(f"restoration.{module}"):
            yield f"| `{module}.{name}` | {value!r} | {words} |"


def constants_of(module: str) -> Iterator[tuple[str, Any, str]]:
    """Yield the public numbers that a module gives names to."""
    loaded = importlib.import_module(f"stillpix.{module}")
    for node in ast.parse(inspect.getsource(loaded)).body:
        if not isinstance(node, ast.Assign) or isinstance(node.value, ast.Call):
            continue
        names = [each.id for target in node.targets for each in ast.walk(target)
                 if isinstance(each, ast.Name)]  # fmt: skip
        for name in names:
            value = getattr(loaded, name)
            numbers = value if isinstance(value, tuple) else (value,)
            if name.isupper() and name[0] != "_" and all(
                isinstance(number, int | float) for number in numbers
            ):  # fmt: skip
                yield name, value, comment_on(module, name)


def comment_on(module: str, name: str) -> str:
    """Return the words beside the line that gives a name its value."""
    source = inspect.getsource(importlib.import_module(f"stillpix.{module}"))
    line = re.search(rf"^\s*(?:\w+, )*{name}\b[^#\n]*=[^#\n]*#(.*)$", source, re.MULTILINE)
    return line[1].strip().replace("|", "\\|") if line else ""


PARTS = {
    "constants": constants,
    "repair_constants": repair_constants,
    "commands": commands,
    "photo_formats": photo_formats,
    "map_formats": map_formats,
    "unread_formats": unread_formats,
    "python_names": python_names,
}


def up_to_date(text: str) -> str:
    """Return the page with its generated parts made anew."""

    def made(part: re.Match[str]) -> str:
        body = "\n".join(PARTS[part[2]]()).rstrip()
        return f"{part[1]}\n{body}\n\n{part[3]}"

    return PART.sub(made, text)


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(up_to_date(page.read_text(encoding="utf-8")), encoding="utf-8")

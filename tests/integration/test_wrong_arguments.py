"""The page of wrong arguments is what the program says, whole, and every message is short."""

from __future__ import annotations

import ast
import importlib.util
import re
import textwrap

import pytest

from support.places import ROOT

DOCS, SOURCE = ROOT / "docs", ROOT / "src" / "stillpix"
CHECKS = {"positive", "share", "whole", "one_of", "moment", "instance", "path", "path_of"}


@pytest.fixture(scope="module")
def maker():
    spec = importlib.util.spec_from_file_location("maker", DOCS / "make_wrong_arguments.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page():
    return (DOCS / "wrong-arguments.md").read_text(encoding="utf-8")


def messages(page, part=""):
    told = (
        page.partition(f"<!-- generated: {part}")[2].partition("<!-- end -->")[0] if part else page
    )
    return [
        each.replace("\\|", "|")
        for each in re.findall(r"^\| `.+?` \| (.+) \|$", told, re.MULTILINE)
    ]


def form_of(node):
    """Return the pattern of a text in the source: what is put into it may be anything."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(form_of, node.values))
    return ".*"


def forms(tree):
    """Yield the pattern of each message about an argument that a module of the source can make."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id == "ArgumentError":
            yield form_of(node.args[0])
        elif node.func.id == "wrong":
            yield f"{form_of(node.args[0])} must be {form_of(node.args[1])}; it is "
        elif node.func.id in CHECKS and node.args:
            yield f"{form_of(node.args[0])} must be "


def test_the_page_shows_what_is_said(maker, page):
    assert maker.up_to_date(page) == page, "run python docs/make_wrong_arguments.py"


def test_every_mistake_that_the_source_knows_of_is_on_the_page(page):
    modules = [
        path
        for path in SOURCE.rglob("*.py")
        if "arguments import" in path.read_text(encoding="utf-8")
    ]
    known = {
        form for path in modules for form in forms(ast.parse(path.read_text(encoding="utf-8")))
    }

    assert len(known) > 30
    assert [
        form for form in known if not any(re.match(form, each) for each in messages(page))
    ] == []


# What depends on the machine, the disk or the library, and so is no mistake in an argument.
OF_THE_MACHINE = (
    "you may not write into", "the folder .* cannot be made", "there is no map yet",
    "cannot be read", "is not UTF-8 text",
)  # fmt: skip


def usage_forms(tree):
    """Yield the pattern of each message about usage that a module of the command line can make."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        values = {
            node.targets[0].id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(function):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in {"wrong", "_wrong", "BadParameter"}:
                said = node.args[0]
                yield form_of(values.get(said.id, said) if isinstance(said, ast.Name) else said)


def test_every_usage_message_that_the_source_knows_of_is_on_the_page(page):
    told = messages(page, "on_the_command_line") + messages(page, "in_the_config_file")
    known = {
        form
        for path in (SOURCE / "cli").glob("*.py")
        for form in usage_forms(ast.parse(path.read_text(encoding="utf-8")))
    }
    ours = {form for form in known if re.search("[a-z]{3}", form)}

    assert len(ours) > 30
    assert [
        form
        for form in sorted(ours)
        if not any(re.search(form, each) for each in told)
        and not any(re.search(each, form.replace("\\", "")) for each in OF_THE_MACHINE)
    ] == []


def test_every_option_that_takes_few_values_has_a_wrong_one_on_the_page(page):
    """An option of numbers or of words refuses others: typer says so, in our words."""
    import typer

    from stillpix.cli import app
    from stillpix.cli.expecting import expected, hints_of

    told = messages(page, "on_the_command_line")
    words = {
        f"{max(each.opts, key=len)} must be {expected(hints_of(command)[each.name])}"
        for command in typer.main.get_command(app).commands.values()
        for each in command.params
        if each.param_type_name == "option"
    }
    limited = {each for each in words if not each.endswith(("text", "true or false"))}

    assert len(limited) > 5
    assert limited - set(told) == set()


def test_no_message_is_longer_than_two_lines_of_80_columns(page):
    assert len(messages(page)) > 60
    assert [each for each in messages(page) if len(textwrap.wrap(each, 80)) > 2] == []

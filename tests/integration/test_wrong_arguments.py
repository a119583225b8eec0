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


def messages(page):
    return re.findall(r"^\| `.+?` \| (.+) \|$", page, re.MULTILINE)


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


def test_no_message_is_longer_than_two_lines_of_80_columns(page):
    assert len(messages(page)) > 60
    assert [each for each in messages(page) if len(textwrap.wrap(each, 80)) > 2] == []

"""What surrounds the code: metadata, CI, hooks, issue templates and the documentation site."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
TEMPLATES = sorted((GITHUB / "ISSUE_TEMPLATE").glob("[!c]*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def workflow():
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((GITHUB / "workflows" / "ci.yml").read_text(encoding="utf-8"))


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commands(workflow):
    return [
        step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step
    ]


def assert_valid(schema, *paths):
    pytest.importorskip("check_jsonschema")
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *paths],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_package_names_authors_addresses_and_what_it_is_for():
    assert PROJECT["authors"] == [{"name": "The stillpix authors"}]
    assert {"Homepage", "Documentation", "Source", "Issues", "Changelog"} <= set(PROJECT["urls"])
    assert len(PROJECT["classifiers"]) == len(set(PROJECT["classifiers"]))


def test_ci_tries_every_system_and_python_that_the_package_claims(workflow):
    claimed = {
        found[1]
        for line in PROJECT["classifiers"]
        if (found := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line))
    }
    jobs = workflow["jobs"]
    matrices = [jobs["linux"]["strategy"]["matrix"], jobs["others"]["strategy"]["matrix"]]

    assert [set(matrix["python"]) for matrix in matrices] == [claimed, claimed]
    assert PROJECT["requires-python"] == f">={min(claimed, key=lambda v: int(v[2:]))}"
    assert jobs["linux"]["runs-on"] == "ubuntu-latest"
    assert set(matrices[1]["system"]) == {"macos-latest", "windows-latest"}


def test_ci_runs_commands_that_there_are(workflow):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    run = commands(workflow)

    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert any(".ci/run" in command for command in run)
    assert [each for each in run if each.startswith("pip") and "make" not in each] == [
        line for line in readme.splitlines()[::-1] if line.startswith("pip install")
    ]
    made = [name for command in run for name in re.findall(r"\bmake ([a-z-]+)", command)]
    assert made and set(made) <= set(targets)


@pytest.mark.slow
def test_the_workflow_follows_githubs_schema():
    assert_valid("vendor.github-workflows", GITHUB / "workflows" / "ci.yml")


@pytest.mark.slow
def test_the_issue_templates_follow_githubs_schema():
    assert TEMPLATES
    assert_valid("vendor.github-issue-forms", *TEMPLATES)


@pytest.mark.slow
def test_the_choice_of_issue_templates_follows_githubs_schema():
    assert_valid("vendor.github-issue-config", GITHUB / "ISSUE_TEMPLATE" / "config.yml")


@pytest.mark.slow
def test_the_schema_refuses_a_workflow_with_a_misspelt_key(tmp_path):
    text = (GITHUB / "workflows" / "ci.yml").read_text(encoding="utf-8")
    (tmp_path / "ci.yml").write_text(text.replace("runs-on", "run-on"), encoding="utf-8")

    with pytest.raises(AssertionError):
        assert_valid("vendor.github-workflows", tmp_path / "ci.yml")


def test_the_pre_commit_hooks_are_valid_and_use_installed_tools():
    clientlib = pytest.importorskip("pre_commit.clientlib")

    config = clientlib.load_config(ROOT / ".pre-commit-config.yaml")

    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    assert {"ruff-format", "ruff-check", "mypy"} <= {hook["id"] for hook in hooks}


def test_links_between_files_become_links_of_the_site():
    pytest.importorskip("mkdocs")
    hooks = script("site_hooks")
    text = "[a](../README.md#in-short) [b](decisions/) [c](guide.md) [d](https://x.org/y#z) [e](#f)"

    assert hooks.relinked(text, "page.md") == (
        "[a](index.md#in-short) [b](decisions/README.md) [c](guide.md) [d](https://x.org/y#z)"
        " [e](#f)"
    )
    assert hooks.relinked("![p](docs/images/x.png)", "index.md") == "![p](images/x.png)"
    assert hooks.relinked("```\n[a](b.md)\n```", "index.md") == "```\n[a](b.md)\n```"


@pytest.mark.parametrize(
    "loads",
    [
        '<script src="https://unpkg.com/x.js"></script>',
        "<link rel=stylesheet href=//fonts.example/x.css>",
        '<img alt="" src="http://example.org/a.png">',
    ],
)
def test_a_page_of_the_site_that_loads_from_another_host_is_refused(loads):
    mkdocs = pytest.importorskip("mkdocs.exceptions")
    hooks = script("site_hooks")

    class Page:
        class file:  # noqa: N801  # an attribute of a page of mkdocs
            src_uri = "index.md"

    assert hooks.on_post_page('<a href="https://example.org">out</a>', Page) is not None
    with pytest.raises(mkdocs.PluginError):
        hooks.on_post_page(loads, Page)


def test_examples_in_docstrings_are_shown_as_code():
    pytest.importorskip("griffe")
    text = "Add.\n\n>>> 1 + 1\n2\n\nAnd so on."

    shown = script("site_examples").fenced(text)

    assert shown == "Add.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nAnd so on."


def test_every_page_is_in_the_sites_navigation():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}

    assert {name for name in pages if f" {name}\n" not in text} == set()
    assert "::: stillpix\n" in (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def dockerfile():
    """Return the instructions of the Dockerfile with their words, lines that go on joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (line.split(None, 1) for line in text.splitlines() if line and line[0] != "#")
    return [(instruction, words.strip()) for instruction, words in lines]


def test_the_dockerfile_builds_on_a_python_that_is_supported_and_runs_stillpix():
    first, *others = dockerfile()
    known = {"COPY", "RUN", "ENV", "VOLUME", "WORKDIR", "ENTRYPOINT", "CMD"}
    python = re.fullmatch(r"python:3\.(\d+)-slim", first[1])

    assert first[0] == "FROM"
    assert f"Programming Language :: Python :: 3.{python[1]}" in PROJECT["classifiers"]
    assert {instruction for instruction, _ in others} <= known
    assert ("ENTRYPOINT", '["stillpix"]') in others
    assert "stillpix" in PROJECT["scripts"]


def test_the_dockerfile_copies_what_is_there_and_all_that_the_wheel_is_made_of():
    copied = [
        source
        for instruction, words in dockerfile()
        if instruction == "COPY"
        for source in words.split()[:-1]
    ]
    let_through = re.findall(
        r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert sorted(copied) == sorted(let_through)
    assert {"pyproject.toml", "src", PROJECT["readme"]} <= set(copied)


def test_the_readme_is_followed_word_by_word_but_for_what_is_named():
    trying = script("try_readme")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = [command for _, command in trying.commands(readme)]
    tried = [command for command in told if trying.why_left_out(command) is None]

    assert tried[0] == trying.INSTALL
    assert {"stillpix find Pictures --report r.html", "stillpix fix Pictures --out fixed"} <= set(
        tried
    )
    assert any("stillpix.find" in command for command in tried)
    used = {word for word in trying.LEFT_OUT if any(word in command for command in told)}
    assert used == set(trying.LEFT_OUT)

"""Each shell completes commands and flags with the script that stillpix prints for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

BASH = """
source script
COMP_WORDS=({words}); COMP_CWORD={last}
_stillpix_completion stillpix
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
# What the script gives to zsh's own _arguments is shown, for it works only while a person types.
ZSH = """
compdef() {{ : }}
_arguments() {{ print -r -- "$@" }}
source ./script
words=({words}); CURRENT={count}
_stillpix_completion
"""
FISH = """
source script
complete -C "{line}"
"""
SHELLS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a `stillpix` in it, and the script of each shell."""
    folder = tmp_path_factory.mktemp("shells")
    program = folder / "stillpix"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m stillpix "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return folder


def asked(folder, shell, line):
    """Return what a shell shows for a line that is being typed."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
                   "HOME": str(folder)}  # fmt: skip

    def output(*command):
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False,
            timeout=120,
        ).stdout  # fmt: skip

    (folder / "script").write_text(output("stillpix", "completion", shell), encoding="utf-8")
    words = line.split()
    typed = SHELLS[shell].format(words=line, last=len(words) - 1, count=len(words), line=line)
    return output(shell, "-c", typed)


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_a_command(folder, shell):
    assert "export" in asked(folder, shell, "stillpix ex")


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_a_flag(folder, shell):
    assert "--in-place" in asked(folder, shell, "stillpix fix --in")


@pytest.mark.slow
def test_powershell_gets_commands_and_flags():
    def completed(line, word):
        environment = {**os.environ, "_STILLPIX_COMPLETE": "complete_powershell",
                       "_TYPER_COMPLETE_ARGS": line,
                       "_TYPER_COMPLETE_WORD_TO_COMPLETE": word}  # fmt: skip
        ran = subprocess.run(
            [sys.executable, "-m", "stillpix"], env=environment, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip
        return ran.stdout

    assert completed("stillpix ex", "ex").startswith("export")
    assert completed("stillpix fix --in", "--in").startswith("--in-place")

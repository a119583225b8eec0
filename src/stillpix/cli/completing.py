"""`stillpix completion`: the script by which a shell completes commands and flags.

Prints it and installs nothing: where it belongs is the person's choice.
"""

from __future__ import annotations

import os
from typing import Annotated, Literal

import typer

from .output import complain

Shell = Annotated[
    Literal["bash", "zsh", "fish", "powershell"],
    typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.", show_default=False),
]
PROGRAM, VARIABLE = "stillpix", "_STILLPIX_COMPLETE"
PLACES = {
    "bash": "~/.local/share/bash-completion/completions/stillpix",
    "zsh": "a folder of $fpath, as _stillpix",
    "fish": "~/.config/fish/completions/stillpix.fish",
    "powershell": "the file that $PROFILE names",
}


def know_shells() -> None:
    """Let Typer answer a shell that asks for completions, if this is what stillpix was run for."""
    if os.environ.get(VARIABLE):
        from typer.completion import completion_init  # type: ignore[attr-defined]  # it is there

        completion_init()


def completion(shell: Shell) -> None:
    """Print the script that completes commands in your shell."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]  # it is there

    typer.echo(get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=shell))
    complain(f"note: write it to {PLACES[shell]}, and open a new shell")

"""The `stillpix` command: one module per subcommand, registered here.

Never imports a heavy package by itself: each subcommand imports what it needs when it runs.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ..errors import StillpixError
from . import demo, exporting, find, fix, importing, library, serve, show
from .output import complain
from .statuses import INTERRUPTED, NOTHING_USABLE, PIPE_CLOSED

__all__ = ["INTERRUPTED", "NOTHING_USABLE", "PIPE_CLOSED", "app"]


class Commands(TyperGroup):
    """Turns what can go wrong in any subcommand into one line and an exit status."""

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand; the context's class depends on Typer's version."""
        try:
            return super().invoke(ctx)
        except StillpixError as error:
            complain(str(error))
            raise typer.Exit(NOTHING_USABLE) from error
        except KeyboardInterrupt:
            complain("stopped")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:  # `stillpix show | head`: the reader has had enough
            raise typer.Exit(PIPE_CLOSED) from None


app = typer.Typer(
    name="stillpix",
    cls=Commands,
    help="Find the broken pixels of a camera's sensor from the photos it took.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # Rich's help costs a fifth of a second and tells no more
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  # Typer calls it so
    if wanted:
        from importlib.metadata import version

        typer.echo(f"stillpix {version('stillpix')}")
        raise typer.Exit


@app.callback()
def stillpix(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Find the broken pixels of a camera's sensor from the photos it took."""
    del version  # its callback has done it


app.command("find")(find.find)
app.command("fix")(fix.fix)
app.command("show")(show.show)
app.command("export")(exporting.export)
app.command("import")(importing.import_list)
app.command("library")(library.library)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)

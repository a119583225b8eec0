"""The `stillpix` command: one module per subcommand, registered here.

Never imports a heavy package by itself: each subcommand imports what it needs when it runs.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ..errors import StillpixError
from . import (
    completing,
    config,
    demo,
    exporting,
    find,
    fix,
    importing,
    library,
    merge,
    serve,
    shard,
    show,
    warming,
    watch,
)  # fmt: skip
from .commands import Command, UsageError, spoken
from .mistakes import no_command, told
from .output import complain
from .statuses import INTERRUPTED, NOTHING_USABLE, PIPE_CLOSED

__all__ = ["INTERRUPTED", "NOTHING_USABLE", "PIPE_CLOSED", "app"]

completing.know_shells()


OTHER_NAMES = {"repair": "fix", "list": "show", "maps": "show", "gui": "serve"}
# Commands that people try, which are flags of others.
FLAGS_OF_OTHERS = {"undo": "fix --undo", "forget": "library MAP --forget", "judge": "serve"}
HELP_FLAGS = ("-h", HELP_FLAG := "--help")
WITHOUT_CONFIG = ("config", "completion")  # commands that must run although the file is wrong


class Commands(TyperGroup):
    """Turns what can go wrong in any subcommand into one line and an exit status."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a subcommand by its name, or by another word that people try for it."""
        if args[0] == "help":
            if len(args) == 1:
                typer.echo(ctx.get_help())
                raise typer.Exit
            args = [args[1], HELP_FLAG]
        name, *rest = OTHER_NAMES.get(args[0], args[0]), *args[1:]
        if name not in self.commands and not name.startswith("-"):
            raise no_command(args[0], ctx, FLAGS_OF_OTHERS.get(args[0]))
        asks = name in WITHOUT_CONFIG or any(word in HELP_FLAGS for word in rest)
        if not (asks or ctx.resilient_parsing or ctx.params.get("no_config")):
            ctx.default_map = config.defaults_by_command(self.commands)
        return super().resolve_command(ctx, [name, *rest])

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read what stands before the subcommand's name."""
        try:
            return super().make_context(*arguments, **options)
        except UsageError as error:
            raise told(error) from None

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand; the context's class depends on Typer's version."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise told(error) from None
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
    context_settings={"help_option_names": [*HELP_FLAGS]},
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  # Typer gives it by place
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
            "--version", "-V", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    no_config: Annotated[
        bool, typer.Option("--no-config", help="Use no defaults from your config file.")
    ] = False,
) -> None:
    """Find the broken pixels of a camera's sensor from the photos it took."""
    del version, no_config  # dealt with before a subcommand runs


shards = typer.Typer(
    help="Add up photos in parts, on as many machines as there are.", no_args_is_help=True,
    rich_markup_mode=None,
)  # fmt: skip
app.add_typer(shards, name="shard")

for group, name, function, example in (
    (app, "find", find.find, "stillpix find Pictures --report found.html"),
    (app, "fix", fix.fix, "stillpix fix Pictures --out fixed"),
    (app, "watch", watch.watch, "stillpix watch /srv/camera --every 1h --json"),
    (shards, "plan", shard.plan, "stillpix shard plan /nas/photos --out /nas/plan"),
    (shards, "run", shard.run, "stillpix shard run /nas/plan/NIKON*__0001"),
    (app, "merge", merge.merge, "stillpix merge /nas/plan --out maps"),
    (app, "show", show.show, 'stillpix show "NIKON D3200"'),
    (app, "report", show.report, "stillpix report D3200 --out d3200.html"),
    (app, "export", exporting.export, "stillpix export D3200 --to rawtherapee --install"),
    (app, "import", importing.import_list, "stillpix import hot.csv --from csv --map D3200"),
    (app, "library", library.library, "stillpix library D3200 --forget"),
    (app, "demo", demo.demo, "stillpix demo --seed 2"),
    (app, "serve", serve.serve, "stillpix serve Pictures"),
    (app, "warm-up", warming.warm_up, "stillpix warm-up"),
    (app, "config", config.config, "stillpix config"),
    (app, "completion", completing.completion, "stillpix completion bash >> ~/.bashrc"),
):
    group.command(name, cls=Command, epilog=example)(spoken(function))

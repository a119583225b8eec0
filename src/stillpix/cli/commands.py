"""What all subcommands have in common: their help, --quiet, --verbose and --log.

Never does a subcommand's work.
"""

from __future__ import annotations

import inspect
import platform
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand

from .output import Voice, detail, printable, speaking

Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", help="Print only errors, and the tables and JSON that you ask for."
    ),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Also print each step as it is done.")
]
Log = Annotated[
    Path | None,
    typer.Option(
        "--log",
        metavar="FILE",
        help="Add everything that --verbose would print to this file, with the time.",
    ),
]
SPOKEN = {"quiet": Quiet, "verbose": Verbose, "log": Log}
HELP = "Show this help."
UsageError: Any = typer.BadParameter.__mro__[1]
FROM_FILE = "DEFAULT_MAP"  # how typer names a value that a config file gave


class Command(TyperCommand):
    """A subcommand whose help has no type of a programming language, and one example."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002  # click calls it so
        """Return what follows the command's name: its options, then its arguments."""
        return ["[OPTIONS]", *(argument_name(each) for each in arguments_of(self))]

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read what is typed after the command's name."""
        try:
            return super().parse_args(ctx, args)
        except UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run it; wrong usage that it finds is told of with its usage line."""
        quiet, verbose = (ctx.params.get(name) for name in ("quiet", "verbose"))
        for name in ("quiet", "verbose"):
            if quiet and verbose and came_from_file(ctx, name):
                ctx.params[name] = False  # what is typed goes before what the file says
        try:
            return super().invoke(ctx)
        except UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what the command takes: its arguments, then its options."""
        arguments = [(argument_name(each), help_of(each)) for each in arguments_of(self)]
        options = [(option_name(each), help_of(each)) for each in options_of(self)]
        options.append((", ".join(sorted(self.get_help_option_names(ctx), key=len)), HELP))
        for title, rows in (("Arguments", arguments), ("Options", options)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  # click calls it so
        """Write the example."""
        if self.epilog:
            with formatter.section("Example"):
                formatter.write_text(self.epilog)


def came_from_file(ctx: Any, parameter: str) -> bool:
    """Return whether the config file gave a parameter its value."""
    source = ctx.get_parameter_source(parameter)
    return source is not None and source.name == FROM_FILE


def arguments_of(command: Any) -> list[Any]:
    """Return a command's arguments."""
    return [each for each in command.params if each.param_type_name == "argument"]


def options_of(command: Any) -> list[Any]:
    """Return a command's options, but for --help."""
    options = (each for each in command.params if each.param_type_name == "option")
    return [each for each in options if "--help" not in each.opts and not each.hidden]


def argument_name(argument: Any) -> str:
    """Return an argument as a usage line has it, in brackets where it may be left out."""
    bare = argument.metavar.strip("[]")
    return bare if argument.required else f"[{bare}]"


def option_name(option: Any) -> str:
    """Return an option's spellings, and what follows it."""
    spellings = ", ".join(sorted(option.opts, key=len))
    return f"{spellings} {option.metavar}" if option.metavar else spellings


def help_of(parameter: Any) -> str:
    """Return what a parameter is for, and what holds without it."""
    told = parameter.help or ""
    if parameter.required:
        return told if parameter.param_type_name == "argument" else f"{told} Needed."
    default = parameter.default
    shown = not isinstance(default, bool | list | tuple) and default is not None
    return f"{told} [default: {default}]" if shown and parameter.show_default else told


def spoken(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that takes --quiet, --verbose and --log, too."""
    hints = get_type_hints(command, include_extras=True)
    signature = inspect.signature(command)
    own = [each.replace(annotation=hints[each.name]) for each in signature.parameters.values()]
    defaults = {"quiet": False, "verbose": False, "log": None}
    more = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=hint
        )
        for name, hint in SPOKEN.items()
    ]

    @wraps(command)
    def run(*arguments: Any, quiet: bool, verbose: bool, log: Path | None, **options: Any) -> None:
        if quiet and verbose:
            raise typer.BadParameter("give one of --quiet and --verbose", param_hint="--quiet")
        with ExitStack() as stack:
            file = None if log is None else stack.enter_context(_opened(log))
            stack.enter_context(speaking(Voice(quiet, verbose, file)))
            if verbose or file is not None:
                detail(_begun(sys.argv[1:]))
            command(*arguments, **options)

    named = signature.replace(parameters=[*own, *more])
    run.__signature__ = named  # type: ignore[attr-defined]  # PEP 362: functions may have one
    run.__annotations__ = {**hints, **SPOKEN}
    return run


def _begun(arguments: Sequence[str]) -> str:
    """Return which stillpix runs where, and what it was asked."""
    from importlib.metadata import version

    from ..maps.library import library_root

    return (
        f"stillpix {version('stillpix')}, Python {platform.python_version()}, "
        f"{platform.platform()}; library {library_root()}; stillpix {' '.join(arguments)}"
    )


def _opened(log: Path) -> Any:
    try:
        return log.expanduser().open("a", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        reason = f"{log} cannot be written ({error.strerror or error}); name another file"
        raise typer.BadParameter(printable(reason), param_hint="--log") from error

"""The config file: a person's own defaults for options, and `stillpix config`, which shows them.

Holds nothing that deletes, overwrites or names one photo or map: those are typed each time.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import typer

from .expecting import as_typed, expected, fits, hints_of
from .naming import wrong
from .output import complain, say

ENVIRONMENT_VARIABLE = "STILLPIX_CONFIG"
FILE_NAME = "config.toml"
FOR_ALL = ("jobs", "camera", "log", "quiet", "verbose")  # outside tables: every command with them
FOR_ONE = {
    "find": ("fdr", "fast", "enough", "pattern"),
    "fix": ("mosaic", "mask"),
    "export": ("to", "candidates"),
    "serve": ("port", "no-browser"),
}

Settings: TypeAlias = dict[tuple[str, str], Any]  # by command ("" for all) and key


def config_path() -> Path:
    """Return where the config file is: $STILLPIX_CONFIG, or the system's place for it."""
    import platformdirs

    named = os.environ.get(ENVIRONMENT_VARIABLE)
    if named:
        return Path(named).expanduser()
    return platformdirs.user_config_path("stillpix") / FILE_NAME


def defaults_by_command(commands: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the defaults that the config file sets: for each command, by parameter.

    A key that there is not is named and left out. A file that cannot be read is wrong usage, and so
    is a value that an option does not take.
    """
    found: dict[str, dict[str, Any]] = {}
    settings = read_settings(config_path(), commands)
    for (command, key), value in sorted(settings.items()):  # those for all first
        for name in (command,) if command else commands:
            if parameter := _parameter(commands[name], key):
                found.setdefault(name, {})[parameter] = as_typed(value)
    return found


def read_settings(path: Path, commands: Mapping[str, Any]) -> Settings:
    """Return what a config file sets; raise typer.BadParameter where it cannot."""
    settings: Settings = {}
    for place, value in _places(_document(path), commands):
        command, key = place
        if key not in _known(command, commands):
            _complain_of(path, place, commands)
            continue
        having = [commands[command]] if command else commands.values()
        for each in having:
            parameter = _parameter(each, key)
            if parameter and not fits(hints_of(each)[parameter], value):
                takes = expected(hints_of(each)[parameter])
                raise wrong(f"{_dotted(place)} must be {takes}; it is {value!r}", str(path))
        settings[place] = value
    return settings


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        if not os.path.lexists(path):  # its folder is another's: this account has no file there
            return {}
        reason = f"cannot be read ({error.strerror or error}); mend or delete it"
        raise wrong(reason, str(path)) from error
    except UnicodeDecodeError as error:
        raise wrong("is not UTF-8 text; save it as UTF-8", str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise wrong(f"is no TOML: {error}; mend that line", str(path)) from error


def _places(
    document: dict[str, Any], commands: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, str], Any]]:
    """Yield each setting with its place."""
    for key, value in document.items():
        if isinstance(value, dict) and key in commands:
            yield from (((key, inner), setting) for inner, setting in value.items())
        else:
            yield ("", key), value


def _known(command: str, commands: Mapping[str, Any]) -> list[str]:
    """Return the keys of a command's table, or those outside tables."""
    if not command:
        return list(FOR_ALL)
    shared = (key for key in FOR_ALL if _parameter(commands[command], key))
    return [*FOR_ONE.get(command, ()), *shared]


def _complain_of(path: Path, place: tuple[str, str], commands: Mapping[str, Any]) -> None:
    """Say that there is no such setting, and which one may be meant."""
    command, key = place
    tables = (command,) if command else ("", *commands)
    known = {(table, each) for table in tables for each in _known(table, commands)}
    near = difflib.get_close_matches(key, sorted({each for _, each in known}), 1)
    meant = [_dotted(each) for each in sorted(known) if each[1] in near]
    advice = f"did you mean {meant[0]}?" if meant else "`stillpix config` lists those there are"
    complain(f"{path}: there is no setting {_dotted(place)}, so it has no effect; {advice}")


def _dotted(place: tuple[str, str]) -> str:
    return ".".join(filter(None, place))


def _parameter(command: Any, key: str) -> str | None:
    """Return the name of a command's parameter whose flag is the key."""
    names = (each.name for each in command.params if f"--{key}" in each.opts)
    return next(names, None)


def config(ctx: typer.Context) -> None:
    """Show where your config file is, and the defaults, as TOML."""
    root = ctx.find_root().command
    path, commands = config_path(), root.commands  # type: ignore[attr-defined]  # it is a group
    there = path.is_file()
    say(f"# {path}" + ("" if there else " (not there yet: save these lines as it to begin)"))
    for line in _lines(read_settings(path, commands), commands):
        say(line)


def _lines(settings: Settings, commands: Mapping[str, Any]) -> Iterator[str]:
    """Yield the settings as lines of TOML; those that the file does not make are comments."""
    for command in ("", *commands):
        own = [key for key in _known(command, commands) if (command, key) in settings]
        keys = [*FOR_ALL] if not command else [*FOR_ONE.get(command, ())]
        keys += [key for key in own if key not in keys]
        if command and keys:
            yield ""
            yield f"[{command}]"
        for key in keys:
            yield _line((command, key), settings, commands)


def _line(place: tuple[str, str], settings: Settings, commands: Mapping[str, Any]) -> str:
    command, key = place
    if place in settings:
        return f"{key} = {json.dumps(settings[place], ensure_ascii=False)}"
    having = (
        commands[command].params if command else [p for c in commands.values() for p in c.params]
    )
    (default, *_) = (each.default for each in having if f"--{key}" in each.opts)
    shown = "" if default is None else f" {json.dumps(default)}"
    return f"# {key} ={shown}"

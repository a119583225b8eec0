"""The entry point of the command line: `stillpix ...` or `python -m stillpix ...`.

Never prints a traceback for what stillpix can explain in one line.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from typing import NoReturn


def _part_from_libraries() -> None:
    """Let only Python write to the terminal: what C libraries print to descriptor 2 goes nowhere.

    LibRaw tells there of damage in its own words, beside the line that names file and remedy.
    """
    words = sys.stderr
    if not isinstance(words, io.TextIOWrapper) or words.fileno() != 2:
        return
    own = os.dup(2)
    sys.stderr = os.fdopen(own, "w", 1, encoding=words.encoding, errors=words.errors)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _tell_in_one_line() -> None:
    """Show a Python warning as a line of ours, each once.

    Not those of astropy: it is told to be silent where it reads a file, but threads share that
    setting and undo it. It also puts its own way to show a warning in the place of this one.
    """
    warnings.filterwarnings("ignore", module=r"astropy\b")
    told = set[str]()

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        line = " ".join(str(message).split())
        if line not in told and not category.__module__.startswith("astropy"):
            told.add(line)
            sys.stderr.write(f"stillpix: note: {line}\n")

    warnings.showwarning = show


def keep_to_one_thread_a_photo() -> None:
    """Keep libraries to one thread each, before they are loaded: photos run side by side here.

    Their pieces of work are small. Threads that share one wait for each other, up to ten times as
    long as the work takes, and longer on a busy machine.
    """
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    os.environ.setdefault("VECLIB_MAXIMUM_THREADS", "1")


def main() -> NoReturn:
    """Run the command line and exit.

    The status is 0 done; 1 done, but some photos (or maps) could not be read; 2 wrong usage;
    3 nothing usable; 130 stopped by Ctrl-C; 141 the reader of a pipe went away.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name in a script the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    keep_to_one_thread_a_photo()
    _part_from_libraries()
    _tell_in_one_line()
    try:
        from .cli import INTERRUPTED, PIPE_CLOSED, app
    except KeyboardInterrupt:
        sys.exit(130)
    try:
        status: int | str | None = app(prog_name="stillpix")
    except SystemExit as stop:
        status = stop.code
    except KeyboardInterrupt:
        status = INTERRUPTED
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = PIPE_CLOSED
    if status == PIPE_CLOSED:  # else Python complains when it flushes once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


if __name__ == "__main__":
    main()

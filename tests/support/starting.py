"""Programs of ours that start at once: forked from one that has imported and loaded all they need.

Each is a process of its own, with its own pipes, environment and signals. What Python does at its
own start is not done anew, such as the encoding of terminals: tests of that start Python. So does
this where the system cannot fork.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from support import costs

FORKS = hasattr(os, "fork")
IMPORTED = [
    "stillpix.__main__", "stillpix.cli.find", "stillpix.cli.fix", "stillpix.cli.serve",
    "stillpix.images.gather", "stillpix.scan", "stillpix.report", "stillpix.restoration.fix",
    "stillpix.simulate", "stillpix.web.serving", "simplejpeg", "PIL.Image", "support.holding",
    "support.loaded",
]  # fmt: skip


class Program:
    """A started program, used as a `subprocess.Popen` whose two outputs are pipes."""

    def __init__(self, work, *arguments, text=True, **environment):
        """Start a function; what it finds in `sys.argv` and in its environment is given."""
        outputs, errors = os.pipe(), os.pipe()
        ends = _End(outputs[1]), _End(errors[1])
        order = ([str(each) for each in arguments], {**os.environ, **environment}, Path.cwd())
        self._process = processes().Process(target=_become, args=(work, *ends, *order))
        self._process.start()
        self.pid = self._process.pid
        for end in (outputs[1], errors[1]):
            os.close(end)
        how = {"mode": "r", "encoding": "utf-8"} if text else {"mode": "rb"}
        self.stdout, self.stderr = os.fdopen(outputs[0], **how), os.fdopen(errors[0], **how)

    @property
    def returncode(self):
        return self._process.exitcode

    def poll(self):
        return self.returncode

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self._process.kill()

    def wait(self, timeout=None):
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return self.returncode

    def communicate(self, timeout=None):
        """Return all that it prints and complains of, once it has ended."""
        read = {}
        readers = [
            threading.Thread(target=lambda pipe=pipe: read.setdefault(pipe, pipe.read()))
            for pipe in (self.stdout, self.stderr)
        ]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        return read[self.stdout], read[self.stderr]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wait()


def started(work, command, *arguments, text=True, **environment):
    """Start a function, or a program of Python by the command for that."""
    if FORKS:
        return Program(work, *arguments, text=text, **environment)
    return subprocess.Popen(
        [sys.executable, *command, *map(str, arguments)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, encoding="utf-8" if text else None,
        env={**os.environ, **environment},
    )  # fmt: skip


def stillpix(*arguments, **options):
    """Start the command line."""
    return started(_command_line, ["-m", "stillpix"], *arguments, **options)


def run(*arguments, timeout=costs.LONGEST_S, **options):
    """Run the command line to its end, as `subprocess.run` does with its outputs captured."""
    program = stillpix(*arguments, **options)
    printed, complained = program.communicate(timeout)
    return subprocess.CompletedProcess(arguments, program.returncode, printed, complained)


def _command_line():
    from stillpix.__main__ import main

    main()


@cache
def processes():
    """Return how processes are made: of what has imported all, where that can be."""
    context = get_context("forkserver" if FORKS else "spawn")
    if FORKS:
        context.set_forkserver_preload(IMPORTED)
    return context


class _End:
    """A pipe's end for a program to be started, for which it is a number again."""

    def __init__(self, number):
        self.number = number

    def __reduce__(self):
        from multiprocessing.reduction import DupFd

        return _inherited, (DupFd(self.number),)


def _inherited(end):
    return end.detach()


def _become(work, output, errors, arguments, environment, folder):
    for inherited, number in ((output, 1), (errors, 2)):
        os.dup2(inherited, number)
        os.close(inherited)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # told anew by this environment
    os.chdir(folder)
    sys.argv = ["stillpix", *arguments]
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", closefd=False)
    try:
        work()
    finally:
        with suppress(OSError):
            sys.stdout.flush()

"""What the exit statuses of `stillpix` mean; 2, wrong usage, is Typer's own.

Never decides which one is due.
"""

from __future__ import annotations

DONE = 0
SOME_FAILED = 1  # done, but some photos or maps could not be read or written
NOTHING_USABLE = 3
INTERRUPTED = 130  # 128 + SIGINT, as shells count
PIPE_CLOSED = 141  # 128 + SIGPIPE

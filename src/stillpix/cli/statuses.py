"""The exit statuses of `stillpix`, and what they mean.

Never decides which one is due.
"""

from __future__ import annotations

DONE = 0
SOME_FAILED = 1  # done, but some photos or maps could not be read or written
NOTHING_USABLE = 3
INTERRUPTED = 130  # 128 + SIGINT, as shells count
PIPE_CLOSED = 141  # 128 + SIGPIPE

"""One file that only one program at a time can hold.

Never outlives its process: the system lets go of the lock when the process ends, killed or not.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from pathlib import Path

from .atomic import write_error
from .errors import LibraryBusyError

POLL_S = 0.1
HELD_BY_ANOTHER = frozenset({errno.EAGAIN, errno.EACCES, errno.EDEADLK})


class FileLock:
    """A lock between programs, and between the threads of this one.

    The thread that holds it may take it again; it is free after as many releases. The file
    stays: to remove it would let two programs hold two files of one name.
    """

    def __init__(self, path: Path, subject: str) -> None:
        self.path = path
        self.subject = subject  # what is locked, for the error's line
        self._thread_lock = threading.RLock()
        self._depth = 0
        self._descriptor = -1

    def acquire(self, *, wait_s: float) -> None:
        """Take the lock, waiting for it up to `wait_s` seconds.

        Raises:
            LibraryBusyError: another program or thread still holds it.
            WriteError: the lock's file cannot be made.
        """
        deadline = time.monotonic() + wait_s
        if not self._thread_lock.acquire(timeout=max(wait_s, 0.0)):
            raise self._busy(wait_s)
        try:
            if self._depth == 0:
                self._descriptor = self._open_locked(deadline, wait_s)
            self._depth += 1
        except BaseException:
            self._thread_lock.release()
            raise

    def release(self) -> None:
        """Let go of the lock once."""
        self._depth -= 1
        if self._depth == 0:
            _unlock(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
        self._thread_lock.release()

    def _open_locked(self, deadline: float, wait_s: float) -> int:
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise write_error(self.path, error) from error
        try:
            while not _try_lock(descriptor):
                if time.monotonic() >= deadline:
                    raise self._busy(wait_s)
                time.sleep(POLL_S)
        except OSError as error:
            os.close(descriptor)
            raise write_error(self.path, error) from error
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _busy(self, wait_s: float) -> LibraryBusyError:
        return LibraryBusyError(
            f"{self.subject}: another stillpix is working on this camera, and did not end "
            f"within {wait_s:g} s; wait until it is done and run again"
        )


if sys.platform == "win32":

    def _try_lock(descriptor: int) -> bool:
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in HELD_BY_ANOTHER:
                return False
            raise
        return True

    def _unlock(descriptor: int) -> None:
        import msvcrt

        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:

    def _try_lock(descriptor: int) -> bool:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in HELD_BY_ANOTHER:
                return False
            raise
        return True

    def _unlock(descriptor: int) -> None:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_UN)

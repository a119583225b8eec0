"""Photos read ahead in threads, into reused memory, and handed on in order.

Never holds more photos than it was told to, and never ends at one that cannot be read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from ..errors import ReadError
from . import Buffer, Header
from .cores import usable_cores

T = TypeVar("T")


@contextmanager
def threads(jobs: int | None = None) -> Iterator[Executor]:
    """Give as many threads as asked for, or as the machine allows.

    Work that no thread has begun is dropped when the block ends, however it ends.
    """
    pool = ThreadPoolExecutor(jobs or usable_cores())
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def read_ahead(
    headers: Iterable[Header],
    read: Callable[[Header, Buffer], T],
    pool: Executor,
    *,
    together: int,
    ahead: int,
) -> Generator[list[tuple[Header, T | ReadError]], None, None]:
    """Yield what `read` makes of each photo, or why it could not, some photos together.

    While they are looked at the next ones, `ahead` of them, are being read. Each photo is read
    into a buffer that is used again once the next photos are asked for: what lies in it must not
    be kept for longer.
    """
    rest = iter(headers)
    free = [Buffer() for _ in range(together + ahead)]
    under_way: deque[tuple[Header, Buffer, Future[T | ReadError]]] = deque()
    try:
        while True:
            while free and (header := next(rest, None)) is not None:
                buffer = free.pop()
                under_way.append(
                    (header, buffer, pool.submit(_read_or_error, read, header, buffer))
                )
            if not under_way:
                return
            taken = [under_way.popleft() for _ in range(min(together, len(under_way)))]
            yield [(header, future.result()) for header, _, future in taken]
            free += [buffer for _, buffer, _ in taken]
    finally:
        for _, _, future in under_way:
            future.cancel()


def _read_or_error(
    read: Callable[[Header, Buffer], T], header: Header, buffer: Buffer
) -> T | ReadError:
    try:
        return read(header, buffer)
    except ReadError as error:
        return error

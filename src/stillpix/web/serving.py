"""The server itself: a socket on the loopback address, the page on it, and a clean end.

Never listens for another computer, and never ends before its runs and uploads are cleared away.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from ..maps.library import Library
from .desk import Desk
from .operations import route_of
from .refusal import Refused
from .routes import OPERATIONS
from .security import HOST, Guard, new_token
from .streams import routes_of_streams

GRACE_S = 5  # for answers under way when the server ends
LARGEST_LINE = 1 << 15  # bytes of a request's head


def application(desk: Desk, *, token: str, port: int) -> Guard:
    """Return the whole server as an ASGI application, behind its guard.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     desk = Desk(Library(folder))
    ...     guarded = application(desk, token="secret", port=8000)
    ...     desk.close()
    >>> type(guarded).__name__
    'Guard'
    """
    routes = [route_of(operation, desk) for operation in OPERATIONS]
    page = Starlette(routes=[*routes, *routes_of_streams(desk)])
    return Guard(page, token=token, port=port)


class PageServer(uvicorn.Server):
    """A server that lets go of its streams when it is asked to end."""

    def __init__(self, desk: Desk, *, token: str, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                application(desk, token=token, port=port), lifespan="off", ws="none",
                log_level="warning", access_log=False, server_header=False, proxy_headers=False,
                timeout_graceful_shutdown=GRACE_S, h11_max_incomplete_event_size=LARGEST_LINE,
                http="h11",
            )
        )  # fmt: skip
        self._desk = desk

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, which would go on for ever, then the server."""
        self._desk.journal.close()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End at Ctrl-C or a termination in good order; a second one ends without waiting."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def on_signal(number: int, frame: FrameType | None) -> None:
            self.handle_exit(number, frame)

        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(
    folders: Sequence[str] = (),
    *,
    port: int = 0,
    library: Library | None = None,
    camera: str | None = None,
    ready: Callable[[str], None],
) -> None:
    """Serve the page until Ctrl-C; `ready` is called with its address once it can be opened.

    `port` 0 takes a free one. `camera` names it in photos that do not. The folders are opened one
    after the other. Raises Refused for a folder that is none, and OSError where the port is taken.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        bound = listener.getsockname()[1]
        with closing(Desk(library, camera)) as desk:
            for folder in folders:
                desk.jobs.wait(desk.open(folder))
            token = new_token()
            server = PageServer(desk, token=token, port=bound)
            listener.listen(128)
            ready(f"http://{HOST}:{bound}/{token}/")
            server.run(sockets=[listener])


__all__ = ["Refused", "application", "serve"]

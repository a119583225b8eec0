"""A server of the page for tests: in a thread of its own, on a port of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from stillpix.maps.library import Library
from stillpix.web.desk import Desk
from stillpix.web.security import HOST, new_token
from stillpix.web.serving import PageServer
from support import costs

RUNNING = {"running", "stopping"}


@dataclass
class Site:
    desk: Desk
    port: int
    token: str
    client: httpx.Client
    server: PageServer
    thread: threading.Thread

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}/{self.token}/"

    def get(self, path, **options):
        return self.client.get(path, **options)

    def post(self, path, body=None, **options):
        return self.client.post(path, json=body, **options)

    def state(self):
        return self.get("api/state").json()

    def ended(self, answer):
        """Wait for the job that an answer began, and return how it ended."""
        assert answer.status_code == 202, answer.text
        job, deadline = answer.json()["id"], time.monotonic() + costs.LONGEST_S
        while (told := self.get(f"api/jobs/{job}").json())["state"] in RUNNING:
            assert time.monotonic() < deadline, told
            time.sleep(0.02)
        return told

    def open(self, folder: Path):
        """Open a folder and return its id."""
        told = self.ended(self.post("api/folders", {"path": str(folder)}))
        assert told["state"] == "done", told
        return told["result"]["folder"]

    def find(self, folder: str):
        """Find in an opened folder and return the id of its first map."""
        told = self.ended(self.post("api/finds", {"folder": folder}))
        assert told["state"] == "done", told
        return told["result"]["bodies"][0]["map"]

    def map(self, map_id: str):
        return self.get(f"api/maps/{map_id}").json()

    def end(self):
        """End the server in good order, as Ctrl-C does, and wait for that."""
        self.server.should_exit = True
        self.thread.join()


@contextmanager
def serving(library: Library) -> Iterator[Site]:
    """Serve the page in this block. Nobody waits for the server's own end, a fifth of a second."""
    listener = socket.socket()  # the server closes it
    listener.bind((HOST, 0))
    listener.listen(64)
    port, token = listener.getsockname()[1], new_token()
    base = f"http://{HOST}:{port}/{token}/"
    with closing(Desk(library)) as desk:
        server = PageServer(desk, token=token, port=port)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            # To read whom the system trusts takes longer than most tests of the page.
            client = httpx.Client(base_url=base, timeout=costs.LONGEST_S, verify=False)
            with client:
                yield Site(desk, port, token, client, server, thread)
        finally:
            server.should_exit = True


def raw(site: Site, request: bytes, *, wait_s: float = costs.LONGEST_S) -> bytes:
    """Send bytes as they are and return all that comes back until the server ends it."""
    with socket.create_connection((HOST, site.port), timeout=wait_s) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(1 << 16):
            answer += part
        return answer


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])

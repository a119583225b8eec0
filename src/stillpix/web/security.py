"""The guard of the server: it answers only the page that it served itself, on this computer.

Never answers a request without the token, for another host's name, or from another page.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, RedirectResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = "127.0.0.1"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = frozenset({"same-origin", "none"})  # none: the person typed the address
HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # the address holds the token
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "x-frame-options": "DENY",
}


def new_token() -> str:
    """Return a token that nobody can guess: 256 bits, as an address can hold them.

    >>> len(new_token())
    43
    """
    return secrets.token_urlsafe(32)


class Guard:
    """Lets through what has the token in its path, this server's Host, and its Origin or none.

    A Host that is another's name is a page that had its name point here (DNS rebinding). The
    token and the slash after it are taken off the path of what is let through.
    """

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        self._app = app
        self._token = token
        self._hosts = frozenset({f"{HOST}:{port}", f"localhost:{port}"})
        self._origins = frozenset(f"http://{host}" for host in self._hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on to the application."""
        if scope["type"] != "http":
            return  # no websockets

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = {name for name, _ in message["headers"]}  # a report has its own policy
                own = [(n.encode(), value.encode()) for n, value in HEADERS.items()]
                own = [(name, value) for name, value in own if name not in said]
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        first, slash, rest = scope["path"].removeprefix("/").partition("/")
        if reason := self._refusal(scope):
            await _refuse(403, reason)(scope, receive, with_headers)
        elif not secrets.compare_digest(first.encode(), self._token.encode()):
            reason = "the address lacks its token; use the address that stillpix serve printed"
            await _refuse(403, reason)(scope, receive, with_headers)
        elif not slash:
            await RedirectResponse(f"/{self._token}/")(scope, receive, with_headers)
        else:
            inner = {**scope, "path": "/" + rest, "raw_path": ("/" + rest).encode()}
            await self._app(inner, receive, with_headers)

    def _refusal(self, scope: Scope) -> str:
        """Return why a request is not from the page, or ""."""
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
        hosts = headers.get("host", [])
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return "this server answers only this computer, under its own address"
        origins = headers.get("origin", [])
        if any(origin not in self._origins for origin in origins):
            return "that page must not use this server"
        sites = headers.get("sec-fetch-site", [])
        if any(site not in OWN_SITES for site in sites):
            return "that page must not use this server"
        # A browser names the page that asked for a change; other programs have no page to name.
        if scope["method"] not in SAFE_METHODS and sites and not origins:
            return "this request does not name the page that asks for the change, as browsers do"
        return ""


def _refuse(status: int, reason: str) -> JSONResponse:
    return JSONResponse({"reason": reason}, status, headers={"cache-control": "no-store"})

"""The stream of events, uploads, and the page's own files: all that is not a plain JSON answer.

Never holds an upload in memory, and never serves a file that is not in the list of the page's own.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ..errors import StillpixError
from .api import FORMAT, NAME
from .desk import Desk
from .exports import COUNTS, imported
from .folders import required_name
from .operations import answered, described, problem, refused
from .refusal import Refused
from .routes import OPERATIONS
from .schema import TEXT, WHOLE, from_text, record

STATIC = Path(__file__).parent / "static"
MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
SINCE = {"type": "integer", "minimum": 0, "maximum": 10**15 - 1, "default": 0}
FILE_NAME = {"type": "string", "minLength": 1, "maxLength": 200}
DESCRIBED: Mapping[str, Any] = {
    "/api/events": {
        "get": {
            "operationId": "events",
            "summary": "What happens, as server-sent events: job, map, folders, missed; ids are "
            "versions, and a stream begins after the version that is named",
            "parameters": [
                {"name": "since", "in": "query", "required": False, "schema": SINCE},
                {"name": "Last-Event-ID", "in": "header", "required": False, "schema": TEXT},
            ],
            "responses": {
                "200": {
                    "description": "a stream that ends with the server",
                    "content": {"text/event-stream": {"schema": TEXT}},
                },
                "403": problem("not done; the reason says why"),
                "422": problem("the version is no number"),
            },
        }
    },
    "/api/maps/{map}/lists": {
        "post": {
            "operationId": "import",
            "summary": "Add another program's list to a map, as accepted pixels",
            "parameters": [
                {"name": "map", "in": "path", "required": True, "schema": NAME},
                {"name": "format", "in": "query", "required": True, "schema": FORMAT},
            ],
            "requestBody": {
                "required": True,
                "content": {"application/octet-stream": {"schema": {}}},
            },
            "responses": {
                "200": {
                    "description": "how many pixels were added, accepted, known already, or left "
                    "since a person rejected them",
                    "content": {
                        "application/json": {"schema": record(dict.fromkeys(COUNTS, WHOLE))}
                    },
                },
                **{
                    status: problem("not done; the reason says why")
                    for status in ("400", "403", "404", "409", "413", "422", "507")
                },
            },
        }
    },
    "/api/uploads": {
        "post": {
            "operationId": "upload",
            "summary": "Give a photo; then open what was dropped",
            "parameters": [{"name": "name", "in": "query", "required": True, "schema": FILE_NAME}],
            "requestBody": {
                "required": True,
                "content": {"application/octet-stream": {"schema": {}}},
            },
            "responses": {
                "201": {
                    "description": "the name that it got",
                    "content": {"application/json": {"schema": record({"name": TEXT})}},
                },
                **{
                    status: problem("not done; the reason says why")
                    for status in ("400", "403", "413", "415", "422", "507")
                },
            },
        }
    },
}


def routes_of_streams(desk: Desk) -> list[Route]:
    """Return the routes of events, uploads, the interface's description and the page's files."""
    files = _own_files()

    async def events(request: Request) -> Response:
        last = request.headers.get("last-event-id") or request.query_params.get("since", "0")
        try:
            since: int = from_text(last, SINCE, "since")
        except Refused as error:
            return refused(error)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(_event_lines(desk, since), 200, headers, "text/event-stream")

    async def description(_: Request) -> Response:
        return answered(described(OPERATIONS, DESCRIBED))

    async def own_file(request: Request) -> Response:
        found = files.get(request.path_params.get("name", "index.html"))
        if found is None:
            return refused(Refused(404, "there is no such page"))
        content = await run_in_threadpool(found.read_bytes)
        return Response(content, 200, {"cache-control": "no-cache"}, MEDIA_TYPES[found.suffix])

    return [
        Route("/api/events", events),
        _route_of_files("/api/uploads", 201, partial(_receive_upload, desk=desk)),
        _route_of_files("/api/maps/{map}/lists", 200, partial(_receive_list, desk=desk)),
        Route("/api/openapi.json", description),
        Route("/", own_file),
        Route("/static/{name:path}", own_file),
    ]


def _route_of_files(
    path: str, status: int, receive: Callable[[Request], Awaitable[Mapping[str, Any]]]
) -> Route:
    """Return the route of an address that takes a file as it is."""

    async def endpoint(request: Request) -> Response:
        try:
            return answered(await receive(request), status)
        except (Refused, StillpixError) as error:
            # What is left of the body is not read: the connection ends with the answer.
            answer = refused(error if isinstance(error, Refused) else Refused(409, str(error)))
            answer.headers["connection"] = "close"
            return answer

    return Route(path, endpoint, methods=["POST"])


def _own_files() -> dict[str, Path]:
    """Return the page's files by their names: what is not here is not served."""
    return {
        path.relative_to(STATIC).as_posix(): path
        for path in STATIC.rglob("*")
        if path.suffix in MEDIA_TYPES and path.is_file()
    }


async def _event_lines(desk: Desk, since: int) -> AsyncIterator[str]:
    yield "retry: 1000\n\n"
    async for event in desk.journal.follow(since):
        if event is None:
            yield ": still here\n\n"
        else:
            text = json.dumps(event.content, ensure_ascii=True, allow_nan=False)
            yield f"id: {event.version}\nevent: {event.kind}\ndata: {text}\n\n"


async def _receive_upload(request: Request, desk: Desk) -> Mapping[str, str]:
    """Receive one photo into the folder of what was dropped, and return the name that it got."""
    name = required_name(from_text(request.query_params.get("name", ""), FILE_NAME, "name"))
    async with _received(request, desk) as part:
        header = await run_in_threadpool(desk.uploads.accept, part, name)
    return {"name": header.path.name}


async def _receive_list(request: Request, desk: Desk) -> Mapping[str, int]:
    """Receive another program's list and add it to a map; return what became of its pixels."""
    form = from_text(request.query_params.get("format", ""), FORMAT, "format")
    sensor = desk.sensor(from_text(request.path_params["map"], NAME, "map"))
    async with _received(request, desk) as part:
        found = await run_in_threadpool(imported, desk.library, sensor, part, form)
    desk.map_changed(sensor, 0, 0)
    return found


@asynccontextmanager
async def _received(request: Request, desk: Desk) -> AsyncIterator[Path]:
    """Receive a body into a file, which is gone after the block unless the block moved it."""
    claimed = request.headers.get("content-length", "0")
    size = int(claimed) if claimed.isascii() and claimed.isdecimal() and len(claimed) < 16 else 0
    await run_in_threadpool(desk.uploads.require_room, size)
    part = desk.uploads.begin()
    try:
        with part.open("xb") as file:
            received = 0
            async for chunk in request.stream():
                received += len(chunk)
                if received > size:  # it was not said, or not the truth
                    await run_in_threadpool(desk.uploads.require_room, received)
                await run_in_threadpool(file.write, chunk)
        yield part
    except ClientDisconnect as error:
        raise Refused(400, "the request ended early") from error
    except OSError as error:
        raise Refused(507, f"the file could not be kept ({error.strerror})") from error
    finally:
        part.unlink(missing_ok=True)

"""The form of an operation: its address, its parameters and its answers.

Routes and the OpenAPI document are both made from the same table, so they always agree.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Literal, TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ..errors import StillpixError
from .desk import Desk
from .refusal import Refused
from .schema import COMPONENTS, Schema, checked, from_text, named

MOST_BODY_BYTES = 1 << 16
JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that has been checked: what stands in its path, its query and its body."""

    path: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)


Answer: TypeAlias = Response | Mapping[str, Any] | list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing to ask for."""

    name: str
    summary: str
    path: str
    answer: Callable[[Desk, Asked], Answer]  # called in a thread
    method: Literal["GET", "POST", "DELETE"] = "GET"
    in_path: Mapping[str, Schema] = field(default_factory=dict)
    query: Mapping[str, Schema] = field(default_factory=dict)
    required: tuple[str, ...] = ()  # of the query
    body: Schema | None = None
    status: int = 200
    answers: Schema | None = None  # None: a file, of one of the media types
    media_types: tuple[str, ...] = (JSON_TYPE,)
    refusals: tuple[int, ...] = ()


def answered(content: object, status: int = 200) -> Response:
    """Return JSON in ASCII: a file's name may be no text that UTF-8 could hold."""
    text = json.dumps(content, ensure_ascii=True, allow_nan=False)
    return Response(text, status, {"cache-control": "no-store"}, JSON_TYPE)


def refused(error: Refused) -> Response:
    """Return a refusal as the page gets it."""
    return answered({"reason": error.reason}, error.status)


def route_of(operation: Operation, desk: Desk) -> Route:
    """Return the route that answers an operation."""

    async def endpoint(request: Request) -> Response:
        try:
            asked = await _check_request(request, operation)
            answer = await run_in_threadpool(operation.answer, desk, asked)
        except Refused as error:
            return refused(error)
        except StillpixError as error:
            return answered({"reason": str(error)}, 409)
        return answer if isinstance(answer, Response) else answered(answer, operation.status)

    return Route(operation.path, endpoint, methods=[operation.method], name=operation.name)


async def _check_request(request: Request, operation: Operation) -> Asked:
    texts = request.path_params
    path = {
        name: from_text(str(texts[name]), schema, name)
        for name, schema in operation.in_path.items()
    }
    given = dict(request.query_params)
    unknown = next((name for name in given if name not in operation.query), None)
    if unknown is not None or len(given) != len(request.query_params.multi_items()):
        raise Refused(422, "the query has an unknown part, or has one twice")
    missing = next((name for name in operation.required if name not in given), None)
    if missing is not None:
        raise Refused(422, f"the query lacks {missing}")
    query = {
        name: from_text(given[name], schema, name) if name in given else schema.get("default")
        for name, schema in operation.query.items()
    }
    body = await _body(request, operation.body) if operation.body is not None else {}
    return Asked(path, query, body)


async def _body(request: Request, schema: Schema) -> Mapping[str, Any]:
    # A form of another site cannot send this type without asking first.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON_TYPE:
        raise Refused(415, f"the body must be {JSON_TYPE}")
    content = bytearray()
    try:
        async for part in request.stream():
            content += part
            if len(content) > MOST_BODY_BYTES:
                raise Refused(413, f"the body is longer than {MOST_BODY_BYTES} bytes")
    except ClientDisconnect as error:
        raise Refused(400, "the request ended early") from error
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "the body is not JSON") from error
    found: Mapping[str, Any] = checked(value, schema, "body")
    return found


def described(operations: tuple[Operation, ...], others: Mapping[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the operations, and of others that stand in no table.

    Addresses are relative to the page's own, token and all.
    """
    paths: dict[str, dict[str, Any]] = {path: dict(content) for path, content in others.items()}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "stillpix",
            "version": version("stillpix"),
            "description": "Photos in, judged maps of broken pixels and repaired photos out. "
            "x is the stored column and y the stored row, both from 0. Addresses are relative to "
            "the page's, which holds the token.",
        },
        "servers": [{"url": ".."}],
        "paths": paths,
        "components": {"schemas": dict(COMPONENTS)},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name, schema in operation.in_path.items()
    ]
    parameters += [
        {"name": name, "in": "query", "required": name in operation.required, "schema": schema}
        for name, schema in operation.query.items()
    ]
    content = {
        media: {"schema": operation.answers} if operation.answers is not None else {}
        for media in operation.media_types
    }
    responses: dict[str, Any] = {
        str(operation.status): {"description": operation.summary, "content": content}
    }
    codes = {403, 422, *operation.refusals}
    codes |= {400, 413, 415} if operation.body is not None else set()
    for status in sorted(codes):
        responses[str(status)] = problem("not done; the reason says why")
    found: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": responses,
    }
    if parameters:
        found["parameters"] = parameters
    if operation.body is not None:
        found["requestBody"] = {
            "required": True,
            "content": {JSON_TYPE: {"schema": operation.body}},
        }
    return found


def problem(description: str) -> dict[str, Any]:
    """Return the description of a refusal."""
    return {
        "description": description,
        "content": {JSON_TYPE: {"schema": named("Problem")}},
    }

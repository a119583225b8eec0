"""Requests that schemathesis makes up from an OpenAPI document, and what their answers must keep.

It takes a second to import: import this where it is used.
"""

from __future__ import annotations

import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

MAPS: list[str] = []  # the ids of those that there are


class Promises:
    """What a document promises."""

    checks = (
        not_a_server_error,
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    def __init__(self, document):
        self.operations = schemathesis.openapi.from_dict(document)

    def cases(self, method, path):
        """Return a strategy of requests, right ones and wrong ones."""
        operation = self.operations[path][method]
        return st.one_of(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Ask for what there is now and then."""
    there = {"map": MAPS, "photo": ("f1-0", "f1-3"), "job": ("j1", "j2")}
    for name, value in (path_parameters or {}).items():
        if there.get(name) and len(str(value)) % 3 == 0:
            path_parameters[name] = there[name][len(str(value)) % len(there[name])]
    return path_parameters


@schemathesis.hook
def map_query(context, query):
    """Ask for a place on the sensor now and then."""
    for name, most in (("x", 160), ("y", 120)):
        if isinstance((query or {}).get(name), int):
            query[name] %= most
    return query


@schemathesis.hook
def map_body(context, body):
    """Send a place on the sensor and an opened folder now and then."""
    if isinstance(body, dict):
        for name, most in (("x", 160), ("y", 120)):
            if isinstance(body.get(name), int) and len(body) % 2:
                body[name] %= most
        if isinstance(body.get("folder"), str) and len(body["folder"]) % 2:
            body["folder"] = "f1"
    return body

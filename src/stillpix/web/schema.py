"""What may be sent to the page's server, as JSON Schema, and the check that it is so.

One description for both: what the OpenAPI document promises is what is checked, and nothing more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

from .refusal import Refused

Schema: TypeAlias = Mapping[str, Any]

TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


def record(properties: Mapping[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    """Return the schema of an object with these properties and no others.

    >>> record({"x": {"type": "integer"}})["required"]
    ['x']
    """
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def checked(value: object, schema: Schema, where: str) -> Any:
    """Return a value that a schema allows, defaults filled in; raise Refused (422) for another.

    >>> checked({"x": 3}, record({"x": {"type": "integer", "minimum": 0}}), "body")
    {'x': 3}
    """
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(_is(value, name) for name in names):
        raise Refused(422, f"{where}: must be of type {' or '.join(names)}")
    if isinstance(value, dict):
        return _checked_record(value, schema, where)
    if value is None:
        return None
    if "enum" in schema and value not in schema["enum"]:
        raise Refused(422, f"{where}: must be one of {', '.join(map(str, schema['enum']))}")
    if isinstance(value, str):
        _require_length(value, schema, where)
    elif not isinstance(value, bool) and isinstance(value, int | float):
        _require_range(value, schema, where)
    return value


def from_text(text: str, schema: Schema, where: str) -> Any:
    """Return what a path or a query says, in the type of its schema; raise Refused (422).

    >>> from_text("12", {"type": "integer"}, "x")
    12
    """
    wanted = schema["type"]
    value: object = text
    if wanted == "integer":
        # int() would take "1_000", " 7 " and digits of any script.
        digits = text.removeprefix("-")
        plain = digits.isascii() and digits.isdecimal() and len(digits) < 16
        value = int(text) if plain else text
    return checked(value, schema, where)


def _is(value: object, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if isinstance(value, float) and name == "integer":
        return False
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return isinstance(value, TYPES[name])


def _checked_record(value: dict[str, Any], schema: Schema, where: str) -> dict[str, Any]:
    properties = schema["properties"]
    unknown = next((name for name in value if name not in properties), None)
    if unknown is not None:
        raise Refused(422, f"{where}: has no property {unknown[:40]!r}")
    missing = next((name for name in schema["required"] if name not in value), None)
    if missing is not None:
        raise Refused(422, f"{where}: lacks {missing}")
    return {
        name: checked(value[name], inner, f"{where}.{name}")
        if name in value
        else inner.get("default")
        for name, inner in properties.items()
    }


def _require_length(value: str, schema: Schema, where: str) -> None:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        raise Refused(422, f"{where}: is too short or too long")


def _require_range(value: float, schema: Schema, where: str) -> None:
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    above, below = (
        schema.get("exclusiveMinimum", -math.inf),
        schema.get("exclusiveMaximum", math.inf),
    )
    if not (low <= value <= high and above < value < below):
        raise Refused(422, f"{where}: is out of range")


# What is answered

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
MAYBE_NUMBER: Schema = {"type": ["number", "null"]}
MAYBE_WHOLE: Schema = {"type": ["integer", "null"]}
ANY_RECORD: Schema = {"type": "object"}


def listed(schema: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": schema}


def named(name: str) -> Schema:
    """Return a reference to one of COMPONENTS."""
    return {"$ref": f"#/components/schemas/{name}"}


_BRIEF: Mapping[str, Schema] = {
    "id": TEXT,
    "name": TEXT,
    "sensor": named("Sensor"),
    "photos": WHOLE,
    "has_map": FLAG,
    "found_in": WHOLE,
    "expected_false": MAYBE_NUMBER,
    "remarks": listed(TEXT),
    "formats": listed(
        record({"name": TEXT, "program": TEXT, "suffix": TEXT, "why_not": MAYBE_TEXT})
    ),
    "confirmed": WHOLE,
    "candidate": WHOLE,
    "accepted": WHOLE,
    "rejected": WHOLE,
}

COMPONENTS: Mapping[str, Schema] = {
    "Problem": record({"reason": TEXT}),
    "Sensor": record({
        "make": TEXT, "model": TEXT, "serial": TEXT, "width": WHOLE, "height": WHOLE,
        "layout": TEXT, "which": TEXT,
    }),
    "Defect": record({
        "x": WHOLE, "y": WHOLE, "along": {"enum": ["row", "column", None]}, "first": MAYBE_WHOLE,
        "last": MAYBE_WHOLE, "kind": TEXT, "site": MAYBE_TEXT, "strength": MAYBE_NUMBER,
        "score": NUMBER, "q": NUMBER,
        "seen": {"type": ["array", "null"], "items": NUMBER},
        "since": {"type": ["array", "null"], "items": TEXT},
        "state": {"enum": ["confirmed", "candidate", "accepted", "rejected"]},
    }),
    "Brief": record(_BRIEF),
    "Map": record({
        **_BRIEF, "undo": WHOLE, "redo": WHOLE, "defects": listed(named("Defect")),
    }),
    "Photo": record({
        "id": TEXT, "name": TEXT, "width": WHOLE, "height": WHOLE, "exposure_s": MAYBE_NUMBER,
        "gain": MAYBE_NUMBER, "taken": MAYBE_TEXT, "trouble": TEXT,
        "terms": {"type": ["array", "null"], "items": NUMBER},
    }),
    "Sight": record({
        "x": WHOLE, "y": WHOLE, "along": {"enum": ["row", "column", None]}, "why": listed(TEXT),
        "crops": listed(record({
            "photo": TEXT, "name": TEXT, "exposure_s": MAYBE_NUMBER, "gain": MAYBE_NUMBER,
            "shows": {"enum": ["best", "least"]}, "excess": NUMBER,
        })),
    }),
    "Folder": record({
        "id": TEXT, "title": TEXT, "path": TEXT, "photos": WHOLE,
        "bodies": listed(record({"map": TEXT, "name": TEXT, "photos": WHOLE})),
        "not_used": WHOLE, "notes": listed(TEXT), "skipped": listed(named("NotUsed")),
        "examples": listed(record({"id": TEXT, "name": TEXT})),
    }),
    "NotUsed": record({"path": TEXT, "reason": TEXT}),
    "Place": record({
        "path": TEXT, "above": MAYBE_TEXT, "home": TEXT, "photos": WHOLE,
        "folders": listed(record({"name": TEXT, "path": TEXT})),
    }),
    "Job": record({
        "id": TEXT, "revision": WHOLE, "kind": {"enum": ["open", "find", "repair"]},
        "subject": TEXT,
        "state": {"enum": ["running", "stopping", "done", "stopped", "failed"]},
        "phase": TEXT, "done": WHOLE, "total": WHOLE, "rate": MAYBE_NUMBER,
        "camera": WHOLE, "cameras": WHOLE, "all_done": WHOLE, "all_total": WHOLE,
        "sure": {**record({"pixels": WHOLE, "photos": WHOLE}), "type": ["object", "null"]},
        "left_s": MAYBE_NUMBER, "not_used": listed(named("NotUsed")), "not_used_count": WHOLE,
        "messages": listed(TEXT), "error": TEXT, "result": ANY_RECORD,
    }),
    "State": record({
        "version": WHOLE, "stillpix": TEXT, "library": TEXT,
        "folders": listed(named("Folder")), "maps": listed(named("Brief")),
        "jobs": listed(named("Job")), "troubles": listed(TEXT),
        "upload_limit": WHOLE, "recent": listed(TEXT), "suffixes": listed(TEXT),
        "kinds": ANY_RECORD,
    }),
    "Verdicts": record({"repaired": WHOLE, "places": listed(ANY_RECORD), "notes": listed(TEXT)}),
}  # fmt: skip

"""The published form of the HTTP door: an OpenAPI document made from the models of the events.

``python -m services.intake.openapi --write`` writes it to ``docs/``; without the option it says whether it has drifted.
"""

import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from events.registry import DATA, FACT_TOPICS, topic_of
from events.schemas import event_schema
from events.wire import BATCH, ONE
from services.intake.problems import MEDIA_TYPE
from services.runtime.settings import SHIPPED

FILE = SHIPPED / "docs" / "intake.openapi.json"
_SHARED = "#/components/schemas/"
_WHAT = (
    "A request is taken as a whole or not at all: with one event at fault nothing is sent. 202 means that the broker "
    "has acknowledged every event, not that it is judged. source and id name an event for ever, so whatever is posted "
    "twice is stored once: without an answer, or after 429 and 503, post the same again. An event without recordedat "
    "is learnt at the instant of the request. In binary form the attributes travel in ce-* headers, percent-encoded, "
    "and the body is the data. Content-Encoding is not taken."
)
_REFUSALS = {
    "401": "No key, one that is not known, or one that was revoked.",
    "403": "The key may not tell some of these facts; each is listed.",
    "408": "The body came too slowly.",
    "413": "The request, one event or their number is too large.",
    "415": "The content type or encoding is not taken.",
    "422": "Not all of it can be read; each event at fault is listed with its fields and what was expected.",
    "429": "The tracker is behind with storing; wait as Retry-After says.",
    "503": "A server does not answer; post the same again, as Retry-After says.",
}


@cache
def document() -> Mapping[str, Any]:
    """The OpenAPI document."""
    schemas = _schemas()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Contract Impact Tracker: intake",
            "version": "1.0.0",
            "description": "Facts about contracts, licences, purchases and rules, as CloudEvents 1.0.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": {
            "/events": {"post": _post()},
            "/health/live": {"get": _health("live", "Whether the program runs.", ())},
            "/health/ready": {"get": _health("ready", "Whether the broker and Postgres answer.", ("503",))},
            "/metrics": {"get": _figures()},
            "/openapi.json": {"get": _this()},
        },
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "Made by tracker keys add."}
            },
            "schemas": schemas,
        },
    }


def _post() -> dict[str, Any]:
    facts = {"$ref": f"{_SHARED}Fact"}
    attribute = {"type": "string", "minLength": 1, "maxLength": 2000}
    names = {"specversion": {"const": "1.0"}, "type": {"enum": _types()}, "id": attribute, "source": attribute,
             "time": {"type": "string", "format": "date-time"}}  # fmt: skip
    return {
        "operationId": "post_events",
        "summary": "Tell facts",
        "description": _WHAT,
        "security": [{"key": []}],
        "parameters": [
            {"name": f"ce-{name}", "in": "header", "required": False, "schema": schema,
             "description": "In binary form only."}
            for name, schema in names.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                ONE: {"schema": facts},
                BATCH: {"schema": {"type": "array", "items": facts}},
                "application/json": {"schema": {"type": "object", "description": "The data, in binary form."}},
            },
        },
        "responses": {"202": _answer("The broker has all of them.", "Taken"), **_refused(_REFUSALS)},
    }  # fmt: skip


def _health(name: str, summary: str, refusals: tuple[str, ...]) -> dict[str, Any]:
    said = {code: _REFUSALS[code] for code in refusals}
    return {
        "operationId": f"health_{name}",
        "summary": summary,
        "security": [],
        "responses": {"200": _answer("It is so.", "Health"), **_refused(said)},
    }


def _figures() -> dict[str, Any]:
    return {
        "operationId": "metrics",
        "summary": "What was taken and refused, for Prometheus",
        "security": [],
        "responses": {
            "200": {"description": "Figures.", "content": {"text/plain": {"schema": {"type": "string"}}}}
        },
    }


def _this() -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "operationId": "openapi",
        "summary": "This document",
        "security": [],
        "responses": {"200": {"description": "OpenAPI 3.1.", "content": content}},
    }


def _answer(what: str, schema: str) -> dict[str, Any]:
    return {"description": what, "content": {"application/json": {"schema": {"$ref": _SHARED + schema}}}}


def _refused(said: Mapping[str, str]) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": f"{_SHARED}Problem"}}}
    return {
        code: {"description": what, "content": content} | ({"headers": _HEADERS[code]} if code in _HEADERS else {})
        for code, what in said.items()
    }  # fmt: skip


_WAIT = {
    "Retry-After": {"required": True, "description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
}
_HEADERS = {
    "401": {"WWW-Authenticate": {"required": True, "schema": {"type": "string", "pattern": "^Bearer "}}},
    "429": _WAIT,
    "503": _WAIT,
}


def _schemas() -> dict[str, Any]:
    """The schemas of the document by their names: each type of fact, what they share, and the answers."""
    found: dict[str, Any] = {}
    for name in _types():
        schema = {key: part for key, part in event_schema(name).items() if key != "$schema"}
        for shared, part in schema.pop("$defs").items():
            if found.setdefault(shared, _moved(part)) != _moved(part):
                raise ValueError(
                    f"{shared} means two things in the schemas of events: rename one of the models"
                )
        found[name] = _moved(schema)
    refs = {name: f"{_SHARED}{name}" for name in _types()}
    found["Fact"] = {
        "oneOf": [{"$ref": ref} for ref in refs.values()],
        "discriminator": {"propertyName": "type", "mapping": refs},
    }
    return found | _answers()


def _answers() -> dict[str, Any]:
    counted = {"type": "integer", "minimum": 0}
    place = {
        "index": {**counted, "description": "Of the event in the batch; 0 for a single one."},
        "field": {
            "type": "string",
            "description": "Of the event, such as data.lines.0.unit; empty: the whole.",
        },
        "expected": {"type": "string"},
    }
    said = {name: {"type": "string"} for name in ("type", "title", "detail")}
    more = {**counted, "description": "How many further mistakes are not listed."}
    return {
        "Taken": _object({"events": counted, "topics": {"type": "object", "additionalProperties": counted}}),
        "Health": _object({"status": {"enum": ["live", "ready"]}}),
        "Wrong": _object(place),
        "Problem": {
            **_object({**said, "status": {"type": "integer"}}),
            "description": "RFC 9457.",
            "properties": {
                **said,
                "status": {"type": "integer"},
                "errors": {"type": "array", "items": {"$ref": f"{_SHARED}Wrong"}},
                "more": more,
            },
        },
    }


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


def _types() -> list[str]:
    return [name for name in DATA if topic_of(name) in FACT_TOPICS]


def _moved(schema: Any) -> Any:
    """The schema with what it refers to in the place where an OpenAPI document keeps it."""
    match schema:
        case dict():
            return {
                key: value.replace("#/$defs/", _SHARED) if key == "$ref" else _moved(value)
                for key, value in schema.items()
            }
        case list():
            return [_moved(part) for part in schema]
    return schema


def text() -> str:
    """The document as it is checked in."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def drifted(file: Path = FILE) -> bool:
    """Whether the file is not what the models say now."""
    return not file.exists() or file.read_text() != text()


def main(arguments: list[str]) -> int:
    """Writes the document, or says that it has drifted; returns the exit code."""
    if arguments == ["--write"]:
        FILE.write_text(text())
        return 0
    if drifted():
        print(f"docs/{FILE.name} is not what the models say: run python -m services.intake.openapi --write")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
